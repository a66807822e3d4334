//! Who may do what, in examples.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test that cannot be set up stops")]

use identity::{
    AdminKeyId, ApiKey, DepartmentId, GrantId, KeyHash, KeyId, MemberId, Networks, OrganizationId, PolicyId, Principal,
    ServiceAccountId, ServiceKey, ServiceKeyId, TeamId, WorkloadId,
};
use journal::Tag;
use openid::{ClaimRule, Issuer, Transport};
use organization::protocol::{
    Act, Admit, AdmitError, Admitted, Caller, NewAdminKey, NewGrant, NewServiceKey, NewTeam, Open, Order, OrderError,
    PolicySource, PutPolicy, Reply, Target, Visible,
};
use organization::{General, Organization, StandsFor, Workload};
use policy::{Action, Facts, Grantee, Mode, Node, Role};
use storage::NativeStorage;

const NOW: i64 = 1_800_000_000_000;
const ORGANIZATION: OrganizationId = OrganizationId::from_u128(1);
const ADA: MemberId = MemberId::from_u128(1);
const BOB: MemberId = MemberId::from_u128(2);
const ROBOT: ServiceAccountId = ServiceAccountId::from_u128(1);

const fn department(n: u128) -> DepartmentId {
    DepartmentId::from_u128(n)
}

const fn team(n: u128) -> TeamId {
    TeamId::from_u128(n)
}

fn hash(n: u128) -> KeyHash {
    ServiceKey::parse(&ServiceKey::mint(ORGANIZATION, n)).unwrap().hash
}

/// Two departments, 1 and 2, with the teams 1 and 2, Ada in team 1 and Bob in
/// team 2; and a service account with the key 1.
struct World(Organization<NativeStorage>);

impl World {
    fn new() -> Self {
        let mut organization = Organization::create(NativeStorage::in_memory().unwrap(), ORGANIZATION).unwrap();
        let first = ApiKey::parse(&ApiKey::mint(ORGANIZATION, team(1), 1)).unwrap().hash;
        let admin_key =
            NewAdminKey { id: AdminKeyId::from_u128(1), name: "first".into(), hash: first, hint: "…".into() };
        let general = General::default();
        organization.open(NOW, &Open { organization: ORGANIZATION, name: "Acme".into(), general, admin_key }).unwrap();
        let mut world = Self(organization);
        for n in [1, 2] {
            world.done(Act::CreateDepartment { id: department(n), name: format!("Department {n}") });
            world.done(Act::CreateTeam(NewTeam {
                id: team(n),
                department: department(n),
                name: format!("Team {n}"),
                on_demand: None,
                pool_draw: events::PoolDraw::Automatic,
                pool_rules: None,
                models: None,
                addresses: None,
            }));
            let member = events::MemberProfile {
                version: 0,
                member: MemberId::from_u128(n),
                name: format!("Member {n}"),
                status: events::MemberStatus::Active,
                models: None,
                keeps_credits: false,
            };
            world.done(Act::CreateMember { team: team(n), member, email: None });
        }
        world.done(Act::CreateServiceAccount { id: ROBOT, name: "Robot".into() });
        world.done(Act::CreateServiceKey(key(1, None, None)));
        world
    }

    fn order(&mut self, who: Principal, act: Act) -> Result<Reply, OrderError> {
        self.0.order(NOW, &Order { who, idempotency: None, if_match: None, by: Default::default(), act })
    }

    fn done(&mut self, act: Act) -> Reply {
        self.order(Principal::Operator, act).unwrap()
    }

    fn ask_at(&mut self, now: i64, key: u128, action: Action, target: Target) -> Result<Admitted, AdmitError> {
        let caller = Caller::ServiceKey { hash: hash(key) };
        let (facts, by) = (Facts::default(), Default::default());
        self.0.admit(now, &Admit { caller, action, target, facts, by, requests_a_minute: None, trial: false })
    }

    fn ask(&mut self, action: Action, target: Target) -> Result<Admitted, AdmitError> {
        self.ask_at(NOW, 1, action, target)
    }

    fn may(&mut self, action: Action, target: Target) -> bool {
        self.ask(action, target).is_ok()
    }
}

fn key(n: u128, expires_ms: Option<i64>, scopes: Option<Vec<Action>>) -> NewServiceKey {
    NewServiceKey {
        account: ROBOT,
        id: ServiceKeyId::from_u128(n),
        name: format!("Key {n}"),
        hash: hash(n),
        hint: "…".into(),
        expires_ms,
        scopes,
    }
}

