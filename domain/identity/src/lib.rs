//! Who is who: typed ids, API keys and the principals that act.
//!
//! In scope: the text forms of ids and keys, how a key is recognised, cut up
//! and hashed, and the names under which an act is recorded.
//!
//! Out of scope: making ids and secrets (randomness and the clock belong to
//! the shells, which hand bytes in), and what a principal may do.

mod base32;
mod home;
mod id;
mod key;
mod network;
mod principal;
mod refresh;

pub use home::at_home;
pub use id::{
    AbsenceId, AdminKeyId, ApprovalId, AuditId, BoostId, CalendarId, ChannelId, DepartmentId, EntryId, GrantId,
    GroupId, IdError, KeyId, LimitId, MemberId, OrganizationId, PlanId, PolicyId, ProviderId, RequestId,
    ServiceAccountId, ServiceKeyId, SessionId, TeamId, TransferId, WorkloadId,
};
pub use key::{AdminKey, ApiKey, KeyError, KeyHash, ServiceKey, SetupToken};
pub use network::{NetworkError, Networks};
pub use principal::Principal;
pub use refresh::{RefreshError, RefreshToken};
