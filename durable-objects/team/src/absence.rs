//! Absences: when members are away, as they, their managers and their calendars
//! say it. What follows for their credits is in [`lending`](crate::lending).

use std::collections::BTreeMap;

use identity::{AbsenceId, CalendarId, MemberId, Principal};
use journal::Change;
use ledger::{Account, Millicredits};
use storage::{Row, Storage, StorageError, Value};

use crate::Team;
use crate::order::{invalid, not_found};
use crate::protocol::{
    Absence, AbsenceFilter, AbsenceView, AwayTime, Balance, CalendarAbsences, NewAbsence, Order, OrderError, Reply,
    Share, Terms,
};

/// Those that hold or will hold are `open`, the others `over`.
pub(crate) const TABLE: &str = "CREATE TABLE IF NOT EXISTS absences (
    id TEXT PRIMARY KEY,
    member TEXT NOT NULL,
    state TEXT NOT NULL,
    data TEXT NOT NULL
) STRICT, WITHOUT ROWID";

const PUT: &str = "INSERT INTO absences (id, member, state, data) VALUES (?, ?, ?, ?)
    ON CONFLICT (id) DO UPDATE SET state = excluded.state, data = excluded.data";

/// Without what people wrote to the absences of somebody.
const WITHOUT_REASONS: &str = "UPDATE absences SET data = json_remove(data, '$.reason')
    WHERE member = ? AND data ->> '$.reason' IS NOT NULL";

/// A member has at most so many that are not over.
const MOST_OPEN: usize = 100;

/// At most so many are answered at once.
const PAGE: u32 = 1000;

/// The absences that are not over, and how a change leaves them.
#[derive(Debug, Default)]
pub(crate) struct Absences {
    open: BTreeMap<(MemberId, AbsenceId), Absence>,
}

/// An absence after a change that was not committed yet.
pub(crate) struct After {
    pub(crate) absence: Absence,
    pub(crate) is_over: bool,
}

impl Absences {
    pub(crate) fn load(store: &impl Storage) -> Result<Self, StorageError> {
        let rows = store.query("SELECT data FROM absences WHERE state = 'open'", &[])?;
        let absences = rows.iter().map(read).collect::<Result<Vec<_>, _>>()?;
        Ok(Self { open: absences.into_iter().map(|absence| (absence.key(), absence)).collect() })
    }

    /// Takes note of what was committed.
    pub(crate) fn note(&mut self, after: impl IntoIterator<Item = After>) {
        for After { absence, is_over } in after {
            if is_over {
                self.open.remove(&absence.key());
            } else {
                self.open.insert(absence.key(), absence);
            }
        }
    }

    /// Takes away in memory what [`Team::without_words_about`] took away.
    pub(crate) fn forget_words_about(&mut self, member: MemberId) {
        let theirs = self.open.values_mut().filter(|absence| absence.new.member == member);
        theirs.for_each(|absence| absence.new.terms.reason = None);
    }

    /// Because of which absence a member is away: of several, the one that was
    /// made last says what is lent.
    pub(crate) fn holding(&self, now: i64, member: MemberId) -> Option<&Absence> {
        self.of(member).rev().find(|absence| absence.holds(now))
    }

    /// A member's, oldest first.
    pub(crate) fn of(&self, member: MemberId) -> impl DoubleEndedIterator<Item = &Absence> {
        let all = (member, AbsenceId::from_u128(0))..=(member, AbsenceId::from_u128(u128::MAX));
        self.open.range(all).map(|(_, absence)| absence)
    }

    pub(crate) fn get(&self, id: AbsenceId) -> Option<&Absence> {
        self.open.values().find(|absence| absence.new.id == id)
    }

    /// Everybody who is away, was, or will be.
    pub(crate) fn members(&self) -> impl Iterator<Item = MemberId> {
        self.open.values().map(|absence| absence.new.member)
    }

    /// Those whose time is over.
    pub(crate) fn past(&self, now: i64) -> impl Iterator<Item = &Absence> {
        self.open.values().filter(move |absence| absence.is_past(now))
    }

    /// When, after `now`, the next one begins, or the time of one is over.
    pub(crate) fn next_turn(&self, now: i64) -> Option<i64> {
        let begins = self.open.values().map(|absence| absence.new.terms.from_ms).filter(|&from| from > now);
        let ends = self.open.values().filter_map(|absence| absence.new.terms.until_ms).filter(|&until| until > now);
        begins.chain(ends).min()
    }
}

