//! The statements, run on SQLite with the real migrations.
#![allow(clippy::arithmetic_side_effects, reason = "a test that overflows fails")]

use super::*;
use audit::{Detail, Erasure, Record, Salt, Shadow, Verdict};
use events::AuditBatch;
use identity::{KeyId, MemberId, OrganizationId, Principal, TeamId};
use ledger::{Account, CallRecord, Draft, Entry, Hash, Kind, Metered, Millicredits, Outcome};
use storage::{NativeStorage, Storage, StorageError};

const NOW: i64 = 1_800_000_000_000;
const HOUR: i64 = 3_600_000;

fn d1() -> NativeStorage {
    let d1 = NativeStorage::in_memory().unwrap();
    d1.batch(include_str!("../../../d1-migrations/0001_projection.sql")).unwrap();
    d1.batch(include_str!("../../../d1-migrations/0002_audit.sql")).unwrap();
    d1.batch(include_str!("../../../d1-migrations/0003_shadow.sql")).unwrap();
    d1.batch(include_str!("../../../d1-migrations/0004_notifications.sql")).unwrap();
    d1.batch(include_str!("../../../d1-migrations/0006_deliveries.sql")).unwrap();
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

fn batch(entries: &[Entry]) -> Publication {
    Publication::Entries(JournalBatch {
        version: 1,
        organization: OrganizationId::from_u128(1),
        team: Some(team()),
        last_sequence: 9,
        entries: entries.to_vec(),
    })
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
    take(d1, &batch(entries))
}

fn take(d1: &NativeStorage, publication: &Publication) -> &'static str {
    let rows = d1.query(APPLIED_THROUGH, &[publication.projection().into()]).unwrap();
    let applied = rows.first().map_or(0, |row| row.count(0).unwrap());
    match decide(publication, applied, NOW) {
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

/// Of every other record, two are told; it's no injection.
fn recipients(sequence: u64) -> Vec<String> {
    if sequence.is_multiple_of(2) { vec![format!("it's {sequence}"), "finance".to_owned()] } else { Vec::new() }
}

fn shadow() -> Shadow {
    Shadow { decision: Verdict::Forbidden, differs: true, policies: vec!["pol_'2".into()] }
}

/// A trail of `count` records with a detail each, as the actor has it; the
/// last one erases.
fn trail(count: u64, erasure: Erasure) -> Vec<Record> {
    let mut previous = Hash::START;
    (1..=count)
        .map(|sequence| {
            let who = Principal::Member(MemberId::from_u128(sequence.into()), KeyId::from_u128(2));
            let draft = audit::Draft {
                on_behalf_of: Some(String::new()),
                resource: Some("it's; DROP TABLE audit".into()),
                policies: vec!["pol_1".into(), "a,\"b".into()],
                policy_version: Some(3),
                shadow: Some(shadow()).filter(|_| sequence == 1),
                notify: recipients(sequence),
                erases: Some(erasure.clone()).filter(|_| sequence == count),
                detail: Some(Detail { note: Some("\"'ä".into()), ..Detail::new(Salt::from_u128(sequence.into())) }),
                ..audit::Draft::done("create_key", who)
            };
            let record = Record::seal(&team().to_string(), sequence, NOW, previous, draft);
            previous = record.hash;
            record
        })
        .collect()
}

fn records(records: &[Record]) -> Publication {
    let whose = (OrganizationId::from_u128(1), Some(team()));
    Publication::Records(AuditBatch::next(whose, 9, records.to_vec()).unwrap())
}

/// D1's copy of the trail, read back and verified; which of it has a detail.
fn copied(d1: &NativeStorage) -> Vec<(Record, bool)> {
    let sql = "SELECT json_object('sequence', sequence, 'id', id, 'time_ms', time_ms, 'action', action,
        'outcome', outcome, 'code', code, 'who', who, 'on_behalf_of', on_behalf_of, 'resource', resource,
        'reference', reference, 'request', request, 'policies', json(coalesce(policies, '[]')),
        'policy_version', policy_version, 'shadow', json(shadow),
        'notify', json(coalesce(notify, '[]')), 'erases', json(erases), 'digest', digest, 'detail', json(detail),
        'hash', hash) FROM audit WHERE organization = ? ORDER BY id";
    let rows = d1.query(sql, &[OrganizationId::from_u128(1).to_string().into()]).unwrap();
    let copied: Vec<Record> = rows.iter().map(|row| serde_json::from_str(row.text(0).unwrap()).unwrap()).collect();
    audit::verify(&team().to_string(), None, None, &copied).unwrap();
    copied.into_iter().map(|record| (record.clone(), record.detail.is_some())).collect()
}

fn with_details(d1: &NativeStorage) -> Vec<u64> {
    copied(d1).iter().filter(|(_, has)| *has).map(|(record, _)| record.sequence).collect()
}

#[test]
fn records_are_copied_whole_once_and_beside_the_entries() {
    let (d1, journal) = (d1(), journal(3));
    let trail = trail(6, Erasure::Records(Vec::new()));
    project(&d1, &journal);
    for (range, outcome, through) in [
        (2..4, "gap", 0),
        (0..2, "applied", 2),
        (0..2, "known", 2),
        (1..4, "applied", 4),
        (5..6, "gap", 4),
        (4..6, "applied", 6),
        (0..6, "known", 6),
    ] {
        assert_eq!(take(&d1, &records(&trail[range.clone()])), outcome, "{range:?}");
        assert_eq!(applied(&d1), 3, "the journal is another stream");
        let both = d1.query(BOTH_THROUGH, &[team().to_string().into()]).unwrap();
        assert_eq!((both[0].count(0), both[0].count(1)), (Ok(3), Ok(through)));
    }
    assert_eq!(copied(&d1).into_iter().map(|(record, _)| record).collect::<Vec<_>>(), trail);
    assert_eq!(project(&d1, &journal), "known");
    let nobody = d1.query(BOTH_THROUGH, &["nobody".into()]).unwrap();
    assert_eq!((nobody[0].count(0), nobody[0].count(1)), (Ok(0), Ok(0)));
    let last = d1.query("SELECT last_sequence FROM projections WHERE actor LIKE '%/audit'", &[]).unwrap();
    assert_eq!(last[0].int(0), Ok(9));
}

#[test]
fn whoever_is_told_of_a_record_is_told_once() {
    let d1 = d1();
    let trail = trail(6, Erasure::Records(Vec::new()));
    let told = |d1: &NativeStorage| {
        let sql = "SELECT id, recipient, record, actor, action, outcome, who, resource, time_ms
            FROM notifications WHERE organization = ? ORDER BY id";
        let rows = d1.query(sql, &[OrganizationId::from_u128(1).to_string().into()]).unwrap();
        rows.iter()
            .map(|row| (0..8).map(|column| row.text(column).unwrap().to_owned()).collect::<Vec<_>>())
            .collect::<Vec<_>>()
    };
    let expected = |through: u64| {
        let records = trail.iter().filter(|record| record.sequence <= through);
        let of = |record: &Record| {
            let who = record.who.unwrap().to_string();
            let resource = record.resource.clone().unwrap();
            let told = (1..).zip(recipients(record.sequence));
            let row = |(place, name): (u32, String)| {
                let (id, actor) = (format!("{}.{place:02}", record.id), team().to_string());
                vec![
                    id,
                    name,
                    record.id.to_string(),
                    actor,
                    "create_key".into(),
                    "done".into(),
                    who.clone(),
                    resource.clone(),
                ]
            };
            told.map(row).collect::<Vec<_>>()
        };
        records.flat_map(of).collect::<Vec<_>>()
    };
    // Twice, too early, overlapping, and by two consumers of whom one is stale.
    let Decision::Apply(slow) = decide(&records(&trail), 0, NOW) else { panic!() };
    for (range, through) in [(2..4, 0), (0..2, 2), (0..2, 2), (1..4, 4), (5..6, 4), (0..6, 6)] {
        take(&d1, &records(&trail[range]));
        assert_eq!(told(&d1), expected(through));
        if through > 0 {
            run(&d1, &slow);
        }
        assert_eq!(told(&d1), expected(through));
    }
    assert_eq!(told(&d1).len(), 6);
    // D1 is made anew; what was left of it is not doubled.
    d1.batch("DELETE FROM projections; DELETE FROM audit").unwrap();
    take(&d1, &records(&trail));
    assert_eq!(told(&d1), expected(6));
}

#[test]
fn of_two_consumers_at_once_one_erases() {
    let d1 = d1();
    let trail = trail(3, Erasure::Subject(MemberId::from_u128(1).to_string()));
    // Both have read the same sequence before either has written; the slower one is stale.
    let Decision::Apply(slow) = decide(&records(&trail), 0, NOW) else { panic!() };
    assert_eq!(take(&d1, &records(&trail[..2])), "applied");
    run(&d1, &slow);
    assert_eq!(with_details(&d1), [1, 2], "nothing of it was written");
    assert_eq!(take(&d1, &records(&trail)), "applied");
    assert_eq!(with_details(&d1), [2, 3]);
}

#[test]
fn what_was_erased_stays_so_whatever_is_sent_again() {
    let member = |id: u128| Erasure::Subject(MemberId::from_u128(id).to_string());
    let id = |place: usize| trail(5, member(1))[place].id;
    for (erasure, left) in [
        (member(1), &[2, 3, 4, 5][..]),
        (Erasure::Subject(KeyId::from_u128(2).to_string()), &[5]),
        (Erasure::Subject("it's; DROP TABLE audit".into()), &[5]),
        (Erasure::Subject("mem".into()), &[1, 2, 3, 4, 5]),
        (Erasure::Subject(String::new()), &[1, 2, 3, 4, 5]),
        (Erasure::Records(vec![id(1), id(3), identity::AuditId::from_u128(5)]), &[1, 3, 5]),
    ] {
        let d1 = d1();
        // As they were sent before the erasure, and as the actor has them now.
        let old = trail(5, erasure.clone());
        let now: Vec<_> = old
            .iter()
            .map(|record| {
                let gone = record.sequence < 5 && erasure.covers(record);
                Record { detail: record.detail.clone().filter(|_| !gone), ..record.clone() }
            })
            .collect();
        assert_eq!(take(&d1, &records(&old[..3])), "applied");
        assert_eq!(take(&d1, &records(&old[3..])), "applied");
        assert_eq!(with_details(&d1), left, "{erasure:?}");
        assert_eq!(copied(&d1).into_iter().map(|(record, _)| record).collect::<Vec<_>>(), now);
        // An old message comes again.
        assert_eq!(take(&d1, &records(&old[..4])), "known");
        assert_eq!(with_details(&d1), left);
        // D1 is lost and made anew, at first from a message of long ago.
        for table in ["audit", "projections"] {
            d1.batch(&format!("DELETE FROM {table}")).unwrap();
        }
        assert_eq!(take(&d1, &records(&old[..4])), "applied");
        assert_eq!(take(&d1, &records(&now)), "applied");
        assert_eq!(with_details(&d1), left);
        // What is left of D1 is written over, not doubled.
        d1.batch("DELETE FROM projections").unwrap();
        assert_eq!(take(&d1, &records(&old)), "applied");
        assert_eq!(with_details(&d1), left);
    }
}

/// A call at a time, and a movement of credits.
fn old_and_new(times: &[i64]) -> Vec<Entry> {
    let mut previous = Hash::START;
    let mut entries = Vec::new();
    for (template, &time) in
        journal(u64::try_from(times.len() * 2).unwrap()).into_iter().zip(times.iter().flat_map(|time| [time, time]))
    {
        let is_call = template.sequence % 2 == 1;
        let call = template.call.filter(|_| is_call).map(|call| CallRecord { accepted_ms: time, ..call });
        let draft = Draft {
            kind: if is_call { Kind::Settle } else { Kind::Allot },
            debit: Account::Pool,
            credit: Account::Spent,
            amount: template.amount,
            reference: template.reference,
            who: Principal::System,
            call,
            note: None,
        };
        let entry = Entry::seal(&team().to_string(), template.sequence, time, previous, draft);
        previous = entry.hash;
        entries.push(entry);
    }
    entries
}

#[test]
fn what_was_kept_for_long_enough_ends_and_money_stays() {
    use crate::retention::{Kind, portion};
    let d1 = d1();
    let (mine, other) = (OrganizationId::from_u128(1), OrganizationId::from_u128(2));
    let entries = old_and_new(&[NOW, NOW + 1, NOW + HOUR]);
    assert_eq!(project(&d1, &entries), "applied");
    let count = |sql: &str| d1.query(sql, &[]).unwrap()[0].int(0).unwrap();
    let calls = || count("SELECT COUNT(*) FROM entries WHERE call IS NOT NULL");
    let whole = sums(&d1);

    run(&d1, &[portion(Kind::Requests, other, NOW + 2 * HOUR)]);
    assert_eq!(calls(), 3, "another organization's");
    run(&d1, &[portion(Kind::Requests, mine, NOW + 1)]);
    assert_eq!(calls(), 2);
    run(&d1, &[portion(Kind::Requests, mine, NOW + HOUR)]);
    assert_eq!((calls(), count("SELECT COUNT(*) FROM entries WHERE call IS NULL")), (1, 3));
    assert_eq!(sums(&d1), whole, "reports stay");
    // What comes again does not bring back what went, nor count it twice.
    assert_eq!(project(&d1, &entries), "known");

    run(&d1, &[portion(Kind::Usage, mine, NOW)]);
    assert_eq!(sums(&d1), whole, "no hour is over");
    run(&d1, &[portion(Kind::Usage, mine, NOW + HOUR)]);
    assert_eq!(sums(&d1).0, 1);
}

#[test]
fn so_many_rows_end_at_once_and_the_oldest_first() {
    use crate::retention::{Kind, ROWS_AT_ONCE, portion};
    let d1 = d1();
    let mine = OrganizationId::from_u128(1);
    let insert = "INSERT INTO notifications (organization, id, recipient, record, actor, time_ms, action, outcome)
        VALUES (?, ?, 'finance', 'aud_x', 'org_x', 0, 'allot', 'done')";
    for n in 0..i64::try_from(ROWS_AT_ONCE + 5).unwrap() {
        let id = identity::AuditId::from_u128(u128::try_from(NOW + n).unwrap() << 80);
        d1.execute(insert, &[mine.to_string().into(), format!("{id}.01").into()]).unwrap();
    }
    let left = || d1.query("SELECT COUNT(*), MIN(id) FROM notifications", &[]).unwrap()[0].int(0).unwrap();
    run(&d1, &[portion(Kind::Notifications, mine, NOW + 1_000_000)]);
    assert_eq!(left(), 5);
    run(&d1, &[portion(Kind::Notifications, mine, NOW + 1002)]);
    assert_eq!(left(), 3);
    let delivery = "INSERT INTO deliveries (organization, id, channel, event, repeatable, state, attempts, changed_ms)
        VALUES (?, ?, 'c', '{}', 0, 'sent', 1, ?)";
    let other = OrganizationId::from_u128(2);
    for (id, at, organization) in [("a", NOW, mine), ("b", NOW + 5, mine), ("c", NOW, other)] {
        d1.execute(delivery, &[organization.to_string().into(), id.into(), at.into()]).unwrap();
    }
    run(&d1, &[portion(Kind::Deliveries, mine, NOW + 5)]);
    let ids = d1.query("SELECT group_concat(id, '') FROM deliveries", &[]).unwrap();
    assert_eq!(ids[0].text(0).unwrap(), "bc");
    let letter = "INSERT INTO dead_letters (id, queue, received_ms, organization, body) VALUES (?, 'q', ?, ?, '')";
    for (id, at, organization) in
        [("a", NOW, Some(mine.to_string())), ("b", NOW + 5, Some(mine.to_string())), ("c", NOW, None)]
    {
        d1.execute(letter, &[id.into(), at.into(), organization.into()]).unwrap();
    }
    run(&d1, &[portion(Kind::DeadLetters, mine, NOW + 5)]);
    let ids = d1.query("SELECT group_concat(id, '') FROM dead_letters", &[]).unwrap();
    assert_eq!(ids[0].text(0).unwrap(), "bc", "one that is nobody's is the operator's to look at");
}
