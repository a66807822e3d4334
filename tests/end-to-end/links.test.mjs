// Deciding by the links in mails and in Teams: opening one changes nothing,
// sending its page decides, once.

import assert from "node:assert/strict";
import { createHmac, hkdfSync } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";

import { eventually, startAlfred } from "./harness.mjs";
import { Api, found } from "./lib/company.mjs";
import { startInbox } from "./lib/inbox.mjs";
import { addSignedIn, letSignIn } from "./lib/people.mjs";
import { Visitor, startIdentityProvider } from "./lib/sign-in.mjs";

/** Where the deployment says that it is; nothing listens there. */
const SITE = "https://alfred.example";

let alfred, inbox, identity, acme, team, ada, mary, fay, mail;
before(async () => {
  inbox = await startInbox();
  alfred = await startAlfred({ env: { ...inbox.env, PUBLIC_URL: SITE } });
  identity = await startIdentityProvider(`${alfred.url}/api/v1/auth/callback`);
  acme = await found(alfred);
  await letSignIn(acme, identity);
  team = await acme.addTeam({ pool: 3_000_000 });
  ada = await addSignedIn(acme, identity, team, "ada", { wallet: 1_000_000 });
  [mary, fay] = [await addSignedIn(acme, identity, team, "mary"), await addSignedIn(acme, identity, team, "fay")];
  for (const manager of [mary, fay]) {
    await acme.api.made("/grants", { to: manager.member.id, role: "team_manager", on: team.id });
  }
  mail = await acme.api.made("/channels", { name: "mail", channel: inbox.ways.resend });
  await acme.api.made("/channels", { name: "teams", channel: inbox.ways.teams });
});
after(() => Promise.all([alfred?.stop(), inbox?.stop(), identity?.stop()]));

const ask = (reason) => ada.api.made("/approvals", { amount: "40", reason });
const state = async ({ id }) => (await acme.api.shown(`/approvals/${id}`)).state;
const record = (is) => eventually(async () => (await acme.api.list("/audit")).find(is), { within: 20_000 });

/** The paths of the links in somebody's mail that says this, by their labels. */
async function links(name, pattern) {
  const is = ({ desk, message }) => desk === "resend" && message.to[0].includes(`<${name}@`);
  const mails = async () => (await inbox.letters(pattern)).filter(is);
  const letter = await eventually(async () => (await mails())[0], { within: 20_000 });
  const found = [...letter.message.text.matchAll(/^(.+): (https:\S+)$/gm)];
  return Object.fromEntries(found.map(([, label, url]) => [label, url.slice(SITE.length)]));
}

/** What a browser without anything of ours sees. */
async function visit(path, reason) {
  const form = new URLSearchParams(reason === undefined ? {} : { reason });
  const response = await alfred.fetch(path, reason === undefined ? {} : { method: "POST", body: form });
  return { status: response.status, headers: response.headers, text: await response.text() };
}

