//! What is sent and answered about plans.

use ::organization::protocol::{NewPlan, Plan, Recipients};
use identity::{PlanId, TransferId};
use ledger::Millicredits;
use limits::{Cycle, Day, Every, Zone};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::recipients::RecipientsBody;
use crate::schema;
use crate::text::{Name, given};

use crate::time::Time;

/// Where nothing is said, somebody is told so many days before credits go back:
/// in time to do something, and not when they have just come.
const fn warn_days(every: Every) -> u8 {
    match every {
        Every::Day => 0,
        Every::Week => 1,
        Every::Month | Every::Quarter | Every::Year => 3,
    }
}

/// The month with which a year begins, 1 to 12.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(crate) struct Month(u8);

impl<'de> Deserialize<'de> for Month {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let month = u8::deserialize(deserializer).ok().filter(|month| (1..=12).contains(month));
        month.map(Self).ok_or_else(|| serde::de::Error::custom("`first_month` is a month, 1 to 12"))
    }
}

/// For how many days ahead somebody is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct WarnDays(u8);

impl<'de> Deserialize<'de> for WarnDays {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let days = u8::deserialize(deserializer).ok().filter(|days| *days <= 60);
        days.map(Self).ok_or_else(|| serde::de::Error::custom("`warn_days` is a number of days, 0 to 60"))
    }
}

/// How often a plan gives.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = PlanPeriod)]
pub(crate) struct PeriodBody {
    #[schema(value_type = schema::Every)]
    every: Every,
    /// The month with which a year, or one of its quarters, begins; January if left out.
    #[serde(default = "january")]
    #[schema(value_type = u8, minimum = 1, maximum = 12)]
    first_month: Month,
}

const fn january() -> Month {
    Month(1)
}

impl From<PeriodBody> for Cycle {
    fn from(body: PeriodBody) -> Self {
        Self { every: body.every, first_month: body.first_month.0 }
    }
}

/// What of a period's credits that are unspent stays for the next one.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum Rollover {
    /// All.
    // With braces, so that fields beside it are refused here too.
    All {},
    /// At most so much; the rest goes back to where it came from.
    Capped {
        #[schema(value_type = schema::Amount)]
        most: Millicredits,
    },
    /// Nothing: all that is unspent goes back to where it came from.
    None {},
}

impl Default for Rollover {
    fn default() -> Self {
        Self::All {}
    }
}

impl From<Rollover> for Option<Millicredits> {
    fn from(rollover: Rollover) -> Self {
        match rollover {
            Rollover::All {} => None,
            Rollover::Capped { most } => Some(most),
            Rollover::None {} => Some(Millicredits::ZERO),
        }
    }
}

impl From<Option<Millicredits>> for Rollover {
    fn from(most: Option<Millicredits>) -> Self {
        match most {
            None => Self::All {},
            Some(Millicredits::ZERO) => Self::None {},
            Some(most) => Self::Capped { most },
        }
    }
}

/// With which period a plan begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Begins {
    /// With the next one.
    #[default]
    Next,
    /// With the one that has begun.
    Now,
}

/// A new plan.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewPlan)]
pub(crate) struct NewPlanBody {
    #[schema(value_type = schema::Name)]
    name: Name,
    pub(super) to: RecipientsBody,
    /// How much to each.
    #[schema(value_type = schema::PositiveAmount)]
    pub(super) amount: Millicredits,
    period: PeriodBody,
    /// With which period it begins; with the next one if left out.
    #[serde(default)]
    begins: Begins,
    /// No period begins then or later; it goes on for ever if left out.
    #[serde(default)]
    #[schema(value_type = Option<schema::Time>)]
    ends_at: Option<Time>,
    /// All if left out.
    #[serde(default)]
    rollover: Rollover,
    /// So many days before credits go back their owner is told, or who manages the pool's team; 0 for never. If left out:
    /// never for days, 1 for weeks, otherwise 3.
    #[serde(default)]
    #[schema(value_type = Option<u8>, maximum = 60)]
    warn_days: Option<WarnDays>,
}

impl NewPlanBody {
    pub(super) fn into_new(self, id: PlanId, to: Recipients) -> NewPlan {
        NewPlan {
            id,
            name: self.name.into_string(),
            to,
            amount: self.amount,
            cycle: self.period.into(),
            begins_now: self.begins == Begins::Now,
            ends_ms: self.ends_at.map(Time::ms),
            most_kept: self.rollover.into(),
            warn_days: self.warn_days.map_or(warn_days(self.period.every), |days| days.0),
            enabled: true,
        }
    }
}

