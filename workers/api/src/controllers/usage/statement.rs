//! The query behind a report.

use identity::TeamId;
use limits::{Window, Zone};
use organization::protocol::Directory;
use serde::de::Error;
use serde::{Deserialize, Deserializer};
use utoipa::ToSchema;

use super::{MOST_ROWS, UsageFilter};
use crate::problem::Problem;
use crate::sql::Sql;
use crate::time::Time;

const HOUR_MS: i64 = 3_600_000;
const DAY_MS: i64 = 24 * HOUR_MS;
/// Ten years: 3,660 days are so many buckets of a query.
const LONGEST_MS: i64 = 3660 * DAY_MS;
/// Sums by team from which those by department are made; a few megabytes.
const MOST_TEAM_SUMS: usize = 40_000;

/// How long a row's time is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Interval {
    /// An hour of UTC.
    Hour,
    /// A day of the organization's time zone.
    Day,
}

/// What rows can be grouped by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Dimension {
    Department,
    Team,
    Member,
    Key,
    Model,
    Provider,
    Tag,
}

impl Dimension {
    const ALL: [Self; 7] =
        [Self::Department, Self::Team, Self::Member, Self::Key, Self::Model, Self::Provider, Self::Tag];

    const fn name(self) -> &'static str {
        match self {
            Self::Department => "department",
            Self::Team => "team",
            Self::Member => "member",
            Self::Key => "key",
            Self::Model => "model",
            Self::Provider => "provider",
            Self::Tag => "tag",
        }
    }

    /// D1 does not know departments: their teams are summed up afterwards.
    const fn column(self) -> &'static str {
        match self {
            Self::Department => Self::Team.name(),
            other => other.name(),
        }
    }
}

/// Several of them, as `team,model`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Dimensions(Vec<Dimension>);

impl Dimensions {
    fn has(&self, dimension: Dimension) -> bool {
        self.0.contains(&dimension)
    }

    /// Whether departments are among them, and whether teams are.
    pub(crate) fn places(&self) -> (bool, bool) {
        (self.has(Dimension::Department), self.has(Dimension::Team))
    }

    /// The columns of D1 to group by, each once.
    fn columns(&self) -> Vec<&'static str> {
        let mut columns: Vec<_> = self.0.iter().map(|dimension| dimension.column()).collect();
        columns.sort_unstable();
        columns.dedup();
        columns
    }
}

impl<'de> Deserialize<'de> for Dimensions {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let mut dimensions = Vec::new();
        for name in text.split(',').filter(|name| !name.is_empty()) {
            let found = Dimension::ALL.into_iter().find(|dimension| dimension.name() == name);
            let known = "department, team, member, key, model, provider or tag";
            dimensions.push(found.ok_or_else(|| {
                D::Error::custom(format!(
                    "`{}` is nothing to group by: use {known}",
                    name.chars().take(40).collect::<String>()
                ))
            })?);
        }
        Ok(Self(dimensions))
    }
}

/// The time of a report, in whole hours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Period {
    from_ms: i64,
    to_ms: i64,
}

impl Period {
    /// The whole hours around what was asked for.
    pub(crate) fn new(from: Option<Time>, to: Option<Time>, now_ms: i64) -> Result<Self, Problem> {
        let to_ms = to.map_or(now_ms, Time::ms);
        let from_ms = from.map_or(to_ms.saturating_sub(30 * DAY_MS), Time::ms);
        let down = |ms: i64| ms.saturating_sub(ms.rem_euclid(HOUR_MS));
        let period = Self { from_ms: down(from_ms), to_ms: down(to_ms.saturating_add(HOUR_MS - 1)) };
        if from_ms >= to_ms {
            return Err(Problem::invalid("`from` must be before `to`"));
        }
        if period.to_ms.saturating_sub(period.from_ms) > LONGEST_MS {
            return Err(Problem::invalid("a report can be about ten years at most"));
        }
        Ok(period)
    }

    pub(crate) const fn from(self) -> Time {
        Time::from_ms(self.from_ms)
    }

    pub(crate) const fn to(self) -> Time {
        Time::from_ms(self.to_ms)
    }

