// Out of office: what is idle pays for others, and what is left comes back.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { eventually, startAlfred } from "./harness.mjs";
import { call, planned } from "./lib/call.mjs";
import { found } from "./lib/company.mjs";
import { reconciled } from "./lib/ledger.mjs";
import { cost } from "./lib/money.mjs";
import { addSignedIn, letSignIn } from "./lib/people.mjs";
import { startProvider } from "./lib/provider.mjs";
import { startIdentityProvider } from "./lib/sign-in.mjs";

let alfred, provider, identity, acme;
before(async () => {
  [alfred, provider] = await Promise.all([startAlfred(), startProvider()]);
  identity = await startIdentityProvider(`${alfred.url}/api/v1/auth/callback`);
  acme = await found(alfred, { provider });
  await letSignIn(acme, identity);
});
after(() => Promise.all([alfred?.stop(), provider?.stop(), identity?.stop()]));

const WALLET = 1_000_000;
const COST = cost(20, 16);
const inSeconds = (seconds) => new Date(Date.now() + seconds * 1000).toISOString();
const pay = (key) => call(alfred, key.secret, planned({ input: 20, tokens: 16 }));
const here = ({ member }) => acme.wallet(member);
const lent = async ({ member }) => Number((await acme.api.shown(`/members/${member.id}`)).lent.balance) * 1000;

let number = 0;
/** A team with an empty pool: one who goes away, with credits, and one who has none. */
async function two() {
  number += 1;
  const team = await acme.addTeam();
  const ada = await addSignedIn(acme, identity, team, `ada${number}`, { wallet: WALLET });
  const alan = await addSignedIn(acme, identity, team, `alan${number}`);
  return { team, ada, alan, key: await acme.addKey(alan.member) };
}

test("whoever runs dry goes on with a colleague's idle credits, who finds the rest when they are back", async () => {
  const { team, ada, key } = await two();
  assert.equal((await pay(key)).status, 402);
  const absence = await ada.api.made("/absences", { reason: "the Alps" });
  assert.deepEqual(
    [absence.state, absence.share, absence.delegate_id, absence.until, Number(absence.available) * 1000],
    ["away", { kind: "all" }, null, null, WALLET],
  );
  assert.deepEqual([await here(ada), await lent(ada)], [0, WALLET]);
  const me = await (await alfred.fetch("/api/v1/me", { headers: { authorization: `Bearer ${key.secret}` } })).json();
  assert.deepEqual([Number(me.borrowable.credits) * 1000, Number(me.available.credits) * 1000], [WALLET, WALLET]);

  assert.equal((await pay(key)).status, 200);
  await eventually(async () => (await lent(ada)) === WALLET - COST && (await acme.standing(team)).open === 0);
  const back = await ada.api.changed("POST", `/absences/${absence.id}/end`, {});
  assert.deepEqual(
    [back.state, Number(back.lent) * 1000, Number(back.returned) * 1000, back.available],
    ["over", WALLET, WALLET - COST, "0"],
  );
  assert.deepEqual([await here(ada), await lent(ada)], [WALLET - COST, 0]);
  assert.equal((await pay(key)).status, 402, "what is hers again pays for nobody else");
  const again = await ada.api.request("POST", `/absences/${absence.id}/end`, {});
  assert.deepEqual([again.status, again.body.code], [409, "conflict"]);
  await reconciled(acme);
});

test("it begins and ends by the clock alone, and both are told once", async () => {
  const { ada, key } = await two();
  const planned = await ada.api.made("/absences", {
    from: inSeconds(2),
    until: inSeconds(6),
    share: { kind: "above", floor: "400" },
  });
  assert.deepEqual([planned.state, planned.available, await here(ada)], ["planned", "0", WALLET]);
  await eventually(async () => (await lent(ada)) === 600_000, { within: 8000 });
  assert.equal((await ada.api.shown(`/absences/${planned.id}`)).state, "away");
  assert.equal((await pay(key)).status, 200);
  await eventually(async () => (await here(ada)) === WALLET - COST, { within: 10_000 });
  const over = await ada.api.shown(`/absences/${planned.id}`);
  assert.deepEqual([over.state, over.ended_at, Number(over.returned) * 1000], ["over", null, 600_000 - COST]);
  const records = await eventually(async () => {
    const records = await acme.api.list(`/audit?resource=${ada.member.id}`);
    const told = records.filter(({ reference }) => reference === planned.id).map(({ action }) => action);
    return told.length >= 3 && told;
  });
  assert.deepEqual(records.toSorted(), ["absence_began", "absence_ended", "create_absence"]);
});

