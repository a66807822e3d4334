//! Deciding whether somebody may do something.

use std::net::IpAddr;

use audit::{Changed, Draft, Outcome};
use events::MemberStatus;
use identity::{ChannelId, KeyHash, MemberId, Networks, OrganizationId, Principal, SessionId};
use journal::Change;
use limits::Allowance;
use policy::{Action, Decision, Engine, Facts, Grant, Grantee, Node, Question, Recorded, Resource, Role, Who};
use storage::Storage;

use crate::Organization;
use crate::protocol::{Admit, AdmitError, Admitted, Caller, Target, Visible, attributed};

/// Who it is, once the key is known.
struct Known {
    who: Who,
    principal: Principal,
    grantee: Option<Grantee>,
    scopes: Option<Vec<Action>>,
}

/// Attempts with unknown keys that are recorded in a minute; more say nothing
/// new and would fill the trail.
const STRANGERS_A_MINUTE: u32 = 30;

/// Counts attempts with unknown keys.
#[derive(Debug, Default)]
pub(crate) struct Strangers {
    minute: i64,
    noted: u32,
}

impl Strangers {
    pub(crate) fn may_note(&mut self, now: i64) -> bool {
        let minute = now.div_euclid(60_000);
        if minute != self.minute {
            *self = Self { minute, noted: 0 };
        }
        self.noted = self.noted.saturating_add(1);
        self.noted <= STRANGERS_A_MINUTE
    }
}

/// Whether an address is in one of the networks. One that is not known is in
/// none.
fn allows(networks: Option<&Networks>, address: Option<&str>) -> bool {
    let address: Option<IpAddr> = address.and_then(|address| address.parse().ok());
    networks.is_none_or(|networks| address.is_some_and(|address| networks.contains(address)))
}

impl<S: Storage> Organization<S> {
    /// Finds out who calls and decides whether they may. Who may not is
    /// recorded.
    ///
    /// # Errors
    /// [`AdmitError`], in this order: who it is, how often, from where, what it
    /// is done to, whether.
    pub fn admit(&mut self, now: i64, asked: &Admit) -> Result<Admitted, AdmitError> {
        let allowance = self.count(now, asked)?;
        let mut question = None;
        let mut outcome = self.decide(now, asked, &mut question).map(|admitted| Admitted { allowance, ..admitted });
        if let Ok(admitted) = &mut outcome
            && !asked.action.is_read()
        {
            admitted.question = question.take();
        }
        let decision = match &outcome {
            Ok(admitted) => Some(&admitted.decision),
            Err(AdmitError::Denied { decision, .. }) => Some(decision.as_ref()),
            Err(_) => None,
        };
        if asked.trial {
            return outcome;
        }
        self.note_shadow(now, asked.action, decision.and_then(|decision| decision.watched.as_ref()));
        let refused = match &outcome {
            Err(AdmitError::Denied { on, decision, .. }) => {
                let who = self.identify(now, &asked.caller).ok().map(|known| known.principal);
                Some((who, decision.verdict().as_str(), Some(on.clone()), Some(decision.as_ref())))
            }
            Err(AdmitError::AddressNotAllowed) => {
                let who = self.identify(now, &asked.caller).ok().map(|known| known.principal);
                Some((who, "address_not_allowed", None, None))
            }
            // Anybody can show a key that is none.
            Err(AdmitError::Unknown | AdmitError::SignedOut)
                if self.records.profile.is_some() && self.strangers.may_note(now) =>
            {
                Some((None, "unauthorized", None, None))
            }
            _ => None,
        };
        if let Some((who, code, resource, decision)) = refused {
            let version = self.records.profile.as_ref().map(|profile| profile.policy_version);
            let by = attributed(asked.by.clone(), decision, (version, question.as_deref()));
            let draft = by.draft(asked.action.as_str(), who, Outcome::Denied, Changed::default());
            let mut change = Change::new();
            change.audit(Draft { code: Some(code.to_owned()), resource, ..draft });
            self.commit(now, change).map_err(|_| AdmitError::Storage)?;
        }
        outcome
    }

