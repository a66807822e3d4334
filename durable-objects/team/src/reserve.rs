//! A call asks to be paid.
//!
//! Every rejection stands in [`Team::admit`] and [`Team::room`]; what follows
//! them in [`Team::reserve`] writes one row.

use identity::MemberId;
use journal::Change;
use ledger::mutant::{self, Mutant};
use ledger::{Account, Millicredits, Reservation, State, payment};
use limits::{Bounds, Kind, Unit};
use pricing::WorstCase;
use storage::{Storage, Value};

use crate::Team;
use crate::protocol::{LimitState, RateState, Reserve, ReserveError, Reserved, Subject};
use crate::records::{Key, SubjectLimit, allows};
use crate::team::write_reservation;

/// A reservation of which nothing is heard expires. The gateway reports every
/// 30 s while a call goes on, so that this is four missed reports.
pub(crate) const LEASE_MS: i64 = 120_000;

/// Fewer output tokens than this, for each choice, are not worth the input
/// that is paid for them: the call is refused instead of being cut so short.
const LEAST_OUTPUT: i64 = 16;

/// More tokens than any call has, and few enough that nine million such calls
/// can be counted: what is beyond is cut off, so that limits go on counting
/// whatever a caller claims.
const MOST_TOKENS: i64 = 1_000_000_000_000;

const INSERT: &str = "INSERT INTO reservations (id, state, data) VALUES (?, 'open', ?)";

/// A key that may call, and for whom.
struct Admitted {
    key: identity::KeyId,
    member: MemberId,
}

impl<S: Storage> Team<S> {
    /// Accepts a call and reserves what it may cost, or says why not.
    ///
    /// # Errors
    /// [`ReserveError`]; nothing has changed.
    pub fn reserve(&mut self, now: i64, call: &Reserve) -> Result<Reserved, ReserveError> {
        let Admitted { key, member } = self.admit(now, call)?;
        if let Some(open) = self.open.get(&call.request) {
            let bounds = *self.calendar.at(open.accepted_ms);
            return self.repeated(now, call, open, &bounds);
        }
        if call.request.unix_ms() < self.forgotten_ms {
            // It may have ended: what is known of such old calls was cleaned away.
            return Err(ReserveError::AlreadyEnded);
        }
        let accepted_ms = self.meters.entry(Subject::Team).or_default().accepted_ms(now);
        let bounds = *self.calendar.at(accepted_ms);
        let output_tokens = self.room(now, call, key, member, &bounds)?;
        let worst = worst_case(call);
        let amount =
            worst.total(count(output_tokens)).map_err(|_| self.insufficient(now, member, Millicredits::MAX))?;
        let (parts, missing) = payment::take(&self.payers(now, member), amount);
        if !missing.is_zero() {
            return Err(self.insufficient(now, member, amount));
        }
        let reservation = Reservation {
            request: call.request,
            member,
            key,
            accepted_ms,
            expires_ms: now.saturating_add(LEASE_MS),
            parts,
            tokens: bounded(call.input_tokens).saturating_add(output_tokens),
            output_tokens,
            due: call.likely.clamp(Millicredits::ZERO, amount),
            due_tokens: bounded(call.likely_tokens),
            model: call.model.clone(),
            provider: call.provider.clone(),
            tag: call.tag.clone(),
            state: State::Open,
        };

        let data = write_reservation(&reservation).map_err(|_| ReserveError::Storage)?;
        let mut change = Change::new();
        change.write(INSERT, vec![call.request.to_string().into(), Value::Text(data)]);
        if self.commit(now, change).is_err() {
            // The only conflict there can be is the call's own id. A row that
            // is open was written just now by a commit that reported failure.
            let known = self.reservation(call.request);
            let ended = known.is_ok_and(|known| known.is_some_and(|known| !known.is_open()));
            return Err(if ended { ReserveError::AlreadyEnded } else { ReserveError::Storage });
        }
        self.reserve_in_memory(&reservation, &bounds);
        self.expect_entries(now);
        let reserved = self.answer(now, &reservation, bounded(call.output_tokens), &bounds);
        self.open.insert(call.request, reservation);
        Ok(reserved)
    }

