//! Members' keys. They are a team's own, so their paths are under the team's:
//! its actor is the only one that knows them.

use axum::Json;
use identity::{ApiKey, KeyId, MemberId, Networks, TeamId};
use ledger::Millicredits;
use organization::protocol::MemberRecord;
use serde::{Deserialize, Serialize};
use team::protocol::{Act, KeyView, NewKey, Reply};
use utoipa::{IntoParams, ToSchema};

use super::{Created, created};
use crate::app::unexpected;
use crate::extract::{Action, Body, Caller, Id, Ids, Query, Target, Unrepeated};
use crate::idempotency::Minted;
use crate::node::{Node, must_be_in, not_heard_of_yet};
use crate::page::{List, Size, page};
use crate::problem::{Code, Problem};
use crate::schema;
use crate::text::{Models, Name};
use crate::time::Time;

/// A member's key. The secret is not shown again.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Key {
    #[schema(value_type = schema::KeyId)]
    pub(crate) id: KeyId,
    #[schema(value_type = schema::TeamId)]
    pub(crate) team_id: TeamId,
    #[schema(value_type = schema::MemberId)]
    pub(crate) member_id: MemberId,
    pub(crate) name: String,
    /// The start and the end of the secret.
    pub(crate) hint: String,
    #[schema(value_type = schema::Time)]
    pub(crate) created_at: Time,
    #[schema(value_type = Option<schema::Time>)]
    pub(crate) expires_at: Option<Time>,
    #[schema(value_type = Option<schema::Time>)]
    pub(crate) revoked_at: Option<Time>,
    /// Models that it may use, within the member's; `null` for all of those.
    #[schema(value_type = Option<Vec<schema::ModelPattern>>)]
    pub(crate) models: Option<Vec<String>>,
    /// Networks that it may be used from; `null` for all.
    #[schema(value_type = Option<Vec<schema::Network>>)]
    pub(crate) addresses: Option<Networks>,
    /// What was spent with it in all.
    #[schema(value_type = schema::Credits)]
    pub(crate) spent: Millicredits,
}

impl Key {
    pub(crate) fn new(team_id: TeamId, view: KeyView) -> Self {
        Self {
            id: view.id,
            team_id,
            member_id: view.member,
            name: view.name,
            hint: view.hint,
            created_at: Time::from_ms(view.created_ms),
            expires_at: view.expires_ms.map(Time::from_ms),
            revoked_at: view.revoked_ms.map(Time::from_ms),
            models: view.models,
            addresses: view.addresses,
            spent: view.spent,
        }
    }
}

/// A member's key with its secret, which is shown this once.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct KeyWithSecret {
    #[serde(flatten)]
    key: Key,
    /// What goes into `Authorization: Bearer …`. Nobody can show it again.
    secret: String,
}

impl KeyWithSecret {
    /// The remembered reply to a repeated request belongs to the secret that
    /// was derived again, unless the master secret was changed in between.
    fn new(team_id: TeamId, view: KeyView, minted: Minted) -> Result<Self, Problem> {
        let secret = minted.kept(|text| view.hint == ApiKey::hint(text)).ok_or_else(|| {
            let detail = "the secret of this earlier request cannot be shown again: rotate the key";
            Problem::new(Code::Conflict, detail)
        })?;
        Ok(Self { key: Key::new(team_id, view), secret })
    }
}

/// A new key.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewKey)]
pub(crate) struct KeyBody {
    #[schema(value_type = schema::MemberId)]
    member_id: MemberId,
    /// What it is for.
    #[schema(value_type = schema::Name)]
    name: Name,
    /// When it stops working; never if left out.
    #[serde(default)]
    #[schema(value_type = Option<schema::FutureTime>)]
    expires_at: Option<Time>,
    /// Models that it may use, within the member's; all of those if left out.
    #[serde(default)]
    #[schema(value_type = Option<Vec<schema::ModelPattern>>)]
    models: Option<Models>,
    /// Networks that it may be used from; all if left out.
    #[serde(default)]
    #[schema(value_type = Option<Vec<schema::Network>>)]
    addresses: Option<Networks>,
}

/// How a key is rotated.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Rotation {
    /// The old secret works for so long; 0 to a week.
    #[serde(default)]
    #[schema(minimum = 0, maximum = 604_800)]
    grace_seconds: u32,
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct KeyFilter {
    /// Only this member's.
    #[param(value_type = Option<schema::MemberId>)]
    member_id: Option<MemberId>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
    /// Items of a page.
    #[serde(default)]
    #[param(value_type = Option<u8>, minimum = 1, maximum = 100)]
    limit: Size,
}

/// Make a key for a member.
///
/// The secret is in this answer only. With an `Idempotency-Key`, repeating the request answers the same key and secret.
#[utoipa::path(post, path = "/api/v1/teams/{team_id}/keys", tag = "Keys",
    params(("team_id" = schema::TeamId, Path)), request_body = KeyBody,
    responses((status = 201, description = "It was made", body = KeyWithSecret)))]
