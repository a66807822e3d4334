//! To whom a plan gives, where that comes from, and who sees it.

use ::organization::protocol::{Directory, Recipients};
use identity::{DepartmentId, MemberId, TeamId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::controllers::transfers::team_of;
use crate::extract::{Action, Caller, Target};
use crate::node::Node;
use crate::problem::Problem;
use crate::schema;

/// To whom a plan gives: to one, or to each that there is when a period begins.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, ToSchema)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
#[schema(as = Recipients)]
pub(crate) enum RecipientsBody {
    /// A department.
    Department {
        #[schema(value_type = schema::DepartmentId)]
        id: DepartmentId,
    },
    /// Each department.
    EachDepartment {},
    /// A team's pool.
    Team {
        #[schema(value_type = schema::TeamId)]
        id: TeamId,
    },
    /// The pool of each team.
    EachTeam {
        /// Only in this department.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[schema(value_type = Option<schema::DepartmentId>)]
        of: Option<DepartmentId>,
    },
    /// A member's wallet.
    Member {
        #[schema(value_type = schema::MemberId)]
        id: MemberId,
    },
    /// The wallet of each member.
    EachMember {
        /// Only in this department or team.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[schema(value_type = Option<schema::DepartmentOrTeam>)]
        of: Option<Node>,
    },
}

impl TryFrom<RecipientsBody> for Recipients {
    type Error = Problem;

    fn try_from(body: RecipientsBody) -> Result<Self, Problem> {
        Ok(match body {
            RecipientsBody::Department { id } => Self::Department { department: id },
            RecipientsBody::EachDepartment {} => Self::Departments,
            RecipientsBody::Team { id } => Self::Team { team: id },
            RecipientsBody::EachTeam { of } => Self::Teams { department: of },
            RecipientsBody::Member { id } => Self::Member { member: id },
            RecipientsBody::EachMember { of: None } => Self::Members { department: None, team: None },
            RecipientsBody::EachMember { of: Some(Node::Department(id)) } => {
                Self::Members { department: Some(id), team: None }
            }
            RecipientsBody::EachMember { of: Some(Node::Team(id)) } => {
                Self::Members { department: None, team: Some(id) }
            }
            RecipientsBody::EachMember { of: Some(other) } => {
                return Err(Problem::invalid(format!("`{other}` has no members: name a department or a team in `of`")));
            }
        })
    }
}

impl From<Recipients> for RecipientsBody {
    fn from(to: Recipients) -> Self {
        match to {
            Recipients::Department { department } => Self::Department { id: department },
            Recipients::Departments => Self::EachDepartment {},
            Recipients::Team { team } => Self::Team { id: team },
            Recipients::Teams { department } => Self::EachTeam { of: department },
            Recipients::Member { member } => Self::Member { id: member },
            Recipients::Members { department, team } => {
                Self::EachMember { of: team.map(Node::Team).or(department.map(Node::Department)) }
            }
        }
    }
}

/// Where a plan's credits come from: who may give from there may have the plan.
pub(super) async fn giver(caller: &Caller, to: Recipients) -> Result<Target, Problem> {
    Ok(match to {
        Recipients::Department { .. }
        | Recipients::Departments
        | Recipients::Teams { department: None }
        | Recipients::Members { department: None, team: None } => Target::Organization,
        Recipients::Teams { department: Some(id) } | Recipients::Members { department: Some(id), team: None } => {
            Target::Department { id }
        }
        Recipients::Members { team: Some(id), .. } => Target::Team { id },
        Recipients::Team { team } => {
            let admin =
                caller.clone().goes_on(Action::ListPlans, Target::Team { id: team }, Default::default()).await?;
            let directory = admin.directory().await?;
            let found = directory.teams.iter().find(|known| known.profile.team == team);
            Target::Department { id: found.ok_or_else(|| Problem::not_found("team", team))?.profile.department }
        }
        Recipients::Member { member } => {
            let target = Target::Member { id: member };
            let admin = caller.clone().goes_on(Action::ListPlans, target, Default::default()).await?;
            let team = team_of(&admin.directory().await?, member);
            Target::Team { id: team.ok_or_else(|| Problem::not_found("member", member))? }
        }
    })
}

/// The place on which a plan's recipients are: who may look there, sees it.
pub(super) fn place(directory: &Directory, to: Recipients) -> Option<policy::Node> {
    Some(match to {
        Recipients::Department { .. }
        | Recipients::Departments
        | Recipients::Teams { department: None }
        | Recipients::Members { department: None, team: None } => policy::Node::Organization(directory.organization),
        Recipients::Teams { department: Some(id) } | Recipients::Members { department: Some(id), team: None } => {
            policy::Node::Department(id)
        }
        Recipients::Team { team } | Recipients::Members { team: Some(team), .. } => policy::Node::Team(team),
        Recipients::Member { member } => policy::Node::Team(team_of(directory, member)?),
    })
}
