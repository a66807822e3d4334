//! The caller's own organization.

use std::net::IpAddr;

use ::approvals::Chain;
use identity::{Networks, OrganizationId, Principal};
use ledger::Millicredits;
use organization::protocol::{Act, Directory, HasTag};
use organization::{General, LeaverCredits, OutputLimit, Retention};
use pricing::CreditRate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::organizations::write_index;
use crate::extract::{Action, Body, Caller, Target};
use crate::problem::{Code, Problem};
use crate::schema;
use crate::tags::Tagged;
use crate::text::{Help, Name, given, object};

/// An organization.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Organization {
    #[schema(value_type = schema::OrganizationId)]
    id: OrganizationId,
    name: String,
    settings: OrganizationSettings,
    /// Grows with every change of settings, providers or prices.
    settings_version: u64,
    /// All credits that were issued to it.
    #[schema(value_type = schema::Credits)]
    issued: Millicredits,
    /// Issued and not yet allotted.
    #[schema(value_type = schema::Credits)]
    treasury: Millicredits,
    departments: usize,
    teams: usize,
    members: usize,
}

/// What an admin changes at will.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct OrganizationSettings {
    /// Name in the IANA database; limits' windows and days of reports are cut in it.
    time_zone: String,
    /// Dollars that a million credits are worth.
    #[schema(value_type = schema::Usd)]
    usd_per_million_credits: CreditRate,
    #[schema(value_type = schema::OutputLimit)]
    output_limit: OutputLimit,
    /// Where people ask for more credits.
    help: Option<String>,
    /// Networks that members' calls and acts of management may come from; `null` for all. The operator is not bound.
    #[schema(value_type = Option<Vec<schema::Network>>)]
    addresses: Option<Networks>,
    /// What becomes of the credits of members who are removed.
    #[schema(value_type = schema::LeaverCredits)]
    leaver_credits: LeaverCredits,
    /// For how many minutes a transfer can be undone, as far as it is unspent.
    undo_minutes: u32,
    /// Who must approve what policies name by these chains' names.
    #[schema(value_type = Vec<schema::ApprovalChain>)]
    approval_chains: Vec<Chain>,
    retention: RetentionBody,
}

/// For how many days records are kept; `null` for ever. The journals, and the audit trail without its details, are kept
/// for ever.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Retention)]
pub(crate) struct RetentionBody {
    /// Single calls, as `GET /api/v1/requests` lists them. Reports are made of sums.
    requests: Option<u32>,
    /// The sums by hour that `GET /api/v1/usage` reports.
    usage: Option<u32>,
    /// What is personal in the audit trail: addresses, user agents, what was before and after.
    audit_details: Option<u32>,
    notifications: Option<u32>,
    dead_letters: Option<u32>,
    /// Sessions, after their end.
    sessions: Option<u32>,
}

impl From<Retention> for RetentionBody {
    fn from(retention: Retention) -> Self {
        let Retention { requests, usage, audit_details, notifications, dead_letters, sessions } = retention;
        Self { requests, usage, audit_details, notifications, dead_letters, sessions }
    }
}

impl From<Directory> for Organization {
    fn from(directory: Directory) -> Self {
        Self {
            id: directory.organization,
            name: directory.name,
            settings: OrganizationSettings {
                time_zone: directory.general.time_zone,
                usd_per_million_credits: directory.general.usd_per_million_credits,
                output_limit: directory.general.output_limit,
                help: directory.general.help,
                addresses: directory.general.addresses,
                leaver_credits: directory.general.leaver_credits,
                undo_minutes: directory.general.undo_minutes,
                approval_chains: directory.general.approval_chains,
                retention: directory.general.retention.into(),
            },
            settings_version: directory.settings_version,
            issued: directory.issued,
            treasury: directory.treasury,
            departments: directory.departments.len(),
            teams: directory.teams.len(),
            members: directory.members.len(),
        }
    }
}

/// Changes to an organization. What is left out stays as it is.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct OrganizationChange {
    #[schema(value_type = Option<schema::Name>)]
    name: Option<Name>,
    #[serde(default, deserialize_with = "object")]
    settings: SettingsChange,
    /// Says that `addresses` may lack the address that this very request comes from.
    #[serde(default)]
    lock_out: bool,
}

