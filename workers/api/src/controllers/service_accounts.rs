//! Programs that act on their own, and their keys.

use axum::Json;
use identity::{ApiKey, ServiceAccountId, ServiceKey, ServiceKeyId};
use organization::protocol::{Act, HasTag, NewServiceKey, Reply, ServiceAccount, ServiceKeyRecord};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::admin_keys::gone;
use super::{Created, created};
use crate::app::unexpected;
use crate::extract::{Action, Admin, Body, Caller, Id, Ids, Query, Target, Unrepeated};
use crate::idempotency::Repeat;
use crate::page::{List, Paging, page};
use crate::problem::Problem;
use crate::schema;
use crate::tags::Tagged;
use crate::text::Name;
use crate::time::Time;

/// A program that acts on its own. It may do what its roles permit: see `/grants`.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ServiceAccount)]
pub(crate) struct ServiceAccountBody {
    #[schema(value_type = schema::ServiceAccountId)]
    id: ServiceAccountId,
    name: String,
    #[schema(value_type = schema::Time)]
    created_at: Time,
    /// Since when its keys do not work; `null` where they do.
    #[schema(value_type = Option<schema::Time>)]
    disabled_at: Option<Time>,
    /// Its keys, revoked ones included.
    keys: Vec<ServiceKeyBody>,
}

/// A service account's key. The secret is not shown again.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ServiceKey)]
pub(crate) struct ServiceKeyBody {
    #[schema(value_type = schema::ServiceKeyId)]
    id: ServiceKeyId,
    name: String,
    /// The start and the end of the secret.
    hint: String,
    #[schema(value_type = schema::Time)]
    created_at: Time,
    #[schema(value_type = Option<schema::Time>)]
    expires_at: Option<Time>,
    #[schema(value_type = Option<schema::Time>)]
    revoked_at: Option<Time>,
    /// What it may be used for, within the account's roles; `null` for all of that.
    #[schema(value_type = Option<Vec<schema::Action>>)]
    scopes: Option<Vec<Action>>,
}

impl From<ServiceKeyRecord> for ServiceKeyBody {
    fn from(record: ServiceKeyRecord) -> Self {
        Self {
            id: record.id,
            name: record.name,
            hint: record.hint,
            created_at: Time::from_ms(record.created_ms),
            expires_at: record.expires_ms.map(Time::from_ms),
            revoked_at: record.revoked_ms.map(Time::from_ms),
            scopes: record.scopes,
        }
    }
}

impl From<ServiceAccount> for ServiceAccountBody {
    fn from(account: ServiceAccount) -> Self {
        Self {
            id: account.id,
            name: account.name,
            created_at: Time::from_ms(account.created_ms),
            disabled_at: account.disabled_ms.map(Time::from_ms),
            keys: account.keys.into_iter().map(ServiceKeyBody::from).collect(),
        }
    }
}

/// A service account's key with its secret, which is shown this once.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ServiceKeyWithSecret {
    #[serde(flatten)]
    key: ServiceKeyBody,
    /// What goes into `Authorization: Bearer …`. Nobody can show it again.
    secret: String,
}

/// A new service account.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewServiceAccount {
    /// Unique in the organization.
    #[schema(value_type = schema::Name)]
    name: Name,
}

/// What shall be different about a service account.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ServiceAccountChange {
    /// Unique in the organization.
    #[serde(default)]
    #[schema(value_type = Option<schema::Name>)]
    name: Option<Name>,
    /// Whether its keys work no more.
    #[serde(default)]
    disabled: Option<bool>,
}

/// A new key for a service account.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewServiceKey)]
pub(crate) struct ServiceKeyOrder {
    /// What it is for.
    #[schema(value_type = schema::Name)]
    name: Name,
    /// When it stops working; never if left out.
    #[serde(default)]
    #[schema(value_type = Option<schema::FutureTime>)]
    expires_at: Option<Time>,
    /// What it may be used for, within the account's roles; all of that if left out.
    #[serde(default)]
    #[schema(value_type = Option<Vec<schema::Action>>)]
    scopes: Option<Vec<Action>>,
}

/// Make a service account. It may do nothing until it is granted a role.
#[utoipa::path(post, path = "/api/v1/service-accounts", tag = "Access", request_body = NewServiceAccount,
    responses((status = 201, description = "It was made", body = ServiceAccountBody)))]
#[worker::send]
pub(crate) async fn create_service_account(
    caller: Caller,
    Body { value, repeat }: Body<NewServiceAccount>,
) -> Result<Created<ServiceAccountBody>, Problem> {
    let admin = caller.may(Action::CreateServiceAccount, Target::Organization).await?;
    let id = ServiceAccountId::from_u128(admin.id()?);
    let account = put(&admin, &repeat, Act::CreateServiceAccount { id, name: value.name.into_string() }).await?;
    Ok(created(account.into()))
}

/// List service accounts.
#[utoipa::path(get, path = "/api/v1/service-accounts", tag = "Access", params(Paging),
    responses((status = 200, description = "A page", body = List<ServiceAccountBody>)))]
#[worker::send]
pub(crate) async fn list_service_accounts(
    caller: Caller,
    Query(asked): Query<Paging>,
) -> Result<Json<List<ServiceAccountBody>>, Problem> {
    let admin = caller.may(Action::ListServiceAccounts, Target::Organization).await?;
    let accounts = admin.access().await?.service_accounts;
    page(accounts, (asked.cursor.as_deref(), asked.limit), |account| account.id, ServiceAccountBody::from).map(Json)
}

