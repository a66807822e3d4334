//! What requests share: the deployment's bindings, and asking the actors.

use std::sync::{Arc, OnceLock};

use ::organization::Settings;
use ::organization::protocol::{self as organization, Directory, Question};
use ::runtime::{ActorError, Actors};
use ::team::protocol::{self as team, Overview};
use identity::{OrganizationId, TeamId};
use issuers::address::Reach;
use limits::Allowance;
use serde::de::DeserializeOwned;
use vault::Vault;
use wasm_bindgen::JsValue;
use worker::{D1Database, Env};

use crate::problem::Problem;
use crate::sql::{Row, Sql};
use crate::throttle::Rates;

/// The deployment, as one request sees it.
#[derive(Clone)]
pub(crate) struct App {
    env: Env,
    /// Set once the caller's key is known to work; what is left to it, where
    /// that is counted.
    known: Arc<OnceLock<Option<Allowance>>>,
}

impl App {
    /// The deployment with these bindings.
    pub(crate) fn new(env: &Env) -> Self {
        Self { env: env.clone(), known: Arc::default() }
    }

    /// Notes that the caller's key works.
    pub(crate) fn know(&self, allowance: Option<Allowance>) {
        let _ = self.known.set(allowance);
    }

    /// Whether the caller's key is known to work.
    pub(crate) fn is_known(&self) -> bool {
        self.known.get().is_some()
    }

    /// What is left to the caller's key.
    pub(crate) fn allowance(&self) -> Option<Allowance> {
        self.known.get().copied().flatten()
    }

    /// How often somebody may come.
    pub(crate) fn rates(&self) -> Rates {
        Rates::read(|name| self.env.var(name).ok().map(|text| text.to_string()))
    }

    /// All actors.
    pub(crate) fn actors(&self) -> Result<Actors, Problem> {
        Actors::new(&self.env).map_err(Problem::internal)
    }

    /// D1.
    pub(crate) fn database(&self) -> Result<D1Database, Problem> {
        self.env.d1("DB").map_err(Problem::internal)
    }

    /// The operator's key; without one nobody is the operator.
    pub(crate) fn operator_key(&self) -> Option<String> {
        self.env.secret("OPERATOR_KEY").ok().map(|secret| secret.to_string())
    }

    /// The secret that all others are derived from or sealed under.
    pub(crate) fn master_secret(&self) -> Result<String, Problem> {
        self.env.secret("MASTER_SECRET").map(|secret| secret.to_string()).map_err(Problem::internal)
    }

    /// The master secret before this one, while it is being replaced
    /// (`cargo xtask rotate-master-key`). What was made under it still holds;
    /// nothing new is made under it.
    pub(crate) fn previous_secret(&self) -> Option<String> {
        let secret = self.env.secret("MASTER_SECRET_PREVIOUS").ok().map(|secret| secret.to_string());
        secret.filter(|secret| !secret.is_empty())
    }

    /// Where providers' keys are sealed.
    pub(crate) fn vault(&self) -> Result<Vault, Problem> {
        Vault::new(&self.master_secret()?, self.previous_secret().as_deref()).map_err(Problem::internal)
    }

    /// Where providers may be.
    pub(crate) fn reach(&self) -> Reach {
        Reach::of(&self.env)
    }

    /// Runs a query whose one column is a JSON text.
    pub(crate) async fn rows<T: DeserializeOwned>(&self, sql: Sql) -> Result<Vec<T>, Problem> {
        let result = self.run(sql).await?;
        let rows = result.results::<Row>().map_err(Problem::internal)?;
        rows.iter().map(|row| serde_json::from_str(&row.row).map_err(Problem::internal)).collect()
    }

    /// Runs a statement; how many rows it changed.
    pub(crate) async fn execute(&self, sql: Sql) -> Result<usize, Problem> {
        let meta = self.run(sql).await?.meta().map_err(Problem::internal)?;
        Ok(meta.and_then(|meta| meta.changes).unwrap_or_default())
    }

    async fn run(&self, sql: Sql) -> Result<worker::D1Result, Problem> {
        let (text, values) = sql.into_parts();
        let values: Vec<JsValue> = values.iter().map(|value| JsValue::from_str(value)).collect();
        let statement = self.database()?.prepare(text).bind(&values).map_err(Problem::internal)?;
        statement.all().await.map_err(Problem::unavailable)
    }

    /// Asks an organization's actor something that changes nothing.
    pub(crate) async fn ask_organization(
        &self,
        id: OrganizationId,
        question: Question,
    ) -> Result<organization::Answer, Problem> {
        Ok(self.actors()?.organization(id, &organization::Command::Ask(question)).await?)
    }

    /// The bindings, for what sends by an organization's channels.
    pub(crate) const fn env(&self) -> &Env {
        &self.env
    }

    /// An organization's channels.
    pub(crate) async fn channels(&self, id: OrganizationId) -> Result<Vec<organization::Channel>, Problem> {
        match self.ask_organization(id, Question::Channels).await? {
            organization::Answer::Channels(channels) => Ok(channels?),
            _ => Err(unexpected()),
        }
    }

    /// Everything about an organization's tree.
    pub(crate) async fn directory(&self, id: OrganizationId) -> Result<Directory, Problem> {
        match self.ask_organization(id, Question::Directory).await? {
            organization::Answer::Directory(directory) => Ok(*directory?),
            _ => Err(unexpected()),
        }
    }

    /// What the gateway knows of an organization.
    pub(crate) async fn settings(&self, id: OrganizationId) -> Result<Settings, Problem> {
        match self.ask_organization(id, Question::Settings).await? {
            organization::Answer::Settings(settings) => Ok(*settings?),
            _ => Err(unexpected()),
        }
    }

    /// An act of management on an organization.
    pub(crate) async fn order_organization(
        &self,
        id: OrganizationId,
        order: organization::Order,
    ) -> Result<organization::Reply, Problem> {
        match self.actors()?.organization(id, &organization::Command::Order(Box::new(order))).await? {
            organization::Answer::Order(reply) => Ok(reply?),
            _ => Err(unexpected()),
        }
    }

    /// An act of management on a team.
    pub(crate) async fn order_team(&self, id: TeamId, order: team::Order) -> Result<team::Reply, Problem> {
        match self.actors()?.team(id, &team::Command::Order(Box::new(order))).await? {
            team::Answer::Order(reply) => Ok(reply?),
            _ => Err(unexpected()),
        }
    }

    /// Everything about a team.
    pub(crate) async fn overview(&self, id: TeamId) -> Result<Overview, Problem> {
        match self.actors()?.team(id, &team::Command::Ask(team::Question::Overview)).await? {
            team::Answer::Overview(overview) => Ok(*overview?),
            _ => Err(unexpected()),
        }
    }
}

/// An actor answered something else than was asked.
pub(crate) fn unexpected() -> Problem {
    ActorError::Unreadable("an answer to another question".to_owned()).into()
}

/// 128 random bits.
pub(crate) fn random() -> Result<u128, Problem> {
    ::runtime::random_u128().map_err(Problem::internal)
}

/// The bits of a new id.
pub(crate) fn new_id() -> Result<u128, Problem> {
    ::runtime::uuid_v7().map_err(Problem::internal)
}
