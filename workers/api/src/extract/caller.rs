//! Who calls, and whether they may.

use std::net::IpAddr;

use ::organization::StandsFor;
use ::organization::protocol::{
    self as organization, Access, Admit, AdmitError, Admitted, Directory, PolicyRecord, Question, Target, Visible,
};
use ::runtime::now_ms;
use ::team::protocol::{self as team, Me};
use audit::Attribution;
use axum::extract::FromRequestParts;
use events::Cursor;
use http::request::Parts;
use http::{HeaderMap, header};
use identity::{
    AdminKey, ApiKey, ChannelId, KeyError, KeyHash, MemberId, OrganizationId, PolicyId, Principal, ServiceKey,
    SessionId, TeamId,
};
use issuers::Fault;
use issuers::workload::{Trust, accept};
use limits::Zone;
use openid::session::Session;
use policy::{Action, Decision, Facts};
use sha2::{Digest, Sha256};
use worker::send::SendFuture;

use super::session;
use crate::app::{App, new_id, random, unexpected};
use crate::idempotency::{Minted, Repeat};
use crate::problem::{Code, Problem};
use crate::sign_in::browser::{Site, attribution};
use crate::throttle;

/// By which the operator says which organization is meant.
pub(crate) const ORGANIZATION_HEADER: &str = "x-alfred-organization";

/// Shorter operator keys can be guessed and are not heard.
const SHORTEST_OPERATOR_KEY: usize = 16;

/// What was shown, not yet checked with an actor.
#[derive(Debug, Clone, PartialEq)]
enum Credential {
    Operator,
    Admin(AdminKey),
    Service(ServiceKey),
    Member(ApiKey),
    /// Somebody who signed in; the token is checked, the session not yet.
    Session(Session),
    /// Somebody in a chat, whose request is verified.
    Chat {
        organization: OrganizationId,
        member: MemberId,
        channel: ChannelId,
    },
}

/// Whoever calls. What they may do is asked for each operation: only that
/// makes an [`Admin`], and only an `Admin` can do anything.
#[derive(Clone)]
pub(crate) struct Caller {
    app: App,
    credential: Credential,
    named: Option<OrganizationId>,
    address: Option<IpAddr>,
    /// By what request, for the audit trail.
    by: Attribution,
}

/// Whoever may do what they asked for, in one organization.
pub(crate) struct Admin {
    pub(crate) app: App,
    pub(crate) organization: OrganizationId,
    pub(crate) who: Principal,
    /// From where, as far as is known.
    pub(crate) address: Option<IpAddr>,
    /// What of the tree they may do it to.
    visible: Visible,
    /// By what request, and why it is allowed, for the audit trail.
    by: Attribution,
}

/// Whoever runs the installation.
pub(crate) struct Operator {
    pub(crate) app: App,
}

/// A member, by a key of theirs.
pub(crate) struct Member {
    pub(crate) app: App,
    pub(crate) key: ApiKey,
    pub(crate) me: Me,
}

impl<S: Send + Sync> FromRequestParts<S> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        let app = parts.extensions.get::<App>().cloned();
        let app = app.ok_or_else(|| Problem::internal("a request without bindings"))?;
        let signed_in = signed_in(&app, parts);
        // Who is signed in does not pay for whoever guesses behind the same address.
        if !matches!(signed_in, Ok(Some(_))) {
            throttle::may_try(&app, &parts.headers)?;
        }
        let credential = match signed_in? {
            Some(session) => Credential::Session(session),
            None => by_key(&app, &parts.headers).await?,
        };
        if credential == Credential::Operator {
            app.know(None);
        }
        let (named, address) = (named_organization(&parts.headers)?, address(&parts.headers));
        let by = attribution(parts)?;
        Ok(Self { app, credential, named, address, by })
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Operator {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let caller = Caller::from_request_parts(parts, state).await?;
        match caller.credential {
            Credential::Operator => Ok(Self { app: caller.app }),
            _ => Err(Problem::new(Code::Forbidden, "only the operator's key may do that")),
        }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Member {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let Caller { app, credential, address, .. } = Caller::from_request_parts(parts, state).await?;
        match credential {
            Credential::Member(key) => {
                let me = SendFuture::new(me(&app, &key, address)).await?;
                app.know(throttle::member(&app, &key)?);
                Ok(Self { app, key, me })
            }
            _ => Err(Problem::new(Code::Forbidden, "this is for a member's own key, `sk-alf-…`")),
        }
    }
}

