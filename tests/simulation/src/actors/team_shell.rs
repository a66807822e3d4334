//! What the edge does around a team's actor. Every `await` is a place at which
//! a crash may end it.

use events::{AuditBatch, JournalBatch, Message, Publication};
use identity::TeamId;
use team::protocol::{
    Answer, Command, OrderError, Question, Refused, Reply, Reserve, ReserveError, Reserved, SettleError, TopUp,
};

use super::{Name, TeamHost};
use crate::network::Request;
use crate::world::World;

/// A call asks for credits so often before it takes what there is.
const TOP_UPS: u32 = 4;

/// Answers one command. `None` when there is nobody to answer.
pub(super) async fn serve(world: &World, id: TeamId, command: Command) -> Option<Answer> {
    let host = world.teams.get(&id)?;
    let Command::Together(commands) = command else { return Some(one(world, host, command).await) };
    let mut answers = Vec::new();
    for command in commands {
        answers.push(one(world, host, command).await);
    }
    Some(Answer::Together(answers))
}

async fn one(world: &World, host: &TeamHost, command: Command) -> Answer {
    match command {
        Command::Reserve(call) => Answer::Reserve(admit(world, host, call).await),
        Command::Refused(refused) => {
            let done = host.refuse(world, &refused).unwrap_or(Ok(()));
            Answer::Order(done.map(|()| Reply::Done).map_err(|_| OrderError::Storage))
        }
        Command::Settle(call) => {
            Answer::Settle(host.settle(world, &call).unwrap_or(Err(SettleError::UnknownReservation)))
        }
        Command::Progress(call) => {
            let done = host.progress(world, &call).unwrap_or(Ok(()));
            Answer::Standing(standing(world, host, done))
        }
        Command::Receive(envelope) => {
            // What came of what was approved is told before it is answered.
            let is_awaited = matches!(envelope.message, Message::CarryOut { .. });
            let taken = host.receive(world, &envelope).unwrap_or(Err(OrderError::NotOpen));
            if is_awaited {
                deliver(world, host).await;
            }
            Answer::Order(taken)
        }
        Command::Order(order) => {
            let done = host.order(world, &order).unwrap_or(Err(OrderError::NotOpen));
            deliver(world, host).await;
            Answer::Order(done)
        }
        Command::Ask(Question::Trail { after, limit }) => {
            let shown = host.read(world, |team| team.trail(after, limit));
            Answer::Trail(shown.unwrap_or(Err(OrderError::NotOpen)))
        }
        Command::Ask(Question::Transfers(filter)) => {
            let shown = host.read(world, |team| team.transfers(&filter));
            Answer::Transfers(shown.unwrap_or(Err(OrderError::NotOpen)))
        }
        Command::Ask(Question::Transfer { id }) => {
            let shown = host.read(world, |team| team.transfer_by_id(id));
            Answer::Transfer(shown.unwrap_or(Err(OrderError::NotOpen)).map(Box::new))
        }
        Command::Ask(Question::Boosts(filter)) => {
            let shown = host.read(world, |team| team.boosts(&filter));
            Answer::Boosts(shown.unwrap_or(Err(OrderError::NotOpen)))
        }
        Command::Ask(Question::Boost { id }) => {
            let shown = host.read(world, |team| team.boost_by_id(id));
            Answer::Boost(shown.unwrap_or(Err(OrderError::NotOpen)).map(Box::new))
        }
        Command::Ask(Question::Absences(filter)) => {
            let now = world.now();
            let shown = host.read(world, |team| team.absences(now, &filter));
            Answer::Absences(shown.unwrap_or(Err(OrderError::NotOpen)))
        }
        Command::Ask(Question::Absence { id }) => {
            let now = world.now();
            let shown = host.read(world, |team| team.absence_by_id(now, id));
            Answer::Absence(shown.unwrap_or(Err(OrderError::NotOpen)).map(Box::new))
        }
        Command::Ask(Question::Expiring { plan, account }) => {
            let shown = host.read(world, |team| team.expiring(plan, account));
            Answer::Expiring(shown.ok_or(OrderError::NotOpen))
        }
        Command::Ask(Question::SentToday { from }) => {
            let now = world.now();
            let shown = host.read(world, |team| team.sent_today(now, from));
            Answer::SentToday(shown.unwrap_or(Err(OrderError::NotOpen)))
        }
        Command::Ask(Question::Overview) => {
            let now = world.now();
            let shown = host.read(world, |team| team.overview(now)).unwrap_or(Err(OrderError::NotOpen));
            Answer::Overview(shown.map(Box::new))
        }
        Command::Ask(Question::Me { organization, key, address }) => {
            let now = world.now();
            let shown = host.read(world, |team| team.me(now, organization, &key, address));
            Answer::Me(shown.unwrap_or(Err(ReserveError::UnknownKey)).map(Box::new))
        }
        Command::Heal { projected, audit } => {
            let done = host.heal(world, projected, audit).unwrap_or(Ok(()));
            Answer::Standing(standing(world, host, done))
        }
        // The simulation's records are all of the last few hours.
        Command::Retain { .. } => Answer::Retained(Ok(false)),
        Command::Together(_) => Answer::Together(Vec::new()),
    }
}

