//! What a configuration file says.
//!
//! Names are keys of tables: within their parent there is one of each. What is
//! left out stays as it is; what a name does not have is written out (`"all"`,
//! `"none"`, an empty text). A field that there is not is an error.

use std::collections::BTreeMap;

use identity::Networks;
use ledger::Millicredits;
use limits::{Limit, PoolRules};
use pricing::{Override, Usd};
use serde::{Deserialize, Serialize};

use super::words::{
    LeaverCredits, LimitField, MemberStatus, OrAll, OrNone, OutputLimit, PolicyMode, PoolDraw, ProviderKind, Role,
};

/// Why a file cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum FileError {
    /// It is not TOML, or says what there is not. Names the line.
    #[error("{0}")]
    Unreadable(String),
    /// Alfred would cut the spaces off, and the name would never be found again.
    #[error("the name `{0}` is empty, or begins or ends with a space")]
    Name(String),
}

macro_rules! tables {
    ($($(#[$doc:meta])* $name:ident { $($(#[$more:meta])* $field:ident: $type:ty),* $(,)? })*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
        #[serde(deny_unknown_fields, default)]
        pub(crate) struct $name { $($(#[$more])* pub(crate) $field: $type),* }
    )*};
}

tables! {
    /// The whole file.
    File {
        #[serde(skip_serializing_if = "Option::is_none")]
        organization: Option<Organization>,
        #[serde(skip_serializing_if = "BTreeMap::is_empty")]
        departments: BTreeMap<String, Department>,
        #[serde(skip_serializing_if = "BTreeMap::is_empty")]
        providers: BTreeMap<String, Provider>,
        #[serde(skip_serializing_if = "Vec::is_empty")]
        prices: Vec<Override>,
        #[serde(skip_serializing_if = "BTreeMap::is_empty")]
        service_accounts: BTreeMap<String, ServiceAccount>,
        #[serde(skip_serializing_if = "Vec::is_empty")]
        grants: Vec<Grant>,
        #[serde(skip_serializing_if = "BTreeMap::is_empty")]
        policies: BTreeMap<String, Policy>,
    }
    /// Settings of the organization.
    Organization {
        #[serde(skip_serializing_if = "Option::is_none")]
        name: Option<String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        time_zone: Option<String>,
        /// Empty for none.
        #[serde(skip_serializing_if = "Option::is_none")]
        help: Option<String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        output_limit: Option<OutputLimit>,
        #[serde(skip_serializing_if = "Option::is_none")]
        usd_per_million_credits: Option<Usd>,
        #[serde(skip_serializing_if = "Option::is_none")]
        addresses: Option<OrAll<Networks>>,
        #[serde(skip_serializing_if = "Option::is_none")]
        leaver_credits: Option<LeaverCredits>,
        #[serde(skip_serializing_if = "Option::is_none")]
        retention: Option<Retention>,
    }
    /// For how many days records are kept; 0 for ever.
    Retention {
        #[serde(skip_serializing_if = "Option::is_none")]
        requests: Option<u32>,
        #[serde(skip_serializing_if = "Option::is_none")]
        usage: Option<u32>,
        #[serde(skip_serializing_if = "Option::is_none")]
        audit_details: Option<u32>,
        #[serde(skip_serializing_if = "Option::is_none")]
        notifications: Option<u32>,
        #[serde(skip_serializing_if = "Option::is_none")]
        dead_letters: Option<u32>,
        #[serde(skip_serializing_if = "Option::is_none")]
        sessions: Option<u32>,
    }
    /// A department.
    Department {
        #[serde(skip_serializing_if = "BTreeMap::is_empty")]
        teams: BTreeMap<String, Team>,
    }
    /// A team.
    Team {
        #[serde(skip_serializing_if = "Option::is_none")]
        allotment_plan: Option<OrNone<AllotmentPlan>>,
        #[serde(skip_serializing_if = "Option::is_none")]
        pool_draw: Option<PoolDraw>,
        #[serde(skip_serializing_if = "Option::is_none")]
        pool_rules: Option<OrNone<PoolRules>>,
        #[serde(skip_serializing_if = "Option::is_none")]
        models: Option<OrAll<Vec<String>>>,
        #[serde(skip_serializing_if = "Option::is_none")]
        addresses: Option<OrAll<Networks>>,
        #[serde(skip_serializing_if = "Vec::is_empty")]
        limits: Vec<Limit>,
        #[serde(skip_serializing_if = "BTreeMap::is_empty")]
        members: BTreeMap<String, Member>,
    }
    /// A member.
    Member {
        /// Empty for none.
        #[serde(skip_serializing_if = "Option::is_none")]
        email: Option<String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        status: Option<MemberStatus>,
        #[serde(skip_serializing_if = "Option::is_none")]
        models: Option<OrAll<Vec<String>>>,
        #[serde(skip_serializing_if = "Vec::is_empty")]
        limits: Vec<Limit>,
    }
    /// A provider.
    Provider {
        #[serde(skip_serializing_if = "Option::is_none")]
        kind: Option<ProviderKind>,
        #[serde(skip_serializing_if = "Option::is_none")]
        base_url: Option<String>,
        /// The variable of the environment that has its key.
        #[serde(skip_serializing_if = "Option::is_none")]
        api_key_env: Option<String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        models: Option<Vec<String>>,
        /// Empty for its own name.
        #[serde(skip_serializing_if = "Option::is_none")]
        prices: Option<String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        limit_field: Option<LimitField>,
        #[serde(skip_serializing_if = "Option::is_none")]
        header_timeout_seconds: Option<u32>,
        #[serde(skip_serializing_if = "Option::is_none")]
        idle_timeout_seconds: Option<u32>,
        #[serde(skip_serializing_if = "BTreeMap::is_empty")]
        headers: BTreeMap<String, String>,
    }
    /// A program that manages.
    ServiceAccount {
        #[serde(skip_serializing_if = "Option::is_none")]
        disabled: Option<bool>,
    }
    /// A policy, by either `cedar` or `setting`.
    Policy {
        #[serde(skip_serializing_if = "Option::is_none")]
        mode: Option<PolicyMode>,
        #[serde(skip_serializing_if = "Option::is_none")]
        cedar: Option<String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        setting: Option<Setting>,
    }
    /// A policy's setting. Which fields a kind has is Alfred's to say.
    Setting {
        kind: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        on: Option<On>,
        #[serde(skip_serializing_if = "Option::is_none")]
        most: Option<Millicredits>,
        #[serde(skip_serializing_if = "Option::is_none")]
        most_a_day: Option<Millicredits>,
        #[serde(skip_serializing_if = "Option::is_none")]
        within: Option<String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        approval: Option<String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        allowed: Option<bool>,
        #[serde(skip_serializing_if = "Option::is_none")]
        only: Option<Vec<String>>,
        /// Their paths.
        #[serde(skip_serializing_if = "Option::is_none")]
        members: Option<Vec<String>>,
    }
}

/// How a team's pool is refilled.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct AllotmentPlan {
    pub(crate) chunk: Millicredits,
    pub(crate) low_water: Millicredits,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) monthly_cap: Option<Millicredits>,
}

/// A role for somebody.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Grant {
    pub(crate) to: To,
    pub(crate) role: Role,
    pub(crate) on: On,
    /// A time, RFC 3339.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) until: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) only: Option<Vec<String>>,
}

/// Who has a role.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum To {
    /// By path: `Research/Vision/alan`.
    Member(String),
    /// By name.
    ServiceAccount(String),
}

