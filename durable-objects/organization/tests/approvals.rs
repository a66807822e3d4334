//! What people ask for and others must approve, in examples.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test that cannot be set up stops")]

use approvals::{Approver, Chain, Mode as StepMode, State, Step, Verdict};
use events::{Envelope, MemberProfile, MemberStatus, Message, Passage, Place, PoolDraw};
use identity::{
    AdminKeyId, ApiKey, ApprovalId, DepartmentId, GrantId, MemberId, OrganizationId, PolicyId, Principal,
    ServiceAccountId, ServiceKeyId, SessionId, TeamId, TransferId,
};
use ledger::Millicredits;
use organization::protocol::{
    Act, Approval, ApprovalFilter, AskApproval, Decide, NewAdminKey, NewGrant, NewTeam, Open, Order, OrderError,
    Outcome, PolicySource, PutPolicy, Reply,
};
use organization::{General, Organization};
use policy::{Grantee, Mode, Node, Role};
use storage::NativeStorage;

const NOW: i64 = 1_800_000_000_000;
const HOUR_MS: i64 = 3_600_000;
const ORGANIZATION: OrganizationId = OrganizationId::from_u128(1);
const DEPARTMENT: DepartmentId = DepartmentId::from_u128(1);
const TEAM: TeamId = TeamId::from_u128(1);
/// Wants credits.
const ADA: MemberId = MemberId::from_u128(1);
/// A colleague.
const BOB: MemberId = MemberId::from_u128(2);
/// Manages the team.
const EVE: MemberId = MemberId::from_u128(3);
/// Finance.
const FAY: MemberId = MemberId::from_u128(4);

fn credits(credits: i64) -> Millicredits {
    Millicredits::from_credits(credits).unwrap()
}

const fn person(member: MemberId) -> Principal {
    Principal::Person(member, SessionId::from_u128(1))
}

const fn wallet(member: MemberId) -> Place {
    Place { team: TEAM, member: Some(member) }
}

const POOL: Place = Place { team: TEAM, member: None };

struct World {
    organization: Organization<NativeStorage>,
    now: i64,
    asked: u128,
}

impl World {
    /// More than 10 credits at once need the policy's approval.
    fn new(approval: &str, chains: Vec<Chain>) -> Self {
        let mut organization = Organization::create(NativeStorage::in_memory().unwrap(), ORGANIZATION).unwrap();
        let hash = ApiKey::parse(&ApiKey::mint(ORGANIZATION, TEAM, 1)).unwrap().hash;
        let admin_key = NewAdminKey { id: AdminKeyId::from_u128(1), name: "first".into(), hash, hint: "…".into() };
        let general = General { approval_chains: chains, ..General::default() };
        organization.open(NOW, &Open { organization: ORGANIZATION, name: "Acme".into(), general, admin_key }).unwrap();
        let mut world = Self { organization, now: NOW, asked: 0 };
        let operator = Principal::Operator;
        world.order(operator, Act::CreateDepartment { id: DEPARTMENT, name: "Research".into() }).unwrap();
        let team = NewTeam {
            id: TEAM,
            department: DEPARTMENT,
            name: "Vision".into(),
            on_demand: None,
            pool_draw: PoolDraw::Automatic,
            pool_rules: None,
            models: None,
            addresses: None,
        };
        world.order(operator, Act::CreateTeam(team)).unwrap();
        for member in [ADA, BOB, EVE, FAY] {
            let status = MemberStatus::Active;
            let member = MemberProfile {
                version: 0,
                member,
                name: member.to_string(),
                status,
                models: None,
                keeps_credits: false,
            };
            world.order(operator, Act::CreateMember { team: TEAM, member, email: None }).unwrap();
        }
        for (n, member, role, on) in
            [(1, EVE, Role::TeamManager, Node::Team(TEAM)), (2, FAY, Role::Finance, Node::Organization(ORGANIZATION))]
        {
            let to = Grantee::Member(member);
            let grant = NewGrant { id: GrantId::from_u128(n), to, role, on, until_ms: None, only: None };
            world.order(operator, Act::CreateGrant(grant)).unwrap();
        }
        world.policy(&format!(
            "@needs_approval(\"{approval}\")\nforbid (principal, action == Action::\"transfer\", resource)\n\
             when {{ context has millicredits && context.millicredits > 10000 }} unless {{ context.approved }};"
        ));
        world
    }

