// A team's pool has rules: how much one person's calls draw of it, and what is kept for everybody.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { eventually, startAlfred } from "./harness.mjs";
import { call, planned } from "./lib/call.mjs";
import { found } from "./lib/company.mjs";
import { reconciled } from "./lib/ledger.mjs";
import { cost, credits } from "./lib/money.mjs";
import { startProvider } from "./lib/provider.mjs";

let alfred, provider, acme;
before(async () => {
  [alfred, provider] = await Promise.all([startAlfred(), startProvider()]);
  acme = await found(alfred, { provider });
});
after(() => Promise.all([alfred?.stop(), provider?.stop()]));

const POOL = 50_000_000;
const COST = cost(20, 16);
const EACH = 20 * COST;
const pay = (key) => call(alfred, key.secret, planned({ input: 20, tokens: 16 }));
const rested = (team) => eventually(async () => (await acme.standing(team)).open === 0);

async function me(key) {
  const response = await alfred.fetch("/api/v1/me", { headers: { authorization: `Bearer ${key.secret}` } });
  return response.json();
}

/** Calls until one is refused; what the refusal says. */
async function runDry(team, key) {
  for (let calls = 0; calls < 60; calls += 1) {
    const answer = await pay(key);
    if (answer.status === 402) return JSON.parse(answer.text).error.message;
    assert.equal(answer.status, 200, answer.text);
    await rested(team);
  }
  throw new Error("the pool never runs dry");
}

test("each draws so much of the pool in a window, also of many calls at once, and others go on", async () => {
  const rules = { window: "month", each: credits(EACH) };
  const team = await acme.addTeam({ pool: POOL, pool_rules: rules });
  assert.deepEqual(team.pool_rules, { ...rules, floor: "0" });
  const [ada, alan] = await Promise.all([acme.addMember(team), acme.addMember(team)]);
  const [hers, his] = await Promise.all([acme.addKey(ada), acme.addKey(alan)]);

  const before = await me(hers);
  assert.deepEqual([before.pool_draws.left.credits, before.available.credits], [credits(EACH), credits(EACH)]);
  const answers = await Promise.all(Array.from({ length: 60 }, () => pay(hers)));
  const done = answers.filter(({ status }) => status === 200).length;
  assert.ok(done >= 1 && done < 60, `${done} of 60`);
  await rested(team);
  assert.ok(POOL - (await acme.standing(team)).pool <= EACH);

  const message = await runDry(team, hers);
  assert.match(message, /what you may draw from your team's pool have .* You may draw anew at \d{4}-\d\d-01T00:00:00Z/);
  const drawn = POOL - (await acme.standing(team)).pool;
  assert.ok(drawn <= EACH && drawn > 0, `${drawn} of ${EACH}`);
  const after = await me(hers);
  assert.deepEqual(
    [after.pool_draws.drawn.credits, after.pool_draws.left.credits],
    [credits(drawn), credits(EACH - drawn)],
  );
  assert.equal((await pay(his)).status, 200, "a colleague");

  // The pool is theirs to give from: what somebody decides is not drawn.
  await acme.allot(team.id, ada.id, 40 * COST);
  assert.equal((await pay(hers)).status, 200);
  await rested(team);
  assert.equal((await me(hers)).pool_draws.drawn.credits, credits(drawn));
  await reconciled(acme);
});

test("nobody empties a pool alone: of its floor each has an even share", async () => {
  const team = await acme.addTeam({ pool: 2 * EACH, pool_rules: { window: "day", floor: credits(2 * EACH) } });
  const [ada, alan] = await Promise.all([acme.addMember(team), acme.addMember(team)]);
  const [hers, his] = await Promise.all([acme.addKey(ada), acme.addKey(alan)]);
  await runDry(team, hers);
  const left = (await acme.standing(team)).pool;
  assert.ok(left >= EACH && left < 2 * EACH, `${left} left`);
  assert.equal((await pay(his)).status, 200);
  await rested(team);

  // Without rules the rest is for whoever comes.
  const changed = await acme.api.changed("PATCH", `/teams/${team.id}`, { pool_rules: null });
  assert.equal(changed.pool_rules, null);
  assert.equal((await pay(hers)).status, 200);
  assert.equal((await me(hers)).pool_draws, null);
  await rested(team);
  await reconciled(acme);
});

test("rules that make no sense are refused, and change nothing", async () => {
  const team = await acme.addTeam();
  for (const pool_rules of [{ each: "5" }, { window: "fortnight" }, { window: "day", each: "-1" }, { window: "day", floor: "-1" }, { window: "day", most: "1" }]) {
    const { status, body } = await acme.api.request("PATCH", `/teams/${team.id}`, { pool_rules });
    assert.equal(status, 400, JSON.stringify(pool_rules));
    assert.match(body.type, /invalid/);
  }
  assert.equal((await acme.api.shown(`/teams/${team.id}`)).pool_rules, null);
});
