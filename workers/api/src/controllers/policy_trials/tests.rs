//! Trials, without and with D1.

use super::trial::{LISTED, NEW};
use super::*;
use crate::problem::Code;
use crate::sql::testing;
use crate::testing::directory;
use ::organization::protocol::{PolicyRecord, PolicySource};
use identity::{DepartmentId, MemberId, OrganizationId, Principal, ServiceAccountId, TeamId};
use policy::{Facts, Mode, Node, Recorded, Resource, Who};
use serde_json::json;

const ORGANIZATION: OrganizationId = OrganizationId::from_u128(1);
const ROBOTS: &str = "forbid (principal is ServiceAccount, action == Action::\"allot\", resource);";

fn record(id: u128, text: &str, mode: Mode) -> PolicyRecord {
    PolicyRecord {
        id: PolicyId::from_u128(id),
        version: 1,
        name: id.to_string(),
        source: PolicySource::Cedar(text.to_owned()),
        mode,
        removed: false,
        changed_ms: 0,
        changed_by: Principal::Operator,
    }
}

fn trial(policies: &[PolicyRecord], asked: serde_json::Value) -> Result<Trial, Problem> {
    Trial::new(policies.to_vec(), serde_json::from_value(asked).unwrap())
}

/// A robot with a role that moved so much, as the trail has it.
fn question(millicredits: i64) -> serde_json::Value {
    let (root, department) = (Node::Organization(ORGANIZATION), Node::Department(DepartmentId::from_u128(1)));
    let question = Recorded {
        who: Who::Service { id: ServiceAccountId::from_u128(1), path: vec![root] },
        roles: vec![(policy::Role::Finance, root)],
        action: Action::Allot,
        resource: Resource::Node(department),
        path: vec![root, department],
        now_ms: 1,
        facts: Facts { millicredits: Some(millicredits), ..Facts::default() },
    };
    serde_json::to_value(question).unwrap()
}

fn rows(amounts: &[i64]) -> Vec<RecordRow> {
    let row = |(n, amount): (u128, &i64)| RecordRow {
        id: AuditId::from_u128(n),
        time_ms: *amount,
        who: None,
        request: None,
        question: question(*amount),
    };
    (1..).zip(amounts).map(row).collect()
}

fn changes(trial: &Trial) -> Vec<(Verdict, Verdict, usize, usize)> {
    trial.changes.iter().map(|((now, would), (acts, calls))| (*now, *would, *acts, *calls)).collect()
}

#[test]
fn what_would_change_is_counted_and_listed() {
    use Verdict::{Allowed, ApprovalRequired, Forbidden};
    let most = json!({"setting": {"kind": "allotments", "most": "2", "approval": "finance"}});
    let enforced = [record(1, ROBOTS, Mode::Enforce)];
    let shadow = [record(1, ROBOTS, Mode::Shadow)];
    let id = PolicyId::from_u128(1).to_string();
    let other = "forbid (principal, action == Action::\"create_team\", resource);";
    for (policies, asked, expected, by) in [
        (&[][..], most.clone(), vec![(Allowed, ApprovalRequired, 2, 0)], Some(NEW)),
        (&enforced, most.clone(), vec![], None),
        (&shadow, most.clone(), vec![(Allowed, ApprovalRequired, 2, 0)], Some(NEW)),
        (&shadow, json!({"policy_id": id}), vec![(Allowed, Forbidden, 3, 0)], Some(&*id)),
        (&enforced, json!({"policy_id": id}), vec![], None),
        // In place of it: what it forbade would be allowed.
        (&enforced, json!({"policy_id": id, "cedar": other}), vec![(Forbidden, Allowed, 3, 0)], Some("role.finance")),
        (&[], json!({"cedar": other}), vec![], None),
    ] {
        let mut trial = trial(policies, asked.clone()).ok().unwrap();
        let done = trial.decisions(rows(&[3000, 2000, 2001]));
        assert_eq!((done.asked, done.since.map(Time::ms)), (3, Some(2000)));
        assert_eq!(changes(&trial), expected, "{asked}");
        let counted: usize = expected.iter().map(|change| change.2).sum();
        assert_eq!(trial.changed.len(), counted);
        assert!(trial.changed.iter().all(|changed| changed.policies == [by.unwrap_or_default()]));
    }
    let mut trial = trial(&[], most).ok().unwrap();
    let mut rows = rows(&[5000; 600]);
    rows[0].question = json!({"who": "nobody"});
    assert_eq!(trial.decisions(rows).asked, 599);
    assert_eq!((changes(&trial), trial.changed.len()), (vec![(Allowed, ApprovalRequired, 599, 0)], LISTED));
}

