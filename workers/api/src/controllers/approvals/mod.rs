//! What people ask for and others must approve.

pub(crate) mod decide;
pub(crate) mod list;
pub(crate) mod request;

use ::approvals::{Approver, Mode, State, Verdict};
use ::organization::protocol::{self as organization, ApprovalView, AskApproval, Outcome};
use identity::{ApprovalId, TransferId};
use ledger::Millicredits;
use serde::Serialize;
use utoipa::ToSchema;

use super::transfers::shown;
use crate::node::Node;
use crate::schema;
use crate::time::Time;

/// Something that was asked for, and how far it is.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Approval {
    #[schema(value_type = schema::ApprovalId)]
    id: ApprovalId,
    /// Who asked.
    requester: String,
    /// A member, or a team for its pool.
    #[schema(value_type = schema::WalletOrPool)]
    from: Node,
    /// A member, or a team for its pool.
    #[schema(value_type = schema::WalletOrPool)]
    to: Node,
    #[schema(value_type = schema::Credits)]
    amount: Millicredits,
    reason: Option<String>,
    #[schema(value_type = schema::Time)]
    asked_at: Time,
    /// What nobody has decided by then is over.
    #[schema(value_type = schema::Time)]
    expires_at: Time,
    #[schema(value_type = schema::ApprovalState)]
    state: State,
    /// Who must approve it, one step after the other.
    chain: ShownChain,
    /// What was said so far.
    decisions: Vec<Said>,
    /// Who can decide now: roles, or members.
    #[schema(value_type = Vec<schema::Approver>)]
    awaited: Vec<Approver>,
    /// Whether you can.
    may_decide: bool,
    /// What came of it, once it was approved.
    outcome: Option<Came>,
    /// Why it could not be done.
    failed_because: Option<String>,
    /// The transfer that carries it out.
    #[schema(value_type = schema::TransferId)]
    transfer_id: TransferId,
}

/// Who must approve.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ShownChain {
    name: String,
    steps: Vec<ShownStep>,
}

/// One step of it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ShownStep {
    #[schema(value_type = schema::ApprovalMode)]
    mode: Mode,
    #[schema(value_type = Vec<schema::Approver>)]
    of: Vec<Approver>,
}

/// What somebody said.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Said {
    /// About which step, from 1.
    step: usize,
    who: String,
    /// As whom; `null` where it had escalated.
    #[schema(value_type = Option<schema::Approver>)]
    approver: Option<Approver>,
    #[schema(value_type = schema::ApprovalVerdict)]
    verdict: Verdict,
    reason: Option<String>,
    #[schema(value_type = schema::Time)]
    time: Time,
}

/// What came of what was approved.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = ApprovalOutcome)]
pub(crate) enum Came {
    /// It is being carried out.
    OnItsWay,
    /// The credits were moved.
    Done,
    /// It could not be done.
    Failed,
}

impl From<ApprovalView> for Approval {
    fn from(view: ApprovalView) -> Self {
        let ApprovalView { approval, awaited, may_decide } = view;
        let organization::Approval { asked, requester, course, outcome, nudged: _ } = approval;
        let AskApproval { id, transfer, from, to, amount, reason } = asked;
        let (outcome, failed_because) = match outcome {
            None => (None, None),
            Some(Outcome::OnItsWay) => (Some(Came::OnItsWay), None),
            Some(Outcome::Done) => (Some(Came::Done), None),
            Some(Outcome::Failed { reason }) => (Some(Came::Failed), Some(reason)),
        };
        let decisions = course.given.into_iter().map(|given| Said {
            step: given.step.saturating_add(1),
            who: given.who.to_string(),
            approver: given.approver,
            verdict: given.verdict,
            reason: given.reason,
            time: Time::from_ms(given.time_ms),
        });
        let steps = course.chain.steps.into_iter().map(|step| ShownStep { mode: step.mode, of: step.of });
        Self {
            id,
            requester: requester.to_string(),
            from: shown(from),
            to: shown(to),
            amount,
            reason,
            asked_at: Time::from_ms(course.begun_ms),
            expires_at: Time::from_ms(course.expires_ms),
            state: course.state,
            chain: ShownChain { name: course.chain.name, steps: steps.collect() },
            decisions: decisions.collect(),
            awaited,
            may_decide,
            outcome,
            failed_because,
            transfer_id: transfer,
        }
    }
}
