//! Setting limits.

use identity::LimitId;
use journal::Change;
use limits::Limit;
use storage::Storage;

use crate::Team;
use crate::order::not_found;
use crate::protocol::{Order, OrderError, Reply, Subject};
use crate::records::{self, SubjectLimit};

/// Every limit of a team is looked at on every call.
const MOST_LIMITS: usize = 5000;

impl<S: Storage> Team<S> {
    pub(crate) fn create_limit(
        &mut self,
        now: i64,
        order: &Order,
        id: LimitId,
        subject: Subject,
        limit: Limit,
    ) -> Result<Reply, OrderError> {
        match subject {
            Subject::Member(member) if !self.records.members.contains_key(&member) => {
                return Err(not_found("member", member));
            }
            Subject::Key(key) if !self.records.keys.contains_key(&key) => return Err(not_found("key", key)),
            _ => {}
        }
        if self.records.limits.len() >= MOST_LIMITS {
            return Err(OrderError::Conflict { message: format!("a team can have {MOST_LIMITS} limits") });
        }
        let same = |set: &&SubjectLimit| {
            set.subject == subject
                && (set.limit.kind(), set.limit.window(), set.limit.unit())
                    == (limit.kind(), limit.window(), limit.unit())
        };
        if let Some(set) = self.records.limits.values().find(same) {
            let message = format!("there is such a limit already, `{}`: change its amount instead", set.id);
            return Err(OrderError::Conflict { message });
        }
        self.put_limit(now, order, SubjectLimit { id, subject, limit })
    }

    pub(crate) fn change_limit(
        &mut self,
        now: i64,
        order: &Order,
        id: LimitId,
        limit: Limit,
    ) -> Result<Reply, OrderError> {
        let set = self.records.limits.get(&id).ok_or_else(|| not_found("limit", id))?;
        self.put_limit(now, order, SubjectLimit { id, subject: set.subject, limit })
    }

    pub(crate) fn remove_limit(&mut self, now: i64, order: &Order, id: LimitId) -> Result<Reply, OrderError> {
        if !self.records.limits.contains_key(&id) {
            return Err(not_found("limit", id));
        }
        let (sql, values) = records::remove(id);
        let mut change = Change::new();
        change.write(sql, values);
        let reply = self.finish(now, order, change, Reply::Done)?;
        self.records.limits.remove(&id);
        Ok(reply)
    }

    fn put_limit(&mut self, now: i64, order: &Order, set: SubjectLimit) -> Result<Reply, OrderError> {
        let (sql, values) = records::put(set.id, &set).map_err(|_| OrderError::Storage)?;
        let mut change = Change::new();
        change.write(sql, values);
        let bounds = *self.calendar.at(now);
        let state = self.limit_state(&set, &bounds, 0);
        let reply = self.finish(now, order, change, Reply::Limit(state))?;
        self.records.limits.insert(set.id, set);
        Ok(reply)
    }
}
