//! A team's actor under audit: calls.

use std::collections::BTreeSet;

use identity::{KeyHash, RequestId};
use ledger::{Account, Entry, Kind, Metered};
use team::Team;
use team::protocol::{Progress, Reserve, ReserveError, Reserved, Settle, SettleError, Settled};

use super::absences::{self, Away};
use super::access::Verdict;
use super::books::Books;
use super::boosts::{Boosts, Ending};
use super::calls::{self, Calls, Parts, Stage};
use super::periods::Lots;
use super::refusals::{self, Refusals};
use super::replies::Replies;
use super::sharing::Sharing;
use super::spending::Spending;
use super::trail::Trail;
use super::{Access, Step, rows};
use crate::actors::{Disk, Fault};
use crate::tally::Tally;
use crate::violation::{Checked, ensure, violated};
use crate::world::TeamPlace;

/// A reservation of which nothing is heard lives so long.
const LEASE_MS: i64 = 120_000;

/// What is known of an ended call is kept for at least so long.
const KEEP_MS: i64 = 75 * 60_000;

/// No call is taken to have more tokens than this, whatever it says.
const MOST_TOKENS: i64 = 1_000_000_000_000;

/// The alarm ends at most so many at a time.
const EXPIRED_AT_A_TIME: usize = 200;

/// The auditor's copy of a team.
pub(crate) struct TeamAudit {
    pub(crate) place: TeamPlace,
    pub(crate) books: Books,
    pub(crate) trail: Trail,
    pub(crate) calls: Calls,
    pub(crate) access: Access,
    pub(crate) spending: Spending,
    pub(super) replies: Replies,
    pub(super) sharing: Sharing,
    pub(super) boosts: Boosts,
    pub(super) away: Away,
    pub(super) lots: Lots,
    pub(super) refusals: Refusals,
    pub(super) received: BTreeSet<String>,
    /// The latest time at which the alarm rang, which may have cleaned away.
    latest_tick: i64,
}

impl TeamAudit {
    pub(super) fn new(place: &TeamPlace) -> Self {
        Self {
            place: place.clone(),
            books: Books::new(place.team),
            trail: Trail::new(place.team),
            calls: Calls::default(),
            access: Access::default(),
            spending: Spending::new(),
            replies: Replies::default(),
            sharing: Sharing::default(),
            boosts: Boosts::default(),
            away: Away::default(),
            lots: Lots::default(),
            refusals: Refusals::default(),
            received: BTreeSet::new(),
            latest_tick: 0,
        }
    }

    pub(crate) fn available(&self, account: Account) -> i128 {
        self.books.balance(account) - self.calls.reserved(account)
    }

    /// What a member's payers have beside what is reserved, in order.
    pub(crate) fn payers(&self, now: i64, member: identity::MemberId) -> Parts {
        let mut payers = self.paying_boosts(now, member);
        payers.push(Account::Wallet(member));
        if self.has_lent(member) {
            payers.push(Account::Lent(member));
        }
        payers.extend(self.lent_to(now, Some(member), member));
        if self.access.draws_from_pool() {
            payers.push(Account::Pool);
            payers.extend(self.lent_to(now, None, member));
        }
        let has = |account| match account {
            Account::Pool => self.drawable(now, member),
            _ => self.available(account),
        };
        payers.into_iter().map(|account| (account, has(account))).collect()
    }

    /// What they have for a call that has cost more than was reserved: the
    /// pool's rules are for calls that begin.
    fn liable(&self, now: i64, member: identity::MemberId) -> Parts {
        let all = |(account, has)| match account {
            Account::Pool => (account, self.available(account)),
            _ => (account, has),
        };
        self.payers(now, member).into_iter().map(all).collect()
    }

    /// What of the pool a member's next call may draw.
    fn drawable(&self, now: i64, member: identity::MemberId) -> i128 {
        let pool = self.available(Account::Pool);
        let Some(rules) = self.access.pool_rules() else { return pool };
        let drawn = self.spending.drawn(now, member, rules.window);
        let floor = i128::from(rules.floor.get());
        // Of what lies below the floor, an even share.
        let even = floor / i128::from(self.access.active().max(1));
        let mut room = pool - pool.min(floor) + pool.min(floor).min((even - drawn).max(0));
        if let Some(each) = rules.each {
            room = room.min((i128::from(each.get()) - drawn).max(0));
        }
        room
    }

