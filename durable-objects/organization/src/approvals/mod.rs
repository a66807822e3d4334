//! What people ask for and others must approve.
//!
//! A request is kept here, where roles and policies are. The last approval and
//! the order to the team that carries it out are written in one step, so that
//! nothing is approved and forgotten; the team does it once, and tells what
//! came of it.

mod approvers;
mod store;

pub(crate) use store::{Approvals, TABLE};

use ::approvals::{Approver, Chain, Course, DecideError, Mode, State, Step, same_person};
use events::{Message, Passage, Place};
use identity::{ApprovalId, ChannelId, MemberId, Principal, TeamId};
use journal::Change;
use ledger::Millicredits;
use ledger::mutant::{self, Mutant};
use policy::{Action, Decision, Facts, Node, Resource, Role};
use storage::Storage;

use crate::Organization;
use crate::order::{invalid, not_found};
use crate::protocol::{
    Approval, ApprovalFilter, ApprovalPage, ApprovalView, AskApproval, Decide, Deciders, Order, OrderError, Outcome,
    Reply,
};

const MINUTE_MS: i64 = 60_000;

impl<S: Storage> Organization<S> {
    /// Somebody asks for credits. Whom they need follows from the policies that
    /// keep them from simply sending them.
    pub(crate) fn request_approval(
        &mut self,
        now: i64,
        order: &Order,
        asked: &AskApproval,
    ) -> Result<Reply, OrderError> {
        if asked.amount <= Millicredits::ZERO {
            return Err(invalid(format!("`{}` is not an amount to ask for: it must be above zero", asked.amount)));
        }
        if asked.from == asked.to {
            return Err(invalid("a transfer needs two different places"));
        }
        self.must_have(asked.from)?;
        self.must_have(asked.to)?;
        if self.approvals.get(self.journal.store(), asked.id)?.is_some() {
            return Err(OrderError::Conflict { message: format!("there is an approval `{}` already", asked.id) });
        }
        let decision = self.judge(now, order.who, asked, false)?;
        let course = Course::begin(self.chain(order.who, asked, &decision)?, now);
        let approval =
            Approval { asked: asked.clone(), requester: order.who, course, outcome: None, nudged: Vec::new() };
        self.keep_approval(now, order, Change::new(), approval)
    }

    /// Somebody decides. The last yes is carried out in the same step.
    pub(crate) fn decide_approval(&mut self, now: i64, order: &Order, decide: &Decide) -> Result<Reply, OrderError> {
        let mut approval = self.approval(decide.id)?;
        let known = approval.clone();
        if is_own(&approval, order.who) {
            return Err(OrderError::Conflict { message: "nobody decides about what is for themselves".to_owned() });
        }
        let path = self.path(Node::Team(approval.asked.from.team)).unwrap_or_default();
        let said = (decide.verdict, decide.reason.clone());
        let state =
            approval.course.decide(now, order.who, |approver| self.stands_for(now, order.who, approver, &path), said);
        let state = state.map_err(|error| match error {
            DecideError::NotAsked => invalid(error),
            DecideError::Over(_) | DecideError::Again => OrderError::Conflict { message: error.to_string() },
        })?;
        if approval == known {
            // The same word again: on record, and nothing else.
            return self.finish(now, order, Change::new(), Reply::Approval(Box::new(approval)));
        }
        let mut change = Change::new();
        if state == State::Approved || mutant::is_active(Mutant::CarryOutDenied) {
            approval.outcome = Some(self.carry_out_approval(now, &approval, &mut change)?);
        }
        self.keep_approval(now, order, change, approval)
    }

    /// Whoever asked does not want it any more.
    pub(crate) fn cancel_approval(&mut self, now: i64, order: &Order, id: ApprovalId) -> Result<Reply, OrderError> {
        let mut approval = self.approval(id)?;
        if !has_asked(&approval, order.who) {
            return Err(not_found("approval", id));
        }
        approval.course.cancel().map_err(|error| OrderError::Conflict { message: error.to_string() })?;
        self.keep_approval(now, order, Change::new(), approval)
    }

