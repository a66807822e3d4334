//! API keys: `sk-alf-<organization>-<team>-<secret><check>`.
//!
//! The public part names the organization and the team, so that the edge
//! knows whom to ask without a lookup. The secret is 160 random bits. The
//! last six characters are a checksum, so that a key that was cut or altered
//! is refused at the edge without waking an actor. Only the SHA-256 of the
//! whole key is ever stored: with 160 random bits nothing slower is needed.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest, Sha256};

use crate::base32;
use crate::id::{OrganizationId, SessionId, TeamId, WorkloadId};

const API_PREFIX: &str = "sk-alf-";
const ADMIN_PREFIX: &str = "sk-alf-admin-";
const SERVICE_PREFIX: &str = "sk-alf-svc-";
const SETUP_PREFIX: &str = "st-alf-";
/// 26 characters of secret (128 bits) and 6 of checksum.
pub(crate) const SECRET: usize = base32::DIGITS;
const CHECK: usize = 6;

/// Why a text is not a key. Deliberately poor: the caller is not told how
/// close it came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// It does not start as Alfred's keys do.
    #[error("the key does not start with `sk-alf-`")]
    Foreign,
    /// It starts like a key, but a part is missing, altered or too long.
    #[error("the key is incomplete or was altered when it was copied")]
    Damaged,
}

/// The SHA-256 of a key: what is stored in place of it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct KeyHash([u8; 32]);

impl KeyHash {
    pub(crate) fn of(key: &str) -> Self {
        Self(Sha256::digest(key.as_bytes()).into())
    }
}

impl KeyHash {
    /// Of no key: what is hashed does not begin as keys do, so nobody can ever
    /// show it.
    #[must_use]
    pub fn of_workload(workload: WorkloadId) -> Self {
        Self::of(&format!("workload {workload}"))
    }

    /// The same, for a session: what its requests are counted by.
    #[must_use]
    pub fn of_session(session: SessionId) -> Self {
        Self::of(&format!("session {session}"))
    }
}

impl fmt::Display for KeyHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for KeyHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::str::FromStr for KeyHash {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        if text.len() != 64 || !text.is_ascii() {
            return Err(KeyError::Damaged);
        }
        let mut bytes = [0; 32];
        for (place, byte) in bytes.iter_mut().enumerate() {
            let digits = text.get(2 * place..2 * place + 2).ok_or(KeyError::Damaged)?;
            *byte = u8::from_str_radix(digits, 16).map_err(|_| KeyError::Damaged)?;
        }
        Ok(Self(bytes))
    }
}

impl Serialize for KeyHash {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for KeyHash {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// A member's key for the gateway, cut into what the edge needs. The secret
/// itself is not kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiKey {
    /// Whose tree the call is paid from.
    pub organization: OrganizationId,
    /// Whose actor knows the key.
    pub team: TeamId,
    /// What the actor knows it by.
    pub hash: KeyHash,
}

impl ApiKey {
    /// Writes the key that `secret` makes; shown once and then forgotten.
    #[must_use]
    pub fn mint(organization: OrganizationId, team: TeamId, secret: u128) -> String {
        with_check(format!("{API_PREFIX}{}-{}-{}", organization.suffix(), team.suffix(), base32::encode(secret)))
    }

    /// Reads a key that a client sent.
    ///
    /// # Errors
    /// [`KeyError`] when it cannot be one of ours.
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        let body = checked_body(text, API_PREFIX)?;
        let mut parts = body.split('-');
        let (Some(organization), Some(team), Some(secret), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(KeyError::Damaged);
        };
        if secret.len() != SECRET {
            return Err(KeyError::Damaged);
        }
        Ok(Self {
            organization: OrganizationId::from_suffix(organization).map_err(|_| KeyError::Damaged)?,
            team: TeamId::from_suffix(team).map_err(|_| KeyError::Damaged)?,
            hash: KeyHash::of(text),
        })
    }

    /// The key without a secret that stands behind a workload's tokens.
    #[must_use]
    pub fn of_workload(organization: OrganizationId, team: TeamId, workload: WorkloadId) -> Self {
        Self { organization, team, hash: KeyHash::of_workload(workload) }
    }

    /// What lists show of a key: its start, enough to tell it from others.
    #[must_use]
    pub fn hint(text: &str) -> String {
        let end: String = text.chars().rev().take(4).collect::<Vec<_>>().into_iter().rev().collect();
        format!("{API_PREFIX}…{end}")
    }
}

/// A key for the management API of one organization:
/// `sk-alf-admin-<organization>-<secret><check>`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AdminKey {
    /// Which organization it manages.
    pub organization: OrganizationId,
    /// What the organization's actor knows it by.
    pub hash: KeyHash,
}

impl AdminKey {
    /// Writes the key that `secret` makes; shown once and then forgotten.
    #[must_use]
    pub fn mint(organization: OrganizationId, secret: u128) -> String {
        organization_key(ADMIN_PREFIX, organization, secret)
    }

    /// Reads a key that a client sent.
    ///
    /// # Errors
    /// [`KeyError`] when it cannot be one of ours.
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        let organization = organization_of(text, ADMIN_PREFIX)?;
        Ok(Self { organization, hash: KeyHash::of(text) })
    }
}

/// A service account's key for the management API:
/// `sk-alf-svc-<organization>-<secret><check>`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceKey {
    /// In which organization.
    pub organization: OrganizationId,
    /// What the organization's actor knows it by.
    pub hash: KeyHash,
}

