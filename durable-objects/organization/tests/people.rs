//! Signing in, in examples.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test that cannot be set up stops")]

use events::{MemberStatus, PoolDraw};
use identity::{
    AdminKey, AdminKeyId, ApiKey, DepartmentId, GrantId, KeyHash, MemberId, OrganizationId, Principal, RefreshToken,
    SessionId, SetupToken, TeamId,
};
use openid::{Algorithm, GroupRule, Preset};
use organization::protocol::{
    Act, Admit, AdmitError, Caller, Enter, Entered, GroupGrant, Link, NewAdminKey, NewGrant, NewSession, NewTeam, Open,
    Order, OrderError, Reply, SessionCommand, SessionError, SetUp, SetupTokenRecord, SignIn, Target,
};
use organization::{General, LeaverCredits, Organization};
use policy::{Action, Facts, Grantee, Node, Role};
use storage::NativeStorage;
use vault::Vault;

const NOW: i64 = 1_800_000_000_000;
const MINUTE: i64 = 60_000;
const HOUR: i64 = 60 * MINUTE;
const ORGANIZATION: OrganizationId = OrganizationId::from_u128(1);
const TEAM: TeamId = TeamId::from_u128(1);
const OTHER_TEAM: TeamId = TeamId::from_u128(2);
const ISSUER: &str = "https://login.acme.example";

fn token(session: u128, secret: u128) -> KeyHash {
    let text = RefreshToken::mint(ORGANIZATION, SessionId::from_u128(session), secret);
    RefreshToken::parse(&text).unwrap().hash
}

fn sign_in() -> SignIn {
    let vault = Vault::new(&"m".repeat(32), None).unwrap();
    SignIn {
        version: 0,
        provider: Preset::Generic {
            issuer: ISSUER.into(),
            scopes: Vec::new(),
            groups_claim: Some("groups".into()),
            is_directory: false,
        },
        client_id: "alfred".into(),
        client_secret: vault.seal("x", [0; 12], "secret").unwrap(),
        algorithms: vec![Algorithm::Rs256],
        just_in_time: true,
        default_team: Some(TEAM),
        groups: vec![
            GroupRule { group: "vision".into(), grants: GroupGrant::Team { team: OTHER_TEAM } },
            GroupRule {
                group: "money".into(),
                grants: GroupGrant::Role { role: Role::Finance, on: Node::Organization(ORGANIZATION) },
            },
        ],
        session_hours: 12,
    }
}

struct World(Organization<NativeStorage>);

impl World {
    /// An organization of two teams whose people sign in at [`ISSUER`].
    fn new() -> Self {
        Self::on(NativeStorage::in_memory().unwrap())
    }

    fn on(store: NativeStorage) -> Self {
        let mut organization = Organization::create(store, ORGANIZATION).unwrap();
        let hash = AdminKey::parse(&AdminKey::mint(ORGANIZATION, 1)).unwrap().hash;
        let admin_key = NewAdminKey { id: AdminKeyId::from_u128(1), name: "first".into(), hash, hint: "…".into() };
        let general = General::default();
        organization.open(NOW, &Open { organization: ORGANIZATION, name: "Acme".into(), general, admin_key }).unwrap();
        let mut world = Self(organization);
        let department = DepartmentId::from_u128(1);
        world.done(Act::CreateDepartment { id: department, name: "Research".into() });
        for (id, name) in [(TEAM, "Team"), (OTHER_TEAM, "Vision")] {
            world.done(Act::CreateTeam(NewTeam {
                id,
                department,
                name: name.into(),
                on_demand: None,
                pool_draw: PoolDraw::Automatic,
                pool_rules: None,
                models: None,
                addresses: None,
            }));
        }
        world.done(Act::PutDomains { domains: vec!["acme.example".into()] });
        world.done(Act::PutSignIn(Box::new(sign_in())));
        world
    }

