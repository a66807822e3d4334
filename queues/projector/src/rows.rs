//! A batch as the rows that it becomes, in JSON: one parameter a statement,
//! whatever its number of rows. Amounts are texts, for JSON numbers lose
//! digits.

use std::collections::BTreeMap;

use audit::Record;
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

#[derive(Serialize)]
struct RecordRow<'a> {
    id: String,
    sequence: u64,
    time_ms: i64,
    action: &'a str,
    outcome: &'static str,
    code: Option<&'a str>,
    who: Option<String>,
    on_behalf_of: Option<&'a str>,
    resource: Option<&'a str>,
    reference: Option<&'a str>,
    request: Option<&'a str>,
    policies: Option<String>,
    policy_version: Option<String>,
    shadow: Option<String>,
    notify: Option<String>,
    erases: Option<String>,
    digest: String,
    detail: Option<String>,
    hash: String,
}

pub(crate) fn records(records: &[&Record]) -> String {
    let rows: Vec<_> = records
        .iter()
        .map(|record| RecordRow {
            id: record.id.to_string(),
            sequence: record.sequence,
            time_ms: record.time_ms,
            action: &record.action,
            outcome: record.outcome.as_str(),
            code: record.code.as_deref(),
            who: record.who.map(|who| who.to_string()),
            on_behalf_of: record.on_behalf_of.as_deref(),
            resource: record.resource.as_deref(),
            reference: record.reference.as_deref(),
            request: record.request.as_deref(),
            policies: (!record.policies.is_empty()).then(|| json(&record.policies)),
            policy_version: record.policy_version.map(|version| version.to_string()),
            shadow: record.shadow.as_ref().map(json),
            notify: (!record.notify.is_empty()).then(|| json(&record.notify)),
            erases: record.erases.as_ref().map(json),
            digest: record.digest.to_string(),
            detail: record.detail.as_ref().map(json),
            hash: record.hash.to_string(),
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

pub(crate) fn json<T: Serialize + ?Sized>(rows: &T) -> String {
    // Plain structs of texts and numbers: this cannot fail; were it to, the
    // statement would insert nothing and the guard would make it be retried.
    serde_json::to_string(rows).unwrap_or_default()
}