#[worker::send]
pub(crate) async fn create_key(
    caller: Caller,
    Id(team): Id<TeamId>,
    Body { value, repeat }: Body<KeyBody>,
) -> Result<Created<KeyWithSecret>, Problem> {
    let admin = caller.may(Action::CreateKey, Target::Member { id: value.member_id }).await?;
    let directory = admin.directory().await?;
    must_be_in(&directory, Node::Team(team))?;
    let is_member = |record: &MemberRecord| record.team == team && record.profile.member == value.member_id;
    if !directory.members.iter().any(is_member) {
        return Err(Problem::not_found("member", value.member_id));
    }
    let minted = admin.secret(&repeat, "key", |bits| ApiKey::mint(admin.organization, team, bits))?;
    let act = Act::CreateKey(NewKey {
        key: KeyId::from_u128(admin.id()?),
        member: value.member_id,
        name: value.name.into_string(),
        hash: hash(&minted.text)?,
        hint: ApiKey::hint(&minted.text),
        expires_ms: value.expires_at.map(Time::ms),
        models: value.models.map(Models::into_vec),
        addresses: value.addresses,
    });
    match admin.order_team(team, &repeat, act).await.map_err(not_heard_of_yet)? {
        Reply::Key(view) => KeyWithSecret::new(team, view, minted).map(created),
        _ => Err(unexpected()),
    }
}

/// List a team's keys, revoked ones included.
#[utoipa::path(get, path = "/api/v1/teams/{team_id}/keys", tag = "Keys",
    params(("team_id" = schema::TeamId, Path), KeyFilter),
    responses((status = 200, description = "A page", body = List<Key>)))]
#[worker::send]
pub(crate) async fn list_keys(
    caller: Caller,
    Id(team): Id<TeamId>,
    Query(asked): Query<KeyFilter>,
) -> Result<Json<List<Key>>, Problem> {
    let admin = caller.may(Action::ListKeys, Target::Team { id: team }).await?;
    let keys = admin.app.overview(team).await?.keys.into_iter();
    let wanted = keys.filter(|key| asked.member_id.is_none_or(|id| key.member == id));
    let asked = (asked.cursor.as_deref(), asked.limit);
    page(wanted, asked, |key| key.id, |key| Key::new(team, key)).map(Json)
}

/// Show a key.
#[utoipa::path(get, path = "/api/v1/teams/{team_id}/keys/{key_id}", tag = "Keys",
    params(("team_id" = schema::TeamId, Path), ("key_id" = schema::KeyId, Path)),
    responses((status = 200, description = "The key", body = Key)))]
#[worker::send]
pub(crate) async fn get_key(caller: Caller, Ids(team, id): Ids<TeamId, KeyId>) -> Result<Json<Key>, Problem> {
    let admin = caller.may(Action::GetKey, Target::Key { team, id, owner: None }).await?;
    let mut keys = admin.app.overview(team).await?.keys.into_iter();
    let found = keys.find(|key| key.id == id).ok_or_else(|| Problem::not_found("key", id))?;
    Ok(Json(Key::new(team, found)))
}

/// Revoke a key: it never works again. Calls in flight go on.
#[utoipa::path(delete, path = "/api/v1/teams/{team_id}/keys/{key_id}", tag = "Keys",
    params(("team_id" = schema::TeamId, Path), ("key_id" = schema::KeyId, Path)),
    responses((status = 200, description = "As it is now", body = Key)))]
#[worker::send]
pub(crate) async fn revoke_key(
    caller: Caller,
    Ids(team, id): Ids<TeamId, KeyId>,
    Unrepeated(repeat): Unrepeated,
) -> Result<Json<Key>, Problem> {
    let admin = caller.may(Action::RevokeKey, Target::Key { team, id, owner: None }).await?;
    match admin.order_team(team, &repeat, Act::RevokeKey { key: id }).await? {
        Reply::Key(view) => Ok(Json(Key::new(team, view))),
        _ => Err(unexpected()),
    }
}

/// Give a key a new secret; its spend and limits stay.
#[utoipa::path(post, path = "/api/v1/teams/{team_id}/keys/{key_id}/rotate", tag = "Keys",
    params(("team_id" = schema::TeamId, Path), ("key_id" = schema::KeyId, Path)), request_body = Rotation,
    responses((status = 200, description = "As it is now, with the new secret", body = KeyWithSecret)))]
#[worker::send]
pub(crate) async fn rotate_key(
    caller: Caller,
    Ids(team, id): Ids<TeamId, KeyId>,
    Body { value, repeat }: Body<Rotation>,
) -> Result<Json<KeyWithSecret>, Problem> {
    let admin = caller.may(Action::RotateKey, Target::Key { team, id, owner: None }).await?;
    let minted = admin.secret(&repeat, "rotation", |bits| ApiKey::mint(admin.organization, team, bits))?;
    let act = Act::RotateKey {
        key: id,
        hash: hash(&minted.text)?,
        hint: ApiKey::hint(&minted.text),
        grace_ms: i64::from(value.grace_seconds).saturating_mul(1000),
    };
    match admin.order_team(team, &repeat, act).await? {
        Reply::Key(view) => KeyWithSecret::new(team, view, minted).map(Json),
        _ => Err(unexpected()),
    }
}

fn hash(secret: &str) -> Result<identity::KeyHash, Problem> {
    ApiKey::parse(secret).map(|key| key.hash).map_err(Problem::internal)
}
