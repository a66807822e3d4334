//! One message to one person by one channel, and what may be done with it.
//!
//! ```text
//! waiting → sending → sent
//!    ↑         ├────→ failed      the provider will never take it
//!    └─────────┤                  later: it was certainly not taken
//!              └────→ uncertain   nobody knows whether it was taken
//! ```
//!
//! Whoever sends claims the row first, so two consumers never send the same.
//! One that dies in between leaves `sending`: where the provider knows what is
//! sent twice it is sent again, and elsewhere it is `uncertain`, which only a
//! person can decide.

use channels::event::Event;
use identity::{ChannelId, MemberId, OrganizationId};
use storage::Value;

use crate::Statement;

/// A sender that has said nothing for so long has died: requests to providers
/// end after ten seconds, and each delivery needs at most three.
const SENDING_MS: i64 = 120_000;

/// Waits after the first, second … attempt; after the last it has failed. In
/// all about ten hours.
const WAITS_MS: [i64; 7] = [15_000, 60_000, 300_000, 900_000, 3_600_000, 10_800_000, 21_600_000];

/// One message to one person by one channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// Whose.
    pub organization: OrganizationId,
    /// The event, the channel and the member.
    pub id: String,
    /// By which channel.
    pub channel: ChannelId,
    /// To whom; nobody by themselves if left out.
    pub member: Option<MemberId>,
    /// What they are told.
    pub event: Event,
    /// The message that it takes the place of.
    pub replaces: Option<String>,
    /// Whether the provider knows what is sent twice.
    pub repeatable: bool,
}

const INSERT: &str = "INSERT INTO deliveries
    (organization, id, channel, member, event, replaces, repeatable, state, attempts, changed_ms)
    VALUES (?, ?, ?, ?, ?, ?, ?, 'waiting', 0, ?) ON CONFLICT (organization, id) DO NOTHING";

/// Adds a delivery unless it is there.
#[must_use]
pub fn insert(delivery: &Delivery, now_ms: i64) -> Statement {
    let values = vec![
        Value::Text(delivery.organization.to_string()),
        Value::Text(delivery.id.clone()),
        Value::Text(delivery.channel.to_string()),
        delivery.member.map(|member| member.to_string()).into(),
        Value::Text(serde_json::to_string(&delivery.event).unwrap_or_default()),
        delivery.replaces.clone().into(),
        Value::Int(i64::from(delivery.repeatable)),
        Value::Int(now_ms),
    ];
    (INSERT, values)
}

/// A delivery's row.
pub const LOAD: &str = "SELECT channel, member, event, replaces, repeatable, state, attempts, changed_ms
    FROM deliveries WHERE organization = ? AND id = ?";

/// What was posted of an event in a chat, by the beginning and the end of the
/// deliveries' ids.
pub const POSTED: &str = "SELECT id, channel, member, reference FROM deliveries
    WHERE organization = ? AND id >= ? AND id < ? AND state = 'sent' AND member IS NOT NULL";

/// Claims a delivery that is as it was read: one row, or none where another was
/// faster.
pub const CLAIM: &str = "UPDATE deliveries SET state = 'sending', attempts = attempts + 1, changed_ms = ?
    WHERE organization = ? AND id = ? AND state = ? AND attempts = ?";

/// It was sent.
pub const SENT: &str = "UPDATE deliveries SET state = 'sent', changed_ms = ?, reference = ?, error = NULL
    WHERE organization = ? AND id = ?";

/// It is tried again later.
pub const WAIT: &str = "UPDATE deliveries SET state = 'waiting', changed_ms = ?, error = ?
    WHERE organization = ? AND id = ?";

/// It will not be tried again: `failed` or `uncertain`.
pub const FAIL: &str = "UPDATE deliveries SET state = ?, changed_ms = ?, error = ?
    WHERE organization = ? AND id = ?";

/// Somebody has decided that it is tried anew,
/// with as many attempts as at first.
pub const AGAIN: &str = "UPDATE deliveries SET state = 'waiting', attempts = 0
    WHERE organization = ? AND id = ? AND state IN ('failed', 'uncertain')";

/// Whether a delivery in that state can be sent again because somebody says so:
/// not what was sent, or is being sent.
#[must_use]
pub fn may_go_again(state: &str) -> bool {
    matches!(state, "failed" | "uncertain" | "waiting")
}