    /// What somebody was told is left, and what there is.
    fn is_left(&self, told: i64, left: i128) -> bool {
        let less = self.access.pool_rules().is_some() && self.spending.has_moved();
        i128::from(told) == left || (less && i128::from(told) < left)
    }

    /// A few secrets with which to look at the team from its members' side.
    pub(crate) fn some_secrets(&self) -> Vec<KeyHash> {
        self.access.keys.values().filter(|key| !key.revoked).take(4).map(|key| key.hash).collect()
    }

    pub(crate) fn after_reserve(
        &mut self,
        step: &Step<'_>,
        tally: &mut Tally,
        call: &Reserve,
        answer: &Result<Reserved, ReserveError>,
    ) -> Checked {
        // Whether the insert failed or the row was there, the call has ended.
        if !(matches!(answer, Err(ReserveError::AlreadyEnded)) && step.fired != Some(Fault::AfterCommit)) {
            step.failure_is_told("reserve")?;
        }
        ensure(self.books.follow(step.disk)?.is_empty(), "reserving moves nothing", || call.request.to_string())?;
        let verdict = self.access.verdict(step.now, call);
        let known = self.calls.get(call.request);
        let repeated = known.is_some_and(|known| known.stage == Stage::Open);
        if let Err(refusal) = answer {
            tally.count(&format!("refused: {}", reason(refusal)));
        }
        match answer {
            Err(ReserveError::Storage) => {
                let row = rows::reservation(step.disk, call.request)?;
                if let Some(row) = row.filter(|_| known.is_none()) {
                    tally.count("call: accepted though the answer was a failure");
                    return self.accepted(step, tally, call, row, verdict);
                }
                return Ok(());
            }
            Err(refusal) => {
                step.wrote_nothing("a refused call")?;
                ensure(verdict.agrees(Some(refusal)), "the refusal is the first that applies", || {
                    format!("{refusal:?}, not {verdict:?}")
                })?;
                return self.refused(step.now, call, refusal);
            }
            Ok(reserved) if repeated => {
                step.wrote_nothing("a repeated call")?;
                ensure(verdict.agrees(None), "only who may call is accepted", || format!("{verdict:?}"))?;
                tally.count("call: repeated while open");
                let Some(known) = known else { return Ok(()) };
                let same = known.reservation.amount() == reserved.amount
                    && reserved.output_tokens <= known.reservation.output_tokens
                    && reserved.expires_ms == known.reservation.expires_ms;
                ensure(same, "a repetition gets the same answer", || format!("{reserved:?} for {known:?}"))?;
                ensure_paid_for(call, reserved)?;
            }
            Ok(reserved) => {
                ensure(known.is_none(), "an ended call is not accepted again", || call.request.to_string())?;
                let Some(row) = rows::reservation(step.disk, call.request)? else {
                    return violated("what was answered as done is durable", call.request.to_string());
                };
                let same = row.amount() == reserved.amount
                    && row.output_tokens == reserved.output_tokens
                    && row.member == reserved.member
                    && reserved.limited == (reserved.output_tokens < call.output_tokens.clamp(0, MOST_TOKENS))
                    && (call.clamp || !reserved.limited);
                ensure(same, "the answer is what was written", || format!("{reserved:?}, {row:?}"))?;
                ensure_paid_for(call, reserved)?;
                if reserved.limited {
                    tally.count("call: accepted with less output");
                }
                if call.topped_up {
                    tally.count("call: accepted after top-ups in vain");
                }
                self.accepted(step, tally, call, row, verdict)?;
                let left = calls::sum(&self.payers(step.now, reserved.member));
                ensure(self.is_left(reserved.balance.get(), left), "the balance told is the balance", || {
                    format!("{reserved:?}, {left} left")
                })?;
            }
        }
        Ok(())
    }

