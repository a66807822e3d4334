//! The script of the actors: the Durable Object classes around `team` and
//! `organization`.
//!
//! In scope: HTTP with a serialized body (a Durable Object written in Rust has
//! no other way in), waking from storage, the alarm, the outbox's deliveries,
//! the queue, and sockets over which is told what happens. What is not named in entry.js is missing from the build
//! (`cargo xtask build` checks that).
//!
//! Out of scope: every decision; those are in `team` and `organization`.
//!
//! **The rule of the shells.** A command runs between two awaits, so nothing
//! else can come in between. After any storage error the memory is dropped and
//! read again from the database: memory is only a cache.

#[cfg(target_arch = "wasm32")]
mod live;
#[cfg(target_arch = "wasm32")]
mod name;
#[cfg(target_arch = "wasm32")]
#[expect(missing_docs, reason = "the attribute macro writes public items")]
mod organization_actor;
#[cfg(target_arch = "wasm32")]
mod publish;
#[cfg(target_arch = "wasm32")]
#[expect(missing_docs, reason = "the attribute macro writes public items")]
mod team_actor;
#[cfg(any(target_arch = "wasm32", test))]
mod timer;

#[cfg(target_arch = "wasm32")]
pub use organization_actor::OrganizationActor;
#[cfg(target_arch = "wasm32")]
pub use runtime::{begin, check};
#[cfg(target_arch = "wasm32")]
pub use team_actor::TeamActor;
