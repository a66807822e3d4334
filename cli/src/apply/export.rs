//! Writes what is there as a file.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::file::{
    AllotmentPlan, Department, File, Grant, Member, On, Organization, Policy, Provider, Retention, ServiceAccount,
    Setting, Team, To,
};
use super::state::{self, LimitSubject, PolicySource, State};
use super::words::{OrAll, OrNone};
use crate::directory::Directory;

/// What Alfred shows in the place of a header that is secret.
const HIDDEN: &str = "…";
/// What is written in one line, wherever it stands.
const INLINE: [&str; 6] = ["allotment_plan", "change", "headers", "setting", "to", "on"];
/// The parts of a file, each after what it means.
const ORDER: [&str; 7] =
    ["organization", "departments", "providers", "prices", "service_accounts", "grants", "policies"];

/// Why there is no file of it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ExportError {
    /// A file knows them by name.
    #[error("there are several of `{0}`: give them different names first, for a file knows them by name")]
    Ambiguous(String),
    /// It says something that this client does not know.
    #[error("Alfred knows something that this client does not: {0}")]
    Unknown(String),
}

/// What is there, as a file would say it.
pub(crate) fn file(state: &State) -> Result<File, ExportError> {
    let names = Names::of(state);
    let mut file = File {
        organization: state.organization.as_ref().map(organization).transpose()?,
        prices: state.prices.clone(),
        ..File::default()
    };
    for department in &state.departments {
        let mut teams = BTreeMap::new();
        for one in state.teams.iter().filter(|one| one.department_id == department.id) {
            insert(&mut teams, &one.name, team(state, one)?)?;
        }
        insert(&mut file.departments, &department.name, Department { teams })?;
    }
    for one in &state.providers {
        insert(&mut file.providers, &one.name, provider(one)?)?;
    }
    for one in &state.service_accounts {
        let disabled = Some(true).filter(|_| one.disabled_at.is_some());
        insert(&mut file.service_accounts, &one.name, ServiceAccount { disabled })?;
    }
    for one in &state.grants {
        let (to, on) = (names.to(&one.to), names.on(&one.on));
        let (Some(to), Some(on)) = (to, on) else { return Err(ExportError::Unknown(format!("grant {}", one.id))) };
        file.grants.push(Grant { to, on, role: word(&one.role)?, until: one.until.clone(), only: one.only.clone() });
    }
    for one in &state.policies {
        insert(&mut file.policies, &one.name, policy(one, &names)?)?;
    }
    Ok(file)
}

fn insert<T>(table: &mut BTreeMap<String, T>, name: &str, value: T) -> Result<(), ExportError> {
    match table.insert(name.to_owned(), value) {
        None => Ok(()),
        Some(_) => Err(ExportError::Ambiguous(name.to_owned())),
    }
}

/// One of the words that a file may say.
fn word<T: serde::de::DeserializeOwned>(text: &str) -> Result<T, ExportError> {
    serde_json::from_value(json!(text)).map_err(|error| ExportError::Unknown(error.to_string()))
}

fn organization(there: &state::Organization) -> Result<Organization, ExportError> {
    Ok(Organization {
        name: Some(there.name.clone()),
        time_zone: Some(there.settings.time_zone.clone()),
        help: there.settings.help.clone(),
        output_limit: Some(word(&there.settings.output_limit)?),
        usd_per_million_credits: Some(there.settings.usd_per_million_credits),
        addresses: there.settings.addresses.clone().map(OrAll::These),
        leaver_credits: Some(word(&there.settings.leaver_credits)?),
        retention: Some(retention(&there.settings.retention)),
    })
}

fn retention(there: &state::Retention) -> Retention {
    let days = |days: Option<u32>| Some(days.unwrap_or(0));
    Retention {
        requests: days(there.requests),
        usage: days(there.usage),
        audit_details: days(there.audit_details),
        notifications: days(there.notifications),
        dead_letters: days(there.dead_letters),
        sessions: days(there.sessions),
    }
}

fn team(state: &State, there: &state::Team) -> Result<Team, ExportError> {
    let mut members = BTreeMap::new();
    for one in state.members.iter().filter(|one| one.team_id == there.id) {
        let member = Member {
            email: one.email.clone(),
            status: Some(one.status.as_str()).filter(|status| *status != "active").map(word).transpose()?,
            models: one.models.clone().map(OrAll::These),
            limits: limits(state, there, &LimitSubject::Member { id: one.id })?,
        };
        insert(&mut members, &one.name, member)?;
    }
    let plan = |plan: &state::AllotmentPlan| AllotmentPlan {
        chunk: plan.chunk,
        low_water: plan.low_water,
        monthly_cap: plan.monthly_cap,
    };
    Ok(Team {
        allotment_plan: there.allotment_plan.as_ref().map(|there| OrNone::This(plan(there))),
        pool_draw: Some(word(&there.pool_draw)?),
        pool_rules: there.pool_rules.map(OrNone::This),
        models: there.models.clone().map(OrAll::These),
        addresses: there.addresses.clone().map(OrAll::These),
        limits: limits(state, there, &LimitSubject::Team)?,
        members,
    })
}

fn limits(state: &State, team: &state::Team, subject: &LimitSubject) -> Result<Vec<limits::Limit>, ExportError> {
    let own = state.limits.iter().filter(|limit| limit.team_id == team.id && limit.subject == *subject);
    let written = own.map(|limit| {
        let fields = json!({
            "kind": limit.kind, "window": limit.window, "unit": limit.unit, "amount": limit.amount,
        });
        serde_json::from_value(fields).map_err(|error| ExportError::Unknown(error.to_string()))
    });
    written.collect()
}

