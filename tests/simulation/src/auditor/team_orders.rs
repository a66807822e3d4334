//! A team's actor under audit: orders and messages.

use events::{Envelope, MemberStatus, Message};
use identity::MemberId;
use ledger::{Account, Entry, Kind, Millicredits};
use team::protocol::{Act, Order, OrderError, Reply};

use super::absences;
use super::boosts::Ending;
use super::replies::Due;
use super::team::TeamAudit;
use super::trail::one_record;
use super::transfers::{Transfers, Way};
use super::{Step, calls, rows};
use crate::tally::Tally;
use crate::violation::{Checked, ensure, violated};

impl TeamAudit {
    pub(crate) fn after_order(
        &mut self,
        step: &Step<'_>,
        tally: &mut Tally,
        transfers: &mut Transfers,
        order: &Order,
        answer: &Result<Reply, OrderError>,
    ) -> Checked {
        step.failure_is_told("order")?;
        let from_before = match &order.act {
            Act::Allot { from, .. } => self.available(*from),
            Act::Transfer(new) => self.available(new.from.account()),
            Act::Boost(new) => self.available(new.from.account()),
            _ => self.available(Account::Pool),
        };
        let new = self.books.follow(step.disk)?;
        let recorded = self.trail.follow(step.disk)?;
        match self.replies.due(step, order.idempotency.as_ref()) {
            Due::Anything => {}
            Due::Same(_) | Due::Conflict if step.failed => {
                let nothing = new.is_empty() && recorded.is_empty();
                return ensure(nothing, "a repeated order is done once", || format!("{order:?}"));
            }
            Due::Same(reply) => {
                tally.count("order: known");
                step.wrote_nothing("a repeated order")?;
                let told = answer.as_ref().ok().and_then(|reply| serde_json::to_string(reply).ok());
                return ensure(told.as_ref() == Some(&reply), "a repetition gets the same answer", || {
                    format!("{answer:?}, first {reply}")
                });
            }
            Due::Conflict => {
                tally.count("order: same key, other content");
                step.wrote_nothing("an order under a used key")?;
                let refused = matches!(answer, Err(OrderError::IdempotencyConflict { .. }));
                return ensure(refused, "a key is for one content", || format!("{answer:?}"));
            }
        }
        let unkeyed = order.idempotency.is_none();
        let done = answer.is_ok() || (unkeyed && step.failed && was_done(&recorded));
        if !self.replies.note(step, order.idempotency.as_ref(), done)? {
            ensure(new.is_empty(), "what was refused changed nothing", || format!("{answer:?}"))?;
            step.order_was_refused(&recorded)?;
            return self.order_refused(step, order, answer, from_before);
        }
        tally.count("order: done");
        let ending = match &order.act {
            Act::EndBoost { boost } => Ending::Order(*boost),
            _ => Ending::No,
        };
        let new = self.without_boosts((step, tally), ending, &new)?;
        let (told, recorded): (Vec<_>, Vec<_>) = recorded.into_iter().partition(absences::is_told);
        let is_news =
            !matches!(order.act, Act::CalendarAbsences(_)) || order.idempotency.is_some() || !recorded.is_empty();
        if is_news {
            one_record(&recorded, &audit::operation(&order.act), order.who)?;
        }
        if is_about_absences(&order.act) {
            self.absence_ordered((step, tally), order, &new, &told)?;
        } else {
            ensure(told.is_empty(), "only absences begin and end them", || format!("{told:?}"))?;
            self.order_done((step, tally), transfers, order, &new)?;
            self.note_over(step)?;
        }
        if let Ok(Reply::Transferred(done)) = answer {
            let undo = matches!(order.act, Act::UndoTransfer { .. });
            let from = if undo { done.transfer.to } else { done.transfer.from };
            let left = self.available(from.account());
            ensure(left == done.available.get().into(), "the balance told is the balance", || {
                format!("{done:?}, {left} left")
            })?;
        }
        if let Ok(Reply::Boosted(view)) = answer {
            self.boost_is_told(view)?;
        }
        if let Ok(Reply::Moved(moved)) = answer {
            let left = self.available(moved.from);
            ensure(left == moved.from_available.get().into(), "the balance told is the balance", || {
                format!("{moved:?}, {left} left")
            })?;
        }
        Ok(())
    }

