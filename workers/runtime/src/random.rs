//! Where time and randomness come from, for all workers.

/// Milliseconds since 1970. In production it advances only with I/O.
#[must_use]
pub fn now_ms() -> i64 {
    // A whole number far below 2^53.
    js_sys::Date::now() as i64
}

/// 128 random bits from the platform's generator.
///
/// # Errors
/// When the platform has none; nothing secret may be made then.
pub fn random_u128() -> Result<u128, getrandom::Error> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes)?;
    Ok(u128::from_be_bytes(bytes))
}

/// A UUIDv7 (RFC 9562, 5.7): 48 bits of time, then version and variant among
/// random bits. Ids made of it sort by time.
///
/// # Errors
/// When the platform has no randomness.
pub fn uuid_v7() -> Result<u128, getrandom::Error> {
    let time = u128::from(now_ms().unsigned_abs()) & 0xffff_ffff_ffff;
    let random = random_u128()? & 0x0000_0000_0000_0fff_3fff_ffff_ffff_ffff;
    Ok(time << 80 | 0x7 << 76 | 0x2 << 62 | random)
}
