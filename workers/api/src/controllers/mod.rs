//! The operations, by resource.

pub(crate) mod absences;
pub(crate) mod admin_keys;
pub(crate) mod allotments;
pub(crate) mod approvals;
pub(crate) mod ask;
pub(crate) mod audit;
pub(crate) mod auth;
pub(crate) mod balances;
pub(crate) mod boosts;
pub(crate) mod calendars;
pub(crate) mod channels;
pub(crate) mod chat;
pub(crate) mod chat_links;
pub(crate) mod dead_letters;
pub(crate) mod departments;
pub(crate) mod events;
pub(crate) mod grants;
pub(crate) mod health;
pub(crate) mod index;
pub(crate) mod journal;
pub(crate) mod keys;
pub(crate) mod limits;
pub(crate) mod me;
pub(crate) mod members;
pub(crate) mod metrics;
pub(crate) mod notifications;
pub(crate) mod organization;
pub(crate) mod organizations;
pub(crate) mod permissions;
pub(crate) mod plans;
pub(crate) mod policies;
pub(crate) mod policy_trials;
pub(crate) mod prices;
pub(crate) mod privacy;
pub(crate) mod providers;
pub(crate) mod requests;
pub(crate) mod sealed;
pub(crate) mod service_accounts;
pub(crate) mod sessions;
pub(crate) mod sign_in;
pub(crate) mod teams;
pub(crate) mod transfers;
pub(crate) mod usage;
pub(crate) mod workloads;

use axum::Json;
use http::StatusCode;

/// Something was made.
pub(crate) type Created<T> = (StatusCode, Json<T>);

/// 201 and the thing.
pub(crate) fn created<T>(made: T) -> Created<T> {
    (StatusCode::CREATED, Json(made))
}