    fn order(&mut self, who: Principal, act: Act) -> Result<Reply, OrderError> {
        self.0.order(NOW, &Order { who, idempotency: None, if_match: None, by: Default::default(), act })
    }

    fn done(&mut self, act: Act) -> Reply {
        self.order(Principal::Operator, act).unwrap()
    }

    fn member(&mut self, n: u128, email: &str) -> MemberId {
        let member = events::MemberProfile {
            version: 0,
            member: MemberId::from_u128(n),
            name: format!("Member {n}"),
            status: MemberStatus::Active,
            models: None,
            keeps_credits: false,
        };
        self.done(Act::CreateMember { team: TEAM, member, email: Some(email.into()) });
        MemberId::from_u128(n)
    }

    fn enter(&mut self, enter: Enter) -> Result<Entered, SessionError> {
        let entered = self.0.session(NOW, &SessionCommand::Enter(Box::new(enter)))?;
        Ok(*entered.unwrap())
    }

    fn refresh(&mut self, now: i64, session: u128, shown: u128, next: u128) -> Result<Entered, SessionError> {
        let command = SessionCommand::Refresh {
            session: SessionId::from_u128(session),
            shown: token(session, shown),
            next: token(session, next),
            earlier: None,
            by: Default::default(),
        };
        self.0.session(now, &command).map(|entered| *entered.unwrap())
    }

    fn ask(&mut self, now: i64, session: u128, action: Action, target: Target) -> Result<Principal, AdmitError> {
        let caller = Caller::Session { session: SessionId::from_u128(session) };
        let asked = Admit {
            caller,
            action,
            target,
            facts: Facts::default(),
            by: Default::default(),
            requests_a_minute: None,
            trial: false,
        };
        self.0.admit(now, &asked).map(|admitted| admitted.who)
    }

    /// The actions of the trail with what came of them, oldest first.
    fn trail(&self) -> Vec<(String, String)> {
        let records = self.0.trail(0, 100).unwrap().records;
        let code = |code: Option<String>| code.unwrap_or_default();
        records.into_iter().map(|record| (record.action, code(record.code))).collect()
    }
}

fn somebody(subject: &str, email: Option<&str>, n: u128) -> Enter {
    Enter {
        version: 1,
        link: Link { issuer: ISSUER.into(), subject: subject.into() },
        email: email.map(str::to_owned),
        name: Some(format!("Person {n}")),
        groups: Vec::new(),
        member: MemberId::from_u128(100 + n),
        session: NewSession { id: SessionId::from_u128(n), refresh: token(n, 1), name: None, expires_ms: None },
        by: Default::default(),
    }
}

#[test]
fn a_stranger_becomes_a_member_once() {
    let mut world = World::new();
    let first = world.enter(somebody("ada", Some("Ada@acme.example"), 1)).unwrap();
    assert_eq!((first.member.team, first.member.profile.name.as_str()), (TEAM, "Person 1"));
    assert_eq!(first.session.expires_ms, NOW + 12 * HOUR);
    // Known by the provider's own name from now on, whatever the address.
    let again = world.enter(somebody("ada", None, 2)).unwrap();
    assert_eq!(again.member.profile.member, first.member.profile.member);
    assert_eq!(world.0.directory().unwrap().members.len(), 1);
    // In a group with a team, that team.
    let entrant = Enter { groups: vec!["vision".into()], ..somebody("bob", Some("bob@acme.example"), 3) };
    assert_eq!(world.enter(entrant).unwrap().member.team, OTHER_TEAM);
}

