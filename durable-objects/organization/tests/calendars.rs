//! Where it is written when people are away.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test that cannot be set up stops")]

use audit::{Attribution, Salt};
use events::{Lends, MemberProfile, MemberStatus, PoolDraw, Share};
use identity::{AdminKey, AdminKeyId, CalendarId, DepartmentId, MemberId, OrganizationId, Principal, TeamId};
use organization::protocol::{Act, Calendar, Holder, NewAdminKey, NewTeam, Open, Order, OrderError, Reply, Resealed};
use organization::{General, Organization};
use storage::NativeStorage;
use vault::{Sealed, Vault};

const NOW: i64 = 1_800_000_000_000;
const ORGANIZATION: OrganizationId = OrganizationId::from_u128(1);
const OLD: &str = "the master secret before this one";
const NEW: &str = "the master secret that is current";

fn sealed(vault: &Vault, nonce: u8, purpose: &str) -> Sealed {
    vault.seal(purpose, [nonce; 12], &format!("secret of {purpose}")).unwrap()
}

fn order(organization: &mut Organization<NativeStorage>, act: Act) -> Result<Reply, OrderError> {
    let by = Attribution { salt: Some(Salt::from_u128(1)), ..Attribution::default() };
    organization.order(NOW, &Order { who: Principal::Operator, idempotency: None, if_match: None, by, act })
}

fn opened() -> Organization<NativeStorage> {
    let mut organization = Organization::create(NativeStorage::in_memory().unwrap(), ORGANIZATION).unwrap();
    let hash = AdminKey::parse(&AdminKey::mint(ORGANIZATION, 1)).unwrap().hash;
    let admin_key = NewAdminKey { id: AdminKeyId::from_u128(1), name: "first".into(), hash, hint: "…".into() };
    let general = General::default();
    organization.open(NOW, &Open { organization: ORGANIZATION, name: "Acme".into(), general, admin_key }).unwrap();
    organization
}

#[test]
fn what_a_calendar_is_read_with_is_exchanged_and_names_of_people_are_in_no_record() {
    let mut organization = opened();
    let (old, new) = (Vault::new(OLD, None).unwrap(), Vault::new(NEW, None).unwrap());
    let id = CalendarId::from_u128(9);
    let (before, after) = (sealed(&old, 3, "cal"), sealed(&new, 4, "cal"));
    let calendar = Calendar {
        id,
        name: "Who is out".into(),
        enabled: true,
        kind: "bamboohr".into(),
        member: None,
        people: [("Ada L., 4711".to_owned(), MemberId::from_u128(3))].into(),
        lends: Lends { share: Share::All, to: None },
        secret: before.clone(),
    };
    let put = |calendar: &Calendar, new| Act::PutCalendar { calendar: Box::new(calendar.clone()), new };
    let stranger = order(&mut organization, put(&calendar, true));
    assert!(matches!(stranger, Err(OrderError::NotFound { .. })), "{stranger:?}");
    let member = MemberProfile {
        version: 1,
        member: MemberId::from_u128(3),
        name: "Ada".into(),
        status: MemberStatus::Active,
        models: None,
        keeps_credits: false,
    };
    let (department, team) = (DepartmentId::from_u128(1), TeamId::from_u128(2));
    order(&mut organization, Act::CreateDepartment { id: department, name: "Research".into() }).unwrap();
    let new_team = NewTeam {
        id: team,
        department,
        name: "Compilers".into(),
        on_demand: None,
        pool_draw: PoolDraw::Automatic,
        pool_rules: None,
        models: None,
        addresses: None,
    };
    order(&mut organization, Act::CreateTeam(new_team)).unwrap();
    order(&mut organization, Act::CreateMember { team, member: member.clone(), email: None }).unwrap();
    order(&mut organization, put(&calendar, true)).unwrap();
    order(&mut organization, put(&Calendar { enabled: false, ..calendar.clone() }, false)).unwrap();
    let exchange = Act::Reseal {
        secrets: vec![Resealed { holder: Holder::Calendar(id), before: before.clone(), after: after.clone() }],
    };
    order(&mut organization, exchange).unwrap();
    let mut organization = Organization::wake(organization.into_store(), ORGANIZATION).unwrap().ok().unwrap();
    let [kept] = organization.calendars().unwrap().try_into().unwrap();
    assert_eq!((kept.enabled, kept.secret), (false, after.clone()));
    let text = serde_json::to_string(&organization.trail(0, 100).unwrap()).unwrap();
    assert!(text.contains("Who is out") && !text.contains("4711"), "{text}");
    assert!(!text.contains(serde_json::to_string(&before).unwrap().trim_matches('"')), "{text}");

    // Whoever is erased is no longer named.
    let left = MemberProfile { status: MemberStatus::Removed, ..member.clone() };
    order(&mut organization, Act::ChangeMember { member: left, email: None }).unwrap();
    order(&mut organization, Act::EraseMember { member: member.member }).unwrap();
    let mut organization = Organization::wake(organization.into_store(), ORGANIZATION).unwrap().ok().unwrap();
    assert!(organization.calendars().unwrap()[0].people.is_empty());
    order(&mut organization, Act::RemoveCalendar { id }).unwrap();
    assert_eq!(organization.calendars().unwrap(), []);
}
