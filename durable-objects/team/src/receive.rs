//! Messages from the organization's actor, each applied exactly once.

use events::{Envelope, Message, TeamProfile};
use journal::{Change, CommitError};
use ledger::{Account, Draft, Kind};
use limits::{Calendar, Zone};
use storage::Storage;

use crate::Team;
use crate::protocol::{OrderError, Reply};
use crate::records;

impl<S: Storage> Team<S> {
    /// Applies a message unless it was applied before; either way the sender
    /// may forget it.
    ///
    /// # Errors
    /// [`OrderError::NotOpen`] when the team must hear first what it is, or
    /// [`OrderError::Storage`]: the sender tries again. What makes no sense is
    /// [`OrderError::Invalid`] and stays visible in the sender's outbox.
    pub fn receive(&mut self, now: i64, envelope: &Envelope) -> Result<Reply, OrderError> {
        if self.journal.has_received(&envelope.id).map_err(|_| OrderError::Storage)? {
            return Ok(Reply::Done);
        }
        if self.records.profile.is_none() && !matches!(envelope.message, Message::Team(_)) {
            return Err(OrderError::NotOpen);
        }
        if !self.is_addressed(envelope) {
            return Err(OrderError::Invalid { message: "the message is for another organization's team".to_owned() });
        }
        let mut change = Change::new();
        change.receive(&envelope.id);
        match &envelope.message {
            Message::Team(profile) => {
                let zone = Zone::parse(&profile.time_zone).map_err(|error| invalid(&error))?;
                let known = self.records.profile.as_ref();
                if known.is_none_or(|known| known.version < profile.version) {
                    let version = known.map_or(0, |known| known.settings_version);
                    let settings_version = profile.settings_version.max(version);
                    let profile = TeamProfile { settings_version, ..profile.clone() };
                    push(&mut change, profile.team, &profile)?;
                    if zone == *self.calendar.zone() {
                        self.apply(now, change)?;
                    } else {
                        self.move_to_zone(now, zone, change)?;
                    }
                    self.records.profile = Some(profile);
                    // Its standing order may be another one.
                    self.top_up_not_before = i64::MIN;
                    return Ok(Reply::Done);
                }
            }
            Message::Member(member) => {
                let known = self.records.members.get(&member.member);
                if known.is_none_or(|known| known.version < member.version) {
                    push(&mut change, member.member, member)?;
                    let left = self.leave(now, member, &mut change)?;
                    self.apply(now, change)?;
                    self.records.members.insert(member.member, member.clone());
                    left.keys.into_iter().for_each(|key| self.records.put_key(key));
                    self.boosts.note(left.boosts);
                    self.note_returned(left.away);
                    return Ok(Reply::Done);
                }
            }
            Message::Settings { version } => {
                let known = self.records.profile.clone().ok_or(OrderError::NotOpen)?;
                if known.settings_version < *version {
                    let profile = TeamProfile { settings_version: *version, ..known };
                    push(&mut change, profile.team, &profile)?;
                    self.apply(now, change)?;
                    self.records.profile = Some(profile);
                    return Ok(Reply::Done);
                }
            }
            Message::Allot { transfer, amount, who, note } => {
                change.post(Draft {
                    kind: Kind::Allot,
                    debit: Account::Parent,
                    credit: Account::Pool,
                    amount: *amount,
                    reference: transfer.to_string(),
                    who: *who,
                    call: None,
                    note: note.clone(),
                });
            }
            Message::Erase { member } => {
                let keys = self.erase(*member, &mut change)?;
                self.apply(now, change)?;
                keys.into_iter().for_each(|key| self.records.put_key(key));
                self.boosts.forget_reasons_of(*member);
                self.absences.forget_words_about(*member);
                return Ok(Reply::Done);
            }
            Message::Transfer(passage) => self.arrive(passage, &mut change)?,
            Message::Refused { passage, reason } => self.come_back(passage, reason, &mut change)?,
            Message::CarryOut { approval, passage } => {
                self.carry_out_approved(now, *approval, passage, &mut change)?;
            }
            Message::Period(period) => {
                let (after, returned) = self.begin_period(now, period, &mut change)?;
                self.apply(now, change)?;
                self.lots.note(after);
                self.note_returned(returned);
                self.top_up_not_before = i64::MIN;
                return Ok(Reply::Done);
            }
            Message::Plan { plan, rule } => {
                let after = self.change_plan(*plan, *rule, &mut change)?;
                self.apply(now, change)?;
                self.lots.note(after);
                return Ok(Reply::Done);
            }
            Message::Return { .. } | Message::CarriedOut { .. } | Message::PeriodDone(_) => {
                return Err(OrderError::Invalid { message: "that is for an organization".to_owned() });
            }
        }
        self.apply(now, change)?;
        self.top_up_not_before = i64::MIN;
        Ok(Reply::Done)
    }

    /// Whether the team's own organization sent this to this team: nobody
    /// else's messages count, whatever went wrong on their way.
    fn is_addressed(&self, envelope: &Envelope) -> bool {
        let told = match &envelope.message {
            Message::Team(profile) if profile.team.to_string() != self.journal.actor() => return false,
            Message::Team(profile) => Some(profile.organization),
            _ => None,
        };
        let home = self.records.profile.as_ref().map(|known| known.organization);
        [home, told].into_iter().flatten().all(|organization| envelope.is_from(organization))
    }

    fn apply(&mut self, now: i64, change: Change) -> Result<(), OrderError> {
        self.commit(now, change).map_err(|error| match error {
            CommitError::Books(error) => OrderError::Invalid { message: error.to_string() },
            CommitError::Storage(_) => OrderError::Storage,
        })?;
        self.received = self.received.saturating_add(1);
        Ok(())
    }

    /// Cuts windows in another time zone from now on. The meters are written
    /// with the change, right after a checkpoint, so that no entry is ever
    /// replayed over meters of another zone.
    fn move_to_zone(&mut self, now: i64, zone: Zone, mut change: Change) -> Result<(), OrderError> {
        let rows = self.meter_rows().map_err(|_| OrderError::Storage)?;
        self.journal.checkpoint(now, &rows).map_err(|_| OrderError::Storage)?;
        let before = (self.meters.clone(), self.draws.clone());
        let old = self.calendar.zone().clone();
        self.meters.values_mut().chain(self.draws.meters_mut()).for_each(|meter| meter.rezone(now, &old, &zone));
        let result = self.meter_rows().map_err(|_| OrderError::Storage).and_then(|rows| {
            rows.into_iter().for_each(|(sql, values)| {
                change.write(sql, values);
            });
            self.apply(now, change)
        });
        if result.is_err() {
            (self.meters, self.draws) = before;
            return result;
        }
        self.calendar = Calendar::new(zone);
        // What is in flight may now lie in other windows: counted again.
        self.reserved.clear();
        for reservation in self.open.values().cloned().collect::<Vec<_>>() {
            let bounds = *self.calendar.at(reservation.accepted_ms.max(now));
            self.reserve_in_memory(&reservation, &bounds);
        }
        Ok(())
    }
}

pub(crate) fn push<T: serde::Serialize>(change: &mut Change, id: impl ToString, data: &T) -> Result<(), OrderError> {
    let (sql, values) = records::put(id, data).map_err(|_| OrderError::Storage)?;
    change.write(sql, values);
    Ok(())
}

fn invalid(error: &impl ToString) -> OrderError {
    OrderError::Invalid { message: error.to_string() }
}
