//! Limits.

use serde::Serialize;
use utoipa::ToSchema;

use super::{CapKind, CountUnit, CreditUnit, Credits, LimitCredits, RateKind, RateWindow, Window};
use crate::controllers::limits::SubjectBody;

/// An amount of a limit: credits as a decimal number in a string, tokens and requests as a whole number.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
pub enum LimitAmount {
    /// Of credits.
    Credits(Credits),
    /// Of tokens or requests.
    Count(i64),
}

/// Another amount of a limit, in its own unit.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
pub enum NewLimitAmount {
    /// Of credits.
    Credits(LimitCredits),
    /// Of tokens or requests.
    Count(Count),
}

/// A new limit.
#[derive(ToSchema)]
#[serde(untagged)]
pub enum NewLimit {
    /// In credits.
    Credits(NewCreditLimit),
    /// In tokens or requests.
    Count(NewCountLimit),
    /// In tokens or requests a minute: whoever is beyond it only has to wait.
    Rate(NewRateLimit),
}

/// A new cap in credits.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewCreditLimit {
    /// On whom.
    #[schema(value_type = SubjectBody)]
    pub subject: String,
    /// A cap, if left out too.
    pub kind: Option<CapKind>,
    /// In which it counts.
    pub window: Window,
    /// What it counts.
    pub unit: CreditUnit,
    /// How much.
    pub amount: LimitCredits,
}

/// A new limit in tokens or requests: if `kind` is left out, a rate limit where the window is a minute, otherwise a cap.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewCountLimit {
    /// On whom.
    #[schema(value_type = SubjectBody)]
    pub subject: String,
    /// Which kind.
    pub kind: Option<CapKind>,
    /// In which it counts.
    pub window: Window,
    /// What it counts.
    pub unit: CountUnit,
    /// How many.
    pub amount: Count,
}

/// A new rate limit.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewRateLimit {
    /// On whom.
    #[schema(value_type = SubjectBody)]
    pub subject: String,
    /// Which kind.
    pub kind: RateKind,
    /// In which it counts.
    pub window: RateWindow,
    /// What it counts.
    pub unit: CountUnit,
    /// How many.
    pub amount: Count,
}

/// A number of tokens or requests.
#[derive(Serialize, ToSchema)]
#[schema(maximum = 1_000_000_000_000_000_i64, example = 600)]
pub struct Count(pub u64);