/// Where a role or policy holds, and below.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum On {
    /// Everywhere.
    Organization,
    /// By name.
    Department(String),
    /// By path: `Research/Vision`.
    Team(String),
}

impl File {
    /// Reads a file.
    pub(crate) fn parse(text: &str) -> Result<Self, FileError> {
        let file: Self = toml::from_str(text).map_err(|error| FileError::Unreadable(error.to_string()))?;
        let teams = || file.departments.values().flat_map(|department| &department.teams);
        let names = file.departments.keys().chain(teams().map(|(name, _)| name));
        let names = names.chain(teams().flat_map(|(_, team)| team.members.keys()));
        let names = names.chain(file.providers.keys()).chain(file.service_accounts.keys()).chain(file.policies.keys());
        for name in names {
            if name.trim() != name || name.is_empty() {
                return Err(FileError::Name(name.clone()));
            }
        }
        Ok(file)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_there_is_not_is_named_with_its_line() {
        for (text, line, words) in [
            ("[departments.Research]\ncolour = 1", "line 2", "colour"),
            ("[departments.R.teams.V]\n\nmodel = []", "line 3", "model"),
            ("[departments.R.teams.V]\nmodels = 'some'", "line 2", "all"),
            ("[departments.R.teams.V.members.a]\nstatus = 'gone'", "line 2", "gone"),
            ("[departments.R.teams.V]\nallotment_plan = { chunk = 1000, low_water = '1' }", "line 2", "integer"),
            ("[departments.R.teams.V]\nallotment_plan = { chunk = '1', low_water = '1', cap = '1' }", "line 2", "cap"),
            ("[departments.R.teams.V]\nlimits = [{ window = 'day', unit = 'tokens', amount = 1.5 }]", "line 2", "1.5"),
            (
                "[departments.R.teams.V]\nlimits = [{ window = 'day', unit = 'tokens', amount = '1' }]",
                "line 2",
                "tokens",
            ),
            ("[[grants]]\nto = { robot = 'x' }\nrole = 'finance'\non = 'organization'", "line 2", "robot"),
            ("[[prices]]\nmodel = 'a'\nchange = { discount_basis_points = 10001 }", "line 3", "10001"),
            ("[policies.p]\nsetting = { kind = 'boosts', most = '1', colour = 1 }", "line 2", "colour"),
            ("[departments.R]\n[departments.R]", "line 2", "R"),
        ] {
            let error = File::parse(text).unwrap_err().to_string();
            assert!(error.contains(line) && error.contains(words), "{text}: {error}");
        }
        assert_eq!(File::parse("[departments.' R']"), Err(FileError::Name(" R".into())));
        assert_eq!(File::parse(""), Ok(File::default()));
    }

    #[test]
    fn nothing_is_written_out() {
        let text = "[departments.R.teams.V]\nallotment_plan = 'none'\nmodels = 'all'\naddresses = ['10.0.0.0/8']";
        let file = File::parse(text).unwrap();
        let team = &file.departments["R"].teams["V"];
        assert_eq!(team.allotment_plan, Some(OrNone::None));
        assert_eq!(team.models, Some(OrAll::All));
        assert!(matches!(team.addresses, Some(OrAll::These(_))));
        assert_eq!(team.pool_draw, None);
    }
}
