//! Deciding.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::OnceLock;

use cedar_policy::{
    AuthorizationError, Authorizer, Context, Decision as CedarDecision, Entities, Entity, EntityId, EntityTypeName,
    EntityUid, Policy, PolicyId as CedarId, PolicySet, Request, Response, RestrictedExpression,
};

use crate::policies::Policies;
use crate::question::{About, Question, Resource, Who};
use crate::rule::{MOST_RULES, Mode, NEEDS_APPROVAL, NOTIFY, PolicyError, Rule};
use crate::{Decision, Grant, Kind, Node, Role, Shadow};

/// What the roles may do.
const ROLES: &str = include_str!("roles.cedar");

/// The policies of one organization, parsed.
pub struct Engine {
    authorizer: Authorizer,
    enforced: Policies,
    /// With those in shadow mode; `None` where there are none.
    shadowed: Option<Shadowed>,
}

/// The enforced policies and those in shadow mode.
struct Shadowed {
    all: Policies,
    /// The names of those in shadow mode.
    names: BTreeSet<String>,
}

impl Engine {
    /// Parses the organization's own policies.
    ///
    /// # Errors
    /// [`PolicyError`]: then nothing may be decided.
    pub fn new(rules: &[Rule]) -> Result<Self, PolicyError> {
        if rules.len() > MOST_RULES {
            return Err(PolicyError::TooMuch(format!("an organization can have {MOST_RULES} policies")));
        }
        let mut enforced = built_in()?.clone();
        let mut shadows = Vec::new();
        for rule in rules {
            for policy in rule.policies()? {
                match rule.mode {
                    Mode::Enforce => enforced.add(policy)?,
                    Mode::Shadow => shadows.push(policy),
                }
            }
        }
        let shadowed = match shadows.is_empty() {
            true => None,
            false => {
                let mut all = enforced.clone();
                let names = shadows.iter().map(|policy| policy.id().to_string()).collect();
                for policy in shadows {
                    all.add(policy)?;
                }
                Some(Shadowed { all, names })
            }
        };
        Ok(Self { authorizer: Authorizer::new(), enforced, shadowed })
    }

    /// Decides. What cannot be evaluated is not allowed.
    #[must_use]
    pub fn decide(&self, question: &Question<'_>) -> Decision {
        // An organization cannot bind whoever runs the installation, who would
        // otherwise not be able to help it out of its own policies.
        let is_operator = matches!(question.who, Who::Operator);
        let enforced = if is_operator { built_in().unwrap_or(&self.enforced) } else { &self.enforced };
        let outcome = ask(&self.authorizer, enforced, question);
        let mut decision = outcome.unwrap_or_else(Decision::broken);
        if let Some(shadowed) = self.shadowed.as_ref().filter(|_| !is_operator) {
            let other = ask(&self.authorizer, &shadowed.all, question).unwrap_or_else(Decision::broken);
            let differs = other.verdict() != decision.verdict();
            let had_a_say = other.policies.iter().any(|name| shadowed.names.contains(name));
            decision.watched =
                (differs || had_a_say).then(|| Shadow { decision: other.verdict(), differs, policies: other.policies });
        }
        decision
    }
}

fn ask(authorizer: &Authorizer, policies: &Policies, question: &Question<'_>) -> Result<Decision, String> {
    let mut decision = answer(authorizer, policies, question, question.facts.approved)?;
    if !decision.allowed && !decision.approvals.is_empty() {
        // Approval opens only what nothing else forbids.
        let approved = answer(authorizer, policies, question, true)?;
        if !approved.allowed {
            let needed = std::mem::take(&mut decision.approvals);
            // Nothing forbids it then; but nothing permits it either.
            if approved.policies.is_empty() && approved.errors.is_empty() {
                decision.needed_besides = needed;
            }
        }
    }
    decision.policies.extend(lent(question, &decision.policies));
    Ok(decision)
}

