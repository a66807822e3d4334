//! Secrets that are sealed anew when the master secret changes.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot be set up stops")]

use audit::{Attribution, Salt};
use identity::{AdminKey, AdminKeyId, ChannelId, OrganizationId, Principal, ProviderId};
use openid::{Algorithm, Preset};
use organization::protocol::{
    Act, Channel, HasTag, Holder, NewAdminKey, Open, Order, OrderError, Reply, Resealed, SessionCommand, SignIn, Way,
};
use organization::{General, Organization, Provider, ProviderKind};
use storage::NativeStorage;
use vault::{Sealed, Vault};

const NOW: i64 = 1_800_000_000_000;
const ORGANIZATION: OrganizationId = OrganizationId::from_u128(1);
const PROVIDER: ProviderId = ProviderId::from_u128(1);
const OLD: &str = "the master secret before this one";
const NEW: &str = "the master secret that is current";

fn sealed(vault: &Vault, nonce: u8, purpose: &str) -> Sealed {
    vault.seal(purpose, [nonce; 12], &format!("secret of {purpose}")).unwrap()
}

fn provider(key: Option<Sealed>) -> Provider {
    Provider {
        id: PROVIDER,
        name: "fake".into(),
        kind: ProviderKind::Openai,
        base_url: "https://api.example.com/v1".into(),
        key,
        models: vec!["*".into()],
        prices: None,
        headers: Default::default(),
        limit_field: Default::default(),
        header_timeout_ms: 1000,
        idle_timeout_ms: 1000,
    }
}

fn sign_in(client_secret: Sealed) -> SignIn {
    SignIn {
        version: 0,
        provider: Preset::Okta { domain: "acme.okta.com".into() },
        client_id: "alfred".into(),
        client_secret,
        algorithms: vec![Algorithm::Rs256],
        just_in_time: false,
        default_team: None,
        groups: Vec::new(),
        session_hours: 12,
    }
}

fn order(organization: &mut Organization<NativeStorage>, act: Act) -> Result<Reply, OrderError> {
    let by = Attribution { salt: Some(Salt::from_u128(1)), ..Attribution::default() };
    organization.order(NOW, &Order { who: Principal::Operator, idempotency: None, if_match: None, by, act })
}

fn opened() -> (Organization<NativeStorage>, Sealed, Sealed) {
    let mut organization = Organization::create(NativeStorage::in_memory().unwrap(), ORGANIZATION).unwrap();
    let hash = AdminKey::parse(&AdminKey::mint(ORGANIZATION, 1)).unwrap().hash;
    let admin_key = NewAdminKey { id: AdminKeyId::from_u128(1), name: "first".into(), hash, hint: "…".into() };
    let general = General::default();
    organization.open(NOW, &Open { organization: ORGANIZATION, name: "Acme".into(), general, admin_key }).unwrap();
    let old = Vault::new(OLD, None).unwrap();
    let (key, secret) = (sealed(&old, 1, "prov"), sealed(&old, 2, "sign-in"));
    order(&mut organization, Act::PutProvider { provider: Box::new(provider(Some(key.clone()))), new: true }).unwrap();
    order(&mut organization, Act::PutSignIn(Box::new(sign_in(secret.clone())))).unwrap();
    (organization, key, secret)
}

fn exchange(holder: Holder, before: &Sealed, after: &Sealed) -> Resealed {
    Resealed { holder, before: before.clone(), after: after.clone() }
}

#[test]
fn secrets_are_exchanged_once_and_nothing_else_changes() {
    let (mut organization, key, secret) = opened();
    let new = Vault::new(NEW, Some(OLD)).unwrap();
    let (new_key, new_secret) = (sealed(&new, 3, "prov"), sealed(&new, 4, "sign-in"));
    let secrets = vec![
        exchange(Holder::Provider(PROVIDER), &key, &new_key),
        exchange(Holder::SignIn, &secret, &new_secret),
        exchange(Holder::Provider(ProviderId::from_u128(9)), &key, &new_key),
    ];
    let (version, sign_in) = (organization.settings().unwrap().version, organization.signing_in().unwrap().sign_in);
    let tag = sign_in.unwrap().tag();
    let reseal = Act::Reseal { secrets };
    order(&mut organization, reseal.clone()).unwrap();
    let head = organization.journal().audit_head();

    // From the database, and after it was done a second time.
    order(&mut organization, reseal).unwrap();
    assert_eq!(organization.journal().audit_head(), head, "the second time there was nothing to do");
    let organization = Organization::wake(organization.into_store(), ORGANIZATION).unwrap().ok().unwrap();
    let settings = organization.settings().unwrap();
    assert_eq!(settings.providers, [provider(Some(new_key))]);
    let sign_in = organization.signing_in().unwrap().sign_in.unwrap();
    assert_eq!(sign_in.client_secret, new_secret);
    assert_eq!((settings.version, sign_in.tag()), (version, tag), "sign-ins that were begun go on");

    let records = organization.trail(head.sequence - 1, 10).unwrap().records;
    let record = records.first().unwrap();
    assert_eq!((record.action.as_str(), records.len()), ("reseal", 1));
    let text = serde_json::to_string(record).unwrap();
    assert!(text.contains(&PROVIDER.to_string()) && text.contains("sign_in"), "{text}");
    assert!(!text.contains("v2:") && !text.contains("secret of"), "{text}");
}

