//! Acts of management: recognised when repeated, committed whole.

use journal::{Change, Remembered};
use storage::Storage;

use crate::Organization;
use crate::organization::{admin_key, write};
use crate::protocol::{Act, NewAdminKey, Order, OrderError, Reply};

impl<S: Storage> Organization<S> {
    /// Does what was ordered, once for each idempotency key.
    ///
    /// # Errors
    /// [`OrderError`]; nothing has changed.
    pub fn order(&mut self, now: i64, order: &Order) -> Result<Reply, OrderError> {
        self.profile()?;
        if let Some(idempotency) = &order.idempotency {
            let known = self.journal.recall(&idempotency.key, &idempotency.fingerprint);
            match known.map_err(|_| OrderError::Storage)? {
                Remembered::New => {}
                Remembered::Same(reply) => return serde_json::from_str(&reply).map_err(|_| OrderError::Storage),
                Remembered::Different => {
                    return Err(OrderError::IdempotencyConflict { key: idempotency.key.clone() });
                }
            }
        }
        let outcome = self.is_meant_for(order).and_then(|()| self.carry_out(now, order));
        if let Err(error) = &outcome
            && *error != OrderError::Storage
        {
            // What was refused changed nothing, but is known.
            let mut change = Change::new();
            change.audit(Self::failed(order, error));
            self.commit(now, change).map_err(|_| OrderError::Storage)?;
        }
        outcome
    }

    fn carry_out(&mut self, now: i64, order: &Order) -> Result<Reply, OrderError> {
        match &order.act {
            Act::Rename { name } => self.rename(now, order, name),
            Act::CreateAdminKey(new) => self.create_admin_key(now, order, new),
            Act::RevokeAdminKey { id } => self.revoke_admin_key(now, order, *id),
            Act::CreateDepartment { id, name } => self.create_department(now, order, *id, name),
            Act::RenameDepartment { id, name } => self.rename_department(now, order, *id, name),
            Act::CreateTeam(team) => self.create_team(now, order, team),
            Act::ChangeTeam(team) => self.change_team(now, order, team),
            Act::CreateMember { team, member, email } => self.create_member(now, order, *team, member, email),
            Act::ChangeMember { member, email } => self.change_member(now, order, member, email),
            Act::ExportMember { member } => self.note_export(now, order, *member),
            Act::EraseMember { member } => self.erase_member(now, order, *member),
            Act::Issue { transfer, amount, note } => self.issue(now, order, *transfer, *amount, note.clone()),
            Act::Allot { transfer, from, to, amount, note } => {
                self.allot(now, order, (*transfer, *from, *to, *amount), note.clone())
            }
            Act::RequestApproval(asked) => self.request_approval(now, order, asked),
            Act::DecideApproval(decide) => self.decide_approval(now, order, decide),
            Act::CancelApproval { id } => self.cancel_approval(now, order, *id),
            Act::PutProvider { provider, new } => self.put_provider(now, order, provider, *new),
            Act::PutChannel { channel, new } => self.put_channel(now, order, channel, *new),
            Act::RemoveChannel { id } => self.remove_channel(now, order, *id),
            Act::PutCalendar { calendar, new } => self.put_calendar(now, order, calendar, *new),
            Act::RemoveCalendar { id } => self.remove_calendar(now, order, *id),
            Act::CreatePlan(new) => self.create_plan(now, order, new),
            Act::ChangePlan(new) => self.replace_plan(now, order, new),
            Act::RemovePlan { id } => self.remove_plan(now, order, *id),
            Act::TestChannel { id, member } => self.note_test(now, order, *id, *member),
            // What they are about is elsewhere; this is their record.
            Act::ResendDeadLetter { .. }
            | Act::CreateChatLink { .. }
            | Act::LinkChat { .. }
            | Act::RemoveChatLink { .. } => self.finish(now, order, Change::new(), Reply::Done),
            Act::Reseal { secrets } => self.reseal(now, order, secrets),
            Act::RemoveProvider { id } => self.remove_provider(now, order, *id),
            Act::PutOverrides { overrides } => self.put_overrides(now, order, overrides),
            Act::PutGeneral(general) => self.put_general(now, order, None, general),
            Act::ChangeOrganization { name, general } => self.put_general(now, order, Some(name), general),
            Act::CreateServiceAccount { id, name } => self.create_service_account(now, order, *id, name),
            Act::ChangeServiceAccount { id, name, disabled } => {
                self.change_service_account(now, order, *id, name, *disabled)
            }
            Act::CreateServiceKey(new) => self.create_service_key(now, order, new),
            Act::RevokeServiceKey { account, key } => self.revoke_service_key(now, order, *account, *key),
            Act::CreateGrant(new) => self.create_grant(now, order, new),
            Act::LendRole(new) => self.lend_role(now, order, new),
            Act::RevokeGrant { id } => self.revoke_grant(now, order, *id),
            Act::CreateWorkload { workload, scopes } => self.create_workload(now, order, workload, scopes.as_ref()),
            Act::RemoveWorkload { id } => self.remove_workload(now, order, *id),
            Act::PutSignIn(put) => self.put_sign_in(now, order, put),
            Act::RemoveSignIn => self.remove_sign_in(now, order),
            Act::PutDomains { domains } => self.put_domains(now, order, domains),
            Act::PutSetupToken(token) => self.put_setup_token(now, order, token),
            Act::CreateSession(new) => self.create_session(now, order, new),
            Act::EndSessions { member, only } => self.end_sessions(now, order, *member, *only),
            Act::PutPolicy(put) => self.put_policy(now, order, put),
            Act::RemovePolicy { id } => self.remove_policy(now, order, *id),
        }
    }

