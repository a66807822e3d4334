//! The journals, as D1 has them.

use axum::Json;
use identity::EntryId;
use ledger::Millicredits;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::requests::CallBody;
use crate::actor::Actor;
use crate::entries::{Conditions, EntryRow, Stretch, page};
use crate::extract::{Action, Caller, Query, Target};
use crate::page::{List, Size};
use crate::problem::Problem;
use crate::schema;
use crate::time::Time;

/// One line of a journal.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Entry)]
pub(crate) struct EntryBody {
    #[schema(value_type = schema::EntryId)]
    id: EntryId,
    /// Whose journal: the organization's id, or a team's.
    actor: String,
    /// Its place in that journal, from 1 without gaps.
    sequence: u64,
    #[schema(value_type = schema::Time)]
    time: Time,
    #[schema(value_type = schema::EntryKind)]
    kind: ledger::Kind,
    /// Whose balance fell.
    #[schema(value_type = schema::Account)]
    debit: String,
    /// Whose balance rose.
    #[schema(value_type = schema::Account)]
    credit: String,
    #[schema(value_type = schema::Credits)]
    amount: Millicredits,
    /// What caused it: a request (`req_…`) or a movement (`xfer_…`).
    reference: String,
    /// Who caused it: `operator`, an admin key, a member and key, or `system`.
    who: String,
    /// What a call was, on the first entry of its end.
    call: Option<CallBody>,
    note: Option<String>,
    /// The SHA-256 that covers the entry and the one before it.
    hash: String,
}

impl From<EntryRow> for EntryBody {
    fn from(row: EntryRow) -> Self {
        Self {
            id: row.id,
            sequence: row.sequence,
            time: Time::from_ms(row.time_ms),
            kind: row.kind,
            amount: row.amount(),
            actor: row.actor,
            debit: row.debit,
            credit: row.credit,
            reference: row.reference,
            who: row.who,
            call: row.call.map(CallBody::from),
            note: row.note,
            hash: row.hash,
        }
    }
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct JournalFilter {
    /// Only this journal.
    #[param(value_type = Option<schema::Actor>)]
    actor: Option<Actor>,
    /// Only this kind of movement.
    #[param(value_type = Option<schema::EntryKind>)]
    kind: Option<ledger::Kind>,
    /// Only with this cause: a request or movement.
    reference: Option<String>,
    /// From this time on.
    #[param(value_type = Option<schema::Time>)]
    from: Option<Time>,
    /// Before this time.
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

/// List the entries of the organization's and its teams' journals, newest first.
///
/// They arrive here within seconds. With filters, a page may have fewer items than `limit`, even none, and still a
/// `next_cursor`: follow it until it is `null`.
#[utoipa::path(get, path = "/api/v1/journal", tag = "Reports", params(JournalFilter),
    responses((status = 200, description = "A page", body = List<EntryBody>)))]
#[worker::send]
pub(crate) async fn list_journal(
    caller: Caller,
    Query(asked): Query<JournalFilter>,
) -> Result<Json<List<EntryBody>>, Problem> {
    let admin = caller.may(Action::ListJournal, Target::Visible).await?;
    let JournalFilter { actor, kind, reference, from, to, cursor, limit } = asked;
    let conditions = Conditions::default()
        .equal("actor", actor)
        .equal("kind", kind.map(ledger::Kind::as_str))
        .equal("reference", reference)
        .of(admin.teams());
    let stretch = Stretch { from, to, cursor, limit };
    Ok(Json(page(&admin.app, admin.organization, stretch, (conditions, false), EntryBody::from).await?))
}