fn grant(id: u128, to: Grantee, role: Role, on: Node) -> NewGrant {
    NewGrant { id: GrantId::from_u128(id), to, role, on, until_ms: None, only: None }
}

fn put(id: u128, text: &str, new: bool) -> PutPolicy {
    let source = PolicySource::Cedar(text.to_owned());
    let id = PolicyId::from_u128(id);
    PutPolicy { id, new, expected_version: None, name: format!("{id}"), source, mode: Mode::Enforce }
}

#[test]
fn without_a_role_a_program_may_nothing() {
    let mut world = World::new();
    for target in [Target::Organization, Target::Visible, Target::Team { id: team(1) }] {
        let refused = world.ask(Action::ListTeams, target).unwrap_err();
        assert!(matches!(refused, AdmitError::Denied { .. }), "{refused:?}");
    }
}

#[test]
fn a_role_holds_below_its_node_and_lists_show_that() {
    let mut world = World::new();
    let on = Node::Department(department(1));
    world.done(Act::CreateGrant(grant(1, Grantee::Service(ROBOT), Role::DepartmentManager, on)));
    assert!(world.may(Action::CreateTeam, Target::Department { id: department(1) }));
    assert!(world.may(Action::ChangeMember, Target::Member { id: ADA }));
    assert!(world.may(Action::GetBalance, Target::Wallet { id: ADA }));
    assert!(world.may(Action::RevokeKey, Target::Key { team: team(1), id: KeyId::from_u128(1), owner: None }));
    assert!(!world.may(Action::CreateTeam, Target::Department { id: department(2) }));
    assert!(!world.may(Action::ChangeMember, Target::Member { id: BOB }));
    assert!(!world.may(Action::CreateDepartment, Target::Organization));
    let seen = world.ask(Action::ListTeams, Target::Visible).unwrap().visible;
    assert_eq!(seen, Visible::Nodes { departments: vec![department(1)], teams: vec![team(1)] });
    world.done(Act::RevokeGrant { id: GrantId::from_u128(1) });
    assert!(!world.may(Action::ListTeams, Target::Visible));
}

#[test]
fn what_is_not_in_the_organization_is_not_there() {
    let mut world = World::new();
    let on = Node::Organization(ORGANIZATION);
    world.done(Act::CreateGrant(grant(1, Grantee::Service(ROBOT), Role::OrganizationAdmin, on)));
    for target in [
        Target::Department { id: department(9) },
        Target::Team { id: team(9) },
        Target::Member { id: MemberId::from_u128(9) },
        Target::Wallet { id: MemberId::from_u128(9) },
        Target::Key { team: team(9), id: KeyId::from_u128(1), owner: None },
    ] {
        assert!(matches!(world.ask(Action::GetTeam, target), Err(AdmitError::NotFound { .. })), "{target:?}");
    }
    let elsewhere = grant(2, Grantee::Service(ROBOT), Role::Auditor, Node::Team(team(9)));
    let nobody = grant(2, Grantee::Member(MemberId::from_u128(9)), Role::Auditor, on);
    for new in [elsewhere, nobody] {
        assert!(matches!(world.order(Principal::Operator, Act::CreateGrant(new)), Err(OrderError::NotFound { .. })));
    }
}

#[test]
fn keys_end_and_have_scopes() {
    let mut world = World::new();
    let on = Node::Organization(ORGANIZATION);
    world.done(Act::CreateGrant(grant(1, Grantee::Service(ROBOT), Role::Auditor, on)));
    world.done(Act::CreateServiceKey(key(2, Some(NOW + 10), Some(vec![Action::ListTeams]))));
    let list = |world: &mut World, now, key| world.ask_at(now, key, Action::ListTeams, Target::Organization);
    assert!(list(&mut world, NOW + 9, 2).is_ok());
    assert_eq!(list(&mut world, NOW + 10, 2), Err(AdmitError::Unknown));
    let beyond = world.ask_at(NOW, 2, Action::ListMembers, Target::Organization).unwrap_err();
    assert!(matches!(&beyond, AdmitError::Denied { decision, .. } if decision.policies == ["scope"]), "{beyond:?}");
    assert!(world.may(Action::ListMembers, Target::Organization));

    world.done(Act::RevokeServiceKey { account: ROBOT, key: ServiceKeyId::from_u128(2) });
    assert_eq!(list(&mut world, NOW, 2), Err(AdmitError::Unknown));
    world.done(Act::ChangeServiceAccount { id: ROBOT, name: "Robot".into(), disabled: true });
    assert_eq!(list(&mut world, NOW, 1), Err(AdmitError::Unknown));
    world.done(Act::ChangeServiceAccount { id: ROBOT, name: "Robot".into(), disabled: false });
    assert!(list(&mut world, NOW, 1).is_ok());
    assert_eq!(list(&mut world, NOW, 7), Err(AdmitError::Unknown));
}

