//! A small organization for tests.

use events::{MemberProfile, MemberStatus, PoolDraw, TeamProfile};
use identity::{DepartmentId, MemberId, OrganizationId, TeamId};
use ledger::Millicredits;
use organization::General;
use organization::protocol::{DepartmentView, Directory, MemberRecord, TeamView};

/// The organization 1 with two departments, 1 and 2, each with the team and
/// the member of the same number.
pub(crate) fn directory() -> Directory {
    let organization = OrganizationId::from_u128(1);
    let department = |n| DepartmentView {
        id: DepartmentId::from_u128(n),
        name: format!("Department {n}"),
        balance: Millicredits::new(1000),
    };
    let team = |n| TeamView {
        profile: TeamProfile {
            version: 1,
            organization,
            department: DepartmentId::from_u128(n),
            team: TeamId::from_u128(n),
            name: format!("Team {n}"),
            time_zone: "UTC".to_owned(),
            settings_version: 1,
            on_demand: None,
            pool_rules: None,
            pool_draw: PoolDraw::Automatic,
            models: None,
            addresses: None,
            organization_addresses: None,
        },
        allotted: Millicredits::ZERO,
    };
    let member = |n| MemberRecord {
        team: TeamId::from_u128(n),
        profile: MemberProfile {
            version: 1,
            member: MemberId::from_u128(n),
            name: format!("Member {n}"),
            status: MemberStatus::Active,
            models: None,
            keeps_credits: false,
        },
        email: None,
        link: None,
        erased_ms: None,
    };
    Directory {
        organization,
        name: "Example".to_owned(),
        settings_version: 1,
        general: General::default(),
        issued: Millicredits::new(5000),
        treasury: Millicredits::new(3000),
        departments: vec![department(1), department(2)],
        teams: vec![team(1), team(2)],
        members: vec![member(1), member(2)],
        admin_keys: Vec::new(),
        sequence: 0,
        outbox: 0,
    }
}
