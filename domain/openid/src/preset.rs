//! What the known providers need to be told, and what an admin does there.

use serde::{Deserialize, Serialize};

use crate::claims::EmailTrust;
use crate::issuer::{Issuer, IssuerError, Transport};
use crate::rule::ClaimRule;

/// Where Google's accounts are.
const GOOGLE: &str = "https://accounts.google.com";
/// The tenant of everybody's personal Microsoft accounts.
const PERSONAL_ACCOUNTS: &str = "9188040d-6c67-4c5b-b112-36a304b66dad";

/// A provider, and what the admin types of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Preset {
    /// Okta.
    Okta {
        /// Such as `acme.okta.com`, or the company's own name for it.
        domain: String,
    },
    /// Microsoft Entra ID, one tenant.
    Entra {
        /// The directory (tenant) id: a UUID.
        tenant: String,
    },
    /// Google Workspace.
    Google {
        /// The company's primary domain there.
        domain: String,
    },
    /// Any other provider.
    Generic {
        /// Its issuer.
        issuer: String,
        /// Which scopes to ask for beside `openid`, `profile` and `email`.
        #[serde(default)]
        scopes: Vec<String>,
        /// Which claim lists the groups; a path if it begins with `/`.
        #[serde(default)]
        groups_claim: Option<String>,
        /// Whether everybody's address there is set by the company's admins.
        #[serde(default)]
        is_directory: bool,
    },
}

/// Why what the admin typed cannot be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PresetError {
    /// Not the name of a host.
    #[error("`{0}` is not a domain: expected one such as `{1}`")]
    Domain(String, &'static str),
    /// The address of Okta's admin console.
    #[error("`{0}` is Okta's admin console: leave out the `-admin`")]
    AdminConsole(String),
    /// A name or a domain where the id is needed.
    #[error(
        "`{0}` is not a tenant id: copy `Directory (tenant) ID` from the app's overview in Entra; \
         `common` and the like would let in other companies"
    )]
    Tenant(String),
    /// No issuer.
    #[error(transparent)]
    Issuer(#[from] IssuerError),
    /// Not the name of a scope.
    #[error("`{0}` is not a scope")]
    Scope(String),
    /// Not the name of a claim.
    #[error("the name of the groups claim is empty: leave it out if there is none")]
    GroupsClaim,
}

/// How a provider is spoken to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Profile {
    /// Who it is.
    pub issuer: Issuer,
    /// What to ask for.
    pub scopes: Vec<String>,
    /// Which claim lists the groups, if one does.
    pub groups_claim: Option<String>,
    /// When its email addresses are believed.
    pub email_trust: EmailTrust,
    /// What else to send when signing in.
    pub parameters: Vec<(String, String)>,
    /// What an ID token must say beside what every one must: all of it.
    pub rules: Vec<ClaimRule>,
}

impl Preset {
    /// How the provider is spoken to.
    ///
    /// # Errors
    /// [`PresetError`].
    pub fn profile(&self, transport: Transport) -> Result<Profile, PresetError> {
        match self {
            Self::Okta { domain } => okta(domain, transport),
            Self::Entra { tenant } => entra(tenant, transport),
            Self::Google { domain } => google(domain, transport),
            Self::Generic { issuer, scopes, groups_claim, is_directory } => {
                if let Some(scope) = scopes.iter().find(|scope| !is_scope(scope)) {
                    return Err(PresetError::Scope(short(scope)));
                }
                if groups_claim.as_ref().is_some_and(|claim| claim.trim().is_empty()) {
                    return Err(PresetError::GroupsClaim);
                }
                let more: Vec<&str> = scopes.iter().map(String::as_str).collect();
                let email_trust = if *is_directory { EmailTrust::Directory } else { EmailTrust::Verified };
                let profile = Profile::new(Issuer::parse(issuer, transport)?, &more, email_trust);
                Ok(Profile { groups_claim: groups_claim.clone(), ..profile })
            }
        }
    }