    /// Counts a request with a key that works. What is refused here is not
    /// recorded: a flood must not become rows.
    fn count(&mut self, now: i64, asked: &Admit) -> Result<Option<Allowance>, AdmitError> {
        let Some((limit, key)) = asked.requests_a_minute.zip(asked.caller.counted()) else { return Ok(None) };
        if self.identify(now, &asked.caller).is_err() {
            return Ok(None);
        }
        self.throttle.take(now, key, limit).map(Some).map_err(AdmitError::TooOften)
    }

    /// Decides, and says what policies were asked, if they were.
    fn decide(&self, now: i64, asked: &Admit, question: &mut Option<Box<Recorded>>) -> Result<Admitted, AdmitError> {
        let profile = self.records.profile.as_ref().ok_or(AdmitError::Unknown)?;
        let root = profile.organization;
        let known = self.identify(now, &asked.caller)?;
        // The operator may have to help whoever locked themselves out.
        if known.who != Who::Operator && !allows(profile.general.addresses.as_ref(), asked.facts.address.as_deref()) {
            return Err(AdmitError::AddressNotAllowed);
        }
        let (resource, path) = self.find(root, asked.target)?;
        let resource = resource.meant_by(asked.action);
        let facts = self.complete(&asked.facts)?;
        let deny = |decision: Decision| AdmitError::Denied {
            action: asked.action,
            on: resource.id(),
            decision: Box::new(decision),
        };
        if known.scopes.as_ref().is_some_and(|scopes| !scopes.contains(&asked.action)) {
            return Err(deny(refused("scope")));
        }
        let engine = match self.engine() {
            Ok(engine) => engine,
            Err(error) => return Err(deny(Decision { errors: vec![error.to_string()], ..refused("policies") })),
        };
        let grants = self.grants_of(now, known.grantee);
        let ask = |resource: &Resource, path: &[Node], kept: Option<&mut Option<Box<Recorded>>>| {
            let (who, facts) = (known.who.clone(), facts.clone());
            let action = asked.action;
            let question = Question { who, grants: &grants, action, resource, path, now_ms: now, facts };
            if let Some(kept) = kept {
                *kept = Recorded::new(&question).map(Box::new);
            }
            engine.decide(&question)
        };
        let decide = |resource: &Resource, path: &[Node]| ask(resource, path, None);
        let decision = ask(&resource, &path, Some(question));
        let admitted = |decision: Decision, visible: Visible| Admitted {
            who: known.principal,
            decision,
            policy_version: profile.policy_version,
            visible,
            question: None,
            allowance: None,
        };
        if decision.allowed {
            return Ok(admitted(decision, Visible::All));
        }
        if asked.target == Target::Visible {
            let nodes = self.candidates(root, asked.action, &known, &grants);
            let (visible, why) = self.visible((root, asked.action), nodes, decide);
            if let Some(why) = why {
                return Ok(admitted(why, visible));
            }
        }
        Err(deny(decision))
    }

    fn identify(&self, now: i64, caller: &Caller) -> Result<Known, AdmitError> {
        match caller {
            Caller::Operator => {
                Ok(Known { who: Who::Operator, principal: Principal::Operator, grantee: None, scopes: None })
            }
            Caller::AdminKey { hash } => {
                let id = self.authorize(hash).ok().flatten().ok_or(AdmitError::Unknown)?;
                Ok(Known { who: Who::AdminKey(id), principal: Principal::Admin(id), grantee: None, scopes: None })
            }
            Caller::ServiceKey { hash } => self.service(now, hash),
            Caller::Session { session } => self.person(now, *session),
            Caller::Chat { member, channel } => self.in_chat(*member, *channel),
        }
    }

    /// What decisions about a caller are made of, beside policies; `None` for
    /// whoever is nobody here, or may not come from there.
    pub(crate) fn known_by(&self, now: i64, caller: &Caller, address: Option<&str>) -> Option<String> {
        let Known { who, grantee, scopes, .. } = self.identify(now, caller).ok()?;
        let networks = self.records.profile.as_ref()?.general.addresses.as_ref();
        let may_come = who == Who::Operator || allows(networks, address);
        let grants = self.grants_of(now, grantee);
        may_come.then(|| format!("{:?}", (who, scopes, grants)))
    }

