//! People and groups as the organization's identity provider says they are
//! (SCIM 2.0: RFC 7643, RFC 7644).
//!
//! A user is a member: the user's id is the member's. Members whom nobody
//! provisioned are users too, so that a provider finds the people who are there
//! and takes them over. Somebody for whom no group and no setting says a team
//! is a user only, until one does.
//!
//! `active: false` removes the member; DELETE does, and forgets what the
//! provider said of them, so that a new person may have the address. Who was
//! suspended by an admin stays suspended whatever the provider says.
//!
//! Groups give roles and teams by the rules of sign-in. Of whom the provider
//! tells by SCIM, the groups in tokens do not count.

mod groups;
mod table;
mod users;

use audit::{Changed, Draft, Outcome};
use jiff::Timestamp;
use journal::Change;
use scim::{ErrorKind, GROUP, Query, Resource, ResourceType, ScimError, USER, is_version};
use serde_json::Value;
use storage::{Storage, StorageError};

use crate::Organization;
use crate::protocol::{About, Asked, OrderError, Provision, Provisioned};
use table::Stored;
pub(crate) use table::{MEMBERS_TABLE, TABLE, remove as forget};

/// Why something cannot be done.
#[derive(Debug)]
enum Fault {
    /// The provider is told so.
    Scim(ScimError),
    /// Our own, or there is no organization.
    Order(OrderError),
}

impl Fault {
    const fn storage() -> Self {
        Self::Order(OrderError::Storage)
    }

    fn new(kind: ErrorKind, detail: impl std::fmt::Display) -> Self {
        Self::Scim(ScimError::new(kind, detail))
    }
}

impl From<ScimError> for Fault {
    fn from(error: ScimError) -> Self {
        Self::Scim(error)
    }
}

impl From<StorageError> for Fault {
    fn from(_: StorageError) -> Self {
        Self::storage()
    }
}

impl From<OrderError> for Fault {
    fn from(error: OrderError) -> Self {
        match error {
            OrderError::Storage | OrderError::NotOpen => Self::Order(error),
            OrderError::Conflict { .. } => Self::new(ErrorKind::Uniqueness, error),
            _ => Self::new(ErrorKind::InvalidValue, error),
        }
    }
}

impl<S: Storage> Organization<S> {
    /// Answers the identity provider. What it may not do, or cannot mean, is
    /// an answer too.
    ///
    /// # Errors
    /// [`OrderError::Storage`] and [`OrderError::NotOpen`].
    pub fn provision(&mut self, now: i64, asked: &Provision) -> Result<Provisioned, OrderError> {
        let done = match asked.about {
            About::Users => self.users(now, asked),
            About::Groups => self.groups(now, asked),
        };
        match done {
            Ok(answer) => Ok(answer),
            Err(Fault::Order(error)) => Err(error),
            Err(Fault::Scim(error)) => {
                if let Some(name) = act(asked) {
                    let draft = asked.by.draft(name, Some(asked.who), Outcome::Failed, Changed::default());
                    let code = error.kind().scim_type().unwrap_or("not_found").to_owned();
                    let mut change = Change::new();
                    change.audit(Draft { resource: id(asked), code: Some(code), ..draft });
                    self.commit(now, change)?;
                }
                Ok(Provisioned::refused(&error))
            }
        }
    }
}

/// What the audit trail calls it; `None` for what only reads.
const fn act(asked: &Provision) -> Option<&'static str> {
    Some(match (asked.about, &asked.asked) {
        (_, Asked::List | Asked::Search { .. } | Asked::Get { .. }) => return None,
        (About::Users, Asked::Create { .. }) => "provision_user",
        (About::Users, Asked::Replace { .. } | Asked::Patch { .. }) => "change_provisioned_user",
        (About::Users, Asked::Remove { .. }) => "deprovision_user",
        (About::Groups, Asked::Create { .. }) => "provision_group",
        (About::Groups, Asked::Replace { .. } | Asked::Patch { .. }) => "change_provisioned_group",
        (About::Groups, Asked::Remove { .. }) => "deprovision_group",
    })
}

/// Which resource it is about.
fn id(asked: &Provision) -> Option<String> {
    match &asked.asked {
        Asked::List | Asked::Search { .. } => None,
        Asked::Get { id }
        | Asked::Create { id, .. }
        | Asked::Replace { id, .. }
        | Asked::Patch { id, .. }
        | Asked::Remove { id } => Some(id.clone()),
    }
}

/// The record of what is done: the resource before and after.
fn record(asked: &Provision, before: Option<Value>, after: Option<Value>) -> Draft {
    let name = act(asked).unwrap_or_default();
    let draft = asked.by.draft(name, Some(asked.who), Outcome::Done, Changed { before, after });
    Draft { resource: id(asked), ..draft }
}

const fn type_of(about: About) -> &'static ResourceType {
    match about {
        About::Users => &USER,
        About::Groups => &GROUP,
    }
}

/// Which resources are asked for, and what of them.
fn query(asked: &Provision) -> Result<Query, ScimError> {
    let of = type_of(asked.about);
    match &asked.asked {
        Asked::Search { body } => Query::from_search(of, body),
        Asked::List => {
            let parameters = asked.parameters.iter().map(|(name, value)| (name.as_str(), value.as_str()));
            Query::from_parameters(of, parameters)
        }
        // A single one is not looked for, but may be wanted in part.
        _ => {
            let wanted = |(name, _): &&(String, String)| name.to_lowercase().ends_with("attributes");
            let parameters = asked.parameters.iter().filter(wanted);
            Query::from_parameters(of, parameters.map(|(name, value)| (name.as_str(), value.as_str())))
        }
    }
}

/// Refuses a change that was meant for another version.
fn is_meant_for<R: Resource>(asked: &Provision, there: &R) -> Result<(), Fault> {
    let version = there.version()?;
    match &asked.if_match {
        Some(tags) if !is_version(tags, &version) => {
            let detail = format!("somebody else has changed it since it was read: it is at {version}");
            Err(Fault::new(ErrorKind::PreconditionFailed, detail))
        }
        _ => Ok(()),
    }
}

/// A resource as it is answered in full.
fn shown<R: Resource>(asked: &Provision, stored: Stored<R>) -> Result<Value, Fault> {
    let stamped = stored.resource.stamped(&time(stored.created_ms), &time(stored.modified_ms), &asked.base)?;
    Ok(stamped.to_json()?)
}

/// One resource, as far as it is wanted.
fn answer<R: Resource>(asked: &Provision, status: u16, stored: Stored<R>) -> Result<Provisioned, Fault> {
    let query = query(asked)?;
    let whole = shown(asked, stored)?;
    let of = |name: &str| Some(whole.get("meta")?.get(name)?.as_str()?.to_owned());
    let (version, location) = (of("version"), of("location"));
    Ok(Provisioned { status, body: Some(query.projection.project(R::TYPE, whole)), version, location })
}

const fn removed() -> Provisioned {
    Provisioned { status: 204, body: None, version: None, location: None }
}

fn missing(asked: &Provision, id: &str) -> Fault {
    let id: String = id.chars().take(80).collect();
    Fault::new(ErrorKind::NotFound, format!("there is no {} `{id}`", type_of(asked.about).name))
}

fn time(ms: i64) -> String {
    let time = Timestamp::from_millisecond(ms).unwrap_or_default();
    format!("{time:.3}")
}
