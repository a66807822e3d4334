//! What a browser brings back from the provider (RFC 6749, 4.1.2; RFC 9207).

use std::fmt;

use url::form_urlencoded;

use crate::attempt::Attempt;
use crate::discovery::Discovery;
use crate::encoding::{same, shown};

/// Entra's codes have some 2 KB; the edge takes addresses of 16 KB.
const MAX_QUERY: usize = 16 * 1024;

/// A code that the provider exchanges for tokens, once.
#[derive(Clone, PartialEq, Eq)]
pub struct Code(pub(crate) String);

impl fmt::Debug for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Code(…)")
    }
}

/// Why the provider refused, in its words: printable and short.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{code}`{}", .description.as_ref().map_or_else(String::new, |text| format!(" ({text})")))]
pub struct Refusal {
    /// Its code, such as `access_denied`.
    pub code: String,
    /// Its explanation.
    pub description: Option<String>,
}

impl Refusal {
    pub(crate) fn new(code: &str, description: Option<&str>) -> Self {
        Self { code: shown(code), description: description.map(shown).filter(|text| !text.is_empty()) }
    }
}

/// Why a callback does not sign anybody in.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CallbackError {
    /// Too long, or the same parameter twice.
    #[error("the provider's answer cannot be read: start the sign-in again")]
    Malformed,
    /// It answers another sign-in, or none: somebody may have made the person
    /// follow a link.
    #[error("the answer is not for the sign-in that this browser began: start again")]
    State,
    /// It comes from another provider than the one that was asked.
    #[error("the answer comes from another provider than the one that was asked: start again")]
    Issuer,
    /// The provider or the person said no.
    #[error("the provider refused the sign-in: {0}")]
    Refused(Refusal),
    /// Neither a code nor an error.
    #[error("the provider's answer has no code: start the sign-in again")]
    MissingCode,
}

/// Reads the query of a callback, what follows the `?`.
///
/// # Errors
/// [`CallbackError`], in the order of its variants: what an answer says counts
/// only once it is known to be one.
pub fn read_callback(query: &str, attempt: &Attempt, discovery: &Discovery) -> Result<Code, CallbackError> {
    if query.len() > MAX_QUERY {
        return Err(CallbackError::Malformed);
    }
    let state = parameter(query, "state")?.ok_or(CallbackError::State)?;
    if !same(&state, attempt.state()) {
        return Err(CallbackError::State);
    }
    match parameter(query, "iss")? {
        Some(issuer) if issuer != discovery.tokens.issuer.as_str() => return Err(CallbackError::Issuer),
        None if discovery.callback_has_issuer => return Err(CallbackError::Issuer),
        _ => {}
    }
    let (error, description) = (parameter(query, "error")?, parameter(query, "error_description")?);
    if let Some(error) = error {
        return Err(CallbackError::Refused(Refusal::new(&error, description.as_deref())));
    }
    parameter(query, "code")?.filter(|code| !code.is_empty()).map(Code).ok_or(CallbackError::MissingCode)
}

/// A parameter, which may stand there once (RFC 6749, 3.1).
fn parameter(query: &str, name: &str) -> Result<Option<String>, CallbackError> {
    let mut found = form_urlencoded::parse(query.as_bytes()).filter(|(key, _)| key == name);
    match (found.next(), found.next()) {
        (_, Some(_)) => Err(CallbackError::Malformed),
        (first, None) => Ok(first.map(|(_, value)| value.into_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::discovery;

    #[test]
    fn takes_a_code_only_from_the_answer_to_its_own_question() {
        let attempt = Attempt::new([1; 32], [2; 32], [3; 32]);
        let state = attempt.state();
        let other = Attempt::new([9; 32], [2; 32], [3; 32]).state().to_owned();
        let refused = |code, description| CallbackError::Refused(Refusal::new(code, description));
        let long = "x".repeat(MAX_QUERY);
        for (query, always_iss, expected) in [
            (format!("code=a%2Bb+c&state={state}"), false, Ok("a+b c")),
            (format!("state={state}&code=c&iss=https%3A%2F%2Fa.example&session_state=1"), true, Ok("c")),
            (format!("state={state}&code=c&iss=https%3A%2F%2Fb.example"), false, Err(CallbackError::Issuer)),
            (format!("state={state}&error=x&iss=https%3A%2F%2Fb.example"), false, Err(CallbackError::Issuer)),
            (format!("state={state}&code=c"), true, Err(CallbackError::Issuer)),
            (format!("state={other}&code=c"), false, Err(CallbackError::State)),
            (format!("state={}&code=c", &state[1..]), false, Err(CallbackError::State)),
            ("state=&code=c".to_owned(), false, Err(CallbackError::State)),
            ("code=c".to_owned(), false, Err(CallbackError::State)),
            (String::new(), false, Err(CallbackError::State)),
            // An error is not believed either.
            ("error=access_denied".to_owned(), false, Err(CallbackError::State)),
            (format!("state={state}&state={state}&code=c"), false, Err(CallbackError::Malformed)),
            (format!("state={state}&code=c&code=d"), false, Err(CallbackError::Malformed)),
            (format!("state={state}&code={long}"), false, Err(CallbackError::Malformed)),
            (format!("state={state}&error=access_denied"), false, Err(refused("access_denied", None))),
            (
                format!("state={state}&error=a&error_description=no%0Away%1B&code=c"),
                false,
                Err(refused("a", Some("noway"))),
            ),
            (format!("state={state}&code="), false, Err(CallbackError::MissingCode)),
            (format!("state={state}"), false, Err(CallbackError::MissingCode)),
        ] {
            let mut discovery = discovery();
            discovery.callback_has_issuer = always_iss;
            let read = read_callback(&query, &attempt, &discovery);
            assert_eq!(read, expected.map(|code| Code(code.to_owned())), "{query}");
        }
    }

    #[test]
    fn a_refusal_is_shown_in_short() {
        let refusal = Refusal::new("access_denied", Some(&"x".repeat(1000)));
        assert_eq!(refusal.to_string(), format!("`access_denied` ({})", "x".repeat(200)));
        assert_eq!(Refusal::new("a", Some("")).to_string(), "`a`");
    }
}
