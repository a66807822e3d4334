//! How much of the pool each member's calls have drawn, and may still draw.
//!
//! Draws are counted whether or not there are rules, like everything that can
//! be limited: rules that come in mid-month know what the month has seen. What
//! is allotted or sent out of the pool is not drawn: somebody decided it.

use std::collections::BTreeMap;

use events::MemberStatus;
use identity::MemberId;
use ledger::mutant::{self, Mutant};
use ledger::{Account, CallRecord, Entry, Millicredits};
use limits::{Bounds, Meter, PoolRules, Spend};
use storage::Storage;

use crate::Team;
use crate::protocol::{Draws as View, Subject, TopUp};

/// Under this and a member's id a meter is kept beside those of limits.
const PREFIX: &str = "pool/";

/// What each member has drawn, window by window. Only credits are counted.
#[derive(Debug, Clone, Default)]
pub(crate) struct Draws(BTreeMap<MemberId, Meter>);

impl Draws {
    /// The names under which meters are kept, and these.
    pub(crate) fn rows(&self) -> impl Iterator<Item = (String, &Meter)> {
        self.0.iter().map(|(member, meter)| (format!("{PREFIX}{member}"), meter))
    }

    /// Whose draws a meter of this name counts, if it does.
    pub(crate) fn member_of(name: &str) -> Option<MemberId> {
        name.strip_prefix(PREFIX)?.parse().ok()
    }

    pub(crate) fn insert(&mut self, member: MemberId, meter: Meter) {
        self.0.insert(member, meter);
    }

    pub(crate) fn meters_mut(&mut self) -> impl Iterator<Item = &mut Meter> {
        self.0.values_mut()
    }

    /// A call that was accepted may draw so much.
    pub(crate) fn reserve(&mut self, member: MemberId, accepted_ms: i64, drawn: Millicredits, bounds: &[Bounds; 7]) {
        if drawn > Millicredits::ZERO {
            // The team's meter has counted it already, and counts more.
            let _ = self.0.entry(member).or_default().reserve(accepted_ms, spend(drawn), bounds);
        }
    }

    /// A call has ended that had reserved so much, and has drawn so much.
    pub(crate) fn settle(
        &mut self,
        member: MemberId,
        accepted_ms: i64,
        [reserved, drawn]: [Millicredits; 2],
        bounds: &[Bounds; 7],
    ) {
        if [reserved, drawn] != [Millicredits::ZERO; 2] {
            self.0.entry(member).or_default().settle(accepted_ms, spend(reserved), spend(drawn), bounds);
        }
    }

    /// What a call has drawn was more, or less, than was counted.
    pub(crate) fn correct(&mut self, member: MemberId, accepted_ms: i64, drawn: Millicredits, bounds: &[Bounds; 7]) {
        if drawn != Millicredits::ZERO {
            self.0.entry(member).or_default().correct(accepted_ms, spend(drawn), bounds);
        }
    }

    /// Counts again an entry of a call's end.
    pub(crate) fn replay(&mut self, entry: &Entry, call: &CallRecord, bounds: &[Bounds; 7]) {
        let drawn = match (entry.debit, entry.credit) {
            (Account::Pool, _) => entry.amount,
            (_, Account::Pool) => Millicredits::ZERO.saturating_sub(entry.amount),
            _ => return,
        };
        self.correct(call.member, call.accepted_ms, drawn, bounds);
    }
}

impl<S: Storage> Team<S> {
    /// How much of the pool a call of this member may draw.
    pub(crate) fn pool_room(&self, now: i64, member: MemberId) -> Millicredits {
        let pool = self.available(Account::Pool);
        match self.pool_rules() {
            Some(rules) if !mutant::is_active(Mutant::DrawAll) => {
                rules.room(pool, self.drawn(now, member, rules), self.sharers())
            }
            _ => pool,
        }
    }

    /// Where a member stands with the pool's rules; `None` where there are none,
    /// or calls do not draw.
    pub(crate) fn draws_of(&self, now: i64, member: MemberId) -> Option<View> {
        let rules = *self.pool_rules().filter(|_| self.draws_from_pool())?;
        let (drawn, left) = (self.drawn(now, member, &rules), self.pool_room(now, member));
        let ends = self.calendar.of(rules.window, self.accepted_ms(now)).end_ms;
        Some(View { rules, drawn, left, resets_ms: (ends != i64::MAX).then_some(ends) })
    }

    /// What to ask the department for, so that a call that lacks `missing`, and
    /// would use `wanted` more, can draw it. `None` too where the pool's rules
    /// leave the member less than what is missing, however much there is.
    pub(crate) fn top_up_call(
        &self,
        now: i64,
        member: MemberId,
        missing: Millicredits,
        wanted: Millicredits,
    ) -> Option<TopUp> {
        let Some(rules) = self.pool_rules() else { return self.top_up_for(now, wanted) };
        let left = rules.left(self.drawn(now, member, rules));
        let more = left.saturating_sub(self.pool_room(now, member));
        if more < missing || more <= Millicredits::ZERO {
            return None;
        }
        // Up to the floor the pool fills for everybody.
        let below = rules.floor.saturating_sub(self.available(Account::Pool)).max(Millicredits::ZERO);
        self.top_up_for(now, wanted.min(more).saturating_add(below))
    }

    fn pool_rules(&self) -> Option<&PoolRules> {
        self.records.profile.as_ref()?.pool_rules.as_ref()
    }

    /// What a member has drawn in the window in which a call would count now,
    /// calls in flight included.
    fn drawn(&self, now: i64, member: MemberId, rules: &PoolRules) -> Millicredits {
        let Some(meter) = self.draws.0.get(&member) else { return Millicredits::ZERO };
        let taken = meter.taken_in(rules.window, self.calendar.of(rules.window, self.accepted_ms(now)));
        taken.used.credits.saturating_add(taken.reserved.credits)
    }

    /// When a call that arrives now would be accepted.
    fn accepted_ms(&self, now: i64) -> i64 {
        self.meters.get(&Subject::Team).map_or(now, |team| team.accepted_ms(now))
    }

    /// Whose the pool is.
    fn sharers(&self) -> usize {
        self.records.members.values().filter(|member| member.status == MemberStatus::Active).count()
    }
}

const fn spend(drawn: Millicredits) -> Spend {
    Spend { credits: drawn, tokens: 0, requests: 0 }
}
