//! Which channels there are.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A way to reach somebody.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Channel {
    /// Slack, by Alfred's bot or an incoming webhook.
    Slack,
    /// Microsoft Teams, by a Workflows webhook.
    Teams,
    /// E-mail, by whichever provider.
    Email,
    /// Telegram, by a bot.
    Telegram,
    /// Discord, by a bot or a webhook.
    Discord,
    /// WhatsApp, by Meta's Cloud API.
    #[serde(rename = "whatsapp")]
    WhatsApp,
    /// A signed webhook.
    Webhook,
    /// A notification of the browser.
    Push,
}

impl Channel {
    /// All of them.
    pub const ALL: &'static [Self] = &[
        Self::Slack,
        Self::Teams,
        Self::Email,
        Self::Telegram,
        Self::Discord,
        Self::WhatsApp,
        Self::Webhook,
        Self::Push,
    ];

    /// Its name in JSON, and in the keys of [`ActionKeys`](crate::ActionKeys).
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Slack => "slack",
            Self::Teams => "teams",
            Self::Email => "email",
            Self::Telegram => "telegram",
            Self::Discord => "discord",
            Self::WhatsApp => "whatsapp",
            Self::Webhook => "webhook",
            Self::Push => "push",
        }
    }
}

impl fmt::Display for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_json() {
        for channel in Channel::ALL {
            assert_eq!(serde_json::to_value(channel).unwrap(), channel.name());
        }
    }
}
