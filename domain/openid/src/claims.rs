//! What a verified token says.

use serde_json::{Map, Value};

use crate::encoding::object;
use crate::verify::TokenError;

/// Times beyond this are no times: 2^53, to which JSON's numbers are exact.
const MAX_TIME_S: i64 = 1 << 53;
/// What userinfo may have: thousands of groups.
const MAX_USERINFO: usize = 256 * 1024;

/// What a token says. There is no way to have one but
/// [`verify`](crate::verify()).
#[derive(Debug, Clone, PartialEq)]
pub struct Claims {
    /// `iss`: who says it.
    pub issuer: String,
    /// `sub`: of whom; the issuer's own name for them, which never changes.
    pub subject: String,
    /// `aud`: to whom; never empty.
    pub audiences: Vec<String>,
    /// `exp`: until when, in seconds since 1970.
    pub expires_s: i64,
    /// `iat`: since when.
    pub issued_s: Option<i64>,
    /// `nbf`: from when on.
    pub not_before_s: Option<i64>,
    /// `auth_time`: when they last showed who they are.
    pub authenticated_s: Option<i64>,
    /// `nonce`: for which sign-in.
    pub nonce: Option<String>,
    /// `azp`: who asked for the token.
    pub authorized_party: Option<String>,
    /// `email`, as it was typed somewhere; see [`Claims::email`].
    pub claimed_email: Option<String>,
    /// `email_verified`.
    pub email_verified: Option<bool>,
    /// `name`: how they like to be called.
    pub name: Option<String>,
    all: Value,
}

/// When an email address is somebody's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EmailTrust {
    /// When the issuer says that it verified it: issuers at which anybody can
    /// register.
    Verified,
    /// Unless the issuer says that it did not: a company's own directory,
    /// whose admins set the addresses.
    Directory,
}

/// In which groups somebody is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Groups {
    /// In these.
    Listed(Vec<String>),
    /// In more than fit into a token, so that it has none of them (Microsoft
    /// Entra ID, from 200 on): the app must be set up to send only groups that
    /// are assigned to it.
    TooMany,
    /// The token does not say.
    Absent,
}

/// Why more claims cannot be taken from a provider's userinfo.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum UserinfoError {
    /// Too large, no JSON object, or a name stands twice in it.
    #[error("the provider's userinfo cannot be read")]
    Malformed,
    /// It speaks of somebody else.
    #[error("the provider's userinfo is of somebody else than the ID token")]
    OtherSubject,
}