#[test]
fn a_role_is_lent_by_whoever_has_it_and_ends_with_theirs() {
    let mut world = World::new();
    let on = Node::Team(team(1));
    let ada = Principal::Member(ADA, KeyId::from_u128(1));
    let lend = |id| {
        Act::LendRole(NewGrant {
            until_ms: Some(NOW + 100),
            ..grant(id, Grantee::Service(ROBOT), Role::TeamManager, on)
        })
    };
    assert!(matches!(world.order(ada, lend(2)), Err(OrderError::Conflict { .. })), "Ada does not have it");
    world.done(Act::CreateGrant(grant(1, Grantee::Member(ADA), Role::TeamManager, on)));
    world.order(ada, lend(2)).unwrap();
    assert!(world.may(Action::CreateLimit, Target::Team { id: team(1) }));
    assert!(world.ask_at(NOW + 100, 1, Action::CreateLimit, Target::Team { id: team(1) }).is_err());

    // No longer than that, not to oneself, not what one does not have.
    let forever = Act::LendRole(grant(3, Grantee::Service(ROBOT), Role::TeamManager, on));
    assert!(matches!(world.order(ada, forever), Err(OrderError::Invalid { .. })));
    let above = NewGrant {
        on: Node::Department(department(1)),
        ..match lend(3) {
            Act::LendRole(new) => new,
            _ => unreachable!(),
        }
    };
    assert!(matches!(world.order(ada, Act::LendRole(above)), Err(OrderError::Conflict { .. })));
    assert!(matches!(world.order(Principal::Operator, lend(3)), Err(OrderError::Invalid { .. })));
    // What was lent is not lent on.
    world
        .order(
            ada,
            Act::LendRole(NewGrant {
                until_ms: Some(NOW + 100),
                ..grant(4, Grantee::Member(BOB), Role::TeamManager, on)
            }),
        )
        .unwrap();
    let bob = Principal::Member(BOB, KeyId::from_u128(2));
    assert!(matches!(world.order(bob, lend(5)), Err(OrderError::Conflict { .. })));

    world.done(Act::RevokeGrant { id: GrantId::from_u128(1) });
    assert!(!world.may(Action::CreateLimit, Target::Team { id: team(1) }), "it ends with Ada's own role");
}

#[test]
fn policies_hold_from_the_next_decision_on_and_survive_waking() {
    let mut world = World::new();
    let on = Node::Organization(ORGANIZATION);
    world.done(Act::CreateGrant(grant(1, Grantee::Service(ROBOT), Role::OrganizationAdmin, on)));
    let forbid = r#"forbid (principal is ServiceAccount, action == Action::"list_teams", resource);"#;
    world.done(Act::PutPolicy(put(1, forbid, true)));
    let refused = world.ask(Action::ListTeams, Target::Organization).unwrap_err();
    let AdmitError::Denied { decision, .. } = refused else { panic!("{refused:?}") };
    assert_eq!(decision.policies, [PolicyId::from_u128(1).to_string()]);

    for (text, expected) in [("permit (", "cannot be read"), ("permit (principal is Cat, action, resource);", "schema")]
    {
        let refused = world.order(Principal::Operator, Act::PutPolicy(put(1, text, false))).unwrap_err();
        assert!(refused.to_string().contains(expected), "{refused}");
    }
    let stale = PutPolicy { expected_version: Some(7), ..put(1, forbid, false) };
    assert_eq!(
        world.order(Principal::Operator, Act::PutPolicy(stale)),
        Err(OrderError::Stale { current: 1, tag: Some(Tag::version(1u32)) })
    );
    world.done(Act::PutPolicy(put(1, "forbid (principal, action == Action::\"list_keys\", resource);", false)));
    assert!(world.may(Action::ListTeams, Target::Organization));
    world.done(Act::RemovePolicy { id: PolicyId::from_u128(1) });
    let versions = world.0.policy_versions(PolicyId::from_u128(1)).unwrap();
    let seen: Vec<_> = versions.iter().map(|version| (version.version, version.removed)).collect();
    assert_eq!(seen, [(3, true), (2, false), (1, false)]);
    assert_eq!(world.0.access().unwrap().policies, []);
}

