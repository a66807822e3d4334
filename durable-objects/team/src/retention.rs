//! The end of what has been kept for long enough: here, details of the audit
//! trail. How long that is stands in the organization's settings.

use journal::Change;
use storage::Storage;

use crate::Team;
use crate::protocol::OrderError;

impl<S: Storage> Team<S> {
    /// Erases the next details of records before a time; whether there may be
    /// more.
    ///
    /// # Errors
    /// When the team was never told what it is, or the database fails.
    pub fn retain(&mut self, now: i64, before_ms: i64) -> Result<bool, OrderError> {
        if self.records.profile.is_none() {
            return Err(OrderError::NotOpen);
        }
        let mut change = Change::new();
        let more = self.journal.erase_old_details(before_ms, &mut change).map_err(|_| OrderError::Storage)?;
        if !change.is_empty() {
            self.commit(now, change).map_err(|_| OrderError::Storage)?;
        }
        Ok(more)
    }
}
