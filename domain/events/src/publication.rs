//! What the queue to D1 carries.

use identity::{OrganizationId, TeamId};
use serde::Serialize;
use serde_json::Value;

use crate::{AuditBatch, JournalBatch};

/// One message of the queue: entries or records. Written as what is in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Publication {
    /// Entries of a journal.
    Entries(JournalBatch),
    /// Records of an audit trail.
    Records(AuditBatch),
}

/// A message that is neither.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("neither entries ({entries}) nor audit records ({records})")]
pub struct Unreadable {
    /// Why it is not entries.
    pub entries: String,
    /// Why it is not records.
    pub records: String,
}

impl Publication {
    /// Whose tree.
    #[must_use]
    pub const fn organization(&self) -> OrganizationId {
        match self {
            Self::Entries(batch) => batch.organization,
            Self::Records(batch) => batch.organization,
        }
    }

    /// Which team's; `None` for the organization's own.
    #[must_use]
    pub const fn team(&self) -> Option<TeamId> {
        match self {
            Self::Entries(batch) => batch.team,
            Self::Records(batch) => batch.team,
        }
    }

    /// The name under which D1 keeps how far it has come with this.
    #[must_use]
    pub fn projection(&self) -> String {
        match self {
            Self::Entries(batch) => batch.actor(),
            Self::Records(batch) => batch.projection(),
        }
    }

    /// The places of the first and the last that it carries.
    #[must_use]
    pub fn stretch(&self) -> Option<(u64, u64)> {
        match self {
            Self::Entries(batch) => Some((batch.entries.first()?.sequence, batch.entries.last()?.sequence)),
            Self::Records(batch) => Some((batch.records.first()?.sequence, batch.records.last()?.sequence)),
        }
    }

    /// The last that the actor had when it sent this.
    #[must_use]
    pub const fn furthest(&self) -> u64 {
        match self {
            Self::Entries(batch) => batch.last_sequence,
            Self::Records(batch) => batch.last_record,
        }
    }

    /// Reads a message. Entries come first: they are by far the most.
    ///
    /// # Errors
    /// [`Unreadable`]; perhaps a newer version can read it.
    pub fn read(text: &str) -> Result<Self, Unreadable> {
        let entries = match serde_json::from_str(text) {
            Ok(batch) => return Ok(Self::Entries(batch)),
            Err(error) => error.to_string(),
        };
        match serde_json::from_str(text) {
            Ok(batch) => Ok(Self::Records(batch)),
            Err(error) => Err(Unreadable { entries, records: error.to_string() }),
        }
    }
}

/// A message as it may be kept where no erasure reaches: without the details of
/// its records, also of those that this version cannot read.
#[must_use]
pub fn without_details(text: &str) -> String {
    let Ok(mut message) = serde_json::from_str::<Value>(text) else { return text.to_owned() };
    let Some(records) = message.get_mut("records").and_then(Value::as_array_mut) else { return text.to_owned() };
    records.iter_mut().filter_map(Value::as_object_mut).for_each(|record| {
        record.remove("detail");
    });
    message.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use audit::{Detail, Draft, Hash, Record, Salt};
    use identity::Principal;
    use serde_json::json;

    /// Records with so many bytes of detail each.
    fn records(sizes: &[usize]) -> Vec<Record> {
        let mut previous = Hash::START;
        let seal = |(sequence, &size): (u64, &usize)| {
            let detail =
                (size > 0).then(|| Detail { after: Some(json!("x".repeat(size))), ..Detail::new(Salt::from_u128(1)) });
            let draft = Draft { detail, ..Draft::done("create_team", Principal::Operator) };
            let record = Record::seal("team_a", sequence, 0, previous, draft);
            previous = record.hash;
            record
        };
        (1..).zip(sizes).map(seal).collect()
    }

    fn batch(sizes: &[usize]) -> Option<AuditBatch> {
        AuditBatch::next((OrganizationId::from_u128(1), Some(TeamId::from_u128(2))), 9, records(sizes))
    }

    #[test]
    fn forms_are_pinned() {
        // Messages of one version are read by another.
        let records = Publication::Records(batch(&[0, 1]).unwrap());
        insta::assert_snapshot!(serde_json::to_string(&records).unwrap(), @r#"{"version":1,"organization":"org_00000000000000000000000001","team":"team_00000000000000000000000002","last_record":9,"records":[{"sequence":1,"id":"aud_000000000024pd1jr000000001","time_ms":0,"action":"create_team","outcome":"done","who":"operator","digest":"0000000000000000000000000000000000000000000000000000000000000000","hash":"b76f6595537aa50f32315ae6a633d7165630c142a80600c0a2452f4e527be4a7"},{"sequence":2,"id":"aud_000000000024pd1jr000000002","time_ms":0,"action":"create_team","outcome":"done","who":"operator","digest":"88b3a1fb700289d59c433be1b79a0db209751474f2b07696b4442881cf6f4af4","detail":{"salt":"00000000000000000000000000000001","after":"x"},"hash":"e49fddd122d1090e41f646e312a85a2334d7ff4c4bf0aa3f130aaabd1286d7c1"}]}"#);
        let organization = OrganizationId::from_u128(1);
        let entries = JournalBatch { version: 1, organization, team: None, last_sequence: 9, entries: Vec::new() };
        let entries = Publication::Entries(entries);
        insta::assert_snapshot!(serde_json::to_string(&entries).unwrap(), @r#"{"version":1,"organization":"org_00000000000000000000000001","last_sequence":9,"entries":[]}"#);
        for publication in [records, entries] {
            assert_eq!(Publication::read(&serde_json::to_string(&publication).unwrap()), Ok(publication));
        }
        assert!(Publication::read("{}").is_err());
    }

    #[test]
    fn a_version_that_knows_only_entries_does_not_take_records_for_none() {
        let text = serde_json::to_string(&batch(&[0]).unwrap()).unwrap();
        assert!(serde_json::from_str::<JournalBatch>(&text).is_err(), "it would acknowledge what it lost");
    }

    #[test]
    fn a_message_is_never_too_large() {
        for (sizes, expected) in [
            (&[][..], None),
            (&[0; 100], Some(100)),
            (&[16_000; 10], Some(6)),
            (&[0, 16_000, 16_000, 16_000, 16_000, 16_000, 16_000], Some(7)),
        ] {
            let batch = batch(sizes);
            assert_eq!(batch.as_ref().map(|batch| batch.records.len()), expected, "{sizes:?}");
            let length = serde_json::to_string(&batch).unwrap().len();
            assert!(length < 128_000, "{length}");
        }
        // Also when one alone is more than what is meant for all.
        let mut large = records(&[0]);
        large[0].action = "x".repeat(AuditBatch::MAX_BYTES);
        let whose = (OrganizationId::from_u128(1), None);
        assert_eq!(AuditBatch::next(whose, 1, large).map(|batch| batch.records.len()), Some(1));
    }

    #[test]
    fn details_can_be_left_out() {
        let text = serde_json::to_string(&batch(&[1, 0, 1]).unwrap()).unwrap();
        let Ok(Publication::Records(kept)) = Publication::read(&without_details(&text)) else { panic!() };
        let erased: Vec<_> = kept.records.iter().map(Record::is_erased).collect();
        assert_eq!(erased, [true, false, true]);
        let later = text.replace("create_team\",", "create_team\",\"later\":1,");
        assert!(Publication::read(&later).is_err());
        assert!(!without_details(&later).contains("\"detail\""));
        for other in ["", "[1]", "{\"records\":1}", "{\"entries\":[{\"detail\":1}]}"] {
            assert_eq!(without_details(other), other);
        }
    }
}
