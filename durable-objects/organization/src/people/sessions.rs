//! Sessions: they begin, go on and end.
//!
//! A browser or script has a token of ten minutes, which every worker can
//! check by itself, and one by which it gets the next. That one is used once.
//! One that comes a second time was copied: then nobody knows who is who, and
//! the session ends. Each act asks here besides, so that a session that was
//! ended is ended at once.

use audit::{Attribution, Changed, Draft, Outcome};
use events::MemberStatus;
use identity::{KeyHash, MemberId, Principal, SessionId};
use journal::Change;
use storage::Storage;

use super::{note, storage};
use crate::Organization;
use crate::order::{invalid, not_found};
use crate::organization::write;
use crate::protocol::{Entered, NewSession, Order, OrderError, Reply, SessionError, SessionRecord};
use crate::records;

/// How long a token that was used may come again: an answer that was lost, or
/// two tabs at once.
const AGAIN_WITHIN_MS: i64 = 30_000;
/// Of one member; the oldest makes room.
const MOST_SESSIONS: usize = 20;
/// For scripts: three months.
const LONGEST_MS: i64 = 92 * 24 * 60 * 60 * 1000;

/// A session that begins, and those that make room.
pub(super) struct Begun {
    session: SessionRecord,
    over: Vec<SessionId>,
}

impl Begun {
    pub(super) fn write(&self, change: &mut Change) -> Result<(), SessionError> {
        remove(change, &self.over);
        write(change, self.session.id, &self.session).map_err(storage)
    }
}

impl<S: Storage> Organization<S> {
    /// A session that is not yet written.
    pub(super) fn begin(
        &self,
        now: i64,
        member: MemberId,
        new: &NewSession,
        expires_ms: i64,
        by: &Attribution,
    ) -> Begun {
        let mut own: Vec<&SessionRecord> =
            self.records.sessions.values().filter(|session| session.member == member).collect();
        own.sort_by_key(|session| session.refreshed_ms);
        let too_many = own.len().saturating_sub(MOST_SESSIONS.saturating_sub(1));
        let mut over: Vec<SessionId> = own.iter().take(too_many).map(|session| session.id).collect();
        let expired = self.records.sessions.values().filter(|session| session.expires_ms <= now);
        over.extend(expired.map(|session| session.id));
        let session = SessionRecord {
            id: new.id,
            member,
            refresh: new.refresh,
            previous: None,
            name: new.name.clone(),
            created_ms: now,
            refreshed_ms: now,
            expires_ms: new.expires_ms.unwrap_or(expires_ms),
            address: by.address.clone(),
            user_agent: by.user_agent.as_ref().map(|text| text.chars().take(200).collect()),
        };
        Begun { session, over }
    }

    pub(super) fn keep_session(&mut self, begun: Begun) -> SessionRecord {
        self.forget_sessions(&begun.over);
        self.records.sessions.insert(begun.session.id, begun.session.clone());
        begun.session
    }

    /// Whose session it is, if it goes on.
    pub(crate) fn session_member(&self, now: i64, id: SessionId) -> Option<MemberId> {
        let session = self.records.sessions.get(&id).filter(|session| session.expires_ms > now)?;
        let member = self.records.members.get(&session.member)?;
        (member.profile.status == MemberStatus::Active).then_some(session.member)
    }

