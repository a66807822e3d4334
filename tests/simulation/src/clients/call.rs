//! One call through the gateway: reserve, work, settle, with everything that
//! may go wrong in between.

use std::net::IpAddr;
use std::rc::Rc;

use identity::{KeyHash, OrganizationId, RequestId, TeamId};
use ledger::{Metered, Millicredits, Outcome};
use organization::protocol::{Answer as OrganizationAnswer, Command as OrganizationCommand, Question};
use pricing::{Usage, UsageBound};
use team::protocol::{Answer, Command, Progress, Reserve, ReserveError, Reserved, Settle, SettleError, Tokens};

use super::prices::{PROVIDER, PriceList};
use crate::violation::ensure;
use crate::world::World;

/// The gateway gives up after so many attempts.
const ATTEMPTS: u32 = 4;

/// And after so long: actors remember ended calls for more than an hour only.
const PATIENCE_MS: i64 = 30_000;

/// What a client wants.
#[derive(Clone)]
pub(crate) struct Plan {
    pub(crate) organization: OrganizationId,
    pub(crate) team: TeamId,
    pub(crate) secret: KeyHash,
    pub(crate) address: Option<IpAddr>,
    pub(crate) model: &'static str,
    /// At most so much input.
    pub(crate) input_tokens: u64,
    /// So much output is wanted.
    pub(crate) output_tokens: u64,
    /// The client said so itself.
    pub(crate) explicit: bool,
}

/// Makes a call.
pub(crate) async fn call(world: Rc<World>, plan: Plan) {
    let request = RequestId::from_u128(world.id());
    let Some((list, reserved)) = accepted(&world, &plan, request).await else { return };
    let run = Run { world: &world, plan: &plan, request, list: &list, reserved: &reserved };
    for _ in 0..world.between(0, 9).saturating_sub(7) {
        run.progress().await;
    }
    run.end().await;
}

/// Reserves until it is answered. A refusal after an attempt of which nothing
/// was heard releases, for that attempt may have been accepted.
async fn accepted(world: &World, plan: &Plan, request: RequestId) -> Option<(Rc<PriceList>, Reserved)> {
    let isolate = u64::try_from(world.between(0, 1)).unwrap_or(0);
    let (mut list, mut in_doubt) = (settings(world, plan.organization, isolate, false).await?, false);
    let began = world.now();
    let patient = || (world.now() - began).abs() < PATIENCE_MS;
    for attempt in 1..=ATTEMPTS {
        if !patient() {
            break;
        }
        let Some(command) = reserve(plan, request, &list) else { break };
        match ask(world, plan.team, command.clone()).await {
            None => {
                world.count("call: gave up waiting for an answer");
                in_doubt = true;
            }
            Some(Answer::Reserve(Ok(reserved))) => {
                if world.once_in(20) && patient() {
                    // The network does not double often enough.
                    let _ = world.ask_team(plan.team, Command::Reserve(command)).await;
                }
                return Some((list, reserved));
            }
            Some(Answer::Reserve(Err(refusal))) => match refusal {
                ReserveError::Storage => in_doubt = true,
                ReserveError::StaleSettings { .. } if attempt < ATTEMPTS => {
                    list = settings(world, plan.organization, isolate, true).await?;
                }
                _ => break,
            },
            Some(_) => break,
        }
    }
    if in_doubt {
        let release =
            settle(request, Outcome::UpstreamFailed, Metered::Nothing, (Millicredits::ZERO, Tokens::default()));
        let _ = world.ask_team(plan.team, Command::Settle(release)).await;
    }
    None
}

/// Sends a reservation, and with it the settles that wait for one.
async fn ask(world: &World, team: TeamId, reserve: Reserve) -> Option<Answer> {
    let settles = world.waiting.borrow_mut().remove(&team).unwrap_or_default();
    if settles.is_empty() {
        return world.ask_team(team, Command::Reserve(reserve)).await;
    }
    world.count("call: took settles along");
    let commands = settles.into_iter().map(Command::Settle).chain([Command::Reserve(reserve)]).collect();
    match world.ask_team(team, Command::Together(commands)).await? {
        Answer::Together(mut answers) => answers.pop(),
        other => Some(other),
    }
}

