//! A team's actor under audit: what was refused.
//!
//! While an actor lives, the first refusal of a key for a reason is on record
//! at once, and all that follow are, together, when it has been quiet for a
//! while, and a minute after it at the latest.

use std::collections::BTreeMap;

use audit::Record;
use identity::Principal;
use team::protocol::Refused;

use super::Step;
use super::team::TeamAudit;
use crate::tally::Tally;
use crate::violation::{Checked, ensure};

const TOGETHER_MS: i64 = 60_000;
const QUIET_MS: i64 = 5000;

/// Who was refused, and by which code.
type Alike = (Option<Principal>, String);

/// What an actor that lives has refused in the last minute, beside what began
/// it.
#[derive(Default)]
pub(super) struct Refusals {
    minutes: BTreeMap<Alike, Minute>,
}

struct Minute {
    since_ms: i64,
    last_ms: i64,
    times: u64,
}

impl Minute {
    const fn is_over(&self, now: i64) -> bool {
        now < self.since_ms || now >= self.since_ms + TOGETHER_MS
    }

    const fn is_quiet(&self, now: i64) -> bool {
        now < self.last_ms || now >= self.last_ms + QUIET_MS
    }

    const fn since(now: i64) -> Self {
        Self { since_ms: now, last_ms: now, times: 0 }
    }
}

/// Whether a record is of something that was refused.
pub(super) fn is_refusal(record: &Record) -> bool {
    record.action == "use_model"
}

impl Refusals {
    /// The actor's memory is new, and what it had counted is lost.
    pub(super) fn forget(&mut self) {
        self.minutes.clear();
    }

    /// What must be recorded now.
    fn due(&self, now: i64) -> BTreeMap<Alike, u64> {
        let due =
            self.minutes.iter().filter(|(_, minute)| minute.times > 0 && (minute.is_over(now) || minute.is_quiet(now)));
        due.map(|(alike, minute)| (alike.clone(), minute.times)).collect()
    }
}

impl TeamAudit {
    /// The actor has no memory of what was refused before.
    pub(crate) fn woken(&mut self) {
        self.refusals.forget();
    }

    pub(crate) fn after_refused(&mut self, step: &Step<'_>, tally: &mut Tally, refused: &Refused) -> Checked {
        step.failure_is_told("refuse")?;
        ensure(self.books.follow(step.disk)?.is_empty(), "refusing moves nothing", || refused.request.to_string())?;
        let records = self.trail.follow(step.disk)?;
        if step.failed || self.access.profile.is_none() {
            return Ok(());
        }
        let alike = (self.access.whose(&refused.key), refused.code.clone());
        let minute = self.refusals.minutes.get_mut(&alike).filter(|minute| !minute.is_over(step.now));
        if let Some(minute) = minute {
            (minute.times, minute.last_ms) = (minute.times + refused.times, step.now);
            tally.count("refused call: counted");
            return step.wrote_nothing("what was refused within a minute");
        }
        let over = self.refusals.minutes.get(&alike).map_or(0, |minute| minute.times);
        let expected: Vec<u64> = [over, refused.times].into_iter().filter(|times| *times > 0).collect();
        let found: Vec<u64> = records.iter().map(times).collect();
        let rightly = records.iter().all(|record| {
            is_refusal(record)
                && (record.who, record.code.as_ref()) == (alike.0, Some(&alike.1))
                && record.outcome == refused.outcome
        });
        ensure(rightly && found == expected, "what is refused is on record", || {
            format!("{refused:?}: {records:?}, {expected:?} times expected")
        })?;
        tally.count("refused call: recorded");
        // A minute that is over is forgotten on this occasion, so that it stays
        // over when the clock goes back.
        self.refusals.minutes.retain(|_, minute| minute.times > 0 || !minute.is_over(step.now));
        self.refusals.minutes.insert(alike, Minute::since(step.now));
        Ok(())
    }

    /// The alarm has recorded what was counted and is due, and nothing else.
    pub(super) fn counted_is_recorded(
        &mut self,
        (step, tally): (&Step<'_>, &mut Tally),
        records: &[Record],
    ) -> Checked {
        if step.failed {
            return Ok(());
        }
        let due = self.refusals.due(step.now);
        let found: BTreeMap<Alike, u64> = records
            .iter()
            .map(|record| ((record.who, record.code.clone().unwrap_or_default()), times(record)))
            .collect();
        ensure(
            found == due && records.len() == due.len(),
            "what was refused is recorded with what was like it",
            || format!("{records:?}, not {due:?}"),
        )?;
        for alike in due.into_keys() {
            tally.count("refused call: recorded with others");
            self.refusals.minutes.insert(alike, Minute::since(step.now));
        }
        Ok(())
    }
}

fn times(record: &Record) -> u64 {
    let after = record.detail.as_ref().and_then(|detail| detail.after.as_ref());
    after.and_then(|after| after.get("times")).and_then(serde_json::Value::as_u64).unwrap_or_default()
}
