//! A notice: who is told of it, as things are now.

use std::collections::{BTreeMap, BTreeSet};

use channels::Verdict;
use channels::event::{Asked, Event, Wanted};
use identity::{AbsenceId, ApprovalId, ChannelId, MemberId, OrganizationId, PlanId, Principal, TeamId};
use ledger::{Account, Millicredits};
use notifier::{About, Address, Delivery, Job, To, Told};
use organization::protocol::{Answer, Approval, Channel, Command, Deciders, Directory, Nudge, Outcome, Question};
use policy::Role;
use runtime::{Actors, now_ms};
use serde::Deserialize;
use storage::Value;
use team::protocol::Expiring;
use worker::{D1Database, Env, Error, Result};

use super::{Done, send};
use crate::d1;

#[derive(Deserialize)]
struct Row {
    about: String,
}

/// Everybody who is told gets a delivery; then the notice goes. Done twice it
/// is done once: the deliveries' ids are the same.
pub(super) async fn tell(env: &Env, organization: OrganizationId, id: &str) -> Result<Done> {
    let db = env.d1("DB")?;
    let sql = "SELECT about FROM notices WHERE organization = ? AND id = ?";
    let row = d1::prepare(&db, sql, &[organization.to_string().into(), id.into()])?.first::<Row>(None).await?;
    let Some(row) = row else { return Ok(Done::Over) };
    let about: About = serde_json::from_str(&row.about)?;
    let house = House::enter(env, organization).await?;
    let deliveries = house.deliveries(&db, id, about).await?;
    let now = now_ms();
    let statements: Vec<_> = deliveries.iter().map(|delivery| notifier::insert(delivery, now)).collect();
    if !statements.is_empty() {
        d1::transact(&db, &statements).await?;
        let job = |delivery: &Delivery| Job::Deliver { organization, id: delivery.id.clone() };
        send(env, &deliveries.iter().map(job).collect::<Vec<_>>()).await?;
    }
    d1::transact(&db, &[notifier::done(organization, id)]).await?;
    Ok(Done::Over)
}

#[derive(Deserialize)]
struct Linked {
    channel: String,
    member: String,
}

/// Who has linked their account in which chat.
async fn linked(env: &Env, organization: OrganizationId) -> Result<BTreeMap<ChannelId, BTreeSet<MemberId>>> {
    let sql = "SELECT channel, member FROM chat_accounts WHERE organization = ? AND email = ''";
    let rows: Vec<Linked> =
        d1::prepare(&env.d1("DB")?, sql, &[organization.to_string().into()])?.all().await?.results()?;
    let mut all = BTreeMap::<ChannelId, BTreeSet<MemberId>>::new();
    for Linked { channel, member } in rows {
        let (Ok(channel), Ok(member)) = (channel.parse(), member.parse()) else { continue };
        all.entry(channel).or_default().insert(member);
    }
    Ok(all)
}

/// An organization, as far as messages need it.
struct House {
    actors: Actors,
    organization: OrganizationId,
    channels: Vec<Address>,
    directory: Directory,
    names: BTreeMap<MemberId, String>,
    site: String,
}

#[derive(Deserialize)]
struct Posted {
    id: String,
    member: String,
    channel: String,
    reference: Option<String>,
}

impl House {
    async fn enter(env: &Env, organization: OrganizationId) -> Result<Self> {
        let actors = Actors::new(env)?;
        let channels = match ask(&actors, organization, Question::Channels).await? {
            Answer::Channels(Ok(channels)) => channels,
            _ => return Err(Error::from("the organization has no channels to show")),
        };
        let directory = match ask(&actors, organization, Question::Directory).await? {
            Answer::Directory(Ok(directory)) => *directory,
            _ => return Err(Error::from("the organization has no directory to show")),
        };
        let mut linked = linked(env, organization).await?;
        let address = |channel: Channel| Address {
            id: channel.id,
            kind: channel.way.kind(),
            personal: channel.way.is_personal(),
            only: channel.way.is_linked().then(|| linked.remove(&channel.id).unwrap_or_default()),
            repeatable: messenger::is_repeatable(&channel.way),
            name: channel.name,
        };
        let names = directory.members.iter().map(|one| (one.profile.member, one.profile.name.clone())).collect();
        let site = env.var("PUBLIC_URL").ok().map(|url| url.to_string()).unwrap_or_default();
        let channels = channels.into_iter().filter(|channel| channel.enabled).map(address).collect();
        Ok(Self { actors, organization, channels, directory, names, site })
    }

