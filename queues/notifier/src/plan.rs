//! To whom it goes, by which channels.

use std::collections::BTreeSet;

use channels::event::Event;
use identity::{ChannelId, MemberId, OrganizationId};

use crate::Delivery;

/// A channel that is on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    /// Which.
    pub id: ChannelId,
    /// Its name.
    pub name: String,
    /// Its kind, as the API has it.
    pub kind: &'static str,
    /// Whether it reaches each person by themselves.
    pub personal: bool,
    /// Whom it reaches, where it reaches only who has linked their account.
    pub only: Option<BTreeSet<MemberId>>,
    /// Whether its provider knows what is sent twice, and sends it once.
    pub repeatable: bool,
}

impl Address {
    fn reaches(&self, member: MemberId) -> bool {
        self.personal && self.only.as_ref().is_none_or(|only| only.contains(&member))
    }
}

/// Who is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum To {
    /// A person, by every personal channel.
    Member(MemberId),
    /// Programs, by every webhook.
    Programs,
    /// Programs, and whoever is in the conversations that there are.
    Open,
    /// The channel of that name.
    Named(String),
}

/// An event and who is told of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// Who.
    pub to: To,
    /// Of what.
    pub event: Event,
}

/// The deliveries: one for each event, channel and person, whose id is the same
/// however often it is planned. What is one person's business is not told in
/// conversations: those get only what is [`To::Open`].
#[must_use]
pub fn plan(organization: OrganizationId, channels: &[Address], told: &[Told]) -> Vec<Delivery> {
    let mut all = Vec::new();
    for Told { to, event } in told {
        for channel in channels {
            let member = match to {
                To::Member(member) if channel.reaches(*member) => Some(*member),
                To::Programs if channel.kind == "webhook" => None,
                To::Open if !channel.personal => None,
                To::Named(name) if !channel.personal && channel.name == *name => None,
                _ => continue,
            };
            let whose = member.map_or_else(|| "all".to_owned(), |member| member.to_string());
            all.push(Delivery {
                organization,
                id: format!("{}/{}/{whose}", event.message().id, channel.id),
                channel: channel.id,
                member,
                event: event.clone(),
                replaces: None,
                repeatable: channel.repeatable,
            });
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn channel(n: u128, name: &str, kind: &'static str) -> Address {
        let personal = matches!(kind, "slack" | "email" | "telegram");
        let only = (kind == "telegram").then(|| BTreeSet::from([MemberId::from_u128(8)]));
        Address { id: ChannelId::from_u128(n), name: name.to_owned(), kind, personal, only, repeatable: false }
    }

    #[test]
    fn people_are_told_by_themselves_and_conversations_what_is_open() {
        let channels = [
            channel(1, "Slack", "slack"),
            channel(2, "Mail", "email"),
            channel(3, "finance", "teams_webhook"),
            channel(4, "Program", "webhook"),
            channel(5, "Telegram", "telegram"),
        ];
        let event =
            Event::PolicyNotice { id: "x".to_owned(), title: "t".to_owned(), text: String::new(), url: String::new() };
        let check = |to: To| {
            let planned = plan(OrganizationId::from_u128(1), &channels, &[Told { to, event: event.clone() }]);
            planned.iter().map(|delivery| delivery.channel.as_u128()).collect::<Vec<_>>()
        };
        assert_eq!(check(To::Member(MemberId::from_u128(9))), [1, 2]);
        assert_eq!(check(To::Member(MemberId::from_u128(8))), [1, 2, 5], "who has linked their account");
        assert_eq!(check(To::Programs), [4]);
        assert_eq!(check(To::Open), [3, 4]);
        assert_eq!(check(To::Named("finance".to_owned())), [3]);
        assert_eq!(check(To::Named("nobody".to_owned())), [0; 0]);
    }

    #[test]
    fn planned_again_it_is_the_same() {
        let event = Event::PolicyNotice { id: "x".into(), title: "t".into(), text: String::new(), url: String::new() };
        let told = [Told { to: To::Member(MemberId::from_u128(9)), event }];
        let one = plan(OrganizationId::from_u128(1), &[channel(1, "S", "slack")], &told);
        assert_eq!(one, plan(OrganizationId::from_u128(1), &[channel(1, "Renamed", "slack")], &told));
        assert_eq!(one[0].id, "policy_notice:x/chan_00000000000000000000000001/mem_00000000000000000000000009");
    }
}
