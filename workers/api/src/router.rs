//! Which path is answered by what. One line a path.

use std::sync::OnceLock;

use axum::Router;
use axum::extract::FromRequestParts;
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, patch, post};
use http::request::Parts;
use http::{Method, Uri};

use crate::app::App;
use crate::controllers::{
    absences, admin_keys, allotments, approvals, ask, audit, auth, balances, boosts, calendars, channels, chat,
    chat_links, dead_letters, departments, events, grants, health, index, journal, keys, limits, me, members, metrics,
    notifications, organization, organizations, permissions, plans, policies, policy_trials, prices, privacy,
    providers, requests, sealed, service_accounts, sessions, sign_in, teams, transfers, usage, workloads,
};
use crate::problem::{Code, Problem};
use crate::provisioning;

/// The router, made once in each isolate. It holds nothing of a request: the
/// bindings come with each.
pub(crate) fn router() -> Router {
    static ROUTER: OnceLock<Router> = OnceLock::new();
    ROUTER.get_or_init(build).clone()
}

fn build() -> Router {
    Router::new()
        .route("/healthz", get(health::healthz))
        .route("/readyz", get(health::readyz))
        .route("/metrics", get(metrics::metrics))
        .nest("/api/v1", people().merge(tree()).merge(access()).merge(credits()).merge(reports()).merge(providers()))
        .route("/api/v1", get(index::get_index))
        .merge(provisioning::router())
        .merge(ask::router())
        .merge(chat::router())
        .fallback(not_found)
        .method_not_allowed_fallback(method_not_allowed)
}

fn tree() -> Router {
    Router::new()
        .route("/organizations", post(organizations::create_organization).get(organizations::list_organizations))
        .route("/organization", get(organization::get_organization).patch(organization::change_organization))
        .route("/departments", post(departments::create_department).get(departments::list_departments))
        .route("/departments/{department_id}", get(departments::get_department).patch(departments::change_department))
        .route("/teams", post(teams::create_team).get(teams::list_teams))
        .route("/teams/{team_id}", get(teams::get_team).patch(teams::change_team))
        .route("/members", post(members::create_member).get(members::list_members))
        .route("/members/{member_id}", get(members::get_member).patch(members::change_member))
        .route("/members/{member_id}/export", get(privacy::export_member))
        .route("/members/{member_id}/erasure", post(privacy::erase_member))
        .route("/teams/{team_id}/keys", post(keys::create_key).get(keys::list_keys))
        .route("/teams/{team_id}/keys/{key_id}", get(keys::get_key).delete(keys::revoke_key))
        .route("/teams/{team_id}/keys/{key_id}/rotate", post(keys::rotate_key))
        .route("/teams/{team_id}/limits", post(limits::create_limit).get(limits::list_limits))
        .route(
            "/teams/{team_id}/limits/{limit_id}",
            get(limits::get_limit).patch(limits::change_limit).delete(limits::remove_limit),
        )
}

fn people() -> Router {
    Router::new()
        .route("/auth/sign-in", get(auth::sign_in))
        .route("/auth/callback", get(auth::callback))
        .route("/auth/setup", post(auth::set_up))
        .route("/auth/refresh", post(auth::refresh))
        .route("/auth/sign-out", post(auth::sign_out))
        .route("/session", get(sessions::get_session))
        .route("/sessions", post(sessions::create_session))
        .route("/members/{member_id}/sessions", get(sessions::list_sessions).delete(sessions::end_sessions))
        .route("/members/{member_id}/sessions/{session_id}", delete(sessions::end_session))
        .route("/sign-in", get(sign_in::get_sign_in).put(sign_in::change_sign_in).delete(sign_in::remove_sign_in))
        .route("/organization/sealed", get(sealed::get_sealed).post(sealed::reseal))
        .route("/organization/domains", get(sign_in::get_domains).put(sign_in::change_domains))
        .route("/organization/setup-token", post(sign_in::create_setup_token))
}

