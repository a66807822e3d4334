// Credits between people, pools and teams.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { eventually, startAlfred } from "./harness.mjs";
import { call, chat } from "./lib/call.mjs";
import { found } from "./lib/company.mjs";
import { reconciled } from "./lib/ledger.mjs";
import { credits } from "./lib/money.mjs";
import { addSignedIn, letSignIn } from "./lib/people.mjs";
import { startProvider } from "./lib/provider.mjs";
import { startIdentityProvider } from "./lib/sign-in.mjs";

let alfred, provider, identity, acme, compilers, design, ada, alan, grace;
before(async () => {
  [alfred, provider] = await Promise.all([startAlfred(), startProvider()]);
  identity = await startIdentityProvider(`${alfred.url}/api/v1/auth/callback`);
  acme = await found(alfred, { provider });
  await letSignIn(acme, identity);
  [compilers, design] = [await acme.addTeam({ pool: 100_000 }), await acme.addTeam({ pool: 50_000 })];
  ada = await addSignedIn(acme, identity, compilers, "ada", { wallet: 1_000_000 });
  alan = await addSignedIn(acme, identity, compilers, "alan");
  grace = await addSignedIn(acme, identity, design, "grace", { wallet: 20_000 });
});
after(() => Promise.all([alfred?.stop(), provider?.stop(), identity?.stop()]));

/** What everybody has, in credits. */
async function standing() {
  const wallets = [ada, alan, grace].map(({ member }) => acme.wallet(member));
  const pools = [compilers, design].map(async (team) => (await acme.standing(team)).pool);
  return (await Promise.all([...wallets, ...pools])).map((amount) => amount / 1000);
}

const send = (who, to, amount, more = {}) => who.api.made("/transfers", { to: to.id, amount, ...more });
const undo = (who, { transfer }, body = {}) => who.api.request("POST", `/transfers/${transfer.id}/undo`, body);

test("a colleague who runs dry goes on with what was sent", async () => {
  const key = await acme.addKey(alan.member);
  await acme.api.changed("PATCH", `/teams/${compilers.id}`, { pool_draw: "off" });
  assert.equal((await call(alfred, key.secret, chat())).status, 402);
  const sent = await send(ada, alan.member, "500", { note: "for the demo" });
  assert.deepEqual(
    [sent.amount, sent.available, sent.transfer.status, sent.transfer.from, sent.transfer.note],
    ["500", "500", "done", ada.member.id, "for the demo"],
  );
  assert.equal((await call(alfred, key.secret, chat())).status, 200);
  // What the call had reserved and did not use is free again.
  await eventually(async () => (await acme.standing(compilers)).open === 0);
  await acme.api.changed("PATCH", `/teams/${compilers.id}`, { pool_draw: "automatic" });

  // A part of it is spent: what is not can come back.
  const refused = await undo(ada, sent);
  assert.deepEqual([refused.status, refused.body.code], [409, "partly_spent"]);
  const { undoable } = refused.body;
  assert.ok(Number(undoable) > 0 && Number(undoable) < 500);
  const back = await undo(ada, sent, { amount: undoable });
  assert.deepEqual([back.status, back.body.amount, back.body.transfer.undone], [200, undoable, undoable]);
  assert.equal((await standing())[1], 0);
});

test("to a pool, from a pool, and to another team", async () => {
  const before = await standing();
  const gift = await send(ada, compilers, "10");
  assert.equal(gift.transfer.to, compilers.id);
  const away = await send(ada, grace.member, "30.5");
  assert.equal(away.transfer.status, "done");
  const pool = await acme.api.made("/transfers", { from: compilers.id, to: design.id, amount: "7" });
  assert.equal(pool.transfer.status, "done");
  assert.deepEqual(await standing(), [before[0] - 40.5, before[1], before[2] + 30.5, before[3] + 3, before[4] + 7]);

  // Undone across teams, where the credits are: the sender has them again, and Grace has not.
  const back = await undo(ada, away, { amount: "30" });
  assert.equal(back.status, 200, JSON.stringify(back.body));
  await eventually(async () => (await standing())[0] === before[0] - 10.5);
  assert.equal((await standing())[2], before[2] + 0.5);
  const known = await ada.api.shown(`/transfers/${away.transfer.id}`);
  assert.equal(known.undone, "30");
});

