//! Deciding, from outside.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

use identity::{DepartmentId, GrantId, MemberId, OrganizationId, Principal, TeamId};
use policy::{
    Action, Column, Decision, Engine, Facts, Grant, Grantee, Mode, Node, PolicyError, Question, Resource, Role, Rule,
    Shadow, Verdict, Who,
};

const ORGANIZATION: Node = Node::Organization(OrganizationId::from_u128(1));
const RESEARCH: Node = Node::Department(DepartmentId::from_u128(1));
const SALES: Node = Node::Department(DepartmentId::from_u128(2));
const VISION: Node = Node::Team(TeamId::from_u128(1));
const NOW: i64 = 1_795_000_000_000;

/// Somebody in the team Vision of the department Research.
fn ada() -> Who {
    Who::Member { id: MemberId::from_u128(1), path: vec![ORGANIZATION, RESEARCH, VISION] }
}

fn grant(role: Role, on: Node) -> Grant {
    Grant {
        id: GrantId::from_u128(7),
        to: Grantee::Member(MemberId::from_u128(1)),
        role,
        on,
        until_ms: None,
        only: None,
        lender: None,
        by: Principal::System,
        by_groups: false,
        created_ms: 0,
    }
}

fn rule(text: &str, mode: Mode) -> Rule {
    Rule { id: "pol".to_owned(), text: text.to_owned(), mode }
}

fn enforced(text: &str) -> Engine {
    Engine::new(&[rule(text, Mode::Enforce)]).unwrap()
}

#[derive(Debug)]
struct Case<'a> {
    who: Who,
    grants: Vec<Grant>,
    action: Action,
    resource: Resource,
    path: &'a [Node],
    facts: Facts,
}

impl Case<'_> {
    fn on(action: Action, path: &[Node]) -> Case<'_> {
        let resource = Resource::Node(*path.last().unwrap());
        Case { who: ada(), grants: Vec::new(), action, resource, path, facts: Facts::default() }
    }

    fn decide(&self, engine: &Engine) -> Decision {
        let grants: Vec<&Grant> = self.grants.iter().collect();
        engine.decide(&Question {
            who: self.who.clone(),
            grants: &grants,
            action: self.action,
            resource: &self.resource,
            path: self.path,
            now_ms: NOW,
            facts: self.facts.clone(),
        })
    }
}

#[test]
fn the_built_in_policies_fit_the_schema() {
    rule(include_str!("../src/roles.cedar"), Mode::Enforce).check().unwrap();
}

#[test]
fn every_action_belongs_to_the_schema_and_has_a_name_of_its_own() {
    let schema = policy::schema_text();
    for action in Action::ALL {
        assert_eq!(schema.matches(&format!("\naction {action} in")).count(), 1, "{action}");
        assert_eq!(action.as_str().parse::<Action>().unwrap(), *action);
    }
    insta::assert_snapshot!("schema", schema);
}

/// Every role and every action. A change here is a change of who may do what:
/// look at each line of it.
#[test]
fn the_matrix_is_pinned() {
    let engine = Engine::new(&[]).unwrap();
    let columns = Column::all();
    let head: Vec<&str> = columns.iter().map(|column| column.as_str()).collect();
    let mut table = format!("{:24} {}\n", "", head.join("  "));
    for action in Action::ALL {
        let cells = columns.iter().map(|column| {
            let mark = if policy::allowed(&engine, *column, *action, NOW) { "yes" } else { "-" };
            format!("{mark:width$}", width = column.as_str().len())
        });
        let line = format!("{:24} {}", action.as_str(), cells.collect::<Vec<_>>().join("  "));
        table.push_str(line.trim_end());
        table.push('\n');
    }
    insta::assert_snapshot!("matrix", table);
}