    /// A team says what came of what was approved.
    pub(crate) fn approval_carried_out(
        &self,
        id: ApprovalId,
        failed: Option<&String>,
        change: &mut Change,
    ) -> Result<Approval, OrderError> {
        let mut approval = self.approval(id)?;
        approval.outcome = Some(failed.map_or(Outcome::Done, |reason| Outcome::Failed { reason: reason.clone() }));
        store::put(change, &approval)?;
        // Whoever asked is told of it by this record.
        let draft = audit::Draft::done("carry_out_approval", Principal::System);
        let outcome = if failed.is_some() { audit::Outcome::Failed } else { audit::Outcome::Done };
        let code = failed.is_some().then(|| "conflict".to_owned());
        change.audit(audit::Draft { resource: Some(id.to_string()), outcome, code, ..draft });
        Ok(approval)
    }

    /// Notes that half of the time to decide is over, and that it has
    /// escalated: by these records people are told.
    pub(crate) fn nudge_approvals(&mut self, now: i64) -> Result<(), OrderError> {
        for (approval, nudge) in self.approvals.to_nudge(now) {
            let id = approval.asked.id.to_string();
            let mut approval = approval;
            approval.nudged.push(nudge);
            let mut change = Change::new();
            store::put(&mut change, &approval)?;
            change.audit(audit::Draft { resource: Some(id), ..audit::Draft::done(nudge.action(), Principal::System) });
            self.commit(now, change)?;
            self.approvals.note(approval);
        }
        Ok(())
    }

    /// Ends what nobody decided in time.
    pub(crate) fn expire_approvals(&mut self, now: i64) -> Result<(), OrderError> {
        for mut approval in self.approvals.overdue(now) {
            if approval.course.expire(now) {
                let mut change = Change::new();
                store::put(&mut change, &approval)?;
                let draft = audit::Draft::done("expire_approval", Principal::System);
                change.audit(audit::Draft { resource: Some(approval.asked.id.to_string()), ..draft });
                self.commit(now, change)?;
                self.approvals.note(approval);
            }
        }
        Ok(())
    }

    /// What was asked for, as somebody sees it: what they asked for, may
    /// decide, get or give, and all where they oversee credits.
    ///
    /// # Errors
    /// When the database fails.
    pub fn approvals(&self, now: i64, viewer: Principal, filter: &ApprovalFilter) -> Result<ApprovalPage, OrderError> {
        self.profile()?;
        let limit = usize::try_from(filter.limit).unwrap_or(usize::MAX);
        let mut page = ApprovalPage::default();
        let (some, is_all) = self.approvals.newest(self.journal.store(), filter)?;
        let mut last = None;
        for approval in some {
            if page.views.len() >= limit {
                page.next = last;
                return Ok(page);
            }
            last = Some(approval.asked.id);
            page.views.extend(self.view(now, viewer, filter, approval));
        }
        page.next = last.filter(|_| !is_all);
        Ok(page)
    }

    /// One, if they may see it and it is meant.
    fn view(&self, now: i64, viewer: Principal, filter: &ApprovalFilter, approval: Approval) -> Option<ApprovalView> {
        let is_meant = filter.state.is_none_or(|state| state == approval.course.state)
            && filter.of.is_none_or(|member| wrote(&approval, member))
            && (!filter.own || has_asked(&approval, viewer));
        if !is_meant {
            return None;
        }
        let path = self.path(Node::Team(approval.asked.from.team)).unwrap_or_default();
        let stands = |approver| self.stands_for(now, viewer, approver, &path);
        let concerned = has_asked(&approval, viewer)
            || is_own(&approval, viewer)
            || person(viewer).is_some_and(|member| approval.asked.from.member == Some(member))
            || approval.course.chain.steps.iter().flat_map(|step| &step.of).any(|approver| stands(*approver))
            || self.oversees(now, viewer, &path);
        let awaited = approval.course.waits_for(now);
        let may_decide = !is_own(&approval, viewer) && awaited.iter().any(|approver| stands(*approver));
        (concerned && (may_decide || !filter.to_decide)).then_some(ApprovalView { approval, awaited, may_decide })
    }

