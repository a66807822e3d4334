//! One message to one person, or into one conversation, by a channel.

use channels::email::{Mailbox, postmark, resend};
use channels::event::{Answer as Given, Answers, Asked, Event};
use channels::link::{Claims, LinkKeys};
use channels::message::Message;
use channels::{ActionKeys, Answer, Channel as Kind, Outcome, Outgoing, Verdict, slack, teams, telegram, webhook};
use identity::{ApprovalId, ChannelId, MemberId, OrganizationId};
use organization::protocol::{Channel, MemberRecord};
use serde::Deserialize;
use vault::Vault;
use worker::wasm_bindgen::JsValue;
use worker::{D1Database, Env};

use crate::{Answered, Line, fetch};

/// Why a message was not sent, as far as anybody knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unsent {
    /// Whether it may be sent again.
    pub again: Again,
    /// The status that the provider answered, if it did.
    pub status: Option<u16>,
    /// What is wrong, for whoever set the channel up.
    pub why: String,
}

/// Whether a message that was not sent may be sent again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Again {
    /// It certainly was not taken, and may be later: not before so many
    /// milliseconds, if the provider says.
    Later(Option<i64>),
    /// It will never be taken.
    Never,
    /// Nobody knows whether it was taken.
    Unknown,
}

impl Unsent {
    fn later(why: impl ToString) -> Self {
        Self { again: Again::Later(None), status: None, why: why.to_string() }
    }

    /// It can never be sent, whatever the provider says.
    pub fn never(why: impl ToString) -> Self {
        Self { again: Again::Never, status: None, why: why.to_string() }
    }

    fn of(status: u16, outcome: Outcome) -> Self {
        let (again, why) = match outcome {
            Outcome::Retry { after_ms } => {
                let why = format!("the provider answered with status {status}: it asks to come again later");
                (Again::Later(after_ms), why)
            }
            Outcome::Failed { reason, .. } => (Again::Never, reason),
            Outcome::Delivered { .. } => (Again::Never, "the provider answered something else".to_owned()),
        };
        Self { again, status: Some(status), why }
    }
}

/// Where an organization's messages are posted.
#[derive(Debug, Clone, Copy)]
pub struct Post<'a> {
    /// The bindings: where providers are, and under what secrets are sealed.
    pub env: &'a Env,
    /// Remembers which account in a chat is whose.
    pub db: &'a D1Database,
    /// Whose.
    pub organization: OrganizationId,
}

/// What is posted.
#[derive(Debug, Clone)]
pub struct Parcel<'a> {
    /// What somebody is told of.
    pub event: Event,
    /// To whom, where the channel reaches each person by themselves.
    pub to: Option<&'a MemberRecord>,
    /// The message that it takes the place of.
    pub replaces: Option<&'a str>,
}

#[derive(Deserialize)]
struct Known {
    conversation: String,
}

