//! Policies.

use serde::Serialize;
use utoipa::ToSchema;

use super::{Amount, MemberId, ModelPattern, Name, PolicyMode, RoleNode};

/// What a policy says.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub enum PolicySource {
    /// In Cedar.
    Cedar(String),
    /// As a setting.
    Setting(Setting),
}

/// How far away somebody may be who gets credits.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Within {
    /// In the same team.
    Team,
    /// In the same department.
    Department,
}

/// A policy as a setting. Where `on` is left out it holds in the whole organization, otherwise on that node and below.
/// More than `most` at once is refused, or needs approval by `approval` where that is said.
#[derive(Serialize, ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Setting {
    /// What people may send each other; nothing, where `most`, `most_a_day` and `within` are left out.
    Transfers {
        /// Where.
        on: Option<RoleNode>,
        /// How much at once.
        most: Option<Amount>,
        /// How much in a day of the organization's time zone, from one account.
        most_a_day: Option<Amount>,
        /// To whom; anybody in the organization if left out.
        #[schema(inline)]
        within: Option<Within>,
        /// Who can approve more.
        approval: Option<Name>,
    },
    /// What people may draw from their team's pool.
    PoolDraws {
        /// Where.
        on: Option<RoleNode>,
        /// How much at once.
        most: Amount,
        /// Who can approve more.
        approval: Option<Name>,
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
        most: Amount,
        /// Who can approve more.
        approval: Option<Name>,
    },
    /// Amount up and down the tree.
    Allotments {
        /// Where.
        on: Option<RoleNode>,
        /// How much at once.
        most: Amount,
        /// Who can approve more.
        approval: Option<Name>,
    },
    /// Which models may be called.
    Models {
        /// Where.
        on: Option<RoleNode>,
        /// For these people; for everybody if left out.
        #[schema(min_items = 1)]
        members: Option<Vec<MemberId>>,
        /// Names, or beginnings that end in `*`.
        #[schema(max_items = 200)]
        only: Vec<ModelPattern>,
    },
}

/// A policy as it shall be: in Cedar or as a setting.
#[derive(ToSchema)]
#[serde(untagged)]
pub enum NewPolicy {
    /// In Cedar.
    Cedar(NewCedarPolicy),
    /// As a setting.
    Setting(NewSettingPolicy),
}

/// A policy in Cedar, as it shall be.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewCedarPolicy {
    /// Unique in the organization.
    pub name: Name,
    /// In Cedar; see `/policies/schema` for what there is.
    #[schema(max_length = 10_000)]
    pub cedar: String,
    /// In shadow mode it is evaluated and does not decide.
    #[serde(default)]
    #[schema(value_type = PolicyMode)]
    pub mode: String,
    /// The version that was read, so that nobody else's change is overwritten.
    #[schema(maximum = 4_294_967_295_i64)]
    pub version: Option<u64>,
}

/// A policy as a setting, as it shall be.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewSettingPolicy {
    /// Unique in the organization.
    pub name: Name,
    /// As a setting.
    pub setting: Setting,
    /// In shadow mode it is evaluated and does not decide.
    #[serde(default)]
    #[schema(value_type = PolicyMode)]
    pub mode: String,
    /// The version that was read, so that nobody else's change is overwritten.
    #[schema(maximum = 4_294_967_295_i64)]
    pub version: Option<u64>,
}
