// SIGKILL under load, ten times over, and what the books say afterwards. The
// queue's messages are lost with every kill, so D1 can only converge because
// the cron compares it with the journals.

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, before, test } from "node:test";

import { eventually, startAlfred } from "./harness.mjs";
import { call, finalUsage, planned, post } from "./lib/call.mjs";
import { found } from "./lib/company.mjs";
import { entries, reconciled } from "./lib/ledger.mjs";
import { cost, credits, sum } from "./lib/money.mjs";
import { startProvider } from "./lib/provider.mjs";

const KILLS = 10;
const AT_ONCE = 24;
const WALLET = 50_000_000;
/** A reservation of which nothing is heard ends after this. */
const LEASE_MS = 120_000;

let alfred, provider, company;
before(async () => {
  [alfred, provider] = await Promise.all([startAlfred(), startProvider("--keep-calls", "100000")]);
  company = await found(alfred, { provider, funds: 10_000_000_000 });
});
after(() => Promise.all([alfred?.stop(), provider?.stop()]));

/** Work that goes on over kills: while workerd is down it waits. */
class Load {
  /** Answers that clients got as a whole: what each said that it cost. */
  answers = new Map();
  refusals = 0;
  broken = 0;
  #up = Promise.resolve();
  #open = () => {};
  #ended = false;

  pause() {
    this.#up = new Promise((open) => (this.#open = open));
  }

  resume() {
    this.#open();
  }

  end() {
    this.#ended = true;
  }

  async call(secret, number) {
    const stream = number % 2 === 1;
    const plan = { input: 20, tokens: 16, delay_headers_ms: 10 + (number % 40), delay_chunk_ms: stream ? 3 : 0 };
    const more = stream ? { stream, stream_options: { include_usage: true } } : {};
    const answer = await call(alfred, secret, planned(plan, more));
    if (answer.status !== 200) return void this.refusals++;
    const said = stream ? finalUsage(answer.events)?.cost : answer.cost;
    if (stream && answer.events.at(-1) !== "[DONE]") return void this.broken++;
    assert.ok(Number.isInteger(said), "a whole answer says what it cost");
    this.answers.set(answer.request, said);
  }

  /** Does `work` again and again. What a kill breaks is counted and gone on from. */
  async loop(work) {
    for (let number = 0; !this.#ended; number++) {
      await this.#up;
      await work(number).catch((error) => {
        if (error instanceof assert.AssertionError) throw error;
        this.broken++;
      });
    }
  }
}

test("ten kills under load lose and double nothing", { timeout: 300_000 }, async (t) => {
  const rich = await company.addPerson({ wallet: WALLET });
  const pooled = await company.addPerson({ wallet: 1_000_000, pool: WALLET });
  const department = await company.addDepartment(undefined, WALLET);
  const allotment_plan = { chunk: credits(500_000), low_water: credits(200_000) };
  const fed = await company.addPerson({ team: { department, allotment_plan } });
  const asleep = await company.addPerson({ wallet: WALLET });
  const mover = await company.addPerson({ pool: WALLET });

  const load = new Load();
  t.after(() => load.end());
  const people = [rich, pooled, fed];
  const loops = Array.from({ length: AT_ONCE }, (_, lane) =>
    load.loop((number) => load.call(people[lane % people.length].secret, number + lane)),
  );
  // Credits are moved meanwhile; whoever gets no answer asks again with the same key.
  let moved = 0;
  let pending = randomUUID();
  const moving = load.loop(async () => {
    const body = { from: mover.team.id, to: mover.member.id, amount: "0.001" };
    const { status } = await company.api.request("POST", "/allotments", body, { "idempotency-key": pending });
    if (status !== 201) return;
    moved++;
    pending = randomUUID();
  });

  for (let kill = 1; kill <= KILLS; kill++) {
    const [done, movements] = [load.answers.size, moved];
    await eventually(() => load.answers.size >= done + 30 && moved > movements, { every: 5 });
    if (kill === KILLS) {
      // These are in flight at the last kill, in a team that nobody asks afterwards.
      const hanging = planned({ mode: "hang_headers", input: 20 });
      for (let count = 0; count < 3; count++) post(alfred, asleep.secret, hanging).catch(() => {});
      await eventually(async () => (await company.standing(asleep.team)).open === 3, { every: 5 });
    }
    load.pause();
    await alfred.kill9();
    await alfred.start();
    load.resume();
  }
  const lastKill = Date.now();
  const done = load.answers.size;
  await eventually(() => load.answers.size >= done + 30, { every: 5 });
  load.end();
  await Promise.all([...loops, moving]);
  assert.ok(load.answers.size > KILLS * 30);
  assert.ok(load.broken > 0, "the kills broke nothing: there was no load");

  // The alarm alone wakes the team that nobody asks.
  await eventually(
    async () => {
      const ends = (await entries(alfred, asleep.team.id)).filter(({ kind }) => kind === "expire");
      return ends.length === 3;
    },
    { within: LEASE_MS + 30_000, every: 1000 },
  );
  assert.ok(Date.now() - lastKill >= LEASE_MS - 5000, "reservations ended before their lease");

  await alfred.scheduled();
  const { calls, standings } = await reconciled(company, { within: 30_000 });

  // Whatever a client was told that it cost is in the ledger, or the settle
  // was lost and somebody is told to look.
  let expired = 0;
  for (const [request, said] of load.answers) {
    const end = calls.get(request);
    assert.ok(end, `call ${request} was answered and is not in the ledger`);
    if (end.kinds.includes("expire")) {
      expired++;
      assert.equal(end.record.reconcile, true);
    } else {
      assert.equal(end.charged, said, `call ${request} said it cost ${said}`);
    }
  }
  for (const end of calls.values()) {
    if (!end.kinds.includes("expire")) continue;
    assert.deepEqual([end.record.outcome, end.record.reconcile], ["expired", true]);
    assert.ok(end.charged > 0, "an expired call pays at least its input");
  }
  // Every call that the provider saw has been reserved for, and has ended.
  const totals = await provider.settled();
  assert.ok(totals.calls <= calls.size, `${totals.calls} calls upstream, ${calls.size} in the ledger`);
  assert.ok(totals.done >= load.answers.size);
  const settled = [...calls.values()].filter(({ record }) => record.metered === "reported" && record.outcome === "completed");
  assert.ok(settled.every(({ charged }) => charged === cost(20, 16)));

  // Credits that were moved were moved once.
  const arrived = await company.wallet(mover.member);
  assert.ok(arrived === moved || arrived === moved + 1, `${moved} movements were answered, ${arrived} arrived`);
  const { allotted } = standings.get(fed.team.id);
  assert.equal(allotted + (await company.balance(department.id)), WALLET, "credits were lost on their way to a team");
  const everything = sum([...standings.values()].map(({ allotted }) => allotted));
  const above = sum((await company.api.list("/departments")).map(({ balance }) => Number(balance) * 1000));
  assert.equal(everything + above + (await company.balance("treasury")), 10_000_000_000 + WALLET);
  console.log(
    `    ${load.answers.size} answers, ${calls.size} calls in the ledger, ${expired} answers whose settle was lost, ` +
      `${load.broken} broken by kills, ${load.refusals} refused, ${moved} movements`,
  );
});