    /// What the admin does at the provider, step by step.
    #[must_use]
    pub fn steps(&self, redirect_uri: &str) -> Vec<String> {
        let redirect = format!("Enter `{redirect_uri}` as the redirect URI, exactly so.");
        let copy = "Copy the client id and the client secret into Alfred.".to_owned();
        let own = |texts: &[&str]| texts.iter().map(|&text| text.to_owned()).collect::<Vec<_>>();
        match self {
            Self::Okta { .. } => [
                own(&["In Okta's admin console: Applications, Create App Integration, OIDC, Web Application."]),
                vec![redirect],
                own(&[
                    "Leave the grant type at Authorization Code, and assign the people or groups who may sign in.",
                    "Under Sign On, OpenID Connect ID Token: set the groups claim filter to `groups`, matches regex, \
                     `.*`, or to the groups that Alfred shall see.",
                ]),
                vec![copy],
            ]
            .concat(),
            Self::Entra { .. } => [
                own(&[
                    "In Entra's admin center: App registrations, New registration, accounts in this directory only.",
                ]),
                vec![redirect.replace("as the redirect URI", "as a redirect URI of the kind Web")],
                own(&[
                    "Under Token configuration: add the optional claim `email` to the ID token, and the groups claim \
                     with `Groups assigned to the application`. With all groups, who is in more than 200 has none.",
                    "Under Enterprise applications: assign the people or groups who may sign in.",
                    "Under Certificates & secrets: make a client secret. Note when it expires.",
                    "Copy the application (client) id, the directory (tenant) id and the secret's value into Alfred. \
                     Groups are named by their object ids.",
                ]),
            ]
            .concat(),
            Self::Google { .. } => [
                own(&[
                    "In Google Cloud's console: APIs & Services, OAuth consent screen, user type Internal.",
                    "Credentials, Create credentials, OAuth client ID, Web application.",
                ]),
                vec![redirect.replace("redirect URI", "authorized redirect URI"), copy],
                own(&["Google's tokens have no groups: give roles in Alfred, or provision them with SCIM."]),
            ]
            .concat(),
            Self::Generic { .. } => {
                let kind = "Register a confidential web client for the authorization code flow with PKCE.";
                [own(&[kind]), vec![redirect, copy]].concat()
            }
        }
    }
}

impl Profile {
    fn new(issuer: Issuer, more: &[&str], email_trust: EmailTrust) -> Self {
        let mut scopes: Vec<String> = Vec::new();
        for &scope in ["openid", "profile", "email"].iter().chain(more) {
            if !scopes.iter().any(|known| known == scope) {
                scopes.push(scope.to_owned());
            }
        }
        Self { issuer, scopes, groups_claim: None, email_trust, parameters: Vec::new(), rules: Vec::new() }
    }
}

fn okta(domain: &str, transport: Transport) -> Result<Profile, PresetError> {
    let host = host(domain, "acme.okta.com")?;
    let tenant = host.split('.').next().unwrap_or_default();
    if tenant.ends_with("-admin") && (host.contains(".okta") || host.contains(".oktapreview.")) {
        return Err(PresetError::AdminConsole(host));
    }
    let issuer = Issuer::parse(&format!("https://{host}"), transport)?;
    let profile = Profile::new(issuer, &["groups"], EmailTrust::Directory);
    Ok(Profile { groups_claim: Some("groups".to_owned()), ..profile })
}

fn entra(tenant: &str, transport: Transport) -> Result<Profile, PresetError> {
    let id = tenant.trim().to_ascii_lowercase();
    let lengths = id.split('-').map(str::len);
    let is_uuid = lengths.eq([8, 4, 4, 4, 12]) && id.chars().all(|c| c == '-' || c.is_ascii_hexdigit());
    if !is_uuid || id == PERSONAL_ACCOUNTS {
        return Err(PresetError::Tenant(short(tenant)));
    }
    let issuer = Issuer::parse(&format!("https://login.microsoftonline.com/{id}/v2.0"), transport)?;
    let profile = Profile::new(issuer, &[], EmailTrust::Directory);
    Ok(Profile { groups_claim: Some("groups".to_owned()), ..profile })
}

/// Google signs for everybody: which company somebody belongs to is said by
/// `hd`, and asking for it does not mean that one gets it.
fn google(domain: &str, transport: Transport) -> Result<Profile, PresetError> {
    let example = "acme.com";
    let domain = host(domain, example)?;
    let rule = ClaimRule::new("hd", &domain).map_err(|_| PresetError::Domain(domain.clone(), example))?;
    let profile = Profile::new(Issuer::parse(GOOGLE, transport)?, &[], EmailTrust::Verified);
    Ok(Profile { parameters: vec![("hd".to_owned(), domain)], rules: vec![rule], ..profile })
}

/// The host of what was typed or copied out of a browser.
fn host(typed: &str, example: &'static str) -> Result<String, PresetError> {
    let text = typed.trim().to_ascii_lowercase();
    let text = text.strip_prefix("https://").unwrap_or(&text);
    let text = text.strip_suffix('/').unwrap_or(text);
    let label = |label: &str| {
        !label.is_empty() && !label.starts_with('-') && label.chars().all(|c| c == '-' || c.is_ascii_alphanumeric())
    };
    if text.len() <= 253 && text.contains('.') && text.split('.').all(label) {
        Ok(text.to_owned())
    } else {
        Err(PresetError::Domain(short(typed), example))
    }
}

/// RFC 6749, 3.3.
fn is_scope(text: &str) -> bool {
    !text.is_empty() && text.len() <= 200 && text.chars().all(|c| c.is_ascii_graphic() && c != '"' && c != '\\')
}

