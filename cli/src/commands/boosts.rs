//! `alfred boosts`.

use ledger::Millicredits;
use serde_json::{Value, json};

use super::send::{all_named, named};
use crate::api::{body, operations as ops};
use crate::failure::Failure;
use crate::output::views;
use crate::session::Session;

/// Credits for one member until a deadline, from the team's pool.
#[derive(clap::Subcommand)]
pub(crate) enum Command {
    /// List them, the newest first
    #[command(after_help = "Examples:
  alfred boosts list
  alfred boosts list --team Vision --state running --json")]
    List {
        /// This member's; your own if left out
        #[arg(long, conflicts_with = "team")]
        member: Option<String>,
        /// Those of this team's members
        #[arg(long)]
        team: Option<String>,
        /// Only those that go on, or that have ended
        #[arg(long, value_parser = ["running", "ended"])]
        state: Option<String>,
        /// Only so many
        #[arg(long, value_name = "NUMBER")]
        first: Option<usize>,
    },
    /// Show one
    #[command(after_help = "Example:\n  alfred boosts show boost_01h2xcejqtf2nbrexx3vqjhp41")]
    Show {
        /// Its id
        boost: String,
    },
    /// Give one; what is unused at the end goes back by itself
    #[command(after_help = "Examples:
  alfred boosts give 500 --to alan --until 2026-12-01 --reason 'the release'
  alfred boosts give 500 --to alan --until 2026-12-01T18:00 --lift-rate-limits
  alfred boosts give 500 --to alan")]
    Give(Give),
    /// End one before its time
    #[command(after_help = "Example:\n  alfred boosts end boost_01h2xcejqtf2nbrexx3vqjhp41")]
    End {
        /// Its id
        boost: String,
    },
}

/// A boost as it shall be.
#[derive(Debug, clap::Args)]
pub(crate) struct Give {
    /// Credits, like 12.5
    amount: Millicredits,
    /// Which member
    #[arg(long)]
    to: String,
    /// Until when; until they are spent if left out
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
    /// Rate limits of the member and their keys do not bind until then
    #[arg(long, requires = "until")]
    lift_rate_limits: bool,
    /// Why, for people
    #[arg(long)]
    reason: Option<String>,
}

fn order(give: &Give, member: &str, ends_at: Option<String>) -> Value {
    body([
        ("member_id", Some(json!(member))),
        ("amount", Some(json!(give.amount))),
        ("ends_at", ends_at.map(|at| json!(at))),
        ("lifts_rate_limits", give.lift_rate_limits.then_some(json!(true))),
        ("reason", give.reason.as_ref().map(|reason| json!(reason))),
    ])
}

/// Runs it.
pub(crate) fn run(command: &Command, session: &Session) -> Result<String, Failure> {
    let directory = session.neighbours()?;
    let show = |boost: Value| named(session, &directory, &views::BOOST, boost);
    match command {
        Command::List { member, team, state, first } => {
            let query = [
                ("member_id", member.as_deref().map(|member| directory.purse(member)).transpose()?),
                ("team_id", team.as_deref().map(|team| directory.purse(team)).transpose()?),
                ("state", state.clone()),
            ];
            let boosts = session.api.list(ops::LIST_BOOSTS, &[], &query, *first)?;
            Ok(all_named(session, &directory, &views::BOOST, boosts))
        }
        Command::Show { boost } => session.api.call(ops::GET_BOOST, &[boost]).map(show),
        Command::Give(give) => {
            let ends_at = session.moment(give.until.as_ref())?;
            let order = order(give, &directory.purse(&give.to)?, ends_at);
            session.api.order(ops::BOOST, &[], &order).map(show)
        }
        Command::End { boost } => session.api.order(ops::END_BOOST, &[boost], &json!({})).map(show),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document;

    #[test]
    fn what_is_sent() {
        let (amount, to) = (Millicredits::new(1), "alan".to_owned());
        let give = Give { amount, to, until: None, lift_rate_limits: false, reason: None };
        document::accepts(ops::BOOST, &order(&give, "mem_01h2xcejqtf2nbrexx3vqjhp41", None));
        let give = Give { lift_rate_limits: true, reason: Some("why".into()), ..give };
        let until = Some("2026-12-01T00:00:00Z".to_owned());
        document::accepts(ops::BOOST, &order(&give, "mem_01h2xcejqtf2nbrexx3vqjhp41", until));
    }
}