#[test]
fn a_role_holds_on_its_node_and_below_and_nowhere_else() {
    let engine = Engine::new(&[]).unwrap();
    for (on, path, expected) in [
        (ORGANIZATION, &[ORGANIZATION, RESEARCH, VISION][..], true),
        (RESEARCH, &[ORGANIZATION, RESEARCH, VISION], true),
        (RESEARCH, &[ORGANIZATION, RESEARCH], true),
        (VISION, &[ORGANIZATION, RESEARCH, VISION], true),
        (VISION, &[ORGANIZATION, RESEARCH], false),
        (RESEARCH, &[ORGANIZATION], false),
        (SALES, &[ORGANIZATION, RESEARCH, VISION], false),
        (RESEARCH, &[ORGANIZATION, SALES], false),
    ] {
        let case = Case { grants: vec![grant(Role::DepartmentManager, on)], ..Case::on(Action::CreateLimit, path) };
        let decision = case.decide(&engine);
        assert_eq!(decision.allowed, expected, "{on} {path:?}");
        let determining: &[&str] = if expected { &["role.department_manager"] } else { &[] };
        assert_eq!(decision.policies, determining);
    }
}

#[test]
fn members_have_their_own_and_only_that() {
    let engine = Engine::new(&[]).unwrap();
    let path = [ORGANIZATION, RESEARCH, VISION];
    let (me, other) = (MemberId::from_u128(1), MemberId::from_u128(2));
    let key = |owner| Resource::Key { id: identity::KeyId::from_u128(1), owner };
    for (action, resource, expected) in [
        (Action::CreateKey, Resource::Member(me), true),
        (Action::CreateKey, Resource::Member(other), false),
        (Action::RevokeKey, key(me), true),
        (Action::RevokeKey, key(other), false),
        (Action::Transfer, Resource::Wallet(me), true),
        (Action::Transfer, Resource::Wallet(other), false),
        (Action::Draw, Resource::Pool(TeamId::from_u128(1)), true),
        (Action::Draw, Resource::Pool(TeamId::from_u128(2)), false),
        (Action::GetTeam, Resource::Node(VISION), true),
        (Action::ListMembers, Resource::Node(VISION), false),
    ] {
        let path = match &resource {
            Resource::Pool(team) => vec![ORGANIZATION, RESEARCH, Node::Team(*team)],
            _ => path.to_vec(),
        };
        let case = Case { resource: resource.clone(), ..Case::on(action, &path) };
        assert_eq!(case.decide(&engine).allowed, expected, "{action} {resource:?}");
    }
}

#[test]
fn a_lent_role_ends_and_may_be_narrower() {
    let engine = Engine::new(&[]).unwrap();
    let path = [ORGANIZATION, RESEARCH, VISION];
    for (until_ms, only, expected) in [
        (Some(NOW + 1), None, true),
        (Some(NOW), None, false),
        (Some(NOW + 1), Some(vec![Action::CreateLimit]), true),
        (Some(NOW + 1), Some(vec![Action::Allot]), false),
        (None, Some(vec![Action::Allot]), false),
    ] {
        let lent = Grant { until_ms, only, ..grant(Role::TeamManager, VISION) };
        let case = Case { grants: vec![lent.clone()], ..Case::on(Action::CreateLimit, &path) };
        let decision = case.decide(&engine);
        assert_eq!(decision.allowed, expected);
        let determining = if expected { vec!["role.team_manager".to_owned(), lent.id.to_string()] } else { vec![] };
        assert_eq!(decision.policies, determining);
    }
}

#[test]
fn policies_of_the_organization_forbid_and_permit() {
    let path = [ORGANIZATION, RESEARCH, VISION];
    let no_limits = r#"forbid (principal, action == Action::"create_limit", resource);"#;
    let manager = Case { grants: vec![grant(Role::TeamManager, VISION)], ..Case::on(Action::CreateLimit, &path) };
    let refused = manager.decide(&enforced(no_limits));
    assert_eq!((refused.allowed, refused.policies), (false, vec!["pol".to_owned()]));

    let all_may =
        r#"permit (principal is Member, action == Action::"list_members", resource) when { principal in resource };"#;
    let anybody = Case::on(Action::ListMembers, &path);
    assert!(!anybody.decide(&Engine::new(&[]).unwrap()).allowed);
    assert!(anybody.decide(&enforced(all_may)).allowed);
    // The operator is not bound.
    let operator = Case { who: Who::Operator, ..Case::on(Action::CreateLimit, &path) };
    assert!(operator.decide(&enforced("forbid (principal, action, resource);")).allowed);
}

