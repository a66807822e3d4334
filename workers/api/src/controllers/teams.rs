//! Teams.

use axum::Json;
use events::{OnDemand, PoolDraw, TeamProfile};
use identity::{DepartmentId, Networks, TeamId};
use ledger::Millicredits;
use limits::PoolRules;
use organization::protocol::{Act, HasTag, NewTeam, Reply};
use serde::{Deserialize, Serialize};
use team::protocol::{Balance, Overview};
use utoipa::{IntoParams, ToSchema};

use super::limits::LimitBody;
use super::{Created, created};
use crate::app::unexpected;
use crate::extract::{Action, Body, Caller, Id, Query, Target};
use crate::page::{List, Size, page};
use crate::problem::Problem;
use crate::schema;
use crate::tags::Tagged;
use crate::text::{Models, Name, given};

/// A team.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Team {
    #[schema(value_type = schema::TeamId)]
    id: TeamId,
    #[schema(value_type = schema::DepartmentId)]
    department_id: DepartmentId,
    name: String,
    /// How its pool is refilled; `null` for by hand.
    #[schema(value_type = Option<schema::AllotmentPlan>)]
    allotment_plan: Option<OnDemand>,
    #[schema(value_type = schema::PoolDraw)]
    pool_draw: PoolDraw,
    /// How much of the pool one member's calls may draw; `null` for all of it.
    #[schema(value_type = Option<schema::PoolRules>)]
    pool_rules: Option<PoolRules>,
    /// Models that it may use; `null` for all.
    #[schema(value_type = Option<Vec<schema::ModelPattern>>)]
    models: Option<Vec<String>>,
    /// Networks that its calls may come from; `null` for all.
    #[schema(value_type = Option<Vec<schema::Network>>)]
    addresses: Option<Networks>,
}

impl From<TeamProfile> for Team {
    fn from(profile: TeamProfile) -> Self {
        Self {
            id: profile.team,
            department_id: profile.department,
            name: profile.name,
            allotment_plan: profile.on_demand,
            pool_draw: profile.pool_draw,
            pool_rules: profile.pool_rules,
            models: profile.models,
            addresses: profile.addresses,
        }
    }
}

/// What an account has.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Funds {
    #[schema(value_type = schema::Credits)]
    balance: Millicredits,
    /// Of it, for calls in flight.
    #[schema(value_type = schema::Credits)]
    reserved: Millicredits,
    /// The rest.
    #[schema(value_type = schema::Credits)]
    available: Millicredits,
}

impl From<Balance> for Funds {
    fn from(balance: Balance) -> Self {
        Self { balance: balance.balance, reserved: balance.reserved, available: balance.available }
    }
}

/// A team and where it stands.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TeamDetail {
    #[serde(flatten)]
    team: Team,
    /// The shared account.
    pool: Funds,
    /// What its members' wallets have together.
    #[schema(value_type = schema::Credits)]
    wallets: Millicredits,
    /// What its members' boosts have together.
    #[schema(value_type = schema::Credits)]
    boosts: Millicredits,
    /// What of its members' wallets others may use while they are away.
    #[schema(value_type = schema::Credits)]
    lent: Millicredits,
    /// Received from its department, less what was returned.
    #[schema(value_type = schema::Credits)]
    allotted: Millicredits,
    /// Paid for calls.
    #[schema(value_type = schema::Credits)]
    spent: Millicredits,
    /// Reported by providers beyond the limit they were given, and covered by nobody.
    #[schema(value_type = schema::Credits)]
    overrun: Millicredits,
    members: usize,
    /// Keys that were not revoked.
    keys: usize,
    calls_in_flight: u64,
    limits: Vec<LimitBody>,
}

impl From<Overview> for TeamDetail {
    fn from(overview: Overview) -> Self {
        let id = overview.profile.team;
        Self {
            pool: overview.pool.into(),
            wallets: wallets(&overview),
            boosts: boosts(&overview),
            lent: lent(&overview),
            allotted: overview.allotted,
            spent: overview.spent,
            overrun: overview.overrun,
            members: overview.members.len(),
            keys: overview.keys.iter().filter(|key| key.revoked_ms.is_none()).count(),
            calls_in_flight: overview.open,
            limits: overview.limits.into_iter().map(|state| LimitBody::new(id, state)).collect(),
            team: overview.profile.into(),
        }
    }
}