    async fn deliveries(&self, db: &D1Database, id: &str, about: About) -> Result<Vec<Delivery>> {
        let told = match about {
            About::Received { team, member, transfer, amount, who } => {
                let note = self.note(team, &transfer).await?;
                let balance = self.balance(team, member).await?;
                let url = self.url("transfers", &transfer);
                let (from, amount) = (self.who(Some(who)), credits(amount));
                let event = Event::TransferReceived { id: transfer, from, amount, note, balance, url };
                vec![Told { to: To::Member(member), event: event.clone() }, Told { to: To::Programs, event }]
            }
            About::Policy { recipients, action, outcome, who, resource } => {
                let what = resource.map(|id| format!(" ({id})")).unwrap_or_default();
                let title = format!("{action}: {outcome}");
                let text = format!("By {}{what}. A policy says that you are told of it.", self.who(who));
                let event = Event::PolicyNotice { id: id.to_owned(), title, text, url: self.url("audit", id) };
                let mut told = vec![Told { to: To::Programs, event: event.clone() }];
                for recipient in recipients {
                    told.extend(self.named(&recipient).await?.into_iter().map(|to| Told { to, event: event.clone() }));
                }
                told
            }
            About::Expiring { team, member, plan } => self.expiring(team, member, plan).await?,
            About::Away { team, member, absence, back } => self.away(team, member, (absence, back)).await?,
            About::Approval { approval, action } => return self.approval(db, approval, &action).await,
        };
        Ok(notifier::plan(self.organization, &self.channels, &told))
    }

    /// Whom `@notify` means: a channel's name, a role, or a member.
    async fn named(&self, recipient: &str) -> Result<Vec<To>> {
        if let Some(role) = Role::ALL.iter().find(|role| role.as_str() == recipient) {
            return self.holders(*role, None).await;
        }
        let mut members = self.directory.members.iter();
        let is = |one: &&organization::protocol::MemberRecord| {
            one.profile.member.to_string() == recipient || one.email.as_deref() == Some(recipient)
        };
        Ok(vec![members.find(is).map_or_else(|| To::Named(recipient.to_owned()), |one| To::Member(one.profile.member))])
    }

    async fn holders(&self, role: Role, team: Option<TeamId>) -> Result<Vec<To>> {
        match ask(&self.actors, self.organization, Question::Holders { role, team }).await? {
            Answer::Holders(Ok(members)) => Ok(members.into_iter().map(To::Member).collect()),
            _ => Err(Error::from("the organization says nothing of roles")),
        }
    }

    /// Whose credits they are is told what will go back, as things are now: a
    /// member, or who looks after the pool.
    async fn expiring(&self, team: TeamId, member: Option<MemberId>, plan: PlanId) -> Result<Vec<Told>> {
        let account = member.map_or(Account::Pool, Account::Wallet);
        let command = team::protocol::Command::Ask(team::protocol::Question::Expiring { plan, account });
        let expiring = match self.actors.team(team, &command).await.map_err(failed)? {
            team::protocol::Answer::Expiring(expiring) => expiring.map_err(failed)?,
            _ => return Err(Error::from("the team says nothing of its plans")),
        };
        let Some(Expiring { amount, ends_ms }) = expiring else { return Ok(Vec::new()) };
        let (amount, when, url) = (credits(amount), day(ends_ms), self.url("plans", &plan.to_string()));
        let id = format!("{plan}:{account}:{ends_ms}");
        let (event, mut to) = match member {
            Some(member) => (Event::CreditsExpiring { id, amount, when, url }, vec![To::Member(member)]),
            None => {
                let title = format!("{amount} in the pool of {} will go back on {when}", self.team(team));
                let text = "That is what a plan gave and nobody has spent.".to_owned();
                (Event::PolicyNotice { id, title, text, url }, self.holders(Role::TeamManager, Some(team)).await?)
            }
        };
        to.push(To::Programs);
        Ok(to.into_iter().map(|to| Told { to, event: event.clone() }).collect())
    }

    /// Whoever is away is told what of theirs is lent, and when they are back
    /// what came back; and who alone may use it meanwhile. What is over when it
    /// is told is not told.
    async fn away(&self, team: TeamId, member: MemberId, (absence, back): (AbsenceId, bool)) -> Result<Vec<Told>> {
        let command = team::protocol::Command::Ask(team::protocol::Question::Absence { id: absence });
        let view = match self.actors.team(team, &command).await.map_err(failed)? {
            team::protocol::Answer::Absence(view) => *view.map_err(failed)?,
            _ => return Err(Error::from("the team says nothing of absences")),
        };
        if view.is_now == back {
            return Ok(Vec::new());
        }
        let (url, terms) = (self.url("absences", &absence.to_string()), &view.absence.new.terms);
        let id = format!("{absence}:{}", if back { "back" } else { "away" });
        if back {
            let (returned, balance) = (credits(view.absence.returned), self.balance(team, member).await?);
            let event = Event::AbsenceEnded { id, returned, balance, url };
            return Ok([To::Member(member), To::Programs].map(|to| Told { to, event: event.clone() }).into());
        }
        let delegate = terms.lends.to;
        let to = delegate.map_or_else(|| self.team(team), |delegate| self.name(delegate));
        let (lent, until) = (credits(view.left.available), terms.until_ms.map(day));
        let title = format!("{} is out of office: {lent} of theirs are yours to use meanwhile", self.name(member));
        let event = Event::AbsenceBegan { id: id.clone(), lent, to, until, url: url.clone() };
        let mut told: Vec<Told> = [To::Member(member), To::Programs].map(|to| Told { to, event: event.clone() }).into();
        told.extend(delegate.map(|delegate| {
            let text = "They pay for your calls when your own do not suffice.".to_owned();
            Told {
                to: To::Member(delegate),
                event: Event::PolicyNotice { id: format!("{id}:{delegate}"), title, text, url },
            }
        }));
        Ok(told)
    }

