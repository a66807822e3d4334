//! Policies.

use serde::Serialize;
use utoipa::ToSchema;

use super::{Credits, MemberId, ModelPattern, RoleNode};

/// What a policy says.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub enum PolicySource {
    /// In Cedar.
    Cedar(String),
    /// As a setting.
    Setting(Setting),
}

/// A policy as a setting. Where `on` is left out it holds in the whole organization, otherwise on that node and below.
/// More than `most` at once is refused, or needs approval by `approval` where that is said.
#[derive(Serialize, ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Setting {
    /// What people may send each other; nothing, where `most` is left out.
    Transfers {
        /// Where.
        on: Option<RoleNode>,
        /// How much at once.
        most: Option<Credits>,
        /// Who can approve more.
        approval: Option<String>,
    },
    /// What people may draw from their team's pool.
    PoolDraws {
        /// Where.
        on: Option<RoleNode>,
        /// How much at once.
        most: Credits,
        /// Who can approve more.
        approval: Option<String>,
    },
    /// Whether idle credits are shared during an absence.
    AbsenceSharing {
        /// Where.
        on: Option<RoleNode>,
        /// Whether they are.
        allowed: bool,
    },
    /// Temporary allotments.
    Boosts {
        /// Where.
        on: Option<RoleNode>,
        /// How much at once.
        most: Credits,
        /// Who can approve more.
        approval: Option<String>,
    },
    /// Credits up and down the tree.
    Allotments {
        /// Where.
        on: Option<RoleNode>,
        /// How much at once.
        most: Credits,
        /// Who can approve more.
        approval: Option<String>,
    },
    /// Which models may be called.
    Models {
        /// Where.
        on: Option<RoleNode>,
        /// For these people; for everybody if left out.
        members: Option<Vec<MemberId>>,
        /// Names, or beginnings that end in `*`.
        only: Vec<ModelPattern>,
    },
}
