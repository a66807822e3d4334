//! What the journal promises of the audit trail: records are written with what
//! they describe or not at all, chained, published like entries, and only
//! details are ever erased.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test that cannot be set up stops")]

use audit::{Detail, Draft, Erasure, Outcome, Record, Salt, Shadow, Verdict, verify};
use events::Message;
use identity::{KeyId, MemberId, Principal};
use journal::{Change, CommitError, Journal};
use ledger::{Account, Kind, Millicredits};
use serde_json::json;
use storage::{NativeStorage, Storage};

const ACTOR: &str = "team_a";

fn opened() -> Journal<NativeStorage> {
    Journal::open(NativeStorage::in_memory().unwrap(), ACTOR).unwrap().journal
}

fn crash(journal: Journal<NativeStorage>) -> Journal<NativeStorage> {
    let head = journal.audit_head();
    let journal = Journal::open(journal.into_store(), ACTOR).unwrap().journal;
    assert_eq!(journal.audit_head(), head, "memory is only a cache");
    journal
}

fn detail() -> Option<Detail> {
    Some(Detail { address: Some("203.0.113.9".into()), ..Detail::new(Salt::from_u128(1)) })
}

fn record(journal: &mut Journal<NativeStorage>, draft: Draft) {
    let mut change = Change::new();
    change.audit(draft);
    assert!(change.is_published());
    assert!(journal.commit(1000, change).unwrap().is_empty());
}

fn trail(journal: &Journal<NativeStorage>) -> Vec<Record> {
    let all = journal.audit_after(0, u32::MAX).unwrap();
    verify(ACTOR, None, Some(journal.audit_head()), &all).unwrap();
    all
}

#[test]
fn every_field_comes_back_as_it_was_sealed() {
    let mut journal = opened();
    let whole = Draft {
        action: "create_team".into(),
        outcome: Outcome::Denied,
        code: Some("forbidden".into()),
        who: Some(Principal::Operator),
        on_behalf_of: Some("mem_x".into()),
        resource: Some("team_x".into()),
        reference: Some("xfer_x".into()),
        request: Some("req_x".into()),
        policies: vec!["pol_1".into(), "pol_2".into()],
        policy_version: Some(u64::MAX),
        shadow: Some(Shadow { decision: Verdict::ApprovalRequired, differs: true, policies: vec!["pol_3".into()] }),
        notify: vec!["finance".into(), "it's".into()],
        erases: Some(Erasure::Subject("mem_x".into())),
        detail: Some(Detail { before: Some(json!({"a": [1, "x'; --"]})), ..detail().unwrap() }),
    };
    let least = Draft { action: "sign_in".into(), ..Draft::default() };
    record(&mut journal, whole.clone());
    record(&mut journal, least.clone());
    let journal = crash(journal);
    let first = Record::seal(ACTOR, 1, 1000, audit::Hash::START, whole);
    let second = Record::seal(ACTOR, 2, 1000, first.hash, least);
    assert_eq!(trail(&journal), [first, second]);
    assert_eq!(journal.audit_after(1, 10).unwrap().len(), 1);
    assert_eq!(journal.audit_after(0, 1).unwrap().len(), 1);
}

#[test]
fn a_trail_of_an_older_version_goes_on() {
    let mut journal = opened();
    record(&mut journal, Draft::done("sign_in", Principal::Operator));
    let store = journal.into_store();
    for column in ["shadow", "notify"] {
        store.execute(&format!("ALTER TABLE audit DROP COLUMN {column}"), &[]).unwrap();
    }
    let mut journal = Journal::open(store, ACTOR).unwrap().journal;
    let shadow = Some(Shadow { decision: Verdict::Forbidden, differs: true, policies: vec![] });
    record(&mut journal, Draft { shadow: shadow.clone(), ..Draft::done("allot", Principal::Operator) });
    let journal = crash(journal);
    let shadows: Vec<_> = trail(&journal).into_iter().map(|record| record.shadow).collect();
    assert_eq!(shadows, [None, shadow]);
}

#[test]
fn a_record_is_written_with_its_change_or_not_at_all() {
    let mut journal = opened();
    let change = |amount, sql: Option<&'static str>| {
        let mut change = Change::new();
        change.post(ledger::Draft {
            kind: Kind::Allot,
            debit: Account::Parent,
            credit: Account::Pool,
            amount: Millicredits::new(amount),
            reference: "xfer".into(),
            who: Principal::System,
            call: None,
            note: None,
        });
        change.audit(Draft::done("allot", Principal::Operator));
        change.send("team_b", Message::Settings { version: 1 });
        sql.into_iter().for_each(|sql| {
            change.write(sql, vec![]);
        });
        change
    };
    let rows = |journal: &Journal<NativeStorage>| {
        let counts = ["entries", "audit", "outbox"].map(|table| {
            let rows = journal.store().query(&format!("SELECT COUNT(*) FROM {table}"), &[]).unwrap();
            rows[0].count(0).unwrap()
        });
        (counts, journal.sequence(), journal.audit_head().sequence)
    };
    journal.commit(0, change(1, None)).unwrap();
    let whole = ([1, 1, 1], 1, 1);
    assert_eq!(rows(&journal), whole);
    let broken = journal.commit(0, change(1, Some("INSERT INTO no_such_table VALUES (1)")));
    assert!(matches!(broken, Err(CommitError::Storage(_))));
    assert_eq!(rows(&journal), whole, "the database failed");
    assert!(matches!(journal.commit(0, change(-1, None)), Err(CommitError::Books(_))));
    assert_eq!(rows(&journal), whole, "the balances do not allow it");
    let journal = crash(journal);
    assert_eq!(rows(&journal), whole);
    trail(&journal);
}

