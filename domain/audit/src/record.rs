//! Records: the lines of an actor's audit trail, chained by hash.

use std::str::FromStr;

use identity::{AuditId, Principal};
use ledger::{Hash, line_id};
use serde::{Deserialize, Serialize};

use crate::Shadow;
use crate::detail::{Detail, cut};

/// Most characters of an operation's name and of a code.
const MOST_NAME: usize = 64;

/// Most characters of an id, and of a policy's.
const MOST_ID: usize = 128;

/// Most policies; where more determined a decision, `…` stands for the rest.
const MOST_POLICIES: usize = 32;

/// Most whom a record says to tell, and most characters of each.
const MOST_NOTIFIED: usize = 8;
const MOST_NOTIFIED_NAME: usize = 64;

/// Most policies of a shadow; `…` stands for the rest here too.
const MOST_SHADOW_POLICIES: usize = 8;

/// Most records that one erasure names: 200 ids are 7 KB.
const MOST_ERASED: usize = 200;

/// What came of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It was done.
    #[default]
    Done,
    /// Whoever asked was not allowed to.
    Denied,
    /// It could not be done.
    Failed,
}

impl Outcome {
    /// The text that records keep.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Denied => "denied",
            Self::Failed => "failed",
        }
    }
}

impl FromStr for Outcome {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let outcome = [Self::Done, Self::Denied, Self::Failed].into_iter().find(|outcome| outcome.as_str() == text);
        outcome.ok_or_else(|| format!("`{text}` is not an outcome"))
    }
}

/// Which details an erasing record erases, of those before it in its chain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Erasure {
    /// Of these records; at most 200.
    Records(Vec<AuditId>),
    /// Of all records that name this id, such as a member's: as the one who
    /// did it, on whose behalf, or as the resource.
    Subject(String),
}

impl Erasure {
    /// Whether it erases the detail of a record that stands before it.
    #[must_use]
    pub fn covers(&self, record: &Record) -> bool {
        match self {
            Self::Records(ids) => ids.contains(&record.id),
            Self::Subject(subject) => {
                let who = record.who.map(|who| who.to_string());
                let names = [who.as_deref(), record.on_behalf_of.as_deref(), record.resource.as_deref()];
                // A member's text has two ids.
                let mut ids = names.into_iter().flatten().flat_map(|name| name.split('/'));
                !subject.is_empty() && ids.any(|id| id == subject)
            }
        }
    }
}

/// A record before it has a place in a chain.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Draft {
    /// The operation's name, such as `create_team` or `sign_in`.
    pub action: String,
    /// What came of it.
    #[serde(default)]
    pub outcome: Outcome,
    /// Why it was denied or failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// Who asked for it; `None` for nobody that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub who: Option<Principal>,
    /// On whose behalf: an id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_behalf_of: Option<String>,
    /// What it was about: an id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource: Option<String>,
    /// What it belongs to, such as a transfer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
    /// The request by which it came.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<String>,
    /// The policies that determined whether it was allowed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub policies: Vec<String>,
    /// Which version of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy_version: Option<u64>,
    /// What policies in shadow mode would have made of it, where they have a
    /// say in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shadow: Option<Shadow>,
    /// Who shall be told of it, because a policy that determined it says so.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notify: Vec<String>,
    /// Whose details go with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub erases: Option<Erasure>,
    /// What is personal or bulky.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<Detail>,
}

impl Draft {
    /// Something that was done.
    #[must_use]
    pub fn done(action: impl Into<String>, who: Principal) -> Self {
        Self { action: action.into(), who: Some(who), ..Self::default() }
    }

