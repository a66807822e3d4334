//! What the audit trail says of an act.

use audit::{Changed, Draft, Outcome};
use serde::Serialize;
use serde_json::Value;
use storage::Storage;

use crate::Team;
use crate::protocol::{Act, Order, OrderError, Reply};

impl<S: Storage> Team<S> {
    /// Something that is about to be done; memory is still as before.
    pub(crate) fn done(&self, order: &Order, reply: &Reply) -> Draft {
        let before = match &order.act {
            Act::RotateKey { key, .. } | Act::RevokeKey { key } => {
                self.records.keys.get(key).and_then(|key| json(&self.key_view(key)))
            }
            Act::ChangeLimit { limit_id, .. } | Act::RemoveLimit { limit_id } => {
                self.records.limits.get(limit_id).and_then(|set| json(&set.limit))
            }
            Act::CreateKey(_)
            | Act::CreateLimit { .. }
            | Act::Allot { .. }
            | Act::Return { .. }
            | Act::Transfer(_)
            | Act::UndoTransfer { .. }
            | Act::Boost(_)
            | Act::EndBoost { .. }
            | Act::Absence(_)
            | Act::CalendarAbsences(_) => None,
            Act::ChangeAbsence { absence, .. } | Act::EndAbsence { absence } => {
                self.absences.get(*absence).and_then(|absence| json(&absence.new))
            }
        };
        let after = match (&order.act, reply) {
            (Act::RemoveLimit { .. }, _) | (_, Reply::Done) => None,
            (_, Reply::Key(view)) => json(view),
            (Act::CreateLimit { limit, .. } | Act::ChangeLimit { limit, .. }, _) => json(limit),
            (_, Reply::Limit(state)) => json(state),
            (_, Reply::Moved(moved)) => json(moved),
            (_, Reply::Transferred(done)) => json(done),
            (_, Reply::Boosted(view)) => json(&view.boost),
            (_, Reply::Absence(view)) => json(&view.absence.new),
        };
        let reference = match reply {
            Reply::Moved(moved) => Some(moved.transfer.to_string()),
            Reply::Transferred(done) => Some(done.transfer.id.to_string()),
            Reply::Boosted(view) => Some(view.boost.new.id.to_string()),
            Reply::Absence(view) => Some(view.absence.new.id.to_string()),
            _ => None,
        };
        let name = audit::operation(&order.act);
        let draft = order.by.draft(&name, Some(order.who), Outcome::Done, Changed { before, after });
        Draft { resource: resource(&order.act), reference, ..draft }
    }

    /// Something that could not be done.
    pub(crate) fn failed(order: &Order, error: &OrderError) -> Draft {
        let name = audit::operation(&order.act);
        let draft = order.by.draft(&name, Some(order.who), Outcome::Failed, Changed::default());
        Draft { resource: resource(&order.act), code: Some(code(error).to_owned()), ..draft }
    }
}

/// What an act is about.
fn resource(act: &Act) -> Option<String> {
    let id: &dyn ToString = match act {
        Act::CreateKey(new) => &new.key,
        Act::RotateKey { key, .. } | Act::RevokeKey { key } => key,
        Act::CreateLimit { limit_id, .. } | Act::ChangeLimit { limit_id, .. } | Act::RemoveLimit { limit_id } => {
            limit_id
        }
        Act::Allot { to, .. } => to,
        Act::Transfer(new) => return Some(new.to.account().to_string()),
        Act::UndoTransfer { transfer, .. } => transfer,
        Act::Boost(new) => &new.member,
        Act::EndBoost { boost } => boost,
        Act::Absence(new) => &new.member,
        Act::ChangeAbsence { absence, .. } | Act::EndAbsence { absence } => absence,
        Act::CalendarAbsences(said) => &said.member,
        Act::Return { .. } => return None,
    };
    Some(id.to_string())
}

/// The same names as the management API has for them.
const fn code(error: &OrderError) -> &'static str {
    match error {
        OrderError::NotFound { .. } => "not_found",
        OrderError::Conflict { .. } => "conflict",
        OrderError::Stale { .. } => "precondition_failed",
        OrderError::Invalid { .. } => "invalid_request",
        OrderError::InsufficientFunds { .. } => "insufficient_funds",
        OrderError::SentMeanwhile { .. } => "precondition_failed",
        OrderError::PartlySpent { .. } => "partly_spent",
        OrderError::TooLate { .. } => "too_late",
        OrderError::IdempotencyConflict { .. } => "idempotency_conflict",
        OrderError::NotOpen | OrderError::Storage => "unavailable",
    }
}

/// Views have no hashes of keys.
fn json(value: &impl Serialize) -> Option<Value> {
    serde_json::to_value(value).ok()
}