#[test]
fn what_d1_lacks_is_sent_again_and_entries_are_left_alone() {
    let mut journal = opened();
    (0..5).for_each(|_| record(&mut journal, Draft::done("sign_in", Principal::Operator)));
    assert_eq!((journal.has_unpublished(), journal.unpublished_len()), (true, 5));
    assert_eq!(journal.unpublished_records(2).unwrap().len(), 2);
    journal.set_audit_published(5).unwrap();
    assert!(!journal.has_unpublished() && journal.unpublished_records(9).unwrap().is_empty());
    let mut journal = crash(journal);
    assert!(!journal.has_unpublished(), "the mark is kept");
    assert!(!journal.heal_audit(5).unwrap() && !journal.heal_audit(9).unwrap());
    assert!(!journal.heal(0).unwrap(), "there are no entries");
    assert!(journal.heal_audit(3).unwrap());
    let journal = crash(journal);
    let again: Vec<u64> = journal.unpublished_records(100).unwrap().iter().map(|record| record.sequence).collect();
    assert_eq!(again, [4, 5]);
}

#[test]
fn an_erasure_takes_the_details_before_it_and_is_a_record() {
    let member = |member| Principal::Member(MemberId::from_u128(member), KeyId::from_u128(9));
    let subject = |id: u128| Erasure::Subject(MemberId::from_u128(id).to_string());
    let mut journal = opened();
    let of = |who, resource: Option<u128>| Draft {
        resource: resource.map(|id| MemberId::from_u128(id).to_string()),
        detail: detail(),
        ..Draft::done("x", who)
    };
    let drafts = [
        of(member(1), None),
        of(member(2), None),
        of(Principal::Operator, Some(1)),
        Draft { detail: detail(), on_behalf_of: Some(member(1).to_string()), ..Draft::default() },
        Draft { detail: detail(), resource: Some(String::new()), ..Draft::default() },
    ];
    drafts.into_iter().for_each(|draft| record(&mut journal, draft));
    let left = |journal: &Journal<NativeStorage>| {
        let trail = trail(journal);
        trail.iter().filter(|record| record.detail.is_some()).map(|record| record.sequence).collect::<Vec<_>>()
    };
    assert_eq!(left(&journal), [1, 2, 3, 4, 5]);
    let erase = |journal: &mut Journal<NativeStorage>, erasure: Erasure| {
        let expected: Vec<_> =
            trail(journal).iter().filter(|record| record.is_erased() || erasure.covers(record)).map(|r| r.id).collect();
        let mut change = Change::new();
        change.erase_details(Draft { detail: detail(), ..Draft::done("erase_details", member(1)) }, erasure);
        journal.commit(1000, change).unwrap();
        let erased: Vec<_> = trail(journal).iter().filter(|record| record.is_erased()).map(|r| r.id).collect();
        assert_eq!(erased, expected, "the rule of the rows is the rule of the domain");
    };
    erase(&mut journal, subject(1));
    assert_eq!(left(&journal), [2, 5, 6], "its own detail stays");
    erase(&mut journal, Erasure::Subject(String::new()));
    assert_eq!(left(&journal), [2, 5, 6, 7]);
    let second = trail(&journal)[1].id;
    erase(&mut journal, Erasure::Records(vec![second, identity::AuditId::from_u128(5)]));
    assert_eq!(left(&crash(journal)), [5, 6, 7, 8]);
}

#[test]
fn old_details_end_step_by_step_and_the_chain_holds() {
    let mut journal = opened();
    let at = |journal: &mut Journal<NativeStorage>, now: i64, detail: Option<Detail>| {
        let mut change = Change::new();
        change.audit(Draft { action: "create_team".into(), detail, ..Draft::default() });
        journal.commit(now, change).unwrap();
    };
    for _ in 0..250 {
        at(&mut journal, 1000, detail());
    }
    at(&mut journal, 1500, None);
    at(&mut journal, 2000, detail());
    let erase = |journal: &mut Journal<NativeStorage>, before: i64| {
        let mut change = Change::new();
        let more = journal.erase_old_details(before, &mut change).unwrap();
        let is_empty = change.is_empty();
        journal.commit(9000, change).unwrap();
        (more, is_empty)
    };
    let left =
        |journal: &Journal<NativeStorage>| trail(journal).iter().filter(|record| record.detail.is_some()).count();
    assert_eq!(erase(&mut journal, 1000), (false, true), "nothing is that old");
    assert_eq!((erase(&mut journal, 2000), left(&journal)), ((true, false), 51));
    journal = crash(journal);
    assert_eq!((erase(&mut journal, 2000), left(&journal)), ((false, false), 1));
    assert_eq!(erase(&mut journal, 2000), (false, true), "it goes on where it stopped");
    assert_eq!((erase(&mut journal, 2001), left(&journal)), ((false, false), 0));
    let all = trail(&journal);
    let erasing: Vec<_> = all.iter().filter(|record| record.erases.is_some()).collect();
    assert_eq!((erasing.len(), erasing[0].action.as_str()), (3, "erase_details"));
}
