//! What each operation may be sent. The ids are those of the schemas' own
//! examples; everything else works as it stands on the example organization.

use serde_json::{Value, json};
use utoipa::openapi::RefOr;
use utoipa::openapi::path::Operation;

/// Adds the example of the operation's body.
pub(super) fn add(operation: &mut Operation) {
    let example = operation.operation_id.as_deref().and_then(example);
    let Some(RefOr::T(body)) = &mut operation.request_body else { return };
    for content in body.content.values_mut() {
        if let RefOr::T(content) = content {
            content.example.clone_from(&example);
        }
    }
}

fn example(operation_id: &str) -> Option<Value> {
    let (department, team) = ("dep_01h2xcejqtf2nbrexx3vqjhp41", "team_01h2xcejqtf2nbrexx3vqjhp41");
    let (member, account) = ("mem_01h2xcejqtf2nbrexx3vqjhp41", "svc_01h2xcejqtf2nbrexx3vqjhp41");
    let plan = json!({ "chunk": "1000000", "low_water": "500000", "monthly_cap": "20000000" });
    let price = json!({ "price": { "rates": { "input": "0.1", "output": "0.4" } } });
    let most = json!({ "kind": "allotments", "on": department, "most": "1000000", "approval": "finance" });
    Some(match operation_id {
        "create_organization" => {
            json!({ "name": "Umbrella", "time_zone": "Europe/Berlin", "help": "ask the help desk" })
        }
        "issue_credits" => json!({ "amount": "1000000", "note": "second budget" }),
        "change_organization" => json!({ "name": "Acme", "settings": { "output_limit": "clamp" } }),
        "create_admin_key" => json!({ "name": "Terraform" }),
        "create_service_account" => json!({ "name": "Evaluation" }),
        "change_service_account" => json!({ "name": "Nightly evaluation", "disabled": false }),
        "create_service_key" => json!({ "name": "CI", "scopes": ["list_teams", "get_usage"] }),
        "set_up" => json!({ "setup_token": "st-alf-…", "name": "Grace Hopper", "email": "grace@acme.example" }),
        "refresh" | "sign_out" => json!({ "refresh_token": "rt-alf-…" }),
        "create_session" => json!({ "name": "nightly report", "expires_at": "2026-12-24T12:00:00Z" }),
        "change_sign_in" => json!({
            "provider": { "kind": "okta", "domain": "acme.okta.com" }, "client_id": "0oa1b2c3d4", "client_secret": "…",
            "just_in_time": true, "default_team_id": team,
            "groups": [{ "group": "Finance", "role": "finance", "on": department }],
        }),
        "change_domains" => json!({ "domains": ["acme.example"] }),
        "create_setup_token" => json!({ "hours": 24 }),
        "create_workload" => json!({
            "name": "deploy", "issuer": "https://token.actions.githubusercontent.com", "member_id": member,
            "rules": [{ "claim": "sub", "value": "repo:acme/app:ref:refs/heads/main" }],
        }),
        "create_grant" => json!({ "to": account, "role": "finance", "on": department }),
        "lend_role" => {
            json!({ "to": member, "role": "team_manager", "on": team, "until": "2099-12-31T00:00:00Z" })
        }
        "create_policy" => json!({ "name": "Large allotments need finance", "setting": most, "mode": "shadow" }),
        "test_policies" => json!({ "setting": most, "last": 500 }),
        "change_policy" => json!({
            "name": "Only Ada makes keys", "mode": "shadow",
            "cedar": "forbid (principal, action == Action::\"create_key\", resource)\n\
                      unless { principal == Member::\"mem_01h2xcejqtf2nbrexx3vqjhp41\" };\n",
        }),
        "create_department" => json!({ "name": "Sales" }),
        "change_department" => json!({ "name": "Research and development" }),
        "create_team" => json!({
            "department_id": department, "name": "Robotics", "allotment_plan": plan, "pool_draw": "automatic",
            "models": ["demo-*"],
        }),
        "change_team" => json!({
            "name": "Compilers and linkers", "addresses": null,
            "pool_rules": { "window": "month", "each": "250", "floor": "500" },
        }),
        "create_member" => json!({ "team_id": team, "name": "linus", "email": "linus@acme.example" }),
        "change_member" => json!({ "name": "Ada Lovelace", "models": ["demo-*"] }),
        "erase_member" => json!({ "confirm": member }),
        "create_key" => json!({ "member_id": member, "name": "workstation", "expires_at": "2099-12-31T00:00:00Z" }),
        "rotate_key" => json!({ "grace_seconds": 3600 }),
        "create_limit" => {
            json!({ "subject": { "type": "team" }, "window": "day", "unit": "requests", "amount": 10_000 })
        }
        "change_limit" => json!({ "amount": "30000000" }),
        "allot" => json!({ "from": department, "to": team, "amount": "12.5", "note": "for the demo" }),
        "transfer" | "preview_transfer" => {
            json!({ "from": member, "to": team, "amount": "12.5", "note": "thank you" })
        }
        "request_approval" => json!({ "from": team, "to": member, "amount": "100", "reason": "evaluation" }),
        "approve" | "deny" | "cancel_approval" => json!({ "reason": "until Friday" }),
        "undo_transfer" => json!({ "amount": "2.5" }),
        "boost" => {
            json!({ "member_id": member, "amount": "5", "ends_at": "2099-12-31T00:00:00Z", "reason": "the release" })
        }
        "create_absence" => json!({
            "member_id": member, "until": "2099-12-31T00:00:00Z", "share": { "kind": "percent", "percent": 80 },
            "reason": "the Alps",
        }),
        "change_absence" => json!({ "until": null, "share": { "kind": "above", "floor": "100" } }),
        "end_boost" | "end_absence" => json!({}),
        "create_provider" => json!({
            "name": "ollama", "kind": "openai", "base_url": "http://127.0.0.1:11434/v1", "models": ["llama3*"],
        }),
        "create_calendar" => json!({
            "name": "Who is out",
            "source": { "kind": "bamboohr", "company": "acme", "api_key": "8f742231b10e" },
            "people": { "4711": "mem_01h2xcejqtf2nbrexx3vqjhp41" },
            "share": { "kind": "percent", "percent": 50 },
        }),
        "change_calendar" => json!({ "enabled": false }),
        "create_channel" => json!({
            "name": "Slack",
            "channel": { "kind": "slack", "workspace": "T012AB3CD", "token": "xoxb-0123", "signing_secret": "8f742231b10e" },
        }),
        "create_chat_link" => json!({ "channel_id": "chan_01h2xcejqtf2nbrexx3vqjhp41" }),
        "test_channel" | "resend_dead_letter" => json!({}),
        "change_channel" => json!({ "name": "Everybody's Slack", "enabled": false }),
        "create_plan" => json!({
            "name": "Monthly",
            "to": { "type": "each_member", "of": "team_01h2xcejqtf2nbrexx3vqjhp41" },
            "amount": "1000",
            "period": { "every": "month" },
            "rollover": { "kind": "capped", "most": "200" },
        }),
        "change_plan" => json!({ "amount": "1500", "rollover": { "kind": "none" } }),
        "change_provider" => json!({ "models": ["demo-*"], "idle_timeout_seconds": 90 }),
        "replace_overrides" => json!({ "overrides": [{ "provider": "ollama", "model": "llama3*", "change": price }] }),
        "change_overrides" => {
            json!({ "set": [{ "model": "demo-small", "change": { "discount_basis_points": 1000 } }] })
        }
        _ => return None,
    })
}
