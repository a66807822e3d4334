//! The statements, run on SQLite with the real migrations.

use super::*;
use identity::{KeyId, MemberId, OrganizationId, Principal, TeamId};
use ledger::{Account, CallRecord, Draft, Entry, Hash, Kind, Metered, Millicredits, Outcome};
use storage::{NativeStorage, Storage, StorageError};

const NOW: i64 = 1_800_000_000_000;

fn d1() -> NativeStorage {
    let d1 = NativeStorage::in_memory().unwrap();
    d1.batch(include_str!("../../../d1-migrations/0001_projection.sql")).unwrap();
    d1
}

fn team() -> TeamId {
    TeamId::from_u128(7)
}

/// A journal of `count` calls, each of which cost its own sequence in credits.
fn journal(count: u64) -> Vec<Entry> {
    let mut previous = Hash::START;
    (1..=count)
        .map(|sequence| {
            let cost = Millicredits::from_credits(sequence.try_into().unwrap()).unwrap();
            let call = CallRecord {
                member: MemberId::from_u128(1),
                key: KeyId::from_u128(2),
                model: "demo-small".into(),
                provider: "demo".into(),
                tag: None,
                accepted_ms: NOW,
                duration_ms: 5,
                input_tokens: 10,
                cached_tokens: 0,
                output_tokens: 5,
                reasoning_tokens: 0,
                cost,
                outcome: Outcome::Completed,
                metered: Metered::Reported,
                reconcile: false,
            };
            let draft = Draft {
                kind: Kind::Settle,
                debit: Account::Pool,
                credit: Account::Spent,
                amount: cost,
                reference: format!("req_{sequence}"),
                who: Principal::System,
                call: Some(call),
                note: Some("it's; DROP TABLE entries".into()),
            };
            let entry = Entry::seal(&team().to_string(), sequence, NOW, previous, draft);
            previous = entry.hash;
            entry
        })
        .collect()
}

fn batch(entries: &[Entry]) -> JournalBatch {
    JournalBatch {
        version: 1,
        organization: OrganizationId::from_u128(1),
        team: Some(team()),
        last_sequence: 9,
        entries: entries.to_vec(),
    }
}

fn applied(d1: &NativeStorage) -> u64 {
    let rows = d1.query(APPLIED_THROUGH, &[team().to_string().into()]).unwrap();
    rows.first().map_or(0, |row| row.count(0).unwrap())
}

fn run(d1: &NativeStorage, statements: &[Statement]) {
    d1.transaction(|| -> Result<(), StorageError> {
        statements.iter().try_for_each(|(sql, values)| d1.execute(sql, values))
    })
    .unwrap();
}

fn project(d1: &NativeStorage, entries: &[Entry]) -> &'static str {
    match decide(&batch(entries), applied(d1), NOW) {
        Decision::Known => "known",
        Decision::Gap => "gap",
        Decision::Apply(statements) => {
            run(d1, &statements);
            "applied"
        }
    }
}

fn sums(d1: &NativeStorage) -> (i64, i64) {
    let rows = d1
        .query("SELECT COALESCE(SUM(requests), 0), CAST(COALESCE(SUM(cost), 0) AS TEXT) FROM usage_hours", &[])
        .unwrap();
    (rows[0].int(0).unwrap(), rows[0].exact(1).unwrap())
}

#[test]
fn whatever_comes_twice_early_or_overlapping_counts_once() {
    let (d1, journal) = (d1(), journal(6));
    for (range, outcome, through, requests, credits) in [
        (2..4, "gap", 0, 0, 0),
        (0..2, "applied", 2, 2, 3),
        (0..2, "known", 2, 2, 3),
        (1..4, "applied", 4, 4, 10),
        (5..6, "gap", 4, 4, 10),
        (4..6, "applied", 6, 6, 21),
        (0..6, "known", 6, 6, 21),
    ] {
        assert_eq!(project(&d1, &journal[range.clone()]), outcome, "{range:?}");
        assert_eq!(applied(&d1), through);
        assert_eq!(sums(&d1), (requests, credits * 1000));
    }
    let rows = d1.query("SELECT COUNT(*), MIN(note), MAX(hash) FROM entries", &[]).unwrap();
    assert_eq!(rows[0].int(0), Ok(6));
    assert_eq!(rows[0].text(1), Ok("it's; DROP TABLE entries"));
    let last = d1.query("SELECT last_sequence FROM projections", &[]).unwrap();
    assert_eq!(last[0].int(0), Ok(9));
}

#[test]
fn of_two_consumers_at_once_one_writes() {
    let (d1, journal) = (d1(), journal(2));
    // Both have read the same sequence before either has written.
    let Decision::Apply(first) = decide(&batch(&journal), 0, NOW) else { panic!() };
    let Decision::Apply(second) = decide(&batch(&journal[..1]), 0, NOW) else { panic!() };
    run(&d1, &first);
    run(&d1, &second);
    assert_eq!((applied(&d1), sums(&d1)), (2, (2, 3000)));
}

#[test]
fn amounts_keep_all_their_digits() {
    let d1 = d1();
    let draft = Draft {
        kind: Kind::Issue,
        debit: Account::Issued,
        credit: Account::Treasury,
        amount: Millicredits::MAX,
        reference: "xfer".into(),
        who: Principal::Operator,
        call: None,
        note: None,
    };
    let entry = Entry::seal(&team().to_string(), 1, NOW, Hash::START, draft);
    assert_eq!(project(&d1, &[entry]), "applied");
    let rows = d1.query("SELECT CAST(amount AS TEXT) FROM entries", &[]).unwrap();
    assert_eq!(rows[0].exact(0), Ok(i64::MAX));
}
