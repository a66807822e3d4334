// Mail, Teams and webhooks: who is told, once each, and what becomes of what
// does not arrive.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { eventually, startAlfred } from "./harness.mjs";
import { found } from "./lib/company.mjs";
import { SECRET, TOKEN, recipient, startInbox } from "./lib/inbox.mjs";
import { addSignedIn, letSignIn } from "./lib/people.mjs";
import { startIdentityProvider } from "./lib/sign-in.mjs";

let alfred, inbox, identity, acme, team, ada, mary, fay;
const channels = {};
before(async () => {
  inbox = await startInbox();
  alfred = await startAlfred({ env: inbox.env });
  identity = await startIdentityProvider(`${alfred.url}/api/v1/auth/callback`);
  acme = await found(alfred);
  await letSignIn(acme, identity);
  team = await acme.addTeam({ pool: 3_000_000 });
  ada = await addSignedIn(acme, identity, team, "ada", { wallet: 1_000_000 });
  [mary, fay] = [await addSignedIn(acme, identity, team, "mary"), await addSignedIn(acme, identity, team, "fay")];
  for (const manager of [mary, fay]) {
    await acme.api.made("/grants", { to: manager.member.id, role: "team_manager", on: team.id });
  }
  for (const [name, channel] of Object.entries(inbox.ways)) {
    channels[name] = await acme.api.made("/channels", { name, channel });
  }
});
after(() => Promise.all([alfred?.stop(), inbox?.stop(), identity?.stop()]));

const ask = (reason) => ada.api.made("/approvals", { amount: "40", reason });
const EVERYBODY = [
  "hook all", "postmark fay@acme.example", "postmark mary@acme.example", "resend fay@acme.example",
  "resend mary@acme.example", "teams all",
];

/** Waits until each of these has a letter that says this, and answers the letters. */
async function told(pattern, recipients = EVERYBODY, within = 40_000) {
  const letters = () => inbox.letters(pattern);
  await eventually(async () => (await letters()).length >= recipients.length, { within });
  const found = await letters();
  assert.deepEqual(found.map(recipient).sort(), recipients);
  return found;
}

const deadLetter = (pattern) =>
  eventually(async () => (await acme.api.list("/dead-letters")).find(({ body }) => pattern.test(body)), { within: 20_000 });
const record = (is) => eventually(async () => (await acme.api.list("/audit")).find(is), { within: 20_000 });

test("a request is told once to each who may decide, by each channel", async () => {
  await ask("evaluation");
  const letters = await told(/asks to draw 40 credits.*evaluation|evaluation.*asks to draw 40 credits/);
  const program = letters.find(({ desk }) => desk === "hook").message;
  assert.equal(program.type, "approval_requested");
  assert.deepEqual([program.data.requester, program.data.amount, program.data.reason], ["ada", "40 credits", "evaluation"]);
  // Whoever asks the queue again has nothing told again.
  await alfred.scheduled("*/5 * * * *");
  await eventually(async () => (await alfred.query("SELECT state FROM deliveries")).every(({ state }) => state === "sent"));
  assert.equal((await inbox.letters(/evaluation/)).length, EVERYBODY.length);
  assert.deepEqual(await inbox.refused(), []);
});

test("whose credits will go back is told in time, once", async () => {
  const plan = (name, to) =>
    acme.api.made("/plans", {
      name,
      to,
      amount: "12",
      period: { every: "day" },
      begins: "now",
      rollover: { kind: "none" },
      warn_days: 1,
    });
  await plan("Hers", { type: "member", id: ada.member.id });
  await told(/12 credits of yours will expire/, ["hook all", "postmark ada@acme.example", "resend ada@acme.example"]);
  await plan("The pool's", { type: "team", id: team.id });
  await told(/12 credits in the pool of .+ will go back/, EVERYBODY.filter((one) => one !== "teams all"));
});

test("who goes and who comes back is told, and who may use their credits", async () => {
  const share = { kind: "above", floor: "10" };
  const { id, available } = await ada.api.made("/absences", { share, delegate_id: mary.member.id });
  const own = ["hook all", "postmark ada@acme.example", "resend ada@acme.example"];
  await told(new RegExp(`mary can use ${available} credits of yours meanwhile|"lent": ?"${available} credits"`), own);
  const delegate = ["postmark mary@acme.example", "resend mary@acme.example"];
  await told(new RegExp(`ada is out of office: ${available} credits of theirs are yours`), delegate);
  await ada.api.changed("POST", `/absences/${id}/end`, {});
  await told(new RegExp(`Welcome back: ${available} credits are in your wallet again`), own);
});

test("a provider that fails is tried again, and everybody is told once", async () => {
  await inbox.fail("resend", 503);
  await inbox.fail("hook", 500);
  await ask("in a bad hour");
  await told(/in a bad hour/, EVERYBODY, 60_000);
  assert.deepEqual((await inbox.refused()).map(({ desk, status }) => `${desk} ${status}`).sort(), ["hook 500", "resend 503"]);
});

