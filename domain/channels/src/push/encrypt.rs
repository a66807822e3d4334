//! Encryption for one browser (RFC 8291) in one record (RFC 8188).

use aes_gcm::aead::{Aead, KeyInit};
use aes_gcm::{Aes128Gcm, Key, Nonce};
use p256::ProjectivePoint;
use p256::elliptic_curve::point::AffineCoordinates;
use p256::elliptic_curve::sec1::ToEncodedPoint;

use crate::crypto::hkdf;

use super::{Ephemeral, PAYLOAD, Subscription};

/// All in one record, which may be as large as a message.
const RECORD: u32 = 4096;
/// Behind the text of the last record (RFC 8188, 2).
const LAST: u8 = 2;

/// What only the two can know who have the private keys (RFC 8291, 3.1).
pub(super) fn agree(theirs: &p256::PublicKey, ours: &p256::SecretKey) -> [u8; 32] {
    // The product is no point at infinity: the curve's order is prime, their
    // key is on it, and ours is not zero.
    let product = ProjectivePoint::from(*theirs.as_affine()) * *ours.to_nonzero_scalar();
    product.to_affine().x().into()
}

/// The same with the browser's secret and both public keys in it (RFC 8291,
/// 3.3 and 3.4).
pub(super) fn input_key(secret: &[u8; 32], subscription: &Subscription, ours: &p256::PublicKey) -> [u8; 32] {
    let (theirs, ours) = (subscription.key.to_encoded_point(false), ours.to_encoded_point(false));
    hkdf(&subscription.auth, secret, &[b"WebPush: info\0", theirs.as_bytes(), ours.as_bytes()])
}

/// Key and nonce of the one record (RFC 8188, 2.2 and 2.3).
pub(super) fn record_keys(input_key: &[u8; 32], salt: &[u8; 16]) -> ([u8; 16], [u8; 12]) {
    let key = hkdf(salt, input_key, &[b"Content-Encoding: aes128gcm\0"]);
    let nonce = hkdf(salt, input_key, &[b"Content-Encoding: nonce\0"]);
    (first(&key), first(&nonce))
}

fn first<const N: usize>(bytes: &[u8; 32]) -> [u8; N] {
    let mut first = [0; N];
    first.iter_mut().zip(bytes).for_each(|(to, from)| *to = *from);
    first
}

/// The body of the request: header and record (RFC 8188, 2 and 2.1).
pub(super) fn seal(payload: &[u8], subscription: &Subscription, ephemeral: &Ephemeral) -> Vec<u8> {
    let ours = ephemeral.key.public_key();
    let secret = agree(&subscription.key, &ephemeral.key);
    let (key, nonce) = record_keys(&input_key(&secret, subscription, &ours), &ephemeral.salt);
    let record = [payload.get(..PAYLOAD).unwrap_or(payload), &[LAST]].concat();
    // It fails only for more than 64 GB.
    let sealed = Aes128Gcm::new(&Key::<Aes128Gcm>::from(key)).encrypt(&Nonce::from(nonce), &record[..]);
    let mut body = ephemeral.salt.to_vec();
    body.extend(RECORD.to_be_bytes());
    body.push(65);
    body.extend_from_slice(ours.to_encoded_point(false).as_bytes());
    body.extend(sealed.unwrap_or_default());
    body
}
