//! The sums as they are shown: with names, in credits and dollars.

use std::collections::BTreeMap;

use identity::{DepartmentId, KeyId, MemberId, TeamId};
use ledger::Millicredits;
use organization::protocol::Directory;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::money::dollars;
use crate::problem::Problem;
use crate::schema;
use crate::time::Time;

/// A sum as D1 answers it.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct SumRow {
    time_ms: Option<i64>,
    team: Option<TeamId>,
    member: Option<MemberId>,
    key: Option<KeyId>,
    model: Option<String>,
    provider: Option<String>,
    tag: Option<String>,
    #[serde(flatten)]
    sums: Sums,
}

#[derive(Debug, Clone, Copy, Default, Deserialize)]
struct Sums {
    requests: i64,
    failed: i64,
    input_tokens: i64,
    cached_tokens: i64,
    output_tokens: i64,
    reasoning_tokens: i64,
    /// Millicredits.
    cost: i64,
}

impl Sums {
    fn checked_add(self, other: Self) -> Option<Self> {
        Some(Self {
            requests: self.requests.checked_add(other.requests)?,
            failed: self.failed.checked_add(other.failed)?,
            input_tokens: self.input_tokens.checked_add(other.input_tokens)?,
            cached_tokens: self.cached_tokens.checked_add(other.cached_tokens)?,
            output_tokens: self.output_tokens.checked_add(other.output_tokens)?,
            reasoning_tokens: self.reasoning_tokens.checked_add(other.reasoning_tokens)?,
            cost: self.cost.checked_add(other.cost)?,
        })
    }
}

/// What was used by one group in one stretch of time. What it is not grouped by is left out.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct UsageRow {
    /// When the hour or day begins.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::Time>)]
    pub(crate) time: Option<Time>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::DepartmentId>)]
    pub(crate) department_id: Option<DepartmentId>,
    /// Its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) department: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::TeamId>)]
    pub(crate) team_id: Option<TeamId>,
    /// Its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) team: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::MemberId>)]
    pub(crate) member_id: Option<MemberId>,
    /// Their name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) member: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::KeyId>)]
    pub(crate) key_id: Option<KeyId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) model: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) provider: Option<String>,
    /// Empty for none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) tag: Option<String>,
    pub(crate) requests: i64,
    /// Of them, ended without a cost.
    pub(crate) failed: i64,
    /// Cached ones included.
    pub(crate) input_tokens: i64,
    pub(crate) cached_tokens: i64,
    /// Reasoning included.
    pub(crate) output_tokens: i64,
    pub(crate) reasoning_tokens: i64,
    #[schema(value_type = schema::Credits)]
    pub(crate) cost: Millicredits,
    /// At today's rate of the organization.
    #[schema(value_type = schema::Usd)]
    pub(crate) cost_usd: String,
}

/// What a row is about, in the order of the answer.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Group {
    time_ms: Option<i64>,
    department: Option<DepartmentId>,
    team: Option<TeamId>,
    member: Option<MemberId>,
    key: Option<KeyId>,
    model: Option<String>,
    provider: Option<String>,
    tag: Option<String>,
}

/// Gives sums their names. D1 groups by team where departments are asked for:
/// those of a department are added up, unless teams were asked for too.
pub(crate) fn report(
    directory: &Directory,
    rows: Vec<SumRow>,
    (by_department, by_team): (bool, bool),
) -> Result<Vec<UsageRow>, Problem> {
    let home: BTreeMap<_, _> =
        directory.teams.iter().map(|team| (team.profile.team, team.profile.department)).collect();
    let mut sums: BTreeMap<Group, Sums> = BTreeMap::new();
    for row in rows {
        let department = row.team.filter(|_| by_department).and_then(|team| home.get(&team).copied());
        let group = Group {
            time_ms: row.time_ms,
            department,
            team: row.team.filter(|_| by_team),
            member: row.member,
            key: row.key,
            model: row.model,
            provider: row.provider,
            tag: row.tag,
        };
        let sum = sums.entry(group).or_default();
        *sum = sum.checked_add(row.sums).ok_or_else(|| Problem::internal("a sum beyond 64 bits"))?;
    }
    let names = Names::new(directory);
    let rate = directory.general.usd_per_million_credits;
    Ok(sums.into_iter().map(|(group, sums)| names.row(group, sums, rate)).collect())
}

/// Who is called how.
struct Names<'a> {
    departments: BTreeMap<DepartmentId, &'a str>,
    teams: BTreeMap<TeamId, &'a str>,
    members: BTreeMap<MemberId, &'a str>,
}

impl<'a> Names<'a> {
    fn new(directory: &'a Directory) -> Self {
        Self {
            departments: directory.departments.iter().map(|it| (it.id, it.name.as_str())).collect(),
            teams: directory.teams.iter().map(|it| (it.profile.team, it.profile.name.as_str())).collect(),
            members: directory.members.iter().map(|it| (it.profile.member, it.profile.name.as_str())).collect(),
        }
    }

    fn row(&self, group: Group, sums: Sums, rate: pricing::CreditRate) -> UsageRow {
        let cost = Millicredits::new(sums.cost);
        UsageRow {
            time: group.time_ms.map(Time::from_ms),
            department: name(&self.departments, group.department),
            department_id: group.department,
            team: name(&self.teams, group.team),
            team_id: group.team,
            member: name(&self.members, group.member),
            member_id: group.member,
            key_id: group.key,
            model: group.model,
            provider: group.provider,
            tag: group.tag,
            requests: sums.requests,
            failed: sums.failed,
            input_tokens: sums.input_tokens,
            cached_tokens: sums.cached_tokens,
            output_tokens: sums.output_tokens,
            reasoning_tokens: sums.reasoning_tokens,
            cost,
            cost_usd: dollars(cost, rate),
        }
    }
}

fn name<I: Ord>(names: &BTreeMap<I, &str>, id: Option<I>) -> Option<String> {
    names.get(&id?).map(|name| (*name).to_owned())
}