fn standing(
    world: &World,
    host: &TeamHost,
    done: Result<(), storage::StorageError>,
) -> Result<team::protocol::Standing, OrderError> {
    done.map_err(|_| OrderError::Storage)?;
    host.read(world, |team| team.standing()).ok_or(OrderError::NotOpen)
}

/// Reserves; what is not accepted is recorded.
async fn admit(world: &World, host: &TeamHost, mut call: Reserve) -> Result<Reserved, ReserveError> {
    let outcome = reserve(world, host, &mut call).await;
    if let Some(refused) = outcome.as_ref().err().and_then(|error| Refused::of(&call, error)) {
        host.refuse(world, &refused);
    }
    outcome
}

/// Reserves; asks the department first when the pool has too little and the
/// team has a standing order.
async fn reserve(world: &World, host: &TeamHost, call: &mut Reserve) -> Result<Reserved, ReserveError> {
    // Calls that come meanwhile may take what this one has asked for.
    for attempt in 0..TOP_UPS {
        match host.reserve(world, call).unwrap_or(Err(ReserveError::UnknownKey)) {
            Err(ReserveError::NeedsTopUp(wanted)) => top_up(world, host, wanted).await,
            outcome => {
                if outcome.is_ok() && attempt > 0 {
                    world.count("call: accepted after a top-up");
                }
                return outcome;
            }
        }
    }
    call.topped_up = true;
    host.reserve(world, call).unwrap_or(Err(ReserveError::UnknownKey))
}

/// Asks the department for credits; they come as a message.
pub(super) async fn top_up(world: &World, host: &TeamHost, wanted: TopUp) {
    let command =
        organization::protocol::Command::TopUp { team: host.place.team, key: wanted.key, amount: wanted.amount };
    let answer = world.ask_organization(host.place.organization, command).await;
    if matches!(answer, Some(organization::protocol::Answer::TopUp(Err(_)))) {
        host.top_up_refused(world);
    }
}

/// Sends what D1 lacks to the queue.
pub(super) async fn publish(world: &World, host: &TeamHost) {
    publish_entries(world, host).await;
    publish_records(world, host).await;
}

async fn publish_records(world: &World, host: &TeamHost) {
    loop {
        let next = host.read(world, |team| {
            let records = team.journal().unpublished_records(AuditBatch::MAX_RECORDS).unwrap_or_default();
            (records, team.journal().audit_head().sequence)
        });
        let Some((records, last)) = next else { return };
        let Some(batch) = AuditBatch::next((host.place.organization, Some(host.place.team)), last, records) else {
            return;
        };
        let Some(through) = batch.records.last().map(|record| record.sequence) else { return };
        if !world.enqueue(&Publication::Records(batch)).await {
            return;
        }
        if host.set_audit_published(world, through).is_none_or(|done| done.is_err()) {
            return;
        }
    }
}

async fn publish_entries(world: &World, host: &TeamHost) {
    loop {
        let next = host.read(world, |team| {
            let entries = team.journal().unpublished(JournalBatch::MAX_ENTRIES).unwrap_or_default();
            (entries, team.journal().sequence())
        });
        let Some((entries, last_sequence)) = next else { return };
        let Some(last) = entries.last().map(|entry| entry.sequence) else { return };
        let (organization, team) = (host.place.organization, Some(host.place.team));
        let batch = JournalBatch { version: JournalBatch::VERSION, organization, team, last_sequence, entries };
        if !world.enqueue(&Publication::Entries(batch)).await {
            return;
        }
        if host.set_published(world, last).is_none_or(|done| done.is_err()) {
            return;
        }
    }
}

/// Delivers what waits in the outbox.
pub(super) async fn deliver(world: &World, host: &TeamHost) {
    let now = world.now();
    let due = host.read(world, |team| team.journal().due(now)).unwrap_or_default();
    let begun = host.on_their_way.borrow_mut().begin(now, due);
    for pending in begun {
        let Some(Name::Organization(target)) = Name::parse(&pending.target) else { continue };
        let delivery = world.delivers(Name::Team(host.place.team), (pending.number, now));
        let command = organization::protocol::Command::Receive(pending.envelope);
        let answer = world.ask(Name::Organization(target), Request::Organization(Box::new(command))).await;
        drop(delivery);
        host.on_their_way.borrow_mut().end(now, pending.number);
        use crate::network::Answer::Organization;
        use organization::protocol::Answer::Order;
        match answer {
            Some(Organization(Order(Ok(_)))) => host.delivered(world, pending.number),
            _ => host.undelivered(world, pending.number),
        };
    }
}
