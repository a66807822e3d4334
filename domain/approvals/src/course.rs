//! One request on its way through its chain.

use identity::Principal;
use policy::Role;
use serde::{Deserialize, Serialize};

use crate::{Approver, Chain, Mode};

const HOUR_MS: i64 = 3_600_000;

/// What somebody said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Yes.
    Approve,
    /// No: then it is over.
    Deny,
}

/// What somebody said, when, and as which of the approvers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Given {
    /// About which step, from 0.
    pub step: usize,
    /// As whom; `None` by escalation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approver: Option<Approver>,
    /// Who.
    pub who: Principal,
    /// What.
    pub verdict: Verdict,
    /// Why, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// When, in milliseconds since 1970.
    pub time_ms: i64,
}

/// How far it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Somebody must decide.
    Pending,
    /// Everybody has approved it.
    Approved,
    /// Somebody has denied it.
    Denied,
    /// Nobody decided in time.
    Expired,
    /// Whoever asked does not want it any more.
    Cancelled,
}

/// One request on its way through its chain, as it was when it was asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Course {
    /// The chain.
    pub chain: Chain,
    /// When it was asked, in milliseconds since 1970.
    pub begun_ms: i64,
    /// When it is over if nobody decides.
    pub expires_ms: i64,
    /// Which step it is at, from 0.
    pub step: usize,
    /// What was said.
    pub given: Vec<Given>,
    /// How far it is.
    pub state: State,
}

/// Why somebody's word does not count. Nothing has changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecideError {
    /// It is decided, expired or withdrawn.
    #[error("it is {} already", state_text(*.0))]
    Over(State),
    /// It is not theirs to decide, or not yet.
    #[error("you are not among those who can approve it now")]
    NotAsked,
    /// They have approved this step before; another person must.
    #[error("you have approved this step already: another person must, too")]
    Again,
}

impl Course {
    /// Begins at the first step.
    #[must_use]
    pub fn begin(chain: Chain, now: i64) -> Self {
        let expires_ms = now.saturating_add(i64::from(chain.expires_hours).saturating_mul(HOUR_MS));
        Self { chain, begun_ms: now, expires_ms, step: 0, given: Vec::new(), state: State::Pending }
    }

    /// Who can say something now: the step's approvers that nobody has stood
    /// for yet, and those to whom it has escalated.
    #[must_use]
    pub fn waits_for(&self, now: i64) -> Vec<Approver> {
        if self.state != State::Pending || now >= self.expires_ms {
            return Vec::new();
        }
        let open = self.open().into_iter();
        open.chain(self.escalated(now)).collect()
    }

    /// Somebody decides; `is` says which approvers they are. The same word
    /// again changes nothing.
    ///
    /// # Errors
    /// [`DecideError`]; nothing has changed.
    pub fn decide(
        &mut self,
        now: i64,
        who: Principal,
        is: impl Fn(Approver) -> bool,
        (verdict, reason): (Verdict, Option<String>),
    ) -> Result<State, DecideError> {
        let is_same = |given: &&Given| same_person(given.who, who);
        if self.state != State::Pending {
            let said = self.given.iter().rev().find(is_same).map(|given| given.verdict);
            let stands = matches!(
                (self.state, said),
                (State::Approved, Some(Verdict::Approve)) | (State::Denied, Some(Verdict::Deny))
            );
            return if stands && said == Some(verdict) { Ok(self.state) } else { Err(DecideError::Over(self.state)) };
        }
        if now >= self.expires_ms {
            return Err(DecideError::Over(State::Expired));
        }
        let approver = self.open().into_iter().find(|approver| is(*approver));
        let has_escalated = self.escalated(now).is_some_and(&is);
        if approver.is_none() && !has_escalated {
            return Err(DecideError::NotAsked);
        }
        let here = self.given.iter().filter(|given| given.step == self.step);
        if verdict == Verdict::Approve && here.clone().any(|given| same_person(given.who, who)) {
            return Err(DecideError::Again);
        }
        self.given.push(Given { step: self.step, approver, who, verdict, reason, time_ms: now });
        if verdict == Verdict::Deny {
            self.state = State::Denied;
            return Ok(self.state);
        }
        // Whoever it has escalated to decides the whole step.
        if approver.is_none() || self.is_step_done() {
            self.step = self.step.saturating_add(1);
        }
        if self.step >= self.chain.steps.len() {
            self.state = State::Approved;
        }
        Ok(self.state)
    }

