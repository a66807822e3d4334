//! The OpenAPI document, made of the handlers' annotations.
//!
//! What goes to the edge is the file `openapi.json`, so that no isolate spends
//! its start on making it. `ALFRED_WRITE_OPENAPI=1 cargo test -p api openapi`
//! writes the file; without the variable the test fails where it is old.

mod examples;
mod problems;

use utoipa::openapi::path::{HttpMethod, Operation, Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::schema::AdditionalProperties;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{
    Content, ObjectBuilder, OpenApi as Document, Ref, RefOr, Required, ResponseBuilder, Schema, Type,
};
use utoipa::{Modify, OpenApi};

use crate::controllers::{
    absences, admin_keys, allotments, approvals, audit, auth, balances, boosts, calendars, channels, chat_links,
    dead_letters, departments, events, grants, health, index, journal, keys, limits, me, members, metrics,
    notifications, organization, organizations, permissions, plans, policies, policy_trials, prices, privacy,
    providers, requests, sealed, service_accounts, sessions, sign_in, teams, transfers, usage, workloads,
};
use crate::problem::Code;
use crate::schema;

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Alfred management API",
        version = "1",
        description = "Credits for AI inside a company.\n\n\
            **Keys.** The operator's key, an organization's admin key (`sk-alf-admin-…`), a service account's key \
            (`sk-alf-svc-…`) or, for `GET /api/v1/me` only, a member's key (`sk-alf-…`), as `Authorization: Bearer …`. \
            The operator says which organization is meant by the header `x-alfred-organization`.\n\n\
            **Roles and policies** say who may do what: see `GET /api/v1/permissions/matrix`. Lists have what the \
            caller may see.\n\n\
            **Amounts** are decimal strings of credits. **Times** are RFC 3339 in UTC.\n\n\
            **Repeating.** A POST with an `Idempotency-Key` can be repeated for a week: it is done once, and answers \
            the same again, secrets included.\n\n\
            **Changing.** What can be changed has a tag, in the header `ETag` of a GET and of what a change answers. \
            Sent back as `If-Match`, nobody else's change is overwritten; as `If-None-Match`, what is still the same is \
            not sent again.\n\n\
            **How often.** `RateLimit` says what is left to the key in this minute.\n\n\
            **Lists** come in pages: send `next_cursor` as `cursor`.\n\n\
            **Errors** are problem documents (RFC 9457) with a stable `code` and a `detail` that says what to do.",
        license(name = "Apache-2.0", identifier = "Apache-2.0")
    ),
    paths(
        organizations::create_organization, organizations::list_organizations, organizations::issue_credits,
        organization::get_organization, organization::change_organization,
        auth::sign_in, auth::callback, auth::set_up, auth::refresh, auth::sign_out,
        sessions::get_session, sessions::create_session, sessions::list_sessions, sessions::end_sessions,
        sessions::end_session,
        sign_in::get_sign_in, sign_in::change_sign_in, sign_in::remove_sign_in,
        sign_in::get_domains, sign_in::change_domains, sign_in::create_setup_token,
        sealed::get_sealed, sealed::reseal,
        admin_keys::create_admin_key, admin_keys::list_admin_keys, admin_keys::revoke_admin_key,
        service_accounts::create_service_account, service_accounts::list_service_accounts,
        service_accounts::get_service_account, service_accounts::change_service_account,
        service_accounts::create_service_key, service_accounts::revoke_service_key,
        workloads::create_workload, workloads::list_workloads, workloads::remove_workload,
        grants::create_grant, grants::lend_role, grants::list_grants, grants::revoke_grant,
        permissions::get_matrix,
        policies::create_policy, policies::list_policies, policies::get_policy, policies::list_policy_versions,
        policies::change_policy, policies::remove_policy, policies::get_policy_schema,
        policy_trials::test_policies,
        departments::create_department, departments::list_departments, departments::get_department,
        departments::change_department,
        teams::create_team, teams::list_teams, teams::get_team, teams::change_team,
        members::create_member, members::list_members, members::get_member, members::change_member,
        privacy::export_member, privacy::erase_member,
        keys::create_key, keys::list_keys, keys::get_key, keys::revoke_key, keys::rotate_key,
        limits::create_limit, limits::list_limits, limits::get_limit, limits::change_limit, limits::remove_limit,
        allotments::allot, transfers::send::transfer, transfers::preview::preview_transfer,
        transfers::list::list_transfers, transfers::export::export_transfers,
        transfers::find::get_transfer, transfers::undo::undo_transfer,
        approvals::request::request_approval, approvals::list::list_approvals, approvals::list::get_approval,
        approvals::decide::approve, approvals::decide::deny, approvals::decide::cancel_approval,
        boosts::begin::boost, boosts::list::list_boosts, boosts::list::get_boost, boosts::end::end_boost,
        absences::create_absence, absences::list_absences, absences::get_absence, absences::change_absence,
        absences::end_absence,
        plans::create_plan, plans::list_plans, plans::get_plan, plans::change_plan, plans::remove_plan,
        balances::list_balances, balances::get_balance, events::watch_events,
        providers::create_provider, providers::list_providers, providers::get_provider, providers::change_provider,
        providers::remove_provider,
        calendars::create_calendar, calendars::list_calendars, calendars::get_calendar, calendars::change_calendar,
        calendars::remove_calendar,
        channels::create_channel, channels::list_channels, channels::get_channel, channels::change_channel,
        channels::remove_channel, channels::trial::test_channel,
        chat_links::create_chat_link, chat_links::list_chat_links, chat_links::remove_chat_link,
        prices::list_prices, prices::get_overrides, prices::replace_overrides, prices::change_overrides,
        audit::list::list_audit, audit::export::export_audit, audit::verify::verify_audit,
        notifications::list_notifications,
        usage::get_usage, journal::list_journal, requests::list_requests,
        dead_letters::list_dead_letters, dead_letters::remove_dead_letter, dead_letters::resend_dead_letter,
        me::get_me, index::get_index, index::get_openapi, health::healthz, health::readyz, metrics::metrics,
    ),
    components(schemas(schema::Problem, schema::Dimensions, usage::Interval)),
    modifiers(&Common)
)]
struct Api;

