// All that is kept about a person, handed out; and its end, while money and
// the trail of what was done hold.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { promisify } from "node:util";

import { ROOT } from "../../xtask/node/runtime.mjs";
import { eventually, startAlfred } from "./harness.mjs";
import { call, chat } from "./lib/call.mjs";
import { Api, found } from "./lib/company.mjs";
import { reconciled } from "./lib/ledger.mjs";
import { startProvider } from "./lib/provider.mjs";
import { startIdentityProvider } from "./lib/sign-in.mjs";

const EMAIL = "lovelace@acme.example";
const PERSONAL = [EMAIL, "Augusta", "difference engine", "203.0.113.77"];
const PROMPT = "a prompt that is nobody's business";

let alfred, provider, identity, company, ada, bob, other;
before(async () => {
  [alfred, provider] = await Promise.all([startAlfred(), startProvider()]);
  identity = await startIdentityProvider(`${alfred.url}/api/v1/auth/callback`);
  company = await found(alfred, { provider });
  const member = { name: "Augusta Ada", email: EMAIL };
  ada = await company.addPerson({ wallet: 100_000_000, member, key: { name: "difference engine" } });
  bob = { member: await company.addMember(ada.team, { wallet: 1_000_000 }) };
  bob.key = await company.addKey(bob.member);
  other = await found(alfred);
  // Something of every kind, some of it from an address of theirs.
  const from = { "cf-connecting-ip": "203.0.113.77" };
  await company.addLimit(ada.team, { subject: { type: "member", id: ada.member.id }, window: "day", unit: "requests", amount: 500 });
  await company.api.made("/grants", { to: ada.member.id, role: "finance", on: company.id });
  await company.api.request("PATCH", `/members/${ada.member.id}`, { models: ["*"] }, { ...from, "idempotency-key": "x" });
  const { setup_token } = await company.api.made("/organization/setup-token", {});
  const init = { method: "POST", headers: { "content-type": "application/json", ...from } };
  const signedIn = await alfred.fetch("/api/v1/auth/setup", { ...init, body: JSON.stringify({ setup_token, name: "x", email: EMAIL }) });
  ada.api = new Api(alfred, (await signedIn.json()).token);
  await ada.api.made("/transfers", { to: ada.team.id, amount: "1", note: "Augusta gives it back" });
  const messages = [{ role: "user", content: PROMPT }];
  for (let n = 0; n < 105; n += 1) assert.equal((await call(alfred, ada.secret, chat({ messages }))).status, 200);
  assert.equal((await call(alfred, bob.key.secret, chat({ messages }))).status, 200);
  await reconciled(company);
});
after(() => Promise.all([alfred?.stop(), provider?.stop(), identity?.stop()]));

const exported = (api, id) => api.shown(`/members/${id}/export`);
const erase = (id, body, api = company.api) => api.request("POST", `/members/${id}/erasure`, body);

async function trailOf(actor) {
  const response = await alfred.fetch(`/api/v1/audit/export?actor=${actor}`, { headers: { authorization: `Bearer ${company.api.key}` } });
  const file = join(alfred.state, `${actor}-${Math.random()}.ndjson`);
  writeFileSync(file, await response.text());
  return file;
}

async function verified(file) {
  const [program, ...first] = process.env.ALFRED_XTASK ? [process.env.ALFRED_XTASK] : ["cargo", "xtask"];
  return (await promisify(execFile)(program, [...first, "audit", "verify", file], { cwd: ROOT })).stdout;
}

/** Whatever else is known of credits. */
async function money() {
  const wallets = [await company.wallet(ada.member), await company.wallet(bob.member)];
  const report = await company.api.shown("/usage?group_by=member,model");
  // Names are what changes.
  const usage = JSON.parse(JSON.stringify(report, (_, value) => (/^(Augusta|Erased) /.test(value) ? "a name" : value)));
  const journal = (await company.api.list("/journal")).map(({ id, hash, debit, credit, amount }) => [id, hash, debit, credit, amount]);
  return { wallets, team: await company.standing(ada.team), usage, journal };
}

