//! `POST /chat/telegram/{organization_id}`: what people do with Telegram's bot.
//!
//! Telegram knows nobody's e-mail address: a member links their account, with a
//! code that they made where they are signed in. What is refused is answered
//! with 200 all the same, since Telegram sends anything else again for hours;
//! people read why in the chat.

use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use channels::incoming::{Decision, Refusal};
use channels::telegram::{self, Incoming};
use channels::{Channel, Verdict};
use http::StatusCode;
use messenger::Line;

use super::heard::Heard;
use super::knock::Knock;
use super::question::is_ours;
use super::{command, linking, said};
use crate::app::App;
use crate::problem::Problem;

/// What people are told who have linked no account.
const HOW: &str = "I don't know you yet: make a code where you sign in to Alfred, and send it to me";

/// Answers once it is done: Telegram waits a minute.
#[worker::send]
pub(crate) async fn telegram(app: App, request: Request) -> Result<Response, Problem> {
    let knock = Knock::of(app, request).await?;
    let (heard, (verified, config)) = knock
        .verified("telegram", |line, headers, body| match line {
            Line::Telegram(config, secret) => Ok((telegram::verify(secret, headers, body)?, config.clone())),
            _ => Err(Refusal::Signature),
        })
        .await?;
    // What cannot be read now cannot be read when it is sent again.
    heed(&heard, &config, verified.read().unwrap_or(Incoming::Other)).await
}

async fn heed(heard: &Heard, config: &telegram::Config, came: Incoming) -> Result<Response, Problem> {
    match came {
        Incoming::Decision { decision, query, .. } => {
            let answer = match pressed(heard, decision).await {
                Ok(text) => text.to_owned(),
                Err(problem) if is_ours(&problem) => return Err(problem),
                Err(problem) => problem.detail().to_owned(),
            };
            // Nobody is worse off where it does not arrive.
            let _ = messenger::send(&telegram::answer(config, &query, &answer)).await;
        }
        Incoming::Link { replay_id, account, chat, code } => {
            let first = heard.is_first(&replay_id).await;
            let linked = match first {
                Ok(()) => linking::link(heard, &account, &chat.to_string(), &code).await,
                Err(problem) => Err(problem),
            };
            let answer = match linked {
                Ok(name) => format!("This is {name}'s account now. Say /help to see what you can do here."),
                Err(problem) if is_ours(&problem) => return Err(problem),
                Err(problem) => problem.detail().to_owned(),
            };
            say(config, chat, answer).await;
        }
        Incoming::Command { replay_id, account, chat, command } => {
            let answer = match heard.welcome(&replay_id, &account, HOW).await {
                Ok(member) => command::carry_out(heard, member, command).await,
                Err(problem) => Err(problem),
            };
            match answer {
                Ok(answer) => say(config, chat, answer).await,
                Err(problem) if is_ours(&problem) => return Err(problem),
                Err(problem) => say(config, chat, problem.detail().to_owned()).await,
            }
        }
        Incoming::Reply { .. } | Incoming::Other => {}
    }
    Ok(StatusCode::OK.into_response())
}

/// Somebody pressed a button: decided at once, without a reason.
async fn pressed(heard: &Heard, decision: Decision) -> Result<&'static str, Problem> {
    let member = heard.welcome(&decision.replay_id, &decision.account, HOW).await?;
    Ok(match heard.decide(Channel::Telegram, member, decision).await? {
        Verdict::Approve => "You have approved it.",
        Verdict::Deny => "You have denied it.",
    })
}

/// Answers in the chat; nobody is worse off where it does not arrive.
async fn say(config: &telegram::Config, chat: i64, text: String) {
    let _ = messenger::send(&telegram::request(&said(text), config, chat)).await;
}
