//! People and settings change.

use std::rc::Rc;

use events::MemberStatus;
use identity::Networks;
use organization::protocol::Act;
use organization::{General, LeaverCredits, OutputLimit};
use pricing::{CreditRate, Usd};

use crate::clients::{Directive, carry_out, overrides};
use crate::setup::{chains, member_profile, order, team_profile};
use crate::world::{TeamPlace, World};

const ZONES: &[&str] = &[
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "Asia/Kolkata",
    "Australia/Lord_Howe",
    "Pacific/Kiritimati",
    "Pacific/Pago_Pago",
];

/// A member is suspended or leaves, comes back, or may use other models;
/// often while they call.
pub(super) fn change_member(world: &Rc<World>, place: &TeamPlace) {
    let calling = world.auditor.borrow().teams.get(&place.team).map(|team| team.calls.calling()).unwrap_or_default();
    let calling = if world.percent(50) { world.pick(&calling) } else { None };
    let leave = if calling.is_some() { 60 } else { 15 };
    let Some(member) = calling.or_else(|| world.pick(&place.members)) else { return };
    let status = match world.between(0, 99) {
        0..8 => MemberStatus::Suspended,
        at if at < leave => MemberStatus::Removed,
        _ => MemberStatus::Active,
    };
    let models = world.percent(10).then(|| vec!["demo-small".to_owned(), "demo-r*".to_owned()]);
    let member = member_profile(member, status, models);
    manage(world, place, Act::ChangeMember { member, email: None });
}

/// A team gets another standing order or other rules.
pub(super) fn change_team(world: &Rc<World>, place: &TeamPlace) {
    manage(world, place, Act::ChangeTeam(team_profile(world, place)));
}

/// Other prices, another rate, another time zone.
pub(super) fn change_settings(world: &Rc<World>, place: &TeamPlace) {
    let act = if world.percent(60) {
        Act::PutOverrides { overrides: overrides(&mut world.random.borrow_mut()) }
    } else {
        let rate = Usd::from_nanos(world.between(900_000_000, 1_100_000_007)).and_then(|usd| CreditRate::new(usd).ok());
        // Four of five calls come from one of them.
        let addresses =
            world.percent(5).then(|| Networks::parse(&["192.0.2.0/24", "198.51.100.0/24", "2001:db8::/32"]));
        let addresses = addresses.and_then(Result::ok);
        Act::PutGeneral(General {
            time_zone: world.pick(ZONES).unwrap_or("UTC").to_owned(),
            usd_per_million_credits: rate.unwrap_or_default(),
            output_limit: if world.percent(75) { OutputLimit::Clamp } else { OutputLimit::Refuse },
            help: None,
            addresses,
            leaver_credits: if world.percent(80) { LeaverCredits::Pool } else { LeaverCredits::Wallet },
            retention: Default::default(),
            approval_chains: if world.percent(90) { chains() } else { Vec::new() },
            ..General::default()
        })
    };
    manage(world, place, act);
}

fn manage(world: &Rc<World>, place: &TeamPlace, act: Act) {
    let directive = Directive::Organization(place.organization, order(world, act));
    world.spawn(None, carry_out(Rc::clone(world), directive, None));
}
