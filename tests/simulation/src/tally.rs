//! How often everything happened, so that a reader sees that a run was not
//! about nothing.

use std::collections::BTreeMap;
use std::fmt;

/// Counts by name.
#[derive(Debug, Clone, Default)]
pub struct Tally {
    counts: BTreeMap<String, u64>,
}

/// What a long run must have seen at least once.
const EXPECTED: &[&str] = &[
    "actor: crashed",
    "actor: memory compared after a crash",
    "actor: put to sleep after a storage failure",
    "actor: woken",
    "alarm: rang",
    "approval: asked",
    "approval: by escalation",
    "approval: cancelled",
    "approval: carried out",
    "approval: could not be carried out",
    "approval: decided",
    "approval: denied",
    "approval: done",
    "approval: expired",
    "approval: own, refused",
    "approval: same word again",
    "audit: details of a subject erased",
    "audit: details of records erased",
    "audit: something noted",
    "call: accepted",
    "call: accepted after a top-up",
    "call: accepted after top-ups in vain",
    "call: accepted though the answer was a failure",
    "call: accepted with less output",
    "call: corrected down",
    "call: corrected up",
    "call: expired",
    "call: correction covered by nobody",
    "call: gave up waiting for an answer",
    "call: had ended already (settle)",
    "call: overrun covered by the payers",
    "call: overrun covered by nobody",
    "call: paid by wallet and pool together",
    "call: progress",
    "call: released",
    "call: repeated while open",
    "call: settled",
    "call: settled as bound",
    "call: settled as seen",
    "clock: changed for summer or winter nearby",
    "clock: jumped ahead by a month",
    "clock: jumped ahead",
    "clock: put back",
    "cron: asked to heal",
    "cron: healed",
    "absence: ended with its member",
    "absence: fetched back before its time",
    "absence: lends less",
    "absence: lent",
    "absence: what a call had reserved came back",
    "absence: what was left came back",
    "cron: healed an audit trail",
    "d1: batch applied",
    "d1: batch came too early",
    "d1: batch known",
    "d1: records applied",
    "d1: records came too early",
    "d1: records known",
    "d1: two consumers at once",
    "d1: two consumers of records at once",
    "message: applied",
    "message: came from another organization",
    "message: known",
    "network: answer lost",
    "network: request doubled",
    "network: request lost",
    "order: done",
    "order: known",
    "order: same key, other content",
    "order: refused, absurd",
    "queue: batch doubled",
    "queue: batch lost",
    "queue: batch not taken",
    "refused: address_not_allowed",
    "refused: already_ended",
    "refused: insufficient_funds",
    "refused: key_expired",
    "refused: key_revoked",
    "refused: limit_reached",
    "refused: member_suspended",
    "refused: model_not_allowed",
    "plan: a department gave back",
    "plan: gave for a period",
    "plan: gave to wallets",
    "plan: not enough for all",
    "plan: somebody was warned",
    "plan: unspent credits went back",
    "refused: needs_top_up",
    "refused: rate_limited",
    "refused: stale_settings",
    "refused: storage",
    "refused: unknown_key",
    "settle: of an unknown call",
    "storage: commit failed",
    "storage: failed after it had written",
    "storage: statement failed",
    "team: moved to another time zone",
    "top-up: asked",
    "top-up: granted",
    "top-up: refused",
    "transfer: came back",
    "transfer: for another organization",
    "transfer: from another team",
    "transfer: in the team",
    "transfer: refused",
    "transfer: to another team",
    "transfer: undone",
    "transfer: undone over there",
];

impl Tally {
    /// Counts one.
    pub(crate) fn count(&mut self, what: &str) {
        match self.counts.get_mut(what) {
            Some(count) => *count += 1,
            None => {
                self.counts.insert(what.to_owned(), 1);
            }
        }
    }

    /// How often.
    #[must_use]
    pub fn of(&self, what: &str) -> u64 {
        self.counts.get(what).copied().unwrap_or(0)
    }

    /// What a long run must see and this one did not.
    #[must_use]
    pub fn missing(&self) -> Vec<&'static str> {
        EXPECTED.iter().copied().filter(|what| self.of(what) == 0).collect()
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut group = "";
        for (what, count) in &self.counts {
            let (head, rest) = what.split_once(": ").unwrap_or(("", what));
            if head != group {
                writeln!(f, "{head}")?;
                group = head;
            }
            writeln!(f, "  {rest:<44} {count:>12}")?;
        }
        Ok(())
    }
}
