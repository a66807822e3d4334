//! What people ask for and others approve, under audit: who said what, in a
//! book of its own, and what may follow from it.

use std::collections::BTreeMap;

use approvals::{Chain, Mode, State, Verdict};
use audit::Record;
use events::{Message, Passage};
use identity::{ApprovalId, MemberId, OrganizationId, Principal, TeamId};
use organization::protocol::{Approval, AskApproval, Decide, Outcome};
use storage::Storage;

use super::{Step, outbox, rows};
use crate::actors::Disk;
use crate::tally::Tally;
use crate::violation::{Checked, Violation, ensure, violated};

const HOUR_MS: i64 = 3_600_000;

/// What was approved, between the organization and the team that does it.
#[derive(Default)]
pub(super) struct Approved(BTreeMap<ApprovalId, Ordered>);

/// One of them.
#[derive(Debug)]
struct Ordered {
    organization: OrganizationId,
    passage: Passage,
    /// Whether it was done, once it was tried.
    done: Option<bool>,
}

impl Approved {
    /// The team has tried: only what was approved, and once.
    pub(super) fn carried(
        &mut self,
        organization: OrganizationId,
        approval: ApprovalId,
        passage: &Passage,
        done: bool,
    ) -> Checked {
        let Some(known) = self.0.get_mut(&approval) else {
            return violated("only what was approved is carried out", format!("{approval}: {passage:?}"));
        };
        let same = known.organization == organization && known.passage == *passage;
        ensure(same, "what was approved is carried out, and nothing else", || format!("{known:?}: {passage:?}"))?;
        ensure(known.done.is_none(), "what was approved is carried out once", || format!("{known:?}"))?;
        known.done = Some(done);
        Ok(())
    }
}

/// All that was asked for in one organization.
#[derive(Default)]
pub(super) struct Requests(BTreeMap<ApprovalId, Request>);

#[derive(Debug)]
struct Request {
    asked: AskApproval,
    requester: Principal,
    chain: Chain,
    begun_ms: i64,
    /// Who has said what.
    words: Vec<(Principal, Verdict)>,
    state: State,
    /// Of what whoever decides was told, so that it is told once.
    nudged: Vec<String>,
    /// What came of it, once it was approved and tried.
    done: Option<bool>,
}