    /// The answer to a call that is open already. When prices rose between two
    /// attempts, what was reserved pays for less output than it did.
    fn repeated(
        &self,
        now: i64,
        call: &Reserve,
        open: &Reservation,
        bounds: &[Bounds; 7],
    ) -> Result<Reserved, ReserveError> {
        let worst = worst_case(call);
        let least = least_output(call).min(open.output_tokens);
        let output_tokens = output_for(&worst, open.amount().get()).min(open.output_tokens);
        if output_tokens < least {
            return Err(ReserveError::InsufficientFunds {
                account: Account::Wallet(open.member),
                left: open.amount(),
                needed: cost(&worst, least),
                pool: self.draws_from_pool(),
                draws: None,
            });
        }
        let wanted = bounded(call.output_tokens);
        let mut reserved = self.answer(now, open, wanted, bounds);
        (reserved.output_tokens, reserved.limited) = (output_tokens, output_tokens < wanted);
        Ok(reserved)
    }

    /// Whether the key may make this call at all.
    fn admit(&self, now: i64, call: &Reserve) -> Result<Admitted, ReserveError> {
        let key = self.authenticate(now, call.organization, &call.key)?;
        let profile = self.records.profile.as_ref().ok_or(ReserveError::UnknownKey)?;
        let member = self.records.members.get(&key.member).ok_or(ReserveError::UnknownKey)?;
        if call.settings_version < profile.settings_version {
            return Err(ReserveError::StaleSettings { version: profile.settings_version });
        }
        if !key.allows(call.address) || !profile.allows(call.address) {
            return Err(ReserveError::AddressNotAllowed);
        }
        let lists = [
            (Subject::Key(key.id), &key.models),
            (Subject::Member(key.member), &member.models),
            (Subject::Team, &profile.models),
        ];
        match lists.into_iter().find(|(_, models)| !allows(models.as_ref(), &call.model)) {
            Some((by, _)) => Err(ReserveError::ModelNotAllowed { by }),
            None => Ok(Admitted { key: key.id, member: key.member }),
        }
    }

    /// The key with this secret, if it and its owner may act.
    pub(crate) fn authenticate(
        &self,
        now: i64,
        organization: identity::OrganizationId,
        secret: &identity::KeyHash,
    ) -> Result<&Key, ReserveError> {
        let profile = self.records.profile.as_ref().ok_or(ReserveError::UnknownKey)?;
        let key = self.records.key_by_secret(secret, now).ok_or(ReserveError::UnknownKey)?;
        let member = self.records.members.get(&key.member).ok_or(ReserveError::UnknownKey)?;
        if profile.organization != organization {
            return Err(ReserveError::UnknownKey);
        }
        if key.revoked_ms.is_some() {
            return Err(ReserveError::KeyRevoked);
        }
        if let Some(at_ms) = key.expires_ms.filter(|&expires| expires <= now) {
            return Err(ReserveError::KeyExpired { at_ms });
        }
        if member.status != events::MemberStatus::Active {
            return Err(ReserveError::MemberSuspended);
        }
        Ok(key)
    }

    /// How much output limits and funds leave room for.
    fn room(
        &self,
        now: i64,
        call: &Reserve,
        key: identity::KeyId,
        member: MemberId,
        bounds: &[Bounds; 7],
    ) -> Result<i64, ReserveError> {
        let worst = worst_case(call);
        let least = least_output(call);
        let input_tokens = bounded(call.input_tokens);
        let mut room = bounded(call.output_tokens);
        let binding = || {
            let subjects = [Subject::Key(key), Subject::Member(member), Subject::Team];
            self.records.limits.values().filter(move |limit| subjects.contains(&limit.subject))
        };
        let lifted = self.boosts.lift_rate_limits(now, member);
        let rates = |set: &&SubjectLimit| set.limit.kind() == Kind::Rate && (!lifted || set.subject == Subject::Team);
        for set in binding().filter(rates) {
            let needed = if set.limit.unit() == Unit::Requests { 1 } else { call.rate_tokens };
            let state = self.limit_state(set, bounds, needed);
            if state.left < needed {
                return Err(ReserveError::RateLimited(Box::new(state)));
            }
        }
        let funds = payment::total(&self.payers(now, member));
        let fits = output_for(&worst, funds.get());
        let missing = cost(&worst, least).saturating_sub(funds);
        let lacks_funds = fits < least && (call.topped_up || self.top_up_call(now, member, missing, missing).is_none());
        for set in binding().filter(|set| set.limit.kind() == Kind::Cap) {
            let left = self.left(set, bounds);
            let (fits, needed) = match set.limit.unit() {
                Unit::Requests => (if left >= 1 { i64::MAX } else { -1 }, 1),
                Unit::Tokens => (left.saturating_sub(input_tokens), input_tokens.saturating_add(least)),
                Unit::Credits => (output_for(&worst, left), cost(&worst, least).get()),
            };
            if fits < least {
                if lacks_funds {
                    // It would not be accepted in the next window either.
                    return Err(self.insufficient(now, member, cost(&worst, least)));
                }
                return Err(ReserveError::LimitReached(Box::new(self.limit_state(set, bounds, needed))));
            }
            room = room.min(fits);
        }
        if fits < room {
            if !call.topped_up
                && let Some(top_up) = self.top_up_call(now, member, missing, cost(&worst, room).saturating_sub(funds))
            {
                return Err(ReserveError::NeedsTopUp(top_up));
            }
            if fits < least {
                return Err(self.insufficient(now, member, cost(&worst, least)));
            }
        }
        Ok(room.min(fits))
    }

