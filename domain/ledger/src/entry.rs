//! Entries: the lines of an actor's journal, chained by hash.

use std::str::FromStr;

use identity::{EntryId, KeyId, MemberId, Principal};
use serde::{Deserialize, Serialize};

use crate::hash::{Hash, line_id};
use crate::{Account, Millicredits};

/// What kind of movement an entry records.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Credits come into being: the operator gives them to the organization.
    Issue,
    /// Down the tree.
    Allot,
    /// Unspent credits back up the tree.
    Return,
    /// For one member, apart from their wallet.
    Boost,
    /// Idle credits of somebody who is away, for others until they are back.
    Lend,
    /// Between people, pools and teams.
    Transfer,
    /// A transfer goes back, or the part of it that is unspent.
    Undo,
    /// A call was paid.
    Settle,
    /// A call ended without a cost. Amount zero.
    Release,
    /// A call that nobody settled was paid at what was last known of it.
    Expire,
    /// A late settle changed what an expired call had paid.
    Correct,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 11] = [
        Self::Issue,
        Self::Allot,
        Self::Return,
        Self::Boost,
        Self::Lend,
        Self::Transfer,
        Self::Undo,
        Self::Settle,
        Self::Release,
        Self::Expire,
        Self::Correct,
    ];

    /// The text that journals keep.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Issue => "issue",
            Self::Allot => "allot",
            Self::Return => "return",
            Self::Boost => "boost",
            Self::Lend => "lend",
            Self::Transfer => "transfer",
            Self::Undo => "undo",
            Self::Settle => "settle",
            Self::Release => "release",
            Self::Expire => "expire",
            Self::Correct => "correct",
        }
    }
}

impl FromStr for Kind {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|kind| kind.as_str() == text)
            .ok_or_else(|| format!("`{text}` is not a kind of entry"))
    }
}

/// How a call ended, for people.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Answered to the end.
    Completed,
    /// The client left before the end.
    ClientLeft,
    /// The upstream broke off, went silent or sent an error in mid-stream.
    UpstreamBroke,
    /// The upstream refused or failed before it answered.
    UpstreamFailed,
    /// Nobody said how it ended.
    Expired,
}

/// Where the numbers of a call come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Metered {
    /// The provider's usage.
    Reported,
    /// Counted from what was seen on the wire.
    Seen,
    /// The provider's usage was absurd: the reservation's whole worst case.
    Bound,
    /// Nothing was metered: nothing happened, or nobody knows.
    Nothing,
}

/// What a call was and cost. It travels with the first entry of the call's
/// end, for all of them: a call that several accounts pay has several entries.
/// On a correction the cost and the tokens are differences, so that sums over
/// records come out right.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallRecord {
    /// On whose behalf.
    pub member: MemberId,
    /// By which key.
    pub key: KeyId,
    /// Model, as the client named it.
    pub model: String,
    /// Who served it.
    pub provider: String,
    /// The client's own label.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tag: Option<String>,
    /// When it was accepted, milliseconds since 1970.
    pub accepted_ms: i64,
    /// From acceptance to the end, milliseconds.
    pub duration_ms: i64,
    /// Input tokens, cached ones included.
    pub input_tokens: i64,
    /// Input tokens read from the provider's cache.
    pub cached_tokens: i64,
    /// Output tokens, reasoning included.
    pub output_tokens: i64,
    /// Output tokens spent on reasoning.
    pub reasoning_tokens: i64,
    /// What it cost, all payers together; negative when a correction gives
    /// credits back.
    pub cost: Millicredits,
    /// How it ended.
    pub outcome: Outcome,
    /// Where the numbers come from.
    pub metered: Metered,
    /// Somebody should compare it with the provider's bill: it expired, was
    /// counted by what was seen, or the provider ignored its limit.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub reconcile: bool,
}