    /// Commits a change with its record and the memory of its reply.
    pub(crate) fn finish(
        &mut self,
        now: i64,
        order: &Order,
        mut change: Change,
        reply: Reply,
    ) -> Result<Reply, OrderError> {
        change.audit(self.done(order, &reply));
        if let Some(idempotency) = &order.idempotency {
            let text = serde_json::to_string(&reply).map_err(|_| OrderError::Storage)?;
            change.remember(&idempotency.key, &idempotency.fingerprint, text);
        }
        self.commit(now, change)?;
        Ok(reply)
    }

    fn rename(&mut self, now: i64, order: &Order, name: &str) -> Result<Reply, OrderError> {
        let mut profile = self.profile()?.clone();
        name.clone_into(&mut profile.name);
        self.change_settings(now, order, Change::new(), profile, Reply::Done)
    }

    fn create_admin_key(&mut self, now: i64, order: &Order, new: &NewAdminKey) -> Result<Reply, OrderError> {
        let known = self.records.admin_keys.values().any(|key| key.id == new.id || key.hash == new.hash);
        if known {
            return Err(OrderError::Conflict { message: "the key exists already".to_owned() });
        }
        let key = admin_key(now, new);
        let mut change = Change::new();
        write(&mut change, key.id, &key)?;
        let reply = self.finish(now, order, change, Reply::AdminKey(key.clone()))?;
        self.records.admin_keys.insert(key.id, key);
        Ok(reply)
    }

    /// Revoking twice is revoking once. The last key stays: without one nobody
    /// but the operator could manage the organization.
    fn revoke_admin_key(&mut self, now: i64, order: &Order, id: identity::AdminKeyId) -> Result<Reply, OrderError> {
        let mut key = self.records.admin_keys.get(&id).cloned().ok_or_else(|| not_found("admin key", id))?;
        let others = self.records.admin_keys.values().filter(|other| other.id != id && other.revoked_ms.is_none());
        if key.revoked_ms.is_none() && others.count() == 0 {
            let message = "this is the last admin key: make another one first".to_owned();
            return Err(OrderError::Conflict { message });
        }
        key.revoked_ms.get_or_insert(now);
        let mut change = Change::new();
        write(&mut change, key.id, &key)?;
        let reply = self.finish(now, order, change, Reply::AdminKey(key.clone()))?;
        self.records.admin_keys.insert(key.id, key);
        Ok(reply)
    }
}

pub(crate) fn not_found(what: &str, id: impl ToString) -> OrderError {
    OrderError::NotFound { what: what.to_owned(), id: id.to_string() }
}

pub(crate) fn invalid(message: impl ToString) -> OrderError {
    OrderError::Invalid { message: message.to_string() }
}
