// The master secret is replaced while calls go on: `cargo xtask
// rotate-master-key`, as on a developer's machine, on a state folder.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";

import { ROOT } from "../../xtask/node/runtime.mjs";
import { eventually, startAlfred } from "./harness.mjs";
import { call, chat } from "./lib/call.mjs";
import { found } from "./lib/company.mjs";
import { PRICE } from "./lib/money.mjs";
import { startProvider } from "./lib/provider.mjs";
import { Visitor, startIdentityProvider } from "./lib/sign-in.mjs";

const KEY = "sk-upstream-of-this-test";

/** Runs the chore; what it printed. */
async function rotate(alfred, ...more) {
  const [program, ...first] = process.env.ALFRED_XTASK ? [process.env.ALFRED_XTASK] : ["cargo", "xtask"];
  const run = promisify(execFile)(program, [...first, "rotate-master-key", ...more], {
    cwd: ROOT,
    env: { ...process.env, ALFRED_OPERATOR_KEY: alfred.operatorKey },
  });
  const { stdout, stderr } = await run.catch((error) => error);
  return stdout + stderr;
}

async function restart(alfred) {
  await alfred.kill9();
  await alfred.start();
}

/** A company whose calls go to a provider that checks its key. */
async function company(alfred, provider) {
  const company = await found(alfred);
  company.provider = await company.api.made("/providers", {
    name: "fake", kind: "openai", base_url: provider.baseUrl, models: ["*"], api_key: KEY,
  });
  await company.price([{ provider: "fake", model: "*", change: { price: { rates: PRICE } } }]);
  company.person = await company.addPerson({ wallet: 100_000_000 });
  return company;
}

test("the master secret is replaced under load, and nobody notices", { timeout: 180_000 }, async (context) => {
  const alfred = await startAlfred();
  const provider = await startProvider("--api-key", KEY);
  const people = await startIdentityProvider(`${alfred.url}/api/v1/auth/callback`);
  context.after(() => Promise.all([alfred.stop(), provider.stop(), people.stop()]));
  const [acme, other] = [await company(alfred, provider), await company(alfred, provider)];
  const named = { "x-alfred-organization": acme.id };
  const sealed = async (method = "GET") => (await acme.operator.request(method, "/organization/sealed", undefined, named)).body;
  const calls = async (...companies) => {
    for (const { person } of companies) assert.equal((await call(alfred, person.secret, chat())).status, 200);
  };

  // Somebody signs in, and something is sealed or derived of every kind.
  await acme.operator.request("PUT", "/organization/domains", { domains: ["acme.example"] }, named);
  await acme.api.changed("PUT", "/sign-in", {
    provider: { kind: "generic", issuer: people.issuer }, client_id: "alfred",
    client_secret: "alfreds-secret-at-the-provider", just_in_time: true, default_team_id: acme.person.team.id,
  });
  const ada = new Visitor(alfred);
  await ada.signIn("ada");
  const { csrf_token } = (await ada.api("GET", "/session")).body;
  const once = { "idempotency-key": "once" };
  const made = {
    adminKey: await acme.api.made("/admin-keys", { name: "ci" }, once),
    setup: await acme.api.made("/organization/setup-token", {}, { "idempotency-key": "setup" }),
    organization: await acme.operator.made("/organizations", { name: "Once" }, once),
  };
  const again = async () => ({
    adminKey: await acme.api.request("POST", "/admin-keys", { name: "ci" }, once),
    setup: await acme.api.request("POST", "/organization/setup-token", {}, { "idempotency-key": "setup" }),
  });
  const { key: old, previous_key, secrets, left } = await sealed();
  assert.deepEqual({ previous_key, secrets, left }, { previous_key: null, secrets: 2, left: 0 });
  assert.equal((await acme.api.request("GET", "/organization/sealed")).status, 403);
  assert.equal((await acme.api.request("POST", "/organization/sealed")).status, 403);

  // What is to be done with wrangler, and nothing too early.
  const described = await rotate(alfred, "--base-url", alfred.url);
  assert.match(described, new RegExp(`wrangler secret put MASTER_SECRET_PREVIOUS[^]*secret bulk[^]*--from ${old}`));
  assert.match(await rotate(alfred, "--base-url", alfred.url, "--from", old), /still seals under .*: swap the secrets first/);

  assert.match(await rotate(alfred, "--state", alfred.state), /a new master secret/);
  assert.match(await rotate(alfred, "--state", alfred.state), /has not been restarted/);
  await restart(alfred);

  // With both, everything from before still holds.
  const during = await sealed();
  assert.notEqual(during.key, old);
  assert.deepEqual({ ...during, key: "" }, { key: "", previous_key: old, secrets: 2, left: 2, unreadable: [] });
  await calls(acme, other);
  assert.equal((await ada.api("POST", "/sessions", { name: "script" }, { "x-csrf-token": csrf_token })).status, 201);
  const repeated = await again();
  assert.equal(repeated.adminKey.body.secret, made.adminKey.secret);
  assert.equal(repeated.setup.body.setup_token, made.setup.setup_token);
  const organization = await acme.operator.made("/organizations", { name: "Once" }, once);
  assert.deepEqual(organization, made.organization);

  // Calls go on while everything is sealed anew.
  let goesOn = true;
  const answers = [];
  const load = [acme, other, acme, other].map(async ({ person }) => {
    while (goesOn) answers.push((await call(alfred, person.secret, chat())).status);
  });
  await eventually(() => answers.length > 20);
  const rotated = await rotate(alfred, "--state", alfred.state);
  const soFar = answers.length;
  await eventually(() => answers.length > soFar + 20);
  goesOn = false;
  await Promise.all(load);
  assert.match(rotated, /nothing is left; 3 secrets were sealed anew/);
  assert.deepEqual([...new Set(answers)], [200]);
  assert.deepEqual({ ...(await sealed()), key: "" }, { key: "", previous_key: old, secrets: 2, left: 0, unreadable: [] });
  const resealed = async () => (await acme.api.list("/audit?action=reseal")).filter(({ outcome }) => outcome === "done");
  const record = await eventually(async () => {
    const records = await resealed();
    assert.ok(records.length <= 1);
    return records[0];
  });
  assert.deepEqual(record.detail.after, [{ provider: acme.provider.id }, "sign_in"]);
  await sealed("POST");
  assert.equal((await resealed()).length, 1, "there was nothing to do");
  assert.ok(!readFileSync(join(alfred.state, "secrets.json"), "utf8").includes("PREVIOUS"));

  // Without the old one everything still works.
  await restart(alfred);
  assert.deepEqual({ ...(await sealed()), key: "" }, { key: "", previous_key: null, secrets: 2, left: 0, unreadable: [] });
  await calls(acme, other);
  assert.match((await new Visitor(alfred).signIn("bob")).text, /bob@acme.example/);
  const shown = await ada.api("GET", "/session");
  assert.equal(shown.status, 401);
  assert.match(shown.body.detail, /refresh/);
  assert.equal((await ada.api("POST", "/auth/refresh", {})).status, 200);
  assert.equal((await ada.api("GET", "/session")).body.member.email, "ada@acme.example", "the session went on");
  const late = await again();
  assert.deepEqual([late.adminKey.status, late.setup.status], [409, 409]);
  assert.match(late.adminKey.body.detail, /cannot be shown again/);
  const { trail, copy } = await acme.api.shown("/audit/verify");
  assert.ok(trail.holds && copy.holds);
});