    fn order_refused(
        &self,
        step: &Step<'_>,
        order: &Order,
        answer: &Result<Reply, OrderError>,
        from_before: i128,
    ) -> Checked {
        if let Err(error) = answer
            && (self.sharing_refused(step, order, error)?
                || self.boost_refused(order, error)?
                || self.absence_refused(step, order, error)?)
        {
            return Ok(());
        }
        match answer {
            Err(OrderError::InsufficientFunds { left, needed, .. }) => {
                let truth = from_before == left.get().into() && left < needed;
                ensure(truth, "refused for lack of credits that lack", || format!("{answer:?}, has {from_before}"))
            }
            Err(OrderError::Storage | OrderError::Invalid { .. } | OrderError::NotFound { .. }) => Ok(()),
            Err(OrderError::Conflict { .. }) => {
                let gone = |member: &MemberId| {
                    let known = self.access.members.get(member);
                    known.is_some_and(|known| known.status == MemberStatus::Removed)
                };
                let conflicts = match &order.act {
                    Act::CreateKey(_) | Act::RotateKey { .. } | Act::CreateLimit { .. } => true,
                    Act::Allot { to: Account::Wallet(member), .. } => gone(member),
                    _ => false,
                };
                ensure(conflicts, "only what can exist conflicts", || format!("{order:?}"))
            }
            other => violated("an order is refused for a reason", format!("{other:?} to {order:?}")),
        }
    }