    fn policy(&mut self, cedar: &str) {
        let (id, source) = (PolicyId::from_u128(self.asked + 1), PolicySource::Cedar(cedar.to_owned()));
        self.asked += 1;
        let (new, name, mode) = (true, format!("policy {}", self.asked), Mode::Enforce);
        let put = PutPolicy { id, new, expected_version: None, name, source, mode };
        self.order(Principal::Operator, Act::PutPolicy(put)).unwrap();
    }

    fn order(&mut self, who: Principal, act: Act) -> Result<Reply, OrderError> {
        let order = Order { who, idempotency: None, if_match: None, by: Default::default(), act };
        self.organization.order(self.now, &order)
    }

    fn approval(&mut self, who: Principal, act: Act) -> Result<Approval, OrderError> {
        match self.order(who, act)? {
            Reply::Approval(approval) => Ok(*approval),
            other => panic!("{other:?}"),
        }
    }

    fn ask(&mut self, from: Place, to: Place, amount: i64) -> Result<Approval, OrderError> {
        self.asked += 1;
        let (id, transfer) = (ApprovalId::from_u128(self.asked), TransferId::from_u128(self.asked));
        let reason = Some("for the demo".to_owned());
        let asked = AskApproval { id, transfer, from, to, amount: credits(amount), reason };
        self.approval(person(ADA), Act::RequestApproval(asked))
    }

    fn decide(&mut self, who: MemberId, of: &Approval, verdict: Verdict) -> Result<Approval, OrderError> {
        let decide = Decide { id: of.asked.id, verdict, reason: None };
        self.approval(person(who), Act::DecideApproval(decide))
    }

    /// What the team was told to carry out.
    fn told(&self) -> Vec<Passage> {
        let due = self.organization.journal().due(i64::MAX);
        due.into_iter()
            .filter_map(|pending| match pending.envelope.message {
                Message::CarryOut { passage, .. } => Some(passage),
                _ => None,
            })
            .collect()
    }

    fn seen(&self, who: Principal, filter: ApprovalFilter) -> Vec<(ApprovalId, bool)> {
        let views = self.organization.approvals(self.now, who, &ApprovalFilter { limit: 10, ..filter }).unwrap().views;
        views.iter().map(|view| (view.approval.asked.id, view.may_decide)).collect()
    }
}

#[test]
fn the_last_yes_is_carried_out_once() {
    let mut world = World::new("finance", Vec::new());
    let asked = world.ask(wallet(ADA), wallet(BOB), 50).unwrap();
    assert_eq!((asked.course.state, asked.course.chain.name.as_str()), (State::Pending, "finance"));
    assert!(world.told().is_empty());
    let refused = world.decide(EVE, &asked, Verdict::Approve).unwrap_err();
    assert!(matches!(refused, OrderError::Invalid { .. }), "{refused:?}");

    let approved = world.decide(FAY, &asked, Verdict::Approve).unwrap();
    assert_eq!((approved.course.state, &approved.outcome), (State::Approved, &Some(Outcome::OnItsWay)));
    let [passage] = &world.told()[..] else { panic!() };
    assert_eq!((passage.from, passage.to, passage.amount), (wallet(ADA), wallet(BOB), credits(50)));
    assert_eq!((passage.who, passage.transfer), (person(ADA), asked.asked.transfer));
    // Once more changes nothing, and no comes too late.
    assert_eq!(world.decide(FAY, &asked, Verdict::Approve).unwrap(), approved);
    assert!(matches!(world.decide(FAY, &asked, Verdict::Deny), Err(OrderError::Conflict { .. })));
    assert_eq!(world.told().len(), 1);
}

#[test]
fn what_came_of_it_is_known() {
    for (failed, expected) in
        [(None, Outcome::Done), (Some("has 1 left".to_owned()), Outcome::Failed { reason: "has 1 left".to_owned() })]
    {
        let mut world = World::new("finance", Vec::new());
        let asked = world.ask(wallet(ADA), wallet(BOB), 50).unwrap();
        world.decide(FAY, &asked, Verdict::Approve).unwrap();
        let message = Message::CarriedOut { approval: asked.asked.id, team: TEAM, failed };
        let forged = Envelope { id: Envelope::name(TeamId::from_u128(9), 1), message: message.clone() };
        assert!(world.organization.receive(NOW, &forged).is_err());
        let envelope = Envelope { id: Envelope::name(TEAM, 1), message };
        world.organization.receive(NOW, &envelope).unwrap();
        world.organization.receive(NOW, &envelope).unwrap();
        let only = ApprovalFilter { id: Some(asked.asked.id), limit: 1, ..Default::default() };
        let views = world.organization.approvals(NOW, person(ADA), &only).unwrap().views;
        assert_eq!(views[0].approval.outcome, Some(expected));
        assert!(!views[0].approval.is_open());
    }
}

