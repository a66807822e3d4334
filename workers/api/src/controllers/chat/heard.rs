//! A request of a chat that one of the organization's channels has signed.

use audit::Attribution;
use identity::{ChannelId, MemberId, OrganizationId};
use messenger::Line;
use runtime::now_ms;

use super::refused;
use crate::app::App;
use crate::extract::Caller;
use crate::idempotency::Repeat;
use crate::problem::{Code, Problem};
use crate::sql::Sql;

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
}