#[test]
fn an_address_is_a_members_own_only_in_their_domain() {
    let mut world = World::new();
    let ada = world.member(1, "ada@acme.example");
    assert_eq!(world.enter(somebody("ada", Some("ADA@acme.example"), 1)).unwrap().member.profile.member, ada);
    // Another account with the address of somebody who is linked.
    let error = world.enter(somebody("other", Some("ada@acme.example"), 2)).unwrap_err();
    assert_eq!(error, SessionError::OtherAccount);
    world.member(2, "eve@evil.example");
    let error = world.enter(somebody("eve", Some("eve@evil.example"), 3)).unwrap_err();
    assert_eq!(error, SessionError::ForeignDomain { domain: "evil.example".into() });
    assert_eq!(world.enter(somebody("nobody", None, 4)), Err(SessionError::NoEmail));
    let refused: Vec<String> = world.trail().into_iter().filter(|(_, code)| !code.is_empty()).map(|(_, c)| c).collect();
    assert_eq!(refused, ["other_account", "foreign_domain", "no_email"]);
}

#[test]
fn who_may_not_come_in() {
    let mut world = World::new();
    let closed = SignIn { just_in_time: false, default_team: None, ..sign_in() };
    world.done(Act::PutSignIn(Box::new(closed)));
    assert_eq!(world.enter(somebody("ada", Some("ada@acme.example"), 1)), Err(SessionError::Changed));
    let entrant = Enter { version: 2, ..somebody("ada", Some("ada@acme.example"), 1) };
    assert_eq!(world.enter(entrant.clone()), Err(SessionError::NotAMember));
    world.done(Act::PutSignIn(Box::new(SignIn { default_team: None, ..sign_in() })));
    let entrant = Enter { version: 3, ..entrant };
    assert_eq!(world.enter(entrant.clone()), Err(SessionError::NoTeam));
    world.done(Act::RemoveSignIn);
    assert_eq!(world.enter(entrant), Err(SessionError::NotConfigured));
}

#[test]
fn roles_come_and_go_with_groups() {
    let mut world = World::new();
    let entrant = |n, groups: &[&str]| Enter {
        groups: groups.iter().map(|&group| group.to_owned()).collect(),
        ..somebody("ada", Some("ada@acme.example"), n)
    };
    let ada = world.enter(entrant(1, &["money", "unknown"])).unwrap().member.profile.member;
    assert!(world.ask(NOW, 1, Action::ListBalances, Target::Organization).is_ok());
    // What somebody granted by hand stays.
    let own = organization::protocol::NewGrant {
        id: GrantId::from_u128(9),
        to: policy::Grantee::Member(ada),
        role: Role::TeamManager,
        on: Node::Team(TEAM),
        until_ms: None,
        only: None,
    };
    world.done(Act::CreateGrant(own));
    world.enter(entrant(2, &["money"])).unwrap();
    assert_eq!(world.0.access().unwrap().grants.len(), 2);
    world.enter(entrant(3, &[])).unwrap();
    let left: Vec<Role> = world.0.access().unwrap().grants.iter().map(|grant| grant.role).collect();
    assert_eq!(left, [Role::TeamManager]);
    assert!(matches!(world.ask(NOW, 1, Action::ListBalances, Target::Organization), Err(AdmitError::Denied { .. })));
}

#[test]
fn a_person_may_what_members_may() {
    let mut world = World::new();
    let ada = world.enter(somebody("ada", Some("ada@acme.example"), 1)).unwrap().member.profile.member;
    let bob = world.member(7, "bob@acme.example");
    let who = world.ask(NOW, 1, Action::GetMember, Target::Member { id: ada }).unwrap();
    assert_eq!(who, Principal::Person(ada, SessionId::from_u128(1)));
    assert!(world.ask(NOW, 1, Action::GetMember, Target::Member { id: bob }).is_err());
    assert!(world.ask(NOW, 1, Action::EndSessions, Target::Member { id: ada }).is_ok());
    assert!(world.ask(NOW, 1, Action::EndSessions, Target::Member { id: bob }).is_err());
    let gone = world.ask(NOW + 12 * HOUR, 1, Action::GetMember, Target::Member { id: ada });
    assert_eq!(gone, Err(AdmitError::SignedOut));
}

