//! Credits for one member, apart from their wallet, as a rule for a while.

pub(crate) mod begin;
pub(crate) mod end;
pub(crate) mod list;

use ::team::protocol::BoostView;
use identity::{BoostId, MemberId};
use ledger::Millicredits;
use serde::Serialize;
use utoipa::ToSchema;

use super::transfers::shown;
use crate::node::Node;
use crate::schema;
use crate::time::Time;

/// A boost.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Boost {
    #[schema(value_type = schema::BoostId)]
    id: BoostId,
    #[schema(value_type = schema::Time)]
    time: Time,
    #[schema(value_type = schema::MemberId)]
    member_id: MemberId,
    /// Where the credits came from, and where unused ones go back to.
    #[schema(value_type = schema::WalletOrPool)]
    from: Node,
    #[schema(value_type = schema::Credits)]
    amount: Millicredits,
    /// What is left to spend.
    #[schema(value_type = schema::Credits)]
    available: Millicredits,
    /// Of it, for calls in flight.
    #[schema(value_type = schema::Credits)]
    reserved: Millicredits,
    /// How much went back unused.
    #[schema(value_type = schema::Credits)]
    returned: Millicredits,
    /// Until when they can be spent; `null` for until they are.
    #[schema(value_type = Option<schema::Time>)]
    ends_at: Option<Time>,
    /// When it ended.
    #[schema(value_type = Option<schema::Time>)]
    ended_at: Option<Time>,
    /// Whether the rate limits of the member and their keys do not bind until then.
    lifts_rate_limits: bool,
    reason: Option<String>,
    /// On whose order.
    who: String,
}

impl From<BoostView> for Boost {
    fn from(BoostView { boost, left }: BoostView) -> Self {
        Self {
            id: boost.new.id,
            time: Time::from_ms(boost.time_ms),
            member_id: boost.new.member,
            from: shown(boost.new.from),
            amount: boost.new.amount,
            available: left.available,
            reserved: left.reserved,
            returned: boost.returned,
            ends_at: boost.new.ends_ms.map(Time::from_ms),
            ended_at: boost.ended_ms.map(Time::from_ms),
            lifts_rate_limits: boost.new.lifts_rate_limits,
            reason: boost.new.reason,
            who: boost.who.to_string(),
        }
    }
}
