//! A delivery: claimed first, then sent, then noted.

use channels::event::Event;
use identity::{ChannelId, MemberId, OrganizationId};
use messenger::{Again, Parcel, Post, Unsent};
use notifier::{CLAIM, Claim, FAIL, LOAD, Letter, WAIT, claim, retry_after_ms, sent};
use organization::protocol::{Answer as Answered, Channel, Command, MemberRecord, Question};
use runtime::{Actors, now_ms};
use serde::Deserialize;
use storage::Value;
use worker::{D1Database, Env, Result};

use super::{Done, keep};
use crate::d1;

/// Somebody is sending it: looked at again after this.
const BUSY_MS: i64 = 60_000;

#[derive(Deserialize)]
struct Row {
    channel: String,
    member: Option<String>,
    event: String,
    replaces: Option<String>,
    repeatable: i64,
    state: String,
    attempts: i64,
    changed_ms: i64,
}

pub(super) async fn deliver(env: &Env, (organization, id): (OrganizationId, &str), message: &str) -> Result<Done> {
    let db = env.d1("DB")?;
    let key = [Value::Text(organization.to_string()), Value::Text(id.to_owned())];
    let Some(row) = d1::prepare(&db, LOAD, &key)?.first::<Row>(None).await? else { return Ok(Done::Over) };
    let desk = Desk { env, db: &db, organization, id, message };
    let now = now_ms();
    match claim(&row.state, row.repeatable != 0, row.changed_ms, now) {
        Claim::Over => return Ok(Done::Over),
        Claim::Busy => return Ok(Done::Later(BUSY_MS)),
        Claim::Uncertain => {
            desk.end("uncertain", "whoever sent it broke off: nobody knows whether it was sent").await?;
            return Ok(Done::Over);
        }
        Claim::Send => {}
    }
    let [organization_, id_] = key;
    let values = [Value::Int(now), organization_, id_, Value::Text(row.state.clone()), Value::Int(row.attempts)];
    if d1::transact(&db, &[(CLAIM, values.to_vec())]).await? == 0 {
        return Ok(Done::Later(BUSY_MS));
    }
    let repeatable = row.repeatable != 0;
    let attempts = row.attempts.saturating_add(1);
    match desk.send(&row).await {
        Ok(reference) => {
            d1::transact(&db, &[sent(organization, id, reference.as_deref(), now_ms())]).await?;
            Ok(Done::Over)
        }
        Err(Unsent { again: Again::Unknown, why, .. }) if !repeatable => {
            desk.end("uncertain", &why).await?;
            Ok(Done::Over)
        }
        Err(Unsent { again, why, .. }) if again == Again::Never || retry_after_ms(attempts, None).is_none() => {
            desk.end("failed", &why).await?;
            Ok(Done::Over)
        }
        Err(Unsent { again, why, .. }) => {
            let said = if let Again::Later(said) = again { said } else { None };
            let values = vec![
                Value::Int(now_ms()),
                Value::Text(why),
                Value::Text(organization.to_string()),
                Value::Text(id.to_owned()),
            ];
            d1::transact(&db, &[(WAIT, values)]).await?;
            Ok(Done::Later(retry_after_ms(attempts, said).unwrap_or(BUSY_MS)))
        }
    }
}

struct Desk<'a> {
    env: &'a Env,
    db: &'a D1Database,
    organization: OrganizationId,
    id: &'a str,
    message: &'a str,
}

impl Desk<'_> {
    /// It will not be tried again by itself: it becomes a dead letter.
    async fn end(&self, state: &str, why: &str) -> Result<()> {
        let letter = Letter::Delivery { delivery: self.id.to_owned(), state: state.to_owned(), error: why.to_owned() };
        keep(self.env, self.message, Some(self.organization), &serde_json::to_string(&letter)?).await?;
        let values = vec![
            Value::Text(state.to_owned()),
            Value::Int(now_ms()),
            Value::Text(why.to_owned()),
            Value::Text(self.organization.to_string()),
            Value::Text(self.id.to_owned()),
        ];
        d1::transact(self.db, &[(FAIL, values)]).await.map(drop)
    }

    async fn ask(&self, question: Question) -> Result<Answered, Unsent> {
        let actors = Actors::new(self.env).map_err(later)?;
        actors.organization(self.organization, &Command::Ask(question)).await.map_err(later)
    }

    async fn channel(&self, id: ChannelId) -> Result<Channel, Unsent> {
        let Answered::Channels(Ok(channels)) = self.ask(Question::Channels).await? else {
            return Err(later("the organization has no channels to show"));
        };
        let channel = channels.into_iter().find(|channel| channel.id == id && channel.enabled);
        channel.ok_or_else(|| Unsent::never("the channel was removed or turned off"))
    }

    async fn member(&self, id: MemberId) -> Result<MemberRecord, Unsent> {
        let Answered::Directory(Ok(directory)) = self.ask(Question::Directory).await? else {
            return Err(later("the organization has no directory to show"));
        };
        let mut members = directory.members.into_iter();
        let member = members.find(|member| member.profile.member == id);
        let member = member.filter(|member| member.profile.status == events::MemberStatus::Active);
        member.ok_or_else(|| Unsent::never("the member has left"))
    }

    async fn send(&self, row: &Row) -> Result<Option<String>, Unsent> {
        let id: ChannelId = row.channel.parse().map_err(Unsent::never)?;
        let event: Event = serde_json::from_str(&row.event).map_err(Unsent::never)?;
        let channel = self.channel(id).await?;
        let member = match &row.member {
            Some(member) => Some(self.member(member.parse().map_err(Unsent::never)?).await?),
            None => None,
        };
        let post = Post { env: self.env, db: self.db, organization: self.organization };
        post.send(&channel, Parcel { event, to: member.as_ref(), replaces: row.replaces.as_deref() }).await
    }
}

fn later(error: impl ToString) -> Unsent {
    Unsent { again: Again::Later(None), status: None, why: error.to_string() }
}