#[test]
fn a_refresh_token_is_used_once() {
    let mut world = World::new();
    world.enter(somebody("ada", Some("ada@acme.example"), 1)).unwrap();
    let later = NOW + 10 * MINUTE;
    world.refresh(later, 1, 1, 2).unwrap();
    // The answer was lost: the same again.
    let again = world.refresh(later + 29_000, 1, 1, 2).unwrap();
    assert_eq!(again.session.refresh, token(1, 2));
    // And by a gateway that has another master secret by now.
    let (session, by) = (SessionId::from_u128(1), Default::default());
    let (shown, next, earlier) = (token(1, 1), token(1, 9), Some(token(1, 2)));
    let command = SessionCommand::Refresh { session, shown, next, earlier, by };
    let again = world.0.session(later + 29_000, &command).unwrap().unwrap();
    assert_eq!(again.session.refresh, token(1, 2));
    world.refresh(later + 10 * MINUTE, 1, 2, 3).unwrap();
    // Somebody has a copy.
    assert_eq!(world.refresh(later + 20 * MINUTE, 1, 2, 3), Err(SessionError::Reused));
    assert_eq!(world.refresh(later + 20 * MINUTE, 1, 3, 4), Err(SessionError::Ended));
    assert_eq!(world.ask(later, 1, Action::ListPrices, Target::Visible), Err(AdmitError::SignedOut));
    assert!(world.trail().contains(&("refresh_session".into(), "token_reused".into())));
}

#[test]
fn sessions_end() {
    let mut world = World::new();
    let ada = world.enter(somebody("ada", Some("ada@acme.example"), 1)).unwrap().member.profile.member;
    let who = Principal::Person(ada, SessionId::from_u128(1));
    let script = NewSession {
        id: SessionId::from_u128(2),
        refresh: token(2, 1),
        name: Some("report".into()),
        expires_ms: Some(NOW + HOUR),
    };
    world.order(who, Act::CreateSession(script.clone())).unwrap();
    // A script's session makes no others, and a key has none.
    let other = NewSession { id: SessionId::from_u128(3), ..script.clone() };
    let by_script = Principal::Person(ada, SessionId::from_u128(2));
    assert!(matches!(world.order(by_script, Act::CreateSession(other.clone())), Err(OrderError::Invalid { .. })));
    assert!(matches!(world.order(Principal::Operator, Act::CreateSession(other)), Err(OrderError::Invalid { .. })));
    let too_long = NewSession { expires_ms: Some(NOW + 93 * 24 * HOUR), ..script };
    assert!(matches!(world.order(who, Act::CreateSession(too_long)), Err(OrderError::Invalid { .. })));
    // Signing out ends one.
    let end = SessionCommand::End { session: SessionId::from_u128(1), shown: None, by: Default::default() };
    assert_eq!(world.0.session(NOW, &end), Ok(None));
    assert_eq!(world.0.session(NOW, &end), Ok(None));
    assert_eq!(world.0.sessions(NOW, ada).unwrap().len(), 1);
    // Suspending ends all.
    let suspended = events::MemberProfile {
        version: 0,
        member: ada,
        name: "Ada".into(),
        status: MemberStatus::Suspended,
        models: None,
        keeps_credits: false,
    };
    world.done(Act::ChangeMember { member: suspended, email: Some("ada@acme.example".into()) });
    assert_eq!(world.0.sessions(NOW, ada), Ok(Vec::new()));
    assert_eq!(world.enter(somebody("ada", None, 4)), Err(SessionError::Suspended));
}

#[test]
fn so_many_sessions_and_no_more() {
    let mut world = World::new();
    let mut ada = None;
    for n in 1..=25 {
        ada = Some(world.enter(somebody("ada", Some("ada@acme.example"), n)).unwrap().member.profile.member);
    }
    let sessions = world.0.sessions(NOW, ada.unwrap()).unwrap();
    assert_eq!(sessions.len(), 20);
    assert!(sessions.iter().any(|session| session.id == SessionId::from_u128(25)));
}

