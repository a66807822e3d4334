//! The company that calls: everything on, and nothing that would refuse a
//! call.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Result;
use serde_json::{Value, json};

use crate::seed::api::{Api, text};

/// What the provider wants to be shown.
pub(super) const PROVIDER_KEY: &str = "sk-upstream-of-the-benchmark";

/// Teams over which calls are spread, beside the one that is hot.
pub(super) const TEAMS: usize = 50;

/// A thousand million credits; a call costs about twenty.
const FUNDS: &str = "1000000000";

/// Its organization, teams and keys.
pub(super) struct Company {
    pub(super) admin: Api,
    pub(super) hot: Team,
    pub(super) spread: Vec<Team>,
    /// Files with one key a line, for the load generator.
    pub(super) hot_keys: PathBuf,
    pub(super) spread_keys: PathBuf,
}

/// A team of one member with one key.
pub(super) struct Team {
    pub(super) id: String,
    key: String,
}

impl Company {
    /// Makes it through the management API, as an operator and an admin would.
    pub(super) fn found(folder: &Path, alfred: &str, operator_key: &str, provider: &str) -> Result<Self> {
        let operator = Api::new(alfred, operator_key);
        let body = json!({"name": "Benchmark", "time_zone": "Europe/Berlin", "help": "ask in #ai-credits"});
        let organization = operator.post("organization", "/organizations", &body)?;
        let operator = operator.on(&text(&organization, "id")?);
        operator.post("issue", "/organization/credits", &json!({"amount": "100000000000"}))?;
        let admin = Api::new(alfred, &text(&organization, "admin_key")?);
        let provider = json!({
            "name": "openai", "kind": "openai", "base_url": format!("{provider}/v1"), "api_key": PROVIDER_KEY,
            "models": ["gpt-4o*", "text-embedding-*"],
        });
        admin.post("provider", "/providers", &provider)?;
        let department = text(&admin.post("department", "/departments", &json!({"name": "Research"}))?, "id")?;
        allot(&admin, "treasury", &department, "100000000000")?;
        let hot = Team::make(&admin, &department, "hot")?;
        let spread = (1..=TEAMS).map(|number| Team::make(&admin, &department, &format!("team {number}")));
        let spread = spread.collect::<Result<Vec<_>>>()?;
        let (hot_keys, spread_keys) = (folder.join("hot.keys"), folder.join("spread.keys"));
        fs::write(&hot_keys, &hot.key)?;
        fs::write(&spread_keys, spread.iter().map(|team| team.key.as_str()).collect::<Vec<_>>().join("\n"))?;
        Ok(Self { admin, hot, spread, hot_keys, spread_keys })
    }
}

impl Team {
    /// With funds in pool and wallet, allowlists of models and addresses on
    /// each level, and limits on key, member and team.
    fn make(admin: &Api, department: &str, name: &str) -> Result<Self> {
        let (models, addresses) = (json!(["gpt-4o*", "text-embedding-*"]), json!(["127.0.0.0/8", "10.0.0.0/8"]));
        let body = json!({"department_id": department, "name": name, "models": models, "addresses": addresses});
        let id = text(&admin.post(&format!("team {name}"), "/teams", &body)?, "id")?;
        let body = json!({"team_id": id, "name": name, "models": models});
        let member = text(&admin.post(&format!("member {name}"), "/members", &body)?, "id")?;
        allot(admin, department, &id, FUNDS)?;
        allot(admin, &id, &member, "500000000")?;
        let body = json!({"member_id": member, "name": "laptop", "models": models, "addresses": addresses});
        let key = admin.post(&format!("key {name}"), &format!("/teams/{id}/keys"), &body)?;
        let (key_id, key) = (text(&key, "id")?, text(&key, "secret")?);
        let subjects =
            [json!({"type": "team"}), json!({"type": "member", "id": member}), json!({"type": "key", "id": key_id})];
        let limits = [
            json!({"window": "minute", "unit": "requests", "amount": 100_000_000}),
            json!({"window": "minute", "unit": "tokens", "amount": 1_000_000_000_000_u64}),
            json!({"window": "month", "unit": "credits", "amount": FUNDS}),
        ];
        for (place, subject) in subjects.iter().enumerate() {
            for (number, limit) in limits.iter().enumerate() {
                let mut body = limit.clone();
                if let Value::Object(fields) = &mut body {
                    fields.insert("subject".to_owned(), subject.clone());
                }
                admin.post(&format!("limit {name} {place} {number}"), &format!("/teams/{id}/limits"), &body)?;
            }
        }
        Ok(Self { id, key })
    }
}

fn allot(admin: &Api, from: &str, to: &str, amount: &str) -> Result<()> {
    admin.post(&format!("allot {to}"), "/allotments", &json!({"from": from, "to": to, "amount": amount})).map(drop)
}
