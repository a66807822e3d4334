//! What the edge does around an organization's actor.

use events::{AuditBatch, JournalBatch, Message, Publication};
use identity::OrganizationId;
use organization::protocol::{Answer, Command, OrderError, Question};

use super::{Name, OrganizationHost};
use crate::network::Request;
use crate::world::World;

/// Answers one command. `None` when there is nobody to answer.
pub(super) async fn serve(world: &World, id: OrganizationId, command: Command) -> Option<Answer> {
    let host = world.organizations.get(&id)?;
    Some(match command {
        Command::Open(open) => Answer::Order(host.open(world, &open).unwrap_or(Err(OrderError::NotOpen))),
        Command::Order(order) => {
            let done = host.order(world, &order).unwrap_or(Err(OrderError::NotOpen));
            deliver(world, host).await;
            Answer::Order(done)
        }
        Command::Receive(envelope) => {
            // What one team sends another goes on at once.
            let goes_on = matches!(envelope.message, Message::Transfer(_) | Message::Refused { .. });
            let taken = host.receive(world, &envelope).unwrap_or(Err(OrderError::NotOpen));
            if goes_on {
                deliver(world, host).await;
            }
            Answer::Order(taken)
        }
        Command::TopUp { team, key, amount } => {
            let given = host.top_up(world, team, &key, amount).unwrap_or(Err(OrderError::NotOpen));
            // The team waits for the credits, not for the answer.
            deliver(world, host).await;
            Answer::TopUp(given)
        }
        // Nobody manages the simulated organizations but the operator, and nothing there gets old.
        Command::Admit(_)
        | Command::Observe(_)
        | Command::Session(_)
        | Command::Provision(_)
        | Command::Refuse(_)
        | Command::Retain { .. }
        | Command::Ask(
            Question::Access
            | Question::SigningIn
            | Question::Sessions { .. }
            | Question::Trail { .. }
            | Question::Approvals { .. }
            | Question::Channels
            | Question::Calendars
            | Question::Plans
            | Question::Deciders { .. }
            | Question::Holders { .. }
            | Question::PolicyVersions { .. },
        ) => return None,
        Command::Authorize { key } => {
            let known = host.read(world, |organization| organization.authorize(&key));
            Answer::Authorize(known.unwrap_or(Err(OrderError::NotOpen)))
        }
        Command::Ask(Question::Settings) => {
            let shown = host.read(world, |organization| organization.settings());
            Answer::Settings(shown.unwrap_or(Err(OrderError::NotOpen)).map(Box::new))
        }
        Command::Ask(Question::Directory) => {
            let shown = host.read(world, |organization| organization.directory());
            Answer::Directory(shown.unwrap_or(Err(OrderError::NotOpen)).map(Box::new))
        }
        Command::Heal { projected, audit } => {
            let done = host.heal(world, projected, audit).unwrap_or(Ok(()));
            let standing = host.read(world, |organization| organization.standing());
            Answer::Standing(match done {
                Ok(()) => standing.unwrap_or(Err(OrderError::NotOpen)),
                Err(_) => Err(OrderError::Storage),
            })
        }
    })
}

/// Sends what D1 lacks to the queue.
pub(super) async fn publish(world: &World, id: OrganizationId, host: &OrganizationHost) {
    publish_entries(world, id, host).await;
    publish_records(world, id, host).await;
}

async fn publish_records(world: &World, id: OrganizationId, host: &OrganizationHost) {
    loop {
        let next = host.read(world, |organization| {
            let journal = organization.journal();
            (journal.unpublished_records(AuditBatch::MAX_RECORDS).unwrap_or_default(), journal.audit_head().sequence)
        });
        let Some((records, last)) = next else { return };
        let Some(batch) = AuditBatch::next((id, None), last, records) else { return };
        let Some(through) = batch.records.last().map(|record| record.sequence) else { return };
        if !world.enqueue(&Publication::Records(batch)).await {
            return;
        }
        if host.set_audit_published(world, through).is_none_or(|done| done.is_err()) {
            return;
        }
    }
}

async fn publish_entries(world: &World, id: OrganizationId, host: &OrganizationHost) {
    loop {
        let next = host.read(world, |organization| {
            let journal = organization.journal();
            (journal.unpublished(JournalBatch::MAX_ENTRIES).unwrap_or_default(), journal.sequence())
        });
        let Some((entries, last_sequence)) = next else { return };
        let Some(last) = entries.last().map(|entry| entry.sequence) else { return };
        let version = JournalBatch::VERSION;
        let batch = JournalBatch { version, organization: id, team: None, last_sequence, entries };
        if !world.enqueue(&Publication::Entries(batch)).await {
            return;
        }
        if host.set_published(world, last).is_none_or(|done| done.is_err()) {
            return;
        }
    }
}

/// Delivers what waits in the outbox.
pub(super) async fn deliver(world: &World, host: &OrganizationHost) {
    use crate::network::Answer::Team;
    use team::protocol::Answer::Order;
    let now = world.now();
    let due = host.read(world, |organization| organization.journal().due(now)).unwrap_or_default();
    let begun = host.on_their_way.borrow_mut().begin(now, due);
    for pending in begun {
        let Some(target @ Name::Team(_)) = Name::parse(&pending.target) else { continue };
        let delivery = world.delivers(host.name(), (pending.number, now));
        let command = team::protocol::Command::Receive(pending.envelope);
        let answer = world.ask(target, Request::Team(Box::new(command))).await;
        drop(delivery);
        host.on_their_way.borrow_mut().end(now, pending.number);
        match answer {
            Some(Team(Order(Ok(_)))) => host.delivered(world, pending.number),
            _ => host.undelivered(world, pending.number),
        };
    }
}