fn provider(there: &state::Provider) -> Result<Provider, ExportError> {
    let shown = there.headers.iter().filter(|(_, value)| *value != HIDDEN);
    Ok(Provider {
        kind: Some(word(&there.kind)?),
        base_url: Some(there.base_url.clone()).filter(|url| !url.is_empty()),
        api_key_env: there.has_key.then(|| variable(&there.name)),
        models: Some(there.models.clone()),
        prices: there.prices.clone(),
        limit_field: Some(word(&there.limit_field)?),
        header_timeout_seconds: Some(there.header_timeout_seconds),
        idle_timeout_seconds: Some(there.idle_timeout_seconds),
        headers: shown.map(|(name, value)| (name.clone(), value.clone())).collect(),
    })
}

/// The variable that would have a provider's key: `OPENAI_API_KEY`.
fn variable(name: &str) -> String {
    let letter = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' };
    format!("{}_API_KEY", name.chars().map(letter).collect::<String>())
}

fn policy(there: &state::Policy, names: &Names) -> Result<Policy, ExportError> {
    let mode = Some(word(&there.mode)?);
    Ok(match &there.source {
        PolicySource::Cedar(text) => Policy { mode, cedar: Some(text.clone()), setting: None },
        PolicySource::Setting(setting) => {
            let unknown = || ExportError::Unknown(format!("policy {}", there.id));
            let on = setting.on.as_ref().map(|id| names.on(id).ok_or_else(unknown)).transpose()?;
            let path = |id: &String| match names.to(id) {
                Some(To::Member(path)) => Ok(path),
                _ => Err(unknown()),
            };
            let members = setting.members.as_ref().map(|ids| ids.iter().map(path).collect::<Result<_, _>>());
            let setting = Setting {
                kind: setting.kind.clone(),
                on,
                most: setting.most,
                most_a_day: setting.most_a_day,
                within: setting.within.clone(),
                approval: setting.approval.clone(),
                allowed: setting.allowed,
                only: setting.only.clone(),
                members: members.transpose()?,
            };
            Policy { mode, cedar: None, setting: Some(setting) }
        }
    })
}

/// Names of what grants and policies mean, by id.
struct Names {
    on: BTreeMap<String, On>,
    to: BTreeMap<String, To>,
}

impl Names {
    fn of(state: &State) -> Self {
        let directory = Directory {
            departments: state.departments.clone(),
            teams: state.teams.clone(),
            members: state.members.clone(),
        };
        let organization = state.organization.iter().map(|one| (one.id.to_string(), On::Organization));
        let departments = state.departments.iter().map(|one| (one.id.to_string(), On::Department(one.name.clone())));
        let teams = state.teams.iter().map(|one| (one.id.to_string(), On::Team(directory.team_path(one))));
        let members = state.members.iter().map(|one| (one.id.to_string(), To::Member(directory.member_path(one))));
        let accounts = state.service_accounts.iter();
        let accounts = accounts.map(|one| (one.id.to_string(), To::ServiceAccount(one.name.clone())));
        Self { on: organization.chain(departments).chain(teams).collect(), to: members.chain(accounts).collect() }
    }

    fn on(&self, id: &str) -> Option<On> {
        self.on.get(id).cloned()
    }

    fn to(&self, id: &str) -> Option<To> {
        self.to.get(id).cloned()
    }
}

/// The file's text: a table for each thing, everything small in one line.
pub(crate) fn write(file: &File) -> Result<String, ExportError> {
    let table = toml::Table::try_from(file).map_err(|error| ExportError::Unknown(error.to_string()))?;
    let mut text = String::new();
    for name in ORDER {
        let part = table.get(name).map(|value| toml::Table::from_iter([(name.to_owned(), value.clone())]));
        section(&mut text, "", &part.unwrap_or_default());
    }
    Ok(text.trim_start().to_owned())
}

fn section(text: &mut String, path: &str, table: &toml::Table) {
    let is_section = |name: &str, value: &toml::Value| value.is_table() && !INLINE.contains(&name);
    let is_list = |name: &str, value: &toml::Value| {
        path.is_empty()
            && !INLINE.contains(&name)
            && value.as_array().is_some_and(|list| list.iter().all(toml::Value::is_table))
    };
    for (name, value) in table.iter().filter(|(name, value)| !is_section(name, value) && !is_list(name, value)) {
        text.push_str(&format!("{} = {value}\n", key(name)));
    }
    for (name, value) in table {
        let path = if path.is_empty() { key(name) } else { format!("{path}.{}", key(name)) };
        match value {
            toml::Value::Table(inner) if is_section(name, value) => {
                // A table that only has others needs no header.
                if inner.is_empty() || inner.iter().any(|(name, value)| !is_section(name, value)) {
                    text.push_str(&format!("\n[{path}]\n"));
                }
                section(text, &path, inner);
            }
            toml::Value::Array(list) if is_list(name, value) => {
                for item in list.iter().filter_map(toml::Value::as_table) {
                    text.push_str(&format!("\n[[{path}]]\n"));
                    section(text, &path, item);
                }
            }
            _ => {}
        }
    }
}

/// A name as a key of TOML.
fn key(name: &str) -> String {
    let bare = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if !name.is_empty() && name.chars().all(bare) {
        return name.to_owned();
    }
    // JSON's escapes are TOML's, and no name has a control character.
    Value::from(name).to_string()
}