#[test]
fn another_address_is_another_account() {
    let mut world = World::new();
    let ada = world.enter(somebody("ada", Some("ada@acme.example"), 1)).unwrap().member;
    world.done(Act::ChangeMember { member: ada.profile.clone(), email: Some("countess@acme.example".into()) });
    let again = world.enter(somebody("ada", Some("ada@acme.example"), 2)).unwrap();
    assert_ne!(again.member.profile.member, ada.profile.member);
}

#[test]
fn the_setup_token_lets_one_person_in() {
    let mut world = World::new();
    let hash = SetupToken::parse(&SetupToken::mint(ORGANIZATION, 5)).unwrap().hash;
    let wrong = ApiKey::parse(&ApiKey::mint(ORGANIZATION, TEAM, 5)).unwrap().hash;
    let set_up = |token, n: u128| {
        SessionCommand::SetUp(Box::new(SetUp {
            token,
            name: "Grace".into(),
            email: "grace@acme.example".into(),
            member: MemberId::from_u128(50 + n),
            department: DepartmentId::from_u128(50),
            team: TeamId::from_u128(50),
            grant: GrantId::from_u128(50),
            session: NewSession { id: SessionId::from_u128(n), refresh: token_of(n), name: None, expires_ms: None },
            by: Default::default(),
        }))
    };
    fn token_of(n: u128) -> KeyHash {
        token(n, 1)
    }
    assert_eq!(world.0.session(NOW, &set_up(hash, 1)), Err(SessionError::UnknownToken));
    world.done(Act::PutSetupToken(SetupTokenRecord { hash, expires_ms: NOW + HOUR }));
    assert_eq!(world.0.session(NOW, &set_up(wrong, 1)), Err(SessionError::UnknownToken));
    assert_eq!(world.0.session(NOW + HOUR, &set_up(hash, 1)), Err(SessionError::UnknownToken));
    let entered = world.0.session(NOW, &set_up(hash, 1)).unwrap().unwrap();
    assert!(world.ask(NOW, 1, Action::ChangeSignIn, Target::Organization).is_ok());
    assert!(world.ask(NOW, 1, Action::IssueCredits, Target::Organization).is_err());
    assert_eq!(world.0.session(NOW, &set_up(hash, 2)), Err(SessionError::UnknownToken));
    // Again, by the same person: no second member, team or grant.
    world.done(Act::PutSetupToken(SetupTokenRecord { hash, expires_ms: NOW + HOUR }));
    let again = world.0.session(NOW, &set_up(hash, 2)).unwrap().unwrap();
    assert_eq!(again.member.profile.member, entered.member.profile.member);
    assert_eq!(world.0.access().unwrap().grants.len(), 1);
    let too_long = SetupTokenRecord { hash, expires_ms: NOW + 8 * 24 * HOUR };
    assert!(world.order(Principal::Operator, Act::PutSetupToken(too_long)).is_err());
}

#[test]
fn what_is_kept_survives_and_tells_no_secrets() {
    let path = std::env::temp_dir().join(format!("alfred-people-{}.sqlite", std::process::id()));
    let mut world = World::on(NativeStorage::file(&path).unwrap());
    let ada = world.enter(somebody("ada", Some("ada@acme.example"), 1)).unwrap().member.profile.member;
    let script = NewSession {
        id: SessionId::from_u128(2),
        refresh: token(2, 1),
        name: Some("x".into()),
        expires_ms: Some(NOW + HOUR),
    };
    world.order(Principal::Person(ada, SessionId::from_u128(1)), Act::CreateSession(script)).unwrap();
    let records = serde_json::to_string(&world.0.trail(0, 100).unwrap()).unwrap();
    assert!(records.contains("sign_in"));
    for secret in [token(1, 1).to_string(), token(2, 1).to_string(), "v1:".to_owned()] {
        assert!(!records.contains(&secret), "{secret} is in the trail");
    }
    drop(world);
    let woken = Organization::wake(NativeStorage::file(&path).unwrap(), ORGANIZATION).unwrap().ok().unwrap();
    assert_eq!(woken.sessions(NOW, ada).unwrap().len(), 2);
    assert_eq!(woken.signing_in().unwrap().sign_in.unwrap().version, 1);
    std::fs::remove_file(&path).unwrap();
}

