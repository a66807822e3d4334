//! What comes from a chat, until it is known by which of the organization's
//! channels: the same whichever chat it is.

use ::organization::protocol::{Channel, Way};
use audit::Attribution;
use axum::body::Bytes;
use axum::extract::Request;
use channels::Headers;
use channels::incoming::{MOST_BYTES, Refusal};
use http::HeaderMap;
use http::request::Parts;
use identity::OrganizationId;
use messenger::Line;

use super::heard::Heard;
use super::refused;
use crate::app::App;
use crate::idempotency::Repeat;
use crate::problem::{Code, Problem};
use crate::sign_in::browser::attribution;
use crate::throttle;

/// A request that nothing has verified yet.
pub(super) struct Knock {
    app: App,
    organization: OrganizationId,
    parts: Parts,
    body: Bytes,
    by: Attribution,
}

impl Knock {
    /// Takes it in; nothing of what it says is read.
    pub(super) async fn of(app: App, request: Request) -> Result<Self, Problem> {
        let (parts, body) = request.into_parts();
        throttle::may_try(&app, &parts.headers)?;
        let nowhere = || Problem::new(Code::NotFound, "there is no chat here");
        let organization = parts.uri.path().rsplit('/').next().and_then(|id| id.parse().ok()).ok_or_else(nowhere)?;
        let body = axum::body::to_bytes(body, MOST_BYTES)
            .await
            .map_err(|_| Problem::new(Code::PayloadTooLarge, "the body is larger than anything that a chat sends"))?;
        let by = Attribution { action: Some("chat".to_owned()), ..attribution(&parts)? };
        Ok(Self { app, organization, parts, body, by })
    }

    /// The channel of that kind whose secret fits, and what it let through.
    /// What fits none is refused and recorded.
    pub(super) async fn verified<'a, T>(
        &'a self,
        kind: &str,
        verify: impl Fn(&Line, Headers<'_>, &'a [u8]) -> Result<T, Refusal>,
    ) -> Result<(Heard, T), Problem> {
        let headers: Vec<(&str, &str)> =
            self.parts.headers.iter().filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?))).collect();
        let vault = self.app.vault()?;
        let mut refusal = Refusal::Signature;
        let channels = self.app.channels(self.organization).await?;
        for channel in channels.into_iter().filter(|channel| channel.enabled && channel.way.kind() == kind) {
            let Ok(line) = Line::open(self.app.env(), &vault, &channel) else { continue };
            match verify(&line, Headers(&headers), &self.body) {
                Ok(verified) => return Ok((self.heard(channel, line)?, verified)),
                // The one that only came too late says more.
                Err(Refusal::Stale) => refusal = Refusal::Stale,
                Err(_) => {}
            }
        }
        let code = if refusal == Refusal::Stale { "stale" } else { "forged" };
        refused(&self.app, self.organization, (None, None), (code, &self.by)).await;
        Err(Problem::new(Code::Unauthorized, refusal))
    }

    fn heard(&self, channel: Channel, line: Line) -> Result<Heard, Problem> {
        let repeat = Repeat::read(&HeaderMap::new(), &self.parts.method, self.parts.uri.path(), &self.body)?;
        let workspace = match channel.way {
            Way::Slack { workspace } => Some(workspace),
            _ => None,
        };
        let (app, by) = (self.app.clone(), self.by.clone());
        Ok(Heard { app, organization: self.organization, channel: channel.id, line, workspace, by, repeat })
    }
}