    /// Whoever asked does not want it any more.
    ///
    /// # Errors
    /// When it is over.
    pub fn cancel(&mut self) -> Result<(), DecideError> {
        match self.state {
            State::Pending => {
                self.state = State::Cancelled;
                Ok(())
            }
            State::Cancelled => Ok(()),
            over => Err(DecideError::Over(over)),
        }
    }

    /// Ends it if its time is over; says whether it did.
    pub fn expire(&mut self, now: i64) -> bool {
        let is_over = self.state == State::Pending && now >= self.expires_ms;
        if is_over {
            self.state = State::Expired;
        }
        is_over
    }

    /// The current step's approvers that nobody has stood for.
    fn open(&self) -> Vec<Approver> {
        let Some(step) = self.chain.steps.get(self.step) else { return Vec::new() };
        let given = self.given.iter().filter(|given| given.step == self.step);
        let taken: Vec<Approver> = given.filter_map(|given| given.approver).collect();
        step.of.iter().copied().filter(|approver| !taken.contains(approver)).collect()
    }

    fn is_step_done(&self) -> bool {
        match self.chain.steps.get(self.step).map(|step| step.mode) {
            Some(Mode::All) => self.open().is_empty(),
            _ => true,
        }
    }

    /// When others may decide as well, in milliseconds since 1970; never where
    /// the chain does not escalate.
    #[must_use]
    pub fn escalates_ms(&self) -> Option<i64> {
        let after = i64::from(self.chain.escalate_after_hours?).saturating_mul(HOUR_MS);
        Some(self.begun_ms.saturating_add(after))
    }

    fn escalated(&self, now: i64) -> Option<Approver> {
        let to = self.chain.escalate_to.unwrap_or(Approver::Role(Role::OrganizationAdmin));
        (now >= self.escalates_ms()?).then_some(to)
    }
}

/// Whether two names are one person's, or one program's, by whatever key or
/// session.
#[must_use]
pub fn same_person(one: Principal, other: Principal) -> bool {
    match (one, other) {
        (
            Principal::Person(one, _) | Principal::Member(one, _) | Principal::Chat(one, _),
            Principal::Person(other, _) | Principal::Member(other, _) | Principal::Chat(other, _),
        ) => one == other,
        (Principal::Service(one, _), Principal::Service(other, _)) => one == other,
        _ => one == other,
    }
}

const fn state_text(state: State) -> &'static str {
    match state {
        State::Pending => "pending",
        State::Approved => "approved",
        State::Denied => "denied",
        State::Expired => "expired",
        State::Cancelled => "cancelled",
    }
}

#[cfg(test)]
mod tests {
    use identity::{MemberId, SessionId};

    use super::*;
    use crate::Step;

    const NOW: i64 = 1_800_000_000_000;
    const MANAGER: Approver = Approver::Role(Role::TeamManager);
    const FINANCE: Approver = Approver::Role(Role::Finance);
    const CFO: Approver = Approver::Member(MemberId::from_u128(9));

    fn person(n: u128) -> Principal {
        Principal::Person(MemberId::from_u128(n), SessionId::from_u128(n))
    }

    fn course(steps: &[(Mode, &[Approver])]) -> Course {
        let steps = steps.iter().map(|(mode, of)| Step { mode: *mode, of: of.to_vec() }).collect();
        let chain = Chain { steps, escalate_after_hours: Some(24), ..Chain::of_role(Role::Finance) };
        Course::begin(chain, NOW)
    }

    /// Somebody who is these approvers says something so many hours later.
    fn say(
        course: &mut Course,
        hours: i64,
        n: u128,
        roles: &[Approver],
        verdict: Verdict,
    ) -> Result<State, DecideError> {
        course.decide(NOW + hours * HOUR_MS, person(n), |approver| roles.contains(&approver), (verdict, None))
    }