test("what is refused becomes a dead letter, and is sent again once somebody says so", async () => {
  await inbox.fail("teams", 400);
  await inbox.fail("postmark", 422, 2);
  await ask("on a bad day");
  const others = EVERYBODY.filter((one) => !/teams|postmark/.test(one));
  await told(/on a bad day/, others);
  const letter = await deadLetter(new RegExp(`approval_requested.*${channels.teams.id}`));
  assert.equal(letter.queue, "alfred-notifications");
  assert.match(letter.body, /"state":"failed".*the provider answered with status 400: as it was told/);
  await deadLetter(new RegExp(`${channels.postmark.id}/${mary.member.id}`));

  const again = (id, headers) => acme.api.request("POST", `/dead-letters/${id}/resend`, {}, headers);
  assert.equal((await ada.api.request("POST", `/dead-letters/${letter.id}/resend`, {})).status, 403);
  const answers = await Promise.all([again(letter.id), again(letter.id), again(letter.id)]);
  assert.ok(answers.some(({ status }) => status === 202), JSON.stringify(answers.map(({ body }) => body)));
  await told(/on a bad day/, [...others, "teams all"].sort());
  assert.equal((await again(letter.id)).status, 404);
  assert.ok(!(await acme.api.list("/dead-letters")).some(({ id }) => id === letter.id));
  const by = await record(({ action, resource }) => action === "resend_dead_letter" && resource === letter.id);
  assert.equal(by.outcome, "done");

  // One that fails again is a dead letter again.
  await inbox.fail("postmark", 422);
  const fays = await deadLetter(new RegExp(`${channels.postmark.id}/${fay.member.id}`));
  assert.equal((await again(fays.id)).status, 202);
  const anew = await deadLetter(new RegExp(`${channels.postmark.id}/${fay.member.id}`));
  assert.notEqual(anew.id, fays.id);
  assert.equal((await again(anew.id)).status, 202);
  await told(/on a bad day/, EVERYBODY.filter((one) => one !== "postmark mary@acme.example"));
});

test("what is no message to somebody, is another's or was sent is not sent again", async () => {
  const put = (id, body, organization = acme.id) =>
    alfred.query("INSERT INTO dead_letters VALUES (?, 'alfred-journal', 1, ?, ?)", id, organization, body);
  const again = (id) => acme.api.request("POST", `/dead-letters/${id}/resend`, {});
  await put("of-a-journal", "{}");
  const [{ id: sent }] = await alfred.query("SELECT id FROM deliveries WHERE state = 'sent' LIMIT 1");
  await put("of-a-sent-one", JSON.stringify({ delivery: sent, state: "uncertain", error: "x" }));
  const other = await found(alfred);
  await put("of-others", JSON.stringify({ delivery: sent, state: "failed", error: "x" }), other.id);
  assert.deepEqual((await again("of-a-journal")).body.detail, "it is no message to somebody: what it carried is sent again by itself");
  assert.match((await again("of-a-sent-one")).body.detail, /is sent: it cannot be sent again/);
  assert.equal((await again("of-others")).status, 404);
});

test("a channel is tried, and says what the provider said", async () => {
  const attempt = (name, body = {}, headers = {}) => acme.api.request("POST", `/channels/${channels[name].id}/test`, body, headers);
  const to = { member_id: ada.member.id };
  const before = (await inbox.letters(/Test of the channel/)).length;
  for (const [name, body, reference] of [["resend", to, /^re-/], ["postmark", to, /^pm-/], ["teams", {}], ["hook", {}]]) {
    const { status, body: answer } = await attempt(name, body);
    assert.equal(status, 200, `${name}: ${JSON.stringify(answer)}`);
    assert.equal(answer.member_id, body.member_id ?? null);
    reference ? assert.match(answer.reference, reference) : assert.equal(answer.reference, null);
  }
  const tests = async () => (await inbox.letters(/Test of the channel/)).map(recipient);
  assert.deepEqual((await tests()).slice(before), ["resend ada@acme.example", "postmark ada@acme.example", "teams all", "hook all"]);
  await record(({ action, resource, who }) => action === "test_channel" && resource === channels.teams.id && who.startsWith("adm_"));

  // Repeated, it is sent once and answers the same; refused, too.
  const once = { "idempotency-key": "try once" };
  const [one, other] = [await attempt("teams", {}, once), await attempt("teams", {}, once)];
  assert.deepEqual([one.status, other.body], [200, one.body]);
  assert.equal((await tests()).length, before + 5);
  await inbox.fail("teams", 404);
  const key = { "idempotency-key": "try another" };
  for (const { status, body } of [await attempt("teams", {}, key), await attempt("teams", {}, key)]) {
    assert.deepEqual([status, body.code], [409, "channel_failed"]);
    assert.match(body.detail, /^the provider answered with status 404: as it was told$/);
  }
  await inbox.fail("hook", 503);
  assert.match((await attempt("hook")).body.detail, /status 503: it asks to come again later/);
  assert.equal((await tests()).length, before + 5);

  // What is signed otherwise a program refuses.
  const wrong = { ...inbox.ways.hook, secret: "whsec_YW5vdGhlciBzZWNyZXQgb2YgZW5vdWdoIGxlbmd0aA==" };
  await acme.api.changed("PATCH", `/channels/${channels.hook.id}`, { channel: wrong });
  assert.match((await attempt("hook")).body.detail, /status 401: no signature is right/);
  await acme.api.changed("PATCH", `/channels/${channels.hook.id}`, { channel: inbox.ways.hook });
  assert.equal((await attempt("hook")).status, 200);

  // To whom must be clear, and who may try.
  assert.match((await attempt("resend")).body.detail, /say `member_id`/);
  assert.match((await attempt("teams", to)).body.detail, /leave out `member_id`/);
  assert.equal((await attempt("resend", { member_id: "mem_00000000000000000000000009" })).status, 404);
  assert.equal((await ada.api.request("POST", `/channels/${channels.teams.id}/test`, {})).status, 403);
  await acme.api.changed("PATCH", `/channels/${channels.teams.id}`, { enabled: false });
  const off = await attempt("teams");
  assert.deepEqual([off.status, off.body.code], [409, "conflict"]);
  const shown = JSON.stringify([await acme.api.list("/channels"), await acme.api.list("/audit"), await acme.api.list("/dead-letters"), alfred.logs]);
  assert.ok(!shown.includes(SECRET) && !shown.includes(TOKEN) && !shown.includes("sig=secret"));
});
