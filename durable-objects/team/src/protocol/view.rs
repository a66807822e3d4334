//! Questions and what is answered to them.

use std::net::IpAddr;

use events::{MemberProfile, Place, TeamProfile};
use identity::{AbsenceId, BoostId, KeyHash, KeyId, MemberId, Networks, OrganizationId, PlanId, TransferId};
use ledger::{Account, Millicredits};
use limits::{Taken, Unit, Window};
use serde::{Deserialize, Serialize};

use super::{AbsenceFilter, BoostFilter, BoostView, Draws, LimitState, TransferFilter};

/// A key as lists show it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyView {
    /// Its id.
    pub id: KeyId,
    /// Whose.
    pub member: MemberId,
    /// What it is for.
    pub name: String,
    /// The start and end of the secret.
    pub hint: String,
    /// When it was made.
    pub created_ms: i64,
    /// When it stops working.
    pub expires_ms: Option<i64>,
    /// When it was revoked.
    pub revoked_ms: Option<i64>,
    /// Models that it may use.
    pub models: Option<Vec<String>>,
    /// Networks that it may be used from.
    pub addresses: Option<Networks>,
    /// What it has spent in all.
    pub spent: Millicredits,
}

/// What can be asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "ask", rename_all = "snake_case")]
pub enum Question {
    /// The audit trail's records after one, oldest first.
    Trail {
        /// After this place.
        after: u64,
        /// So many at most.
        limit: u32,
    },
    /// Transfers from and to here, newest first.
    Transfers(TransferFilter),
    /// One transfer, from or to here.
    Transfer {
        /// Which.
        id: TransferId,
    },
    /// Boosts of members, newest first.
    Boosts(BoostFilter),
    /// One boost.
    Boost {
        /// Which.
        id: BoostId,
    },
    /// Absences of members, newest first.
    Absences(AbsenceFilter),
    /// One absence.
    Absence {
        /// Which.
        id: AbsenceId,
    },
    /// What of a plan's credits in an account will go back, as things are.
    Expiring {
        /// Which plan's.
        plan: PlanId,
        /// In which account.
        account: Account,
    },
    /// How much was sent from here today, in the organization's time zone,
    /// less what was undone.
    SentToday {
        /// From where.
        from: Place,
    },
    /// Everything about the team.
    Overview,
    /// What a key's owner may see.
    Me {
        /// Whose tree the key names.
        organization: OrganizationId,
        /// Which key.
        key: KeyHash,
        /// Where the question comes from.
        address: Option<IpAddr>,
    },
}

/// Credits that will go back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Expiring {
    /// How much.
    pub amount: Millicredits,
    /// When, in milliseconds since 1970.
    pub ends_ms: i64,
}

/// Everything about the team, for managers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Overview {
    /// What the team is.
    pub profile: TeamProfile,
    /// The shared account.
    pub pool: Balance,
    /// The members and their wallets.
    pub members: Vec<MemberView>,
    /// The keys, revoked ones included.
    pub keys: Vec<KeyView>,
    /// The limits and where they stand.
    pub limits: Vec<LimitState>,
    /// Received from above, less what was returned.
    pub allotted: Millicredits,
    /// Paid for calls.
    pub spent: Millicredits,
    /// Reported by providers beyond their limit and covered by nobody.
    pub overrun: Millicredits,
    /// Calls in flight.
    pub open: u64,
    /// Messages that have not arrived.
    pub outbox: u64,
    /// The journal's last entry.
    pub sequence: u64,
    /// Rows written since the actor woke, as the platform bills them.
    pub rows_written: u64,
}

/// A balance and what of it is reserved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Balance {
    /// All that is there.
    pub balance: Millicredits,
    /// reserved by calls in flight.
    pub reserved: Millicredits,
    /// The rest.
    pub available: Millicredits,
}

/// A member and the wallet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemberView {
    /// Who.
    pub profile: MemberProfile,
    /// The wallet.
    pub wallet: Balance,
    /// Boosts of which something is left.
    #[serde(default)]
    pub boosts: Vec<BoostView>,
    /// What of the wallet others may use while the member is away.
    #[serde(default)]
    pub lent: Balance,
    /// What the member has spent in all.
    pub spent: Millicredits,
}

/// What a key's owner may see.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Me {
    /// The member.
    pub member: MemberProfile,
    /// The team.
    pub team: TeamProfile,
    /// The key.
    pub key: KeyView,
    /// The wallet.
    pub wallet: Balance,
    /// Boosts of which something is left: they pay before the wallet does.
    #[serde(default)]
    pub boosts: Vec<BoostView>,
    /// What of the wallet others may use while the member is away. It pays for
    /// the member's own calls after the wallet.
    #[serde(default)]
    pub lent: Balance,
    /// What others who are away lend to this member, alone or with the pool.
    #[serde(default)]
    pub borrowable: Millicredits,
    /// The pool, if calls may draw from it.
    pub pool: Option<Balance>,
    /// What the pool's rules leave the member, if it has rules.
    #[serde(default)]
    pub draws: Option<Draws>,
    /// Limits that bind this key.
    pub limits: Vec<LimitState>,
    /// What the member has used, by window.
    pub usage: Vec<WindowUsage>,
}

/// What was used in one window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct WindowUsage {
    /// Which window.
    pub window: Window,
    /// Credits spent.
    pub credits: Millicredits,
    /// Credits reserved by calls in flight.
    pub reserved_credits: Millicredits,
    /// Tokens used.
    pub tokens: i64,
    /// Calls made.
    pub requests: i64,
}

impl WindowUsage {
    pub(crate) fn new(window: Window, taken: Taken) -> Self {
        Self {
            window,
            credits: taken.used.credits,
            reserved_credits: taken.reserved.credits,
            tokens: taken.used.get(Unit::Tokens),
            requests: taken.used.get(Unit::Requests),
        }
    }
}

/// How far the actor is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    /// The journal's last entry.
    pub sequence: u64,
    /// The audit trail's last record.
    #[serde(default)]
    pub audit: u64,
    /// Messages that have not arrived.
    pub outbox: u64,
    /// Calls in flight.
    pub open: u64,
}
