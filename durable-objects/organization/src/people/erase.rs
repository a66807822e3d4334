//! The end of what is personal about somebody who has left.
//!
//! Their id stays, for money and the trail name them by it; what says whose it
//! was goes: name, address, the account at the provider and what that has said
//! of them by SCIM, workloads and calendars of theirs, why they asked for credits and why they
//! decided, details of the audit trail, and replies that are remembered. All
//! teams hear of it by a message, as exactly once as of any other change: notes
//! of what they sent and details of what they did may be in each.

use events::{MemberProfile, MemberStatus, Message};
use identity::MemberId;
use journal::Change;
use storage::Storage;

use crate::Organization;
use crate::order::not_found;
use crate::organization::write;
use crate::people;
use crate::protocol::{MemberRecord, Order, OrderError, Reply};
use crate::provisioning::forget;
use crate::records;
use crate::settings::StandsFor;

impl<S: Storage> Organization<S> {
    /// Notes in the trail that all that is kept about somebody was handed out.
    pub(crate) fn note_export(&mut self, now: i64, order: &Order, member: MemberId) -> Result<Reply, OrderError> {
        if !self.records.members.contains_key(&member) {
            return Err(not_found("member", member));
        }
        self.finish(now, order, Change::new(), Reply::Done)
    }

    /// Erases them; doing it twice is doing it once.
    pub(crate) fn erase_member(&mut self, now: i64, order: &Order, id: MemberId) -> Result<Reply, OrderError> {
        let known = self.records.members.get(&id).ok_or_else(|| not_found("member", id))?;
        if known.erased_ms.is_some() {
            return Ok(Reply::Member(known.clone()));
        }
        if known.profile.status != MemberStatus::Removed {
            let message = format!("`{id}` is still a member: set their status to `removed` first");
            return Err(OrderError::Conflict { message });
        }
        let team = known.team;
        let mut profile = self.profile()?.clone();
        profile.directory_version = profile.directory_version.saturating_add(1);
        let member = MemberProfile { version: profile.directory_version, name: pseudonym(id), ..known.profile.clone() };
        let record = MemberRecord { team, profile: member.clone(), email: None, link: None, erased_ms: Some(now) };
        let over = self.sessions_of(id);
        let theirs = |stands_for: StandsFor| matches!(stands_for, StandsFor::Key { member, .. } if member == id);
        let workloads: Vec<_> =
            self.records.workloads.values().filter(|one| theirs(one.stands_for)).map(|one| one.id).collect();
        let mut change = Change::new();
        people::remove(&mut change, &over);
        for workload in &workloads {
            let (sql, values) = records::remove(workload);
            change.write(sql, values);
        }
        for (sql, values) in forget(&id.to_string()) {
            change.write(sql, values);
        }
        write(&mut change, id, &record)?;
        change.forget_replies(id);
        let blanked = self.without_words_of(id, &mut change)?;
        let (calendars, gone) = self.calendars_without(id, &mut change)?;
        change.send(team.to_string(), Message::Member(member));
        // They may have sent credits to any team, and acted in it.
        for team in self.records.teams.keys() {
            change.send(team.to_string(), Message::Erase { member: id });
        }
        // Gateways know workloads by the settings' version.
        let reply = self.change_settings(now, order, change, profile, Reply::Member(record.clone()))?;
        self.records.members.insert(id, record);
        self.records.workloads.retain(|workload, _| !workloads.contains(workload));
        self.forget_sessions(&over);
        self.records.calendars.retain(|calendar, _| !gone.contains(calendar));
        self.records.calendars.extend(calendars.into_iter().map(|calendar| (calendar.id, calendar)));
        blanked.into_iter().for_each(|approval| self.approvals.note(approval));
        Ok(reply)
    }
}

/// What stands where the name was: the end of the id, so that lists can still
/// tell one from another.
fn pseudonym(id: MemberId) -> String {
    let id = id.to_string();
    let end = id.len().saturating_sub(8);
    format!("Erased {}", id.get(end..).unwrap_or_default())
}
