//! Keys for this API.

use axum::Json;
use identity::{AdminKey, AdminKeyId, ApiKey};
use organization::protocol::{Act, AdminKeyRecord, NewAdminKey, Reply};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Created, created};
use crate::app::unexpected;
use crate::extract::{Action, Body, Caller, Id, Query, Target, Unrepeated};
use crate::page::{List, Paging, page};
use crate::problem::{Code, Problem};
use crate::schema;
use crate::text::Name;
use crate::time::Time;

/// A key for this API. The secret is not shown again.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AdminKey)]
pub(crate) struct AdminKeyBody {
    #[schema(value_type = schema::AdminKeyId)]
    id: AdminKeyId,
    name: String,
    /// The start and the end of the secret.
    hint: String,
    #[schema(value_type = schema::Time)]
    created_at: Time,
    #[schema(value_type = Option<schema::Time>)]
    revoked_at: Option<Time>,
}

impl From<AdminKeyRecord> for AdminKeyBody {
    fn from(record: AdminKeyRecord) -> Self {
        Self {
            id: record.id,
            name: record.name,
            hint: record.hint,
            created_at: Time::from_ms(record.created_ms),
            revoked_at: record.revoked_ms.map(Time::from_ms),
        }
    }
}

/// A key for this API with its secret, which is shown this once.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AdminKeyWithSecret {
    #[serde(flatten)]
    key: AdminKeyBody,
    /// What goes into `Authorization: Bearer …`. Nobody can show it again.
    secret: String,
}

/// A new key for this API.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AdminKeyName {
    /// What it is for.
    #[schema(value_type = schema::Name)]
    name: Name,
}

/// An admin key as its actor is told of it, made of a secret.
pub(crate) fn new_admin_key(id: u128, name: String, secret: &str) -> Result<NewAdminKey, Problem> {
    let hash = AdminKey::parse(secret).map_err(Problem::internal)?.hash;
    Ok(NewAdminKey { id: AdminKeyId::from_u128(id), name, hash, hint: ApiKey::hint(secret) })
}

/// What a repeated request is answered once the master secret is gone under
/// which its secret was made.
pub(crate) fn gone() -> Problem {
    Problem::new(Code::Conflict, "the secret of this earlier request cannot be shown again: make another one")
}

/// Make an admin key.
///
/// The secret is in this answer only. With an `Idempotency-Key`, repeating the request answers the same key and secret.
#[utoipa::path(post, path = "/api/v1/admin-keys", tag = "Admin keys", request_body = AdminKeyName,
    responses((status = 201, description = "It was made", body = AdminKeyWithSecret)))]
#[worker::send]
pub(crate) async fn create_admin_key(
    caller: Caller,
    Body { value, repeat }: Body<AdminKeyName>,
) -> Result<Created<AdminKeyWithSecret>, Problem> {
    let admin = caller.may(Action::CreateAdminKey, Target::Organization).await?;
    let minted = admin.secret(&repeat, "admin key", |bits| AdminKey::mint(admin.organization, bits))?;
    let new = new_admin_key(admin.id()?, value.name.into_string(), &minted.text)?;
    let Reply::AdminKey(record) = admin.order(&repeat, Act::CreateAdminKey(new)).await? else {
        return Err(unexpected());
    };
    let is_its = |text: &str| AdminKey::parse(text).is_ok_and(|key| key.hash == record.hash);
    let secret = minted.kept(is_its).ok_or_else(gone)?;
    Ok(created(AdminKeyWithSecret { key: record.into(), secret }))
}

/// List admin keys, revoked ones included.
#[utoipa::path(get, path = "/api/v1/admin-keys", tag = "Admin keys", params(Paging),
    responses((status = 200, description = "A page", body = List<AdminKeyBody>)))]
#[worker::send]
pub(crate) async fn list_admin_keys(
    caller: Caller,
    Query(asked): Query<Paging>,
) -> Result<Json<List<AdminKeyBody>>, Problem> {
    let admin = caller.may(Action::ListAdminKeys, Target::Organization).await?;
    let keys = admin.directory().await?.admin_keys;
    let asked = (asked.cursor.as_deref(), asked.limit);
    page(keys, asked, |key| key.id, AdminKeyBody::from).map(Json)
}

/// Revoke an admin key: it never works again. The last one stays.
#[utoipa::path(delete, path = "/api/v1/admin-keys/{admin_key_id}", tag = "Admin keys",
    params(("admin_key_id" = schema::AdminKeyId, Path)),
    responses((status = 200, description = "As it is now", body = AdminKeyBody)))]
#[worker::send]
pub(crate) async fn revoke_admin_key(
    caller: Caller,
    Id(id): Id<AdminKeyId>,
    Unrepeated(repeat): Unrepeated,
) -> Result<Json<AdminKeyBody>, Problem> {
    let admin = caller.may(Action::RevokeAdminKey, Target::Organization).await?;
    match admin.order(&repeat, Act::RevokeAdminKey { id }).await? {
        Reply::AdminKey(record) => Ok(Json(record.into())),
        _ => Err(unexpected()),
    }
}
