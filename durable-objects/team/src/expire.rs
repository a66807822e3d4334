//! Calls of which nothing was heard in time.

use identity::RequestId;
use ledger::mutant::{self, Mutant};
use ledger::{Kind, Metered, Outcome};
use storage::{Storage, StorageError};

use crate::Team;
use crate::protocol::Tokens;
use crate::settle::End;

/// So many in one go; the alarm comes back for the rest. Each is a
/// transaction of two rows.
const AT_A_TIME: usize = 200;

impl<S: Storage> Team<S> {
    /// Ends every reservation whose time is over: paid at what was last
    /// reported, at least its likely input, and marked for reconciliation. A
    /// late settle corrects it.
    ///
    /// # Errors
    /// When the database fails; what was not ended stays open.
    pub fn expire(&mut self, now: i64) -> Result<Vec<RequestId>, StorageError> {
        if mutant::is_active(Mutant::ForgetExpiry) {
            return Ok(Vec::new());
        }
        let over = self.open.values().filter(|reservation| reservation.expires_ms <= now);
        let over: Vec<_> = over.take(AT_A_TIME).cloned().collect();
        let mut expired = Vec::with_capacity(over.len());
        for reservation in over {
            let end = End {
                kind: Kind::Expire,
                outcome: Outcome::Expired,
                metered: Metered::Nothing,
                cost: reservation.due,
                tokens: Tokens { input: reservation.due_tokens, ..Tokens::default() },
                reconcile: true,
                ended_ago_ms: 0,
            };
            self.end(now, &reservation, &end).map_err(|error| StorageError::Sql(error.to_string()))?;
            expired.push(reservation.request);
        }
        Ok(expired)
    }

    /// When the next reservation expires.
    pub(crate) fn next_expiry(&self) -> Option<i64> {
        if mutant::is_active(Mutant::ForgetExpiry) {
            return None;
        }
        self.open.values().map(|reservation| reservation.expires_ms).min()
    }
}
