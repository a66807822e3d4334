//! Sending credits.

use ::team::protocol::{self as team, Transferred};
use events::Place;
use identity::TransferId;
use ledger::Millicredits;
use policy::Facts;

use super::{Moved, NewTransfer, is_own, place, target};
use crate::app::{App, unexpected};
use crate::controllers::{Created, created};
use crate::extract::{Action, Admin, Body, Caller};
use crate::idempotency::Repeat;
use crate::node::not_heard_of_yet;
use crate::problem::{Code, Problem};
use crate::text::Note;

/// Others may send from the same account between asking policies and sending;
/// more often than that in a row it is not people.
const ATTEMPTS: u32 = 5;

/// Send credits to a colleague, a pool or another team.
///
/// Only what is not reserved for calls in flight can be sent. Within a team it is there at once; in another team it
/// arrives within moments, or comes back. It can be undone until `undo_until`, as far as it is unspent.
#[utoipa::path(post, path = "/api/v1/transfers", tag = "Transfers", request_body = NewTransfer,
    responses((status = 201, description = "They were sent", body = Moved)))]
#[worker::send]
pub(crate) async fn transfer(
    caller: Caller,
    Body { value, repeat }: Body<NewTransfer>,
) -> Result<Created<Moved>, Problem> {
    let from = value.source(&caller)?;
    let (target, facts) = (target(from)?, value.facts()?);
    // Whether at all, before anything else is looked up.
    let admin = caller.clone().may_with(Action::Transfer, target, facts.clone()).await?;
    let directory = admin.directory().await?;
    let (from, to) = (place(&directory, from)?, place(&directory, value.to)?);
    let NewTransfer { amount, note, .. } = value;
    let note = note.map(Note::into_string);
    let undo_ms = i64::from(directory.general.undo_minutes).saturating_mul(60_000);
    let mut attempt = 1;
    loop {
        let sent_today = Some(sent_today(&admin.app, from).await?);
        let millicredits = sent_today.map(Millicredits::get);
        let facts = Facts { sent_today: millicredits, ..facts.clone() };
        let admin = caller.clone().goes_on(Action::Transfer, target, facts).await?;
        let id = TransferId::from_u128(admin.id()?);
        let new = team::NewTransfer { id, from, to, amount, note: note.clone(), undo_ms, sent_today };
        match order(&admin, &repeat, new).await {
            Err(problem) if problem.code == Code::PreconditionFailed && attempt < ATTEMPTS => {
                attempt = attempt.saturating_add(1)
            }
            Err(problem) => return Err(problem),
            Ok(done) => {
                let shows_available = is_own(&admin, from);
                return Ok(created(Moved::new(arrived(&admin.app, done, to).await, shows_available)));
            }
        }
    }
}

async fn order(admin: &Admin, repeat: &Repeat, new: team::NewTransfer) -> Result<Transferred, Problem> {
    let team = new.from.team;
    match admin.order_team(team, repeat, team::Act::Transfer(new)).await.map_err(not_heard_of_yet)? {
        team::Reply::Transferred(done) => Ok(*done),
        _ => Err(unexpected()),
    }
}

/// What was sent to another team is there already, as a rule: its word counts.
async fn arrived(app: &App, done: Transferred, to: Place) -> Transferred {
    if done.transfer.status != team::TransferStatus::Sent {
        return done;
    }
    match find(app, to.team, done.transfer.id).await {
        Ok(Some(transfer)) => Transferred { transfer, ..done },
        _ => done,
    }
}

/// A transfer, as a team knows it.
pub(super) async fn find(app: &App, team: identity::TeamId, id: TransferId) -> Result<Option<team::Transfer>, Problem> {
    let question = team::Question::Transfer { id };
    match app.actors()?.team(team, &team::Command::Ask(question)).await? {
        team::Answer::Transfer(Ok(transfer)) => Ok(Some(*transfer)),
        team::Answer::Transfer(Err(team::OrderError::NotFound { .. })) => Ok(None),
        team::Answer::Transfer(Err(error)) => Err(error.into()),
        _ => Err(unexpected()),
    }
}

/// What was sent from a place today.
pub(super) async fn sent_today(app: &App, from: Place) -> Result<Millicredits, Problem> {
    let question = team::Question::SentToday { from };
    match app.actors()?.team(from.team, &team::Command::Ask(question)).await? {
        team::Answer::SentToday(sent) => Ok(sent?),
        _ => Err(unexpected()),
    }
}
