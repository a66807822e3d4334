// Rate limits and caps, several at once.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { eventually, startAlfred } from "./harness.mjs";
import { call, planned } from "./lib/call.mjs";
import { found } from "./lib/company.mjs";
import { reconciled } from "./lib/ledger.mjs";
import { cost, credits } from "./lib/money.mjs";
import { startProvider } from "./lib/provider.mjs";

let alfred, provider, company;
before(async () => {
  [alfred, provider] = await Promise.all([startAlfred(), startProvider()]);
  company = await found(alfred, { provider });
});
after(() => Promise.all([alfred?.stop(), provider?.stop()]));

const question = planned({ input: 10, tokens: 10 });
const ask = (secret, body = question) => call(alfred, secret, body);

/** Waits for the beginning of a minute if this one is nearly over. */
async function earlyInMinute(seconds) {
  const left = () => 60_000 - (Date.now() % 60_000);
  if (left() < seconds * 1000) await eventually(() => left() > 50_000, { within: 61_000 });
}

test("requests a minute", async () => {
  await earlyInMinute(5);
  const { secret, team } = await company.addPerson({ wallet: 20_000_000 });
  await company.addLimit(team, { window: "minute", unit: "requests", amount: 5 });
  const answers = await Promise.all(Array.from({ length: 20 }, () => ask(secret)));
  const accepted = answers.filter(({ status }) => status === 200);
  const refused = answers.filter(({ status }) => status === 429);
  assert.deepEqual([accepted.length, refused.length], [5, 15]);
  assert.deepEqual(
    accepted.map(({ headers }) => Number(headers.get("x-ratelimit-remaining-requests"))).sort(),
    [0, 1, 2, 3, 4],
  );
  for (const { headers, body } of refused) {
    assert.deepEqual([body.error.code, body.error.type], ["rate_limit_exceeded", "requests"]);
    const seconds = Number(headers.get("retry-after"));
    assert.ok(seconds >= 1 && seconds <= 60);
    const ms = Number(headers.get("retry-after-ms"));
    assert.ok(ms > 0 && ms <= 60_000 && Math.ceil(ms / 1000) === seconds);
    assert.notEqual(headers.get("x-should-retry"), "false");
    assert.equal(headers.get("x-ratelimit-remaining-requests"), "0");
  }
});

test("tokens a minute: room for what was asked for, counted at what it used", async () => {
  await earlyInMinute(5);
  const { secret, team } = await company.addPerson({ wallet: 20_000_000 });
  const limit = await company.addLimit(team, { window: "minute", unit: "tokens", amount: 1000 });
  const more = await ask(secret, { ...question, max_completion_tokens: 2000 });
  assert.equal(more.status, 429);
  assert.match(more.body.error.message, /more than your team's rate limit of 1000 .* ever leaves/);
  assert.equal(more.headers.get("x-should-retry"), "false");
  assert.equal(more.headers.get("retry-after"), null);
  assert.equal(more.headers.get("x-ratelimit-limit-tokens"), "1000");
  assert.equal((await ask(secret)).status, 200);
  await eventually(async () => (await company.api.shown(`/teams/${team.id}/limits/${limit.id}`)).used === 20);
});

test("of several windows and subjects each holds", async () => {
  const { secret, team, member, key } = await company.addPerson({ wallet: 20_000_000 });
  const second = await company.addKey(member);
  const colleague = await company.addMember(team, { wallet: 20_000_000 });
  const third = await company.addKey(colleague);
  const limits = {
    key: await company.addLimit(team, { subject: { type: "key", id: key.id }, window: "hour", unit: "requests", amount: 2 }),
    member: await company.addLimit(team, { subject: { type: "member", id: member.id }, window: "week", unit: "requests", amount: 3 }),
    team: await company.addLimit(team, { window: "quarter", unit: "requests", amount: 4 }),
  };
  const outcome = async (secret) => {
    const { status, body } = await ask(secret);
    return status === 200 ? "ok" : `${status} ${/^(This key's|Your team's|Your) /.exec(body.error.message)?.[1]}`;
  };
  assert.equal(await outcome(secret), "ok");
  assert.equal(await outcome(secret), "ok");
  assert.equal(await outcome(secret), "402 This key's");
  assert.equal(await outcome(second.secret), "ok");
  assert.equal(await outcome(second.secret), "402 Your");
  assert.equal(await outcome(third.secret), "ok");
  assert.equal(await outcome(third.secret), "402 Your team's");
  // Each has counted exactly what was accepted under it.
  const used = async ({ id }) => (await company.api.shown(`/teams/${team.id}/limits/${id}`)).used;
  await eventually(async () => (await company.standing(team)).open === 0);
  assert.deepEqual([await used(limits.key), await used(limits.member), await used(limits.team)], [2, 3, 4]);
  // A higher amount holds at once; what was used stays used.
  await company.api.changed("PATCH", `/teams/${team.id}/limits/${limits.team.id}`, { amount: 5 });
  assert.equal(await outcome(third.secret), "ok");
  assert.equal(await outcome(third.secret), "402 Your team's");
  const { status } = await company.api.request("DELETE", `/teams/${team.id}/limits/${limits.team.id}`);
  assert.equal(status, 204);
  assert.equal(await outcome(third.secret), "ok");
});

test("caps of credits limit the output to what they leave", async () => {
  const { secret, team } = await company.addPerson({ wallet: 20_000_000 });
  await company.addLimit(team, { window: "month", unit: "credits", amount: credits(400_000) });
  await company.addLimit(team, { window: "total", unit: "credits", amount: credits(10_000_000) });
  const long = planned({ input: 10, tokens: 500 }, { max_completion_tokens: 500 });
  const answer = await ask(secret, long);
  assert.equal(answer.status, 200, answer.text);
  const limit = Number(answer.headers.get("x-alfred-output-limited"));
  assert.ok(limit >= 16 && limit < 200, `${limit}`);
  assert.equal(answer.cost, cost(10, limit));
  assert.ok(answer.cost <= 400_000);
});

test("caps of tokens", async () => {
  const { secret, team } = await company.addPerson({ wallet: 20_000_000 });
  const limit = await company.addLimit(team, { window: "day", unit: "tokens", amount: 250 });
  const first = await ask(secret);
  assert.equal(first.status, 200, first.text);
  await eventually(async () => (await company.api.shown(`/teams/${team.id}/limits/${limit.id}`)).used === 20);
  let last = first;
  for (let count = 0; count < 20 && last.status === 200; count++) last = await ask(secret);
  assert.equal(last.status, 402, last.text);
  const { used } = await company.api.shown(`/teams/${team.id}/limits/${limit.id}`);
  assert.ok(used <= 250, `${used}`);
});

test("what was released counts for no cap", async () => {
  const { secret, team } = await company.addPerson({ wallet: 20_000_000 });
  const limit = await company.addLimit(team, { window: "day", unit: "requests", amount: 1 });
  for (let count = 0; count < 3; count++) {
    assert.equal((await ask(secret, planned({ mode: "500" }))).status, 502);
    await eventually(async () => (await company.standing(team)).open === 0);
  }
  assert.equal((await company.api.shown(`/teams/${team.id}/limits/${limit.id}`)).used, 0);
  assert.equal((await ask(secret)).status, 200);
  assert.equal((await ask(secret)).status, 402);
});

test("in the end all of it is in the ledger", () => reconciled(company));
