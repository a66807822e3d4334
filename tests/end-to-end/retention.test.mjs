// Records end when they have been kept for long enough; money, sums and the
// chain of what was done stay.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { promisify } from "node:util";

import { ROOT } from "../../xtask/node/runtime.mjs";
import { eventually, startAlfred } from "./harness.mjs";
import { call, chat } from "./lib/call.mjs";
import { Api, found } from "./lib/company.mjs";
import { reconciled } from "./lib/ledger.mjs";
import { startProvider } from "./lib/provider.mjs";

const DAY = 24 * 60 * 60 * 1000;
const USUAL = { requests: 400, usage: null, audit_details: 400, notifications: 90, dead_letters: 90, sessions: 7 };

let alfred, provider, company, other, person;
before(async () => {
  [alfred, provider] = await Promise.all([startAlfred(), startProvider()]);
  [company, other] = [await found(alfred, { provider }), await found(alfred, { provider })];
  person = await company.addPerson({ wallet: 100_000_000 });
  const theirs = await other.addPerson({ wallet: 100_000_000 });
  for (const { secret } of [person, person, person, theirs]) {
    assert.equal((await call(alfred, secret, chat())).status, 200);
  }
  await Promise.all([reconciled(company), reconciled(other)]);
});
after(() => Promise.all([alfred?.stop(), provider?.stop()]));

const settings = async () => (await company.api.shown("/organization")).settings;
const retain = (retention) => company.api.request("PATCH", "/organization", { settings: { retention } });
const inDays = (days) => new Date(Date.now() + days * DAY);
const calls = (company) => company.api.list("/requests");
const details = async (company) => (await company.api.list("/audit")).filter(({ detail }) => detail !== null).length;
const cron = (days) => alfred.scheduled(undefined, inDays(days));

async function verify(company, actor) {
  const { trail, copy } = await company.api.shown(`/audit/verify?actor=${actor}`);
  assert.ok(trail.holds && copy.holds, JSON.stringify({ trail, copy }));
  const response = await alfred.fetch(`/api/v1/audit/export?actor=${actor}`, {
    headers: { authorization: `Bearer ${company.api.key}` },
  });
  const file = join(alfred.state, `${actor}.ndjson`);
  writeFileSync(file, await response.text());
  const [program, ...first] = process.env.ALFRED_XTASK ? [process.env.ALFRED_XTASK] : ["cargo", "xtask"];
  return (await promisify(execFile)(program, [...first, "audit", "verify", file], { cwd: ROOT })).stdout;
}

test("it stands in the settings, and a change is recorded", async () => {
  assert.deepEqual((await settings()).retention, USUAL);
  const answer = await retain({ requests: 30, audit_details: 60, notifications: null });
  assert.equal(answer.status, 200);
  const now = { ...USUAL, requests: 30, audit_details: 60, notifications: null };
  assert.deepEqual(answer.body.settings.retention, now);
  assert.deepEqual((await settings()).retention, now);
  for (const [retention, detail] of [
    [{ requests: 6 }, /`retention.requests` must be 7 to 36500 days, or for ever, not 6/],
    [{ audit_details: 29 }, /must be 30 to 36500 days/],
    [{ usage: 399 }, /must be 400 to/],
    [{ sessions: 0 }, /must be 1 to/],
    [{ money: 1 }, /unknown field `money`/],
  ]) {
    const refused = await retain(retention);
    assert.deepEqual([refused.status, refused.body.code], [400, "invalid_request"], JSON.stringify(refused.body));
    assert.match(refused.body.detail, detail);
  }
  assert.deepEqual((await settings()).retention, now);
  const record = await eventually(async () => {
    const records = await company.api.list("/audit?action=change_organization");
    return records.find(({ outcome }) => outcome === "done");
  });
  assert.equal(record.detail.after.general?.retention?.requests ?? record.detail.after.retention.requests, 30);
});

