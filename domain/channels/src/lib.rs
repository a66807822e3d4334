//! Notifications: what they look like in each channel, and what comes back
//! from it.
//!
//! In scope: one [message](message::Message) for all channels and the words of
//! every [event](event::Event); for each channel the request that sends a
//! message, within its limits and without anything in people's texts becoming
//! markup, a link or a mention, and what the provider's answer means; whether
//! what a channel sends is genuine, and what it says; and the
//! [values of buttons](ActionToken) and [links](link) by which somebody decides.
//!
//! Out of scope: sending (the shells do), the clock and randomness (`now_ms`,
//! keys and salts come in), who is told of what and in which channel, who may
//! decide, whose account in a channel somebody's is, and that nothing is told
//! or done twice: ids of messages and of what comes in are given for that.
//!
//! | channel | sends | hears |
//! |---|---|---|
//! | [`slack`] | bot, [incoming webhook](slack::webhook) | buttons, `/alfred` |
//! | [`teams`] | Workflows webhook | links |
//! | [`email`] | Resend, Postmark, MIME for Cloudflare's binding | links |
//! | [`telegram`] | bot | buttons, commands, codes to link an account |
//! | [`discord`] | bot, [webhook](discord::webhook) | buttons, `/alfred`, codes to link an account |
//! | [`whatsapp`] | Cloud API | buttons, texts |
//! | [`webhook`] | Standard Webhooks | |
//! | [`push`] | Web Push | links |
//!
//! Signatures and encryption are made of the primitives that the workspace has
//! anyway (`hmac`, `sha2`, `p256`, `aes-gcm`, `ed25519-compact`), by the
//! vectors of the specifications. `standardwebhooks` and `web-push-native` wrap
//! the same in 18 and 128 KB, and the latter makes keys itself, for which it
//! needs randomness.

mod channel;
pub mod command;
mod crypto;
pub mod discord;
pub mod email;
mod endpoint;
pub mod event;
pub mod incoming;
pub mod link;
pub mod message;
mod outgoing;
pub mod push;
pub mod slack;
pub mod teams;
pub mod telegram;
mod templates;
#[cfg(test)]
mod testing;
mod text;
mod token;
pub mod webhook;
pub mod whatsapp;

pub use channel::Channel;
pub use endpoint::{Endpoint, EndpointError, Secret, SecretError, Transport};
pub use outgoing::{Answer, Headers, Method, Outcome, Outgoing};
pub use token::{ActionKeys, ActionToken, Answered, TokenError, Verdict, WeakMaster};
