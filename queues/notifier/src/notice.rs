//! What of the actors' publications somebody is told of.

use audit::{Outcome, Record};
use events::Publication;
use identity::{AbsenceId, ApprovalId, MemberId, OrganizationId, PlanId, Principal, TeamId};
use ledger::{Account, Entry, Kind, Millicredits};
use serde::{Deserialize, Serialize};
use storage::Value;

use crate::Statement;

/// What is older when D1 hears of it is not told any more: a D1 that is made
/// anew tells nobody of last year.
pub const OLDEST_MS: i64 = 24 * 60 * 60 * 1000;

/// Something that somebody is told of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// Whose.
    pub organization: OrganizationId,
    /// The record's id or the entry's.
    pub id: String,
    /// When it happened, in milliseconds since 1970.
    pub time_ms: i64,
    /// What happened.
    pub about: About,
}

/// What happened. Kept in D1, so fields are added with a default.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "about", rename_all = "snake_case")]
pub enum About {
    /// Something about what was asked for. Who is told of what follows from how
    /// far it is when they are told, so that nobody hears of what is over.
    Approval {
        /// What was asked for.
        approval: ApprovalId,
        /// What was done.
        action: String,
    },
    /// Somebody else's credits arrived in a wallet.
    Received {
        /// In which team.
        team: TeamId,
        /// Whose wallet.
        member: MemberId,
        /// Which transfer.
        transfer: String,
        /// How much.
        amount: Millicredits,
        /// On whose order. What they wrote is asked of the team when it is
        /// told, so that it is kept in one place only.
        who: Principal,
    },
    /// What a plan gave and nobody has spent will go back. How much is asked of
    /// the team when it is told.
    Expiring {
        /// In which team.
        team: TeamId,
        /// Whose wallet; the pool's if left out.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        member: Option<MemberId>,
        /// Which plan.
        plan: PlanId,
    },
    /// Somebody who is away lends credits from now on, or is back. How much is
    /// asked of the team when it is told.
    Away {
        /// In which team.
        team: TeamId,
        /// Who.
        member: MemberId,
        /// Which absence.
        absence: AbsenceId,
        /// Whether they are back.
        back: bool,
    },
    /// A policy's `@notify` determined something.
    Policy {
        /// Whom it names.
        recipients: Vec<String>,
        /// The operation.
        action: String,
        /// Done, denied or failed.
        outcome: String,
        /// By whom.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        who: Option<Principal>,
        /// What it was about.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        resource: Option<String>,
    },
}

/// What is told of what comes after `applied_through`.
#[must_use]
pub fn notices(publication: &Publication, applied_through: u64, now_ms: i64) -> Vec<Notice> {
    let organization = publication.organization();
    let notice = |id: String, time_ms, about| Notice { organization, id, time_ms, about };
    let mut all = Vec::new();
    match publication {
        Publication::Entries(batch) => {
            for entry in batch.entries.iter().filter(|entry| entry.sequence > applied_through) {
                let about = batch.team.and_then(|team| received(team, entry));
                all.extend(about.map(|about| notice(entry.id.to_string(), entry.time_ms, about)));
            }
        }
        Publication::Records(batch) => {
            for record in batch.records.iter().filter(|record| record.sequence > applied_through) {
                let id = record.id.to_string();
                // A record can be told of in two ways.
                all.extend(policy(record).map(|about| notice(format!("{id}.policy"), record.time_ms, about)));
                let own = approval(record);
                let own = own.or_else(|| expiring(batch.team?, record)).or_else(|| away(batch.team?, record));
                all.extend(own.map(|about| notice(id, record.time_ms, about)));
            }
        }
    }
    all.retain(|notice| notice.time_ms >= now_ms.saturating_sub(OLDEST_MS));
    all
}

fn received(team: TeamId, entry: &Entry) -> Option<About> {
    let (Kind::Transfer, Account::Wallet(member)) = (entry.kind, entry.credit) else { return None };
    let own = matches!(
        entry.who,
        Principal::Person(who, _) | Principal::Member(who, _) | Principal::Chat(who, _) if who == member
    );
    let (transfer, amount, who) = (entry.reference.clone(), entry.amount, entry.who);
    (!own).then_some(About::Received { team, member, transfer, amount, who })
}