/// What a team's wallets have together.
pub(crate) fn wallets(overview: &Overview) -> Millicredits {
    let balances = overview.members.iter().map(|member| member.wallet.balance);
    balances.fold(Millicredits::ZERO, Millicredits::saturating_add)
}

/// What is left of the boosts of a team's members together.
pub(crate) fn boosts(overview: &Overview) -> Millicredits {
    let boosts = overview.members.iter().flat_map(|member| &member.boosts);
    boosts.map(|view| view.left.balance).fold(Millicredits::ZERO, Millicredits::saturating_add)
}

/// What the members of a team who are away have lent together.
pub(crate) fn lent(overview: &Overview) -> Millicredits {
    let lent = overview.members.iter().map(|member| member.lent.balance);
    lent.fold(Millicredits::ZERO, Millicredits::saturating_add)
}

/// A new team.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewTeam)]
pub(crate) struct TeamBody {
    #[schema(value_type = schema::DepartmentId)]
    department_id: DepartmentId,
    /// Unique in the organization.
    #[schema(value_type = schema::Name)]
    name: Name,
    /// How its pool is refilled; by hand if left out.
    #[serde(default)]
    #[schema(value_type = Option<schema::AllotmentPlan>)]
    allotment_plan: Option<OnDemand>,
    #[serde(default)]
    #[schema(value_type = schema::PoolDraw)]
    pool_draw: PoolDraw,
    /// How much of the pool one member's calls may draw; all of it if left out.
    #[serde(default)]
    #[schema(value_type = Option<schema::PoolRules>)]
    pool_rules: Option<PoolRules>,
    /// Models that it may use; all if left out.
    #[serde(default)]
    #[schema(value_type = Option<Vec<schema::ModelPattern>>)]
    models: Option<Models>,
    /// Networks that its calls may come from; all if left out.
    #[serde(default)]
    #[schema(value_type = Option<Vec<schema::Network>>)]
    addresses: Option<Networks>,
}

/// Changes to a team. What is left out stays as it is.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TeamChange {
    #[schema(value_type = Option<schema::Name>)]
    name: Option<Name>,
    /// `null` for by hand.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<schema::AllotmentPlan>)]
    allotment_plan: Option<Option<OnDemand>>,
    #[schema(value_type = Option<schema::PoolDraw>)]
    pool_draw: Option<PoolDraw>,
    /// `null` for all of it.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<schema::PoolRules>)]
    pool_rules: Option<Option<PoolRules>>,
    /// `null` for all.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<Vec<schema::ModelPattern>>)]
    models: Option<Option<Models>>,
    /// `null` for all.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<Vec<schema::Network>>)]
    addresses: Option<Option<Networks>>,
}

impl TeamChange {
    fn apply(self, team: TeamProfile) -> NewTeam {
        NewTeam {
            id: team.team,
            department: team.department,
            name: self.name.map_or(team.name, Name::into_string),
            on_demand: self.allotment_plan.unwrap_or(team.on_demand),
            pool_draw: self.pool_draw.unwrap_or(team.pool_draw),
            pool_rules: self.pool_rules.unwrap_or(team.pool_rules),
            models: self.models.map_or(team.models, |models| models.map(Models::into_vec)),
            addresses: self.addresses.unwrap_or(team.addresses),
        }
    }
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct TeamFilter {
    /// Only this department's.
    #[param(value_type = Option<schema::DepartmentId>)]
    department_id: Option<DepartmentId>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
    /// Items of a page.
    #[serde(default)]
    #[param(value_type = Option<u8>, minimum = 1, maximum = 100)]
    limit: Size,
}

/// Make a team.
#[utoipa::path(post, path = "/api/v1/teams", tag = "Teams", request_body = TeamBody,
    responses((status = 201, description = "It was made", body = Team)))]
