//! The example organization: two departments, three teams, six people with
//! different balances, a standing order for credits, and a few limits.

use std::collections::BTreeMap;

use anyhow::Result;
use serde_json::{Value, json};

use super::api::{Api, text};
use super::{DevJson, Member};

/// A million credits are a dollar: this is a hundred dollars.
const ISSUED: &str = "100000000";

struct Team {
    department: &'static str,
    name: &'static str,
    /// To begin with, from the department.
    pool: &'static str,
    /// Asks for more by itself.
    on_demand: bool,
    /// Each person's wallet, from the pool.
    people: &'static [(&'static str, &'static str)],
}

const TEAMS: [Team; 3] = [
    Team {
        department: "Research",
        name: "Compilers",
        pool: "5000000",
        on_demand: true,
        people: &[("ada", "2000000"), ("grace", "500000")],
    },
    Team {
        department: "Research",
        name: "Vision",
        pool: "1000000",
        on_demand: false,
        people: &[("alan", "250000"), ("edsger", "0")],
    },
    Team {
        department: "Product",
        name: "Storefront",
        pool: "3000000",
        on_demand: true,
        people: &[("barbara", "1000000"), ("donald", "100000")],
    },
];

/// Makes the example through the public API.
pub(super) fn make(base_url: &str, operator_key: &str) -> Result<DevJson> {
    let operator = Api::new(base_url, operator_key);
    let organization = operator.post(
        "organization",
        "/organizations",
        &json!({"name": "Acme", "time_zone": "Europe/Berlin", "help": "ask in #ai-credits"}),
    )?;
    let (id, admin_key) = (text(&organization, "id")?, text(&organization, "admin_key")?);
    let operator = operator.on(&id);
    operator.post("issue", "/organization/credits", &json!({"amount": ISSUED, "note": "first budget"}))?;
    let admin = Api::new(base_url, &admin_key);
    admin.post("demo", "/providers", &json!({"name": "demo", "kind": "demo", "models": ["demo-*"]}))?;

    let mut departments = BTreeMap::new();
    let mut members = BTreeMap::new();
    for team in &TEAMS {
        if !departments.contains_key(team.department) {
            departments.insert(team.department, department(&admin, team.department)?);
        }
        let department = departments.get(team.department).map_or("", String::as_str);
        let team_id = make_team(&admin, department, team)?;
        for (name, credits) in team.people {
            members.insert((*name).to_owned(), person(&admin, &team_id, team.name, name, credits)?);
        }
    }
    Ok(DevJson {
        base_url: base_url.to_owned(),
        operator_key: operator_key.to_owned(),
        organization_id: Some(id),
        admin_key: Some(admin_key),
        model: Some("demo-small".to_owned()),
        members,
    })
}

fn department(admin: &Api, name: &str) -> Result<String> {
    let id = text(&admin.post(name, "/departments", &json!({"name": name}))?, "id")?;
    allot(admin, &format!("fund {name}"), "treasury", &id, "40000000")?;
    Ok(id)
}

fn make_team(admin: &Api, department: &str, team: &Team) -> Result<String> {
    let plan = if team.on_demand {
        json!({"chunk": "1000000", "low_water": "500000", "monthly_cap": "20000000"})
    } else {
        Value::Null
    };
    let body = json!({"department_id": department, "name": team.name, "allotment_plan": plan});
    let id = text(&admin.post(team.name, "/teams", &body)?, "id")?;
    allot(admin, &format!("fund {}", team.name), department, &id, team.pool)?;
    let limits = format!("/teams/{id}/limits");
    for (step, limit) in [
        ("month", json!({"window": "month", "unit": "credits", "amount": "25000000"})),
        ("rate", json!({"window": "minute", "unit": "requests", "amount": 600})),
    ] {
        let mut body = limit;
        if let Some(object) = body.as_object_mut() {
            object.insert("subject".to_owned(), json!({"type": "team"}));
        }
        admin.post(&format!("{} {step}", team.name), &limits, &body)?;
    }
    Ok(id)
}

fn person(admin: &Api, team_id: &str, team: &str, name: &str, credits: &str) -> Result<Member> {
    let body = json!({"team_id": team_id, "name": name, "email": format!("{name}@acme.example")});
    let id = text(&admin.post(name, "/members", &body)?, "id")?;
    if credits != "0" {
        allot(admin, &format!("fund {name}"), team_id, &id, credits)?;
    }
    let body = json!({"member_id": id, "name": "laptop"});
    let key = admin.post(&format!("key of {name}"), &format!("/teams/{team_id}/keys"), &body)?;
    let day = json!({"subject": {"type": "member", "id": id}, "window": "day", "unit": "credits", "amount": "5000000"});
    admin.post(&format!("{name} day"), &format!("/teams/{team_id}/limits"), &day)?;
    Ok(Member { api_key: text(&key, "secret")?, team: team.to_owned(), id, team_id: team_id.to_owned() })
}

fn allot(admin: &Api, step: &str, from: &str, to: &str, amount: &str) -> Result<()> {
    let body = json!({"from": from, "to": to, "amount": amount, "note": "to begin with"});
    admin.post(step, "/allotments", &body).map(drop)
}
