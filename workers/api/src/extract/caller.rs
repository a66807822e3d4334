//! Who calls: the operator, an organization's admin, or a member.

use std::net::IpAddr;

use ::actors::now_ms;
use ::organization::protocol::{self as organization, Directory};
use ::team::protocol::{self as team, Me, Overview};
use axum::extract::FromRequestParts;
use http::request::Parts;
use http::{HeaderMap, header};
use identity::{AdminKey, AdminKeyId, ApiKey, KeyError, OrganizationId, Principal, TeamId};
use sha2::{Digest, Sha256};
use worker::send::SendFuture;

use crate::app::{App, new_id, random, unexpected};
use crate::idempotency::Repeat;
use crate::node::{Node, must_be_in};
use crate::problem::{Code, Problem};

/// By which the operator says which organization is meant.
pub(crate) const ORGANIZATION_HEADER: &str = "x-alfred-organization";

/// Shorter operator keys can be guessed and are not heard.
const SHORTEST_OPERATOR_KEY: usize = 16;

/// What the caller showed, not yet checked with an actor.
#[derive(Debug, PartialEq)]
enum Credential {
    Operator,
    Admin(AdminKey),
    Member(ApiKey),
}

/// Who the caller is.
enum Caller {
    Operator,
    Admin(OrganizationId, AdminKeyId),
    Member(Box<(ApiKey, Me)>),
}

/// Whoever runs the installation.
pub(crate) struct Operator {
    pub(crate) app: App,
}

/// Whoever manages an organization: its admin, or the operator on its behalf.
pub(crate) struct Admin {
    pub(crate) app: App,
    pub(crate) organization: OrganizationId,
    pub(crate) who: Principal,
}

/// Whoever looks after one organization, or the operator after all of them.
pub(crate) struct Overseer {
    pub(crate) app: App,
    /// `None` for all.
    pub(crate) organization: Option<OrganizationId>,
}

/// A member, by a key of theirs.
pub(crate) struct Member {
    pub(crate) app: App,
    pub(crate) key: ApiKey,
    pub(crate) me: Me,
}