    fn accepted(
        &mut self,
        step: &Step<'_>,
        tally: &mut Tally,
        call: &Reserve,
        row: ledger::Reservation,
        verdict: Verdict,
    ) -> Checked {
        ensure(verdict == Verdict::May(row.member, row.key), "only who may call is accepted", || {
            format!("{verdict:?}")
        })?;
        tally.count("call: accepted");
        if row.parts.len() > 1 {
            tally.count("call: paid by wallet and pool together");
        }
        let payers = self.payers(step.now, row.member);
        for (account, amount) in calls::parts(&row) {
            let has = payers.iter().find(|(payer, _)| *payer == account).map_or(0, |(_, has)| *has);
            ensure(amount > 0 && amount <= has, "no payer reserves more than is available", || {
                format!("{} reserves {amount} of `{account}`, which has {has}", row.request)
            })?;
        }
        ensure(row.expires_ms == step.now + LEASE_MS, "a reservation expires in time", || format!("{row:?}"))?;
        let place = self.spending.accept(step.now, call, &row, self.lifts_rate_limits(step.now, row.member))?;
        self.calls.accept(row, place);
        Ok(())
    }

    fn refused(&self, now: i64, call: &Reserve, refusal: &ReserveError) -> Checked {
        match refusal {
            ReserveError::InsufficientFunds { account, left, needed, .. } => {
                let Account::Wallet(member) = account else {
                    return violated("a refusal names the wallet", account.to_string());
                };
                // Of a repeated call, what it has reserved must suffice.
                let open = self.calls.get(call.request).filter(|known| known.stage == Stage::Open);
                let has = open.map_or_else(|| calls::sum(&self.payers(now, *member)), calls::Call::reserved);
                let same = if open.is_some() { has == left.get().into() } else { self.is_left(left.get(), has) };
                ensure(same && needed > left, "refused for lack of credits that lack", || {
                    format!("{refusal:?}, payers have {has}")
                })
            }
            ReserveError::LimitReached(state) | ReserveError::RateLimited(state) => self.spending.agrees(now, state),
            ReserveError::NeedsTopUp(_) => {
                ensure(!call.topped_up, "a top-up is tried once", || call.request.to_string())
            }
            ReserveError::AlreadyEnded => {
                let ended = self.calls.get(call.request).is_some_and(|known| known.stage != Stage::Open);
                let made_ms = i64::try_from(call.request.unix_ms()).unwrap_or(i64::MAX);
                let forgotten = made_ms < self.latest_tick.saturating_sub(KEEP_MS);
                ensure(ended || forgotten, "refused as ended what has ended", || call.request.to_string())
            }
            _ => Ok(()),
        }
    }