/// Operations on what has a tag: those that show it, and those that change it.
const TAGGED: [(&str, &str); 15] = [
    ("get_organization", "change_organization"),
    ("get_department", "change_department"),
    ("get_team", "change_team"),
    ("get_member", "change_member"),
    ("get_limit", "change_limit remove_limit"),
    ("get_service_account", "change_service_account revoke_service_key"),
    ("get_provider", "change_provider remove_provider"),
    ("get_absence", "change_absence"),
    ("get_calendar", "change_calendar remove_calendar"),
    ("get_channel", "change_channel remove_channel"),
    ("get_plan", "change_plan remove_plan"),
    ("get_policy", "change_policy remove_policy"),
    ("get_overrides", "replace_overrides change_overrides"),
    ("get_sign_in", "change_sign_in remove_sign_in"),
    ("get_domains", "change_domains"),
];

/// What all operations have in common.
struct Common;

impl Modify for Common {
    fn modify(&self, document: &mut Document) {
        let bearer = SecurityScheme::Http(HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build());
        let components = document.components.get_or_insert_default();
        components.add_security_scheme("key", bearer);
        let actions = policy::Action::ALL.iter().map(|action| action.as_str());
        // Where one of several forms is written, fields of none are refused too.
        for name in [
            "AbsenceShare",
            "LimitSubject",
            "NewCalendarSource",
            "NewChannelWay",
            "PriceChange",
            "Recipients",
            "Rollover",
            "Setting",
            "SignInProvider",
        ] {
            if let Some(RefOr::T(Schema::OneOf(forms))) = components.schemas.get_mut(name) {
                for form in &mut forms.items {
                    if let RefOr::T(Schema::Object(form)) = form {
                        form.additional_properties = Some(Box::new(AdditionalProperties::FreeForm(false)));
                    }
                }
            }
        }
        if let Some(RefOr::T(Schema::Object(action))) = components.schemas.get_mut("Action") {
            action.enum_values = Some(actions.map(Into::into).collect());
        }
        for (path, item) in &mut document.paths.paths {
            let operations = [
                (HttpMethod::Get, &mut item.get),
                (HttpMethod::Post, &mut item.post),
                (HttpMethod::Put, &mut item.put),
                (HttpMethod::Patch, &mut item.patch),
                (HttpMethod::Delete, &mut item.delete),
            ];
            for (method, operation) in operations {
                if let Some(operation) = operation {
                    complete(path, &method, operation);
                }
            }
        }
        problems::add(document);
        say_which_bodies_can_be_left_out(document);
    }
}

