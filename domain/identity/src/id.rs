//! Typed ids: `team_01jd…` is a team and nothing else.
//!
//! The text form is a TypeID (<https://github.com/jetify-com/typeid>, spec
//! 0.3): a prefix, an underscore and a UUID in base 32. Shells make them from
//! UUIDv7 (RFC 9562), so that ids sort by the time they were made.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::base32;

/// A text that is not the id that was asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not {article} {what} id: expected `{prefix}_` and 26 characters of 0-9a-z")]
pub struct IdError {
    text: String,
    article: &'static str,
    what: &'static str,
    prefix: &'static str,
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $prefix:literal, $article:literal, $what:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(u128);

        impl $name {
            /// What stands before the underscore.
            pub const PREFIX: &'static str = $prefix;

            /// The id made of these 128 bits, a UUIDv7 in production.
            #[must_use]
            pub const fn from_u128(bits: u128) -> Self {
                Self(bits)
            }

            /// The bits.
            #[must_use]
            pub const fn as_u128(self) -> u128 {
                self.0
            }

            /// The text after the prefix: 26 characters.
            #[must_use]
            pub fn suffix(self) -> String {
                base32::encode(self.0)
            }

            /// Reads the 26 characters after the prefix.
            ///
            /// # Errors
            /// When they are not 26 characters of Crockford's base 32.
            pub fn from_suffix(suffix: &str) -> Result<Self, IdError> {
                base32::decode(suffix).map(Self).ok_or_else(|| Self::error(suffix))
            }

            /// When the id was made, in milliseconds since 1970, as a UUIDv7 says.
            #[must_use]
            pub const fn unix_ms(self) -> u64 {
                // The upper 48 of 128 bits (RFC 9562, 5.7); they fit in u64.
                #[expect(clippy::as_conversions, reason = "a shift by 80 leaves 48 bits")]
                {
                    (self.0 >> 80) as u64
                }
            }

            fn error(text: &str) -> IdError {
                IdError {
                    text: text.chars().take(80).collect(),
                    article: $article,
                    what: $what,
                    prefix: $prefix,
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}_{}", $prefix, base32::encode(self.0))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl FromStr for $name {
            type Err = IdError;

            fn from_str(text: &str) -> Result<Self, IdError> {
                text.strip_prefix(concat!($prefix, "_"))
                    .and_then(base32::decode)
                    .map(Self)
                    .ok_or_else(|| Self::error(text))
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}

id!(
    /// A company: the root of a tree and the wall between tenants.
    OrganizationId, "org", "an", "organization"
);
id!(
    /// A department of an organization.
    DepartmentId, "dep", "a", "department"
);
id!(
    /// A team of a department; also the name of its actor.
    TeamId, "team", "a", "team"
);
id!(
    /// A person in a team.
    MemberId, "mem", "a", "member"
);
id!(
    /// A group of people, as the identity provider says.
    GroupId, "grp", "a", "group"
);
id!(
    /// A member's API key.
    KeyId, "key", "a", "key"
);
id!(
    /// A key for the management API.
    AdminKeyId, "adm", "an", "admin key"
);
id!(
    /// A program that acts on its own.
    ServiceAccountId, "svc", "a", "service account"
);
id!(
    /// A key of a service account.
    ServiceKeyId, "skey", "a", "service account's key"
);
id!(
    /// A role that was granted or lent to somebody on a node of the tree.
    GrantId, "grant", "a", "grant"
);
id!(
    /// A rule of the organization's own.
    PolicyId, "pol", "a", "policy"
);
id!(
    /// A configured upstream.
    ProviderId, "prov", "a", "provider"
);
id!(
    /// A cap or rate limit.
    LimitId, "lim", "a", "limit"
);
id!(
    /// One call through the gateway, and its reservation.
    RequestId, "req", "a", "request"
);
id!(
    /// One movement of credits between accounts or actors.
    TransferId, "xfer", "a", "transfer"
);
id!(
    /// Credits for one member, apart from their wallet.
    BoostId, "boost", "a", "boost"
);
id!(
    /// A calendar, or another system, that says who is away.
    CalendarId, "cal", "a", "calendar"
);
id!(
    /// A time during which a member is away.
    AbsenceId, "abs", "an", "absence"
);
id!(
    /// A plan by which credits are given in every period.
    PlanId, "plan", "a", "plan"
);
id!(
    /// Something that was asked for and that others must approve.
    ApprovalId, "apr", "an", "approval"
);
id!(
    /// One entry of a journal.
    EntryId, "ent", "an", "entry"
);
id!(
    /// A member's session in a browser or a tool.
    SessionId, "ses", "a", "session"
);
id!(
    /// A workload whose tokens stand in place of a key.
    WorkloadId, "wl", "a", "workload"
);
id!(
    /// A way by which an organization's people are told of something.
    ChannelId, "chan", "a", "channel"
);
id!(
    /// One record of what was done, or was not allowed.
    AuditId, "aud", "an", "audit record"
);

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn text_form_is_pinned() {
        // Ids are stored everywhere: a change of form would orphan every row.
        // The vector is the TypeID specification's.
        let id = TeamId::from_u128(0x0188_bac7_4afa_78aa_bc3b_bd1e_ef28_d881);
        assert_eq!(id.to_string(), "team_01h2xcejqtf2nbrexx3vqjhp41");
        assert_eq!(id.unix_ms(), 0x0188_bac7_4afa);
        assert_eq!(serde_json::to_string(&id).unwrap(), "\"team_01h2xcejqtf2nbrexx3vqjhp41\"");
    }

    #[test]
    fn another_kind_is_refused() {
        let member = MemberId::from_u128(5).to_string();
        assert_eq!(
            member.parse::<TeamId>().unwrap_err().to_string(),
            "`mem_00000000000000000000000005` is not a team id: expected `team_` and 26 characters of 0-9a-z"
        );
    }

    proptest! {
        #[test]
        fn round_trip(bits: u128) {
            let id = RequestId::from_u128(bits);
            prop_assert_eq!(id.to_string().parse::<RequestId>().unwrap(), id);
        }
    }
}
