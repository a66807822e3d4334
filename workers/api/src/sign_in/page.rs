//! The few pages that a person sees while signing in, or deciding. They have no script and
//! nothing from elsewhere.

use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};

use crate::problem::Problem;

const STYLE: &str = "body{font:16px/1.5 system-ui,sans-serif;max-width:26rem;margin:15vh auto;padding:0 1rem}\
label,input,button{display:block;width:100%;box-sizing:border-box;margin:.5rem 0}input,button{font:inherit;padding:.5rem}";

/// Asks for the address that says at which provider somebody signs in.
pub(crate) fn ask(return_to: &str) -> Response {
    let body = format!(
        "<h1>Sign in to Alfred</h1><form action=\"/api/v1/auth/sign-in\"><label for=\"email\">Your e-mail address at \
         work</label><input id=\"email\" name=\"email\" type=\"email\" autocomplete=\"email\" required autofocus>\
         <input type=\"hidden\" name=\"return_to\" value=\"{}\"><button>Continue</button></form>",
        escape(return_to)
    );
    page(StatusCode::OK, "Sign in", &body)
}

/// Says why somebody could not be signed in.
pub(crate) fn sorry(problem: Problem) -> Response {
    let body = format!(
        "<h1>You are not signed in</h1><p>{}</p><p><a href=\"/api/v1/auth/sign-in\">Start again</a></p>",
        escape(problem.detail())
    );
    let plain = problem.into_response();
    let mut response = page(plain.status(), "Not signed in", &body);
    if let Some(after) = plain.headers().get(header::RETRY_AFTER) {
        response.headers_mut().insert(header::RETRY_AFTER, after.clone());
    }
    response
}

/// A page with a form that sends to itself: its answer leads nowhere else.
pub(crate) fn asking(title: &str, body: &str) -> Response {
    let mut response = page(StatusCode::OK, title, body);
    if let Ok(policy) = HeaderValue::from_str(&format!("{}; form-action 'self'", policy())) {
        response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    response
}

/// A page. Title and body are HTML.
pub(crate) fn page(status: StatusCode, title: &str, body: &str) -> Response {
    let html = format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>{title} · Alfred</title>\
         <meta name=\"viewport\" content=\"width=device-width\"><style>{STYLE}</style></head><body>{body}</body></html>"
    );
    let mut response = Response::new(html.into());
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    if let Ok(policy) = HeaderValue::from_str(&policy()) {
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    response
}

/// What the browser may do with a page: show it, with its one style.
fn policy() -> String {
    use base64::Engine;
    use sha2::{Digest, Sha256};
    let digest = base64::engine::general_purpose::STANDARD.encode(Sha256::digest(STYLE));
    // No `form-action`: browsers hold it against the redirect that answers a
    // form, which here leads to whatever provider there is.
    format!("default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; frame-ancestors 'none'")
}

/// Text that is no markup, whatever it is.
pub(crate) fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;").replace('\'', "&#39;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::problem::Code;

    #[test]
    fn nothing_that_was_sent_becomes_markup() {
        assert_eq!(escape("<a href=\"x\">'&"), "&lt;a href=&quot;x&quot;&gt;&#39;&amp;");
        let response = sorry(Problem::new(Code::SignInFailed, "<script>"));
        assert_eq!(response.status(), 403);
        assert!(
            response.headers()[header::CONTENT_SECURITY_POLICY].to_str().unwrap().starts_with("default-src 'none'")
        );
    }
}
