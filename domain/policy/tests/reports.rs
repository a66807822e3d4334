//! Reports, and policies from before there was a type for them.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

use identity::{DepartmentId, GrantId, MemberId, OrganizationId, Principal, TeamId};
use policy::{About, Action, Decision, Engine, Facts, Grant, Grantee, Mode, Node, Question, Recorded, Resource, Role};
use policy::{Rule, Who};

const ORGANIZATION: Node = Node::Organization(OrganizationId::from_u128(1));
const RESEARCH: Node = Node::Department(DepartmentId::from_u128(1));
const VISION: Node = Node::Team(TeamId::from_u128(1));
const PATH: [Node; 3] = [ORGANIZATION, RESEARCH, VISION];
const ADA: MemberId = MemberId::from_u128(1);
const BOB: MemberId = MemberId::from_u128(2);

fn auditor(on: Node) -> Grant {
    Grant {
        id: GrantId::from_u128(7),
        to: Grantee::Member(ADA),
        role: Role::Auditor,
        on,
        until_ms: None,
        only: None,
        lender: None,
        by: Principal::System,
        by_groups: false,
        created_ms: 0,
    }
}

fn question<'a>(action: Action, resource: &'a Resource, grants: &'a [&'a Grant]) -> Question<'a> {
    let place = match resource {
        Resource::Report(About::Node(node)) | Resource::Node(node) => PATH.iter().position(|other| other == node),
        _ => None,
    };
    let path = &PATH[..=place.unwrap_or(2)];
    let who = Who::Member { id: ADA, path: PATH.to_vec() };
    Question { who, grants, action, resource, path, now_ms: 0, facts: Facts::default() }
}

fn engine(texts: &[&str]) -> Engine {
    let rule = |(place, text): (usize, &&str)| {
        let rule = Rule { id: format!("pol{place}"), text: (*text).to_owned(), mode: Mode::Enforce };
        rule.check().unwrap();
        rule
    };
    Engine::new(&texts.iter().enumerate().map(rule).collect::<Vec<_>>()).unwrap()
}

/// What policies say of Ada, who has a role on her department, or none.
fn decide(texts: &[&str], action: Action, about: About, has_role: bool) -> Decision {
    let grant = auditor(RESEARCH);
    let grants: &[&Grant] = if has_role { &[&grant] } else { &[] };
    engine(texts).decide(&question(action, &Resource::Report(about), grants))
}

#[test]
fn a_role_on_a_node_holds_for_the_reports_below_it() {
    for (about, has_role, expected) in [
        (About::Node(VISION), true, true),
        (About::Node(RESEARCH), true, true),
        (About::Node(ORGANIZATION), true, false),
        (About::Node(VISION), false, false),
        (About::Member(BOB), true, true),
        (About::Member(BOB), false, false),
        // Everybody has their own.
        (About::Member(ADA), false, true),
    ] {
        assert_eq!(decide(&[], Action::GetUsage, about, has_role).allowed, expected, "{about:?}");
    }
    assert!(!decide(&[], Action::ListAudit, About::Member(ADA), false).allowed);
}

