//! Credits on their way down the tree, in examples.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test that cannot be set up stops")]

mod world;

use events::{Envelope, Message};
use identity::{DepartmentId, Networks, Principal, TeamId, TransferId};
use journal::{Idempotency, Tag};
use ledger::Account;
use organization::protocol::{Act, HasTag, Order, OrderError, Reply};
use organization::{General, Organization};
use storage::NativeStorage;
use world::{DEPARTMENT, NOW, ORGANIZATION, TEAM, allot, balance, credits, order, organization};

#[test]
fn credits_go_down_the_tree_and_nowhere_else() {
    let mut organization = organization();
    let (treasury, department, team) = (Account::Treasury, Account::Department(DEPARTMENT), Account::Team(TEAM));
    order(&mut organization, allot(department, team, 100)).unwrap();
    order(&mut organization, allot(department, treasury, 50)).unwrap();
    let balances = [treasury, department, team].map(|account| balance(&organization, account));
    assert_eq!(balances, [750, 150, 100]);
    assert_eq!(organization.journal().books().sum(), 0);
    for (from, to, amount) in [
        (treasury, team, 1),
        (team, department, 1),
        (department, department, 1),
        (Account::Issued, treasury, 1),
        (treasury, department, 0),
        (treasury, department, -5),
        (treasury, department, 751),
        (treasury, Account::Department(DepartmentId::from_u128(99)), 1),
        (department, Account::Team(TeamId::from_u128(99)), 1),
        (Account::Pool, treasury, 1),
    ] {
        assert!(order(&mut organization, allot(from, to, amount)).is_err(), "{from} → {to}: {amount}");
    }
    let unchanged = [treasury, department, team].map(|account| balance(&organization, account));
    assert_eq!(unchanged, balances);
}

#[test]
fn what_is_allotted_to_a_team_travels_with_the_entry() {
    let mut organization = organization();
    let before = organization.journal().outbox_len();
    order(&mut organization, allot(Account::Department(DEPARTMENT), Account::Team(TEAM), 100)).unwrap();
    let due = organization.journal().due(NOW);
    assert_eq!(due.len(), before + 1);
    let last = &due.last().unwrap().envelope.message;
    assert!(matches!(last, Message::Allot { amount, .. } if *amount == credits(100)));
}

#[test]
fn a_standing_order_is_kept_once_a_key_and_up_to_its_cap() {
    let mut organization = organization();
    let ask = |organization: &mut Organization<NativeStorage>, key: &str, amount: i64| {
        organization.top_up(NOW, TEAM, key, credits(amount), TransferId::from_u128(7)).map(|granted| granted.amount)
    };
    assert_eq!(ask(&mut organization, "1", 50), Ok(credits(50)));
    assert_eq!(ask(&mut organization, "1", 50), Ok(credits(50)), "asked twice is asked once");
    assert_eq!(balance(&organization, Account::Team(TEAM)), 50);
    assert_eq!(ask(&mut organization, "2", 100), Ok(credits(70)), "the month's cap");
    assert!(ask(&mut organization, "3", 50).is_err());
    let next_month = NOW + 31 * 24 * 3_600_000;
    let granted = organization.top_up(next_month, TEAM, "4", credits(500), TransferId::from_u128(7)).unwrap();
    assert_eq!(granted.amount, credits(120));
    order(&mut organization, allot(Account::Department(DEPARTMENT), Account::Treasury, 60)).unwrap();
    let month_after = next_month + 31 * 24 * 3_600_000;
    assert!(
        organization.top_up(month_after, TEAM, "5", credits(50), TransferId::from_u128(7)).is_err(),
        "nothing left"
    );
}

#[test]
fn neither_the_clock_nor_the_time_zone_begins_a_month_of_top_ups_twice() {
    let mut organization = organization();
    // 2027-02-03T00:30:00Z
    let february = 1_801_614_600_000;
    let day = 24 * 3_600_000;
    let mut keys = 0;
    let mut ask = |organization: &mut Organization<NativeStorage>, now: i64| {
        keys += 1;
        let transfer = TransferId::from_u128(keys);
        organization
            .top_up(now, TEAM, &format!("ask-{keys}"), credits(100), transfer)
            .map_or(0, |given| given.amount.get() / 1000)
    };
    assert_eq!(ask(&mut organization, february), 100);
    assert_eq!(ask(&mut organization, february - 5 * day), 20, "put back to January, it still counts");
    assert_eq!(ask(&mut organization, february + day), 0);
    for time_zone in ["Pacific/Kiritimati", "America/New_York", "UTC"] {
        let general = General { time_zone: time_zone.to_owned(), ..General::default() };
        order(&mut organization, Act::PutGeneral(general)).unwrap();
        assert_eq!(ask(&mut organization, february + 5 * day), 0, "{time_zone}");
    }
    assert_eq!(ask(&mut organization, february + 35 * day), 100);
}

