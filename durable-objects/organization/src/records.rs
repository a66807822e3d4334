//! What the organization's actor keeps beside the money, one JSON row each.

use std::collections::BTreeMap;

use events::TeamProfile;
use identity::{
    AdminKeyId, CalendarId, ChannelId, DepartmentId, GrantId, MemberId, OrganizationId, PlanId, PolicyId, ProviderId,
    ServiceAccountId, SessionId, TeamId, WorkloadId,
};
use ledger::Millicredits;
use policy::Grant;
use pricing::Overrides;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use storage::{Storage, StorageError, Value};

use crate::protocol::{
    AdminKeyRecord, Calendar, Channel, MemberRecord, Plan, PolicyRecord, ServiceAccount, SessionRecord,
    SetupTokenRecord, SignIn,
};
use crate::settings::{General, Provider, Workload};

pub(crate) const TABLE: &str = "CREATE TABLE IF NOT EXISTS records (
    id TEXT PRIMARY KEY,
    data TEXT NOT NULL
) STRICT, WITHOUT ROWID";

/// The price overrides are one record, for they are replaced together.
pub(crate) const OVERRIDES: &str = "overrides";
/// So are the settings of signing in.
pub(crate) const SIGN_IN: &str = "signin";
/// There is one setup token at a time.
pub(crate) const SETUP: &str = "setup";

/// The organization itself.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Profile {
    pub(crate) organization: OrganizationId,
    pub(crate) name: String,
    pub(crate) general: General,
    /// Grows with everything that the gateway must know.
    pub(crate) settings_version: u64,
    /// Grows with every change of a team or member.
    pub(crate) directory_version: u64,
    /// Grows with every change of who may do what.
    #[serde(default)]
    pub(crate) policy_version: u64,
    /// E-mail domains that are the organization's own, as the operator says.
    #[serde(default)]
    pub(crate) domains: Vec<String>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Department {
    pub(crate) id: DepartmentId,
    pub(crate) name: String,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct TeamRecord {
    pub(crate) profile: TeamProfile,
    /// When it last got something on demand, and how much in that month.
    #[serde(default)]
    pub(crate) topped_up: (i64, Millicredits),
}

/// All records, in memory.
#[derive(Debug, Default)]
pub(crate) struct Records {
    pub(crate) profile: Option<Profile>,
    pub(crate) departments: BTreeMap<DepartmentId, Department>,
    pub(crate) teams: BTreeMap<TeamId, TeamRecord>,
    pub(crate) members: BTreeMap<MemberId, MemberRecord>,
    pub(crate) admin_keys: BTreeMap<AdminKeyId, AdminKeyRecord>,
    pub(crate) service_accounts: BTreeMap<ServiceAccountId, ServiceAccount>,
    pub(crate) grants: BTreeMap<GrantId, Grant>,
    pub(crate) policies: BTreeMap<PolicyId, PolicyRecord>,
    pub(crate) providers: BTreeMap<ProviderId, Provider>,
    pub(crate) overrides: Overrides,
    pub(crate) workloads: BTreeMap<WorkloadId, Workload>,
    pub(crate) channels: BTreeMap<ChannelId, Channel>,
    pub(crate) calendars: BTreeMap<CalendarId, Calendar>,
    pub(crate) plans: BTreeMap<PlanId, Plan>,
    pub(crate) sign_in: Option<SignIn>,
    pub(crate) setup: Option<SetupTokenRecord>,
    pub(crate) sessions: BTreeMap<SessionId, SessionRecord>,
}

impl Records {
    pub(crate) fn load(store: &impl Storage) -> Result<Self, StorageError> {
        let mut records = Self::default();
        for row in store.query("SELECT id, data FROM records", &[])? {
            let data = row.text(1)?;
            match row.text(0)?.split('_').next() {
                Some("org") => records.profile = Some(read(data)?),
                Some("dep") => {
                    let department: Department = read(data)?;
                    records.departments.insert(department.id, department);
                }
                Some("team") => {
                    let team: TeamRecord = read(data)?;
                    records.teams.insert(team.profile.team, team);
                }
                Some("mem") => {
                    let member: MemberRecord = read(data)?;
                    records.members.insert(member.profile.member, member);
                }
                Some("adm") => {
                    let key: AdminKeyRecord = read(data)?;
                    records.admin_keys.insert(key.id, key);
                }
                Some("svc") => {
                    let account: ServiceAccount = read(data)?;
                    records.service_accounts.insert(account.id, account);
                }
                Some("grant") => {
                    let grant: Grant = read(data)?;
                    records.grants.insert(grant.id, grant);
                }
                Some("pol") => {
                    let policy: PolicyRecord = read(data)?;
                    records.policies.insert(policy.id, policy);
                }
                Some("prov") => {
                    let provider: Provider = read(data)?;
                    records.providers.insert(provider.id, provider);
                }
                Some("wl") => {
                    let workload: Workload = read(data)?;
                    records.workloads.insert(workload.id, workload);
                }
                Some("chan") => {
                    let channel: Channel = read(data)?;
                    records.channels.insert(channel.id, channel);
                }
                Some("cal") => {
                    let calendar: Calendar = read(data)?;
                    records.calendars.insert(calendar.id, calendar);
                }
                Some("plan") => {
                    let plan: Plan = read(data)?;
                    records.plans.insert(plan.new.id, plan);
                }
                Some("ses") => {
                    let session: SessionRecord = read(data)?;
                    records.sessions.insert(session.id, session);
                }
                Some(SIGN_IN) => records.sign_in = Some(read(data)?),
                Some(SETUP) => records.setup = Some(read(data)?),
                Some(OVERRIDES) => records.overrides = read(data)?,
                _ => {
                    return Err(StorageError::Corrupt {
                        what: "record",
                        error: format!("unknown id {}", row.text(0)?),
                    });
                }
            }
        }
        Ok(records)
    }
}

/// The statement that stores a record.
pub(crate) fn put<T: Serialize>(id: impl ToString, data: &T) -> Result<(&'static str, Vec<Value>), StorageError> {
    let data = serde_json::to_string(data).map_err(|error| corrupt(&error))?;
    let sql = "INSERT INTO records (id, data) VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET data = excluded.data";
    Ok((sql, vec![id.to_string().into(), data.into()]))
}

/// The statement that removes a record.
pub(crate) fn remove(id: impl ToString) -> (&'static str, Vec<Value>) {
    ("DELETE FROM records WHERE id = ?", vec![id.to_string().into()])
}

fn read<T: DeserializeOwned>(data: &str) -> Result<T, StorageError> {
    serde_json::from_str(data).map_err(|error| corrupt(&error))
}

fn corrupt(error: &serde_json::Error) -> StorageError {
    StorageError::Corrupt { what: "record", error: error.to_string() }
}