impl Caller {
    /// A member whose account in a chat sent this.
    pub(crate) const fn in_chat(
        app: App,
        (organization, member, channel): (OrganizationId, MemberId, ChannelId),
        by: Attribution,
    ) -> Self {
        Self { app, credential: Credential::Chat { organization, member, channel }, named: None, address: None, by }
    }

    /// Whoever is signed in, by a form that has shown to be a page of ours.
    pub(crate) fn signed_in(app: App, session: Session, parts: &Parts) -> Result<Self, Problem> {
        let (address, by) = (address(&parts.headers), attribution(parts)?);
        Ok(Self { app, credential: Credential::Session(session), named: None, address, by })
    }

    /// The member, where a person calls.
    pub(crate) const fn person(&self) -> Option<MemberId> {
        match &self.credential {
            Credential::Session(session) => Some(session.member),
            Credential::Chat { member, .. } => Some(*member),
            _ => None,
        }
    }

    /// The session and member, where a person calls.
    pub(crate) const fn session(&self) -> Option<(SessionId, MemberId)> {
        match &self.credential {
            Credential::Session(session) => Some((session.session, session.member)),
            _ => None,
        }
    }

    /// Asks whether the caller may do this to that.
    ///
    /// # Errors
    /// When the key does not work (401), when there is no such thing in its
    /// organization (404), and when they may not (403).
    pub(crate) async fn may(self, action: Action, target: Target) -> Result<Admin, Problem> {
        self.may_with(action, target, Facts::default()).await
    }

    /// The same, where policies may look at more.
    pub(crate) async fn may_with(self, action: Action, target: Target, facts: Facts) -> Result<Admin, Problem> {
        let most = self.app.rates().requests;
        self.admitted((action, target, facts), most).await
    }

    /// The same again within one request, which counts once.
    pub(crate) async fn goes_on(self, action: Action, target: Target, facts: Facts) -> Result<Admin, Problem> {
        self.admitted((action, target, facts), None).await
    }

    async fn admitted(self, asked: (Action, Target, Facts), requests_a_minute: Option<u32>) -> Result<Admin, Problem> {
        let asked = self.question(asked)?;
        let (organization, by) = (asked.0, asked.1.by.clone());
        match self.ask(asked.0, Admit { requests_a_minute, ..asked.1 }).await? {
            Ok(admitted) => {
                self.app.know(admitted.allowance);
                let by = admitted.attributed(by);
                let Admitted { who, visible, .. } = admitted;
                Ok(Admin { app: self.app, organization, who, address: self.address, visible, by })
            }
            Err(error) => Err(self.refusal(organization, error)),
        }
    }

    /// The same as a question whether they may hear what happens. To what of it
    /// they may listen, the actor says.
    pub(crate) fn listens(
        &self,
        team: Option<TeamId>,
        after: Option<Cursor>,
    ) -> Result<(OrganizationId, organization::Listen), Problem> {
        let asked = (Action::WatchEvents, Target::Organization, Facts::default());
        let (organization, admit) = self.question(asked)?;
        let admit = Admit { requests_a_minute: self.app.rates().requests, ..admit };
        Ok((organization, organization::Listen { admit, team, after }))
    }

    /// Why they may not. To the operator no key is wrong, only the organization.
    pub(crate) fn refusal(&self, organization: OrganizationId, error: AdmitError) -> Problem {
        if error == AdmitError::Unknown && self.credential == Credential::Operator {
            return Problem::not_found("organization", organization);
        }
        error.into()
    }

    /// The deployment that they call.
    pub(crate) const fn app(&self) -> &App {
        &self.app
    }

    /// What would be decided; nothing is done, and nothing recorded.
    pub(crate) async fn would(self, action: Action, target: Target, facts: Facts) -> Result<Decision, Problem> {
        let (organization, asked) = self.question((action, target, facts))?;
        match self.ask(organization, Admit { trial: true, ..asked }).await? {
            Ok(admitted) => Ok(admitted.decision),
            Err(AdmitError::Denied { decision, .. }) => Ok(*decision),
            Err(error) => Err(error.into()),
        }
    }

    /// The question for the organization's actor.
    fn question(&self, (action, target, facts): (Action, Target, Facts)) -> Result<(OrganizationId, Admit), Problem> {
        let (organization, caller) = self.shown()?;
        let facts = Facts { address: self.address.map(|address| address.to_string()), ..facts };
        let by = Attribution { action: Some(action.to_string()), ..self.by.clone() };
        Ok((organization, Admit { caller, action, target, facts, by, requests_a_minute: None, trial: false }))
    }

