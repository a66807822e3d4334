//! The problems that operations answer, each with its codes.
//!
//! Most operations have the same ones: they are components, named by their
//! codes, and the document stays small.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use utoipa::openapi::header::HeaderBuilder;
use utoipa::openapi::{
    AllOfBuilder, ContentBuilder, ObjectBuilder, OpenApi as Document, Ref, RefOr, Response, ResponseBuilder, Schema,
    Type,
};

use crate::problem::Code;

/// Every code that a document can have.
const CODES: [Code; 28] = [
    Code::InvalidRequest,
    Code::InvalidJson,
    Code::InvalidIdempotencyKey,
    Code::OrganizationRequired,
    Code::TooMuch,
    Code::Unauthorized,
    Code::InsufficientFunds,
    Code::Forbidden,
    Code::ApprovalRequired,
    Code::SignInFailed,
    Code::CsrfTokenRequired,
    Code::AddressNotAllowed,
    Code::NotFound,
    Code::MethodNotAllowed,
    Code::Conflict,
    Code::LockOut,
    Code::ChannelFailed,
    Code::PartlySpent,
    Code::TooLate,
    Code::IdempotencyConflict,
    Code::PreconditionFailed,
    Code::PayloadTooLarge,
    Code::UnsupportedMediaType,
    Code::RateLimited,
    Code::Internal,
    Code::ProviderFailed,
    Code::Unavailable,
    Code::Overloaded,
];

/// For each status that these codes have, the name of the response.
pub(super) fn responses(codes: &[Code]) -> BTreeMap<String, String> {
    let mut responses = BTreeMap::<String, String>::new();
    for code in CODES.iter().filter(|code| codes.contains(code)) {
        let (status, name, _) = code.parts();
        let response = responses.entry(status.to_string()).or_default();
        if !response.is_empty() {
            response.push('.');
        }
        response.push_str(name);
    }
    responses
}

/// Adds all responses that operations name.
pub(super) fn add(document: &mut Document) {
    let mut named = BTreeMap::new();
    for item in document.paths.paths.values() {
        for operation in [&item.get, &item.post, &item.put, &item.patch, &item.delete].into_iter().flatten() {
            for response in operation.responses.responses.values() {
                if let RefOr::Ref(reference) = response {
                    let name = reference.ref_location.rsplit('/').next().unwrap_or_default();
                    named.insert(name.to_owned(), RefOr::T(response_of(name)));
                }
            }
        }
    }
    document.components.get_or_insert_default().responses.extend(named);
}

/// The response of such a name.
fn response_of(name: &str) -> Response {
    let codes: Vec<Code> = name.split('.').filter_map(named).collect();
    // All of them have the same.
    let status = codes.first().map(|code| code.parts().0);
    let words = codes.iter().map(|code| format!("`{}`: {}", code.parts().1, code.parts().2));
    let description = words.collect::<Vec<_>>().join("; ");
    let exact = ObjectBuilder::new()
        .property("status", ObjectBuilder::new().schema_type(Type::Integer).enum_values(status.map(|status| [status])))
        .property("code", ObjectBuilder::new().schema_type(Type::String).enum_values(Some(name.split('.'))));
    let schema = AllOfBuilder::new().item(Ref::from_schema_name("Problem")).item(Schema::Object(exact.build()));
    let example = codes.first().map(|code| example(*code));
    let content = ContentBuilder::new().schema(Some(Schema::AllOf(schema.build()))).example(example).build();
    let response = ResponseBuilder::new().description(description).content("application/problem+json", content);
    let header = |schema: ObjectBuilder, description: &str| {
        HeaderBuilder::new().schema(Some(schema)).description(Some(description)).build()
    };
    match status {
        Some(401) => {
            let scheme = ObjectBuilder::new().schema_type(Type::String).enum_values(Some(["Bearer"]));
            response.header("www-authenticate", header(scheme, "How a key is sent.")).build()
        }
        Some(503) => {
            let seconds = ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(1));
            response.header("retry-after", header(seconds, "Try again after so many seconds.")).build()
        }
        _ => response.build(),
    }
}

fn named(name: &str) -> Option<Code> {
    CODES.into_iter().find(|code| code.parts().1 == name)
}

fn example(code: Code) -> Value {
    let (status, name, title) = code.parts();
    let detail = match code {
        Code::InvalidRequest => "missing field `name`",
        Code::Unauthorized => "send a key with the header `Authorization: Bearer …`",
        Code::Forbidden => "no role of yours and no policy permits it",
        Code::NotFound => "there is no team `team_01h2xcejqtf2nbrexx3vqjhp41`",
        _ => title,
    };
    json!({
        "type": format!("urn:alfred:problem:{name}"), "title": title, "status": status, "detail": detail, "code": name
    })
}

/// A code that is left out above would be missing in the document.
#[test]
fn all_codes_are_here() {
    let source = include_str!("../problem.rs");
    let (_, variants) = source.split_once("enum Code {").unwrap();
    let (variants, _) = variants.split_once('}').unwrap();
    let variants: Vec<&str> = variants.split(',').map(str::trim).filter(|name| !name.is_empty()).collect();
    let here: Vec<String> = CODES.iter().map(|code| format!("{code:?}")).collect();
    assert_eq!(here, variants);
}
