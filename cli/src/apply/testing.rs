//! An organization for tests, as Alfred would show it.

use serde_json::{Value, json};

use super::state::State;
use crate::directory::Directory;

/// The id of this prefix and number.
pub(crate) fn id(prefix: &str, number: u32) -> String {
    format!("{prefix}_{number:026}")
}

fn read<T: serde::de::DeserializeOwned>(value: Value) -> T {
    serde_json::from_value(value).unwrap()
}

fn team(number: u32, department: u32, name: &str) -> Value {
    json!({
        "id": id("team", number), "department_id": id("dep", department), "name": name, "allotment_plan": null,
        "pool_draw": "automatic", "pool_rules": null, "models": null, "addresses": null,
    })
}

fn member(number: u32, team: u32, name: &str, email: Option<&str>) -> Value {
    json!({
        "id": id("mem", number), "team_id": id("team", team), "name": name, "email": email, "status": "active",
        "models": null,
    })
}

/// One of everything, and two adas.
pub(crate) fn state() -> State {
    let limit = |number: u32, subject: Value, window: &str, unit: &str, amount: Value| {
        json!({
            "id": id("lim", number), "team_id": id("team", 1), "subject": subject, "window": window, "unit": unit,
            "kind": if window == "minute" { "rate" } else { "cap" }, "amount": amount,
        })
    };
    State {
        organization: read(json!({
            "id": id("org", 1), "name": "Acme",
            "settings": {
                "help": "ask", "leaver_credits": "pool", "output_limit": "clamp", "time_zone": "Europe/Berlin", "usd_per_million_credits": "1",
                "addresses": ["192.0.2.0/24"],
                "retention": {
                    "requests": 400, "usage": null, "audit_details": 400, "notifications": 90, "dead_letters": 90,
                    "sessions": 7,
                },
            },
        })),
        departments: read(
            json!([{ "id": id("dep", 1), "name": "Research" }, { "id": id("dep", 2), "name": "Product" }]),
        ),
        teams: read(json!([
            {
                "id": id("team", 1), "department_id": id("dep", 1), "name": "Compilers",
                "allotment_plan": { "chunk": "100", "low_water": "50", "monthly_cap": null },
                "pool_draw": "off", "pool_rules": null, "models": ["demo-*"], "addresses": ["10.0.0.0/8"],
            },
            team(2, 1, "Vision"),
            team(3, 2, "Store front"),
        ])),
        members: read(json!([
            member(1, 1, "ada", Some("ada@acme.example")),
            member(2, 2, "alan", Some("alan@acme.example")),
            member(3, 2, "ada", None),
        ])),
        limits: read(json!([
            limit(1, json!({ "type": "team" }), "month", "credits", json!("1000")),
            limit(2, json!({ "type": "team" }), "minute", "requests", json!(600)),
            limit(3, json!({ "type": "member", "id": id("mem", 1) }), "day", "credits", json!("10.5")),
            limit(4, json!({ "type": "key", "id": id("key", 1) }), "day", "credits", json!("1")),
        ])),
        providers: read(json!([
            {
                "id": id("prov", 1), "name": "demo", "kind": "demo", "base_url": "", "has_key": false,
                "models": ["demo-*"], "prices": null, "headers": {}, "limit_field": "max_completion_tokens",
                "header_timeout_seconds": 120, "idle_timeout_seconds": 60,
            },
            {
                "id": id("prov", 2), "name": "open-ai", "kind": "openai", "base_url": "https://api.openai.com/v1",
                "has_key": true, "models": ["gpt-*"], "prices": "openai",
                "headers": { "x-project": "alpha", "x-token": "…" },
                "limit_field": "max_completion_tokens", "header_timeout_seconds": 120, "idle_timeout_seconds": 60,
            },
        ])),
        prices: read(json!([
            { "provider": "open-ai", "model": "gpt-4o*", "change": { "discount_basis_points": 500 } },
            { "model": "llama3*", "change": { "price": { "rates": { "input": "0.1", "output": "0.4" } } } },
        ])),
        service_accounts: read(json!([{
            "id": id("svc", 1), "name": "deploy", "disabled_at": null,
            "keys": [{ "id": id("skey", 1), "hint": "sk-alf-…abcd", "scopes": null }],
        }])),
        grants: read(json!([
            {
                "id": id("grant", 1), "to": id("mem", 1), "role": "team_manager", "on": id("team", 1),
                "until": "2027-01-01T00:00:00.000Z", "only": ["create_key", "create_limit"], "lender": null,
            },
            {
                "id": id("grant", 2), "to": id("svc", 1), "role": "auditor", "on": id("org", 1), "until": null,
                "only": null, "lender": null,
            },
        ])),
        policies: read(json!([
            {
                "id": id("pol", 1), "version": 3, "name": "Large allotments", "mode": "enforce",
                "source": { "setting": { "kind": "allotments", "most": "2.5", "on": id("dep", 1) } },
            },
            {
                "id": id("pol", 2), "version": 1, "name": "No robots", "mode": "shadow",
                "source": { "cedar": "forbid (principal is ServiceAccount,\n  action, resource);\n" },
            },
        ])),
    }
}

/// Its names.
pub(crate) fn directory() -> Directory {
    let State { departments, teams, members, .. } = state();
    Directory { departments, teams, members }
}
