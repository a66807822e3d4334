//! The auditor: its own books beside the actors', kept from their databases
//! and from what it saw commanded and answered, and compared after every step.
//!
//! It does not ask the core for sums. Balances are folded from the rows of
//! `entries` in 128 bits, what is reserved from the rows of `reservations`,
//! limits from a list of all calls; keys, members and idempotency keys follow
//! from what was commanded. What it does share with the core is how an entry
//! is hashed and where a calendar window begins.

mod absences;
mod access;
mod approvals;
mod books;
mod boosts;
mod calls;
mod convergence;
mod memory;
mod organization;
mod outbox;
mod periods;
mod plans;
mod refusals;
mod replies;
mod rows;
mod sharing;
mod spending;
mod team;
mod team_orders;
mod trail;
mod transfers;

use std::collections::{BTreeMap, BTreeSet};

use audit::{Outcome, Record};
use identity::{OrganizationId, RequestId, TeamId};
use ledger::Account;

use crate::actors::{Disk, Fault};
use crate::violation::{Checked, ensure};
use crate::world::Tree;

pub(crate) use access::{Access, Key};
pub(crate) use calls::Stage;
pub(crate) use convergence::{converged, settled_down};
pub(crate) use memory::{OrganizationMemory, TeamMemory};
pub(crate) use organization::OrganizationAudit;
pub(crate) use team::TeamAudit;
pub(crate) use transfers::Transfers;

/// One command on one actor, as it is audited.
pub(crate) struct Step<'a> {
    pub(crate) now: i64,
    pub(crate) disk: &'a Disk,
    /// Rows that statements changed, taken back or not.
    pub(crate) rows: i64,
    /// Whether the answer was a failure of the storage.
    pub(crate) failed: bool,
    /// Whether the storage was told to fail and did.
    pub(crate) fired: Option<Fault>,
}

impl Step<'_> {
    /// What was refused has changed nothing.
    fn wrote_nothing(&self, what: &str) -> Checked {
        ensure(self.rows == 0, "what was refused changed nothing", || format!("{what} wrote rows"))
    }

    /// An order that was refused is on record as that, and has changed nothing
    /// else.
    fn order_was_refused(&self, recorded: &[Record]) -> Checked {
        let as_refused = recorded.iter().all(|record| record.outcome == Outcome::Failed);
        let one = self.failed || (recorded.len() == 1 && self.rows == 1);
        ensure(as_refused && one, "a refused order is on record and changed nothing", || {
            format!("{} rows, {recorded:?}", self.rows)
        })
    }

    /// A failure of the storage must be answered as one: only then does the
    /// shell build the actor's memory again.
    fn failure_is_told(&self, what: &str) -> Checked {
        ensure(self.failed || self.fired.is_none(), "a storage failure is answered as one", || {
            format!("{what} hid {:?}", self.fired)
        })
    }
}

/// All books.
pub(crate) struct Auditor {
    pub(crate) organizations: BTreeMap<OrganizationId, OrganizationAudit>,
    pub(crate) teams: BTreeMap<TeamId, TeamAudit>,
    pub(crate) transfers: Transfers,
    /// Calls whose provider ignores its limit.
    pub(crate) overrunning: BTreeSet<RequestId>,
}

impl Auditor {
    pub(crate) fn new(trees: &[Tree]) -> Self {
        let teams = trees.iter().flat_map(|tree| &tree.teams);
        Self {
            organizations: trees.iter().map(|tree| (tree.organization, OrganizationAudit::new(tree))).collect(),
            teams: teams.map(|place| (place.team, TeamAudit::new(place))).collect(),
            transfers: Transfers::default(),
            overrunning: BTreeSet::new(),
        }
    }

    /// Credits in all actors and in flight are those that were issued.
    pub(crate) fn nothing_lost(&self, organization: OrganizationId) -> Checked {
        let Some(books) = self.organizations.get(&organization) else {
            return Ok(());
        };
        let above: i128 = books
            .books
            .balances()
            .iter()
            .filter(|(account, _)| matches!(account, Account::Treasury | Account::Department(_)))
            .map(|(_, balance)| balance)
            .sum();
        let teams = self.teams.values().filter(|team| team.place.organization == organization);
        let below: i128 = teams
            .flat_map(|team| team.books.balances())
            .filter(|(account, _)| **account != Account::Parent)
            .map(|(_, balance)| balance)
            .sum();
        let in_flight = self.transfers.in_flight(organization);
        let issued = -books.books.balance(Account::Issued);
        ensure(above + below + in_flight == issued, "credits everywhere are credits issued", || {
            format!("{above} above and {below} in teams and {in_flight} in flight, {issued} issued")
        })
    }
}
