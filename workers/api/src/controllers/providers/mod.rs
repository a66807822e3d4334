//! Who serves models.
//!
//! A provider's key is sealed before it leaves this worker and never shown
//! again. In deployed environments its address must be a public one: calls
//! carry prompts and the provider's key, and an admin of one organization must
//! not reach into the installation's own network.

mod change;
mod headers;

use std::collections::BTreeMap;

use axum::Json;
use identity::ProviderId;
use organization::protocol::{Act, HasTag, Reply};
use organization::{LimitField, Provider, ProviderKind};
use serde::Serialize;
use utoipa::ToSchema;

use self::change::{NewProvider, ProviderChange};
use super::{Created, created};
use crate::app::unexpected;
use crate::extract::{Action, Admin, Body, Caller, Id, Query, Target, Unrepeated};
use crate::page::{List, Paging, page};
use crate::problem::Problem;
use crate::schema;
use crate::tags::Tagged;

/// Who serves models.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Provider)]
pub(crate) struct ProviderBody {
    #[schema(value_type = schema::ProviderId)]
    id: ProviderId,
    name: String,
    #[schema(value_type = schema::ProviderKind)]
    kind: ProviderKind,
    /// Empty for the built-in one.
    base_url: String,
    /// Whether it has a key, which is never shown.
    has_key: bool,
    /// Models that it serves. A beginning with a slash (`groq/*`) is not sent on to it.
    #[schema(value_type = Vec<schema::ModelPattern>)]
    models: Vec<String>,
    /// By which name the price book knows it; its own name where `null`.
    prices: Option<String>,
    /// Headers that are added or replaced on the way. Values that look secret are shown as `…`.
    headers: BTreeMap<String, String>,
    #[schema(value_type = schema::LimitField)]
    limit_field: LimitField,
    /// How long it may take to begin its answer.
    header_timeout_seconds: i64,
    /// How long it may be silent in the middle of a stream.
    idle_timeout_seconds: i64,
}

impl From<Provider> for ProviderBody {
    fn from(provider: Provider) -> Self {
        Self {
            id: provider.id,
            name: provider.name,
            kind: provider.kind,
            base_url: provider.base_url,
            has_key: provider.key.is_some(),
            models: provider.models,
            prices: provider.prices,
            headers: headers::shown(provider.headers),
            limit_field: provider.limit_field,
            header_timeout_seconds: seconds(provider.header_timeout_ms),
            idle_timeout_seconds: seconds(provider.idle_timeout_ms),
        }
    }
}

fn seconds(ms: i64) -> i64 {
    ms.checked_div(1000).unwrap_or_default()
}

/// Add a provider.
#[utoipa::path(post, path = "/api/v1/providers", tag = "Providers", request_body = NewProvider,
    responses((status = 201, description = "It serves from the next call on", body = ProviderBody)))]
#[worker::send]
pub(crate) async fn create_provider(
    caller: Caller,
    Body { value, repeat }: Body<NewProvider>,
) -> Result<Created<ProviderBody>, Problem> {
    let admin = caller.may(Action::CreateProvider, Target::Organization).await?;
    let id = ProviderId::from_u128(admin.id()?);
    let provider = Box::new(value.into_change().apply(&admin.app, change::blank(id))?);
    match admin.order(&repeat, Act::PutProvider { provider, new: true }).await? {
        Reply::Provider(provider) => Ok(created((*provider).into())),
        _ => Err(unexpected()),
    }
}

/// List providers, in the order in which they are asked.
#[utoipa::path(get, path = "/api/v1/providers", tag = "Providers", params(Paging),
    responses((status = 200, description = "A page", body = List<ProviderBody>)))]
#[worker::send]
pub(crate) async fn list_providers(
    caller: Caller,
    Query(asked): Query<Paging>,
) -> Result<Json<List<ProviderBody>>, Problem> {
    let admin = caller.may(Action::ListProviders, Target::Visible).await?;
    let providers = admin.app.settings(admin.organization).await?.providers;
    let asked = (asked.cursor.as_deref(), asked.limit);
    page(providers, asked, |provider| provider.id, ProviderBody::from).map(Json)
}

/// Show a provider.
#[utoipa::path(get, path = "/api/v1/providers/{provider_id}", tag = "Providers",
    params(("provider_id" = schema::ProviderId, Path)),
    responses((status = 200, description = "The provider", body = ProviderBody)))]
#[worker::send]
pub(crate) async fn get_provider(caller: Caller, Id(id): Id<ProviderId>) -> Result<Tagged<ProviderBody>, Problem> {
    let admin = caller.may(Action::GetProvider, Target::Visible).await?;
    let provider = find(&admin, id).await?;
    Ok(Tagged::shown(provider.tag(), provider.into()))
}

/// Change a provider.
///
/// Another `base_url` needs its key again: the old key is not sent to another address.
#[utoipa::path(patch, path = "/api/v1/providers/{provider_id}", tag = "Providers",
    params(("provider_id" = schema::ProviderId, Path)), request_body = ProviderChange,
    responses((status = 200, description = "As it is now", body = ProviderBody)))]
#[worker::send]
pub(crate) async fn change_provider(
    caller: Caller,
    Id(id): Id<ProviderId>,
    Body { value, repeat }: Body<ProviderChange>,
) -> Result<Tagged<ProviderBody>, Problem> {
    let admin = caller.may(Action::ChangeProvider, Target::Organization).await?;
    let read = async || find(&admin, id).await.map(|provider| (provider.tag(), provider));
    let alter = |provider| {
        let provider = Box::new(value.clone().apply(&admin.app, provider)?);
        Ok(Act::PutProvider { provider, new: false })
    };
    match admin.change(&repeat, read, alter).await? {
        Reply::Provider(provider) => Ok(Tagged::changed(provider.tag(), (*provider).into())),
        _ => Err(unexpected()),
    }
}

/// Remove a provider.
#[utoipa::path(delete, path = "/api/v1/providers/{provider_id}", tag = "Providers",
    params(("provider_id" = schema::ProviderId, Path)), responses((status = 204, description = "It is gone")))]
#[worker::send]
pub(crate) async fn remove_provider(
    caller: Caller,
    Id(id): Id<ProviderId>,
    Unrepeated(repeat): Unrepeated,
) -> Result<http::StatusCode, Problem> {
    let admin = caller.may(Action::RemoveProvider, Target::Organization).await?;
    admin.order(&repeat, Act::RemoveProvider { id }).await?;
    Ok(http::StatusCode::NO_CONTENT)
}

async fn find(admin: &Admin, id: ProviderId) -> Result<Provider, Problem> {
    let mut providers = admin.app.settings(admin.organization).await?.providers.into_iter();
    providers.find(|provider| provider.id == id).ok_or_else(|| Problem::not_found("provider", id))
}
