//! The world before anything goes wrong: two organizations with their people,
//! keys and first credits, made by the same commands that people use.

use std::rc::Rc;

use approvals::{Approver, Chain, Mode as StepMode, Step};
use events::{MemberProfile, MemberStatus, OnDemand, PoolDraw};
use identity::{
    AdminKeyId, DepartmentId, KeyHash, KeyId, MemberId, OrganizationId, PolicyId, Principal, TeamId, TransferId,
};
use journal::Idempotency;
use ledger::{Account, Millicredits};
use limits::{PoolRules, Window};
use organization::General;
use organization::protocol::{Act, Command, NewAdminKey, NewTeam, Open, Order, PolicySource, PutPolicy};
use policy::{Mode, Node, Role};
use team::protocol::{Act as TeamAct, Command as TeamCommand, NewKey, Order as TeamOrder};

use crate::clients::overrides;
use crate::workload::grant;
use crate::world::{TeamPlace, Tree, World};

const ORGANIZATIONS: u128 = 2;
const DEPARTMENTS: u128 = 3;
const TEAMS: u128 = 2;
const MEMBERS: u128 = 3;
const KEYS: u32 = 2;

/// Which chain approves transfers above so many millicredits, up to so many.
const APPROVED: &[(&str, i64, i64)] = &[
    ("finance", 2_000_000, 4_000_000),
    ("both", 4_000_000, 5_000_000),
    ("in order", 5_000_000, 6_000_000),
    ("either", 6_000_000, 8_000_000),
];

/// One of several, each of several, one after the other; each with its own
/// time.
pub(crate) fn chains() -> Vec<Chain> {
    let roles = |mode, roles: &[Role]| Step { mode, of: roles.iter().copied().map(Approver::Role).collect() };
    let usual = Chain::of_role(Role::Finance);
    let both = roles(StepMode::All, &[Role::TeamManager, Role::Finance]);
    let first = roles(StepMode::Any, &[Role::TeamManager]);
    let then = roles(StepMode::Any, &[Role::DepartmentManager, Role::Finance]);
    let either = roles(StepMode::Any, &[Role::TeamManager, Role::DepartmentManager]);
    vec![
        Chain { name: "both".to_owned(), steps: vec![both], ..usual.clone() },
        Chain {
            name: "in order".to_owned(),
            steps: vec![first, then],
            expires_hours: 12,
            escalate_after_hours: Some(1),
            ..usual.clone()
        },
        Chain { name: "either".to_owned(), steps: vec![either], expires_hours: 1, ..usual },
    ]
}

/// Who has which role, while they are there.
pub(crate) fn officers(tree: &Tree) -> Vec<(MemberId, Role, Node)> {
    let root = Node::Organization(tree.organization);
    let member = |place: &TeamPlace, number: usize| place.members.get(number).copied();
    let managers = tree.teams.iter().filter_map(|place| {
        let team = Node::Team(place.team);
        member(place, 0).map(|member| (member, Role::TeamManager, team))
    });
    let above = tree.teams.iter().enumerate().filter_map(|(number, place)| {
        let (role, on) = match number {
            0 | 1 => (Role::Finance, root),
            2 => (Role::OrganizationAdmin, root),
            _ => (Role::DepartmentManager, Node::Department(place.department)),
        };
        member(place, 1).map(|member| (member, role, on))
    });
    managers.chain(above).collect()
}

/// Who belongs where. Ids tell their place: organization 2, department 1,
/// team 3 is `0x213`.
pub(crate) fn trees() -> Vec<Tree> {
    let tree = |one: u128| {
        let organization = OrganizationId::from_u128(one);
        let departments = (1..=DEPARTMENTS).map(|two| DepartmentId::from_u128(one << 4 | two));
        let teams = (1..=DEPARTMENTS).flat_map(|two| (1..=TEAMS).map(move |three| (two, three)));
        let place = |(two, three): (u128, u128)| {
            let id = one << 8 | two << 4 | three;
            TeamPlace {
                organization,
                department: DepartmentId::from_u128(one << 4 | two),
                team: TeamId::from_u128(id),
                members: (1..=MEMBERS).map(|four| MemberId::from_u128(id << 4 | four)).collect(),
            }
        };
        Tree { organization, departments: departments.collect(), teams: teams.map(place).collect() }
    };
    (1..=ORGANIZATIONS).map(tree).collect()
}

/// A secret that was never used before, as actors know it.
pub(crate) fn secret(world: &World) -> KeyHash {
    let text = format!("{:064x}", world.id());
    // 64 hexadecimal digits are a hash.
    text.parse().unwrap_or_else(|_| unreachable!("{text} is 64 digits"))
}

/// An order for an organization's actor, known by a fresh key.
pub(crate) fn order(world: &World, act: Act) -> Order {
    Order {
        who: Principal::Operator,
        idempotency: Some(idempotency(world)),
        if_match: None,
        by: Default::default(),
        act,
    }
}

/// An order for a team's actor, known by a fresh key.
pub(crate) fn team_order(world: &World, act: TeamAct) -> TeamOrder {
    TeamOrder {
        who: Principal::Operator,
        idempotency: Some(idempotency(world)),
        if_match: None,
        by: Default::default(),
        act,
    }
}

fn idempotency(world: &World) -> Idempotency {
    Idempotency { key: format!("order-{}", world.id()), fingerprint: "first".to_owned() }
}

