//! `alfred whoami`.

use identity::{AdminKey, ApiKey, ServiceKey};
use serde_json::{Value, json};

use crate::api::{Api, operations as ops};
use crate::apply::state::{Grant, ServiceAccount};
use crate::failure::Failure;
use crate::output::{plain, views};
use crate::session::{Session, text};

/// Say whose key this is and what it may do.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  alfred whoami
  ALFRED_URL=http://127.0.0.1:8787 ALFRED_API_KEY=sk-alf-… alfred whoami --json")]
pub(crate) struct Arguments {}

/// Whose key it is, as its form says and Alfred confirms.
pub(crate) enum Who {
    /// A member: what `GET /me` answers.
    Member(Value),
    /// An admin: what `GET /organization` answers.
    Admin(Value),
    /// A program: its account if it may be seen, its grants, and the actions that they allow.
    Service { organization: String, account: Option<ServiceAccount>, roles: Vec<String>, actions: Vec<String> },
    /// Whoever runs the installation.
    Operator,
}

/// Asks Alfred.
pub(crate) fn identify(api: &Api) -> Result<Who, Failure> {
    let key = api.key();
    if AdminKey::parse(key).is_ok() {
        return api.call(ops::GET_ORGANIZATION, &[]).map(Who::Admin);
    }
    if let Ok(ServiceKey { organization, .. }) = ServiceKey::parse(key) {
        return service(api, organization.to_string());
    }
    match ApiKey::parse(key) {
        Ok(_) => api.call(ops::GET_ME, &[]).map(Who::Member),
        Err(error) if key.starts_with("sk-alf-") => Err(Failure::Here(error.to_string())),
        Err(_) => api.query(ops::LIST_ORGANIZATIONS, &[("limit", Some("1".to_owned()))]).map(|_| Who::Operator),
    }
}

/// A program may not be permitted to look at itself; then less is said.
fn service(api: &Api, organization: String) -> Result<Who, Failure> {
    let hint = ApiKey::hint(api.key());
    let accounts = permitted(api.all::<ServiceAccount>(ops::LIST_SERVICE_ACCOUNTS, &[]))?.unwrap_or_default();
    let account = accounts.into_iter().find(|account| account.keys.iter().any(|key| key.hint == hint));
    let grants = permitted(api.all::<Grant>(ops::LIST_GRANTS, &[]))?.unwrap_or_default();
    let own = |grant: &&Grant| account.as_ref().is_some_and(|account| grant.to == account.id.to_string());
    let roles: Vec<(String, String)> =
        grants.iter().filter(own).map(|grant| (grant.role.clone(), grant.on.clone())).collect();
    let matrix = permitted(api.call(ops::GET_MATRIX, &[]))?.unwrap_or_default();
    let rows = matrix.get("actions").and_then(Value::as_array).cloned().unwrap_or_default();
    let allowed = |row: &&Value| {
        let allowed = row.get("allowed").and_then(Value::as_array);
        allowed.is_some_and(|allowed| roles.iter().any(|(role, _)| allowed.contains(&json!(role))))
    };
    let scopes = account.as_ref().and_then(|account| account.keys.iter().find(|key| key.hint == hint)?.scopes.clone());
    let scoped = |action: &String| scopes.as_ref().is_none_or(|scopes| scopes.contains(action));
    let actions = rows.iter().filter(allowed).map(|row| text(row, "/action").to_owned()).filter(scoped).collect();
    let roles = roles.into_iter().map(|(role, on)| format!("{role} on {on}")).collect();
    Ok(Who::Service { organization, account, roles, actions })
}

/// `None` where that may not be looked at; any other failure stays one.
fn permitted<T>(result: Result<T, Failure>) -> Result<Option<T>, Failure> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(Failure::Refused { status: 403, .. }) => Ok(None),
        Err(failure) => Err(failure),
    }
}

impl Who {
    /// In one line.
    pub(crate) fn line(&self) -> String {
        plain(&match self {
            Self::Member(me) => {
                let (name, team) = (text(me, "/member/name"), text(me, "/team/name"));
                format!("{name} of {team}, {}", text(me, "/organization/name"))
            }
            Self::Admin(organization) => format!("an admin of {}", text(organization, "/name")),
            Self::Service { organization, account, .. } => {
                let name = account.as_ref().map_or("a service account", |account| account.name.as_str());
                format!("{name} in {organization}")
            }
            Self::Operator => "the operator".to_owned(),
        })
    }
}

/// Runs it.
pub(crate) fn run(_: &Arguments, session: &Session) -> Result<String, Failure> {
    let who = identify(&session.api)?;
    let line = format!("{}\n\n", who.line());
    Ok(match who {
        Who::Member(me) if session.json => session.document(&json!({ "kind": "member", "me": me })),
        Who::Member(me) => line + &session.card(&views::ME, &me),
        Who::Admin(organization) if session.json => {
            session.document(&json!({ "kind": "admin", "organization": organization }))
        }
        Who::Admin(organization) => {
            let may = "may do everything in the organization but issue credits\n\n";
            line + may + &session.card(&views::ORGANIZATION, &organization)
        }
        Who::Service { organization, account, roles, actions } if session.json => session.document(&json!({
            "kind": "service_account",
            "organization": organization,
            "service_account": account.map(|account| json!({ "id": account.id, "name": account.name })),
            "roles": roles,
            "actions": actions,
        })),
        Who::Service { account: None, .. } => {
            line + "may not look at service accounts, so what it may do is not known; `alfred permissions` may help\n"
        }
        Who::Service { roles, .. } if roles.is_empty() => line + "has no role, and so may do nothing\n",
        Who::Service { roles, actions, .. } => {
            line + &format!("roles    {}\nactions  {}\n", roles.join(", "), plain(&actions.join(", ")))
        }
        Who::Operator if session.json => session.document(&json!({ "kind": "operator" })),
        Who::Operator => line + "name an organization with --organization to work in it\n",
    })
}