/// Changes to the settings. What is left out stays as it is.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SettingsChange {
    /// Name in the IANA database. Running windows are cut anew.
    time_zone: Option<String>,
    #[schema(value_type = Option<schema::CreditRate>)]
    usd_per_million_credits: Option<CreditRate>,
    #[schema(value_type = Option<schema::OutputLimit>)]
    output_limit: Option<OutputLimit>,
    /// `null` for none.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<schema::Line>)]
    help: Option<Option<Help>>,
    /// Networks that members' calls and acts of management may come from; `null` for all. The operator is not bound.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<Vec<schema::Network>>, min_items = 1, max_items = 200)]
    addresses: Option<Option<Networks>>,
    /// What becomes of the credits of members who are removed from now on.
    #[schema(value_type = Option<schema::LeaverCredits>)]
    leaver_credits: Option<LeaverCredits>,
    /// For how many minutes a transfer can be undone, as far as it is unspent; 5 if never said.
    #[schema(minimum = 0, maximum = 1440)]
    undo_minutes: Option<u32>,
    /// All of them, in place of those before: who must approve what policies name by these chains' names.
    #[schema(value_type = Option<Vec<schema::ApprovalChain>>, max_items = 50)]
    approval_chains: Option<Vec<Chain>>,
    #[serde(default, deserialize_with = "object")]
    retention: RetentionChange,
}

/// For how many days records shall be kept; `null` for ever. What is left out stays as it is.
///
/// What has been kept for longer ends within a day, and does not come back.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RetentionChange {
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<u32>, minimum = 7, maximum = 36_500)]
    requests: Option<Option<u32>>,
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<u32>, minimum = 400, maximum = 36_500)]
    usage: Option<Option<u32>>,
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<u32>, minimum = 30, maximum = 36_500)]
    audit_details: Option<Option<u32>>,
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<u32>, minimum = 7, maximum = 36_500)]
    notifications: Option<Option<u32>>,
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<u32>, minimum = 7, maximum = 36_500)]
    dead_letters: Option<Option<u32>>,
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<u32>, minimum = 1, maximum = 36_500)]
    sessions: Option<Option<u32>>,
}

impl RetentionChange {
    fn apply(self, retention: Retention) -> Retention {
        Retention {
            requests: self.requests.unwrap_or(retention.requests),
            usage: self.usage.unwrap_or(retention.usage),
            audit_details: self.audit_details.unwrap_or(retention.audit_details),
            notifications: self.notifications.unwrap_or(retention.notifications),
            dead_letters: self.dead_letters.unwrap_or(retention.dead_letters),
            sessions: self.sessions.unwrap_or(retention.sessions),
        }
    }
}

impl SettingsChange {
    /// Refuses a list that lacks the address that the request comes from: who
    /// sets it could not take it back.
    fn keeps_in(&self, from: Option<IpAddr>) -> Result<(), Problem> {
        let Some(Some(networks)) = &self.addresses else { return Ok(()) };
        if from.is_some_and(|address| networks.contains(address)) {
            return Ok(());
        }
        let from = from.map_or_else(|| "an address that is not known".to_owned(), |address| format!("`{address}`"));
        let detail = format!(
            "`addresses` lacks the address that this request comes from, {from}: you could not manage the organization \
             from here any more. Add it, or say `\"lock_out\": true`"
        );
        Err(Problem::new(Code::LockOut, detail))
    }

    fn apply(self, general: General) -> Result<General, Problem> {
        // Said here and not only by the actor, which is asked second.
        let zone =
            limits::Zone::parse(self.time_zone.as_ref().unwrap_or(&general.time_zone)).map_err(Problem::invalid)?;
        Ok(General {
            time_zone: zone.name().to_owned(),
            usd_per_million_credits: self.usd_per_million_credits.unwrap_or(general.usd_per_million_credits),
            output_limit: self.output_limit.unwrap_or(general.output_limit),
            help: self.help.map_or(general.help, |help| help.map(Help::into_string)),
            addresses: self.addresses.unwrap_or(general.addresses),
            leaver_credits: self.leaver_credits.unwrap_or(general.leaver_credits),
            undo_minutes: self.undo_minutes.unwrap_or(general.undo_minutes),
            approval_chains: self.approval_chains.unwrap_or(general.approval_chains),
            retention: self.retention.apply(general.retention),
        })
    }
}

