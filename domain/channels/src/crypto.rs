//! The few primitives that channels sign and check with.

use ::hmac::{Hmac, Mac};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// HMAC with SHA-256 (RFC 2104).
pub(crate) fn hmac(key: &[u8], parts: &[&[u8]]) -> [u8; 32] {
    // A key is filled up to a block; one that is longer is hashed before.
    let hashed: [u8; 32] = Sha256::digest(key).into();
    let short = if key.len() > 64 { &hashed[..] } else { key };
    let mut block = [0; 64];
    block.iter_mut().zip(short).for_each(|(to, from)| *to = *from);
    let mac = <Hmac<Sha256> as Mac>::new(&block.into());
    parts.iter().fold(mac, |mac, part| mac.chain_update(part)).finalize().into_bytes().into()
}

/// HKDF with SHA-256 (RFC 5869), of which one block is enough: at most 32
/// bytes are ever wanted, and fewer are the first of them.
pub(crate) fn hkdf(salt: &[u8], material: &[u8], purpose: &[&[u8]]) -> [u8; 32] {
    let extracted = hmac(salt, &[material]);
    let mut parts = purpose.to_vec();
    parts.push(&[1]);
    hmac(&extracted, &parts)
}

/// Whether the bytes are the same, in a time that does not depend on where
/// they differ.
pub(crate) fn same(one: &[u8], other: &[u8]) -> bool {
    one.ct_eq(other).into()
}

/// Base64url without padding (RFC 4648, 5).
pub(crate) fn base64url(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Reads base64url; padding and stray bits are refused, so that bytes have one
/// spelling only.
pub(crate) fn from_base64url(text: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text).ok()
}

/// Two lower-case digits for each byte.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Reads what [`hex`] writes; upper case too.
pub(crate) fn from_hex(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    rest.is_empty().then_some(())?;
    pairs.iter().map(|[high, low]| Some(digit(*high)? << 4 | digit(*low)?)).collect()
}

/// A short name for a text, the same each time: 128 bits of its SHA-256.
pub(crate) fn name_of(text: &str) -> String {
    let digest = Sha256::digest(text.as_bytes());
    digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hmac_and_hkdf_are_those_of_the_rfcs() {
        // RFC 4231, test cases 2 and 6 (a key longer than a block).
        assert_eq!(
            hex(&hmac(b"Jefe", &[b"what do ya want ", b"for nothing?"])),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        );
        assert_eq!(
            hex(&hmac(&[0xaa; 131], &[b"Test Using Larger Than Block-Size Key - Hash Key First"])),
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"
        );
        // RFC 5869, A.1: the first 32 of 42 bytes.
        let salt = from_hex("000102030405060708090a0b0c").unwrap();
        let info = from_hex("f0f1f2f3f4f5f6f7f8f9").unwrap();
        let key = hkdf(&salt, &[0x0b; 22], &[&info]);
        assert_eq!(hex(&key), "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf");
    }

    #[test]
    fn bytes_have_one_spelling() {
        assert_eq!(from_base64url("AQ"), Some(vec![1]));
        for text in ["AQ==", "AR", "A", "A Q", "AQ\n"] {
            assert_eq!(from_base64url(text), None, "{text}");
        }
        assert_eq!(from_hex("00fF"), Some(vec![0, 255]));
        for text in ["0", "0g", "é", "+1", " 1"] {
            assert_eq!(from_hex(text), None, "{text}");
        }
        assert!(same(b"ab", b"ab") && !same(b"ab", b"ac") && !same(b"ab", b"abc"));
    }
}