#[test]
fn calls_are_asked_as_the_gateway_asks_them() {
    let team = TeamId::from_u128(1);
    let asked = json!({"setting": {"kind": "models", "on": team, "only": ["small*"]}});
    let mut trial = trial(&[], asked).ok().unwrap();
    assert!(trial.concerns(Action::UseModel) && !trial.concerns(Action::Allot));
    let row = |team, model: &str| CallRow {
        request: "req".into(),
        team: TeamId::from_u128(team),
        member: MemberId::from_u128(1),
        model: model.into(),
        accepted_ms: 7,
    };
    let rows = vec![row(1, "small-1"), row(1, "large"), row(2, "large"), row(9, "large")];
    assert_eq!(trial.calls(rows, &directory()).asked, 3);
    assert_eq!(changes(&trial), [(Verdict::Allowed, Verdict::Forbidden, 0, 1)]);
    assert_eq!((trial.changed[0].resource.as_str(), trial.changed[0].action), ("large", Action::UseModel));
}

#[test]
fn what_makes_no_sense_is_refused() {
    let policies = [record(1, ROBOTS, Mode::Enforce)];
    for (asked, code) in [
        (json!({}), Code::InvalidRequest),
        (json!({"cedar": ROBOTS, "setting": {"kind": "absence_sharing", "allowed": true}}), Code::InvalidRequest),
        (json!({"cedar": "permit ("}), Code::InvalidRequest),
        (json!({"cedar": "permit (principal is Cat, action, resource);"}), Code::InvalidRequest),
        (json!({"policy_id": PolicyId::from_u128(2), "cedar": ROBOTS}), Code::NotFound),
    ] {
        let refused = trial(&policies, asked.clone()).err().unwrap();
        assert_eq!(refused.code, code, "{asked}");
    }
}

#[test]
fn the_newest_that_can_be_asked_again() {
    let database = testing::database();
    let organization = ORGANIZATION.to_string();
    for (n, detail) in [
        (1, Some(json!({"salt": "x", "question": question(i64::MAX)}))),
        (2, None),
        (3, Some(json!({"salt": "x"}))),
        (4, Some(json!({"salt": "x", "question": question(1)}))),
        (5, Some(json!({"salt": "x", "question": question(2)}))),
    ] {
        let (id, detail) = (AuditId::from_u128(n).to_string(), detail.map(|detail| detail.to_string()));
        let sql =
            "INSERT INTO audit (organization, id, actor, sequence, time_ms, action, outcome, digest, hash, detail)
            VALUES (?, ?, 'x', 1, 1, 'allot', 'done', 'd', 'h', ?)";
        database.execute(sql, rusqlite::params![organization, id, detail]).unwrap();
    }
    let ids = |last| {
        let rows: Vec<RecordRow> = testing::rows(&database, records_statement(ORGANIZATION, last));
        let read = |row: RecordRow| {
            serde_json::from_value::<Recorded>(row.question).unwrap();
            row.id
        };
        rows.into_iter().map(read).collect::<Vec<_>>()
    };
    assert_eq!(ids(1000), [5, 4, 1].map(AuditId::from_u128));
    assert_eq!(ids(2), [5, 4].map(AuditId::from_u128));
    let call = json!({"member": MemberId::from_u128(1), "model": "m", "accepted_ms": 7}).to_string();
    for (n, kind, call) in [(1, "settle", Some(&call)), (2, "correct", Some(&call)), (3, "settle", None)] {
        let sql = "INSERT INTO entries VALUES (?, ?, ?, 1, 1, ?, 'pool', 'spent', 1, 'r', 'system', ?, NULL, 'h')";
        let team = TeamId::from_u128(1).to_string();
        database.execute(sql, rusqlite::params![organization, n.to_string(), team, kind, call]).unwrap();
    }
    let rows: Vec<CallRow> = testing::rows(&database, calls_statement(ORGANIZATION, 1000));
    assert_eq!(rows.iter().map(|row| row.accepted_ms).collect::<Vec<_>>(), [7]);
}