    fn order_done(
        &mut self,
        (step, tally): (&Step<'_>, &mut Tally),
        transfers: &mut Transfers,
        order: &Order,
        new: &[Entry],
    ) -> Checked {
        match &order.act {
            Act::Transfer(sent) => return self.transferred((step, tally), transfers, order.who, sent, new),
            Act::UndoTransfer { transfer, .. } => {
                return self.undone((step, tally), transfers, order, *transfer, new);
            }
            Act::Boost(boost) => return self.boosted(tally, boost, new),
            Act::EndBoost { .. }
            | Act::Absence(_)
            | Act::ChangeAbsence { .. }
            | Act::EndAbsence { .. }
            | Act::CalendarAbsences(_) => {}
            Act::CreateKey(key) => {
                let known = self.access.members.get(&key.member);
                let here = known.is_some_and(|known| known.status != MemberStatus::Removed);
                ensure(here, "only who is here gets keys", || format!("{key:?}"))?;
                self.access.created(key);
            }
            Act::RotateKey { key, hash, grace_ms, .. } => {
                self.access.rotated(*key, *hash, (*grace_ms > 0).then(|| step.now + grace_ms));
            }
            Act::RevokeKey { key } => self.access.revoked(*key),
            Act::CreateLimit { limit_id, subject, limit } => {
                self.spending.limits.insert(*limit_id, (*subject, *limit));
            }
            Act::ChangeLimit { limit_id, limit } => {
                if let Some((_, known)) = self.spending.limits.get_mut(limit_id) {
                    *known = *limit;
                }
            }
            Act::RemoveLimit { limit_id } => {
                self.spending.limits.remove(limit_id);
            }
            Act::Allot { transfer, from, to, amount, .. } => {
                let gone = self.access.leavers().any(|member| *to == Account::Wallet(member));
                ensure(!gone, "only who is here gets credits", || format!("{order:?}"))?;
                let kind = if *to == Account::Pool { Kind::Return } else { Kind::Allot };
                return one_entry(new, kind, (*from, *to), *amount, &transfer.to_string());
            }
            Act::Return { transfer, amount, .. } => {
                let reference = transfer.to_string();
                one_entry(new, Kind::Return, (Account::Pool, Account::Parent), *amount, &reference)?;
                let ends = (self.place.organization, self.place.team);
                return transfers.departs(Way::Up, ends, (&reference, *amount), step.disk);
            }
        }
        ensure(new.is_empty(), "only movements move credits", || format!("{order:?}: {new:?}"))
    }

    pub(crate) fn after_receive(
        &mut self,
        step: &Step<'_>,
        tally: &mut Tally,
        transfers: &mut Transfers,
        envelope: &Envelope,
        answer: &Result<Reply, OrderError>,
    ) -> Checked {
        step.failure_is_told("receive")?;
        let new = self.books.follow(step.disk)?;
        if self.received.contains(&envelope.id) {
            tally.count("message: known");
            step.wrote_nothing("a repeated message")?;
            return ensure(step.failed || answer.is_ok(), "a repeated message is taken", || format!("{answer:?}"));
        }
        let sql = "SELECT id FROM inbox WHERE id = ?";
        let applied = rows::text(step.disk, sql, &envelope.id)?.is_some();
        ensure(applied || answer.is_err(), "a message that was taken is remembered", || envelope.id.clone())?;
        if !applied {
            if !step.failed {
                step.wrote_nothing("a refused message")?;
            }
            return ensure(new.is_empty(), "what was refused changed nothing", || format!("{answer:?}"));
        }
        let ours = envelope.id.starts_with(&self.place.organization.to_string());
        ensure(ours, "no organization touches another's", || envelope.id.clone())?;
        tally.count("message: applied");
        self.received.insert(envelope.id.clone());
        self.access.hear(envelope);
        self.note_over(step)?;
        if let Some(zone) = self.access.profile.as_ref().map(|profile| profile.time_zone.clone())
            && self.spending.move_to(step.now, &zone)
        {
            tally.count("team: moved to another time zone");
        }
        if let Message::Allot { transfer, amount, .. } = &envelope.message {
            let reference = transfer.to_string();
            one_entry(&new, Kind::Allot, (Account::Parent, Account::Pool), *amount, &reference)?;
            let ends = (self.place.organization, self.place.team);
            return transfers.arrives(Way::Down, ends, (&reference, *amount));
        }
        if matches!(envelope.message, Message::Transfer(_) | Message::Refused { .. }) {
            return self.passage((step, tally), transfers, &envelope.message, &new);
        }
        if let Message::Period(period) = &envelope.message {
            return self.period((step, tally), transfers, period, &new);
        }
        if let Message::Plan { plan, rule } = &envelope.message {
            self.plan_changed(*plan, *rule);
        }
        if let Message::CarryOut { approval, passage } = &envelope.message {
            return self.carried_out((step, tally), transfers, (*approval, passage), &new);
        }
        let new = self.without_leavers(tally, &new)?;
        let new = match &envelope.message {
            Message::Member(member) if self.access.members.get(&member.member).is_some_and(has_left) => {
                self.leaves_nothing_lent(tally, member.member, &new)?
            }
            _ => new,
        };
        let ending = match &envelope.message {
            Message::Member(member) if self.access.leavers().any(|gone| gone == member.member) => {
                Ending::Leave(member.member)
            }
            _ => Ending::No,
        };
        let new = self.without_boosts((step, tally), ending, &new)?;
        ensure(new.is_empty(), "only movements move credits", || format!("{envelope:?}"))
    }

    /// What the core says of the team is what it was told.
    pub(crate) fn is_up_to_date(&self, profile: Option<&events::TeamProfile>) -> Checked {
        let told = self
            .access
            .profile
            .as_ref()
            .map(|known| events::TeamProfile { settings_version: self.access.settings_version, ..known.clone() });
        ensure(profile == told.as_ref(), "a team is what it was told", || format!("{profile:?}, told {told:?}"))
    }

    /// What all wallets and the pool have, beside what is reserved.
    pub(crate) fn free(&self) -> i128 {
        let accounts = self.books.balances().keys().copied();
        let free = accounts.filter(|account| {
            matches!(account, Account::Pool | Account::Wallet(_) | Account::Boost(_) | Account::Lent(_))
        });
        calls::sum(&free.map(|account| (account, self.available(account))).collect::<Vec<_>>())
    }
}

const fn is_about_absences(act: &Act) -> bool {
    matches!(act, Act::Absence(_) | Act::ChangeAbsence { .. } | Act::EndAbsence { .. } | Act::CalendarAbsences(_))
}

fn has_left(member: &events::MemberProfile) -> bool {
    member.status == MemberStatus::Removed
}

/// Exactly this entry was written.
pub(super) fn one_entry(
    new: &[Entry],
    kind: Kind,
    (debit, credit): (Account, Account),
    amount: Millicredits,
    reference: &str,
) -> Checked {
    let [entry] = new else {
        return violated("a movement is one entry", format!("{reference}: {new:?}"));
    };
    let same = entry.kind == kind
        && (entry.debit, entry.credit) == (debit, credit)
        && entry.amount == amount
        && entry.reference == reference;
    ensure(same, "a movement is what was ordered", || format!("{kind:?} {debit} {credit} {amount}: {entry:?}"))
}

fn was_done(recorded: &[audit::Record]) -> bool {
    recorded.iter().any(|record| record.outcome == audit::Outcome::Done)
}
