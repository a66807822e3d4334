// Workloads: what a CI job's or a pod's platform signs of it stands in place of
// a key, for calls and for the management API.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import OpenAI from "openai";

import { eventually, startAlfred } from "./harness.mjs";
import { Api, found } from "./lib/company.mjs";
import { startProvider } from "./lib/provider.mjs";
import { startForger } from "./lib/sign-in.mjs";

let alfred, provider, platform, company, person, workload;

before(async () => {
  alfred = await startAlfred();
  provider = await startProvider();
  platform = await startForger();
  company = await found(alfred, { provider });
  person = await company.addPerson({ wallet: 1_000_000 });
  workload = await company.api.made("/workloads", {
    name: "deployments",
    issuer: platform.issuer,
    rules: [{ claim: "sub", value: "repo:acme/*" }, { claim: "ref", value: "refs/heads/main" }],
    member_id: person.member.id,
  });
});

after(async () => {
  await alfred?.stop();
  await provider?.stop();
  await platform?.stop();
});

/** A token as the platform signs it for a job of ours. */
const token = (claims = {}, how) =>
  platform.sign({ aud: workload.audience, sub: "repo:acme/app:ref:main", ref: "refs/heads/main", ...claims }, how);

const call = (apiKey) =>
  new OpenAI({ baseURL: `${alfred.url}/v1`, apiKey, maxRetries: 0 }).chat.completions.create({
    model: "any",
    messages: [{ role: "user", content: "hello" }],
  });

test("the OpenAI client calls with a token as its key", async () => {
  assert.equal(workload.audience, `urn:alfred:${company.id}`);
  const answer = await call(await token());
  assert.ok(answer.usage.total_tokens > 0);
  const models = await new OpenAI({ baseURL: `${alfred.url}/v1`, apiKey: await token() }).models.list();
  assert.ok(Array.isArray(models.data));
  const me = await new Api(alfred, await token()).shown("/me");
  assert.equal(me.member.id, person.member.id);
});

test("other tokens are no keys", async () => {
  const now = Math.floor(Date.now() / 1000);
  const part = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const other = await found(alfred);
  for (const [name, made] of Object.entries({
    "another repository": token({ sub: "repo:evil/app:ref:main" }),
    "another branch": token({ ref: "refs/heads/x" }),
    "no branch": token({ ref: undefined }),
    "expired": token({ iat: now - 900, exp: now - 300 }),
    "another audience": token({ aud: "https://elsewhere.example" }),
    "another organization": token({ aud: `urn:alfred:${other.id}` }),
    "no organization": token({ aud: "urn:alfred:org_00000000000000000000000000" }),
    "another issuer": token({ iss: "https://ci.evil.example" }),
    "another key": token({}, { key: platform.pairs.other.privateKey }),
    "unsigned": token().then((good) => `${part({ alg: "none" })}.${good.split(".")[1]}.`),
    "a signature cut off": token().then((good) => good.slice(0, -10)),
  })) {
    await assert.rejects(call(await made), (error) => error.status === 401 && error.code === "invalid_api_key", name);
    const managed = await new Api(alfred, await made).request("GET", "/me");
    assert.equal(managed.status, 401, name);
  }
});

test("a token that is not accepted is on record", async () => {
  const refused = await eventually(async () => {
    const all = await company.api.list("/audit?action=use_model");
    return all.length > 0 && all;
  });
  for (const record of refused) {
    assert.deepEqual([record.outcome, record.code, record.actor], ["denied", "invalid_api_key", company.id]);
    assert.ok(record.detail.address !== undefined || record.detail.user_agent.startsWith("OpenAI"));
  }
  assert.ok(refused.length < 5, "whoever tries many fills no trail");
});

test("a service account's workload manages, within its scopes, and does not call", async () => {
  const robot = await company.api.made("/service-accounts", { name: "robot" });
  await company.api.made("/grants", { to: robot.id, role: "auditor", on: company.id });
  await company.api.made("/workloads", {
    name: "nightly report",
    issuer: platform.issuer,
    rules: [{ claim: "sub", value: "job:nightly" }],
    service_account_id: robot.id,
    scopes: ["list_teams"],
  });
  const made = await token({ sub: "job:nightly", ref: undefined });
  const api = new Api(alfred, made);
  assert.equal((await api.shown("/teams")).data.length, 1);
  assert.equal((await api.request("GET", "/balances")).status, 403);
  await assert.rejects(call(made), { status: 401 });
});

test("it ends with its key, its member or itself, on the next call", async () => {
  const made = await token();
  await call(made);
  const refused = await company.api.request("POST", `/teams/${person.team.id}/keys/${workload.key_id}/rotate`, {});
  assert.equal(refused.status, 409);
  await company.api.request("DELETE", `/workloads/${workload.id}`);
  await assert.rejects(call(made), { status: 401 });
  assert.ok(!(await company.api.list("/workloads")).some(({ id }) => id === workload.id));
});

test("a workload that cannot be is refused, and leaves no key behind", async () => {
  const before = await company.api.list(`/teams/${person.team.id}/keys`);
  const usual = { name: "x", issuer: platform.issuer, rules: [{ claim: "sub", value: "a" }], member_id: person.member.id };
  for (const [more, status] of [
    [{ rules: [] }, 400],
    [{ rules: [{ claim: "sub", value: "*" }] }, 400],
    [{ issuer: "nonsense" }, 400],
    [{ issuer: "http://127.0.0.1:1" }, 400],
    [{ member_id: undefined }, 400],
    [{ service_account_id: "svc_00000000000000000000000000" }, 400],
    [{ member_id: "mem_00000000000000000000000000" }, 404],
    [{ scopes: ["list_teams"] }, 400],
    [{ name: "nightly report" }, 409],
  ]) {
    const answer = await company.api.request("POST", "/workloads", { ...usual, ...more });
    assert.equal(answer.status, status, JSON.stringify([more, answer.body]));
  }
  const working = (keys) => keys.filter((key) => key.revoked_at === null).length;
  assert.equal(working(await company.api.list(`/teams/${person.team.id}/keys`)), working(before));
});