#[test]
fn a_policy_about_calls_makes_new_settings() {
    let mut world = World::new();
    let before = world.0.settings().unwrap().version;
    world.done(Act::PutPolicy(put(1, "forbid (principal, action == Action::\"list_keys\", resource);", true)));
    assert_eq!(world.0.settings().unwrap().version, before);
    world.done(Act::PutPolicy(put(2, "forbid (principal, action == Action::\"use_model\", resource);", true)));
    let settings = world.0.settings().unwrap();
    assert_eq!((settings.version, settings.rules.len()), (before + 1, 1));
    world.done(Act::RemovePolicy { id: PolicyId::from_u128(2) });
    let settings = world.0.settings().unwrap();
    assert_eq!((settings.version, settings.rules.len()), (before + 2, 0));
}

#[test]
fn a_workload_stands_for_a_key_of_its_own() {
    let mut world = World::new();
    let workload = |n: u128, name: &str, stands_for| Workload {
        id: WorkloadId::from_u128(n),
        name: name.into(),
        issuer: Issuer::parse("https://ci.example", Transport::Https).unwrap(),
        rules: vec![ClaimRule::new("sub", "repo:acme/*").unwrap()],
        stands_for,
        created_ms: 0,
    };
    let create = |workload: Workload| Act::CreateWorkload { workload: Box::new(workload), scopes: None };
    let robot = StandsFor::ServiceKey { account: ROBOT, key: ServiceKeyId::from_u128(77) };
    world.done(create(workload(1, "ci", robot)));
    world.done(Act::CreateGrant(grant(1, Grantee::Service(ROBOT), Role::Auditor, Node::Organization(ORGANIZATION))));
    let caller = Caller::ServiceKey { hash: KeyHash::of_workload(WorkloadId::from_u128(1)) };
    let asked = Admit {
        caller,
        action: Action::ListTeams,
        target: Target::Visible,
        facts: Facts::default(),
        by: Default::default(),
        requests_a_minute: None,
        trial: false,
    };
    let admitted = world.0.admit(NOW, &asked).unwrap();
    assert_eq!(admitted.who, Principal::Service(ROBOT, ServiceKeyId::from_u128(77)));
    // Its name is taken, nobody is admitted without rules, and Bob is not in team 1.
    assert!(matches!(
        world.order(Principal::Operator, create(workload(2, "ci", robot))),
        Err(OrderError::Conflict { .. })
    ));
    let open = Workload { rules: Vec::new(), ..workload(2, "open", robot) };
    assert!(matches!(world.order(Principal::Operator, create(open)), Err(OrderError::Invalid { .. })));
    let bob = StandsFor::Key { team: team(1), member: BOB, key: KeyId::from_u128(1) };
    assert!(matches!(
        world.order(Principal::Operator, create(workload(3, "x", bob))),
        Err(OrderError::NotFound { .. })
    ));
    // The gateway hears of it with the settings, and of its end.
    let version = world.0.settings().unwrap().version;
    assert_eq!(world.0.settings().unwrap().workloads.len(), 1);
    world.done(Act::RemoveWorkload { id: WorkloadId::from_u128(1) });
    assert!(world.0.settings().unwrap().version > version);
    assert_eq!(world.0.admit(NOW, &asked), Err(AdmitError::Unknown));
}

#[test]
fn an_allowlist_holds_for_everybody_but_the_operator() {
    let mut world = World::new();
    let on = Node::Organization(ORGANIZATION);
    world.done(Act::CreateGrant(grant(1, Grantee::Service(ROBOT), Role::OrganizationAdmin, on)));
    let addresses = Networks::parse(&["203.0.113.0/24", "2001:db8::/32"]).unwrap();
    world.done(Act::PutGeneral(General { addresses: Some(addresses), ..General::default() }));
    let admin = ApiKey::parse(&ApiKey::mint(ORGANIZATION, team(1), 1)).unwrap().hash;
    let mut ask = |caller: Caller, address: Option<&str>| {
        let facts = Facts { address: address.map(str::to_owned), ..Facts::default() };
        let (action, target) = (Action::ListTeams, Target::Visible);
        let (by, requests_a_minute) = (Default::default(), None);
        world.0.admit(NOW, &Admit { caller, action, target, facts, by, requests_a_minute, trial: false }).map(|_| ())
    };
    let callers = [Caller::AdminKey { hash: admin }, Caller::ServiceKey { hash: hash(1) }];
    for caller in &callers {
        for address in ["203.0.113.9", "::ffff:203.0.113.9", "2001:db8::1"] {
            assert_eq!(ask(caller.clone(), Some(address)), Ok(()), "{address}");
        }
        for address in [Some("203.0.114.9"), Some("2001:db9::1"), Some("nonsense"), None] {
            assert_eq!(ask(caller.clone(), address), Err(AdmitError::AddressNotAllowed), "{address:?}");
        }
    }
    assert_eq!(ask(Caller::Operator, None), Ok(()));
    // Who is nobody learns nothing of the list.
    assert_eq!(ask(Caller::AdminKey { hash: hash(9) }, Some("203.0.113.9")), Err(AdmitError::Unknown));
    let last = world.0.journal().audit_after(0, 1000).unwrap().into_iter().rev().find(|record| record.who.is_some());
    let last = last.unwrap();
    assert_eq!(last.code.as_deref(), Some("address_not_allowed"));
    assert!(matches!(last.who, Some(Principal::Service(ROBOT, _))));
}

