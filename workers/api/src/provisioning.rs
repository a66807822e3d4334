//! `/scim/v2`: the organization's identity provider says who there is (RFC
//! 7644). What the protocol says is read here; what it means is decided by the
//! organization's actor.
//!
//! It is not in the OpenAPI document: the protocol describes itself, at
//! `/scim/v2/Schemas`, `/ResourceTypes` and `/ServiceProviderConfig`, which
//! anybody may read.

use ::organization::protocol::{About, Answer, Asked, Command, Provision, Provisioned};
use audit::Attribution;
use axum::Router;
use axum::body::Body;
use axum::extract::{FromRequestParts, Request};
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use identity::{GroupId, MemberId};
use scim::{ErrorKind, MEDIA_TYPE, ScimError, is_version};
use serde_json::{Value, json};

use crate::app::unexpected;
use crate::extract::{Action, Caller, Target};
use crate::problem::{Code, Problem};
use crate::sign_in::browser::Site;

/// Bodies may be so long, like all others.
const LONGEST: usize = 1 << 20;
const ROOT: &str = "/scim/v2";
const HELP: &str = "/api/v1/openapi.json";

/// Why something is not done: in words of the protocol, or of the API.
enum Refused {
    Scim(ScimError),
    Api(Problem),
}

impl From<ScimError> for Refused {
    fn from(error: ScimError) -> Self {
        Self::Scim(error)
    }
}

impl From<Problem> for Refused {
    fn from(problem: Problem) -> Self {
        Self::Api(problem)
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        match self {
            Self::Scim(error) => respond(&Provisioned::refused(&error)),
            // Status and headers stay; the body is the protocol's.
            Self::Api(problem) => {
                let detail = problem.detail().to_owned();
                let mut response = problem.into_response();
                let status = response.status().as_u16().to_string();
                let body = json!({ "schemas": [ScimError::SCHEMA], "status": status, "detail": detail });
                response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
                *response.body_mut() = Body::from(body.to_string());
                response
            }
        }
    }
}

/// All of it.
pub(crate) fn router() -> Router {
    Router::new().route("/scim/v2", any(handle)).route("/scim/v2/{*path}", any(handle))
}

/// Answers whatever is asked below `/scim/v2`.
#[worker::send]
async fn handle(request: Request) -> Response {
    answer(request).await.unwrap_or_else(IntoResponse::into_response)
}

async fn answer(request: Request) -> Result<Response, Refused> {
    let (mut parts, body) = request.into_parts();
    let site = Site::of(&parts.uri).ok_or_else(|| Problem::internal("a request without an address"))?;
    let base = format!("{}{ROOT}", site.origin);
    let path = parts.uri.path().strip_prefix(ROOT).unwrap_or_default().trim_matches('/').to_owned();
    let path: Vec<&str> = path.split('/').collect();
    if let Some(document) = describe(&parts.method, &base, &format!("{}{HELP}", site.origin), &path)? {
        return Ok(respond(&Provisioned { status: 200, body: Some(document), version: None, location: None }));
    }
    let (about, id) = resource(&path)?;
    let caller = Caller::from_request_parts(&mut parts, &()).await?;
    let admin = caller.may(Action::Provision, Target::Organization).await?;
    let new = || -> Result<String, Problem> {
        let id = admin.id()?;
        Ok(match about {
            About::Users => MemberId::from_u128(id).to_string(),
            About::Groups => GroupId::from_u128(id).to_string(),
        })
    };
    let asked = match (&parts.method, id) {
        (&Method::GET, None) => Asked::List,
        (&Method::GET, Some(id)) => Asked::Get { id },
        (&Method::POST, Some(id)) if id == ".search" => Asked::Search { body: read(&parts.headers, body).await? },
        (&Method::POST, None) => Asked::Create { id: new()?, body: read(&parts.headers, body).await? },
        (&Method::PUT, Some(id)) => Asked::Replace { id, body: read(&parts.headers, body).await? },
        (&Method::PATCH, Some(id)) => Asked::Patch { id, body: read(&parts.headers, body).await? },
        (&Method::DELETE, Some(id)) => Asked::Remove { id },
        (method, _) => return Err(no_method(method)),
    };
    let parameters =
        url::form_urlencoded::parse(parts.uri.query().unwrap_or_default().as_bytes()).into_owned().collect();
    let if_match = text(&parts, &header::IF_MATCH);
    // What is done has names of its own in the trail.
    let (who, by) = (admin.who, Attribution { action: None, ..admin.attribution() });
    let provision = Provision { who, by, base, about, parameters, if_match, asked };
    let command = Command::Provision(Box::new(provision));
    let provisioned = match admin.app.actors()?.organization(admin.organization, &command).await {
        Ok(Answer::Provision(answer)) => answer.map_err(Problem::from)?,
        Ok(_) => return Err(unexpected().into()),
        Err(error) => return Err(Problem::from(error).into()),
    };
    let is_known = parts.method == Method::GET
        && text(&parts, &header::IF_NONE_MATCH)
            .zip(provisioned.version.as_ref())
            .is_some_and(|(tags, version)| is_version(&tags, version));
    if is_known {
        return Ok(respond(&Provisioned { status: 304, body: None, ..provisioned }));
    }
    Ok(respond(&provisioned))
}