#[test]
fn who_is_removed_has_no_session_and_no_role() {
    let mut world = World::new();
    let ada = world.enter(somebody("ada", Some("ada@acme.example"), 1)).unwrap().member.profile.member;
    let before = world.0.access().unwrap().grants.len();
    let grant = NewGrant {
        id: GrantId::from_u128(7),
        to: Grantee::Member(ada),
        role: Role::Auditor,
        on: Node::Organization(ORGANIZATION),
        until_ms: None,
        only: None,
    };
    world.done(Act::CreateGrant(grant));
    let removed = |keeps_credits| events::MemberProfile {
        version: 0,
        member: ada,
        name: "Ada".into(),
        status: MemberStatus::Removed,
        models: None,
        keeps_credits,
    };
    let change = |member| Act::ChangeMember { member, email: Some("ada@acme.example".into()) };
    let Reply::Member(record) = world.done(change(removed(true))) else { panic!() };
    assert!(!record.profile.keeps_credits, "the organization's settings say so, not whoever asks");
    assert_eq!(world.0.sessions(NOW, ada), Ok(Vec::new()));
    assert_eq!(world.0.access().unwrap().grants.len(), before);
    assert_eq!(world.enter(somebody("ada", None, 4)), Err(SessionError::Suspended));
    // Said when they go, and not again while they are gone.
    world.done(Act::PutGeneral(General { leaver_credits: LeaverCredits::Wallet, ..General::default() }));
    let Reply::Member(record) = world.done(change(removed(true))) else { panic!() };
    assert!(!record.profile.keeps_credits);
    world.done(change(events::MemberProfile { status: MemberStatus::Active, ..removed(false) }));
    let Reply::Member(record) = world.done(change(removed(false))) else { panic!() };
    assert!(record.profile.keeps_credits);
}

#[test]
fn sessions_and_details_end_when_they_were_kept_for_long_enough() {
    const DAY: i64 = 24 * HOUR;
    let mut world = World::new();
    let by = audit::Attribution {
        address: Some("203.0.113.9".into()),
        salt: Some(audit::Salt::from_u128(1)),
        ..Default::default()
    };
    let enter = Enter { by, ..somebody("ada", Some("ada@acme.example"), 1) };
    world.enter(enter).unwrap();
    world.refresh(NOW, 1, 1, 2).unwrap();
    let details = |world: &World| {
        let records = world.0.trail(0, 100).unwrap().records;
        records.iter().filter(|record| record.detail.is_some()).count()
    };
    let stored = |world: World| {
        let store = world.0.into_store();
        let text = "SELECT group_concat(data, ' ') FROM records WHERE id LIKE 'ses%'";
        let rows = storage::Storage::query(&store, text, &[]).unwrap();
        let text = rows[0].optional_text(0).unwrap().unwrap_or_default().to_owned();
        (World(Organization::create(store, ORGANIZATION).unwrap()), text)
    };
    assert_eq!(details(&world), 1);
    // A week after its end, which came after twelve hours.
    world.0.retain(NOW, NOW + 7 * DAY + 12 * HOUR).unwrap();
    let (mut world, text) = stored(world);
    assert!(text.contains("203.0.113.9"), "{text}");
    let retained = world.0.retain(NOW, NOW + 7 * DAY + 12 * HOUR + 1).unwrap();
    assert_eq!((retained.more, retained.teams.len(), retained.retention.requests), (false, 2, Some(400)));
    let (mut world, text) = stored(world);
    assert_eq!((text.as_str(), details(&world)), ("", 1));

    let retention = |days| organization::Retention { audit_details: days, ..Default::default() };
    let put = |days| Act::PutGeneral(General { retention: retention(days), ..General::default() });
    assert!(matches!(world.order(Principal::Operator, put(Some(29))), Err(OrderError::Invalid { message })
        if message == "`retention.audit_details` must be 30 to 36500 days, or for ever, not 29"));
    world.done(put(None));
    world.0.retain(NOW, NOW + 1000 * DAY).unwrap();
    assert_eq!(details(&world), 1);
    world.done(put(Some(30)));
    world.0.retain(NOW, NOW + 30 * DAY + 1).unwrap();
    assert_eq!(details(&world), 0);
    let records = world.0.trail(0, 100).unwrap().records;
    audit::verify(&ORGANIZATION.to_string(), None, Some(world.0.journal().audit_head()), &records).unwrap();
}