#[test]
fn a_key_comes_so_often_in_a_minute_and_leaves_no_rows_when_it_comes_more_often() {
    let mut world = World::new();
    let on = Node::Organization(ORGANIZATION);
    world.done(Act::CreateGrant(grant(1, Grantee::Service(ROBOT), Role::Auditor, on)));
    let mut ask = |now: i64, caller: Caller, action: Action| {
        let (target, facts, by) = (Target::Organization, Facts::default(), Default::default());
        world.0.admit(now, &Admit { caller, action, target, facts, by, requests_a_minute: Some(3), trial: false })
    };
    let robot = || Caller::ServiceKey { hash: hash(1) };
    let left =
        |admitted: Result<Admitted, AdmitError>| admitted.map(|admitted| admitted.allowance.map(|left| left.left));
    assert_eq!(left(ask(NOW, robot(), Action::GetOrganization)), Ok(Some(2)));
    // What is not permitted counts as well.
    assert!(matches!(ask(NOW, robot(), Action::ChangeOrganization), Err(AdmitError::Denied { .. })));
    assert_eq!(left(ask(NOW, robot(), Action::GetOrganization)), Ok(Some(0)));
    for action in [Action::GetOrganization, Action::ChangeOrganization] {
        let Err(AdmitError::TooOften(refused)) = ask(NOW + 1500, robot(), action) else { panic!("{action}") };
        assert_eq!((refused.limit, refused.resets_in_seconds()), (3, 59));
    }
    let admin = ApiKey::parse(&ApiKey::mint(ORGANIZATION, team(1), 1)).unwrap().hash;
    let admin = || Caller::AdminKey { hash: admin };
    assert_eq!(left(ask(NOW, admin(), Action::GetOrganization)), Ok(Some(2)), "another key has its own");
    for _ in 0..10 {
        assert_eq!(left(ask(NOW, Caller::Operator, Action::GetOrganization)), Ok(None));
        assert_eq!(
            left(ask(NOW, Caller::ServiceKey { hash: hash(9) }, Action::GetOrganization)),
            Err(AdmitError::Unknown)
        );
    }
    assert_eq!(left(ask(NOW + 60_000, robot(), Action::GetOrganization)), Ok(Some(2)));
    let trail = world.0.journal().audit_after(0, 1000).unwrap();
    let denied = trail.iter().filter(|record| record.code.as_deref() == Some("forbidden"));
    assert_eq!(denied.count(), 1, "what came too often is not on record");
}

#[test]
fn a_policy_can_protect_itself_and_others() {
    let mut world = World::new();
    world.done(Act::CreateGrant(grant(
        1,
        Grantee::Service(ROBOT),
        Role::OrganizationAdmin,
        Node::Organization(ORGANIZATION),
    )));
    let (guarded, free) = (PolicyId::from_u128(1), PolicyId::from_u128(2));
    let text = format!(
        "forbid (principal is ServiceAccount, action in [Action::\"change_policy\", Action::\"remove_policy\"], \
         resource == Policy::\"{guarded}\");"
    );
    world.done(Act::PutPolicy(put(1, &text, true)));
    world.done(Act::PutPolicy(put(2, "forbid (principal, action, resource) when { false };", true)));
    for action in [Action::ChangePolicy, Action::RemovePolicy] {
        let refused = world.ask(action, Target::Policy { id: guarded });
        assert!(matches!(refused, Err(AdmitError::Denied { .. })), "{refused:?}");
        assert!(world.ask(action, Target::Policy { id: free }).is_ok());
        // Of one that is not there the act itself says so.
        assert!(world.ask(action, Target::Policy { id: PolicyId::from_u128(9) }).is_ok());
    }
    assert!(world.ask(Action::GetPolicy, Target::Policy { id: guarded }).is_ok());
}
