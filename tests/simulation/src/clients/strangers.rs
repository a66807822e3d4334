//! Messages that should not be: from another organization, about calls that
//! never were.

use std::rc::Rc;

use events::{Envelope, MemberProfile, MemberStatus, Message, PoolDraw, TeamProfile};
use identity::{MemberId, Principal, RequestId, TransferId};
use ledger::{Metered, Millicredits, Outcome};
use team::protocol::{Answer, Command, Settle, Tokens};

use crate::violation::ensure;
use crate::world::{TeamPlace, World};

/// A message of one organization that reaches a team of another.
pub(crate) async fn misrouted(world: Rc<World>, sender: TeamPlace, victim: TeamPlace) {
    let message = match world.between(0, 3) {
        0 => Message::Team(TeamProfile {
            version: u64::MAX,
            organization: sender.organization,
            department: sender.department,
            team: victim.team,
            name: "taken over".to_owned(),
            time_zone: "UTC".to_owned(),
            settings_version: 0,
            on_demand: None,
            pool_draw: PoolDraw::Automatic,
            pool_rules: None,
            models: None,
            addresses: None,
            organization_addresses: None,
        }),
        1 => Message::Member(MemberProfile {
            version: u64::MAX,
            member: MemberId::from_u128(world.id()),
            name: "a stranger".to_owned(),
            status: MemberStatus::Active,
            models: None,
            keeps_credits: false,
        }),
        2 => Message::Settings { version: u64::MAX },
        _ => Message::Allot {
            transfer: TransferId::from_u128(world.id()),
            amount: Millicredits::new(1_000_000),
            who: Principal::System,
            note: None,
        },
    };
    world.count("message: came from another organization");
    let envelope = Envelope { id: format!("{}/{}", sender.organization, world.id()), message };
    let answer = world.ask_team(victim.team, Command::Receive(envelope)).await;
    let taken = matches!(answer, Some(Answer::Order(Ok(_))));
    world.check(ensure(!taken, "no organization touches another's", || format!("{answer:?}")));
}

/// A settle of a call that nobody made.
pub(crate) async fn unknown_settle(world: Rc<World>, place: TeamPlace) {
    let cost = Millicredits::new(world.between(-5, 1_000_000));
    let (outcome, metered) = (Outcome::Completed, Metered::Reported);
    let request = RequestId::from_u128(world.id());
    let settle =
        Settle { request, outcome, metered, cost, tokens: Tokens::default(), reconcile: false, ended_ago_ms: 0 };
    let _ = world.ask_team(place.team, Command::Settle(settle)).await;
}
