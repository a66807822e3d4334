//! Which workloads a trusted issuer's tokens admit.
//!
//! An issuer such as GitHub's signs tokens for everybody: what is ours is told
//! by the claims, such as `repository_owner` or `sub`.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

use crate::claims::Claims;

/// Why a rule cannot be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RuleError {
    /// It does not say which claim.
    #[error("a rule needs the name of a claim of up to 200 characters, such as `sub`")]
    Claim,
    /// It would admit everybody, or nobody.
    #[error("a rule needs a value of up to 1000 characters, such as `repo:acme/app:ref:refs/heads/main`")]
    Value,
    /// A `*` before the end.
    #[error("a `*` may only be the last character of a value, after what it must begin with")]
    Star,
}

/// Why claims are not admitted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unmet {
    /// Nobody is admitted without a rule.
    #[error("there is no rule that says which tokens of this issuer are admitted")]
    NoRules,
    /// The first rule that is not met.
    #[error("the token does not meet the rule `{0}`")]
    Rule(ClaimRule),
}

/// What a claim must be: an exact value, or with a `*` at its end a beginning.
/// A beginning should end in a separator: `acme/*` and not `acme*`, which
/// `acme-but-not-us` meets.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "WireRule")]
pub struct ClaimRule {
    claim: String,
    value: Pattern,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Pattern {
    Exact(String),
    Prefix(String),
}

#[derive(Deserialize)]
struct WireRule {
    claim: String,
    value: String,
}

impl TryFrom<WireRule> for ClaimRule {
    type Error = RuleError;

    fn try_from(wire: WireRule) -> Result<Self, RuleError> {
        Self::new(&wire.claim, &wire.value)
    }
}

impl ClaimRule {
    /// The rule that the claim of that name (see [`Claims::claim`]) must be
    /// that value.
    ///
    /// # Errors
    /// [`RuleError`].
    pub fn new(claim: &str, value: &str) -> Result<Self, RuleError> {
        if claim.trim().is_empty() || claim.len() > 200 {
            return Err(RuleError::Claim);
        }
        Ok(Self { claim: claim.to_owned(), value: value.parse()? })
    }

    /// The name of the claim.
    #[must_use]
    pub fn claim(&self) -> &str {
        &self.claim
    }

    /// The value that it must have, as it was written.
    #[must_use]
    pub fn value(&self) -> String {
        self.value.to_string()
    }

    /// Whether the claims meet it. Of an array one element must.
    #[must_use]
    pub fn is_met(&self, claims: &Claims) -> bool {
        match claims.claim(&self.claim) {
            Some(Value::Array(values)) => values.iter().any(|value| self.value.fits(value)),
            Some(value) => self.value.fits(value),
            None => false,
        }
    }
}

/// Admits claims that meet all rules; without rules nobody is admitted.
///
/// # Errors
/// [`Unmet`].
pub fn admit(rules: &[ClaimRule], claims: &Claims) -> Result<(), Unmet> {
    if rules.is_empty() {
        return Err(Unmet::NoRules);
    }
    match rules.iter().find(|rule| !rule.is_met(claims)) {
        Some(rule) => Err(Unmet::Rule(rule.clone())),
        None => Ok(()),
    }
}

impl Pattern {
    fn fits(&self, value: &Value) -> bool {
        match (self, value) {
            (Self::Exact(exact), Value::String(text)) => exact == text,
            (Self::Prefix(prefix), Value::String(text)) => text.starts_with(prefix),
            // `true` and `7` are compared as they are written.
            (Self::Exact(exact), Value::Bool(_) | Value::Number(_)) => {
                let written = value.to_string();
                exact == &written
            }
            _ => false,
        }
    }
}

impl FromStr for Pattern {
    type Err = RuleError;