fn access() -> Router {
    Router::new()
        .route("/admin-keys", post(admin_keys::create_admin_key).get(admin_keys::list_admin_keys))
        .route("/admin-keys/{admin_key_id}", delete(admin_keys::revoke_admin_key))
        .route("/grants", post(grants::create_grant).get(grants::list_grants))
        .route("/grants/lend", post(grants::lend_role))
        .route("/grants/{grant_id}", delete(grants::revoke_grant))
        .route(
            "/service-accounts",
            post(service_accounts::create_service_account).get(service_accounts::list_service_accounts),
        )
        .route(
            "/service-accounts/{service_account_id}",
            get(service_accounts::get_service_account).patch(service_accounts::change_service_account),
        )
        .route("/service-accounts/{service_account_id}/keys", post(service_accounts::create_service_key))
        .route(
            "/service-accounts/{service_account_id}/keys/{service_key_id}",
            delete(service_accounts::revoke_service_key),
        )
        .route("/workloads", post(workloads::create_workload).get(workloads::list_workloads))
        .route("/workloads/{workload_id}", delete(workloads::remove_workload))
        .route("/permissions/matrix", get(permissions::get_matrix))
        .route("/policies", post(policies::create_policy).get(policies::list_policies))
        .route("/policies/test", post(policy_trials::test_policies))
        .route("/policies/schema", get(policies::get_policy_schema))
        .route(
            "/policies/{policy_id}",
            get(policies::get_policy).put(policies::change_policy).delete(policies::remove_policy),
        )
        .route("/policies/{policy_id}/versions", get(policies::list_policy_versions))
}

fn credits() -> Router {
    Router::new()
        .route("/organization/credits", post(organizations::issue_credits))
        .route("/allotments", post(allotments::allot))
        .route("/plans", post(plans::create_plan).get(plans::list_plans))
        .route("/plans/{plan_id}", get(plans::get_plan).patch(plans::change_plan).delete(plans::remove_plan))
        .route("/absences", post(absences::create_absence).get(absences::list_absences))
        .route("/absences/{absence_id}", get(absences::get_absence).patch(absences::change_absence))
        .route("/absences/{absence_id}/end", post(absences::end_absence))
        .route("/boosts", post(boosts::begin::boost).get(boosts::list::list_boosts))
        .route("/boosts/{boost_id}", get(boosts::list::get_boost))
        .route("/boosts/{boost_id}/end", post(boosts::end::end_boost))
        .route("/transfers", post(transfers::send::transfer).get(transfers::list::list_transfers))
        .route("/transfers/export", get(transfers::export::export_transfers))
        .route("/transfers/preview", post(transfers::preview::preview_transfer))
        .route("/transfers/{transfer_id}", get(transfers::find::get_transfer))
        .route("/transfers/{transfer_id}/undo", post(transfers::undo::undo_transfer))
        .route("/approvals", post(approvals::request::request_approval).get(approvals::list::list_approvals))
        .route("/approvals/{approval_id}", get(approvals::list::get_approval))
        .route("/approvals/{approval_id}/approve", post(approvals::decide::approve))
        .route("/approvals/{approval_id}/deny", post(approvals::decide::deny))
        .route("/approvals/{approval_id}/cancel", post(approvals::decide::cancel_approval))
        .route("/balances", get(balances::list_balances))
        .route("/balances/{node}", get(balances::get_balance))
        .route("/events", get(events::watch_events))
        .route("/me", get(me::get_me))
        .route("/me/chat-links", post(chat_links::create_chat_link).get(chat_links::list_chat_links))
        .route("/me/chat-links/{channel_id}", delete(chat_links::remove_chat_link))
}

fn providers() -> Router {
    Router::new()
        .route("/providers", post(providers::create_provider).get(providers::list_providers))
        .route(
            "/providers/{provider_id}",
            get(providers::get_provider).patch(providers::change_provider).delete(providers::remove_provider),
        )
        .route("/calendars", post(calendars::create_calendar).get(calendars::list_calendars))
        .route(
            "/calendars/{calendar_id}",
            get(calendars::get_calendar).patch(calendars::change_calendar).delete(calendars::remove_calendar),
        )
        .route("/channels", post(channels::create_channel).get(channels::list_channels))
        .route(
            "/channels/{channel_id}",
            get(channels::get_channel).patch(channels::change_channel).delete(channels::remove_channel),
        )
        .route("/channels/{channel_id}/test", post(channels::trial::test_channel))
        .route("/prices", get(prices::list_prices))
        .route(
            "/prices/overrides",
            get(prices::get_overrides).put(prices::replace_overrides).merge(patch(prices::change_overrides)),
        )
}