    /// The stretches of time that each become a row: start and end.
    fn buckets(self, interval: Option<Interval>, zone: &Zone) -> Vec<(i64, i64)> {
        if interval != Some(Interval::Day) {
            return vec![(self.from_ms, self.to_ms)];
        }
        let mut buckets = Vec::new();
        let mut start = self.from_ms;
        while start < self.to_ms {
            let end = Window::Day.bounds(start, zone).end_ms.min(self.to_ms);
            buckets.push((start, end));
            // A day always ends after each of its moments.
            start = end.max(start.saturating_add(1));
        }
        buckets
    }
}

/// More sums than these are too many.
pub(crate) fn most_sums(asked: &UsageFilter) -> usize {
    if asked.group_by.has(Dimension::Department) { MOST_TEAM_SUMS } else { MOST_ROWS }
}

/// Sums by bucket and group.
pub(crate) fn statement(
    directory: &Directory,
    asked: &UsageFilter,
    period: Period,
    zone: &Zone,
    teams: Option<&[TeamId]>,
) -> Result<Sql, Problem> {
    let buckets = serde_json::to_string(&period.buckets(asked.interval, zone)).map_err(Problem::internal)?;
    let time = match asked.interval {
        None => "NULL",
        Some(Interval::Hour) => "hour_ms",
        Some(Interval::Day) => "bucket.value ->> 0",
    };
    let columns = asked.group_by.columns();
    let mut sql = Sql::new("SELECT json_object('time_ms', ").push(time);
    for column in &columns {
        sql = sql.push(", '").push(column).push("', usage.").push(column);
    }
    sql = sql
        .push(
            ", 'requests', sum(requests), 'failed', sum(failed), 'input_tokens', sum(input_tokens),
            'cached_tokens', sum(cached_tokens), 'output_tokens', sum(output_tokens),
            'reasoning_tokens', sum(reasoning_tokens), 'cost', sum(cost)) AS row
            FROM json_each(",
        )
        .text(buckets)
        // Each bucket is one walk along the table's key.
        .push(") AS bucket CROSS JOIN usage_hours AS usage ON usage.organization = ")
        .text(directory.organization)
        .push(" AND hour_ms >= (bucket.value ->> 0) AND hour_ms < (bucket.value ->> 1) WHERE TRUE")
        .and_within("usage.team", teams)
        .and_equal("usage.team", asked.team_id)
        .and_equal("usage.member", asked.member_id)
        .and_equal("usage.key", asked.key_id)
        .and_equal("usage.model", asked.model.as_ref())
        .and_equal("usage.provider", asked.provider.as_ref())
        .and_equal("usage.tag", asked.tag.as_ref());
    if let Some(department) = asked.department_id {
        let teams = directory.teams.iter().filter(|team| team.profile.department == department);
        let teams: Vec<_> = teams.map(|team| team.profile.team).collect();
        let teams = serde_json::to_string(&teams).map_err(Problem::internal)?;
        sql = sql.push(" AND usage.team IN (SELECT value FROM json_each(").text(teams).push("))");
    }
    let mut groups = vec![time];
    groups.extend(&columns);
    let groups =
        groups.iter().map(|group| if columns.contains(group) { format!("usage.{group}") } else { (*group).to_owned() });
    let groups = groups.collect::<Vec<_>>().join(", ");
    sql = sql.push(" GROUP BY ").push(&groups).push(" HAVING count(*) > 0 ORDER BY ").push(&groups);
    let most = i64::try_from(most_sums(asked)).unwrap_or(i64::MAX);
    Ok(sql.push(" LIMIT ").int(most.saturating_add(1)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::controllers::usage::report::{SumRow, UsageRow, report};
    use crate::sql::testing::{self, rows};
    use identity::{DepartmentId, KeyId, MemberId, OrganizationId, TeamId};

    /// 2026-03-29: in Berlin a day of 23 hours, from 23:00 UTC on the 28th.
    const BEFORE_MIDNIGHT: i64 = 1_774_738_800_000 - HOUR_MS;

    fn database() -> rusqlite::Connection {
        let database = testing::database();
        for (organization, hour, team, model, cost) in [
            (1, BEFORE_MIDNIGHT, 1, "a", i64::MAX - 10),
            (1, BEFORE_MIDNIGHT + HOUR_MS, 1, "a", 7),
            (1, BEFORE_MIDNIGHT + 2 * HOUR_MS, 2, "b", 30),
            (1, BEFORE_MIDNIGHT + 24 * HOUR_MS, 2, "a", 400),
            (2, BEFORE_MIDNIGHT, 9, "a", 5000),
        ] {
            database
                .execute(
                    "INSERT INTO usage_hours VALUES (?, ?, ?, ?, ?, ?, 'p', '', 1, 0, 2, 0, 3, 0, ?)",
                    rusqlite::params![
                        OrganizationId::from_u128(organization).to_string(),
                        hour,
                        TeamId::from_u128(team).to_string(),
                        MemberId::from_u128(team).to_string(),
                        KeyId::from_u128(team).to_string(),
                        model,
                        cost,
                    ],
                )
                .unwrap();
        }
        database
    }

    fn ask(query: &str) -> Vec<UsageRow> {
        let directory = crate::testing::directory();
        let uri = format!("/?{query}").parse().unwrap();
        let asked = axum::extract::Query::<UsageFilter>::try_from_uri(&uri).unwrap().0;
        let period = Period { from_ms: BEFORE_MIDNIGHT, to_ms: BEFORE_MIDNIGHT + 48 * HOUR_MS };
        let sql = statement(&directory, &asked, period, &Zone::parse("Europe/Berlin").unwrap(), None).unwrap();
        let sums: Vec<SumRow> = rows(&database(), sql);
        report(&directory, sums, asked.group_by.places()).unwrap()
    }

    fn costs(query: &str) -> Vec<i64> {
        ask(query).iter().map(|row| row.cost.get()).collect()
    }

    #[test]
    fn days_hours_and_all() {
        assert_eq!(costs("member_id=mem_00000000000000000000000002"), [430]);
        // Before midnight; a day of 23 hours; the day after it.
        assert_eq!(costs("interval=day"), [i64::MAX - 10, 37, 400]);
        assert_eq!(costs("interval=hour"), [i64::MAX - 10, 7, 30, 400]);
        assert_eq!(costs("model=zzz"), [0; 0]);
        assert_eq!(costs("interval=day&model=a&team_id=team_00000000000000000000000002"), [400]);
        let department = DepartmentId::from_u128(2);
        assert_eq!(costs(&format!("interval=day&department_id={department}")), [30, 400]);
        assert_eq!(costs(&format!("department_id={}", DepartmentId::from_u128(7))), [0; 0]);
    }

    #[test]
    fn groups() {
        assert_eq!(costs("group_by=model,team"), [i64::MAX - 3, 400, 30]);
        let departments = ask("group_by=department");
        let names: Vec<_> =
            departments.iter().map(|row| (row.department.as_deref(), row.cost.get(), row.team.is_none())).collect();
        assert_eq!(names, [(Some("Department 1"), i64::MAX - 3, true), (Some("Department 2"), 430, true)]);
        let both = ask("group_by=department,team,tag");
        assert!(
            both.iter().all(|row| row.team.is_some() && row.department.is_some() && row.tag.as_deref() == Some(""))
        );
        assert_eq!(ask("group_by=member")[0].member.as_deref(), Some("Member 1"));
    }

    #[test]
    fn periods() {
        let at = |ms| Some(Time::from_ms(ms));
        let period = Period::new(at(HOUR_MS + 1), at(2 * HOUR_MS + 1), 0).unwrap();
        assert_eq!((period.from_ms, period.to_ms), (HOUR_MS, 3 * HOUR_MS));
        let now = 100 * DAY_MS;
        assert_eq!(Period::new(None, None, now).unwrap(), Period { from_ms: 70 * DAY_MS, to_ms: now });
        assert!(Period::new(at(5), at(5), 0).is_err());
        assert!(Period::new(at(0), at(LONGEST_MS + HOUR_MS), 0).is_err());
        let decade = Period::new(at(0), at(LONGEST_MS), 0).unwrap();
        assert_eq!(decade.buckets(Some(Interval::Day), &Zone::UTC).len(), 3660);
    }

    #[test]
    fn nothing_else_to_group_by() {
        assert!(serde_json::from_str::<Dimensions>("\"team,cost\"").is_err());
        assert_eq!(serde_json::from_str::<Dimensions>("\"\"").unwrap(), Dimensions::default());
    }
}
