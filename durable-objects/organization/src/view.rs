//! Questions: what admins and the gateway see.

use audit::Stretch;
use identity::{AdminKeyId, KeyHash};
use ledger::{Account, Millicredits};
use storage::Storage;

use crate::Organization;
use crate::protocol::{DepartmentView, Directory, OrderError, Standing, TeamView};
use crate::settings::Settings;

impl<S: Storage> Organization<S> {
    /// Which admin key this is, if it works.
    ///
    /// # Errors
    /// [`OrderError::NotOpen`] when there is no such organization.
    pub fn authorize(&self, secret: &KeyHash) -> Result<Option<AdminKeyId>, OrderError> {
        self.profile()?;
        let keys = self.records.admin_keys.values();
        Ok(keys.filter(|key| key.revoked_ms.is_none()).find(|key| key.hash == *secret).map(|key| key.id))
    }

    /// What the gateway needs.
    ///
    /// # Errors
    /// [`OrderError::NotOpen`] when there is no such organization.
    pub fn settings(&self) -> Result<Settings, OrderError> {
        let profile = self.profile()?;
        Ok(Settings {
            version: profile.settings_version,
            organization: profile.organization,
            name: profile.name.clone(),
            general: profile.general.clone(),
            providers: self.records.providers.values().cloned().collect(),
            overrides: self.records.overrides.clone(),
            workloads: self.records.workloads.values().cloned().collect(),
            rules: self.rules_for_calls(),
        })
    }

    /// Everything about the tree.
    ///
    /// # Errors
    /// [`OrderError::NotOpen`] when there is no such organization.
    pub fn directory(&self) -> Result<Directory, OrderError> {
        let profile = self.profile()?;
        let departments = self.records.departments.values().map(|department| DepartmentView {
            id: department.id,
            name: department.name.clone(),
            balance: self.journal.balance(Account::Department(department.id)),
        });
        let teams = self.records.teams.values().map(|record| TeamView {
            profile: record.profile.clone(),
            allotted: self.journal.balance(Account::Team(record.profile.team)),
        });
        Ok(Directory {
            organization: profile.organization,
            name: profile.name.clone(),
            settings_version: profile.settings_version,
            general: profile.general.clone(),
            issued: Millicredits::ZERO.saturating_sub(self.journal.balance(Account::Issued)),
            treasury: self.journal.balance(Account::Treasury),
            departments: departments.collect(),
            teams: teams.collect(),
            members: self.records.members.values().cloned().collect(),
            admin_keys: self.records.admin_keys.values().cloned().collect(),
            sequence: self.journal.sequence(),
            outbox: u64::try_from(self.journal.outbox_len()).unwrap_or(u64::MAX),
        })
    }

    /// The audit trail's records after one, oldest first.
    ///
    /// # Errors
    /// When there is no such organization, or the database fails.
    pub fn trail(&self, after: u64, limit: u32) -> Result<Stretch, OrderError> {
        self.profile()?;
        let records = self.journal.audit_after(after, limit).map_err(|_| OrderError::Storage)?;
        Ok(Stretch { records, head: self.journal.audit_head() })
    }

    /// How far the actor is, and which teams there are.
    ///
    /// # Errors
    /// [`OrderError::NotOpen`] when there is no such organization.
    pub fn standing(&self) -> Result<Standing, OrderError> {
        self.profile()?;
        Ok(Standing {
            sequence: self.journal.sequence(),
            audit: self.journal.audit_head().sequence,
            outbox: u64::try_from(self.journal.outbox_len()).unwrap_or(u64::MAX),
            teams: self.records.teams.keys().copied().collect(),
            calendars: u64::try_from(self.records.calendars.len()).unwrap_or(u64::MAX),
        })
    }
}
