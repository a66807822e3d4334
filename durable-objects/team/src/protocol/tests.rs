//! The wire format, pinned: while a version is being deployed, workers of one
//! talk to actors of the other. A change here must still read the old form.

use super::*;
use identity::{ApiKey, KeyId, MemberId, OrganizationId, RequestId, TeamId};
use ledger::{Account, Metered, Millicredits, Outcome};

fn reserve() -> Reserve {
    let key = ApiKey::mint(OrganizationId::from_u128(1), TeamId::from_u128(2), 3);
    Reserve {
        request: RequestId::from_u128(1),
        organization: OrganizationId::from_u128(1),
        key: ApiKey::parse(&key).unwrap().hash,
        address: Some("203.0.113.9".parse().unwrap()),
        model: "demo-small".into(),
        provider: "demo".into(),
        settings_version: 1,
        input: Millicredits::new(1500),
        output_per_million: 600_000_000,
        input_tokens: 10,
        output_tokens: 16,
        choices: 1,
        rate_tokens: 4,
        likely: Millicredits::new(600),
        likely_tokens: 4,
        clamp: true,
        topped_up: false,
        tag: None,
    }
}

#[test]
fn commands_are_pinned() {
    insta::assert_snapshot!(serde_json::to_string(&Command::Reserve(reserve())).unwrap(), @r#"{"reserve":{"request":"req_00000000000000000000000001","organization":"org_00000000000000000000000001","key":"66c5248528dc3ff39965fc7fb9733fdbe602675656cde7ad4c56c6bf6d749a4c","address":"203.0.113.9","model":"demo-small","provider":"demo","settings_version":1,"input":"1.5","output_per_million":600000000,"input_tokens":10,"output_tokens":16,"choices":1,"rate_tokens":4,"likely":"0.6","likely_tokens":4,"clamp":true,"topped_up":false}}"#);
    let settle = Settle {
        request: RequestId::from_u128(1),
        outcome: Outcome::Completed,
        metered: Metered::Reported,
        cost: Millicredits::new(900),
        tokens: Tokens { input: 8, output: 4, ..Tokens::default() },
        reconcile: false,
        ended_ago_ms: 100,
    };
    insta::assert_snapshot!(serde_json::to_string(&Command::Settle(settle)).unwrap(), @r#"{"settle":{"request":"req_00000000000000000000000001","outcome":"completed","metered":"reported","cost":"0.9","tokens":{"input":8,"cached":0,"output":4,"reasoning":0},"reconcile":false,"ended_ago_ms":100}}"#);
}

/// The audit trail came later than this question and its answer.
#[test]
fn who_does_not_know_of_the_audit_trail_is_understood() {
    let heal = |audit| serde_json::to_string(&Command::Heal { projected: 5, audit }).unwrap();
    assert_eq!(heal(None), r#"{"heal":{"projected":5}}"#);
    assert_eq!(heal(Some(3)), r#"{"heal":{"projected":5,"audit":3}}"#);
    let read: Command = serde_json::from_str(&heal(None)).unwrap();
    assert!(matches!(read, Command::Heal { projected: 5, audit: None }));
    let standing: Standing = serde_json::from_str(r#"{"sequence":1,"outbox":0,"open":2}"#).unwrap();
    assert_eq!(standing, Standing { sequence: 1, audit: 0, outbox: 0, open: 2 });
}

#[test]
fn answers_are_pinned() {
    let reserved = Reserved {
        member: MemberId::from_u128(1),
        amount: Millicredits::new(11_100),
        output_tokens: 16,
        limited: false,
        balance: Millicredits::new(88_900),
        expires_ms: 120_000,
        rate_requests: Some(RateState { limit: 60, remaining: 59, reset_ms: 1000 }),
        rate_tokens: None,
    };
    insta::assert_snapshot!(serde_json::to_string(&Answer::Reserve(Ok(reserved))).unwrap(), @r#"{"reserve":{"Ok":{"member":"mem_00000000000000000000000001","amount":"11.1","output_tokens":16,"limited":false,"balance":"88.9","expires_ms":120000,"rate_requests":{"limit":60,"remaining":59,"reset_ms":1000}}}}"#);
    let refused = ReserveError::InsufficientFunds {
        account: Account::Wallet(MemberId::from_u128(1)),
        left: Millicredits::new(1),
        needed: Millicredits::new(2),
        pool: true,
        draws: None,
    };
    insta::assert_snapshot!(serde_json::to_string(&Answer::Reserve(Err(refused))).unwrap(), @r#"{"reserve":{"Err":{"reason":"insufficient_funds","account":"wallet/mem_00000000000000000000000001","left":"0.001","needed":"0.002","pool":true}}}"#);
    let by = ReserveError::ModelNotAllowed { by: Subject::Key(KeyId::from_u128(1)) };
    insta::assert_snapshot!(serde_json::to_string(&Answer::Reserve(Err(by))).unwrap(), @r#"{"reserve":{"Err":{"reason":"model_not_allowed","by":{"key":"key_00000000000000000000000001"}}}}"#);
}
