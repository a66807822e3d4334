//! Whether a reserve takes longer in a team that has a long past.
//!
//! Two teams over SQLite in files, one new, one after so many calls: each made
//! by a real reserve and settle, at 500 a second of the team's own time, with
//! its alarm every second, so that checkpoints and clean-ups are as they would
//! be. Then batches of calls go to both in turn. Prints one line of JSON:
//! microseconds, the median of the batches.
//!
//! `growth FOLDER ENTRIES`; the folder should be in memory, for it is not the
//! disk that is measured.

use std::error::Error;
use std::path::Path;
use std::time::{Duration, Instant};

use events::{Envelope, MemberProfile, MemberStatus, Message, PoolDraw, TeamProfile};
use identity::{ApiKey, DepartmentId, KeyHash, KeyId, LimitId, MemberId, OrganizationId, Principal};
use identity::{RequestId, TeamId, TransferId};
use ledger::{Metered, Millicredits, Outcome};
use limits::{Limit, Unit, Window};
use storage::NativeStorage;
use team::Team;
use team::protocol::{Act, NewKey, Order, Reserve, Settle, Subject, Tokens};

const START: i64 = 1_800_000_000_000;
const CALLS_A_SECOND: u64 = 500;
const BATCH: u32 = 200;
const BATCHES: usize = 41;

const ORGANIZATION: OrganizationId = OrganizationId::from_u128(1);
const TEAM: TeamId = TeamId::from_u128(2);
const MEMBER: MemberId = MemberId::from_u128(3);
const KEY: KeyId = KeyId::from_u128(4);

type Outcomes<T> = Result<T, Box<dyn Error>>;

fn main() -> Outcomes<()> {
    let mut arguments = std::env::args().skip(1);
    let folder = arguments.next().ok_or("growth FOLDER ENTRIES")?;
    let entries: u64 = arguments.next().ok_or("growth FOLDER ENTRIES")?.parse()?;
    let (new, old) = (Path::new(&folder).join("new.sqlite"), Path::new(&folder).join("old.sqlite"));
    let filling = begin();
    let mut long = Subjected::open(&old)?;
    while long.team.journal().sequence() < entries {
        long.call()?;
    }
    let filled = filling.elapsed();
    let mut short = Subjected::open(&new)?;
    // Both go on from the same time: what an hour or a day is, is not measured.
    short.calls = long.calls;
    // Neither is measured cold.
    short.batch()?;
    long.batch()?;

    let (mut news, mut olds) = (Vec::new(), Vec::new());
    for _ in 0..BATCHES {
        news.push(short.batch()?);
        olds.push(long.batch()?);
    }
    let sequence = long.team.journal().sequence();
    let ((new_reserve, new_settle), (old_reserve, old_settle)) = (medians(&news), medians(&olds));
    let (short, long) = (short.team.into_store(), long.team.into_store());
    let (new_wake, old_wake) = (wake(short)?, wake(long)?);
    let size = std::fs::metadata(&old)?.len();
    println!(
        "{{\"entries\":{sequence},\"bytes\":{size},\"filled_ms\":{},\
         \"new\":{{\"reserve\":{new_reserve:.2},\"settle\":{new_settle:.2},\"wake\":{new_wake:.0}}},\
         \"old\":{{\"reserve\":{old_reserve:.2},\"settle\":{old_settle:.2},\"wake\":{old_wake:.0}}}}}",
        filled.as_millis(),
    );
    Ok(())
}

/// A team under measurement.
struct Subjected {
    team: Team<NativeStorage>,
    key: KeyHash,
    calls: u64,
}