impl Post<'_> {
    /// Sends it. Answers the provider's reference of it.
    ///
    /// # Errors
    /// [`Unsent`].
    pub async fn send(&self, channel: &Channel, parcel: Parcel<'_>) -> Result<Option<String>, Unsent> {
        let (master, previous) = self.masters()?;
        let vault = Vault::new(&master, previous.as_deref()).map_err(Unsent::later)?;
        let line = Line::open(self.env, &vault, channel).map_err(Unsent::never)?;
        let Parcel { event, to, replaces } = parcel;
        let mailbox = || {
            let known = to.and_then(|member| Some((&member.profile.name, member.email.as_deref()?)));
            let (name, email) = known.ok_or_else(|| Unsent::never("the member has no e-mail address"))?;
            Mailbox::new(Some(name), email).map_err(Unsent::never)
        };
        let site = self.env.var("PUBLIC_URL").ok().map(|url| url.to_string()).filter(|url| !url.is_empty());
        let decide = site.map(|site| format!("{}/decide/{}", site.trim_end_matches('/'), self.organization));
        // A mail to a person, with links of theirs where it is known where Alfred is.
        let letter = || {
            let (Some(member), Some(decide)) = (to, &decide) else { return Ok(event.message()) };
            let previous = previous.as_deref();
            let keys = ActionKeys::new(&master, previous, self.organization, Kind::Email).map_err(Unsent::later)?;
            let links = LinkKeys::new(&master, previous, self.organization, channel.id).map_err(Unsent::later)?;
            let place = format!("{decide}/{}", channel.id);
            Ok(with_answers(event.clone(), &Means::Links(&keys, &links, &place), member.profile.member))
        };
        // In a conversation the link is for everybody there: who decides must sign in.
        let card = || leading(event.clone(), decide.as_deref()).message();
        match &line {
            Line::Slack(config, _) => {
                if let Some(replaces) = replaces {
                    let posted = replaces.parse::<slack::Posted>().map_err(Unsent::never)?;
                    return post(&slack::update(&event.message(), config, &posted), slack::outcome).await;
                }
                let member = to.ok_or_else(|| Unsent::never("it is for nobody"))?;
                let conversation = self.conversation(config, channel.id, member).await?;
                let keys = ActionKeys::new(&master, previous.as_deref(), self.organization, Kind::Slack);
                let keys = keys.map_err(Unsent::later)?;
                let message = with_answers(event.clone(), &Means::Buttons(&keys), member.profile.member);
                post(&slack::request(&message, config, &conversation), slack::outcome).await
            }
            Line::Telegram(config, _) => {
                if let Some(replaces) = replaces {
                    let posted = replaces.parse::<telegram::Posted>().map_err(Unsent::never)?;
                    return post(&telegram::update(&event.message(), config, posted), telegram::outcome).await;
                }
                let member = to.ok_or_else(|| Unsent::never("it is for nobody"))?;
                let linked = self.linked(channel.id, member.profile.member).await?;
                let chat = linked.parse().map_err(|_| Unsent::never("the linked account is none of Telegram's"))?;
                let keys = ActionKeys::new(&master, previous.as_deref(), self.organization, Kind::Telegram);
                let keys = keys.map_err(Unsent::later)?;
                let message = with_answers(event.clone(), &Means::Buttons(&keys), member.profile.member);
                post(&telegram::request(&message, config, chat), telegram::outcome).await
            }
            Line::SlackWebhook(url) => post(&slack::webhook::request(&card(), url), slack::webhook::outcome).await,
            Line::Teams(url) => post(&teams::request(&card(), url), teams::outcome).await,
            Line::Resend(config) => post(&resend::request(&letter()?, config, &mailbox()?), resend::outcome).await,
            Line::Postmark(config) => {
                post(&postmark::request(&letter()?, config, &mailbox()?), postmark::outcome).await
            }
            Line::Webhook(url, secrets) => {
                post(&webhook::request(&event, url, secrets, runtime::now_ms()), webhook::outcome).await
            }
        }
    }

    fn masters(&self) -> Result<(String, Option<String>), Unsent> {
        let read = |name: &str| self.env.secret(name).ok().map(|secret| secret.to_string());
        let master = read("MASTER_SECRET").ok_or_else(|| Unsent::later("there is no MASTER_SECRET"))?;
        Ok((master, read("MASTER_SECRET_PREVIOUS").filter(|secret| !secret.is_empty())))
    }

    /// The conversation with somebody who has linked their account.
    async fn linked(&self, channel: ChannelId, member: MemberId) -> Result<String, Unsent> {
        let sql = "SELECT conversation FROM chat_accounts
            WHERE organization = ? AND channel = ? AND member = ? AND email = ''";
        let values = [self.organization.to_string(), channel.to_string(), member.to_string()];
        let known = self.prepare(sql, &values.each_ref().map(String::as_str))?;
        let known = known.first::<Known>(None).await.map_err(Unsent::later)?;
        let known = known.ok_or_else(|| Unsent::never("the member has not linked their account"))?;
        Ok(known.conversation)
    }

    /// The conversation with somebody: found by their address once, and again
    /// when they have another.
    async fn conversation(
        &self,
        config: &slack::Config,
        channel: ChannelId,
        member: &MemberRecord,
    ) -> Result<String, Unsent> {
        let email = member.email.as_deref().ok_or_else(|| Unsent::never("the member has no e-mail address"))?;
        let (organization, channel) = (self.organization.to_string(), channel.to_string());
        let id = member.profile.member.to_string();
        let sql = "SELECT conversation FROM chat_accounts
            WHERE organization = ? AND channel = ? AND member = ? AND email = ?";
        let known = self.prepare(sql, &[&organization, &channel, &id, email])?;
        if let Some(known) = known.first::<Known>(None).await.map_err(Unsent::later)? {
            return Ok(known.conversation);
        }
        let user = lookup(&slack::find_user(config, email), slack::found).await?;
        let conversation = lookup(&slack::open_conversation(config, &user), slack::opened).await?;
        let sql = "INSERT INTO chat_accounts (organization, channel, member, email, account, conversation)
            VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (organization, channel, member) DO UPDATE SET
                email = excluded.email, account = excluded.account, conversation = excluded.conversation";
        let put = self.prepare(sql, &[&organization, &channel, &id, email, &user, &conversation])?;
        put.run().await.map_err(Unsent::later)?;
        Ok(conversation)
    }

    fn prepare(&self, sql: &str, values: &[&str]) -> Result<worker::D1PreparedStatement, Unsent> {
        let values: Vec<JsValue> = values.iter().map(|value| JsValue::from_str(value)).collect();
        self.db.prepare(sql).bind(&values).map_err(Unsent::later)
    }
}