    pub(crate) fn after_settle(
        &mut self,
        step: &Step<'_>,
        tally: &mut Tally,
        (call, overruns): (&Settle, bool),
        answer: &Result<Settled, SettleError>,
    ) -> Checked {
        step.failure_is_told("settle")?;
        let before = self.calls.get(call.request).cloned();
        let payers = before.as_ref().map(|known| self.liable(step.now, known.reservation.member)).unwrap_or_default();
        let all = self.books.follow(step.disk)?;
        let new = self.without_leavers(tally, &all)?;
        let new = self.without_lent(tally, &new)?;
        self.note_over(step)?;
        let new = self.without_boosts((step, tally), Ending::No, &new)?;
        if all.is_empty() {
            return self.nothing_settled(step, tally, call, answer);
        }
        ensure(answer.is_ok() || step.failed, "what was refused changed nothing", || format!("{answer:?}"))?;
        let (request, stage) = self.calls.end(&new)?;
        ensure(request == call.request, "a settle ends its own call", || request.to_string())?;
        let Some(before) = before else {
            return violated("only accepted calls are paid", request.to_string());
        };
        let cost = if call.metered == Metered::Nothing { 0 } else { i128::from(call.cost.get()) };
        let Some(after) = self.calls.get(request) else { return Ok(()) };
        paid_rightly((&before, after), &payers, cost)?;
        let bigger = cost > before.reserved();
        ensure(overruns || !bigger, "only a provider's overrun costs more than was reserved", || {
            format!("{request} reserved {}, costs {cost}", before.reserved())
        })?;
        // When an expired call is corrected, others may have spent by then
        // what it had reserved: nobody pays for the rest.
        let covered = after.paid.iter().all(|(account, _)| *account != Account::Overrun);
        ensure(covered || bigger || stage == Stage::Corrected, "the overrun account is for overruns", || {
            request.to_string()
        })?;
        let tokens = [call.tokens.input, call.tokens.output].map(|count| i128::from(count.clamp(0, MOST_TOKENS)));
        let tokens = tokens.iter().sum();
        let tokens = if stage == Stage::Released { 0 } else { tokens };
        let drawn = calls::of(&after.paid, Account::Pool);
        self.spending.end(step.now, before.place, (cost, drawn, tokens), stage != Stage::Released);
        if let Ok(settled) = answer {
            let left = calls::sum(&self.payers(step.now, before.reservation.member));
            let same =
                settled.changed && i128::from(settled.cost.get()) == cost && self.is_left(settled.balance.get(), left);
            ensure(same, "the answer is what was written", || format!("{settled:?}, cost {cost}, left {left}"))?;
        }
        record_is_right(&new, cost - before.cost())?;
        tally.count(match (stage, call.metered) {
            (Stage::Released, _) => "call: released",
            (Stage::Corrected, _) if cost < before.cost() => "call: corrected down",
            (Stage::Corrected, _) => "call: corrected up",
            (_, Metered::Seen) => "call: settled as seen",
            (_, Metered::Bound) => "call: settled as bound",
            _ => "call: settled",
        });
        if !covered && stage == Stage::Corrected {
            tally.count("call: correction covered by nobody");
        }
        if bigger && stage == Stage::Settled {
            tally.count(if covered {
                "call: overrun covered by the payers"
            } else {
                "call: overrun covered by nobody"
            });
        }
        Ok(())
    }

    fn nothing_settled(
        &self,
        step: &Step<'_>,
        tally: &mut Tally,
        call: &Settle,
        answer: &Result<Settled, SettleError>,
    ) -> Checked {
        let known = self.calls.get(call.request);
        let stage = known.map(|known| known.stage);
        let ended = matches!(stage, Some(Stage::Settled | Stage::Released | Stage::Corrected));
        if !step.failed {
            step.wrote_nothing("a settle that changed nothing")?;
        }
        match answer {
            Ok(settled) => {
                tally.count("call: had ended already (settle)");
                let cost = known.map_or(0, calls::Call::cost);
                let same = ended && !settled.changed && i128::from(settled.cost.get()) == cost;
                ensure(same, "a repetition gets the same answer", || format!("{settled:?} for {known:?}"))
            }
            Err(SettleError::UnknownReservation) => {
                tally.count("settle: of an unknown call");
                // Ended calls are forgotten after a while, open ones never.
                ensure(stage != Some(Stage::Open), "an open call is known", || call.request.to_string())
            }
            Err(SettleError::NegativeCost) => {
                ensure(call.cost.is_negative(), "refused as negative what is", || format!("{call:?}"))
            }
            Err(SettleError::Storage) => {
                // The only failure without a storage fault: a sum beyond 64 bits.
                let huge = call.cost.get() > i64::MAX / 4;
                ensure(step.fired.is_some() || huge, "storage fails only when told to", || format!("{call:?}"))
            }
        }
    }

    pub(crate) fn after_progress(&mut self, step: &Step<'_>, tally: &mut Tally, call: &Progress) -> Checked {
        step.failure_is_told("progress")?;
        ensure(self.books.follow(step.disk)?.is_empty(), "progress moves nothing", || call.request.to_string())?;
        let Some(known) = self.calls.get(call.request).filter(|known| known.stage == Stage::Open) else {
            return step.wrote_nothing("progress of a call that is not open");
        };
        let Some(row) = rows::reservation(step.disk, call.request)? else {
            return violated("an open call is known", call.request.to_string());
        };
        let mut expected = known.reservation.clone();
        if !step.failed || row != expected {
            tally.count("call: progress");
            expected.expires_ms = expected.expires_ms.max(step.now + LEASE_MS);
            if call.due > expected.due {
                (expected.due, expected.due_tokens) = (call.due, call.due_tokens.clamp(0, MOST_TOKENS));
            }
        }
        ensure(row == expected, "progress is noted", || format!("{row:?}, expected {expected:?}"))?;
        self.calls.progress(row);
        Ok(())
    }