test("a delegate is the only one, whatever the pool's rules", async () => {
  const { team, ada, alan, key } = await two();
  const edith = await addSignedIn(acme, identity, team, "edith");
  const absence = await ada.api.made("/absences", { delegate_id: edith.member.id });
  assert.equal((await pay(key)).status, 402);
  await acme.api.changed("PATCH", `/teams/${team.id}`, { pool_draw: "off" });
  const changed = await ada.api.changed("PATCH", `/absences/${absence.id}`, { delegate_id: alan.member.id });
  assert.equal(changed.delegate_id, alan.member.id);
  await eventually(async () => (await pay(key)).status === 200);
  await ada.api.changed("PATCH", `/absences/${absence.id}`, { delegate_id: null });
  assert.equal((await pay(key)).status, 402, "who may not draw from the pool");
});

test("it can be moved, and what is shared follows at once", async () => {
  const { ada } = await two();
  const absence = await ada.api.made("/absences", { until: inSeconds(3600), share: { kind: "percent", percent: 25 } });
  assert.deepEqual([await here(ada), await lent(ada)], [750_000, 250_000]);
  const second = await ada.api.made("/absences", { share: { kind: "nothing" }, reason: "the other one" });
  assert.deepEqual([await here(ada), await lent(ada)], [WALLET, 0], "the one that was made last");
  await ada.api.changed("PATCH", `/absences/${second.id}`, { from: inSeconds(3000) });
  assert.equal(await lent(ada), 250_000);
  const etag = (await ada.api.request("GET", `/absences/${absence.id}`)).headers.get("etag");
  await ada.api.changed("PATCH", `/absences/${absence.id}`, { share: { kind: "all" } });
  const late = await ada.api.request("PATCH", `/absences/${absence.id}`, { until: null }, { "if-match": etag });
  assert.deepEqual([late.status, late.body.code], [412, "precondition_failed"]);
  await ada.api.changed("PATCH", `/absences/${absence.id}`, { from: inSeconds(1000) });
  assert.deepEqual([await here(ada), await lent(ada)], [WALLET, 0]);
  const listed = await ada.api.list("/absences?state=current");
  assert.deepEqual(listed.map(({ id, state }) => [id, state]), [[second.id, "planned"], [absence.id, "planned"]]);
});

test("one's own, a manager's, and nobody else's business", async () => {
  const { team, ada, alan } = await two();
  const refused = await alan.api.request("POST", "/absences", { member_id: ada.member.id });
  assert.deepEqual([refused.status, refused.body.code], [403, "forbidden"]);
  const absence = await ada.api.made("/absences", {});
  const id = `/absences/${absence.id}`;
  for (const [method, path, body] of [["GET", id], ["PATCH", id, { until: null }], ["POST", `${id}/end`, {}]]) {
    const { status, body: problem } = await alan.api.request(method, path, body);
    assert.deepEqual([status, problem.code], [404, "not_found"], `${method} ${path}`);
  }
  await acme.api.made("/grants", { to: alan.member.id, role: "team_manager", on: team.id });
  await eventually(async () => (await alan.api.request("GET", id)).status === 200);
  assert.equal((await alan.api.changed("POST", `${id}/end`, {})).state, "over");
  assert.deepEqual((await alan.api.list(`/absences?team_id=${team.id}`)).map(({ id }) => id), [absence.id]);

  const policy = await acme.api.made("/policies", { name: "A", setting: { kind: "absence_sharing", allowed: false } });
  const no = await eventually(async () => {
    const answer = await ada.api.request("POST", "/absences", {});
    return answer.status === 403 && answer;
  });
  assert.equal(no.body.code, "forbidden");
  assert.equal((await ada.api.made("/absences", { share: { kind: "nothing" } })).state, "away");
  assert.equal(await lent(ada), 0);
  await acme.api.request("DELETE", `/policies/${policy.id}`);
});

test("what cannot be is refused and changes nothing", async () => {
  const { ada } = await two();
  const other = await two();
  for (const [body, status, code] of [
    [{ until: "2020-01-01T00:00:00Z" }, 400, "invalid_request"],
    [{ from: inSeconds(60), until: inSeconds(30) }, 400, "invalid_request"],
    [{ delegate_id: ada.member.id }, 400, "invalid_request"],
    [{ delegate_id: other.alan.member.id }, 400, "invalid_request"],
    [{ delegate_id: "mem_01h2xcejqtf2nbrexx3vqjhp41" }, 404, "not_found"],
    [{ share: { kind: "percent", percent: 101 } }, 400, "invalid_request"],
    [{ share: { kind: "all", percent: 5 } }, 400, "invalid_request"],
  ]) {
    const refused = await ada.api.request("POST", "/absences", body);
    assert.deepEqual([refused.status, refused.body.code], [status, code], JSON.stringify(body));
  }
  assert.deepEqual([await here(ada), await ada.api.list("/absences")], [WALLET, []]);
});
