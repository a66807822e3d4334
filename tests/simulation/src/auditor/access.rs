//! Who may call, as it was commanded.

use std::collections::BTreeMap;

use events::{Envelope, MemberProfile, MemberStatus, Message, PoolDraw, TeamProfile};
use identity::{KeyHash, KeyId, MemberId, Networks, OrganizationId, Principal};
use limits::PoolRules;
use team::protocol::{NewKey, Reserve, ReserveError, Subject};

/// A key as the auditor knows it.
#[derive(Debug, Clone)]
pub(crate) struct Key {
    pub(crate) id: KeyId,
    pub(crate) member: MemberId,
    pub(crate) hash: KeyHash,
    pub(crate) previous: Option<(KeyHash, i64)>,
    pub(crate) expires_ms: Option<i64>,
    pub(crate) revoked: bool,
    models: Option<Vec<String>>,
    addresses: Option<Networks>,
}

/// What a team was told of itself, its members and its keys.
#[derive(Default)]
pub(crate) struct Access {
    pub(crate) profile: Option<TeamProfile>,
    pub(crate) settings_version: u64,
    pub(crate) members: BTreeMap<MemberId, MemberProfile>,
    pub(crate) keys: BTreeMap<KeyId, Key>,
}

/// The first reason against a call, in the documented order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    May(MemberId, KeyId),
    UnknownKey,
    KeyRevoked,
    KeyExpired,
    MemberSuspended,
    StaleSettings,
    AddressNotAllowed,
    ModelNotAllowed(Subject),
}

impl Access {
    /// What a message changes; only newer versions count.
    pub(super) fn hear(&mut self, envelope: &Envelope) {
        match &envelope.message {
            Message::Team(profile) => {
                if self.profile.as_ref().is_none_or(|known| known.version < profile.version) {
                    self.settings_version = self.settings_version.max(profile.settings_version);
                    self.profile = Some(profile.clone());
                }
            }
            Message::Member(member) => {
                if self.members.get(&member.member).is_none_or(|known| known.version < member.version) {
                    self.members.insert(member.member, member.clone());
                    if member.status == MemberStatus::Removed {
                        let own = self.keys.values_mut().filter(|key| key.member == member.member);
                        own.for_each(|key| (key.revoked, key.previous) = (true, None));
                    }
                }
            }
            Message::Settings { version } => self.settings_version = self.settings_version.max(*version),
            Message::Allot { .. }
            | Message::Return { .. }
            | Message::Transfer(_)
            | Message::Refused { .. }
            | Message::CarryOut { .. }
            | Message::CarriedOut { .. }
            | Message::Period(_)
            | Message::Plan { .. }
            | Message::PeriodDone(_)
            | Message::Erase { .. } => {}
        }
    }

    pub(super) fn created(&mut self, key: &NewKey) {
        let key = Key {
            id: key.key,
            member: key.member,
            hash: key.hash,
            previous: None,
            expires_ms: key.expires_ms,
            revoked: false,
            models: key.models.clone(),
            addresses: key.addresses.clone(),
        };
        self.keys.insert(key.id, key);
    }

    pub(super) fn rotated(&mut self, id: KeyId, hash: KeyHash, until_ms: Option<i64>) {
        if let Some(key) = self.keys.get_mut(&id) {
            key.previous = until_ms.map(|until| (key.hash, until));
            key.hash = hash;
        }
    }

    pub(super) fn revoked(&mut self, id: KeyId) {
        if let Some(key) = self.keys.get_mut(&id) {
            key.revoked = true;
            key.previous = None;
        }
    }

    pub(super) fn draws_from_pool(&self) -> bool {
        self.profile.as_ref().is_some_and(|profile| profile.pool_draw == PoolDraw::Automatic)
    }

    pub(super) fn pool_rules(&self) -> Option<&PoolRules> {
        self.profile.as_ref()?.pool_rules.as_ref()
    }

    /// How many may call.
    pub(super) fn active(&self) -> u32 {
        let active = self.members.values().filter(|member| member.status == MemberStatus::Active);
        u32::try_from(active.count()).unwrap_or(u32::MAX)
    }