#[test]
fn nobody_decides_about_their_own() {
    let mut world = World::new("team_manager", Vec::new());
    // For Eve, who manages the team: Fay is no manager of it, so only whoever is above.
    let asked = world.ask(wallet(ADA), wallet(EVE), 50).unwrap();
    for who in [EVE, ADA] {
        let own = world.decide(who, &asked, Verdict::Approve).unwrap_err();
        assert!(matches!(own, OrderError::Conflict { .. }), "{own:?}");
    }
    let grant = NewGrant {
        id: GrantId::from_u128(9),
        to: Grantee::Member(BOB),
        role: Role::DepartmentManager,
        on: Node::Department(DEPARTMENT),
        until_ms: None,
        only: None,
    };
    world.order(Principal::Operator, Act::CreateGrant(grant)).unwrap();
    assert_eq!(world.decide(BOB, &asked, Verdict::Approve).unwrap().course.state, State::Approved);
}

#[test]
fn chains_of_their_own() {
    let one = |approver| Step { mode: StepMode::Any, of: vec![approver] };
    let steps = vec![one(Approver::Role(Role::TeamManager)), one(Approver::Member(BOB))];
    let chain = Chain { name: "large".into(), steps, ..Chain::of_role(Role::Finance) };
    let mut world = World::new("large", vec![chain]);
    let asked = world.ask(wallet(ADA), wallet(FAY), 50).unwrap();
    assert!(world.decide(BOB, &asked, Verdict::Approve).is_err(), "not his turn");
    assert_eq!(world.decide(EVE, &asked, Verdict::Approve).unwrap().course.state, State::Pending);
    assert_eq!(world.decide(BOB, &asked, Verdict::Deny).unwrap().course.state, State::Denied);
    assert!(world.told().is_empty());
}

#[test]
fn asking_for_what_others_have() {
    let mut world = World::new("finance", Vec::new());
    // From the pool: the team's managers, on whose authority it is then done.
    let pool = world.ask(POOL, wallet(ADA), 5).unwrap();
    assert_eq!(pool.course.chain.name, "team_manager");
    assert_eq!(world.decide(EVE, &pool, Verdict::Approve).unwrap().outcome, Some(Outcome::OnItsWay));
    // So much also needs finance, whoever does it.
    let much = world.ask(POOL, wallet(ADA), 50).unwrap();
    assert_eq!(much.course.chain.name, "team_manager, finance");
    assert_eq!(world.decide(EVE, &much, Verdict::Approve).unwrap().course.state, State::Pending);
    assert_eq!(world.decide(FAY, &much, Verdict::Approve).unwrap().outcome, Some(Outcome::OnItsWay));
    // From a colleague: the colleague, and nobody else.
    let bobs = world.ask(wallet(BOB), wallet(ADA), 5).unwrap();
    assert!(world.decide(EVE, &bobs, Verdict::Approve).is_err());
    assert_eq!(world.decide(BOB, &bobs, Verdict::Approve).unwrap().outcome, Some(Outcome::OnItsWay));
    // What they may do anyway nobody has to approve; what is forbidden nobody can.
    let allowed = world.ask(wallet(ADA), wallet(BOB), 5).unwrap_err();
    assert!(matches!(allowed, OrderError::Conflict { .. }), "{allowed:?}");
    world.policy("forbid (principal, action == Action::\"transfer\", resource is Wallet);");
    let forbidden = world.ask(wallet(ADA), wallet(BOB), 5).unwrap_err();
    assert!(matches!(forbidden, OrderError::Conflict { .. }), "{forbidden:?}");
}

#[test]
fn what_policies_forbid_meanwhile_comes_to_nothing() {
    let mut world = World::new("finance", Vec::new());
    let asked = world.ask(wallet(ADA), wallet(BOB), 50).unwrap();
    world.policy("forbid (principal, action == Action::\"transfer\", resource);");
    let approved = world.decide(FAY, &asked, Verdict::Approve).unwrap();
    assert!(matches!(approved.outcome, Some(Outcome::Failed { .. })), "{approved:?}");
    assert!(world.told().is_empty());
}