impl Subjected {
    /// A team with a member, a key, funds for all calls, and a limit of each
    /// kind on each subject.
    fn open(file: &Path) -> Outcomes<Self> {
        let store = NativeStorage::file(file)?;
        // As the platform has it.
        store.batch("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL")?;
        let mut team = Team::open(store, TEAM)?;
        let member = MemberProfile {
            version: 1,
            member: MEMBER,
            name: "Ada".into(),
            status: MemberStatus::Active,
            models: Some(vec!["gpt-4o*".into()]),
            keeps_credits: false,
        };
        let allot = Message::Allot {
            transfer: TransferId::from_u128(1),
            amount: Millicredits::new(1_000_000_000_000_000),
            who: Principal::System,
            note: None,
        };
        for (number, message) in (0..).zip([Message::Team(profile()), Message::Member(member), allot]) {
            team.receive(START, &Envelope { id: Envelope::name(ORGANIZATION, number), message })?;
        }
        let secret = ApiKey::mint(ORGANIZATION, TEAM, 5);
        let key = ApiKey::parse(&secret)?.hash;
        let mut acts = vec![Act::CreateKey(NewKey {
            key: KEY,
            member: MEMBER,
            name: "laptop".into(),
            hash: key,
            hint: ApiKey::hint(&secret),
            expires_ms: None,
            models: Some(vec!["gpt-4o*".into()]),
            addresses: None,
        })];
        let subjects = [Subject::Key(KEY), Subject::Member(MEMBER), Subject::Team];
        let kinds = [(Window::Minute, Unit::Requests), (Window::Minute, Unit::Tokens), (Window::Month, Unit::Credits)];
        for (place, (subject, (window, unit))) in
            subjects.into_iter().flat_map(|subject| kinds.map(|kind| (subject, kind))).enumerate()
        {
            let kind = if window == Window::Minute { limits::Kind::Rate } else { limits::Kind::Cap };
            let limit = Limit::new(kind, window, unit, 1_000_000_000_000_000)?;
            let limit_id = LimitId::from_u128(u128::try_from(place)?);
            acts.push(Act::CreateLimit { limit_id, subject, limit });
        }
        for act in acts {
            team.order(
                START,
                &Order { who: Principal::Operator, idempotency: None, if_match: None, by: Default::default(), act },
            )?;
        }
        Ok(Self { team, key, calls: 0 })
    }

    /// One call; how long its reserve and its settle took.
    fn call(&mut self) -> Outcomes<(Duration, Duration)> {
        self.calls += 1;
        let now = START + i64::try_from(self.calls * 1000 / CALLS_A_SECOND)?;
        let request = RequestId::from_u128(u128::try_from(now)? << 80 | u128::from(self.calls));
        let reserve = Reserve {
            request,
            organization: ORGANIZATION,
            key: self.key,
            address: None,
            model: "gpt-4o-mini".into(),
            provider: "openai".into(),
            settings_version: 1,
            input: Millicredits::new(30_000),
            output_per_million: 600_000_000,
            input_tokens: 200,
            output_tokens: 16,
            choices: 1,
            rate_tokens: 60,
            likely: Millicredits::new(6_000),
            likely_tokens: 40,
            clamp: true,
            topped_up: false,
            tag: None,
        };
        let settle = Settle {
            request,
            outcome: Outcome::Completed,
            metered: Metered::Reported,
            cost: Millicredits::new(15_600),
            tokens: Tokens { input: 40, output: 16, ..Tokens::default() },
            reconcile: false,
            ended_ago_ms: 0,
        };
        let clock = begin();
        self.team.reserve(now, &reserve)?;
        let reserved = clock.elapsed();
        self.team.settle(now, &settle)?;
        let settled = clock.elapsed().saturating_sub(reserved);
        if self.calls.is_multiple_of(CALLS_A_SECOND) {
            self.alarm(now)?;
        }
        Ok((reserved, settled))
    }

    /// What the actor's shell does when the alarm rings.
    fn alarm(&mut self, now: i64) -> Outcomes<()> {
        self.team.tick(now)?;
        let last = self.team.journal().sequence();
        self.team.journal_mut().set_published(last)?;
        self.team.published(now);
        Ok(())
    }

    /// Microseconds of a reserve and of a settle, on average over a batch.
    fn batch(&mut self) -> Outcomes<(f64, f64)> {
        let (mut reserves, mut settles) = (Duration::ZERO, Duration::ZERO);
        for _ in 0..BATCH {
            let (reserve, settle) = self.call()?;
            reserves += reserve;
            settles += settle;
        }
        let average = |time: Duration| time.as_secs_f64() * 1e6 / f64::from(BATCH);
        Ok((average(reserves), average(settles)))
    }
}

/// Microseconds until the team is in memory again, after it was evicted.
fn wake(store: NativeStorage) -> Outcomes<f64> {
    let clock = begin();
    let woken = Team::wake(store, TEAM)?;
    let time = clock.elapsed();
    woken.map_err(|_| "the team is gone")?;
    Ok(time.as_secs_f64() * 1e6)
}

fn medians(batches: &[(f64, f64)]) -> (f64, f64) {
    (median(batches.iter().map(|batch| batch.0)), median(batches.iter().map(|batch| batch.1)))
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}

fn profile() -> TeamProfile {
    TeamProfile {
        version: 1,
        organization: ORGANIZATION,
        department: DepartmentId::from_u128(1),
        team: TEAM,
        name: "Compilers".into(),
        time_zone: "Europe/Berlin".into(),
        settings_version: 1,
        on_demand: None,
        pool_draw: PoolDraw::Automatic,
        pool_rules: None,
        models: Some(vec!["gpt-4o*".into()]),
        addresses: None,
        organization_addresses: None,
    }
}

#[expect(clippy::disallowed_methods, reason = "the ban is for wasm; this runs natively")]
fn begin() -> Instant {
    Instant::now()
}