test("repeated with its key it is sent once", async () => {
  const before = await standing();
  const key = { "idempotency-key": "birthday" };
  const body = { to: grace.member.id, amount: "3" };
  const [one, other] = [await ada.api.made("/transfers", body, key), await ada.api.made("/transfers", body, key)];
  assert.equal(one.transfer.id, other.transfer.id);
  assert.deepEqual(await standing(), [before[0] - 3, before[1], before[2] + 3, before[3], before[4]]);
});

test("who has left gets nothing, and what cannot arrive comes back", async () => {
  const left = await addSignedIn(acme, identity, design, "linus");
  await acme.api.changed("PATCH", `/members/${left.member.id}`, { status: "removed" });
  const before = await standing();
  const sent = await send(ada, left.member, "5");
  await eventually(async () => (await ada.api.shown(`/transfers/${sent.transfer.id}`)).status === "refused");
  const known = await ada.api.shown(`/transfers/${sent.transfer.id}`);
  assert.match(known.refused_because, /has left/);
  assert.deepEqual(await standing(), before);
  const undone = await undo(ada, sent);
  assert.equal(undone.status, 409);
});

test("what makes no sense is refused and moves nothing", async () => {
  const before = await standing();
  const own = { from: ada.member.id };
  for (const [who, body, status, code] of [
    [ada, { to: ada.member.id, amount: "1" }, 400, "invalid_request"],
    [ada, { to: alan.member.id, amount: "0" }, 400, "invalid_request"],
    [ada, { to: alan.member.id, amount: "-1" }, 400, "invalid_request"],
    [ada, { to: alan.member.id, amount: "1000000000" }, 402, "insufficient_funds"],
    [ada, { to: "treasury", amount: "1" }, 400, "invalid_request"],
    [ada, { to: acme.department.id, amount: "1" }, 400, "invalid_request"],
    [ada, { to: "mem_01h2xcejqtf2nbrexx3vqjhp41", amount: "1" }, 404, "not_found"],
    [ada, { to: "team_01h2xcejqtf2nbrexx3vqjhp41", amount: "1" }, 404, "not_found"],
    [alan, { ...own, to: alan.member.id, amount: "1" }, 403, "forbidden"],
    [alan, { from: compilers.id, to: alan.member.id, amount: "1" }, 403, "forbidden"],
    [{ api: acme.api }, { to: alan.member.id, amount: "1" }, 400, "invalid_request"],
  ]) {
    const answer = await who.api.request("POST", "/transfers", body);
    assert.deepEqual([answer.status, answer.body.code], [status, code], JSON.stringify([body, answer.body]));
  }
  assert.deepEqual(await standing(), before);
});

test("both see it in their history, and nobody else does", async () => {
  const sent = await send(ada, grace.member, "2", { note: "thank you" });
  for (const who of [ada, grace]) {
    assert.equal((await who.api.shown(`/transfers/${sent.transfer.id}`)).note, "thank you");
    assert.ok((await who.api.list("/transfers")).some(({ id }) => id === sent.transfer.id));
  }
  assert.ok((await grace.api.list("/transfers?direction=received")).some(({ id }) => id === sent.transfer.id));
  assert.deepEqual((await grace.api.list("/transfers?direction=sent")).map(({ from }) => from).filter((id) => id !== grace.member.id), []);
  // The same, whole, as lines and for spreadsheets.
  const lines = (text) => text.trimEnd().split("\n").map((line) => JSON.parse(line));
  const exported = async (who, query = "") => {
    const response = await alfred.fetch(`/api/v1/transfers/export${query}`, { headers: { authorization: `Bearer ${who.api.key}` } });
    assert.equal(response.status, 200);
    return response.text();
  };
  const listed = await grace.api.list("/transfers");
  assert.deepEqual(lines(await exported(grace)), [...listed, { complete: true }]);
  assert.equal(lines(await exported(grace, "?direction=received")).length, (await grace.api.list("/transfers?direction=received")).length + 1);
  const csv = (await exported(grace, "?format=csv")).trimEnd().split("\r\n");
  assert.equal(csv.length, listed.length + 1);
  assert.ok(csv.some((line) => line.startsWith(sent.transfer.id) && line.includes(",thank you,done,")), csv.join());
  assert.equal((await alan.api.request("GET", `/transfers/export?member_id=${ada.member.id}`)).status, 403);
  const own = (await alan.api.list("/transfers")).map(({ id }) => id);
  assert.ok(!own.includes(sent.transfer.id));
  assert.equal((await alan.api.request("GET", `/transfers/${sent.transfer.id}`)).status, 404);
  assert.equal((await undo(alan, sent)).status, 404);
  // Who got it cannot undo it: that would be sending it.
  assert.equal((await undo(grace, sent)).status, 403);
  assert.equal((await alan.api.request("GET", `/transfers?member_id=${ada.member.id}`)).status, 403);

  // An admin sees everybody's, in pages.
  const pages = await acme.api.list(`/transfers?team_id=${compilers.id}`);
  assert.ok(pages.length > 3 && pages.every(({ id }, at) => at === 0 || id < pages[at - 1].id));
  assert.equal((await acme.api.request("GET", `/transfers/${sent.transfer.id}`)).status, 200);
  assert.equal((await acme.api.request("GET", "/transfers")).status, 400);
});

