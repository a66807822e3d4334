// How often somebody may come to the management API.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { startAlfred } from "./harness.mjs";
import { Api, found } from "./lib/company.mjs";

const LIMIT = 40;

let alfred, company;
before(async () => {
  alfred = await startAlfred({ env: { KEY_REQUESTS_A_MINUTE: `${LIMIT}`, FAILED_KEYS_A_MINUTE: "5", SIGN_INS_A_MINUTE: "3" } });
  company = await found(alfred);
});
after(() => alfred?.stop());

const from = (address) => ({ "cf-connecting-ip": address });
const get = (key, path, address) => new Api(alfred, key).request("GET", path, undefined, from(address));

/** What an answer says is left. */
function left({ headers }) {
  const [, name, limit, window] = /^"([a-z-]+)";q=(\d+);w=(\d+)$/.exec(headers.get("ratelimit-policy"));
  const [, same, rest, wait] = /^"([a-z-]+)";r=(\d+);t=(\d+)$/.exec(headers.get("ratelimit"));
  assert.deepEqual([same, window], [name, "60"]);
  assert.ok(Number(wait) >= 1 && Number(wait) <= 60, wait);
  return { name, limit: Number(limit), rest: Number(rest) };
}

function isRefused(answer, part) {
  assert.deepEqual([answer.status, answer.body.code], [429, "rate_limited"], JSON.stringify(answer.body));
  assert.ok(answer.body.detail.includes(part), answer.body.detail);
  const wait = Number(answer.headers.get("retry-after"));
  assert.ok(wait >= 1 && wait <= 60, `${wait}`);
  assert.equal(left(answer).rest, 0);
}

/** Asks until there is nothing left. */
async function exhaust(ask) {
  const first = left(await ask());
  assert.deepEqual([first.name, first.limit], ["key", LIMIT]);
  for (let rest = first.rest - 1; rest >= 0; rest--) {
    const answer = await ask();
    assert.equal(answer.status, 200);
    assert.equal(left(answer).rest, rest);
  }
}

test("a key comes so often, others go on, and nothing of it is on record", async () => {
  const other = await company.api.made("/admin-keys", { name: "other" });
  const records = () => alfred.query("SELECT count(*) AS n FROM audit WHERE code = 'rate_limited'");
  await exhaust(() => company.api.request("GET", "/organization"));
  for (const [method, path, body] of [
    ["GET", "/organization"],
    ["POST", "/departments", { name: "Moon" }],
  ]) {
    isRefused(await company.api.request(method, path, body), "this key");
  }
  const { body } = await get(other.secret, "/departments", "203.0.113.1");
  assert.ok(!body.data.some(({ name }) => name === "Moon"));
  for (let n = 0; n < LIMIT + 5; n++) {
    const answer = await company.operator.request("GET", "/organization", undefined, { "x-alfred-organization": company.id });
    assert.equal(answer.status, 200, "the operator is not counted");
  }
  assert.deepEqual(await records(), [{ n: 0 }]);
});

test("a member's key comes so often", async () => {
  const { secret } = await (await found(alfred)).addPerson();
  await exhaust(() => get(secret, "/me", "203.0.113.2"));
  isRefused(await get(secret, "/me", "203.0.113.2"), "this key");
});

test("an address whose keys do not work is not heard, but for keys that do", async () => {
  const ours = await found(alfred);
  const address = "2001:db8:0:1::1";
  assert.equal((await get(ours.api.key, "/organization", address)).status, 200);
  const unknown = ours.api.key.replace(/.$/, (last) => (last === "0" ? "1" : "0"));
  for (const key of ["", "sk-x", unknown, "sk-alf-admin-", "x"]) {
    assert.equal((await get(key, "/organization", address)).status, 401);
  }
  // All of a network of 64 bits is one place.
  for (const same of [address, "2001:db8:0:1:ffff::9"]) {
    for (const path of ["/organization", "/me", "/organizations"]) isRefused(await get("sk-x", path, same), "your address");
    assert.equal((await get(ours.api.key, "/organization", same)).status, 200, "a key that was seen to work");
  }
  assert.equal((await get("sk-x", "/organization", "2001:db8:0:2::1")).status, 401, "another address");
  const open = await alfred.fetch("/api/v1", { headers: from(address) });
  assert.equal(open.status, 200, "what asks for no key");
});

test("signing in is tried less often", async () => {
  const begin = (address) => alfred.fetch("/api/v1/auth/sign-in", { headers: from(address) });
  for (let n = 0; n < 3; n++) assert.equal((await begin("198.51.100.1")).status, 200);
  const refused = await begin("::ffff:198.51.100.1");
  isRefused({ status: refused.status, headers: refused.headers, body: await refused.json() }, "sign in");
  assert.equal((await begin("198.51.100.2")).status, 200);
});

test("who is signed in does not pay for whoever guesses behind the same address", async () => {
  const address = "198.51.100.3";
  const ours = await found(alfred);
  const { setup_token } = await ours.api.made("/organization/setup-token", {});
  const send = (path, body) => {
    const headers = { "content-type": "application/json", ...from(address) };
    return alfred.fetch(`/api/v1/auth/${path}`, { method: "POST", headers, body: JSON.stringify(body) });
  };
  const tokens = await (await send("setup", { setup_token, name: "Ada", email: "ada@acme.example" })).json();
  for (let n = 0; n < 5; n++) assert.equal((await get("sk-x", "/session", address)).status, 401);
  isRefused(await get("sk-x", "/session", address), "your address");
  assert.equal((await get(tokens.token, "/session", address)).status, 200);
  assert.equal((await send("refresh", { refresh_token: tokens.refresh_token })).status, 429, "nothing can be guessed");
});

test("unless it is said, as often as the defaults", async () => {
  const plain = await startAlfred({ env: { KEY_REQUESTS_A_MINUTE: "", FAILED_KEYS_A_MINUTE: "", SIGN_INS_A_MINUTE: "" } });
  try {
    const { api } = await found(plain);
    assert.equal(left(await api.request("GET", "/organization")).limit, 600);
  } finally {
    await plain.stop();
  }
});
