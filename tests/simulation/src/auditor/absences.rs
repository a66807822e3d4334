//! A team's actor under audit: who is away, and what they lend meanwhile.
//!
//! What must be lent is computed here once more, from the rule as it is written
//! down: wallet and `lent/…` are divided anew when an absence begins to hold or
//! is another one, what arrives is shared, and all goes back when none holds.

use std::collections::{BTreeMap, BTreeSet};

use events::MemberStatus;
use identity::{AbsenceId, CalendarId, MemberId};
use ledger::{Account, Entry, Kind, Millicredits};
use serde::Deserialize;
use storage::Storage;
use team::protocol::{Act, CalendarAbsences, Lends, Order, OrderError, Share, Terms};

use super::Step;
use super::rows;
use super::team::TeamAudit;
use crate::tally::Tally;
use crate::violation::{Checked, ensure, violated};

/// All absences of a team, and what is lent.
#[derive(Default)]
pub(super) struct Away {
    known: BTreeMap<AbsenceId, Known>,
    lent: BTreeMap<MemberId, Lent>,
}

#[derive(Debug, Clone)]
struct Known {
    member: MemberId,
    terms: Terms,
    calendar: Option<CalendarId>,
    ended: bool,
    /// Its time was over when the team last looked: it never holds again, also
    /// when the clock goes back.
    over: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
struct Lent {
    absence: AbsenceId,
    lends: Lends,
    is_on: bool,
    #[serde(default)]
    kept: Option<Millicredits>,
}

impl Known {
    fn is_past(&self, now: i64) -> bool {
        self.terms.until_ms.is_some_and(|until| until <= now)
    }

    fn holds(&self, now: i64) -> bool {
        !self.ended && !self.over && self.terms.from_ms <= now && !self.is_past(now)
    }
}

fn share_of(share: Share, idle: i128) -> i128 {
    match share {
        Share::Nothing => 0,
        Share::All => idle,
        Share::Percent { percent } => idle * i128::from(percent) / 100,
        Share::Above { floor } => (idle - i128::from(floor.get())).max(0),
    }
}

impl TeamAudit {
    /// The accounts of others that pay for a member, in order.
    pub(super) fn lent_to(&self, now: i64, to: Option<MemberId>, caller: MemberId) -> Vec<Account> {
        let mut lenders: Vec<(i64, MemberId)> = Vec::new();
        for (owner, lent) in &self.away.lent {
            let held = self.holding(now, *owner).filter(|(id, _)| *id == lent.absence);
            if let Some((_, held)) = held.filter(|_| lent.is_on && lent.lends.to == to && *owner != caller) {
                lenders.push((held.terms.until_ms.unwrap_or(i64::MAX), *owner));
            }
        }
        lenders.sort_by_key(|(until, owner)| (std::cmp::Reverse(*until), *owner));
        lenders.into_iter().map(|(_, owner)| Account::Lent(owner)).collect()
    }

    pub(super) fn has_lent(&self, member: MemberId) -> bool {
        self.away.lent.contains_key(&member)
    }

    /// What is free and somebody's own, in their wallet and lent.
    pub(super) fn own(&self, account: Account) -> i128 {
        match account {
            Account::Wallet(member) => self.available(account) + self.available(Account::Lent(member)),
            _ => self.available(account),
        }
    }

    fn holding(&self, now: i64, member: MemberId) -> Option<(AbsenceId, &Known)> {
        let holding = self.away.known.iter().rev().find(|(_, known)| known.member == member && known.holds(now));
        holding.map(|(id, known)| (*id, known))
    }

