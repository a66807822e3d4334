//! Who may listen to what, and when that is over, in examples.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test that cannot be set up stops")]

use events::{Cursor, MemberProfile, MemberStatus, PoolDraw, Sees};
use identity::{
    AdminKey, AdminKeyId, DepartmentId, GrantId, KeyHash, MemberId, Networks, OrganizationId, PolicyId, Principal,
    RefreshToken, SessionId, TeamId, TransferId,
};
use ledger::Millicredits;
use openid::{Algorithm, Preset};
use organization::protocol::{
    Act, Admit, AdmitError, Caller, Enter, Link, Listen, Listens, NewAdminKey, NewGrant, NewSession, NewTeam, Open,
    Order, PolicySource, PutPolicy, Reply, SessionCommand, SignIn, Target,
};
use organization::{General, Organization};
use policy::{Action, Facts, Grantee, Mode, Node, Role};
use storage::NativeStorage;
use vault::Vault;

const NOW: i64 = 1_800_000_000_000;
const ORGANIZATION: OrganizationId = OrganizationId::from_u128(1);
const DEPARTMENT: DepartmentId = DepartmentId::from_u128(1);
const TEAM: TeamId = TeamId::from_u128(1);
const OTHER: TeamId = TeamId::from_u128(2);
const ADA: MemberId = MemberId::from_u128(1);
const SESSION: SessionId = SessionId::from_u128(1);

struct World(Organization<NativeStorage>);

/// What ends a stream.
type End = fn(&mut World);

impl World {
    /// Two teams, and Ada of the first, who has signed in.
    fn new() -> Self {
        let mut organization = Organization::create(NativeStorage::in_memory().unwrap(), ORGANIZATION).unwrap();
        let hash = AdminKey::parse(&AdminKey::mint(ORGANIZATION, 1)).unwrap().hash;
        let admin_key = NewAdminKey { id: AdminKeyId::from_u128(1), name: "first".into(), hash, hint: "…".into() };
        let general = General::default();
        organization.open(NOW, &Open { organization: ORGANIZATION, name: "Acme".into(), general, admin_key }).unwrap();
        let mut world = Self(organization);
        world.done(Act::CreateDepartment { id: DEPARTMENT, name: "Research".into() });
        for (id, name) in [(TEAM, "Team"), (OTHER, "Vision")] {
            let (models, addresses, on_demand) = (None, None, None);
            let (name, pool_draw) = (name.to_owned(), PoolDraw::Automatic);
            let team =
                NewTeam { id, department: DEPARTMENT, name, on_demand, pool_draw, pool_rules: None, models, addresses };
            world.done(Act::CreateTeam(team));
        }
        let email = Some("ada@acme.example".into());
        world.done(Act::CreateMember { team: TEAM, member: profile(MemberStatus::Active), email });
        world.done(Act::PutDomains { domains: vec!["acme.example".into()] });
        world.done(Act::PutSignIn(Box::new(sign_in())));
        let refresh = RefreshToken::parse(&RefreshToken::mint(ORGANIZATION, SESSION, 1)).unwrap().hash;
        let enter = Enter {
            version: 1,
            link: Link { issuer: "https://login.acme.example".into(), subject: "ada".into() },
            email: Some("ada@acme.example".into()),
            name: None,
            groups: Vec::new(),
            member: MemberId::from_u128(100),
            session: NewSession { id: SESSION, refresh, name: None, expires_ms: None },
            by: Default::default(),
        };
        world.0.session(NOW, &SessionCommand::Enter(Box::new(enter))).unwrap();
        world
    }

    fn done(&mut self, act: Act) -> Reply {
        let order = Order { who: Principal::Operator, idempotency: None, if_match: None, by: Default::default(), act };
        self.0.order(NOW, &order).unwrap()
    }

    fn listen(&mut self, caller: Caller, team: Option<TeamId>) -> Result<Listens, AdmitError> {
        let facts = Facts { address: Some("10.0.0.1".into()), ..Facts::default() };
        let (action, target, by) = (Action::WatchEvents, Target::Organization, Default::default());
        let admit = Admit { caller, action, target, facts, by, requests_a_minute: None, trial: false };
        self.0.listen(NOW, &Listen { admit, team, after: None })
    }

    fn grant(&mut self, n: u128, role: Role, on: Node) {
        let (id, to) = (GrantId::from_u128(n), Grantee::Member(ADA));
        self.done(Act::CreateGrant(NewGrant { id, to, role, on, until_ms: None, only: None }));
    }
}

fn profile(status: MemberStatus) -> MemberProfile {
    MemberProfile { version: 0, member: ADA, name: "Ada".into(), status, models: None, keeps_credits: false }
}