#[test]
fn only_a_team_itself_returns_its_credits() {
    let mut organization = organization();
    order(&mut organization, allot(Account::Department(DEPARTMENT), Account::Team(TEAM), 100)).unwrap();
    let message = Message::Return {
        team: TEAM,
        transfer: TransferId::from_u128(5),
        amount: credits(30),
        who: Principal::System,
        note: None,
    };
    for (sender, left) in [(TeamId::from_u128(99), 100), (TEAM, 70), (TEAM, 70)] {
        let envelope = Envelope { id: Envelope::name(sender, 0), message: message.clone() };
        assert_eq!(organization.receive(NOW, &envelope).is_ok(), sender == TEAM);
        assert_eq!(balance(&organization, Account::Team(TEAM)), left);
    }
}

#[test]
fn one_idempotency_key_moves_credits_once() {
    let mut organization = organization();
    let idempotency = |fingerprint: &str| Some(Idempotency { key: "k".into(), fingerprint: fingerprint.into() });
    let act = allot(Account::Treasury, Account::Department(DEPARTMENT), 10);
    let first = Order {
        who: Principal::Operator,
        idempotency: idempotency("a"),
        if_match: None,
        by: Default::default(),
        act: act.clone(),
    };
    let reply = organization.order(NOW, &first).unwrap();
    assert_eq!(organization.order(NOW + 5, &first).unwrap(), reply);
    assert_eq!(balance(&organization, Account::Department(DEPARTMENT)), 310);
    let other = Order { idempotency: idempotency("b"), ..first };
    assert!(matches!(organization.order(NOW, &other), Err(OrderError::IdempotencyConflict { .. })));
}

#[test]
fn every_change_of_settings_is_told_to_every_team() {
    let mut organization = organization();
    let version = organization.settings().unwrap().version;
    let before = organization.journal().outbox_len();
    order(&mut organization, Act::PutGeneral(General { help: Some("#credits".into()), ..General::default() })).unwrap();
    let settings = organization.settings().unwrap();
    assert_eq!((settings.version, settings.general.help.as_deref()), (version + 1, Some("#credits")));
    let due = organization.journal().due(NOW);
    assert_eq!(due.len(), before + 1);
    assert_eq!(due.last().unwrap().envelope.message, Message::Settings { version: version + 1 });
    let wrong = General { time_zone: "Mars/Olympus".into(), ..General::default() };
    assert!(order(&mut organization, Act::PutGeneral(wrong)).is_err());
    let berlin = General { time_zone: "Europe/Berlin".into(), ..General::default() };
    order(&mut organization, Act::PutGeneral(berlin)).unwrap();
    let last = organization.journal().due(NOW).pop().unwrap().envelope.message;
    assert!(
        matches!(last, Message::Team(team) if team.time_zone == "Europe/Berlin" && team.settings_version == version + 2)
    );
}

#[test]
fn teams_hear_from_where_their_members_may_call() {
    let mut organization = organization();
    let addresses = Networks::parse(&["203.0.113.0/24"]).unwrap();
    let general = General { addresses: Some(addresses.clone()), ..General::default() };
    order(&mut organization, Act::PutGeneral(general.clone())).unwrap();
    let told = |organization: &Organization<NativeStorage>| {
        let last = organization.journal().due(NOW).pop().unwrap().envelope.message;
        let Message::Team(team) = last else { panic!("{last:?}") };
        team
    };
    let team = told(&organization);
    assert_eq!(team.organization_addresses, Some(addresses));
    assert_eq!(team.settings_version, organization.settings().unwrap().version);
    // What is not theirs is not told at length.
    order(&mut organization, Act::PutGeneral(General { help: Some("#credits".into()), ..general })).unwrap();
    let last = organization.journal().due(NOW).pop().unwrap().envelope.message;
    assert!(matches!(last, Message::Settings { .. }), "{last:?}");
    order(&mut organization, Act::PutGeneral(General::default())).unwrap();
    assert_eq!(told(&organization).organization_addresses, None);
    for count in [0, 201] {
        let many = Networks::parse(&vec!["10.0.0.0/8"; count]).unwrap();
        let wrong = General { addresses: Some(many), ..General::default() };
        assert!(matches!(order(&mut organization, Act::PutGeneral(wrong)), Err(OrderError::Invalid { .. })), "{count}");
    }
}