    fn person(&self, now: i64, session: SessionId) -> Result<Known, AdmitError> {
        let id = self.session_member(now, session).ok_or(AdmitError::SignedOut)?;
        let record = self.records.members.get(&id).ok_or(AdmitError::SignedOut)?;
        let path = self.path(Node::Team(record.team)).unwrap_or_default();
        Ok(Known {
            who: Who::Member { id, path },
            principal: Principal::Person(id, session),
            grantee: Some(Grantee::Member(id)),
            scopes: None,
        })
    }

    /// Who writes in a chat is somebody as long as they are an active member
    /// and the channel is on.
    fn in_chat(&self, id: MemberId, channel: ChannelId) -> Result<Known, AdmitError> {
        let record = self.records.members.get(&id).ok_or(AdmitError::Unknown)?;
        let is_on = self.records.channels.get(&channel).is_some_and(|channel| channel.enabled);
        if !is_on || record.profile.status != MemberStatus::Active {
            return Err(AdmitError::Unknown);
        }
        let path = self.path(Node::Team(record.team)).unwrap_or_default();
        Ok(Known {
            who: Who::Member { id, path },
            principal: Principal::Chat(id, channel),
            grantee: Some(Grantee::Member(id)),
            scopes: None,
        })
    }

    fn service(&self, now: i64, hash: &KeyHash) -> Result<Known, AdmitError> {
        let root = self.records.profile.as_ref().ok_or(AdmitError::Unknown)?.organization;
        let accounts = self.records.service_accounts.values();
        let mut keys = accounts.flat_map(|account| account.keys.iter().map(move |key| (account, key)));
        let (account, key) = keys.find(|(_, key)| key.hash == *hash).ok_or(AdmitError::Unknown)?;
        let expired = key.expires_ms.is_some_and(|at| at <= now);
        if account.disabled_ms.is_some() || key.revoked_ms.is_some() || expired {
            return Err(AdmitError::Unknown);
        }
        Ok(Known {
            who: Who::Service { id: account.id, path: vec![Node::Organization(root)] },
            principal: Principal::Service(account.id, key.id),
            grantee: Some(Grantee::Service(account.id)),
            scopes: key.scopes.clone(),
        })
    }

    /// The roles that somebody has now. A role that was lent counts as long as
    /// the lender has it.
    pub(crate) fn grants_of(&self, now: i64, grantee: Option<Grantee>) -> Vec<&Grant> {
        let Some(grantee) = grantee else { return Vec::new() };
        let own = self.records.grants.values().filter(|grant| grant.to == grantee && grant.is_current(now));
        own.filter(|grant| grant.lender.is_none_or(|lender| self.has_of_their_own(now, lender, grant.role, grant.on)))
            .collect()
    }

    /// Whether a member has a whole role on a node or above it, not lent by
    /// somebody else.
    pub(crate) fn has_of_their_own(&self, now: i64, member: MemberId, role: Role, on: Node) -> bool {
        let path = self.path(on).unwrap_or_default();
        self.records.grants.values().any(|grant| {
            grant.to == Grantee::Member(member)
                && grant.role == role
                && grant.lender.is_none()
                && grant.only.is_none()
                && grant.is_current(now)
                && path.contains(&grant.on)
        })
    }

    /// Where a node is: organization, department, team; `None` when it is not
    /// in this organization.
    pub(crate) fn path(&self, node: Node) -> Option<Vec<Node>> {
        let root = self.records.profile.as_ref()?.organization;
        let organization = Node::Organization(root);
        match node {
            Node::Organization(id) => (id == root).then(|| vec![organization]),
            Node::Department(id) => self.records.departments.contains_key(&id).then(|| vec![organization, node]),
            Node::Team(id) => {
                let team = self.records.teams.get(&id)?;
                Some(vec![organization, Node::Department(team.profile.department), node])
            }
        }
    }

    /// What is asked about, with where those are who get what is moved.
    fn complete(&self, facts: &Facts) -> Result<Facts, AdmitError> {
        let mut facts = facts.clone();
        if let Some(id) = facts.to_member {
            let record = self.records.members.get(&id);
            let not_found = || AdmitError::NotFound { what: "member".to_owned(), id: id.to_string() };
            facts.to_node = Some(Node::Team(record.ok_or_else(not_found)?.team));
        }
        if let Some(node) = facts.to_node {
            let (what, id) = match node {
                Node::Organization(id) => ("organization", id.to_string()),
                Node::Department(id) => ("department", id.to_string()),
                Node::Team(id) => ("team", id.to_string()),
            };
            facts.to_path = self.path(node).ok_or(AdmitError::NotFound { what: what.to_owned(), id })?;
        }
        Ok(facts)
    }

