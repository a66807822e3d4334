// Approvals in Telegram, which knows nobody's address: members link their
// accounts by a code.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { eventually, startAlfred } from "./harness.mjs";
import { found } from "./lib/company.mjs";
import { TELEGRAM_SECRET, TOKEN, startInbox } from "./lib/inbox.mjs";
import { addSignedIn, letSignIn } from "./lib/people.mjs";
import { startIdentityProvider } from "./lib/sign-in.mjs";

const [ADA, MARY, FAY, STRANGER] = [1001, 1002, 1003, 1004];

let alfred, inbox, identity, acme, team, ada, mary, fay, channel;
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
  channel = await acme.api.made("/channels", { name: "Telegram", channel: inbox.telegram });
});
after(() => Promise.all([alfred?.stop(), inbox?.stop(), identity?.stop()]));

const ask = (reason) => ada.api.made("/approvals", { amount: "40", reason });
const state = async ({ id }) => (await acme.api.shown(`/approvals/${id}`)).state;
const record = (is) => eventually(async () => (await acme.api.list("/audit")).find(is), { within: 20_000 });

/** Sends what Telegram would; answers the status. */
async function heard(update, organization = acme.id) {
  const { headers, body } = await inbox.update(update);
  const response = await alfred.fetch(`/chat/telegram/${organization}`, { method: "POST", headers, body });
  await response.body?.cancel();
  return response.status;
}

/** The newest message in a chat that says this. */
const message = (chat, pattern) =>
  eventually(async () => (await inbox.letters(pattern)).filter(({ desk, message }) => desk === "telegram" && message.chat_id === chat).at(-1), { within: 30_000 });
const press = (user, { key }, action, more = {}) => heard({ user, key, action, ...more });
const code = (who) => who.api.made("/me/chat-links", { channel_id: channel.id });

async function linked(who, user) {
  const { code: secret } = await code(who);
  assert.equal(await heard({ user, text: `/start ${secret}` }), 200);
}

test("secrets of a channel are never shown", async () => {
  const shown = JSON.stringify([channel, await acme.api.list("/channels"), await acme.api.list("/audit")]);
  assert.ok(!shown.includes(TOKEN) && !shown.includes(TELEGRAM_SECRET), shown);
  assert.deepEqual([channel.kind, channel.bot], ["telegram", "alfred_acme_bot"]);
  for (const bad of [{ bot: "@alfred" }, { bot: "x" }, { secret_token: "short" }, { secret_token: "with spaces in it 12345" }]) {
    const answer = await acme.api.request("POST", "/channels", { name: "x", channel: { ...inbox.telegram, ...bad } });
    assert.equal(answer.status, 400, JSON.stringify(answer.body));
  }
});

