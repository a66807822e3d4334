//! A delivery: claimed first, then sent, then noted.

use channels::email::{Mailbox, postmark, resend};
use channels::event::{Answer as Given, Answers, Event};
use channels::message::Message;
use channels::{ActionKeys, Answer, Channel as Kind, Outcome, Outgoing, Verdict, slack, teams, webhook};
use identity::{ApprovalId, ChannelId, MemberId, OrganizationId};
use messenger::Line;
use notifier::{CLAIM, Claim, FAIL, LOAD, WAIT, claim, retry_after_ms, sent};
use organization::protocol::{Answer as Answered, Channel, Command, MemberRecord, Question};
use runtime::{Actors, now_ms};
use serde::Deserialize;
use storage::Value;
use vault::Vault;
use worker::{D1Database, Env, Error, Result};

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

/// Why nothing was sent.
enum Not {
    /// It may be sent later: it certainly was not now.
    Now(Option<i64>, String),
    /// It will never be.
    Ever(String),
    /// Nobody knows whether it was.
    Known(String),
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
        Err(Not::Known(why)) if !repeatable => {
            desk.end("uncertain", &why).await?;
            Ok(Done::Over)
        }
        Err(Not::Ever(why)) => {
            desk.end("failed", &why).await?;
            Ok(Done::Over)
        }
        Err(Not::Now(_, why) | Not::Known(why)) if retry_after_ms(attempts, None).is_none() => {
            desk.end("failed", &why).await?;
            Ok(Done::Over)
        }
        Err(not) => {
            let (said, why) = match not {
                Not::Now(said, why) => (said, why),
                Not::Known(why) | Not::Ever(why) => (None, why),
            };
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
        let body = serde_json::json!({ "delivery": self.id, "state": state, "error": why }).to_string();
        keep(self.env, self.message, Some(self.organization), &body).await?;
        let values = vec![
            Value::Text(state.to_owned()),
            Value::Int(now_ms()),
            Value::Text(why.to_owned()),
            Value::Text(self.organization.to_string()),
            Value::Text(self.id.to_owned()),
        ];
        d1::transact(self.db, &[(FAIL, values)]).await.map(drop)
    }

    async fn ask(&self, question: Question) -> Result<Answered, Not> {
        let actors = Actors::new(self.env).map_err(later)?;
        actors.organization(self.organization, &Command::Ask(question)).await.map_err(later)
    }

    async fn channel(&self, id: ChannelId) -> Result<Channel, Not> {
        let Answered::Channels(Ok(channels)) = self.ask(Question::Channels).await? else {
            return Err(later("the organization has no channels to show"));
        };
        let channel = channels.into_iter().find(|channel| channel.id == id && channel.enabled);
        channel.ok_or_else(|| Not::Ever("the channel was removed or turned off".to_owned()))
    }

    async fn member(&self, id: MemberId) -> Result<MemberRecord, Not> {
        let Answered::Directory(Ok(directory)) = self.ask(Question::Directory).await? else {
            return Err(later("the organization has no directory to show"));
        };
        let mut members = directory.members.into_iter();
        let member = members.find(|member| member.profile.member == id);
        let member = member.filter(|member| member.profile.status == events::MemberStatus::Active);
        member.ok_or_else(|| Not::Ever("the member has left".to_owned()))
    }

    async fn send(&self, row: &Row) -> Result<Option<String>, Not> {
        let id: ChannelId = row.channel.parse().map_err(|error| Not::Ever(format!("{error}")))?;
        let event: Event = serde_json::from_str(&row.event).map_err(|error| Not::Ever(error.to_string()))?;
        let channel = self.channel(id).await?;
        let (master, previous) = self.masters()?;
        let vault = Vault::new(&master, previous.as_deref()).map_err(later)?;
        let line = Line::open(self.env, &vault, &channel).map_err(|error| Not::Ever(error.to_string()))?;
        let member = match &row.member {
            Some(member) => {
                let id = member.parse().map_err(|error: identity::IdError| Not::Ever(error.to_string()))?;
                Some(self.member(id).await?)
            }
            None => None,
        };
        let mailbox = || {
            let member = member.as_ref().and_then(|member| Some((&member.profile.name, member.email.as_deref()?)));
            let (name, email) = member.ok_or_else(|| Not::Ever("the member has no e-mail address".to_owned()))?;
            Mailbox::new(Some(name), email).map_err(|error| Not::Ever(error.to_string()))
        };
        let message = event.message();
        match &line {
            Line::Slack(config, _) => {
                if let Some(replaces) = &row.replaces {
                    let posted = replaces.parse().map_err(|error: slack::PostedError| Not::Ever(error.to_string()))?;
                    return post(&slack::update(&message, config, &posted), slack::outcome).await;
                }
                let Some(member) = &member else { return Err(Not::Ever("it is for nobody".to_owned())) };
                let conversation = self.conversation(config, id, member).await?;
                let keys = ActionKeys::new(&master, previous.as_deref(), self.organization, Kind::Slack);
                let message = with_buttons(event, &keys.map_err(later)?, member.profile.member);
                post(&slack::request(&message, config, &conversation), slack::outcome).await
            }
            Line::SlackWebhook(url) => post(&slack::webhook::request(&message, url), slack::webhook::outcome).await,
            Line::Teams(url) => post(&teams::request(&message, url), teams::outcome).await,
            Line::Resend(config) => post(&resend::request(&message, config, &mailbox()?), resend::outcome).await,
            Line::Postmark(config) => post(&postmark::request(&message, config, &mailbox()?), postmark::outcome).await,
            Line::Webhook(url, secrets) => {
                post(&webhook::request(&event, url, secrets, now_ms()), webhook::outcome).await
            }
        }
    }

