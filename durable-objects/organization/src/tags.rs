//! Whether a thing is still what an order was meant for.

use journal::Tag;
use storage::Storage;

use crate::Organization;
use crate::protocol::{Act, HasTag, Order, OrderError, PutPolicy, tags};

impl<S: Storage> Organization<S> {
    /// Compares what is there with what the order was meant for, in the step
    /// that carries it out: nothing comes in between. Of what is not there, the
    /// order itself says so.
    pub(crate) fn is_meant_for(&self, order: &Order) -> Result<(), OrderError> {
        let Some(current) = self.tag(&order.act) else { return Ok(()) };
        // Earlier versions of the management API sent it with the policy.
        let version = match &order.act {
            Act::PutPolicy(PutPolicy { expected_version: Some(version), .. }) => Some(Tag::version(*version)),
            _ => None,
        };
        let fits = order.if_match.as_ref().is_none_or(|tags| tags.contains(&current));
        if fits && version.is_none_or(|version| version == current) {
            return Ok(());
        }
        let current_version = match &order.act {
            Act::PutPolicy(PutPolicy { id, .. }) | Act::RemovePolicy { id } => {
                self.records.policies.get(id).map_or(0, |record| record.version)
            }
            _ => 0,
        };
        Err(OrderError::Stale { current: current_version.into(), tag: Some(current) })
    }

    /// The tag of what an act changes; `None` when it makes something, or it is
    /// not there.
    fn tag(&self, act: &Act) -> Option<Tag> {
        let records = &self.records;
        match act {
            Act::Rename { .. } | Act::PutGeneral(_) | Act::ChangeOrganization { .. } => {
                records.profile.as_ref().map(|profile| tags::organization(&profile.name, &profile.general))
            }
            Act::PutOverrides { .. } => Some(records.overrides.tag()),
            Act::RenameDepartment { id, .. } => {
                records.departments.get(id).map(|department| tags::department(*id, &department.name))
            }
            Act::ChangeTeam(team) => records.teams.get(&team.id).map(|record| record.profile.tag()),
            Act::ChangeMember { member, .. } => records.members.get(&member.member).map(HasTag::tag),
            Act::PutProvider { provider, .. } => records.providers.get(&provider.id).map(HasTag::tag),
            Act::RemoveProvider { id } => records.providers.get(id).map(HasTag::tag),
            Act::PutChannel { channel, .. } => records.channels.get(&channel.id).map(HasTag::tag),
            Act::RemoveChannel { id } => records.channels.get(id).map(HasTag::tag),
            Act::PutCalendar { calendar, .. } => records.calendars.get(&calendar.id).map(HasTag::tag),
            Act::RemoveCalendar { id } => records.calendars.get(id).map(HasTag::tag),
            Act::ChangePlan(new) => records.plans.get(&new.id).map(HasTag::tag),
            Act::RemovePlan { id } => records.plans.get(id).map(HasTag::tag),
            Act::ChangeServiceAccount { id, .. } | Act::RevokeServiceKey { account: id, .. } => {
                records.service_accounts.get(id).map(HasTag::tag)
            }
            Act::PutPolicy(PutPolicy { id, .. }) | Act::RemovePolicy { id } => {
                records.policies.get(id).map(HasTag::tag)
            }
            // Versions begin with 1.
            Act::PutSignIn(_) | Act::RemoveSignIn => {
                Some(records.sign_in.as_ref().map_or_else(|| Tag::version(0u32), HasTag::tag))
            }
            Act::PutDomains { .. } => records.profile.as_ref().map(|profile| tags::domains(&profile.domains)),
            Act::RemoveWorkload { id } => records.workloads.get(id).map(Tag::of),
            Act::RevokeAdminKey { id } => records.admin_keys.get(id).map(Tag::of),
            Act::RevokeGrant { id } => records.grants.get(id).map(Tag::of),
            Act::CreateAdminKey(_)
            | Act::CreateDepartment { .. }
            | Act::CreatePlan(_)
            | Act::CreateTeam(_)
            | Act::CreateMember { .. }
            | Act::ExportMember { .. }
            | Act::EraseMember { .. }
            | Act::TestChannel { .. }
            | Act::ResendDeadLetter { .. }
            | Act::CreateChatLink { .. }
            | Act::LinkChat { .. }
            | Act::RemoveChatLink { .. }
            | Act::Issue { .. }
            | Act::Allot { .. }
            | Act::CreateServiceAccount { .. }
            | Act::CreateServiceKey(_)
            | Act::CreateGrant(_)
            | Act::LendRole(_)
            | Act::CreateWorkload { .. }
            | Act::PutSetupToken(_)
            | Act::Reseal { .. }
            | Act::CreateSession(_)
            | Act::EndSessions { .. }
            | Act::RequestApproval(_)
            | Act::DecideApproval(_)
            | Act::CancelApproval { .. } => None,
        }
    }
}
