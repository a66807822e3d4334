//! `POST /chat/slack/{organization_id}`: Slack's buttons and `/alfred`.

use ::organization::protocol::Way;
use audit::Attribution;
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use channels::incoming::{Decision, MOST_BYTES, Refusal};
use channels::message::Message;
use channels::slack::{self, Incoming};
use channels::{ActionKeys, Channel, Endpoint, Headers};
use http::{StatusCode, header};
use identity::{ApprovalId, MemberId};
use messenger::Line;
use runtime::now_ms;

use super::heard::Heard;
use super::link::verdict;
use super::question::is_ours;
use super::{command, people, refused};
use crate::app::App;
use crate::controllers::approvals::decide::{self, Decision as Reason};
use crate::extract::Body;
use crate::idempotency::Repeat;
use crate::problem::{Code, Problem};
use crate::sign_in::browser::attribution;
use crate::text::Note;
use crate::throttle;

/// Answers Slack within its three seconds: one or two questions to actors and
/// one to D1. What people see follows by itself.
#[worker::send]
pub(crate) async fn slack(app: App, request: Request) -> Result<Response, Problem> {
    let (parts, body) = request.into_parts();
    throttle::may_try(&app, &parts.headers)?;
    let nowhere = || Problem::new(Code::NotFound, "there is no chat here");
    let organization = parts.uri.path().rsplit('/').next().and_then(|id| id.parse().ok()).ok_or_else(nowhere)?;
    let body = axum::body::to_bytes(body, MOST_BYTES)
        .await
        .map_err(|_| Problem::new(Code::PayloadTooLarge, "the body is larger than anything that Slack sends"))?;
    let by = Attribution { action: Some("chat".to_owned()), ..attribution(&parts)? };
    let headers: Vec<(&str, &str)> =
        parts.headers.iter().filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?))).collect();
    let vault = app.vault()?;
    let mut refusal = Refusal::Signature;
    let mut heard = None;
    for channel in app.channels(organization).await?.into_iter().filter(|channel| channel.enabled) {
        let Way::Slack { workspace } = &channel.way else { continue };
        let Ok(line) = Line::open(app.env(), &vault, &channel) else { continue };
        let Line::Slack(_, secret) = &line else { continue };
        match slack::verify(secret, Headers(&headers), &body, now_ms()) {
            Ok(verified) => {
                let repeat = Repeat::read(&http::HeaderMap::new(), &parts.method, parts.uri.path(), &body)?;
                let (app, channel, workspace, by) = (app.clone(), channel.id, workspace.clone(), by.clone());
                let workspace = Some(workspace);
                heard = Some((Heard { app, organization, channel, line, workspace, by, repeat }, verified));
                break;
            }
            // The one that only came too late says more.
            Err(Refusal::Stale) => refusal = Refusal::Stale,
            Err(_) => {}
        }
    }
    let Some((heard, verified)) = heard else {
        let code = if refusal == Refusal::Stale { "stale" } else { "forged" };
        refused(&app, organization, (None, None), (code, &by)).await;
        return Err(Problem::new(Code::Unauthorized, refusal));
    };
    match verified.read().map_err(Problem::invalid)? {
        Incoming::Challenge(text) => Ok(text.into_response()),
        Incoming::Other => Ok(StatusCode::OK.into_response()),
        Incoming::Decision { decision, response_url, .. } => {
            if let Err(problem) = pressed(&heard, decision).await {
                tell(response_url.as_deref(), &heard, problem.detail()).await;
                return refusal_answer(problem);
            }
            Ok(StatusCode::OK.into_response())
        }
        Incoming::Command { replay_id, account, workspace, command, .. } => {
            let said = match welcome(&heard, &replay_id, workspace.as_deref(), &account).await {
                Ok(member) => command::carry_out(&heard, member, command).await,
                Err(problem) => Err(problem),
            };
            let text = match said {
                Ok(text) => text,
                Err(problem) if problem.code == Code::Forbidden || !is_ours(&problem) => problem.detail().to_owned(),
                Err(problem) => return Err(problem),
            };
            Ok(shown(&heard, &text))
        }
    }
}

/// Whoever cannot be heard is told so by the status; Slack shows people only
/// that something went wrong, and the rest stands in a message of its own.
fn refusal_answer(problem: Problem) -> Result<Response, Problem> {
    match problem.code {
        // It was heard, and refused as the API would.
        Code::Conflict | Code::NotFound | Code::InvalidRequest => Ok(StatusCode::OK.into_response()),
        _ => Err(problem),
    }
}

/// Who it is, if they may be heard at all.
async fn welcome(heard: &Heard, replay_id: &str, workspace: Option<&str>, account: &str) -> Result<MemberId, Problem> {
    if workspace != heard.workspace.as_deref() {
        heard.refuse(None, "foreign_workspace").await;
        return Err(Problem::new(Code::Forbidden, "this workspace is not the one that the organization has linked"));
    }
    heard.is_first(replay_id).await?;
    let directory = heard.app.directory(heard.organization).await?;
    match people::member(heard, &directory, account).await? {
        Some(member) => Ok(member),
        None => {
            heard.refuse(None, "unknown_account").await;
            let detail = "you are not known here: Alfred knows people by their e-mail address in Slack";
            Err(Problem::new(Code::Forbidden, detail))
        }
    }
}

/// Somebody pressed a button.
async fn pressed(heard: &Heard, decision: Decision) -> Result<(), Problem> {
    let workspace = decision.workspace.as_deref();
    let member = welcome(heard, &decision.replay_id, workspace, &decision.account).await?;
    let (master, previous) = (heard.app.master_secret()?, heard.app.previous_secret());
    let keys = ActionKeys::new(&master, previous.as_deref(), heard.organization, Channel::Slack);
    let answered = match keys.map_err(Problem::internal)?.verify(&decision.token, member) {
        Ok(answered) => answered,
        Err(error) => {
            heard.refuse(Some(member), "forged_button").await;
            return Err(Problem::new(Code::Forbidden, error));
        }
    };
    let id = ApprovalId::from_u128(answered.request);
    let (action, verdict) = verdict(answered.verdict);
    let reason = decision.reason.map(Note::try_from).transpose().map_err(Problem::invalid)?;
    let body = Body { value: Reason::because(reason), repeat: heard.repeat.clone() };
    decide::decide(heard.caller(member), action, (id, verdict), body).await.map(drop)
}

fn message(text: &str) -> Message {
    Message {
        id: String::new(),
        title: text.to_owned(),
        text: Vec::new(),
        facts: Vec::new(),
        actions: Vec::new(),
        link: None,
        tone: Default::default(),
    }
}

/// Tells whoever pressed a button why nothing came of it. The address is
/// Slack's, since Slack has signed it.
async fn tell(response_url: Option<&str>, heard: &Heard, text: &str) {
    let transport = heard.app.reach().transport();
    let Some(Ok(endpoint)) = response_url.map(|url| Endpoint::parse(url, transport)) else { return };
    // Nobody is worse off where it does not arrive.
    let _ = messenger::send(&slack::webhook::tell(&message(text), &endpoint)).await;
}

/// The answer to a command, which only whoever gave it sees.
fn shown(heard: &Heard, text: &str) -> Response {
    let Line::Slack(config, _) = &heard.line else { return StatusCode::OK.into_response() };
    let body = slack::webhook::tell(&message(text), &config.api).body;
    ([(header::CONTENT_TYPE, "application/json")], body).into_response()
}
