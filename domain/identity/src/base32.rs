//! Crockford's base 32 in lower case: 26 digits for 16 bytes, which sort as
//! the bytes do. It is the alphabet that TypeIDs use.

const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// Digits of a 128-bit number: 26 × 5 = 130 bits, of which two are zero.
pub(crate) const DIGITS: usize = 26;

pub(crate) fn encode(value: u128) -> String {
    (0..DIGITS).rev().map(|place| char::from(digit(value >> (5 * place)))).collect()
}

fn digit(value: u128) -> u8 {
    let index = usize::try_from(value & 31).unwrap_or(0);
    ALPHABET.get(index).copied().unwrap_or(b'0')
}

/// Reads exactly 26 digits; nothing else has the same text, so that an id has
/// one spelling only.
pub(crate) fn decode(text: &str) -> Option<u128> {
    if text.len() != DIGITS {
        return None;
    }
    text.bytes().try_fold(0u128, |value, byte| {
        let digit = ALPHABET.iter().position(|&b| b == byte)?;
        // The first of the 26 digits may use only its lower three bits.
        if value >> 123 != 0 {
            return None;
        }
        Some(value << 5 | u128::try_from(digit).ok()?)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn round_trips_and_sorts() {
        for value in [0, 1, 31, 32, u128::from(u64::MAX), u128::MAX - 1, u128::MAX] {
            assert_eq!(decode(&encode(value)), Some(value));
        }
        assert!(encode(7) < encode(8) && encode(31) < encode(32));
    }

    #[test]
    fn refuses_what_it_would_not_write() {
        let largest = encode(u128::MAX);
        for text in ["", "0", &largest.to_uppercase(), &format!("8{}", &largest[1..]), &format!("{largest}0")] {
            assert_eq!(decode(text), None, "{text}");
        }
    }
}
