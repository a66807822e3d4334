//! The actors as the runtime sees them: the Durable Object classes around
//! `team` and `organization`, and the clients by which workers and actors
//! reach them.
//!
//! In scope: HTTP with a serialized body (a Durable Object written in Rust has
//! no other way in), waking from storage, the alarm, the outbox's deliveries
//! and the queue.
//!
//! Out of scope: every decision; those are in `team` and `organization`.
//!
//! **The rule of the shells.** A command runs between two awaits, so nothing
//! else can come in between. After any storage error the memory is dropped and
//! read again from the database: memory is only a cache.

mod client;
#[cfg(target_arch = "wasm32")]
mod name;
#[cfg(target_arch = "wasm32")]
#[expect(missing_docs, reason = "the attribute macro writes public items")]
mod organization_actor;
#[cfg(target_arch = "wasm32")]
mod publish;
mod random;
#[cfg(target_arch = "wasm32")]
#[expect(missing_docs, reason = "the attribute macro writes public items")]
mod team_actor;
#[cfg(any(target_arch = "wasm32", test))]
mod timer;

pub use client::{ActorError, Actors};
#[cfg(target_arch = "wasm32")]
pub use organization_actor::OrganizationActor;
pub use random::{now_ms, random_u128, uuid_v7};
#[cfg(target_arch = "wasm32")]
pub use team_actor::TeamActor;