impl<S: Storage> Team<S> {
    /// Somebody is away, or will be.
    pub(crate) fn begin_absence(&mut self, now: i64, order: &Order, new: &NewAbsence) -> Result<Reply, OrderError> {
        self.must_know(new.member)?;
        self.is_here(new.member)?;
        self.check_terms(now, new.member, &new.terms)?;
        if self.find_absence(new.id)?.is_some() {
            return Err(OrderError::Conflict { message: format!("there is an absence `{}` already", new.id) });
        }
        if self.absences.of(new.member).count() >= MOST_OPEN {
            let message =
                format!("`{}` has {MOST_OPEN} absences already that are not over: end some first", new.member);
            return Err(OrderError::Conflict { message });
        }
        let absence = begun(new.clone(), None, now, order.who);
        self.keep_and_reply(now, order, absence)
    }

    /// An absence is longer, shorter, or lends something else.
    pub(crate) fn change_absence(
        &mut self,
        now: i64,
        order: &Order,
        id: AbsenceId,
        terms: &Terms,
    ) -> Result<Reply, OrderError> {
        let absence = self.open_absence(now, id)?;
        self.check_terms(now, absence.new.member, terms)?;
        let new = NewAbsence { terms: terms.clone(), ..absence.new };
        self.keep_and_reply(now, order, Absence { new, ..absence })
    }

    /// Somebody is back, or does not go.
    pub(crate) fn end_absence(&mut self, now: i64, order: &Order, id: AbsenceId) -> Result<Reply, OrderError> {
        let absence = self.open_absence(now, id)?;
        self.keep_and_reply(now, order, Absence { ended_ms: Some(now), ..absence })
    }

    /// What a calendar says is so from now on. What it said before and says in
    /// another way is changed, what it says no more is over; and whoever came
    /// back early is not sent away again by what had begun then.
    pub(crate) fn keep_calendar(
        &mut self,
        now: i64,
        order: &Order,
        said: &CalendarAbsences,
    ) -> Result<Reply, OrderError> {
        let CalendarAbsences { calendar, member, lends, .. } = *said;
        self.must_know(member)?;
        self.is_here(member)?;
        self.check_share(member, lends.share, lends.to)?;
        if said.times.len() > MOST_OPEN {
            return Err(invalid(&format!("a calendar says at most {MOST_OPEN} absences of a member at once")));
        }
        let own: Vec<&Absence> = self.absences.of(member).filter(|known| known.calendar == Some(calendar)).collect();
        let (mut running, back): (Vec<&Absence>, Vec<&Absence>) =
            own.into_iter().filter(|known| !known.is_past(now)).partition(|known| known.ended_ms.is_none());
        let mut changed = Vec::new();
        for time in said.times.iter().filter(|time| time.until_ms.is_none_or(|until| until > now)) {
            let is_same = |known: &&&Absence| overlaps(&known.new.terms, time);
            if let Some(at) = running.iter().position(|known| is_same(&known)) {
                let known = running.remove(at);
                let from_ms = time.from_ms.unwrap_or(known.new.terms.from_ms);
                let terms = Terms { from_ms, until_ms: time.until_ms, lends, ..known.new.terms.clone() };
                if terms != known.new.terms {
                    changed.push(Absence { new: NewAbsence { terms, ..known.new.clone() }, ..known.clone() });
                }
            } else if !back.iter().any(|known| had_begun(known, time)) {
                let from_ms = time.from_ms.unwrap_or(now);
                let terms = Terms { from_ms, until_ms: time.until_ms, lends, reason: None };
                changed.push(begun(NewAbsence { id: time.id, member, terms }, Some(calendar), now, order.who));
            }
        }
        changed.extend(running.into_iter().map(|known| Absence { ended_ms: Some(now), ..known.clone() }));
        if changed.is_empty() && order.idempotency.is_none() {
            // Calendars say the same thing most of the time.
            return Ok(Reply::Done);
        }
        let mut change = Change::new();
        let is_gone = |absence: &Absence| absence.ended_ms.is_some();
        let after = changed.into_iter().map(|absence| {
            let is_over = is_gone(&absence);
            keep(&mut change, After { absence, is_over })
        });
        let mut after = after.collect::<Result<Vec<_>, _>>()?;
        let lending = self.lend_for(now, member, &mut after, &mut change)?;
        let reply = self.finish(now, order, change, Reply::Done)?;
        self.note_away(after, lending);
        Ok(reply)
    }

