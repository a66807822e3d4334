//! An identity provider says who there is, in examples.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test that cannot be set up stops")]

use events::{MemberProfile, MemberStatus, PoolDraw};
use identity::{
    AdminKey, AdminKeyId, DepartmentId, GroupId, KeyHash, MemberId, OrganizationId, Principal, ServiceAccountId,
    ServiceKeyId, TeamId,
};
use openid::{Algorithm, GroupRule, Preset};
use organization::protocol::{
    About, Act, Asked, GroupGrant, MemberRecord, NewAdminKey, NewTeam, Open, Order, Provision, Provisioned, Reply,
    SignIn,
};
use organization::{General, Organization};
use policy::{Node, Role};
use serde_json::{Value, json};
use storage::NativeStorage;
use vault::Vault;

const NOW: i64 = 1_800_000_000_000;
const ORGANIZATION: OrganizationId = OrganizationId::from_u128(1);
const TEAM: TeamId = TeamId::from_u128(1);
const OTHER_TEAM: TeamId = TeamId::from_u128(2);
const OKTA: Principal = Principal::Service(ServiceAccountId::from_u128(1), ServiceKeyId::from_u128(1));

struct World(Organization<NativeStorage>);

impl World {
    fn new(default_team: Option<TeamId>) -> Self {
        let mut world = Self(Organization::create(NativeStorage::in_memory().unwrap(), ORGANIZATION).unwrap());
        let secret = AdminKey::mint(ORGANIZATION, 1);
        let hash: KeyHash = AdminKey::parse(&secret).unwrap().hash;
        let admin_key = NewAdminKey { id: AdminKeyId::from_u128(1), name: "first".into(), hash, hint: "…".into() };
        let open = Open { organization: ORGANIZATION, name: "Acme".into(), general: General::default(), admin_key };
        world.0.open(NOW, &open).unwrap();
        let department = DepartmentId::from_u128(1);
        world.done(Act::CreateDepartment { id: department, name: "Research".into() });
        for (id, name) in [(TEAM, "Compilers"), (OTHER_TEAM, "Vision")] {
            world.done(Act::CreateTeam(NewTeam {
                id,
                department,
                name: name.into(),
                on_demand: None,
                pool_draw: PoolDraw::default(),
                pool_rules: None,
                models: None,
                addresses: None,
            }));
        }
        world.done(Act::PutSignIn(Box::new(sign_in(default_team))));
        world
    }

    fn done(&mut self, act: Act) -> Reply {
        let order = Order { who: Principal::Operator, idempotency: None, if_match: None, by: Default::default(), act };
        self.0.order(NOW, &order).unwrap()
    }

    fn ask(&mut self, about: About, asked: Asked) -> Provisioned {
        let base = "https://alfred.example/scim/v2".into();
        let (parameters, if_match) = (Vec::new(), None);
        let asked = Provision { who: OKTA, by: Default::default(), base, about, parameters, if_match, asked };
        self.0.provision(NOW, &asked).unwrap()
    }

    fn user(&mut self, n: u128, body: Value) -> u16 {
        self.ask(About::Users, Asked::Create { id: MemberId::from_u128(n).to_string(), body }).status
    }

    fn patch(&mut self, about: About, id: &str, operation: Value) -> u16 {
        let schema = "urn:ietf:params:scim:api:messages:2.0:PatchOp";
        let body = json!({"schemas": [schema], "Operations": [operation]});
        self.ask(about, Asked::Patch { id: id.to_owned(), body }).status
    }

    fn member(&self, n: u128) -> Option<MemberRecord> {
        let directory = self.0.directory().unwrap();
        directory.members.into_iter().find(|member| member.profile.member == MemberId::from_u128(n))
    }

    fn roles(&self) -> Vec<Role> {
        self.0.access().unwrap().grants.into_iter().map(|grant| grant.role).collect()
    }
}

fn sign_in(default_team: Option<TeamId>) -> SignIn {
    let vault = Vault::new("a master secret of at least 32 characters", None).unwrap();
    let finance = GroupGrant::Role { role: Role::Finance, on: Node::Organization(ORGANIZATION) };
    SignIn {
        version: 0,
        provider: Preset::Okta { domain: "acme.okta.com".into() },
        client_id: "alfred".into(),
        client_secret: vault.seal("test", [0; 12], "secret").unwrap(),
        algorithms: Algorithm::ALL.to_vec(),
        just_in_time: true,
        default_team,
        groups: vec![
            GroupRule { group: "Finance".into(), grants: finance },
            GroupRule { group: "00g7".into(), grants: GroupGrant::Team { team: OTHER_TEAM } },
        ],
        session_hours: 12,
    }
}

