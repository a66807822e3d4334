//! What people type: `/alfred balance`, `/alfred send @alan 5 for the demo`.

use axum::response::Response;
use channels::command::{Command, CommandError};
use http::StatusCode;
use identity::MemberId;
use jiff::civil::Date;
use limits::{Day, Zone};

use super::heard::Heard;
use super::people;
use crate::controllers::absences::{NewAbsence, come_back, create_absence};
use crate::controllers::approvals::request::{NewApproval, request_approval};
use crate::controllers::transfers::NewTransfer;
use crate::controllers::transfers::send::transfer;
use crate::extract::{Action, Body, Target};
use crate::node::Node;
use crate::problem::Problem;
use crate::text::Note;
use crate::time::Time;

const HELP: &str = "You can say: balance, pool, send @alan 50 for the demo, request 100 for the demo, ooo until \
                    2026-12-31, ooo off.";

/// Does it as whoever typed it, and says what came of it.
pub(super) async fn carry_out(
    heard: &Heard,
    member: MemberId,
    command: Result<Command, CommandError>,
) -> Result<String, Problem> {
    let note = |text: Option<String>| text.map(Note::try_from).transpose().map_err(Problem::invalid);
    let repeat = heard.repeat.clone();
    match command {
        Err(error) => Ok(error.to_string()),
        Ok(Command::Help) => Ok(HELP.to_owned()),
        Ok(Command::Away { from, until }) => {
            let zone = Zone::parse(&heard.app.directory(heard.organization).await?.general.time_zone);
            let zone = zone.map_err(Problem::internal)?;
            let from = from.map(|day| begins(Ok(day), &zone)).transpose()?;
            let value = NewAbsence::own(from, begins(until.tomorrow(), &zone)?).of(member);
            let _ = create_absence(heard.caller(member), Body { value, repeat }).await?;
            let since = from.map(|_| ", from the day that you said").unwrap_or_default();
            Ok(format!(
                "You are out of office until {until} is over{since}. Whatever you do not use pays for others meanwhile; what \
                 is left is yours again when you are back. Back earlier? Say: ooo off."
            ))
        }
        Ok(Command::Back) => Ok(match come_back(heard.caller(member), member, &repeat).await? {
            0 => "You are not out of office.".to_owned(),
            _ => "Welcome back! What was left of your credits is yours again.".to_owned(),
        }),
        Ok(Command::Balance) => {
            let admin = heard.caller(member).may(Action::GetBalance, Target::Wallet { id: member }).await?;
            let directory = heard.app.directory(admin.organization).await?;
            let team = super::super::transfers::team_of(&directory, member);
            let team = team.ok_or_else(|| Problem::not_found("member", member))?;
            let overview = heard.app.overview(team).await?;
            let view = overview.members.into_iter().find(|view| view.profile.member == member);
            let wallet = view.ok_or_else(|| Problem::not_found("member", member))?.wallet;
            Ok(format!("You have {} credits.", wallet.available))
        }
        Ok(Command::Pool) => {
            let directory = heard.app.directory(heard.organization).await?;
            let team = super::super::transfers::team_of(&directory, member);
            let team = team.ok_or_else(|| Problem::not_found("member", member))?;
            heard.caller(member).may(Action::GetBalance, Target::Team { id: team }).await?;
            let overview = heard.app.overview(team).await?;
            Ok(format!("The pool of {} has {} credits.", overview.profile.name, overview.pool.available))
        }
        Ok(Command::Send { to, amount, note: said }) => {
            let directory = heard.app.directory(heard.organization).await?;
            let (to, _) = people::meant(heard, &directory, &to).await?;
            let value = NewTransfer::own(Node::Member(to), amount, note(said)?);
            let response: Response = transfer(heard.caller(member), Body { value, repeat }).await?;
            Ok(match response.status() {
                StatusCode::ACCEPTED => format!("{amount} credits need an approval: it was asked for."),
                _ => format!("{amount} credits were sent."),
            })
        }
        Ok(Command::Request { amount, reason }) => {
            let value = NewApproval::own(amount, note(reason)?);
            let _ = request_approval(heard.caller(member), Body { value, repeat }).await?;
            Ok(format!("You have asked for {amount} credits. You are told when it is decided."))
        }
    }
}

/// When a day begins where the organization is.
fn begins(day: Result<Date, jiff::Error>, zone: &Zone) -> Result<Time, Problem> {
    let at_ms = day.ok().and_then(|day| Day::from(day).begins_ms(zone));
    at_ms.map(Time::from_ms).ok_or_else(|| Problem::invalid("the days must be of years that can be reckoned with"))
}
