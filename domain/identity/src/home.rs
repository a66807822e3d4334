//! Ids that tell where to look.

use crate::id::TeamId;

/// The last bits of the ids of what teams keep are their team's: so what was
/// made is found by its id at once, and nobody else has to be asked.
const HOME: u128 = 0xFF_FFFF;

/// A new id's bits, for something that this team keeps.
#[must_use]
pub const fn at_home(bits: u128, team: TeamId) -> u128 {
    bits & !HOME | team.as_u128() & HOME
}