    /// Every part within its bounds. With all texts of control characters,
    /// six bytes each in JSON, a record is less than 64 KB: a queue's message
    /// takes 128.
    fn bounded(self) -> Self {
        let id = |text: Option<String>| cut(text, MOST_ID);
        let names = |names: Vec<String>, most| few(names, most).into_iter().filter_map(|name| id(Some(name))).collect();
        Self {
            action: cut(Some(self.action), MOST_NAME).unwrap_or_default(),
            outcome: self.outcome,
            code: cut(self.code, MOST_NAME),
            who: self.who,
            on_behalf_of: id(self.on_behalf_of),
            resource: id(self.resource),
            reference: id(self.reference),
            request: id(self.request),
            policies: names(self.policies, MOST_POLICIES),
            // As many bits as SQL keeps.
            policy_version: self.policy_version.map(|version| version.min(u64::MAX >> 1)),
            shadow: self
                .shadow
                .map(|shadow| Shadow { policies: names(shadow.policies, MOST_SHADOW_POLICIES), ..shadow }),
            notify: few(self.notify, MOST_NOTIFIED)
                .into_iter()
                .filter_map(|name| cut(Some(name), MOST_NOTIFIED_NAME))
                .collect(),
            erases: self.erases.map(|erasure| match erasure {
                Erasure::Records(mut ids) => {
                    ids.truncate(MOST_ERASED);
                    Erasure::Records(ids)
                }
                Erasure::Subject(subject) => Erasure::Subject(id(Some(subject)).unwrap_or_default()),
            }),
            detail: self.detail.map(Detail::bounded),
        }
    }
}

/// At most so many; where there are more, `…` stands for the rest.
fn few(mut names: Vec<String>, most: usize) -> Vec<String> {
    if names.len() > most {
        names.truncate(most.saturating_sub(1));
        names.push("…".to_owned());
    }
    names
}

/// One line of an actor's audit trail. Its JSON form is what the queue carries
/// and what exports show; it is pinned by a test. A field that this version
/// does not know is refused and not dropped: a copy without it would not hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    /// Its place in the actor's trail, from 1 without gaps.
    pub sequence: u64,
    /// Its name in the whole organization; sorts by time.
    pub id: AuditId,
    /// When, in milliseconds since 1970 by the actor's clock.
    pub time_ms: i64,
    /// The operation's name.
    pub action: String,
    /// What came of it.
    pub outcome: Outcome,
    /// Why it was denied or failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// Who asked for it; `None` for nobody that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub who: Option<Principal>,
    /// On whose behalf.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_behalf_of: Option<String>,
    /// What it was about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource: Option<String>,
    /// What it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
    /// The request by which it came.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<String>,
    /// The policies that determined whether it was allowed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub policies: Vec<String>,
    /// Which version of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy_version: Option<u64>,
    /// What policies in shadow mode would have made of it, where they have a
    /// say in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shadow: Option<Shadow>,
    /// Who shall be told of it, because a policy that determined it says so.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notify: Vec<String>,
    /// Whose details went with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub erases: Option<Erasure>,
    /// Of the detail; [`Hash::START`] when there never was one.
    pub digest: Hash,
    /// What is personal or bulky; `None` when it was erased or there never
    /// was any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<Detail>,
    /// Covers all of the above but the detail, the actor's name and the hash
    /// before.
    pub hash: Hash,
}

impl Record {
    /// Gives a draft its place after `previous` in the trail of `actor`. What
    /// is too large is cut.
    #[must_use]
    pub fn seal(actor: &str, sequence: u64, time_ms: i64, previous: Hash, draft: Draft) -> Self {
        let draft = draft.bounded();
        let mut record = Self {
            sequence,
            id: Self::name(actor, sequence, time_ms),
            time_ms,
            action: draft.action,
            outcome: draft.outcome,
            code: draft.code,
            who: draft.who,
            on_behalf_of: draft.on_behalf_of,
            resource: draft.resource,
            reference: draft.reference,
            request: draft.request,
            policies: draft.policies,
            policy_version: draft.policy_version,
            shadow: draft.shadow,
            notify: draft.notify,
            erases: draft.erases,
            digest: draft.detail.as_ref().map_or(Hash::START, Detail::digest),
            detail: draft.detail,
            hash: Hash::START,
        };
        record.hash = record.chain(actor, previous);
        record
    }

    /// The same record always has the same id, and ids sort by time.
    #[must_use]
    pub fn name(actor: &str, sequence: u64, time_ms: i64) -> AuditId {
        AuditId::from_u128(line_id(actor, sequence, time_ms))
    }