/// An entry before it has a place in a journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    /// What kind of movement.
    pub kind: Kind,
    /// Whose balance falls.
    pub debit: Account,
    /// Whose balance rises.
    pub credit: Account,
    /// By how much; never negative.
    pub amount: Millicredits,
    /// What caused it: a request or a transfer.
    pub reference: String,
    /// Who caused it.
    pub who: Principal,
    /// A call's record, on the first entry of its end.
    pub call: Option<CallRecord>,
    /// A note for people.
    pub note: Option<String>,
}

/// One line of an actor's journal. Its JSON form is what the queue carries
/// and what exports show; it is pinned by a test.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Its place in the actor's journal, from 1 without gaps.
    pub sequence: u64,
    /// Its name in the whole organization; sorts by time.
    pub id: EntryId,
    /// When, in milliseconds since 1970 by the actor's clock.
    pub time_ms: i64,
    /// What kind of movement.
    pub kind: Kind,
    /// Whose balance falls.
    pub debit: Account,
    /// Whose balance rises.
    pub credit: Account,
    /// By how much; never negative.
    pub amount: Millicredits,
    /// What caused it: a request or a transfer.
    pub reference: String,
    /// Who caused it.
    pub who: Principal,
    /// A call's record, on the first entry of its end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub call: Option<CallRecord>,
    /// A note for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// Covers all of the above, the actor's name and the hash before.
    pub hash: Hash,
}

impl Entry {
    /// Gives a draft its place after `previous` in the journal of `actor`.
    #[must_use]
    pub fn seal(actor: &str, sequence: u64, time_ms: i64, previous: Hash, draft: Draft) -> Self {
        let mut entry = Self {
            sequence,
            id: entry_id(actor, sequence, time_ms),
            time_ms,
            kind: draft.kind,
            debit: draft.debit,
            credit: draft.credit,
            amount: draft.amount,
            reference: draft.reference,
            who: draft.who,
            call: draft.call,
            note: draft.note,
            hash: Hash::START,
        };
        entry.hash = entry.chain(actor, previous);
        entry
    }

    /// The hash that this entry must have after `previous`.
    #[must_use]
    pub fn chain(&self, actor: &str, previous: Hash) -> Hash {
        let call = self.call.as_ref().map(|call| serde_json::to_string(call).unwrap_or_default());
        let fields = [
            actor,
            &self.sequence.to_string(),
            &self.id.to_string(),
            &self.time_ms.to_string(),
            self.kind.as_str(),
            &self.debit.to_string(),
            &self.credit.to_string(),
            &self.amount.get().to_string(),
            &self.reference,
            &self.who.to_string(),
            call.as_deref().unwrap_or(""),
            self.note.as_deref().unwrap_or(""),
        ];
        previous.chain(fields)
    }
}

/// The same entry always has the same id, and ids sort by time.
fn entry_id(actor: &str, sequence: u64, time_ms: i64) -> EntryId {
    EntryId::from_u128(line_id(actor, sequence, time_ms))
}

/// Where a journal does not hold together.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ChainError {
    /// A line is missing, doubled or out of place.
    #[error("entry {found} stands where entry {expected} should be")]
    Sequence {
        /// The sequence that had to come.
        expected: u64,
        /// The sequence that came.
        found: u64,
    },
    /// A line is not what it was when it was written.
    #[error("entry {0} was altered: its hash does not cover its content and the entry before it")]
    Altered(u64),
}

/// Checks a run of entries of `actor` that starts after `previous`, whose
/// hash and sequence are given ([`Hash::START`] and 0 for a whole journal).
///
/// # Errors
/// At the first line that does not hold.
pub fn verify<'a>(
    actor: &str,
    (mut sequence, mut previous): (u64, Hash),
    entries: impl IntoIterator<Item = &'a Entry>,
) -> Result<(u64, Hash), ChainError> {
    for entry in entries {
        let expected = sequence.saturating_add(1);
        if entry.sequence != expected {
            return Err(ChainError::Sequence { expected, found: entry.sequence });
        }
        if entry.id != entry_id(actor, entry.sequence, entry.time_ms) || entry.hash != entry.chain(actor, previous) {
            return Err(ChainError::Altered(entry.sequence));
        }
        (sequence, previous) = (expected, entry.hash);
    }
    Ok((sequence, previous))
}

