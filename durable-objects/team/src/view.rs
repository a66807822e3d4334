//! Questions: what the team and a key's owner see.

use std::net::IpAddr;

use audit::Stretch;
use identity::{KeyHash, OrganizationId};
use ledger::{Account, Millicredits};
use limits::Window;
use storage::Storage;

use crate::Team;
use crate::protocol::{
    Balance, KeyView, LimitState, Me, MemberView, OrderError, Overview, ReserveError, Standing, Subject, WindowUsage,
};
use crate::records::SubjectLimit;

impl<S: Storage> Team<S> {
    /// The audit trail's records after one, oldest first.
    ///
    /// # Errors
    /// When the team was never told what it is, or the database fails.
    pub fn trail(&self, after: u64, limit: u32) -> Result<Stretch, OrderError> {
        self.records.profile.as_ref().ok_or(OrderError::NotOpen)?;
        let records = self.journal.audit_after(after, limit).map_err(|_| OrderError::Storage)?;
        Ok(Stretch { records, head: self.journal.audit_head() })
    }

    /// Everything about the team.
    ///
    /// # Errors
    /// [`OrderError::NotOpen`] before the team was told what it is.
    pub fn overview(&mut self, now: i64) -> Result<Overview, OrderError> {
        let profile = self.records.profile.clone().ok_or(OrderError::NotOpen)?;
        let limits = self.limit_states(now, |_| true);
        let members = self.records.members.values().map(|profile| MemberView {
            profile: profile.clone(),
            wallet: self.balance(Account::Wallet(profile.member)),
            boosts: self.boosts_of(profile.member),
            lent: self.balance(Account::Lent(profile.member)),
            spent: self.spent_in_all(Subject::Member(profile.member)),
        });
        Ok(Overview {
            profile,
            pool: self.balance(Account::Pool),
            members: members.collect(),
            keys: self.key_views(),
            limits,
            allotted: Millicredits::ZERO.saturating_sub(self.journal.balance(Account::Parent)),
            spent: self.journal.balance(Account::Spent),
            overrun: Millicredits::ZERO.saturating_sub(self.journal.balance(Account::Overrun)),
            open: u64::try_from(self.open.len()).unwrap_or(u64::MAX),
            outbox: u64::try_from(self.journal.outbox_len()).unwrap_or(u64::MAX),
            sequence: self.journal.sequence(),
            rows_written: self.journal.store().rows_written(),
        })
    }

    /// What a key's owner may see.
    ///
    /// # Errors
    /// [`ReserveError`] when the key may not be used, or not from there.
    pub fn me(
        &mut self,
        now: i64,
        organization: OrganizationId,
        secret: &KeyHash,
        address: Option<IpAddr>,
    ) -> Result<Me, ReserveError> {
        let key = self.authenticate(now, organization, secret)?.clone();
        let team = self.records.profile.clone().ok_or(ReserveError::UnknownKey)?;
        let member = self.records.members.get(&key.member).cloned().ok_or(ReserveError::UnknownKey)?;
        if !key.allows(address) || !team.allows(address) {
            return Err(ReserveError::AddressNotAllowed);
        }
        let subjects = [Subject::Key(key.id), Subject::Member(key.member), Subject::Team];
        let limits = self.limit_states(now, |set| subjects.contains(&set.subject));
        let bounds = *self.calendar.at(now);
        let meter = self.meters.get(&Subject::Member(key.member)).cloned().unwrap_or_default();
        let usage = Window::ALL.map(|window| WindowUsage::new(window, meter.taken(window, &bounds)));
        Ok(Me {
            wallet: self.balance(Account::Wallet(key.member)),
            boosts: self.boosts_of(key.member),
            lent: self.balance(Account::Lent(key.member)),
            borrowable: self.borrowable(now, key.member),
            pool: self.draws_from_pool().then(|| self.balance(Account::Pool)),
            draws: self.draws_of(now, key.member),
            key: self.key_view(&key),
            member,
            team,
            limits,
            usage: usage.to_vec(),
        })
    }

    /// How far the actor is.
    pub fn standing(&self) -> Standing {
        Standing {
            sequence: self.journal.sequence(),
            audit: self.journal.audit_head().sequence,
            outbox: u64::try_from(self.journal.outbox_len()).unwrap_or(u64::MAX),
            open: u64::try_from(self.open.len()).unwrap_or(u64::MAX),
        }
    }

    pub(crate) fn balance(&self, account: Account) -> Balance {
        Balance {
            balance: self.journal.balance(account),
            reserved: self.reserved(account),
            available: self.available(account),
        }
    }

    /// What colleagues who are away lend to a member, alone or with the pool.
    fn borrowable(&self, now: i64, member: identity::MemberId) -> Millicredits {
        let everybody = if self.draws_from_pool() { self.lent_to(now, None, member) } else { Vec::new() };
        let accounts = self.lent_to(now, Some(member), member).into_iter().chain(everybody);
        accounts.fold(Millicredits::ZERO, |sum, account| sum.saturating_add(self.available(account)))
    }

    fn key_views(&self) -> Vec<KeyView> {
        self.records.keys.values().map(|key| self.key_view(key)).collect()
    }

    fn limit_states(&mut self, now: i64, wanted: impl Fn(&SubjectLimit) -> bool) -> Vec<LimitState> {
        let bounds = *self.calendar.at(now);
        let sets = self.records.limits.values().filter(|set| wanted(set));
        sets.map(|set| self.limit_state(set, &bounds, 0)).collect()
    }

    pub(crate) fn spent_in_all(&self, subject: Subject) -> Millicredits {
        let Some(meter) = self.meters.get(&subject) else {
            return Millicredits::ZERO;
        };
        meter.taken(Window::Total, &[limits::Bounds::ENDLESS; 7]).used.credits
    }
}