#[test]
fn no_policy_opens_what_is_the_operators() {
    let engine = enforced("permit (principal, action, resource);");
    for action in Action::ALL.iter().filter(|action| action.area() == policy::Area::Operate) {
        let path = [ORGANIZATION];
        let admin = Case { grants: vec![grant(Role::OrganizationAdmin, ORGANIZATION)], ..Case::on(*action, &path) };
        assert!(!admin.decide(&engine).allowed, "{action}");
        let key = Case { who: Who::AdminKey(identity::AdminKeyId::from_u128(1)), ..Case::on(*action, &path) };
        assert!(!key.decide(&engine).allowed, "{action}");
        let operator = Case { who: Who::Operator, ..Case::on(*action, &path) };
        assert!(operator.decide(&engine).allowed, "{action}");
    }
}

#[test]
fn time_is_what_cedar_says_it_is() {
    let path = [ORGANIZATION, RESEARCH, VISION];
    let manager = Case { grants: vec![grant(Role::TeamManager, VISION)], ..Case::on(Action::CreateLimit, &path) };
    // 1,795,000,000 s after 1970.
    for (text, expected) in [
        ("2026-11-18T11:06:39Z", false),
        ("2026-11-18T11:06:40Z", true),
        ("2026-11-18T11:06:41Z", true),
        ("2027-01-01", true),
    ] {
        let text = format!(
            r#"forbid (principal, action == Action::"create_limit", resource) when {{ context.now > datetime("{text}") }};"#
        );
        assert_eq!(manager.decide(&enforced(&text)).allowed, expected, "{text}");
    }
}

#[test]
fn a_policy_that_fails_closes() {
    let path = [ORGANIZATION, RESEARCH, VISION];
    let manager = Case { grants: vec![grant(Role::TeamManager, VISION)], ..Case::on(Action::CreateLimit, &path) };
    // It would overflow: Cedar itself skips it.
    let text = r#"forbid (principal, action, resource) when { 9223372036854775807 + 1 == 0 };"#;
    let decision = manager.decide(&enforced(text));
    assert!(!decision.allowed);
    assert_eq!(decision.errors.len(), 1);
}

#[test]
fn approval_opens_what_nothing_else_forbids() {
    let path = [ORGANIZATION, RESEARCH, VISION];
    let me = MemberId::from_u128(1);
    let limit = r#"
        @needs_approval("department_manager")
        @notify("finance")
        forbid (principal, action == Action::"transfer", resource)
        when { context has millicredits && context.millicredits > 1000000 }
        unless { context.approved };
    "#;
    rule(limit, Mode::Enforce).check().unwrap();
    let friday = r#"forbid (principal, action == Action::"transfer", resource) when { context.approved };"#;
    let transfer = |owner, millicredits, approved| {
        let facts = Facts { millicredits: Some(millicredits), approved, ..Facts::default() };
        Case { resource: Resource::Wallet(owner), facts, ..Case::on(Action::Transfer, &path) }
    };
    let chain = vec!["department_manager".to_owned()];
    for (case, more, allowed, approvals) in [
        (transfer(me, 1_000_000, false), "", true, vec![]),
        (transfer(me, 1_000_001, false), "", false, chain.clone()),
        (transfer(me, 1_000_001, true), "", true, vec![]),
        // It is not theirs: approval does not help.
        (transfer(MemberId::from_u128(2), 1_000_001, false), "", false, vec![]),
        (transfer(me, 1_000_001, false), friday, false, vec![]),
    ] {
        let decision = case.decide(&enforced(&format!("{limit}{more}")));
        assert_eq!((decision.allowed, decision.approvals), (allowed, approvals), "{case:?}");
        if case.facts.millicredits > Some(1_000_000) && !case.facts.approved {
            assert_eq!(decision.notify, ["finance"]);
        }
    }
    let permits = r#"@needs_approval("x") permit (principal, action == Action::"transfer", resource);"#;
    assert_eq!(rule(permits, Mode::Enforce).check(), Err(PolicyError::Approval));
}