#[test]
fn who_was_erased_leaves_nothing_but_an_id() {
    let mut world = World::new();
    let by = audit::Attribution {
        address: Some("203.0.113.9".into()),
        salt: Some(audit::Salt::from_u128(1)),
        ..Default::default()
    };
    let ada = world.enter(Enter { by: by.clone(), ..somebody("ada", Some("ada@acme.example"), 1) }).unwrap().member;
    let id = ada.profile.member;
    // Under an idempotency key, whose reply is remembered.
    let profile = events::MemberProfile { name: "Ada Lovelace".into(), ..ada.profile.clone() };
    let idempotency = Some(journal::Idempotency { key: "k".into(), fingerprint: "f".into() });
    let act = Act::ChangeMember { member: profile.clone(), email: ada.email.clone() };
    let order = Order { who: Principal::Operator, idempotency, if_match: None, by, act };
    world.0.order(NOW, &order).unwrap();

    let erase = Act::EraseMember { member: id };
    let refused = world.order(Principal::Operator, erase.clone()).unwrap_err();
    assert!(
        matches!(refused, OrderError::Conflict { message } if message.contains("set their status to `removed` first"))
    );
    let removed = events::MemberProfile { status: MemberStatus::Removed, ..profile };
    world.done(Act::ChangeMember { member: removed.clone(), email: ada.email.clone() });
    let Reply::Member(erased) = world.done(erase.clone()) else { panic!("not a member") };
    assert_eq!((erased.erased_ms, &erased.email, &erased.link), (Some(NOW), &None, &None));
    assert!(erased.profile.name.starts_with("Erased "), "{}", erased.profile.name);

    // Once is enough, and there is no way back.
    let head = world.0.journal().audit_head();
    assert_eq!(world.done(erase), Reply::Member(erased.clone()));
    assert_eq!(world.0.journal().audit_head(), head);
    let back = events::MemberProfile { status: MemberStatus::Active, name: "Ada".into(), ..removed };
    let refused = world.order(Principal::Operator, Act::ChangeMember { member: back, email: None }).unwrap_err();
    assert!(matches!(refused, OrderError::Conflict { message } if message.contains("cannot be undone")));

    let told = world.0.journal().due(NOW + HOUR);
    assert!(told.iter().any(|pending| pending.envelope.message == events::Message::Erase { member: id }));
    for number in told.iter().map(|pending| pending.number).collect::<Vec<_>>() {
        world.0.journal_mut().delivered(number).unwrap();
    }
    let records = world.0.trail(0, 100).unwrap().records;
    audit::verify(&ORGANIZATION.to_string(), None, Some(head), &records).unwrap();
    let store = world.0.into_store();
    for table in ["records", "audit", "commands", "outbox", "entries"] {
        let rows = storage::Storage::query(&store, &format!("SELECT * FROM {table}"), &[]).unwrap();
        let text = format!("{rows:?}");
        for personal in ["Lovelace", "ada@", "203.0.113.9"] {
            assert!(!text.contains(personal), "{personal} is in {table}");
        }
    }
    // Whoever comes with the address is somebody else.
    let mut world = World(Organization::create(store, ORGANIZATION).unwrap());
    let again = world.enter(somebody("ada", Some("ada@acme.example"), 2)).unwrap();
    assert_ne!(again.member.profile.member, id);
}