    fn masters(&self) -> Result<(String, Option<String>), Not> {
        let read = |name: &str| self.env.secret(name).ok().map(|secret| secret.to_string());
        let master = read("MASTER_SECRET").ok_or_else(|| later("there is no MASTER_SECRET"))?;
        Ok((master, read("MASTER_SECRET_PREVIOUS").filter(|secret| !secret.is_empty())))
    }

    /// The conversation with somebody: found by their address once, and again
    /// when they have another.
    async fn conversation(
        &self,
        config: &slack::Config,
        channel: ChannelId,
        member: &MemberRecord,
    ) -> Result<String, Not> {
        #[derive(Deserialize)]
        struct Known {
            conversation: String,
        }
        let email = member.email.clone().ok_or_else(|| Not::Ever("the member has no e-mail address".to_owned()))?;
        let key = [self.organization.to_string(), channel.to_string(), member.profile.member.to_string()];
        let [organization, channel, id] = key.map(Value::Text);
        let sql = "SELECT conversation FROM chat_accounts
            WHERE organization = ? AND channel = ? AND member = ? AND email = ?";
        let values = [organization.clone(), channel.clone(), id.clone(), Value::Text(email.clone())];
        let known = d1::prepare(self.db, sql, &values).map_err(later)?.first::<Known>(None).await.map_err(later)?;
        if let Some(known) = known {
            return Ok(known.conversation);
        }
        let user = lookup(&slack::find_user(config, &email), slack::found).await?;
        let conversation = lookup(&slack::open_conversation(config, &user), slack::opened).await?;
        let sql = "INSERT INTO chat_accounts (organization, channel, member, email, account, conversation)
            VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (organization, channel, member) DO UPDATE SET
                email = excluded.email, account = excluded.account, conversation = excluded.conversation";
        let values = vec![organization, channel, id, email.into(), user.into(), conversation.clone().into()];
        d1::transact(self.db, &[(sql, values)]).await.map_err(later)?;
        Ok(conversation)
    }
}

/// The message with the buttons of that person.
fn with_buttons(event: Event, keys: &ActionKeys, member: MemberId) -> Message {
    let answers = |id: &str| {
        // What follows the id says which step it is, or which reminder.
        let id: ApprovalId = id.split(':').next()?.parse().ok()?;
        let given = |verdict| Given { value: keys.sign(id.as_u128(), verdict, member), url: None };
        Some(Answers { approve: given(Verdict::Approve), deny: given(Verdict::Deny) })
    };
    match event {
        Event::ApprovalRequested(mut asked) => {
            asked.answers = answers(&asked.id);
            Event::ApprovalRequested(asked).message()
        }
        Event::ApprovalReminder(mut asked) => {
            asked.answers = answers(&asked.id);
            Event::ApprovalReminder(asked).message()
        }
        other => other.message(),
    }
}

/// Sends what may be sent once only.
async fn post(outgoing: &Outgoing, outcome: fn(&Answer<'_>) -> Outcome) -> Result<Option<String>, Not> {
    let answered = messenger::send(outgoing).await;
    let answered = answered.map_err(|error| Not::Known(format!("the provider gave no answer: {error}")))?;
    match answered.read(outcome) {
        Outcome::Delivered { reference } => Ok(reference),
        other => Err(not(other)),
    }
}

/// Asks something that changes nothing, or the same when it is asked again.
async fn lookup(outgoing: &Outgoing, read: fn(&Answer<'_>) -> Result<String, Outcome>) -> Result<String, Not> {
    messenger::send(outgoing).await.map_err(later)?.read(read).map_err(not)
}

fn not(outcome: Outcome) -> Not {
    match outcome {
        Outcome::Retry { after_ms } => Not::Now(after_ms, "the provider asks to come again later".to_owned()),
        Outcome::Failed { reason, .. } => Not::Ever(reason),
        Outcome::Delivered { .. } => Not::Ever("the provider answered something else".to_owned()),
    }
}

fn later(error: impl ToString) -> Not {
    Not::Now(None, error.to_string())
}

impl From<Error> for Not {
    fn from(error: Error) -> Self {
        later(error)
    }
}
