//! Signed links, for channels without buttons: Teams and e-mail.
//!
//! A link opens a page that shows the request; deciding is a POST from there,
//! since programs that scan mails follow links. That page, and the POST, are the
//! web layer's.
//!
//! A link is used once. Nothing here can know whether it was: whoever hears it
//! remembers the [`nonce`](Claims::nonce) until it has expired. The links of
//! one message have the same, so whoever has approved cannot deny as well.
//!
//! The text has 84 characters of base64url, 63 bytes: version and verdict (1),
//! request (16), approver (16), nonce (8), expiry (6), and half of an
//! HMAC-SHA256 (16). Organization and channel are in the key and not in the
//! text; the address has to name them, as in `/decide/org_…/chan_…/<token>`.

use std::fmt;

use identity::{ChannelId, MemberId, OrganizationId};

use crate::crypto::{base64url, from_base64url, hmac};
use crate::token::{Keys, Verdict, WeakMaster};

/// For what keys are derived; nothing else may be derived for the same.
const PURPOSE: &[u8] = b"alfred decision link v1";
const VERSION: u8 = 0x10;
const MAC: usize = 16;
const SIGNED: usize = 1 + 16 + 16 + 8 + 6;
/// Six bytes of milliseconds: until the year 10889.
const LATEST_MS: u64 = (1 << 48) - 1;

/// What a link says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Claims {
    /// Which request it is about.
    pub request: u128,
    /// Whose link it is.
    pub approver: MemberId,
    /// What it proposes.
    pub verdict: Verdict,
    /// By which it is known that it was used: [`LinkKeys::nonce`].
    pub nonce: u64,
    /// Until when it works, in milliseconds since 1970.
    pub expires_ms: i64,
}

/// Why a link is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LinkError {
    /// It is no link of ours.
    #[error("the link is incomplete: copy the whole of it")]
    Malformed,
    /// Forged, altered, or another organization's.
    #[error("the link was altered, or belongs to another organization")]
    Refused,
    /// Too late.
    #[error("the link has expired: open the request in Alfred")]
    Expired,
}

/// The keys that sign and verify the links of an organization in a channel.
/// Their debug form shows nothing.
pub struct LinkKeys(Keys);

impl fmt::Debug for LinkKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LinkKeys(…)")
    }
}

impl LinkKeys {
    /// The keys under a master secret of at least 32 characters, and under the
    /// one before it, whose links still work.
    ///
    /// # Errors
    /// [`WeakMaster`].
    pub fn new(
        master: &str,
        previous: Option<&str>,
        organization: OrganizationId,
        channel: ChannelId,
    ) -> Result<Self, WeakMaster> {
        let (organization, channel) = (organization.as_u128().to_be_bytes(), channel.as_u128().to_be_bytes());
        Keys::new(master, previous, &[PURPOSE, &organization, &channel]).map(Self)
    }

    /// The nonce of a message, by its name: the same each time that it is made,
    /// since providers that know a repetition want it to be the same to a byte.
    #[must_use]
    pub fn nonce(&self, message: &str) -> u64 {
        let mac = hmac(&self.0.current, &[b"nonce of ", message.as_bytes()]);
        mac.iter().take(8).fold(0, |sum: u64, &byte| sum << 8 | u64::from(byte))
    }

    /// Writes a link's token, to be put into a path as it is.
    #[must_use]
    pub fn sign(&self, claims: &Claims) -> String {
        let mut bytes = vec![VERSION | claims.verdict.code()];
        bytes.extend(claims.request.to_be_bytes());
        bytes.extend(claims.approver.as_u128().to_be_bytes());
        bytes.extend(claims.nonce.to_be_bytes());
        let expires = u64::try_from(claims.expires_ms).unwrap_or(0).min(LATEST_MS);
        bytes.extend(expires.to_be_bytes().iter().skip(2));
        bytes.extend(hmac(&self.0.current, &[&bytes]).iter().take(MAC));
        base64url(&bytes)
    }

    /// What a genuine link says that has not expired.
    ///
    /// # Errors
    /// [`LinkError`].
    pub fn verify(&self, token: &str, now_ms: i64) -> Result<Claims, LinkError> {
        // Longer texts are not even decoded.
        if token.len() > 128 {
            return Err(LinkError::Malformed);
        }
        let bytes = from_base64url(token).ok_or(LinkError::Malformed)?;
        let (signed, mac) = bytes.split_at_checked(SIGNED).ok_or(LinkError::Malformed)?;
        if mac.len() != MAC {
            return Err(LinkError::Malformed);
        }
        if !self.0.verify(&[signed], mac) {
            return Err(LinkError::Refused);
        }
        let claims = read(signed).ok_or(LinkError::Malformed)?;
        if now_ms >= claims.expires_ms {
            return Err(LinkError::Expired);
        }
        Ok(claims)
    }
}

