//! The caller's own organization.

use axum::Json;
use identity::OrganizationId;
use ledger::Millicredits;
use organization::protocol::{Act, Directory};
use organization::{General, OutputLimit};
use pricing::CreditRate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::organizations::write_index;
use crate::extract::{Action, Body, Caller, Target};
use crate::problem::Problem;
use crate::schema;
use crate::text::{Help, Name, given};

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
    #[serde(default)]
    settings: SettingsChange,
}

/// Changes to the settings. What is left out stays as it is.
#[derive(Debug, Default, PartialEq, Deserialize, ToSchema)]
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
}

impl SettingsChange {
    fn apply(self, general: General) -> Result<General, Problem> {
        // Said here and not only by the actor, which is asked second.
        let zone =
            limits::Zone::parse(self.time_zone.as_ref().unwrap_or(&general.time_zone)).map_err(Problem::invalid)?;
        Ok(General {
            time_zone: zone.name().to_owned(),
            usd_per_million_credits: self.usd_per_million_credits.unwrap_or(general.usd_per_million_credits),
            output_limit: self.output_limit.unwrap_or(general.output_limit),
            help: self.help.map_or(general.help, |help| help.map(Help::into_string)),
        })
    }
}

/// Show the organization.
#[utoipa::path(get, path = "/api/v1/organization", tag = "Organization",
    responses((status = 200, description = "The organization", body = Organization)))]
#[worker::send]
pub(crate) async fn get_organization(caller: Caller) -> Result<Json<Organization>, Problem> {
    let admin = caller.may(Action::GetOrganization, Target::Organization).await?;
    Ok(Json(admin.directory().await?.into()))
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
) -> Result<Json<Organization>, Problem> {
    let admin = caller.may(Action::ChangeOrganization, Target::Organization).await?;
    // Two orders cannot share an idempotency key; both may be repeated safely.
    let repeat = repeat.without_key();
    if value.settings != SettingsChange::default() {
        let general = value.settings.apply(admin.directory().await?.general)?;
        admin.order(&repeat, Act::PutGeneral(general)).await?;
    }
    if let Some(name) = value.name {
        let name = name.into_string();
        admin.order(&repeat, Act::Rename { name: name.clone() }).await?;
        write_index(&admin.app, admin.organization, &name, admin.now()).await?;
    }
    Ok(Json(admin.directory().await?.into()))
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
        let changed = apply(r#"{"settings":{"time_zone":"europe/berlin","output_limit":"refuse"}}"#).unwrap();
        assert_eq!((changed.time_zone.as_str(), changed.output_limit), ("Europe/Berlin", OutputLimit::Refuse));
        for (json, part) in [
            (r#"{"settings":{"time_zone":"Mars/Base"}}"#, "not a time zone"),
            (r#"{"settings":{"usd_per_million_credits":"0"}}"#, "above zero"),
            (r#"{"settings":{"zone":"UTC"}}"#, "unknown field `zone`"),
        ] {
            assert!(apply(json).unwrap_err().contains(part), "{json}");
        }
    }
}
