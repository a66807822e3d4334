//! Errors, in OpenAI's shape and not.

use hyper::{Response, StatusCode, header};

use super::plan::{Fault, Plan};
use super::script::Script;

/// What a refusal says without being told more.
pub(crate) fn error_json(status: u16) -> String {
    let (kind, code, message) = match status {
        400 => ("invalid_request_error", "null", "The request is not valid."),
        401 => ("invalid_request_error", r#""invalid_api_key""#, "Incorrect API key provided."),
        403 => ("invalid_request_error", r#""forbidden""#, "The key may not do this."),
        404 => ("invalid_request_error", r#""model_not_found""#, "The model does not exist."),
        429 => ("requests", r#""rate_limit_exceeded""#, "Rate limit reached."),
        503 => ("server_error", r#""overloaded""#, "The engine is currently overloaded."),
        _ => ("server_error", "null", "The server had an error while processing your request."),
    };
    format!(r#"{{"error":{{"message":"{message}","type":"{kind}","param":null,"code":{code}}}}}"#)
}

/// The refusal that a plan asks for.
pub(crate) fn planned(plan: &Plan) -> Response<Script> {
    let retry_after = plan.retry_after.or(matches!(plan.status, 429 | 503).then_some(1));
    let (kind, body) = match plan.fault {
        Fault::Html => ("text/html", format!("<html><body><h1>{} Bad Gateway</h1></body></html>", plan.status)),
        _ => ("application/json", error_json(plan.status)),
    };
    let mut response = with(plan.status, kind, body);
    if let Some(seconds) = retry_after {
        response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
    }
    response
}

/// A refusal with its own message.
pub(crate) fn because(status: u16, message: &str) -> Response<Script> {
    let error = serde_json::json!({
        "error": {"message": message, "type": "invalid_request_error", "param": null, "code": null}
    });
    with(status, "application/json", error.to_string())
}

/// Any small answer.
pub(crate) fn with(status: u16, kind: &'static str, body: String) -> Response<Script> {
    let mut response = Response::new(Script::plain(body));
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static(kind));
    response
}