fn user(name: &str) -> Value {
    json!({"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": name})
}

fn group(name: &str, external_id: &str, members: &[u128]) -> Value {
    let members: Vec<_> = members.iter().map(|n| json!({"value": MemberId::from_u128(*n).to_string()})).collect();
    json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "displayName": name, "externalId": external_id,
        "members": members,
    })
}

#[test]
fn names_and_addresses_are_taken_once() {
    let mut world = World::new(Some(TEAM));
    assert_eq!(world.user(1, user("ada@acme.example")), 201);
    for taken in ["ada@acme.example", "ADA@acme.example"] {
        assert_eq!(world.user(2, user(taken)), 409, "{taken}");
    }
    let mut other = user("ada2");
    other["emails"] = json!([{"value": "Ada@Acme.example", "primary": true}]);
    assert_eq!(world.user(2, other), 409, "the address is another's");
    assert!(world.member(2).is_none());
    // A name that is no address.
    assert_eq!((world.user(3, user("robot")), world.user(4, user("Robot"))), (201, 409));
    // Refusals are on record, and changed nothing.
    let last = world.0.trail(0, 100).unwrap().records.pop().unwrap();
    assert_eq!(
        (last.action.as_str(), last.code.as_deref(), last.who),
        ("provision_user", Some("uniqueness"), Some(OKTA))
    );
}

#[test]
fn a_team_comes_from_a_group_or_a_setting_and_else_later() {
    let mut world = World::new(None);
    assert_eq!(world.user(1, user("ada@acme.example")), 201);
    assert!(world.member(1).is_none());
    let id = GroupId::from_u128(1).to_string();
    let body = group("Whatever it is called", "00g7", &[1]);
    assert_eq!(world.ask(About::Groups, Asked::Create { id, body }).status, 201);
    let ada = world.member(1).unwrap();
    assert_eq!((ada.team, ada.email.as_deref()), (OTHER_TEAM, Some("ada@acme.example")));
    // Who may not come in waits, whatever group they are in.
    let mut bob = user("bob@acme.example");
    bob["active"] = json!(false);
    assert_eq!(world.user(2, bob), 201);
    let add = json!({"op": "add", "path": "members", "value": [{"value": MemberId::from_u128(2).to_string()}]});
    assert_eq!(world.patch(About::Groups, &GroupId::from_u128(1).to_string(), add), 200);
    assert!(world.member(2).is_none());
    let active = json!({"op": "replace", "path": "active", "value": true});
    assert_eq!(world.patch(About::Users, &MemberId::from_u128(2).to_string(), active), 200);
    assert_eq!(world.member(2).unwrap().team, OTHER_TEAM);
}

#[test]
fn roles_follow_groups_and_their_names() {
    let mut world = World::new(Some(TEAM));
    for n in [1, 2] {
        assert_eq!(world.user(n, user(&format!("person{n}@acme.example"))), 201);
    }
    let id = GroupId::from_u128(1).to_string();
    let body = group("Finance", "00g1", &[1, 2]);
    assert_eq!(world.ask(About::Groups, Asked::Create { id: id.clone(), body }).status, 201);
    assert_eq!(world.roles(), [Role::Finance, Role::Finance]);
    let rename = |name: &str| json!({"op": "replace", "path": "displayName", "value": name});
    assert_eq!(world.patch(About::Groups, &id, rename("Treasury")), 200);
    assert_eq!(world.roles(), []);
    assert_eq!(world.patch(About::Groups, &id, rename("Finance")), 200);
    assert_eq!(world.roles().len(), 2);
    let second = format!("members[value eq \"{}\"]", MemberId::from_u128(2));
    assert_eq!(world.patch(About::Groups, &id, json!({"op": "remove", "path": second})), 200);
    assert_eq!(world.roles().len(), 1);
    let second = json!([{"value": MemberId::from_u128(2).to_string()}]);
    assert_eq!(world.patch(About::Groups, &id, json!({"op": "add", "path": "members", "value": second})), 200);
    assert_eq!(world.roles().len(), 2);
    // The version is the same wherever it is read.
    let version = |body: &Value| body["meta"]["version"].clone();
    let alone = version(&world.ask(About::Groups, Asked::Get { id: id.clone() }).body.unwrap());
    let search = json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:SearchRequest"], "excludedAttributes": ["members"],
    });
    let listed = world.ask(About::Groups, Asked::Search { body: search }).body.unwrap();
    assert_eq!((version(&listed["Resources"][0]), &listed["Resources"][0]["members"]), (alone, &Value::Null));
    // Who is out has none, and has them again when they are in again.
    let first = MemberId::from_u128(1).to_string();
    let active = |value: bool| json!({"op": "replace", "value": {"active": value}});
    assert_eq!(world.patch(About::Users, &first, active(false)), 200);
    assert_eq!(world.member(1).unwrap().profile.status, MemberStatus::Removed);
    assert_eq!(world.roles().len(), 1);
    assert_eq!(world.patch(About::Users, &first, active(true)), 200);
    assert_eq!(world.roles().len(), 2);
    assert_eq!(world.ask(About::Users, Asked::Remove { id: first.clone() }).status, 204);
    assert_eq!(world.roles().len(), 1);
    let shown = world.ask(About::Groups, Asked::Get { id: id.clone() }).body.unwrap();
    assert_eq!(shown["members"].as_array().unwrap().len(), 1);
    assert_eq!(world.ask(About::Groups, Asked::Remove { id }).status, 204);
    assert_eq!(world.roles(), []);
}