    /// What is meant, and where it is.
    fn find(&self, root: OrganizationId, target: Target) -> Result<(Resource, Vec<Node>), AdmitError> {
        let not_found =
            |what: &str, id: &dyn ToString| AdmitError::NotFound { what: what.to_owned(), id: id.to_string() };
        let node = |what: &str, node: Node| {
            let path = self.path(node).ok_or_else(|| not_found(what, &node))?;
            Ok((Resource::Node(node), path))
        };
        let member = |id: MemberId| {
            let record = self.records.members.get(&id).ok_or_else(|| not_found("member", &id))?;
            self.path(Node::Team(record.team)).ok_or_else(|| not_found("member", &id))
        };
        match target {
            Target::Organization | Target::Visible => node("organization", Node::Organization(root)),
            Target::Department { id } => node("department", Node::Department(id)),
            Target::Team { id } => node("team", Node::Team(id)),
            Target::Member { id } => Ok((Resource::Member(id), member(id)?)),
            Target::Wallet { id } => Ok((Resource::Wallet(id), member(id)?)),
            Target::Pool { id } => node("team", Node::Team(id)).map(|(_, path)| (Resource::Pool(id), path)),
            Target::Policy { id } => {
                // Of one that is not there the act itself says so.
                let name = self.records.policies.get(&id).map(|record| record.name.clone()).unwrap_or_default();
                let path = self.path(Node::Organization(root)).ok_or_else(|| not_found("organization", &root))?;
                Ok((Resource::Policy { id, name }, path))
            }
            Target::Key { team, id, owner } => {
                let path = self.path(Node::Team(team)).ok_or_else(|| not_found("team", &team))?;
                // Nobody's, where the shell does not know whose it is.
                let owner = owner.unwrap_or(MemberId::from_u128(0));
                Ok((Resource::Key { id, owner }, path))
            }
        }
    }

    /// The nodes that are worth asking about. Built-in roles hold on their node
    /// and below; only policies of the organization's own can open others.
    fn candidates(&self, root: OrganizationId, action: Action, known: &Known, grants: &[&Grant]) -> Vec<Node> {
        let is_concerned = self.records.policies.values().any(|record| super::policies::rule(record).concerns(action));
        let departments = self.records.departments.keys().map(|id| Node::Department(*id));
        let all = departments.chain(self.records.teams.keys().map(|id| Node::Team(*id)));
        let own: &[Node] = match &known.who {
            Who::Member { path, .. } => path,
            _ => &[],
        };
        let organization = Node::Organization(root);
        let is_near = |node: &Node| {
            let path = self.path(*node).unwrap_or_default();
            let granted = grants.iter().any(|grant| grant.on != organization && path.contains(&grant.on));
            granted || own.contains(node)
        };
        all.filter(|node| is_concerned || is_near(node)).collect()
    }

    fn visible(
        &self,
        (root, action): (OrganizationId, Action),
        nodes: Vec<Node>,
        decide: impl Fn(&Resource, &[Node]) -> Decision,
    ) -> (Visible, Option<Decision>) {
        let (mut departments, mut teams, mut why) = (Vec::new(), Vec::new(), None);
        for node in nodes {
            let path = self.path(node).unwrap_or_else(|| vec![Node::Organization(root)]);
            let decision = decide(&Resource::Node(node).meant_by(action), &path);
            if !decision.allowed {
                continue;
            }
            match node {
                Node::Department(id) => departments.push(id),
                Node::Team(id) => teams.push(id),
                Node::Organization(_) => {}
            }
            why.get_or_insert(decision);
        }
        (Visible::Nodes { departments, teams }, why)
    }

    /// The policies, parsed once for each version.
    pub(crate) fn engine(&self) -> Result<&Engine, policy::PolicyError> {
        let engine = self.engine.get_or_init(|| {
            let rules: Vec<policy::Rule> = self.records.policies.values().map(super::policies::rule).collect();
            Engine::new(&rules)
        });
        engine.as_ref().map_err(Clone::clone)
    }
}

fn refused(by: &str) -> Decision {
    Decision { policies: vec![by.to_owned()], ..Decision::default() }
}