    /// The hash that this record must have after `previous`. What is not
    /// there is an empty field; what is there begins with `=`. What came to
    /// the form later is no field where it is not there, so that older chains
    /// hold; a digest, which has its place then, never begins with `=`.
    #[must_use]
    pub fn chain(&self, actor: &str, previous: Hash) -> Hash {
        let optional = |text: Option<&str>| text.map_or_else(String::new, |text| format!("={text}"));
        let who = self.who.map(|who| who.to_string());
        let version = self.policy_version.map(|version| version.to_string());
        let erases = self.erases.as_ref().map(|erasure| serde_json::to_string(erasure).unwrap_or_default());
        let mut fields = vec![
            actor.to_owned(),
            self.sequence.to_string(),
            self.id.to_string(),
            self.time_ms.to_string(),
            self.action.clone(),
            self.outcome.as_str().to_owned(),
            optional(self.code.as_deref()),
            optional(who.as_deref()),
            optional(self.on_behalf_of.as_deref()),
            optional(self.resource.as_deref()),
            optional(self.reference.as_deref()),
            optional(self.request.as_deref()),
            optional(version.as_deref()),
            optional(erases.as_deref()),
        ];
        let shadow = self.shadow.as_ref().map(|shadow| serde_json::to_string(shadow).unwrap_or_default());
        fields.extend(shadow.map(|shadow| format!("=shadow {shadow}")));
        let notify = serde_json::to_string(&self.notify).unwrap_or_default();
        fields.extend((!self.notify.is_empty()).then(|| format!("=notify {notify}")));
        fields.push(self.digest.to_string());
        fields.extend(self.policies.iter().cloned());
        previous.chain(fields.iter().map(String::as_str))
    }

    /// Whether the detail was erased.
    #[must_use]
    pub fn is_erased(&self) -> bool {
        self.detail.is_none() && self.digest != Hash::START
    }
}