/// What shall be different.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PlanChange {
    #[serde(default)]
    #[schema(value_type = Option<schema::Name>)]
    name: Option<Name>,
    #[serde(default)]
    #[schema(value_type = Option<schema::PositiveAmount>)]
    amount: Option<Millicredits>,
    #[serde(default)]
    period: Option<PeriodBody>,
    /// `null` for never.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<schema::Time>)]
    ends_at: Option<Option<Time>>,
    #[serde(default)]
    rollover: Option<Rollover>,
    #[serde(default)]
    #[schema(value_type = Option<u8>, maximum = 60)]
    warn_days: Option<WarnDays>,
    /// `false` to pause it.
    #[serde(default)]
    enabled: Option<bool>,
}

impl PlanChange {
    /// How much the plan will give to each, where this makes it give more or
    /// again; who may not set that much may still pause it, or give less.
    pub(super) fn gives(&self, plan: &NewPlan) -> Option<Millicredits> {
        let amount = self.amount.unwrap_or(plan.amount);
        let begins = self.enabled == Some(true) && !plan.enabled;
        let goes_on = self.ends_at.is_some() || self.period.is_some();
        (amount > plan.amount || begins || goes_on).then_some(amount)
    }

    pub(super) fn applied(self, plan: NewPlan) -> NewPlan {
        NewPlan {
            name: self.name.map_or(plan.name, Name::into_string),
            amount: self.amount.unwrap_or(plan.amount),
            cycle: self.period.map_or(plan.cycle, Into::into),
            ends_ms: self.ends_at.map_or(plan.ends_ms, |ends| ends.map(Time::ms)),
            most_kept: self.rollover.map_or(plan.most_kept, Into::into),
            warn_days: self.warn_days.map_or(plan.warn_days, |days| days.0),
            enabled: self.enabled.unwrap_or(plan.enabled),
            ..plan
        }
    }
}

/// A plan.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Plan)]
pub(crate) struct PlanBody {
    #[schema(value_type = schema::PlanId)]
    id: PlanId,
    name: String,
    to: RecipientsBody,
    /// How much to each.
    #[schema(value_type = schema::Credits)]
    amount: Millicredits,
    period: PeriodBody,
    #[schema(value_type = Option<schema::Time>)]
    ends_at: Option<Time>,
    rollover: Rollover,
    /// So many days before credits go back their owner is told, or who manages the pool's team; 0 for never.
    warn_days: u8,
    /// Whether it gives anything.
    enabled: bool,
    /// When the next period begins that it gives for.
    #[schema(value_type = Option<schema::Time>)]
    next_at: Option<Time>,
    /// The last period that it gave for.
    last: Option<LastPeriod>,
}

/// What a plan gave for a period.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct LastPeriod {
    /// The period's first day.
    #[schema(value_type = schema::Day)]
    first_day: Day,
    /// When it was given.
    #[schema(value_type = schema::Time)]
    time: Time,
    /// The movements' name in every journal.
    #[schema(value_type = schema::TransferId)]
    transfer_id: TransferId,
    /// How much, all together; what wallets were given is told a moment later.
    #[schema(value_type = schema::Credits)]
    given: Millicredits,
    /// How much was to be given and was not there.
    #[schema(value_type = schema::Credits)]
    missing: Millicredits,
    /// How much of the period before went back unspent.
    #[schema(value_type = schema::Credits)]
    returned: Millicredits,
}

impl PlanBody {
    pub(super) fn new(plan: Plan, zone: &Zone) -> Self {
        let next_ms = plan.due_ms(zone);
        let NewPlan { id, name, to, amount, cycle, ends_ms, most_kept, warn_days, enabled, .. } = plan.new;
        let last = plan.last.map(|run| LastPeriod {
            first_day: run.period,
            time: Time::from_ms(run.time_ms),
            transfer_id: run.transfer,
            given: run.given,
            missing: run.missing,
            returned: run.returned,
        });
        Self {
            id,
            name,
            to: to.into(),
            amount,
            period: PeriodBody { every: cycle.every, first_month: Month(cycle.first_month) },
            ends_at: ends_ms.map(Time::from_ms),
            rollover: most_kept.into(),
            warn_days,
            enabled,
            next_at: next_ms.map(Time::from_ms),
            last,
        }
    }
}