#[cfg(test)]
mod tests {
    use super::*;
    use identity::TeamId;

    fn draft(amount: i64) -> Draft {
        Draft {
            kind: Kind::Allot,
            debit: Account::Parent,
            credit: Account::Pool,
            amount: Millicredits::new(amount),
            reference: "xfer_x".into(),
            who: Principal::System,
            call: None,
            note: None,
        }
    }

    fn journal() -> Vec<Entry> {
        let mut previous = Hash::START;
        (1..=4u64)
            .map(|sequence| {
                let entry =
                    Entry::seal("team_a", sequence, 1_700_000_000_000, previous, draft(sequence.try_into().unwrap()));
                previous = entry.hash;
                entry
            })
            .collect()
    }

    #[test]
    fn form_and_hash_are_pinned() {
        // Journals are kept for years and checked offline.
        let mut first = journal().remove(0);
        insta::assert_snapshot!(serde_json::to_string(&first).unwrap(), @r#"{"sequence":1,"id":"ent_01hf7yat0024pd1jr000000001","time_ms":1700000000000,"kind":"allot","debit":"parent","credit":"pool","amount":"0.001","reference":"xfer_x","who":"system","hash":"ee17ed9ccd1b35e6d96d5337595a29c42009a1f5d8f7a73268b20916ad218afb"}"#);
        first.call = Some(CallRecord {
            member: MemberId::from_u128(1),
            key: KeyId::from_u128(2),
            model: "demo-small".into(),
            provider: "demo".into(),
            tag: Some("t".into()),
            accepted_ms: 1,
            duration_ms: 2,
            input_tokens: 3,
            cached_tokens: 0,
            output_tokens: 5,
            reasoning_tokens: 0,
            cost: Millicredits::new(1500),
            outcome: Outcome::Completed,
            metered: Metered::Reported,
            reconcile: true,
        });
        insta::assert_snapshot!(serde_json::to_string(&first.call).unwrap(), @r#"{"member":"mem_00000000000000000000000001","key":"key_00000000000000000000000002","model":"demo-small","provider":"demo","tag":"t","accepted_ms":1,"duration_ms":2,"input_tokens":3,"cached_tokens":0,"output_tokens":5,"reasoning_tokens":0,"cost":"1.5","outcome":"completed","metered":"reported","reconcile":true}"#);
        insta::assert_snapshot!(first.chain("team_a", Hash::START), @r#"f04c04022241942df1e195ca7a946a42070bbbd6e85243a1a376e6c27f78c4a7"#);
    }

    #[test]
    fn every_kind_has_one_text() {
        for kind in Kind::ALL {
            assert_eq!(kind.as_str().parse(), Ok(kind));
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.as_str());
        }
    }

    #[test]
    fn what_was_altered_dropped_or_moved_is_found() {
        let whole = journal();
        let start = (0, Hash::START);
        assert!(verify("team_a", start, &whole).is_ok());
        assert!(verify("team_b", start, &whole).is_err(), "another actor's journal");

        let mut altered = whole.clone();
        altered[1].amount = Millicredits::new(3);
        assert_eq!(verify("team_a", start, &altered), Err(ChainError::Altered(2)));
        let mut renamed = whole.clone();
        renamed[2].credit = Account::Team(TeamId::from_u128(1));
        assert_eq!(verify("team_a", start, &renamed), Err(ChainError::Altered(3)));
        let mut dropped = whole.clone();
        dropped.remove(1);
        assert!(matches!(verify("team_a", start, &dropped), Err(ChainError::Sequence { expected: 2, found: 3 })));
        let mut swapped = whole.clone();
        swapped.swap(1, 2);
        assert!(verify("team_a", start, &swapped).is_err());
        // A run may be checked from any known point.
        assert!(verify("team_a", (2, whole[1].hash), &whole[2..]).is_ok());
    }
}