/// What the policies say. About a report those that name the type are asked
/// about the report, and the others about what it is about.
fn answer(
    authorizer: &Authorizer,
    policies: &Policies,
    question: &Question<'_>,
    approved: bool,
) -> Result<Decision, String> {
    let one = |policies: &PolicySet, question: &Question<'_>| {
        let response = authorizer.is_authorized(&request(question, approved)?, policies, &entities(question)?);
        Ok::<_, String>(read(&response, policies))
    };
    let Some(subject) = question.resource.subject() else { return one(policies.all(), question) };
    let decision = one(policies.about_reports(), question)?;
    let Some(others) = policies.about_subjects() else { return Ok(decision) };
    Ok(decision.and(one(others, &Question { resource: &subject, ..question.clone() })?))
}

fn read(response: &Response, policies: &PolicySet) -> Decision {
    let diagnostics = response.diagnostics();
    // Cedar skips a policy that fails, even one that forbids; here it closes.
    let errors: Vec<String> = diagnostics.errors().map(ToString::to_string).collect();
    let annotated = |name: &str| {
        let values = diagnostics.reason().filter_map(|id| policies.annotation(id, name));
        let values: BTreeSet<String> = values.map(str::to_owned).collect();
        values.into_iter().collect::<Vec<_>>()
    };
    let failed = diagnostics.errors().map(|AuthorizationError::PolicyEvaluationError(error)| error.policy_id());
    let mut determining: Vec<String> = diagnostics.reason().chain(failed).map(ToString::to_string).collect();
    determining.sort();
    determining.dedup();
    Decision {
        allowed: response.decision() == CedarDecision::Allow && errors.is_empty(),
        policies: determining,
        approvals: annotated(NEEDS_APPROVAL),
        needed_besides: Vec::new(),
        notify: annotated(NOTIFY),
        errors,
        watched: None,
    }
}

/// The grants that gave a role for a time or for some actions, where that role
/// determined the decision.
fn lent(question: &Question<'_>, policies: &[String]) -> Vec<String> {
    let counts = |grant: &&&Grant| {
        let is_bounded = grant.until_ms.is_some() || grant.only.is_some();
        is_bounded && grant.holds(question.action, question.now_ms)
    };
    let roles = question.grants.iter().filter(counts);
    let determined = |grant: &&&Grant| policies.contains(&format!("role.{}", grant.role));
    roles.filter(determined).map(|grant| grant.id.to_string()).collect()
}

/// The roles' policies, parsed once.
fn built_in() -> Result<&'static Policies, PolicyError> {
    static BUILT_IN: OnceLock<Result<Policies, String>> = OnceLock::new();
    let parsed = BUILT_IN.get_or_init(|| {
        let set: PolicySet = ROLES.parse().map_err(|error: cedar_policy::ParseErrors| error.to_string())?;
        let named = set.policies().map(|policy| {
            let name = policy.annotation("id").ok_or("a built-in policy has no @id")?;
            Ok(policy.new_id(CedarId::new(name)))
        });
        let named: Vec<Policy> = named.collect::<Result<_, &str>>()?;
        PolicySet::from_policies(named).map(Policies::built_in).map_err(|error| error.to_string())
    });
    parsed.as_ref().map_err(|error| PolicyError::Internal(error.clone()))
}

fn request(question: &Question<'_>, approved: bool) -> Result<Request, String> {
    let approved = RestrictedExpression::new_bool(approved);
    let mut context = vec![("now".to_owned(), datetime(question.now_ms)), ("approved".to_owned(), approved)];
    let facts = &question.facts;
    let mut add = |name: &str, value: Option<RestrictedExpression>| {
        context.extend(value.map(|value| (name.to_owned(), value)));
    };
    add("address", facts.address.clone().map(RestrictedExpression::new_string));
    add("millicredits", facts.millicredits.map(RestrictedExpression::new_long));
    add("sent_today", facts.sent_today.map(RestrictedExpression::new_long));
    add(
        "to_member",
        facts.to_member.map(|id| uid("Member", &id)).transpose()?.map(RestrictedExpression::new_entity_uid),
    );
    add("to_node", facts.to_node.map(|node| uid("Node", &node)).transpose()?.map(RestrictedExpression::new_entity_uid));
    let department = facts.to_path.iter().find(|node| matches!(node, Node::Department(_)));
    add(
        "to_department",
        department.map(|node| uid("Node", node)).transpose()?.map(RestrictedExpression::new_entity_uid),
    );
    let context = Context::from_pairs(context).map_err(|error| error.to_string())?;
    let principal = who(&question.who)?;
    let action = uid("Action", &question.action)?;
    let resource = uid(question.resource.kind().as_str(), &question.resource.id())?;
    Request::new(principal, action, resource, context, None).map_err(|error| error.to_string())
}

