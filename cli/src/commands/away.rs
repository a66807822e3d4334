//! `alfred away`.

use ledger::Millicredits;
use serde_json::{Value, json};

use super::send::{all_named, named};
use crate::api::{body, operations as ops};
use crate::failure::Failure;
use crate::output::views;
use crate::session::Session;

/// Say who is out of office, and who may use their idle credits meanwhile.
///
/// What nobody has used is in the wallet again when they are back.
#[derive(clap::Subcommand)]
pub(crate) enum Command {
    /// List absences, the newest first
    #[command(after_help = "Examples:
  alfred away list
  alfred away list --team Vision --state current --json")]
    List {
        /// This member's; your own if left out
        #[arg(long, conflicts_with = "team")]
        member: Option<String>,
        /// Those of this team's members
        #[arg(long)]
        team: Option<String>,
        /// Only those that are or will be, or that are over
        #[arg(long, value_parser = ["current", "over"])]
        state: Option<String>,
        /// Only so many
        #[arg(long, value_name = "NUMBER")]
        first: Option<usize>,
    },
    /// Show one
    #[command(after_help = "Example:\n  alfred away show abs_01h2xcejqtf2nbrexx3vqjhp41")]
    Show {
        /// Its id
        absence: String,
    },
    /// Say that somebody is away, or will be
    #[command(after_help = "Examples:
  alfred away begin --until 2026-12-31
  alfred away begin --from 2026-12-23 --until 2027-01-04 --share 80%
  alfred away begin --member ada --share above:500 --to alan --reason 'the Alps'")]
    Begin(Begin),
    /// Say that they are back, or do not go
    #[command(after_help = "Example:\n  alfred away end abs_01h2xcejqtf2nbrexx3vqjhp41")]
    End {
        /// Its id
        absence: String,
    },
}

/// An absence as it shall be.
#[derive(Debug, clap::Args)]
pub(crate) struct Begin {
    /// Who; yourself if left out
    #[arg(long)]
    member: Option<String>,
    /// From when; from now on if left out
    #[arg(long, value_name = "TIME")]
    from: Option<String>,
    /// Until before when; until they are back if left out
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
    /// What of the idle credits others may use: all, nothing, a percentage like 80%, or above:500
    #[arg(long, default_value = "all", value_parser = share)]
    share: Value,
    /// Only this colleague may; everybody, after the pool, if left out
    #[arg(long, value_name = "MEMBER")]
    to: Option<String>,
    /// Why, for people
    #[arg(long)]
    reason: Option<String>,
}

fn share(text: &str) -> Result<Value, String> {
    if let Some(floor) = text.strip_prefix("above:") {
        let floor: Millicredits = floor.parse().map_err(|_| format!("`{floor}` is not an amount, like 12.5"))?;
        return Ok(json!({ "kind": "above", "floor": floor }));
    }
    if let Some(percent) = text.strip_suffix('%') {
        let percent = percent.parse().ok().filter(|percent| (1..=100).contains(percent));
        let percent: u8 = percent.ok_or_else(|| format!("`{text}` is not a percentage from 1% to 100%"))?;
        return Ok(json!({ "kind": "percent", "percent": percent }));
    }
    match text {
        "all" | "nothing" => Ok(json!({ "kind": text })),
        _ => Err("expected all, nothing, a percentage like 80%, or above:500".to_owned()),
    }
}

fn order(begin: &Begin, [member, delegate, from, until]: [Option<String>; 4]) -> Value {
    body([
        ("member_id", member.map(|id| json!(id))),
        ("delegate_id", delegate.map(|id| json!(id))),
        ("from", from.map(|at| json!(at))),
        ("until", until.map(|at| json!(at))),
        ("share", Some(begin.share.clone())),
        ("reason", begin.reason.as_ref().map(|reason| json!(reason))),
    ])
}

/// Runs it.
pub(crate) fn run(command: &Command, session: &Session) -> Result<String, Failure> {
    let directory = session.neighbours()?;
    let purse = |name: &Option<String>| name.as_deref().map(|name| directory.purse(name)).transpose();
    let show = |absence: Value| named(session, &directory, &views::ABSENCE, absence);
    match command {
        Command::List { member, team, state, first } => {
            let query = [("member_id", purse(member)?), ("team_id", purse(team)?), ("state", state.clone())];
            let absences = session.api.list(ops::LIST_ABSENCES, &[], &query, *first)?;
            Ok(all_named(session, &directory, &views::ABSENCE, absences))
        }
        Command::Show { absence } => session.api.call(ops::GET_ABSENCE, &[absence]).map(show),
        Command::Begin(begin) => {
            let (from, until) = (session.moment(begin.from.as_ref())?, session.moment(begin.until.as_ref())?);
            let order = order(begin, [purse(&begin.member)?, purse(&begin.to)?, from, until]);
            session.api.order(ops::CREATE_ABSENCE, &[], &order).map(show)
        }
        Command::End { absence } => session.api.order(ops::END_ABSENCE, &[absence], &json!({})).map(show),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document;

    #[test]
    fn what_is_sent() {
        let member = || Some("mem_01h2xcejqtf2nbrexx3vqjhp41".to_owned());
        let time = || Some("2026-12-01T00:00:00Z".to_owned());
        for text in ["all", "nothing", "80%", "above:12.5"] {
            let share = share(text).unwrap();
            let begin = Begin { member: None, from: None, until: None, share, to: None, reason: Some("why".into()) };
            document::accepts(ops::CREATE_ABSENCE, &order(&begin, [None, None, None, None]));
            document::accepts(ops::CREATE_ABSENCE, &order(&begin, [member(), member(), time(), time()]));
        }
    }

    #[test]
    fn what_is_no_share_says_so() {
        for text in ["", "half", "0%", "101%", "1.5%", "above:", "above:x"] {
            assert!(share(text).is_err(), "{text}");
        }
    }
}
