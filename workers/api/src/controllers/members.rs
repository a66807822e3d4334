//! Members.

use axum::Json;
use events::{MemberProfile, MemberStatus};
use identity::{MemberId, TeamId};
use ledger::Millicredits;
use organization::protocol::{Act, HasTag, MemberRecord, Reply};
use serde::{Deserialize, Serialize};
use team::protocol::MemberView;
use utoipa::{IntoParams, ToSchema};

use super::boosts::Boost;
use super::teams::Funds;
use super::{Created, created};
use crate::app::unexpected;
use crate::extract::{Action, Admin, Body, Caller, Id, Query, Target};
use crate::page::{List, Size, page};
use crate::problem::Problem;
use crate::schema;
use crate::tags::Tagged;
use crate::text::{Email, Models, Name, given};
use crate::time::Time;

/// A member of a team.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Member {
    #[schema(value_type = schema::MemberId)]
    id: MemberId,
    #[schema(value_type = schema::TeamId)]
    team_id: TeamId,
    name: String,
    email: Option<String>,
    #[schema(value_type = schema::MemberStatus)]
    status: MemberStatus,
    /// Models that they may use, within the team's; `null` for all of those.
    #[schema(value_type = Option<Vec<schema::ModelPattern>>)]
    models: Option<Vec<String>>,
    /// When what was personal about them was erased.
    #[schema(value_type = Option<schema::Time>)]
    erased_at: Option<Time>,
}

impl From<MemberRecord> for Member {
    fn from(record: MemberRecord) -> Self {
        Self {
            id: record.profile.member,
            team_id: record.team,
            name: record.profile.name,
            email: record.email,
            status: record.profile.status,
            models: record.profile.models,
            erased_at: record.erased_ms.map(Time::from_ms),
        }
    }
}

/// A member and where they stand.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct MemberDetail {
    #[serde(flatten)]
    member: Member,
    wallet: Funds,
    /// Credits apart from the wallet: they pay before it does.
    boosts: Vec<Boost>,
    /// What of the wallet others may use while they are away.
    lent: Funds,
    /// What they spent in all.
    #[schema(value_type = schema::Credits)]
    spent: Millicredits,
}

impl MemberDetail {
    /// The member, and what their team knows of them: nothing, where it has
    /// not heard of a new member yet.
    pub(crate) fn new(record: MemberRecord, standing: Option<MemberView>) -> Self {
        let (wallet, boosts, lent, spent) =
            standing.map(|member| (member.wallet, member.boosts, member.lent, member.spent)).unwrap_or_default();
        let boosts = boosts.into_iter().map(Boost::from).collect();
        Self { member: record.into(), wallet: wallet.into(), boosts, lent: lent.into(), spent }
    }
}

/// A new member.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewMember {
    #[schema(value_type = schema::TeamId)]
    team_id: TeamId,
    #[schema(value_type = schema::Name)]
    name: Name,
    /// Unique in the organization.
    #[serde(default)]
    #[schema(value_type = Option<schema::Email>)]
    email: Option<Email>,
    /// Models that they may use, within the team's; all of those if left out.
    #[serde(default)]
    #[schema(value_type = Option<Vec<schema::ModelPattern>>)]
    models: Option<Models>,
}

/// Changes to a member. What is left out stays as it is.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct MemberChange {
    #[schema(value_type = Option<schema::Name>)]
    name: Option<Name>,
    /// `null` for none.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<schema::Email>)]
    email: Option<Option<Email>>,
    /// A suspended member's keys do not work for now; keys and credits stay. Who is removed loses keys, sessions and
    /// roles for good, and their credits as `leaver_credits` says; their record stays.
    #[schema(value_type = Option<schema::MemberStatus>)]
    status: Option<MemberStatus>,
    /// `null` for all.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<Vec<schema::ModelPattern>>)]
    models: Option<Option<Models>>,
}

