//! wrangler.toml: what chores must know of the deployment.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use anyhow::{Context, Result, anyhow, bail};
use serde::Deserialize;

use crate::support::workspace;

/// The file: the development settings, and those of each environment.
#[derive(Deserialize)]
pub(crate) struct WranglerToml {
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
}

/// A D1 database.
#[derive(Deserialize)]
pub(crate) struct Database {
    binding: String,
    /// Its name, by which wrangler finds it.
    pub(crate) database_name: String,
    database_id: String,
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
    /// Reads the one in the root.
    pub(crate) fn read() -> Result<Self> {
        let path = workspace::path("wrangler.toml");
        let text = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        toml::from_str(&text).context("cannot parse wrangler.toml")
    }

    /// An environment by name, which must bind what development binds.
    pub(crate) fn environment(&self, name: &str) -> Result<&Environment> {
        let environment = self.env.get(name).ok_or_else(|| anyhow!("wrangler.toml has no [env.{name}]"))?;
        let (here, there) = (self.development.bindings(), environment.bindings());
        match here.symmetric_difference(&there).next() {
            None => Ok(environment),
            Some(binding) => {
                bail!("wrangler.toml: development and [env.{name}] do not agree on {binding}")
            }
        }
    }

    /// Every Durable Object class that any environment binds.
    pub(crate) fn durable_object_classes(&self) -> BTreeSet<String> {
        let bindings = self.all().flat_map(|environment| &environment.durable_objects.bindings);
        bindings.map(|binding| binding.class_name.clone()).collect()
    }

    /// Every handler that any environment relies on.
    pub(crate) fn handlers(&self) -> BTreeSet<&'static str> {
        let mut handlers = BTreeSet::from(["fetch"]);
        if self.all().any(|environment| !environment.queues.consumers.is_empty()) {
            handlers.insert("queue");
        }
        if self.all().any(|environment| !environment.triggers.crons.is_empty()) {
            handlers.insert("scheduled");
        }
        handlers
    }

    fn all(&self) -> impl Iterator<Item = &Environment> {
        std::iter::once(&self.development).chain(self.env.values())
    }
}

impl Environment {
    /// The databases whose identifier is still a placeholder.
    pub(crate) fn databases_to_create(&self) -> impl Iterator<Item = &Database> {
        let is_placeholder = |id: &str| id.chars().all(|c| c == '0' || c == '-');
        self.d1_databases.iter().filter(move |database| is_placeholder(&database.database_id))
    }

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

    /// The names that the worker finds its bindings by.
    fn bindings(&self) -> BTreeSet<String> {
        let objects =
            self.durable_objects.bindings.iter().map(|object| format!("{}: {}", object.name, object.class_name));
        let databases = self.d1_databases.iter().map(|database| format!("{}: D1", database.binding));
        let queues = self.queues.producers.iter().map(|producer| format!("{}: queue", producer.binding));
        objects.chain(databases).chain(queues).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_environment_binds_the_same() {
        let config = WranglerToml::read().unwrap();
        assert!(!config.env.is_empty());
        for name in config.env.keys() {
            let environment = config.environment(name).unwrap();
            assert_eq!(environment.triggers.crons, config.development.triggers.crons, "{name}");
            assert_eq!(environment.queues.consumers.len(), config.development.queues.consumers.len(), "{name}");
        }
    }

    #[test]
    fn no_environment_shares_a_queue_or_a_database() {
        let config = WranglerToml::read().unwrap();
        let mut seen = BTreeSet::new();
        for environment in config.all() {
            let databases = environment.d1_databases.iter().map(|database| database.database_name.as_str());
            for name in databases.chain(environment.queues()) {
                assert!(seen.insert(name), "{name} is in two environments");
            }
        }
    }

    #[test]
    fn every_dead_letter_queue_has_a_consumer() {
        let config = WranglerToml::read().unwrap();
        for environment in config.all() {
            let consumers = &environment.queues.consumers;
            for dead in consumers.iter().filter_map(|consumer| consumer.dead_letter_queue.as_ref()) {
                assert!(consumers.iter().any(|consumer| &consumer.queue == dead), "{dead}");
            }
        }
    }
}
