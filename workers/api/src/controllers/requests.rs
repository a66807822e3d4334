//! Calls, as D1 has them.

use axum::Json;
use identity::{EntryId, KeyId, MemberId, TeamId};
use ledger::{CallRecord, Metered, Millicredits, Outcome};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::entries::{Conditions, EntryRow, Stretch, page};
use crate::extract::{Action, Caller, Query, Target};
use crate::page::{List, Size};
use crate::problem::Problem;
use crate::schema;
use crate::time::Time;

/// What a call was.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Call)]
pub(crate) struct CallBody {
    #[schema(value_type = schema::MemberId)]
    member_id: MemberId,
    #[schema(value_type = schema::KeyId)]
    key_id: KeyId,
    /// As the client named it.
    model: String,
    provider: String,
    /// The client's own label.
    tag: Option<String>,
    #[schema(value_type = schema::Time)]
    accepted_at: Time,
    /// From its acceptance to the end of its answer.
    duration_ms: i64,
    /// Cached ones included.
    input_tokens: i64,
    /// Read from the provider's cache.
    cached_tokens: i64,
    /// Reasoning included.
    output_tokens: i64,
    reasoning_tokens: i64,
    /// What it cost; of a correction, the difference.
    #[schema(value_type = schema::Credits)]
    cost: Millicredits,
    #[schema(value_type = schema::Outcome)]
    outcome: Outcome,
    #[schema(value_type = schema::Metered)]
    metered: Metered,
    /// Whether somebody should compare it with the provider's bill.
    reconcile: bool,
}

impl From<CallRecord> for CallBody {
    fn from(call: CallRecord) -> Self {
        Self {
            member_id: call.member,
            key_id: call.key,
            model: call.model,
            provider: call.provider,
            tag: call.tag,
            accepted_at: Time::from_ms(call.accepted_ms),
            duration_ms: call.duration_ms,
            input_tokens: call.input_tokens,
            cached_tokens: call.cached_tokens,
            output_tokens: call.output_tokens,
            reasoning_tokens: call.reasoning_tokens,
            cost: call.cost,
            outcome: call.outcome,
            metered: call.metered,
            reconcile: call.reconcile,
        }
    }
}

/// The end of a call, or its correction.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CallEnd {
    /// The call: what the client got as `x-alfred-request-id`.
    request_id: String,
    /// The journal's entry.
    #[schema(value_type = schema::EntryId)]
    entry_id: EntryId,
    /// In whose journal it is.
    #[schema(value_type = schema::TeamId)]
    team_id: String,
    /// `settle`, `release`, `expire`, or `correct` for what became known of it later.
    #[schema(value_type = schema::EntryKind)]
    kind: ledger::Kind,
    /// When it ended.
    #[schema(value_type = schema::Time)]
    time: Time,
    #[serde(flatten)]
    call: CallBody,
}

pub(crate) fn view(row: EntryRow) -> Option<CallEnd> {
    Some(CallEnd {
        request_id: row.reference,
        entry_id: row.id,
        team_id: row.actor,
        kind: row.kind,
        time: Time::from_ms(row.time_ms),
        call: row.call?.into(),
    })
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct CallFilter {
    /// Only this call.
    request_id: Option<String>,
    /// Only this team's.
    #[param(value_type = Option<schema::TeamId>)]
    team_id: Option<TeamId>,
    /// Only this member's.
    #[param(value_type = Option<schema::MemberId>)]
    member_id: Option<MemberId>,
    /// Only with this key.
    #[param(value_type = Option<schema::KeyId>)]
    key_id: Option<KeyId>,
    /// Only of this model, as clients name it.
    model: Option<String>,
    /// Only served by this provider, by its name.
    provider: Option<String>,
    /// Only with this label.
    tag: Option<String>,
    /// Only with this outcome.
    #[param(value_type = Option<schema::Outcome>)]
    outcome: Option<Outcome>,
    /// Ended from this time on.
    #[param(value_type = Option<schema::Time>)]
    from: Option<Time>,
    /// Ended before this time.
    #[param(value_type = Option<schema::Time>)]
    to: Option<Time>,
    /// `next_cursor` of the page before.
    #[param(value_type = Option<schema::EntryId>)]
    cursor: Option<EntryId>,
    /// Items of a page.
    #[serde(default)]
    #[param(value_type = Option<u8>, minimum = 1, maximum = 100)]
    limit: Size,
}

impl CallFilter {
    fn conditions(&self) -> Conditions {
        let outcome = self.outcome.and_then(|outcome| serde_json::to_value(outcome).ok());
        Conditions::default()
            .equal("reference", self.request_id.as_ref())
            .equal("actor", self.team_id)
            .equal("call ->> 'member'", self.member_id)
            .equal("call ->> 'key'", self.key_id)
            .equal("call ->> 'model'", self.model.as_ref())
            .equal("call ->> 'provider'", self.provider.as_ref())
            .equal("coalesce(call ->> 'tag', '')", self.tag.as_ref())
            .equal("call ->> 'outcome'", outcome.as_ref().and_then(serde_json::Value::as_str))
    }
}

/// List calls by when they ended, newest first.
///
/// They arrive here within seconds. With filters, a page may have fewer items than `limit`, even none, and still a
/// `next_cursor`: follow it until it is `null`.
#[utoipa::path(get, path = "/api/v1/requests", tag = "Reports", params(CallFilter),
    responses((status = 200, description = "A page", body = List<CallEnd>)))]
#[worker::send]
pub(crate) async fn list_requests(
    caller: Caller,
    Query(asked): Query<CallFilter>,
) -> Result<Json<List<CallEnd>>, Problem> {
    let admin = caller.may(Action::ListRequests, Target::Visible).await?;
    let stretch = Stretch { from: asked.from, to: asked.to, cursor: asked.cursor, limit: asked.limit };
    let list =
        page(&admin.app, admin.organization, stretch, (asked.conditions().of(admin.teams()), true), view).await?;
    Ok(Json(List { data: list.data.into_iter().flatten().collect(), next_cursor: list.next_cursor }))
}
