//! What is sealed under the master secret, and going over to the next one.
//!
//! Here is the only place that has both the master secrets and what is sealed:
//! the actor gets each secret as it was and as it shall be, and exchanges what
//! nobody has changed in between.

use std::fmt::Display;

use axum::Json;
use identity::{OrganizationId, ProviderId};
use organization::protocol::{Act, Answer, Holder, Question, Resealed};
use serde::Serialize;
use utoipa::ToSchema;
use vault::{Sealed, Vault};

use super::organizations::operators_own;
use crate::app::{App, random, unexpected};
use crate::extract::{Action, Caller, Target, Unrepeated};
use crate::log;
use crate::problem::Problem;
use crate::schema;
use crate::sign_in::provider;

/// What of an organization is sealed, and under which master secret.
#[derive(Debug, PartialEq, Serialize, ToSchema)]
#[schema(as = Sealed)]
pub(crate) struct SealedBody {
    /// Says which `MASTER_SECRET` this deployment has: derived from it, and says nothing about it.
    #[schema(value_type = schema::MasterKeyId)]
    key: String,
    /// The same of `MASTER_SECRET_PREVIOUS`; `null` where there is none.
    #[schema(value_type = Option<schema::MasterKeyId>)]
    previous_key: Option<String>,
    /// How many secrets are sealed: providers' keys, channels' and calendars' secrets and the sign-in provider's client
    /// secret.
    secrets: usize,
    /// How many of them are not sealed under `MASTER_SECRET`, but open: `POST` seals them anew.
    left: usize,
    /// Providers, channels, calendars (and `sign_in`) whose secret opens under neither: it must be set again.
    unreadable: Vec<String>,
}

/// One secret, sealed.
struct Kept {
    holder: Holder,
    purpose: String,
    sealed: Sealed,
}

/// Seals a secret under the current master secret.
pub(crate) fn seal(vault: &Vault, purpose: &str, secret: &str) -> Result<Sealed, Problem> {
    // 96 of the bits make the nonce, never used twice.
    let random = random()?.to_be_bytes();
    let nonce = random.first_chunk().copied().ok_or_else(|| Problem::internal("16 bytes have no first 12"))?;
    vault.seal(purpose, nonce, secret).map_err(Problem::internal)
}

/// What is written back without having been changed: sealed under the current
/// master secret, so that nothing under the one before comes back.
pub(crate) fn anew(vault: &Vault, purpose: &str, sealed: Sealed) -> Result<Sealed, Problem> {
    match vault.open(purpose, &sealed) {
        Ok(secret) if !vault.is_current(&sealed) => seal(vault, purpose, &secret),
        // One that does not open is told where it is used.
        _ => Ok(sealed),
    }
}

async fn kept(app: &App, id: OrganizationId) -> Result<Vec<Kept>, Problem> {
    let provider_key = |(id, key): (ProviderId, Option<Sealed>)| {
        key.map(|sealed| Kept { holder: Holder::Provider(id), purpose: id.to_string(), sealed })
    };
    let providers = app.settings(id).await?.providers.into_iter();
    let mut all: Vec<Kept> = providers.map(|provider| (provider.id, provider.key)).filter_map(provider_key).collect();
    let channels = app.channels(id).await?.into_iter();
    all.extend(channels.map(|channel| Kept {
        holder: Holder::Channel(channel.id),
        purpose: channel.id.to_string(),
        sealed: channel.secret,
    }));
    let calendars = match app.ask_organization(id, Question::Calendars).await? {
        Answer::Calendars(calendars) => calendars?.into_iter(),
        _ => return Err(unexpected()),
    };
    all.extend(calendars.map(|calendar| Kept {
        holder: Holder::Calendar(calendar.id),
        purpose: calendar.id.to_string(),
        sealed: calendar.secret,
    }));
    let sign_in = match app.ask_organization(id, Question::SigningIn).await? {
        Answer::SigningIn(signing_in) => signing_in?.sign_in,
        _ => return Err(unexpected()),
    };
    let purpose = provider::purpose(id);
    all.extend(sign_in.map(|sign_in| Kept { holder: Holder::SignIn, purpose, sealed: sign_in.client_secret }));
    Ok(all)
}

fn name(holder: Holder) -> String {
    match holder {
        Holder::Provider(id) => id.to_string(),
        Holder::Channel(id) => id.to_string(),
        Holder::Calendar(id) => id.to_string(),
        Holder::SignIn => "sign_in".to_owned(),
    }
}

