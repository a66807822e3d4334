//! What each place of the tree has.

use std::collections::BTreeMap;

use axum::Json;
use futures::future::join_all;
use identity::TeamId;
use ledger::Millicredits;
use organization::protocol::Directory;
use serde::Serialize;
use team::protocol::Overview;
use utoipa::ToSchema;

use super::teams::{boosts, lent, wallets};
use crate::app::App;
use crate::extract::{Action, Caller, Id, Query, Target};
use crate::node::{Node, must_be_in};
use crate::page::{List, Paging, unknown_cursor};
use crate::problem::Problem;
use crate::schema;

/// Actors that are asked at once for one page.
const AT_ONCE: usize = 20;

/// What a place has.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Balance)]
pub(crate) struct BalanceBody {
    #[schema(value_type = schema::Node)]
    node: Node,
    name: String,
    /// What is above it; `null` for the treasury.
    #[schema(value_type = Option<schema::Node>)]
    parent: Option<Node>,
    /// All that is there: the treasury's, a department's, a team's pool or a member's wallet.
    #[schema(value_type = schema::Credits)]
    balance: Millicredits,
    /// Of it, for calls in flight.
    #[schema(value_type = schema::Credits)]
    reserved: Millicredits,
    /// The rest.
    #[schema(value_type = schema::Credits)]
    available: Millicredits,
    /// Of a team: what its members' wallets have together.
    #[schema(value_type = Option<schema::Credits>)]
    #[serde(skip_serializing_if = "Option::is_none")]
    wallets: Option<Millicredits>,
    /// Of a team: what is left of its members' boosts together.
    #[schema(value_type = Option<schema::Credits>)]
    #[serde(skip_serializing_if = "Option::is_none")]
    boosts: Option<Millicredits>,
    /// Of a team: what its members who are away have lent together. Of a member: what of the wallet they have.
    #[schema(value_type = Option<schema::Credits>)]
    #[serde(skip_serializing_if = "Option::is_none")]
    lent: Option<Millicredits>,
    /// Of the treasury: all that was issued. Of a team: received from its department, less what was returned.
    #[schema(value_type = Option<schema::Credits>)]
    #[serde(skip_serializing_if = "Option::is_none")]
    allotted: Option<Millicredits>,
    /// Of a team or member: paid for calls.
    #[schema(value_type = Option<schema::Credits>)]
    #[serde(skip_serializing_if = "Option::is_none")]
    spent: Option<Millicredits>,
}

/// The place in the tree; what only its team knows comes from `overview`.
fn balance(directory: &Directory, overview: Option<&Overview>, node: Node) -> Option<BalanceBody> {
    let body = |name: &str, parent, balance| BalanceBody {
        node,
        name: name.to_owned(),
        parent,
        balance,
        reserved: Millicredits::ZERO,
        available: balance,
        wallets: None,
        boosts: None,
        lent: None,
        allotted: None,
        spent: None,
    };
    Some(match node {
        Node::Treasury => {
            BalanceBody { allotted: Some(directory.issued), ..body(&directory.name, None, directory.treasury) }
        }
        Node::Department(id) => {
            let department = directory.departments.iter().find(|department| department.id == id)?;
            body(&department.name, Some(Node::Treasury), department.balance)
        }
        Node::Team(id) => {
            let profile = &directory.teams.iter().find(|team| team.profile.team == id)?.profile;
            let overview = overview?;
            BalanceBody {
                reserved: overview.pool.reserved,
                available: overview.pool.available,
                wallets: Some(wallets(overview)),
                boosts: Some(boosts(overview)),
                lent: Some(lent(overview)),
                allotted: Some(overview.allotted),
                spent: Some(overview.spent),
                ..body(&profile.name, Some(Node::Department(profile.department)), overview.pool.balance)
            }
        }
        Node::Member(id) => {
            let member = directory.members.iter().find(|member| member.profile.member == id)?;
            let standing = overview?.members.iter().find(|member| member.profile.member == id);
            // The team may not have heard of a new member yet.
            let known = standing.map(|member| (member.wallet, member.lent.balance, member.spent));
            let (wallet, lent, spent) = known.unwrap_or_default();
            BalanceBody {
                reserved: wallet.reserved,
                available: wallet.available,
                lent: Some(lent),
                spent: Some(spent),
                ..body(&member.profile.name, Some(Node::Team(member.team)), wallet.balance)
            }
        }
    })
}

