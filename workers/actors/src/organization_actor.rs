//! The organization's actor as a Durable Object. Why it must be serialized,
//! what it stores and its argument of atomicity: see `organization`. The calls
//! that it serves: `organization::protocol::Command`.

use std::cell::RefCell;
use std::rc::Rc;

use events::{AuditBatch, Cursor, JournalBatch, Message};
use identity::{OrganizationId, TransferId};
use journal::OnTheirWay;
use organization::Organization;
use organization::protocol::{AdmitError, Answer, Command, OrderError, Question, Reply, SessionError};
use storage::DurableStorage;
use worker::{
    DurableObject, Env, Method, Request, Response, Result, State, console_error, durable_object, wasm_bindgen,
};

use crate::live::{Live, Shared};
use crate::timer::Timer;
use runtime::{now_ms, uuid_v7};

use crate::{name, publish};

/// Batches that one alarm sends; the next alarm follows at once.
const BATCHES: u32 = 20;

/// The class behind the binding `ORGANIZATION`.
#[durable_object]
pub struct OrganizationActor {
    state: Rc<State>,
    env: Env,
    organization: Shared<Organization<DurableStorage>>,
    timer: Timer,
    live: Rc<Live>,
    on_their_way: RefCell<OnTheirWay>,
}

impl DurableObject for OrganizationActor {
    fn new(state: State, env: Env) -> Self {
        let state = Rc::new(state);
        Self {
            live: Live::new(&state),
            state,
            env,
            organization: Shared::default(),
            timer: Timer::default(),
            on_their_way: RefCell::default(),
        }
    }

    async fn fetch(&self, mut request: Request) -> Result<Response> {
        if request.method() == Method::Get {
            return self.listen(&request);
        }
        self.live.before(|| self.cursor());
        let command: Command = match Command::read(&request.text().await?) {
            Ok(command) => command,
            Err(error) => return Response::error(format!("the command cannot be read: {error}"), 400),
        };
        let answer = self.answer(&command);
        if storage_failed(&answer) {
            self.forget();
        }
        self.tell();
        self.set_alarm().await?;
        if must_deliver(&command) {
            self.deliver().await?;
        }
        Response::ok(answer.write()?)
    }

    async fn alarm(&self) -> Result<Response> {
        self.timer.rang();
        self.live.before(|| self.cursor());
        // An error would ring the alarm again at most six times, and then
        // never: it is logged, and the alarm set anew.
        if let Err(error) = self.upkeep().await {
            console_error!("upkeep of an organization: {error}");
            self.forget();
            self.state.storage().set_alarm(5000).await?;
        }
        self.set_alarm().await?;
        self.tell();
        Response::empty()
    }
}

impl OrganizationActor {
    /// Runs `act` on the organization, waking it first; `None` when there is
    /// none under this name.
    fn with<R>(&self, act: impl FnOnce(&mut Organization<DurableStorage>, i64) -> R) -> Result<Option<R>> {
        let mut slot = self.organization.try_borrow_mut().map_err(|error| error.to_string())?;
        if slot.is_none() {
            let Some(name) = self.name() else { return Ok(None) };
            let store = DurableStorage::new(&self.state);
            *slot = Organization::wake(store, name).map_err(|error| error.to_string())?.ok();
        }
        Ok(slot.as_mut().map(|organization| act(organization, now_ms())))
    }

    /// How far it is, where there is one.
    fn cursor(&self) -> Option<Cursor> {
        self.with(|organization, _| organization.cursor()).ok().flatten()
    }

    /// Lets somebody listen to what happens.
    fn listen(&self, request: &Request) -> Result<Response> {
        let answer = self.with(|organization, _| self.live.listen_to_organization(request, organization))?;
        answer.unwrap_or_else(|| Response::error("there is nothing to listen to", 404))
    }

    /// Has those told who listen, if there are any and there is something.
    fn tell(&self) {
        if self.live.is_heard() {
            let organization = Rc::clone(&self.organization);
            self.live.after(self.cursor(), move |live| live.tell_organization(&organization));
        }
    }

    fn name(&self) -> Option<OrganizationId> {
        name::of(&self.state, &DurableStorage::new(&self.state))?.parse().ok()
    }

    fn forget(&self) {
        self.organization.replace(None);
    }

