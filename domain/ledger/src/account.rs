//! The accounts of the tree, by the text that journals keep.

use std::fmt;
use std::str::FromStr;

use identity::{BoostId, DepartmentId, MemberId, TeamId};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Where credits are. Every account is credit-normal: a credit raises its
/// balance, a debit lowers it. The accounts of one actor sum to zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Account {
    /// Organization: the other side of what was issued; minus all credits
    /// there are.
    Issued,
    /// Organization: issued and not yet allotted.
    Treasury,
    /// Organization: a department's.
    Department(DepartmentId),
    /// Organization: what a team holds or has spent, seen from above.
    Team(TeamId),
    /// Team: the other side of what came from above; minus
    /// [`Account::Team`] once nothing is in flight.
    Parent,
    /// Team: shared by its members.
    Pool,
    /// Team: a member's.
    Wallet(MemberId),
    /// Team: a member's too, apart from their wallet: they pay for calls and go
    /// nowhere else but back.
    Boost(BoostId),
    /// Team: what of a member's wallet others may spend while they are away.
    /// What is left goes back.
    Lent(MemberId),
    /// Team: paid for calls.
    Spent,
    /// Team: what providers reported beyond the limit they were given and
    /// nobody had credits for. Never above zero; not zero means that someone
    /// should look.
    Overrun,
}

/// A text that names no account.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not an account")]
pub struct AccountError(String);

impl Account {
    /// Whether the balance may fall below zero: only the other sides of
    /// credits that came from outside of the actor may.
    #[must_use]
    pub const fn may_be_negative(self) -> bool {
        matches!(self, Self::Issued | Self::Parent | Self::Overrun)
    }
}

impl fmt::Display for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Issued => f.write_str("issued"),
            Self::Treasury => f.write_str("treasury"),
            Self::Department(id) => write!(f, "department/{id}"),
            Self::Team(id) => write!(f, "team/{id}"),
            Self::Parent => f.write_str("parent"),
            Self::Pool => f.write_str("pool"),
            Self::Wallet(id) => write!(f, "wallet/{id}"),
            Self::Boost(id) => write!(f, "boost/{id}"),
            Self::Lent(id) => write!(f, "lent/{id}"),
            Self::Spent => f.write_str("spent"),
            Self::Overrun => f.write_str("overrun"),
        }
    }
}

impl FromStr for Account {
    type Err = AccountError;

    fn from_str(text: &str) -> Result<Self, AccountError> {
        let unknown = || AccountError(text.chars().take(80).collect());
        Ok(match text.split_once('/') {
            None => match text {
                "issued" => Self::Issued,
                "treasury" => Self::Treasury,
                "parent" => Self::Parent,
                "pool" => Self::Pool,
                "spent" => Self::Spent,
                "overrun" => Self::Overrun,
                _ => return Err(unknown()),
            },
            Some(("department", id)) => Self::Department(id.parse().map_err(|_| unknown())?),
            Some(("team", id)) => Self::Team(id.parse().map_err(|_| unknown())?),
            Some(("wallet", id)) => Self::Wallet(id.parse().map_err(|_| unknown())?),
            Some(("boost", id)) => Self::Boost(id.parse().map_err(|_| unknown())?),
            Some(("lent", id)) => Self::Lent(id.parse().map_err(|_| unknown())?),
            Some(_) => return Err(unknown()),
        })
    }
}

impl Serialize for Account {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Account {
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
        for (account, text) in [
            (Account::Issued, "issued"),
            (Account::Treasury, "treasury"),
            (Account::Department(DepartmentId::from_u128(1)), "department/dep_00000000000000000000000001"),
            (Account::Team(TeamId::from_u128(1)), "team/team_00000000000000000000000001"),
            (Account::Parent, "parent"),
            (Account::Pool, "pool"),
            (Account::Wallet(MemberId::from_u128(1)), "wallet/mem_00000000000000000000000001"),
            (Account::Boost(BoostId::from_u128(1)), "boost/boost_00000000000000000000000001"),
            (Account::Lent(MemberId::from_u128(1)), "lent/mem_00000000000000000000000001"),
            (Account::Spent, "spent"),
            (Account::Overrun, "overrun"),
        ] {
            assert_eq!(account.to_string(), text);
            assert_eq!(text.parse(), Ok(account));
        }
        for text in ["", "Pool", "wallet", "wallet/", "wallet/team_00000000000000000000000001", "x/y"] {
            assert!(text.parse::<Account>().is_err(), "{text}");
        }
    }
}
