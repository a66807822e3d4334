//! Whether the organization's own policies permit a person to call a model.
//! Most organizations have no such policy, and then nothing is asked.

use std::cell::RefCell;
use std::collections::HashMap;

use identity::{ApiKey, KeyHash, MemberId};
use policy::{Action, Facts, Node, Question, Resource, Who};
use runtime::{ActorError, Actors, now_ms};
use team::protocol::{Answer, Command, Me};
use worker::Headers;

use crate::authenticate::address;
use crate::refuse::Refusal;
use crate::settings::Prepared;

/// Keys whose owners one isolate remembers; about 200 bytes each.
const MOST_OWNERS: usize = 20_000;

thread_local! {
    static OWNERS: RefCell<HashMap<KeyHash, Owner>> = RefCell::default();
}

/// Whose a key is, which never changes.
#[derive(Clone)]
pub(crate) struct Owner {
    member: MemberId,
    path: Vec<Node>,
}

impl From<&Me> for Owner {
    fn from(me: &Me) -> Self {
        let team = &me.team;
        let path =
            vec![Node::Organization(team.organization), Node::Department(team.department), Node::Team(team.team)];
        Self { member: me.member.member, path }
    }
}

/// Asks the policies, if there are any. Answers which of those in shadow mode,
/// with others or alone, would not have permitted it.
pub(crate) async fn check(
    prepared: &Prepared,
    key: &ApiKey,
    headers: &Headers,
    actors: &Actors,
    model: &str,
) -> Result<Vec<String>, Refusal> {
    if prepared.settings.rules.is_empty() {
        return Ok(Vec::new());
    }
    let known = OWNERS.with_borrow(|owners| owners.get(&key.hash).cloned());
    let owner = match known {
        Some(owner) => owner,
        None => ask(key, headers, actors).await?,
    };
    permitted(prepared, &owner, headers, model)
}

/// Whether they permit it.
pub(crate) fn permitted(
    prepared: &Prepared,
    owner: &Owner,
    headers: &Headers,
    model: &str,
) -> Result<Vec<String>, Refusal> {
    if prepared.settings.rules.is_empty() {
        return Ok(Vec::new());
    }
    let Some(engine) = prepared.engine() else {
        return Err(Refusal::forbidden_model(model, Vec::new()));
    };
    let decision = engine.decide(&Question {
        who: Who::Member { id: owner.member, path: owner.path.clone() },
        grants: &[],
        action: Action::UseModel,
        resource: &Resource::Model(model.to_owned()),
        path: &owner.path,
        now_ms: now_ms(),
        facts: Facts { address: address(headers).map(|address| address.to_string()), ..Facts::default() },
    });
    if decision.allowed {
        let watched = decision.watched.filter(|watched| watched.differs);
        return Ok(watched.map(|watched| watched.policies).unwrap_or_default());
    }
    Err(Refusal::forbidden_model(model, decision.policies))
}

async fn ask(key: &ApiKey, headers: &Headers, actors: &Actors) -> Result<Owner, Refusal> {
    let (organization, hash, address) = (key.organization, key.hash, address(headers));
    let question = team::protocol::Question::Me { organization, key: hash, address };
    let owner = match actors.team(key.team, &Command::Ask(question)).await? {
        Answer::Me(Ok(me)) => Owner::from(me.as_ref()),
        Answer::Me(Err(error)) => return Err(Refusal::reserve(&error, now_ms(), None)),
        _ => return Err(ActorError::Unreadable("not a key's owner".to_owned()).into()),
    };
    OWNERS.with_borrow_mut(|owners| {
        if owners.len() >= MOST_OWNERS {
            owners.clear();
        }
        owners.insert(key.hash, owner.clone());
    });
    Ok(owner)
}