    /// Who is told of what was asked for follows from how far it is now.
    async fn approval(&self, db: &D1Database, id: ApprovalId, action: &str) -> Result<Vec<Delivery>> {
        let deciders = match ask(&self.actors, self.organization, Question::Deciders { id }).await? {
            Answer::Deciders(Ok(deciders)) => *deciders,
            // An act of another thing's that has such an id is none of ours.
            Answer::Deciders(Err(_)) => return Ok(Vec::new()),
            _ => return Err(Error::from("the organization says nothing of approvals")),
        };
        let told = self.asked(&deciders, action);
        let mut all = notifier::plan(self.organization, &self.channels, &told);
        if deciders.approval.course.state != approvals::State::Pending {
            all.extend(self.replacements(db, &deciders.approval).await?);
        }
        Ok(all)
    }

    fn asked(&self, Deciders { approval, members }: &Deciders, action: &str) -> Vec<Told> {
        let (asked, course) = (&approval.asked, &approval.course);
        let url = self.url("approvals", &asked.id.to_string());
        let (wanted, amount) = (self.wanted(approval), credits(asked.amount));
        let requester = person(approval.requester);
        let to_requester = |event: Event| {
            let own = requester.map(|member| Told { to: To::Member(member), event: event.clone() });
            own.into_iter().chain([Told { to: To::Programs, event }]).collect::<Vec<_>>()
        };
        let id = asked.id.to_string();
        match (course.state, &approval.outcome) {
            (approvals::State::Pending, _) => {
                let reminds = action == Nudge::Reminded.action();
                let id = if reminds { format!("{id}:{}:half", course.step) } else { format!("{id}:{}", course.step) };
                let asked = Asked {
                    id,
                    requester: self.who(Some(approval.requester)),
                    wanted,
                    amount,
                    reason: asked.reason.clone(),
                    facts: Vec::new(),
                    since: day(course.begun_ms),
                    expires: Some(day(course.expires_ms)),
                    expires_ms: Some(course.expires_ms),
                    url,
                    answers: None,
                };
                let event = if reminds { Event::ApprovalReminder(asked) } else { Event::ApprovalRequested(asked) };
                let people = members.iter().map(|member| Told { to: To::Member(*member), event: event.clone() });
                people.chain([Told { to: To::Open, event: event.clone() }]).collect()
            }
            (approvals::State::Denied, _) | (approvals::State::Approved, Some(Outcome::Done)) => {
                let last = course.given.last();
                let verdict = if course.state == approvals::State::Denied { Verdict::Deny } else { Verdict::Approve };
                let by = last.map(|given| self.who(Some(given.who)));
                let reason = last.and_then(|given| given.reason.clone());
                to_requester(Event::ApprovalDecided { id, wanted, amount, verdict, by, reason, url })
            }
            (approvals::State::Approved, Some(Outcome::Failed { reason })) => {
                let title = format!("Your request for {amount} was approved, but could not be carried out");
                to_requester(Event::PolicyNotice { id: format!("{id}:failed"), title, text: reason.clone(), url })
            }
            (approvals::State::Expired, _) => to_requester(Event::ApprovalExpired { id, wanted, amount, url }),
            // On its way, or withdrawn by whoever asked.
            _ => Vec::new(),
        }
    }

