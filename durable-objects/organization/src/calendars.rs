//! Where it is written when people are away. Only who reads them there needs to
//! know, so nothing of the settings changes.

use events::Lends;
use identity::{CalendarId, MemberId};
use journal::Change;
use storage::Storage;

use crate::Organization;
use crate::order::not_found;
use crate::organization::write;
use crate::protocol::{Calendar, Order, OrderError, Reply};
use crate::records;

/// Each is asked every quarter of an hour.
const MOST_CALENDARS: usize = 500;

/// Names of people in one calendar; some hundred bytes each.
const MOST_PEOPLE: usize = 1000;

impl<S: Storage> Organization<S> {
    pub(crate) fn put_calendar(
        &mut self,
        now: i64,
        order: &Order,
        calendar: &Calendar,
        new: bool,
    ) -> Result<Reply, OrderError> {
        if !new && !self.records.calendars.contains_key(&calendar.id) {
            return Err(not_found("calendar", calendar.id));
        }
        if new && self.records.calendars.len() >= MOST_CALENDARS {
            let message = format!("an organization can have {MOST_CALENDARS} calendars");
            return Err(OrderError::Conflict { message });
        }
        let same_name = |other: &&Calendar| other.id != calendar.id && other.name == calendar.name;
        if let Some(other) = self.records.calendars.values().find(same_name) {
            let message = format!("the calendar `{}` is named `{}` already", other.id, other.name);
            return Err(OrderError::Conflict { message });
        }
        if calendar.people.len() > MOST_PEOPLE {
            let message = format!("a calendar can have names of {MOST_PEOPLE} people");
            return Err(OrderError::Invalid { message });
        }
        let named = calendar.member.iter().chain(calendar.lends.to.iter()).chain(calendar.people.values());
        for member in named {
            if !self.records.members.contains_key(member) {
                return Err(not_found("member", member));
            }
        }
        let mut change = Change::new();
        write(&mut change, calendar.id, calendar)?;
        let reply = self.finish(now, order, change, Reply::Calendar(Box::new(calendar.clone())))?;
        self.records.calendars.insert(calendar.id, calendar.clone());
        Ok(reply)
    }

    pub(crate) fn remove_calendar(&mut self, now: i64, order: &Order, id: CalendarId) -> Result<Reply, OrderError> {
        if !self.records.calendars.contains_key(&id) {
            return Err(not_found("calendar", id));
        }
        let mut change = Change::new();
        let (sql, values) = records::remove(id);
        change.write(sql, values);
        let reply = self.finish(now, order, change, Reply::Done)?;
        self.records.calendars.remove(&id);
        Ok(reply)
    }

    /// Where it is written when people are away, with what is sealed.
    ///
    /// # Errors
    /// When there is no such organization.
    pub fn calendars(&self) -> Result<Vec<Calendar>, OrderError> {
        self.profile()?;
        Ok(self.records.calendars.values().cloned().collect())
    }

    /// Takes somebody out of all calendars: their own go, and others forget the
    /// name that they have for them and lend them nothing. Answers the calendars
    /// as they are then, and which go.
    pub(crate) fn calendars_without(
        &self,
        member: MemberId,
        change: &mut Change,
    ) -> Result<(Vec<Calendar>, Vec<CalendarId>), OrderError> {
        let (mut changed, mut gone) = (Vec::new(), Vec::new());
        for calendar in self.records.calendars.values().filter(|calendar| calendar.names(member)) {
            if calendar.member == Some(member) {
                let (sql, values) = records::remove(calendar.id);
                change.write(sql, values);
                gone.push(calendar.id);
                continue;
            }
            let mut calendar = calendar.clone();
            calendar.people.retain(|_, id| *id != member);
            if calendar.lends.to == Some(member) {
                // Nobody else gets what was meant for one colleague.
                calendar.lends = Lends::default();
            }
            write(change, calendar.id, &calendar)?;
            changed.push(calendar);
        }
        Ok((changed, gone))
    }
}
