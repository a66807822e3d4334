//! Changing what the gateway must know. Every change makes a new version of
//! the settings and tells every team in the same transaction.

use std::collections::BTreeSet;

use events::{Message, TeamProfile};
use identity::{Networks, ProviderId};
use journal::Change;
use limits::Zone;
use pricing::Overrides;
use storage::Storage;

use crate::Organization;
use crate::order::{invalid, not_found};
use crate::organization::write;
use crate::protocol::{Order, OrderError, Reply};
use crate::records::{self, Profile, TeamRecord};
use crate::settings::{General, Provider};

/// Tried one after another for each call.
const MOST_PROVIDERS: usize = 100;

/// Every team keeps them in memory and looks at each for every call.
const MOST_NETWORKS: usize = 200;

impl<S: Storage> Organization<S> {
    pub(crate) fn put_provider(
        &mut self,
        now: i64,
        order: &Order,
        provider: &Provider,
        new: bool,
    ) -> Result<Reply, OrderError> {
        let known = self.records.providers.contains_key(&provider.id);
        if !new && !known {
            return Err(not_found("provider", provider.id));
        }
        if new && self.records.providers.len() >= MOST_PROVIDERS {
            let message = format!("an organization can have {MOST_PROVIDERS} providers");
            return Err(OrderError::Conflict { message });
        }
        let same_name = |other: &&Provider| other.id != provider.id && other.name == provider.name;
        if let Some(other) = self.records.providers.values().find(same_name) {
            let message = format!("the provider `{}` is named `{}` already", other.id, other.name);
            return Err(OrderError::Conflict { message });
        }
        let mut change = Change::new();
        write(&mut change, provider.id, provider)?;
        let profile = self.profile()?.clone();
        let reply = Reply::Provider(Box::new(provider.clone()));
        let reply = self.change_settings(now, order, change, profile, reply)?;
        self.records.providers.insert(provider.id, provider.clone());
        Ok(reply)
    }

    pub(crate) fn remove_provider(&mut self, now: i64, order: &Order, id: ProviderId) -> Result<Reply, OrderError> {
        if !self.records.providers.contains_key(&id) {
            return Err(not_found("provider", id));
        }
        let mut change = Change::new();
        let (sql, values) = records::remove(id);
        change.write(sql, values);
        let profile = self.profile()?.clone();
        let reply = self.change_settings(now, order, change, profile, Reply::Done)?;
        self.records.providers.remove(&id);
        Ok(reply)
    }

    pub(crate) fn put_overrides(
        &mut self,
        now: i64,
        order: &Order,
        overrides: &Overrides,
    ) -> Result<Reply, OrderError> {
        let mut change = Change::new();
        write(&mut change, records::OVERRIDES, overrides)?;
        let profile = self.profile()?.clone();
        let reply = self.change_settings(now, order, change, profile, Reply::Done)?;
        self.records.overrides = overrides.clone();
        Ok(reply)
    }

    pub(crate) fn put_general(
        &mut self,
        now: i64,
        order: &Order,
        name: Option<&String>,
        general: &General,
    ) -> Result<Reply, OrderError> {
        check_general(general)?;
        let mut profile = self.profile()?.clone();
        profile.name = name.unwrap_or(&profile.name).clone();
        profile.general = general.clone();
        self.change_settings(now, order, Change::new(), profile, Reply::Done)
    }

    /// Commits a change under the settings' next version and tells the teams.
    pub(crate) fn change_settings(
        &mut self,
        now: i64,
        order: &Order,
        mut change: Change,
        mut profile: Profile,
        reply: Reply,
    ) -> Result<Reply, OrderError> {
        profile.settings_version = profile.settings_version.saturating_add(1);
        let before = &self.profile()?.general;
        let is_of_teams =
            (&before.time_zone, &before.addresses) != (&profile.general.time_zone, &profile.general.addresses);
        let mut teams = Vec::new();
        for (id, record) in &self.records.teams {
            if is_of_teams {
                profile.directory_version = profile.directory_version.saturating_add(1);
                let team = TeamProfile {
                    version: profile.directory_version,
                    time_zone: profile.general.time_zone.clone(),
                    organization_addresses: profile.general.addresses.clone(),
                    settings_version: profile.settings_version,
                    ..record.profile.clone()
                };
                let record = TeamRecord { profile: team.clone(), ..record.clone() };
                write(&mut change, id, &record)?;
                change.send(id.to_string(), Message::Team(team));
                teams.push(record);
            } else {
                change.send(id.to_string(), Message::Settings { version: profile.settings_version });
            }
        }
        write(&mut change, profile.organization, &profile)?;
        let reply = self.finish(now, order, change, reply)?;
        self.records.profile = Some(profile);
        for record in teams {
            self.records.teams.insert(record.profile.team, record);
        }
        Ok(reply)
    }
}

pub(crate) fn check_general(general: &General) -> Result<(), OrderError> {
    Zone::parse(&general.time_zone).map_err(invalid)?;
    general.retention.check()?;
    if general.approval_chains.len() > General::MOST_CHAINS {
        return Err(invalid(format!("there can be at most {} chains of approvers", General::MOST_CHAINS)));
    }
    let mut names = BTreeSet::new();
    for chain in &general.approval_chains {
        chain.check().map_err(invalid)?;
        if !names.insert(&chain.name) {
            return Err(invalid(format!("there are two chains of approvers with the name `{}`", chain.name)));
        }
    }
    if general.undo_minutes > General::MOST_UNDO_MINUTES {
        let (most, minutes) = (General::MOST_UNDO_MINUTES, general.undo_minutes);
        return Err(invalid(format!("`undo_minutes` must be 0 to {most}, not {minutes}")));
    }
    match general.addresses.as_ref().map(Networks::len) {
        Some(0) => Err(invalid("a list of `addresses` without a network lets nobody in: say `null` for all")),
        Some(count) if count > MOST_NETWORKS => {
            Err(invalid(format!("`addresses` can have {MOST_NETWORKS} networks, not {count}")))
        }
        _ => Ok(()),
    }
}
