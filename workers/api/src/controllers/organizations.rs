//! All organizations of the installation: the operator's.

use axum::Json;
use identity::{AdminKey, OrganizationId, Principal, TransferId};
use ledger::Millicredits;
use organization::protocol::{Act, Answer, Command, Open, OrderError, Reply};
use organization::{General, LeaverCredits, OutputLimit, Retention};
use pricing::CreditRate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::admin_keys::new_admin_key;
use super::allotments::Movement;
use super::{Created, created};
use crate::app::{App, new_id, random, unexpected};
use crate::extract::{Action, Admin, Body, Caller, Operator, Query, Target};
use crate::idempotency::Repeat;
use crate::node::Node;
use crate::page::{List, Paging};
use crate::problem::{Code, Problem};
use crate::schema;
use crate::sql::Sql;
use crate::text::{Help, Name, Note};
use crate::time::Time;

/// A new organization.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewOrganization {
    #[schema(value_type = schema::Name)]
    name: Name,
    /// Name in the IANA database; UTC if left out.
    #[serde(default)]
    time_zone: Option<String>,
    /// Dollars that a million credits are worth; 1 if left out.
    #[serde(default)]
    #[schema(value_type = schema::CreditRate)]
    usd_per_million_credits: CreditRate,
    #[serde(default)]
    #[schema(value_type = schema::OutputLimit)]
    output_limit: OutputLimit,
    /// Where people ask for more credits.
    #[serde(default)]
    #[schema(value_type = Option<schema::Line>)]
    help: Option<Help>,
}

/// An organization that was made, with its first admin key.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct OrganizationWithSecret {
    #[schema(value_type = schema::OrganizationId)]
    id: OrganizationId,
    name: String,
    /// Its first admin key. Nobody can show it again.
    admin_key: String,
}

/// One of all organizations.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct OrganizationListing {
    #[schema(value_type = schema::OrganizationId)]
    id: OrganizationId,
    name: String,
    #[schema(value_type = schema::Time)]
    created_at: Time,
}

/// Credits that come into being.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Issue {
    #[schema(value_type = schema::PositiveAmount)]
    amount: Millicredits,
    /// Why, for people.
    #[serde(default)]
    #[schema(value_type = Option<schema::Line>)]
    note: Option<Note>,
}

/// The id and first admin key of a new organization: of the idempotency key,
/// if there is one, so that the repeated request finds the same organization.
fn names(master: &str, repeat: &Repeat) -> Result<(OrganizationId, String), Problem> {
    let id = match repeat.derive_name(master, "organization") {
        Some(bits) => bits,
        None => new_id()?,
    };
    let id = OrganizationId::from_u128(id);
    let secret = match repeat.derive(master, "first admin key", &id.to_string()) {
        Some(bits) => bits,
        None => random()?,
    };
    Ok((id, AdminKey::mint(id, secret)))
}

/// Make an organization. Only the operator may.
///
/// Its first admin key is in this answer only. With an `Idempotency-Key`, repeating the request answers the same
/// organization and key.
#[utoipa::path(post, path = "/api/v1/organizations", tag = "Operator", request_body = NewOrganization,
    responses((status = 201, description = "It was made", body = OrganizationWithSecret)))]
#[worker::send]
pub(crate) async fn create_organization(
    Operator { app }: Operator,
    Body { value, repeat }: Body<NewOrganization>,
) -> Result<Created<OrganizationWithSecret>, Problem> {
    let zone = limits::Zone::parse(value.time_zone.as_deref().unwrap_or("UTC")).map_err(Problem::invalid)?;
    let name = value.name.into_string();
    if let Some((id, admin_key)) = made_before(&app, &repeat).await? {
        return Ok(created(OrganizationWithSecret { id, name, admin_key }));
    }
    let (id, admin_key) = names(&app.master_secret()?, &repeat)?;
    let first = new_admin_key(new_id()?, "first admin key".to_owned(), &admin_key)?;
    let hash = first.hash;
    let general = General {
        time_zone: zone.name().to_owned(),
        usd_per_million_credits: value.usd_per_million_credits,
        output_limit: value.output_limit,
        help: value.help.map(Help::into_string),
        // Set by whoever knows from where: an admin, afterwards.
        addresses: None,
        leaver_credits: LeaverCredits::default(),
        retention: Retention::default(),
        ..General::default()
    };
    let open = Open { organization: id, name: name.clone(), general, admin_key: first };
    match app.actors()?.organization(id, &Command::Open(open)).await? {
        Answer::Order(reply) => reply?,
        _ => return Err(unexpected()),
    };
    // Under this idempotency key there may be another organization already:
    // then it does not know this admin key.
    match app.actors()?.organization(id, &Command::Authorize { key: hash }).await? {
        Answer::Authorize(Ok(Some(_))) => {}
        Answer::Authorize(Ok(None)) => {
            let detail = "the Idempotency-Key was used before with another content: use a new key for a new request";
            return Err(Problem::new(Code::IdempotencyConflict, detail));
        }
        Answer::Authorize(Err(error)) => return Err(error.into()),
        _ => return Err(unexpected()),
    }
    write_index(&app, id, &name, ::runtime::now_ms()).await?;
    Ok(created(OrganizationWithSecret { id, name, admin_key }))
}