/// The operation's name of an act that names itself in its field `act`.
#[must_use]
pub fn operation(act: &impl Serialize) -> String {
    let act = serde_json::to_value(act).unwrap_or_default();
    act.get("act").and_then(|name| name.as_str()).unwrap_or("unknown").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Salt, Verdict};
    use serde_json::json;

    #[test]
    fn form_and_hash_are_pinned() {
        // Trails are kept for years and checked offline.
        let whole = Draft {
            action: "create_team".into(),
            outcome: Outcome::Denied,
            code: Some("forbidden".into()),
            who: Some(Principal::Operator),
            on_behalf_of: Some("mem_x".into()),
            resource: Some("team_x".into()),
            reference: Some("xfer_x".into()),
            request: Some("req_x".into()),
            policies: vec!["pol_1".into(), "pol_2".into()],
            policy_version: Some(3),
            shadow: None,
            notify: vec![],
            erases: Some(Erasure::Subject("mem_x".into())),
            detail: Some(Detail { after: Some(json!({"name": "x"})), ..Detail::new(Salt::from_u128(1)) }),
        };
        let least = Draft { action: "sign_in".into(), ..Draft::default() };
        let first = Record::seal("team_a", 1, 1_700_000_000_000, Hash::START, whole);
        let second = Record::seal("team_a", 2, 1_700_000_000_001, first.hash, least);
        // What came later: the two above are as they were before there was such a thing.
        let shadow = Shadow { decision: Verdict::Forbidden, differs: true, policies: vec!["pol_3".into()] };
        let notify = vec!["finance".into()];
        let third = Draft { shadow: Some(shadow), notify, ..Draft::done("allot", Principal::Operator) };
        let third = Record::seal("team_a", 3, 1_700_000_000_002, second.hash, third);
        insta::assert_snapshot!(serde_json::to_string(&third).unwrap(), @r#"{"sequence":3,"id":"aud_01hf7yat0224pd1jr000000003","time_ms":1700000000002,"action":"allot","outcome":"done","who":"operator","shadow":{"decision":"forbidden","differs":true,"policies":["pol_3"]},"notify":["finance"],"digest":"0000000000000000000000000000000000000000000000000000000000000000","hash":"e8249a2338d724d73ae23916b93ff30326d37bff1a7e99fee4cf75cb3b437a1f"}"#);
        insta::assert_snapshot!(serde_json::to_string(&first).unwrap(), @r#"{"sequence":1,"id":"aud_01hf7yat0024pd1jr000000001","time_ms":1700000000000,"action":"create_team","outcome":"denied","code":"forbidden","who":"operator","on_behalf_of":"mem_x","resource":"team_x","reference":"xfer_x","request":"req_x","policies":["pol_1","pol_2"],"policy_version":3,"erases":{"subject":"mem_x"},"digest":"7d9fa64ce2a8e41742e47e9438c3a7acb3365285fb57b16bec66a15145b22d4e","detail":{"salt":"00000000000000000000000000000001","after":{"name":"x"}},"hash":"aec963268d2bc38f8b4f76b4a5f14825b007c29bd2277d9072debf88cadfc97c"}"#);
        insta::assert_snapshot!(serde_json::to_string(&second).unwrap(), @r#"{"sequence":2,"id":"aud_01hf7yat0124pd1jr000000002","time_ms":1700000000001,"action":"sign_in","outcome":"done","digest":"0000000000000000000000000000000000000000000000000000000000000000","hash":"85d3e92190dbaf3e766d43decb40ee2583a6739ea4f67b64b9b599abf8214bda"}"#);
        for record in [first, second, third] {
            let text = serde_json::to_string(&record).unwrap();
            assert_eq!(serde_json::from_str::<Record>(&text).unwrap(), record);
            assert!(serde_json::from_str::<Record>(&text.replacen('{', r#"{"later":1,"#, 1)).is_err());
        }
    }

    #[test]
    fn every_outcome_has_one_text() {
        for outcome in [Outcome::Done, Outcome::Denied, Outcome::Failed] {
            assert_eq!(outcome.as_str().parse(), Ok(outcome));
            assert_eq!(serde_json::to_value(outcome).unwrap(), outcome.as_str());
        }
    }

    #[test]
    fn the_largest_record_fits_a_message() {
        let endless = || Some("\u{1}".repeat(100_000));
        let draft = Draft {
            action: endless().unwrap(),
            outcome: Outcome::Done,
            code: endless(),
            who: Some(Principal::Operator),
            on_behalf_of: endless(),
            resource: endless(),
            reference: endless(),
            request: endless(),
            policies: vec![endless().unwrap(); 1000],
            policy_version: Some(u64::MAX),
            shadow: Some(Shadow {
                decision: Verdict::ApprovalRequired,
                differs: true,
                policies: vec![endless().unwrap(); 1000],
            }),
            notify: vec![endless().unwrap(); 1000],
            erases: Some(Erasure::Records(vec![AuditId::from_u128(1); 1000])),
            detail: Some(Detail {
                address: endless(),
                user_agent: endless(),
                before: endless().map(Into::into),
                after: endless().map(Into::into),
                question: Some("\u{1}".repeat(680).into()),
                note: endless(),
                ..Detail::new(Salt::from_u128(1))
            }),
        };
        let record = Record::seal("team_a", 1, 0, Hash::START, draft);
        let length = serde_json::to_string(&record).unwrap().len();
        assert!(length < 64 * 1024, "{length} bytes");
        assert_eq!((record.policies.len(), record.policies[31].as_str()), (32, "…"));
        let shadow = record.shadow.unwrap().policies;
        assert_eq!((shadow.len(), shadow[7].as_str()), (8, "…"));
    }

    #[test]
    fn an_erasure_covers_who_is_named() {
        let member = Principal::Member(identity::MemberId::from_u128(1), identity::KeyId::from_u128(2));
        let [member_id, key_id] = [0, 1].map(|place| member.to_string().split('/').nth(place).unwrap().to_owned());
        let record = Record::seal(
            "team_a",
            1,
            0,
            Hash::START,
            Draft {
                on_behalf_of: Some("mem_b".into()),
                resource: Some("mem_c".into()),
                reference: Some("mem_d".into()),
                ..Draft::done("x", member)
            },
        );
        for (subject, covered) in [
            (member_id.as_str(), true),
            (&key_id, true),
            ("mem_b", true),
            ("mem_c", true),
            ("mem_d", false),
            ("mem", false),
            ("", false),
        ] {
            assert_eq!(Erasure::Subject(subject.to_owned()).covers(&record), covered, "{subject}");
        }
        let unnamed = Record { resource: Some(String::new()), ..record.clone() };
        assert!(!Erasure::Subject(String::new()).covers(&unnamed));
        assert!(Erasure::Records(vec![record.id]).covers(&record));
        assert!(!Erasure::Records(vec![AuditId::from_u128(1)]).covers(&record));
    }

    #[test]
    fn an_act_names_itself() {
        assert_eq!(operation(&json!({"act": "create_team", "name": "x"})), "create_team");
        assert_eq!(operation(&json!("x")), "unknown");
    }
}
