//! Channels by which an organization's people are told of something.

use identity::{ChannelId, MemberId};
use serde::{Deserialize, Serialize};
use vault::Sealed;

use super::Approval;

/// A way to reach people, or a program.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Channel {
    /// Its id.
    pub id: ChannelId,
    /// Its name; policies' `@notify` can name it.
    pub name: String,
    /// Whether anything is sent, and whether what comes back is heard.
    pub enabled: bool,
    /// What it is, without its secrets.
    pub way: Way,
    /// Its secrets as one text, sealed for the channel's id.
    pub secret: Sealed,
}

/// What a channel is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Way {
    /// Slack, by a bot: to each person, with buttons.
    Slack {
        /// Slack's id of the workspace, `T…`.
        workspace: String,
    },
    /// Slack, by an incoming webhook: into one conversation.
    SlackWebhook,
    /// Teams, by a Workflows webhook: into one conversation.
    TeamsWebhook,
    /// Mail to each person.
    Email {
        /// By whom.
        service: MailService,
        /// From which address.
        from: String,
    },
    /// Telegram, by a bot: to each person who has linked their account.
    Telegram {
        /// The bot's name, without `@`.
        bot: String,
    },
    /// Standard Webhooks, for a program.
    Webhook,
}

/// Who sends mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MailService {
    /// Resend.
    Resend,
    /// Postmark.
    Postmark,
}

impl Way {
    /// Its name, as in its JSON.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Slack { .. } => "slack",
            Self::SlackWebhook => "slack_webhook",
            Self::TeamsWebhook => "teams_webhook",
            Self::Email { .. } => "email",
            Self::Telegram { .. } => "telegram",
            Self::Webhook => "webhook",
        }
    }

    /// Whether it reaches each person by themselves.
    #[must_use]
    pub const fn is_personal(&self) -> bool {
        matches!(self, Self::Slack { .. } | Self::Email { .. } | Self::Telegram { .. })
    }

    /// Whether it reaches only who has linked their account: it cannot know
    /// people by their address.
    #[must_use]
    pub const fn is_linked(&self) -> bool {
        matches!(self, Self::Telegram { .. })
    }
}

/// Something that was asked for, and who can decide it now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deciders {
    /// It.
    pub approval: Approval,
    /// Members that can decide now.
    pub members: Vec<MemberId>,
}
