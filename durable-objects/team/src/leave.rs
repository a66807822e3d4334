//! A member has left: their keys end, and their credits go back to the pool.
//! And, where that is ordered, what is personal about them goes too.

use audit::{Draft, Erasure};
use events::{MemberProfile, MemberStatus};
use identity::{MemberId, Principal};
use journal::Change;
use ledger::mutant::{self, Mutant};
use ledger::{Account, Draft as Movement, Kind, Millicredits};
use storage::Storage;

use crate::Team;
use crate::boost::After;
use crate::lending::Returned;
use crate::protocol::OrderError;
use crate::receive::push;
use crate::records::Key;

/// What stands where a key's name was.
const ERASED: &str = "erased";

/// What is different once somebody has left.
#[derive(Default)]
pub(crate) struct Left {
    pub(crate) keys: Vec<Key>,
    pub(crate) boosts: Vec<After>,
    pub(crate) away: Option<Returned>,
}

impl<S: Storage> Team<S> {
    /// What it means that a member is as they are now: of somebody who was
    /// removed, the keys and boosts as they are afterwards.
    pub(crate) fn leave(&self, now: i64, member: &MemberProfile, change: &mut Change) -> Result<Left, OrderError> {
        if member.status != MemberStatus::Removed {
            return Ok(Left::default());
        }
        let own = self.records.keys.values().filter(|key| key.member == member.member && key.revoked_ms.is_none());
        let keys: Vec<Key> = own.map(|key| Key { revoked_ms: Some(now), previous: None, ..key.clone() }).collect();
        keys.iter().try_for_each(|key| push(change, key.id, key))?;
        let wallet = Account::Wallet(member.member);
        let home = if member.keeps_credits { wallet } else { Account::Pool };
        let absences = self.leave_absences(now, member.member, change)?;
        let away = self.leave_lending(now, (member.member, home), absences, change)?;
        let mut boosts = Vec::new();
        if !member.keeps_credits {
            give_back(change, member.member, self.available(wallet));
            boosts = self.leave_boosts(now, member.member, change)?;
        }
        Ok(Left { keys, boosts, away: Some(away) })
    }

    /// What it means that somebody who was removed is erased: their keys
    /// without what they were called and where they were used, transfers and
    /// boosts of theirs without notes, and no details in the trail about them.
    pub(crate) fn erase(&self, member: MemberId, change: &mut Change) -> Result<Vec<Key>, OrderError> {
        let own = self.records.keys.values().filter(|key| key.member == member);
        let keys: Vec<Key> = own.map(|key| Key { name: ERASED.to_owned(), addresses: None, ..key.clone() }).collect();
        keys.iter().try_for_each(|key| push(change, key.id, key))?;
        change.forget_replies(member);
        Self::without_notes_of(member, change);
        Self::without_reasons_of(member, change);
        Self::without_words_about(member, change);
        let erase = |id: String| (Draft::done("erase_member", Principal::System), id);
        let subjects = std::iter::once(member.to_string()).chain(keys.iter().map(|key| key.id.to_string()));
        for (draft, id) in subjects.map(erase) {
            change.erase_details(Draft { resource: Some(id.clone()), ..draft }, Erasure::Subject(id));
        }
        Ok(keys)
    }

    /// After the end of a call: what it had reserved of the wallet of somebody
    /// who was removed and did not use goes where the rest went before.
    /// `change` pays the call; with it the wallet has `left` beside what other
    /// calls have reserved.
    pub(crate) fn follow(&self, change: &mut Change, member: MemberId, left: Millicredits) {
        let known = self.records.members.get(&member).filter(|_| !mutant::is_active(Mutant::ForgetLeaver));
        if known.is_some_and(|known| known.status == MemberStatus::Removed && !known.keeps_credits) {
            give_back(change, member, left);
        }
    }

    /// Whether somebody can get credits or keys.
    ///
    /// # Errors
    /// When they were removed.
    pub(crate) fn is_here(&self, member: MemberId) -> Result<(), OrderError> {
        match self.records.members.get(&member) {
            Some(known) if known.status == MemberStatus::Removed => {
                let message = format!("`{member}` was removed from the team: set their status to `active` first");
                Err(OrderError::Conflict { message })
            }
            _ => Ok(()),
        }
    }
}

fn give_back(change: &mut Change, member: MemberId, left: Millicredits) {
    if left > Millicredits::ZERO {
        change.post(Movement {
            kind: Kind::Return,
            debit: Account::Wallet(member),
            credit: Account::Pool,
            amount: left,
            reference: member.to_string(),
            who: Principal::System,
            call: None,
            note: Some("the member was removed".to_owned()),
        });
    }
}
