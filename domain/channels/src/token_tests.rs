use super::*;
use proptest::prelude::*;

const MASTER: &str = "a master secret of enough length";
const NEXT: &str = "another master secret, as long as";
const REQUEST: u128 = 0x0188_bac7_4afa_78aa_bc3b_bd1e_ef28_d881;
const ADA: MemberId = MemberId::from_u128(7);
const ALAN: MemberId = MemberId::from_u128(8);

fn keys(master: &str, organization: u128, channel: Channel) -> ActionKeys {
    ActionKeys::new(master, None, OrganizationId::from_u128(organization), channel).unwrap()
}

fn slack() -> ActionKeys {
    keys(MASTER, 1, Channel::Slack)
}

#[test]
fn form_is_pinned() {
    // Buttons stay in chats for weeks. Made with Python's hmac as well.
    let token = slack().sign(REQUEST, Verdict::Approve, ADA);
    assert_eq!(token.as_str(), "EQGIusdK-niqvDu9Hu8o2IGAx33c4tm0M0LyL9QA");
    assert_eq!(token.as_str().len(), ActionToken::LENGTH);
    assert_eq!(slack().verify(&token, ADA), Ok(Answered { request: REQUEST, verdict: Verdict::Approve }));
    assert_eq!(format!("{token:?} {:?}", slack()), "ActionToken(…) ActionKeys(…)");
}

#[test]
fn works_for_one_person_in_one_channel_of_one_organization() {
    let token = slack().sign(REQUEST, Verdict::Deny, ADA);
    assert_eq!(slack().verify(&token, ALAN), Err(TokenError::Refused), "another person");
    assert_eq!(keys(MASTER, 2, Channel::Slack).verify(&token, ADA), Err(TokenError::Refused), "another organization");
    assert_eq!(keys(NEXT, 1, Channel::Slack).verify(&token, ADA), Err(TokenError::Refused), "another secret");
    for &channel in Channel::ALL.iter().filter(|&&channel| channel != Channel::Slack) {
        assert_eq!(keys(MASTER, 1, channel).verify(&token, ADA), Err(TokenError::Refused), "{channel}");
    }
}

#[test]
fn altered_is_refused() {
    let token = slack().sign(REQUEST, Verdict::Deny, ADA);
    for place in 0..token.0.len() {
        for letter in ["A", "B", "_"] {
            let mut altered = token.0.clone();
            altered.replace_range(place..=place, letter);
            if altered != token.0 {
                assert!(slack().verify(&ActionToken(altered), ADA).is_err(), "{letter} at {place}");
            }
        }
    }
    // Of a shorter MAC less had to be guessed.
    for cut in [24, 28, 36] {
        assert!(slack().verify(&ActionToken(token.0[..cut].to_owned()), ADA).is_err(), "cut at {cut}");
    }
    let signed = from_base64url(&token.0).unwrap()[..SIGNED].to_vec();
    assert_eq!(slack().verify(&ActionToken(base64url(&signed)), ADA), Err(TokenError::Refused), "no MAC");
    // The verdict alone, with the MAC of the other.
    let approve = slack().sign(REQUEST, Verdict::Approve, ADA);
    let mixed = format!("{}{}", &approve.0[..24], &token.0[24..]);
    assert_eq!(slack().verify(&ActionToken(mixed), ADA), Err(TokenError::Refused));
}

#[test]
fn only_its_own_form_is_read() {
    let token = slack().sign(REQUEST, Verdict::Deny, ADA);
    assert_eq!(token.0.parse(), Ok(token.clone()));
    let json = serde_json::to_string(&token).unwrap();
    assert_eq!(serde_json::from_str::<ActionToken>(&json).unwrap(), token);
    for text in ["", "a", &token.0[1..], &format!("{}A", token.0), &"=".repeat(40), &"é".repeat(20), &" ".repeat(40)] {
        assert_eq!(text.parse::<ActionToken>(), Err(TokenError::Malformed), "{text}");
    }
}

#[test]
fn goes_over_from_one_master_secret_to_the_next() {
    let organization = OrganizationId::from_u128(1);
    let both = ActionKeys::new(NEXT, Some(MASTER), organization, Channel::Slack).unwrap();
    assert!(both.verify(&slack().sign(REQUEST, Verdict::Deny, ADA), ADA).is_ok());
    let new = both.sign(REQUEST, Verdict::Deny, ADA);
    assert!(keys(NEXT, 1, Channel::Slack).verify(&new, ADA).is_ok() && slack().verify(&new, ADA).is_err());
    for (master, previous) in [("short", None), (MASTER, Some("short"))] {
        assert_eq!(ActionKeys::new(master, previous, organization, Channel::Slack).unwrap_err(), WeakMaster);
    }
}

proptest! {
    #[test]
    fn round_trip(request: u128, approver: u128, approve: bool) {
        let verdict = if approve { Verdict::Approve } else { Verdict::Deny };
        let approver = MemberId::from_u128(approver);
        let token = slack().sign(request, verdict, approver);
        prop_assert_eq!(slack().verify(&token, approver), Ok(Answered { request, verdict }));
        prop_assert_eq!(token.0.len(), ActionToken::LENGTH);
    }

    #[test]
    fn never_panics_and_refuses_what_is_not_signed(text: String, bytes in prop::collection::vec(any::<u8>(), 30)) {
        let _ = text.parse::<ActionToken>();
        let token: ActionToken = base64url(&bytes).parse().unwrap();
        prop_assert!(slack().verify(&token, ADA).is_err());
    }
}
