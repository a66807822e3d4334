//! Who sent what to whom, taken out of the house, whole.

use ::team::protocol::TransferFilter;
use axum::body::Body;
use axum::response::{IntoResponse, Response};
use futures::stream::unfold;
use http::header;
use identity::{MemberId, TeamId};
use serde::Deserialize;
use utoipa::IntoParams;
use worker::send::SendFuture;

use super::list::{Way, Whose, transfers};
use super::{Status, Transfer};
use crate::app::App;
use crate::csv::{self, Format};
use crate::extract::{Action, Caller, Query};
use crate::problem::Problem;
use crate::schema;

/// Transfers of one answer of the team's; some 400 bytes each.
const AT_ONCE: u32 = 500;

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct TransfersExport {
    /// To or from this member's wallet; your own if neither member nor team is said.
    #[param(value_type = Option<schema::MemberId>)]
    member_id: Option<MemberId>,
    /// To or from this team's pool and its members.
    #[param(value_type = Option<schema::TeamId>)]
    team_id: Option<TeamId>,
    /// What they sent, or what they got; both if left out. For members only.
    #[param(inline)]
    direction: Option<Way>,
    /// In which form.
    #[serde(default)]
    #[param(inline)]
    format: Format,
}

/// Take a member's or a team's transfers out of the house, whole, newest first.
///
/// As NDJSON, a line is a transfer as it is listed, and the last line is `{"complete":true}`: without it the list was
/// cut off.
#[utoipa::path(get, path = "/api/v1/transfers/export", tag = "Transfers", params(TransfersExport),
    responses((status = 200, description = "The transfers, streamed", content(
        (String = "application/x-ndjson"), (String = "text/csv")))))]
#[worker::send]
pub(crate) async fn export_transfers(
    caller: Caller,
    Query(asked): Query<TransfersExport>,
) -> Result<Response, Problem> {
    let whose = Whose::new(&caller, (asked.member_id, asked.team_id), asked.direction)?;
    let admin = caller.may(Action::ExportTransfers, whose.target()).await?;
    let (team, filter) = whose.filter(&admin, asked.direction, (None, AT_ONCE)).await?;
    let (kind, extension) = asked.format.names();
    let name = match whose {
        Whose::Member(id) => id.to_string(),
        Whose::Team(id) => id.to_string(),
    };
    let first = Some(if asked.format == Format::Csv { CSV_HEAD } else { "" });
    let start = Part { app: admin.app, team, filter, format: asked.format, first, is_over: false };
    let parts = unfold(start, |part| SendFuture::new(part.next()));
    let headers = [
        (header::CONTENT_TYPE, kind.to_owned()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"transfers-{name}.{extension}\"")),
    ];
    Ok((headers, Body::from_stream(parts)).into_response())
}

/// Where an export is.
struct Part {
    app: App,
    team: TeamId,
    /// What is still to come.
    filter: TransferFilter,
    format: Format,
    first: Option<&'static str>,
    is_over: bool,
}

impl Part {
    /// The next lines. An error breaks the stream off: without its last line an
    /// export is known to be incomplete.
    async fn next(mut self) -> Option<(Result<String, std::io::Error>, Self)> {
        if self.is_over {
            return None;
        }
        let mut text = self.first.take().unwrap_or_default().to_owned();
        let some = match transfers(&self.app, self.team, self.filter.clone()).await {
            Ok(some) => some,
            Err(problem) => {
                self.is_over = true;
                return Some((Err(std::io::Error::other(problem.document())), self));
            }
        };
        self.is_over = some.len() < usize::try_from(AT_ONCE).unwrap_or(usize::MAX);
        self.filter.before = some.last().map(|last| last.id);
        for transfer in some {
            text.push_str(&line(self.format, &transfer.into()));
        }
        if self.is_over && self.format == Format::Ndjson {
            text.push_str("{\"complete\":true}\n");
        }
        Some((Ok(text), self))
    }
}

const CSV_HEAD: &str = "id,time,from,to,amount,undone,undo_until,who,note,status,refused_because\r\n";

fn line(format: Format, transfer: &Transfer) -> String {
    if format == Format::Ndjson {
        return serde_json::to_string(transfer).unwrap_or_default() + "\n";
    }
    let status = match transfer.status {
        Status::Done => "done",
        Status::Sent => "sent",
        Status::Refused => "refused",
    };
    csv::line([
        transfer.id.to_string(),
        transfer.time.to_string(),
        transfer.from.to_string(),
        transfer.to.to_string(),
        transfer.amount.to_string(),
        transfer.undone.to_string(),
        transfer.undo_until.to_string(),
        transfer.who.clone(),
        transfer.note.clone().unwrap_or_default(),
        status.to_owned(),
        transfer.refused_because.clone().unwrap_or_default(),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;
    use ::team::protocol::{Transfer as Known, TransferStatus};
    use events::Place;
    use identity::{Principal, TransferId};
    use ledger::Millicredits;

    #[test]
    fn a_line_is_a_transfer() {
        let team = TeamId::from_u128(1);
        let known = Known {
            id: TransferId::from_u128(1),
            time_ms: 0,
            from: Place { team, member: Some(MemberId::from_u128(2)) },
            to: Place { team, member: None },
            amount: Millicredits::new(1_500),
            undone: Millicredits::ZERO,
            undo_until_ms: 60_000,
            who: Principal::Operator,
            note: Some("=1+1, \"x\"".to_owned()),
            status: TransferStatus::Done,
        };
        let transfer = Transfer::from(known);
        let text = line(Format::Csv, &transfer);
        assert!(text.ends_with(",1.5,0,1970-01-01T00:01:00.000Z,operator,\"'=1+1, \"\"x\"\"\",done,\r\n"), "{text}");
        assert_eq!(text.matches(',').count(), CSV_HEAD.matches(',').count() + 1);
        let listed: serde_json::Value = serde_json::from_str(&line(Format::Ndjson, &transfer)).unwrap();
        assert_eq!(listed, serde_json::to_value(&transfer).unwrap());
    }
}
