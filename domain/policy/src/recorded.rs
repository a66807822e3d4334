//! Questions as they are kept, so that they can be asked again of other
//! policies.

use identity::{GrantId, MemberId, Principal};
use serde::{Deserialize, Serialize};

use crate::{Action, Decision, Engine, Facts, Grant, Grantee, Node, Question, Resource, Role, Who};

/// More roles than that are not kept: the question cannot be asked again.
const MOST_ROLES: usize = 40;

/// A question with everything that policies saw. Its JSON form stands in the
/// details of audit records, for years; it is pinned by a test.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recorded {
    /// Who wanted it.
    pub who: Who,
    /// Which roles they had for this, and where: as it was then.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub roles: Vec<(Role, Node)>,
    /// To do what.
    pub action: Action,
    /// To what.
    pub resource: Resource,
    /// Where that was.
    pub path: Vec<Node>,
    /// When, in milliseconds since 1970.
    pub now_ms: i64,
    /// What else was known.
    pub facts: Facts,
}

impl Recorded {
    /// The question, to be kept; `None` where it is too large for that.
    #[must_use]
    pub fn new(question: &Question<'_>) -> Option<Self> {
        let held = question.grants.iter().filter(|grant| grant.holds(question.action, question.now_ms));
        let mut roles: Vec<(Role, Node)> = held.map(|grant| (grant.role, grant.on)).collect();
        roles.sort_unstable();
        roles.dedup();
        (roles.len() <= MOST_ROLES).then(|| Self {
            who: question.who.clone(),
            roles,
            action: question.action,
            resource: question.resource.clone(),
            path: question.path.to_vec(),
            now_ms: question.now_ms,
            facts: question.facts.clone(),
        })
    }

    /// What these policies decide about it. What was kept before reports were
    /// resources names what the report is about.
    #[must_use]
    pub fn ask(&self, engine: &Engine) -> Decision {
        let grants: Vec<Grant> = self.roles.iter().map(|(role, on)| held(*role, *on)).collect();
        let grants: Vec<&Grant> = grants.iter().collect();
        engine.decide(&Question {
            who: self.who.clone(),
            grants: &grants,
            action: self.action,
            resource: &self.resource.clone().meant_by(self.action),
            path: &self.path,
            now_ms: self.now_ms,
            facts: self.facts.clone(),
        })
    }
}

/// A role that somebody had: whoever asks says who it was.
fn held(role: Role, on: Node) -> Grant {
    Grant {
        id: GrantId::from_u128(0),
        to: Grantee::Member(MemberId::from_u128(0)),
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Mode, Rule};
    use identity::{DepartmentId, OrganizationId, ServiceAccountId, TeamId};

    const ORGANIZATION: Node = Node::Organization(OrganizationId::from_u128(1));
    const DEPARTMENT: Node = Node::Department(DepartmentId::from_u128(1));

    fn question<'a>(grants: &'a [&'a Grant], resource: &'a Resource, path: &'a [Node]) -> Question<'a> {
        Question {
            who: Who::Service { id: ServiceAccountId::from_u128(1), path: vec![ORGANIZATION] },
            grants,
            action: Action::Allot,
            resource,
            path,
            now_ms: 1_700_000_000_000,
            facts: Facts { millicredits: Some(i64::MAX), to_node: Some(DEPARTMENT), ..Facts::default() },
        }
    }

    #[test]
    fn the_form_is_pinned() {
        let grant = held(Role::Finance, ORGANIZATION);
        let grants = [&grant, &grant];
        let resource = Resource::Node(DEPARTMENT);
        let path = [ORGANIZATION, DEPARTMENT];
        let recorded = Recorded::new(&question(&grants, &resource, &path)).unwrap();
        insta::assert_snapshot!(serde_json::to_string(&recorded).unwrap(), @r#"{"who":{"service":{"id":"svc_00000000000000000000000001","path":["org_00000000000000000000000001"]}},"roles":[["finance","org_00000000000000000000000001"]],"action":"allot","resource":{"node":"dep_00000000000000000000000001"},"path":["org_00000000000000000000000001","dep_00000000000000000000000001"],"now_ms":1700000000000,"facts":{"approved":false,"millicredits":9223372036854775807,"to_node":"dep_00000000000000000000000001"}}"#);
        let value = serde_json::to_value(&recorded).unwrap();
        assert_eq!(serde_json::from_value::<Recorded>(value.clone()).unwrap(), recorded);
        // As the audit trail has it, where large numbers are texts.
        let mut text = value;
        text["facts"]["millicredits"] = i64::MAX.to_string().into();
        assert_eq!(serde_json::from_value::<Recorded>(text.clone()).unwrap(), recorded);
        text["facts"]["millicredits"] = "much".into();
        assert!(serde_json::from_value::<Recorded>(text).is_err());
    }

    #[test]
    fn what_is_asked_again_is_decided_alike() {
        let resource = Resource::Node(DEPARTMENT);
        let path = [ORGANIZATION, DEPARTMENT];
        let much =
            "forbid (principal, action, resource) when { context has millicredits && context.millicredits > 5 };";
        let rule = Rule { id: "pol".into(), text: much.into(), mode: Mode::Enforce };
        let engines = [Engine::new(&[]).unwrap(), Engine::new(&[rule]).unwrap()];
        let own = held(Role::Finance, ORGANIZATION);
        let over = Grant { until_ms: Some(1), ..own.clone() };
        for (grant, expected) in [(&own, [true, false]), (&over, [false, false])] {
            let grants = [grant];
            let question = question(&grants, &resource, &path);
            let recorded = Recorded::new(&question).unwrap();
            for (engine, expected) in engines.iter().zip(expected) {
                let decision = recorded.ask(engine);
                assert_eq!((decision.allowed, &decision), (expected, &engine.decide(&question)));
            }
        }
        let many: Vec<Grant> = (0..=MOST_ROLES)
            .map(|n| held(Role::TeamManager, Node::Team(TeamId::from_u128(n.try_into().unwrap()))))
            .collect();
        let many: Vec<&Grant> = many.iter().collect();
        assert_eq!(Recorded::new(&question(&many, &resource, &path)), None);
    }
}
