//! What people ask for and others must approve.

use approvals::{Approver, Course, State, Verdict};
use events::Place;
use identity::{ApprovalId, MemberId, Principal, TransferId};
use ledger::Millicredits;
use serde::{Deserialize, Serialize};

/// A transfer that somebody asks for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AskApproval {
    /// Its id.
    pub id: ApprovalId,
    /// The transfer's name, once it is carried out.
    pub transfer: TransferId,
    /// From where.
    pub from: Place,
    /// To where.
    pub to: Place,
    /// How much.
    pub amount: Millicredits,
    /// Why, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// Something that was asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approval {
    /// What.
    pub asked: AskApproval,
    /// Who asked.
    pub requester: Principal,
    /// Who has said what, and who must.
    pub course: Course,
    /// What came of it, once it was approved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<Outcome>,
    /// What was said about it while nobody decided.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub nudged: Vec<Nudge>,
}

/// What is said while nobody decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Nudge {
    /// Half of the time is over.
    Reminded,
    /// Others may decide as well.
    Escalated,
}

impl Nudge {
    /// What the audit trail calls it.
    #[must_use]
    pub const fn action(self) -> &'static str {
        match self {
            Self::Reminded => "remind_approval",
            Self::Escalated => "escalate_approval",
        }
    }
}

/// What came of something that was approved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum Outcome {
    /// The team has been told.
    OnItsWay,
    /// It is done.
    Done,
    /// It could not be done.
    Failed {
        /// Why.
        reason: String,
    },
}

impl Approval {
    /// Whether something can still come of it.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.course.state == State::Pending || self.outcome == Some(Outcome::OnItsWay)
    }

    /// What is still to be said while nobody decides, and when.
    pub fn nudges(&self) -> impl Iterator<Item = (i64, Nudge)> {
        let course = &self.course;
        let whole = course.expires_ms.saturating_sub(course.begun_ms);
        let half = course.begun_ms.saturating_add(whole.checked_div(2).unwrap_or_default());
        let escalated = course.escalates_ms().filter(|at| *at < course.expires_ms);
        let all = [Some((half, Nudge::Reminded)), escalated.map(|at| (at, Nudge::Escalated))];
        let is_open = course.state == State::Pending;
        all.into_iter().flatten().filter(move |(_, nudge)| is_open && !self.nudged.contains(nudge))
    }
}

/// Somebody decides.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decide {
    /// About what.
    pub id: ApprovalId,
    /// How.
    pub verdict: Verdict,
    /// Why, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// Which are asked for, newest first.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ApprovalFilter {
    /// Just this one.
    pub id: Option<ApprovalId>,
    /// Only those that whoever looks can decide now.
    pub to_decide: bool,
    /// Only those that whoever looks has asked for.
    pub own: bool,
    /// Only in this state.
    pub state: Option<State>,
    /// Only those that this person asked for or decided.
    pub of: Option<MemberId>,
    /// Those before this one.
    pub before: Option<ApprovalId>,
    /// At most so many.
    pub limit: u32,
}

/// Some of what was asked for, newest first.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApprovalPage {
    /// Those that are meant.
    pub views: Vec<ApprovalView>,
    /// Where to go on; `None` at the end. There may be none before that either:
    /// one answer looks at a bounded number of them.
    pub next: Option<ApprovalId>,
}

/// Something that was asked for, as somebody sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApprovalView {
    /// It.
    pub approval: Approval,
    /// Who can decide now.
    pub awaited: Vec<Approver>,
    /// Whether whoever looks can.
    pub may_decide: bool,
}