test("all that is kept is one document, without secrets and prompts", async () => {
  const whole = await eventually(async () => {
    const whole = await exported(ada.api, ada.member.id);
    return whole.audit.some(({ action }) => action === "set_up") && whole;
  });
  assert.equal(whole.complete, true);
  assert.deepEqual([whole.member.name, whole.member.email, whole.organization_id], ["Augusta Ada", EMAIL, company.id]);
  assert.deepEqual(whole.keys.map(({ id, name }) => [id, name]), [[ada.key.id, "difference engine"]]);
  assert.deepEqual(whole.limits.map(({ subject }) => subject.id), [ada.member.id]);
  assert.deepEqual(whole.grants.map(({ role }) => role).sort(), ["finance", "organization_admin"]);
  assert.equal(whole.sessions[0].address, "203.0.113.77");
  assert.equal(whole.calls.length, 105);
  assert.deepEqual([...new Set(whole.calls.map(({ member_id }) => member_id))], [ada.member.id]);
  assert.equal(new Set(whole.calls.map(({ entry_id }) => entry_id)).size, 105);
  assert.deepEqual(whole.credit_movements.map(({ credit }) => credit), ["pool", `wallet/${ada.member.id}`]);
  assert.deepEqual(whole.transfers.map(({ from, to, note }) => [from, to, note]), [[ada.member.id, ada.team.id, "Augusta gives it back"]]);
  assert.deepEqual(whole.approvals, []);
  const actions = whole.audit.map(({ action }) => action);
  for (const action of ["create_member", "create_key", "set_up", "change_member"]) assert.ok(actions.includes(action), `${action} in ${actions}`);
  // Where an admin was is not theirs to know.
  const changed = whole.audit.find(({ action }) => action === "change_member");
  assert.deepEqual([changed.detail.address, changed.detail.after.email], [undefined, EMAIL]);
  const text = JSON.stringify(whole);
  for (const secret of [ada.secret, ada.api.key, PROMPT, "hash\":\"sha", bob.member.id]) assert.ok(!text.includes(secret), secret);
  // That it was handed out is recorded.
  const record = await eventually(async () => (await company.api.list("/audit?action=export_member"))[0]);
  assert.deepEqual([record.resource, record.outcome, record.detail.after], [ada.member.id, "done", undefined]);
});

test("only those may who should", async () => {
  const auditor = await company.api.made("/service-accounts", { name: "auditor" });
  const { secret } = await company.api.made(`/service-accounts/${auditor.id}/keys`, { name: "k" });
  await company.api.made("/grants", { to: auditor.id, role: "auditor", on: company.id });
  const service = new Api(alfred, secret);
  assert.equal((await service.request("GET", `/members/${ada.member.id}/export`)).status, 403);
  assert.equal((await erase(ada.member.id, { confirm: ada.member.id }, service)).status, 403);
  assert.equal((await other.api.request("GET", `/members/${ada.member.id}/export`)).status, 404);
  assert.equal((await erase(ada.member.id, { confirm: ada.member.id }, other.api)).status, 404);
  assert.equal((await exported(company.api, bob.member.id)).calls.length, 1);
});