/// The settings in an isolate's memory, asked for when there are none or they
/// are known to be stale.
async fn settings(world: &World, organization: OrganizationId, isolate: u64, stale: bool) -> Option<Rc<PriceList>> {
    let known = world.price_lists.borrow().get(&(organization, isolate)).cloned();
    if let Some(list) = known.filter(|_| !stale) {
        return Some(list);
    }
    let answer = world.ask_organization(organization, OrganizationCommand::Ask(Question::Settings)).await;
    let Some(OrganizationAnswer::Settings(Ok(settings))) = answer else { return None };
    let list = Rc::new(PriceList::new(&settings));
    let mut lists = world.price_lists.borrow_mut();
    // A slow answer may be older than what is known by now.
    let newest = lists.entry((organization, isolate)).or_insert_with(|| Rc::clone(&list));
    if newest.version < list.version {
        *newest = Rc::clone(&list);
    }
    Some(Rc::clone(newest))
}

/// The command, priced at the most that the call can cost. Nothing for a model
/// without a price.
fn reserve(plan: &Plan, request: RequestId, list: &PriceList) -> Option<Reserve> {
    let (tariff, _) = list.price(plan.model)?;
    let bound = UsageBound { text_output_only: true, ..UsageBound::new(plan.input_tokens) };
    let worst = tariff.worst_case(&bound).ok()?;
    let likely_tokens = plan.input_tokens / 3;
    let likely = tariff.cost(&Usage { input_tokens: likely_tokens, ..Usage::default() }).ok()?;
    let [input_tokens, output_tokens, likely_tokens] =
        [plan.input_tokens, plan.output_tokens, likely_tokens].map(|count| i64::try_from(count).unwrap_or(i64::MAX));
    Some(Reserve {
        request,
        organization: plan.organization,
        key: plan.secret,
        address: plan.address,
        model: plan.model.to_owned(),
        provider: PROVIDER.to_owned(),
        settings_version: list.version,
        input: worst.input,
        output_per_million: worst.output_per_million,
        input_tokens,
        output_tokens,
        choices: 1,
        rate_tokens: input_tokens.saturating_add(if plan.explicit { output_tokens } else { 0 }),
        likely,
        likely_tokens,
        clamp: list.clamp,
        topped_up: false,
        tag: plan.explicit.then(|| "explicit".to_owned()),
    })
}

/// A call that was accepted.
struct Run<'a> {
    world: &'a World,
    plan: &'a Plan,
    request: RequestId,
    list: &'a PriceList,
    reserved: &'a Reserved,
}