#[test]
fn what_an_admin_decided_stays() {
    let mut world = World::new(Some(TEAM));
    assert_eq!(world.user(1, user("ada@acme.example")), 201);
    let ada = world.member(1).unwrap();
    let suspended = MemberProfile { status: MemberStatus::Suspended, ..ada.profile };
    world.done(Act::ChangeMember { member: suspended, email: ada.email });
    let id = MemberId::from_u128(1).to_string();
    let shown = world.ask(About::Users, Asked::Get { id: id.clone() }).body.unwrap();
    assert_eq!(shown["active"], true, "their account is there");
    let mut body = user("ada@acme.example");
    body["active"] = json!(true);
    assert_eq!(world.ask(About::Users, Asked::Replace { id, body }).status, 200);
    assert_eq!(world.member(1).unwrap().profile.status, MemberStatus::Suspended);
}

#[test]
fn after_a_crash_it_is_as_it_was_told() {
    let mut world = World::new(Some(TEAM));
    assert_eq!(world.user(1, user("ada@acme.example")), 201);
    let id = GroupId::from_u128(1).to_string();
    let body = group("Finance", "00g1", &[1]);
    world.ask(About::Groups, Asked::Create { id, body });
    let (users, roles) = (world.ask(About::Users, Asked::List).body, world.roles());
    let store = world.0.into_store();
    let mut world = World(Organization::wake(store, ORGANIZATION).unwrap().ok().unwrap());
    assert_eq!((world.ask(About::Users, Asked::List).body, world.roles()), (users, roles));
}

#[test]
fn other_rules_hold_for_those_who_are_there() {
    let mut world = World::new(None);
    for (n, name) in [(1, "ada@acme.example"), (2, "bob@acme.example")] {
        assert_eq!(world.user(n, user(name)), 201);
    }
    let id = GroupId::from_u128(1).to_string();
    world.ask(About::Groups, Asked::Create { id, body: group("Auditors", "00g1", &[1]) });
    // Somebody else got the address by hand: who has it by the provider waits on.
    let by_hand = MemberProfile {
        version: 0,
        member: MemberId::from_u128(9),
        name: "Bob".into(),
        status: MemberStatus::Active,
        models: None,
        keeps_credits: false,
    };
    world.done(Act::CreateMember { team: TEAM, member: by_hand, email: Some("Bob@acme.example".into()) });
    assert_eq!(world.roles(), []);
    let mut rules = sign_in(Some(TEAM));
    let auditor = GroupGrant::Role { role: Role::Auditor, on: Node::Organization(ORGANIZATION) };
    rules.groups.push(GroupRule { group: "Auditors".into(), grants: auditor });
    // Two of one address: the first comes.
    for n in [3, 4] {
        let mut twin = user(&format!("twin{n}"));
        twin["emails"] = json!([{"value": "twin@acme.example"}]);
        assert_eq!(world.user(n, twin), 201);
    }
    world.done(Act::PutSignIn(Box::new(rules)));
    assert_eq!((world.member(3).is_some(), world.member(4).is_some()), (true, false));
    assert_eq!((world.member(1).unwrap().team, world.roles()), (TEAM, vec![Role::Auditor]));
    assert!(world.member(2).is_none());
    world.done(Act::PutSignIn(Box::new(sign_in(None))));
    assert_eq!(world.roles(), []);
}