impl<S: Send + Sync> FromRequestParts<S> for Operator {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        let (app, caller) = caller(parts).await?;
        match caller {
            Caller::Operator => Ok(Self { app }),
            _ => Err(Problem::new(Code::Forbidden, "only the operator's key may do that")),
        }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Admin {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        let (app, who, organization) = manager(parts).await?;
        let detail = format!("say which organization is meant, with the header `{ORGANIZATION_HEADER}: org_…`");
        let organization = organization.ok_or_else(|| Problem::new(Code::OrganizationRequired, detail))?;
        Ok(Self { app, organization, who })
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Overseer {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        let (app, _, organization) = manager(parts).await?;
        Ok(Self { app, organization })
    }
}

/// An admin and the organization, or the operator and the one that was named.
async fn manager(parts: &Parts) -> Result<(App, Principal, Option<OrganizationId>), Problem> {
    let (app, caller) = caller(parts).await?;
    let named = named_organization(&parts.headers)?;
    match caller {
        Caller::Operator => Ok((app, Principal::Operator, named)),
        Caller::Admin(organization, key) => match named.filter(|named| *named != organization) {
            Some(other) => Err(Problem::not_found("organization", other)),
            None => Ok((app, Principal::Admin(key), Some(organization))),
        },
        Caller::Member(_) => {
            let detail = "a member's key may only ask `GET /api/v1/me` here: use an admin key of the organization";
            Err(Problem::new(Code::Forbidden, detail))
        }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Member {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        let (app, caller) = caller(parts).await?;
        match caller {
            Caller::Member(member) => {
                let (key, me) = *member;
                Ok(Self { app, key, me })
            }
            _ => Err(Problem::new(Code::Forbidden, "this is for a member's own key, `sk-alf-…`")),
        }
    }
}

impl Admin {
    /// Everything about the organization's tree.
    pub(crate) async fn directory(&self) -> Result<Directory, Problem> {
        self.app.directory(self.organization).await
    }

    /// Everything about a team of the organization.
    pub(crate) async fn overview(&self, id: TeamId) -> Result<Overview, Problem> {
        self.must_have_team(id).await?;
        self.app.overview(id).await
    }

    /// Whether the team is in this organization. Asked before any actor is
    /// woken under its name, for anybody could name any.
    pub(crate) async fn must_have_team(&self, id: TeamId) -> Result<(), Problem> {
        must_be_in(&self.directory().await?, Node::Team(id))
    }

    /// An act of management on the organization.
    pub(crate) async fn order(&self, repeat: &Repeat, act: organization::Act) -> Result<organization::Reply, Problem> {
        let idempotency = Some(repeat.scoped(self.organization, random()?));
        let order = organization::Order { who: self.who, idempotency, act };
        self.app.order_organization(self.organization, order).await
    }

    /// An act of management on a team, which the caller has made sure is in
    /// this organization.
    pub(crate) async fn order_team(&self, id: TeamId, repeat: &Repeat, act: team::Act) -> Result<team::Reply, Problem> {
        let idempotency = Some(repeat.scoped(self.organization, random()?));
        self.app.order_team(id, team::Order { who: self.who, idempotency, act }).await
    }

    /// 128 secret bits: the same again where the request is a repetition.
    pub(crate) fn secret(&self, repeat: &Repeat, purpose: &str) -> Result<u128, Problem> {
        let master = self.app.master_secret()?;
        match repeat.derive(&master, purpose, &self.organization.to_string()) {
            Some(bits) => Ok(bits),
            None => random(),
        }
    }

    /// The bits of a new id.
    pub(crate) fn id(&self) -> Result<u128, Problem> {
        new_id()
    }

    /// The time.
    pub(crate) fn now(&self) -> i64 {
        now_ms()
    }
}

/// Finds out who calls.
async fn caller(parts: &Parts) -> Result<(App, Caller), Problem> {
    let app = parts.extensions.get::<App>().cloned().ok_or_else(|| Problem::internal("a request without bindings"))?;
    let credential = credential(&parts.headers, app.operator_key().as_deref())?;
    let address = address(&parts.headers);
    let caller = SendFuture::new(check(&app, credential, address)).await?;
    Ok((app, caller))
}

async fn check(app: &App, credential: Credential, address: Option<IpAddr>) -> Result<Caller, Problem> {
    match credential {
        Credential::Operator => Ok(Caller::Operator),
        Credential::Admin(key) => {
            let command = organization::Command::Authorize { key: key.hash };
            match app.actors()?.organization(key.organization, &command).await? {
                organization::Answer::Authorize(Ok(Some(id))) => Ok(Caller::Admin(key.organization, id)),
                organization::Answer::Authorize(Ok(None) | Err(organization::OrderError::NotOpen)) => {
                    let detail = "the admin key is unknown or was revoked: ask another admin or the operator for one";
                    Err(Problem::new(Code::Unauthorized, detail))
                }
                organization::Answer::Authorize(Err(error)) => Err(error.into()),
                _ => Err(unexpected()),
            }
        }
        Credential::Member(key) => {
            let question = team::Question::Me { organization: key.organization, key: key.hash, address };
            match app.actors()?.team(key.team, &team::Command::Ask(question)).await? {
                team::Answer::Me(me) => Ok(Caller::Member(Box::new((key, *me?)))),
                _ => Err(unexpected()),
            }
        }
    }
}

fn credential(headers: &HeaderMap, operator_key: Option<&str>) -> Result<Credential, Problem> {
    let unauthorized = |detail: &str| Problem::new(Code::Unauthorized, detail);
    let missing = || unauthorized("send a key with the header `Authorization: Bearer …`");
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
    match ApiKey::parse(key) {
        Ok(key) => Ok(Credential::Member(key)),
        Err(KeyError::Damaged) => Err(unauthorized("the key is incomplete or was altered when it was copied")),
        Err(KeyError::Foreign) => Err(unauthorized(
            "the key is unknown: use the operator's key, an admin key `sk-alf-admin-…` or a member's key `sk-alf-…`",
        )),
    }
}

/// Compares in a time that says nothing about where two keys differ: their
/// digests are compared, and all of them.
fn same(one: &str, other: &str) -> bool {
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
fn address(headers: &HeaderMap) -> Option<IpAddr> {
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