/// Makes the world, one command after the other.
pub(crate) async fn set_up(world: Rc<World>) {
    for tree in &world.trees {
        let organization = tree.organization;
        let time_zone = world.pick(&["UTC", "Europe/Berlin", "America/New_York"]).unwrap_or("UTC").to_owned();
        let general = General { time_zone, approval_chains: chains(), ..General::default() };
        let hint = String::new();
        let admin_key =
            NewAdminKey { id: AdminKeyId::from_u128(1), name: "first".to_owned(), hash: secret(&world), hint };
        let open = Open { organization, name: format!("{organization}"), general, admin_key };
        let _ = world.ask_organization(organization, Command::Open(open)).await;
        let prices = overrides(&mut world.random.borrow_mut());
        manage(&world, organization, Act::PutOverrides { overrides: prices }).await;
        issue(&world, organization).await;
        for department in &tree.departments {
            let name = department.to_string();
            manage(&world, organization, Act::CreateDepartment { id: *department, name }).await;
            allot(&world, organization, Account::Treasury, Account::Department(*department), 300_000_000).await;
        }
        for place in &tree.teams {
            make_team(&world, place).await;
        }
        for (member, role, on) in officers(tree) {
            manage(&world, organization, grant(&world, member, role, on)).await;
        }
        for (name, above, up_to) in APPROVED {
            let id = PolicyId::from_u128(world.id());
            let source = PolicySource::Cedar(format!(
                "@needs_approval(\"{name}\")\nforbid (principal, action == Action::\"transfer\", resource)\n\
                 when {{ context has millicredits && context.millicredits > {above} && context.millicredits <= {up_to} }}\n\
                 unless {{ context.approved }};"
            ));
            let name = (*name).to_owned();
            let put = PutPolicy { id, new: true, expected_version: None, name, source, mode: Mode::Enforce };
            manage(&world, organization, Act::PutPolicy(put)).await;
        }
    }
}

async fn make_team(world: &World, place: &TeamPlace) {
    let organization = place.organization;
    let team = team_profile(world, place);
    manage(world, organization, Act::CreateTeam(team)).await;
    for member in &place.members {
        let member = member_profile(*member, MemberStatus::Active, None);
        manage(world, organization, Act::CreateMember { team: place.team, member, email: None }).await;
    }
    allot(world, organization, Account::Department(place.department), Account::Team(place.team), 60_000_000).await;
    for member in &place.members {
        for _ in 0..KEYS {
            let act = TeamAct::CreateKey(new_key(world, *member));
            let _ = world.ask_team(place.team, TeamCommand::Order(Box::new(team_order(world, act)))).await;
        }
    }
}

/// A team as it shall be: half of them with a standing order.
pub(crate) fn team_profile(world: &World, place: &TeamPlace) -> NewTeam {
    let on_demand = world.percent(50).then(|| OnDemand {
        chunk: Millicredits::new(world.between(1_000_000, 20_000_000)),
        low_water: Millicredits::new(world.between(0, 5_000_000)),
        monthly_cap: world.percent(70).then(|| Millicredits::new(world.between(0, 400_000_000))),
    });
    NewTeam {
        id: place.team,
        department: place.department,
        name: place.team.to_string(),
        on_demand,
        pool_draw: if world.percent(85) { PoolDraw::Automatic } else { PoolDraw::Off },
        pool_rules: world.percent(40).then(|| pool_rules(world)),
        models: world.percent(5).then(|| vec!["demo-*".to_owned()]),
        addresses: None,
    }
}

/// Now what hardly binds, now what binds most calls.
fn pool_rules(world: &World) -> PoolRules {
    PoolRules {
        window: world.pick(&Window::ALL).unwrap_or(Window::Day),
        each: world.percent(70).then(|| Millicredits::new(world.between(0, 20_000_000))),
        floor: Millicredits::new(if world.percent(50) { world.between(0, 20_000_000) } else { 0 }),
    }
}

pub(crate) fn member_profile(member: MemberId, status: MemberStatus, models: Option<Vec<String>>) -> MemberProfile {
    MemberProfile { version: 0, member, name: member.to_string(), status, models, keeps_credits: false }
}

pub(crate) fn new_key(world: &World, member: MemberId) -> NewKey {
    NewKey {
        key: KeyId::from_u128(world.id()),
        member,
        name: "key".to_owned(),
        hash: secret(world),
        hint: String::new(),
        expires_ms: world.percent(10).then(|| world.now() + world.between(1000, 86_400_000)),
        models: world.percent(5).then(|| vec!["demo-small".to_owned(), "own*".to_owned()]),
        addresses: world.percent(5).then(|| identity::Networks::parse(&["192.0.2.0/24"]).unwrap_or_default()),
    }
}

async fn issue(world: &World, organization: OrganizationId) {
    let transfer = TransferId::from_u128(world.id());
    let amount = Millicredits::new(2_000_000_000);
    manage(world, organization, Act::Issue { transfer, amount, note: None }).await;
}

async fn allot(world: &World, organization: OrganizationId, from: Account, to: Account, millicredits: i64) {
    let (transfer, amount) = (TransferId::from_u128(world.id()), Millicredits::new(millicredits));
    manage(world, organization, Act::Allot { transfer, from, to, amount, note: None }).await;
}

async fn manage(world: &World, organization: OrganizationId, act: Act) {
    let _ = world.ask_organization(organization, Command::Order(Box::new(order(world, act)))).await;
}