/// How somebody can answer what they are asked.
enum Means<'a> {
    /// By buttons.
    Buttons(&'a ActionKeys),
    /// By links below this address.
    Links(&'a ActionKeys, &'a LinkKeys, &'a str),
}

/// The message with the answers of that person.
fn with_answers(event: Event, means: &Means<'_>, member: MemberId) -> Message {
    match event {
        Event::ApprovalRequested(mut asked) => {
            asked.answers = answers(&asked, means, member);
            Event::ApprovalRequested(asked).message()
        }
        Event::ApprovalReminder(mut asked) => {
            asked.answers = answers(&asked, means, member);
            Event::ApprovalReminder(asked).message()
        }
        other => other.message(),
    }
}

/// What is asked, with a link to where it can be decided.
fn leading(mut event: Event, decide: Option<&str>) -> Event {
    if let Event::ApprovalRequested(asked) | Event::ApprovalReminder(asked) = &mut event
        && let (Some(decide), Some(id)) = (decide, asked.id.split(':').next())
    {
        asked.url = format!("{decide}/{id}");
    }
    event
}

fn answers(asked: &Asked, means: &Means<'_>, member: MemberId) -> Option<Answers> {
    // What follows the id says which step it is, or which reminder.
    let id: ApprovalId = asked.id.split(':').next()?.parse().ok()?;
    let request = id.as_u128();
    let given = |verdict| match means {
        Means::Buttons(keys) => Some(Given { value: keys.sign(request, verdict, member), url: None }),
        Means::Links(keys, links, place) => {
            let nonce = links.nonce(&format!("{}/{member}", asked.id));
            let claims = Claims { request, approver: member, verdict, nonce, expires_ms: asked.expires_ms? };
            let url = Some(format!("{place}/{}", links.sign(&claims)));
            Some(Given { value: keys.sign(request, verdict, member), url })
        }
    };
    Some(Answers { approve: given(Verdict::Approve)?, deny: given(Verdict::Deny)? })
}

/// Sends what may be sent once only.
async fn post(outgoing: &Outgoing, outcome: fn(&Answer<'_>) -> Outcome) -> Result<Option<String>, Unsent> {
    let answered = fetch::send(outgoing).await.map_err(|error| Unsent {
        again: Again::Unknown,
        status: None,
        why: format!("the provider gave no answer: {error}"),
    })?;
    match answered.read(outcome) {
        Outcome::Delivered { reference } => Ok(reference),
        other => Err(Unsent::of(answered.status(), other)),
    }
}

/// Asks something that changes nothing, or the same when it is asked again.
async fn lookup(outgoing: &Outgoing, read: fn(&Answer<'_>) -> Result<String, Outcome>) -> Result<String, Unsent> {
    let answered: Answered = fetch::send(outgoing).await.map_err(Unsent::later)?;
    answered.read(read).map_err(|outcome| Unsent::of(answered.status(), outcome))
}
