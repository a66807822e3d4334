//! The team's actor as a Durable Object. Why it must be serialized, what it
//! stores and its argument of atomicity: see `team`. The calls that it serves:
//! `team::protocol::Command`.

use std::cell::RefCell;
use std::rc::Rc;

use audit::Salt;
use events::{AuditBatch, Cursor, JournalBatch};
use futures::lock::Mutex;
use identity::TeamId;
use journal::OnTheirWay;
use storage::DurableStorage;
use team::Team;
use team::protocol::{
    Answer, Command, OrderError, Question, Refused, Reply, Reserve, ReserveError, Reserved, SettleError, TopUp,
};
use worker::{
    DurableObject, Env, Method, Request, Response, Result, State, console_error, durable_object, wasm_bindgen,
};

use crate::live::{Live, Shared};
use crate::timer::Timer;
use runtime::{Actors, now_ms, random_u128};

use crate::{name, publish};

/// A call that needs a top-up asks for it this often: calls that come
/// meanwhile may take the credits first.
const TOP_UPS: u32 = 10;

/// Batches that one alarm sends; the next alarm follows at once.
const BATCHES: u32 = 20;

/// The class behind the binding `TEAM`.
#[durable_object]
pub struct TeamActor {
    state: Rc<State>,
    env: Env,
    team: Shared<Team<DurableStorage>>,
    timer: Timer,
    live: Rc<Live>,
    on_their_way: RefCell<OnTheirWay>,
    /// Held by the call that asks the department for credits. All requests of
    /// an object share one context, so that one may wait for another.
    asking: Mutex<()>,
}

impl DurableObject for TeamActor {
    fn new(state: State, env: Env) -> Self {
        let state = Rc::new(state);
        Self {
            live: Live::new(&state),
            state,
            env,
            team: Shared::default(),
            timer: Timer::default(),
            on_their_way: RefCell::default(),
            asking: Mutex::new(()),
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
        let is_awaited = match &command {
            Command::Order(_) => true,
            Command::Receive(envelope) => matches!(envelope.message, events::Message::CarryOut { .. }),
            _ => false,
        };
        let answer = match command {
            Command::Together(commands) => {
                let mut answers = Vec::with_capacity(commands.len());
                for command in commands {
                    answers.push(self.carry_out(command).await);
                }
                Answer::Together(answers)
            }
            command => self.carry_out(command).await,
        };
        self.tell();
        self.set_alarm().await?;
        if is_awaited {
            // Credits for others, and what came of what was approved, are on
            // their way before it is answered.
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
            console_error!("upkeep of a team: {error}");
            self.forget();
            self.state.storage().set_alarm(5000).await?;
        }
        self.set_alarm().await?;
        self.tell();
        Response::empty()
    }
}

impl TeamActor {
    /// Runs `act` on the team, waking it first; `None` when there is no team
    /// under this name.
    fn with<R>(&self, act: impl FnOnce(&mut Team<DurableStorage>, i64) -> R) -> Result<Option<R>> {
        let mut slot = self.team.try_borrow_mut().map_err(|error| error.to_string())?;
        if slot.is_none() {
            let Some(name) = self.name() else { return Ok(None) };
            let woken = Team::wake(DurableStorage::new(&self.state), name).map_err(|error| error.to_string())?;
            *slot = woken.ok();
        }
        Ok(slot.as_mut().map(|team| act(team, now_ms())))
    }

    /// How far it is, where there is one.
    fn cursor(&self) -> Option<Cursor> {
        self.with(|team, _| team.cursor()).ok().flatten()
    }

    /// Lets somebody listen to what happens.
    fn listen(&self, request: &Request) -> Result<Response> {
        let answer = self.with(|team, _| self.live.listen_to_team(request, team))?;
        answer.unwrap_or_else(|| Response::error("there is nothing to listen to", 404))
    }

    /// Has those told who listen, if there are any and there is something.
    fn tell(&self) {
        if self.live.is_heard() {
            let team = Rc::clone(&self.team);
            self.live.after(self.cursor(), move |live| live.tell_team(&team));
        }
    }

    fn name(&self) -> Option<TeamId> {
        name::of(&self.state, &DurableStorage::new(&self.state))?.parse().ok()
    }

