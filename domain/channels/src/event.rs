//! What happened that somebody is told of, with all that the message needs.
//!
//! Whoever decides that somebody is told makes the event; [`Event::message`]
//! makes the words. Amounts, dates and names come as the text that the reader
//! shall see: how an organization counts and which time zone somebody lives in
//! is not known here.
//!
//! `id` names the one thing that is told of (`xfer_…`, `req_…:2` for the second
//! reminder, `mem_…:2026-12` for December's low credits): together with the kind
//! it becomes the message's id.

use serde::{Deserialize, Serialize};

use crate::message::Fact;
use crate::token::{ActionToken, Verdict};

/// Something that somebody is told of. Its JSON has the kind as `event`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// Somebody asks for credits, and the reader may decide.
    ApprovalRequested(Asked),
    /// It is still not decided.
    ApprovalReminder(Asked),
    /// The reader's request was decided.
    ApprovalDecided {
        /// Which request.
        id: String,
        /// What was asked for.
        wanted: Wanted,
        /// How much of it.
        amount: String,
        /// What was decided.
        verdict: Verdict,
        /// Who decided; nobody if a rule did.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        by: Option<String>,
        /// Why.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
        /// Where the request is to be seen.
        url: String,
    },
    /// Nobody decided the reader's request in time.
    ApprovalExpired {
        /// Which request.
        id: String,
        /// What was asked for.
        wanted: Wanted,
        /// How much of it.
        amount: String,
        /// Where it can be made anew.
        url: String,
    },
    /// Somebody sent the reader credits.
    TransferReceived {
        /// Which transfer.
        id: String,
        /// Who sent them.
        from: String,
        /// How many.
        amount: String,
        /// What they wrote.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        note: Option<String>,
        /// What the reader has now.
        balance: String,
        /// Where it is to be seen.
        url: String,
    },
    /// Somebody took back what they had sent the reader.
    TransferUndone {
        /// Which transfer.
        id: String,
        /// Who took it back.
        from: String,
        /// How much of it: what was not yet spent.
        amount: String,
        /// What the reader has now.
        balance: String,
        /// Where it is to be seen.
        url: String,
    },
    /// The reader's wallet is nearly empty.
    CreditsLow {
        /// Whose wallet, and since when it is.
        id: String,
        /// What is left.
        left: String,
        /// When more comes by itself.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        refills: Option<String>,
        /// Where more can be asked for.
        url: String,
    },
    /// Credits of the reader's will expire.
    CreditsExpiring {
        /// Whose, and when.
        id: String,
        /// How many.
        amount: String,
        /// When.
        when: String,
        /// Where they can be sent or contributed.
        url: String,
    },
    /// A pool that the reader looks after is nearly empty.
    PoolLow {
        /// Which pool, and since when it is.
        id: String,
        /// Its name.
        pool: String,
        /// What is left.
        left: String,
        /// Where it is to be seen.
        url: String,
    },
    /// The reader has a boost.
    BoostStarted {
        /// Which boost.
        id: String,
        /// How much.
        amount: String,
        /// Until when.
        until: String,
        /// What for.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
        /// Where it is to be seen.
        url: String,
    },
    /// The reader's boost will end soon.
    BoostEnding {
        /// Which boost.
        id: String,
        /// What is left of it.
        left: String,
        /// Until when.
        until: String,
        /// Where it is to be seen.
        url: String,
    },
    /// The reader's boost is over.
    BoostEnded {
        /// Which boost.
        id: String,
        /// What was used of it.
        used: String,
        /// What went back.
        returned: String,
        /// Where it is to be seen.
        url: String,
    },
    /// The reader is out of office, and others may use their idle credits.
    AbsenceBegan {
        /// Which absence.
        id: String,
        /// How much of theirs.
        lent: String,
        /// Who may: a colleague, or the team.
        to: String,
        /// Until when, if that is known.
        until: Option<String>,
        /// Where it can be ended.
        url: String,
    },
    /// The reader is back, and so are their credits.
    AbsenceEnded {
        /// Which absence.
        id: String,
        /// What came back.
        returned: String,
        /// What the reader has now.
        balance: String,
        /// Where it is to be seen.
        url: String,
    },
    /// The credits of a period have arrived.
    AllotmentArrived {
        /// Which allotment.
        id: String,
        /// How many.
        amount: String,
        /// Where they went: "your wallet", a pool's or a team's name.
        to: String,
        /// For which period.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        period: Option<String>,
        /// What is there now.
        balance: String,
        /// Where it is to be seen.
        url: String,
    },
    /// A policy with `@notify` determined something.
    PolicyNotice {
        /// Which act.
        id: String,
        /// What happened.
        title: String,
        /// More of it.
        text: String,
        /// Where it is to be seen.
        url: String,
    },
    /// Somebody tries whether messages arrive.
    ChannelTest {
        /// Which trial.
        id: String,
        /// The channel's name.
        channel: String,
    },
    /// What happened in a while, all at once.
    Digest {
        /// Whose, and of when.
        id: String,
        /// Of when: "this week".
        period: String,
        /// What happened, the most important first.
        items: Vec<Fact>,
        /// Where more is to be seen.
        url: String,
    },
}

/// A request for credits, as an approver is told of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asked {
    /// Which request; of a reminder also which reminder.
    pub id: String,
    /// Who asks.
    pub requester: String,
    /// What they ask for.
    pub wanted: Wanted,
    /// How much of it.
    pub amount: String,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// What speaks for or against it: what they have left, what they spent.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub facts: Vec<Fact>,
    /// Since when it waits.
    pub since: String,
    /// Until when it can be decided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<String>,
    /// The same, in milliseconds since 1970: so long its links work.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_ms: Option<i64>,
    /// Where it is to be seen.
    pub url: String,
    /// The reader's buttons, made when it is sent: they are for one person in
    /// one channel. Without them there is only the link.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answers: Option<Answers>,
}

/// What is asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Wanted {
    /// To send credits to somebody, above the threshold.
    Transfer {
        /// To whom.
        to: String,
    },
    /// More credits.
    Credits,
    /// A boost.
    Boost {
        /// Until when.
        until: String,
    },
    /// To draw from a pool.
    Draw {
        /// The pool's name.
        pool: String,
    },
}

/// An approver's two buttons.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answers {
    /// It shall happen.
    pub approve: Answer,
    /// It shall not.
    pub deny: Answer,
}

/// How one answer is given.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// By a button.
    pub value: ActionToken,
    /// By a signed link, where there are no buttons.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
}

impl Event {
    /// What kind of event it is, as in its JSON.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::ApprovalRequested(_) => "approval_requested",
            Self::ApprovalReminder(_) => "approval_reminder",
            Self::ApprovalDecided { .. } => "approval_decided",
            Self::ApprovalExpired { .. } => "approval_expired",
            Self::TransferReceived { .. } => "transfer_received",
            Self::TransferUndone { .. } => "transfer_undone",
            Self::CreditsLow { .. } => "credits_low",
            Self::CreditsExpiring { .. } => "credits_expiring",
            Self::PoolLow { .. } => "pool_low",
            Self::BoostStarted { .. } => "boost_started",
            Self::BoostEnding { .. } => "boost_ending",
            Self::BoostEnded { .. } => "boost_ended",
            Self::AbsenceBegan { .. } => "absence_began",
            Self::AbsenceEnded { .. } => "absence_ended",
            Self::AllotmentArrived { .. } => "allotment_arrived",
            Self::PolicyNotice { .. } => "policy_notice",
            Self::ChannelTest { .. } => "channel_test",
            Self::Digest { .. } => "digest",
        }
    }
}