fn complete(path: &str, method: &HttpMethod, operation: &mut Operation) {
    let open = operation.security.is_some();
    let mut codes = vec![Code::Internal];
    if !open {
        operation.security = Some(vec![SecurityRequirement::new("key", Vec::<String>::new())]);
        codes.extend([Code::InvalidRequest, Code::Unauthorized, Code::Forbidden, Code::NotFound]);
        codes.extend([Code::AddressNotAllowed, Code::RateLimited, Code::Unavailable, Code::Overloaded]);
        let operator =
            operation.tags.as_ref().is_some_and(|tags| tags.iter().any(|tag| tag == "Operator" || tag == "Me"));
        if !operator || path.starts_with("/api/v1/organization/") {
            codes.extend([Code::OrganizationRequired, Code::ApprovalRequired]);
            let schema = Ref::from_schema_name("OrganizationId");
            header(
                operation,
                "x-alfred-organization",
                "Which organization is meant; needed with the operator's key.",
                schema,
            );
        }
    }
    let id = operation.operation_id.clone().unwrap_or_default();
    if TAGGED.iter().any(|(shows, _)| *shows == id) {
        header(
            operation,
            "if-none-match",
            "Tags of answers that the client has: if this is one of them, it is not sent.",
            tags(),
        );
        let same = ResponseBuilder::new().description("It is what the client has").build();
        operation.responses.responses.insert("304".to_owned(), RefOr::T(same));
    }
    if TAGGED.iter().any(|(_, changes)| changes.split(' ').any(|change| change == id)) {
        header(
            operation,
            "if-match",
            "The tag (`ETag`) of what was read: if somebody else has changed it, nothing is done.",
            tags(),
        );
        codes.push(Code::PreconditionFailed);
    }
    if *method != HttpMethod::Get {
        codes.extend([Code::InvalidIdempotencyKey, Code::Conflict, Code::IdempotencyConflict]);
        if operation.request_body.is_some() {
            codes.extend([Code::InvalidJson, Code::PayloadTooLarge, Code::UnsupportedMediaType]);
        }
        if *method == HttpMethod::Post {
            let schema = ObjectBuilder::new().schema_type(Type::String).pattern(Some("^[!-~]([ -~]*[!-~])?$"));
            let schema = schema.min_length(Some(1)).max_length(Some(255)).build();
            let description = "1 to 255 ASCII characters: repeating the request with it is doing it once.";
            header(operation, "idempotency-key", description, schema);
        }
    }
    codes.extend(match operation.operation_id.as_deref() {
        Some("allot" | "boost") => Some(Code::InsufficientFunds),
        Some("get_usage") => Some(Code::TooMuch),
        Some("create_policy" | "change_policy") => Some(Code::PreconditionFailed),
        Some("change_organization") => Some(Code::LockOut),
        Some("test_channel") => Some(Code::ChannelFailed),
        _ => None,
    });
    codes.extend(match operation.operation_id.as_deref() {
        Some("transfer") => &[Code::InsufficientFunds, Code::PreconditionFailed][..],
        Some("undo_transfer") => &[Code::PartlySpent, Code::TooLate],
        _ => &[],
    });
    if open {
        codes.extend(match operation.operation_id.as_deref() {
            Some("sign_in") => &[Code::InvalidRequest, Code::NotFound, Code::ProviderFailed][..],
            Some("callback") => &[Code::SignInFailed, Code::Conflict, Code::ProviderFailed],
            Some("set_up") => &[Code::InvalidRequest, Code::Unauthorized, Code::SignInFailed],
            Some("refresh") => &[Code::InvalidRequest, Code::Unauthorized],
            Some("sign_out") => &[Code::InvalidRequest, Code::Unauthorized, Code::CsrfTokenRequired],
            _ => &[],
        });
        if operation.tags.as_ref().is_some_and(|tags| tags.iter().any(|tag| tag == "Sign-in")) {
            codes.extend([Code::RateLimited, Code::Unavailable, Code::Overloaded]);
        }
    } else if *method != HttpMethod::Get {
        codes.push(Code::CsrfTokenRequired);
    }
    for (status, name) in problems::responses(&codes) {
        let response = RefOr::Ref(Ref::from_response_name(name));
        operation.responses.responses.entry(status).or_insert(response);
    }
    examples::add(operation);
}

/// No body is an empty object, and some objects may be empty.
fn say_which_bodies_can_be_left_out(document: &mut Document) {
    let schemas = document.components.get_or_insert_default().schemas.clone();
    let may_be_empty = |content: &RefOr<Content>| {
        let RefOr::T(Content { schema: Some(RefOr::Ref(reference)), .. }) = content else { return false };
        let name = reference.ref_location.rsplit('/').next().unwrap_or_default();
        matches!(schemas.get(name), Some(RefOr::T(Schema::Object(object))) if object.required.is_empty())
    };
    for item in document.paths.paths.values_mut() {
        for operation in [&mut item.post, &mut item.put, &mut item.patch].into_iter().flatten() {
            if let Some(RefOr::T(body)) = &mut operation.request_body
                && body.content.values().all(may_be_empty)
            {
                body.required = Some(Required::False);
            }
        }
    }
}