    fn left(&self, set: &SubjectLimit, bounds: &[Bounds; 7]) -> i64 {
        let empty = limits::Meter::default();
        let meter = self.meters.get(&set.subject).unwrap_or(&empty);
        let left = limits::left(&set.limit, meter, bounds);
        if mutant::is_active(Mutant::ForgetReserved) {
            return left.saturating_add(meter.taken(set.limit.window(), bounds).reserved.get(set.limit.unit()));
        }
        left
    }

    /// Where a limit stands.
    pub(crate) fn limit_state(&self, set: &SubjectLimit, bounds: &[Bounds; 7], needed: i64) -> LimitState {
        let taken = self.meters.get(&set.subject).map(|meter| meter.taken(set.limit.window(), bounds));
        let taken = taken.unwrap_or_default();
        let ends = set.limit.window().of(bounds).end_ms;
        LimitState {
            id: set.id,
            subject: set.subject,
            limit: set.limit,
            used: taken.used.get(set.limit.unit()),
            reserved: taken.reserved.get(set.limit.unit()),
            left: self.left(set, bounds),
            needed,
            resets_ms: (ends != i64::MAX).then_some(ends),
        }
    }

    fn insufficient(&self, now: i64, member: MemberId, needed: Millicredits) -> ReserveError {
        ReserveError::InsufficientFunds {
            account: Account::Wallet(member),
            left: payment::total(&self.payers(now, member)),
            needed,
            pool: self.draws_from_pool(),
            draws: self.draws_of(now, member).filter(|draws| draws.left < self.available(Account::Pool)).map(Box::new),
        }
    }

    /// The answer for an open reservation, of a call that wanted so much output.
    fn answer(&self, now: i64, reservation: &Reservation, wanted: i64, bounds: &[Bounds; 7]) -> Reserved {
        let rate = |unit: Unit| {
            let subjects = Self::subjects(reservation);
            let set = self.records.limits.values().filter(|set| {
                set.limit.kind() == Kind::Rate && set.limit.unit() == unit && subjects.contains(&set.subject)
            });
            let state = |set: &SubjectLimit| RateState {
                limit: set.limit.amount(),
                remaining: self.left(set, bounds),
                reset_ms: set.limit.window().of(bounds).end_ms.saturating_sub(now).max(0),
            };
            set.map(state).min_by_key(|state| state.remaining)
        };
        Reserved {
            member: reservation.member,
            amount: reservation.amount(),
            output_tokens: reservation.output_tokens,
            limited: reservation.output_tokens < wanted,
            balance: payment::total(&self.payers(now, reservation.member)),
            expires_ms: reservation.expires_ms,
            rate_requests: rate(Unit::Requests),
            rate_tokens: rate(Unit::Tokens),
        }
    }
}

fn worst_case(call: &Reserve) -> WorstCase {
    WorstCase { input: call.input.max(Millicredits::ZERO), output_per_million: call.output_per_million.max(0) }
}

/// A count of tokens that makes sense.
pub(crate) fn bounded(tokens: i64) -> i64 {
    tokens.clamp(0, MOST_TOKENS)
}

/// The least output that the call is worth making for.
fn least_output(call: &Reserve) -> i64 {
    let wanted = bounded(call.output_tokens);
    if call.clamp { wanted.min(LEAST_OUTPUT.saturating_mul(call.choices.max(1))) } else { wanted }
}

fn count(tokens: i64) -> u64 {
    u64::try_from(tokens).unwrap_or(0)
}

/// The output that so many millicredits pay for; below zero when they do not
/// even pay for the input.
fn output_for(worst: &WorstCase, available: i64) -> i64 {
    worst.affordable_output(Millicredits::new(available)).map_or(-1, |tokens| i64::try_from(tokens).unwrap_or(i64::MAX))
}

/// What so much output costs at most; the largest amount when it cannot be
/// counted, which no payer has.
fn cost(worst: &WorstCase, output_tokens: i64) -> Millicredits {
    worst.total(count(output_tokens)).unwrap_or(Millicredits::MAX)
}
