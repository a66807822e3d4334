//! What every script needs of the runtime that it runs in.
//!
//! In scope: reaching the actors, which run in a script of their own (one
//! command, one answer, sent again where that is safe), and listening to them;
//! the way to whoever hears a stream; queues; time and randomness; and starting
//! anew after the program has died (instance.mjs).
//!
//! Out of scope: what commands and answers mean; that is in `team` and
//! `organization`.

mod actors;
#[cfg(target_arch = "wasm32")]
mod instance;
mod listen;
mod pipe;
mod queue;
mod random;

pub use actors::{ActorError, Actors};
#[cfg(target_arch = "wasm32")]
pub use instance::{begin, check};
pub use listen::{LISTENER, LISTENS, ListenError, Listening, decoded, encoded};
pub use pipe::{Outflow, Pipe};
pub use queue::enqueue;
pub use random::{now_ms, random_u128, uuid_v7};