/// RFC 9110, 8.8.3: one tag or several, or any.
/// Any text: what never was a tag fits nothing.
fn tags() -> Schema {
    Schema::Object(ObjectBuilder::new().schema_type(Type::String).build())
}

fn header(operation: &mut Operation, name: &str, description: &str, schema: impl Into<RefOr<Schema>>) {
    let parameter: Parameter = ParameterBuilder::new()
        .name(name)
        .parameter_in(ParameterIn::Header)
        .required(Required::False)
        .description(Some(description))
        .schema(Some(schema))
        .build();
    operation.parameters.get_or_insert_default().push(RefOr::T(parameter));
}

#[test]
fn the_openapi_document_is_current() {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/openapi.json");
    let document = Api::openapi().to_pretty_json().unwrap() + "\n";
    if std::env::var_os("ALFRED_WRITE_OPENAPI").is_some() {
        std::fs::write(file, &document).unwrap();
    }
    let stored = std::fs::read_to_string(file).unwrap_or_default();
    assert!(stored == document, "openapi.json is old: run `ALFRED_WRITE_OPENAPI=1 cargo test -p api openapi`");
}

#[test]
fn every_reference_leads_somewhere() {
    fn references(value: &serde_json::Value, found: &mut Vec<String>) {
        match value {
            serde_json::Value::Object(object) => {
                found.extend(object.get("$ref").and_then(|name| name.as_str()).map(str::to_owned));
                object.values().for_each(|value| references(value, found));
            }
            serde_json::Value::Array(items) => items.iter().for_each(|value| references(value, found)),
            _ => {}
        }
    }
    let document = serde_json::to_value(Api::openapi()).unwrap();
    let mut found = Vec::new();
    references(&document, &mut found);
    for reference in found {
        assert!(document.pointer(reference.strip_prefix('#').unwrap()).is_some(), "{reference}");
    }
}

#[test]
fn every_operation_says_what_it_does() {
    let document = serde_json::to_value(Api::openapi()).unwrap();
    let mut ids = std::collections::BTreeSet::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let at = format!("{method} {path}");
            assert!(operation["summary"].as_str().is_some_and(|text| text.ends_with('.')), "{at} has no summary");
            assert!(ids.insert(operation["operationId"].as_str().unwrap().to_owned()), "{at} has no id of its own");
            assert_eq!(operation["tags"].as_array().unwrap().len(), 1, "{at}");
        }
    }
}

/// What is sent has an example, which works as it stands on the example
/// organization, once its ids are that organization's (`cargo xtask test --only schema`).
#[test]
fn every_body_has_an_example() {
    let document = serde_json::to_value(Api::openapi()).unwrap();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let body = &operation["requestBody"]["content"]["application/json"];
            assert!(body.is_null() || body["example"].is_object(), "{method} {path}");
        }
    }
}

/// Journals say no kind that the document does not know.
#[test]
fn every_kind_of_entry_is_documented() {
    let document = serde_json::to_value(Api::openapi()).unwrap();
    let kinds = ledger::Kind::ALL.map(ledger::Kind::as_str);
    assert_eq!(document["components"]["schemas"]["EntryKind"]["enum"], serde_json::json!(kinds));
}

/// What has a tag says so, wherever it is shown or changed.
#[test]
fn every_tag_is_documented() {
    let document = serde_json::to_value(Api::openapi()).unwrap();
    let operations =
        || document["paths"].as_object().unwrap().values().flat_map(|item| item.as_object().unwrap().values());
    let find = |id: &str| operations().find(|operation| operation["operationId"] == id).unwrap();
    let takes = |operation: &serde_json::Value, name: &str| {
        operation["parameters"].as_array().is_some_and(|all| all.iter().any(|parameter| parameter["name"] == name))
    };
    for (shows, changes) in TAGGED {
        assert!(takes(find(shows), "if-none-match") && find(shows)["responses"]["304"].is_object(), "{shows}");
        for change in changes.split(' ') {
            assert!(takes(find(change), "if-match") && find(change)["responses"]["412"].is_object(), "{change}");
        }
    }
}

/// Each operation that asks who calls is an action of policies, by its name.
#[test]
fn every_operation_is_an_action() {
    let document = serde_json::to_value(Api::openapi()).unwrap();
    let own = ["get_me", "get_session"];
    let mut named = std::collections::BTreeSet::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let id = operation["operationId"].as_str().unwrap();
            let is_open = operation["security"] == serde_json::json!([{}]);
            if !is_open && !own.contains(&id) {
                assert!(id.parse::<policy::Action>().is_ok(), "{method} {path} is `{id}`, which is no action");
                named.insert(id.to_owned());
            }
        }
    }
    assert!(named.len() > 50);
}