#[test]
fn every_order_is_on_record_once_and_goes_to_the_queue() {
    let mut organization = organization();
    let actions = |organization: &Organization<NativeStorage>| {
        let trail = organization.journal().audit_after(0, 100).unwrap();
        audit::verify(&ORGANIZATION.to_string(), None, Some(organization.journal().audit_head()), &trail).unwrap();
        assert!(trail.iter().all(|record| record.who == Some(Principal::Operator)));
        trail.into_iter().map(|record| record.action).collect::<Vec<_>>()
    };
    assert_eq!(actions(&organization), ["issue", "create_department", "allot", "create_team"]);
    let (entries, records) = (organization.journal().sequence(), organization.journal().audit_head().sequence);
    organization.journal_mut().set_published(entries).unwrap();
    organization.journal_mut().set_audit_published(records).unwrap();
    organization.published(NOW);
    for message in organization.journal().due(i64::MAX) {
        organization.journal_mut().delivered(message.number).unwrap();
    }
    assert_eq!(organization.next_alarm(), None, "nothing is to be sent");

    // An order without an entry has a record to send.
    let rename = Order {
        who: Principal::Operator,
        idempotency: Some(Idempotency { key: "k".into(), fingerprint: "f".into() }),
        if_match: None,
        by: Default::default(),
        act: Act::RenameDepartment { id: DEPARTMENT, name: "Science".into() },
    };
    organization.order(NOW + 5000, &rename).unwrap();
    organization.order(NOW + 6000, &rename).unwrap();
    assert!(
        order(&mut organization, Act::RenameDepartment { id: DepartmentId::from_u128(9), name: "x".into() }).is_err()
    );
    let twice = ["rename_department", "rename_department"];
    assert_eq!(actions(&organization)[4..], twice, "what is refused too, but not what is repeated");
    let last = organization.journal().audit_after(5, 10).unwrap().pop().unwrap();
    assert_eq!((last.outcome, last.code.as_deref()), (audit::Outcome::Failed, Some("not_found")));
    let waiting = |organization: &Organization<NativeStorage>| organization.journal().unpublished_len();
    assert_eq!((waiting(&organization), organization.next_alarm()), (2, Some(NOW + 6000)));
    organization.journal_mut().set_audit_published(6).unwrap();
    organization.published(NOW);
    assert_eq!((waiting(&organization), organization.next_alarm()), (0, None));

    // D1 lost some; whoever does not know of the trail does not mean it.
    organization.heal(entries, None).unwrap();
    assert_eq!(organization.next_alarm(), None);
    organization.heal(entries, Some(2)).unwrap();
    assert_eq!((waiting(&organization), organization.next_alarm()), (4, Some(0)));
}

#[test]
fn an_order_is_meant_for_what_was_read() {
    let mut organization = organization();
    let mut meant_for = |if_match: Option<Vec<Tag>>, act: Act, key: &str| {
        let idempotency = Some(Idempotency { key: key.into(), fingerprint: "f".into() });
        let order = Order { who: Principal::Operator, idempotency, if_match, by: Default::default(), act };
        organization.order(NOW, &order)
    };
    let rename = |name: &str| Act::RenameDepartment { id: DEPARTMENT, name: name.into() };
    let Ok(Reply::Department(first)) = meant_for(None, rename("One"), "1") else { panic!() };
    let Ok(Reply::Department(second)) = meant_for(Some(vec![first.tag()]), rename("Two"), "2") else { panic!() };
    assert_ne!(first.tag(), second.tag());
    let stale = OrderError::Stale { current: 0, tag: Some(second.tag()) };
    for tags in [vec![first.tag()], vec![Tag::shown("x")], vec![]] {
        assert_eq!(meant_for(Some(tags), rename("Three"), "3"), Err(stale.clone()));
    }
    // Done is done, whatever its tag is now.
    assert_eq!(meant_for(Some(vec![first.tag()]), rename("Two"), "2"), Ok(Reply::Department(second.clone())));
    assert!(meant_for(Some(vec![first.tag(), second.tag()]), rename("Three"), "4").is_ok());
    let nobody = Act::RenameDepartment { id: DepartmentId::from_u128(9), name: "x".into() };
    assert!(matches!(meant_for(Some(vec![]), nobody, "5"), Err(OrderError::NotFound { .. })));
    let new = Act::CreateDepartment { id: DepartmentId::from_u128(10), name: "New".into() };
    assert!(meant_for(Some(vec![]), new, "6").is_ok(), "nothing was there to be read");
    let change = |name: &str| Act::ChangeOrganization { name: name.into(), general: General::default() };
    let before = organization.directory().unwrap();
    let order = |organization: &mut Organization<NativeStorage>, name: &str| {
        let if_match = Some(vec![before.tag()]);
        let (who, by, act) = (Principal::Operator, Default::default(), change(name));
        organization.order(NOW, &Order { who, idempotency: None, if_match, by, act })
    };
    assert_eq!(order(&mut organization, "Other"), Ok(Reply::Done));
    let after = organization.directory().unwrap();
    assert_eq!((after.name.as_str(), after.settings_version), ("Other", before.settings_version + 1));
    assert_eq!(order(&mut organization, "Third"), Err(OrderError::Stale { current: 0, tag: Some(after.tag()) }));
    let last = organization.journal().audit_after(0, 1000).unwrap().pop().unwrap();
    assert_eq!(last.code.as_deref(), Some("precondition_failed"));
}