fn show(vault: &Vault, all: &[Kept]) -> SealedBody {
    let opens = |kept: &&Kept| vault.open(&kept.purpose, &kept.sealed).is_ok();
    let unreadable: Vec<String> = all.iter().filter(|kept| !opens(kept)).map(|kept| name(kept.holder)).collect();
    SealedBody {
        key: vault.key_id().to_string(),
        previous_key: vault.previous_key_id().map(|id| id.to_string()),
        secrets: all.len(),
        left: all.iter().filter(|kept| !vault.is_current(&kept.sealed)).filter(opens).count(),
        unreadable,
    }
}

/// What is to be exchanged. One that does not open stays as it is: the secret
/// under which it is sealed may come back.
fn resealed(vault: &Vault, all: &[Kept]) -> Result<Vec<Resealed>, Problem> {
    let mut secrets = Vec::new();
    for Kept { holder, purpose, sealed } in all.iter().filter(|kept| !vault.is_current(&kept.sealed)) {
        match vault.open(purpose, sealed) {
            Ok(secret) => {
                let after = seal(vault, purpose, &secret)?;
                secrets.push(Resealed { holder: *holder, before: sealed.clone(), after });
            }
            Err(error) => note(&name(*holder), &error),
        }
    }
    Ok(secrets)
}

fn note(name: &str, error: &dyn Display) {
    log::error(format_args!("the secret of {name}: {error}"));
}

/// Show under which master secret an organization's secrets are sealed. Only the operator may.
///
/// `cargo xtask rotate-master-key` asks it of every organization.
#[utoipa::path(get, path = "/api/v1/organization/sealed", tag = "Operator",
    responses((status = 200, description = "As it is", body = SealedBody)))]
#[worker::send]
pub(crate) async fn get_sealed(caller: Caller) -> Result<Json<SealedBody>, Problem> {
    let admin = caller.may(Action::GetSealed, Target::Organization).await?;
    operators_own(&admin)?;
    Ok(Json(show(&admin.app.vault()?, &kept(&admin.app, admin.organization).await?)))
}

/// Seal an organization's secrets under the current master secret. Only the operator may.
///
/// What is sealed under `MASTER_SECRET_PREVIOUS` is opened and sealed anew; calls and sign-ins go on meanwhile. Doing it
/// twice is doing it once. Once nothing is `left` in any organization, the previous secret is not needed any more.
#[utoipa::path(post, path = "/api/v1/organization/sealed", tag = "Operator",
    responses((status = 200, description = "As it is now", body = SealedBody)))]
#[worker::send]
pub(crate) async fn reseal(caller: Caller, Unrepeated(repeat): Unrepeated) -> Result<Json<SealedBody>, Problem> {
    let admin = caller.may(Action::Reseal, Target::Organization).await?;
    operators_own(&admin)?;
    let vault = admin.app.vault()?;
    let secrets = resealed(&vault, &kept(&admin.app, admin.organization).await?)?;
    if !secrets.is_empty() {
        // A repetition finds less to do, so it is another order.
        admin.order(&repeat.part(), Act::Reseal { secrets }).await?;
    }
    Ok(Json(show(&vault, &kept(&admin.app, admin.organization).await?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const OLD: &str = "the master secret before this one";
    const NEW: &str = "the master secret that is current";

    fn kept(vault: &Vault, place: u8) -> Kept {
        let id = ProviderId::from_u128(u128::from(place));
        let sealed = vault.seal(&id.to_string(), [place; 12], "sk-upstream").unwrap();
        Kept { holder: Holder::Provider(id), purpose: id.to_string(), sealed }
    }

    #[test]
    fn says_what_is_left_and_what_is_lost() {
        let (old, both) = (Vault::new(OLD, None).unwrap(), Vault::new(NEW, Some(OLD)).unwrap());
        let lost = Vault::new("a master secret that nobody has any more", None).unwrap();
        let all = [kept(&old, 1), kept(&both, 2), kept(&lost, 3)];
        let body = show(&both, &all);
        assert_eq!((body.secrets, body.left), (3, 1));
        assert_eq!(body.unreadable, [ProviderId::from_u128(3).to_string()]);
        assert_eq!(body.key, both.key_id().to_string());
        assert_eq!(body.previous_key, Some(old.key_id().to_string()));
        let body = show(&Vault::new(NEW, None).unwrap(), &all);
        assert_eq!((body.left, body.unreadable.len(), body.previous_key), (0, 2, None));
    }
}
