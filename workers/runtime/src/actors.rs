//! Reaching an actor: one POST with the command, one answer.

use events::{Envelope, Listener};
use identity::{OrganizationId, TeamId};
use wasm_bindgen::{JsCast, JsValue};
use worker::wasm_bindgen_futures::JsFuture;
use worker::{Env, ObjectNamespace};

use crate::listen::{ListenError, Listening, listen};

/// How often a command is sent again after an error that says that a retry
/// may help. Every command that changes something carries its idempotency key.
const RETRIES: u32 = 2;

/// Why an actor gave no answer. What it refused is in its answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ActorError {
    /// It has more to do than it can; sending again makes it worse.
    #[error("the actor is overloaded")]
    Overloaded,
    /// It could not be reached or broke off; the command may have been carried
    /// out.
    #[error("the actor gave no answer: {0}")]
    Unavailable(String),
    /// It answered something that this version does not understand.
    #[error("the actor's answer cannot be read: {0}")]
    Unreadable(String),
}

/// All actors of this deployment.
#[derive(Clone)]
pub struct Actors {
    teams: ObjectNamespace,
    organizations: ObjectNamespace,
}

impl Actors {
    /// The actors behind the bindings `TEAM` and `ORGANIZATION`.
    ///
    /// # Errors
    /// When a binding is missing.
    pub fn new(env: &Env) -> worker::Result<Self> {
        Ok(Self { teams: env.durable_object("TEAM")?, organizations: env.durable_object("ORGANIZATION")? })
    }

    /// Sends a command to a team's actor.
    ///
    /// # Errors
    /// [`ActorError`].
    pub async fn team(
        &self,
        id: TeamId,
        command: &team::protocol::Command,
    ) -> Result<team::protocol::Answer, ActorError> {
        call(&self.teams, &id.to_string(), command.write(), team::protocol::Answer::read).await
    }

    /// Sends a command to an organization's actor.
    ///
    /// # Errors
    /// [`ActorError`].
    pub async fn organization(
        &self,
        id: OrganizationId,
        command: &organization::protocol::Command,
    ) -> Result<organization::protocol::Answer, ActorError> {
        call(&self.organizations, &id.to_string(), command.write(), organization::protocol::Answer::read).await
    }

    /// Hears what happens in a team, as whoever was let in by the organization.
    ///
    /// # Errors
    /// [`ListenError`].
    pub async fn listen_to_team(&self, id: TeamId, listener: &Listener) -> Result<Listening, ListenError> {
        let text = serde_json::to_string(listener).map_err(|error| ActorError::Unreadable(error.to_string()))?;
        listen(&self.teams, &id.to_string(), &text).await.map(|(listening, _)| listening)
    }

    /// Hears what happens in an organization, if its actor lets them. Answers
    /// also what they hear.
    ///
    /// # Errors
    /// [`ListenError`]; what is refused is an `AdmitError`, as it is sent.
    pub async fn listen_to_organization(
        &self,
        id: OrganizationId,
        asked: &organization::protocol::Listen,
    ) -> Result<(Listening, organization::protocol::Listens), ListenError> {
        let unreadable = |error: serde_json::Error| ActorError::Unreadable(error.to_string());
        let text = serde_json::to_string(asked).map_err(unreadable)?;
        let (listening, listens) = listen(&self.organizations, &id.to_string(), &text).await?;
        Ok((listening, serde_json::from_str(&listens).map_err(unreadable)?))
    }

    /// Delivers a message to the actor with this name. `true`: it has taken it
    /// or refuses it for ever; `false`: to be tried again.
    ///
    /// # Errors
    /// [`ActorError`]: to be tried again.
    pub async fn deliver(&self, target: &str, envelope: &Envelope) -> Result<bool, ActorError> {
        if let Ok(id) = target.parse() {
            let command = organization::protocol::Command::Receive(envelope.clone());
            let answer = self.organization(id, &command).await?;
            return Ok(matches!(answer, organization::protocol::Answer::Order(Ok(_))));
        }
        let id = target.parse().map_err(|_| ActorError::Unreadable(format!("`{target}` is not an actor")))?;
        let answer = self.team(id, &team::protocol::Command::Receive(envelope.clone())).await?;
        Ok(matches!(answer, team::protocol::Answer::Order(Ok(_))))
    }
}

async fn call<A>(
    namespace: &ObjectNamespace,
    name: &str,
    command: serde_json::Result<String>,
    read: fn(&str) -> serde_json::Result<A>,
) -> Result<A, ActorError> {
    let body = JsValue::from_str(&command.map_err(|error| ActorError::Unreadable(error.to_string()))?);
    let mut tried = 0;
    loop {
        match once(namespace, name, &body).await {
            Err(ActorError::Unavailable(_)) if tried < RETRIES => tried = tried.saturating_add(1),
            Err(error) => return Err(error),
            Ok(text) => {
                return read(&text).map_err(|error| ActorError::Unreadable(error.to_string()));
            }
        }
    }
}

async fn once(namespace: &ObjectNamespace, name: &str, body: &JsValue) -> Result<String, ActorError> {
    let init = web_sys::RequestInit::new();
    init.set_method("POST");
    init.set_body(body);
    let stub = namespace.get_by_name(name).map_err(|error| failed(&error.into()))?;
    let stub: binding::Actor = stub.into_rpc();
    let response = JsFuture::from(stub.fetch("http://actor/", &init).map_err(|error| failed(&error))?).await;
    let response: web_sys::Response = response.map_err(|error| failed(&error))?.unchecked_into();
    let text =
        JsFuture::from(response.text().map_err(|error| failed(&error))?).await.map_err(|error| failed(&error))?;
    let text = text.as_string().unwrap_or_default();
    if response.status() == 200 {
        return Ok(text);
    }
    Err(ActorError::Unavailable(text))
}

mod binding {
    use js_sys::Promise;
    use wasm_bindgen::prelude::*;

    #[wasm_bindgen]
    extern "C" {
        /// A stub, asked without the worker crate's own requests and answers:
        /// those cost more than the asking.
        #[derive(Clone)]
        pub(super) type Actor;

        #[wasm_bindgen(method, catch)]
        pub(super) fn fetch(this: &Actor, url: &str, init: &web_sys::RequestInit) -> Result<Promise, JsValue>;
    }
}

/// The runtime marks errors of an object that has too much to do; those must
/// not be sent again.
fn failed(error: &JsValue) -> ActorError {
    let overloaded = js_sys::Reflect::get(error, &JsValue::from_str("overloaded"));
    if overloaded.is_ok_and(|value| value.is_truthy()) {
        return ActorError::Overloaded;
    }
    let message = js_sys::Reflect::get(error, &JsValue::from_str("message"));
    let message = message.ok().and_then(|message| message.as_string());
    ActorError::Unavailable(message.unwrap_or_else(|| format!("{error:?}")))
}