    fn answer(&self, command: &Command) -> Answer {
        if let Command::Open(open) = command
            && let Err(error) = self.create(open.organization)
        {
            console_error!("opening an organization: {error}");
            return Answer::Order(Err(OrderError::Storage));
        }
        let Ok(transfer) = uuid_v7().map(TransferId::from_u128) else {
            return nobody(command, OrderError::Storage);
        };
        let done = self.with(|organization, now| match command {
            Command::Open(open) => Answer::Order(organization.open(now, open)),
            Command::Order(order) => Answer::Order(organization.order(now, order)),
            Command::Receive(envelope) => Answer::Order(organization.receive(now, envelope)),
            Command::TopUp { team, key, amount } => {
                Answer::TopUp(organization.top_up(now, *team, key, *amount, transfer))
            }
            Command::Admit(asked) => Answer::Admit(organization.admit(now, asked)),
            Command::Session(command) => Answer::Session(organization.session(now, command)),
            Command::Provision(asked) => Answer::Provision(organization.provision(now, asked)),
            Command::Observe(observed) => {
                organization.observe(now, observed);
                Answer::Order(Ok(Reply::Done))
            }
            Command::Ask(Question::Access) => Answer::Access(organization.access().map(Box::new)),
            Command::Ask(Question::SigningIn) => Answer::SigningIn(organization.signing_in().map(Box::new)),
            Command::Ask(Question::Sessions { member }) => Answer::Sessions(organization.sessions(now, *member)),
            Command::Ask(Question::Trail { after, limit }) => Answer::Trail(organization.trail(*after, *limit)),
            Command::Ask(Question::Approvals { viewer, filter }) => {
                Answer::Approvals(organization.approvals(now, *viewer, filter))
            }
            Command::Refuse(refused) => Answer::Order(organization.note_refused(now, refused)),
            Command::Ask(Question::Channels) => Answer::Channels(organization.channels()),
            Command::Ask(Question::Calendars) => Answer::Calendars(organization.calendars()),
            Command::Ask(Question::Plans) => Answer::Plans(organization.plans()),
            Command::Ask(Question::Deciders { id }) => Answer::Deciders(organization.deciders(now, *id).map(Box::new)),
            Command::Ask(Question::Holders { role, team }) => Answer::Holders(organization.holders(now, *role, *team)),
            Command::Ask(Question::PolicyVersions { id }) => Answer::PolicyVersions(organization.policy_versions(*id)),
            Command::Authorize { key } => Answer::Authorize(organization.authorize(key)),
            Command::Ask(Question::Settings) => Answer::Settings(organization.settings().map(Box::new)),
            Command::Ask(Question::Directory) => Answer::Directory(organization.directory().map(Box::new)),
            Command::Retain { now_ms } => Answer::Retained(organization.retain(now, *now_ms).map(Box::new)),
            Command::Heal { projected, audit } => Answer::Standing(
                organization
                    .heal(*projected, *audit)
                    .map_err(|_| OrderError::Storage)
                    .and_then(|()| organization.standing()),
            ),
        });
        match done {
            Ok(Some(answer)) => answer,
            Ok(None) => nobody(command, OrderError::NotOpen),
            Err(error) => {
                console_error!("waking an organization: {error}");
                nobody(command, OrderError::Storage)
            }
        }
    }

    fn create(&self, name: OrganizationId) -> Result<()> {
        let mut slot = self.organization.try_borrow_mut().map_err(|error| error.to_string())?;
        if slot.is_none() {
            let store = DurableStorage::new(&self.state);
            let organization = Organization::create(store, name).map_err(|error| error.to_string())?;
            name::keep(organization.journal().store(), &name.to_string()).map_err(|error| error.to_string())?;
            *slot = Some(organization);
        }
        Ok(())
    }

    async fn upkeep(&self) -> Result<()> {
        let Some(ticked) = self.with(|organization, now| organization.tick(now))? else {
            return Ok(());
        };
        ticked.map_err(|error| error.to_string())?;
        self.publish().await?;
        self.deliver().await
    }

    async fn deliver(&self) -> Result<()> {
        let due = self.with(|organization, now| organization.journal().due(now))?.unwrap_or_default();
        let began = now_ms();
        let due = self.on_their_way.borrow_mut().begin(began, due);
        for (number, arrived) in publish::deliver(&self.env, due).await {
            self.on_their_way.borrow_mut().end(began, number);
            let noted = self.with(|organization, now| {
                let journal = organization.journal_mut();
                if arrived { journal.delivered(number) } else { journal.undelivered(number, now) }
            })?;
            noted.unwrap_or(Ok(())).map_err(|error| error.to_string())?;
        }
        Ok(())
    }

    async fn publish(&self) -> Result<()> {
        let Some(name) = self.name() else { return Ok(()) };
        for _ in 0..BATCHES {
            let next = self.with(|organization, _| {
                let journal = organization.journal();
                (journal.sequence(), journal.unpublished(JournalBatch::MAX_ENTRIES))
            })?;
            let Some((last, entries)) = next else { break };
            let entries = entries.map_err(|error| error.to_string())?;
            let Some(through) = entries.last().map(|entry| entry.sequence) else { break };
            publish::send(&self.env, (name, None), last, entries).await?;
            let noted = self.with(|organization, _| organization.journal_mut().set_published(through))?;
            noted.unwrap_or(Ok(())).map_err(|error| error.to_string())?;
        }
        self.publish_audit(name).await?;
        self.with(|organization, now| organization.published(now))?;
        Ok(())
    }

