// Who may call: keys, members, models and addresses. Every change bites on the
// very next call.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { eventually, startAlfred } from "./harness.mjs";
import { call, chat } from "./lib/call.mjs";
import { found } from "./lib/company.mjs";
import { reconciled } from "./lib/ledger.mjs";
import { startProvider } from "./lib/provider.mjs";

let alfred, provider, company;
before(async () => {
  [alfred, provider] = await Promise.all([startAlfred(), startProvider()]);
  company = await found(alfred, { provider });
});
after(() => Promise.all([alfred?.stop(), provider?.stop()]));

const person = (options) => company.addPerson({ wallet: 100_000_000, ...options });

async function refused(secret, status, code, body = chat(), options) {
  const answer = await call(alfred, secret, body, options);
  assert.deepEqual([answer.status, answer.body?.error.code], [status, code], answer.text);
  return answer;
}

async function accepted(secret, body = chat(), options) {
  const answer = await call(alfred, secret, body, options);
  assert.equal(answer.status, 200, answer.text);
  return answer;
}

test("no key, or something else than a key", async () => {
  const { secret } = await person();
  await refused(undefined, 401, "invalid_api_key");
  for (const authorization of ["", "Bearer", "Bearer ", `Basic ${secret}`, secret, `Bearer ${secret} x`, "Bearer sk-proj-x"]) {
    await refused(undefined, 401, "invalid_api_key", chat(), { headers: { authorization } });
  }
  await accepted(undefined, chat(), { headers: { authorization: `bearer  ${secret}` } });
});

test("a key that was cut or altered in any place", async () => {
  const { secret } = await person();
  const broken = [secret.slice(0, -1), secret.slice(1), `${secret}x`, secret.toUpperCase(), secret + secret];
  for (let place = 0; place < secret.length; place += 1) {
    const other = secret[place] === "0" ? "1" : "0";
    broken.push(secret.slice(0, place) + other + secret.slice(place + 1));
  }
  const before = await provider.totals();
  for (const one of broken) await refused(one, 401, "invalid_api_key");
  assert.deepEqual(await provider.totals(), before);
  await accepted(secret);
});

test("a revoked key", async () => {
  const { secret, key, team } = await person();
  await accepted(secret);
  await company.api.changed("DELETE", `/teams/${team.id}/keys/${key.id}`);
  const { body } = await refused(secret, 401, "invalid_api_key");
  assert.match(body.error.message, /revoked/);
});

test("a rotated key, with and without grace", async () => {
  const { secret, key, team } = await person();
  const rotate = (body) => company.api.changed("POST", `/teams/${team.id}/keys/${key.id}/rotate`, body);
  const second = await rotate({ grace_seconds: 3600 });
  await accepted(secret);
  await accepted(second.secret);
  const third = await rotate({});
  await refused(second.secret, 401, "invalid_api_key");
  await accepted(third.secret);
});

test("an expired key", async () => {
  const { member } = await person();
  const expires_at = new Date(Date.now() + 1500).toISOString();
  const { secret } = await company.addKey(member, { expires_at });
  await accepted(secret);
  const answer = await eventually(async () => {
    const answer = await call(alfred, secret, chat());
    return answer.status !== 200 && answer;
  });
  assert.deepEqual([answer.status, answer.body.error.code], [401, "invalid_api_key"]);
  assert.ok(Date.now() >= Date.parse(expires_at));
  const past = await company.api.request("POST", `/teams/${member.team_id}/keys`, {
    member_id: member.id,
    name: "late",
    expires_at: "2020-01-01T00:00:00Z",
  });
  assert.equal(past.status, 400);
});

test("a suspended member", async () => {
  const { secret, member } = await person();
  await accepted(secret);
  await company.api.changed("PATCH", `/members/${member.id}`, { status: "suspended" });
  await refused(secret, 403, "member_suspended");
  await company.api.changed("PATCH", `/members/${member.id}`, { status: "active" });
  await accepted(secret);
});

test("models, by key, member and team", async () => {
  const { secret, key, team, member } = await person();
  const narrow = await company.addKey(member, { models: ["fake-ok", "gpt-4o*"] });
  await accepted(narrow.secret);
  await accepted(narrow.secret, chat({ model: "gpt-4o-mini" }));
  await refused(narrow.secret, 403, "model_not_allowed", chat({ model: "fake-slow" }));
  await refused(narrow.secret, 403, "model_not_allowed", chat({ model: "Fake-ok" }));
  await company.api.changed("PATCH", `/members/${member.id}`, { models: ["gpt-4o*"] });
  await refused(narrow.secret, 403, "model_not_allowed");
  await refused(secret, 403, "model_not_allowed");
  await accepted(secret, chat({ model: "gpt-4o" }));
  await company.api.changed("PATCH", `/members/${member.id}`, { models: null });
  await company.api.changed("PATCH", `/teams/${team.id}`, { models: [] });
  const { body } = await refused(secret, 403, "model_not_allowed");
  assert.match(body.error.message, /the team's list/);
  await company.api.changed("PATCH", `/teams/${team.id}`, { models: null });
  await accepted(secret);
  assert.ok(key.id);
});

test("addresses, by key and team", async () => {
  const { secret, team, member } = await person();
  const from = (address) => ({ headers: { "cf-connecting-ip": address } });
  const office = await company.addKey(member, { addresses: ["203.0.113.0/24", "2001:db8::/32"] });
  await accepted(office.secret, chat(), from("203.0.113.9"));
  await accepted(office.secret, chat(), from("::ffff:203.0.113.9"));
  await accepted(office.secret, chat(), from("2001:db8::1"));
  for (const address of ["203.0.114.1", "2001:db9::1", "10.0.0.1", "", "nonsense", "203.0.113.9, 10.0.0.1"]) {
    await refused(office.secret, 403, "address_not_allowed", chat(), from(address));
  }
  await refused(office.secret, 403, "address_not_allowed");
  // What a client says about itself counts for nothing.
  await refused(office.secret, 403, "address_not_allowed", chat(), { headers: { "x-forwarded-for": "203.0.113.9" } });
  await company.api.changed("PATCH", `/teams/${team.id}`, { addresses: ["198.51.100.7"] });
  await refused(secret, 403, "address_not_allowed", chat(), from("203.0.113.9"));
  await accepted(secret, chat(), from("198.51.100.7"));
  await refused(office.secret, 403, "address_not_allowed", chat(), from("203.0.113.9"));
});

test("nothing of what was refused is in the ledger", async () => {
  const { calls } = await reconciled(company);
  const totals = await provider.settled();
  assert.equal(calls.size, totals.calls);
});