    async fn carry_out(&self, command: Command) -> Answer {
        let answer = match command {
            Command::Reserve(call) => Answer::Reserve(self.admit(call).await),
            other => self.answer(&other),
        };
        if storage_failed(&answer) {
            self.forget();
        }
        answer
    }

    fn forget(&self) {
        self.team.replace(None);
    }

    /// A call asks to be paid. One that is not accepted is recorded.
    async fn admit(&self, mut call: Reserve) -> std::result::Result<Reserved, ReserveError> {
        let outcome = self.reserve(&mut call).await;
        if let Err(error) = &outcome
            && let Some(refused) = Refused::of(&call, error)
            && storage_failed(&self.answer(&Command::Refused(Box::new(refused))))
        {
            // It is refused all the same.
            console_error!("what was refused could not be recorded");
            self.forget();
        }
        outcome
    }

    /// A call asks to be paid; if the pool is short, its department is asked
    /// for more first. Asking opens the gate for other calls, so everything is
    /// decided anew afterwards. Calls ask one after the other, each only for
    /// what is still missing when it is its turn: asked all at once, the
    /// department would give one call's worth for all of them.
    async fn reserve(&self, call: &mut Reserve) -> std::result::Result<Reserved, ReserveError> {
        match self.try_reserve(call) {
            Err(ReserveError::NeedsTopUp(_)) => {}
            outcome => return outcome,
        }
        let _turn = self.asking.lock().await;
        for _ in 0..TOP_UPS {
            match self.try_reserve(call) {
                Err(ReserveError::NeedsTopUp(top_up)) => {
                    if !self.top_up(top_up).await {
                        let _ = self.with(|team, now| team.top_up_refused(now));
                    }
                }
                outcome => return outcome,
            }
        }
        call.topped_up = true;
        self.try_reserve(call)
    }

    fn try_reserve(&self, call: &Reserve) -> std::result::Result<Reserved, ReserveError> {
        match self.with(|team, now| team.reserve(now, call)) {
            Ok(Some(outcome)) => outcome,
            Ok(None) => Err(ReserveError::UnknownKey),
            Err(error) => {
                console_error!("waking a team: {error}");
                Err(ReserveError::Storage)
            }
        }
    }

    /// Asks the department for credits. When this answers `true` they have
    /// arrived, or are on their way.
    async fn top_up(&self, top_up: TopUp) -> bool {
        let Ok(Some(Some((organization, team)))) =
            self.with(|team, _| team.profile().map(|profile| (profile.organization, profile.team)))
        else {
            return false;
        };
        let Ok(actors) = Actors::new(&self.env) else { return false };
        let command = organization::protocol::Command::TopUp { team, key: top_up.key, amount: top_up.amount };
        match actors.organization(organization, &command).await {
            Ok(organization::protocol::Answer::TopUp(granted)) => granted.is_ok(),
            Ok(_) => false,
            Err(error) => {
                console_error!("top-up of {team}: {error}");
                false
            }
        }
    }

