// What people ask for and others must approve.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { eventually, startAlfred } from "./harness.mjs";
import { call, chat } from "./lib/call.mjs";
import { found } from "./lib/company.mjs";
import { reconciled } from "./lib/ledger.mjs";
import { addSignedIn, letSignIn } from "./lib/people.mjs";
import { startProvider } from "./lib/provider.mjs";
import { startIdentityProvider } from "./lib/sign-in.mjs";

let alfred, provider, identity, acme, team, other, ada, bob, mary, fay;
before(async () => {
  [alfred, provider] = await Promise.all([startAlfred(), startProvider()]);
  identity = await startIdentityProvider(`${alfred.url}/api/v1/auth/callback`);
  acme = await found(alfred, { provider });
  await letSignIn(acme, identity);
  [team, other] = [await acme.addTeam({ pool: 3_000_000 }), await acme.addTeam()];
  ada = await addSignedIn(acme, identity, team, "ada", { wallet: 2_000_000 });
  bob = await addSignedIn(acme, identity, other, "bob");
  mary = await addSignedIn(acme, identity, team, "mary");
  fay = await addSignedIn(acme, identity, other, "fay");
  await acme.api.made("/grants", { to: mary.member.id, role: "team_manager", on: team.id });
  await acme.api.made("/grants", { to: fay.member.id, role: "finance", on: acme.id });
  const setting = { kind: "transfers", most: "500", approval: "finance" };
  await acme.api.made("/policies", { name: "Large transfers", setting });
});
after(() => Promise.all([alfred?.stop(), provider?.stop(), identity?.stop()]));

const decide = (who, { id }, verdict, reason) => who.api.request("POST", `/approvals/${id}/${verdict}`, { reason });
const balance = async ({ member }) => (await acme.wallet(member)) / 1000;

test("who runs dry asks, the manager approves, and the next call goes through", async () => {
  await acme.api.changed("PATCH", `/teams/${team.id}`, { pool_draw: "off" });
  const dry = await addSignedIn(acme, identity, team, "dora");
  const key = await acme.addKey(dry.member);
  assert.equal((await call(alfred, key.secret, chat())).status, 402);
  const asked = await dry.api.made("/approvals", { amount: "400", reason: "evaluation" });
  assert.deepEqual(
    [asked.state, asked.from, asked.to, asked.chain.name, asked.awaited, asked.may_decide],
    ["pending", team.id, dry.member.id, "team_manager", ["team_manager"], false],
  );
  const [waiting] = await mary.api.list("/approvals?only=to_decide");
  assert.deepEqual([waiting.id, waiting.reason, waiting.may_decide], [asked.id, "evaluation", true]);
  const done = await decide(mary, asked, "approve", "until Friday");
  assert.deepEqual([done.status, done.body.state, done.body.outcome], [200, "approved", "done"], JSON.stringify(done.body));
  assert.deepEqual(done.body.decisions.map(({ verdict, reason }) => [verdict, reason]), [["approve", "until Friday"]]);
  assert.equal((await call(alfred, key.secret, chat())).status, 200);
  const [transfer] = await dry.api.list("/transfers");
  assert.deepEqual([transfer.id, transfer.amount, transfer.note], [asked.transfer_id, "400", "evaluation"]);
});

test("a large transfer waits for finance, and goes to the other team once", async () => {
  const sent = await ada.api.request("POST", "/transfers", { to: bob.member.id, amount: "600" });
  assert.deepEqual([sent.status, sent.body.state, sent.body.chain.name], [202, "pending", "finance"]);
  assert.deepEqual([await balance(ada), await balance(bob)], [2000, 0]);
  // Neither who asked, nor who gets it, nor somebody else.
  for (const [who, status] of [[ada, 409], [bob, 409], [mary, 404]]) {
    const refused = await decide(who, sent.body, "approve");
    assert.equal(refused.status, status, JSON.stringify(refused.body));
  }
  const both = await Promise.all([decide(fay, sent.body, "approve"), decide(fay, sent.body, "approve")]);
  assert.deepEqual(both.map(({ status }) => status), [200, 200]);
  await eventually(async () => (await ada.api.shown(`/approvals/${sent.body.id}`)).outcome === "done");
  await eventually(async () => (await balance(bob)) === 600);
  assert.equal(await balance(ada), 1400);
  assert.equal((await decide(fay, sent.body, "deny")).status, 409);
});