test("an erasure is meant, and of somebody who has left", async () => {
  const { id } = ada.member;
  for (const [body, status, detail] of [
    [{}, 400, /missing field `confirm`/],
    [{ confirm: "yes" }, 400, /confirm/],
    [{ confirm: bob.member.id }, 400, /and not the member's own id.*nothing was erased/],
    [{ confirm: id }, 409, /set their status to `removed` first/],
  ]) {
    const refused = await erase(id, body);
    assert.deepEqual([refused.status, detail.test(refused.body.detail)], [status, true], JSON.stringify(refused.body));
  }
  await company.api.changed("PATCH", `/members/${id}`, { status: "suspended" });
  assert.equal((await erase(id, { confirm: id })).status, 409);
  assert.equal((await exported(company.api, id)).member.email, EMAIL);
});

test("what is personal goes everywhere, and money and trail hold", async () => {
  const { id } = ada.member;
  await company.api.changed("PATCH", `/members/${id}`, { status: "removed" });
  await reconciled(company);
  const [had, files] = [await money(), [await trailOf(company.id), await trailOf(ada.team.id)]];
  const done = await erase(id, { confirm: id });
  assert.equal(done.status, 200, JSON.stringify(done.body));
  assert.match(done.body.name, /^Erased /);
  assert.deepEqual([done.body.email, typeof done.body.erased_at], [null, "string"]);
  assert.deepEqual((await erase(id, { confirm: id })).body, done.body, "once is enough");
  const back = await company.api.request("PATCH", `/members/${id}`, { status: "active" });
  assert.deepEqual([back.status, back.body.code], [409, "conflict"]);
  assert.match(back.body.detail, /cannot be undone/);

  // In what anybody can ask,
  const shown = async () => {
    const paths = [`/members/${id}`, `/members/${id}/export`, `/teams/${ada.team.id}/keys`, "/members", "/audit", "/notifications"];
    const answers = await Promise.all([...paths, "/usage?group_by=member"].map((path) => company.api.shown(path)));
    return JSON.stringify([answers, await company.api.list("/audit")]);
  };
  await eventually(async () => {
    const text = await shown();
    return PERSONAL.every((part) => !text.includes(part));
  });
  // and in D1.
  for (const table of ["entries", "usage_hours", "audit", "notifications", "dead_letters", "organizations", "email_domains"]) {
    const text = JSON.stringify(await alfred.query(`SELECT * FROM ${table}`));
    for (const part of PERSONAL) assert.ok(!text.includes(part), `${part} is in ${table}`);
  }
  assert.deepEqual(await money(), had);
  for (const actor of [company.id, ada.team.id]) {
    const { trail, copy } = await company.api.shown(`/audit/verify?actor=${actor}`);
    assert.ok(trail.holds && copy.holds && trail.erased > 0, JSON.stringify({ trail, copy }));
    files.push(await trailOf(actor));
  }
  for (const file of files) assert.match(await verified(file), /records of .* hold/);
  for (const part of PERSONAL) assert.ok(!readFileSync(files[2], "utf8").includes(part), part);
  // Others are as they were, and calls go on.
  assert.equal((await call(alfred, bob.key.secret, chat())).status, 200);
  assert.equal((await company.api.request("POST", "/members", { team_id: ada.team.id, name: "Next", email: EMAIL })).status, 201);
});

test("what the identity provider said of somebody by SCIM goes with them", async () => {
  await company.api.changed("PUT", "/sign-in", {
    provider: { kind: "generic", issuer: identity.issuer }, client_id: "alfred", client_secret: "s",
    just_in_time: true, default_team_id: ada.team.id,
  });
  const account = await company.api.made("/service-accounts", { name: "directory" });
  await company.api.made("/grants", { to: account.id, role: "organization_admin", on: company.id, only: ["provision"] });
  const { secret } = await company.api.made(`/service-accounts/${account.id}/keys`, { name: "k", scopes: ["provision"] });
  const scim = async (method, path, body) => {
    const headers = { authorization: `Bearer ${secret}`, "content-type": "application/scim+json" };
    const response = await alfred.fetch(`/scim/v2${path}`, { method, headers, body: body && JSON.stringify(body) });
    return { status: response.status, body: await response.json() };
  };
  const made = await scim("POST", "/Users", {
    schemas: ["urn:ietf:params:scim:schemas:core:2.0:User"], userName: "hopper@acme.example", displayName: "Grace Hopper",
    emails: [{ value: "hopper@acme.example", primary: true }],
  });
  assert.equal(made.status, 201, JSON.stringify(made.body));
  const { id } = made.body;
  const left = await scim("PATCH", `/Users/${id}`, {
    schemas: ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], Operations: [{ op: "replace", value: { active: false } }],
  });
  assert.equal(left.status, 200, JSON.stringify(left.body));
  assert.equal((await exported(company.api, id)).provisioned.userName, "hopper@acme.example");
  assert.equal((await erase(id, { confirm: id })).status, 200);
  assert.equal((await exported(company.api, id)).provisioned, null);
  assert.equal((await scim("GET", `/Users/${id}`)).status, 404);
  const users = JSON.stringify((await scim("GET", "/Users")).body);
  assert.ok(!users.includes("hopper") && !users.includes("Hopper"), users);
  await eventually(async () => !/hopper/i.test(JSON.stringify(await alfred.query("SELECT * FROM audit"))));
  const { trail, copy } = await company.api.shown("/audit/verify");
  assert.ok(trail.holds && copy.holds);
});
