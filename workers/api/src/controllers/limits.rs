//! Limits on a team, its members and its keys.

use axum::Json;
use identity::{KeyId, LimitId, MemberId, TeamId};
use limits::{Kind, Limit, LimitAmount, Unit, Window};
use serde::{Deserialize, Serialize};
use serde_json::json;
use team::protocol::{Act, LimitState, Reply, Subject};
use utoipa::{IntoParams, ToSchema};

use super::{Created, created};
use crate::app::unexpected;
use crate::extract::{Action, Admin, Body, Caller, Id, Ids, Query, Target, Unrepeated};
use crate::page::{List, Size, page};
use crate::problem::Problem;
use crate::schema;
use crate::tags::Tagged;
use crate::time::Time;

/// Whom a limit is set on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
#[schema(as = LimitSubject)]
pub(crate) enum SubjectBody {
    /// All calls of the team.
    // With braces, so that fields beside it are refused here too.
    Team {},
    /// All calls of a member.
    Member {
        #[schema(value_type = schema::MemberId)]
        id: MemberId,
    },
    /// All calls by a key.
    Key {
        #[schema(value_type = schema::KeyId)]
        id: KeyId,
    },
}

impl From<SubjectBody> for Subject {
    fn from(body: SubjectBody) -> Self {
        match body {
            SubjectBody::Team {} => Self::Team,
            SubjectBody::Member { id } => Self::Member(id),
            SubjectBody::Key { id } => Self::Key(id),
        }
    }
}

impl From<Subject> for SubjectBody {
    fn from(subject: Subject) -> Self {
        match subject {
            Subject::Team => Self::Team {},
            Subject::Member(id) => Self::Member { id },
            Subject::Key(id) => Self::Key { id },
        }
    }
}

/// A limit and where it stands.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Limit)]
pub(crate) struct LimitBody {
    #[schema(value_type = schema::LimitId)]
    id: LimitId,
    #[schema(value_type = schema::TeamId)]
    team_id: TeamId,
    subject: SubjectBody,
    #[schema(value_type = schema::LimitKind)]
    kind: Kind,
    #[schema(value_type = schema::Window)]
    window: Window,
    #[schema(value_type = schema::Unit)]
    unit: Unit,
    #[schema(value_type = schema::LimitAmount)]
    amount: LimitAmount,
    /// Spent in the window.
    #[schema(value_type = schema::LimitAmount)]
    used: LimitAmount,
    /// For calls in flight.
    #[schema(value_type = schema::LimitAmount)]
    reserved: LimitAmount,
    /// What it leaves.
    #[schema(value_type = schema::LimitAmount)]
    left: LimitAmount,
    /// When the window ends; `null` for never.
    #[schema(value_type = Option<schema::Time>)]
    resets_at: Option<Time>,
}

impl LimitBody {
    pub(crate) fn new(team_id: TeamId, state: LimitState) -> Self {
        let unit = state.limit.unit();
        Self {
            id: state.id,
            team_id,
            subject: state.subject.into(),
            kind: state.limit.kind(),
            window: state.limit.window(),
            unit,
            amount: LimitAmount::new(unit, state.limit.amount()),
            used: LimitAmount::new(unit, state.used),
            reserved: LimitAmount::new(unit, state.reserved),
            left: LimitAmount::new(unit, state.left),
            resets_at: state.resets_ms.map(Time::from_ms),
        }
    }
}

/// A new limit; what fits together is said in `schema::NewLimit`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewLimit {
    subject: SubjectBody,
    #[serde(default)]
    kind: Option<Kind>,
    window: Window,
    unit: Unit,
    amount: LimitAmount,
}

/// Another amount; what was used stays used.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct LimitChange {
    #[schema(value_type = schema::NewLimitAmount)]
    amount: LimitAmount,
}

/// The limit that was written, or what is wrong with it.
fn limit(kind: Option<Kind>, window: Window, unit: Unit, amount: LimitAmount) -> Result<Limit, Problem> {
    let written = json!({ "kind": kind, "window": window, "unit": unit, "amount": amount });
    serde_json::from_value(written).map_err(Problem::invalid)
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct LimitFilter {
    /// Only those on this member.
    #[param(value_type = Option<schema::MemberId>)]
    member_id: Option<MemberId>,
    /// Only those on this key.
    #[param(value_type = Option<schema::KeyId>)]
    key_id: Option<KeyId>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
    /// Items of a page.
    #[serde(default)]
    #[param(value_type = Option<u8>, minimum = 1, maximum = 100)]
    limit: Size,
}

impl LimitFilter {
    fn wants(&self, subject: Subject) -> bool {
        self.member_id.is_none_or(|id| subject == Subject::Member(id))
            && self.key_id.is_none_or(|id| subject == Subject::Key(id))
    }
}

/// Set a limit on the team, a member of it or a key.
#[utoipa::path(post, path = "/api/v1/teams/{team_id}/limits", tag = "Limits",
    params(("team_id" = schema::TeamId, Path)), request_body = schema::NewLimit,
    responses((status = 201, description = "It holds from the next call on", body = LimitBody)))]
#[worker::send]
pub(crate) async fn create_limit(
    caller: Caller,
    Id(team): Id<TeamId>,
    Body { value, repeat }: Body<NewLimit>,
) -> Result<Created<LimitBody>, Problem> {
    let admin = caller.may(Action::CreateLimit, Target::Team { id: team }).await?;
    let limit = limit(value.kind, value.window, value.unit, value.amount)?;
    let limit_id = LimitId::from_u128(admin.id()?);
    let act = Act::CreateLimit { limit_id, subject: value.subject.into(), limit };
    match admin.order_team(team, &repeat, act).await? {
        Reply::Limit(state) => Ok(created(LimitBody::new(team, state))),
        _ => Err(unexpected()),
    }
}

