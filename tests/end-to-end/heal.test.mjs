// D1 is a copy. What it lacks, because a message was lost or all of it was,
// comes again when the cron compares it with the journals.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { eventually, startAlfred } from "./harness.mjs";
import { call, chat, planned } from "./lib/call.mjs";
import { found } from "./lib/company.mjs";
import { callEnd, entries, reconciled } from "./lib/ledger.mjs";
import { startProvider } from "./lib/provider.mjs";

let alfred, provider, company, person;
before(async () => {
  [alfred, provider] = await Promise.all([startAlfred(), startProvider()]);
  company = await found(alfred, { provider });
  person = await company.addPerson({ wallet: 500_000_000 });
  // More than one message and more than one hour's sum.
  const bodies = [chat(), chat({ model: "gpt-any" }), chat({ stream: true }), planned({ mode: "500" })];
  for (let round = 0; round < 3; round++) {
    await Promise.all(Array.from({ length: 60 }, (_, index) => call(alfred, person.secret, bodies[index % bodies.length])));
  }
  await reconciled(company);
});
after(() => Promise.all([alfred?.stop(), provider?.stop()]));

/** Everything that D1 has of the company, but for when it was copied. */
async function copy() {
  const journals = [await entries(alfred, company.id), await entries(alfred, person.team.id)];
  const hours = await alfred.query("SELECT * FROM usage_hours WHERE organization = ?", company.id);
  const trail = await alfred.query("SELECT * FROM audit WHERE organization = ? ORDER BY id", company.id);
  const through = await alfred.query(
    "SELECT actor, applied_through, last_sequence FROM projections WHERE organization = ? ORDER BY actor",
    company.id,
  );
  return { journals, hours, trail, through };
}

async function comesBack(whole) {
  await alfred.scheduled();
  await eventually(async () => {
    const { through } = await copy();
    return JSON.stringify(through) === JSON.stringify(whole.through);
  });
  assert.deepEqual(await copy(), whole);
  await reconciled(company);
}

test("all of it is rebuilt, entry by entry and sum by sum", async () => {
  const whole = await copy();
  assert.ok(whole.journals[1].length > 180 && whole.hours.length > 1 && whole.trail.length > 1);
  for (const table of ["entries", "usage_hours", "audit", "projections"]) {
    await alfred.query(`DELETE FROM ${table} WHERE organization = ?`, company.id);
  }
  await comesBack(whole);
});

test("entries whose message was lost come again", async () => {
  const whole = await copy();
  // The last message is lost: five calls that cost nothing, so that the sums by hour are easily put back.
  const free = () => call(alfred, person.secret, planned({ mode: "500" })).then(({ request }) => callEnd(company, request));
  await Promise.all(Array.from({ length: 5 }, free));
  const after_ = await copy();
  const through = whole.through.find(({ actor }) => actor === person.team.id).applied_through;
  const lost = after_.journals[1].length - through;
  assert.equal(lost, 5);
  await alfred.query("DELETE FROM entries WHERE actor = ? AND sequence > ?", person.team.id, through);
  await alfred.query("UPDATE projections SET applied_through = ?, last_sequence = ? WHERE actor = ?", through, through, person.team.id);
  await alfred.query("DELETE FROM usage_hours WHERE team = ?", person.team.id);
  for (const row of whole.hours) {
    const names = Object.keys(row);
    await alfred.query(
      `INSERT INTO usage_hours (${names.join()}) VALUES (${names.map(() => "?").join()})`,
      ...Object.values(row),
    );
  }
  await comesBack(after_);
});

test("what D1 has already is not counted twice", async () => {
  const whole = await copy();
  for (let times = 0; times < 3; times++) await alfred.scheduled();
  assert.deepEqual(await copy(), whole);
});