fn sign_in() -> SignIn {
    SignIn {
        version: 0,
        provider: Preset::Generic {
            issuer: "https://login.acme.example".into(),
            scopes: Vec::new(),
            groups_claim: None,
            is_directory: false,
        },
        client_id: "alfred".into(),
        client_secret: Vault::new(&"m".repeat(32), None).unwrap().seal("x", [0; 12], "secret").unwrap(),
        algorithms: vec![Algorithm::Rs256],
        just_in_time: false,
        default_team: None,
        groups: Vec::new(),
        session_hours: 12,
    }
}

fn ada() -> Caller {
    Caller::Session { session: SESSION }
}

#[test]
fn everybody_hears_what_is_theirs_to_see() {
    let mut world = World::new();
    let own = Sees { everything: false, member: Some(ADA), pool: true };
    let heard = world.listen(ada(), None).unwrap();
    assert_eq!((heard.team, heard.sees, heard.everything, heard.approvals), (Some(TEAM), own, false, true));
    assert_eq!(world.listen(ada(), Some(TEAM)).unwrap().sees, own, "her own team by its name");
    for team in [OTHER, TeamId::from_u128(9)] {
        let refused = world.listen(ada(), Some(team)).unwrap_err();
        assert!(matches!(refused, AdmitError::Denied { .. } | AdmitError::NotFound { .. }), "{team}: {refused:?}");
    }

    world.grant(1, Role::TeamManager, Node::Team(TEAM));
    let heard = world.listen(ada(), None).unwrap();
    assert_eq!((heard.sees.everything, heard.everything), (true, false));
    world.grant(2, Role::Auditor, Node::Organization(ORGANIZATION));
    assert!(world.listen(ada(), None).unwrap().everything);
    assert!(world.listen(ada(), Some(OTHER)).unwrap().sees.everything);

    let hash = AdminKey::parse(&AdminKey::mint(ORGANIZATION, 1)).unwrap().hash;
    let heard = world.listen(Caller::AdminKey { hash }, None).unwrap();
    assert_eq!((heard.team, heard.everything), (None, true));
    let unknown = Caller::ServiceKey { hash: KeyHash::of_session(SESSION) };
    assert_eq!(world.listen(unknown, None), Err(AdmitError::Unknown));
}

#[test]
fn a_stream_goes_on_until_what_it_was_decided_by_changes() {
    let ends: [(&str, End); 5] = [
        ("the session has ended", |world| drop(world.done(Act::EndSessions { member: ADA, only: None }))),
        ("a role was given", |world| world.grant(1, Role::Auditor, Node::Team(OTHER))),
        ("there is a policy", |world| {
            let source = PolicySource::Cedar("forbid (principal, action == Action::\"allot\", resource);".into());
            let (id, name, mode) = (PolicyId::from_u128(1), "x".to_owned(), Mode::Enforce);
            world.done(Act::PutPolicy(PutPolicy { id, new: true, expected_version: None, name, source, mode }));
        }),
        ("nobody may come from there", |world| {
            let addresses: Networks = serde_json::from_str(r#"["192.0.2.0/24"]"#).unwrap();
            world.done(Act::PutGeneral(General { addresses: Some(addresses), ..General::default() }));
        }),
        ("she is gone", |world| {
            let email = Some("ada@acme.example".into());
            world.done(Act::ChangeMember { member: profile(MemberStatus::Removed), email });
        }),
    ];
    for (why, end) in ends {
        let mut world = World::new();
        let heard = world.listen(ada(), None).unwrap();
        world.done(Act::CreateDepartment { id: DepartmentId::from_u128(7), name: "Elsewhere".into() });
        assert!(world.0.goes_on(NOW, &heard), "what is none of hers");
        end(&mut world);
        assert!(!world.0.goes_on(NOW, &heard), "{why}");
    }
}

#[test]
fn balances_of_the_organization_are_for_who_sees_all_of_it() {
    let mut world = World::new();
    let before = world.0.cursor();
    assert!(!world.0.happened(before).unwrap().unwrap().told.iter().any(|_| true));
    let (transfer, amount) = (TransferId::from_u128(1), Millicredits::new(5000));
    world.done(Act::Issue { transfer, amount, note: None });
    let happened = world.0.happened(before).unwrap().unwrap();
    assert_eq!(happened.told.len(), 1);
    let told = &happened.told[0];
    assert!(told.event.data.to_string().contains(r#""account":"treasury","balance":"5""#), "{told:?}");
    assert!(told.is_for(&Sees { everything: true, ..Sees::default() }) && !told.is_for(&Sees::default()));

    let heard = world.listen(ada(), None).unwrap();
    assert!(!world.0.has_missed(NOW, before, &heard).unwrap());
    assert!(world.0.has_missed(NOW, Cursor { entries: 99, records: 0 }, &heard).unwrap());
    world.grant(1, Role::Finance, Node::Organization(ORGANIZATION));
    let heard = world.listen(ada(), None).unwrap();
    assert!(world.0.has_missed(NOW, before, &heard).unwrap());
}
