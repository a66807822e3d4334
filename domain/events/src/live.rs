//! What actors tell whoever listens, while it happens.
//!
//! Nothing of it is kept, and nobody waits for it: who has missed something is
//! told so ([`LiveKind::Reset`]) and reads again. It goes over a socket between
//! two scripts, of which two versions can run at a time: fields are added with a
//! default, never renamed or removed.

use std::fmt;
use std::str::FromStr;

use identity::{MemberId, Principal};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Who sees everything that this actor tells.
const EVERYTHING: &str = "everything";
/// Who sees what the team's pool has.
const POOL: &str = "pool";

/// How far an actor is: its last entry and its last audit record. Whoever comes
/// back with one is told whether they have missed something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Cursor {
    /// The journal's last place.
    pub entries: u64,
    /// The audit trail's; 0 in teams, where nothing that is told comes of it.
    #[serde(default)]
    pub records: u64,
}

/// A text that is no place in what an actor tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a place in a stream of events")]
pub struct CursorError;

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.entries, self.records)
    }
}

impl FromStr for Cursor {
    type Err = CursorError;

    fn from_str(text: &str) -> Result<Self, CursorError> {
        let (entries, records) = text.split_once('-').ok_or(CursorError)?;
        let number = |text: &str| text.parse().map_err(|_| CursorError);
        Ok(Self { entries: number(entries)?, records: number(records)? })
    }
}

/// What of a team somebody sees. What nobody has said is not seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Sees {
    /// All of it.
    pub everything: bool,
    /// What is this member's own.
    pub member: Option<MemberId>,
    /// What the pool has.
    pub pool: bool,
}

impl Sees {
    /// The circles that somebody belongs to. Whoever sees everything is in no
    /// other, so that nothing is told twice.
    #[must_use]
    pub fn circles(&self) -> Vec<String> {
        if self.everything {
            return vec![EVERYTHING.to_owned()];
        }
        let pool = self.pool.then(|| POOL.to_owned());
        self.member.map(|member| member.to_string()).into_iter().chain(pool).collect()
    }
}

/// Who listens to a team, and after what.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listener {
    /// Under which name they were let in.
    pub who: Principal,
    /// What they see.
    #[serde(default)]
    pub sees: Sees,
    /// Where they were before, if they come back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<Cursor>,
}

/// What kind of thing is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LiveKind {
    /// From here on everything is told.
    Ready,
    /// Something was missed, or there was too much of it: read again.
    Reset,
    /// Nothing: whoever passes it on notices who has left.
    StillThere,
    /// What an account has.
    Balance,
    /// Credits between people, pools and teams; also their way back.
    Transfer,
    /// Credits set apart for somebody, and what went back of them.
    Boost,
    /// Something was asked for, decided, or came to something.
    Approval,
}

impl LiveKind {
    /// The name of the event.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ready => "ready",
            Self::Reset => "reset",
            Self::StillThere => "still_there",
            Self::Balance => "balance",
            Self::Transfer => "transfer",
            Self::Boost => "boost",
            Self::Approval => "approval",
        }
    }
}

/// One thing that is told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LiveEvent {
    /// What kind of thing.
    pub kind: LiveKind,
    /// How far the actor is with it.
    pub cursor: Cursor,
    /// Ids and amounts.
    #[serde(default)]
    pub data: Value,
}

/// Something that is told, and to whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// To whoever is in one of these circles.
    pub circles: Vec<String>,
    /// What.
    pub event: LiveEvent,
}

impl Told {
    /// For these members and whoever sees everything.
    #[must_use]
    pub fn to_members(members: impl IntoIterator<Item = MemberId>, event: LiveEvent) -> Self {
        let members = members.into_iter().map(|member| member.to_string());
        Self { circles: members.chain([EVERYTHING.to_owned()]).collect(), event }
    }

    /// For whoever sees the pool.
    #[must_use]
    pub fn to_pool(event: LiveEvent) -> Self {
        Self { circles: vec![POOL.to_owned(), EVERYTHING.to_owned()], event }
    }

    /// Whether somebody is told it.
    #[must_use]
    pub fn is_for(&self, sees: &Sees) -> bool {
        sees.circles().iter().any(|circle| self.circles.contains(circle))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_are_pinned() {
        let cursor = Cursor { entries: 12, records: 3 };
        assert_eq!((cursor.to_string(), "12-3".parse()), ("12-3".to_owned(), Ok(cursor)));
        for text in ["", "12", "12-", "-3", "a-b", "12-3-4"] {
            assert_eq!(text.parse::<Cursor>(), Err(CursorError), "{text}");
        }
        let event = LiveEvent { kind: LiveKind::Balance, cursor, data: serde_json::json!({ "balance": "1.5" }) };
        let text = r#"{"kind":"balance","cursor":{"entries":12,"records":3},"data":{"balance":"1.5"}}"#;
        assert_eq!(serde_json::to_string(&event).unwrap(), text);
        let older = r#"{"kind":"ready","cursor":{"entries":1},"more":true}"#;
        assert_eq!(serde_json::from_str::<LiveEvent>(older).unwrap().data, Value::Null);
        let nothing: Listener = serde_json::from_str(r#"{"who":"operator"}"#).unwrap();
        assert!(nothing.sees.circles().is_empty());
    }

    #[test]
    fn everybody_is_told_once_what_they_see() {
        let (ada, bob) = (MemberId::from_u128(1), MemberId::from_u128(2));
        let event = LiveEvent { kind: LiveKind::Balance, cursor: Cursor::default(), data: Value::Null };
        let own = |member| Sees { member: Some(member), pool: true, ..Sees::default() };
        let all = Sees { everything: true, ..own(ada) };
        let (wallet, pool) = (Told::to_members([ada], event.clone()), Told::to_pool(event));
        for (told, sees, expected) in [
            (&wallet, own(ada), true),
            (&wallet, own(bob), false),
            (&wallet, all, true),
            (&pool, own(bob), true),
            (&pool, Sees { pool: false, ..own(bob) }, false),
            (&pool, all, true),
            (&pool, Sees::default(), false),
        ] {
            assert_eq!(told.is_for(&sees), expected, "{told:?} {sees:?}");
        }
        assert_eq!(all.circles().len(), 1);
    }
}
