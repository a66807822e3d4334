//! Who may do what: deciding it, and changing it.

mod admit;
mod grants;
mod policies;
mod services;
mod watch;
mod workloads;

pub(crate) use admit::Strangers;
pub(crate) use policies::VERSIONS_TABLE;
pub(crate) use watch::{TABLE as COUNTS_TABLE, Watch};

use journal::Change;
use storage::Storage;

use crate::Organization;
use crate::organization::write;
use crate::protocol::{Access, Order, OrderError, Reply};

impl<S: Storage> Organization<S> {
    /// Who has which role, and the policies.
    ///
    /// # Errors
    /// [`OrderError::NotOpen`] when there is no such organization.
    pub fn access(&self) -> Result<Access, OrderError> {
        Ok(Access {
            policy_version: self.profile()?.policy_version,
            grants: self.records.grants.values().cloned().collect(),
            service_accounts: self.records.service_accounts.values().cloned().collect(),
            policies: self.records.policies.values().cloned().collect(),
            would_differ: self.would_differ(),
        })
    }

    /// Commits a change of who may do what, under the next version.
    fn change_access(
        &mut self,
        now: i64,
        order: &Order,
        mut change: Change,
        reply: Reply,
    ) -> Result<Reply, OrderError> {
        let mut profile = self.profile()?.clone();
        profile.policy_version = profile.policy_version.saturating_add(1);
        write(&mut change, profile.organization, &profile)?;
        let reply = self.finish(now, order, change, reply)?;
        self.records.profile = Some(profile);
        Ok(reply)
    }
}