#[test]
fn what_somebody_changed_meanwhile_stays() {
    let (mut organization, key, secret) = opened();
    let new = Vault::new(NEW, Some(OLD)).unwrap();
    let changed = sealed(&new, 5, "prov");
    let put = Act::PutProvider { provider: Box::new(provider(Some(changed.clone()))), new: false };
    order(&mut organization, put).unwrap();
    order(&mut organization, Act::RemoveSignIn).unwrap();
    let secrets = vec![
        exchange(Holder::Provider(PROVIDER), &key, &sealed(&new, 6, "prov")),
        exchange(Holder::SignIn, &secret, &sealed(&new, 7, "sign-in")),
    ];
    order(&mut organization, Act::Reseal { secrets }).unwrap();
    assert_eq!(organization.settings().unwrap().providers, [provider(Some(changed))]);
    assert_eq!(organization.signing_in().unwrap().sign_in, None);
}

#[test]
fn the_order_to_refresh_is_read_from_gateways_that_know_one_master_secret() {
    let hash = AdminKey::parse(&AdminKey::mint(ORGANIZATION, 1)).unwrap().hash;
    let text = format!(
        r#"{{"what":"refresh","session":"ses_00000000000000000000000001","shown":"{hash}","next":"{hash}","by":{{}}}}"#
    );
    let command: SessionCommand = serde_json::from_str(&text).unwrap();
    assert!(matches!(command, SessionCommand::Refresh { earlier: None, .. }));
}

#[test]
fn a_channel_s_secrets_are_exchanged_and_in_no_record() {
    let (mut organization, ..) = opened();
    let (old, new) = (Vault::new(OLD, None).unwrap(), Vault::new(NEW, None).unwrap());
    let id = ChannelId::from_u128(9);
    let (before, after) = (sealed(&old, 3, "chan"), sealed(&new, 4, "chan"));
    let way = Way::Slack { workspace: "T012AB3CD".into() };
    let channel = Channel { id, name: "Slack".into(), enabled: true, way, secret: before.clone() };
    order(&mut organization, Act::PutChannel { channel: Box::new(channel.clone()), new: true }).unwrap();
    let twin = Channel { id: ChannelId::from_u128(10), ..channel.clone() };
    let refused = order(&mut organization, Act::PutChannel { channel: Box::new(twin), new: true });
    assert!(matches!(refused, Err(OrderError::Conflict { .. })), "{refused:?}");
    let exchange = |before: &Sealed, after: &Sealed| Act::Reseal {
        secrets: vec![Resealed { holder: Holder::Channel(id), before: before.clone(), after: after.clone() }],
    };
    order(&mut organization, exchange(&after, &before)).unwrap();
    assert_eq!(organization.channels().unwrap()[0].secret, before, "what is not as it was read stays");
    order(&mut organization, exchange(&before, &after)).unwrap();
    let mut organization = Organization::wake(organization.into_store(), ORGANIZATION).unwrap().ok().unwrap();
    assert_eq!(organization.channels().unwrap()[0].secret, after);
    order(&mut organization, Act::RemoveChannel { id }).unwrap();
    assert_eq!(organization.channels().unwrap(), []);
    let text = serde_json::to_string(&organization.trail(0, 100).unwrap()).unwrap();
    assert!(text.contains("T012AB3CD"), "what a channel is stands in the records");
    for secret in [&before, &after] {
        assert!(!text.contains(serde_json::to_string(secret).unwrap().trim_matches('"')), "{text}");
    }
}