test("opening a link only asks; sending its page decides, once", async () => {
  const asked = await ask("evaluation <b>&");
  const { Approve, Deny } = await links("mary", /evaluation/);
  assert.match(Approve, new RegExp(`^/decide/${acme.id}/${mail.id}/[\\w-]{84}$`));
  for (const method of ["GET", "HEAD", "GET"]) assert.equal((await alfred.fetch(Approve, { method })).status, 200);
  const page = await visit(Approve);
  assert.match(page.text, /ada asks for 40 credits.*evaluation &lt;b&gt;&amp;.*value="approve"/s);
  assert.doesNotMatch(page.text, /value="deny"|<script|<b>/);
  assert.match(page.headers.get("content-type"), /^text\/html/);
  assert.match(page.headers.get("content-security-policy"), /^default-src 'none'; style-src 'sha256-.*frame-ancestors 'none'; form-action 'self'$/);
  assert.deepEqual(["cache-control", "referrer-policy", "x-frame-options"].map((name) => page.headers.get(name)), ["no-store", "no-referrer", "DENY"]);
  assert.match((await visit(Deny)).text, /value="deny"/);
  assert.equal(await state(asked), "pending");

  const sent = await visit(Approve, "fine");
  assert.deepEqual([sent.status, /You have approved it/.test(sent.text)], [200, true], sent.text);
  assert.equal(await state(asked), "approved");
  const shown = await acme.api.shown(`/approvals/${asked.id}`);
  assert.deepEqual([shown.decisions[0].who, shown.decisions[0].reason], [`${mary.member.id}/${mail.id}`, "fine"]);
  await record((one) => one.action === "approve" && one.who === `${mary.member.id}/${mail.id}` && one.outcome === "done");
  await eventually(async () => (await acme.wallet(ada.member)) === 1_040_000);

  // Neither of the two works again.
  for (const used of [Approve, Deny]) {
    assert.equal((await visit(used)).status, 409);
    const again = await visit(used, "");
    assert.deepEqual([again.status, /you have used this link/.test(again.text)], [409, true]);
  }
  const refused = await record((one) => one.action === "chat" && one.code === "used_link");
  assert.deepEqual([refused.outcome, refused.who], ["denied", `${mary.member.id}/${mail.id}`]);
  // Fay's says what came of it, and decides nothing.
  const fays = await links("fay", /evaluation/);
  assert.match((await visit(fays.Deny)).text, /It was approved/);
  assert.equal((await visit(fays.Deny, "no")).status, 409);
  assert.equal(await state(asked), "approved");
});

test("no with a reason is no, and who asked is told", async () => {
  const asked = await ask("a whim");
  const { Deny } = await links("mary", /a whim/);
  assert.equal((await visit(Deny, "not this month")).status, 200);
  assert.equal(await state(asked), "denied");
  await eventually(async () => (await inbox.letters(/was denied by mary.*not this month|not this month.*was denied by mary/s)).length > 0, { within: 20_000 });
});

test("forged, altered, late, of elsewhere, of nobody: refused and recorded", async () => {
  const asked = await ask("to be attacked");
  const { Approve } = await links("mary", /to be attacked/);
  const token = Approve.split("/").at(-1);
  const other = await found(alfred);
  const theirs = await other.api.made("/channels", { name: "mail", channel: inbox.ways.resend });
  const second = await acme.api.made("/channels", { name: "mail 2", channel: inbox.ways.postmark });
  const refused = async (path, code, status = 403) => {
    const before = (await acme.api.list("/audit")).filter((one) => one.code === code).length;
    for (const reason of [undefined, "x"]) {
      const answer = await visit(path, reason);
      assert.equal(answer.status, status, `${path}: ${answer.text}`);
      assert.match(answer.headers.get("content-type"), /^text\/html/);
    }
    if (code) await eventually(async () => (await acme.api.list("/audit")).filter((one) => one.code === code).length >= before + 2, { within: 20_000 });
    assert.equal(await state(asked), "pending");
  };
  const altered = token.slice(0, 30) + (token[30] === "A" ? "B" : "A") + token.slice(31);
  await refused(`/decide/${acme.id}/${mail.id}/${altered}`, "forged_link");
  await refused(`/decide/${acme.id}/${mail.id}/${token.slice(0, 40)}`, "forged_link");
  // Genuine, but of another channel, and under another organization's name.
  await refused(`/decide/${acme.id}/${second.id}/${token}`, "forged_link");
  await refused(`/decide/${acme.id}/${theirs.id}/${token}`, "forged_link");
  await refused(`/decide/${other.id}/${theirs.id}/${token}`);
  await refused(`/decide/${other.id}/${mail.id}/${token}`);
  await eventually(async () => (await other.api.list("/audit")).some((one) => one.code === "forged_link"));
  await refused(`/decide/${acme.id}/${mail.id}/${signed(asked.id, mary.member.id, Date.now() - 1000)}`, "expired_link", 409);
  // Signed as ours are, for one who may not decide, and for one who asked.
  const long = Date.now() + 3_600_000;
  for (const who of [ada]) {
    const own = `/decide/${acme.id}/${mail.id}/${signed(asked.id, who.member.id, long)}`;
    assert.match((await visit(own)).text, /You cannot decide about it now/);
    assert.ok([403, 409].includes((await visit(own, "x")).status));
    assert.equal(await state(asked), "pending");
  }
  for (const path of [`/decide/${acme.id}`, `/decide/${acme.id}/x/y`, `/decide/x/${mail.id}/${token}`, `/decide/${acme.id}/x`]) {
    assert.equal((await visit(path)).status, 404, path);
  }
  // A channel that is off is deaf.
  await acme.api.changed("PATCH", `/channels/${mail.id}`, { enabled: false });
  await refused(Approve, "forged_link");
  await acme.api.changed("PATCH", `/channels/${mail.id}`, { enabled: true });
  assert.equal((await visit(Approve, "")).status, 200);
  assert.equal(await state(asked), "approved");
});

test("two at once are one", async () => {
  const asked = await ask("in a hurry");
  const { Approve } = await links("mary", /in a hurry/);
  const answers = await Promise.all(Array.from({ length: 8 }, () => visit(Approve, "")));
  assert.deepEqual(answers.map(({ status }) => status).sort(), [200, ...Array(7).fill(409)]);
  assert.equal((await acme.api.shown(`/approvals/${asked.id}`)).decisions.length, 1);
});

test("in Teams the link is everybody's: who is signed in decides", async () => {
  const asked = await ask("in the open");
  const [{ message }] = await eventually(async () => {
    const all = (await inbox.letters(/in the open/)).filter(({ desk }) => desk === "teams");
    return all.length && all;
  }, { within: 20_000 });
  const [{ url }] = message.attachments[0].content.actions;
  const path = url.slice(SITE.length);
  assert.equal(path, `/decide/${acme.id}/${asked.id}`);
  assert.equal(message.attachments[0].content.actions.length, 1, "no link of anybody's own");

  const stranger = await alfred.fetch(path, { redirect: "manual" });
  assert.deepEqual([stranger.status, stranger.headers.get("location")], [303, `/api/v1/auth/sign-in?return_to=${encodeURIComponent(path)}`]);
  assert.equal((await visit(path, "x")).status, 401);

  const [marys, adas] = [new Visitor(alfred), new Visitor(alfred)];
  await marys.signIn("mary");
  await adas.signIn("ada");
  const open = async (visitor) => (await visitor.visit(alfred.url + path)).text;
  const csrf = (text) => /name="csrf" value="([^"]+)"/.exec(text)?.[1];
  const send = (visitor, fields) =>
    visitor.request(alfred.url + path, { method: "POST", body: new URLSearchParams(fields), headers: { "content-type": "application/x-www-form-urlencoded" } });
  assert.match(await open(adas), /You cannot decide about it now/);
  const page = await open(marys);
  assert.match(page, /value="approve".*value="deny"/s);
  assert.equal((await send(marys, { verdict: "approve" })).status, 403, "a page of elsewhere does not know the token");
  assert.equal((await send(marys, { verdict: "approve", csrf: "x" })).status, 403);
  assert.equal((await send(marys, { verdict: "maybe", csrf: csrf(page) })).status, 400);
  assert.equal(await state(asked), "pending");
  assert.equal((await send(marys, { verdict: "deny", csrf: csrf(page), reason: "seen in Teams" })).status, 200);
  const { decisions, state: now } = await acme.api.shown(`/approvals/${asked.id}`);
  assert.deepEqual([now, decisions[0].reason, decisions[0].who.startsWith(`${mary.member.id}/ses_`)], ["denied", "seen in Teams", true]);

  // Whoever is signed in elsewhere sees nothing of it.
  const other = await found(alfred);
  const { setup_token } = await other.api.made("/organization/setup-token", {});
  const first = { setup_token, name: "Admin", email: "admin@other.example" };
  const { token } = await new Api(alfred, "").made("/auth/setup", first);
  assert.equal((await alfred.fetch(path, { headers: { cookie: `alfred-session=${token}` } })).status, 404);
});