    /// Everything that needs no waiting.
    fn answer(&self, command: &Command) -> Answer {
        if let Command::Receive(envelope) = command
            && let events::Message::Team(profile) = &envelope.message
        {
            let opened = self.open(profile.team);
            if let Err(error) = opened {
                console_error!("opening a team: {error}");
                return Answer::Order(Err(OrderError::Storage));
            }
        }
        let done = self.with(|team, now| match command {
            Command::Reserve(call) => Answer::Reserve(team.reserve(now, call)),
            Command::Refused(refused) => Answer::Order(refuse(team, now, refused)),
            // Some are together once, and not again inside.
            Command::Together(_) => Answer::Together(Vec::new()),
            Command::Settle(call) => Answer::Settle(team.settle(now, call)),
            Command::Progress(call) => {
                Answer::Standing(team.progress(now, call).map(|()| team.standing()).map_err(|_| OrderError::Storage))
            }
            Command::Receive(envelope) => Answer::Order(team.receive(now, envelope)),
            Command::Order(order) => Answer::Order(team.order(now, order)),
            Command::Ask(Question::Trail { after, limit }) => Answer::Trail(team.trail(*after, *limit)),
            Command::Ask(Question::Transfers(filter)) => Answer::Transfers(team.transfers(filter)),
            Command::Ask(Question::Transfer { id }) => Answer::Transfer(team.transfer_by_id(*id).map(Box::new)),
            Command::Ask(Question::Boosts(filter)) => Answer::Boosts(team.boosts(filter)),
            Command::Ask(Question::Boost { id }) => Answer::Boost(team.boost_by_id(*id).map(Box::new)),
            Command::Ask(Question::Absences(filter)) => Answer::Absences(team.absences(now, filter)),
            Command::Ask(Question::Absence { id }) => Answer::Absence(team.absence_by_id(now, *id).map(Box::new)),
            Command::Ask(Question::Expiring { plan, account }) => Answer::Expiring(Ok(team.expiring(*plan, *account))),
            Command::Ask(Question::SentToday { from }) => Answer::SentToday(team.sent_today(now, *from)),
            Command::Ask(Question::Overview) => Answer::Overview(team.overview(now).map(|mut overview| {
                overview.rows_written = overview.rows_written.saturating_add(self.timer.rows_written());
                Box::new(overview)
            })),
            Command::Ask(Question::Me { organization, key, address }) => {
                Answer::Me(team.me(now, *organization, key, *address).map(Box::new))
            }
            Command::Retain { before_ms } => Answer::Retained(team.retain(now, *before_ms)),
            Command::Heal { projected, audit } => Answer::Standing(
                team.heal(*projected, *audit).map(|()| team.standing()).map_err(|_| OrderError::Storage),
            ),
        });
        match done {
            Ok(Some(answer)) => answer,
            Ok(None) => nobody(command, OrderError::NotOpen, ReserveError::UnknownKey, SettleError::UnknownReservation),
            Err(error) => {
                console_error!("waking a team: {error}");
                nobody(command, OrderError::Storage, ReserveError::Storage, SettleError::Storage)
            }
        }
    }

    /// A team comes into being with the first message about it.
    fn open(&self, name: TeamId) -> Result<()> {
        let mut slot = self.team.try_borrow_mut().map_err(|error| error.to_string())?;
        if slot.is_none() {
            let team = Team::open(DurableStorage::new(&self.state), name).map_err(|error| error.to_string())?;
            name::keep(team.journal().store(), &name.to_string()).map_err(|error| error.to_string())?;
            *slot = Some(team);
        }
        Ok(())
    }

    async fn upkeep(&self) -> Result<()> {
        let Some(ticked) = self.with(|team, now| team.tick(now))? else {
            return Ok(());
        };
        ticked.map_err(|error| error.to_string())?;
        self.publish().await?;
        self.deliver().await?;
        if let Some(Some(top_up)) = self.with(|team, now| team.top_up(now))?
            && !self.top_up(top_up).await
        {
            self.with(|team, now| team.top_up_refused(now))?;
        }
        Ok(())
    }

    async fn deliver(&self) -> Result<()> {
        let due = self.with(|team, now| team.journal().due(now))?.unwrap_or_default();
        let began = now_ms();
        let due = self.on_their_way.borrow_mut().begin(began, due);
        for (number, arrived) in publish::deliver(&self.env, due).await {
            self.on_their_way.borrow_mut().end(began, number);
            let noted = self.with(|team, now| {
                let journal = team.journal_mut();
                if arrived { journal.delivered(number) } else { journal.undelivered(number, now) }
            })?;
            noted.unwrap_or(Ok(())).map_err(|error| error.to_string())?;
        }
        Ok(())
    }

    async fn publish(&self) -> Result<()> {
        for _ in 0..BATCHES {
            let next = self.with(|team, _| {
                let profile = team.profile().map(|profile| (profile.organization, Some(profile.team)));
                (profile, team.journal().sequence(), team.journal().unpublished(JournalBatch::MAX_ENTRIES))
            })?;
            let Some((Some(whose), last, entries)) = next else { break };
            let entries = entries.map_err(|error| error.to_string())?;
            let Some(through) = entries.last().map(|entry| entry.sequence) else { break };
            publish::send(&self.env, whose, last, entries).await?;
            let noted = self.with(|team, _| team.journal_mut().set_published(through))?;
            noted.unwrap_or(Ok(())).map_err(|error| error.to_string())?;
        }
        self.publish_audit().await?;
        self.with(|team, now| team.published(now))?;
        Ok(())
    }

