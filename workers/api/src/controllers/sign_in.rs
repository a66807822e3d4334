//! How an organization's people sign in: at which provider, with which e-mail
//! domains, and with the setup token in place of both.

use ::organization::protocol::{Act, Answer, GroupGrant, HasTag, Question, Reply, SetupTokenRecord, SignIn, SigningIn};
use http::StatusCode;
use identity::{SetupToken, TeamId};
use journal::Tag;
use openid::{Algorithm, GroupRule, Preset};
use policy::{Node, Role};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::admin_keys::gone;
use super::sealed::{anew, seal};
use super::{Created, created};
use crate::app::unexpected;
use crate::extract::{Action, Admin, Body, Caller, Target, Unrepeated};
use crate::problem::{Code, Problem};
use crate::schema;
use crate::sign_in::browser::Browser;
use crate::sign_in::{domains, provider};
use crate::tags::Tagged;
use crate::text::Secret;
use crate::time::Time;

const HOUR_MS: i64 = 60 * 60 * 1000;
/// A setup token is given to somebody who waits for it.
const USUAL_SETUP_HOURS: u32 = 24;
/// A working day.
const USUAL_SESSION_HOURS: u32 = 12;

/// A provider, and what it is known by.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum SignInProvider {
    /// Okta.
    Okta {
        /// Such as `acme.okta.com`.
        domain: String,
    },
    /// Microsoft Entra ID.
    Entra {
        /// The directory (tenant) id.
        tenant: String,
    },
    /// Google Workspace.
    Google {
        /// The company's primary domain there.
        domain: String,
    },
    /// Any other provider of OpenID Connect: Keycloak, Auth0, …
    Generic {
        /// Its issuer, character by character as its tokens have it.
        issuer: String,
        /// What to ask for beside `openid`, `profile` and `email`.
        #[serde(default)]
        scopes: Vec<String>,
        /// Which claim lists somebody's groups; a path if it begins with `/`.
        #[serde(default)]
        groups_claim: Option<String>,
        /// Whether everybody's address there is set by the company's admins. Otherwise only addresses that the
        /// provider says it verified are believed.
        #[serde(default)]
        is_directory: bool,
    },
}

/// What members of a group get: a role on a node, or a place in a team when they become members.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct GroupRuleBody {
    /// The group's name or id, exactly as the provider sends it.
    #[schema(min_length = 1, max_length = 200)]
    group: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::Role>)]
    role: Option<Role>,
    /// Where the role holds, and below.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::RoleNode>)]
    on: Option<Node>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::TeamId>)]
    team_id: Option<TeamId>,
}

/// At which provider people sign in, and what becomes of them.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SignIn)]
pub(crate) struct SignInBody {
    /// Grows with every change.
    version: u64,
    provider: SignInProvider,
    /// Its issuer.
    issuer: String,
    client_id: String,
    /// How its tokens may be signed.
    #[schema(value_type = Vec<schema::SigningAlgorithm>)]
    algorithms: Vec<Algorithm>,
    just_in_time: bool,
    #[schema(value_type = Option<schema::TeamId>)]
    default_team_id: Option<TeamId>,
    groups: Vec<GroupRuleBody>,
    session_hours: u32,
    /// What the provider must be told.
    redirect_uri: String,
    /// What is to be done at the provider, step by step.
    steps: Vec<String>,
}

/// At which provider people shall sign in.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewSignIn {
    provider: SignInProvider,
    /// What the provider calls Alfred.
    #[schema(min_length = 1, max_length = 200, pattern = "^[!-~]+$")]
    client_id: String,
    /// Alfred's secret there; the one before is kept if it is left out and provider and client id are the same.
    #[serde(default)]
    #[schema(value_type = Option<schema::ProviderSecret>)]
    client_secret: Option<Secret>,
    /// How its tokens may be signed; all that are known if left out.
    #[serde(default)]
    #[schema(value_type = Option<Vec<schema::SigningAlgorithm>>)]
    algorithms: Option<Vec<Algorithm>>,
    /// Whether somebody with an address of the organization's domains who is no member becomes one.
    #[serde(default)]
    just_in_time: bool,
    /// In which team, where no group says another.
    #[serde(default)]
    #[schema(value_type = Option<schema::TeamId>)]
    default_team_id: Option<TeamId>,
    /// What members of groups get; of several teams, the first.
    #[serde(default)]
    #[schema(max_items = 500)]
    groups: Vec<GroupRuleBody>,
    /// After how long somebody must sign in again; 12 if left out.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 2208)]
    session_hours: Option<u32>,
}

