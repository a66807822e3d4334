//! What somebody who is away leaves to others.

use identity::MemberId;
use ledger::Millicredits;
use serde::{Deserialize, Serialize};

/// What of somebody's idle credits others may use, and who.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Lends {
    /// How much.
    pub share: Share,
    /// Only this colleague of the same team; if left out, everybody whose calls
    /// may draw from the pool.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<MemberId>,
}

/// How much of what is idle in a wallet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Share {
    /// Nothing: somebody is only away.
    #[default]
    Nothing,
    /// All of it.
    All,
    /// So many hundredths of it, rounded down.
    Percent {
        /// 1 to 100.
        percent: u8,
    },
    /// What there is beyond an amount.
    Above {
        /// So much stays.
        floor: Millicredits,
    },
}

impl Share {
    /// What of so much that is idle is lent.
    #[must_use]
    pub fn of(self, idle: Millicredits) -> Millicredits {
        let idle = idle.max(Millicredits::ZERO);
        match self {
            Self::Nothing => Millicredits::ZERO,
            Self::All => idle,
            Self::Percent { percent } => {
                let part = i128::from(idle.get()).saturating_mul(i128::from(percent.min(100)));
                let part = part.checked_div(100).and_then(|part| i64::try_from(part).ok());
                Millicredits::new(part.unwrap_or(0))
            }
            Self::Above { floor } => idle.saturating_sub(floor.max(Millicredits::ZERO)).max(Millicredits::ZERO),
        }
    }
}
