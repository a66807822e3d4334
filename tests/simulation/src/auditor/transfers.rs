//! Credits between actors: they leave once, arrive once, and are somewhere in
//! between.

use std::collections::{BTreeMap, BTreeSet};

use events::{Envelope, Message, Passage};
use identity::{OrganizationId, TeamId};
use ledger::Millicredits;

use super::approvals::Approved;
use super::rows;
use crate::actors::Disk;
use crate::violation::{Checked, ensure, violated};

/// Which way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Way {
    Down,
    Up,
}

/// A movement to or from a team: those of a plan's period have one name in all
/// teams.
type Name = (Way, TeamId, String);

/// All movements between actors.
#[derive(Default)]
pub(crate) struct Transfers {
    in_flight: BTreeMap<Name, (OrganizationId, i128)>,
    arrived: BTreeSet<Name>,
    sums: BTreeMap<OrganizationId, i128>,
    /// From team to team: with the sender, on their way, or with the receiver.
    passages: Vec<(OrganizationId, Passage)>,
    /// What was approved and is carried out.
    pub(super) approved: Approved,
}

impl Transfers {
    pub(super) fn in_flight(&self, organization: OrganizationId) -> i128 {
        self.sums.get(&organization).copied().unwrap_or(0)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.in_flight.is_empty() && self.passages.is_empty()
    }

    /// A team has let go of credits for another: its outbox must hold them.
    pub(super) fn leaves(&mut self, organization: OrganizationId, expected: &Passage, disk: &Disk) -> Checked {
        let sql = "SELECT message FROM outbox WHERE message LIKE '%' || ? || '%' ORDER BY number DESC LIMIT 1";
        let text = rows::text(disk, sql, &expected.transfer.to_string())?;
        let sent = text.as_deref().and_then(|text| serde_json::from_str::<Envelope>(text).ok());
        let same = sent.is_some_and(|sent| sent.message == Message::Transfer(expected.clone()));
        ensure(same, "what left is in the outbox", || format!("{expected:?}: {text:?}"))?;
        *self.sums.entry(organization).or_default() += i128::from(expected.amount.get());
        self.passages.push((organization, expected.clone()));
        Ok(())
    }

    /// They have arrived, or come back.
    pub(super) fn comes(&mut self, organization: OrganizationId, passage: &Passage) -> Checked {
        let place = self.passages.iter().position(|(of, sent)| *of == organization && sent == passage);
        let Some(place) = place else { return violated("a movement arrives once", format!("{passage:?}")) };
        self.passages.remove(place);
        *self.sums.entry(organization).or_default() -= i128::from(passage.amount.get());
        Ok(())
    }

    /// An actor has let go of credits: its outbox must hold them now.
    pub(super) fn departs(
        &mut self,
        way: Way,
        (organization, team): (OrganizationId, TeamId),
        (reference, amount): (&str, Millicredits),
        disk: &Disk,
    ) -> Checked {
        let name = (way, team, reference.to_owned());
        if self.arrived.contains(&name) || self.in_flight.contains_key(&name) {
            return violated("a movement leaves once", reference);
        }
        let sql = "SELECT group_concat(target) FROM outbox WHERE message LIKE '%' || ? || '%'";
        let targets = rows::text(disk, sql, reference)?.unwrap_or_default();
        let expected = if way == Way::Down { team.to_string() } else { organization.to_string() };
        ensure(targets.split(',').any(|target| target == expected), "what left is in the outbox", || {
            format!("{reference} for {expected}: {targets}")
        })?;
        self.in_flight.insert(name, (organization, amount.get().into()));
        *self.sums.entry(organization).or_default() += i128::from(amount.get());
        Ok(())
    }

    /// An actor has taken credits in.
    pub(super) fn arrives(
        &mut self,
        way: Way,
        (organization, team): (OrganizationId, TeamId),
        (reference, amount): (&str, Millicredits),
    ) -> Checked {
        let name = (way, team, reference.to_owned());
        let expected = (organization, i128::from(amount.get()));
        match self.in_flight.remove(&name) {
            Some(sent) if sent == expected => {}
            Some(sent) => {
                return violated("what arrives is what was sent", format!("{reference}: {sent:?}, {expected:?}"));
            }
            None if self.arrived.contains(&name) => {
                return violated("a movement arrives once", reference);
            }
            None => return violated("what arrives was sent", reference),
        }
        self.arrived.insert(name);
        *self.sums.entry(organization).or_default() -= expected.1;
        Ok(())
    }
}
