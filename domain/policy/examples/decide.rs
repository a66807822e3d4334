//! How long a decision takes at 50 policies, natively; and the policies, so that
//! `cargo xtask bench` can measure the same in the runtime.
#![allow(clippy::unwrap_used, reason = "a measurement that cannot be made stops")]
#![allow(clippy::disallowed_methods, reason = "this is no worker: it has a clock")]

use std::time::Instant;

use identity::TeamId;
use policy::{Action, Column, Engine, Mode, Rule};

const POLICIES: u128 = 50;
const NOW: i64 = 1_795_000_000_000;

/// Such as organizations write, none of which has a say in most questions.
fn text(number: u128) -> String {
    let team = TeamId::from_u128(number);
    match number % 5 {
        0 => format!(
            r#"forbid (principal, action == Action::"allot", resource in Node::"{team}") when {{ context has millicredits && context.millicredits > 1000000 }} unless {{ context.approved }};"#
        ),
        1 => format!(
            r#"forbid (principal is ServiceAccount, action in Action::"manage_keys", resource) when {{ resource in Node::"{team}" }};"#
        ),
        2 => format!(
            r#"forbid (principal, action, resource in Node::"{team}") when {{ context.now > datetime("2030-01-01T00:00:00Z") }};"#
        ),
        3 => format!(
            r#"permit (principal is Member, action == Action::"list_members", resource) when {{ principal in Node::"{team}" && resource in Node::"{team}" }};"#
        ),
        _ => format!(
            r#"forbid (principal is Member, action == Action::"use_model", resource is Model) when {{ principal in Node::"{team}" }} unless {{ resource.name like "gpt-4o*" }};"#
        ),
    }
}

fn main() {
    let texts: Vec<String> = (100..100 + POLICIES).map(text).collect();
    let rule = |(number, text): (usize, &String)| Rule {
        id: format!("pol_{number}"),
        text: text.clone(),
        mode: Mode::Enforce,
    };
    let rules: Vec<Rule> = texts.iter().enumerate().map(rule).collect();
    let started = Instant::now();
    let engine = Engine::new(&rules).unwrap();
    let parse_us = started.elapsed().as_micros();
    let all = || {
        let columns = Column::all();
        let pairs = columns.iter().flat_map(|column| Action::ALL.iter().map(move |action| (*column, *action)));
        pairs.map(|(column, action)| policy::count(&engine, column, action, NOW).1).sum::<usize>()
    };
    all();
    let started = Instant::now();
    let decisions = all();
    let native_us = started.elapsed().as_secs_f64() * 1e6 / decisions as f64;
    println!(
        "{}",
        serde_json::json!({"texts": texts, "decisions": decisions, "parse_us": parse_us, "native_us": native_us})
    );
}
