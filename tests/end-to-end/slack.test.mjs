// Approvals in Slack: whoever may decide gets a message with buttons, and what
// they press is decided as if they had called the API.

import assert from "node:assert/strict";
import { createHmac, hkdfSync } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";

import { eventually, startAlfred } from "./harness.mjs";
import { found } from "./lib/company.mjs";
import { addSignedIn, letSignIn } from "./lib/people.mjs";
import { startIdentityProvider } from "./lib/sign-in.mjs";
import { SIGNING_SECRET, TOKEN, WORKSPACE, startSlack, words } from "./lib/slack.mjs";

let alfred, slack, identity, acme, team, ada, bob, mary, fay, channel;
before(async () => {
  slack = await startSlack();
  alfred = await startAlfred({ env: { SLACK_API: slack.url } });
  identity = await startIdentityProvider(`${alfred.url}/api/v1/auth/callback`);
  acme = await found(alfred);
  await letSignIn(acme, identity);
  team = await acme.addTeam({ pool: 3_000_000 });
  ada = await addSignedIn(acme, identity, team, "ada", { wallet: 1_000_000 });
  bob = await addSignedIn(acme, identity, team, "bob");
  mary = await addSignedIn(acme, identity, team, "mary");
  fay = await addSignedIn(acme, identity, team, "fay");
  await slack.people({ UADA: "ada@acme.example", UBOB: "bob@acme.example", UMARY: "mary@acme.example", UFAY: "fay@acme.example" });
  for (const manager of [mary, fay]) {
    await acme.api.made("/grants", { to: manager.member.id, role: "team_manager", on: team.id });
  }
  channel = await acme.api.made("/channels", {
    name: "Slack",
    channel: { kind: "slack", workspace: WORKSPACE, token: TOKEN, signing_secret: SIGNING_SECRET },
  });
});
after(() => Promise.all([alfred?.stop(), slack?.stop(), identity?.stop()]));

const ask = (who, amount, reason) => who.api.made("/approvals", { amount, reason });
const state = async ({ id }) => (await acme.api.shown(`/approvals/${id}`)).state;
const balance = async ({ member }) => (await acme.wallet(member)) / 1000;

/** Sends what Slack would. */
async function heard({ headers, body }, organization = acme.id) {
  const response = await alfred.fetch(`/chat/slack/${organization}`, { method: "POST", headers, body });
  const text = await response.text();
  return { status: response.status, text, body: text.startsWith("{") ? JSON.parse(text) : undefined };
}

/** The newest message to somebody that says this. */
const message = (user, pattern) =>
  eventually(async () => (await slack.messages(user)).filter((one) => pattern.test(words(one))).at(-1), { within: 20_000 });

/** The newest record with this code, or of this action. */
const record = (is) =>
  eventually(async () => (await acme.api.list("/audit")).find(is), { within: 20_000 });

test("secrets of a channel are never shown", async () => {
  const shown = JSON.stringify([channel, await acme.api.list("/channels"), await acme.api.list("/audit")]);
  assert.ok(!shown.includes(TOKEN) && !shown.includes(SIGNING_SECRET), shown);
  assert.deepEqual([channel.kind, channel.workspace, channel.enabled], ["slack", WORKSPACE, true]);
});

