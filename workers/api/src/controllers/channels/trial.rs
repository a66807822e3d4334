//! Trying a channel: a message by it, now, and what the provider said.
//!
//! It is a delivery as any other, with a row before anything is sent: so a
//! repetition of the request sends nothing, and answers what came of the first.

use ::organization::protocol::{Act, Channel, MemberRecord};
use axum::Json;
use channels::event::Event;
use events::MemberStatus;
use identity::{ChannelId, MemberId};
use messenger::{Again, Parcel, Post};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::find;
use crate::app::random;
use crate::extract::{Action, Admin, Body, Caller, Id, Target};
use crate::idempotency::Repeat;
use crate::problem::{Code, Problem};
use crate::schema;
use crate::sql::Sql;

/// To whom.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewChannelTest)]
pub(crate) struct NewTrial {
    /// Where the channel reaches each person by themselves: who gets it, you if left out.
    #[serde(default)]
    #[schema(value_type = Option<schema::MemberId>)]
    member_id: Option<MemberId>,
}

/// The provider has taken the message.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ChannelTest)]
pub(crate) struct Trial {
    #[schema(value_type = schema::ChannelId)]
    channel_id: ChannelId,
    /// Who got it; `null` where the channel is nobody's own.
    #[schema(value_type = Option<schema::MemberId>)]
    member_id: Option<MemberId>,
    /// By which the provider knows the message, if it says.
    reference: Option<String>,
}

/// What came of it, as D1 has it.
#[derive(Deserialize)]
struct Row {
    state: String,
    reference: Option<String>,
    error: Option<String>,
}

/// Try a channel: send a message by it.
///
/// The answer comes when the provider has answered: 200 if it has taken the message, and otherwise `channel_failed` with
/// what it said.
#[utoipa::path(post, path = "/api/v1/channels/{channel_id}/test", tag = "Channels",
    params(("channel_id" = schema::ChannelId, Path)), request_body = NewTrial,
    responses((status = 200, description = "The provider has taken it", body = Trial)))]
#[worker::send]
pub(crate) async fn test_channel(
    caller: Caller,
    Id(id): Id<ChannelId>,
    Body { value, repeat }: Body<NewTrial>,
) -> Result<Json<Trial>, Problem> {
    let own = caller.person();
    let admin = caller.may(Action::TestChannel, Target::Organization).await?;
    let channel = find(&admin, id).await?;
    let member = recipient(&admin, &channel, value.member_id, own).await?;
    let member_id = member.as_ref().map(|member| member.profile.member);
    admin.order(&repeat, Act::TestChannel { id, member: member_id }).await?;
    let came = once(&admin, &repeat, &channel, member.as_ref()).await?;
    match came.state.as_str() {
        "sent" => Ok(Json(Trial { channel_id: id, member_id, reference: came.reference })),
        "sending" => Err(Problem::new(Code::Conflict, "the same test is being sent at this moment")),
        _ => Err(Problem::new(Code::ChannelFailed, came.error.unwrap_or_default())),
    }
}

async fn recipient(
    admin: &Admin,
    channel: &Channel,
    named: Option<MemberId>,
    own: Option<MemberId>,
) -> Result<Option<MemberRecord>, Problem> {
    if !channel.way.is_personal() {
        let detail = "leave out `member_id`: by this channel nobody is reached by themselves";
        return if named.is_none() { Ok(None) } else { Err(Problem::invalid(detail)) };
    }
    let id = named.or(own).ok_or_else(|| Problem::invalid("say `member_id`: who gets the message"))?;
    let members = admin.app.directory(admin.organization).await?.members;
    let known = members.into_iter().find(|member| member.profile.member == id);
    let known = known.ok_or_else(|| Problem::not_found("member", id))?;
    if known.profile.status != MemberStatus::Active {
        return Err(Problem::new(Code::Conflict, format!("`{id}` is not active: nothing is sent to them")));
    }
    Ok(Some(known))
}

/// Sends it, unless the same request has before.
async fn once(
    admin: &Admin,
    repeat: &Repeat,
    channel: &Channel,
    member: Option<&MemberRecord>,
) -> Result<Row, Problem> {
    let app = &admin.app;
    let bits = repeat.derive_name(&app.master_secret()?, "channel test").map_or_else(random, Ok)?;
    let event = Event::ChannelTest { id: format!("{bits:032x}"), channel: channel.name.clone() };
    let member_id = member.map(|member| member.profile.member.to_string());
    let whose = member_id.as_deref().unwrap_or("all");
    let (organization, id) = (admin.organization, format!("{}/{}/{whose}", event.message().id, channel.id));
    let text = serde_json::to_string(&event).map_err(Problem::internal)?;
    let row = Sql::new(
        "INSERT INTO deliveries (organization, id, channel, member, event, repeatable, state, attempts, changed_ms)
        VALUES (",
    )
    .text(organization)
    .push(", ")
    .text(&id)
    .push(", ")
    .text(channel.id)
    // No text at all is nobody.
    .push(", nullif(")
    .text(member_id.as_deref().unwrap_or_default())
    .push(", ''), ")
    .text(text)
    .push(", 0, 'sending', 1, ")
    .int(admin.now())
    .push(") ON CONFLICT (organization, id) DO NOTHING");
    if app.execute(row).await? == 0 {
        let sql = "SELECT json_object('state', state, 'reference', reference, 'error', error) AS row FROM deliveries
            WHERE organization = ";
        let known = app.rows(Sql::new(sql).text(organization).push(" AND id = ").text(&id)).await?.pop();
        return known.ok_or_else(|| Problem::unavailable("a test that was there is gone"));
    }
    let db = app.database()?;
    let post = Post { env: app.env(), db: &db, organization };
    let came = match post.send(channel, Parcel { event, to: member, replaces: None }).await {
        Ok(reference) => Row { state: "sent".to_owned(), reference, error: None },
        Err(unsent) => {
            let state = if unsent.again == Again::Unknown { "uncertain" } else { "failed" };
            Row { state: state.to_owned(), reference: None, error: Some(unsent.why) }
        }
    };
    let note = Sql::new("UPDATE deliveries SET state = ")
        .text(&came.state)
        .push(", reference = nullif(")
        .text(came.reference.as_deref().unwrap_or_default())
        .push(", ''), error = nullif(")
        .text(came.error.as_deref().unwrap_or_default())
        .push(", ''), changed_ms = ")
        .int(admin.now())
        .push(" WHERE organization = ")
        .text(organization)
        .push(" AND id = ")
        .text(id);
    app.execute(note).await?;
    Ok(came)
}
