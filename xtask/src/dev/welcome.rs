//! What a started Alfred says: lines that work as they stand.

use std::process::Command;

use crate::dev::state::State;
use crate::seed::DevJson;
use crate::support::{process, workspace};

/// Prints where Alfred listens and how to call it.
pub(super) fn print(seeded: &DevJson, state: &State) {
    let url = &seeded.base_url;
    println!("\nAlfred listens on {url}");
    match (seeded.members.iter().next(), &seeded.model) {
        (Some((name, member)), Some(model)) => {
            println!("\nAs {name} of {}:\n\n{}\n", member.team, curl(url, &member.api_key, model));
            println!("{}\n", python(url, &member.api_key, model));
        }
        _ => println!("\n  curl {url}/healthz\n"),
    }
    if state.dev_json_path().exists() {
        println!("All keys are in {}.", workspace::shown(&state.dev_json_path()));
    }
    println!("The operator's key is in {}.", workspace::shown(&state.secrets_path()));
    println!("Ctrl-C ends it.");
}

fn curl(url: &str, key: &str, model: &str) -> String {
    format!(
        "  curl {url}/v1/chat/completions -H 'Authorization: Bearer {key}' -H 'Content-Type: application/json' \
         -d '{{\"model\": \"{model}\", \"messages\": [{{\"role\": \"user\", \"content\": \"Hello\"}}]}}'"
    )
}

fn python(url: &str, key: &str, model: &str) -> String {
    format!(
        "  {}python3 -c 'from openai import OpenAI; print(OpenAI(base_url=\"{url}/v1\", api_key=\"{key}\")\
         .chat.completions.create(model=\"{model}\", messages=[{{\"role\": \"user\", \"content\": \"Hello\"}}])\
         .choices[0].message.content)'",
        if has_openai() { "" } else { "python3 -m pip install --quiet openai && " }
    )
}

fn has_openai() -> bool {
    let look = "import importlib.util, sys; sys.exit(importlib.util.find_spec('openai') is None)";
    process::run_quietly(Command::new("python3").args(["-c", look])).is_ok()
}
