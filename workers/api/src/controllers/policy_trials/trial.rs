//! Asking again.

use std::collections::{BTreeMap, HashMap};

use ::organization::protocol::{Directory, PolicyRecord, PolicySource};
use audit::Verdict;
use identity::TeamId;
use policy::{Action, Engine, Facts, Mode, Node, Recorded, Resource, Rule, Who};

use super::rows::{CallRow, RecordRow};
use super::{Asked, Changed, PolicyTrial};
use crate::problem::Problem;
use crate::time::Time;

/// Changes that are listed; the counts have all of them.
pub(super) const LISTED: usize = 500;

/// What decisions call a policy that is not there yet.
pub(super) const NEW: &str = "proposed";

/// The policies that there are, and as they would be.
pub(super) struct Trial {
    now: Engine,
    would: Engine,
    /// What is new and what it stands in place of: only what one of them has a
    /// say in can change.
    differing: Vec<Rule>,
    concerned: HashMap<Action, bool>,
    /// How many decisions and how many calls.
    pub(super) changes: BTreeMap<(Verdict, Verdict), (usize, usize)>,
    pub(super) changed: Vec<Changed>,
}

impl Trial {
    pub(super) fn new(policies: Vec<PolicyRecord>, asked: PolicyTrial) -> Result<Self, Problem> {
        let before = match asked.policy_id {
            None => None,
            Some(id) => {
                let found = policies.iter().find(|record| record.id == id);
                Some(found.ok_or_else(|| Problem::not_found("policy", id))?)
            }
        };
        let text = match (asked.cedar, asked.setting, before) {
            (Some(text), None, _) => text,
            (None, Some(setting), _) => PolicySource::Setting(setting).text(),
            (None, None, Some(before)) => before.source.text(),
            _ => {
                return Err(Problem::invalid(
                    "write the policy either in `cedar` or as a `setting`, or name one by `policy_id`",
                ));
            }
        };
        let id = before.map_or_else(|| NEW.to_owned(), |record| record.id.to_string());
        let proposed = Rule { id, text, mode: Mode::Enforce };
        proposed.check().map_err(Problem::invalid)?;
        let decides = |record: &&PolicyRecord| record.mode == Mode::Enforce;
        let rule =
            |record: &PolicyRecord| Rule { id: record.id.to_string(), text: record.source.text(), mode: Mode::Enforce };
        let now: Vec<Rule> = policies.iter().filter(decides).map(rule).collect();
        let others = now.iter().filter(|other| other.id != proposed.id).cloned();
        let would: Vec<Rule> = others.chain([proposed.clone()]).collect();
        let before = before.filter(decides).map(rule);
        Ok(Self {
            now: Engine::new(&now).map_err(Problem::internal)?,
            would: Engine::new(&would).map_err(Problem::invalid)?,
            differing: before.into_iter().chain([proposed]).collect(),
            concerned: HashMap::new(),
            changes: BTreeMap::new(),
            changed: Vec::new(),
        })
    }

    pub(super) fn concerns(&mut self, action: Action) -> bool {
        let differing = &self.differing;
        let concerns = || differing.iter().any(|rule| rule.concerns(action));
        *self.concerned.entry(action).or_insert_with(concerns)
    }

    /// Asks one question of both, and counts.
    fn ask(&mut self, question: &Recorded) -> Option<(Verdict, Verdict, Vec<String>)> {
        if !self.concerns(question.action) {
            return None;
        }
        let (now, would) = (question.ask(&self.now), question.ask(&self.would));
        (now.verdict() != would.verdict()).then(|| (now.verdict(), would.verdict(), would.policies))
    }

    fn list(&mut self, changed: Changed) {
        if self.changed.len() < LISTED {
            self.changed.push(changed);
        }
    }

    pub(super) fn decisions(&mut self, rows: Vec<RecordRow>) -> Asked {
        let mut asked = Asked::default();
        for row in rows {
            // Written by another version, which knows more or fewer actions.
            let Ok(question) = serde_json::from_value::<Recorded>(row.question) else { continue };
            asked.add(row.time_ms);
            let Some((now, would, policies)) = self.ask(&question) else { continue };
            let counts = self.changes.entry((now, would)).or_default();
            counts.0 = counts.0.saturating_add(1);
            self.list(Changed {
                record_id: Some(row.id),
                request_id: row.request,
                time: Time::from_ms(row.time_ms),
                who: row.who,
                action: question.action,
                resource: question.resource.id(),
                now,
                would,
                policies,
            });
        }
        asked
    }

    pub(super) fn calls(&mut self, rows: Vec<CallRow>, directory: &Directory) -> Asked {
        let organization = directory.organization;
        let departments: HashMap<TeamId, _> =
            directory.teams.iter().map(|team| (team.profile.team, team.profile.department)).collect();
        let mut asked = Asked::default();
        for row in rows {
            let Some(department) = departments.get(&row.team) else { continue };
            let path = vec![Node::Organization(organization), Node::Department(*department), Node::Team(row.team)];
            asked.add(row.accepted_ms);
            // As the gateway asks it.
            let question = Recorded {
                who: Who::Member { id: row.member, path: path.clone() },
                roles: Vec::new(),
                action: Action::UseModel,
                resource: Resource::Model(row.model),
                path,
                now_ms: row.accepted_ms,
                facts: Facts::default(),
            };
            let Some((now, would, policies)) = self.ask(&question) else { continue };
            let counts = self.changes.entry((now, would)).or_default();
            counts.1 = counts.1.saturating_add(1);
            self.list(Changed {
                record_id: None,
                request_id: Some(row.request),
                time: Time::from_ms(row.accepted_ms),
                who: Some(row.member.to_string()),
                action: Action::UseModel,
                resource: question.resource.id(),
                now,
                would,
                policies,
            });
        }
        asked
    }
}

impl Asked {
    fn add(&mut self, time_ms: i64) {
        self.asked = self.asked.saturating_add(1);
        let since = self.since.map_or(time_ms, |since| since.ms().min(time_ms));
        self.since = Some(Time::from_ms(since));
    }
}