/// List a team's limits and where they stand.
#[utoipa::path(get, path = "/api/v1/teams/{team_id}/limits", tag = "Limits",
    params(("team_id" = schema::TeamId, Path), LimitFilter),
    responses((status = 200, description = "A page", body = List<LimitBody>)))]
#[worker::send]
pub(crate) async fn list_limits(
    caller: Caller,
    Id(team): Id<TeamId>,
    Query(asked): Query<LimitFilter>,
) -> Result<Json<List<LimitBody>>, Problem> {
    let admin = caller.may(Action::ListLimits, Target::Team { id: team }).await?;
    let limits = admin.app.overview(team).await?.limits.into_iter();
    let wanted = limits.filter(|state| asked.wants(state.subject));
    let asked = (asked.cursor.as_deref(), asked.limit);
    page(wanted, asked, |state| state.id, |state| LimitBody::new(team, state)).map(Json)
}

/// Show a limit and where it stands.
#[utoipa::path(get, path = "/api/v1/teams/{team_id}/limits/{limit_id}", tag = "Limits",
    params(("team_id" = schema::TeamId, Path), ("limit_id" = schema::LimitId, Path)),
    responses((status = 200, description = "The limit", body = LimitBody)))]
#[worker::send]
pub(crate) async fn get_limit(
    caller: Caller,
    Ids(team, id): Ids<TeamId, LimitId>,
) -> Result<Tagged<LimitBody>, Problem> {
    let admin = caller.may(Action::GetLimit, Target::Team { id: team }).await?;
    let state = find(&admin, team, id).await?;
    Ok(Tagged::shown(state.tag(), LimitBody::new(team, state)))
}

/// Give a limit another amount.
#[utoipa::path(patch, path = "/api/v1/teams/{team_id}/limits/{limit_id}", tag = "Limits",
    params(("team_id" = schema::TeamId, Path), ("limit_id" = schema::LimitId, Path)), request_body = LimitChange,
    responses((status = 200, description = "As it is now", body = LimitBody)))]
#[worker::send]
pub(crate) async fn change_limit(
    caller: Caller,
    Ids(team, id): Ids<TeamId, LimitId>,
    Body { value, repeat }: Body<LimitChange>,
) -> Result<Tagged<LimitBody>, Problem> {
    let admin = caller.may(Action::ChangeLimit, Target::Team { id: team }).await?;
    // Only its amount can ever be another.
    let old = find(&admin, team, id).await?.limit;
    let limit = limit(Some(old.kind()), old.window(), old.unit(), value.amount)?;
    match admin.order_team(team, &repeat, Act::ChangeLimit { limit_id: id, limit }).await? {
        Reply::Limit(state) => Ok(Tagged::changed(state.tag(), LimitBody::new(team, state))),
        _ => Err(unexpected()),
    }
}

/// Remove a limit.
#[utoipa::path(delete, path = "/api/v1/teams/{team_id}/limits/{limit_id}", tag = "Limits",
    params(("team_id" = schema::TeamId, Path), ("limit_id" = schema::LimitId, Path)),
    responses((status = 204, description = "It is gone")))]
#[worker::send]
pub(crate) async fn remove_limit(
    caller: Caller,
    Ids(team, id): Ids<TeamId, LimitId>,
    Unrepeated(repeat): Unrepeated,
) -> Result<http::StatusCode, Problem> {
    let admin = caller.may(Action::RemoveLimit, Target::Team { id: team }).await?;
    admin.order_team(team, &repeat, Act::RemoveLimit { limit_id: id }).await?;
    Ok(http::StatusCode::NO_CONTENT)
}

async fn find(admin: &Admin, team: TeamId, id: LimitId) -> Result<LimitState, Problem> {
    let mut limits = admin.app.overview(team).await?.limits.into_iter();
    limits.find(|state| state.id == id).ok_or_else(|| Problem::not_found("limit", id))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Result<Limit, String> {
        let new: NewLimit = serde_json::from_str(json).map_err(|error| error.to_string())?;
        limit(new.kind, new.window, new.unit, new.amount).map_err(|problem| problem.document())
    }

    #[test]
    fn as_written() {
        let cap = read(r#"{"subject":{"type":"team"},"window":"month","unit":"credits","amount":"12.5"}"#).unwrap();
        assert_eq!((cap.kind(), cap.amount()), (Kind::Cap, 12_500));
        let rate = read(r#"{"subject":{"type":"team"},"window":"minute","unit":"requests","amount":60}"#).unwrap();
        assert_eq!((rate.kind(), rate.amount()), (Kind::Rate, 60));
    }

    #[test]
    fn refusals() {
        for (json, part) in [
            (
                r#"{"subject":{"type":"team"},"window":"month","unit":"credits","amount":12}"#,
                "decimal number in a string",
            ),
            (r#"{"subject":{"type":"team"},"kind":"rate","window":"day","unit":"tokens","amount":12}"#, "use a cap"),
            (r#"{"subject":{"type":"member"},"window":"day","unit":"tokens","amount":12}"#, "missing field `id`"),
            (r#"{"subject":{"type":"team","x":1},"window":"day","unit":"tokens","amount":12}"#, "unknown field `x`"),
        ] {
            let error = read(json).unwrap_err();
            assert!(error.contains(part), "{json}: {error}");
        }
    }
}