fn expiring(team: TeamId, record: &Record) -> Option<About> {
    let plan = record.reference.as_ref()?.parse().ok()?;
    let member = record.resource.as_ref()?.parse().ok();
    (record.action == "credits_expiring").then_some(About::Expiring { team, member, plan })
}

fn away(team: TeamId, record: &Record) -> Option<About> {
    let back = match record.action.as_str() {
        "absence_began" => false,
        "absence_ended" => true,
        _ => return None,
    };
    let member = record.resource.as_ref()?.parse().ok()?;
    let absence = record.reference.as_ref()?.parse().ok()?;
    Some(About::Away { team, member, absence, back })
}

fn approval(record: &Record) -> Option<About> {
    let approval = record.resource.as_ref()?.parse().ok()?;
    let action = record.action.clone();
    let counts = record.outcome == Outcome::Done || action == "carry_out_approval";
    counts.then_some(About::Approval { approval, action })
}

fn policy(record: &Record) -> Option<About> {
    let (recipients, action) = (record.notify.clone(), record.action.clone());
    let (outcome, who, resource) = (record.outcome.as_str().to_owned(), record.who, record.resource.clone());
    (!recipients.is_empty()).then_some(About::Policy { recipients, action, outcome, who, resource })
}

const INSERT: &str = "INSERT INTO notices (organization, id, time_ms, about)
    SELECT ?1, ?2, ?3, ?4 WHERE (SELECT applied_through FROM projections WHERE actor = ?5) = CAST(?6 AS INTEGER)
    ON CONFLICT (organization, id) DO NOTHING";

/// Those that wait: the oldest of all, for the cron. The table has only those.
pub const PENDING: &str = "SELECT organization, id FROM notices WHERE time_ms < ?1 LIMIT 100";

/// Writes notices, in the transaction that brings the projection of what they
/// tell of from `applied_through` on: these stand before its last statement.
#[must_use]
pub fn statements(notices: &[Notice], projection: &str, applied_through: u64) -> Vec<Statement> {
    let row = |notice: &Notice| {
        let about = serde_json::to_string(&notice.about).unwrap_or_default();
        let values = vec![
            Value::Text(notice.organization.to_string()),
            Value::Text(notice.id.clone()),
            Value::Int(notice.time_ms),
            Value::Text(about),
            Value::Text(projection.to_owned()),
            Value::Text(applied_through.to_string()),
        ];
        (INSERT, values)
    };
    notices.iter().map(row).collect()
}

/// A notice of which everybody has a delivery is not needed any more.
#[must_use]
pub fn done(organization: OrganizationId, id: &str) -> Statement {
    let values = vec![Value::Text(organization.to_string()), Value::Text(id.to_owned())];
    ("DELETE FROM notices WHERE organization = ? AND id = ?", values)
}

#[cfg(test)]
mod tests {
    use super::*;
    use audit::{Draft, Hash};
    use events::{AuditBatch, JournalBatch};
    use identity::SessionId;

    const ORGANIZATION: OrganizationId = OrganizationId::from_u128(1);

    fn records(drafts: Vec<Draft>, now: i64) -> Vec<Notice> {
        let mut previous = Hash::START;
        let seal = |(sequence, draft)| {
            let record = Record::seal("org", sequence, now, previous, draft);
            previous = record.hash;
            record
        };
        let records: Vec<Record> = (1..).zip(drafts).map(seal).collect();
        let batch = AuditBatch::next((ORGANIZATION, None), 9, records).unwrap();
        notices(&Publication::Records(batch), 0, 100_000_000)
    }

