//! Sending credits.

use ::team::protocol::{self as team, Transferred};
use axum::Json;
use axum::response::{IntoResponse, Response};
use events::Place;
use http::StatusCode;
use identity::{TransferId, at_home};
use ledger::Millicredits;
use policy::Facts;

use super::{Moved, NewTransfer, is_own, place, target};
use crate::app::{App, unexpected};
use crate::controllers::approvals::Approval;
use crate::controllers::approvals::request::ask;
use crate::controllers::created;
use crate::extract::{Action, Admin, Body, Caller, Target};
use crate::idempotency::Repeat;
use crate::node::{Node, not_heard_of_yet};
use crate::problem::{Code, Problem};
use crate::text::Note;

/// Others may send from the same account between asking policies and sending;
/// more often than that in a row it is not people.
const ATTEMPTS: u32 = 5;

/// Send credits to a colleague, a pool or another team.
///
/// Only what is not reserved for calls in flight can be sent. Within a team it is there at once; in another team it
/// arrives within moments, or comes back. It can be undone until `undo_until`, as far as it is unspent. What policies
/// want approved first is asked for (202), and sent when it is approved.
#[utoipa::path(post, path = "/api/v1/transfers", tag = "Transfers", request_body = NewTransfer,
    responses((status = 201, description = "They were sent", body = Moved),
        (status = 202, description = "Others must approve it first", body = Approval)))]
#[worker::send]
pub(crate) async fn transfer(caller: Caller, Body { value, repeat }: Body<NewTransfer>) -> Result<Response, Problem> {
    let from = value.source(&caller)?;
    let (target, facts) = (target(from)?, value.facts()?);
    // Whether at all, before anything else is looked up.
    let admin = match caller.clone().may_with(Action::Transfer, target, facts.clone()).await {
        Err(problem) if problem.code == Code::ApprovalRequired => return ask_for(caller, from, value, &repeat).await,
        admin => admin?,
    };
    let directory = admin.directory().await?;
    let (from_node, from, to) = (from, place(&directory, from)?, place(&directory, value.to)?);
    let undo_ms = i64::from(directory.general.undo_minutes).saturating_mul(60_000);
    let mut attempt = 1;
    loop {
        let sent_today = Some(sent_today(&admin.app, from).await?);
        let millicredits = sent_today.map(Millicredits::get);
        let facts = Facts { sent_today: millicredits, ..facts.clone() };
        let admin = match caller.clone().goes_on(Action::Transfer, target, facts).await {
            Err(problem) if problem.code == Code::ApprovalRequired => {
                return ask_for(caller, from_node, value, &repeat).await;
            }
            admin => admin?,
        };
        let id = TransferId::from_u128(at_home(admin.id()?, from.team));
        let note = value.note.clone().map(Note::into_string);
        let new = team::NewTransfer { id, from, to, amount: value.amount, note, undo_ms, sent_today };
        match order(&admin, &repeat, new).await {
            Err(problem) if problem.code == Code::PreconditionFailed && attempt < ATTEMPTS => {
                attempt = attempt.saturating_add(1)
            }
            Err(problem) => return Err(problem),
            Ok(done) => {
                let shows_available = is_own(&admin, from);
                let moved = Moved::new(arrived(&admin.app, done, to).await, shows_available);
                return Ok(created(moved).into_response());
            }
        }
    }
}

/// Others must approve it first: it is asked for.
async fn ask_for(caller: Caller, from: Node, asked: NewTransfer, repeat: &Repeat) -> Result<Response, Problem> {
    let admin = caller.goes_on(Action::RequestApproval, Target::Organization, Facts::default()).await?;
    let directory = admin.directory().await?;
    let places = (place(&directory, from)?, place(&directory, asked.to)?);
    let what = (asked.amount, asked.note.map(Note::into_string));
    let approval = ask(&admin, repeat, places, what).await?;
    Ok((StatusCode::ACCEPTED, Json(approval)).into_response())
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
