//! By which channels an organization's people and programs are told of
//! something. Their secrets are sealed before they leave this worker and never
//! shown again.

pub(crate) mod trial;

use ::organization::protocol::{self as organization, Act, HasTag, MailService, Reply};
use axum::Json;
use identity::ChannelId;
use messenger::{Line, Secrets};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::sealed::{anew, seal};
use super::{Created, created};
use crate::app::{App, unexpected};
use crate::extract::{Action, Admin, Body, Caller, Id, Query, Target, Unrepeated};
use crate::page::{List, Paging, page};
use crate::problem::Problem;
use crate::schema;
use crate::tags::Tagged;
use crate::text::{Name, Secret};

/// A new channel.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewChannel {
    /// Unique in the organization. `@notify("name")` of a policy tells a webhook of that name.
    #[schema(value_type = schema::Name)]
    name: Name,
    channel: NewWay,
}

/// Changes to a channel. What is left out stays as it is.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ChannelChange {
    #[serde(default)]
    #[schema(value_type = Option<schema::Name>)]
    name: Option<Name>,
    /// Whether anything is sent, and whether what comes back is heard.
    #[serde(default)]
    enabled: Option<bool>,
    /// All of it anew, with its secrets.
    #[serde(default)]
    channel: Option<NewWay>,
}

/// What a channel is, with its secrets, which are stored sealed.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
#[schema(as = NewChannelWay)]
pub(crate) enum NewWay {
    /// Slack, by a bot: to each person, with buttons; `/alfred` works too. The app's interactions and slash command go
    /// to `/chat/slack/` and the organization's id.
    Slack {
        /// Slack's id of the workspace.
        #[schema(value_type = schema::SlackWorkspace)]
        workspace: String,
        /// The bot's token, with `chat:write`, `im:write`, `users:read` and `users:read.email`.
        #[schema(value_type = schema::ChannelSecret)]
        token: Secret,
        #[schema(value_type = schema::ChannelSecret)]
        signing_secret: Secret,
    },
    /// Telegram, by a bot: to each person who has linked their account (`/me/chat-links`), with buttons; commands work
    /// too. The bot's webhook is `/chat/telegram/` and the organization's id, with the secret token.
    Telegram {
        /// The bot's name, without `@`.
        #[schema(value_type = schema::TelegramBot)]
        bot: String,
        /// The bot's token.
        #[schema(value_type = schema::ChannelSecret)]
        token: Secret,
        /// The `secret_token` that Telegram was given with `setWebhook`.
        #[schema(value_type = schema::TelegramSecret)]
        secret_token: Secret,
    },
    /// Slack, by an incoming webhook: into one conversation.
    SlackWebhook {
        #[schema(value_type = schema::WebhookUrl)]
        url: Secret,
    },
    /// Microsoft Teams, by a Workflows webhook: into one conversation.
    TeamsWebhook {
        #[schema(value_type = schema::WebhookUrl)]
        url: Secret,
    },
    /// Mail to each person.
    Email {
        #[schema(value_type = schema::MailService)]
        service: MailService,
        /// Who writes; the service must know the domain.
        #[schema(value_type = schema::Mailbox)]
        from: String,
        /// The service's key.
        #[schema(value_type = schema::ChannelSecret)]
        token: Secret,
    },
    /// Standard Webhooks, for a program.
    Webhook {
        #[schema(value_type = schema::WebhookUrl)]
        url: Secret,
        #[schema(value_type = schema::WebhookSecret)]
        secret: Secret,
    },
}

/// By what people or a program are told of something.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Channel)]
pub(crate) struct ChannelBody {
    #[schema(value_type = schema::ChannelId)]
    id: ChannelId,
    name: String,
    enabled: bool,
    #[schema(value_type = schema::ChannelKind)]
    kind: &'static str,
    /// Slack's id of the workspace; `null` for others.
    workspace: Option<String>,
    /// Telegram's name of the bot; `null` for others.
    bot: Option<String>,
    /// Who sends mail; `null` for others.
    #[schema(value_type = Option<schema::MailService>)]
    service: Option<MailService>,
    /// Who writes; `null` where it is not mail.
    from: Option<String>,
}

