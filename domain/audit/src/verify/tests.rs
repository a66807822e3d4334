//! Whatever is done to a trail is found, but for an erasure.

use super::*;
use crate::{Detail, Draft, Erasure, Outcome, Salt, Shadow, Verdict};
use identity::{AuditId, Principal};
use serde_json::{Value, json};

const ACTOR: &str = "team_a";

/// Four records, the first with everything, the last two with no detail and
/// with nothing.
fn trail(actor: &str) -> Vec<Record> {
    let whole = Draft {
        action: "create_team".into(),
        outcome: Outcome::Failed,
        code: Some("conflict".into()),
        who: Some(Principal::Operator),
        on_behalf_of: Some("mem_x".into()),
        resource: Some("team_x".into()),
        reference: Some("xfer_x".into()),
        request: Some("req_x".into()),
        policies: vec!["pol_1".into(), "pol_2".into()],
        policy_version: Some(3),
        shadow: Some(Shadow { decision: Verdict::Forbidden, differs: true, policies: vec!["pol_3".into()] }),
        notify: vec!["finance".into(), "security".into()],
        erases: Some(Erasure::Records(vec![AuditId::from_u128(1)])),
        detail: Some(Detail {
            address: Some("203.0.113.9".into()),
            user_agent: Some("curl".into()),
            before: Some(json!({"name": "x", "list": [1]})),
            after: Some(json!({"name": "y"})),
            question: Some(json!({"who": "operator"})),
            note: Some("n".into()),
            ..Detail::new(Salt::from_u128(1))
        }),
    };
    let drafts = [
        whole.clone(),
        Draft { outcome: Outcome::Done, erases: Some(Erasure::Subject("mem_x".into())), ..whole.clone() },
        Draft { detail: None, ..whole },
        Draft::default(),
    ];
    let mut previous = Hash::START;
    let seal = |(sequence, draft): (u64, Draft)| {
        let record = Record::seal(actor, sequence, 1_700_000_000_000, previous, draft);
        previous = record.hash;
        record
    };
    (1..).zip(drafts).map(seal).collect()
}

fn head(records: &[Record]) -> Head {
    records.last().map_or(Head::START, |last| Head { sequence: last.sequence, hash: last.hash })
}

fn check(records: &[Record]) -> Result<Report, Fault> {
    verify(ACTOR, None, Some(head(&trail(ACTOR))), records)
}

#[test]
fn what_was_not_touched_holds() {
    let whole = trail(ACTOR);
    assert_eq!(check(&whole), Ok(Report { records: 4, erased: 0, head: head(&whole) }));
    assert_eq!(verify::<Record>(ACTOR, None, None, []), Ok(Report { records: 0, erased: 0, head: Head::START }));
    // From any point that is known, to any point that was noted.
    let (first, rest) = whole.split_at(2);
    assert_eq!(verify(ACTOR, Some(head(first)), Some(head(&whole)), rest).unwrap().records, 2);
    assert_eq!(verify(ACTOR, None, Some(head(first)), &whole).unwrap().records, 4);
    assert_eq!(verify(ACTOR, Some(head(first)), Some(head(first)), rest).unwrap().records, 2);
}

/// Every value in a record that is not an object or list, changed, and every
/// field left out: by its JSON, so that no field is forgotten here.
fn alterations(value: &Value) -> Vec<Value> {
    let mut altered = Vec::new();
    match value {
        Value::Object(fields) => {
            for (name, field) in fields {
                let mut less = fields.clone();
                less.remove(name);
                altered.push(Value::Object(less));
                for other in alterations(field) {
                    let mut fields = fields.clone();
                    fields.insert(name.clone(), other);
                    altered.push(Value::Object(fields));
                }
            }
        }
        Value::Array(items) => {
            altered.push(Value::Array(items.iter().skip(1).cloned().collect()));
            altered.push(Value::Array(items.iter().rev().cloned().collect()));
            for (place, item) in items.iter().enumerate() {
                for other in alterations(item) {
                    let mut items = items.clone();
                    items[place] = other;
                    altered.push(Value::Array(items));
                }
            }
        }
        Value::Number(number) => altered.push(json!(number.as_u64().unwrap() ^ 1)),
        Value::String(text) => {
            // Another digit, for what is an id or a hash stays one so; another outcome.
            let end = if text.ends_with('0') { "1" } else { "0" };
            altered.push(json!(format!("{}{end}", &text[..text.len().saturating_sub(1)])));
            altered.push(json!(if text == "done" { "denied" } else { "done" }));
            altered.push(json!(if text == "operator" { "system" } else { "" }));
        }
        Value::Bool(flag) => altered.push(json!(!flag)),
        other => panic!("{other} is not altered"),
    }
    altered
}

#[test]
fn whatever_is_altered_is_found() {
    let whole = trail(ACTOR);
    let (mut tried, mut details) = (0, 0);
    for (place, record) in whole.iter().enumerate() {
        for altered in alterations(&serde_json::to_value(record).unwrap()) {
            let Ok(altered) = serde_json::from_value::<Record>(altered) else { continue };
            // A detail that is left out was erased: see below.
            if altered == *record || altered == erased(record) {
                continue;
            }
            let mut records = whole.clone();
            records[place] = altered.clone();
            let fault = check(&records).expect_err(&serde_json::to_string(&altered).unwrap());
            tried += 1;
            if matches!(fault, Fault::AlteredDetail { .. }) {
                details += 1;
                assert_eq!(fault, Fault::AlteredDetail { sequence: record.sequence });
            }
        }
    }
    assert!(tried > 150 && details > 30, "{tried} alterations, {details} of details");
}

