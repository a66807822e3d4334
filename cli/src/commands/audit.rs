//! `alfred audit`.

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::{Map, Value};

use crate::api::{Query, operations as ops};
use crate::failure::Failure;
use crate::output::{at, plain};
use crate::session::{Session, text};

/// How often it is looked for more.
const PAUSE: Duration = Duration::from_secs(2);
/// A record comes to the list seconds after its time, after a crash minutes: so far back it is looked each time.
const LAG: Duration = Duration::from_secs(360);
/// What has a place of its own in a line.
pub(crate) const SHOWN: [&str; 6] = ["id", "time", "action", "outcome", "who", "resource"];

/// List what was done and what was refused, the newest first.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  alfred audit --first 20
  alfred audit --outcome denied --from 2026-11-01
  alfred audit --action create_grant --follow
  alfred audit --follow --json | jq -c 'select(.outcome != \"done\")'")]
pub(crate) struct Arguments {
    /// Only so many
    #[arg(long, value_name = "NUMBER")]
    first: Option<usize>,
    /// Only in this trail: the organization's id, or a team's
    #[arg(long)]
    actor: Option<String>,
    /// Only this action, like create_key
    #[arg(long)]
    action: Option<String>,
    /// Only with this outcome
    #[arg(long)]
    outcome: Option<String>,
    /// Only by them
    #[arg(long)]
    who: Option<String>,
    /// Only on this
    #[arg(long)]
    resource: Option<String>,
    /// Only of this request
    #[arg(long)]
    request_id: Option<String>,
    /// From this day or time on
    #[arg(long, value_name = "TIME")]
    from: Option<String>,
    /// Before this day or time
    #[arg(long, value_name = "TIME")]
    to: Option<String>,
    /// Go on with what happens, the newest last, a line each (with --json, a document each); end it with Ctrl-C
    #[arg(long, conflicts_with = "first")]
    follow: bool,
}

/// Runs it.
pub(crate) fn run(arguments: &Arguments, session: &Session) -> Result<String, Failure> {
    let filters = [
        ("actor", arguments.actor.clone()),
        ("action", arguments.action.clone()),
        ("outcome", arguments.outcome.clone()),
        ("who", arguments.who.clone()),
        ("resource", arguments.resource.clone()),
        ("request_id", arguments.request_id.clone()),
        ("to", session.moment(arguments.to.as_ref())?),
    ];
    let from = session.moment(arguments.from.as_ref())?;
    if arguments.follow {
        return follow(session, &filters, from);
    }
    let items = session.api.list(ops::LIST_AUDIT, &[], &since(&filters, from), arguments.first)?;
    if session.json {
        return Ok(session.document(&crate::api::document(items)));
    }
    Ok(items.iter().map(|item| line(&session.zone, item)).collect())
}

fn since(filters: Query, from: Option<String>) -> Vec<(&'static str, Option<String>)> {
    [filters, &[("from", from)]].concat()
}

/// Looks again and again, and prints what is new: since `from`, or from now on.
fn follow(session: &Session, filters: Query, from: Option<String>) -> Result<String, Failure> {
    let mut seen = BTreeSet::new();
    let mut silent = from.is_none();
    let mut from = from.unwrap_or_else(|| back(Timestamp::now()));
    loop {
        let looked = Timestamp::now();
        let items = session.api.list(ops::LIST_AUDIT, &[], &since(filters, Some(from.clone())), None)?;
        for item in unseen(&mut seen, items).iter().filter(|_| !silent) {
            let line = if session.json { format!("{item}\n") } else { line(&session.zone, item) };
            if !crate::print(&line) {
                return Ok(String::new());
            }
        }
        silent = false;
        from = from.max(back(looked));
        std::thread::sleep(PAUSE);
    }
}

/// So long before, to the millisecond as all times of the API.
fn back(time: Timestamp) -> String {
    format!("{:.3}", time.checked_sub(LAG).unwrap_or(time))
}

/// What was not there before, the oldest first. Remembers only what can come again.
fn unseen(seen: &mut BTreeSet<String>, items: Vec<Value>) -> Vec<Value> {
    let ids: BTreeSet<String> = items.iter().map(|item| text(item, "/id").to_owned()).collect();
    let mut new: Vec<Value> = items.into_iter().filter(|item| !seen.contains(text(item, "/id"))).collect();
    new.sort_by(|one, other| (text(one, "/time"), text(one, "/id")).cmp(&(text(other, "/time"), text(other, "/id"))));
    *seen = ids;
    new
}

/// One record in one line: what every record has, then whatever else this one has.
fn line(zone: &TimeZone, item: &Value) -> String {
    let none = Map::new();
    let fields = item.as_object().unwrap_or(&none);
    let word = |name: &str| fields.get(name).filter(|value| !value.is_null()).map_or_else(|| "-".to_owned(), shown);
    let more = fields.iter().filter(|(name, value)| !SHOWN.contains(&name.as_str()) && !value.is_null());
    let mut more: Vec<String> = more.map(|(name, value)| format!("{}={}", plain(name), shown(value))).collect();
    // Whether a value keeps the order of its fields is up to other crates.
    more.sort();
    let time = at(&word("time"), zone);
    let line = format!(
        "{time}  {} {}  {} on {}  {}",
        word("outcome"),
        word("action"),
        word("who"),
        word("resource"),
        more.join(" ")
    );
    format!("{}\n", line.trim_end())
}

fn shown(value: &Value) -> String {
    value.as_str().map_or_else(|| plain(&value.to_string()), plain)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_record_in_a_line() {
        let record = json!({
            "id": "aud_1", "time": "2026-11-22T13:45:00.250Z", "action": "create_key", "outcome": "denied", "who": "adm_1",
            "resource": null, "on_behalf_of": null, "policies": ["scope"], "something_new": { "a": 1 }, "code": "forbidden",
        });
        insta::assert_snapshot!(
            line(&TimeZone::UTC, &record),
            @r#"2026-11-22 13:45:00Z  denied create_key  adm_1 on -  code=forbidden policies=["scope"] something_new={"a":1}"#
        );
        assert_eq!(line(&TimeZone::UTC, &json!({ "who": "\u{1b}[2J" })), "-  - -  \u{fffd}[2J on -\n");
    }

    #[test]
    fn every_record_once_and_in_order() {
        let mut seen = BTreeSet::new();
        let item = |n: u32| json!({ "id": format!("a{n}"), "time": format!("2026-11-22T13:45:0{n}Z") });
        let ids = |items: Vec<Value>| items.iter().map(|item| text(item, "/id").to_owned()).collect::<Vec<_>>();
        assert_eq!(ids(unseen(&mut seen, vec![item(2), item(1)])), ["a1", "a2"]);
        assert_eq!(ids(unseen(&mut seen, vec![item(4), item(3), item(2), item(1)])), ["a3", "a4"]);
        assert_eq!(ids(unseen(&mut seen, vec![item(4), item(3)])), Vec::<String>::new());
    }
}