    async fn ask(&self, organization: OrganizationId, asked: Admit) -> Result<Result<Admitted, AdmitError>, Problem> {
        let command = organization::Command::Admit(Box::new(asked));
        match self.app.actors()?.organization(organization, &command).await? {
            organization::Answer::Admit(answer) => Ok(answer),
            _ => Err(unexpected()),
        }
    }

    /// The same for one organization, or for all of them by the operator, who
    /// names none.
    pub(crate) async fn may_oversee(self, action: Action) -> Result<(App, Option<OrganizationId>), Problem> {
        if self.credential == Credential::Operator && self.named.is_none() {
            return Ok((self.app, None));
        }
        let admin = self.may(action, Target::Organization).await?;
        Ok((admin.app, Some(admin.organization)))
    }

    /// Which organization is meant, and what its actor is shown.
    fn shown(&self) -> Result<(OrganizationId, organization::Caller), Problem> {
        let (organization, caller) = match &self.credential {
            Credential::Operator => {
                let detail = format!("say which organization is meant, with the header `{ORGANIZATION_HEADER}: org_…`");
                let named = self.named.ok_or_else(|| Problem::new(Code::OrganizationRequired, detail))?;
                (named, organization::Caller::Operator)
            }
            Credential::Admin(key) => (key.organization, organization::Caller::AdminKey { hash: key.hash }),
            Credential::Service(key) => (key.organization, organization::Caller::ServiceKey { hash: key.hash }),
            Credential::Session(session) => {
                (session.organization, organization::Caller::Session { session: session.session })
            }
            Credential::Chat { organization, member, channel } => {
                (*organization, organization::Caller::Chat { member: *member, channel: *channel })
            }
            Credential::Member(_) => {
                let detail = "a member's key may only ask `GET /api/v1/me` here: sign in, or use an admin key or a \
                              service account's key of the organization";
                return Err(Problem::new(Code::Forbidden, detail));
            }
        };
        match self.named.filter(|named| *named != organization) {
            Some(other) => Err(Problem::not_found("organization", other)),
            None => Ok((organization, caller)),
        }
    }
}

impl Admin {
    /// The organization's tree, as far as the caller may see it.
    pub(crate) async fn directory(&self) -> Result<Directory, Problem> {
        let mut directory = self.app.directory(self.organization).await?;
        if self.visible != Visible::All {
            directory.departments.retain(|department| self.visible.has_department(department.id));
            directory.teams.retain(|team| self.visible.has_team(team.profile.team));
            directory.members.retain(|member| self.visible.has_team(member.team));
        }
        Ok(directory)
    }

    /// The organization's time zone.
    pub(crate) async fn zone(&self) -> Result<Zone, Problem> {
        let directory = self.app.directory(self.organization).await?;
        Ok(Zone::parse(&directory.general.time_zone).unwrap_or(Zone::UTC))
    }

    /// The teams that the caller may see; `None` for all.
    pub(crate) fn teams(&self) -> Option<&[TeamId]> {
        match &self.visible {
            Visible::All => None,
            Visible::Nodes { teams, .. } => Some(teams),
        }
    }

    /// Whether a node is among what the caller may see.
    pub(crate) fn sees(&self, node: policy::Node) -> bool {
        match node {
            policy::Node::Organization(_) => self.visible == Visible::All,
            policy::Node::Department(id) => self.visible.has_department(id),
            policy::Node::Team(id) => self.visible.has_team(id),
        }
    }

    /// Who has which role, and the policies.
    pub(crate) async fn access(&self) -> Result<Access, Problem> {
        match self.app.ask_organization(self.organization, Question::Access).await? {
            organization::Answer::Access(access) => Ok(*access?),
            _ => Err(unexpected()),
        }
    }

    /// All versions of a policy.
    pub(crate) async fn policy_versions(&self, id: PolicyId) -> Result<Vec<PolicyRecord>, Problem> {
        match self.app.ask_organization(self.organization, Question::PolicyVersions { id }).await? {
            organization::Answer::PolicyVersions(versions) => Ok(versions?),
            _ => Err(unexpected()),
        }
    }

    /// An act of management on the organization.
    pub(crate) async fn order(&self, repeat: &Repeat, act: organization::Act) -> Result<organization::Reply, Problem> {
        let idempotency = Some(repeat.scoped(self.organization, random()?));
        let if_match = repeat.if_match.clone();
        let order = organization::Order { who: self.who, idempotency, if_match, by: self.by.clone(), act };
        self.app.order_organization(self.organization, order).await
    }