    #[test]
    fn what_is_done_about_a_request_is_told_and_what_fails_is_not() {
        let about = |action, outcome| Draft {
            resource: Some(ApprovalId::from_u128(5).to_string()),
            outcome,
            ..Draft::done(action, Principal::System)
        };
        let told = records(
            vec![
                about("request_approval", Outcome::Done),
                about("approve", Outcome::Failed),
                about("approve", Outcome::Denied),
                about("carry_out_approval", Outcome::Failed),
                Draft::done("create_team", Principal::Operator),
            ],
            100_000_000,
        );
        let actions: Vec<_> = told
            .iter()
            .map(|notice| match &notice.about {
                About::Approval { action, .. } => action.as_str(),
                _ => "another",
            })
            .collect();
        assert_eq!(actions, ["request_approval", "carry_out_approval"]);
    }

    #[test]
    fn a_warning_is_for_whose_credits_they_are() {
        let (team, member, plan) = (TeamId::from_u128(2), MemberId::from_u128(3), PlanId::from_u128(4));
        let draft = |whose: String| Draft {
            resource: Some(whose),
            reference: Some(plan.to_string()),
            ..Draft::done("credits_expiring", Principal::System)
        };
        let drafts = [draft(member.to_string()), draft(team.to_string()), Draft::done("end_boost", Principal::System)];
        let records =
            (1..).zip(drafts).map(|(sequence, draft)| Record::seal("team", sequence, 100, Hash::START, draft));
        let batch = AuditBatch::next((ORGANIZATION, Some(team)), 9, records.collect()).unwrap();
        let told = notices(&Publication::Records(batch), 0, 100);
        let told: Vec<About> = told.into_iter().map(|notice| notice.about).collect();
        let about = |member| About::Expiring { team, member, plan };
        assert_eq!(told, [about(Some(member)), about(None)]);
    }

    #[test]
    fn who_goes_and_comes_back_is_told() {
        let (team, member, absence) = (TeamId::from_u128(2), MemberId::from_u128(3), AbsenceId::from_u128(4));
        let drafts = ["absence_began", "create_absence", "absence_ended"].map(|action| Draft {
            resource: Some(member.to_string()),
            reference: Some(absence.to_string()),
            ..Draft::done(action, Principal::System)
        });
        let records =
            (1..).zip(drafts).map(|(sequence, draft)| Record::seal("team", sequence, 100, Hash::START, draft));
        let batch = AuditBatch::next((ORGANIZATION, Some(team)), 9, records.collect()).unwrap();
        let told = notices(&Publication::Records(batch), 0, 100);
        let told: Vec<About> = told.into_iter().map(|notice| notice.about).collect();
        assert_eq!(told, [false, true].map(|back| About::Away { team, member, absence, back }));
    }

    #[test]
    fn notify_is_told_and_nothing_of_last_week() {
        let draft = Draft { notify: vec!["finance".to_owned()], ..Draft::done("allot", Principal::Operator) };
        assert_eq!(records(vec![draft.clone()], 100_000_000).len(), 1);
        assert_eq!(records(vec![draft], 100_000_000 - OLDEST_MS - 1).len(), 0);
    }

    #[test]
    fn credits_of_others_are_told_and_ones_own_are_not() {
        let member = MemberId::from_u128(3);
        let person = |n| Principal::Person(MemberId::from_u128(n), SessionId::from_u128(1));
        let told = |kind, who, credit| {
            let draft = ledger::Draft {
                kind,
                debit: Account::Pool,
                credit,
                amount: Millicredits::new(5000),
                reference: "xfer_1".to_owned(),
                who,
                call: None,
                note: None,
            };
            let entry = Entry::seal("team", 1, 100_000_000, ledger::Hash::START, draft);
            let team = Some(TeamId::from_u128(2));
            let batch =
                JournalBatch { version: 1, organization: ORGANIZATION, team, last_sequence: 1, entries: vec![entry] };
            notices(&Publication::Entries(batch), 0, 100_000_000).len()
        };
        assert_eq!(told(Kind::Transfer, person(4), Account::Wallet(member)), 1);
        assert_eq!(told(Kind::Transfer, person(3), Account::Wallet(member)), 0);
        assert_eq!(told(Kind::Transfer, person(4), Account::Pool), 0);
        assert_eq!(told(Kind::Allot, person(4), Account::Wallet(member)), 0);
    }
}