    /// Commits an absence, and what follows from it now.
    fn keep_and_reply(&mut self, now: i64, order: &Order, absence: Absence) -> Result<Reply, OrderError> {
        let (id, member) = (absence.new.id, absence.new.member);
        let mut change = Change::new();
        let is_over = self.is_over(now, &absence);
        let mut after = vec![keep(&mut change, After { absence, is_over })?];
        let lending = self.lend_for(now, member, &mut after, &mut change)?;
        let absence = after.iter().find(|after| after.absence.new.id == id).map(|after| after.absence.clone());
        let absence = absence.ok_or(OrderError::Storage)?;
        let is_now = lending.as_ref().map_or(absence.holds(now), |after| after.is_under(id));
        let left = match &lending {
            Some(after) if is_now => after.left,
            None if is_now => self.balance(Account::Lent(member)),
            _ => Balance::default(),
        };
        let reply = Reply::Absence(Box::new(AbsenceView { absence, is_now, left }));
        let reply = self.finish(now, order, change, reply)?;
        self.note_away(after, lending);
        Ok(reply)
    }

    /// Whether nothing can come of an absence any more. What a calendar says is
    /// remembered until its time is over even when they are back: the calendar
    /// will say it again.
    pub(crate) fn is_over(&self, now: i64, absence: &Absence) -> bool {
        absence.is_past(now) || (absence.ended_ms.is_some() && absence.calendar.is_none())
    }

    /// An absence that has not ended.
    fn open_absence(&self, now: i64, id: AbsenceId) -> Result<Absence, OrderError> {
        // What was over once stays so, also for a clock that goes back.
        match self.absences.get(id).filter(|absence| absence.ended_ms.is_none() && !absence.is_past(now)) {
            Some(absence) => Ok(absence.clone()),
            None if self.find_absence(id)?.is_none() => Err(not_found("absence", id)),
            None => Err(OrderError::Conflict { message: format!("the absence `{id}` is over") }),
        }
    }

    fn check_terms(&self, now: i64, member: MemberId, terms: &Terms) -> Result<(), OrderError> {
        let Terms { from_ms, until_ms, lends, .. } = *terms;
        if let Some(until) = until_ms.filter(|&until| until <= now.max(from_ms)) {
            let message = format!(
                "an absence ends in the future and after its begin: not at {until} ms, when it begins at {from_ms} ms and it is {now} ms"
            );
            return Err(invalid(&message));
        }
        self.check_share(member, lends.share, lends.to)
    }

    fn check_share(&self, member: MemberId, share: Share, to: Option<MemberId>) -> Result<(), OrderError> {
        match share {
            Share::Percent { percent } if !(1..=100).contains(&percent) => {
                return Err(invalid(&format!("`{percent}` is not a percentage to lend: it must be from 1 to 100")));
            }
            Share::Above { floor } if floor.is_negative() => {
                return Err(invalid(&format!("`{floor}` is not an amount to keep: it must not be below zero")));
            }
            _ => {}
        }
        match to {
            Some(to) if to == member => Err(invalid("nobody lends to themselves: name a colleague, or the pool")),
            Some(to) => self.must_know(to).and_then(|()| self.is_here(to)),
            None => Ok(()),
        }
    }

    /// What it means for a member's absences that the member has left.
    pub(crate) fn leave_absences(
        &self,
        now: i64,
        member: MemberId,
        change: &mut Change,
    ) -> Result<Vec<After>, OrderError> {
        let end = |absence: &Absence| {
            let ended_ms = absence.ended_ms.or(Some(now));
            keep(change, After { absence: Absence { ended_ms, ..absence.clone() }, is_over: true })
        };
        self.absences.of(member).map(end).collect()
    }

    /// Takes away what people wrote to a member's absences.
    pub(crate) fn without_words_about(member: MemberId, change: &mut Change) {
        change.write(WITHOUT_REASONS, vec![member.to_string().into()]);
    }

