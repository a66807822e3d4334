//! A batch as the rows that it becomes, in JSON: one parameter a statement,
//! whatever its number of rows. Amounts are texts, for JSON numbers lose
//! digits.

use std::collections::BTreeMap;

use ledger::{CallRecord, Entry, Kind};
use serde::Serialize;

const HOUR_MS: i64 = 3_600_000;

#[derive(Serialize)]
struct EntryRow<'a> {
    id: String,
    sequence: u64,
    time_ms: i64,
    kind: &'static str,
    debit: String,
    credit: String,
    amount: String,
    reference: &'a str,
    who: String,
    call: Option<String>,
    note: Option<&'a str>,
    hash: String,
}

pub(crate) fn entries(entries: &[&Entry]) -> String {
    let rows: Vec<_> = entries
        .iter()
        .map(|entry| EntryRow {
            id: entry.id.to_string(),
            sequence: entry.sequence,
            time_ms: entry.time_ms,
            kind: entry.kind.as_str(),
            debit: entry.debit.to_string(),
            credit: entry.credit.to_string(),
            amount: entry.amount.get().to_string(),
            reference: &entry.reference,
            who: entry.who.to_string(),
            call: entry.call.as_ref().and_then(|call| serde_json::to_string(call).ok()),
            note: entry.note.as_deref(),
            hash: entry.hash.to_string(),
        })
        .collect();
    json(&rows)
}

#[derive(PartialEq, Eq, PartialOrd, Ord, Serialize)]
struct UsageKey<'a> {
    hour_ms: i64,
    member: String,
    key: String,
    model: &'a str,
    provider: &'a str,
    tag: &'a str,
}

#[derive(Default, Serialize)]
struct UsageSums {
    requests: i64,
    failed: i64,
    input_tokens: i64,
    cached_tokens: i64,
    output_tokens: i64,
    reasoning_tokens: i64,
    #[serde(serialize_with = "as_text")]
    cost: i64,
}

#[derive(Serialize)]
struct UsageRow<'a> {
    #[serde(flatten)]
    key: UsageKey<'a>,
    #[serde(flatten)]
    sums: UsageSums,
}

/// The hourly sums of a batch; `None` when there was no call in it. A call
/// counts in the hour in which it was accepted.
pub(crate) fn usage(entries: &[&Entry]) -> Option<String> {
    let mut sums: BTreeMap<UsageKey<'_>, UsageSums> = BTreeMap::new();
    for entry in entries {
        let Some(call) = &entry.call else { continue };
        let row = sums.entry(key(call)).or_default();
        let counts = i64::from(entry.kind != Kind::Correct);
        row.requests = row.requests.saturating_add(counts);
        row.failed = row.failed.saturating_add(i64::from(entry.kind == Kind::Release));
        row.input_tokens = row.input_tokens.saturating_add(call.input_tokens);
        row.cached_tokens = row.cached_tokens.saturating_add(call.cached_tokens);
        row.output_tokens = row.output_tokens.saturating_add(call.output_tokens);
        row.reasoning_tokens = row.reasoning_tokens.saturating_add(call.reasoning_tokens);
        row.cost = row.cost.saturating_add(call.cost.get());
    }
    let rows: Vec<_> = sums.into_iter().map(|(key, sums)| UsageRow { key, sums }).collect();
    (!rows.is_empty()).then(|| json(&rows))
}

fn key(call: &CallRecord) -> UsageKey<'_> {
    UsageKey {
        hour_ms: call.accepted_ms.saturating_sub(call.accepted_ms.rem_euclid(HOUR_MS)),
        member: call.member.to_string(),
        key: call.key.to_string(),
        model: &call.model,
        provider: &call.provider,
        tag: call.tag.as_deref().unwrap_or(""),
    }
}

fn as_text<S: serde::Serializer>(value: &i64, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(value)
}

fn json<T: Serialize>(rows: &T) -> String {
    // Plain structs of texts and numbers: this cannot fail; were it to, the
    // statement would insert nothing and the guard would make it be retried.
    serde_json::to_string(rows).unwrap_or_default()
}
