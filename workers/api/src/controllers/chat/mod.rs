//! `/chat`: what comes from chats; `/decide`: where their links lead. Not in the OpenAPI document: what is sent
//! there is the chats' own.
//!
//! A request is verified over its raw body before anything in it is read, by
//! the secret of one of the organization's channels, which so is known to be
//! the one. Then, in this order: the workspace must be that channel's, the
//! request must not have come before, the account must be an active member's,
//! and a button must be theirs. Whatever fails is refused and recorded. What is
//! left is done by the operations of the API, with that member as the caller:
//! roles, policies and "nobody decides about their own" hold as anywhere.

mod command;
mod heard;
mod knock;
mod link;
pub(crate) mod linking;
mod people;
pub(in crate::controllers) mod question;
pub(in crate::controllers) mod signed_in;
mod slack;
mod telegram;

use ::organization::protocol::{Command, Refused};
use audit::Attribution;
use axum::Router;
use axum::routing::{get, post};
use channels::message::Message;
use identity::{ChannelId, MemberId, OrganizationId};

use crate::app::App;
use crate::log;

/// The routes.
pub(crate) fn router() -> Router {
    Router::new()
        .route("/chat/slack/{organization_id}", post(slack::slack))
        .route("/chat/telegram/{organization_id}", post(telegram::telegram))
        .route("/decide/{organization_id}/{approval_id}", get(signed_in::decide).post(signed_in::decide))
        .route("/decide/{organization_id}/{channel_id}/{token}", get(link::link).post(link::link))
}

/// A text, for whoever wrote or pressed something.
fn said(text: String) -> Message {
    Message {
        id: String::new(),
        title: text,
        text: Vec::new(),
        facts: Vec::new(),
        actions: Vec::new(),
        link: None,
        tone: Default::default(),
    }
}

/// Records what was refused.
async fn refused(
    app: &App,
    organization: OrganizationId,
    (channel, member): (Option<ChannelId>, Option<MemberId>),
    (code, by): (&str, &Attribution),
) {
    let note = Refused { channel, member, code: code.to_owned(), by: by.clone() };
    let sent = match app.actors() {
        Ok(actors) => actors.organization(organization, &Command::Refuse(note)).await.map(drop),
        Err(_) => return,
    };
    if let Err(error) = sent {
        log::error(format_args!("recording what was refused of a chat: {error}"));
    }
}
