//! An organization with a department and a team, for tests of its money.
#![allow(dead_code, reason = "not every test needs all of it")]

use events::OnDemand;
use identity::{AdminKeyId, ApiKey, DepartmentId, OrganizationId, Principal, TeamId, TransferId};
use ledger::{Account, Millicredits};
use organization::protocol::{Act, NewAdminKey, NewTeam, Open, Order, OrderError, Reply};
use organization::{General, Organization};
use storage::NativeStorage;

pub(crate) const NOW: i64 = 1_800_000_000_000;
pub(crate) const ORGANIZATION: OrganizationId = OrganizationId::from_u128(1);
pub(crate) const DEPARTMENT: DepartmentId = DepartmentId::from_u128(2);
pub(crate) const TEAM: TeamId = TeamId::from_u128(3);

pub(crate) fn credits(credits: i64) -> Millicredits {
    Millicredits::from_credits(credits).unwrap()
}

pub(crate) fn order(organization: &mut Organization<NativeStorage>, act: Act) -> Result<Reply, OrderError> {
    organization
        .order(NOW, &Order { who: Principal::Operator, idempotency: None, if_match: None, by: Default::default(), act })
}

pub(crate) fn allot(from: Account, to: Account, amount: i64) -> Act {
    Act::Allot { transfer: TransferId::from_u128(9), from, to, amount: credits(amount), note: None }
}

/// An organization with 1000 credits, 300 of them in its department, whose
/// team has a standing order for 50 at a time and 120 a month.
pub(crate) fn organization() -> Organization<NativeStorage> {
    let mut organization = Organization::create(NativeStorage::in_memory().unwrap(), ORGANIZATION).unwrap();
    let key = ApiKey::parse(&ApiKey::mint(ORGANIZATION, TEAM, 1)).unwrap().hash;
    let admin_key = NewAdminKey { id: AdminKeyId::from_u128(1), name: "first".into(), hash: key, hint: "…".into() };
    let open = Open { organization: ORGANIZATION, name: "Acme".into(), general: General::default(), admin_key };
    organization.open(NOW, &open).unwrap();
    organization.open(NOW, &open).unwrap();
    let on_demand = OnDemand { chunk: credits(50), low_water: credits(10), monthly_cap: Some(credits(120)) };
    for act in [
        Act::Issue { transfer: TransferId::from_u128(8), amount: credits(1000), note: None },
        Act::CreateDepartment { id: DEPARTMENT, name: "Research".into() },
        allot(Account::Treasury, Account::Department(DEPARTMENT), 300),
        Act::CreateTeam(NewTeam {
            id: TEAM,
            department: DEPARTMENT,
            name: "Compilers".into(),
            on_demand: Some(on_demand),
            pool_draw: events::PoolDraw::Automatic,
            pool_rules: None,
            models: None,
            addresses: None,
        }),
    ] {
        order(&mut organization, act).unwrap();
    }
    organization
}

pub(crate) fn balance(organization: &Organization<NativeStorage>, account: Account) -> i64 {
    organization.journal().balance(account).get() / 1000
}