impl Run<'_> {
    /// The call goes on.
    async fn progress(&self) {
        let usage = self.usage(50);
        let Some((due, tokens)) = self.cost(&usage) else { return };
        let progress = Progress { request: self.request, due, due_tokens: tokens.input + tokens.output };
        let _ = self.world.ask_team(self.plan.team, Command::Progress(progress)).await;
        self.world.sleep(40).await;
    }

    /// The call ends, in one of many ways.
    async fn end(&self) {
        let (outcome, metered, percent) = match self.world.between(0, 99) {
            0..58 => (Outcome::Completed, Metered::Reported, 100),
            58..66 => {
                // The provider gives more than it was allowed to.
                self.world.auditor.borrow_mut().overrunning.insert(self.request);
                (Outcome::Completed, Metered::Reported, 350)
            }
            66..74 => (Outcome::UpstreamFailed, Metered::Nothing, 0),
            74..82 => (Outcome::ClientLeft, Metered::Seen, 60),
            82..86 => (Outcome::Completed, Metered::Bound, 100),
            // The isolate is gone: nobody settles.
            86..92 => return,
            _ => {
                self.wait_for_expiry().await;
                if self.world.percent(30) {
                    self.world.auditor.borrow_mut().overrunning.insert(self.request);
                    (Outcome::Completed, Metered::Reported, 350)
                } else {
                    (Outcome::UpstreamBroke, Metered::Seen, 100)
                }
            }
        };
        let end = match metered {
            Metered::Nothing => Some((Millicredits::ZERO, Tokens::default())),
            Metered::Bound => {
                let tokens = Tokens { output: self.reserved.output_tokens, ..Tokens::default() };
                Some((self.reserved.amount, tokens))
            }
            _ => self.cost(&self.usage(percent)),
        };
        let Some(end) = end else { return };
        let command = settle(self.request, outcome, metered, end);
        self.settle(&command).await;
        if self.world.percent(4) {
            // The call itself comes once more, when all is over.
            let Some(command) = reserve(self.plan, self.request, self.list) else { return };
            if self.world.now() - i64::try_from(self.request.unix_ms()).unwrap_or(0) < 20 * PATIENCE_MS {
                let _ = self.world.ask_team(self.plan.team, Command::Reserve(command)).await;
            }
        }
        if self.world.percent(8) {
            // A second opinion comes too late.
            let other = self.cost(&self.usage(100)).unwrap_or(end);
            let again = settle(self.request, Outcome::Completed, Metered::Reported, other);
            self.settle(&again).await;
        }
    }

    async fn wait_for_expiry(&self) {
        for _ in 0..12 {
            self.world.sleep(200).await;
            let auditor = self.world.auditor.borrow();
            let known = auditor.teams.get(&self.plan.team).and_then(|team| team.calls.get(self.request));
            if known.is_none_or(|known| known.stage != crate::auditor::Stage::Open) {
                return;
            }
        }
    }

    async fn settle(&self, command: &Settle) {
        if self.world.percent(40) {
            self.world.waiting.borrow_mut().entry(self.plan.team).or_default().push(command.clone());
            if self.world.percent(20) {
                // Whoever takes it along has it now; nobody watches.
                return;
            }
            self.world.sleep(100).await;
            if self.world.percent(50) {
                // It is not known to be heard and goes on its own as well.
                self.world.count("call: settled on its own and along");
            } else {
                return;
            }
        }
        for _ in 0..ATTEMPTS {
            match self.world.ask_team(self.plan.team, Command::Settle(command.clone())).await {
                None | Some(Answer::Settle(Err(SettleError::Storage))) => {}
                Some(_) => return,
            }
        }
    }

    /// What the call used: at most so many percent of the output that was
    /// granted, and never more input than its bound.
    fn usage(&self, percent: i64) -> Usage {
        let mut random = self.world.random.borrow_mut();
        let mut upto = |most: u64| if random.once_in(4) { most } else { random.below(most.saturating_add(1)) };
        let input_tokens = upto(self.plan.input_tokens);
        let cached_input_tokens = upto(input_tokens) / 2;
        let cache_write_tokens = upto(input_tokens - cached_input_tokens) / 2;
        let granted = u64::try_from(self.reserved.output_tokens.max(0) * percent / 100).unwrap_or(0);
        let output_tokens = upto(granted);
        let reasoning_tokens = upto(output_tokens) / 2;
        Usage {
            input_tokens,
            cached_input_tokens,
            cache_write_tokens,
            output_tokens,
            reasoning_tokens,
            ..Usage::default()
        }
    }

    /// The cost by the tariff, which must be the cost by the reckoning.
    fn cost(&self, usage: &Usage) -> Option<(Millicredits, Tokens)> {
        let (tariff, reckoning) = self.list.price(self.plan.model)?;
        let cost = tariff.cost(usage).ok()?;
        let exact = reckoning.cost(usage);
        self.world.check(ensure(exact == cost.get().into(), "a call costs what its price says", || {
            format!("{}: {usage:?} costs {exact}, told {}", self.plan.model, cost.get())
        }));
        let count = |tokens: u64| i64::try_from(tokens).unwrap_or(i64::MAX);
        let tokens = Tokens {
            input: count(usage.input_tokens),
            cached: count(usage.cached_input_tokens),
            output: count(usage.output_tokens),
            reasoning: count(usage.reasoning_tokens),
        };
        Some((cost, tokens))
    }
}

fn settle(request: RequestId, outcome: Outcome, metered: Metered, (cost, tokens): (Millicredits, Tokens)) -> Settle {
    Settle { request, outcome, metered, cost, tokens, reconcile: metered != Metered::Reported, ended_ago_ms: 0 }
}
