//! A member's own accounts in chats that know nobody by their address.

use ::organization::protocol::{Act, Channel, Way};
use axum::Json;
use identity::{ChannelId, MemberId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::chat::linking::hash;
use super::sessions::Person;
use super::{Created, created};
use crate::extract::{Action, Admin, Body, Id, Query, Target, Unrepeated};
use crate::page::{List, Paging, page};
use crate::problem::{Code, Problem};
use crate::schema;
use crate::sql::Sql;
use crate::time::Time;

/// How long a code works.
const MINUTES: i64 = 15;

/// Which chat.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewChatLink {
    #[schema(value_type = schema::ChannelId)]
    channel_id: ChannelId,
}

/// A code that links the account from which it is sent.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ChatLinkCode {
    #[schema(value_type = schema::ChannelId)]
    channel_id: ChannelId,
    /// It works once.
    code: String,
    /// Opens the chat and sends it.
    url: String,
    #[schema(value_type = schema::Time)]
    expires_at: Time,
}

/// An account in a chat.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct ChatLink {
    #[schema(value_type = schema::ChannelId)]
    channel_id: ChannelId,
    /// As the chat names it.
    account: String,
}

/// Make a code to link your account in a chat.
///
/// Send it to the bot within a quarter of an hour, or open `url`. From then on you are told there, and may decide and say
/// commands. A new code takes the place of the one before, and a new account too.
#[utoipa::path(post, path = "/api/v1/me/chat-links", tag = "Channels", request_body = NewChatLink,
    responses((status = 201, description = "The code", body = ChatLinkCode)))]
#[worker::send]
pub(crate) async fn create_chat_link(
    person: Person,
    Body { value, repeat }: Body<NewChatLink>,
) -> Result<Created<ChatLinkCode>, Problem> {
    let member = person.member;
    let admin = person.caller.may(Action::CreateChatLink, Target::Member { id: member }).await?;
    let id = value.channel_id;
    let channel = enabled(&admin, id).await?;
    let Way::Telegram { bot } = &channel.way else {
        return Err(Problem::new(Code::Conflict, format!("the channel `{id}` knows people by their address")));
    };
    let code = admin.secret(&repeat, "chat link", |bits| format!("{bits:032x}"))?.text;
    admin.order(&repeat, Act::CreateChatLink { member, channel: id }).await?;
    let expires = admin.now().saturating_add(MINUTES.saturating_mul(60_000));
    let put = Sql::new("INSERT INTO chat_links (organization, channel, member, code, expires_ms) VALUES (")
        .text(admin.organization)
        .push(", ")
        .text(id)
        .push(", ")
        .text(member)
        .push(", ")
        .text(hash(&code))
        .push(", ")
        .int(expires)
        .push(
            ") ON CONFLICT (organization, channel, member) DO UPDATE SET
                code = excluded.code, expires_ms = excluded.expires_ms",
        );
    admin.app.execute(put).await?;
    let url = format!("https://t.me/{bot}?start={code}");
    Ok(created(ChatLinkCode { channel_id: id, code, url, expires_at: Time::from_ms(expires) }))
}

/// List your linked accounts in chats.
#[utoipa::path(get, path = "/api/v1/me/chat-links", tag = "Channels", params(Paging),
    responses((status = 200, description = "A page", body = List<ChatLink>)))]
#[worker::send]
pub(crate) async fn list_chat_links(
    person: Person,
    Query(asked): Query<Paging>,
) -> Result<Json<List<ChatLink>>, Problem> {
    let member = person.member;
    let admin = person.caller.may(Action::ListChatLinks, Target::Member { id: member }).await?;
    let links = accounts(&admin, member, true).await?;
    page(links, (asked.cursor.as_deref(), asked.limit), |link| link.channel_id, |link| link).map(Json)
}

/// Somebody's accounts in chats: only those that they have linked, or those that were found by their address too.
pub(super) async fn accounts(admin: &Admin, member: MemberId, only_linked: bool) -> Result<Vec<ChatLink>, Problem> {
    let sql = "SELECT json_object('channel_id', channel, 'account', account) AS row FROM chat_accounts
        WHERE organization = ";
    let sql = Sql::new(sql).text(admin.organization).push(" AND member = ").text(member);
    let sql = if only_linked { sql.push(" AND email = ''") } else { sql };
    admin.app.rows(sql.push(" ORDER BY channel")).await
}

/// Unlink your account in a chat: nothing is told there any more, and nothing heard.
#[utoipa::path(delete, path = "/api/v1/me/chat-links/{channel_id}", tag = "Channels",
    params(("channel_id" = schema::ChannelId, Path)), responses((status = 204, description = "It is unlinked")))]
#[worker::send]
pub(crate) async fn remove_chat_link(
    person: Person,
    Id(id): Id<ChannelId>,
    Unrepeated(repeat): Unrepeated,
) -> Result<http::StatusCode, Problem> {
    let member = person.member;
    let admin = person.caller.may(Action::RemoveChatLink, Target::Member { id: member }).await?;
    if !accounts(&admin, member, true).await?.iter().any(|link| link.channel_id == id) {
        return Err(Problem::not_found("linked account in the channel", id));
    }
    admin.order(&repeat, Act::RemoveChatLink { member, channel: id }).await?;
    for table in ["DELETE FROM chat_links WHERE ", "DELETE FROM chat_accounts WHERE "] {
        admin.app.execute(own(Sql::new(table), &admin, id, member)).await?;
    }
    Ok(http::StatusCode::NO_CONTENT)
}

fn own(sql: Sql, admin: &Admin, channel: ChannelId, member: MemberId) -> Sql {
    let sql = sql.push("organization = ").text(admin.organization);
    sql.push(" AND channel = ").text(channel).push(" AND member = ").text(member)
}

async fn enabled(admin: &Admin, id: ChannelId) -> Result<Channel, Problem> {
    let mut channels = admin.app.channels(admin.organization).await?.into_iter();
    channels.find(|channel| channel.id == id && channel.enabled).ok_or_else(|| Problem::not_found("channel", id))
}
