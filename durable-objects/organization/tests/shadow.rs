//! What policies in shadow mode would have decided is known: of acts in the
//! audit trail, of reads and calls as counts.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test that cannot be set up stops")]

use std::collections::BTreeMap;

use audit::{Attribution, Outcome, Record, Shadow, Verdict};
use identity::{AdminKeyId, ApiKey, DepartmentId, KeyHash, OrganizationId, PolicyId, Principal, TeamId};
use organization::protocol::{
    Act, Admit, AdmitError, Admitted, Caller, NewAdminKey, Observed, Open, Order, PolicySource, PutPolicy, Target,
    WouldDiffer,
};
use organization::{General, Organization};
use policy::{Action, Facts, Mode};
use storage::NativeStorage;

const NOW: i64 = 1_800_000_000_000;
const ORGANIZATION: OrganizationId = OrganizationId::from_u128(1);
const POLICY: PolicyId = PolicyId::from_u128(1);

/// An organization with the admin key 1.
struct World(Organization<NativeStorage>);

impl World {
    fn new() -> Self {
        let mut organization = Organization::create(NativeStorage::in_memory().unwrap(), ORGANIZATION).unwrap();
        let admin_key =
            NewAdminKey { id: AdminKeyId::from_u128(1), name: "first".into(), hash: hash(), hint: "…".into() };
        let general = General::default();
        organization.open(NOW, &Open { organization: ORGANIZATION, name: "Acme".into(), general, admin_key }).unwrap();
        Self(organization)
    }

    /// The actor is gone, its database is not.
    fn crash(self) -> Self {
        let store = self.0.into_store();
        Self(Organization::wake(store, ORGANIZATION).unwrap().ok().unwrap())
    }

    fn order(&mut self, by: Attribution, act: Act) {
        self.0.order(NOW, &Order { who: Principal::Operator, idempotency: None, if_match: None, by, act }).unwrap();
    }

    fn put(&mut self, text: &str, mode: Mode, new: bool) {
        let source = PolicySource::Cedar(text.to_owned());
        let put = PutPolicy { id: POLICY, new, expected_version: None, name: "p".into(), source, mode };
        self.order(Attribution::default(), Act::PutPolicy(put));
    }

    fn admit(&mut self, action: Action) -> Result<Admitted, AdmitError> {
        let (caller, facts) = (Caller::AdminKey { hash: hash() }, Facts::default());
        let by = Attribution::default();
        self.0.admit(
            NOW,
            &Admit { caller, action, target: Target::Organization, facts, by, requests_a_minute: None, trial: false },
        )
    }

    fn last(&self) -> Record {
        self.0.trail(0, 1000).unwrap().records.pop().unwrap()
    }

    fn counts(&self) -> Option<WouldDiffer> {
        self.0.access().unwrap().would_differ.get(&POLICY).copied()
    }
}

fn hash() -> KeyHash {
    ApiKey::parse(&ApiKey::mint(ORGANIZATION, TeamId::from_u128(1), 1)).unwrap().hash
}

const FORBIDS: &str = "forbid (principal is AdminKey, action, resource);";

#[test]
fn an_act_says_what_the_shadow_would_have_made_of_it() {
    let mut world = World::new();
    world.put(FORBIDS, Mode::Shadow, true);
    let admitted = world.admit(Action::CreateDepartment).unwrap();
    let by = admitted.attributed(Attribution::default());
    world.order(by, Act::CreateDepartment { id: DepartmentId::from_u128(1), name: "x".into() });
    let done = world.last();
    let shadow = Shadow { decision: Verdict::Forbidden, differs: true, policies: vec![POLICY.to_string()] };
    assert_eq!((done.outcome, done.shadow.as_ref()), (Outcome::Done, Some(&shadow)));
    assert_eq!(done.policies, ["role.admin_key"]);

    // Refused by a policy that decides: the shadow would refuse it too.
    let other = PolicyId::from_u128(2);
    let source = PolicySource::Cedar(FORBIDS.to_owned());
    let mode = Mode::Enforce;
    let put = PutPolicy { id: other, new: true, expected_version: None, name: "q".into(), source, mode };
    world.order(Attribution::default(), Act::PutPolicy(put));
    world.admit(Action::CreateDepartment).unwrap_err();
    let refused = world.last();
    let policies = vec![POLICY.to_string(), other.to_string()];
    assert_eq!(refused.shadow, Some(Shadow { decision: Verdict::Forbidden, differs: false, policies }));
    assert_eq!((refused.outcome, refused.policies), (Outcome::Denied, vec![other.to_string()]));
    assert_eq!(world.counts().unwrap().acts, 1, "only what differs is counted");
}

#[test]
fn reads_and_calls_are_counted_and_write_nothing_at_once() {
    let mut world = World::new();
    world.put(FORBIDS, Mode::Shadow, true);
    assert_eq!(world.counts(), Some(WouldDiffer::default()));
    let before = world.last().sequence;
    for action in [Action::ListTeams, Action::ListTeams, Action::ListAudit, Action::CreateTeam] {
        world.admit(action).unwrap();
    }
    let calls = |name: &str, calls| Observed { calls: BTreeMap::from([(name.to_owned(), calls)]) };
    world.0.observe(NOW, &calls(&format!("{POLICY}.2"), 7));
    world.0.observe(NOW, &calls("role.member.models", 7));
    world.0.observe(NOW, &calls(&PolicyId::from_u128(9).to_string(), 7));
    let expected = WouldDiffer { acts: 1, reads: 3, calls: 7, last_ms: Some(NOW) };
    assert_eq!(world.counts(), Some(expected));
    assert_eq!(world.last().sequence, before, "reads leave no record");

    // They are written within a minute, and not for each.
    assert_eq!(world.0.next_alarm(), Some(NOW + 1000), "the policy's own record goes first");
    world.0.tick(NOW + 59_999).unwrap();
    let mut world = world.crash();
    assert_eq!(world.counts(), Some(WouldDiffer::default()));
    world.admit(Action::ListTeams).unwrap();
    world.0.tick(NOW + 60_000).unwrap();
    let mut world = world.crash();
    let expected = WouldDiffer { reads: 1, last_ms: Some(NOW), ..WouldDiffer::default() };
    assert_eq!(world.counts(), Some(expected));

    // Another version begins anew, and one that decides has no counts.
    world.put(FORBIDS, Mode::Shadow, false);
    assert_eq!(world.counts(), Some(WouldDiffer::default()));
    assert_eq!(world.crash().counts(), Some(WouldDiffer::default()));
}

#[test]
fn a_policy_that_decides_is_not_counted() {
    let mut world = World::new();
    world.put(FORBIDS, Mode::Enforce, true);
    world.admit(Action::ListTeams).unwrap_err();
    world.0.observe(NOW, &Observed { calls: BTreeMap::from([(POLICY.to_string(), 1)]) });
    assert_eq!(world.counts(), None);
}
