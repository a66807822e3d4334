//! See the crate's documentation.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test that cannot be set up stops")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap().to_owned()
}

/// A crate of ours: its folder and the crates of ours that it depends on.
struct Crate {
    folder: String,
    knows: BTreeSet<String>,
    foreign: BTreeSet<String>,
}

fn crates() -> BTreeMap<String, Crate> {
    let mut found = BTreeMap::new();
    let rooms = ["domain", "durable-objects", "queues", "workers", "tests"];
    let folders = rooms.iter().flat_map(|room| fs::read_dir(root().join(room)).unwrap());
    let folders = folders.map(|entry| entry.unwrap().path());
    for folder in folders.chain([root().join("cli")]) {
        let Ok(text) = fs::read_to_string(folder.join("Cargo.toml")) else { continue };
        let toml: toml::Table = text.parse().unwrap();
        let name = toml["package"]["name"].as_str().unwrap().to_owned();
        let mut all = BTreeSet::new();
        dependencies(&toml, &mut all);
        if let Some(targets) = toml.get("target").and_then(|targets| targets.as_table()) {
            targets.values().for_each(|target| dependencies(target.as_table().unwrap(), &mut all));
        }
        let folder = folder.strip_prefix(root()).unwrap().display().to_string();
        found.insert(name, Crate { folder, knows: BTreeSet::new(), foreign: all });
    }
    let names: BTreeSet<String> = found.keys().cloned().collect();
    for own in found.values_mut() {
        own.knows = own.foreign.intersection(&names).cloned().collect();
        own.foreign = own.foreign.difference(&names).cloned().collect();
    }
    found
}

fn dependencies(table: &toml::Table, all: &mut BTreeSet<String>) {
    if let Some(dependencies) = table.get("dependencies").and_then(|value| value.as_table()) {
        all.extend(dependencies.keys().cloned());
    }
}

fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let Ok(entries) = fs::read_dir(folder) else { return files };
    for entry in entries {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files
}

/// Arrows point one way: scripts → gateway, api, queues → actors' logic →
/// domain, and neither the scripts nor the shells know each other. The command line knows Alfred
/// by its API, as anybody does, and shares the domain's words.
#[test]
fn arrows_point_one_way() {
    let crates = crates();
    let room = |name: &str| crates[name].folder.split('/').next().unwrap().to_owned();
    for (name, own) in &crates {
        for known in &own.knows {
            let allowed = match (room(name).as_str(), room(known).as_str()) {
                (_, "domain") => true,
                ("durable-objects", "durable-objects") => name != "storage",
                ("queues", "durable-objects") => known == "storage",
                ("workers", "durable-objects") => true,
                ("workers", "workers") => matches!(
                    (name.as_str(), known.as_str()),
                    ("edge", "gateway")
                        | ("management", "api")
                        | (_, "runtime")
                        | ("api" | "gateway" | "messenger", "issuers")
                        | ("api" | "background", "messenger")
                ),
                // What can be sent again the notifier knows.
                ("workers", "queues") => name == "background" || (name.as_str(), known.as_str()) == ("api", "notifier"),
                ("tests", other) => !["workers", "cli"].contains(&other),
                _ => false,
            };
            assert!(allowed, "`{name}` ({}) must not know `{known}` ({})", own.folder, crates[known].folder);
        }
    }
    assert!(!crates["team"].knows.contains("organization"), "actors speak by messages only");
    assert!(!crates["organization"].knows.contains("team"), "actors speak by messages only");
}

/// A command, the state and `now` go in; effects or a rejection come out.
#[test]
fn the_domain_is_pure() {
    for (name, own) in crates().iter().filter(|(_, own)| own.folder.starts_with("domain/")) {
        for foreign in ["worker", "tokio", "getrandom", "rand", "js-sys", "web-sys", "chrono"] {
            assert!(!own.foreign.contains(foreign), "`{name}` must not depend on `{foreign}`");
        }
        for file in sources(&root().join(&own.folder).join("src")) {
            let text = fs::read_to_string(&file).unwrap();
            for word in ["async fn", ".await", "SystemTime::now", "Instant::now", "std::fs", "std::net::Tcp"] {
                assert!(!text.contains(word), "{} contains `{word}`", file.display());
            }
        }
    }
}

/// A rule that holds only where it is remembered does not hold.
#[test]
fn crates_that_touch_money_deny_what_loses_it() {
    for folder in [
        "domain/ledger",
        "domain/limits",
        "domain/pricing",
        "cli",
        "durable-objects/journal",
        "durable-objects/team",
        "durable-objects/organization",
        "queues/notifier",
        "queues/projector",
        "workers/api",
        "workers/gateway",
    ] {
        let text = fs::read_to_string(root().join(folder).join("src/lib.rs")).unwrap();
        for lint in ["clippy::float_arithmetic", "clippy::arithmetic_side_effects", "clippy::as_conversions"] {
            assert!(text.contains(lint), "{folder}/src/lib.rs does not deny {lint}");
        }
    }
}

#[test]
fn every_crate_says_what_is_in_scope_and_what_is_out() {
    for own in crates().values() {
        let text = fs::read_to_string(root().join(&own.folder).join("src/lib.rs")).unwrap();
        let head: String = text.lines().take_while(|line| line.starts_with("//!")).collect();
        assert!(head.contains("In scope:"), "{}/src/lib.rs does not say what is in scope", own.folder);
        assert!(head.contains("Out of scope:"), "{}/src/lib.rs does not say what is out of scope", own.folder);
    }
}

/// A class that is not re-exported is silently missing from the build.
#[test]
fn the_actors_export_every_class_that_they_are_configured_with() {
    let wrangler = fs::read_to_string(root().join("workers/actors/wrangler.toml")).unwrap();
    let wrangler: toml::Table = wrangler.parse().unwrap();
    let actors = fs::read_to_string(root().join("workers/actors/src/lib.rs")).unwrap();
    let bindings = wrangler["durable_objects"]["bindings"].as_array().unwrap();
    assert!(!bindings.is_empty());
    for binding in bindings {
        let class = binding["class_name"].as_str().unwrap();
        assert!(actors.contains(class), "workers/actors/src/lib.rs does not re-export `{class}`");
    }
}

/// Files of more than 600 lines want to be two.
#[test]
fn no_file_has_grown_too_large() {
    for room in ["domain", "durable-objects", "queues", "workers", "tests", "cli", "xtask"] {
        for file in sources(&root().join(room)) {
            let lines = fs::read_to_string(&file).unwrap().lines().count();
            assert!(lines <= 650, "{} has {lines} lines: would two rooms be clearer?", file.display());
        }
    }
}

/// One word for one thing: these are not in the glossary.
#[test]
fn synonyms_are_bugs() {
    for room in ["domain/ledger", "durable-objects", "workers"] {
        for file in sources(&root().join(room)) {
            let text = fs::read_to_string(&file).unwrap().to_lowercase();
            for word in ["escrow", "preauth", "ticket"] {
                assert!(!text.contains(word), "{} says `{word}`: the word is reservation", file.display());
            }
        }
    }
}
