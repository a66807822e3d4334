//! The places of the tree that have credits, as the API names them.

use std::fmt;
use std::str::FromStr;

use identity::{DepartmentId, MemberId, TeamId};
use ledger::Account;
use organization::protocol::{Directory, Target};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::problem::{Code, Problem};

/// Where credits are: `treasury`, or the id of a department, team or member.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Node {
    /// The organization's own account.
    Treasury,
    /// A department's account.
    Department(DepartmentId),
    /// A team's pool.
    Team(TeamId),
    /// A member's wallet.
    Member(MemberId),
}

/// A text that names no place.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` has no credits: use `treasury`, or the id of a department, team or member")]
pub(crate) struct NodeError(String);

impl Node {
    /// What a question about its credits is about.
    pub(crate) const fn target(self) -> Target {
        match self {
            Self::Treasury => Target::Organization,
            Self::Department(id) => Target::Department { id },
            Self::Team(id) => Target::Team { id },
            Self::Member(id) => Target::Wallet { id },
        }
    }
}

impl fmt::Display for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Treasury => f.write_str("treasury"),
            Self::Department(id) => id.fmt(f),
            Self::Team(id) => id.fmt(f),
            Self::Member(id) => id.fmt(f),
        }
    }
}

impl FromStr for Node {
    type Err = NodeError;

    fn from_str(text: &str) -> Result<Self, NodeError> {
        let unknown = || NodeError(text.chars().take(80).collect());
        match text.split_once('_').map(|(prefix, _)| prefix) {
            None if text == "treasury" => Ok(Self::Treasury),
            Some(DepartmentId::PREFIX) => text.parse().map(Self::Department).map_err(|_| unknown()),
            Some(TeamId::PREFIX) => text.parse().map(Self::Team).map_err(|_| unknown()),
            Some(MemberId::PREFIX) => text.parse().map(Self::Member).map_err(|_| unknown()),
            _ => Err(unknown()),
        }
    }
}

impl Serialize for Node {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// Which actor moves credits, and how it calls the accounts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Route {
    /// The organization's.
    Organization(Account, Account),
    /// The team's: from its pool back to its department.
    Return(TeamId),
    /// The team's: between its pool and a member's wallet.
    Team(TeamId, Account, Account),
}

/// Finds the way from one place to another.
///
/// # Errors
/// When a place is not in this organization, or there is no way.
pub(crate) fn route(directory: &Directory, from: Node, to: Node) -> Result<Route, Problem> {
    for node in [from, to] {
        must_be_in(directory, node)?;
    }
    let department_of =
        |id: TeamId| directory.teams.iter().find(|team| team.profile.team == id).map(|team| team.profile.department);
    let team_of =
        |id: MemberId| directory.members.iter().find(|member| member.profile.member == id).map(|member| member.team);
    Ok(match (from, to) {
        (Node::Treasury, Node::Department(id)) => Route::Organization(Account::Treasury, Account::Department(id)),
        (Node::Department(id), Node::Treasury) => Route::Organization(Account::Department(id), Account::Treasury),
        (Node::Department(id), Node::Team(team)) if department_of(team) == Some(id) => {
            Route::Organization(Account::Department(id), Account::Team(team))
        }
        (Node::Team(team), Node::Department(id)) if department_of(team) == Some(id) => Route::Return(team),
        (Node::Team(team), Node::Member(id)) if team_of(id) == Some(team) => {
            Route::Team(team, Account::Pool, Account::Wallet(id))
        }
        (Node::Member(id), Node::Team(team)) if team_of(id) == Some(team) => {
            Route::Team(team, Account::Wallet(id), Account::Pool)
        }
        _ => {
            return Err(Problem::invalid(format!(
                "credits cannot be allotted from `{from}` to `{to}`: they go one step at a time between the treasury \
                 and a department, a department and its own team, a team and its own member"
            )));
        }
    })
}

/// Whether the place is in this organization; others' are as if they were not.
pub(crate) fn must_be_in(directory: &Directory, node: Node) -> Result<(), Problem> {
    let (what, known) = match node {
        Node::Treasury => return Ok(()),
        Node::Department(id) => ("department", directory.departments.iter().any(|department| department.id == id)),
        Node::Team(id) => ("team", directory.teams.iter().any(|team| team.profile.team == id)),
        Node::Member(id) => ("member", directory.members.iter().any(|member| member.profile.member == id)),
    };
    if known { Ok(()) } else { Err(Problem::not_found(what, node)) }
}

/// For orders about a member who is in the directory: a team that does not
/// know them has not got the message yet, and will.
pub(crate) fn not_heard_of_yet(problem: Problem) -> Problem {
    match problem.code {
        Code::NotFound => Problem::unavailable("a team has not heard of its member yet"),
        _ => problem,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;

    #[test]
    fn text_form() {
        for text in [
            "treasury",
            "dep_00000000000000000000000001",
            "team_00000000000000000000000001",
            "mem_00000000000000000000000001",
        ] {
            assert_eq!(text.parse::<Node>().unwrap().to_string(), text);
        }
        for text in
            ["", "pool", "treasury_", "dep_1", "key_00000000000000000000000001", "team_00000000000000000000000001 "]
        {
            assert!(text.parse::<Node>().is_err(), "{text}");
        }
    }

    #[test]
    fn one_step_at_a_time() {
        // Two departments, 1 and 2, with the teams 1 and 2 and the members 1 and 2.
        let directory = testing::directory();
        let department = |n| Node::Department(DepartmentId::from_u128(n));
        let team = |n| Node::Team(TeamId::from_u128(n));
        let member = |n| Node::Member(MemberId::from_u128(n));
        let way = |from, to| route(&directory, from, to).map_err(|problem| problem.code);
        let (d1, t1, w1) = (
            Account::Department(DepartmentId::from_u128(1)),
            Account::Team(TeamId::from_u128(1)),
            Account::Wallet(MemberId::from_u128(1)),
        );
        for (from, to, expected) in [
            (Node::Treasury, department(1), Ok(Route::Organization(Account::Treasury, d1))),
            (department(1), Node::Treasury, Ok(Route::Organization(d1, Account::Treasury))),
            (department(1), team(1), Ok(Route::Organization(d1, t1))),
            (team(1), department(1), Ok(Route::Return(TeamId::from_u128(1)))),
            (team(1), member(1), Ok(Route::Team(TeamId::from_u128(1), Account::Pool, w1))),
            (member(1), team(1), Ok(Route::Team(TeamId::from_u128(1), w1, Account::Pool))),
            (department(1), team(2), Err(Code::InvalidRequest)),
            (team(1), department(2), Err(Code::InvalidRequest)),
            (team(1), member(2), Err(Code::InvalidRequest)),
            (member(1), member(2), Err(Code::InvalidRequest)),
            (Node::Treasury, team(1), Err(Code::InvalidRequest)),
            (Node::Treasury, Node::Treasury, Err(Code::InvalidRequest)),
            (Node::Treasury, department(9), Err(Code::NotFound)),
            (team(9), member(1), Err(Code::NotFound)),
            (team(1), member(9), Err(Code::NotFound)),
        ] {
            assert_eq!(way(from, to), expected, "{from} to {to}");
        }
    }
}