test("who may decide is asked in Slack, presses, and the credits move once", async () => {
  const asked = await ask(ada, "40", "evaluation");
  const [hers, fays] = [await message("UMARY", /evaluation/), await message("UFAY", /evaluation/)];
  assert.match(words(hers), /ada asks to draw 40 credits/);
  assert.deepEqual(await slack.messages("UBOB"), [], "who may not decide is not asked");
  assert.deepEqual((await slack.messages("UADA")).length, 0);

  const started = performance.now();
  const pressed = await heard(await slack.press("UMARY", hers, "Approve"));
  assert.equal(pressed.status, 200, pressed.text);
  assert.ok(performance.now() - started < 3000, "Slack waits for three seconds");
  assert.equal(await state(asked), "approved");
  await eventually(async () => (await balance(ada)) === 1040);

  // Both messages have the outcome in place of the buttons, and who asked is told.
  for (const { ts } of [hers, fays]) {
    const user = ts === hers.ts ? "UMARY" : "UFAY";
    const now = await eventually(async () => (await slack.messages(user)).find((one) => one.ts === ts && one.changed > 0));
    assert.match(words(now), /was approved by mary/);
    assert.doesNotMatch(words(now), /Approve"/);
  }
  await message("UADA", /was approved by mary/);

  const by = await record((one) => one.action === "approve" && one.outcome === "done");
  assert.equal(by.who, `${mary.member.id}/${channel.id}`, "the record says that it came by the channel");

  // Pressed again in another place, it is known; nothing moves.
  const again = await slack.press("UMARY", fays, "Approve", { value: "A".repeat(40) });
  assert.equal((await heard(again)).status, 403);
  assert.equal(await balance(ada), 1040);
  const calls = await slack.calls();
  assert.deepEqual([calls["users.lookupByEmail"], calls["chat.postMessage"]], [3, 3], "each is looked for once, and told once");
});

test("no with a reason is no", async () => {
  const asked = await ask(ada, "50", "a whim");
  const hers = await message("UMARY", /a whim/);
  assert.equal((await heard(await slack.press("UMARY", hers, "Deny", { reason: "not this month" }))).status, 200);
  assert.equal(await state(asked), "denied");
  assert.match(words(await message("UADA", /was denied by mary/)), /not this month/);
});

test("forged, late, repeated, of elsewhere, of somebody else: refused and recorded", async () => {
  const asked = await ask(ada, "60", "to be attacked");
  const hers = await message("UMARY", /to be attacked/);
  const refused = async (request, status, code, organization) => {
    const answer = await heard(await request, organization);
    assert.equal(answer.status, status, `${code}: ${answer.text}`);
    const found = await record((one) => one.action === "chat" && one.code === code);
    assert.equal(found.outcome, "denied", code);
    assert.equal(await state(asked), "pending", code);
  };
  await refused(slack.press("UMARY", hers, "Approve", { secret: "another secret" }), 401, "forged");
  const altered = await slack.press("UMARY", hers, "Approve");
  await refused({ ...altered, body: altered.body.replace("UMARY", "UFAY") }, 401, "forged");
  await refused(slack.press("UMARY", hers, "Approve", { age: 301 }), 401, "stale");
  await refused(slack.press("UMARY", hers, "Approve", { team: "T0THERS" }), 403, "foreign_workspace");
  await refused(slack.press("UNOBODY", hers, "Approve"), 403, "unknown_account");
  // Mary's button, pressed by Fay: made for one person.
  await refused(slack.press("UFAY", hers, "Approve"), 403, "forged_button");
  // At another organization nobody has that secret.
  const other = await found(alfred);
  assert.equal((await heard(await slack.press("UMARY", hers, "Approve"), other.id)).status, 401);
  assert.equal(await state(asked), "pending");

  // The same request a second time, as whoever has seen it would send it.
  const once = await slack.press("UMARY", hers, "Deny");
  assert.equal((await heard(once)).status, 200);
  assert.equal((await heard(once)).status, 403);
  await record((one) => one.action === "chat" && one.code === "replayed");
  assert.equal(await state(asked), "denied");
  assert.equal(await balance(ada), 1040);
});

test("nobody decides about their own, in Slack neither", async () => {
  const asked = await ada.api.made("/approvals", { to: fay.member.id, amount: "70", reason: "for Fay" });
  const hers = await message("UMARY", /for Fay/);
  assert.ok(!(await slack.messages("UFAY")).some((one) => /for Fay/.test(words(one))), "who gets it is not even asked");
  // Even a genuine button of hers for it opens nothing: the actor refuses.
  const own = await heard(await slack.press("UFAY", hers, "Approve", { value: button(asked.id, fay.member.id) }));
  assert.equal(own.status, 200);
  assert.equal(await state(asked), "pending");
  await eventually(async () => /nobody decides about what is for themselves/.test(JSON.stringify(await slack.responses())));
  const failed = (who) => record((one) => one.outcome === "failed" && one.code === "conflict" && one.who === `${who.member.id}/${channel.id}`);
  await failed(fay);
  // What is over cannot be decided by a button that is left.
  assert.equal((await ada.api.request("POST", `/approvals/${asked.id}/cancel`, {})).status, 200);
  assert.equal((await heard(await slack.press("UMARY", hers, "Approve"))).status, 200);
  assert.equal(await state(asked), "cancelled");
  await failed(mary);
  await eventually(async () => (await slack.messages("UMARY")).some((one) => one.ts === hers.ts && /was withdrawn/.test(words(one))));
});

/** A button's value as Alfred signs it, by the deployment's own master secret. */
function button(approval, member) {
  const { MASTER_SECRET } = JSON.parse(readFileSync(join(alfred.state, "secrets.json"), "utf8"));
  const parts = [Buffer.from("alfred action token v1"), bits(acme.id), Buffer.from("slack")];
  const sized = parts.flatMap((part) => [Buffer.from([0, 0, 0, part.length]), part]);
  const key = Buffer.from(hkdfSync("sha256", MASTER_SECRET, Buffer.alloc(0), Buffer.concat(sized), 32));
  const signed = Buffer.concat([Buffer.from([0x11]), bits(approval)]);
  const mac = createHmac("sha256", key).update(Buffer.concat([signed, bits(member)])).digest().subarray(0, 13);
  return Buffer.concat([signed, mac]).toString("base64url");
}

/** The 128 bits of an id. */
function bits(id) {
  const digits = "0123456789abcdefghjkmnpqrstvwxyz";
  const number = [...id.split("_")[1]].reduce((sum, digit) => sum * 32n + BigInt(digits.indexOf(digit)), 0n);
  return Buffer.from(number.toString(16).padStart(32, "0"), "hex");
}

test("/alfred says what somebody has, sends and asks", async () => {
  const said = async (user, text) => JSON.stringify((await heard(await slack.typed(user, text))).body);
  assert.match(await said("UADA", "balance"), /You have 1040 credits/);
  assert.match(await said("UADA", "send <@UBOB|bob> 5 thank you"), /5 credits were sent/);
  await eventually(async () => (await balance(bob)) === 5);
  assert.match(words(await message("UBOB", /sent you 5 credits/)), /thank you/);
  assert.match(await said("UBOB", "request 20 out of credits"), /You have asked for 20 credits/);
  await message("UMARY", /out of credits/);
  assert.match(await said("UBOB", "give me everything"), /I don't know/);
  assert.match(await said("UBOB", "send @ada 100000"), /available|suffice|has/);
  const replayed = await slack.typed("UADA", "send <@UBOB> 7");
  await heard(replayed);
  assert.match(JSON.stringify((await heard(replayed)).body), /has come before/);
  assert.equal(await balance(bob), 12);
});

test("/alfred ooo", async () => {
  const said = async (text) => JSON.stringify((await heard(await slack.typed("UBOB", text))).body);
  const absences = () => acme.api.list(`/absences?member_id=${bob.member.id}&state=current`);
  assert.match(await said("ooo friday"), /is not a date/);
  assert.match(await said("ooo off"), /You are not out of office/);
  assert.match(await said("ooo until 2001-01-01"), /ends in the future/);
  assert.match(await said("ooo until 2099-12-31"), /You are out of office until 2099-12-31 is over/);
  const [absence, ...others] = await absences();
  assert.deepEqual([others, absence.state, absence.until, absence.share], [[], "away", "2100-01-01T00:00:00.000Z", { kind: "all" }]);
  assert.match(absence.who, new RegExp(`^${bob.member.id}/${channel.id}$`));
  assert.match(await said("ooo 2098-01-01 - 2098-01-31"), /You are out of office until 2098-01-31/);
  assert.match(await said("ooo off"), /Welcome back/);
  assert.deepEqual((await absences()).map(({ state, from, until }) => [state, from, until]), [["planned", "2098-01-01T00:00:00.000Z", "2098-02-01T00:00:00.000Z"]]);
  const records = () => acme.api.list("/audit?action=end_absence");
  await eventually(async () => (await records()).some(({ who }) => who === absence.who));
});

test("a Slack that fails is tried again, and told once", async () => {
  await slack.fail("chat.postMessage", 503, 1);
  await ask(ada, "11", "in a bad hour");
  await eventually(async () => (await slack.calls())["chat.postMessage"] > 0);
  const told = async (user) => (await slack.messages(user)).filter((one) => /in a bad hour/.test(words(one))).length;
  await eventually(async () => (await told("UMARY")) === 1 && (await told("UFAY")) === 1, { within: 45_000 });
});

test("a channel that is off is deaf and dumb", async () => {
  const asked = await ask(ada, "12", "before the silence");
  const hers = await message("UMARY", /before the silence/);
  await acme.api.changed("PATCH", `/channels/${channel.id}`, { enabled: false });
  assert.equal((await heard(await slack.press("UMARY", hers, "Approve"))).status, 401);
  assert.equal(await state(asked), "pending");
});