    #[test]
    fn one_of_several_suffices_and_no_ends_it() {
        let mut yes = course(&[(Mode::Any, &[MANAGER, FINANCE])]);
        assert_eq!(yes.waits_for(NOW), [MANAGER, FINANCE]);
        assert_eq!(say(&mut yes, 1, 1, &[], Verdict::Approve), Err(DecideError::NotAsked));
        assert_eq!(say(&mut yes, 1, 2, &[FINANCE], Verdict::Approve), Ok(State::Approved));
        assert!(yes.waits_for(NOW).is_empty());
        let mut no = course(&[(Mode::Any, &[MANAGER]), (Mode::Any, &[FINANCE])]);
        assert_eq!(say(&mut no, 1, 2, &[MANAGER], Verdict::Deny), Ok(State::Denied));
    }

    #[test]
    fn all_are_as_many_people_and_steps_have_an_order() {
        let mut course = course(&[(Mode::All, &[MANAGER, FINANCE]), (Mode::Any, &[CFO])]);
        assert_eq!(say(&mut course, 1, 9, &[CFO], Verdict::Approve), Err(DecideError::NotAsked), "not yet");
        assert_eq!(say(&mut course, 1, 1, &[MANAGER, FINANCE], Verdict::Approve), Ok(State::Pending));
        assert_eq!(say(&mut course, 1, 1, &[MANAGER, FINANCE], Verdict::Approve), Err(DecideError::Again));
        assert_eq!(course.waits_for(NOW), [FINANCE]);
        assert_eq!(say(&mut course, 2, 2, &[FINANCE], Verdict::Approve), Ok(State::Pending));
        assert_eq!(say(&mut course, 3, 9, &[CFO], Verdict::Approve), Ok(State::Approved));
        assert_eq!(course.given.len(), 3);
    }

    #[test]
    fn deciding_twice_does_nothing_twice() {
        let mut course = course(&[(Mode::Any, &[MANAGER])]);
        say(&mut course, 1, 1, &[MANAGER], Verdict::Approve).unwrap();
        let before = course.clone();
        assert_eq!(say(&mut course, 2, 1, &[MANAGER], Verdict::Approve), Ok(State::Approved));
        assert_eq!(say(&mut course, 2, 1, &[MANAGER], Verdict::Deny), Err(DecideError::Over(State::Approved)));
        assert_eq!(say(&mut course, 2, 2, &[MANAGER], Verdict::Approve), Err(DecideError::Over(State::Approved)));
        assert_eq!(course, before);
        assert_eq!(course.cancel(), Err(DecideError::Over(State::Approved)));
    }

    #[test]
    fn it_escalates_and_expires() {
        let admin = Approver::Role(Role::OrganizationAdmin);
        let mut course = course(&[(Mode::All, &[MANAGER, CFO]), (Mode::Any, &[FINANCE])]);
        assert_eq!(say(&mut course, 23, 5, &[admin], Verdict::Approve), Err(DecideError::NotAsked));
        assert_eq!(course.waits_for(NOW + 24 * HOUR_MS), [MANAGER, CFO, admin]);
        // For the whole step, and once more for the next.
        assert_eq!(say(&mut course, 24, 5, &[admin], Verdict::Approve), Ok(State::Pending));
        assert_eq!(course.step, 1);
        let late = say(&mut course, 72, 5, &[admin], Verdict::Approve);
        assert_eq!(late, Err(DecideError::Over(State::Expired)));
        assert!(!course.expire(NOW + 72 * HOUR_MS - 1) && course.expire(NOW + 72 * HOUR_MS));
        assert_eq!((course.state, course.expire(i64::MAX)), (State::Expired, false));
    }

    #[test]
    fn whoever_asked_can_withdraw_it() {
        let mut course = course(&[(Mode::Any, &[MANAGER])]);
        assert_eq!((course.cancel(), course.cancel()), (Ok(()), Ok(())));
        assert_eq!(say(&mut course, 1, 1, &[MANAGER], Verdict::Approve), Err(DecideError::Over(State::Cancelled)));
    }
}
