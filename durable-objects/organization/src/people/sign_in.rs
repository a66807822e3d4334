//! The settings of signing in.

use journal::Change;
use openid::Transport;
use storage::Storage;

use crate::Organization;
use crate::order::{invalid, not_found};
use crate::organization::write;
use crate::protocol::{GroupGrant, Order, OrderError, Reply, SetupTokenRecord, SignIn};
use crate::records::{self, SETUP, SIGN_IN};

/// They are looked through at each sign-in.
const MOST_RULES: usize = 500;
const MOST_DOMAINS: usize = 100;
/// Three months.
const MOST_HOURS: u32 = 24 * 92;
/// A setup token is for now, not for later.
const LONGEST_SETUP_MS: i64 = 7 * 24 * 60 * 60 * 1000;

impl<S: Storage> Organization<S> {
    pub(crate) fn put_sign_in(&mut self, now: i64, order: &Order, put: &SignIn) -> Result<Reply, OrderError> {
        self.check_sign_in(put)?;
        let version = self.records.sign_in.as_ref().map_or(0, |old| old.version);
        let sign_in = SignIn { version: version.saturating_add(1), ..put.clone() };
        let mut plan = self.plan()?;
        self.plan_rules(now, &mut plan, &sign_in)?;
        let mut change = plan.change()?;
        write(&mut change, SIGN_IN, &sign_in)?;
        let reply = self.finish(now, order, change, Reply::SignIn(Box::new(sign_in.clone())))?;
        self.keep(plan);
        self.records.sign_in = Some(sign_in);
        Ok(reply)
    }

    /// Nobody signs in any more. Sessions go on until they end, or are ended.
    pub(crate) fn remove_sign_in(&mut self, now: i64, order: &Order) -> Result<Reply, OrderError> {
        if self.records.sign_in.is_none() {
            return Err(not_found("sign-in of", self.profile()?.organization));
        }
        let mut change = Change::new();
        let (sql, values) = records::remove(SIGN_IN);
        change.write(sql, values);
        let reply = self.finish(now, order, change, Reply::Done)?;
        self.records.sign_in = None;
        Ok(reply)
    }

    pub(crate) fn put_domains(&mut self, now: i64, order: &Order, domains: &[String]) -> Result<Reply, OrderError> {
        if domains.len() > MOST_DOMAINS {
            return Err(invalid(format!("an organization can have {MOST_DOMAINS} e-mail domains")));
        }
        let mut profile = self.profile()?.clone();
        domains.clone_into(&mut profile.domains);
        let mut change = Change::new();
        write(&mut change, profile.organization, &profile)?;
        let reply = self.finish(now, order, change, Reply::Done)?;
        self.records.profile = Some(profile);
        Ok(reply)
    }

    /// One token at a time: another takes the place of the one before.
    pub(crate) fn put_setup_token(
        &mut self,
        now: i64,
        order: &Order,
        token: &SetupTokenRecord,
    ) -> Result<Reply, OrderError> {
        if token.expires_ms <= now || token.expires_ms.saturating_sub(now) > LONGEST_SETUP_MS {
            return Err(invalid("a setup token works for seven days at most"));
        }
        let mut change = Change::new();
        write(&mut change, SETUP, token)?;
        let reply = self.finish(now, order, change, Reply::Done)?;
        self.records.setup = Some(token.clone());
        Ok(reply)
    }

    fn check_sign_in(&self, put: &SignIn) -> Result<(), OrderError> {
        // Whether it may be on this machine is the shell's to say.
        put.provider.profile(Transport::HttpOnLoopback).map_err(invalid)?;
        if put.algorithms.is_empty() {
            return Err(invalid("`algorithms` is empty: then no token could be accepted"));
        }
        if put.groups.len() > MOST_RULES {
            return Err(invalid(format!("a sign-in can have {MOST_RULES} rules for groups")));
        }
        if !(1..=MOST_HOURS).contains(&put.session_hours) {
            return Err(invalid(format!("`session_hours` must be 1 to {MOST_HOURS}, not {}", put.session_hours)));
        }
        let teams = put.groups.iter().filter_map(|rule| match &rule.grants {
            GroupGrant::Team { team } => Some(team),
            GroupGrant::Role { .. } => None,
        });
        for team in teams.chain(&put.default_team) {
            if !self.records.teams.contains_key(team) {
                return Err(not_found("team", team));
            }
        }
        for rule in &put.groups {
            let GroupGrant::Role { role, on } = rule.grants else { continue };
            if self.path(on).is_none() {
                return Err(not_found("node", on));
            }
            if !role.fits(on) {
                return Err(invalid(format!("the role `{role}` makes no sense on `{on}`: choose a node above")));
            }
        }
        Ok(())
    }
}
