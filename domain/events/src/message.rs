//! Messages between actors. Each is delivered at least once and applied
//! exactly once, by the id of its envelope.

use std::fmt;
use std::net::IpAddr;

use identity::{ApprovalId, DepartmentId, MemberId, Networks, OrganizationId, PlanId, Principal, TeamId, TransferId};
use ledger::{Account, Millicredits};
use limits::PoolRules;
use serde::{Deserialize, Serialize};

use crate::period::{Keep, Period, PeriodDone};

/// A message with the name by which the receiver knows whether it has seen it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Envelope {
    /// Unique for ever: the sender's name and a number that it uses once.
    pub id: String,
    /// What is said.
    pub message: Message,
}

impl Envelope {
    /// The name of a sender's message.
    #[must_use]
    pub fn name(sender: impl fmt::Display, number: u64) -> String {
        format!("{sender}/{number}")
    }

    /// Whether the actor of this name sent it.
    #[must_use]
    pub fn is_from(&self, sender: impl fmt::Display) -> bool {
        self.id.split_once('/').is_some_and(|(name, _)| name == sender.to_string())
    }
}

/// What one actor tells another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Message {
    /// Organization to team: what the team is.
    Team(TeamProfile),
    /// Organization to team: who is in it.
    Member(MemberProfile),
    /// Organization to team: the settings have a new version.
    Settings {
        /// Which one; versions only grow.
        version: u64,
    },
    /// Organization to team: credits for the pool.
    Allot {
        /// The movement's name in both journals.
        transfer: TransferId,
        /// How much.
        amount: Millicredits,
        /// On whose order.
        who: Principal,
        /// Why, for people.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        note: Option<String>,
    },
    /// From the organization to a team: what is personal about a member who
    /// was removed goes for ever.
    Erase {
        /// Who.
        member: MemberId,
    },
    /// Team to organization to team: credits of one team's for another.
    Transfer(Passage),
    /// Team to organization to team: the far side could not take them; they
    /// go back to where they came from.
    Refused {
        /// What was sent.
        passage: Passage,
        /// Why, for people.
        reason: String,
    },
    /// Organization to team: a transfer that was approved, to be carried out.
    CarryOut {
        /// What was asked for.
        approval: ApprovalId,
        /// The transfer, from this team.
        passage: Passage,
    },
    /// Team to organization: what came of it.
    CarriedOut {
        /// What was asked for.
        approval: ApprovalId,
        /// Which team.
        team: TeamId,
        /// Why it could not be done; it was done if left out.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        failed: Option<String>,
    },
    /// Organization to team: a period of a plan has begun.
    Period(Period),
    /// Organization to team: a plan is another one in the middle of its
    /// period, or gives no more.
    Plan {
        /// Which.
        plan: PlanId,
        /// What becomes of what it gave; what there is stays if left out.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        rule: Option<Keep>,
    },
    /// Team to organization: what came of a period.
    PeriodDone(PeriodDone),
    /// Team to organization: unspent credits for the team's department.
    Return {
        /// Which team.
        team: TeamId,
        /// The movement's name in both journals.
        transfer: TransferId,
        /// How much.
        amount: Millicredits,
        /// On whose order.
        who: Principal,
        /// Why, for people.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        note: Option<String>,
    },
}

/// Credits on their way from one team to another, through the organization,
/// whose books know what each team has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Passage {
    /// The transfer that this is, or that it undoes.
    pub transfer: TransferId,
    /// Whether it undoes that transfer, or a part of it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub undoes: bool,
    /// From where.
    pub from: Place,
    /// To where.
    pub to: Place,
    /// How much.
    pub amount: Millicredits,
    /// On whose order.
    pub who: Principal,
    /// Why, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// When it was ordered, in milliseconds since 1970.
    pub time_ms: i64,
    /// Until when it can be undone.
    pub undo_until_ms: i64,
}

/// A member's wallet or a team's pool.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Place {
    /// In which team.
    pub team: TeamId,
    /// Whose wallet; the pool if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub member: Option<MemberId>,
}

impl Place {
    /// Its account in the team's books.
    #[must_use]
    pub fn account(self) -> Account {
        self.member.map_or(Account::Pool, Account::Wallet)
    }
}

/// What a team's actor must know about its team. Replaced as a whole by a
/// newer version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TeamProfile {
    /// Only a higher version replaces what is known.
    pub version: u64,
    /// Whose tree.
    pub organization: OrganizationId,
    /// Its department.
    pub department: DepartmentId,
    /// The team.
    pub team: TeamId,
    /// Its name.
    pub name: String,
    /// IANA name of the organization's time zone; windows are cut in it.
    pub time_zone: String,
    /// Version of the organization's settings at that time.
    pub settings_version: u64,
    /// How its pool is refilled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_demand: Option<OnDemand>,
    /// Whether calls may draw from the pool once the wallet is empty.
    #[serde(default)]
    pub pool_draw: PoolDraw,
    /// How much of the pool one member's calls may draw. `None` for all of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pool_rules: Option<PoolRules>,
    /// Models that its members may use: exact names, or beginnings that end
    /// in `*`. `None` for all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub models: Option<Vec<String>>,
    /// Networks that calls may come from. `None` for all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub addresses: Option<Networks>,
    /// Networks that calls of the organization's members may come from. `None`
    /// for all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub organization_addresses: Option<Networks>,
}

impl TeamProfile {
    /// Whether the organization's list and the team's have the address. One
    /// that is not known is in no list.
    #[must_use]
    pub fn allows(&self, address: Option<IpAddr>) -> bool {
        let mut lists = [&self.organization_addresses, &self.addresses].into_iter().flatten();
        lists.all(|networks| address.is_some_and(|address| networks.contains(address)))
    }
}

/// Whether a call may draw from the team's pool.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PoolDraw {
    /// When the wallet does not suffice.
    #[default]
    Automatic,
    /// Never: credits must be allotted to the wallet.
    Off,
}

/// A standing order: the team asks its department for more when its pool runs
/// low.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OnDemand {
    /// How much is asked for at a time.
    pub chunk: Millicredits,
    /// Asked for, ahead of need, when the pool has less than this.
    pub low_water: Millicredits,
    /// At most so much in a calendar month of the organization's time zone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub monthly_cap: Option<Millicredits>,
}

/// What a team's actor must know about a member.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemberProfile {
    /// Only a higher version replaces what is known.
    pub version: u64,
    /// The member.
    pub member: MemberId,
    /// Their name.
    pub name: String,
    /// Whether they may call.
    pub status: MemberStatus,
    /// Models that they may use, within the team's. `None` for all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub models: Option<Vec<String>>,
    /// Whether their credits stay in their wallet although they were removed.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub keeps_credits: bool,
}

/// Whether a member may call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MemberStatus {
    /// Yes.
    #[default]
    Active,
    /// Not for now; keys and credits stay.
    Suspended,
    /// They have left: their keys never work again, and what is in their
    /// wallet, or comes back to it, goes to the team's pool.
    Removed,
}
