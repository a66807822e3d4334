//! The organization's actor: treasury, departments, directory, settings.
//!
//! **Why it must be serialized.** Allotments must not take the same credits of
//! a department twice, ids and names must be unique, and settings have one
//! version at a time.
//!
//! **Atomicity.** As in the team's actor: decide on memory, commit one
//! [`journal::Change`] in one transaction, then change memory. Whatever teams
//! must hear of travels in the same transaction's outbox.
//!
//! **What is stored.** `records` (organization, departments, teams, members,
//! admin keys, service accounts, roles, policies, providers, prices, sign-in,
//! sessions), the policies' versions, and the journal's tables. Nothing of it is on the path
//! of a call.
//!
//! In scope: the logic, native and tested over rusqlite, and the commands'
//! wire format ([`protocol`]).
//!
//! Out of scope: HTTP, alarms and the queue (`workers/actors`), what happens
//! below a team's pool (`team`), making ids and secrets (`api`).
#![deny(clippy::float_arithmetic, clippy::arithmetic_side_effects, clippy::as_conversions)]

mod access;
mod approvals;
mod calendars;
mod channels;
mod directory;
mod live;
mod money;
mod order;
mod organization;
mod people;
mod plans;
pub mod protocol;
mod provisioning;
mod records;
mod reseal;
mod retention;
mod settings;
mod settings_orders;
mod tags;
mod trail;
mod view;

pub use organization::Organization;
pub use people::SessionReply;
pub use retention::Retention;
pub use settings::{
    General, LeaverCredits, LimitField, OutputLimit, Provider, ProviderKind, Settings, StandsFor, Workload,
};