    /// An act of management on a team, which the caller has made sure is in
    /// this organization.
    pub(crate) async fn order_team(&self, id: TeamId, repeat: &Repeat, act: team::Act) -> Result<team::Reply, Problem> {
        let idempotency = Some(repeat.scoped(self.organization, random()?));
        let if_match = repeat.if_match.clone();
        self.app.order_team(id, team::Order { who: self.who, idempotency, if_match, by: self.by.clone(), act }).await
    }

    /// A secret of 128 bits: the same again where the request is a repetition.
    pub(crate) fn secret(
        &self,
        repeat: &Repeat,
        purpose: &str,
        mint: impl Fn(u128) -> String,
    ) -> Result<Minted, Problem> {
        let scope = self.organization.to_string();
        let derive = |master: String| repeat.derive(&master, purpose, &scope);
        match derive(self.app.master_secret()?) {
            Some(bits) => Ok(Minted::new(bits, self.app.previous_secret().and_then(derive), mint)),
            None => Ok(Minted::new(random()?, None, mint)),
        }
    }

    /// The bits of a new id.
    pub(crate) fn id(&self) -> Result<u128, Problem> {
        new_id()
    }

    /// By what request, and why it is allowed.
    pub(crate) fn attribution(&self) -> Attribution {
        self.by.clone()
    }

    /// The time.
    pub(crate) fn now(&self) -> i64 {
        now_ms()
    }
}

async fn me(app: &App, key: &ApiKey, address: Option<IpAddr>) -> Result<Me, Problem> {
    let question = team::Question::Me { organization: key.organization, key: key.hash, address };
    match app.actors()?.team(key.team, &team::Command::Ask(question)).await? {
        team::Answer::Me(me) => Ok(*me?),
        _ => Err(unexpected()),
    }
}

/// The session that a request shows: by its token in the header, or else by a
/// browser's cookie.
fn signed_in(app: &App, parts: &Parts) -> Result<Option<Session>, Problem> {
    if let Some(token) = session::token(&parts.headers) {
        return session::read(app, token);
    }
    match Site::of(&parts.uri) {
        Some(site) if !parts.headers.contains_key(header::AUTHORIZATION) => {
            session::by_cookie(app, &parts.headers, &parts.method, &site)
        }
        _ => Ok(None),
    }
}

/// Whose key, or workload's token, is in the header.
async fn by_key(app: &App, headers: &HeaderMap) -> Result<Credential, Problem> {
    match session::token(headers) {
        Some(token) => SendFuture::new(by_workload(app, token)).await,
        None => credential(headers, app.operator_key().as_deref()),
    }
}

/// The key behind a workload's token.
async fn by_workload(app: &App, token: &str) -> Result<Credential, Problem> {
    let unauthorized = |detail: &dyn std::fmt::Display| Problem::new(Code::Unauthorized, detail);
    let organization = issuers::workload::organization(token).ok_or_else(|| {
        unauthorized(&"the token is no session's, and no workload's: its audience is not `urn:alfred:org_…`")
    })?;
    let settings = match app.settings(organization).await {
        Err(problem) if problem.code == Code::NotFound => {
            return Err(unauthorized(&"the token's audience is no organization here"));
        }
        settings => settings?,
    };
    let trusts = settings.workloads.iter().map(|workload| Trust { issuer: &workload.issuer, rules: &workload.rules });
    let trusts: Vec<Trust<'_>> = trusts.collect();
    let (place, _) = match accept(token, organization, &trusts, app.reach()).await {
        Ok(accepted) => accepted,
        Err(fault @ (Fault::Unreachable { .. } | Fault::Status { .. })) => return Err(Problem::unavailable(fault)),
        Err(fault) => return Err(unauthorized(&fault)),
    };
    let workload = settings.workloads.get(place).ok_or_else(unexpected)?;
    Ok(match workload.stands_for {
        StandsFor::Key { team, .. } => Credential::Member(ApiKey::of_workload(organization, team, workload.id)),
        StandsFor::ServiceKey { .. } => {
            Credential::Service(ServiceKey { organization, hash: KeyHash::of_workload(workload.id) })
        }
    })
}

