//! Where a browser is sent to sign in (RFC 6749, 4.1.1; Core 1.0, 3.1.2.1).

use url::Url;

use crate::attempt::Attempt;
use crate::discovery::Discovery;

/// What the provider must show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Prompt {
    /// Nothing: answer with an error if it would have to.
    None,
    /// The sign-in, even to those who are signed in.
    Login,
    /// Which account to use.
    SelectAccount,
}

/// What is asked of the provider.
#[derive(Debug, Clone)]
pub struct Authorization<'a> {
    /// What the provider calls us.
    pub client_id: &'a str,
    /// Where the browser comes back to; the same text as is registered.
    pub redirect_uri: &'a str,
    /// What we want to know; `openid` is added.
    pub scopes: &'a [String],
    /// Who it probably is.
    pub login_hint: Option<&'a str>,
    /// What the provider must show.
    pub prompt: Option<Prompt>,
    /// How long ago they may have signed in there.
    pub max_age_s: Option<i64>,
    /// What else this provider wants ([`Profile`](crate::Profile)).
    pub parameters: &'a [(String, String)],
}

impl Authorization<'_> {
    /// The address that the browser is sent to.
    #[must_use]
    pub fn url(&self, discovery: &Discovery, attempt: &Attempt) -> Url {
        let mut url = discovery.authorization_endpoint.clone();
        let more = self.scopes.iter().map(String::as_str).filter(|&scope| scope != "openid");
        let scopes: Vec<&str> = std::iter::once("openid").chain(more).collect();
        let mut query = url.query_pairs_mut();
        query
            .append_pair("response_type", "code")
            .append_pair("client_id", self.client_id)
            .append_pair("redirect_uri", self.redirect_uri)
            .append_pair("scope", &scopes.join(" "))
            .append_pair("state", attempt.state())
            .append_pair("nonce", attempt.nonce())
            .append_pair("code_challenge", &attempt.challenge())
            .append_pair("code_challenge_method", "S256");
        if let Some(hint) = self.login_hint {
            query.append_pair("login_hint", hint);
        }
        if let Some(prompt) = self.prompt {
            let prompt = match prompt {
                Prompt::None => "none",
                Prompt::Login => "login",
                Prompt::SelectAccount => "select_account",
            };
            query.append_pair("prompt", prompt);
        }
        if let Some(age) = self.max_age_s {
            query.append_pair("max_age", &age.to_string());
        }
        query.extend_pairs(self.parameters);
        drop(query);
        url
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::discovery;

    #[test]
    fn asks_for_a_code_with_state_nonce_and_challenge() {
        let mut discovery = discovery();
        discovery.authorization_endpoint = Url::parse("https://a.example/authorize?p=policy").unwrap();
        let attempt = Attempt::new([1; 32], [2; 32], [3; 32]);
        let scopes = ["email".to_owned(), "openid".to_owned()];
        let mut authorization = Authorization {
            client_id: "the client",
            redirect_uri: "https://alfred.example/callback?a=1&b=2",
            scopes: &scopes,
            login_hint: None,
            prompt: None,
            max_age_s: None,
            parameters: &[],
        };
        assert_eq!(
            authorization.url(&discovery, &attempt).as_str(),
            "https://a.example/authorize?p=policy&response_type=code&client_id=the+client\
             &redirect_uri=https%3A%2F%2Falfred.example%2Fcallback%3Fa%3D1%26b%3D2&scope=openid+email\
             &state=AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE\
             &nonce=AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI\
             &code_challenge=g77gcvvTQj90gfwWOCFjatjPtz-u8N0FgfOXnqDHMbk&code_challenge_method=S256"
        );
        let parameters = [("hd".to_owned(), "acme.example".to_owned())];
        authorization.login_hint = Some("a+b@acme.example");
        authorization.prompt = Some(Prompt::SelectAccount);
        authorization.max_age_s = Some(3600);
        authorization.parameters = &parameters;
        let url = authorization.url(&discovery, &attempt).to_string();
        let more = "&login_hint=a%2Bb%40acme.example&prompt=select_account&max_age=3600&hd=acme.example";
        assert!(url.ends_with(more), "{url}");
    }
}