    /// After the entries: whatever is wrong with a record keeps no entry back.
    async fn publish_audit(&self) -> Result<()> {
        for _ in 0..BATCHES {
            let next = self.with(|team, _| {
                let profile = team.profile().map(|profile| (profile.organization, Some(profile.team)));
                let journal = team.journal();
                (profile, journal.audit_head().sequence, journal.unpublished_records(AuditBatch::MAX_RECORDS))
            })?;
            let Some((Some(whose), last, records)) = next else { break };
            let records = records.map_err(|error| error.to_string())?;
            let Some(batch) = AuditBatch::next(whose, last, records) else { break };
            let Some(through) = batch.records.last().map(|record| record.sequence) else { break };
            publish::send_records(&self.env, &batch).await?;
            let noted = self.with(|team, _| team.journal_mut().set_audit_published(through))?;
            noted.unwrap_or(Ok(())).map_err(|error| error.to_string())?;
        }
        Ok(())
    }

    async fn set_alarm(&self) -> Result<()> {
        let wanted = self.with(|team, now| team.next_alarm(now))?.flatten();
        if let Some(at) = self.timer.must_set(wanted) {
            self.state.storage().set_alarm(at.saturating_sub(now_ms()).max(0)).await?;
        }
        Ok(())
    }
}

fn refuse(team: &mut Team<DurableStorage>, now: i64, refused: &Refused) -> std::result::Result<Reply, OrderError> {
    let salt = random_u128().map(Salt::from_u128).map_err(|_| OrderError::Storage)?;
    team.refuse(now, refused, salt).map(|()| Reply::Done).map_err(|_| OrderError::Storage)
}

/// The answer of an actor that has no team, or cannot read it.
fn nobody(command: &Command, order: OrderError, reserve: ReserveError, settle: SettleError) -> Answer {
    match command {
        Command::Reserve(_) => Answer::Reserve(Err(reserve)),
        Command::Settle(_) => Answer::Settle(Err(settle)),
        Command::Together(_) => Answer::Together(Vec::new()),
        Command::Ask(Question::Trail { .. }) => Answer::Trail(Err(order)),
        Command::Ask(Question::Transfers(_)) => Answer::Transfers(Err(order)),
        Command::Ask(Question::Transfer { .. }) => Answer::Transfer(Err(order)),
        Command::Ask(Question::Boosts(_)) => Answer::Boosts(Err(order)),
        Command::Ask(Question::Boost { .. }) => Answer::Boost(Err(order)),
        Command::Ask(Question::Absences(_)) => Answer::Absences(Err(order)),
        Command::Ask(Question::Absence { .. }) => Answer::Absence(Err(order)),
        Command::Ask(Question::Expiring { .. }) => Answer::Expiring(Err(order)),
        Command::Ask(Question::SentToday { .. }) => Answer::SentToday(Err(order)),
        Command::Ask(Question::Overview) => Answer::Overview(Err(order)),
        Command::Ask(Question::Me { .. }) => Answer::Me(Err(reserve)),
        Command::Progress(_) | Command::Heal { .. } => Answer::Standing(Err(order)),
        Command::Retain { .. } => Answer::Retained(Err(order)),
        Command::Receive(_) | Command::Order(_) | Command::Refused(_) => Answer::Order(Err(order)),
    }
}

fn storage_failed(answer: &Answer) -> bool {
    matches!(
        answer,
        Answer::Reserve(Err(ReserveError::Storage))
            | Answer::Me(Err(ReserveError::Storage))
            | Answer::Settle(Err(SettleError::Storage))
            | Answer::Order(Err(OrderError::Storage))
            | Answer::Overview(Err(OrderError::Storage))
            | Answer::Transfers(Err(OrderError::Storage))
            | Answer::Transfer(Err(OrderError::Storage))
            | Answer::SentToday(Err(OrderError::Storage))
            | Answer::Retained(Err(OrderError::Storage))
            | Answer::Standing(Err(OrderError::Storage))
    )
}
