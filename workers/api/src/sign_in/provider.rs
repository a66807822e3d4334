//! Speaking to the provider at which people sign in.

use std::rc::Rc;

use ::runtime::now_ms;
use identity::OrganizationId;
use openid::{
    Algorithm, Authorization, Claims, Client, Discovery, Expected, Groups, Profile, TokenRequest, TokenResponse,
    Transport, admit, read_callback,
};
use organization::protocol::{Link, SignIn};
use vault::Vault;

use super::attempt::Begun;
use crate::app::App;
use crate::problem::{Code, Problem};

/// An ID token is used at once: an older one was kept by somebody.
const MOST_TOKEN_AGE_S: i64 = 10 * 60;

/// A provider as an organization has configured it.
pub(crate) struct Provider {
    profile: Profile,
    discovery: Rc<Discovery>,
    client: Client,
    algorithms: Vec<Algorithm>,
    /// Whether somebody's groups give them anything.
    has_rules: bool,
}

/// Who the provider says somebody is.
pub(crate) struct Identity {
    pub(crate) link: Link,
    pub(crate) email: Option<String>,
    pub(crate) name: Option<String>,
    pub(crate) groups: Vec<String>,
}

/// Why nobody is signed in, and under which code that is recorded.
pub(crate) struct Refused {
    pub(crate) code: &'static str,
    pub(crate) problem: Box<Problem>,
}

/// For what a client secret is sealed.
pub(crate) fn purpose(organization: OrganizationId) -> String {
    format!("sign-in/{organization}")
}

/// Over what providers may be spoken to.
pub(crate) fn transport(app: &App) -> Transport {
    app.reach().transport()
}

/// What a provider publishes about itself, if it may be asked at all.
pub(crate) async fn discover(app: &App, profile: &Profile) -> Result<Rc<Discovery>, issuers::Fault> {
    issuers::provider(&profile.issuer, app.reach()).await
}

/// Something is wrong at the provider, or with how it is configured.
pub(crate) fn failed(fault: issuers::Fault) -> Problem {
    Problem::new(Code::ProviderFailed, format!("the sign-in provider cannot be used: {fault}"))
}

impl Provider {
    /// The provider of these settings.
    pub(crate) async fn new(app: &App, organization: OrganizationId, sign_in: &SignIn) -> Result<Self, Problem> {
        let profile = sign_in.provider.profile(transport(app)).map_err(Problem::invalid)?;
        let discovery = discover(app, &profile).await.map_err(failed)?;
        let secret = open(&app.vault()?, organization, sign_in)?;
        let published = &discovery.tokens.algorithms;
        let algorithms = sign_in.algorithms.iter().copied().filter(|algorithm| published.contains(algorithm));
        Ok(Self {
            algorithms: algorithms.collect(),
            client: Client { id: sign_in.client_id.clone(), secret },
            has_rules: !sign_in.groups.is_empty(),
            profile,
            discovery,
        })
    }

    /// Where the browser goes.
    pub(crate) fn address(&self, begun: &Begun, redirect_uri: &str, login_hint: Option<&str>) -> String {
        let authorization = Authorization {
            client_id: &self.client.id,
            redirect_uri,
            scopes: &self.profile.scopes,
            login_hint,
            prompt: None,
            max_age_s: None,
            parameters: &self.profile.parameters,
        };
        authorization.url(&self.discovery, &begun.attempt).into()
    }

    /// Who came back, from what the provider gave the browser.
    pub(crate) async fn identify(&self, begun: &Begun, redirect_uri: &str, query: &str) -> Result<Identity, Refused> {
        let code = read_callback(query, &begun.attempt, &self.discovery).map_err(|error| refused("callback", error))?;
        let request = TokenRequest::new(&self.discovery, &self.client, redirect_uri, &code, &begun.attempt);
        let call = issuers::Call {
            authorization: request.authorization.as_deref(),
            body: Some((&request.body, TokenRequest::CONTENT_TYPE)),
        };
        let answer = issuers::send(request.url.as_str(), call).await.map_err(unreachable)?;
        let tokens =
            TokenResponse::parse(answer.status, &answer.body).map_err(|error| refused("code_exchange", error))?;
        let issuer = &self.discovery.tokens;
        let expected = Expected {
            max_token_age_s: Some(MOST_TOKEN_AGE_S),
            ..Expected::id_token(&issuer.issuer, &self.client.id, &self.algorithms, begun.attempt.nonce(), now_ms())
        };
        let claims = match issuers::verify(&tokens.id_token, issuer, &expected).await {
            Ok(claims) => claims,
            Err(issuers::Fault::Token(error)) => return Err(refused("token", error)),
            Err(fault) => return Err(unreachable(fault)),
        };
        if !self.profile.rules.is_empty() {
            admit(&self.profile.rules, &claims).map_err(|error| refused("claims", error))?;
        }
        let claims = self.complete(claims, tokens.access_token.as_deref()).await?;
        self.read(&claims)
    }

    /// Some providers say the address and groups only in their userinfo.
    async fn complete(&self, claims: Claims, access_token: Option<&str>) -> Result<Claims, Refused> {
        let lacks_email = claims.claimed_email.is_none();
        let lacks_groups = self.has_rules
            && self.profile.groups_claim.as_ref().is_some_and(|name| claims.groups(name) == Groups::Absent);
        let (Some(url), Some(token)) = (&self.discovery.userinfo_endpoint, access_token) else { return Ok(claims) };
        if !lacks_email && !lacks_groups {
            return Ok(claims);
        }
        let authorization = format!("Bearer {token}");
        let call = issuers::Call { authorization: Some(&authorization), body: None };
        let answer = issuers::send(url.as_str(), call).await.map_err(unreachable)?;
        match answer.status {
            200 => claims.complete(&answer.body).map_err(|error| refused("userinfo", error)),
            // What it does not tell is missing below.
            _ => Ok(claims),
        }
    }

    fn read(&self, claims: &Claims) -> Result<Identity, Refused> {
        let groups = match self.profile.groups_claim.as_ref().map(|name| claims.groups(name)) {
            Some(Groups::Listed(groups)) => groups,
            // Without them nobody knows which roles are to be taken.
            Some(Groups::TooMany) if self.has_rules => {
                let detail = "you are in more groups than the provider puts into a token: ask your admin to have it \
                              send only the groups that are assigned to the application";
                return Err(refused("too_many_groups", detail));
            }
            Some(Groups::TooMany | Groups::Absent) | None => Vec::new(),
        };
        Ok(Identity {
            link: Link { issuer: claims.issuer.clone(), subject: claims.subject.clone() },
            email: claims.email(self.profile.email_trust).map(str::to_owned),
            name: claims.name.as_deref().map(name).filter(|name| !name.is_empty()),
            groups,
        })
    }
}

/// A name as names are here: one line of at most 100 characters.
fn name(text: &str) -> String {
    let line: String = text.chars().filter(|character| !character.is_control()).take(100).collect();
    line.trim().to_owned()
}

fn open(vault: &Vault, organization: OrganizationId, sign_in: &SignIn) -> Result<String, Problem> {
    vault.open(&purpose(organization), &sign_in.client_secret).map_err(|error| {
        let detail = format!("the client secret cannot be opened: {error}; set it again");
        Problem::new(Code::ProviderFailed, detail)
    })
}

fn refused(code: &'static str, error: impl std::fmt::Display) -> Refused {
    Refused { code, problem: Box::new(Problem::new(Code::SignInFailed, error).with("reason", code)) }
}

fn unreachable(fault: issuers::Fault) -> Refused {
    Refused { code: "provider_failed", problem: Box::new(failed(fault)) }
}