/// What the server says of itself; `None` where somebody asks for something
/// else.
fn describe(method: &Method, base: &str, help: &str, path: &[&str]) -> Result<Option<Value>, Refused> {
    let found = match path {
        ["ServiceProviderConfig"] => Some(scim::service_provider_config(base, help)),
        ["ResourceTypes"] => Some(scim::resource_types(base)),
        ["ResourceTypes", name] => scim::resource_type(base, name),
        ["Schemas"] => Some(scim::schemas(base)),
        ["Schemas", urn] => scim::schema(base, urn),
        _ => return Ok(None),
    };
    if *method != Method::GET {
        return Err(no_method(method));
    }
    found.map(Some).ok_or_else(|| nothing(path))
}

/// Of which type of resources a path is, and of which one.
fn resource(path: &[&str]) -> Result<(About, Option<String>), Refused> {
    match path {
        ["Users"] => Ok((About::Users, None)),
        ["Users", id] => Ok((About::Users, Some((*id).to_owned()))),
        ["Groups"] => Ok((About::Groups, None)),
        ["Groups", id] => Ok((About::Groups, Some((*id).to_owned()))),
        ["Bulk"] => Err(unsupported("bulk requests are not supported: send them one by one")),
        ["Me"] => Err(unsupported("`/Me` is not supported: ask for the user by id")),
        [".search"] => Err(unsupported("search `/Users` or `/Groups`, not both at once")),
        _ => Err(nothing(path)),
    }
}

async fn read(headers: &HeaderMap, body: Body) -> Result<Value, Refused> {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    if kind != MEDIA_TYPE && kind != "application/json" {
        let detail = format!("send the body with `content-type: {MEDIA_TYPE}`");
        return Err(Problem::new(Code::UnsupportedMediaType, detail).into());
    }
    let bytes = axum::body::to_bytes(body, LONGEST).await.map_err(|error| match error.to_string() {
        text if text.contains("length limit") => {
            ScimError::new(ErrorKind::TooLarge, format!("the body may have at most {LONGEST} bytes"))
        }
        _ => ScimError::new(ErrorKind::InvalidSyntax, "the body broke off"),
    })?;
    let read = serde_json::from_slice(&bytes);
    Ok(read.map_err(|error| ScimError::new(ErrorKind::InvalidSyntax, format!("the body is not JSON: {error}")))?)
}

fn respond(answer: &Provisioned) -> Response {
    let body = answer.body.as_ref().map(ToString::to_string);
    let mut response = Response::new(body.map_or_else(Body::empty, Body::from));
    *response.status_mut() = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    if answer.body.is_some() {
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
    }
    let named = [(header::ETAG, &answer.version), (header::LOCATION, &answer.location)];
    for (name, text) in named {
        headers.extend(text.as_ref().and_then(|text| HeaderValue::from_str(text).ok()).map(|text| (name, text)));
    }
    response
}

fn text(parts: &Parts, name: &header::HeaderName) -> Option<String> {
    parts.headers.get(name)?.to_str().ok().map(str::to_owned)
}

fn nothing(path: &[&str]) -> Refused {
    let path: String = path.join("/").chars().take(200).collect();
    ScimError::new(ErrorKind::NotFound, format!("there is nothing at `{ROOT}/{path}`")).into()
}

fn unsupported(detail: &str) -> Refused {
    ScimError::new(ErrorKind::NotImplemented, detail).into()
}

fn no_method(method: &Method) -> Refused {
    Problem::new(Code::MethodNotAllowed, format!("{method} means nothing here")).into()
}
