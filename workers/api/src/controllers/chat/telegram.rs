//! `POST /chat/telegram/{organization_id}`: what people do with Telegram's bot.
//!
//! Telegram knows nobody's e-mail address: a member links their account, with a
//! code that they made where they are signed in. What is refused is answered
//! with 200 all the same, since Telegram sends anything else again for hours;
//! people read why in the chat.

use ::organization::protocol::Way;
use audit::Attribution;
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use channels::incoming::{Decision, MOST_BYTES};
use channels::message::Message;
use channels::telegram::{self, Incoming};
use channels::{ActionKeys, Channel, Headers};
use http::StatusCode;
use identity::{ApprovalId, MemberId};
use messenger::Line;

use super::heard::Heard;
use super::link::verdict;
use super::question::is_ours;
use super::{command, linking, people, refused};
use crate::app::App;
use crate::controllers::approvals::decide;
use crate::extract::Body;
use crate::idempotency::Repeat;
use crate::problem::{Code, Problem};
use crate::sign_in::browser::attribution;
use crate::text::Note;
use crate::throttle;

/// Answers once it is done: Telegram waits a minute.
#[worker::send]
pub(crate) async fn telegram(app: App, request: Request) -> Result<Response, Problem> {
    let (parts, body) = request.into_parts();
    throttle::may_try(&app, &parts.headers)?;
    let nowhere = || Problem::new(Code::NotFound, "there is no chat here");
    let organization = parts.uri.path().rsplit('/').next().and_then(|id| id.parse().ok()).ok_or_else(nowhere)?;
    let body = axum::body::to_bytes(body, MOST_BYTES)
        .await
        .map_err(|_| Problem::new(Code::PayloadTooLarge, "the body is larger than anything that Telegram sends"))?;
    let by = Attribution { action: Some("chat".to_owned()), ..attribution(&parts)? };
    let headers: Vec<(&str, &str)> =
        parts.headers.iter().filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?))).collect();
    let vault = app.vault()?;
    for channel in app.channels(organization).await?.into_iter().filter(|channel| channel.enabled) {
        if !matches!(channel.way, Way::Telegram { .. }) {
            continue;
        }
        let Ok(line) = Line::open(app.env(), &vault, &channel) else { continue };
        let Line::Telegram(config, secret) = &line else { continue };
        let Ok(verified) = telegram::verify(secret, Headers(&headers), &body) else { continue };
        let repeat = Repeat::read(&http::HeaderMap::new(), &parts.method, parts.uri.path(), &body)?;
        // What cannot be read now cannot be read when it is sent again.
        let came = verified.read().unwrap_or(Incoming::Other);
        let config = config.clone();
        let heard = Heard { app, organization, channel: channel.id, line, workspace: None, by, repeat };
        return heed(&heard, &config, came).await;
    }
    refused(&app, organization, (None, None), ("forged", &by)).await;
    Err(Problem::new(Code::Unauthorized, "the secret token is none of this organization's channels'"))
}

async fn heed(heard: &Heard, config: &telegram::Config, came: Incoming) -> Result<Response, Problem> {
    match came {
        Incoming::Decision { decision, query, .. } => {
            let said = match pressed(heard, decision).await {
                Ok(text) => text.to_owned(),
                Err(problem) if is_ours(&problem) => return Err(problem),
                Err(problem) => problem.detail().to_owned(),
            };
            // Nobody is worse off where it does not arrive.
            let _ = messenger::send(&telegram::answer(config, &query, &said)).await;
        }
        Incoming::Link { replay_id, account, chat, code } => {
            let first = heard.is_first(&replay_id).await;
            let linked = match first {
                Ok(()) => linking::link(heard, &account, &chat.to_string(), &code).await,
                Err(problem) => Err(problem),
            };
            let said = match linked {
                Ok(name) => format!("This is {name}'s account now. Say /help to see what you can do here."),
                Err(problem) if is_ours(&problem) => return Err(problem),
                Err(problem) => problem.detail().to_owned(),
            };
            say(config, chat, said).await;
        }
        Incoming::Command { replay_id, account, chat, command } => {
            let said = match welcome(heard, &replay_id, &account).await {
                Ok(member) => command::carry_out(heard, member, command).await,
                Err(problem) => Err(problem),
            };
            match said {
                Ok(said) => say(config, chat, said).await,
                Err(problem) if is_ours(&problem) => return Err(problem),
                Err(problem) => say(config, chat, problem.detail().to_owned()).await,
            }
        }
        Incoming::Reply { .. } | Incoming::Other => {}
    }
    Ok(StatusCode::OK.into_response())
}

/// Who it is, if they may be heard at all.
async fn welcome(heard: &Heard, replay_id: &str, account: &str) -> Result<MemberId, Problem> {
    heard.is_first(replay_id).await?;
    let directory = heard.app.directory(heard.organization).await?;
    match people::member(heard, &directory, account).await? {
        Some(member) => Ok(member),
        None => {
            heard.refuse(None, "unknown_account").await;
            let detail = "I don't know you yet: make a code where you sign in to Alfred, and send it to me";
            Err(Problem::new(Code::Forbidden, detail))
        }
    }
}

/// Somebody pressed a button: decided at once, without a reason.
async fn pressed(heard: &Heard, decision: Decision) -> Result<&'static str, Problem> {
    let member = welcome(heard, &decision.replay_id, &decision.account).await?;
    let (master, previous) = (heard.app.master_secret()?, heard.app.previous_secret());
    let keys = ActionKeys::new(&master, previous.as_deref(), heard.organization, Channel::Telegram);
    let answered = match keys.map_err(Problem::internal)?.verify(&decision.token, member) {
        Ok(answered) => answered,
        Err(error) => {
            heard.refuse(Some(member), "forged_button").await;
            return Err(Problem::new(Code::Forbidden, error));
        }
    };
    let (action, verdict) = verdict(answered.verdict);
    let reason = decision.reason.map(Note::try_from).transpose().map_err(Problem::invalid)?;
    let body = Body { value: decide::Decision::because(reason), repeat: heard.repeat.clone() };
    let id = ApprovalId::from_u128(answered.request);
    let _ = decide::decide(heard.caller(member), action, (id, verdict), body).await?;
    Ok(match answered.verdict {
        channels::Verdict::Approve => "You have approved it.",
        channels::Verdict::Deny => "You have denied it.",
    })
}

/// Answers in the chat; nobody is worse off where it does not arrive.
async fn say(config: &telegram::Config, chat: i64, text: String) {
    let message = Message {
        id: String::new(),
        title: text,
        text: Vec::new(),
        facts: Vec::new(),
        actions: Vec::new(),
        link: None,
        tone: Default::default(),
    };
    let _ = messenger::send(&telegram::request(&message, config, chat)).await;
}
