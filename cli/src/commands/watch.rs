//! `alfred watch`.

use std::io::BufReader;

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::api::{operations as ops, retry};
use crate::directory::{Directory, Paths};
use crate::failure::Failure;
use crate::output::{at, plain};
use crate::session::{Session, text};

/// Say what happens, a line each, until Ctrl-C.
///
/// Balances, transfers, boosts and approvals, as far as you may see them. It comes back by itself when it is cut off, and
/// says `reset` if it has missed something.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  alfred watch
  alfred watch --team Research/Vision
  alfred watch --json | jq -c 'select(.event == \"approval\")'")]
pub(crate) struct Arguments {
    /// All of this team; your own, or the organization's accounts, if left out
    #[arg(long)]
    team: Option<String>,
}

/// An event, as its lines say it.
#[derive(Debug, Default, PartialEq)]
struct Event {
    id: Option<String>,
    kind: String,
    data: String,
}

/// Runs it.
pub(crate) fn run(arguments: &Arguments, session: &Session) -> Result<String, Failure> {
    let directory = session.neighbours()?;
    let team = arguments.team.as_deref().map(|team| directory.purse(team)).transpose()?;
    let mut last = None;
    let mut tries = retry::Tries::new(retry::MOST);
    loop {
        match session.api.hear(ops::WATCH_EVENTS, &[("team_id", team.clone())], last.as_deref()) {
            Ok(body) => {
                tries = retry::Tries::new(retry::MOST);
                for event in Events(BufReader::new(body)) {
                    // That it goes on is worth no line.
                    let comes_back = last.is_some() && event.kind == "ready";
                    last = event.id.clone().or(last);
                    if !comes_back && !crate::print(&line(session, &directory, &event)) {
                        return Ok(String::new());
                    }
                }
            }
            // Nobody has heard anything yet: then it is worth saying at once.
            Err(failure) if last.is_none() || !failure.may_pass() => return Err(failure),
            Err(failure) => match tries.next() {
                Some(pause) => std::thread::sleep(pause),
                None => return Err(failure),
            },
        }
    }
}

/// Server-sent events, as HTML has them, of a stream.
struct Events<R>(R);

impl<R: std::io::BufRead> Iterator for Events<R> {
    type Item = Event;

    fn next(&mut self) -> Option<Event> {
        let mut event = Event::default();
        loop {
            let mut text = String::new();
            // A stream that breaks off ends; half an event is none.
            if !matches!(self.0.read_line(&mut text), Ok(length) if length > 0) {
                return None;
            }
            match text.trim_end_matches(['\r', '\n']).split_once(": ") {
                Some(("id", id)) => event.id = Some(id.to_owned()),
                Some(("event", kind)) => kind.clone_into(&mut event.kind),
                Some(("data", data)) => data.clone_into(&mut event.data),
                _ if text.trim().is_empty() && !event.kind.is_empty() => return Some(event),
                _ => {}
            }
        }
    }
}

/// One event in one line; for scripts as it is.
fn line(session: &Session, directory: &Directory, event: &Event) -> String {
    let data: Value = serde_json::from_str(&event.data).unwrap_or_default();
    if session.json {
        return format!("{}\n", json!({ "id": event.id, "event": event.kind, "data": data }));
    }
    let time = at(&Timestamp::now().to_string(), &session.zone);
    format!("{time}  {}\n", words(&event.kind, &data, &directory.paths()))
}

/// What an event says, for people.
fn words(kind: &str, data: &Value, paths: &Paths) -> String {
    let data = paths.put(data.clone(), &["member_id", "from", "to", "team_id", "department_id"]);
    let is = |name: &str| data.get(name).and_then(Value::as_bool) == Some(true);
    let of = |name: &str| plain(text(&data, name));
    match kind {
        "ready" => "listening".to_owned(),
        "reset" => "reset     something was missed: look again".to_owned(),
        "balance" => {
            let whose = ["/member_id", "/department_id", "/team_id"];
            let whose = whose.iter().find_map(|at| data.pointer(at)).and_then(Value::as_str).unwrap_or_default();
            format!("balance   {} {} has {}", of("/account"), plain(whose), of("/balance"))
        }
        "transfer" => {
            let end =
                |name: &str| data.get(name).and_then(Value::as_str).map_or_else(|| "another team".to_owned(), plain);
            let undone = if is("undone") { " (undone)" } else { "" };
            format!("transfer  {} from {} to {}{undone}  {}", of("/amount"), end("from"), end("to"), of("/transfer_id"))
        }
        "boost" => {
            let what = if is("returned") { "came back from" } else { "for" };
            format!("boost     {} {what} {}  {}", of("/amount"), of("/member_id"), of("/boost_id"))
        }
        "approval" => {
            let yours = if is("may_decide") { ", yours to decide" } else { "" };
            format!("approval  {} is {}{yours}", of("/approval_id"), of("/state"))
        }
        _ => format!("{}  {}", plain(kind), plain(&data.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::apply::testing;

    #[test]
    fn events_of_a_stream() {
        let stream = "retry: 1000\n\n: still there\n\nid: 1-2\nevent: ready\ndata: {}\n\nevent: balance\ndata: {\"a\": 1}\n\nid: 1-3\nevent: cut";
        let all: Vec<Event> = Events(stream.as_bytes()).collect();
        let event = |id: Option<&str>, kind: &str, data: &str| Event {
            id: id.map(str::to_owned),
            kind: kind.to_owned(),
            data: data.to_owned(),
        };
        assert_eq!(all, [event(Some("1-2"), "ready", "{}"), event(None, "balance", "{\"a\": 1}")]);
    }

    #[test]
    fn events_in_words() {
        let directory = testing::directory();
        let alan = directory.members[1].id;
        let team = directory.teams[1].id;
        let said = |kind: &str, data: Value| words(kind, &data, &directory.paths());
        for (kind, data, expected) in [
            (
                "balance",
                json!({ "account": "wallet", "member_id": alan, "team_id": team, "balance": "5" }),
                "balance   wallet Research/Vision/alan has 5",
            ),
            (
                "balance",
                json!({ "account": "pool", "team_id": team, "balance": "7" }),
                "balance   pool Research/Vision has 7",
            ),
            (
                "transfer",
                json!({ "transfer_id": "xfer_1", "from": null, "to": alan, "amount": "2", "undone": true }),
                "transfer  2 from another team to Research/Vision/alan (undone)  xfer_1",
            ),
            (
                "boost",
                json!({ "boost_id": "boost_1", "member_id": alan, "amount": "2", "returned": false }),
                "boost     2 for Research/Vision/alan  boost_1",
            ),
            (
                "approval",
                json!({ "approval_id": "apr_1", "state": "pending", "may_decide": true }),
                "approval  apr_1 is pending, yours to decide",
            ),
            ("news\u{1b}", json!({ "a": 1 }), "news\u{fffd}  {\"a\":1}"),
        ] {
            assert_eq!(said(kind, data), expected);
        }
    }
}