impl Claims {
    /// Reads the payload of a token whose signature was checked.
    pub(crate) fn read(all: Map<String, Value>) -> Result<Self, TokenError> {
        let text = |name| match all.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.clone())),
            Some(_) => Err(TokenError::InvalidClaim(name)),
        };
        let time = |name| all.get(name).map(|value| seconds(value).ok_or(TokenError::InvalidClaim(name))).transpose();
        let required = |name| text(name)?.filter(|text| !text.is_empty()).ok_or(TokenError::MissingClaim(name));
        Ok(Self {
            issuer: required("iss")?,
            subject: required("sub")?,
            audiences: audiences(all.get("aud"))?,
            expires_s: time("exp")?.ok_or(TokenError::MissingClaim("exp"))?,
            issued_s: time("iat")?,
            not_before_s: time("nbf")?,
            authenticated_s: time("auth_time")?,
            nonce: text("nonce")?,
            authorized_party: text("azp")?,
            // Only shown or compared: one of another type is none.
            claimed_email: text("email").unwrap_or(None),
            email_verified: all.get("email_verified").and_then(truth),
            name: text("name").unwrap_or(None),
            all: Value::Object(all),
        })
    }

    /// Adds what the provider's userinfo says beyond the ID token (Core 1.0,
    /// 5.3.2); what the token says stays.
    ///
    /// # Errors
    /// [`UserinfoError`].
    pub fn complete(mut self, userinfo: &[u8]) -> Result<Self, UserinfoError> {
        if userinfo.len() > MAX_USERINFO {
            return Err(UserinfoError::Malformed);
        }
        let mut more = object(userinfo).map_err(|_| UserinfoError::Malformed)?;
        if more.get("sub").and_then(Value::as_str) != Some(&self.subject) {
            return Err(UserinfoError::OtherSubject);
        }
        // Who verified which address belongs together.
        if self.claimed_email.is_some() {
            more.remove("email");
            more.remove("email_verified");
        } else {
            self.claimed_email = more.get("email").and_then(Value::as_str).map(str::to_owned);
            self.email_verified = more.get("email_verified").and_then(truth);
        }
        self.name = self.name.or_else(|| more.get("name").and_then(Value::as_str).map(str::to_owned));
        if let Value::Object(all) = &mut self.all {
            for (name, value) in more {
                all.entry(name).or_insert(value);
            }
        }
        Ok(self)
    }

    /// The claim of that name as it came. A name that begins with `/` is a path
    /// into it (RFC 6901), such as `/realm_access/roles`.
    #[must_use]
    pub fn claim(&self, name: &str) -> Option<&Value> {
        self.all.get(name).or_else(|| if name.starts_with('/') { self.all.pointer(name) } else { None })
    }

    /// The email address, if it may be believed.
    #[must_use]
    pub fn email(&self, trust: EmailTrust) -> Option<&str> {
        let believed = match trust {
            EmailTrust::Verified => self.email_verified == Some(true),
            EmailTrust::Directory => self.email_verified != Some(false),
        };
        self.claimed_email.as_deref().filter(|_| believed)
    }

    /// The groups that the claim of that name lists, as an array or a single
    /// text.
    #[must_use]
    pub fn groups(&self, name: &str) -> Groups {
        match self.claim(name) {
            Some(Value::String(group)) => Groups::Listed(vec![group.clone()]),
            Some(Value::Array(groups)) => {
                Groups::Listed(groups.iter().filter_map(|group| group.as_str().map(str::to_owned)).collect())
            }
            _ if self.has_too_many(name) => Groups::TooMany,
            _ => Groups::Absent,
        }
    }

    /// Entra names the claims that it left out, or says only `hasgroups`.
    fn has_too_many(&self, name: &str) -> bool {
        let left_out = self.all.get("_claim_names").and_then(|names| names.get(name)).is_some();
        left_out || (name == "groups" && self.all.get("hasgroups").and_then(truth) == Some(true))
    }
}

/// `true`, and the `"true"` that some providers send.
fn truth(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(truth) => Some(*truth),
        Value::String(text) => text.parse().ok(),
        _ => None,
    }
}

/// Seconds since 1970; a fraction, which is allowed (RFC 7519, 2), is dropped.
fn seconds(value: &Value) -> Option<i64> {
    let seconds = match value.as_i64() {
        Some(seconds) => seconds,
        // `as` ends at the largest number, which the bound refuses.
        None => value.as_f64()?.floor() as i64,
    };
    (0..=MAX_TIME_S).contains(&seconds).then_some(seconds)
}

