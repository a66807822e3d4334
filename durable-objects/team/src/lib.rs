//! The team's actor: wallets, pool, reservations, keys, limits.
