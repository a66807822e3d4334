//! What a member may see with a key of their own.

use axum::Json;
use events::MemberStatus;
use identity::{MemberId, OrganizationId, TeamId};
use ledger::Millicredits;
use limits::{PoolRules, Window};
use pricing::CreditRate;
use serde::Serialize;
use utoipa::ToSchema;

use super::boosts::Boost;
use super::keys::Key;
use super::limits::LimitBody;
use crate::extract::Member;
use crate::money::dollars;
use crate::problem::Problem;
use crate::schema;
use crate::time::Time;

/// A member, and what they have.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Me {
    organization: MyOrganization,
    team: MyTeam,
    member: MyMember,
    key: Key,
    wallet: MyFunds,
    /// Credits apart from the wallet: they pay before it does.
    boosts: Vec<Boost>,
    /// What of the wallet others may use while the member is away. It pays for their own calls too.
    lent: MyFunds,
    /// What colleagues who are away let the member use.
    borrowable: Worth,
    /// The team's pool; `null` where calls may not draw from it.
    pool: Option<MyFunds>,
    /// What the pool's rules leave the member; `null` where it has none.
    pool_draws: Option<MyDraws>,
    /// All of them together: what the next call could cost.
    available: Worth,
    /// Limits that bind this key.
    limits: Vec<LimitBody>,
    /// What the member used, by window.
    usage: Vec<Used>,
}

/// The member's organization.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct MyOrganization {
    #[schema(value_type = schema::OrganizationId)]
    id: OrganizationId,
    name: String,
    time_zone: String,
    /// Where people ask for more credits.
    help: Option<String>,
}

/// The member's team.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct MyTeam {
    #[schema(value_type = schema::TeamId)]
    id: TeamId,
    name: String,
    /// Models that it may use; `null` for all.
    models: Option<Vec<String>>,
}

/// Who asks.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct MyMember {
    #[schema(value_type = schema::MemberId)]
    id: MemberId,
    name: String,
    #[schema(value_type = schema::MemberStatus)]
    status: MemberStatus,
    /// Models that they may use, within the team's; `null` for all of those.
    models: Option<Vec<String>>,
}

/// An amount of credits and what it is worth.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Worth {
    #[schema(value_type = schema::Credits)]
    credits: Millicredits,
    #[schema(value_type = schema::Usd)]
    usd: String,
}

/// What an account has.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct MyFunds {
    balance: Worth,
    /// Of it, for calls in flight.
    reserved: Worth,
    /// The rest.
    available: Worth,
}

/// How much of the pool the member's calls may draw.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct MyDraws {
    #[schema(value_type = schema::PoolRules)]
    rules: PoolRules,
    /// Drawn in the window, calls in flight included.
    drawn: Worth,
    /// What the next call could draw.
    left: Worth,
    /// When the next window begins; `null` for never.
    #[schema(value_type = Option<schema::Time>)]
    resets_at: Option<Time>,
}

/// What was used in one window.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Used {
    #[schema(value_type = schema::Window)]
    window: Window,
    spent: Worth,
    /// For calls in flight.
    reserved: Worth,
    tokens: i64,
    requests: i64,
}

fn worth(credits: Millicredits, rate: CreditRate) -> Worth {
    Worth { credits, usd: dollars(credits, rate) }
}

fn funds(balance: team::protocol::Balance, rate: CreditRate) -> MyFunds {
    MyFunds {
        balance: worth(balance.balance, rate),
        reserved: worth(balance.reserved, rate),
        available: worth(balance.available, rate),
    }
}

/// Show whose key this is, what they have, and what their limits leave.
///
/// For a member's key; it is not billed.
#[utoipa::path(get, path = "/api/v1/me", tag = "Me",
    responses((status = 200, description = "The member", body = Me)))]
#[worker::send]
pub(crate) async fn get_me(Member { app, key, me }: Member) -> Result<Json<Me>, Problem> {
    let settings = app.settings(key.organization).await?;
    let rate = settings.general.usd_per_million_credits;
    let pool = me.pool.map_or(Millicredits::ZERO, |pool| pool.available);
    let pool = me.draws.map_or(pool, |draws| draws.left);
    let boosts = me.boosts.iter().filter(|view| view.boost.ended_ms.is_none());
    let boosted = boosts.fold(Millicredits::ZERO, |sum, view| sum.saturating_add(view.left.available));
    let own = me.wallet.available.saturating_add(me.lent.available);
    let used = |used: &team::protocol::WindowUsage| Used {
        window: used.window,
        spent: worth(used.credits, rate),
        reserved: worth(used.reserved_credits, rate),
        tokens: used.tokens,
        requests: used.requests,
    };
    Ok(Json(Me {
        organization: MyOrganization {
            id: key.organization,
            name: settings.name,
            time_zone: settings.general.time_zone,
            help: settings.general.help,
        },
        available: worth(own.saturating_add(pool).saturating_add(boosted).saturating_add(me.borrowable), rate),
        wallet: funds(me.wallet, rate),
        boosts: me.boosts.into_iter().map(Boost::from).collect(),
        lent: funds(me.lent, rate),
        borrowable: worth(me.borrowable, rate),
        pool: me.pool.map(|pool| funds(pool, rate)),
        pool_draws: me.draws.map(|draws| MyDraws {
            rules: draws.rules,
            drawn: worth(draws.drawn, rate),
            left: worth(draws.left, rate),
            resets_at: draws.resets_ms.map(Time::from_ms),
        }),
        limits: me.limits.into_iter().map(|state| LimitBody::new(key.team, state)).collect(),
        usage: me.usage.iter().map(used).collect(),
        key: Key::new(key.team, me.key),
        team: MyTeam { id: me.team.team, name: me.team.name, models: me.team.models },
        member: MyMember {
            id: me.member.member,
            name: me.member.name,
            status: me.member.status,
            models: me.member.models,
        },
    }))
}
