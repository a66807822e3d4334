//! Wire formats of model providers: what a call asks for, what it may cost at
//! most, what is sent upstream, and what comes back.
//!
//! In scope: `openai` (chat completions, embeddings, the list of models and
//! errors, in the form that OpenAI and everybody compatible with it speak) and
//! `demo` (a built-in model without a network, for trying Alfred and for its
//! tests). Everything is bytes in, bytes and plain numbers out.
//!
//! Out of scope: prices and credits (`pricing`, `ledger`), sending anything,
//! waiting, and any decision about who may call what.

pub mod demo;
pub mod openai;