    /// Without what somebody has written: why they asked, and why they decided.
    pub(crate) fn without_words_of(&self, member: MemberId, change: &mut Change) -> Result<Vec<Approval>, OrderError> {
        let theirs = |who: Principal| person(who) == Some(member);
        let mut blanked = Vec::new();
        for mut approval in self.approvals.naming(self.journal.store(), member)? {
            let known = approval.clone();
            approval.asked.reason = approval.asked.reason.filter(|_| !theirs(approval.requester));
            let given = approval.course.given.iter_mut().filter(|given| theirs(given.who));
            given.for_each(|given| given.reason = None);
            if approval != known {
                store::put(change, &approval)?;
                blanked.push(approval);
            }
        }
        Ok(blanked)
    }

    /// Something that was asked for, with the members that can decide it now:
    /// never who asked, or who gets it.
    ///
    /// # Errors
    /// When there is no such thing.
    pub fn deciders(&self, now: i64, id: ApprovalId) -> Result<Deciders, OrderError> {
        let approval = self.approval(id)?;
        let path = self.path(Node::Team(approval.asked.from.team)).unwrap_or_default();
        let awaited = approval.course.waits_for(now);
        let can = |member: &&MemberId| {
            // Only whose it is matters here, not how they come.
            let who = Principal::Chat(**member, ChannelId::from_u128(0));
            let has = approval
                .course
                .given
                .iter()
                .any(|given| given.step == approval.course.step && person(given.who) == Some(**member));
            !has && !is_own(&approval, who) && awaited.iter().any(|one| self.stands_for(now, who, *one, &path))
        };
        let members = self.records.members.keys().filter(can).copied().collect();
        Ok(Deciders { approval, members })
    }

    /// Active members that have a role on the whole organization, or on a team.
    ///
    /// # Errors
    /// When there is no such organization or team.
    pub fn holders(&self, now: i64, role: Role, team: Option<TeamId>) -> Result<Vec<MemberId>, OrderError> {
        let root = Node::Organization(self.profile()?.organization);
        let path = match team {
            Some(team) => self.path(Node::Team(team)).ok_or_else(|| not_found("team", team))?,
            None => vec![root],
        };
        let has = |member: &&MemberId| {
            let who = Principal::Chat(**member, ChannelId::from_u128(0));
            self.has_one_of(now, who, &[role], &path)
        };
        Ok(self.records.members.keys().filter(has).copied().collect())
    }

    /// Orders the team to do it, if policies allow it now that it is approved:
    /// to whoever asked, or to one of those who approved it. What they forbid
    /// comes to nothing.
    fn carry_out_approval(&self, now: i64, approval: &Approval, change: &mut Change) -> Result<Outcome, OrderError> {
        let asked = &approval.asked;
        let approvers = approval.course.given.iter().map(|given| given.who);
        let mut allowed = false;
        for who in std::iter::once(approval.requester).chain(approvers) {
            allowed |= self.judge(now, who, asked, true)?.allowed;
        }
        if !allowed {
            return Ok(Outcome::Failed { reason: "policies forbid it, whoever approves it".to_owned() });
        }
        let undo_ms = i64::from(self.profile()?.general.undo_minutes).saturating_mul(MINUTE_MS);
        let passage = Passage {
            transfer: asked.transfer,
            undoes: false,
            from: asked.from,
            to: asked.to,
            amount: asked.amount,
            who: approval.requester,
            note: asked.reason.clone(),
            time_ms: now,
            undo_until_ms: now.saturating_add(undo_ms),
        };
        change.send(asked.from.team.to_string(), Message::CarryOut { approval: asked.id, passage });
        Ok(Outcome::OnItsWay)
    }

    /// What policies say of it, if this one did it.
    fn judge(&self, now: i64, who: Principal, asked: &AskApproval, approved: bool) -> Result<Decision, OrderError> {
        let path = self.path(Node::Team(asked.from.team)).ok_or_else(|| not_found("team", asked.from.team))?;
        let resource = asked.from.member.map_or(Resource::Pool(asked.from.team), Resource::Wallet);
        let to_node = Some(Node::Team(asked.to.team));
        let to_path = self.path(Node::Team(asked.to.team)).unwrap_or_default();
        let millicredits = Some(asked.amount.get());
        let facts = Facts { approved, millicredits, to_member: asked.to.member, to_node, to_path, ..Facts::default() };
        self.decision(now, who, Action::Transfer, (&resource, &path), facts)
    }

