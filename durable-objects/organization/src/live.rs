//! Who may listen to what happens, and what of the organization itself is told.
//!
//! Who listens is asked in the same step in which the shell lets them in, so
//! that nothing is between deciding and listening. What it was decided by (who
//! it is, their roles, the policies) is kept as a short standing: when it is no
//! more what it was, the shell ends the stream, and whoever comes back is asked
//! anew.

use std::collections::BTreeSet;
use std::hash::{DefaultHasher, Hash, Hasher};

use events::{Cursor, LiveEvent, LiveKind, Sees, Told};
use identity::{ApprovalId, MemberId, TeamId};
use ledger::Account;
use policy::{Action, Node};
use serde_json::{Value, json};
use storage::{Storage, StorageError};

use crate::Organization;
use crate::protocol::{Admit, AdmitError, ApprovalFilter, Caller, Listen, Listens, Target};

/// So many entries, and so many records, are looked through at once. Where
/// there are more, whoever listens reads again.
const MOST: u32 = 200;

/// What has happened, and which approvals it was about: of those each is told
/// what they see of it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Happened {
    /// What the organization's accounts have, for whoever sees all of it.
    pub told: Vec<Told>,
    /// Requests for credits that are not as they were.
    pub approvals: BTreeSet<ApprovalId>,
}

impl<S: Storage> Organization<S> {
    /// How far the organization is.
    pub const fn cursor(&self) -> Cursor {
        Cursor { entries: self.journal.sequence(), records: self.journal.audit_head().sequence }
    }

    /// Whether somebody may listen, and to what: to a team, or to what is their
    /// own, or to the organization. Who may not is recorded.
    ///
    /// # Errors
    /// [`AdmitError`].
    pub fn listen(&mut self, now: i64, asked: &Listen) -> Result<Listens, AdmitError> {
        let Listen { admit, .. } = asked;
        let own = self.own(now, &admit.caller);
        // A member's own team by its name is what they hear of it anyway.
        let team = asked.team.filter(|team| own.is_none_or(|(_, own)| own != *team));
        let target = match (team, own) {
            (Some(id), _) => Target::Team { id },
            (None, Some((id, _))) => Target::Member { id },
            (None, None) => Target::Organization,
        };
        let admitted = self.admit(now, &Admit { action: Action::WatchEvents, target, ..admit.clone() })?;
        let mut may = |action, target| {
            self.admit(now, &Admit { action, target, trial: true, requests_a_minute: None, ..admit.clone() }).is_ok()
        };
        let everything = may(Action::WatchEvents, Target::Organization);
        let approvals = may(Action::ListApprovals, Target::Organization);
        let sees = match (team, own) {
            (Some(_), _) => Sees { everything: true, ..Sees::default() },
            (None, Some((member, id))) => Sees {
                everything: may(Action::WatchEvents, Target::Team { id }),
                member: Some(member),
                pool: may(Action::GetTeam, Target::Team { id }),
            },
            (None, None) => Sees::default(),
        };
        let (caller, address) = (admit.caller.clone(), admit.facts.address.clone());
        let team = team.or(own.map(|(_, team)| team));
        let standing = self.stands_by(now, &caller, address.as_deref(), team).ok_or(AdmitError::Unknown)?;
        let (who, allowance) = (admitted.who, admitted.allowance);
        Ok(Listens { who, caller, address, team, sees, everything, approvals, standing, allowance })
    }

    /// Whether what somebody was let in by is as it was.
    pub fn goes_on(&self, now: i64, listens: &Listens) -> bool {
        let standing = self.stands_by(now, &listens.caller, listens.address.as_deref(), listens.team);
        standing.as_ref() == Some(&listens.standing)
    }

    /// What has happened after a place. `None`: too much to tell.
    ///
    /// # Errors
    /// When the database fails.
    pub fn happened(&self, after: Cursor) -> Result<Option<Happened>, StorageError> {
        let now = self.cursor();
        let entries = self.journal.entries_after(after.entries, MOST)?;
        let records = self.journal.audit_after(after.records, MOST)?;
        let is_all = entries.last().is_none_or(|last| last.sequence == now.entries)
            && records.last().is_none_or(|last| last.sequence == now.records)
            && after.entries <= now.entries
            && after.records <= now.records;
        if !is_all {
            return Ok(None);
        }
        let accounts: BTreeSet<Account> = entries.iter().flat_map(|entry| [entry.debit, entry.credit]).collect();
        let told = accounts.into_iter().filter_map(|account| self.has(account)).collect();
        let about = records.iter().filter_map(|record| record.resource.as_deref()?.parse().ok());
        Ok(Some(Happened { told, approvals: about.collect() }))
    }

    /// What somebody is told of an approval; `None` if they may not see it.
    pub fn told_of_approval(&self, now: i64, listens: &Listens, id: ApprovalId) -> Option<LiveEvent> {
        let filter = ApprovalFilter { id: Some(id), limit: 1, ..ApprovalFilter::default() };
        let page = listens.approvals.then(|| self.approvals(now, listens.who, &filter).ok())??;
        let view = page.views.first()?;
        let data = json!({
            "approval_id": id,
            "state": view.approval.course.state,
            "outcome": view.approval.outcome.as_ref().and_then(|outcome| json!(outcome).get("is").cloned()),
            "may_decide": view.may_decide,
        });
        Some(self.event(LiveKind::Approval, data))
    }

    /// Whether something has happened after a place that somebody would have
    /// been told, or too much to say.
    ///
    /// # Errors
    /// When the database fails.
    pub fn has_missed(&self, now: i64, after: Cursor, listens: &Listens) -> Result<bool, StorageError> {
        Ok(self.happened(after)?.is_none_or(|happened| {
            let sees = listens.sees_organization();
            happened.told.iter().any(|told| told.is_for(&sees))
                || happened.approvals.iter().any(|id| self.told_of_approval(now, listens, *id).is_some())
        }))
    }

    /// An event of this actor.
    pub fn event(&self, kind: LiveKind, data: Value) -> LiveEvent {
        LiveEvent { kind, cursor: self.cursor(), data }
    }

    fn has(&self, account: Account) -> Option<Told> {
        let balance = self.journal.balance(account);
        let data = match account {
            Account::Treasury => json!({ "account": "treasury", "balance": balance }),
            Account::Department(id) => json!({ "account": "department", "department_id": id, "balance": balance }),
            _ => return None,
        };
        Some(Told::to_members([], self.event(LiveKind::Balance, data)))
    }

    /// All that a decision about a caller is made of, in short; `None` for
    /// whoever is nobody here any more, or may not come from there.
    fn stands_by(&self, now: i64, caller: &Caller, address: Option<&str>, team: Option<TeamId>) -> Option<String> {
        let mut hasher = DefaultHasher::new();
        self.known_by(now, caller, address)?.hash(&mut hasher);
        for policy in self.records.policies.values() {
            (policy.id, policy.version).hash(&mut hasher);
        }
        let path = team.and_then(|team| self.path(Node::Team(team)));
        format!("{path:?}").hash(&mut hasher);
        Some(format!("{:016x}", hasher.finish()))
    }

    /// The member that calls, and their team.
    fn own(&self, now: i64, caller: &Caller) -> Option<(MemberId, TeamId)> {
        let member = match caller {
            Caller::Session { session } => self.session_member(now, *session)?,
            _ => return None,
        };
        Some((member, self.records.members.get(&member)?.team))
    }
}