    /// What was posted with buttons gets its outcome in place of them.
    async fn replacements(&self, db: &D1Database, approval: &Approval) -> Result<Vec<Delivery>> {
        let (asked, course) = (&approval.asked, &approval.course);
        let mut all = Vec::new();
        let outcome = match course.state {
            approvals::State::Approved => "approved",
            approvals::State::Denied => "denied",
            approvals::State::Expired => "not decided in time",
            _ => "withdrawn",
        };
        let by = course.given.last().map(|given| format!(" by {}", self.who(Some(given.who)))).unwrap_or_default();
        let title = format!("{} was {outcome}{by}: {}", credits(asked.amount), self.who(Some(approval.requester)));
        let text = asked.reason.clone().unwrap_or_default();
        let url = self.url("approvals", &asked.id.to_string());
        for kind in ["approval_requested", "approval_reminder"] {
            let (from, to) = (format!("{kind}:{}:", asked.id), format!("{kind}:{};", asked.id));
            let values = [self.organization.to_string().into(), Value::Text(from), Value::Text(to)];
            let posted: Vec<Posted> = d1::prepare(db, notifier::POSTED, &values)?.all().await?.results()?;
            for Posted { id, member, channel, reference } in posted {
                let (Ok(channel), Ok(member)) = (channel.parse(), member.parse()) else { continue };
                let has_buttons = |kind: &str| matches!(kind, "slack" | "telegram");
                let changes = self.channels.iter().any(|own| own.id == channel && has_buttons(own.kind));
                let Some(reference) = reference.filter(|_| changes) else { continue };
                all.push(Delivery {
                    organization: self.organization,
                    id: format!("outcome:{outcome}:{id}"),
                    channel,
                    member: Some(member),
                    event: Event::PolicyNotice {
                        id: format!("{}:{outcome}", asked.id),
                        title: title.clone(),
                        text: text.clone(),
                        url: url.clone(),
                    },
                    replaces: Some(reference),
                    // The same in place of the same.
                    repeatable: true,
                });
            }
        }
        Ok(all)
    }

    fn wanted(&self, approval: &Approval) -> Wanted {
        let asked = &approval.asked;
        match asked.to.member {
            Some(member) if person(approval.requester) == Some(member) => match asked.from.member {
                Some(_) => Wanted::Credits,
                None => Wanted::Draw { pool: self.team(asked.from.team) },
            },
            Some(member) => Wanted::Transfer { to: self.name(member) },
            None => Wanted::Transfer { to: self.team(asked.to.team) },
        }
    }

    async fn balance(&self, team: TeamId, member: MemberId) -> Result<String> {
        let command = team::protocol::Command::Ask(team::protocol::Question::Overview);
        match self.actors.team(team, &command).await.map_err(failed)? {
            team::protocol::Answer::Overview(Ok(overview)) => {
                let mut members = overview.members.iter();
                let view = members.find(|view| view.profile.member == member);
                Ok(credits(view.map(|view| view.wallet.available).unwrap_or_default()))
            }
            _ => Err(Error::from("the team says nothing of its wallets")),
        }
    }

    /// What was written to a transfer.
    async fn note(&self, team: TeamId, transfer: &str) -> Result<Option<String>> {
        let Ok(id) = transfer.parse() else { return Ok(None) };
        let command = team::protocol::Command::Ask(team::protocol::Question::Transfer { id });
        match self.actors.team(team, &command).await.map_err(failed)? {
            team::protocol::Answer::Transfer(Ok(transfer)) => Ok(transfer.note),
            team::protocol::Answer::Transfer(Err(_)) => Ok(None),
            _ => Err(Error::from("the team says nothing of its transfers")),
        }
    }

    fn name(&self, member: MemberId) -> String {
        self.names.get(&member).cloned().unwrap_or_else(|| "somebody who has left".to_owned())
    }

    fn team(&self, id: TeamId) -> String {
        let mut teams = self.directory.teams.iter();
        teams.find(|team| team.profile.team == id).map(|team| team.profile.name.clone()).unwrap_or_default()
    }

    fn who(&self, who: Option<Principal>) -> String {
        match who {
            Some(Principal::Service(..)) => "A program".to_owned(),
            Some(Principal::Admin(_)) => "An admin".to_owned(),
            Some(Principal::Operator | Principal::System) => "Alfred".to_owned(),
            None => "somebody unknown".to_owned(),
            Some(who) => person(who).map(|member| self.name(member)).unwrap_or_default(),
        }
    }

    /// Where something is to be seen; nowhere unless the deployment says where
    /// its pages are.
    fn url(&self, place: &str, id: &str) -> String {
        if self.site.is_empty() { String::new() } else { format!("{}/{place}/{id}", self.site) }
    }
}

async fn ask(actors: &Actors, organization: OrganizationId, question: Question) -> Result<Answer> {
    actors.organization(organization, &Command::Ask(question)).await.map_err(failed)
}

fn failed(error: impl ToString) -> Error {
    Error::from(error.to_string())
}

fn credits(amount: Millicredits) -> String {
    format!("{amount} credits")
}

const fn person(who: Principal) -> Option<MemberId> {
    match who {
        Principal::Person(member, _) | Principal::Member(member, _) | Principal::Chat(member, _) => Some(member),
        _ => None,
    }
}

/// A time for people, in UTC, to the minute.
fn day(ms: i64) -> String {
    jiff::Timestamp::from_millisecond(ms)
        .map(|time| time.strftime("%Y-%m-%d %H:%M UTC").to_string())
        .unwrap_or_default()
}