    /// The chain that a decision asks for. Where somebody asks for what is not
    /// theirs: whose it is, or the team's managers.
    fn chain(&self, who: Principal, asked: &AskApproval, decision: &Decision) -> Result<Chain, OrderError> {
        if decision.allowed {
            let message = "nobody needs to approve that: do it (`POST /api/v1/transfers`)".to_owned();
            return Err(OrderError::Conflict { message });
        }
        let is_theirs = !decision.approvals.is_empty();
        if !is_theirs && decision.needed_besides.is_empty() && !decision.policies.is_empty() {
            let message = format!("no approval opens that: it is forbidden by {}", decision.policies.join(", "));
            return Err(OrderError::Conflict { message });
        }
        let named = |name: &String| {
            let own = self.records.profile.iter().flat_map(|profile| &profile.general.approval_chains);
            let own = own.clone().find(|chain| chain.name == *name).cloned();
            let role = Role::ALL.iter().find(|role| role.as_str() == name).copied();
            // A policy may name a chain that is not there: then it is for whoever can make it.
            own.unwrap_or_else(|| Chain::of_role(role.unwrap_or(Role::OrganizationAdmin)))
        };
        let owner = || {
            let managers = Chain::of_role(Role::TeamManager);
            let owner = asked.from.member.filter(|owner| person(who) != Some(*owner));
            owner.map_or(managers.clone(), |owner| {
                let steps = vec![Step { mode: Mode::Any, of: vec![Approver::Member(owner)] }];
                Chain { name: "owner".to_owned(), steps, ..managers }
            })
        };
        let first = (!is_theirs).then(owner);
        let needed = decision.approvals.iter().chain(&decision.needed_besides).map(named);
        // All that is needed, one after the other.
        let all = first.into_iter().chain(needed).reduce(|all, other| Chain {
            name: format!("{}, {}", all.name, other.name),
            steps: [all.steps, other.steps].concat(),
            expires_hours: all.expires_hours.max(other.expires_hours),
            escalate_after_hours: all.escalate_after_hours.or(other.escalate_after_hours),
            escalate_to: all.escalate_to.or(other.escalate_to),
        });
        Ok(all.unwrap_or_else(|| Chain::of_role(Role::OrganizationAdmin)))
    }

    fn approval(&self, id: ApprovalId) -> Result<Approval, OrderError> {
        self.approvals.get(self.journal.store(), id)?.ok_or_else(|| not_found("approval", id))
    }

    fn keep_approval(
        &mut self,
        now: i64,
        order: &Order,
        mut change: Change,
        approval: Approval,
    ) -> Result<Reply, OrderError> {
        store::put(&mut change, &approval)?;
        let reply = self.finish(now, order, change, Reply::Approval(Box::new(approval.clone())))?;
        self.approvals.note(approval);
        Ok(reply)
    }

    fn must_have(&self, place: Place) -> Result<(), OrderError> {
        match place.member {
            Some(member) => match self.records.members.get(&member) {
                Some(record) if record.team == place.team => Ok(()),
                _ => Err(not_found("member", member)),
            },
            None if self.records.teams.contains_key(&place.team) => Ok(()),
            None => Err(not_found("team", place.team)),
        }
    }
}

/// Whether it is for this one, or asked by them: then others decide.
fn is_own(approval: &Approval, who: Principal) -> bool {
    let is_for = person(who).is_some_and(|member| approval.asked.to.member == Some(member));
    (has_asked(approval, who) || is_for) && !mutant::is_active(Mutant::DecideOwn)
}

/// Whether this one asked for it, be it with another key or in another session.
fn has_asked(approval: &Approval, who: Principal) -> bool {
    same_person(approval.requester, who)
}

/// Whether this person asked for it, or said something about it.
fn wrote(approval: &Approval, member: MemberId) -> bool {
    let mut all = std::iter::once(approval.requester).chain(approval.course.given.iter().map(|given| given.who));
    all.any(|who| person(who) == Some(member))
}

/// The person behind a name, if it is one.
const fn person(who: Principal) -> Option<MemberId> {
    match who {
        Principal::Person(member, _) | Principal::Member(member, _) | Principal::Chat(member, _) => Some(member),
        _ => None,
    }
}