/// Show the organization.
#[utoipa::path(get, path = "/api/v1/organization", tag = "Organization",
    responses((status = 200, description = "The organization", body = Organization)))]
#[worker::send]
pub(crate) async fn get_organization(caller: Caller) -> Result<Tagged<Organization>, Problem> {
    let admin = caller.may(Action::GetOrganization, Target::Organization).await?;
    let directory = admin.directory().await?;
    Ok(Tagged::shown(directory.tag(), directory.into()))
}

/// Change the organization's name or settings.
///
/// It holds from the next call on. Another rate changes what calls cost in credits from now on, not what was paid.
#[utoipa::path(patch, path = "/api/v1/organization", tag = "Organization", request_body = OrganizationChange,
    responses((status = 200, description = "As it is now", body = Organization)))]
#[worker::send]
pub(crate) async fn change_organization(
    caller: Caller,
    Body { value, repeat }: Body<OrganizationChange>,
) -> Result<Tagged<Organization>, Problem> {
    let admin = caller.may(Action::ChangeOrganization, Target::Organization).await?;
    if !value.lock_out && admin.who != Principal::Operator {
        value.settings.keeps_in(admin.address)?;
    }
    let read = async || admin.directory().await.map(|directory| (directory.tag(), directory));
    let alter = |directory: Directory| {
        let name = value.name.clone().map_or(directory.name, Name::into_string);
        Ok(Act::ChangeOrganization { name, general: value.settings.clone().apply(directory.general)? })
    };
    admin.change(&repeat, read, alter).await?;
    let directory = admin.directory().await?;
    if value.name.is_some() {
        write_index(&admin.app, admin.organization, &directory.name, admin.now()).await?;
    }
    Ok(Tagged::changed(directory.tag(), directory.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes() {
        let general = General { help: Some("ask Ada".to_owned()), ..General::default() };
        let apply = |json: &str| {
            let change: OrganizationChange = serde_json::from_str(json).map_err(|error| error.to_string())?;
            change.settings.apply(general.clone()).map_err(|problem| problem.document())
        };
        assert_eq!(apply("{}").unwrap(), general);
        assert_eq!(apply(r#"{"settings":{"help":null}}"#).unwrap().help, None);
        let kept = apply(r#"{"settings":{"retention":{"requests":30,"audit_details":null}}}"#).unwrap().retention;
        assert_eq!(kept, Retention { requests: Some(30), audit_details: None, ..Retention::default() });
        let changed = apply(r#"{"settings":{"time_zone":"europe/berlin","output_limit":"refuse"}}"#).unwrap();
        assert_eq!((changed.time_zone.as_str(), changed.output_limit), ("Europe/Berlin", OutputLimit::Refuse));
        for (json, part) in [
            (r#"{"settings":{"time_zone":"Mars/Base"}}"#, "not a time zone"),
            (r#"{"settings":{"usd_per_million_credits":"0"}}"#, "above zero"),
            (r#"{"settings":{"zone":"UTC"}}"#, "unknown field `zone`"),
            (r#"{"settings":["UTC"]}"#, "invalid type: sequence, expected an object"),
            (r#"{"settings":{"retention":[30, null]}}"#, "invalid type: sequence, expected an object"),
            (r#"{"settings":{"addresses":["10.0.0.0/33"]}}"#, "`10.0.0.0/33` is not a network"),
        ] {
            assert!(apply(json).unwrap_err().contains(part), "{json}");
        }
    }

    #[test]
    fn nobody_shuts_themselves_out_unasked() {
        let check = |addresses: &str, from: Option<&str>| {
            let change: SettingsChange = serde_json::from_str(&format!(r#"{{"addresses":{addresses}}}"#)).unwrap();
            change.keeps_in(from.map(|from| from.parse().unwrap())).map_err(|problem| problem.code)
        };
        let office = r#"["203.0.113.0/24","2001:db8::/32"]"#;
        for from in ["203.0.113.7", "::ffff:203.0.113.7", "2001:db8::1"] {
            assert_eq!(check(office, Some(from)), Ok(()), "{from}");
        }
        for from in [Some("203.0.114.7"), Some("2001:db9::1"), None] {
            assert_eq!(check(office, from), Err(Code::LockOut), "{from:?}");
        }
        assert_eq!(check("null", None), Ok(()));
        assert_eq!(SettingsChange::default().keeps_in(None), Ok(()));
    }
}