test("policies say how much, in a day, and to whom", async () => {
  const policy = (setting) => acme.api.made("/policies", { name: setting.kind, setting });
  const remove = ({ id }) => acme.api.request("DELETE", `/policies/${id}`);
  const far = await acme.addTeam({ department: await acme.addDepartment("Sales"), pool: 0 });
  const outside = await acme.addMember(far);

  let rule = await policy({ kind: "transfers", most: "10", within: "department", approval: "finance" });
  const attempt = async (to, amount) => {
    const { status, body } = await ada.api.request("POST", "/transfers", { to: to.id, amount });
    return status === 202 ? "asked" : body.code;
  };
  assert.equal(await attempt(grace.member, "10"), undefined);
  assert.equal(await attempt(grace.member, "10.001"), "asked");
  assert.equal(await attempt(outside, "1"), "forbidden");
  const preview = await ada.api.request("POST", "/transfers/preview", { to: grace.member.id, amount: "11" });
  assert.deepEqual([preview.status, preview.body.verdict, preview.body.approval], [200, "approval_required", ["finance"]]);
  assert.equal(Number(preview.body.available) - 11, Number(preview.body.available_after));
  await remove(rule);

  const { sent_today } = preview.body;
  rule = await policy({ kind: "transfers", most_a_day: credits(Math.round(Number(sent_today) * 1000) + 6_000) });
  // Together they are more than a day's: whichever comes first.
  const both = await Promise.all([attempt(grace.member, "4"), attempt(alan.member, "4")]);
  assert.deepEqual(both.map((code) => code ?? "sent").sort(), ["forbidden", "sent"]);
  await remove(rule);

  rule = await policy({ kind: "transfers" });
  assert.equal(await attempt(alan.member, "1"), "forbidden");
  const forbidden = await ada.api.request("POST", "/transfers/preview", { to: grace.member.id, amount: "1" });
  assert.equal(forbidden.body.verdict, "forbidden");
  await remove(rule);
  assert.equal(await attempt(alan.member, "1"), undefined);
});

test("undone only for so long as the organization says", async () => {
  await acme.api.changed("PATCH", "/organization", { settings: { undo_minutes: 0 } });
  const sent = await send(ada, alan.member, "1");
  await new Promise((done) => setTimeout(done, 20));
  const late = await undo(ada, sent);
  assert.deepEqual([late.status, late.body.code], [409, "too_late"]);
  const wrong = await acme.api.request("PATCH", "/organization", { settings: { undo_minutes: 2000 } });
  assert.equal(wrong.status, 400);
  await acme.api.changed("PATCH", "/organization", { settings: { undo_minutes: 5 } });
});

test("the trail has who sent what, and D1 all of it", async () => {
  const sent = await send(ada, grace.member, "1.25");
  const recorded = () => acme.api.list(`/audit?action=transfer`);
  const record = await eventually(async () => (await recorded()).find(({ reference }) => reference === sent.transfer.id));
  assert.match(record.who, new RegExp(`^${ada.member.id}/`));
  await reconciled(acme);
});
