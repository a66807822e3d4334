//! Credits between people, pools and teams.

pub(crate) mod export;
pub(crate) mod find;
pub(crate) mod list;
pub(crate) mod preview;
pub(crate) mod send;
pub(crate) mod undo;

use ::team::protocol::{self as team, Transferred};
use events::Place;
use identity::{MemberId, TransferId};
use ledger::Millicredits;
use organization::protocol::Directory;
use policy::Facts;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::extract::{Admin, Caller, Target};
use crate::node::Node;
use crate::problem::Problem;
use crate::schema;
use crate::text::Note;
use crate::time::Time;

/// Credits to be sent.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewTransfer {
    /// A member's wallet or a team's pool; the wallet of whoever is signed in if left out.
    #[serde(default)]
    #[schema(value_type = Option<schema::WalletOrPool>)]
    from: Option<Node>,
    /// A member's wallet or a team's pool.
    #[schema(value_type = schema::WalletOrPool)]
    to: Node,
    #[schema(value_type = schema::PositiveAmount)]
    amount: Millicredits,
    /// Why, for people: both see it. It goes when whoever wrote it is erased.
    #[serde(default)]
    #[schema(value_type = Option<schema::Line>)]
    note: Option<Note>,
}

/// A transfer.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Transfer {
    /// Its name in every journal that it touches.
    #[schema(value_type = schema::TransferId)]
    id: TransferId,
    #[schema(value_type = schema::Time)]
    time: Time,
    /// A member, or a team for its pool.
    #[schema(value_type = schema::WalletOrPool)]
    from: Node,
    /// A member, or a team for its pool.
    #[schema(value_type = schema::WalletOrPool)]
    to: Node,
    #[schema(value_type = schema::Credits)]
    amount: Millicredits,
    /// How much of it has gone back since.
    #[schema(value_type = schema::Credits)]
    undone: Millicredits,
    /// Until then it can be undone, as far as it is unspent.
    #[schema(value_type = schema::Time)]
    undo_until: Time,
    /// On whose order.
    who: String,
    note: Option<String>,
    status: Status,
    /// Why the other team could not take it.
    refused_because: Option<String>,
}

/// Where a transfer is.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = TransferStatus)]
pub(crate) enum Status {
    /// It has arrived.
    Done,
    /// It is on its way to another team.
    Sent,
    /// The other team could not take it; it has come back.
    Refused,
}

/// What was moved.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Moved {
    transfer: Transfer,
    /// How much was moved by this: all of it, or what was undone.
    #[schema(value_type = schema::Credits)]
    amount: Millicredits,
    /// What was left to spend or send where that was taken from; `null` where that is somebody else's.
    #[schema(value_type = Option<schema::Credits>)]
    available: Option<Millicredits>,
}

impl From<team::Transfer> for Transfer {
    fn from(transfer: team::Transfer) -> Self {
        let (status, refused_because) = match transfer.status {
            team::TransferStatus::Done => (Status::Done, None),
            team::TransferStatus::Sent => (Status::Sent, None),
            team::TransferStatus::Refused { reason } => (Status::Refused, Some(reason)),
        };
        Self {
            id: transfer.id,
            time: Time::from_ms(transfer.time_ms),
            from: shown(transfer.from),
            to: shown(transfer.to),
            amount: transfer.amount,
            undone: transfer.undone,
            undo_until: Time::from_ms(transfer.undo_until_ms),
            who: transfer.who.to_string(),
            note: transfer.note,
            status,
            refused_because,
        }
    }
}

impl Moved {
    fn new(done: Transferred, shows_available: bool) -> Self {
        let available = shows_available.then_some(done.available);
        Self { transfer: done.transfer.into(), amount: done.amount, available }
    }
}

impl NewTransfer {
    /// From whoever says so to somebody.
    pub(crate) const fn own(to: Node, amount: Millicredits, note: Option<Note>) -> Self {
        Self { from: None, to, amount, note }
    }

    /// From where: what is said, or the caller's own wallet.
    fn source(&self, caller: &Caller) -> Result<Node, Problem> {
        let own = caller.person().map(Node::Member);
        let detail = "say with `from` whose credits they are: only who is signed in has a wallet of their own";
        self.from.or(own).ok_or_else(|| Problem::invalid(detail))
    }

    /// What policies may look at, beside what was sent today.
    fn facts(&self) -> Result<Facts, Problem> {
        let millicredits = Some(self.amount.get());
        match self.to {
            Node::Member(id) => Ok(Facts { millicredits, to_member: Some(id), ..Facts::default() }),
            Node::Team(id) => Ok(Facts { millicredits, to_node: Some(policy::Node::Team(id)), ..Facts::default() }),
            other => Err(no_place(other)),
        }
    }
}

/// What a question about credits that leave a place is about.
fn target(node: Node) -> Result<Target, Problem> {
    match node {
        Node::Member(id) => Ok(Target::Wallet { id }),
        Node::Team(id) => Ok(Target::Pool { id }),
        other => Err(no_place(other)),
    }
}

/// In which team a place is.
pub(crate) fn place(directory: &Directory, node: Node) -> Result<Place, Problem> {
    match node {
        Node::Member(id) => {
            let team = team_of(directory, id).ok_or_else(|| Problem::not_found("member", id))?;
            Ok(Place { team, member: Some(id) })
        }
        Node::Team(id) => {
            let known = directory.teams.iter().any(|team| team.profile.team == id);
            if known { Ok(Place { team: id, member: None }) } else { Err(Problem::not_found("team", id)) }
        }
        other => Err(no_place(other)),
    }
}

pub(crate) fn team_of(directory: &Directory, id: MemberId) -> Option<identity::TeamId> {
    directory.members.iter().find(|member| member.profile.member == id).map(|member| member.team)
}

pub(crate) const fn shown(place: Place) -> Node {
    match place.member {
        Some(member) => Node::Member(member),
        None => Node::Team(place.team),
    }
}

fn no_place(node: Node) -> Problem {
    Problem::invalid(format!(
        "credits are transferred between members and teams, not from or to `{node}`: between the treasury, departments \
         and teams they are allotted (`POST /api/v1/allotments`)"
    ))
}

/// Whether what is available at a place is the caller's to know: their own
/// wallet, or a pool or wallet of which they may dispose anyway.
fn is_own(admin: &Admin, place: Place) -> bool {
    match admin.who {
        identity::Principal::Person(member, _) | identity::Principal::Chat(member, _) => place.member == Some(member),
        _ => true,
    }
}