impl ServiceKey {
    /// Writes the key that `secret` makes; shown once and then forgotten.
    #[must_use]
    pub fn mint(organization: OrganizationId, secret: u128) -> String {
        organization_key(SERVICE_PREFIX, organization, secret)
    }

    /// Reads a key that a client sent.
    ///
    /// # Errors
    /// [`KeyError`] when it cannot be one of ours.
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        let organization = organization_of(text, SERVICE_PREFIX)?;
        Ok(Self { organization, hash: KeyHash::of(text) })
    }
}

/// What lets one person in without a sign-in provider, once:
/// `st-alf-<organization>-<secret><check>`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SetupToken {
    /// Into which organization.
    pub organization: OrganizationId,
    /// What the organization's actor knows it by.
    pub hash: KeyHash,
}

impl SetupToken {
    /// Writes the token that `secret` makes; shown once and then forgotten.
    #[must_use]
    pub fn mint(organization: OrganizationId, secret: u128) -> String {
        organization_key(SETUP_PREFIX, organization, secret)
    }

    /// Reads a token that a person sent.
    ///
    /// # Errors
    /// [`KeyError`] when it cannot be one of ours.
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        let organization = organization_of(text, SETUP_PREFIX)?;
        Ok(Self { organization, hash: KeyHash::of(text) })
    }
}

fn organization_key(prefix: &str, organization: OrganizationId, secret: u128) -> String {
    with_check(format!("{prefix}{}-{}", organization.suffix(), base32::encode(secret)))
}

fn organization_of(text: &str, prefix: &str) -> Result<OrganizationId, KeyError> {
    let body = checked_body(text, prefix)?;
    let (organization, secret) = body.split_once('-').ok_or(KeyError::Damaged)?;
    if secret.len() != SECRET {
        return Err(KeyError::Damaged);
    }
    OrganizationId::from_suffix(organization).map_err(|_| KeyError::Damaged)
}

pub(crate) fn with_check(key: String) -> String {
    let check = check(&key);
    key + &check
}

/// Thirty bits of the SHA-256, in base 32.
fn check(key: &str) -> String {
    let digest = Sha256::digest(key.as_bytes());
    let value = digest.iter().take(4).fold(0u128, |value, &byte| value << 8 | u128::from(byte));
    base32::encode(value).chars().skip(base32::DIGITS - CHECK).collect()
}

pub(crate) fn checked_body<'a>(text: &'a str, prefix: &str) -> Result<&'a str, KeyError> {
    let body = text.strip_prefix(prefix).ok_or(KeyError::Foreign)?;
    let cut = text.len().checked_sub(CHECK).ok_or(KeyError::Damaged)?;
    let (key, given) = text.split_at_checked(cut).ok_or(KeyError::Damaged)?;
    if check(key) != given {
        return Err(KeyError::Damaged);
    }
    body.get(..body.len().checked_sub(CHECK).ok_or(KeyError::Damaged)?).ok_or(KeyError::Damaged)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> String {
        ApiKey::mint(OrganizationId::from_u128(1 << 70), TeamId::from_u128(99), 0xfeed_beef)
    }

    #[test]
    fn form_is_pinned() {
        // Keys live in other people's configuration for years.
        assert_eq!(
            key(),
            "sk-alf-00000000000100000000000000-00000000000000000000000033-00000000000000000003zevfqfs26ed8"
        );
        let parsed = ApiKey::parse(&key()).unwrap();
        assert_eq!(parsed.organization, OrganizationId::from_u128(1 << 70));
        assert_eq!(parsed.team, TeamId::from_u128(99));
    }

    #[test]
    fn cut_or_altered_by_one_character_is_refused() {
        let key = key();
        for place in 0..key.len() {
            let mut cut = key.clone();
            cut.remove(place);
            assert!(ApiKey::parse(&cut).is_err(), "without {place}");
            let mut altered = key.clone().into_bytes();
            altered[place] = if altered[place] == b'7' { b'8' } else { b'7' };
            assert!(ApiKey::parse(&String::from_utf8(altered).unwrap()).is_err(), "altered at {place}");
        }
        assert!(ApiKey::parse(&format!("{key} ")).is_err());
        assert_eq!(ApiKey::parse("sk-proj-abc"), Err(KeyError::Foreign));
        assert_eq!(ApiKey::parse("sk-alf-é"), Err(KeyError::Damaged));
        assert_eq!(ApiKey::parse("sk-alf-"), Err(KeyError::Damaged));
    }

    #[test]
    fn keys_of_one_kind_are_not_of_another() {
        let admin = AdminKey::mint(OrganizationId::from_u128(3), 4);
        let service = ServiceKey::mint(OrganizationId::from_u128(3), 4);
        assert!(service.starts_with("sk-alf-svc-00000000000000000000000003-00000000000000000000000004"));
        assert_eq!(AdminKey::parse(&admin).unwrap().organization, OrganizationId::from_u128(3));
        assert_eq!(ServiceKey::parse(&service).unwrap().organization, OrganizationId::from_u128(3));
        for other in [&admin, &service] {
            assert!(ApiKey::parse(other).is_err());
        }
        for other in [&key(), &service] {
            assert!(AdminKey::parse(other).is_err());
        }
        for other in [&key(), &admin] {
            assert!(ServiceKey::parse(other).is_err());
        }
    }

    #[test]
    fn hash_round_trips() {
        let hash = ApiKey::parse(&key()).unwrap().hash;
        assert_eq!(hash.to_string().parse::<KeyHash>().unwrap(), hash);
        assert!("zz".repeat(32).parse::<KeyHash>().is_err());
    }
}