/// Treasury, departments, teams: the order of the list.
fn nodes(directory: &Directory) -> Vec<Node> {
    let departments = directory.departments.iter().map(|department| Node::Department(department.id));
    let teams = directory.teams.iter().map(|team| Node::Team(team.profile.team));
    std::iter::once(Node::Treasury).chain(departments).chain(teams).collect()
}

/// The nodes of a page, and the cursor of the next.
fn slice(nodes: &[Node], asked: &Paging) -> Result<(Vec<Node>, Option<String>), Problem> {
    let start = match &asked.cursor {
        None => 0,
        Some(cursor) => {
            let place = nodes.iter().position(|node| node.to_string() == *cursor);
            place.ok_or(()).map_err(unknown_cursor)?.saturating_add(1)
        }
    };
    let page: Vec<Node> = nodes.iter().skip(start).take(asked.limit.get().into()).copied().collect();
    let more = start.saturating_add(page.len()) < nodes.len();
    let cursor = page.last().filter(|_| more).map(ToString::to_string);
    Ok((page, cursor))
}

/// Show what one place has: `treasury`, a department, a team's pool or a member's wallet.
#[utoipa::path(get, path = "/api/v1/balances/{node}", tag = "Credits", params(("node" = schema::Node, Path)),
    responses((status = 200, description = "The balance", body = BalanceBody)))]
#[worker::send]
pub(crate) async fn get_balance(caller: Caller, Id(node): Id<Node>) -> Result<Json<BalanceBody>, Problem> {
    let admin = caller.may(Action::GetBalance, node.target()).await?;
    let directory = admin.directory().await?;
    must_be_in(&directory, node)?;
    let team = match node {
        Node::Treasury | Node::Department(_) => None,
        Node::Team(id) => Some(id),
        Node::Member(id) => {
            directory.members.iter().find(|member| member.profile.member == id).map(|member| member.team)
        }
    };
    let overview = match team {
        Some(id) => Some(admin.app.overview(id).await?),
        None => None,
    };
    balance(&directory, overview.as_ref(), node).map(Json).ok_or_else(|| Problem::not_found("balance", node))
}

/// List what the treasury, the departments and the teams have.
#[utoipa::path(get, path = "/api/v1/balances", tag = "Credits", params(Paging),
    responses((status = 200, description = "A page", body = List<BalanceBody>)))]
#[worker::send]
pub(crate) async fn list_balances(
    caller: Caller,
    Query(asked): Query<Paging>,
) -> Result<Json<List<BalanceBody>>, Problem> {
    let admin = caller.may(Action::ListBalances, Target::Visible).await?;
    let directory = admin.directory().await?;
    let mut nodes = nodes(&directory);
    nodes.retain(|node| *node != Node::Treasury || admin.teams().is_none());
    let (page, next_cursor) = slice(&nodes, &asked)?;
    let teams = page.iter().filter_map(|node| if let Node::Team(id) = node { Some(*id) } else { None });
    let overviews = overviews(&admin.app, &teams.collect::<Vec<_>>()).await?;
    let data = page.into_iter().filter_map(|node| {
        let overview = if let Node::Team(id) = node { overviews.get(&id) } else { None };
        balance(&directory, overview, node)
    });
    Ok(Json(List { data: data.collect(), next_cursor }))
}

async fn overviews(app: &App, teams: &[TeamId]) -> Result<BTreeMap<TeamId, Overview>, Problem> {
    let mut overviews = BTreeMap::new();
    for some in teams.chunks(AT_ONCE) {
        let answers = join_all(some.iter().map(|id| app.overview(*id))).await;
        for (id, overview) in some.iter().zip(answers) {
            overviews.insert(*id, overview?);
        }
    }
    Ok(overviews)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;

    #[test]
    fn pages_of_the_tree() {
        let nodes = nodes(&testing::directory());
        let mut cursor = None;
        let mut seen = Vec::new();
        loop {
            let asked = serde_json::from_value(serde_json::json!({ "cursor": cursor, "limit": 2 })).unwrap();
            let (page, next) = slice(&nodes, &asked).unwrap();
            seen.extend(page);
            cursor = next;
            if cursor.is_none() {
                break;
            }
        }
        assert_eq!(seen, nodes);
        assert_eq!(nodes.len(), 5);
        assert!(slice(&nodes, &serde_json::from_str(r#"{"cursor":"x"}"#).unwrap()).is_err());
    }

    #[test]
    fn the_treasury_shows_what_was_issued() {
        let body = balance(&testing::directory(), None, Node::Treasury).unwrap();
        assert_eq!((body.balance, body.allotted), (Millicredits::new(3000), Some(Millicredits::new(5000))));
    }
}