/// The organization's own e-mail domains.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Domains {
    /// All of them.
    #[schema(max_items = 100)]
    domains: Vec<String>,
}

/// For how long a setup token works.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewSetupToken {
    /// 24 if left out.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 168)]
    hours: Option<u32>,
}

/// A setup token. Nobody can show it again.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SetupTokenBody {
    /// For `POST /api/v1/auth/setup`.
    setup_token: String,
    #[schema(value_type = schema::Time)]
    expires_at: Time,
}

impl From<SignInProvider> for Preset {
    fn from(body: SignInProvider) -> Self {
        match body {
            SignInProvider::Okta { domain } => Self::Okta { domain },
            SignInProvider::Entra { tenant } => Self::Entra { tenant },
            SignInProvider::Google { domain } => Self::Google { domain },
            SignInProvider::Generic { issuer, scopes, groups_claim, is_directory } => {
                Self::Generic { issuer, scopes, groups_claim, is_directory }
            }
        }
    }
}

impl From<Preset> for SignInProvider {
    fn from(preset: Preset) -> Self {
        match preset {
            Preset::Okta { domain } => Self::Okta { domain },
            Preset::Entra { tenant } => Self::Entra { tenant },
            Preset::Google { domain } => Self::Google { domain },
            Preset::Generic { issuer, scopes, groups_claim, is_directory } => {
                Self::Generic { issuer, scopes, groups_claim, is_directory }
            }
        }
    }
}

impl GroupRuleBody {
    fn read(self) -> Result<GroupRule<GroupGrant>, Problem> {
        if self.group.is_empty() || self.group.chars().count() > 200 {
            return Err(Problem::invalid("`group` has 1 to 200 characters"));
        }
        let grants = match (self.role, self.on, self.team_id) {
            (Some(role), Some(on), None) => GroupGrant::Role { role, on },
            (None, None, Some(team)) => GroupGrant::Team { team },
            _ => {
                let detail = format!("the rule for `{}` needs `role` and `on`, or `team_id`", self.group);
                return Err(Problem::invalid(detail));
            }
        };
        Ok(GroupRule { group: self.group, grants })
    }

    fn show(rule: GroupRule<GroupGrant>) -> Self {
        let (role, on, team_id) = match rule.grants {
            GroupGrant::Role { role, on } => (Some(role), Some(on), None),
            GroupGrant::Team { team } => (None, None, Some(team)),
        };
        Self { group: rule.group, role, on, team_id }
    }
}

fn show(admin: &Admin, browser: &Browser, sign_in: SignIn) -> Result<SignInBody, Problem> {
    let profile = sign_in.provider.profile(provider::transport(&admin.app)).map_err(Problem::internal)?;
    let redirect_uri = browser.site.redirect_uri();
    Ok(SignInBody {
        version: sign_in.version,
        issuer: profile.issuer.to_string(),
        steps: sign_in.provider.steps(&redirect_uri),
        provider: sign_in.provider.into(),
        client_id: sign_in.client_id,
        algorithms: sign_in.algorithms,
        just_in_time: sign_in.just_in_time,
        default_team_id: sign_in.default_team,
        groups: sign_in.groups.into_iter().map(GroupRuleBody::show).collect(),
        session_hours: sign_in.session_hours,
        redirect_uri,
    })
}