impl From<organization::Channel> for ChannelBody {
    fn from(channel: organization::Channel) -> Self {
        let kind = channel.way.kind();
        let mut body = Self {
            id: channel.id,
            name: channel.name,
            enabled: channel.enabled,
            kind,
            workspace: None,
            bot: None,
            service: None,
            from: None,
        };
        match channel.way {
            organization::Way::Slack { workspace } => body.workspace = Some(workspace),
            organization::Way::Telegram { bot } => body.bot = Some(bot),
            organization::Way::Email { service, from } => (body.service, body.from) = (Some(service), Some(from)),
            _ => {}
        }
        body
    }
}

impl NewWay {
    fn parts(self) -> (organization::Way, Secrets) {
        let url = |url: Secret| Secrets { url: Some(url.into_string()), ..Secrets::default() };
        match self {
            Self::Slack { workspace, token, signing_secret } => {
                let (token, signing) = (Some(token.into_string()), Some(signing_secret.into_string()));
                (organization::Way::Slack { workspace }, Secrets { token, signing, url: None })
            }
            Self::Telegram { bot, token, secret_token } => {
                let (token, signing) = (Some(token.into_string()), Some(secret_token.into_string()));
                (organization::Way::Telegram { bot }, Secrets { token, signing, url: None })
            }
            Self::SlackWebhook { url: to } => (organization::Way::SlackWebhook, url(to)),
            Self::TeamsWebhook { url: to } => (organization::Way::TeamsWebhook, url(to)),
            Self::Email { service, from, token } => {
                let secrets = Secrets { token: Some(token.into_string()), ..Secrets::default() };
                (organization::Way::Email { service, from }, secrets)
            }
            Self::Webhook { url: to, secret } => {
                (organization::Way::Webhook, Secrets { signing: Some(secret.into_string()), ..url(to) })
            }
        }
    }

    /// What is stored of it, once it is known that it can be used.
    fn sealed(self, app: &App, id: ChannelId) -> Result<(organization::Way, vault::Sealed), Problem> {
        let (way, secrets) = self.parts();
        if let organization::Way::Slack { workspace } = &way
            && !is_workspace(workspace)
        {
            return Err(Problem::invalid(format!(
                "`{workspace}` is not Slack's id of a workspace, such as `T012AB3CD`"
            )));
        }
        if let organization::Way::Telegram { bot } = &way
            && !is_bot(bot)
        {
            return Err(Problem::invalid(format!(
                "`{bot}` is not a bot's name at Telegram, such as `alfred_acme_bot`"
            )));
        }
        if let (organization::Way::Telegram { .. }, Some(secret)) = (&way, &secrets.signing)
            && !is_secret_token(secret)
        {
            let detail = "the channel: `secret_token` has 16 to 256 of the characters A-Z, a-z, 0-9, _ and -";
            return Err(Problem::invalid(detail));
        }
        Line::of(app.env(), &way, &secrets).map_err(|error| Problem::invalid(format!("the channel: {error}")))?;
        let text = serde_json::to_string(&secrets).map_err(Problem::internal)?;
        Ok((way, seal(&app.vault()?, &id.to_string(), &text)?))
    }
}

fn is_workspace(text: &str) -> bool {
    let good = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit();
    (3..=21).contains(&text.len()) && text.starts_with(['T', 'E']) && text.bytes().all(good)
}

/// <https://core.telegram.org/bots/features#botfather>
fn is_bot(text: &str) -> bool {
    let good = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    (5..=32).contains(&text.len()) && text.bytes().all(good)
}

/// <https://core.telegram.org/bots/api#setwebhook>, which takes shorter ones
/// too: but it is all by which Telegram is known.
fn is_secret_token(text: &str) -> bool {
    let good = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    (16..=256).contains(&text.len()) && text.bytes().all(good)
}

/// Add a channel.
///
/// Whoever may decide about what was asked for is told by it from then on, and others of what happens to them.
#[utoipa::path(post, path = "/api/v1/channels", tag = "Channels", request_body = NewChannel,
    responses((status = 201, description = "It is used from now on", body = ChannelBody)))]