    /// Those whose credits went back when they were removed.
    pub(super) fn leavers(&self) -> impl Iterator<Item = MemberId> {
        let left = |member: &&MemberProfile| member.status == MemberStatus::Removed && !member.keeps_credits;
        self.members.values().filter(left).map(|member| member.member)
    }

    /// Whose secret this is or was, and of which key.
    pub(super) fn whose(&self, secret: &KeyHash) -> Option<Principal> {
        let has = |key: &&Key| key.hash == *secret || key.previous.is_some_and(|(previous, _)| previous == *secret);
        self.keys.values().find(has).map(|key| Principal::Member(key.member, key.id))
    }

    /// Whether a call may be made, and if not, why.
    pub(super) fn verdict(&self, now: i64, call: &Reserve) -> Verdict {
        let Some(profile) = &self.profile else { return Verdict::UnknownKey };
        let (key, member) = match self.identify(now, call.organization, &call.key) {
            Ok(found) => found,
            Err(verdict) => return verdict,
        };
        if call.settings_version < self.settings_version {
            return Verdict::StaleSettings;
        }
        let from = |networks: &Option<Networks>| {
            networks.as_ref().is_none_or(|networks| call.address.is_some_and(|address| networks.contains(address)))
        };
        if !from(&key.addresses) || !from(&profile.addresses) || !from(&profile.organization_addresses) {
            return Verdict::AddressNotAllowed;
        }
        let lists = [
            (Subject::Key(key.id), &key.models),
            (Subject::Member(key.member), &member.models),
            (Subject::Team, &profile.models),
        ];
        let lacks = |models: &Option<Vec<String>>| models.as_ref().is_some_and(|models| !has(models, &call.model));
        match lists.into_iter().find(|(_, models)| lacks(models)) {
            Some((by, _)) => Verdict::ModelNotAllowed(by),
            None => Verdict::May(key.member, key.id),
        }
    }

    fn identify(
        &self,
        now: i64,
        organization: OrganizationId,
        secret: &KeyHash,
    ) -> Result<(&Key, &MemberProfile), Verdict> {
        let works = |key: &&Key| {
            key.hash == *secret || key.previous.is_some_and(|(hash, until)| hash == *secret && now < until)
        };
        let key = self.keys.values().find(works).ok_or(Verdict::UnknownKey)?;
        let member = self.members.get(&key.member).ok_or(Verdict::UnknownKey)?;
        if self.profile.as_ref().is_none_or(|profile| profile.organization != organization) {
            return Err(Verdict::UnknownKey);
        }
        if key.revoked {
            return Err(Verdict::KeyRevoked);
        }
        if key.expires_ms.is_some_and(|at| at <= now) {
            return Err(Verdict::KeyExpired);
        }
        if member.status != MemberStatus::Active {
            return Err(Verdict::MemberSuspended);
        }
        Ok((key, member))
    }
}

impl Verdict {
    /// Whether an answer agrees: the same reason, or none where there is none.
    pub(super) fn agrees(self, refusal: Option<&ReserveError>) -> bool {
        match refusal {
            Some(ReserveError::UnknownKey) => self == Self::UnknownKey,
            Some(ReserveError::KeyRevoked) => self == Self::KeyRevoked,
            Some(ReserveError::KeyExpired { .. }) => self == Self::KeyExpired,
            Some(ReserveError::MemberSuspended) => self == Self::MemberSuspended,
            Some(ReserveError::StaleSettings { .. }) => self == Self::StaleSettings,
            Some(ReserveError::AddressNotAllowed) => self == Self::AddressNotAllowed,
            Some(ReserveError::ModelNotAllowed { by }) => self == Self::ModelNotAllowed(*by),
            Some(_) | None => matches!(self, Self::May(..)),
        }
    }
}

fn has(models: &[String], model: &str) -> bool {
    models.iter().any(|pattern| match pattern.split_once('*') {
        Some((beginning, _)) => model.get(..beginning.len()) == Some(beginning),
        None => pattern == model,
    })
}