/// Show a service account.
#[utoipa::path(get, path = "/api/v1/service-accounts/{service_account_id}", tag = "Access",
    params(("service_account_id" = schema::ServiceAccountId, Path)),
    responses((status = 200, description = "The service account", body = ServiceAccountBody)))]
#[worker::send]
pub(crate) async fn get_service_account(
    caller: Caller,
    Id(id): Id<ServiceAccountId>,
) -> Result<Tagged<ServiceAccountBody>, Problem> {
    let admin = caller.may(Action::GetServiceAccount, Target::Organization).await?;
    let account = find(&admin, id).await?;
    Ok(Tagged::shown(account.tag(), account.into()))
}

/// Give a service account another name, disable it or enable it again.
#[utoipa::path(patch, path = "/api/v1/service-accounts/{service_account_id}", tag = "Access",
    params(("service_account_id" = schema::ServiceAccountId, Path)), request_body = ServiceAccountChange,
    responses((status = 200, description = "As it is now", body = ServiceAccountBody)))]
#[worker::send]
pub(crate) async fn change_service_account(
    caller: Caller,
    Id(id): Id<ServiceAccountId>,
    Body { value, repeat }: Body<ServiceAccountChange>,
) -> Result<Tagged<ServiceAccountBody>, Problem> {
    let admin = caller.may(Action::ChangeServiceAccount, Target::Organization).await?;
    let read = async || find(&admin, id).await.map(|account| (account.tag(), account));
    let alter = |account: ServiceAccount| {
        let name = value.name.clone().map_or(account.name, Name::into_string);
        let disabled = value.disabled.unwrap_or(account.disabled_ms.is_some());
        Ok(Act::ChangeServiceAccount { id, name, disabled })
    };
    match admin.change(&repeat, read, alter).await? {
        Reply::ServiceAccount(account) => Ok(Tagged::changed(account.tag(), (*account).into())),
        _ => Err(unexpected()),
    }
}

/// Make a key for a service account.
///
/// The secret is in this answer only. With an `Idempotency-Key`, repeating the request answers the same key and secret.
#[utoipa::path(post, path = "/api/v1/service-accounts/{service_account_id}/keys", tag = "Access",
    params(("service_account_id" = schema::ServiceAccountId, Path)), request_body = ServiceKeyOrder,
    responses((status = 201, description = "It was made", body = ServiceKeyWithSecret)))]
#[worker::send]
pub(crate) async fn create_service_key(
    caller: Caller,
    Id(account): Id<ServiceAccountId>,
    Body { value, repeat }: Body<ServiceKeyOrder>,
) -> Result<Created<ServiceKeyWithSecret>, Problem> {
    let admin = caller.may(Action::CreateServiceKey, Target::Organization).await?;
    let minted = admin.secret(&repeat, "service key", |bits| ServiceKey::mint(admin.organization, bits))?;
    let act = Act::CreateServiceKey(NewServiceKey {
        account,
        id: ServiceKeyId::from_u128(admin.id()?),
        name: value.name.into_string(),
        hash: ServiceKey::parse(&minted.text).map_err(Problem::internal)?.hash,
        hint: ApiKey::hint(&minted.text),
        expires_ms: value.expires_at.map(Time::ms),
        scopes: value.scopes,
    });
    let account = put(&admin, &repeat, act).await?;
    let key_of = |text: &str| {
        let hash = ServiceKey::parse(text).ok()?.hash;
        account.keys.iter().find(|key| key.hash == hash).cloned()
    };
    let secret = minted.kept(|text| key_of(text).is_some()).ok_or_else(gone)?;
    let key = key_of(&secret).ok_or_else(gone)?;
    Ok(created(ServiceKeyWithSecret { key: key.into(), secret }))
}

/// Revoke a service account's key: it never works again.
#[utoipa::path(delete, path = "/api/v1/service-accounts/{service_account_id}/keys/{service_key_id}", tag = "Access",
    params(("service_account_id" = schema::ServiceAccountId, Path), ("service_key_id" = schema::ServiceKeyId, Path)),
    responses((status = 200, description = "The service account as it is now", body = ServiceAccountBody)))]
#[worker::send]
pub(crate) async fn revoke_service_key(
    caller: Caller,
    Ids(account, key): Ids<ServiceAccountId, ServiceKeyId>,
    Unrepeated(repeat): Unrepeated,
) -> Result<Tagged<ServiceAccountBody>, Problem> {
    let admin = caller.may(Action::RevokeServiceKey, Target::Organization).await?;
    let account = put(&admin, &repeat, Act::RevokeServiceKey { account, key }).await?;
    Ok(Tagged::changed(account.tag(), account.into()))
}

async fn find(admin: &Admin, id: ServiceAccountId) -> Result<ServiceAccount, Problem> {
    let mut accounts = admin.access().await?.service_accounts.into_iter();
    accounts.find(|account| account.id == id).ok_or_else(|| Problem::not_found("service account", id))
}

async fn put(admin: &Admin, repeat: &Repeat, act: Act) -> Result<ServiceAccount, Problem> {
    match admin.order(repeat, act).await? {
        Reply::ServiceAccount(account) => Ok(*account),
        _ => Err(unexpected()),
    }
}