#[worker::send]
pub(crate) async fn create_team(
    caller: Caller,
    Body { value, repeat }: Body<TeamBody>,
) -> Result<Created<Team>, Problem> {
    let admin = caller.may(Action::CreateTeam, Target::Department { id: value.department_id }).await?;
    let team = NewTeam {
        id: TeamId::from_u128(admin.id()?),
        department: value.department_id,
        name: value.name.into_string(),
        on_demand: value.allotment_plan,
        pool_draw: value.pool_draw,
        pool_rules: value.pool_rules,
        models: value.models.map(Models::into_vec),
        addresses: value.addresses,
    };
    match admin.order(&repeat, Act::CreateTeam(team)).await? {
        Reply::Team(profile) => Ok(created(profile.into())),
        _ => Err(unexpected()),
    }
}

/// List teams.
#[utoipa::path(get, path = "/api/v1/teams", tag = "Teams", params(TeamFilter),
    responses((status = 200, description = "A page", body = List<Team>)))]
#[worker::send]
pub(crate) async fn list_teams(caller: Caller, Query(asked): Query<TeamFilter>) -> Result<Json<List<Team>>, Problem> {
    let admin = caller.may(Action::ListTeams, Target::Visible).await?;
    let teams = admin.directory().await?.teams.into_iter().map(|team| team.profile);
    let wanted = teams.filter(|team| asked.department_id.is_none_or(|id| team.department == id));
    page(wanted, (asked.cursor.as_deref(), asked.limit), |team| team.team, Team::from).map(Json)
}

/// Show a team and where it stands.
#[utoipa::path(get, path = "/api/v1/teams/{team_id}", tag = "Teams", params(("team_id" = schema::TeamId, Path)),
    responses((status = 200, description = "The team", body = TeamDetail)))]
#[worker::send]
pub(crate) async fn get_team(caller: Caller, Id(id): Id<TeamId>) -> Result<Tagged<TeamDetail>, Problem> {
    let admin = caller.may(Action::GetTeam, Target::Team { id }).await?;
    let overview = admin.app.overview(id).await?;
    Ok(Tagged::shown(overview.profile.tag(), overview.into()))
}

/// Change a team.
#[utoipa::path(patch, path = "/api/v1/teams/{team_id}", tag = "Teams", params(("team_id" = schema::TeamId, Path)),
    request_body = TeamChange, responses((status = 200, description = "As it is now", body = Team)))]
#[worker::send]
pub(crate) async fn change_team(
    caller: Caller,
    Id(id): Id<TeamId>,
    Body { value, repeat }: Body<TeamChange>,
) -> Result<Tagged<Team>, Problem> {
    let admin = caller.may(Action::ChangeTeam, Target::Team { id }).await?;
    let read = async || {
        let mut teams = admin.directory().await?.teams.into_iter().map(|team| team.profile);
        let profile = teams.find(|team| team.team == id).ok_or_else(|| Problem::not_found("team", id))?;
        Ok((profile.tag(), profile))
    };
    match admin.change(&repeat, read, |profile| Ok(Act::ChangeTeam(value.clone().apply(profile)))).await? {
        Reply::Team(profile) => Ok(Tagged::changed(profile.tag(), profile.into())),
        _ => Err(unexpected()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;

    #[test]
    fn a_change_leaves_the_rest_alone() {
        let mut profile = testing::directory().teams.remove(0).profile;
        profile.models = Some(vec!["a*".to_owned()]);
        profile.pool_draw = PoolDraw::Off;
        let apply = |json: &str| serde_json::from_str::<TeamChange>(json).unwrap().apply(profile.clone());
        let same = apply("{}");
        assert_eq!((&same.name, &same.models, same.pool_draw), (&profile.name, &profile.models, PoolDraw::Off));
        assert_eq!(apply(r#"{"models":null}"#).models, None);
        let other = apply(r#"{"name":"B","models":["b"],"allotment_plan":{"chunk":"5","low_water":"1"}}"#);
        assert_eq!((other.name.as_str(), other.models), ("B", Some(vec!["b".to_owned()])));
        assert_eq!(other.on_demand.unwrap().chunk, Millicredits::new(5000));
        assert!(serde_json::from_str::<TeamChange>(r#"{"department_id":"x"}"#).is_err());
    }
}
