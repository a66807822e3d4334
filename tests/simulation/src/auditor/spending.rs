//! Limits, from a plain list of all calls.

use std::collections::BTreeMap;

use identity::{KeyId, LimitId, MemberId};
use ledger::{Account, Reservation};
use limits::{Kind, Limit, Unit, Window, Zone};
use team::protocol::{LimitState, Reserve, Subject};

use super::calls;
use crate::violation::{Checked, ensure};

/// One accepted call as limits count it: reserved while it is open, used
/// once it has ended.
#[derive(Clone, Copy)]
struct Counted {
    accepted_ms: i64,
    member: MemberId,
    key: KeyId,
    open: bool,
    credits: i128,
    /// Of it, from the pool.
    drawn: i128,
    tokens: i128,
    requests: i128,
}

/// All calls and limits of a team.
pub(crate) struct Spending {
    zone: Zone,
    /// A window that began in another time zone counts from where it began in
    /// both.
    floors: [i64; 7],
    moved: bool,
    /// The newest moment that limits have seen.
    latest: i64,
    calls: Vec<Counted>,
    pub(crate) limits: BTreeMap<LimitId, (Subject, Limit)>,
}

/// What is used and what is reserved.
type Sums = (i128, i128);

impl Spending {
    pub(super) fn new() -> Self {
        Self {
            zone: Zone::UTC,
            floors: [i64::MIN; 7],
            moved: false,
            latest: i64::MIN,
            calls: Vec::new(),
            limits: BTreeMap::new(),
        }
    }

    /// The team's windows are cut elsewhere; says whether that is so.
    pub(super) fn move_to(&mut self, now: i64, zone: &str) -> bool {
        let Ok(zone) = Zone::parse(zone) else { return false };
        if zone == self.zone {
            return false;
        }
        self.latest = self.latest.max(now);
        if !self.calls.is_empty() {
            self.moved = true;
            for (floor, window) in self.floors.iter_mut().zip(Window::ALL) {
                *floor = window.bounds(self.latest, &self.zone).start_ms.max(*floor);
            }
        }
        self.zone = zone;
        true
    }

    /// Checks that a call that was accepted fits under every limit that binds
    /// it, and counts it; answers with its place. Whether a boost has `lifted`
    /// the member's own rate limits is said.
    pub(super) fn accept(
        &mut self,
        now: i64,
        call: &Reserve,
        reservation: &Reservation,
        lifted: bool,
    ) -> Checked<usize> {
        let at = reservation.accepted_ms;
        ensure(at >= now && at <= self.latest.max(now), "a call is accepted when it arrives", || {
            format!("accepted {at}, now {now}, latest {}", self.latest)
        })?;
        self.latest = self.latest.max(at);
        let counted = Counted {
            accepted_ms: at,
            member: reservation.member,
            key: reservation.key,
            open: true,
            credits: reservation.parts.iter().map(|part| i128::from(part.amount.get())).sum(),
            drawn: calls::of(&calls::parts(reservation), Account::Pool),
            tokens: reservation.tokens.into(),
            requests: 1,
        };
        for (subject, limit) in self.limits.values().filter(|(subject, _)| concerns(*subject, &counted)) {
            if lifted && limit.kind() == Kind::Rate && *subject != Subject::Team {
                continue;
            }
            let need = match (limit.kind(), limit.unit()) {
                (Kind::Rate, Unit::Tokens) => i128::from(call.rate_tokens.max(0)),
                (_, unit) => counted.get(unit),
            };
            let (used, reserved) = self.taken(*subject, limit.window(), limit.unit(), at);
            // What needs nothing fits also where an overrun has left less.
            let fits = need == 0 || used + reserved + need <= i128::from(limit.amount());
            ensure(fits, "spending stays within limits", || {
                let Self { zone, floors, moved, latest, .. } = &*self;
                format!(
                    "{subject} {limit}: {used} used, {reserved} reserved, {need} accepted at {at}, now {now}, latest {latest}, {zone}, moved {moved}, {floors:?}"
                )
            })?;
        }
        self.calls.push(counted);
        Ok(self.calls.len() - 1)
    }

    /// A call has ended, or what it took was corrected.
    pub(super) fn end(&mut self, now: i64, place: usize, (credits, drawn, tokens): (i128, i128, i128), counts: bool) {
        self.latest = self.latest.max(now);
        if let Some(call) = self.calls.get_mut(place) {
            call.open = false;
            (call.credits, call.drawn) = (credits, drawn);
            call.tokens = tokens;
            call.requests = i128::from(counts);
        }
    }

    /// What a refusal says of a limit is so.
    pub(super) fn agrees(&self, now: i64, told: &LimitState) -> Checked {
        const CHECK: &str = "a limit's refusal tells the truth";
        let known = self.limits.get(&told.id);
        ensure(known == Some(&(told.subject, told.limit)), CHECK, || format!("{told:?} is not {known:?}"))?;
        ensure(told.needed > told.left, CHECK, || format!("{told:?} would fit"))?;
        let window = told.limit.window();
        let at = self.accepted_at(now);
        let (used, reserved) = self.taken(told.subject, window, told.limit.unit(), at);
        let same = (used, reserved) == (told.used.into(), told.reserved.into());
        // After a move to another zone the core may count more, never less.
        let more = self.moved && used + reserved <= i128::from(told.used) + i128::from(told.reserved);
        ensure(same || more, CHECK, || format!("{told:?}, but {used} used and {reserved} reserved at {at}"))
    }

    /// When a call that arrives now would be accepted.
    fn accepted_at(&self, now: i64) -> i64 {
        let at = self.latest.max(now);
        // The newest moment seen is ahead of the clock when that was put back:
        // a call would be accepted at the start of its minute.
        if at > now { Window::Minute.bounds(at, &self.zone).start_ms.max(now) } else { at }
    }

    /// Whether the windows were ever cut anew: then the core may count more
    /// than there is in the list, never less.
    pub(super) const fn has_moved(&self) -> bool {
        self.moved
    }

    /// What a member's calls have drawn from the pool in the window in which
    /// one would count now, and those in flight may.
    pub(super) fn drawn(&self, now: i64, member: MemberId, window: Window) -> i128 {
        let calls = self.counting(Subject::Member(member), window, self.accepted_at(now));
        calls.map(|call| call.drawn).sum()
    }

    /// Added up call by call.
    fn taken(&self, subject: Subject, window: Window, unit: Unit, at: i64) -> Sums {
        self.counting(subject, window, at).fold((0, 0), |(used, reserved), call| match call.open {
            true => (used, reserved + call.get(unit)),
            false => (used + call.get(unit), reserved),
        })
    }

    fn counting(&self, subject: Subject, window: Window, at: i64) -> impl Iterator<Item = &Counted> {
        let bounds = window.bounds(at, &self.zone);
        let start = bounds.start_ms.max(*window.of(&self.floors));
        // Calls are in the order of acceptance but for those of one minute
        // during which the clock was put back.
        let calls = self.calls.iter().rev().take_while(move |call| call.accepted_ms >= start.saturating_sub(60_000));
        calls.filter(move |call| call.accepted_ms >= start && concerns(subject, call))
    }
}

impl Counted {
    const fn get(&self, unit: Unit) -> i128 {
        match unit {
            Unit::Credits => self.credits,
            Unit::Tokens => self.tokens,
            Unit::Requests => self.requests,
        }
    }
}

fn concerns(subject: Subject, call: &Counted) -> bool {
    match subject {
        Subject::Team => true,
        Subject::Member(member) => member == call.member,
        Subject::Key(key) => key == call.key,
    }
}