test("no is no, and what cannot be done says why", async () => {
  const denied = (await ada.api.request("POST", "/transfers", { to: bob.member.id, amount: "700" })).body;
  const no = await decide(fay, denied, "deny", "not this month");
  assert.deepEqual([no.body.state, no.body.outcome], ["denied", null]);
  assert.equal((await ada.api.shown(`/approvals/${denied.id}`)).decisions[0].reason, "not this month");

  const dear = (await ada.api.request("POST", "/transfers", { to: bob.member.id, amount: "100000" })).body;
  const failed = await decide(fay, dear, "approve");
  assert.equal(failed.status, 200);
  const known = await eventually(async () => {
    const known = await ada.api.shown(`/approvals/${dear.id}`);
    return known.outcome === "failed" && known;
  });
  assert.match(known.failed_because, /has 1400 credits available/);

  const withdrawn = (await ada.api.request("POST", "/transfers", { to: bob.member.id, amount: "800" })).body;
  assert.equal((await decide(bob, withdrawn, "cancel")).status, 404);
  assert.equal((await decide(ada, withdrawn, "cancel")).body.state, "cancelled");
  assert.equal((await decide(fay, withdrawn, "approve")).status, 409);
  assert.equal(await balance(ada), 1400);
});

test("chains of their own: all of these, then that one", async () => {
  const steps = [{ mode: "all", of: ["team_manager", "finance"] }, { of: [bob.member.id] }];
  await acme.api.changed("PATCH", "/organization", { settings: { approval_chains: [{ name: "board", steps }] } });
  const setting = { kind: "transfers", most: "1000", approval: "board" };
  const policy = await acme.api.made("/policies", { name: "Very large transfers", setting });
  const { body: asked } = await ada.api.request("POST", "/transfers", { to: fay.member.id, amount: "1100" });
  // Both policies want their own.
  assert.equal(asked.chain.name, "board, finance");
  assert.equal((await decide(bob, asked, "approve")).status, 400, "not yet");
  assert.equal((await decide(mary, asked, "approve")).body.state, "pending");
  // Fay gets it, so somebody else of finance must.
  assert.equal((await decide(fay, asked, "approve")).status, 409);
  await acme.api.request("DELETE", `/policies/${policy.id}`);
  const wrong = [{ name: "board", steps: [{ of: ["nobody"] }] }];
  assert.equal((await acme.api.request("PATCH", "/organization", { settings: { approval_chains: wrong } })).status, 400);
});

test("a crash between the decision and the movement loses and doubles nothing", async () => {
  const before = await balance(bob);
  const asked = [];
  for (let n = 0; n < 6; n++) {
    const answer = await ada.api.request("POST", "/approvals", { from: team.id, to: bob.member.id, amount: "3" });
    assert.equal(answer.status, 201, JSON.stringify(answer.body));
    asked.push(answer.body);
  }
  const decisions = asked.map((one) => decide(mary, one, "approve").catch(() => undefined));
  await new Promise((done) => setTimeout(done, 15));
  await alfred.kill9();
  await alfred.start();
  await Promise.all(decisions);
  // Who was not answered decides again: deciding twice does nothing twice.
  for (const one of asked) assert.equal((await decide(mary, one, "approve")).status, 200);
  await eventually(async () => (await balance(bob)) === before + 18, { within: 30_000 });
  for (const one of asked) {
    await eventually(async () => (await ada.api.shown(`/approvals/${one.id}`)).outcome === "done", { within: 30_000 });
  }
  await reconciled(acme);
});
