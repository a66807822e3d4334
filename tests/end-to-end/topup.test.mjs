// A pool that is refilled from its department on demand.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";

import { eventually, startAlfred } from "./harness.mjs";
import { call } from "./lib/call.mjs";
import { found } from "./lib/company.mjs";
import { exactCall } from "./lib/exact.mjs";
import { reconciled } from "./lib/ledger.mjs";
import { credits, sum } from "./lib/money.mjs";
import { startProvider } from "./lib/provider.mjs";

let alfred, provider, company, exact;
before(async () => {
  [alfred, provider] = await Promise.all([startAlfred(), startProvider()]);
  company = await found(alfred, { provider });
  exact = await exactCall(company);
});
after(() => Promise.all([alfred?.stop(), provider?.stop()]));

/** A team with a plan that asks for `chunk` calls' worth at a time. */
async function teamOnDemand(department, { chunk, low = 0, ...plan }) {
  const allotment_plan = { chunk: credits(chunk * exact.price), low_water: credits(low * exact.price), ...plan };
  const team = await company.addTeam({ department, allotment_plan });
  const member = await company.addMember(team);
  const { secret } = await company.addKey(member);
  return { team, member, secret };
}

const burst = (secret, count) => Promise.all(Array.from({ length: count }, () => call(alfred, secret, exact.body)));
const accepted = (answers) => answers.filter((answer) => answer.status === 200).length;
/** Where a team stands once all of its calls have ended. */
const standing = (team) =>
  eventually(async () => {
    const standing = await company.standing(team);
    return standing.open === 0 && standing;
  });

// One after the other. With all of them at once, on a machine of two cores, V8's only background thread waits for a
// collection of garbage while the main thread waits for that thread to finish the last one, and workerd spins for ever.
describe("on demand", () => {
  test("many calls at once: none is refused while the department has credits", async () => {
    const department = await company.addDepartment(undefined, 100 * exact.price);
    const { team, secret } = await teamOnDemand(department, { chunk: 7 });
    const answers = await burst(secret, 300);
    assert.deepEqual([...new Set(answers.map(({ status }) => status))].sort(), [200, 402]);
    assert.equal(accepted(answers), 100);
    assert.equal((await standing(team)).pool, 0);
    assert.equal(await company.balance(department.id), 0);
  });

  test("a department with plenty refuses nobody", async () => {
    const department = await company.addDepartment(undefined, 1000 * exact.price);
    const { team, secret } = await teamOnDemand(department, { chunk: 3 });
    const answers = await burst(secret, 200);
    assert.equal(accepted(answers), 200);
    const { allotted, spent } = await standing(team);
    assert.equal(spent, 200 * exact.price);
    assert.equal(allotted + (await company.balance(department.id)), 1000 * exact.price);
  });

  test("teams that share a department never overspend it", async () => {
    const department = await company.addDepartment(undefined, 90 * exact.price);
    const teams = [];
    for (let count = 0; count < 3; count++) teams.push(await teamOnDemand(department, { chunk: 5 }));
    const answers = await Promise.all(teams.map(({ secret }) => burst(secret, 60)));
    const standings = await Promise.all(teams.map(({ team }) => standing(team)));
    const spent = sum(standings.map(({ spent }) => spent));
    const left = await company.balance(department.id);
    assert.equal(sum(standings.map(({ allotted }) => allotted)) + left, 90 * exact.price);
    assert.equal(spent, accepted(answers.flat()) * exact.price);
    assert.equal(left, 0);
    // A team may have taken a chunk in the end that another could have used.
    assert.ok(spent >= (90 - 2 * 4) * exact.price, `${spent / exact.price} calls were paid`);
  });

  test("a plan asks no more than its monthly cap", async () => {
    const department = await company.addDepartment(undefined, 100 * exact.price);
    const monthly_cap = credits(12 * exact.price);
    const { secret } = await teamOnDemand(department, { chunk: 4, monthly_cap });
    const answers = await burst(secret, 60);
    assert.equal(accepted(answers), 12);
    assert.equal(await company.balance(department.id), 88 * exact.price);
  });

  test("credits that arrive later are found", async () => {
    const department = await company.addDepartment(undefined, 2 * exact.price);
    const { secret } = await teamOnDemand(department, { chunk: 1 });
    assert.equal(accepted(await burst(secret, 5)), 2);
    await company.operator.made(
      "/organization/credits",
      { amount: credits(3 * exact.price) },
      { "x-alfred-organization": company.id },
    );
    await company.allot("treasury", department.id, 3 * exact.price);
    const later = Date.now() + 10_000;
    let paid = 0;
    while (paid < 3 && Date.now() < later) paid += accepted(await burst(secret, 1));
    assert.equal(paid, 3);
  });
});

test("in the end all of it is in the ledger", () => reconciled(company));
