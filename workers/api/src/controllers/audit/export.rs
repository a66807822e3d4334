//! A trail taken out of the house, whole.

use ::runtime::now_ms;
use audit::Record;
use audit::export::{Header, Writer};
use axum::body::Body;
use axum::response::{IntoResponse, Response};
use futures::stream::unfold;
use http::header;
use serde::Deserialize;
use utoipa::IntoParams;
use worker::send::SendFuture;

use crate::actor::Actor;
use crate::app::App;
use crate::csv::{self, Format};
use crate::extract::{Action, Caller, Query};
use crate::problem::Problem;
use crate::schema;
use crate::time::Time;

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ExportQuery {
    /// Whose trail; the organization's if left out.
    #[param(value_type = Option<schema::Actor>)]
    actor: Option<Actor>,
    /// In which form: NDJSON can be verified offline, CSV is without details.
    #[serde(default)]
    #[param(inline)]
    format: Format,
}

/// Take a trail out of the house, whole.
///
/// As NDJSON it says of itself whether it is whole, and `cargo xtask audit verify FILE` checks
/// it offline.
#[utoipa::path(get, path = "/api/v1/audit/export", tag = "Audit", params(ExportQuery),
    responses((status = 200, description = "The trail, streamed", content(
        (String = "application/x-ndjson"), (String = "text/csv")))))]
#[worker::send]
pub(crate) async fn export_audit(caller: Caller, Query(asked): Query<ExportQuery>) -> Result<Response, Problem> {
    let (admin, actor) = Actor::admitted(caller, Action::ExportAudit, asked.actor).await?;
    let (kind, extension) = asked.format.names();
    let header = Header::new(admin.organization, actor.to_string(), now_ms());
    let (writer, first) = Writer::begin(&header).map_err(Problem::internal)?;
    let first = if asked.format == Format::Csv { CSV_HEAD.to_owned() } else { first };
    let start =
        Part { app: admin.app, actor, format: asked.format, after: 0, writer: Some(writer), first: Some(first) };
    let parts = unfold(start, |part| SendFuture::new(part.next()));
    let name = format!("attachment; filename=\"audit-{}.{extension}\"", actor);
    let headers = [(header::CONTENT_TYPE, kind.to_owned()), (header::CONTENT_DISPOSITION, name)];
    Ok((headers, Body::from_stream(parts)).into_response())
}

/// Where an export is.
struct Part {
    app: App,
    actor: Actor,
    format: Format,
    after: u64,
    /// `None` after the last line.
    writer: Option<Writer>,
    first: Option<String>,
}

impl Part {
    /// The next lines. An error breaks the stream off: without its last line
    /// an export is known to be incomplete.
    async fn next(mut self) -> Option<(Result<String, std::io::Error>, Self)> {
        if let Some(first) = self.first.take() {
            return Some((Ok(first), self));
        }
        let mut writer = self.writer.take()?;
        let stretch = match self.actor.after(&self.app, self.after).await {
            Ok(stretch) => stretch,
            Err(problem) => return Some((Err(std::io::Error::other(problem.document())), self)),
        };
        let mut text = String::new();
        for record in &stretch.records {
            self.after = record.sequence;
            let line = writer.record(record).unwrap_or_default();
            text.push_str(&if self.format == Format::Csv { self::line(record) } else { line });
        }
        if !stretch.records.is_empty() {
            self.writer = Some(writer);
            return Some((Ok(text), self));
        }
        let last = if self.format == Format::Csv { String::new() } else { writer.end().unwrap_or_default() };
        Some((Ok(last), self))
    }
}

const CSV_HEAD: &str = "sequence,id,time,action,outcome,code,who,on_behalf_of,resource,reference,request_id,policies,\
     shadow,shadow_differs,shadow_policies,notify,hash\r\n";

fn line(record: &Record) -> String {
    let optional = |text: &Option<String>| text.clone().unwrap_or_default();
    let shadow = record.shadow.as_ref();
    let fields = [
        record.sequence.to_string(),
        record.id.to_string(),
        Time::from_ms(record.time_ms).to_string(),
        record.action.clone(),
        record.outcome.as_str().to_owned(),
        optional(&record.code),
        record.who.map(|who| who.to_string()).unwrap_or_default(),
        optional(&record.on_behalf_of),
        optional(&record.resource),
        optional(&record.reference),
        optional(&record.request),
        record.policies.join(" "),
        shadow.map(|shadow| shadow.decision.as_str().to_owned()).unwrap_or_default(),
        shadow.map(|shadow| shadow.differs.to_string()).unwrap_or_default(),
        shadow.map(|shadow| shadow.policies.join(" ")).unwrap_or_default(),
        record.notify.join(" "),
        record.hash.to_string(),
    ];
    csv::line(fields)
}

#[cfg(test)]
mod tests {
    use super::*;
    use audit::{Draft, Hash};

    #[test]
    fn csv_is_no_formula() {
        let draft =
            Draft { resource: Some("=1+1,\"x\"".into()), ..Draft::done("allot", identity::Principal::Operator) };
        let line = line(&Record::seal("org_x", 1, 0, Hash::START, draft));
        assert!(line.contains(",operator,,\"'=1+1,\"\"x\"\"\",,,,"), "{line}");
        assert_eq!(line.matches(',').count(), CSV_HEAD.matches(',').count() + 1);
    }
}