pub(crate) fn audiences(value: Option<&Value>) -> Result<Vec<String>, TokenError> {
    let audiences: Option<Vec<String>> = match value {
        None | Some(Value::Null) => return Err(TokenError::MissingClaim("aud")),
        Some(Value::String(audience)) => Some(vec![audience.clone()]),
        Some(Value::Array(values)) => values.iter().map(|value| value.as_str().map(str::to_owned)).collect(),
        Some(_) => None,
    };
    match audiences {
        Some(audiences) if audiences.is_empty() => Err(TokenError::MissingClaim("aud")),
        Some(audiences) => Ok(audiences),
        None => Err(TokenError::InvalidClaim("aud")),
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use serde_json::json;

    /// Claims that have these beside the required ones.
    pub(crate) fn claims(more: &Value) -> Claims {
        let mut all =
            json!({"iss": "https://a.example", "sub": "1", "aud": "b", "exp": 2}).as_object().unwrap().clone();
        all.extend(more.as_object().unwrap().clone());
        Claims::read(all).unwrap()
    }

    #[test]
    fn groups_are_listed_too_many_or_absent() {
        let listed = |groups: &[&str]| Groups::Listed(groups.iter().map(|&group| group.to_owned()).collect());
        for (name, more, expected) in [
            ("groups", json!({"groups": ["a", "b"]}), listed(&["a", "b"])),
            ("groups", json!({"groups": "a"}), listed(&["a"])),
            ("groups", json!({"groups": []}), listed(&[])),
            ("groups", json!({"groups": ["a", 1, null]}), listed(&["a"])),
            ("groups", json!({"groups": 1}), Groups::Absent),
            ("groups", json!({}), Groups::Absent),
            ("https://a.example/groups", json!({"https://a.example/groups": ["a"]}), listed(&["a"])),
            ("/realm_access/roles", json!({"realm_access": {"roles": ["a"]}}), listed(&["a"])),
            (
                "groups",
                json!({"_claim_names": {"groups": "src1"}, "_claim_sources": {"src1": {"endpoint": "https://g.example"}}}),
                Groups::TooMany,
            ),
            ("roles", json!({"_claim_names": {"groups": "src1"}}), Groups::Absent),
            ("groups", json!({"hasgroups": true}), Groups::TooMany),
            ("groups", json!({"hasgroups": "true"}), Groups::TooMany),
            ("groups", json!({"hasgroups": false}), Groups::Absent),
        ] {
            assert_eq!(claims(&more).groups(name), expected, "{name} of {more}");
        }
    }

    #[test]
    fn an_email_is_believed_as_its_issuer_is() {
        for (more, verified, directory) in [
            (json!({"email": "a@b.example", "email_verified": true}), true, true),
            (json!({"email": "a@b.example", "email_verified": "true"}), true, true),
            (json!({"email": "a@b.example", "email_verified": false}), false, false),
            (json!({"email": "a@b.example", "email_verified": "false"}), false, false),
            (json!({"email": "a@b.example"}), false, true),
            (json!({"email": ["a@b.example"], "email_verified": true}), false, false),
            (json!({"email_verified": true}), false, false),
        ] {
            let claims = claims(&more);
            assert_eq!(claims.email(EmailTrust::Verified).is_some(), verified, "{more}");
            assert_eq!(claims.email(EmailTrust::Directory).is_some(), directory, "{more}");
        }
    }

    #[test]
    fn userinfo_adds_and_does_not_change() {
        let token = claims(&json!({"email": "a@b.example", "groups": ["a"]}));
        let userinfo = json!({"sub": "1", "email": "evil@b.example", "email_verified": true, "name": "Ada",
            "groups": ["admins"], "roles": ["b"], "exp": 9});
        let completed = token.clone().complete(userinfo.to_string().as_bytes()).unwrap();
        assert_eq!(completed.email(EmailTrust::Verified), None);
        assert_eq!(completed.email(EmailTrust::Directory), Some("a@b.example"));
        assert_eq!(completed.name.as_deref(), Some("Ada"));
        assert_eq!(completed.groups("groups"), Groups::Listed(vec!["a".to_owned()]));
        assert_eq!(completed.groups("roles"), Groups::Listed(vec!["b".to_owned()]));
        assert_eq!((completed.expires_s, completed.claim("email_verified")), (2, None));

        let completed =
            claims(&json!({"email_verified": true})).complete(br#"{"sub":"1","email":"a@b.example"}"#).unwrap();
        assert_eq!(completed.email(EmailTrust::Verified), None, "it was said of no address");

        for (userinfo, expected) in [
            (r#"{"sub":"2"}"#, UserinfoError::OtherSubject),
            (r#"{"sub":1}"#, UserinfoError::OtherSubject),
            ("{}", UserinfoError::OtherSubject),
            (r#"{"sub":"2","sub":"1"}"#, UserinfoError::Malformed),
            ("eyJhbGciOiJub25lIn0.e30.", UserinfoError::Malformed),
        ] {
            assert_eq!(token.clone().complete(userinfo.as_bytes()), Err(expected), "{userinfo}");
        }
    }

    #[test]
    fn times_are_seconds() {
        for (value, expected) in [
            (json!(0), Some(0)),
            (json!(1_300_819_380), Some(1_300_819_380)),
            (json!(1_300_819_380.9), Some(1_300_819_380)),
            (json!(-1), None),
            (json!(-0.5), None),
            (json!(1e300), None),
            (json!(u64::MAX), None),
            (json!("1300819380"), None),
            (json!(null), None),
        ] {
            assert_eq!(seconds(&value), expected, "{value}");
        }
    }
}