    /// What must move between wallet and `lent/…`, of which so much is free,
    /// and what is lent then.
    fn divided(&self, now: i64, member: MemberId, wallet: i128, free: i128) -> (i128, Option<Lent>) {
        let state = self.away.lent.get(&member);
        let here = self.access.members.get(&member).is_some_and(|known| known.status != MemberStatus::Removed);
        let held = self.holding(now, member).filter(|(_, held)| here && held.terms.lends.share != Share::Nothing);
        let Some((absence, held)) = held else {
            let off = state.map(|state| if state.is_on { off(state) } else { state.clone() });
            return (-free, off);
        };
        let lends = held.terms.lends;
        let same = state.filter(|state| state.is_on && state.absence == absence && state.lends == lends);
        let (moves, kept) = match same.and_then(|state| state.kept) {
            Some(kept) => {
                let kept = i128::from(kept.get());
                let idle = if matches!(lends.share, Share::Above { .. }) { wallet } else { (wallet - kept).max(0) };
                let more = share_of(lends.share, idle);
                (more, if more > 0 { wallet - more } else { kept })
            }
            None => {
                let share = share_of(lends.share, wallet + free);
                (share - free, wallet + free - share)
            }
        };
        let kept = Some(Millicredits::new(i64::try_from(kept).unwrap_or(i64::MAX)));
        (moves, Some(Lent { absence, lends, is_on: true, kept }))
    }