test("a code links the account that sends it, once", async () => {
  assert.equal(await heard({ user: MARY, text: "/balance" }), 200);
  await message(MARY, /I don't know you yet/);
  await record((one) => one.action === "chat" && one.code === "unknown_account");

  const { code: first } = await code(mary);
  const made = await code(mary);
  assert.match(made.url, new RegExp(`^https://t\\.me/alfred_acme_bot\\?start=${made.code}$`));
  assert.match(made.code, /^[0-9a-f]{32}$/);
  assert.ok(!JSON.stringify(await alfred.query("SELECT * FROM chat_links")).includes(made.code), "only a hash is kept");
  // The one before works no more; in a group nobody is linked.
  await heard({ user: MARY, text: `/start ${first}` });
  await message(MARY, /this code does not work/);
  await heard({ user: MARY, chat: -100, text: `/start ${made.code}` });
  assert.deepEqual(await mary.api.list("/me/chat-links"), []);
  assert.equal(await heard({ user: MARY, text: `/start ${made.code}` }), 200);
  await message(MARY, /This is mary's account now/);
  assert.deepEqual(await mary.api.list("/me/chat-links"), [{ channel_id: channel.id, account: String(MARY) }]);
  await record((one) => one.action === "link_chat" && one.who === `${mary.member.id}/${channel.id}` && one.resource === mary.member.id);

  // Sent again by whoever saw it, it links nobody.
  await heard({ user: STRANGER, text: `/start ${made.code}` });
  await message(STRANGER, /this code does not work/);
  await record((one) => one.action === "chat" && one.code === "unknown_code");
  await heard({ user: STRANGER, text: "/balance" });
  await message(STRANGER, /I don't know you yet/);
  // Keys have no chats, and codes are for chats that need them.
  assert.equal((await acme.api.request("POST", "/me/chat-links", { channel_id: channel.id })).status, 403);
  const mail = await acme.api.made("/channels", { name: "mail", channel: inbox.ways.resend });
  assert.equal((await mary.api.request("POST", "/me/chat-links", { channel_id: mail.id })).status, 409);
  await acme.api.changed("PATCH", `/channels/${mail.id}`, { enabled: false });
});

test("who may decide and is linked is asked, presses, and the credits move once", async () => {
  await linked(ada, ADA);
  const asked = await ask("evaluation <b>&");
  const hers = await message(MARY, /evaluation/);
  assert.match(hers.message.text, /^<b>ada asks to draw 40 credits.*evaluation &lt;b&gt;&amp;/s);
  const deliveries = await alfred.query("SELECT member FROM deliveries WHERE id LIKE 'approval_requested:%' AND channel = ?", channel.id);
  assert.deepEqual(deliveries.map(({ member }) => member), [mary.member.id], "who has linked nothing has no dead letters");

  assert.equal(await press(MARY, hers, "Approve"), 200);
  assert.equal(await state(asked), "approved");
  await eventually(async () => (await acme.wallet(ada.member)) === 1_040_000);
  assert.deepEqual(await inbox.said(), ["You have approved it."]);
  const now = await eventually(async () => (await inbox.letters(/was approved by mary/)).find(({ key }) => key === hers.key), { within: 30_000 });
  assert.deepEqual(now.message.reply_markup.inline_keyboard.flat().filter(({ callback_data }) => callback_data), []);
  await message(ADA, /was approved by mary/);
  await record((one) => one.action === "approve" && one.outcome === "done" && one.who === `${mary.member.id}/${channel.id}`);
  assert.deepEqual(await inbox.refused(), []);
});

test("forged, repeated, of strangers, of somebody else: refused and recorded", async () => {
  await linked(fay, FAY);
  const asked = await ask("to be attacked");
  const [hers, fays] = [await message(MARY, /to be attacked/), await message(FAY, /to be attacked/)];
  const refused = async (status, code) => {
    assert.equal(await status, code === "forged" ? 401 : 200, code);
    const found = await record((one) => one.action === "chat" && one.code === code);
    assert.equal(found.outcome, "denied");
    assert.equal(await state(asked), "pending", code);
  };
  await refused(press(MARY, hers, "Approve", { secret: "another-secret-token" }), "forged");
  const other = await found(alfred);
  assert.equal(await heard({ user: MARY, key: hers.key, action: "Approve" }, other.id), 401);
  await refused(press(STRANGER, hers, "Approve"), "unknown_account");
  await refused(press(FAY, hers, "Approve"), "forged_button");
  await refused(press(MARY, hers, "Approve", { value: "A".repeat(40) }), "forged_button");
  const value = hers.message.reply_markup.inline_keyboard.flat().find(({ text }) => text === "Deny").callback_data;
  await heard({ user: FAY, text: "/balance", update: 777_777 });
  await refused(press(MARY, hers, "Approve", { update: 777_777 }), "replayed");
  assert.match((await inbox.said()).at(-1), /has come before/);
  assert.equal(await press(MARY, hers, "Deny", { value }), 200);
  assert.equal(await state(asked), "denied");
  // What is over opens nothing by the button that is left.
  assert.equal(await press(FAY, fays, "Approve"), 200);
  await record((one) => one.outcome === "failed" && one.who === `${fay.member.id}/${channel.id}`);
  assert.equal(await state(asked), "denied");
});

test("commands say what somebody has, send and ask", async () => {
  await heard({ user: ADA, text: "/balance" });
  await message(ADA, /You have 1040 credits/);
  await heard({ user: ADA, text: "/send mary@acme.example 5 thank you" });
  await message(ADA, /5 credits were sent/);
  await message(MARY, /sent you 5 credits/);
  await heard({ user: ADA, text: "/give everything" });
  await message(ADA, /I don't know/);
});

test("whose account it was is heard no more", async () => {
  const asked = await ask("before the end");
  const [hers, fays] = [await message(MARY, /before the end/), await message(FAY, /before the end/)];
  // Another member's code, from the same account: it is theirs then.
  await linked(fay, MARY);
  assert.deepEqual(await mary.api.list("/me/chat-links"), []);
  await press(MARY, hers, "Approve");
  assert.equal(await state(asked), "pending", "Mary's button, pressed by what is Fay's account now");
  const removed = await fay.api.request("DELETE", `/me/chat-links/${channel.id}`);
  assert.equal(removed.status, 204, JSON.stringify(removed.body));
  assert.equal((await fay.api.request("DELETE", `/me/chat-links/${channel.id}`)).status, 404);
  await record((one) => one.action === "remove_chat_link" && one.resource === fay.member.id);
  await press(FAY, fays, "Approve");
  assert.equal(await state(asked), "pending");
  // Who is removed is heard no more, linked or not.
  await linked(mary, MARY);
  const exported = await acme.api.shown(`/members/${mary.member.id}/export`);
  assert.deepEqual(exported.chat_accounts, [{ channel_id: channel.id, account: String(MARY) }]);
  await acme.api.changed("PATCH", `/members/${mary.member.id}`, { status: "removed" });
  await press(MARY, hers, "Approve");
  assert.equal(await state(asked), "pending");
  // Who is erased leaves no account behind.
  const erased = await acme.api.request("POST", `/members/${mary.member.id}/erasure`, { confirm: mary.member.id });
  assert.equal(erased.status, 200, JSON.stringify(erased.body));
  assert.deepEqual(await alfred.query("SELECT * FROM chat_accounts WHERE member = ?", mary.member.id), []);
});
