//! Under which name an act is recorded.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::id::{AdminKeyId, ChannelId, KeyId, MemberId, ServiceAccountId, ServiceKeyId, SessionId};

/// Who did it. The text form goes into journals and is pinned by a test.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Principal {
    /// Whoever runs the installation.
    Operator,
    /// An organization's admin, by the key used.
    Admin(AdminKeyId),
    /// A member, by the key used.
    Member(MemberId, KeyId),
    /// A member who signed in, by the session.
    Person(MemberId, SessionId),
    /// A member, by their account in a chat.
    Chat(MemberId, ChannelId),
    /// A program, by the key used.
    Service(ServiceAccountId, ServiceKeyId),
    /// Alfred itself: an alarm, a cron, an automatic top-up.
    System,
}

impl fmt::Display for Principal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Operator => f.write_str("operator"),
            Self::Admin(key) => write!(f, "{key}"),
            Self::Member(member, key) => write!(f, "{member}/{key}"),
            Self::Person(member, session) => write!(f, "{member}/{session}"),
            Self::Chat(member, channel) => write!(f, "{member}/{channel}"),
            Self::Service(service, key) => write!(f, "{service}/{key}"),
            Self::System => f.write_str("system"),
        }
    }
}

impl FromStr for Principal {
    type Err = crate::IdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "operator" => Ok(Self::Operator),
            "system" => Ok(Self::System),
            _ => match text.split_once('/') {
                Some((service, key)) if service.starts_with(ServiceAccountId::PREFIX) => {
                    Ok(Self::Service(service.parse()?, key.parse()?))
                }
                Some((member, session)) if session.starts_with(SessionId::PREFIX) => {
                    Ok(Self::Person(member.parse()?, session.parse()?))
                }
                Some((member, channel)) if channel.starts_with(ChannelId::PREFIX) => {
                    Ok(Self::Chat(member.parse()?, channel.parse()?))
                }
                Some((member, key)) => Ok(Self::Member(member.parse()?, key.parse()?)),
                None => Ok(Self::Admin(text.parse()?)),
            },
        }
    }
}

impl Serialize for Principal {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Principal {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_form_is_pinned() {
        for (principal, text) in [
            (Principal::Operator, "operator"),
            (Principal::System, "system"),
            (Principal::Admin(AdminKeyId::from_u128(1)), "adm_00000000000000000000000001"),
            (
                Principal::Member(MemberId::from_u128(2), KeyId::from_u128(3)),
                "mem_00000000000000000000000002/key_00000000000000000000000003",
            ),
            (
                Principal::Person(MemberId::from_u128(2), SessionId::from_u128(6)),
                "mem_00000000000000000000000002/ses_00000000000000000000000006",
            ),
            (
                Principal::Chat(MemberId::from_u128(2), ChannelId::from_u128(7)),
                "mem_00000000000000000000000002/chan_00000000000000000000000007",
            ),
            (
                Principal::Service(ServiceAccountId::from_u128(4), ServiceKeyId::from_u128(5)),
                "svc_00000000000000000000000004/skey_00000000000000000000000005",
            ),
        ] {
            assert_eq!(principal.to_string(), text);
            assert_eq!(text.parse::<Principal>().unwrap(), principal);
        }
        assert!("root".parse::<Principal>().is_err());
    }
}
