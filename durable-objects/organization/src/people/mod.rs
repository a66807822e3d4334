//! People: how they sign in, and their sessions.
//!
//! The shell checks what a provider signed and hands in who it says it is.
//! Here it is decided whose account that is, whether they become a member,
//! which roles their groups give them, and which sessions go on.

mod enter;
mod erase;
mod plan;
mod roles;
mod sessions;
mod set_up;
mod sign_in;

pub(crate) use plan::Plan;
pub(crate) use sessions::remove;

use audit::{Attribution, Changed, Draft, Outcome};
use identity::{MemberId, Principal, SessionId};
use journal::Change;
use serde_json::Value;
use storage::Storage;

use crate::Organization;
use crate::protocol::{OrderError, SessionCommand, SessionError, SessionRecord, SigningIn};

/// What a session command is answered with.
pub type SessionReply = Result<Option<Box<crate::protocol::Entered>>, SessionError>;

impl<S: Storage> Organization<S> {
    /// How people sign in.
    ///
    /// # Errors
    /// [`OrderError::NotOpen`] when there is no such organization.
    pub fn signing_in(&self) -> Result<SigningIn, OrderError> {
        let profile = self.profile()?;
        let (organization, domains) = (profile.name.clone(), profile.domains.clone());
        let setup = self.records.setup.as_ref().map(|token| token.hash);
        Ok(SigningIn { organization, domains, sign_in: self.records.sign_in.clone(), setup })
    }

    /// A member's sessions that go on.
    ///
    /// # Errors
    /// [`OrderError::NotOpen`] when there is no such organization.
    pub fn sessions(&self, now: i64, member: MemberId) -> Result<Vec<SessionRecord>, OrderError> {
        self.profile()?;
        let sessions = self.records.sessions.values();
        Ok(sessions.filter(|session| session.member == member && session.expires_ms > now).cloned().collect())
    }

    /// Begins, continues or ends a session.
    ///
    /// # Errors
    /// [`SessionError`]; nothing has changed but for a session whose token was
    /// stolen.
    pub fn session(&mut self, now: i64, command: &SessionCommand) -> SessionReply {
        if self.records.profile.is_none() {
            return Err(SessionError::NotConfigured);
        }
        match command {
            SessionCommand::Enter(enter) => {
                let outcome = self.enter(now, enter);
                self.note_refusal(now, "sign_in", &enter.by, outcome.as_ref().err())?;
                outcome.map(|entered| Some(Box::new(entered)))
            }
            SessionCommand::SetUp(set_up) => {
                let outcome = self.set_up(now, set_up);
                self.note_refusal(now, "set_up", &set_up.by, outcome.as_ref().err())?;
                outcome.map(|entered| Some(Box::new(entered)))
            }
            SessionCommand::Refuse { code, by } => self.refuse(now, "sign_in", by, code).map(|()| None),
            SessionCommand::Refresh { session, shown, next, earlier, by } => {
                self.refresh(now, *session, *shown, (*next, *earlier), by).map(|entered| Some(Box::new(entered)))
            }
            SessionCommand::End { session, shown, by } => self.end(now, *session, *shown, by).map(|()| None),
        }
    }

    /// Records that somebody was not let in. Anybody can try, so only so many
    /// are recorded.
    fn note_refusal(
        &mut self,
        now: i64,
        act: &str,
        by: &Attribution,
        error: Option<&SessionError>,
    ) -> Result<(), SessionError> {
        match error {
            None | Some(SessionError::Storage) => Ok(()),
            Some(error) => self.refuse(now, act, by, error.code()),
        }
    }

    fn refuse(&mut self, now: i64, act: &str, by: &Attribution, code: &str) -> Result<(), SessionError> {
        if !self.strangers.may_note(now) {
            return Ok(());
        }
        let draft = by.draft(act, None, Outcome::Denied, Changed::default());
        let mut change = Change::new();
        change.audit(Draft { code: Some(code.to_owned()), ..draft });
        self.commit(now, change).map_err(storage)?;
        Ok(())
    }
}

/// What the trail says of somebody who signed in, or out.
fn note(by: &Attribution, act: &str, who: (MemberId, SessionId), after: Option<Value>) -> Draft {
    let (member, session) = who;
    let changed = Changed { before: None, after };
    let draft = by.draft(act, Some(Principal::Person(member, session)), Outcome::Done, changed);
    Draft { resource: Some(member.to_string()), ..draft }
}

/// Whatever an order refuses, in words of signing in.
fn storage(error: OrderError) -> SessionError {
    match error {
        OrderError::Storage => SessionError::Storage,
        other => SessionError::Conflict { message: other.to_string() },
    }
}