#[test]
fn who_sees_what_and_what_waits_for_whom() {
    let mut world = World::new("finance", Vec::new());
    let first = world.ask(wallet(ADA), wallet(BOB), 50).unwrap().asked.id;
    let second = world.ask(POOL, wallet(ADA), 5).unwrap().asked.id;
    let all = ApprovalFilter::default();
    assert_eq!(world.seen(person(ADA), all.clone()), [(second, false), (first, false)]);
    assert_eq!(world.seen(person(BOB), all.clone()), [(first, false)], "it is for him");
    assert_eq!(world.seen(person(EVE), all.clone()), [(second, true)]);
    assert_eq!(world.seen(person(FAY), all.clone()), [(second, false), (first, true)], "finance sees all");
    let to_decide = ApprovalFilter { to_decide: true, ..all.clone() };
    assert_eq!(world.seen(person(FAY), to_decide.clone()), [(first, true)]);
    assert_eq!(world.seen(person(ADA), ApprovalFilter { own: true, ..all.clone() }).len(), 2);
    assert_eq!(world.seen(person(FAY), ApprovalFilter { before: Some(second), ..all.clone() }), [(first, true)]);
    // After a crash as well.
    world.organization = Organization::create(world.organization.into_store(), ORGANIZATION).unwrap();
    assert_eq!(world.seen(person(FAY), to_decide), [(first, true)]);
    assert_eq!(world.seen(person(EVE), ApprovalFilter { state: Some(State::Denied), ..all }), []);
}

#[test]
fn over_in_time_or_withdrawn() {
    let mut world = World::new("finance", Vec::new());
    let (late, withdrawn) =
        (world.ask(wallet(ADA), wallet(BOB), 50).unwrap(), world.ask(POOL, wallet(ADA), 5).unwrap());
    let cancel = Act::CancelApproval { id: withdrawn.asked.id };
    assert!(matches!(world.approval(person(BOB), cancel.clone()), Err(OrderError::NotFound { .. })));
    assert_eq!(world.approval(person(ADA), cancel).unwrap().course.state, State::Cancelled);
    let alarm = world.organization.next_alarm().unwrap();
    assert!(alarm <= late.course.expires_ms);
    world.now = NOW + 72 * HOUR_MS;
    assert!(world.decide(FAY, &late, Verdict::Approve).is_err());
    world.organization.tick(world.now).unwrap();
    let only = ApprovalFilter { id: Some(late.asked.id), limit: 1, ..Default::default() };
    let views = world.organization.approvals(world.now, person(ADA), &only).unwrap().views;
    assert_eq!(views[0].approval.course.state, State::Expired);
}

#[test]
fn long_lists_come_in_pages() {
    let mut world = World::new("finance", Vec::new());
    let first = world.ask(wallet(ADA), wallet(BOB), 50).unwrap().asked.id;
    // More than one question looks at, and none of it Bob's.
    for _ in 0..1001 {
        world.ask(wallet(ADA), wallet(EVE), 50).unwrap();
    }
    let page = |world: &World, who, before, limit| {
        let filter = ApprovalFilter { before, limit, ..Default::default() };
        let page = world.organization.approvals(NOW, person(who), &filter).unwrap();
        (page.views.iter().map(|view| view.approval.asked.id).collect::<Vec<_>>(), page.next)
    };
    let (none, next) = page(&world, BOB, None, 10);
    assert!(none.is_empty() && next.is_some(), "{none:?} {next:?}");
    assert_eq!(page(&world, BOB, next, 10), (vec![first], None));
    // Who sees all of them gets each once.
    let (mut all, mut next) = page(&world, FAY, None, 500);
    while next.is_some() {
        let (some, then) = page(&world, FAY, next, 500);
        all.extend(some);
        next = then;
    }
    assert_eq!(all.len(), 1002);
    assert!(all.is_sorted_by(|one, other| one > other));
}

#[test]
fn a_programs_other_key_is_the_same_program() {
    let mut world = World::new("finance", Vec::new());
    let program = ServiceAccountId::from_u128(1);
    world.order(Principal::Operator, Act::CreateServiceAccount { id: program, name: "batch".into() }).unwrap();
    for (n, role) in [(20, Role::Finance), (21, Role::TeamManager)] {
        let (to, on) = (Grantee::Service(program), Node::Organization(ORGANIZATION));
        let grant = NewGrant { id: GrantId::from_u128(n), to, role, on, until_ms: None, only: None };
        world.order(Principal::Operator, Act::CreateGrant(grant)).unwrap();
    }
    let [one, other] = [1, 2].map(|key| Principal::Service(program, ServiceKeyId::from_u128(key)));
    let (id, transfer) = (ApprovalId::from_u128(1), TransferId::from_u128(1));
    let asked = AskApproval { id, transfer, from: POOL, to: wallet(BOB), amount: credits(50), reason: None };
    world.approval(one, Act::RequestApproval(asked)).unwrap();
    let decide = Act::DecideApproval(Decide { id, verdict: Verdict::Approve, reason: None });
    let own = world.approval(other, decide).unwrap_err();
    assert!(matches!(own, OrderError::Conflict { .. }), "{own:?}");
    let cancelled = world.approval(other, Act::CancelApproval { id }).unwrap();
    assert_eq!(cancelled.course.state, State::Cancelled);
}

