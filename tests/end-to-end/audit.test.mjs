// Who did what, and who was not allowed to; and that nobody can alter it
// without being found out.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";

import { eventually, startAlfred } from "./harness.mjs";
import { Api, found } from "./lib/company.mjs";

let alfred, company, person, folder;
before(async () => {
  folder = mkdtempSync(join(tmpdir(), "alfred-audit-"));
  alfred = await startAlfred();
  company = await found(alfred);
  person = await company.addPerson({ wallet: 1_000_000 });
});
after(async () => {
  await alfred?.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** The one record that fits, once D1 has it. */
async function record(filter) {
  const path = `/audit?${new URLSearchParams(filter)}`;
  const [found, ...others] = await eventually(async () => {
    const records = await company.api.list(path);
    return records.length > 0 && records;
  });
  assert.deepEqual(others, [], `${path} has more than one record`);
  return found;
}

const request = (answer) => answer.headers.get("x-alfred-request-id");

test("what was done is recorded with who, why, from where, before and after", async () => {
  const headers = { "user-agent": "a-test/1.0", "cf-connecting-ip": "203.0.113.7" };
  const answer = await company.api.request("PATCH", `/departments/${company.department.id}`, { name: "Lab" }, headers);
  assert.equal(answer.status, 200);
  const seen = await record({ request_id: request(answer) });
  assert.equal(seen.action, "change_department");
  assert.equal(seen.outcome, "done");
  assert.equal(seen.actor, company.id);
  assert.equal(seen.resource, company.department.id);
  assert.match(seen.who, /^adm_/);
  assert.deepEqual(seen.policies, ["role.admin_key"]);
  assert.equal(seen.detail.address, "203.0.113.7");
  assert.equal(seen.detail.user_agent, "a-test/1.0");
  assert.equal(seen.detail.before.name, "Research");
  assert.equal(seen.detail.after.name, "Lab");
});

test("what a team was told is in the team's trail", async () => {
  const limit = { subject: { type: "team" }, window: "day", unit: "requests", amount: 5 };
  const answer = await company.api.request("POST", `/teams/${person.team.id}/limits`, limit);
  const seen = await record({ request_id: request(answer) });
  assert.deepEqual([seen.action, seen.actor, seen.resource], ["create_limit", person.team.id, answer.body.id]);
  const moved = await company.api.request("POST", "/allotments", { from: person.team.id, to: company.department.id, amount: "0.001" });
  assert.equal(moved.status, 402);
  const failed = await record({ request_id: request(moved) });
  assert.deepEqual([failed.action, failed.outcome, failed.code], ["allot", "failed", "insufficient_funds"]);
});

test("what was not allowed is recorded too", async () => {
  const account = await company.api.made("/service-accounts", { name: "Robot" });
  const { secret, id: key } = await company.api.made(`/service-accounts/${account.id}/keys`, { name: "key" });
  const answer = await new Api(alfred, secret).request("DELETE", `/teams/${person.team.id}/keys/${person.key.id}`);
  assert.equal(answer.status, 403);
  const seen = await record({ request_id: request(answer) });
  assert.deepEqual([seen.action, seen.outcome, seen.code], ["revoke_key", "denied", "forbidden"]);
  assert.equal(seen.who, `${account.id}/${key}`);
  assert.equal(seen.resource, person.key.id);
  await company.api.changed("DELETE", `/service-accounts/${account.id}/keys/${key}`);
  const unknown = await new Api(alfred, secret).request("GET", "/teams");
  assert.equal(unknown.status, 401);
  const stranger = await record({ request_id: request(unknown) });
  assert.deepEqual([stranger.outcome, stranger.code, stranger.who], ["denied", "unauthorized", null]);
});

/** A call of a model; the answer's status, code and request. */
async function call(secret, model = "demo-small", path = "/v1/chat/completions") {
  const body = path.endsWith("models") ? undefined : JSON.stringify({ model, messages: [{ role: "user", content: "my secret plan" }] });
  const headers = { authorization: `Bearer ${secret}`, "content-type": "application/json", "cf-connecting-ip": "203.0.113.8" };
  const answer = await alfred.fetch(path, { method: body ? "POST" : "GET", headers, body });
  const { error } = await answer.json();
  return { status: answer.status, code: error?.code, request: answer.headers.get("x-alfred-request-id") };
}

test("calls of models that are refused are recorded, alike ones together", async () => {
  await company.api.made("/providers", { name: "demo", kind: "demo", models: ["demo-*"] });
  const poor = await company.addPerson({ wallet: 0 });
  const [first, ...others] = [await call(poor.secret), await call(poor.secret), await call(poor.secret)];
  assert.deepEqual([first, others[1]].map(({ status, code }) => [status, code]), Array(2).fill([402, "insufficient_quota"]));
  const seen = await record({ request_id: first.request });
  assert.deepEqual([seen.action, seen.outcome, seen.code], ["use_model", "failed", "insufficient_quota"]);
  assert.deepEqual([seen.who, seen.actor], [`${poor.member.id}/${poor.key.id}`, poor.team.id]);
  assert.deepEqual(seen.detail.after, { model: "demo-small", times: 1 });
  assert.equal(seen.detail.address, "203.0.113.8");
  assert.ok(!JSON.stringify(seen).includes("plan"));

  await company.api.changed("DELETE", `/teams/${poor.team.id}/keys/${poor.key.id}`);
  const revoked = await record({ request_id: (await call(poor.secret)).request });
  assert.deepEqual([revoked.who, revoked.outcome, revoked.code], [seen.who, "denied", "invalid_api_key"]);
  assert.equal(revoked.detail.note, "the key was revoked");

  // What the gateway finds out by itself: a policy, and a list without a reservation.
  const cedar = 'forbid (principal, action == Action::"use_model", resource == Model::"demo-large");';
  const policy = await company.api.made("/policies", { name: "Small ones", cedar });
  const forbidden = await eventually(async () => {
    const answer = await call(person.secret, "demo-large");
    return answer.status === 403 && answer;
  });
  assert.equal(forbidden.code, "model_not_allowed");
  const denied = await record({ request_id: forbidden.request });
  assert.deepEqual([denied.who, denied.policies], [`${person.member.id}/${person.key.id}`, [policy.id]]);
  assert.deepEqual(denied.detail.after, { model: "demo-large", times: 1 });
  await company.api.changed("DELETE", `/policies/${policy.id}`);

  const stranger = await company.addPerson({ wallet: 0 });
  await company.api.changed("DELETE", `/teams/${stranger.team.id}/keys/${stranger.key.id}`);
  const listed = await call(stranger.secret, undefined, "/v1/models");
  assert.equal(listed.status, 401);
  assert.equal((await record({ request_id: listed.request })).detail.after.model, null);

  // After a while the two that were like the first one, in one record.
  const counted = await eventually(async () => {
    const all = await company.api.list(`/audit?action=use_model&actor=${poor.team.id}`);
    return all.find(({ detail, code }) => code === "insufficient_quota" && detail.after.times === 2);
  }, { within: 20_000, every: 500 });
  assert.equal(counted.request_id, others[1].request);
});

test("no secret gets into it", async () => {
  const provider = { name: "secretive", kind: "openai", base_url: "http://127.0.0.1:9/v1", api_key: "sk-very-secret", models: ["x"] };
  const made = await company.api.made("/providers", { ...provider, headers: { "x-token": "also-secret" } });
  await company.api.changed("PATCH", `/providers/${made.id}`, { api_key: "sk-second-secret" });
  const { secret } = await company.api.made("/admin-keys", { name: "another" });
  const rotated = await company.api.changed("POST", `/teams/${person.team.id}/keys/${person.key.id}/rotate`, {});
  await eventually(async () => (await company.api.list("/audit?action=rotate_key")).length === 1);
  const all = JSON.stringify([await company.api.list("/audit"), await alfred.query("SELECT * FROM audit")]);
  for (const text of ["sk-very-secret", "sk-second-secret", "also-secret", secret, rotated.secret, person.secret]) {
    assert.ok(!all.includes(text), `the trail has ${text.slice(0, 12)}…`);
  }
  assert.ok(!/"hash":"[0-9a-f]{64}"[^}]*"hint"/.test(all), "the trail has a key's hash");
});

test("lists filter and have pages", async () => {
  const all = await company.api.list("/audit");
  assert.ok(all.length > 10);
  assert.deepEqual(all.map(({ id }) => id), all.map(({ id }) => id).toSorted().reverse());
  const paged = [];
  for (let cursor = null; ; ) {
    const page = await company.api.shown(`/audit?limit=3${cursor ? `&cursor=${cursor}` : ""}`);
    paged.push(...page.data);
    if ((cursor = page.next_cursor) === null) break;
  }
  assert.deepEqual(paged.map(({ id }) => id), all.map(({ id }) => id));
  const denied = await company.api.list("/audit?outcome=denied");
  assert.ok(denied.length > 0 && denied.every(({ outcome }) => outcome === "denied"));
  assert.deepEqual(await company.api.list("/audit?action=nothing"), []);
});

/** Runs `cargo xtask audit verify` on a text. */
async function verify(text, ...more) {
  const path = join(folder, "trail.ndjson");
  writeFileSync(path, text);
  const [program, ...first] = process.env.ALFRED_XTASK ? [process.env.ALFRED_XTASK] : ["cargo", "xtask"];
  return new Promise((done) => {
    execFile(program, [...first, "audit", "verify", path, ...more], (error, stdout, stderr) => {
      done({ holds: !error, said: stdout + stderr });
    });
  });
}

test("an export is whole and verifies offline; altered, dropped, reordered or cut it does not", async () => {
  const response = await alfred.fetch("/api/v1/audit/export", { headers: { authorization: `Bearer ${company.api.key}` } });
  assert.equal(response.headers.get("content-type"), "application/x-ndjson");
  const text = await response.text();
  const lines = text.trimEnd().split("\n");
  const { holds, said } = await verify(text);
  assert.ok(holds, said);
  const { head } = JSON.parse(lines.at(-1));
  assert.ok((await verify(text, "--head", head.hash)).holds);
  assert.ok(lines.length > 10);
  const change = (place, from, to) => lines.toSpliced(place, 1, lines[place].replace(from, to));
  for (const [what, broken] of [
    ["altered", change(3, '"outcome":"done"', '"outcome":"failed"')],
    ["detail altered", change(lines.findIndex((line) => line.includes('"Lab"')), '"Lab"', '"Lob"')],
    ["dropped", lines.toSpliced(4, 1)],
    ["reordered", lines.toSpliced(4, 2, lines[5], lines[4])],
    ["truncated", lines.slice(0, -1)],
    ["truncated and closed", [...lines.slice(0, -2), lines.at(-1)]],
    ["of another", lines.toSpliced(0, 1, lines[0].replace(/"actor":"[^"]*"/, `"actor":"${person.team.id}"`))],
  ]) {
    const found = await verify(broken.join("\n") + "\n");
    assert.ok(!found.holds, `${what}: ${found.said}`);
  }
  const csv = await (await alfred.fetch("/api/v1/audit/export?format=csv", { headers: { authorization: `Bearer ${company.api.key}` } })).text();
  assert.equal(csv.trimEnd().split("\r\n").length, lines.length - 1);
});

test("whoever alters the copy is found out", async () => {
  for (const actor of [company.id, person.team.id]) {
    const found = await eventually(async () => {
      const { trail, copy } = await company.api.shown(`/audit/verify?actor=${actor}`);
      return trail.sequence === copy.sequence && { trail, copy };
    });
    assert.deepEqual([found.trail.holds, found.copy.holds, found.copy.head], [true, true, found.trail.head]);
  }
  const copy = async () => (await company.api.shown("/audit/verify")).copy;
  const [row] = await alfred.query("SELECT * FROM audit WHERE actor = ? AND sequence = 5", company.id);
  await alfred.query("UPDATE audit SET outcome = 'failed' WHERE id = ?", row.id);
  assert.match((await copy()).fault, /record 5 was altered/);
  await alfred.query("UPDATE audit SET outcome = 'done', detail = json_set(detail, '$.address', '9.9.9.9') WHERE id = ?", row.id);
  assert.match((await copy()).fault, /detail of record 5/);
  await alfred.query("DELETE FROM audit WHERE id = ?", row.id);
  assert.match((await copy()).fault, /missing/);
  await alfred.query(`INSERT INTO audit (${Object.keys(row)}) VALUES (${Object.keys(row).map(() => "?")})`, ...Object.values(row));
  assert.equal((await copy()).holds, true);
});

test("only who may see it sees it", async () => {
  const account = await company.api.made("/service-accounts", { name: "Manager" });
  const { secret } = await company.api.made(`/service-accounts/${account.id}/keys`, { name: "key" });
  await company.api.made("/grants", { to: account.id, role: "team_manager", on: person.team.id });
  const manager = new Api(alfred, secret);
  assert.equal((await manager.request("GET", "/audit")).status, 403);
  await company.api.made("/grants", { to: account.id, role: "auditor", on: person.team.id });
  const seen = await manager.list("/audit");
  assert.ok(seen.length > 0 && seen.every(({ actor }) => actor === person.team.id));
  assert.equal((await manager.request("GET", "/audit/export")).status, 403);
  assert.equal((await manager.request("GET", `/audit/export?actor=${person.team.id}`)).status, 200);
  const other = await found(alfred);
  assert.equal((await other.api.request("GET", `/audit/verify?actor=${person.team.id}`)).status, 404);
  assert.equal((await other.api.request("GET", `/audit/export?actor=${company.id}`)).status, 404);
});