#[test]
fn what_was_altered_is_named() {
    let alter = |place: usize, act: fn(&mut Record)| {
        let mut records = trail(ACTOR);
        act(&mut records[place]);
        check(&records).unwrap_err()
    };
    assert_eq!(alter(1, |record| record.action.push('s')), Fault::AlteredRecord { sequence: 2 });
    assert_eq!(alter(3, |record| record.who = Some(Principal::System)), Fault::AlteredRecord { sequence: 4 });
    // What is empty is not what is not there, and policies do not run together.
    assert_eq!(alter(3, |record| record.code = Some(String::new())), Fault::AlteredRecord { sequence: 4 });
    assert_eq!(alter(0, |record| record.policies = vec!["pol_1pol_2".into()]), Fault::AlteredRecord { sequence: 1 });
    let note = |record: &mut Record| record.detail.as_mut().unwrap().note = None;
    assert_eq!(alter(1, note), Fault::AlteredDetail { sequence: 2 });
    // A detail where there was none, with a digest to go with it or without.
    let add = |record: &mut Record| record.detail = Some(Detail::new(Salt::from_u128(1)));
    assert_eq!(alter(3, add), Fault::AlteredDetail { sequence: 4 });
    let add = |record: &mut Record| {
        let detail = Detail::new(Salt::from_u128(1));
        (record.digest, record.detail) = (detail.digest(), Some(detail));
    };
    assert_eq!(alter(3, add), Fault::AlteredRecord { sequence: 4 });
    // Also with a hash to go with it: then it does not fit the next one.
    let forge = |record: &mut Record| {
        record.action = "nothing".into();
        record.hash = record.chain(ACTOR, trail(ACTOR)[0].hash);
    };
    assert_eq!(alter(1, forge), Fault::AlteredRecord { sequence: 3 });
    // An id says the time and the place, also where the hash goes with it.
    let rename = |record: &mut Record| {
        record.id = AuditId::from_u128(record.id.as_u128() ^ 1);
        record.hash = record.chain(ACTOR, trail(ACTOR)[2].hash);
    };
    assert_eq!(alter(3, rename), Fault::AlteredRecord { sequence: 4 });
}

#[test]
fn what_is_missing_doubled_moved_or_foreign_is_named() {
    let whole = trail(ACTOR);
    let of = |places: &[usize]| places.iter().map(|&place| whole[place].clone()).collect::<Vec<_>>();
    for (places, fault) in [
        (&[1, 2, 3][..], Fault::Missing { after: 0, found: 2 }),
        (&[0, 1, 3], Fault::Missing { after: 2, found: 4 }),
        (&[0, 2, 1, 3], Fault::Missing { after: 1, found: 3 }),
        (&[0, 1, 1, 2, 3], Fault::OutOfOrder { after: 2, found: 2 }),
        (&[0, 1, 2, 0, 3], Fault::OutOfOrder { after: 3, found: 1 }),
        (&[0, 1, 2], Fault::Truncated { found: 3, expected: Some(4) }),
        (&[], Fault::Truncated { found: 0, expected: Some(4) }),
    ] {
        assert_eq!(check(&of(places)), Err(fault), "{places:?}");
    }
    let mut mixed = whole.clone();
    mixed[1] = trail("team_b").remove(1);
    assert_eq!(check(&mixed), Err(Fault::ForeignActor { sequence: 2 }));
    assert_eq!(check(&trail("team_b")), Err(Fault::ForeignActor { sequence: 1 }));
}

#[test]
fn a_trail_that_was_written_anew_does_not_have_the_head() {
    let mut previous = Hash::START;
    let anew = |mut record: Record| {
        record.action = "nothing".into();
        record.hash = record.chain(ACTOR, previous);
        previous = record.hash;
        record
    };
    let anew: Vec<_> = trail(ACTOR).into_iter().map(anew).collect();
    assert!(verify(ACTOR, None, None, &anew).is_ok());
    assert_eq!(check(&anew), Err(Fault::Rewritten { sequence: 4 }));
    let hash = head(&trail(ACTOR)).hash;
    let mut verifier = Verifier::new(ACTOR).expecting(Some(hash));
    anew.iter().try_for_each(|record| verifier.check(record)).unwrap();
    assert_eq!(verifier.end(), Err(Fault::Unknown { hash }));
}

fn erased(record: &Record) -> Record {
    Record { detail: None, ..record.clone() }
}

#[test]
fn erasing_is_counted_and_not_a_fault() {
    let mut records = trail(ACTOR);
    for (place, erased_so_far) in [(1, 1), (0, 2), (3, 2)] {
        records[place] = erased(&records[place]);
        assert_eq!(check(&records).map(|report| report.erased), Ok(erased_so_far));
    }
}
