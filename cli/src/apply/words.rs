//! Words that a file may say, and what stands for "no list" and "nothing".

use std::fmt;
use std::marker::PhantomData;

use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{Error, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

macro_rules! words {
    ($($(#[$doc:meta])* $name:ident { $($word:ident),* $(,)? })*) => {
        $(
            $(#[$doc])*
            #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
            #[serde(rename_all = "snake_case")]
            pub(crate) enum $name { $($word),* }
        )*

        /// Each with its words.
        #[cfg(test)]
        pub(crate) fn all() -> Vec<(&'static str, Vec<serde_json::Value>)> {
            vec![$((stringify!($name), vec![$(serde_json::json!($name::$word)),*])),*]
        }
    };
}

words! {
    /// What happens to a call that its payers cannot afford in full.
    OutputLimit { Clamp, Refuse }
    /// Whether a call may draw from the team's pool once the wallet is empty.
    PoolDraw { Automatic, Off }
    /// Whether a member may call.
    MemberStatus { Active, Suspended, Removed }
    /// What becomes of the credits of members who are removed.
    LeaverCredits { Pool, Wallet }
    /// A built-in role.
    Role { OrganizationAdmin, Finance, Auditor, DepartmentManager, TeamManager }
    /// Whether a policy decides.
    PolicyMode { Enforce, Shadow }
    /// How a provider is spoken to.
    ProviderKind { Openai, Demo }
    /// By which field a provider limits the output.
    LimitField { MaxCompletionTokens, MaxTokens }
}

/// A list, or `"all"`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum OrAll<T> {
    /// `"all"`.
    All,
    /// These.
    These(T),
}

/// A table, or `"none"`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum OrNone<T> {
    /// `"none"`.
    None,
    /// This.
    This(T),
}

impl<T> OrAll<T> {
    /// As the API has it.
    pub(crate) fn as_option(&self) -> Option<&T> {
        match self {
            Self::All => None,
            Self::These(these) => Some(these),
        }
    }
}

impl<T> OrNone<T> {
    /// As the API has it.
    pub(crate) fn as_option(&self) -> Option<&T> {
        match self {
            Self::None => None,
            Self::This(this) => Some(this),
        }
    }
}

impl<T: Serialize> Serialize for OrAll<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.as_option() {
            None => serializer.serialize_str("all"),
            Some(these) => these.serialize(serializer),
        }
    }
}

impl<T: Serialize> Serialize for OrNone<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.as_option() {
            None => serializer.serialize_str("none"),
            Some(this) => this.serialize(serializer),
        }
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for OrAll<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AllVisitor(PhantomData))
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for OrNone<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NoneVisitor(PhantomData))
    }
}

struct AllVisitor<T>(PhantomData<T>);
struct NoneVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for AllVisitor<T> {
    type Value = OrAll<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list, or \"all\"")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        if text == "all" { Ok(OrAll::All) } else { Err(E::invalid_value(serde::de::Unexpected::Str(text), &self)) }
    }

    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Self::Value, A::Error> {
        T::deserialize(SeqAccessDeserializer::new(list)).map(OrAll::These)
    }
}

impl<'de, T: Deserialize<'de>> Visitor<'de> for NoneVisitor<T> {
    type Value = OrNone<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a table, or \"none\"")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        if text == "none" { Ok(OrNone::None) } else { Err(E::invalid_value(serde::de::Unexpected::Str(text), &self)) }
    }

    fn visit_map<A: MapAccess<'de>>(self, table: A) -> Result<Self::Value, A::Error> {
        T::deserialize(MapAccessDeserializer::new(table)).map(OrNone::This)
    }
}
