//! Who may do what: roles on the tree, an organization's own policies, and
//! deciding by them. Policies are written in Cedar
//! (<https://docs.cedarpolicy.com>, `cedar-policy`).
//!
//! In scope: the list of actions, what the built-in roles may do, checking a
//! policy when it is written, and deciding: allowed or not, by which policies,
//! who must approve it first and who is told.
//!
//! Out of scope: who the caller is (sign-in and keys), where grants and
//! policies are kept (`organization`), and approvals and messages.
//!
//! **It fails closed.** What no policy permits is not allowed; what a policy
//! forbids is not allowed; and where a policy cannot be evaluated, nothing is.
//! Only the operator is not bound by an organization's own policies.

mod action;
mod decision;
mod engine;
mod matrix;
mod policies;
mod question;
mod recorded;
mod role;
mod rule;
mod schema;
mod setting;

pub use action::{Action, ActionError, Area, Kind};
pub use audit::{Shadow, Verdict};
pub use decision::Decision;
pub use engine::Engine;
pub use matrix::{Column, allowed, count};
pub use question::{About, Facts, Question, Resource, Who};
pub use recorded::Recorded;
pub use role::{Grant, Grantee, Node, Role};
pub use rule::{LONGEST_TEXT, MOST_RULES, Mode, PolicyError, Rule};
pub use schema::text as schema_text;
pub use setting::{Setting, Within};
