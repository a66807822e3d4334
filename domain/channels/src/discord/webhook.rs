//! Discord, by a channel's webhook: nothing comes back. Actions are links.

use crate::endpoint::Endpoint;
use crate::message::Message;
use crate::outgoing::{Method, Outgoing};

use super::{Buttons, content, user_agent};

/// Posts the message to a webhook, `https://discord.com/api/webhooks/…`. What
/// became of it [`outcome`](super::outcome) says. `site` is where Alfred is to
/// be seen.
#[must_use]
pub fn request(message: &Message, webhook: &Endpoint, site: &Endpoint) -> Outgoing {
    // Without the first there is no answer to read, without the second there
    // are no buttons.
    let url = webhook.with(&[("wait", "true"), ("with_components", "true")]);
    Outgoing::json(Method::Post, url, &content(message, Buttons::Links)).header(user_agent(site))
}