async fn signing_in(admin: &Admin) -> Result<SigningIn, Problem> {
    match admin.app.ask_organization(admin.organization, Question::SigningIn).await? {
        Answer::SigningIn(signing_in) => Ok(*signing_in?),
        _ => Err(unexpected()),
    }
}

/// Show how people sign in.
#[utoipa::path(get, path = "/api/v1/sign-in", tag = "Sign-in",
    responses((status = 200, description = "At which provider", body = SignInBody)))]
#[worker::send]
pub(crate) async fn get_sign_in(caller: Caller, browser: Browser) -> Result<Tagged<SignInBody>, Problem> {
    let admin = caller.may(Action::GetSignIn, Target::Organization).await?;
    match signing_in(&admin).await?.sign_in {
        Some(sign_in) => Ok(Tagged::shown(sign_in.tag(), show(&admin, &browser, sign_in)?)),
        None => Err(Problem::new(Code::NotFound, "people do not sign in here yet: `PUT /api/v1/sign-in` sets where")),
    }
}

/// Set at which provider people sign in.
///
/// The provider is asked for its metadata before anything is changed. Sign-ins that were begun before start again;
/// sessions go on.
#[utoipa::path(put, path = "/api/v1/sign-in", tag = "Sign-in", request_body = NewSignIn,
    responses((status = 200, description = "As it is now", body = SignInBody)))]
#[worker::send]
pub(crate) async fn change_sign_in(
    caller: Caller,
    browser: Browser,
    Body { value, repeat }: Body<NewSignIn>,
) -> Result<Tagged<SignInBody>, Problem> {
    let admin = caller.may(Action::ChangeSignIn, Target::Organization).await?;
    let preset = Preset::from(value.provider);
    let client_id = value.client_id;
    if !(1..=200).contains(&client_id.len()) || !client_id.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(Problem::invalid("`client_id` has 1 to 200 visible ASCII characters"));
    }
    let before = signing_in(&admin).await?.sign_in;
    let client_secret = match (value.client_secret, before) {
        (Some(secret), _) => seal(&admin.app.vault()?, &provider::purpose(admin.organization), &secret.into_string())?,
        // A secret is not sent to another address than it was given for.
        (None, Some(before)) if before.provider == preset && before.client_id == client_id => {
            anew(&admin.app.vault()?, &provider::purpose(admin.organization), before.client_secret)?
        }
        (None, _) => return Err(Problem::invalid("`client_secret` is missing")),
    };
    let profile = preset.profile(provider::transport(&admin.app)).map_err(Problem::invalid)?;
    let discovery = provider::discover(&admin.app, &profile)
        .await
        .map_err(|fault| Problem::invalid(format!("the sign-in provider cannot be used: {fault}")))?;
    let algorithms = value.algorithms.unwrap_or_else(|| Algorithm::ALL.to_vec());
    if !algorithms.iter().any(|algorithm| discovery.tokens.algorithms.contains(algorithm)) {
        let known: Vec<String> = discovery.tokens.algorithms.iter().map(ToString::to_string).collect();
        let detail = format!("the provider signs with none of `algorithms`, but with {}", known.join(", "));
        return Err(Problem::invalid(detail));
    }
    let sign_in = SignIn {
        version: 0,
        provider: preset,
        client_id,
        client_secret,
        algorithms,
        just_in_time: value.just_in_time,
        default_team: value.default_team_id,
        groups: value.groups.into_iter().map(GroupRuleBody::read).collect::<Result<_, _>>()?,
        session_hours: value.session_hours.unwrap_or(USUAL_SESSION_HOURS),
    };
    match admin.order(&repeat, Act::PutSignIn(Box::new(sign_in))).await? {
        Reply::SignIn(sign_in) => Ok(Tagged::changed(sign_in.tag(), show(&admin, &browser, *sign_in)?)),
        _ => Err(unexpected()),
    }
}

/// Let nobody sign in any more. Sessions go on until they end.
#[utoipa::path(delete, path = "/api/v1/sign-in", tag = "Sign-in",
    responses((status = 204, description = "Nobody signs in any more")))]