    fn from_str(text: &str) -> Result<Self, RuleError> {
        if text.trim().is_empty() || text.len() > 1000 {
            return Err(RuleError::Value);
        }
        match text.split_once('*') {
            None => Ok(Self::Exact(text.to_owned())),
            Some(("", _)) | Some((_, "*")) => Err(RuleError::Star),
            Some((prefix, "")) => Ok(Self::Prefix(prefix.to_owned())),
            Some(_) => Err(RuleError::Star),
        }
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exact(exact) => f.write_str(exact),
            Self::Prefix(prefix) => write!(f, "{prefix}*"),
        }
    }
}

impl Serialize for Pattern {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Pattern {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

impl fmt::Display for ClaimRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}", self.claim, self.value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::claims::tests::claims;
    use serde_json::json;

    #[test]
    fn meets_exactly_or_from_the_beginning() {
        // What GitHub Actions and Kubernetes send.
        let claims = claims(&json!({
            "sub": "repo:acme/app:ref:refs/heads/main",
            "repository_owner_id": "65",
            "ref_protected": "true",
            "fork": false,
            "run": 7,
            "groups": ["a", "b"],
            "kubernetes.io": {"namespace": "production", "pod": {"name": "p"}},
            "nothing": null,
        }));
        for (claim, value, met) in [
            ("sub", "repo:acme/app:ref:refs/heads/main", true),
            ("sub", "repo:acme/*", true),
            ("sub", "repo:acme/app:ref:refs/heads/main*", true),
            ("sub", "repo:acme/app", false),
            ("sub", "repo:acm/*", false),
            ("sub", "REPO:acme/*", false),
            ("sub", "acme/*", false),
            ("repository_owner_id", "65", true),
            ("repository_owner_id", "6*", true),
            ("fork", "false", true),
            ("fork", "f*", false),
            ("run", "7", true),
            ("run", "7.0", false),
            ("groups", "b", true),
            ("groups", "c", false),
            ("/kubernetes.io/namespace", "production", true),
            ("/kubernetes.io/namespace", "staging", false),
            ("kubernetes.io", "production", false),
            ("nothing", "null", false),
            ("absent", "a*", false),
        ] {
            let rule = ClaimRule::new(claim, value).unwrap();
            assert_eq!(rule.is_met(&claims), met, "{rule}");
        }
    }

    #[test]
    fn all_rules_must_be_met_and_there_must_be_one() {
        let claims = claims(&json!({"a": "1", "b": "2"}));
        let rule = |claim, value| ClaimRule::new(claim, value).unwrap();
        assert_eq!(admit(&[], &claims), Err(Unmet::NoRules));
        assert_eq!(admit(&[rule("a", "1"), rule("b", "2")], &claims), Ok(()));
        let unmet = admit(&[rule("a", "1"), rule("b", "3*")], &claims).unwrap_err();
        assert_eq!(unmet.to_string(), "the token does not meet the rule `b=3*`");
    }

    #[test]
    fn refuses_rules_that_admit_everybody_or_mean_something_else() {
        for (claim, value, expected) in [
            ("", "a", RuleError::Claim),
            (" ", "a", RuleError::Claim),
            ("sub", "", RuleError::Value),
            ("sub", " ", RuleError::Value),
            ("sub", &"a".repeat(1001), RuleError::Value),
            ("sub", "*", RuleError::Star),
            ("sub", "**", RuleError::Star),
            ("sub", "a**", RuleError::Star),
            ("sub", "a*b", RuleError::Star),
            ("sub", "*b", RuleError::Star),
        ] {
            assert_eq!(ClaimRule::new(claim, value), Err(expected), "{claim}={value}");
        }
    }

    #[test]
    fn stored_form_is_pinned() {
        // Rules are in organizations' settings: one that is not read admits nobody.
        let json = r#"{"claim":"sub","value":"repo:acme/*"}"#;
        let rule: ClaimRule = serde_json::from_str(json).unwrap();
        assert_eq!(serde_json::to_string(&rule).unwrap(), json);
        assert!(serde_json::from_str::<ClaimRule>(r#"{"claim":"sub","value":"*"}"#).is_err());
    }
}
