//! Whose call is it? The key's public part says; the team's actor decides
//! whether the key is good.

use std::net::IpAddr;
use std::rc::Rc;

use identity::{ApiKey, KeyError, RequestId};
use runtime::{ActorError, Actors, now_ms};
use team::protocol::{Answer, Command, Me, Question};
use worker::{Context, Env, Headers};

use crate::refuse::Refusal;
use crate::refused;
use crate::settings::{self, Prepared};
use crate::workload;

/// Reads the key that a client sent, as OpenAI's clients send it, or finds the
/// one behind a workload's token.
pub(crate) async fn key(id: RequestId, headers: &Headers, env: &Env, actors: &Actors) -> Result<ApiKey, Refusal> {
    let header = headers.get("authorization").ok().flatten();
    let shown = bearer(header.as_deref())?;
    if workload::is_token(shown) {
        return workload::key(shown, (id, headers), env, actors).await;
    }
    read(shown)
}

fn bearer(header: Option<&str>) -> Result<&str, Refusal> {
    let Some(header) = header else {
        return Err(Refusal::no_key());
    };
    let (scheme, key) = header.split_once(' ').unwrap_or((header, ""));
    if !scheme.eq_ignore_ascii_case("bearer") || key.trim().is_empty() {
        return Err(Refusal::no_key());
    }
    Ok(key.trim())
}

fn read(key: &str) -> Result<ApiKey, Refusal> {
    ApiKey::parse(key).map_err(|error| match error {
        KeyError::Foreign => Refusal::invalid_key("it does not start with `sk-alf-`, as Alfred's keys do"),
        KeyError::Damaged => Refusal::invalid_key("a part of it is missing or altered; copy it again as a whole"),
    })
}

/// The key's owner, with settings that are as new as what the team has heard
/// of. For what is answered without a reservation.
pub(crate) async fn owner(
    id: RequestId,
    headers: &Headers,
    (env, context, actors): (&Env, &Context, &Actors),
) -> Result<(Me, Rc<Prepared>), Refusal> {
    let key = key(id, headers, env, actors).await?;
    let owner = owner_of(&key, headers, actors).await;
    owner.inspect_err(|refusal| refused::note((context, actors), (id, &key, headers), None, refusal))
}

/// The same, of a key that is known.
pub(crate) async fn owner_of(key: &ApiKey, headers: &Headers, actors: &Actors) -> Result<(Me, Rc<Prepared>), Refusal> {
    let question = Question::Me { organization: key.organization, key: key.hash, address: address(headers) };
    let me = match actors.team(key.team, &Command::Ask(question)).await? {
        Answer::Me(Ok(me)) => *me,
        Answer::Me(Err(error)) => return Err(Refusal::reserve(&error, now_ms(), None)),
        _ => return Err(ActorError::Unreadable("not a key's owner".to_owned()).into()),
    };
    let mut prepared = settings::get(actors, key.organization).await?;
    if prepared.settings.version < me.team.settings_version {
        prepared = settings::refresh(actors, key.organization).await?;
    }
    Ok((me, prepared))
}

/// Where the call comes from, as the platform says. Cloudflare sets this
/// header itself and removes what clients send.
pub(crate) fn address(headers: &Headers) -> Option<IpAddr> {
    headers.get("cf-connecting-ip").ok().flatten()?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use identity::{OrganizationId, TeamId};

    #[test]
    fn bearer_tokens() {
        let key = ApiKey::mint(OrganizationId::from_u128(1), TeamId::from_u128(2), 3);
        for good in [format!("Bearer {key}"), format!("bearer  {key} ")] {
            assert_eq!(bearer(Some(&good)).and_then(read).unwrap().team, TeamId::from_u128(2));
        }
        for (bad, says) in [
            (None, "You didn't provide an API key"),
            (Some(String::new()), "You didn't provide an API key"),
            (Some("Bearer ".to_owned()), "You didn't provide an API key"),
            (Some(format!("Basic {key}")), "You didn't provide an API key"),
            (Some("Bearer sk-proj-x".to_owned()), "does not start with `sk-alf-`"),
            (Some(format!("Bearer {}", &key[..key.len() - 1])), "missing or altered"),
        ] {
            let refusal = bearer(bad.as_deref()).and_then(read).unwrap_err();
            assert_eq!((refusal.status, refusal.code.as_ref()), (401, "invalid_api_key"));
            assert!(refusal.message.contains(says), "{}", refusal.message);
        }
    }
}