impl MemberChange {
    fn apply(self, member: MemberRecord) -> Act {
        let profile = MemberProfile {
            name: self.name.map_or(member.profile.name, Name::into_string),
            status: self.status.unwrap_or(member.profile.status),
            models: self.models.map_or(member.profile.models, |models| models.map(Models::into_vec)),
            ..member.profile
        };
        let email = self.email.map_or(member.email, |email| email.map(Email::into_string));
        Act::ChangeMember { member: profile, email }
    }
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct MemberFilter {
    /// Only this team's.
    #[param(value_type = Option<schema::TeamId>)]
    team_id: Option<TeamId>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
    /// Items of a page.
    #[serde(default)]
    #[param(value_type = Option<u8>, minimum = 1, maximum = 100)]
    limit: Size,
}

/// Make a member.
#[utoipa::path(post, path = "/api/v1/members", tag = "Members", request_body = NewMember,
    responses((status = 201, description = "They were made", body = Member)))]
#[worker::send]
pub(crate) async fn create_member(
    caller: Caller,
    Body { value, repeat }: Body<NewMember>,
) -> Result<Created<Member>, Problem> {
    let admin = caller.may(Action::CreateMember, Target::Team { id: value.team_id }).await?;
    let member = MemberProfile {
        version: 0,
        member: MemberId::from_u128(admin.id()?),
        name: value.name.into_string(),
        status: MemberStatus::Active,
        models: value.models.map(Models::into_vec),
        keeps_credits: false,
    };
    let act = Act::CreateMember { team: value.team_id, member, email: value.email.map(Email::into_string) };
    match admin.order(&repeat, act).await? {
        Reply::Member(record) => Ok(created(record.into())),
        _ => Err(unexpected()),
    }
}

/// List members.
#[utoipa::path(get, path = "/api/v1/members", tag = "Members", params(MemberFilter),
    responses((status = 200, description = "A page", body = List<Member>)))]
#[worker::send]
pub(crate) async fn list_members(
    caller: Caller,
    Query(asked): Query<MemberFilter>,
) -> Result<Json<List<Member>>, Problem> {
    let admin = caller.may(Action::ListMembers, Target::Visible).await?;
    let members = admin.directory().await?.members.into_iter();
    let wanted = members.filter(|member| asked.team_id.is_none_or(|id| member.team == id));
    let asked = (asked.cursor.as_deref(), asked.limit);
    page(wanted, asked, |member| member.profile.member, Member::from).map(Json)
}

/// Show a member and where they stand.
#[utoipa::path(get, path = "/api/v1/members/{member_id}", tag = "Members",
    params(("member_id" = schema::MemberId, Path)),
    responses((status = 200, description = "The member", body = MemberDetail)))]
#[worker::send]
pub(crate) async fn get_member(caller: Caller, Id(id): Id<MemberId>) -> Result<Tagged<MemberDetail>, Problem> {
    let admin = caller.may(Action::GetMember, Target::Member { id }).await?;
    let record = find(&admin, id).await?;
    let overview = admin.app.overview(record.team).await?;
    let standing = overview.members.into_iter().find(|member| member.profile.member == id);
    Ok(Tagged::shown(record.tag(), MemberDetail::new(record, standing)))
}

/// Change a member.
#[utoipa::path(patch, path = "/api/v1/members/{member_id}", tag = "Members",
    params(("member_id" = schema::MemberId, Path)), request_body = MemberChange,
    responses((status = 200, description = "As they are now", body = Member)))]
#[worker::send]
pub(crate) async fn change_member(
    caller: Caller,
    Id(id): Id<MemberId>,
    Body { value, repeat }: Body<MemberChange>,
) -> Result<Tagged<Member>, Problem> {
    let admin = caller.may(Action::ChangeMember, Target::Member { id }).await?;
    let read = async || find(&admin, id).await.map(|record| (record.tag(), record));
    match admin.change(&repeat, read, |record| Ok(value.clone().apply(record))).await? {
        Reply::Member(record) => Ok(Tagged::changed(record.tag(), record.into())),
        _ => Err(unexpected()),
    }
}

/// The member, if they are in this organization.
pub(crate) async fn find(admin: &Admin, id: MemberId) -> Result<MemberRecord, Problem> {
    let members = admin.directory().await?.members;
    members.into_iter().find(|member| member.profile.member == id).ok_or_else(|| Problem::not_found("member", id))
}