    /// After a step that looked at who is away: what moved for a member is what
    /// must, or nothing where the step failed before it. Says what begins and
    /// ends.
    fn lending_is_right(
        &mut self,
        (step, tally): (&Step<'_>, &mut Tally),
        member: MemberId,
        entries: &[&Entry],
    ) -> Checked<Vec<(&'static str, AbsenceId)>> {
        let (wallet, lent) = (Account::Wallet(member), Account::Lent(member));
        let moves: i128 = entries
            .iter()
            .map(|entry| i128::from(entry.amount.get()) * if entry.credit == lent { 1 } else { -1 })
            .sum();
        let (had, free) = ((self.available(wallet) + moves).max(0), self.available(lent) - moves);
        let before = self.away.lent.get(&member).cloned();
        let (must, next) = self.divided(step.now, member, had, free);
        let stored = stored(step, member)?;
        let is_done = moves == must && stored == next;
        let is_undone = step.failed && moves == 0 && stored == before;
        ensure(is_done || is_undone, "what somebody away lends is what their absence says", || {
            format!(
                "{member} at {}: {moves} moved, {must} expected of {had} and {free}; {stored:?}, expected {next:?}, before {before:?}, because of {:?}",
                step.now,
                self.holding(step.now, member)
            )
        })?;
        ensure(entries.len() <= 1, "lending is one movement", || format!("{entries:?}"))?;
        let mut told = Vec::new();
        if is_done && stored != before {
            let was = before.as_ref().filter(|lent| lent.is_on).map(|lent| lent.absence);
            let is = stored.as_ref().filter(|lent| lent.is_on).map(|lent| lent.absence);
            match (was, is) {
                (was, Some(is)) if was != Some(is) => told.push(("absence_began", is)),
                (Some(was), None) => told.push(("absence_ended", was)),
                _ => {}
            }
            let because = if moves >= 0 { stored.as_ref() } else { before.as_ref() }.map(|lent| lent.absence);
            let named = entries.iter().all(|entry| because.is_some_and(|id| entry.reference == id.to_string()));
            ensure(named, "what is lent says because of what", || format!("{entries:?}, {because:?}"))?;
        }
        tally.count(match (moves.signum(), stored.as_ref().is_some_and(|lent| lent.is_on)) {
            (0, _) => "absence: looked at",
            (1, _) => "absence: lent",
            (_, true) => "absence: lends less",
            (_, false) => "absence: what was left came back",
        });
        match stored {
            Some(stored) => self.away.lent.insert(member, stored),
            None => self.away.lent.remove(&member),
        };
        Ok(told)
    }

    /// After the alarm: everybody lends what they must, and what of it began and
    /// ended is on record.
    pub(super) fn all_lend(
        &mut self,
        (step, tally): (&Step<'_>, &mut Tally),
        entries: &[Entry],
        records: &[audit::Record],
    ) -> Checked {
        let lenders = self.away.lent.iter().filter(|(_, lent)| lent.is_on).map(|(member, _)| *member);
        let open = self.away.known.values().filter(|known| !known.over).map(|known| known.member);
        let members: BTreeSet<MemberId> = lenders.chain(open).collect();
        let mut expected = Vec::new();
        for member in &members {
            let of = |entry: &&Entry| [entry.debit, entry.credit].contains(&Account::Lent(*member));
            let theirs: Vec<&Entry> = entries.iter().filter(of).collect();
            expected.extend(self.lending_is_right((step, tally), *member, &theirs)?);
        }
        let strange = entries
            .iter()
            .find(|entry| !members.iter().any(|member| [entry.debit, entry.credit].contains(&Account::Lent(*member))));
        ensure(strange.is_none(), "only who is away lends", || format!("{strange:?}"))?;
        self.told_are(records, &expected)?;
        self.note_over(step)
    }

    fn told_are(&self, records: &[audit::Record], expected: &[(&'static str, AbsenceId)]) -> Checked {
        let name = |record: &audit::Record| (record.action.clone(), record.reference.clone().unwrap_or_default());
        let told: Vec<_> = records.iter().map(name).collect();
        let expected: Vec<_> = expected.iter().map(|(name, id)| ((*name).to_owned(), id.to_string())).collect();
        ensure(told == expected, "who goes and who comes back is on record", || format!("{told:?}, not {expected:?}"))
    }

    /// Takes note of absences whose time is over, as the team has.
    pub(super) fn note_over(&mut self, step: &Step<'_>) -> Checked {
        for (id, known) in self.away.known.iter_mut().filter(|(_, known)| !known.over) {
            let may_be = known.is_past(step.now) || known.ended;
            if !may_be {
                continue;
            }
            let state = rows::text(step.disk, "SELECT state FROM absences WHERE id = ?", &id.to_string())?;
            known.over = state.as_deref() == Some("over");
        }
        Ok(())
    }

    /// The entries beside those that give back what was lent by who is back.
    pub(super) fn without_lent(&self, tally: &mut Tally, entries: &[Entry]) -> Checked<Vec<Entry>> {
        let (back, rest): (Vec<Entry>, Vec<Entry>) = entries.iter().cloned().partition(is_back);
        for entry in back {
            let Account::Lent(member) = entry.debit else { continue };
            tally.count("absence: what a call had reserved came back");
            let is_on = self.away.lent.get(&member).is_none_or(|lent| lent.is_on);
            let home = self.home(events::Place { team: self.place.team, member: Some(member) });
            let fine = !is_on && entry.credit == home && entry.amount.get() > 0;
            ensure(fine, "what is lent goes home when its owner is back", || format!("{entry:?}"))?;
        }
        Ok(rest)
    }

    /// The entries of the alarm that lend or give back because of who is away
    /// now; the others follow calls that have ended.
    pub(super) fn lent_by_who_is_away(&self, tally: &mut Tally, entries: &[Entry]) -> Checked<Vec<Entry>> {
        let follows = |entry: &Entry| {
            let Account::Lent(member) = entry.debit else { return false };
            is_back(entry) && self.away.lent.get(&member).is_some_and(|lent| !lent.is_on)
        };
        let (follow, rest): (Vec<Entry>, Vec<Entry>) = entries.iter().cloned().partition(follows);
        self.without_lent(tally, &follow)?;
        Ok(rest)
    }

    /// Somebody has left: so have their absences, and nothing of theirs is lent.
    pub(super) fn leaves_nothing_lent(
        &mut self,
        tally: &mut Tally,
        member: MemberId,
        entries: &[Entry],
    ) -> Checked<Vec<Entry>> {
        for known in self.away.known.values_mut().filter(|known| known.member == member && !known.over) {
            (known.ended, known.over) = (true, true);
        }
        if let Some(lent) = self.away.lent.get_mut(&member) {
            tally.count("absence: ended with its member");
            *lent = off(lent);
        }
        self.without_lent(tally, entries)
    }

    /// What came back to a wallet before its time; `anew` if the rest is to be
    /// divided again.
    pub(super) fn fetched(&mut self, tally: &mut Tally, member: MemberId, anew: bool) {
        tally.count("absence: fetched back before its time");
        if let Some(lent) = self.away.lent.get_mut(&member).filter(|_| anew) {
            lent.kept = None;
        }
    }

    /// An order about absences was carried out.
    pub(super) fn absence_ordered(
        &mut self,
        (step, tally): (&Step<'_>, &mut Tally),
        order: &Order,
        entries: &[Entry],
        records: &[audit::Record],
    ) -> Checked {
        let member = match &order.act {
            Act::Absence(new) => {
                let (member, terms) = (new.member, new.terms.clone());
                let here = self.access.members.get(&member).is_some_and(|known| known.status != MemberStatus::Removed);
                let known = Known { member, terms, calendar: None, ended: false, over: false };
                let first = self.away.known.insert(new.id, known).is_none();
                ensure(first && here, "who is here goes away once", || format!("{order:?}"))?;
                member
            }
            Act::ChangeAbsence { absence, terms } => {
                let Some(known) = self.away.known.get_mut(absence).filter(|known| !known.ended && !known.over) else {
                    return violated("only what is not over is changed", format!("{order:?}"));
                };
                known.terms = terms.clone();
                known.member
            }
            Act::EndAbsence { absence } => {
                let Some(known) = self.away.known.get_mut(absence).filter(|known| !known.ended && !known.over) else {
                    return violated("only what is not over ends", format!("{order:?}"));
                };
                known.ended = true;
                known.member
            }
            Act::CalendarAbsences(said) => {
                self.calendar_said(step, said)?;
                said.member
            }
            _ => return Ok(()),
        };
        let entries: Vec<&Entry> = entries.iter().collect();
        let theirs = entries.iter().all(|entry| [entry.debit, entry.credit].contains(&Account::Lent(member)));
        ensure(theirs, "an absence moves what is its member's", || format!("{entries:?}"))?;
        let nothing = entries.is_empty() && records.is_empty();
        if nothing
            && matches!(order.act, Act::CalendarAbsences(_))
            && stored(step, member)? == self.away.lent.get(&member).cloned()
        {
            // It says nothing new, most of the time, and then nobody looks. If
            // the team did look, it lent what had come meanwhile.
            return self.note_over(step);
        }
        let told = self.lending_is_right((step, tally), member, &entries)?;
        self.told_are(records, &told)?;
        self.note_over(step)
    }

    /// After a calendar has spoken, the team knows what it said and no more.
    fn calendar_said(&mut self, step: &Step<'_>, said: &CalendarAbsences) -> Checked {
        #[derive(Deserialize)]
        struct Row {
            id: AbsenceId,
            member: MemberId,
            #[serde(flatten)]
            terms: Terms,
            calendar: Option<CalendarId>,
            ended_ms: Option<i64>,
        }
        let sql = "SELECT data, state FROM absences WHERE member = ?";
        let rows = step.disk.native().query(sql, &[said.member.to_string().into()]).map_err(rows::unreadable)?;
        let mut known = BTreeMap::new();
        for row in &rows {
            let data: Result<Row, _> = serde_json::from_str(row.text(0).map_err(rows::unreadable)?);
            let Ok(data) = data else { return violated("an absence can be read", format!("{said:?}")) };
            let over = row.text(1).map_err(rows::unreadable)? == "over";
            let Row { id, member, terms, calendar, ended_ms } = data;
            known.insert(id, (Known { member, terms, calendar, ended: ended_ms.is_some(), over }, ended_ms));
        }
        for (id, before) in self.away.known.iter().filter(|(_, before)| before.member == said.member) {
            let Some((after, _)) = known.get(id) else { return violated("an absence is kept", id.to_string()) };
            let others = before.calendar != Some(said.calendar) || before.ended || before.over;
            let same = (after.ended, &after.terms) == (before.ended, &before.terms);
            ensure(!others || same, "a calendar speaks for itself", || format!("{before:?}, now {after:?}"))?;
        }
        let is_ours = |known: &&(Known, Option<i64>)| known.0.calendar == Some(said.calendar);
        let running = |known: &&(Known, Option<i64>)| !known.0.ended && !known.0.is_past(step.now) && !known.0.over;
        let times = said.times.iter().filter(|time| time.until_ms.is_none_or(|until| until > step.now));
        for time in times.clone() {
            let fits = |known: &&(Known, Option<i64>)| {
                let Terms { from_ms, until_ms, lends, .. } = known.0.terms;
                let begun = time.from_ms.map_or(from_ms <= step.now, |from| from_ms == from);
                begun && until_ms == time.until_ms && lends == said.lends
            };
            let is_back = |known: &&(Known, Option<i64>)| {
                known.1.is_some_and(|ended| time.from_ms.is_none_or(|from| from < ended))
            };
            let found = known.values().filter(is_ours).filter(running).any(|known| fits(&known));
            let back = known.values().filter(is_ours).any(|known| is_back(&known));
            ensure(found || back, "what a calendar says is so", || format!("{time:?} of {said:?}: {known:?}"))?;
        }
        let count = known.values().filter(is_ours).filter(running).count();
        ensure(count <= times.count(), "what a calendar says no more is over", || format!("{said:?}: {known:?}"))?;
        self.away.known.retain(|_, known| known.member != said.member);
        self.away.known.extend(known.into_iter().map(|(id, (known, _))| (id, known)));
        Ok(())
    }

    /// Nothing is lent by somebody who is back beside what calls have reserved.
    pub(super) fn who_is_back_lends_nothing(&self) -> Checked {
        for account in self.books.balances().keys() {
            let Account::Lent(member) = account else { continue };
            let is_on = self.away.lent.get(member).is_some_and(|lent| lent.is_on);
            let left = self.available(*account);
            ensure(is_on || left == 0, "what is lent goes home when its owner is back", || {
                format!("{member}: {left}")
            })?;
        }
        Ok(())
    }

    /// Whether an absence was refused for a reason that is one.
    pub(super) fn absence_refused(&self, step: &Step<'_>, order: &Order, error: &OrderError) -> Checked<bool> {
        if !matches!(error, OrderError::Conflict { .. }) {
            return Ok(false);
        }
        let gone = |member: &MemberId| {
            self.access.members.get(member).is_some_and(|known| known.status == MemberStatus::Removed)
        };
        let fine = match &order.act {
            Act::Absence(new) => {
                let open = self.away.known.values().filter(|known| known.member == new.member && !known.over).count();
                self.away.known.contains_key(&new.id)
                    || gone(&new.member)
                    || new.terms.lends.to.as_ref().is_some_and(gone)
                    || open >= 100
            }
            Act::ChangeAbsence { absence, terms } => {
                terms.lends.to.as_ref().is_some_and(gone) || self.is_over(step.now, *absence)
            }
            Act::EndAbsence { absence } => self.is_over(step.now, *absence),
            Act::CalendarAbsences(said) => gone(&said.member) || said.lends.to.as_ref().is_some_and(gone),
            _ => return Ok(false),
        };
        ensure(fine, "refused for a reason", || {
            let known = match &order.act {
                Act::ChangeAbsence { absence, .. } | Act::EndAbsence { absence } => self.away.known.get(absence),
                _ => None,
            };
            format!("{error:?} to {order:?} at {}: {known:?}", step.now)
        })?;
        Ok(true)
    }

    fn is_over(&self, now: i64, absence: AbsenceId) -> bool {
        self.away.known.get(&absence).is_some_and(|known| known.ended || known.over || known.is_past(now))
    }
}

/// Whether an entry gives back what was lent.
pub(super) fn is_back(entry: &Entry) -> bool {
    entry.kind == Kind::Return && matches!(entry.debit, Account::Lent(_))
}

/// Whether an entry is about what somebody lends.
pub(super) fn is_lending(entry: &Entry) -> bool {
    entry.kind == Kind::Lend || is_back(entry)
}

/// Whether a record says that somebody goes or comes back.
pub(super) fn is_told(record: &audit::Record) -> bool {
    ["absence_began", "absence_ended"].contains(&record.action.as_str())
}

fn off(lent: &Lent) -> Lent {
    Lent { is_on: false, kept: None, ..lent.clone() }
}

fn stored(step: &Step<'_>, member: MemberId) -> Checked<Option<Lent>> {
    let text = rows::text(step.disk, "SELECT data FROM lendings WHERE member = ?", &member.to_string())?;
    Ok(text.and_then(|text| serde_json::from_str(&text).ok()))
}
