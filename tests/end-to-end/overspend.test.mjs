// Credits cannot be overspent: many calls at once against few credits.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { startAlfred } from "./harness.mjs";
import { call, chat, finalUsage, planned } from "./lib/call.mjs";
import { found } from "./lib/company.mjs";
import { exactCall } from "./lib/exact.mjs";
import { reconciled } from "./lib/ledger.mjs";
import { cost, sum } from "./lib/money.mjs";
import { startProvider } from "./lib/provider.mjs";

const AT_ONCE = 300;

let alfred, provider, company, exact;
before(async () => {
  [alfred, provider] = await Promise.all([startAlfred(), startProvider()]);
  company = await found(alfred, { provider });
  exact = await exactCall(company);
});
after(() => Promise.all([alfred?.stop(), provider?.stop()]));

/** So many calls at once; every second one as a stream if `mixed`. */
function burst(secret, { mixed = false, count = AT_ONCE, body = exact.body } = {}) {
  const streamed = { ...body, stream: true, stream_options: { include_usage: true } };
  const one = (_, index) => call(alfred, secret, mixed && index % 2 === 1 ? streamed : body);
  return Promise.all(Array.from({ length: count }, one));
}

/** What an answer said that it cost. */
function said(answer) {
  return answer.cost ?? finalUsage(answer.events).cost;
}

/** Splits answers and checks that each was accepted or refused for want of credits. */
function split(answers) {
  const accepted = answers.filter((answer) => answer.status === 200);
  const refused = answers.filter((answer) => answer.status !== 200);
  for (const answer of refused) {
    assert.deepEqual([answer.status, answer.body?.error.code], [402, "insufficient_quota"], answer.text);
    assert.equal(answer.headers.get("x-should-retry"), "false");
  }
  return { accepted, refused };
}

/** Holds the provider's books since `reset` against the ledger of these calls. */
async function assertSameBooks(calls) {
  const totals = await provider.settled();
  assert.equal(totals.done, calls.length);
  assert.equal(totals.aborted + totals.cut + totals.refused, 0);
  assert.equal(sum(calls.map(({ record }) => record.input_tokens)), totals.input_tokens);
  assert.equal(sum(calls.map(({ record }) => record.output_tokens)), totals.output_tokens);
  assert.equal(sum(calls.map(({ charged }) => charged)), cost(totals.input_tokens, totals.output_tokens));
}

for (const mixed of [false, true]) {
  test(`a wallet for exactly 40 of ${AT_ONCE} calls${mixed ? ", half of them streams" : ""}`, async () => {
    const { secret, member } = await company.addPerson({ wallet: 40 * exact.price });
    await provider.reset();
    const { accepted, refused } = split(await burst(secret, { mixed }));
    assert.deepEqual([accepted.length, refused.length], [40, AT_ONCE - 40]);
    assert.ok(accepted.every((answer) => said(answer) === exact.price));
    const { calls } = await reconciled(company);
    assert.equal(await company.wallet(member), 0);
    await assertSameBooks(accepted.map((answer) => calls.get(answer.request)));
  });
}

test("a wallet that is reserved beyond need is spent down all the same", async () => {
  const { secret, member } = await company.addPerson({ wallet: 40 * exact.price });
  await provider.reset();
  // These cost about a sixth of what must be reserved for them.
  const body = planned({ tokens: 16, delay_headers_ms: 20 });
  const answers = await burst(secret, { mixed: true, body });
  split(answers);
  let last;
  for (let tries = 0; tries < 20 && last?.status !== 402; tries++) {
    const more = await burst(secret, { body, count: 50 });
    answers.push(...more);
    last = await call(alfred, secret, body);
    answers.push(last);
  }
  const { accepted } = split(answers);
  const { calls } = await reconciled(company);
  const left = await company.wallet(member);
  const [, needed] = /at least ([\d.]+) must/.exec(last.body.error.message);
  assert.ok(left >= 0 && left < Number(needed) * 1000, `${left} are left, a call needs ${needed}`);
  assert.equal(left, 40 * exact.price - sum(accepted.map(said)));
  await assertSameBooks(accepted.map((answer) => calls.get(answer.request)));
});

test("a key's cap of credits a day", async () => {
  const { secret, team, key, member } = await company.addPerson({ wallet: AT_ONCE * exact.price });
  const amount = String((25 * exact.price) / 1000);
  const limit = await company.addLimit(team, { subject: { type: "key", id: key.id }, window: "day", unit: "credits", amount });
  await provider.reset();
  const { accepted, refused } = split(await burst(secret, { mixed: true }));
  assert.deepEqual([accepted.length, refused.length], [25, AT_ONCE - 25]);
  for (const answer of refused) assert.match(answer.headers.get("x-alfred-resets-at"), /^\d{4}-\d\d-\d\dT/);
  const { calls } = await reconciled(company);
  assert.equal(await company.wallet(member), (AT_ONCE - 25) * exact.price);
  await assertSameBooks(accepted.map((answer) => calls.get(answer.request)));
  const { used, reserved, left } = await company.api.shown(`/teams/${team.id}/limits/${limit.id}`);
  assert.deepEqual([used, reserved, left], [amount, "0", "0"]);
});

test("a member's cap of requests", async () => {
  const { secret, team, member } = await company.addPerson({ wallet: AT_ONCE * exact.price });
  await company.addLimit(team, { subject: { type: "member", id: member.id }, window: "month", unit: "requests", amount: 17 });
  const { accepted } = split(await burst(secret));
  assert.equal(accepted.length, 17);
  await reconciled(company);
  assert.equal(await company.wallet(member), (AT_ONCE - 17) * exact.price);
});

test("wallet first, then the pool, and never both for more than there is", async () => {
  const { secret, team, member } = await company.addPerson({ wallet: 10.5 * exact.price, pool: 9.5 * exact.price });
  const { accepted } = split(await burst(secret));
  assert.equal(accepted.length, 20);
  const { calls } = await reconciled(company);
  assert.equal(await company.wallet(member), 0);
  assert.equal(await company.balance(team.id), 0);
  const both = accepted.map((answer) => calls.get(answer.request)).filter(({ payers }) => payers.size === 2);
  assert.equal(both.length, 1, "one call straddles wallet and pool");
});

test("two members cannot both spend the pool", async () => {
  const team = await company.addTeam({ pool: 30 * exact.price });
  const keys = await Promise.all([0, 1, 2].map(async () => company.addKey(await company.addMember(team))));
  const answers = await Promise.all(keys.map(({ secret }) => burst(secret, { count: 60 })));
  const { accepted } = split(answers.flat());
  assert.equal(accepted.length, 30);
  await reconciled(company);
  assert.equal(await company.balance(team.id), 0);
});

test("a refused call leaves no trace", async () => {
  const { secret, team } = await company.addPerson({ wallet: exact.price - 1000 });
  const before = await provider.totals();
  const { refused } = split(await burst(secret, { count: 20 }));
  assert.equal(refused.length, 20);
  assert.equal((await provider.totals()).calls, before.calls);
  const { standings } = await reconciled(company);
  assert.equal(standings.get(team.id).spent, 0);
  const { used } = (await company.api.list(`/teams/${team.id}/limits`))[0] ?? { used: 0 };
  assert.equal(used, 0);
  assert.equal((await call(alfred, secret, chat({ max_completion_tokens: 16 }))).status, 402);
});