/** A link's token as Alfred signs it, by the deployment's own master secret. */
function signed(approval, member, expires) {
  const { MASTER_SECRET } = JSON.parse(readFileSync(join(alfred.state, "secrets.json"), "utf8"));
  const parts = [Buffer.from("alfred decision link v1"), bits(acme.id), bits(mail.id)];
  const sized = parts.flatMap((part) => [Buffer.from([0, 0, 0, part.length]), part]);
  const key = Buffer.from(hkdfSync("sha256", MASTER_SECRET, Buffer.alloc(0), Buffer.concat(sized), 32));
  const time = Buffer.alloc(8);
  time.writeBigUInt64BE(BigInt(expires));
  const text = Buffer.concat([Buffer.from([0x11]), bits(approval), bits(member), Buffer.alloc(8, 7), time.subarray(2)]);
  return Buffer.concat([text, createHmac("sha256", key).update(text).digest().subarray(0, 16)]).toString("base64url");
}

/** The 128 bits of an id. */
function bits(id) {
  const digits = "0123456789abcdefghjkmnpqrstvwxyz";
  const number = [...id.split("_")[1]].reduce((sum, digit) => sum * 32n + BigInt(digits.indexOf(digit)), 0n);
  return Buffer.from(number.toString(16).padStart(32, "0"), "hex");
}