/// Cedar reads a time from a text or counts from one; counting is exact.
fn datetime(ms: i64) -> RestrictedExpression {
    let days = ms.div_euclid(86_400_000);
    let rest = ms.rem_euclid(86_400_000);
    let (hours, minutes) = (rest / 3_600_000, rest / 60_000 % 60);
    let (seconds, millis) = (rest / 1000 % 60, rest % 1000);
    let (year, month, day) = civil(days);
    RestrictedExpression::new_datetime(format!(
        "{year:04}-{month:02}-{day:02}T{hours:02}:{minutes:02}:{seconds:02}.{millis:03}Z"
    ))
}

/// A day counted from 1970 as year, month and day of the proleptic Gregorian
/// calendar (<https://howardhinnant.github.io/date_algorithms.html>).
fn civil(days: i64) -> (i64, i64, i64) {
    let shifted = days.saturating_add(719_468);
    let era = shifted.div_euclid(146_097);
    let of_era = shifted.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let day_of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

fn who(who: &Who) -> Result<EntityUid, String> {
    match who {
        Who::Operator => uid("Operator", &"operator"),
        Who::AdminKey(id) => uid("AdminKey", id),
        Who::Member { id, .. } => uid("Member", id),
        Who::Service { id, .. } => uid("ServiceAccount", id),
    }
}

/// Only what this decision needs: the principal, the resource, who gets what is
/// moved, what is above them, and the action.
fn entities(question: &Question<'_>) -> Result<Entities, String> {
    let mut all: HashMap<EntityUid, Entity> = HashMap::new();
    let mut put = |entity: Entity| {
        all.insert(entity.uid(), entity);
    };
    let area = uid("Action", &question.action.area().as_str())?;
    put(Entity::new_no_attrs(uid("Action", &question.action)?, HashSet::from([area.clone()])));
    put(Entity::new_no_attrs(area, HashSet::new()));
    let own = match &question.who {
        Who::Member { path, .. } | Who::Service { path, .. } => path.as_slice(),
        Who::Operator | Who::AdminKey(_) => &[],
    };
    let there = question.facts.to_path.as_slice();
    for path in [own, question.path, there] {
        for (place, node) in path.iter().enumerate() {
            let parent = place.checked_sub(1).and_then(|above| path.get(above));
            put(node_entity(*node, parent.copied())?);
        }
    }
    let parents = |path: &[Node]| -> Result<HashSet<EntityUid>, String> {
        path.last().map(|node| uid("Node", node)).transpose().map(|uid| uid.into_iter().collect())
    };
    let about = question.resource.subject();
    for resource in about.iter().chain([question.resource]) {
        if let Some(entity) = resource_entity(resource, question.path, parents(question.path)?)? {
            put(entity);
        }
    }
    if let Some(id) = question.facts.to_member {
        let roles = HashMap::from([("roles".to_owned(), on_nodes(&[])?)]);
        put(Entity::new(uid("Member", &id)?, roles, parents(there)?).map_err(|error| error.to_string())?);
    }
    // Last, for a member may be all of these.
    let roles = HashMap::from([("roles".to_owned(), roles(question)?)]);
    put(Entity::new(who(&question.who)?, roles, parents(own)?).map_err(|error| error.to_string())?);
    Entities::from_entities(all.into_values(), None).map_err(|error| error.to_string())
}

fn node_entity(node: Node, parent: Option<Node>) -> Result<Entity, String> {
    let kind = match node {
        Node::Organization(_) => "organization",
        Node::Department(_) => "department",
        Node::Team(_) => "team",
    };
    let attributes = HashMap::from([("kind".to_owned(), RestrictedExpression::new_string(kind.to_owned()))]);
    let parents = parent.map(|parent| uid("Node", &parent)).transpose()?.into_iter().collect();
    Entity::new(uid("Node", &node)?, attributes, parents).map_err(|error| error.to_string())
}

/// Nodes are there already.
fn resource_entity(
    resource: &Resource,
    path: &[Node],
    mut parents: HashSet<EntityUid>,
) -> Result<Option<Entity>, String> {
    let entity = |uid: EntityUid| RestrictedExpression::new_entity_uid(uid);
    let attributes = match resource {
        Resource::Node(_) => return Ok(None),
        Resource::Member(_) => HashMap::from([("roles".to_owned(), on_nodes(&[])?)]),
        Resource::Report(about) => {
            let node = path.last().map(|node| uid("Node", node)).transpose()?;
            let mut attributes: HashMap<_, _> =
                node.map(|node| ("node".to_owned(), entity(node))).into_iter().collect();
            if let About::Member(id) = about {
                let member = uid("Member", id)?;
                attributes.insert("member".to_owned(), entity(member.clone()));
                parents.insert(member);
            }
            attributes
        }
        Resource::Wallet(owner) | Resource::Key { owner, .. } => {
            HashMap::from([("owner".to_owned(), entity(uid("Member", owner)?))])
        }
        Resource::Pool(team) => HashMap::from([("team".to_owned(), entity(uid("Node", team)?))]),
        Resource::Model(name) | Resource::Policy { name, .. } => {
            HashMap::from([("name".to_owned(), RestrictedExpression::new_string(name.clone()))])
        }
    };
    let uid = uid(resource.kind().as_str(), &resource.id())?;
    Entity::new(uid, attributes, parents).map(Some).map_err(|error| error.to_string())
}

/// On which nodes the principal has each role, now and for this action.
fn roles(question: &Question<'_>) -> Result<RestrictedExpression, String> {
    let held = question.grants.iter().filter(|grant| grant.holds(question.action, question.now_ms));
    let held: Vec<(Role, Node)> = held.map(|grant| (grant.role, grant.on)).collect();
    on_nodes(&held)
}

fn on_nodes(held: &[(Role, Node)]) -> Result<RestrictedExpression, String> {
    let field = |role: &Role| {
        let nodes = held.iter().filter(|(other, _)| other == role).map(|(_, node)| uid("Node", node));
        let nodes: Vec<EntityUid> = nodes.collect::<Result<_, String>>()?;
        let nodes = nodes.into_iter().map(RestrictedExpression::new_entity_uid);
        Ok((role.as_str().to_owned(), RestrictedExpression::new_set(nodes)))
    };
    let fields: Vec<_> = Role::ALL.iter().map(field).collect::<Result<_, String>>()?;
    RestrictedExpression::new_record(fields).map_err(|error| error.to_string())
}

fn uid(kind: &str, id: &impl ToString) -> Result<EntityUid, String> {
    static TYPES: OnceLock<HashMap<&'static str, EntityTypeName>> = OnceLock::new();
    let types = TYPES.get_or_init(|| {
        let names = ["Action", "Operator", "AdminKey", "ServiceAccount"];
        let names = names.into_iter().chain(Kind::ALL.iter().map(|kind| kind.as_str()));
        names.filter_map(|name| Some((name, name.parse().ok()?))).collect()
    });
    let kind = types.get(kind).ok_or_else(|| format!("no entity type `{kind}`"))?;
    Ok(EntityUid::from_type_name_and_id(kind.clone(), EntityId::new(id.to_string())))
}