    pub(super) fn refresh(
        &mut self,
        now: i64,
        id: SessionId,
        shown: KeyHash,
        (next, earlier): (KeyHash, Option<KeyHash>),
        by: &Attribution,
    ) -> Result<Entered, SessionError> {
        self.session_member(now, id).ok_or(SessionError::Ended)?;
        let session = self.records.sessions.get(&id).cloned().ok_or(SessionError::Ended)?;
        let member = self.records.members.get(&session.member).cloned().ok_or(SessionError::Ended)?;
        if session.refresh == shown {
            let renewed = SessionRecord { refresh: next, previous: Some((shown, now)), refreshed_ms: now, ..session };
            let mut change = Change::new();
            write(&mut change, id, &renewed).map_err(storage)?;
            self.commit(now, change).map_err(storage)?;
            self.records.sessions.insert(id, renewed.clone());
            return Ok(Entered { member, session: renewed });
        }
        let is_again =
            session.previous.is_some_and(|(hash, at)| hash == shown && now.saturating_sub(at) <= AGAIN_WITHIN_MS);
        if is_again && (session.refresh == next || Some(session.refresh) == earlier) {
            return Ok(Entered { member, session });
        }
        let draft = by.draft("refresh_session", None, Outcome::Denied, Changed::default());
        let mut change = Change::new();
        remove(&mut change, &[id]);
        change.audit(Draft {
            code: Some(SessionError::Reused.code().to_owned()),
            resource: Some(session.member.to_string()),
            reference: Some(id.to_string()),
            ..draft
        });
        self.commit(now, change).map_err(storage)?;
        self.forget_sessions(&[id]);
        Err(SessionError::Reused)
    }

    /// Ending twice is ending once.
    pub(super) fn end(
        &mut self,
        now: i64,
        id: SessionId,
        shown: Option<KeyHash>,
        by: &Attribution,
    ) -> Result<(), SessionError> {
        let Some(session) = self.records.sessions.get(&id) else { return Ok(()) };
        if shown.is_some_and(|shown| shown != session.refresh) {
            return Err(SessionError::Ended);
        }
        let mut change = Change::new();
        remove(&mut change, &[id]);
        change.audit(note(by, "sign_out", (session.member, id), None));
        self.commit(now, change).map_err(storage)?;
        self.forget_sessions(&[id]);
        Ok(())
    }

    /// A session of their own for a script of somebody who is signed in.
    pub(crate) fn create_session(&mut self, now: i64, order: &Order, new: &NewSession) -> Result<Reply, OrderError> {
        let Principal::Person(member, parent) = order.who else {
            return Err(invalid("only a person who is signed in can have a session: keys are for programs"));
        };
        // Otherwise somebody who got hold of a script's session could go on
        // for ever.
        if self.records.sessions.get(&parent).is_none_or(|session| session.name.is_some()) {
            return Err(invalid("a script's session cannot make others: sign in"));
        }
        if !new.expires_ms.is_some_and(|at| at > now && at.saturating_sub(now) <= LONGEST_MS) {
            return Err(invalid("`expires_at` must be within the next 92 days"));
        }
        let begun = self.begin(now, member, new, now, &order.by);
        let mut change = Change::new();
        begun.write(&mut change).map_err(|_| OrderError::Storage)?;
        let reply = self.finish(now, order, change, Reply::Session(Box::new(begun.session.clone())))?;
        self.keep_session(begun);
        Ok(reply)
    }

    /// Ends one session of a member, or all.
    pub(crate) fn end_sessions(
        &mut self,
        now: i64,
        order: &Order,
        member: MemberId,
        only: Option<SessionId>,
    ) -> Result<Reply, OrderError> {
        let own = self.records.sessions.values().filter(|session| session.member == member);
        let over: Vec<SessionId> =
            own.map(|session| session.id).filter(|id| only.is_none_or(|only| only == *id)).collect();
        if let Some(only) = only.filter(|_| over.is_empty()) {
            return Err(not_found("session", only));
        }
        let mut change = Change::new();
        remove(&mut change, &over);
        let reply = self.finish(now, order, change, Reply::Done)?;
        self.forget_sessions(&over);
        Ok(reply)
    }

    /// What of a member's sessions must go with a change.
    pub(crate) fn sessions_of(&self, member: MemberId) -> Vec<SessionId> {
        let own = self.records.sessions.values().filter(|session| session.member == member);
        own.map(|session| session.id).collect()
    }

    pub(crate) fn forget_sessions(&mut self, over: &[SessionId]) {
        self.records.sessions.retain(|id, _| !over.contains(id));
    }
}

/// Removes sessions from storage.
pub(crate) fn remove(change: &mut Change, over: &[SessionId]) {
    for id in over {
        let (sql, values) = records::remove(id);
        change.write(sql, values);
    }
}