    /// The alarm has done what was due.
    pub(crate) fn after_tick(&mut self, step: &Step<'_>, tally: &mut Tally) -> Checked {
        step.failure_is_told("tick")?;
        self.latest_tick = self.latest_tick.max(step.now);
        let mut expired = 0;
        let payers = |audit: &Self, call: &calls::Call| audit.liable(step.now, call.reservation.member);
        // One by one, because each call's end changes what the next can take.
        let new = rows::entries(step.disk.native(), self.books.sequence())?;
        let (mut back, mut lending) = (Vec::new(), Vec::new());
        for group in new.chunk_by(|one, other| one.reference == other.reference) {
            if self.without_leavers(tally, group)?.is_empty() {
                self.books.fold(group)?;
                continue;
            }
            if group.iter().all(|entry| matches!(entry.debit, Account::Boost(_)) && entry.kind == Kind::Return) {
                self.books.fold(group)?;
                back.extend_from_slice(group);
                continue;
            }
            if group.iter().all(absences::is_lending) {
                self.books.fold(group)?;
                lending.extend(self.lent_by_who_is_away(tally, group)?);
                continue;
            }
            let Some(first) = group.first() else { continue };
            ensure(first.kind == Kind::Expire, "the alarm only expires", || format!("{first:?}"))?;
            let known = first.reference.parse().ok().and_then(|request: RequestId| self.calls.get(request).cloned());
            let Some(before) = known else {
                return violated("only accepted calls are paid", first.reference.clone());
            };
            ensure(before.reservation.expires_ms <= step.now, "a call expires in time", || first.reference.clone())?;
            let due = i128::from(before.reservation.due.get());
            let expected = calls::charge(&calls::parts(&before.reservation), &payers(self, &before), due);
            let (request, _) = self.calls.end(group)?;
            self.books.fold(group)?;
            let Some(after) = self.calls.get(request) else { continue };
            ensure(calls::same(&after.paid, &expected), "the right accounts pay the right amounts", || {
                format!("{request} expired at {due}: {:?} paid, {expected:?} expected", after.paid)
            })?;
            record_is_right(group, due)?;
            let tokens = i128::from(before.reservation.due_tokens);
            let drawn = calls::of(&after.paid, Account::Pool);
            self.spending.end(step.now, before.place, (due, drawn, tokens), true);
            tally.count("call: expired");
            expired += 1;
        }
        self.without_boosts((step, tally), Ending::Time, &back)?;
        let records = self.trail.follow(step.disk)?.into_iter();
        let (told, records): (Vec<_>, Vec<_>) = records.partition(absences::is_told);
        self.all_lend((step, tally), &lending, &told)?;
        let (refused, records): (Vec<_>, Vec<_>) = records.into_iter().partition(refusals::is_refusal);
        self.counted_is_recorded((step, tally), &refused)?;
        for record in records {
            if record.action == "credits_expiring" {
                self.warned((step, tally), &record)?;
                continue;
            }
            let ends = record.action == "end_boost" && record.outcome == audit::Outcome::Done;
            ensure(ends, "the alarm records what it ends", || format!("{record:?}"))?;
        }
        self.all_warned(step)?;
        if !step.failed && expired < EXPIRED_AT_A_TIME {
            let overdue = self.calls.overdue(step.now);
            ensure(overdue.is_none(), "every call ends: the alarm expires what is overdue", || format!("{overdue:?}"))?;
        }
        Ok(())
    }