fn short(text: &str) -> String {
    text.chars().take(80).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    const TENANT: &str = "72f988bf-86f1-41af-91ab-2d7cd011db47";

    fn profile(preset: &Value) -> Result<Profile, PresetError> {
        serde_json::from_value::<Preset>(preset.clone()).unwrap().profile(Transport::Https)
    }

    #[test]
    fn what_is_typed_becomes_an_issuer() {
        let everybody = ["openid", "profile", "email"];
        let with_groups = ["openid", "profile", "email", "groups"];
        let entra = format!("https://login.microsoftonline.com/{TENANT}/v2.0");
        for (preset, issuer, scopes, groups) in [
            (
                json!({"kind": "okta", "domain": "acme.okta.com"}),
                "https://acme.okta.com",
                &with_groups[..],
                Some("groups"),
            ),
            (
                json!({"kind": "okta", "domain": " https://Login.Acme.com/ "}),
                "https://login.acme.com",
                &with_groups,
                Some("groups"),
            ),
            (json!({"kind": "entra", "tenant": TENANT}), &entra, &everybody, Some("groups")),
            (json!({"kind": "entra", "tenant": TENANT.to_uppercase()}), &entra, &everybody, Some("groups")),
            (json!({"kind": "google", "domain": "acme.com"}), "https://accounts.google.com", &everybody, None),
            (json!({"kind": "generic", "issuer": "https://id.acme.com/"}), "https://id.acme.com/", &everybody, None),
            (
                json!({"kind": "generic", "issuer": "https://id.acme.com", "scopes": ["groups", "email"],
                    "groups_claim": "/realm_access/roles"}),
                "https://id.acme.com",
                &with_groups,
                Some("/realm_access/roles"),
            ),
        ] {
            let profile = profile(&preset).unwrap();
            assert_eq!(profile.issuer.as_str(), issuer);
            assert_eq!(profile.scopes, scopes);
            assert_eq!(profile.groups_claim.as_deref(), groups);
        }
    }

    #[test]
    fn google_admits_only_the_company() {
        let profile = profile(&json!({"kind": "google", "domain": "Acme.com"})).unwrap();
        assert_eq!(profile.parameters, [("hd".to_owned(), "acme.com".to_owned())]);
        assert_eq!(profile.email_trust, EmailTrust::Verified);
        for (more, admitted) in
            [(json!({"hd": "acme.com"}), true), (json!({"hd": "evil.example"}), false), (json!({}), false)]
        {
            assert_eq!(crate::admit(&profile.rules, &crate::claims::tests::claims(&more)).is_ok(), admitted, "{more}");
        }
    }

    #[test]
    fn what_cannot_be_is_refused_with_what_to_do() {
        for (preset, message) in [
            (json!({"kind": "okta", "domain": "acme"}), "`acme` is not a domain: expected one such as `acme.okta.com`"),
            (
                json!({"kind": "okta", "domain": "acme.okta.com/oauth2"}),
                "`acme.okta.com/oauth2` is not a domain: expected one such as `acme.okta.com`",
            ),
            (
                json!({"kind": "okta", "domain": "acme-admin.okta.com"}),
                "`acme-admin.okta.com` is Okta's admin console: leave out the `-admin`",
            ),
            (json!({"kind": "google", "domain": "*.com"}), "`*.com` is not a domain: expected one such as `acme.com`"),
            (
                json!({"kind": "generic", "issuer": "http://id.acme.com"}),
                "`http://id.acme.com` is not an issuer: expected an address such as `https://login.example.com`, \
                 without `?` and `#`",
            ),
            (json!({"kind": "generic", "issuer": "https://a.example", "scopes": ["a b"]}), "`a b` is not a scope"),
            (
                json!({"kind": "generic", "issuer": "https://a.example", "groups_claim": ""}),
                "the name of the groups claim is empty: leave it out if there is none",
            ),
        ] {
            assert_eq!(profile(&preset).unwrap_err().to_string(), message);
        }
        for tenant in ["common", "organizations", "consumers", "acme.onmicrosoft.com", "", PERSONAL_ACCOUNTS] {
            let preset = json!({"kind": "entra", "tenant": tenant});
            assert_eq!(profile(&preset), Err(PresetError::Tenant(tenant.to_owned())));
        }
        let slashed = json!({"kind": "entra", "tenant": format!("{TENANT}/../common")});
        assert!(profile(&slashed).is_err());
    }

    #[test]
    fn steps_name_the_redirect() {
        for preset in [
            json!({"kind": "okta", "domain": "a.example"}),
            json!({"kind": "entra", "tenant": TENANT}),
            json!({"kind": "google", "domain": "a.example"}),
            json!({"kind": "generic", "issuer": "https://a.example"}),
        ] {
            let steps = serde_json::from_value::<Preset>(preset).unwrap().steps("https://alfred.example/callback");
            assert!(steps.len() >= 3);
            assert_eq!(steps.iter().filter(|step| step.contains("`https://alfred.example/callback`")).count(), 1);
        }
    }
}