/// The organization that the same request made under the master secret before
/// this one.
async fn made_before(app: &App, repeat: &Repeat) -> Result<Option<(OrganizationId, String)>, Problem> {
    let Some(master) = app.previous_secret().filter(|_| repeat.key.is_some()) else { return Ok(None) };
    let (id, admin_key) = names(&master, repeat)?;
    let key = AdminKey::parse(&admin_key).map_err(Problem::internal)?.hash;
    match app.actors()?.organization(id, &Command::Authorize { key }).await? {
        Answer::Authorize(Ok(known)) => Ok(known.map(|_| (id, admin_key))),
        Answer::Authorize(Err(OrderError::NotOpen)) => Ok(None),
        Answer::Authorize(Err(error)) => Err(error.into()),
        _ => Err(unexpected()),
    }
}

/// Notes an organization in the list of all; writing it again changes no more
/// than the name.
pub(crate) async fn write_index(app: &App, id: OrganizationId, name: &str, now: i64) -> Result<(), Problem> {
    app.execute(index_statement(id, name, now)).await.map(|_| ())
}

fn index_statement(id: OrganizationId, name: &str, now: i64) -> Sql {
    Sql::new("INSERT INTO organizations (id, name, created_ms) VALUES (")
        .text(id)
        .push(", ")
        .text(name)
        .push(", ")
        .int(now)
        .push(") ON CONFLICT (id) DO UPDATE SET name = excluded.name")
}

#[derive(Deserialize)]
struct IndexRow {
    id: OrganizationId,
    name: String,
    created_ms: i64,
}

fn list_statement(asked: &Paging) -> Sql {
    Sql::new(
        "SELECT json_object('id', id, 'name', name, 'created_ms', created_ms) AS row FROM organizations WHERE id > ",
    )
    .text(asked.cursor.as_deref().unwrap_or_default())
    .push(" ORDER BY id LIMIT ")
    .int(i64::from(asked.limit.get()).saturating_add(1))
}

/// List all organizations. Only the operator may.
#[utoipa::path(get, path = "/api/v1/organizations", tag = "Operator", params(Paging),
    responses((status = 200, description = "A page", body = List<OrganizationListing>)))]
#[worker::send]
pub(crate) async fn list_organizations(
    Operator { app }: Operator,
    Query(asked): Query<Paging>,
) -> Result<Json<List<OrganizationListing>>, Problem> {
    let rows: Vec<IndexRow> = app.rows(list_statement(&asked)).await?;
    let view =
        |row: IndexRow| OrganizationListing { id: row.id, name: row.name, created_at: Time::from_ms(row.created_ms) };
    crate::page::page(rows, (None, asked.limit), |row| row.id, view).map(Json)
}

/// Refuses whoever is not the operator, whatever policies say.
pub(crate) fn operators_own(admin: &Admin) -> Result<(), Problem> {
    match admin.who {
        Principal::Operator => Ok(()),
        _ => Err(Problem::new(Code::Forbidden, "only the operator's key may do that")),
    }
}

/// Issue credits to the organization's treasury. Only the operator may.
#[utoipa::path(post, path = "/api/v1/organization/credits", tag = "Operator", request_body = Issue,
    responses((status = 201, description = "They were issued", body = Movement)))]
#[worker::send]
pub(crate) async fn issue_credits(
    caller: Caller,
    Body { value, repeat }: Body<Issue>,
) -> Result<Created<Movement>, Problem> {
    let admin = caller.may(Action::IssueCredits, Target::Organization).await?;
    operators_own(&admin)?;
    let transfer = TransferId::from_u128(admin.id()?);
    let act = Act::Issue { transfer, amount: value.amount, note: value.note.map(Note::into_string) };
    match admin.order(&repeat, act).await? {
        Reply::Moved(moved) => Ok(created(Movement {
            id: moved.transfer,
            amount: moved.amount,
            from: None,
            from_available: None,
            to: Node::Treasury,
            time: Time::from_ms(moved.time_ms),
        })),
        _ => Err(unexpected()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sql::testing;

    #[test]
    fn the_index_lists_each_organization_once() {
        let database = testing::database();
        for (id, name) in [(1, "one"), (2, "two"), (1, "other")] {
            let (text, values) = index_statement(OrganizationId::from_u128(id), name, 5).into_parts();
            database.execute(&text, rusqlite::params_from_iter(values)).unwrap();
        }
        let list = |json: &str| {
            let rows: Vec<IndexRow> = testing::rows(&database, list_statement(&serde_json::from_str(json).unwrap()));
            rows.into_iter().map(|row| (row.name, row.created_ms)).collect::<Vec<_>>()
        };
        assert_eq!(list("{}"), [("other".to_owned(), 5), ("two".to_owned(), 5)]);
        let after = OrganizationId::from_u128(1);
        assert_eq!(list(&format!(r#"{{"cursor":"{after}"}}"#)), [("two".to_owned(), 5)]);
    }
}