    /// The entries beside those that give back what somebody had who left.
    pub(super) fn without_leavers(&self, tally: &mut Tally, entries: &[Entry]) -> Checked<Vec<Entry>> {
        let (back, rest): (Vec<Entry>, Vec<Entry>) = entries.iter().cloned().partition(|entry| {
            entry.kind == Kind::Return
                && entry.credit == Account::Pool
                && matches!(entry.debit, Account::Wallet(member) if entry.reference == member.to_string())
        });
        for entry in back {
            tally.count("credits: given back after a member left");
            let theirs = self.access.leavers().any(|member| entry.debit == Account::Wallet(member));
            ensure(theirs && entry.amount.get() > 0, "only who has left gives back", || format!("{entry:?}"))?;
        }
        Ok(rest)
    }

    /// After every step that left memory in order: memory is what the rows say.
    pub(crate) fn agree(&self, team: &Team<Disk>, all: bool) -> Checked {
        let accounts: Vec<Account> = self.books.balances().keys().copied().chain(self.calls.accounts()).collect();
        self.books.agree(team.journal().books(), accounts.iter().copied())?;
        self.trail.agree(team.journal().audit_head())?;
        for account in accounts {
            let (balance, reserved) = (self.books.balance(account), self.calls.reserved(account));
            ensure(reserved == 0 || (0..=balance).contains(&reserved), "what is reserved is there", || {
                format!("`{account}` has {balance}, {reserved} reserved")
            })?;
            let told = i128::from(team.reserved(account).get());
            ensure(told == reserved, "memory knows what is reserved", || {
                format!("`{account}` has {reserved} reserved, memory says {told}")
            })?;
        }
        self.ended_boosts_are_empty()?;
        self.who_is_back_lends_nothing()?;
        for member in self.access.leavers() {
            let left = self.available(Account::Wallet(member));
            ensure(left == 0, "who has left has nothing left", || format!("{member} has {left}"))?;
        }
        if all {
            ensure(team.journal().books().sum() == 0, "accounts sum to zero", || self.place.team.to_string())?;
            let same = team.open_reservations().keys().copied().eq(self.calls.open());
            ensure(same, "memory knows what is open", || self.place.team.to_string())?;
        }
        Ok(())
    }
}

/// A refusal's name on the wire.
fn reason(refusal: &ReserveError) -> String {
    let value = serde_json::to_value(refusal).unwrap_or_default();
    value.get("reason").and_then(|reason| reason.as_str()).unwrap_or("?").to_owned()
}

/// The output that was granted is paid for by what is reserved.
fn ensure_paid_for(call: &Reserve, reserved: &Reserved) -> Checked {
    let output = i128::from(reserved.output_tokens.max(0)) * i128::from(call.output_per_million.max(0));
    let needed = i128::from(call.input.get().max(0)) + (output + 999_999).div_euclid(1_000_000);
    ensure(needed <= reserved.amount.get().into(), "what is reserved pays for what is granted", || {
        format!("{reserved:?} needs {needed}")
    })
}

/// The right accounts paid the right amounts for a call that cost so much;
/// `payers` is what they had beside all that was reserved.
fn paid_rightly((before, after): (&calls::Call, &calls::Call), payers: &Parts, cost: i128) -> Checked {
    let expected = match after.stage {
        Stage::Corrected if cost < before.cost() => calls::refund(&before.paid, before.cost() - cost),
        Stage::Corrected => {
            let mut paid = before.paid.clone();
            for (account, amount) in calls::charge(&[], payers, cost - before.cost()) {
                calls::add(&mut paid, account, amount);
            }
            paid
        }
        _ => calls::charge(&calls::parts(&before.reservation), payers, cost),
    };
    ensure(calls::same(&after.paid, &expected), "the right accounts pay the right amounts", || {
        format!("{} for {cost}: {:?} paid, {expected:?} expected", before.reservation.request, after.paid)
    })
}

/// The first entry of a call's end carries the call, and its cost is what all
/// of them move.
fn record_is_right(entries: &[Entry], cost: i128) -> Checked {
    let told = entries.first().and_then(|entry| entry.call.as_ref()).map(|call| i128::from(call.cost.get()));
    let others = entries.iter().skip(1).all(|entry| entry.call.is_none());
    ensure(told == Some(cost) && others, "the first entry tells the call", || format!("{cost}: {entries:?}"))
}
