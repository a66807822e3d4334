//! What was answered under which idempotency key.

use std::collections::BTreeMap;

use journal::Idempotency;

use super::{Step, rows};
use crate::violation::{Checked, ensure};

/// So long a reply must be remembered.
const KEEP_MS: i64 = 7 * 24 * 3600 * 1000;

struct Known {
    fingerprint: String,
    reply: String,
    time_ms: i64,
}

/// One actor's replies.
#[derive(Default)]
pub(crate) struct Replies {
    known: BTreeMap<String, Known>,
    latest: i64,
}

/// What an answer under an idempotency key must be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Due {
    /// Whatever the command comes to.
    Anything,
    /// This reply and no new writing.
    Same(String),
    /// A refusal, for the key was used for something else.
    Conflict,
}

impl Replies {
    /// What the answer must be.
    pub(super) fn due(&mut self, step: &Step<'_>, idempotency: Option<&Idempotency>) -> Due {
        self.latest = self.latest.max(step.now);
        let Some(idempotency) = idempotency else { return Due::Anything };
        match self.known.get(&idempotency.key) {
            // It may be forgotten by now, and then it is done again.
            Some(known) if self.latest.saturating_sub(known.time_ms) > KEEP_MS && step.rows > 0 => Due::Anything,
            Some(known) if known.fingerprint == idempotency.fingerprint => Due::Same(known.reply.clone()),
            Some(_) => Due::Conflict,
            None => Due::Anything,
        }
    }

    /// Whether the command was carried out: from the database, because an
    /// answer may be a failure although everything was written.
    pub(super) fn note(&mut self, step: &Step<'_>, idempotency: Option<&Idempotency>, done: bool) -> Checked<bool> {
        let Some(idempotency) = idempotency else { return Ok(done) };
        if !done && !step.failed {
            return Ok(false);
        }
        let reply = rows::text(step.disk, "SELECT reply FROM commands WHERE key = ?", &idempotency.key)?;
        ensure(reply.is_some() || !done, "the reply to a command is remembered", || idempotency.key.clone())?;
        let Some(reply) = reply else { return Ok(false) };
        let (key, fingerprint) = (idempotency.key.clone(), idempotency.fingerprint.clone());
        self.known.insert(key, Known { fingerprint, reply, time_ms: step.now });
        Ok(true)
    }
}