fn reports() -> Router {
    Router::new()
        .route("/usage", get(usage::get_usage))
        .route("/journal", get(journal::list_journal))
        .route("/requests", get(requests::list_requests))
        .route("/audit", get(audit::list::list_audit))
        .route("/audit/export", get(audit::export::export_audit))
        .route("/audit/verify", get(audit::verify::verify_audit))
        .route("/notifications", get(notifications::list_notifications))
        .route("/dead-letters", get(dead_letters::list_dead_letters))
        .route("/dead-letters/{dead_letter_id}", delete(dead_letters::remove_dead_letter))
        .route("/dead-letters/{dead_letter_id}/resend", post(dead_letters::resend_dead_letter))
        .route("/openapi.json", get(index::get_openapi))
}

async fn not_found(uri: Uri) -> Response {
    let path: String = uri.path().chars().take(200).collect();
    let detail = format!("there is nothing at `{path}`: see /api/v1/openapi.json for what there is");
    Problem::new(Code::NotFound, detail).into_response()
}

/// The router adds `Allow`.
async fn method_not_allowed(method: Method, uri: Uri) -> Response {
    let path: String = uri.path().chars().take(200).collect();
    let detail = format!("`{path}` does not know {method}: the header `Allow` says what it knows");
    Problem::new(Code::MethodNotAllowed, detail).into_response()
}

/// The deployment's bindings, for handlers that anybody may call.
impl<S: Send + Sync> FromRequestParts<S> for App {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        parts.extensions.get::<Self>().cloned().ok_or_else(|| Problem::internal("a request without bindings"))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::controllers::index::OPENAPI;
    use axum::body::Body;
    use futures::executor::block_on;
    use tower_service::Service;

    fn send(method: &str, path: &str) -> Response {
        let request = http::Request::builder().method(method).uri(path).body(Body::empty()).unwrap();
        block_on(router().call(request)).unwrap()
    }

    #[test]
    fn unknown_paths_and_methods_are_problems() {
        for path in ["/", "/api/v1/", "/api/v2/teams", "/api/v1/teams/", "/api/v1/nothing"] {
            let response = send("GET", path);
            assert_eq!(response.status(), 404, "{path}");
            assert_eq!(response.headers()["content-type"], "application/problem+json", "{path}");
        }
        let response = send("PUT", "/api/v1/teams");
        assert_eq!(response.status(), 405);
        assert_eq!(response.headers()["content-type"], "application/problem+json");
        assert_eq!(response.headers()["allow"], "POST,GET,HEAD");
        assert_eq!(send("GET", "/healthz").status(), 200);
    }

    /// The document and the router know the same paths and methods.
    #[test]
    fn documented_is_routed() {
        let document: serde_json::Value = serde_json::from_str(OPENAPI).unwrap();
        for (path, operations) in document["paths"].as_object().unwrap() {
            let documented: BTreeSet<String> =
                operations.as_object().unwrap().keys().map(|method| method.to_uppercase()).collect();
            let response = send("TRACE", &path.replace(['{', '}'], "x"));
            assert_eq!(response.status(), 405, "{path}");
            let allowed = response.headers()["allow"].to_str().unwrap();
            let routed: BTreeSet<String> =
                allowed.split(',').filter(|method| *method != "HEAD").map(str::to_owned).collect();
            assert_eq!(documented, routed, "{path}");
        }
    }

    /// Each line of this file that routes a path is in the document.
    #[test]
    fn routed_is_documented() {
        let document: serde_json::Value = serde_json::from_str(OPENAPI).unwrap();
        let documented = document["paths"].as_object().unwrap().len();
        let source = include_str!("router.rs").split("#[cfg(test)]").next().unwrap();
        assert_eq!(source.matches(".route(").count(), documented);
    }

    #[test]
    fn everything_but_the_open_paths_asks_for_a_key() {
        // Without bindings there is no key to compare with, which is our own
        // fault: so nothing here gets as far as a handler.
        for path in ["/metrics", "/api/v1/organizations", "/api/v1/teams", "/api/v1/me", "/api/v1/usage"] {
            assert_eq!(send("GET", path).status(), 500, "{path}");
        }
    }
}