    /// After the entries: whatever is wrong with a record keeps no entry back.
    async fn publish_audit(&self, name: OrganizationId) -> Result<()> {
        for _ in 0..BATCHES {
            let next = self.with(|organization, _| {
                let journal = organization.journal();
                (journal.audit_head().sequence, journal.unpublished_records(AuditBatch::MAX_RECORDS))
            })?;
            let Some((last, records)) = next else { break };
            let records = records.map_err(|error| error.to_string())?;
            let Some(batch) = AuditBatch::next((name, None), last, records) else { break };
            let Some(through) = batch.records.last().map(|record| record.sequence) else { break };
            publish::send_records(&self.env, &batch).await?;
            let noted = self.with(|organization, _| organization.journal_mut().set_audit_published(through))?;
            noted.unwrap_or(Ok(())).map_err(|error| error.to_string())?;
        }
        Ok(())
    }

    async fn set_alarm(&self) -> Result<()> {
        let wanted = self.with(|organization, _| organization.next_alarm())?.flatten();
        if let Some(at) = self.timer.must_set(wanted) {
            self.state.storage().set_alarm(at.saturating_sub(now_ms()).max(0)).await?;
        }
        Ok(())
    }
}

/// Whether teams hear of it before it is answered: a change bites on the next
/// call, and what one team sends another goes on at once. Whom it does not
/// reach now hears of it by the alarm.
const fn must_deliver(command: &Command) -> bool {
    match command {
        Command::Order(_) | Command::Session(_) | Command::Provision(_) | Command::TopUp { .. } => true,
        Command::Receive(envelope) => matches!(envelope.message, Message::Transfer(_) | Message::Refused { .. }),
        _ => false,
    }
}

/// The answer of an actor that has no organization, or cannot read it.
fn nobody(command: &Command, error: OrderError) -> Answer {
    match command {
        Command::Open(_) | Command::Order(_) | Command::Receive(_) | Command::Observe(_) | Command::Refuse(_) => {
            Answer::Order(Err(error))
        }
        Command::TopUp { .. } => Answer::TopUp(Err(error)),
        Command::Authorize { .. } => Answer::Authorize(Err(error)),
        Command::Admit(_) => Answer::Admit(Err(match error {
            OrderError::NotOpen => AdmitError::Unknown,
            _ => AdmitError::Storage,
        })),
        Command::Session(_) => Answer::Session(Err(match error {
            OrderError::NotOpen => SessionError::NotConfigured,
            _ => SessionError::Storage,
        })),
        Command::Provision(_) => Answer::Provision(Err(error)),
        Command::Ask(Question::Access) => Answer::Access(Err(error)),
        Command::Ask(Question::SigningIn) => Answer::SigningIn(Err(error)),
        Command::Ask(Question::Sessions { .. }) => Answer::Sessions(Err(error)),
        Command::Ask(Question::Trail { .. }) => Answer::Trail(Err(error)),
        Command::Ask(Question::Approvals { .. }) => Answer::Approvals(Err(error)),
        Command::Ask(Question::Channels) => Answer::Channels(Err(error)),
        Command::Ask(Question::Calendars) => Answer::Calendars(Err(error)),
        Command::Ask(Question::Plans) => Answer::Plans(Err(error)),
        Command::Ask(Question::Deciders { .. }) => Answer::Deciders(Err(error)),
        Command::Ask(Question::Holders { .. }) => Answer::Holders(Err(error)),
        Command::Ask(Question::PolicyVersions { .. }) => Answer::PolicyVersions(Err(error)),
        Command::Ask(Question::Settings) => Answer::Settings(Err(error)),
        Command::Ask(Question::Directory) => Answer::Directory(Err(error)),
        Command::Retain { .. } => Answer::Retained(Err(error)),
        Command::Heal { .. } => Answer::Standing(Err(error)),
    }
}

fn storage_failed(answer: &Answer) -> bool {
    matches!(
        answer,
        Answer::Order(Err(OrderError::Storage))
            | Answer::TopUp(Err(OrderError::Storage))
            | Answer::Authorize(Err(OrderError::Storage))
            | Answer::Admit(Err(AdmitError::Storage))
            | Answer::Session(Err(SessionError::Storage))
            | Answer::Provision(Err(OrderError::Storage))
            | Answer::SigningIn(Err(OrderError::Storage))
            | Answer::Sessions(Err(OrderError::Storage))
            | Answer::Access(Err(OrderError::Storage))
            | Answer::Trail(Err(OrderError::Storage))
            | Answer::Channels(Err(OrderError::Storage))
            | Answer::Calendars(Err(OrderError::Storage))
            | Answer::Plans(Err(OrderError::Storage))
            | Answer::Deciders(Err(OrderError::Storage))
            | Answer::Holders(Err(OrderError::Storage))
            | Answer::PolicyVersions(Err(OrderError::Storage))
            | Answer::Approvals(Err(OrderError::Storage))
            | Answer::Settings(Err(OrderError::Storage))
            | Answer::Directory(Err(OrderError::Storage))
            | Answer::Retained(Err(OrderError::Storage))
            | Answer::Standing(Err(OrderError::Storage))
    )
}