#[worker::send]
pub(crate) async fn remove_sign_in(caller: Caller, Unrepeated(repeat): Unrepeated) -> Result<StatusCode, Problem> {
    let admin = caller.may(Action::RemoveSignIn, Target::Organization).await?;
    admin.order(&repeat, Act::RemoveSignIn).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Show the organization's e-mail domains.
#[utoipa::path(get, path = "/api/v1/organization/domains", tag = "Sign-in",
    responses((status = 200, description = "All of them", body = Domains)))]
#[worker::send]
pub(crate) async fn get_domains(caller: Caller) -> Result<Tagged<Domains>, Problem> {
    let admin = caller.may(Action::GetDomains, Target::Organization).await?;
    let signing_in = signing_in(&admin).await?;
    Ok(Tagged::shown(signing_in.tag(), Domains { domains: signing_in.domains }))
}

/// Say which e-mail domains are the organization's own. Only the operator may.
///
/// Whoever has an address there is one of its people, so the operator makes sure that it is the company's.
#[utoipa::path(put, path = "/api/v1/organization/domains", tag = "Operator", request_body = Domains,
    responses((status = 200, description = "As they are now", body = Domains)))]
#[worker::send]
pub(crate) async fn change_domains(
    caller: Caller,
    Body { value, repeat }: Body<Domains>,
) -> Result<Tagged<Domains>, Problem> {
    let admin = caller.may(Action::ChangeDomains, Target::Organization).await?;
    let read = |text: &String| {
        let domain = openid::email_domain(&format!("a@{}", text.trim())).filter(|domain| domain.contains('.'));
        domain.ok_or_else(|| Problem::invalid(format!("`{text}` is not a domain: expected one like `acme.example`")))
    };
    let mut domains = value.domains.iter().map(read).collect::<Result<Vec<_>, _>>()?;
    domains.sort();
    domains.dedup();
    if domains.len() > 100 {
        return Err(Problem::invalid("an organization can have 100 e-mail domains"));
    }
    // The index first: a domain that is claimed and not yet used does no harm.
    domains::claim(&admin.app, admin.organization, &domains).await?;
    admin.order(&repeat, Act::PutDomains { domains: domains.clone() }).await?;
    domains::release(&admin.app, admin.organization, &domains).await?;
    Ok(Tagged::changed(Tag::of(&domains), Domains { domains }))
}

/// Make a setup token: it lets one person in, as an admin, without a provider.
///
/// For the first day, and for the day when the provider is out of order. It works once; another one takes the place
/// of the one before.
#[utoipa::path(post, path = "/api/v1/organization/setup-token", tag = "Sign-in", request_body = NewSetupToken,
    responses((status = 201, description = "It was made", body = SetupTokenBody)))]
#[worker::send]
pub(crate) async fn create_setup_token(
    caller: Caller,
    Body { value, repeat }: Body<NewSetupToken>,
) -> Result<Created<SetupTokenBody>, Problem> {
    let admin = caller.may(Action::CreateSetupToken, Target::Organization).await?;
    let minted = admin.secret(&repeat, "setup token", |bits| SetupToken::mint(admin.organization, bits))?;
    let hash = |text: &str| SetupToken::parse(text).map(|token| token.hash);
    let new = hash(&minted.text).map_err(Problem::internal)?;
    let hours = value.hours.unwrap_or(USUAL_SETUP_HOURS);
    let expires_ms = admin.now().saturating_add(i64::from(hours).saturating_mul(HOUR_MS));
    admin.order(&repeat, Act::PutSetupToken(SetupTokenRecord { hash: new, expires_ms })).await?;
    let kept = if repeat.key.is_some() { signing_in(&admin).await?.setup } else { Some(new) };
    let setup_token = minted.kept(|text| hash(text).is_ok_and(|hash| Some(hash) == kept)).ok_or_else(gone)?;
    Ok(created(SetupTokenBody { setup_token, expires_at: Time::from_ms(expires_ms) }))
}
