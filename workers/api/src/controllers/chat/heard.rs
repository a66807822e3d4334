//! A request of a chat that one of the organization's channels has signed.

use audit::Attribution;
use channels::incoming::Decision;
use channels::{ActionKeys, Channel, Verdict};
use identity::{ApprovalId, ChannelId, MemberId, OrganizationId};
use messenger::Line;
use runtime::now_ms;

use super::link::verdict;
use super::{people, refused};
use crate::app::App;
use crate::controllers::approvals::decide;
use crate::extract::{Body, Caller};
use crate::idempotency::Repeat;
use crate::problem::{Code, Problem};
use crate::sql::Sql;
use crate::text::Note;

/// What came, and by which channel.
pub(super) struct Heard {
    pub(super) app: App,
    pub(super) organization: OrganizationId,
    pub(super) channel: ChannelId,
    pub(super) line: Line,
    /// The workspace that the organization has linked, where there is such a thing.
    pub(super) workspace: Option<String>,
    pub(super) by: Attribution,
    pub(super) repeat: Repeat,
}

impl Heard {
    /// The member as whoever calls.
    pub(super) fn caller(&self, member: MemberId) -> Caller {
        Caller::in_chat(self.app.clone(), (self.organization, member, self.channel), self.by.clone())
    }

    /// Records what was refused.
    pub(super) async fn refuse(&self, member: Option<MemberId>, code: &str) {
        refused(&self.app, self.organization, (Some(self.channel), member), (code, &self.by)).await;
    }

    /// Remembers that it came; refuses and records what has come before.
    pub(super) async fn is_first(&self, replay_id: &str) -> Result<(), Problem> {
        let sql = Sql::new("INSERT INTO chat_requests (organization, channel, id, time_ms) VALUES (")
            .text(self.organization)
            .push(", ")
            .text(self.channel)
            .push(", ")
            .text(replay_id)
            .push(", ")
            .int(now_ms())
            .push(") ON CONFLICT DO NOTHING");
        if self.app.execute(sql).await? > 0 {
            return Ok(());
        }
        self.refuse(None, "replayed").await;
        Err(Problem::new(Code::Forbidden, "this request has come before"))
    }

    /// Who it is, if they may be heard at all. Who is not known is told `how`
    /// they would be.
    pub(super) async fn welcome(&self, replay_id: &str, account: &str, how: &str) -> Result<MemberId, Problem> {
        self.is_first(replay_id).await?;
        let directory = self.app.directory(self.organization).await?;
        match people::member(self, &directory, account).await? {
            Some(member) => Ok(member),
            None => {
                self.refuse(None, "unknown_account").await;
                Err(Problem::new(Code::Forbidden, how))
            }
        }
    }

    /// Decides as the member who pressed a button, if it is theirs in that
    /// kind of channel.
    pub(super) async fn decide(&self, kind: Channel, member: MemberId, decision: Decision) -> Result<Verdict, Problem> {
        let (master, previous) = (self.app.master_secret()?, self.app.previous_secret());
        let keys = ActionKeys::new(&master, previous.as_deref(), self.organization, kind);
        let answered = match keys.map_err(Problem::internal)?.verify(&decision.token, member) {
            Ok(answered) => answered,
            Err(error) => {
                self.refuse(Some(member), "forged_button").await;
                return Err(Problem::new(Code::Forbidden, error));
            }
        };
        let (action, verdict) = verdict(answered.verdict);
        let reason = decision.reason.map(Note::try_from).transpose().map_err(Problem::invalid)?;
        let body = Body { value: decide::Decision::because(reason), repeat: self.repeat.clone() };
        let id = ApprovalId::from_u128(answered.request);
        let _ = decide::decide(self.caller(member), action, (id, verdict), body).await?;
        Ok(answered.verdict)
    }
}