fn credential(headers: &HeaderMap, operator_key: Option<&str>) -> Result<Credential, Problem> {
    let unauthorized = |detail: &str| Problem::new(Code::Unauthorized, detail);
    let missing = || unauthorized("send a key with the header `Authorization: Bearer …`, or sign in");
    let header = headers.get(header::AUTHORIZATION).ok_or_else(missing)?;
    let (scheme, key) = header.to_str().ok().and_then(|text| text.split_once(' ')).ok_or_else(missing)?;
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(missing());
    }
    let key = key.trim();
    if operator_key.is_some_and(|operator| operator.len() >= SHORTEST_OPERATOR_KEY && same(operator, key)) {
        return Ok(Credential::Operator);
    }
    if let Ok(key) = AdminKey::parse(key) {
        return Ok(Credential::Admin(key));
    }
    if let Ok(key) = ServiceKey::parse(key) {
        return Ok(Credential::Service(key));
    }
    match ApiKey::parse(key) {
        Ok(key) => Ok(Credential::Member(key)),
        Err(KeyError::Damaged) => Err(unauthorized("the key is incomplete or was altered when it was copied")),
        Err(KeyError::Foreign) => Err(unauthorized(
            "the key is unknown: use the operator's key, an admin key `sk-alf-admin-…`, a service account's key \
             `sk-alf-svc-…` or a member's key `sk-alf-…`",
        )),
    }
}

/// Compares in a time that says nothing about where two keys differ: their
/// digests are compared, and all of them.
pub(crate) fn same(one: &str, other: &str) -> bool {
    let (one, other) = (Sha256::digest(one.as_bytes()), Sha256::digest(other.as_bytes()));
    let different = one.iter().zip(&other).fold(0, |different, (one, other)| different | (one ^ other));
    std::hint::black_box(different) == 0
}

fn named_organization(headers: &HeaderMap) -> Result<Option<OrganizationId>, Problem> {
    let Some(text) = headers.get(ORGANIZATION_HEADER) else { return Ok(None) };
    let text =
        text.to_str().map_err(|_| Problem::invalid(format!("`{ORGANIZATION_HEADER}` must be an organization's id")))?;
    text.trim().parse().map(Some).map_err(|error| Problem::new(Code::NotFound, error))
}

/// Where the call comes from, as the platform's edge says.
pub(crate) fn address(headers: &HeaderMap) -> Option<IpAddr> {
    headers.get("cf-connecting-ip")?.to_str().ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const OPERATOR: &str = "op-0123456789abcdef";

    fn read(authorization: Option<&str>, operator: Option<&str>) -> Result<Credential, Code> {
        let mut headers = HeaderMap::new();
        if let Some(text) = authorization {
            headers.insert(header::AUTHORIZATION, text.parse().unwrap());
        }
        credential(&headers, operator).map_err(|problem| problem.code)
    }

    #[test]
    fn keys_of_each_kind() {
        let admin = AdminKey::mint(OrganizationId::from_u128(1), 7);
        let member = ApiKey::mint(OrganizationId::from_u128(1), TeamId::from_u128(2), 7);
        let service = ServiceKey::mint(OrganizationId::from_u128(1), 7);
        assert_eq!(
            read(Some(&format!("Bearer {service}")), None),
            Ok(Credential::Service(ServiceKey::parse(&service).unwrap()))
        );
        assert_eq!(read(Some(&format!("Bearer {OPERATOR}")), Some(OPERATOR)), Ok(Credential::Operator));
        assert_eq!(read(Some(&format!("bearer  {OPERATOR} ")), Some(OPERATOR)), Ok(Credential::Operator));
        assert_eq!(
            read(Some(&format!("Bearer {admin}")), Some(OPERATOR)),
            Ok(Credential::Admin(AdminKey::parse(&admin).unwrap()))
        );
        assert_eq!(
            read(Some(&format!("Bearer {member}")), None),
            Ok(Credential::Member(ApiKey::parse(&member).unwrap()))
        );
        for (header, operator) in [
            (None, Some(OPERATOR)),
            (Some(""), Some("")),
            (Some("Bearer "), Some("")),
            (Some("Bearer short"), Some("short")),
            (Some(OPERATOR), Some(OPERATOR)),
            (Some("Basic b3A6eA=="), Some(OPERATOR)),
            (Some("Bearer op-0123456789abcdeF"), Some(OPERATOR)),
            (Some("Bearer op-0123456789abcdef"), None),
            (Some("Bearer sk-alf-admin-"), Some(OPERATOR)),
            (Some("Bearer sk-proj-1"), Some(OPERATOR)),
        ] {
            assert_eq!(read(header, operator), Err(Code::Unauthorized), "{header:?}");
        }
    }
}