fn read(signed: &[u8]) -> Option<Claims> {
    let (first, rest) = signed.split_first()?;
    let (request, rest) = rest.split_first_chunk::<16>()?;
    let (approver, rest) = rest.split_first_chunk::<16>()?;
    let (nonce, expires) = rest.split_first_chunk::<8>()?;
    let expires = expires.iter().fold(0, |sum: i64, &byte| sum << 8 | i64::from(byte));
    Some(Claims {
        request: u128::from_be_bytes(*request),
        approver: MemberId::from_u128(u128::from_be_bytes(*approver)),
        verdict: Verdict::of_code(first ^ VERSION)?,
        nonce: u64::from_be_bytes(*nonce),
        expires_ms: expires,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const MASTER: &str = "a master secret of enough length";
    const NEXT: &str = "another master secret, as long as";
    const CLAIMS: Claims = Claims {
        request: 0x0188_bac7_4afa_78aa_bc3b_bd1e_ef28_d881,
        approver: MemberId::from_u128(7),
        verdict: Verdict::Deny,
        nonce: 99,
        expires_ms: 1_700_000_000_000,
    };

    const CHANNEL: ChannelId = ChannelId::from_u128(5);

    fn keys(master: &str, organization: u128) -> LinkKeys {
        LinkKeys::new(master, None, OrganizationId::from_u128(organization), CHANNEL).unwrap()
    }

    #[test]
    fn a_message_has_one_nonce() {
        assert_eq!(keys(MASTER, 1).nonce("x"), 0x8da0d6dfc0f0519b);
        assert_ne!(keys(MASTER, 1).nonce("y"), keys(MASTER, 1).nonce("x"));
        assert_ne!(keys(MASTER, 2).nonce("x"), keys(MASTER, 1).nonce("x"));
    }

    #[test]
    fn form_is_pinned() {
        // Links are in mailboxes for days. Made with Python's hmac as well.
        let token = keys(MASTER, 1).sign(&CLAIMS);
        assert_eq!(token, "EgGIusdK-niqvDu9Hu8o2IEAAAAAAAAAAAAAAAAAAAAHAAAAAAAAAGMBi8_laAAoNhLs9ysVJFg7-TzdUp8J");
        assert_eq!(keys(MASTER, 1).verify(&token, 1_699_999_999_999), Ok(CLAIMS));
    }

    #[test]
    fn forged_altered_expired_or_of_others_is_refused() {
        let token = keys(MASTER, 1).sign(&CLAIMS);
        assert_eq!(keys(MASTER, 1).verify(&token, 1_700_000_000_000), Err(LinkError::Expired));
        assert_eq!(keys(MASTER, 2).verify(&token, 0), Err(LinkError::Refused), "another organization");
        assert_eq!(keys(NEXT, 1).verify(&token, 0), Err(LinkError::Refused), "another secret");
        let other = LinkKeys::new(MASTER, None, OrganizationId::from_u128(1), ChannelId::from_u128(6)).unwrap();
        assert_eq!(other.verify(&token, 0), Err(LinkError::Refused), "another channel");
        for place in 0..token.len() {
            let mut altered = token.clone().into_bytes();
            altered[place] = if altered[place] == b'A' { b'B' } else { b'A' };
            let altered = String::from_utf8(altered).unwrap();
            assert_eq!(keys(MASTER, 1).verify(&altered, 0), Err(LinkError::Refused), "at {place}");
            assert!(keys(MASTER, 1).verify(&token[..place], 0).is_err(), "cut at {place}");
        }
        for text in ["", "é", &format!("{token}A"), &format!("{token}AAAA"), &"A".repeat(1000)] {
            assert_eq!(keys(MASTER, 1).verify(text, 0), Err(LinkError::Malformed), "{text}");
        }
        assert_eq!(LinkKeys::new("short", None, OrganizationId::from_u128(1), CHANNEL).unwrap_err(), WeakMaster);
        assert_eq!(format!("{:?}", keys(MASTER, 1)), "LinkKeys(…)");
    }

    #[test]
    fn goes_over_from_one_master_secret_to_the_next() {
        let organization = OrganizationId::from_u128(1);
        let both = LinkKeys::new(NEXT, Some(MASTER), organization, CHANNEL).unwrap();
        assert_eq!(both.verify(&keys(MASTER, 1).sign(&CLAIMS), 0), Ok(CLAIMS));
        assert_eq!(keys(NEXT, 1).verify(&both.sign(&CLAIMS), 0), Ok(CLAIMS));
    }

    #[test]
    fn no_expiry_lasts_for_ever() {
        for (expires_ms, kept) in [(-1, 0), (i64::MIN, 0), (i64::MAX, (1 << 48) - 1)] {
            let token = keys(MASTER, 1).sign(&Claims { expires_ms, ..CLAIMS });
            assert_eq!(keys(MASTER, 1).verify(&token, -1).unwrap().expires_ms, kept);
        }
    }

    proptest! {
        #[test]
        fn never_panics_and_refuses_what_is_not_signed(text: String, bytes in prop::collection::vec(any::<u8>(), 63)) {
            prop_assert!(keys(MASTER, 1).verify(&text, 0).is_err());
            prop_assert_eq!(keys(MASTER, 1).verify(&base64url(&bytes), 0), Err(LinkError::Refused));
        }

        #[test]
        fn round_trip(request: u128, approver: u128, nonce: u64, expires_ms in 1..1i64 << 48) {
            let claims = Claims { request, approver: MemberId::from_u128(approver), nonce, expires_ms, ..CLAIMS };
            prop_assert_eq!(keys(MASTER, 1).verify(&keys(MASTER, 1).sign(&claims), 0), Ok(claims));
        }
    }
}
