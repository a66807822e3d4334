//! A team with one member and their key, for tests of calls.
#![allow(dead_code, reason = "not every test needs all of it")]

use events::{Envelope, MemberProfile, MemberStatus, Message, PoolDraw, TeamProfile};
use identity::{ApiKey, KeyHash, KeyId, MemberId, OrganizationId, Principal, RequestId, TeamId, TransferId};
use ledger::{Account, Metered, Millicredits, Outcome};
use storage::NativeStorage;
use team::Team;
use team::protocol::{Act, NewKey, Order, Reply, Reserve, ReserveError, Reserved, Settle, Settled, Tokens};

pub(crate) const NOW: i64 = 1_800_000_000_000;
pub(crate) const ORGANIZATION: OrganizationId = OrganizationId::from_u128(1);
pub(crate) const TEAM: TeamId = TeamId::from_u128(2);
pub(crate) const MEMBER: MemberId = MemberId::from_u128(3);
pub(crate) const KEY: KeyId = KeyId::from_u128(4);

pub(crate) struct World {
    pub(crate) team: Team<NativeStorage>,
    pub(crate) messages: u64,
    pub(crate) key: KeyHash,
}

/// Ids begin with the time at which their call was made.
pub(crate) fn request(call: u128) -> RequestId {
    RequestId::from_u128(u128::from(NOW.unsigned_abs()) << 80 | call)
}

pub(crate) fn credits(credits: i64) -> Millicredits {
    Millicredits::from_credits(credits).unwrap()
}

impl World {
    /// A team with 100 credits in the pool and 10 in its member's wallet.
    pub(crate) fn new() -> Self {
        let team = Team::open(NativeStorage::in_memory().unwrap(), TEAM).unwrap();
        let secret = ApiKey::mint(ORGANIZATION, TEAM, 5);
        let key = ApiKey::parse(&secret).unwrap().hash;
        let mut world = Self { team, messages: 0, key };
        world.hear(Message::Team(profile(1)));
        world.hear(Message::Member(MemberProfile {
            version: 1,
            member: MEMBER,
            name: "Ada".into(),
            status: MemberStatus::Active,
            models: None,
            keeps_credits: false,
        }));
        let (transfer, who) = (TransferId::from_u128(1), Principal::System);
        world.hear(Message::Allot { transfer, amount: credits(110), who, note: None });
        world.order(Act::CreateKey(NewKey {
            key: KEY,
            member: MEMBER,
            name: "laptop".into(),
            hash: key,
            hint: "sk-alf-…".into(),
            expires_ms: None,
            models: None,
            addresses: None,
        }));
        world.order(Act::Allot {
            transfer: TransferId::from_u128(2),
            from: Account::Pool,
            to: Account::Wallet(MEMBER),
            amount: credits(10),
            note: None,
        });
        world
    }

    pub(crate) fn hear(&mut self, message: Message) {
        self.messages += 1;
        let envelope = Envelope { id: Envelope::name(ORGANIZATION, self.messages), message };
        // Twice: the second time changes nothing.
        self.team.receive(NOW, &envelope).unwrap();
        self.team.receive(NOW, &envelope).unwrap();
    }

    pub(crate) fn order(&mut self, act: Act) -> Reply {
        self.team
            .order(
                NOW,
                &Order { who: Principal::Operator, idempotency: None, if_match: None, by: Default::default(), act },
            )
            .unwrap()
    }

    pub(crate) fn reserve(
        &mut self,
        now: i64,
        call: u128,
        input: i64,
        output_tokens: i64,
    ) -> Result<Reserved, ReserveError> {
        self.team.reserve(now, &self.call(call, input, output_tokens))
    }

    /// A call whose input costs `input` credits at most and whose output costs
    /// a credit a token.
    pub(crate) fn call(&self, call: u128, input: i64, output_tokens: i64) -> Reserve {
        Reserve {
            request: request(call),
            organization: ORGANIZATION,
            key: self.key,
            address: None,
            model: "demo-small".into(),
            provider: "demo".into(),
            settings_version: 1,
            input: credits(input),
            output_per_million: 1_000_000_000,
            input_tokens: 10,
            output_tokens,
            choices: 1,
            rate_tokens: 10,
            likely: credits(1).min(credits(input)),
            likely_tokens: 4,
            clamp: true,
            topped_up: false,
            tag: None,
        }
    }

    pub(crate) fn settle(&mut self, now: i64, call: u128, cost: i64) -> Settled {
        self.team.settle(now, &settle(call, cost)).unwrap()
    }

    pub(crate) fn balances(&self) -> (i64, i64, i64) {
        let balance = |account| self.team.journal().balance(account).get() / 1000;
        (balance(Account::Wallet(MEMBER)), balance(Account::Pool), balance(Account::Spent))
    }

    /// The actor dies and wakes on the same database.
    pub(crate) fn crash(self) -> Self {
        let Self { team, messages, key } = self;
        let before = (team.journal().sequence(), team.open_reservations().clone());
        let team = Team::wake(team.into_store(), TEAM).unwrap().ok().unwrap();
        assert_eq!(before, (team.journal().sequence(), team.open_reservations().clone()));
        Self { team, messages, key }
    }
}

pub(crate) fn profile(version: u64) -> TeamProfile {
    TeamProfile {
        version,
        organization: ORGANIZATION,
        department: identity::DepartmentId::from_u128(1),
        team: TEAM,
        name: "Compilers".into(),
        time_zone: "Europe/Berlin".into(),
        settings_version: 1,
        on_demand: None,
        pool_draw: PoolDraw::Automatic,
        pool_rules: None,
        models: None,
        addresses: None,
        organization_addresses: None,
    }
}

pub(crate) fn settle(call: u128, cost: i64) -> Settle {
    Settle {
        request: request(call),
        outcome: Outcome::Completed,
        metered: Metered::Reported,
        cost: credits(cost),
        tokens: Tokens { input: 8, output: 4, ..Tokens::default() },
        reconcile: false,
        ended_ago_ms: 0,
    }
}