test("calls end where they are listed, and their sums, balances and journals stay", async () => {
  const [usage, wallet] = [await company.api.shown("/usage?group_by=member"), await company.wallet(person.member)];
  const [team, movements] = [await company.standing(person.team), (await company.api.list("/journal?kind=allot")).length];
  await cron(29);
  assert.deepEqual([(await calls(company)).length, (await calls(other)).length], [3, 1], "not yet");
  await cron(31);
  assert.deepEqual([(await calls(company)).length, (await calls(other)).length], [0, 1], "only where it was said");
  assert.deepEqual(await company.api.shown("/usage?group_by=member"), usage);
  assert.equal((await company.api.list("/journal?kind=allot")).length, movements);
  assert.deepEqual([await company.wallet(person.member), await company.standing(person.team)], [wallet, team]);
  // What comes afterwards is listed, and nothing that went comes back.
  assert.equal((await call(alfred, person.secret, chat())).status, 200);
  await eventually(async () => (await calls(company)).length === 1);
  await alfred.scheduled();
  assert.equal((await calls(company)).length, 1);
});

test("what is personal in the audit trail ends, and the trail still holds", async () => {
  assert.match(await verify(company, company.id), /0 of them had their details erased/);
  // More than one step: each erases 200.
  const many = Array.from({ length: 210 }, () => company.api.request("PATCH", `/departments/${company.department.id}`, { name: "Lab" }));
  for (const { status } of await Promise.all(many)) assert.equal(status, 200);
  const theirs = await details(other);
  await eventually(async () => (await details(company)) > 200);
  await cron(61);
  await eventually(async () => (await details(company)) === 0);
  assert.equal(await details(other), theirs);
  for (const actor of [company.id, person.team.id]) {
    const verified = await eventually(() => verify(company, actor));
    assert.match(verified, /[1-9]\d* of them had their details erased/);
  }
  const records = await company.api.list("/audit?action=erase_details");
  assert.deepEqual([...new Set(records.map(({ who }) => who))], ["system"]);
  assert.ok(records.every(({ detail }) => detail === null));
  // D1 made anew does not bring them back.
  await alfred.query("DELETE FROM audit WHERE organization = ?", company.id);
  await alfred.query("DELETE FROM projections WHERE organization = ? AND actor LIKE '%/audit'", company.id);
  await alfred.scheduled();
  await eventually(async () => (await company.api.list("/audit?action=erase_details")).length === records.length);
  assert.equal(await details(company), 0);
});

test("a run does a bounded part, and the next one goes on", async () => {
  // Ended calls as D1 has them, more than one run removes.
  const rows = 230_000;
  const row = "'settle', 'pool', 'spent', 1, 'req_x', 'system', '{}', NULL, ''";
  const numbers = "WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < ?2)";
  await alfred.query(
    `INSERT INTO entries (organization, id, actor, sequence, time_ms, kind, debit, credit, amount, reference, who, call, note, hash)
     ${numbers} SELECT ?1, printf('ent_00%024d', n), 'old', n, 0, ${row} FROM n`,
    other.id, rows,
  );
  const left = async () => (await alfred.query("SELECT COUNT(*) AS n FROM entries WHERE actor = 'old'"))[0].n;
  await cron(100);
  const after = await left();
  assert.ok(after > 0 && after < rows, `${after} of ${rows}`);
  // Calls go on meanwhile.
  assert.equal((await call(alfred, person.secret, chat())).status, 200);
  await cron(100);
  assert.equal(await left(), 0);
  assert.equal((await calls(other)).length, 1);
});

test("the command line knows it", async () => {
  const file = join(alfred.state, "alfred.toml");
  writeFileSync(file, "[organization.retention]\nrequests = 90\nusage = 800\nnotifications = 0\n");
  const run = promisify(execFile)(process.env.ALFRED_CLI ?? "alfred", ["apply", "-f", file, "--yes"], {
    env: { ...process.env, ALFRED_URL: alfred.url, ALFRED_API_KEY: company.api.key, ALFRED_KEY: company.api.key },
  });
  const { stdout } = await run;
  assert.match(stdout, /organization retention requests: 30 -> 90/);
  assert.match(stdout, /organization retention usage: for ever -> 800/);
  const { retention } = await settings();
  assert.deepEqual([retention.requests, retention.usage, retention.notifications], [90, 800, null]);
});