/// Each says exactly what it said when the node or the member was the resource.
#[test]
fn policies_that_name_no_reports_mean_what_they_meant() {
    let (team, department) = (About::Node(VISION), About::Node(RESEARCH));
    for (text, about, allowed) in [
        (r#"forbid (principal, action == Action::"get_usage", resource in Node::"team_…1");"#, team, false),
        (r#"forbid (principal, action == Action::"get_usage", resource in Node::"team_…1");"#, department, true),
        (r#"forbid (principal, action == Action::"get_usage", resource == Node::"team_…1");"#, team, false),
        (r#"forbid (principal, action == Action::"get_usage", resource == Node::"team_…1");"#, department, true),
        (r#"forbid (principal, action, resource is Node);"#, team, false),
        (r#"forbid (principal, action, resource is Node);"#, About::Member(BOB), true),
        (r#"forbid (principal, action, resource is Member in Node::"team_…1");"#, About::Member(BOB), false),
        (r#"forbid (principal, action, resource) unless { resource is Node };"#, team, true),
        (r#"forbid (principal, action, resource) unless { resource == Node::"team_…1" };"#, team, true),
        (r#"forbid (principal, action, resource) when { resource is Node && resource.kind == "team" };"#, team, false),
        (r#"@description("a Report") forbid (principal, action, resource is Node); // Report"#, team, false),
    ] {
        let text = text.replace('…', "0000000000000000000000000");
        let decision = decide(&[&text], Action::GetUsage, about, true);
        assert_eq!(decision.allowed, allowed, "{text} {about:?}");
    }
    let own =
        r#"permit (principal, action == Action::"list_requests", resource is Member) when { resource != principal };"#;
    assert!(decide(&[own], Action::ListRequests, About::Member(BOB), false).allowed);
    let of_nodes = r#"permit (principal, action == Action::"list_audit", resource is Node);"#;
    assert_eq!(decide(&[of_nodes], Action::ListAudit, About::Node(VISION), false).policies, ["pol0"]);
}

#[test]
fn policies_that_name_reports_are_asked_about_them() {
    let no_reports = "forbid (principal, action, resource is Report);";
    let decision = decide(&[no_reports], Action::GetUsage, About::Node(VISION), true);
    assert_eq!((decision.allowed, decision.policies), (false, vec!["pol0".to_owned()]));
    // What is no report is not meant.
    let grant = auditor(RESEARCH);
    let list = Resource::Node(VISION);
    assert!(engine(&[no_reports]).decide(&question(Action::ListTeams, &list, &[&grant])).allowed);
    let whose = r#"permit (principal, action == Action::"get_usage", resource is Report)
        when { resource has member && resource.node in Node::"team_00000000000000000000000001" };"#;
    assert!(decide(&[whose], Action::GetUsage, About::Member(BOB), false).allowed);
    assert!(!decide(&[whose], Action::GetUsage, About::Node(VISION), false).allowed);
    let one = r#"forbid (principal, action, resource == Report::"team_00000000000000000000000001");"#;
    assert!(!decide(&[one], Action::ListJournal, About::Node(VISION), true).allowed);
    assert!(decide(&[one], Action::ListJournal, About::Node(RESEARCH), true).allowed);
}

/// Some are asked about the report and some about the node: what any forbids is
/// not allowed, whatever others permit.
#[test]
fn both_decide_together() {
    let permit_old = "permit (principal, action, resource is Node);";
    let permit_new = "permit (principal, action, resource is Report);";
    let forbid_old = "forbid (principal, action, resource is Node);";
    let forbid_new = "forbid (principal, action, resource is Report);";
    let asks =
        r#"@needs_approval("finance") forbid (principal, action, resource is Node) unless { context.approved };"#;
    for (texts, allowed, policies) in [
        (&[permit_old, permit_new][..], true, &["pol0", "pol1"][..]),
        (&[permit_old, forbid_new], false, &["pol1"]),
        (&[permit_new, forbid_old], false, &["pol1"]),
        (&[forbid_old, forbid_new], false, &["pol0", "pol1"]),
    ] {
        let decision = decide(texts, Action::GetUsage, About::Node(VISION), false);
        assert_eq!(
            (decision.allowed, decision.policies),
            (allowed, policies.iter().map(ToString::to_string).collect())
        );
    }
    let waits = decide(&[asks, permit_new], Action::GetUsage, About::Node(VISION), false);
    assert_eq!((waits.allowed, waits.approvals), (false, vec!["finance".to_owned()]));
    let never = decide(&[asks, forbid_new], Action::GetUsage, About::Node(VISION), true);
    assert_eq!((never.allowed, never.approvals), (false, vec![]));
    let fails = "forbid (principal, action, resource is Node) when { 9223372036854775807 + 1 == 0 };";
    let broken = decide(&[permit_new, fails], Action::GetUsage, About::Node(VISION), true);
    assert_eq!((broken.allowed, broken.errors.len()), (false, 1));
}

/// As they stand in audit records from before there was a type for reports.
#[test]
fn questions_from_before_are_asked_as_they_would_be_now() {
    let old = r#"{"who":{"member":{"id":"mem_00000000000000000000000001","path":["org_00000000000000000000000001"]}},
        "action":"get_usage","resource":{"node":"org_00000000000000000000000001"},
        "path":["org_00000000000000000000000001"],"now_ms":0,"facts":{"approved":false}}"#;
    let recorded: Recorded = serde_json::from_str(old).unwrap();
    let policies = |text: &str| recorded.ask(&engine(&[text])).policies;
    assert_eq!(policies("permit (principal, action, resource is Node);"), ["pol0"]);
    assert_eq!(policies("permit (principal, action, resource is Report);"), ["pol0"]);
    let now = Recorded { resource: Resource::Report(About::Node(ORGANIZATION)), ..recorded.clone() };
    assert!(serde_json::to_string(&now).unwrap().contains(r#""resource":{"report":{"node":"org_"#));
    assert_eq!(serde_json::from_str::<Recorded>(&serde_json::to_string(&now).unwrap()).unwrap(), now);
}