#[test]
fn the_words_of_who_is_erased_go() {
    let mut world = World::new("finance", Vec::new());
    let open = world.ask(wallet(ADA), wallet(BOB), 50).unwrap();
    let denied = world.ask(wallet(ADA), wallet(BOB), 60).unwrap();
    let decide = Decide { id: denied.asked.id, verdict: Verdict::Deny, reason: Some("not before spring".into()) };
    world.approval(person(FAY), Act::DecideApproval(decide)).unwrap();
    let erase = |world: &mut World, member| {
        let status = MemberStatus::Removed;
        let gone = MemberProfile { version: 0, member, name: "x".into(), status, models: None, keeps_credits: false };
        world.order(Principal::Operator, Act::ChangeMember { member: gone, email: None }).unwrap();
        world.order(Principal::Operator, Act::EraseMember { member }).unwrap();
    };
    let words = |world: &World| {
        let of = |of, limit| {
            let filter = ApprovalFilter { of, limit, ..Default::default() };
            world.organization.approvals(NOW, Principal::Operator, &filter).unwrap().views
        };
        let all = of(None, 10);
        assert_eq!((of(Some(ADA), 10).len(), of(Some(FAY), 10).len(), of(Some(BOB), 10).len()), (2, 1, 0));
        let said = all.iter().flat_map(|view| view.approval.course.given.iter().map(|given| given.reason.clone()));
        let asked = all.iter().map(|view| view.approval.asked.reason.clone());
        asked.chain(said).flatten().collect::<Vec<_>>()
    };
    assert_eq!(words(&world), ["for the demo", "for the demo", "not before spring"]);
    erase(&mut world, FAY);
    assert_eq!(words(&world), ["for the demo", "for the demo"]);
    erase(&mut world, ADA);
    assert_eq!(words(&world), [""; 0]);
    // Who asked and what for stays, also for those who still decide.
    let decided = Act::DecideApproval(Decide { id: open.asked.id, verdict: Verdict::Deny, reason: None });
    let decided = world.approval(Principal::Operator, decided).unwrap();
    assert_eq!((decided.requester, decided.asked.reason), (person(ADA), None));
    let teams = world.organization.journal().due(i64::MAX).into_iter();
    assert_eq!(teams.filter(|told| told.envelope.message == Message::Erase { member: ADA }).count(), 1);
}

#[test]
fn who_does_not_decide_is_reminded_once_and_it_escalates_once() {
    let mut world = World::new("finance", Vec::new());
    let asked = world.ask(POOL, wallet(ADA), 100).unwrap();
    let actions = |world: &World| {
        let trail = world.organization.trail(0, 1000).unwrap();
        let about = trail.records.iter().filter(|record| record.who == Some(Principal::System));
        about.map(|record| record.action.clone()).collect::<Vec<_>>()
    };
    let deciders = world.organization.deciders(world.now, asked.asked.id).unwrap();
    assert_eq!(deciders.members, [EVE], "the first step is the managers', and never who gets it");
    assert_eq!(actions(&world), [""; 0]);
    let half = world.now + (asked.course.expires_ms - world.now) / 2;
    assert!(world.organization.next_alarm().unwrap() <= half);
    for at in [half, half + 1, half + 2] {
        world.organization.tick(at).unwrap();
    }
    let said = actions(&world);
    assert_eq!(said.iter().filter(|action| *action == "remind_approval").count(), 1, "{said:?}");
    assert!(said.iter().filter(|action| *action == "escalate_approval").count() <= 1, "{said:?}");
    for _ in 0..3 {
        world.organization.tick(asked.course.expires_ms).unwrap();
    }
    assert_eq!(actions(&world).iter().filter(|action| *action == "expire_approval").count(), 1);
    let over = world.organization.deciders(asked.course.expires_ms, asked.asked.id).unwrap();
    assert_eq!(over.members, [], "nobody decides what is over");
}