#[worker::send]
pub(crate) async fn create_channel(
    caller: Caller,
    Body { value, repeat }: Body<NewChannel>,
) -> Result<Created<ChannelBody>, Problem> {
    let admin = caller.may(Action::CreateChannel, Target::Organization).await?;
    let id = ChannelId::from_u128(admin.id()?);
    let (way, secret) = value.channel.sealed(&admin.app, id)?;
    let channel = organization::Channel { id, name: value.name.into_string(), enabled: true, way, secret };
    match admin.order(&repeat, Act::PutChannel { channel: Box::new(channel), new: true }).await? {
        Reply::Channel(channel) => Ok(created((*channel).into())),
        _ => Err(unexpected()),
    }
}

/// List channels.
#[utoipa::path(get, path = "/api/v1/channels", tag = "Channels", params(Paging),
    responses((status = 200, description = "A page", body = List<ChannelBody>)))]
#[worker::send]
pub(crate) async fn list_channels(
    caller: Caller,
    Query(asked): Query<Paging>,
) -> Result<Json<List<ChannelBody>>, Problem> {
    let admin = caller.may(Action::ListChannels, Target::Organization).await?;
    let channels = admin.app.channels(admin.organization).await?;
    page(channels, (asked.cursor.as_deref(), asked.limit), |channel| channel.id, ChannelBody::from).map(Json)
}

/// Show a channel.
#[utoipa::path(get, path = "/api/v1/channels/{channel_id}", tag = "Channels",
    params(("channel_id" = schema::ChannelId, Path)),
    responses((status = 200, description = "The channel", body = ChannelBody)))]
#[worker::send]
pub(crate) async fn get_channel(caller: Caller, Id(id): Id<ChannelId>) -> Result<Tagged<ChannelBody>, Problem> {
    let admin = caller.may(Action::GetChannel, Target::Organization).await?;
    let channel = find(&admin, id).await?;
    Ok(Tagged::shown(channel.tag(), channel.into()))
}

/// Change a channel.
#[utoipa::path(patch, path = "/api/v1/channels/{channel_id}", tag = "Channels",
    params(("channel_id" = schema::ChannelId, Path)), request_body = ChannelChange,
    responses((status = 200, description = "As it is now", body = ChannelBody)))]
#[worker::send]
pub(crate) async fn change_channel(
    caller: Caller,
    Id(id): Id<ChannelId>,
    Body { value, repeat }: Body<ChannelChange>,
) -> Result<Tagged<ChannelBody>, Problem> {
    let admin = caller.may(Action::ChangeChannel, Target::Organization).await?;
    let read = async || find(&admin, id).await.map(|channel| (channel.tag(), channel));
    let alter = |mut channel: organization::Channel| {
        let ChannelChange { name, enabled, channel: way } = value.clone();
        channel.name = name.map_or(channel.name, Name::into_string);
        channel.enabled = enabled.unwrap_or(channel.enabled);
        match way {
            Some(way) => (channel.way, channel.secret) = way.sealed(&admin.app, id)?,
            None => channel.secret = anew(&admin.app.vault()?, &id.to_string(), channel.secret)?,
        }
        Ok(Act::PutChannel { channel: Box::new(channel), new: false })
    };
    match admin.change(&repeat, read, alter).await? {
        Reply::Channel(channel) => Ok(Tagged::changed(channel.tag(), (*channel).into())),
        _ => Err(unexpected()),
    }
}

/// Remove a channel.
#[utoipa::path(delete, path = "/api/v1/channels/{channel_id}", tag = "Channels",
    params(("channel_id" = schema::ChannelId, Path)), responses((status = 204, description = "It is gone")))]
#[worker::send]
pub(crate) async fn remove_channel(
    caller: Caller,
    Id(id): Id<ChannelId>,
    Unrepeated(repeat): Unrepeated,
) -> Result<http::StatusCode, Problem> {
    let admin = caller.may(Action::RemoveChannel, Target::Organization).await?;
    admin.order(&repeat, Act::RemoveChannel { id }).await?;
    Ok(http::StatusCode::NO_CONTENT)
}

async fn find(admin: &Admin, id: ChannelId) -> Result<organization::Channel, Problem> {
    let mut channels = admin.app.channels(admin.organization).await?.into_iter();
    channels.find(|channel| channel.id == id).ok_or_else(|| Problem::not_found("channel", id))
}