#[test]
fn a_rule_knows_what_it_concerns() {
    for (text, expected) in [
        ("forbid (principal, action, resource);", true),
        (r#"forbid (principal, action == Action::"use_model", resource);"#, true),
        (r#"forbid (principal, action in Action::"call", resource);"#, true),
        (r#"forbid (principal, action in [Action::"allot", Action::"use_model"], resource);"#, true),
        (r#"forbid (principal, action == Action::"allot", resource);"#, false),
        (r#"forbid (principal, action in Action::"share", resource);"#, false),
    ] {
        assert_eq!(rule(text, Mode::Enforce).concerns(Action::UseModel), expected, "{text}");
    }
}

#[test]
fn shadows_do_not_decide_and_what_they_would_decide_is_known() {
    let path = [ORGANIZATION, RESEARCH, VISION];
    let manager = Case { grants: vec![grant(Role::TeamManager, VISION)], ..Case::on(Action::CreateLimit, &path) };
    let stranger = Case::on(Action::CreateLimit, &path);
    let operator = Case { who: Who::Operator, ..Case::on(Action::CreateLimit, &path) };
    let forbids = r#"forbid (principal, action == Action::"create_limit", resource);"#;
    let asks = r#"@needs_approval("finance") forbid (principal, action, resource) unless { context.approved };"#;
    let permits = r#"permit (principal, action == Action::"create_limit", resource);"#;
    let elsewhere = r#"forbid (principal, action == Action::"change_limit", resource);"#;
    let fails = r#"forbid (principal, action, resource) when { 9223372036854775807 + 1 == 0 };"#;
    let watched = |decision, differs, policies: &[&str]| {
        let policies = policies.iter().map(|name| (*name).to_owned()).collect();
        Some(Shadow { decision, differs, policies })
    };
    for (case, text, allowed, expected) in [
        (&manager, forbids, true, watched(Verdict::Forbidden, true, &["pol"])),
        (&manager, asks, true, watched(Verdict::ApprovalRequired, true, &["pol"])),
        (&manager, permits, true, watched(Verdict::Allowed, false, &["pol", "role.team_manager"])),
        (&manager, fails, true, watched(Verdict::Forbidden, true, &["pol", "role.team_manager"])),
        (&manager, elsewhere, true, None),
        (&stranger, permits, false, watched(Verdict::Allowed, true, &["pol"])),
        (&stranger, forbids, false, watched(Verdict::Forbidden, false, &["pol"])),
        (&operator, forbids, true, None),
    ] {
        let decision = case.decide(&Engine::new(&[rule(text, Mode::Shadow)]).unwrap());
        assert_eq!((decision.allowed, decision.watched), (allowed, expected), "{text}");
    }
}

#[test]
fn a_policy_is_checked_when_it_is_written() {
    let check = |text: &str| rule(text, Mode::Enforce).check();
    assert!(
        check(r#"permit (principal, action == Action::"allot", resource) when { context.millicredits < 5 };"#).is_err()
    );
    for (text, expected) in [
        ("permit (principal, action, resource", "cannot be read"),
        ("", "there is no policy"),
        (r#"permit (principal, action == Action::"fly", resource);"#, "schema"),
        (r#"permit (principal is Robot, action, resource);"#, "schema"),
        (r#"permit (principal, action, resource) when { resource.color == "red" };"#, "schema"),
        (r#"permit (principal == ?principal, action, resource);"#, "templates"),
        (r#"@notify("ada@acme.example") permit (principal, action, resource);"#, "not `ada@acme.example`"),
        (r#"@notify("") permit (principal, action, resource);"#, "@notify"),
        (r#"@notify permit (principal, action, resource);"#, "@notify"),
        (r#"@needs_aproval("x") permit (principal, action, resource);"#, "@needs_aproval"),
    ] {
        let error = check(text).unwrap_err().to_string();
        assert!(error.contains(expected), "{text}: {error}");
    }
    let long = format!("// {}\npermit (principal, action, resource);", "x".repeat(policy::LONGEST_TEXT));
    assert!(matches!(check(&long), Err(PolicyError::TooMuch(_))));
    let many: Vec<Rule> = (0..=policy::MOST_RULES)
        .map(|n| Rule { id: n.to_string(), ..rule("permit (principal, action, resource);", Mode::Enforce) })
        .collect();
    assert!(matches!(Engine::new(&many), Err(PolicyError::TooMuch(_))));
}

#[test]
fn several_policies_in_one_text_are_told_apart() {
    let text = r#"
        forbid (principal, action == Action::"change_limit", resource);
        forbid (principal, action == Action::"create_limit", resource);
    "#;
    let path = [ORGANIZATION, RESEARCH, VISION];
    let manager = Case { grants: vec![grant(Role::TeamManager, VISION)], ..Case::on(Action::CreateLimit, &path) };
    assert_eq!(manager.decide(&enforced(text)).policies, ["pol.2"]);
}
