//! Roles: granted by admins, lent by whoever has them.

use identity::{GrantId, MemberId, Principal};
use journal::Change;
use policy::{Grant, Grantee};
use storage::Storage;

use crate::Organization;
use crate::order::{invalid, not_found};
use crate::organization::write;
use crate::protocol::{NewGrant, Order, OrderError, Reply};
use crate::records;

/// They are in the actor's memory, and each decision looks through them.
const MOST_GRANTS: usize = 5000;

impl<S: Storage> Organization<S> {
    pub(crate) fn create_grant(&mut self, now: i64, order: &Order, new: &NewGrant) -> Result<Reply, OrderError> {
        self.put_grant(now, order, new, None)
    }

    /// Only what the lender has of their own, on the same node or below, for a
    /// time; what was lent cannot be lent on.
    pub(crate) fn lend_role(&mut self, now: i64, order: &Order, new: &NewGrant) -> Result<Reply, OrderError> {
        let lender = person(order.who).ok_or_else(|| invalid("only a person can lend a role of their own"))?;
        if new.until_ms.is_none() {
            return Err(invalid("a role is lent until a date: say `until`"));
        }
        if new.to == Grantee::Member(lender) {
            return Err(invalid("nobody needs to lend themselves a role"));
        }
        if !self.has_of_their_own(now, lender, new.role, new.on) {
            let message = format!("`{}` on `{}` is not yours to lend", new.role, new.on);
            return Err(OrderError::Conflict { message });
        }
        self.put_grant(now, order, new, Some(lender))
    }

    fn put_grant(
        &mut self,
        now: i64,
        order: &Order,
        new: &NewGrant,
        lender: Option<MemberId>,
    ) -> Result<Reply, OrderError> {
        if self.records.grants.len() >= MOST_GRANTS {
            return Err(OrderError::Conflict { message: format!("an organization can have {MOST_GRANTS} grants") });
        }
        match new.to {
            Grantee::Member(id) if !self.records.members.contains_key(&id) => return Err(not_found("member", id)),
            Grantee::Service(id) if !self.records.service_accounts.contains_key(&id) => {
                return Err(not_found("service account", id));
            }
            _ => {}
        }
        if self.path(new.on).is_none() {
            return Err(not_found("node", new.on));
        }
        if !new.role.fits(new.on) {
            return Err(invalid(format!(
                "the role `{}` makes no sense on `{}`: choose a node above",
                new.role, new.on
            )));
        }
        if new.until_ms.is_some_and(|until| until <= now) {
            return Err(invalid("`until` is in the past: the role would never be held"));
        }
        let grant = Grant {
            id: new.id,
            to: new.to,
            role: new.role,
            on: new.on,
            until_ms: new.until_ms,
            only: new.only.clone(),
            lender,
            by: order.who,
            by_groups: false,
            created_ms: now,
        };
        let same = |other: &&Grant| {
            (other.to, other.role, other.on, other.until_ms, &other.only, other.lender)
                == (grant.to, grant.role, grant.on, grant.until_ms, &grant.only, grant.lender)
        };
        if let Some(other) = self.records.grants.values().find(same) {
            return Err(OrderError::Conflict { message: format!("that is granted already, as `{}`", other.id) });
        }
        let mut change = Change::new();
        write(&mut change, grant.id, &grant)?;
        // Those whose time has run out make room.
        let over: Vec<GrantId> =
            self.records.grants.values().filter(|old| !old.is_current(now)).map(|old| old.id).collect();
        for id in &over {
            let (sql, values) = records::remove(id);
            change.write(sql, values);
        }
        let reply = self.change_access(now, order, change, Reply::Grant(Box::new(grant.clone())))?;
        self.records.grants.retain(|id, _| !over.contains(id));
        self.records.grants.insert(grant.id, grant);
        Ok(reply)
    }

    pub(crate) fn revoke_grant(&mut self, now: i64, order: &Order, id: GrantId) -> Result<Reply, OrderError> {
        let grant = self.records.grants.get(&id).cloned().ok_or_else(|| not_found("grant", id))?;
        let mut change = Change::new();
        let (sql, values) = records::remove(id);
        change.write(sql, values);
        let reply = self.change_access(now, order, change, Reply::Grant(Box::new(grant)))?;
        self.records.grants.remove(&id);
        Ok(reply)
    }
}

fn person(who: Principal) -> Option<MemberId> {
    match who {
        Principal::Member(member, _) | Principal::Person(member, _) | Principal::Chat(member, _) => Some(member),
        Principal::Operator | Principal::Admin(_) | Principal::Service(..) | Principal::System => None,
    }
}
