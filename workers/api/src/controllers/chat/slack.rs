//! `POST /chat/slack/{organization_id}`: Slack's buttons and `/alfred`.

use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use channels::incoming::{Decision, Refusal};
use channels::slack::{self, Incoming};
use channels::{Channel, Endpoint};
use http::{StatusCode, header};
use identity::MemberId;
use messenger::Line;
use runtime::now_ms;

use super::heard::Heard;
use super::knock::Knock;
use super::question::is_ours;
use super::{command, said};
use crate::app::App;
use crate::problem::{Code, Problem};

/// Answers Slack within its three seconds: one or two questions to actors and
/// one to D1. What people see follows by itself.
#[worker::send]
pub(crate) async fn slack(app: App, request: Request) -> Result<Response, Problem> {
    let knock = Knock::of(app, request).await?;
    let (heard, verified) = knock
        .verified("slack", |line, headers, body| match line {
            Line::Slack(_, secret) => slack::verify(secret, headers, body, now_ms()),
            _ => Err(Refusal::Signature),
        })
        .await?;
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
            let answer = match welcome(&heard, &replay_id, workspace.as_deref(), &account).await {
                Ok(member) => command::carry_out(&heard, member, command).await,
                Err(problem) => Err(problem),
            };
            let text = match answer {
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
    let how = "you are not known here: Alfred knows people by their e-mail address in Slack";
    heard.welcome(replay_id, account, how).await
}

/// Somebody pressed a button.
async fn pressed(heard: &Heard, decision: Decision) -> Result<(), Problem> {
    let workspace = decision.workspace.as_deref();
    let member = welcome(heard, &decision.replay_id, workspace, &decision.account).await?;
    heard.decide(Channel::Slack, member, decision).await.map(drop)
}

/// Tells whoever pressed a button why nothing came of it. The address is
/// Slack's, since Slack has signed it.
async fn tell(response_url: Option<&str>, heard: &Heard, text: &str) {
    let transport = heard.app.reach().transport();
    let Some(Ok(endpoint)) = response_url.map(|url| Endpoint::parse(url, transport)) else { return };
    // Nobody is worse off where it does not arrive.
    let _ = messenger::send(&slack::webhook::tell(&said(text.to_owned()), &endpoint)).await;
}

/// The answer to a command, which only whoever gave it sees.
fn shown(heard: &Heard, text: &str) -> Response {
    let Line::Slack(config, _) = &heard.line else { return StatusCode::OK.into_response() };
    let body = slack::webhook::tell(&said(text.to_owned()), &config.api).body;
    ([(header::CONTENT_TYPE, "application/json")], body).into_response()
}
