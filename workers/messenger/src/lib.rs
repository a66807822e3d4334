//! Sends messages by the channels of an organization.
//!
//! In scope: opening a channel's sealed secrets, where providers' APIs are,
//! requests to them (bounded in time and size, never redirected), and what one
//! person needs in a message: their conversation, their buttons.
//!
//! Out of scope: what a message looks like and what an answer means
//! (`channels`), who is told of what, and that nothing is told twice.
//!
//! Where a provider's API is only the deployment says (`SLACK_API`,
//! `TELEGRAM_API`, `RESEND_API`, `POSTMARK_API`): whoever administers an organization names a
//! provider, never its address. Webhooks' addresses are theirs to say and must
//! be public ones, which is looked at when they are entered and when they are
//! used.

mod fetch;
mod post;

use channels::email::{Mailbox, postmark, resend};
use channels::{Endpoint, Secret, slack, telegram, webhook};
use issuers::address::{self, Reach};
use organization::protocol::{Channel, MailService, Way};
use serde::{Deserialize, Serialize};
use url::Url;
use vault::Vault;
use worker::Env;

pub use fetch::{Answered, send};
pub use post::{Again, Parcel, Post, Unsent};

/// A channel's secrets, as they are sealed together.
#[derive(Default, Clone, Serialize, Deserialize)]
#[serde(default)]
pub struct Secrets {
    /// A bot's token, or a mail service's key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
    /// By which Slack's and Telegram's requests are verified, or a webhook's are signed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signing: Option<String>,
    /// A webhook's address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
}

/// Why a channel cannot be used. It is for whoever set it up.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unusable(pub String);

/// A channel with its secrets.
#[derive(Debug)]
pub enum Line {
    /// Slack's bot, and by what its requests are verified.
    Slack(slack::Config, Secret),
    /// Telegram's bot, and by what its requests are verified.
    Telegram(telegram::Config, Secret),
    /// An incoming webhook of Slack.
    SlackWebhook(Endpoint),
    /// A Workflows webhook of Teams.
    Teams(Endpoint),
    /// Mail by Resend.
    Resend(resend::Config),
    /// Mail by Postmark.
    Postmark(postmark::Config),
    /// A program's webhook.
    Webhook(Endpoint, webhook::Secrets),
}

impl Line {
    /// Opens a channel.
    ///
    /// # Errors
    /// When its secrets do not open, or cannot be used.
    pub fn open(env: &Env, vault: &Vault, channel: &Channel) -> Result<Self, Unusable> {
        let text = vault.open(&channel.id.to_string(), &channel.secret).map_err(unusable)?;
        let secrets: Secrets = serde_json::from_str(&text).map_err(|_| Unusable("its secrets are damaged".into()))?;
        Self::of(env, &channel.way, &secrets)
    }

    /// Puts together what a channel needs.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn of(env: &Env, way: &Way, secrets: &Secrets) -> Result<Self, Unusable> {
        let reach = Reach::of(env);
        let token = || secret("token", secrets.token.as_deref());
        let url = || {
            let text = secrets.url.as_deref().ok_or_else(|| Unusable("`url` is missing".into()))?;
            let url = Url::parse(text).map_err(|error| Unusable(format!("`url` is not an address: {error}")))?;
            address::check_public(&url, "`url`", reach).map_err(Unusable)?;
            Endpoint::parse(text, reach.transport()).map_err(|error| Unusable(format!("`url`: {error}")))
        };
        match way {
            Way::Slack { .. } => {
                let api = base(env, "SLACK_API", slack::API)?;
                let signing = secret("signing_secret", secrets.signing.as_deref())?;
                Ok(Self::Slack(slack::Config { api, token: token()? }, signing))
            }
            Way::Telegram { .. } => {
                let api = base(env, "TELEGRAM_API", telegram::API)?;
                let signing = secret("secret_token", secrets.signing.as_deref())?;
                Ok(Self::Telegram(telegram::Config { api, token: token()? }, signing))
            }
            Way::SlackWebhook => url().map(Self::SlackWebhook),
            Way::TeamsWebhook => url().map(Self::Teams),
            Way::Email { service, from } => {
                let from = Mailbox::new(Some("Alfred"), from).map_err(|error| Unusable(format!("`from`: {error}")))?;
                match service {
                    MailService::Resend => {
                        let api = base(env, "RESEND_API", resend::API)?;
                        Ok(Self::Resend(resend::Config { api, key: token()?, from }))
                    }
                    MailService::Postmark => {
                        let api = base(env, "POSTMARK_API", postmark::API)?;
                        let stream = "outbound".to_owned();
                        Ok(Self::Postmark(postmark::Config { api, token: token()?, from, stream }))
                    }
                }
            }
            Way::Webhook => {
                let text = secrets.signing.as_deref().unwrap_or_default();
                let current = webhook::Secret::parse(text).map_err(|error| Unusable(format!("`secret`: {error}")))?;
                Ok(Self::Webhook(url()?, webhook::Secrets { current, others: Vec::new() }))
            }
        }
    }
}

/// Whether a channel's provider knows what it is sent twice.
#[must_use]
pub const fn is_repeatable(way: &Way) -> bool {
    matches!(way, Way::Webhook | Way::Email { service: MailService::Resend, .. })
}

fn unusable(error: impl std::fmt::Display) -> Unusable {
    Unusable(error.to_string())
}

fn secret(name: &str, text: Option<&str>) -> Result<Secret, Unusable> {
    let text = text.ok_or_else(|| Unusable(format!("`{name}` is missing")))?;
    Secret::parse(text).map_err(|error| Unusable(format!("`{name}`: {error}")))
}

/// Where a provider's API is.
fn base(env: &Env, variable: &str, usual: &str) -> Result<Endpoint, Unusable> {
    let own = env.var(variable).ok().map(|text| text.to_string()).filter(|text| !text.is_empty());
    let transport = Reach::of(env).transport();
    Endpoint::parse(own.as_deref().unwrap_or(usual), transport)
        .map_err(|error| Unusable(format!("the deployment's variable `{variable}`: {error}")))
}
