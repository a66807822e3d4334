// Boosts: credits apart from the wallet, for a while.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { eventually, startAlfred } from "./harness.mjs";
import { call, planned } from "./lib/call.mjs";
import { found } from "./lib/company.mjs";
import { reconciled } from "./lib/ledger.mjs";
import { cost } from "./lib/money.mjs";
import { startProvider } from "./lib/provider.mjs";

let alfred, provider, company;
before(async () => {
  [alfred, provider] = await Promise.all([startAlfred(), startProvider()]);
  company = await found(alfred, { provider });
});
after(() => Promise.all([alfred?.stop(), provider?.stop()]));

const inSeconds = (seconds) => new Date(Date.now() + seconds * 1000).toISOString();
const pay = (person) => call(alfred, person.secret, planned({ input: 20, tokens: 16 }));
const pool = async (team) => Number((await company.api.shown(`/balances/${team.id}`)).balance) * 1000;

test("it pays before the wallet, and what is unused goes back at its end, by the alarm alone", async () => {
  const person = await company.addPerson({ wallet: 1_000_000, pool: 1_000_000 });
  const boost = await company.api.made("/boosts", {
    member_id: person.member.id,
    amount: "600",
    ends_at: inSeconds(4),
    reason: "the release",
  });
  assert.equal(await pool(person.team), 400_000);
  const answer = await pay(person);
  assert.equal(answer.status, 200, answer.text);
  assert.equal(await company.wallet(person.member), 1_000_000);
  // The answer comes before the call is paid.
  const shown = await eventually(async () => {
    const [shown] = (await company.api.shown(`/members/${person.member.id}`)).boosts;
    return shown.reserved === "0" && shown;
  });
  assert.deepEqual([shown.id, Number(shown.available) * 1000], [boost.id, 600_000 - cost(20, 16)]);

  await eventually(async () => (await pool(person.team)) === 1_000_000 - cost(20, 16), { within: 8000 });
  const ended = await company.api.shown(`/boosts/${boost.id}`);
  assert.deepEqual([Number(ended.returned) * 1000, ended.available], [600_000 - cost(20, 16), "0"]);
  assert.ok(ended.ended_at >= boost.ends_at, ended.ended_at);
  assert.equal((await pay(person)).status, 200);
  await eventually(async () => (await company.wallet(person.member)) === 1_000_000 - cost(20, 16));
});

test("it lifts the member's rate limits while it lasts", async () => {
  const person = await company.addPerson({ wallet: 1_000_000, pool: 1_000_000 });
  const subject = { type: "member", id: person.member.id };
  await company.addLimit(person.team, { subject, kind: "rate", window: "minute", unit: "requests", amount: 1 });
  assert.equal((await pay(person)).status, 200);
  assert.equal((await pay(person)).status, 429);
  const lifts = { member_id: person.member.id, amount: "1", ends_at: inSeconds(60), lifts_rate_limits: true };
  const boost = await company.api.made("/boosts", lifts);
  assert.equal((await pay(person)).status, 200);
  // Its id tells its team: nobody waits for D1.
  const ended = await company.api.changed("POST", `/boosts/${boost.id}/end`, {});
  assert.ok(ended.ended_at !== null);
  assert.equal((await pay(person)).status, 429);
});

test("without an end it stays until it is spent, and cannot be passed on", async () => {
  const person = await company.addPerson({ pool: 1_000_000 });
  const boost = await company.api.made("/boosts", { member_id: person.member.id, amount: "100" });
  assert.equal(boost.ends_at, null);
  const send = { from: person.member.id, to: person.team.id, amount: "1" };
  const { status, body } = await company.api.request("POST", "/transfers", send);
  assert.deepEqual([status, body.code], [402, "insufficient_funds"]);
  const page = await company.api.list(`/boosts?team_id=${person.team.id}&state=running`);
  assert.deepEqual(page.map(({ id }) => id), [boost.id]);
});

test("what cannot be is refused and changes nothing", async () => {
  const person = await company.addPerson({ pool: 1_000_000 });
  const member_id = person.member.id;
  for (const [body, status, code] of [
    [{ member_id, amount: "1000.001" }, 402, "insufficient_funds"],
    [{ member_id, amount: "1", ends_at: "2020-01-01T00:00:00Z" }, 400, "invalid_request"],
    [{ member_id, amount: "1", lifts_rate_limits: true }, 400, "invalid_request"],
    [{ member_id: "mem_01h2xcejqtf2nbrexx3vqjhp41", amount: "1" }, 404, "not_found"],
  ]) {
    const refused = await company.api.request("POST", "/boosts", body);
    assert.deepEqual([refused.status, refused.body.code], [status, code], JSON.stringify(body));
  }
  await company.api.made("/policies", { name: "B", setting: { kind: "boosts", most: "5" } });
  await eventually(async () => {
    const { status, body } = await company.api.request("POST", "/boosts", { member_id, amount: "6" });
    return status === 403 && body.code === "forbidden";
  });
  assert.equal(await pool(person.team), 1_000_000);
});

test("in the end all of it is in the ledger", () => reconciled(company));
