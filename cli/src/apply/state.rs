//! What is there: the API's resources, as far as this client looks into them.
//!
//! A test holds every field against the OpenAPI document.

use std::collections::BTreeMap;

use identity::{
    DepartmentId, GrantId, LimitId, MemberId, Networks, OrganizationId, PolicyId, ProviderId, ServiceAccountId,
    ServiceKeyId, TeamId,
};
use jiff::Timestamp;
use ledger::Millicredits;
use limits::{LimitAmount, PoolRules};
use pricing::{Override, Usd};
use serde::{Deserialize, Serialize};

use super::file::File;
use crate::api::{Api, operations as ops};
use crate::failure::Failure;

macro_rules! wire {
    ($($(#[$doc:meta])* $name:ident { $($field:ident: $type:ty),* $(,)? })*) => {
        $(
            $(#[$doc])*
            #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
            pub(crate) struct $name { $(pub(crate) $field: $type),* }

            #[cfg(test)]
            impl crate::document::Fits for $name {
                fn fits(document: &crate::document::Document, schema: &serde_json::Value) -> bool {
                    document.is(schema, stringify!($name))
                }
            }
        )*

        /// Each with its fields and whether what the document says of them fits.
        #[cfg(test)]
        pub(crate) fn check_all(document: &crate::document::Document) {
            $($(
                let schema = document.field(stringify!($name), stringify!($field));
                let fits = <$type as crate::document::Fits>::fits(document, &schema);
                assert!(fits, "{}.{}: {schema}", stringify!($name), stringify!($field));
            )*)*
        }
    };
}

wire! {
    /// The organization.
    Organization { id: OrganizationId, name: String, settings: OrganizationSettings }
    /// Its settings.
    OrganizationSettings {
        help: Option<String>,
        output_limit: String,
        time_zone: String,
        usd_per_million_credits: Usd,
        addresses: Option<Networks>,
        leaver_credits: String,
        retention: Retention,
    }
    /// For how many days records are kept; none for ever.
    Retention {
        requests: Option<u32>,
        usage: Option<u32>,
        audit_details: Option<u32>,
        notifications: Option<u32>,
        dead_letters: Option<u32>,
        sessions: Option<u32>,
    }
    /// A department.
    Department { id: DepartmentId, name: String }
    /// A team.
    Team {
        id: TeamId,
        department_id: DepartmentId,
        name: String,
        allotment_plan: Option<AllotmentPlan>,
        pool_draw: String,
        pool_rules: Option<PoolRules>,
        models: Option<Vec<String>>,
        addresses: Option<Networks>,
    }
    /// How its pool is refilled.
    AllotmentPlan { chunk: Millicredits, low_water: Millicredits, monthly_cap: Option<Millicredits> }
    /// A member.
    Member {
        id: MemberId,
        team_id: TeamId,
        name: String,
        email: Option<String>,
        status: String,
        models: Option<Vec<String>>,
    }
    /// A limit.
    Limit {
        id: LimitId,
        team_id: TeamId,
        subject: LimitSubject,
        kind: String,
        window: String,
        unit: String,
        amount: LimitAmount,
    }
    /// A provider.
    Provider {
        id: ProviderId,
        name: String,
        kind: String,
        base_url: String,
        has_key: bool,
        models: Vec<String>,
        prices: Option<String>,
        headers: BTreeMap<String, String>,
        limit_field: String,
        header_timeout_seconds: u32,
        idle_timeout_seconds: u32,
    }
    /// All own prices.
    Overrides { overrides: Vec<Override> }
    /// A program that manages.
    ServiceAccount { id: ServiceAccountId, name: String, disabled_at: Option<String>, keys: Vec<ServiceKey> }
    /// Its key.
    ServiceKey { id: ServiceKeyId, hint: String, scopes: Option<Vec<String>> }
    /// A role that somebody has.
    Grant {
        id: GrantId,
        to: String,
        role: String,
        on: String,
        until: Option<String>,
        only: Option<Vec<String>>,
        lender: Option<MemberId>,
    }
    /// A policy.
    Policy { id: PolicyId, version: u32, name: String, source: PolicySource, mode: String }
}

/// Whom a limit is on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(crate) enum LimitSubject {
    Team,
    Member { id: MemberId },
    Key { id: String },
}

/// What a policy says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum PolicySource {
    Cedar(String),
    Setting(Setting),
}

/// What a setting can say. A kind has some of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Setting {
    pub(crate) kind: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) on: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) most: Option<Millicredits>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) most_a_day: Option<Millicredits>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) within: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) approval: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) allowed: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) only: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) members: Option<Vec<String>>,
}

