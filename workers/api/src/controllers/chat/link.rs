//! `/decide/{organization_id}/{channel_id}/{token}`: the links in mails by which
//! somebody decides.
//!
//! Programs that scan mails follow links, so what is opened only asks; deciding
//! is a POST from that page. Whoever has the link is its approver: as with
//! every mail of this kind, whoever reads their mail can do it for them. A link
//! works in one channel of one organization, until the request expires, and
//! once; what is forged, late or used is refused and recorded.

use audit::Attribution;
use axum::extract::Request;
use axum::response::Response;
use channels::Verdict;
use channels::link::{Claims, LinkError, LinkKeys};
use http::Method;
use identity::{ApprovalId, ChannelId, MemberId, OrganizationId};
use runtime::now_ms;

use super::question;
use super::refused;
use crate::app::App;
use crate::controllers::approvals::decide::{self, Decision};
use crate::extract::{Action, Body, Caller};
use crate::idempotency::Repeat;
use crate::problem::{Code, Problem};
use crate::sign_in::browser::attribution;
use crate::sql::Sql;
use crate::throttle;

/// A link that is genuine, and not late.
struct Shown {
    app: App,
    organization: OrganizationId,
    channel: ChannelId,
    claims: Claims,
    by: Attribution,
}

/// Shows what a link is about, or decides it.
#[worker::send]
pub(crate) async fn link(app: App, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let is_decision = parts.method == Method::POST;
    let answered = async {
        throttle::may_try(&app, &parts.headers)?;
        let by = Attribution { action: Some("chat".to_owned()), ..attribution(&parts)? };
        let shown = read(app, parts.uri.path(), by).await?;
        if !is_decision {
            return shown.ask().await;
        }
        let body = axum::body::to_bytes(body, question::MOST_BYTES).await;
        let body = body.map_err(|_| Problem::new(Code::PayloadTooLarge, "the reason is too long"))?;
        let repeat = Repeat::read(&http::HeaderMap::new(), &parts.method, parts.uri.path(), &body)?;
        shown.decide(&body, repeat).await
    };
    answered.await.unwrap_or_else(question::sorry)
}

async fn read(app: App, path: &str, by: Attribution) -> Result<Shown, Problem> {
    let mut parts = path.rsplit('/');
    let (token, channel, organization) = (parts.next(), parts.next(), parts.next());
    let nowhere = || Problem::new(Code::NotFound, "the link is incomplete: copy the whole of it");
    let token = token.ok_or_else(nowhere)?;
    let channel: ChannelId = channel.and_then(|id| id.parse().ok()).ok_or_else(nowhere)?;
    let organization: OrganizationId = organization.and_then(|id| id.parse().ok()).ok_or_else(nowhere)?;
    // One that is off is deaf; of another organization's nothing is said.
    let known = app.channels(organization).await?.into_iter().any(|own| own.id == channel && own.enabled);
    let (master, previous) = (app.master_secret()?, app.previous_secret());
    let keys = LinkKeys::new(&master, previous.as_deref(), organization, channel).map_err(Problem::internal)?;
    match keys.verify(token, now_ms()) {
        Ok(claims) if known => Ok(Shown { app, organization, channel, claims, by }),
        Err(error @ LinkError::Expired) => {
            refused(&app, organization, (known.then_some(channel), None), ("expired_link", &by)).await;
            Err(Problem::new(Code::TooLate, error))
        }
        other => {
            refused(&app, organization, (known.then_some(channel), None), ("forged_link", &by)).await;
            Err(Problem::new(Code::Forbidden, other.err().unwrap_or(LinkError::Refused)))
        }
    }
}

impl Shown {
    fn id(&self) -> ApprovalId {
        ApprovalId::from_u128(self.claims.request)
    }

    fn member(&self) -> MemberId {
        self.claims.approver
    }

    /// By what it is known that it was used.
    fn name(&self) -> String {
        format!("link:{:016x}", self.claims.nonce)
    }

    async fn ask(&self) -> Result<Response, Problem> {
        let who = identity::Principal::Chat(self.member(), self.channel);
        let asked = question::read(&self.app, self.organization, who, self.id()).await?;
        if self.is_used().await? {
            return Err(used());
        }
        Ok(question::page(&asked, &[self.claims.verdict], ""))
    }

    async fn decide(&self, body: &[u8], repeat: Repeat) -> Result<Response, Problem> {
        let reason = question::reason(body)?;
        if !self.use_up().await? {
            refused(&self.app, self.organization, (Some(self.channel), Some(self.member())), ("used_link", &self.by))
                .await;
            return Err(used());
        }
        let caller = (self.organization, self.member(), self.channel);
        let caller = Caller::in_chat(self.app.clone(), caller, self.by.clone());
        let (action, verdict) = verdict(self.claims.verdict);
        let body = Body { value: Decision::because(reason), repeat };
        let decided = decide::decide(caller, action, (self.id(), verdict), body).await;
        if let Err(problem) = &decided
            && question::is_ours(problem)
        {
            // Nobody knows whether it was heard: the actor knows one that comes twice.
            self.give_back().await?;
        }
        decided.map(|_| question::done(self.claims.verdict))
    }

    async fn is_used(&self) -> Result<bool, Problem> {
        let sql = Sql::new("SELECT json_object('id', id) AS row FROM chat_requests WHERE organization = ")
            .text(self.organization)
            .push(" AND channel = ")
            .text(self.channel)
            .push(" AND id = ")
            .text(self.name());
        let known: Vec<serde_json::Value> = self.app.rows(sql).await?;
        Ok(!known.is_empty())
    }

    /// Notes that it is used, with the time until which it would work: what
    /// chats sent is forgotten a day after the time that stands there.
    async fn use_up(&self) -> Result<bool, Problem> {
        let sql = Sql::new("INSERT INTO chat_requests (organization, channel, id, time_ms) VALUES (")
            .text(self.organization)
            .push(", ")
            .text(self.channel)
            .push(", ")
            .text(self.name())
            .push(", ")
            .int(self.claims.expires_ms)
            .push(") ON CONFLICT DO NOTHING");
        Ok(self.app.execute(sql).await? > 0)
    }

    async fn give_back(&self) -> Result<(), Problem> {
        let sql = Sql::new("DELETE FROM chat_requests WHERE organization = ")
            .text(self.organization)
            .push(" AND channel = ")
            .text(self.channel)
            .push(" AND id = ")
            .text(self.name());
        self.app.execute(sql).await.map(drop)
    }
}

fn used() -> Problem {
    Problem::new(Code::Conflict, "you have used this link: open the request in Alfred to see what came of it")
}

/// What the verdict is to the API.
pub(super) const fn verdict(verdict: Verdict) -> (Action, ::approvals::Verdict) {
    match verdict {
        Verdict::Approve => (Action::Approve, ::approvals::Verdict::Approve),
        Verdict::Deny => (Action::Deny, ::approvals::Verdict::Deny),
    }
}