impl Requests {
    pub(super) fn asked(
        &mut self,
        (step, tally): (&Step<'_>, &mut Tally),
        who: Principal,
        asked: &AskApproval,
    ) -> Checked {
        let row = stored(step.disk, asked.id)?;
        let new = !self.0.contains_key(&asked.id) && row.asked == *asked && row.requester == who;
        ensure(new && row.course.state == State::Pending, "what is asked for is kept", || format!("{row:?}"))?;
        ensure(asked.amount.get() > 0, "only credits are asked for", || format!("{asked:?}"))?;
        tally.count("approval: asked");
        let request = Request {
            asked: asked.clone(),
            requester: who,
            chain: row.course.chain,
            begun_ms: step.now,
            nudged: Vec::new(),
            words: Vec::new(),
            state: State::Pending,
            done: None,
        };
        self.0.insert(asked.id, request);
        self.nothing_ordered(step, asked.id)
    }

    pub(super) fn decided(
        &mut self,
        (step, tally): (&Step<'_>, &mut Tally),
        (organization, approved): (OrganizationId, &mut Approved),
        who: Principal,
        decide: &Decide,
    ) -> Checked {
        let Some(request) = self.0.get_mut(&decide.id) else {
            return violated("only what was asked for is decided", format!("{decide:?}"));
        };
        let own = member(request.requester) == member(who) || request.asked.to.member == member(who);
        ensure(member(who).is_none() || !own, "nobody decides about their own", || format!("{who}: {request:?}"))?;
        let row = stored(step.disk, decide.id)?;
        if request.state != State::Pending {
            tally.count("approval: same word again");
            let said = request.words.iter().any(|(one, word)| member(*one) == member(who) && *word == decide.verdict);
            let same = said && row.course.state == request.state && row.course.given.len() == request.words.len();
            return ensure(same, "what is decided stays so", || format!("{who}, {decide:?}: {request:?}"));
        }
        let begun_ms = request.begun_ms;
        let over_ms = begun_ms + i64::from(request.chain.expires_hours) * HOUR_MS;
        ensure(step.now < over_ms, "nothing is decided too late", || format!("{request:?}"))?;
        request.words.push((who, decide.verdict));
        tally.count("approval: decided");
        let escalated: Vec<bool> = row.course.given.iter().map(|given| given.approver.is_none()).collect();
        if escalated.last() == Some(&true) {
            tally.count("approval: by escalation");
            let after = request.chain.escalate_after_hours.map(|hours| begun_ms + i64::from(hours) * HOUR_MS);
            let due = after.is_some_and(|after| step.now >= after);
            ensure(due, "others decide once it has waited", || format!("{request:?}"))?;
        }
        request.state = request.follows(&escalated);
        ensure(row.course.state == request.state, "what was said decides", || format!("{row:?}: {request:?}"))?;
        if request.state != State::Approved {
            if request.state == State::Denied {
                tally.count("approval: denied");
            }
            return self.nothing_ordered(step, decide.id);
        }
        match (row.outcome, outbox::about(step.disk, &decide.id)?.as_slice()) {
            (Some(Outcome::OnItsWay), [Message::CarryOut { passage, .. }]) => {
                let asked = &request.asked;
                let same = (passage.transfer, passage.from, passage.to) == (asked.transfer, asked.from, asked.to);
                let same = same && passage.amount == asked.amount && passage.who == request.requester;
                ensure(same, "what was approved is what was asked for", || format!("{passage:?}: {request:?}"))?;
                tally.count("approval: done");
                approved.0.insert(decide.id, Ordered { organization, passage: passage.clone(), done: None });
                Ok(())
            }
            (Some(Outcome::Failed { .. }), []) => {
                tally.count("approval: forbidden, whoever approves it");
                request.done = Some(false);
                Ok(())
            }
            other => violated("what was approved is ordered once", format!("{other:?}: {request:?}")),
        }
    }

    pub(super) fn cancelled(
        &mut self,
        (step, tally): (&Step<'_>, &mut Tally),
        who: Principal,
        id: ApprovalId,
    ) -> Checked {
        let Some(request) = self.0.get_mut(&id) else {
            return violated("only what was asked for is withdrawn", id.to_string());
        };
        let theirs = member(request.requester) == member(who);
        ensure(theirs, "only who asked withdraws", || format!("{who}: {request:?}"))?;
        let open = matches!(request.state, State::Pending | State::Cancelled);
        ensure(open, "what is decided stays so", || format!("{request:?}"))?;
        tally.count("approval: cancelled");
        request.state = State::Cancelled;
        self.nothing_ordered(step, id)
    }

    /// After the alarm, for each record that it left.
    pub(super) fn rang(&mut self, (step, tally): (&Step<'_>, &mut Tally), record: &Record) -> Checked {
        let id = record.resource.as_deref().and_then(|id| id.parse::<ApprovalId>().ok());
        let request = id.and_then(|id| self.0.get_mut(&id));
        let chain = request.as_ref().map(|request| &request.chain);
        let hours = match record.action.as_str() {
            "remind_approval" => chain.map(|chain| i64::from(chain.expires_hours) * HOUR_MS / 2),
            "escalate_approval" => {
                chain.and_then(|chain| chain.escalate_after_hours).map(|hours| i64::from(hours) * HOUR_MS)
            }
            _ => return self.expired((step, tally), record),
        };
        let (Some(request), Some(wait_ms)) = (request, hours) else {
            return violated("only of what was asked for somebody is reminded", format!("{record:?}"));
        };
        tally.count(if record.action == "remind_approval" { "approval: reminded" } else { "approval: escalated" });
        let due = request.state == State::Pending && step.now >= request.begun_ms + wait_ms;
        let first = !request.nudged.contains(&record.action);
        ensure(due && first, "whoever decides is reminded once, in time", || format!("{record:?}: {request:?}"))?;
        request.nudged.push(record.action.clone());
        Ok(())
    }

    /// Its time is over.
    fn expired(&mut self, (step, tally): (&Step<'_>, &mut Tally), record: &Record) -> Checked {
        let id = record.resource.as_deref().and_then(|id| id.parse::<ApprovalId>().ok());
        let request = id.and_then(|id| self.0.get_mut(&id));
        let (Some(id), Some(request)) = (id, request) else {
            return violated("the alarm ends only what was asked for", format!("{record:?}"));
        };
        let over_ms = request.begun_ms + i64::from(request.chain.expires_hours) * HOUR_MS;
        let due = request.state == State::Pending && step.now >= over_ms;
        ensure(due && record.action == "expire_approval", "only what nobody decided in time is over", || {
            format!("{record:?}: {request:?}")
        })?;
        tally.count("approval: expired");
        request.state = State::Expired;
        self.nothing_ordered(step, id)
    }

    /// The team has said what came of it.
    pub(super) fn came_of(
        &mut self,
        step: &Step<'_>,
        (organization, approved): (OrganizationId, &mut Approved),
        id: ApprovalId,
        done: bool,
    ) -> Checked {
        let known = approved.0.get(&id).filter(|known| known.organization == organization);
        let told = known.and_then(|known| known.done);
        ensure(told == Some(done), "what is told of it is what was done", || format!("{id}: {done}, {known:?}"))?;
        let outcome = stored(step.disk, id)?.outcome;
        let kept = matches!((&outcome, done), (Some(Outcome::Done), true) | (Some(Outcome::Failed { .. }), false));
        ensure(kept, "what is told of it is kept", || format!("{id}: {outcome:?}"))?;
        if let Some(request) = self.0.get_mut(&id) {
            ensure(request.done.is_none(), "it is told once", || format!("{request:?}"))?;
            request.done = Some(done);
        }
        Ok(())
    }

    /// Nothing waits for a word or a team any more.
    pub(super) fn all_over(&self) -> Checked {
        let open = |request: &&Request| {
            request.state == State::Pending || (request.state == State::Approved && request.done.is_none())
        };
        let waiting = self.0.values().find(open);
        ensure(waiting.is_none(), "every request ends", || format!("{waiting:?}"))
    }

    /// What was approved and done has moved credits, once; nothing else has.
    pub(super) fn moved(&self, disk: impl Fn(TeamId) -> Option<Disk>) -> Checked {
        for request in self.0.values() {
            let Some(disk) = disk(request.asked.from.team) else { continue };
            let sql = "SELECT COUNT(*) FROM entries WHERE reference = ? AND kind = 'transfer' AND debit = ?";
            let (reference, debit) = (request.asked.transfer.to_string(), request.asked.from.account().to_string());
            let rows = disk.native().query(sql, &[reference.into(), debit.into()]).map_err(rows::unreadable)?;
            let times = rows.first().map_or(Ok(0), |row| row.int(0)).map_err(rows::unreadable)?;
            let expected = i64::from(request.done == Some(true));
            ensure(times == expected, "what was approved moves credits once, and nothing else does", || {
                format!("{times} times: {request:?}")
            })?;
        }
        Ok(())
    }

    fn nothing_ordered(&self, step: &Step<'_>, id: ApprovalId) -> Checked {
        let ordered = outbox::about(step.disk, &id)?;
        ensure(ordered.is_empty(), "only what was approved is ordered", || {
            format!("{ordered:?}: {:?}", self.0.get(&id))
        })
    }
}

impl Request {
    /// What the words come to: each step needs one yes, or one from as many
    /// people as it has approvers; whoever it has escalated to ends the step.
    fn follows(&self, escalated: &[bool]) -> State {
        let mut steps = self.chain.steps.iter();
        let (mut current, mut here) = (steps.next(), Vec::new());
        for (number, (who, verdict)) in self.words.iter().enumerate() {
            let Some(step) = current else { break };
            if *verdict == Verdict::Deny {
                return State::Denied;
            }
            if !here.contains(&member(*who)) {
                here.push(member(*who));
            }
            let needed = if step.mode == Mode::All { step.of.len() } else { 1 };
            if here.len() >= needed || escalated.get(number) == Some(&true) {
                current = steps.next();
                here.clear();
            }
        }
        if current.is_none() { State::Approved } else { State::Pending }
    }
}

/// The person; the operator is none.
fn member(who: Principal) -> Option<MemberId> {
    match who {
        Principal::Person(member, _) | Principal::Member(member, _) => Some(member),
        _ => None,
    }
}

fn stored(disk: &Disk, id: ApprovalId) -> Checked<Approval> {
    let text = rows::text(disk, "SELECT data FROM approvals WHERE id = ?", &id.to_string())?;
    let read = text.as_deref().map(serde_json::from_str);
    match read {
        Some(Ok(approval)) => Ok(approval),
        other => Err(Violation { check: "what is asked for is kept", detail: format!("{id}: {other:?}") }),
    }
}