/// The statement [`SENT`] for a delivery.
#[must_use]
pub fn sent(organization: OrganizationId, id: &str, reference: Option<&str>, now_ms: i64) -> Statement {
    let reference = reference.map(str::to_owned).into();
    (SENT, vec![Value::Int(now_ms), reference, Value::Text(organization.to_string()), Value::Text(id.to_owned())])
}

/// What may be done with a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Claim {
    /// It may be claimed and sent.
    Send,
    /// It is over.
    Over,
    /// Somebody is sending it: look again later.
    Busy,
    /// Whoever was sending it has died, and nobody knows how far they came.
    Uncertain,
}

/// What may be done with a delivery in that state since `changed_ms`.
#[must_use]
pub fn claim(state: &str, repeatable: bool, changed_ms: i64, now_ms: i64) -> Claim {
    match state {
        "waiting" => Claim::Send,
        "sending" if now_ms < changed_ms.saturating_add(SENDING_MS) => Claim::Busy,
        "sending" if repeatable => Claim::Send,
        "sending" => Claim::Uncertain,
        _ => Claim::Over,
    }
}

/// How long to wait after so many attempts, or what the provider says if that
/// is longer; `None` after the last.
#[must_use]
pub fn retry_after_ms(attempts: i64, said_ms: Option<i64>) -> Option<i64> {
    let place = usize::try_from(attempts.saturating_sub(1)).unwrap_or(0);
    // A queue keeps a message back for twelve hours at most.
    WAITS_MS.get(place).map(|own| said_ms.unwrap_or(0).max(*own).min(43_200_000))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_died_is_sent_again_only_where_that_is_harmless() {
        for (state, repeatable, age_ms, expected) in [
            ("waiting", false, 0, Claim::Send),
            ("sending", true, 119_999, Claim::Busy),
            ("sending", false, 119_999, Claim::Busy),
            ("sending", true, 120_000, Claim::Send),
            ("sending", false, 120_000, Claim::Uncertain),
            ("sent", true, 1_000_000, Claim::Over),
            ("failed", true, 0, Claim::Over),
            ("uncertain", true, 0, Claim::Over),
        ] {
            assert_eq!(claim(state, repeatable, 0, age_ms), expected, "{state} {age_ms}");
        }
    }

    #[test]
    fn waits_grow_and_end() {
        assert_eq!(retry_after_ms(1, None), Some(15_000));
        assert_eq!(retry_after_ms(1, Some(40_000)), Some(40_000));
        assert_eq!(retry_after_ms(2, Some(1)), Some(60_000));
        assert_eq!(retry_after_ms(7, Some(i64::MAX)), Some(43_200_000));
        assert_eq!(retry_after_ms(8, None), None);
    }

    #[test]
    fn only_one_of_two_claims() {
        let database = rusqlite::Connection::open_in_memory().unwrap();
        database.execute_batch(include_str!("../../../d1-migrations/0006_deliveries.sql")).unwrap();
        let put = "INSERT INTO deliveries (organization, id, channel, event, repeatable, state, attempts, changed_ms)
            VALUES ('o', 'd', 'c', '{}', 0, 'waiting', 0, 0)";
        database.execute(put, []).unwrap();
        let claim = || database.execute(CLAIM, rusqlite::params![5, "o", "d", "waiting", 0]).unwrap();
        assert_eq!((claim(), claim()), (1, 0));
        database.execute(SENT, rusqlite::params![6, "D1/2", "o", "d"]).unwrap();
        let state = || database.query_row("SELECT state FROM deliveries", [], |row| row.get::<_, String>(0)).unwrap();
        assert_eq!(state(), "sent");
        // What was sent is not sent again, whoever says so; what failed is, with attempts of its own.
        let again = || database.execute(AGAIN, ["o", "d"]).unwrap();
        assert_eq!((again(), state()), (0, "sent".to_owned()));
        database.execute(FAIL, rusqlite::params!["failed", 7, "no", "o", "d"]).unwrap();
        assert_eq!((again(), state(), again()), (1, "waiting".to_owned(), 0));
        assert_eq!(claim(), 1);
        for (state, expected) in
            [("failed", true), ("uncertain", true), ("waiting", true), ("sending", false), ("sent", false)]
        {
            assert_eq!(may_go_again(state), expected, "{state}");
        }
    }
}
