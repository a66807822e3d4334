//! A script's wrangler.toml: what chores must know of its deployment.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use anyhow::{Context, Result, anyhow, bail};
use serde::Deserialize;

use super::Script;
use crate::support::workspace;

/// The file: the development settings, and those of each environment.
#[derive(Deserialize)]
pub(crate) struct WranglerToml {
    name: String,
    #[serde(flatten)]
    development: Environment,
    #[serde(default)]
    env: BTreeMap<String, Environment>,
}

/// What one environment binds. Environments inherit no bindings.
#[derive(Deserialize, Default)]
#[serde(default)]
pub(crate) struct Environment {
    durable_objects: DurableObjects,
    services: Vec<Service>,
    d1_databases: Vec<Database>,
    queues: Queues,
    triggers: Triggers,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct DurableObjects {
    bindings: Vec<DurableObject>,
}

#[derive(Deserialize)]
struct DurableObject {
    name: String,
    class_name: String,
    /// Which script has it; this one if left out.
    script_name: Option<String>,
}

#[derive(Deserialize)]
struct Service {
    binding: String,
    service: String,
}

/// A D1 database.
#[derive(Deserialize)]
pub(crate) struct Database {
    binding: String,
    /// Its name, by which wrangler finds it.
    pub(crate) database_name: String,
    /// What the platform calls it, once it is made.
    pub(crate) database_id: String,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Queues {
    producers: Vec<Producer>,
    consumers: Vec<Consumer>,
}

#[derive(Deserialize)]
struct Producer {
    binding: String,
    queue: String,
}

#[derive(Deserialize)]
struct Consumer {
    queue: String,
    dead_letter_queue: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Triggers {
    crons: Vec<String>,
}

impl WranglerToml {
    /// Reads a script's.
    pub(crate) fn read(script: Script) -> Result<Self> {
        let name = script.wrangler_toml();
        let path = workspace::path(&name);
        let text = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        toml::from_str(&text).with_context(|| format!("cannot parse {name}"))
    }

    /// An environment by name, which must bind what development binds.
    pub(crate) fn environment(&self, name: &str) -> Result<&Environment> {
        let script = &self.name;
        let environment = self.env.get(name).ok_or_else(|| anyhow!("`{script}` has no [env.{name}]"))?;
        let (here, there) = (self.development.bindings(""), environment.bindings(&format!("-{name}")));
        match here.symmetric_difference(&there).next() {
            None => Ok(environment),
            Some(binding) => {
                bail!("wrangler.toml of `{script}`: development and [env.{name}] do not agree on {binding}")
            }
        }
    }

    /// Every Durable Object class of its own that any environment binds.
    pub(crate) fn durable_object_classes(&self) -> BTreeSet<String> {
        let bindings = self.all().flat_map(|environment| &environment.durable_objects.bindings);
        bindings.filter(|binding| binding.script_name.is_none()).map(|binding| binding.class_name.clone()).collect()
    }

    /// Every handler that any environment relies on.
    pub(crate) fn handlers(&self) -> BTreeSet<&'static str> {
        let mut handlers = BTreeSet::new();
        if self.all().any(|environment| !environment.queues.consumers.is_empty()) {
            handlers.insert("queue");
        }
        if self.all().any(|environment| !environment.triggers.crons.is_empty()) {
            handlers.insert("scheduled");
        }
        // What nothing else begins begins with a request.
        if handlers.is_empty() {
            handlers.insert("fetch");
        }
        handlers
    }

    fn all(&self) -> impl Iterator<Item = &Environment> {
        std::iter::once(&self.development).chain(self.env.values())
    }
}

/// Whether a database's id is still to be put in.
pub(crate) fn is_placeholder(id: &str) -> bool {
    id.chars().all(|c| c == '0' || c == '-')
}

impl Environment {
    /// The databases.
    pub(crate) fn databases(&self) -> &[Database] {
        &self.d1_databases
    }

    /// Every queue that must exist.
    pub(crate) fn queues(&self) -> BTreeSet<&str> {
        let produced = self.queues.producers.iter().map(|producer| producer.queue.as_str());
        let consumed = self.queues.consumers.iter().map(|consumer| consumer.queue.as_str());
        let dead = self.queues.consumers.iter().filter_map(|consumer| consumer.dead_letter_queue.as_deref());
        produced.chain(consumed).chain(dead).collect()
    }

    /// The names that the script finds its bindings by, with what is behind
    /// them; names of scripts are without the environment's `suffix`.
    fn bindings(&self, suffix: &str) -> BTreeSet<String> {
        let script = |name: &str| name.strip_suffix(suffix).unwrap_or("another environment").to_owned();
        let objects = self.durable_objects.bindings.iter().map(|object| {
            let of = object.script_name.as_deref().map(script).unwrap_or_default();
            format!("{}: {} {of}", object.name, object.class_name)
        });
        let services = self.services.iter().map(|bound| format!("{}: {}", bound.binding, script(&bound.service)));
        let databases = self.d1_databases.iter().map(|database| format!("{}: D1", database.binding));
        let queues = self.queues.producers.iter().map(|producer| format!("{}: queue", producer.binding));
        objects.chain(services).chain(databases).chain(queues).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all() -> Vec<WranglerToml> {
        Script::ALL.into_iter().map(|script| WranglerToml::read(script).unwrap()).collect()
    }

    #[test]
    fn every_environment_binds_the_same() {
        for config in all() {
            assert!(!config.env.is_empty());
            for name in config.env.keys() {
                let environment = config.environment(name).unwrap();
                assert_eq!(environment.triggers.crons, config.development.triggers.crons, "{name}");
                assert_eq!(environment.queues.consumers.len(), config.development.queues.consumers.len(), "{name}");
            }
        }
    }

    #[test]
    fn no_environment_shares_a_queue_or_a_database() {
        let mut seen = BTreeMap::new();
        for config in all() {
            let environments = config.env.iter().map(|(name, environment)| (name.as_str(), environment));
            for (of, environment) in environments.chain([("development", &config.development)]) {
                let databases = environment.d1_databases.iter().map(|database| database.database_name.as_str());
                for name in databases.chain(environment.queues()) {
                    let other = seen.insert(name.to_owned(), of.to_owned());
                    assert!(other.as_ref().is_none_or(|other| other == of), "{name} is in {of} and {other:?}");
                }
            }
        }
    }

    /// Each script is deployed after those that it names.
    #[test]
    fn scripts_name_only_those_before_them() {
        let mut before = BTreeSet::new();
        for config in all() {
            let objects = config.development.durable_objects.bindings.iter();
            let services = config.development.services.iter().map(|bound| bound.service.as_str());
            for name in objects.filter_map(|object| object.script_name.as_deref()).chain(services) {
                assert!(before.contains(name), "{} names {name}", config.name);
            }
            before.insert(config.name);
        }
    }

    #[test]
    fn every_dead_letter_queue_has_a_consumer() {
        for config in all() {
            for environment in config.all() {
                let consumers = &environment.queues.consumers;
                for dead in consumers.iter().filter_map(|consumer| consumer.dead_letter_queue.as_ref()) {
                    assert!(consumers.iter().any(|consumer| &consumer.queue == dead), "{dead}");
                }
            }
        }
    }
}
