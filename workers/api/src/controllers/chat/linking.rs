//! Whose account in a chat is whose, where the chat cannot say: by a code that
//! the member made where they are signed in, and sends from the account.

use ::organization::protocol::Act;
use identity::MemberId;
use runtime::now_ms;
use serde::Deserialize;

use super::heard::Heard;
use crate::extract::{Action, Target};
use crate::idempotency::hex;
use crate::problem::{Code, Problem};
use crate::sql::Sql;

/// What is kept of a code.
pub(crate) fn hash(code: &str) -> String {
    use sha2::{Digest, Sha256};
    hex(&Sha256::digest(code.as_bytes()))
}

#[derive(Deserialize)]
struct Known {
    member: MemberId,
}

/// The account is the member's whose code it is, and nobody else's any more.
/// Answers their name.
pub(super) async fn link(heard: &Heard, account: &str, chat: &str, code: &str) -> Result<String, Problem> {
    let (app, organization, channel) = (&heard.app, heard.organization, heard.channel);
    // Taken out before anything else: of two that come at once one has it.
    let sql = Sql::new("DELETE FROM chat_links WHERE organization = ")
        .text(organization)
        .push(" AND channel = ")
        .text(channel)
        .push(" AND code = ")
        .text(hash(code))
        .push(" AND expires_ms > ")
        .int(now_ms())
        .push(" RETURNING json_object('member', member) AS row");
    let Some(Known { member }) = app.rows(sql).await?.pop() else {
        heard.refuse(None, "unknown_code").await;
        let detail = "this code does not work, or no more: make another one where you sign in to Alfred";
        return Err(Problem::new(Code::Forbidden, detail));
    };
    let admin = heard.caller(member).may(Action::LinkChat, Target::Member { id: member }).await?;
    admin.order(&heard.repeat, Act::LinkChat { member, channel }).await?;
    let others = Sql::new("DELETE FROM chat_accounts WHERE organization = ")
        .text(organization)
        .push(" AND channel = ")
        .text(channel)
        .push(" AND account = ")
        .text(account);
    app.execute(others).await?;
    let put =
        Sql::new("INSERT INTO chat_accounts (organization, channel, member, email, account, conversation) VALUES (")
            .text(organization)
            .push(", ")
            .text(channel)
            .push(", ")
            .text(member)
            .push(", '', ")
            .text(account)
            .push(", ")
            .text(chat)
            .push(
                ") ON CONFLICT (organization, channel, member) DO UPDATE SET
            email = '', account = excluded.account, conversation = excluded.conversation",
            );
    app.execute(put).await?;
    let members = app.directory(organization).await?.members;
    let known = members.into_iter().find(|known| known.profile.member == member);
    Ok(known.map(|known| known.profile.name).unwrap_or_default())
}