    /// An absence and what is lent.
    ///
    /// # Errors
    /// When there is none, or the database fails.
    pub fn absence_by_id(&self, now: i64, id: AbsenceId) -> Result<AbsenceView, OrderError> {
        let absence = self.find_absence(id)?.ok_or_else(|| not_found("absence", id))?;
        Ok(self.absence_view(now, absence))
    }

    /// Absences, newest first.
    ///
    /// # Errors
    /// When the database fails.
    pub fn absences(&self, now: i64, filter: &AbsenceFilter) -> Result<Vec<AbsenceView>, OrderError> {
        let before = filter.before.map_or_else(|| "~".to_owned(), |id| id.to_string());
        let member = filter.member.map_or_else(String::new, |member| member.to_string());
        let over = filter.over.map_or(-1, i64::from);
        let sql = "SELECT data FROM absences WHERE id < ? AND (? = '' OR member = ?)
            AND (? < 0 OR ? = (state = 'over' OR data ->> '$.ended_ms' IS NOT NULL)) ORDER BY id DESC LIMIT ?";
        let limit = Value::Int(filter.limit.min(PAGE).into());
        let values = [before.into(), member.clone().into(), member.into(), over.into(), over.into(), limit];
        let rows = self.journal.store().query(sql, &values).map_err(|_| OrderError::Storage)?;
        let absences = rows.iter().map(read).collect::<Result<Vec<_>, _>>().map_err(|_| OrderError::Storage)?;
        Ok(absences.into_iter().map(|absence| self.absence_view(now, absence)).collect())
    }

    fn absence_view(&self, now: i64, absence: Absence) -> AbsenceView {
        let is_now = self.absences.holding(now, absence.new.member).is_some_and(|held| held.new.id == absence.new.id);
        let left = if is_now { self.balance(Account::Lent(absence.new.member)) } else { Balance::default() };
        AbsenceView { absence, is_now, left }
    }

    pub(crate) fn find_absence(&self, id: AbsenceId) -> Result<Option<Absence>, OrderError> {
        if let Some(open) = self.absences.get(id) {
            return Ok(Some(open.clone()));
        }
        let rows = self.journal.store().query("SELECT data FROM absences WHERE id = ?", &[id.to_string().into()]);
        let rows = rows.map_err(|_| OrderError::Storage)?;
        rows.first().map(read).transpose().map_err(|_| OrderError::Storage)
    }
}

impl Absence {
    fn key(&self) -> (MemberId, AbsenceId) {
        (self.new.member, self.new.id)
    }
}

fn begun(new: NewAbsence, calendar: Option<CalendarId>, now: i64, who: Principal) -> Absence {
    let (lent, returned) = (Millicredits::ZERO, Millicredits::ZERO);
    Absence { new, calendar, time_ms: now, who, ended_ms: None, lent, returned }
}

/// Whether what a calendar says now may be what it said before.
fn overlaps(known: &Terms, time: &AwayTime) -> bool {
    let begins_before = |until: Option<i64>, from: i64| until.is_none_or(|until| from < until);
    let from_ms = time.from_ms.unwrap_or(known.from_ms);
    begins_before(known.until_ms, from_ms) && begins_before(time.until_ms, known.from_ms)
}

/// Whether a time had begun when somebody came back early.
fn had_begun(back: &Absence, time: &AwayTime) -> bool {
    let before = back.ended_ms.is_some_and(|ended| time.from_ms.is_none_or(|from| from < ended));
    before && overlaps(&back.new.terms, time)
}

/// Adds the row of an absence.
pub(crate) fn keep(change: &mut Change, after: After) -> Result<After, OrderError> {
    let Absence { new, .. } = &after.absence;
    let data = serde_json::to_string(&after.absence).map_err(|_| OrderError::Storage)?;
    let state = if after.is_over { "over" } else { "open" };
    change.write(PUT, vec![new.id.to_string().into(), new.member.to_string().into(), state.into(), data.into()]);
    Ok(after)
}

fn read(row: &Row) -> Result<Absence, StorageError> {
    let corrupt = |error: serde_json::Error| StorageError::Corrupt { what: "absence", error: error.to_string() };
    serde_json::from_str(row.text(0)?).map_err(corrupt)
}