/// Everything that a file can speak of, or as much as this one does.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct State {
    pub(crate) organization: Option<Organization>,
    pub(crate) departments: Vec<Department>,
    pub(crate) teams: Vec<Team>,
    pub(crate) members: Vec<Member>,
    pub(crate) limits: Vec<Limit>,
    pub(crate) providers: Vec<Provider>,
    pub(crate) prices: Vec<Override>,
    pub(crate) service_accounts: Vec<ServiceAccount>,
    pub(crate) grants: Vec<Grant>,
    pub(crate) policies: Vec<Policy>,
}

impl State {
    /// Asks for what a file speaks of: whoever manages a team need not be
    /// permitted to see the rest. Without a file, or where what the file does
    /// not have shall go, for everything.
    pub(crate) fn read(api: &Api, file: Option<&File>) -> Result<Self, Failure> {
        let wanted = |speaks: fn(&File) -> bool| file.is_none_or(speaks);
        let mut state = Self::default();
        if wanted(|file| file.organization.is_some() || !file.grants.is_empty() || !file.policies.is_empty()) {
            let answer = api.call(ops::GET_ORGANIZATION, &[])?;
            state.organization = Some(api.read(ops::GET_ORGANIZATION, answer)?);
        }
        if wanted(|file| !file.departments.is_empty() || !file.grants.is_empty() || !file.policies.is_empty()) {
            state.departments = api.all(ops::LIST_DEPARTMENTS, &[])?;
            state.teams = api.all(ops::LIST_TEAMS, &[])?;
            state.members = api.all(ops::LIST_MEMBERS, &[])?;
        }
        for team in &state.teams {
            let spoken_of = |file: &File| file.departments.values().any(|one| one.teams.contains_key(&team.name));
            if file.is_none_or(spoken_of) {
                state.limits.extend(api.all::<Limit>(ops::LIST_LIMITS, &[&team.id.to_string()])?);
            }
        }
        if wanted(|file| !file.providers.is_empty()) {
            state.providers = api.all(ops::LIST_PROVIDERS, &[])?;
        }
        if wanted(|file| !file.prices.is_empty()) {
            let answer = api.call(ops::GET_OVERRIDES, &[])?;
            state.prices = api.read::<Overrides>(ops::GET_OVERRIDES, answer)?.overrides;
        }
        if wanted(|file| !file.service_accounts.is_empty() || !file.grants.is_empty()) {
            state.service_accounts = api.all(ops::LIST_SERVICE_ACCOUNTS, &[])?;
        }
        if wanted(|file| !file.grants.is_empty()) {
            let now = Timestamp::now();
            state.grants = api.all(ops::LIST_GRANTS, &[])?;
            state.grants.retain(|grant| is_configured(grant, now));
        }
        if wanted(|file| !file.policies.is_empty()) {
            state.policies = api.all(ops::LIST_POLICIES, &[])?;
        }
        Ok(state)
    }
}

/// What was lent is its lender's to take back, and what is over is over.
fn is_configured(grant: &Grant, now: Timestamp) -> bool {
    let over = grant.until.as_ref().and_then(|until| until.parse::<Timestamp>().ok()).is_some_and(|until| until <= now);
    grant.lender.is_none() && !over
}
