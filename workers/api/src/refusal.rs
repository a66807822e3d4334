//! What the actors refuse, as problems.

use ::runtime::ActorError;
use journal::Tag;
use organization::protocol::{AdmitError, OrderError as OrganizationError};
use policy::Decision;
use team::protocol::{OrderError as TeamError, ReserveError};

use crate::problem::{Code, Problem};
use crate::tags::quoted;
use crate::throttle::Bucket;
use crate::time::Time;

impl From<ActorError> for Problem {
    fn from(error: ActorError) -> Self {
        match error {
            ActorError::Overloaded => Self::overloaded(),
            ActorError::Unavailable(_) => Self::unavailable(error),
            ActorError::Unreadable(_) => Self::internal(error),
        }
    }
}

impl From<OrganizationError> for Problem {
    fn from(error: OrganizationError) -> Self {
        match &error {
            OrganizationError::NotOpen => Self::new(Code::NotFound, error),
            OrganizationError::NotFound { what, id } => Self::not_found(what, id),
            OrganizationError::Conflict { .. } => Self::new(Code::Conflict, error),
            OrganizationError::Invalid { .. } => Self::invalid(error),
            OrganizationError::InsufficientFunds { account, left, needed } => insufficient(account, left, needed),
            OrganizationError::IdempotencyConflict { .. } => idempotency_conflict(),
            OrganizationError::Stale { tag, .. } => stale(tag.as_ref()),
            OrganizationError::Storage => Self::unavailable(error),
        }
    }
}

impl From<AdmitError> for Problem {
    fn from(error: AdmitError) -> Self {
        match &error {
            AdmitError::Unknown => {
                Self::new(Code::Unauthorized, format!("{error}: ask an admin of the organization for another one"))
            }
            AdmitError::SignedOut => Self::new(Code::Unauthorized, error),
            AdmitError::TooOften(allowance) => Bucket::Key.refusal(*allowance),
            AdmitError::AddressNotAllowed => {
                let detail = "come from one of the organization's networks, or ask the operator to change `addresses` \
                              in its settings";
                Self::new(Code::AddressNotAllowed, format!("{error}: {detail}"))
            }
            AdmitError::NotFound { what, id } => Self::not_found(what, id),
            AdmitError::Denied { decision, .. } => denied(&error, decision),
            AdmitError::Storage => Self::unavailable(error),
        }
    }
}

/// Says which policies forbid it, for whoever can change them.
fn denied(error: &AdmitError, decision: &Decision) -> Problem {
    if !decision.approvals.is_empty() {
        let chain = decision.approvals.join(", ");
        let detail = format!("{error} without approval by {chain}");
        return Problem::new(Code::ApprovalRequired, detail).with("approval", chain);
    }
    let why = match decision.policies.as_slice() {
        _ if !decision.errors.is_empty() => "a policy cannot be evaluated, and then nothing is allowed".to_owned(),
        [] => "no role of yours and no policy permits it".to_owned(),
        [scope] if scope == "scope" => "the key's scopes do not include it".to_owned(),
        policies => format!("forbidden by {}", policies.join(", ")),
    };
    Problem::new(Code::Forbidden, format!("{error}: {why}"))
}

impl From<TeamError> for Problem {
    fn from(error: TeamError) -> Self {
        match &error {
            TeamError::NotFound { what, id } => Self::not_found(what, id),
            TeamError::Conflict { .. } => Self::new(Code::Conflict, error),
            TeamError::Invalid { .. } => Self::invalid(error),
            TeamError::InsufficientFunds { account, left, needed } => insufficient(account, left, needed),
            TeamError::SentMeanwhile { .. } => Self::new(Code::PreconditionFailed, error),
            TeamError::PartlySpent { undoable } => {
                let detail = format!("{error}: say so with `\"amount\": \"{undoable}\"`, and so much comes back");
                Self::new(Code::PartlySpent, detail).with("undoable", undoable.to_string())
            }
            TeamError::TooLate { until_ms } => {
                let until = Time::from_ms(*until_ms);
                let detail = format!("it could be undone until {until}: ask whoever has the credits to send them back");
                Self::new(Code::TooLate, detail)
            }
            TeamError::IdempotencyConflict { .. } => idempotency_conflict(),
            TeamError::Stale { tag } => stale(Some(tag)),
            TeamError::NotOpen | TeamError::Storage => Self::unavailable(error),
        }
    }
}

/// Why a member's key is not heard.
impl From<ReserveError> for Problem {
    fn from(error: ReserveError) -> Self {
        match &error {
            ReserveError::UnknownKey | ReserveError::KeyRevoked | ReserveError::KeyExpired { .. } => {
                Self::new(Code::Unauthorized, format!("{error}: ask whoever manages your team for another one"))
            }
            ReserveError::MemberSuspended => {
                Self::new(Code::Forbidden, format!("{error}: ask whoever manages your team"))
            }
            ReserveError::AddressNotAllowed => {
                Self::new(Code::AddressNotAllowed, format!("{error}: ask whoever manages your team"))
            }
            ReserveError::Storage => Self::unavailable(error),
            _ => Self::internal(format_args!("not an answer to this question: {error}")),
        }
    }
}

/// What was changed is not what the client has read.
fn stale(tag: Option<&Tag>) -> Problem {
    let detail = "somebody else has changed it since you read it: read it again, and send what you want to change with \
                  its tag as `If-Match`";
    let problem = Problem::new(Code::PreconditionFailed, detail);
    match tag {
        Some(tag) => problem.with("current_tag", quoted(tag)),
        None => problem,
    }
}

fn insufficient(account: &ledger::Account, left: &ledger::Millicredits, needed: &ledger::Millicredits) -> Problem {
    let detail = format!(
        "`{account}` has {left} credits beside what is reserved, {needed} are needed: allot credits to it first, \
         or move fewer"
    );
    Problem::new(Code::InsufficientFunds, detail).with("account", account).with("left", left).with("needed", needed)
}

/// Says nothing of the key itself: inside it carries the organization's id.
fn idempotency_conflict() -> Problem {
    Problem::new(
        Code::IdempotencyConflict,
        "the Idempotency-Key was used before with another content: use a new key for a new request",
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use ledger::{Account, Millicredits};

    #[test]
    fn blame_splits() {
        let insufficient = OrganizationError::InsufficientFunds {
            account: Account::Treasury,
            left: Millicredits::new(1500),
            needed: Millicredits::new(2000),
        };
        for (problem, code) in [
            (Problem::from(insufficient), Code::InsufficientFunds),
            (OrganizationError::NotOpen.into(), Code::NotFound),
            (OrganizationError::Storage.into(), Code::Unavailable),
            (OrganizationError::IdempotencyConflict { key: "org_x/k".into() }.into(), Code::IdempotencyConflict),
            (TeamError::NotOpen.into(), Code::Unavailable),
            (TeamError::Invalid { message: "no".into() }.into(), Code::InvalidRequest),
            (ReserveError::UnknownKey.into(), Code::Unauthorized),
            (ReserveError::MemberSuspended.into(), Code::Forbidden),
            (ReserveError::AlreadyEnded.into(), Code::Internal),
            (ActorError::Overloaded.into(), Code::Overloaded),
            (ActorError::Unreadable("secret".into()).into(), Code::Internal),
        ] {
            assert_eq!(problem.code, code);
            assert!(!problem.document().contains("secret") && !problem.document().contains("org_x"));
        }
    }
}
