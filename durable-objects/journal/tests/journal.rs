//! What the journal promises: whole changes, exactly once, and memory that is
//! only a cache.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test that cannot be set up stops")]

use events::Message;
use identity::{Principal, TeamId};
use journal::{CHECKPOINT_EVERY, Change, CommitError, Journal, Opened, Remembered};
use ledger::{Account, Draft, Kind, Millicredits, verify};
use storage::NativeStorage;

const ACTOR: &str = "team_a";

fn draft(debit: Account, credit: Account, amount: i64) -> Draft {
    Draft {
        kind: Kind::Allot,
        debit,
        credit,
        amount: Millicredits::new(amount),
        reference: "xfer".into(),
        who: Principal::System,
        call: None,
        note: None,
    }
}

fn opened() -> Journal<NativeStorage> {
    Journal::open(NativeStorage::in_memory().unwrap(), ACTOR).unwrap().journal
}

fn crash(journal: Journal<NativeStorage>) -> Opened<NativeStorage> {
    Journal::open(journal.into_store(), ACTOR).unwrap()
}

fn issue(journal: &mut Journal<NativeStorage>, amount: i64) {
    let mut change = Change::new();
    change.post(draft(Account::Parent, Account::Pool, amount));
    journal.commit(0, change).unwrap();
}

#[test]
fn asking_for_an_actor_that_does_not_exist_writes_nothing() {
    let store = NativeStorage::in_memory().unwrap();
    assert!(!Journal::exists(&store).unwrap());
    assert!(!Journal::exists(&store).unwrap(), "the question itself makes no tables");
    let journal = Journal::open(store, ACTOR).unwrap().journal;
    assert!(Journal::exists(journal.store()).unwrap());
}

#[test]
fn a_change_is_written_whole_or_not_at_all() {
    let mut journal = opened();
    issue(&mut journal, 10);
    let mut change = Change::new();
    change.post(draft(Account::Pool, Account::Spent, 4));
    change.send("team_b", Message::Settings { version: 1 });
    change.receive("org/1");
    change.remember("key", "print", "reply");
    change.write("INSERT INTO no_such_table VALUES (1)", vec![]);
    assert!(matches!(journal.commit(0, change), Err(CommitError::Storage(_))));

    let refused = |journal: &Journal<NativeStorage>| {
        (
            journal.sequence(),
            journal.balance(Account::Pool),
            journal.outbox_len(),
            journal.has_received("org/1").unwrap(),
        )
    };
    let before = (1, Millicredits::new(10), 0, false);
    assert_eq!(refused(&journal), before, "in memory");
    assert_eq!(journal.recall("key", "print").unwrap(), Remembered::New);
    let journal = crash(journal).journal;
    assert_eq!(refused(&journal), before, "in the database");

    let mut journal = journal;
    let mut change = Change::new();
    change.post(draft(Account::Pool, Account::Spent, 11));
    assert!(matches!(journal.commit(0, change), Err(CommitError::Books(_))));
    assert_eq!(refused(&journal), before);
}

#[test]
fn memory_is_the_checkpoint_and_what_came_after() {
    let mut journal = opened();
    let spend = |journal: &mut Journal<NativeStorage>| {
        let mut change = Change::new();
        change.post(draft(Account::Pool, Account::Spent, 3));
        journal.commit(0, change).unwrap();
    };
    issue(&mut journal, i64::MAX);
    while !journal.checkpoint_is_due() {
        spend(&mut journal);
    }
    journal.checkpoint(0, &[]).unwrap();
    assert!(!journal.checkpoint_is_due());
    (0..5).for_each(|_| spend(&mut journal));
    let books = journal.books().clone();
    let opened = crash(journal);
    assert_eq!(opened.replayed.len(), 5, "only what came after is replayed");
    assert_eq!(*opened.journal.books(), books);
    let entries = opened.journal.entries_after(0, u32::MAX).unwrap();
    let (sequence, _) = verify(ACTOR, (0, ledger::Hash::START), &entries).unwrap();
    assert_eq!(sequence, CHECKPOINT_EVERY + 5);
}

#[test]
fn messages_are_sent_until_they_arrive_and_their_ids_are_never_used_again() {
    let mut journal = opened();
    let send = |journal: &mut Journal<NativeStorage>| {
        let mut change = Change::new();
        change.send(
            "team_b",
            Message::Allot {
                transfer: identity::TransferId::from_u128(1),
                amount: Millicredits::new(5),
                who: Principal::System,
                note: Some(TeamId::from_u128(1).to_string()),
            },
        );
        journal.commit(1000, change).unwrap();
    };
    send(&mut journal);
    let first = journal.due(1000).remove(0);
    journal.undelivered(first.number, 1000).unwrap();
    assert!(journal.due(1999).is_empty() && journal.next_delivery() == Some(2000), "after a second");
    let mut journal = crash(journal).journal;
    let again = journal.due(2000).remove(0);
    assert_eq!((again.envelope.clone(), again.attempts), (first.envelope, 1));
    journal.undelivered(again.number, 2000).unwrap();
    assert_eq!(journal.next_delivery(), Some(4000), "then after two");
    journal.delivered(again.number).unwrap();
    let mut journal = crash(journal).journal;
    assert_eq!(journal.outbox_len(), 0);
    send(&mut journal);
    assert_ne!(journal.due(1000).remove(0).envelope.id, again.envelope.id);
}

#[test]
fn what_d1_lacks_is_sent_again() {
    let mut journal = opened();
    (0..5).for_each(|_| issue(&mut journal, 1));
    assert_eq!(journal.unpublished(2).unwrap().len(), 2);
    journal.set_published(5).unwrap();
    assert!(!journal.has_unpublished());
    assert!(!journal.heal(5).unwrap() && !journal.heal(9).unwrap());
    assert!(journal.heal(3).unwrap());
    let journal = crash(journal).journal;
    let again: Vec<u64> = journal.unpublished(100).unwrap().iter().map(|entry| entry.sequence).collect();
    assert_eq!(again, [4, 5]);
}

#[test]
fn a_key_is_one_command() {
    let mut journal = opened();
    let mut change = Change::new();
    change.remember("key", "print", "reply");
    journal.commit(0, change).unwrap();
    let journal = crash(journal).journal;
    assert_eq!(journal.recall("key", "print").unwrap(), Remembered::Same("reply".into()));
    assert_eq!(journal.recall("key", "other").unwrap(), Remembered::Different);
    assert_eq!(journal.recall("other", "print").unwrap(), Remembered::New);
}
