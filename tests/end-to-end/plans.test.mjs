// Plans: credits in every period.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { eventually, startAlfred } from "./harness.mjs";
import { call, planned } from "./lib/call.mjs";
import { found } from "./lib/company.mjs";
import { reconciled } from "./lib/ledger.mjs";
import { cost } from "./lib/money.mjs";
import { addSignedIn, letSignIn } from "./lib/people.mjs";
import { startProvider } from "./lib/provider.mjs";
import { startIdentityProvider } from "./lib/sign-in.mjs";

// Exactly a day apart: what is today in the one is tomorrow in the other.
const [TODAY, TOMORROW] = ["Pacific/Honolulu", "Pacific/Kiritimati"];

let alfred, provider, identity, company;
before(async () => {
  [alfred, provider] = await Promise.all([startAlfred(), startProvider()]);
  identity = await startIdentityProvider(`${alfred.url}/api/v1/auth/callback`);
  company = await found(alfred, { provider });
  await letSignIn(company, identity);
});
after(() => Promise.all([alfred?.stop(), provider?.stop(), identity?.stop()]));

const day = { every: "day" };
const month = { every: "month" };
const plan = (id) => company.api.shown(`/plans/${id}`);
const inZone = (time_zone) => company.api.changed("PATCH", "/organization", { settings: { time_zone } });
/** The date a day after one. */
const next = (date) => new Date(Date.parse(date) + 86_400_000).toISOString().slice(0, 10);

test("each gets what the plan says, and what is unspent goes back when the next day begins", async () => {
  await inZone(TODAY);
  const person = await company.addPerson({ pool: 1_000_000 });
  const made = await company.api.made("/plans", {
    name: "Daily",
    to: { type: "each_member", of: person.team.id },
    amount: "100",
    period: day,
    begins: "now",
    rollover: { kind: "capped", most: "30" },
  });
  assert.deepEqual([made.warn_days, made.enabled, made.last, made.period], [0, true, null, { every: "day", first_month: 1 }]);
  await eventually(async () => (await company.wallet(person.member)) === 100_000);
  const first = await eventually(async () => {
    const { last } = await plan(made.id);
    return last?.given === "100" && last;
  });
  assert.deepEqual([first.missing, first.returned], ["0", "0"]);
  assert.equal((await call(alfred, person.secret, planned({ input: 20, tokens: 16 }))).status, 200);
  const left = 100_000 - cost(20, 16);
  await eventually(async () => (await company.wallet(person.member)) === left);

  await inZone(TOMORROW);
  await eventually(async () => (await company.wallet(person.member)) === 130_000);
  const second = await eventually(async () => {
    const { last } = await plan(made.id);
    return last?.given === "100" && last.first_day !== first.first_day && last;
  });
  assert.equal(second.first_day, next(first.first_day));
  assert.equal(Number(second.returned) * 1000, left - 30_000);
  // Back and forth: the same two days are not given for again.
  await inZone(TODAY);
  await inZone(TOMORROW);
  const { last, next_at: at } = await plan(made.id);
  assert.deepEqual(last, second);
  assert.ok(Date.parse(at) > Date.now(), at);
  assert.equal(await company.wallet(person.member), 130_000);
});

test("from the treasury to departments and on to teams; what is not there is said", async () => {
  const department = await company.addDepartment(undefined, 0);
  const team = await company.addTeam({ department });
  await company.operator.made("/organization/credits", { amount: "50" }, { "x-alfred-organization": company.id });
  const treasury = (await company.balance("treasury")) / 1000;
  const give = (to, amount, name) =>
    company.api.made("/plans", { name, to, amount: String(amount), period: month, begins: "now" });
  const above = await give({ type: "department", id: department.id }, treasury + 10, "above");
  await eventually(async () => (await plan(above.id)).last?.missing === "10");
  assert.equal((await company.balance(department.id)) / 1000, treasury);
  const below = await give({ type: "team", id: team.id }, treasury, "below");
  await eventually(async () => (await company.standing(team)).pool === treasury * 1000);
  assert.equal((await plan(below.id)).last.given, String(treasury));
});

test("who may give from there may plan it, and sees it", async () => {
  const team = await company.addTeam({ pool: 10_000 });
  const other = await company.addTeam();
  const mary = await addSignedIn(company, identity, team, "mary");
  const bob = await addSignedIn(company, identity, team, "bob");
  await company.api.made("/grants", { to: mary.member.id, role: "team_manager", on: team.id });
  const body = (to, name = "Hers") => ({ name, to, amount: "1", period: month });
  const hers = await mary.api.made("/plans", body({ type: "member", id: bob.member.id }));
  const each = await mary.api.made("/plans", body({ type: "each_member", of: team.id }, "Each"));
  const refused = async (who, to) => (await who.api.request("POST", "/plans", body(to, "Not"))).status;
  assert.equal(await refused(mary, { type: "team", id: team.id }), 403, "that is the department's");
  assert.equal(await refused(mary, { type: "each_member", of: other.id }), 403);
  assert.equal(await refused(mary, { type: "each_department" }), 403);
  assert.equal(await refused(bob, { type: "member", id: bob.member.id }), 403);
  const foreign = await company.api.made("/plans", body({ type: "team", id: other.id }, "Foreign"));
  assert.deepEqual((await mary.api.list("/plans")).map(({ id }) => id), [hers.id, each.id]);
  assert.equal((await mary.api.request("GET", `/plans/${foreign.id}`)).status, 404);
  assert.equal((await mary.api.request("DELETE", `/plans/${foreign.id}`)).status, 404);
  assert.equal((await bob.api.request("GET", "/plans")).status, 403);

  const paused = await mary.api.changed("PATCH", `/plans/${hers.id}`, { enabled: false, rollover: { kind: "none" } });
  assert.deepEqual([paused.enabled, paused.next_at, paused.rollover], [false, null, { kind: "none" }]);
  assert.equal((await mary.api.request("DELETE", `/plans/${hers.id}`)).status, 204);
  assert.equal((await mary.api.request("GET", `/plans/${hers.id}`)).status, 404);
});

test("what makes no sense is refused and says why", async () => {
  const team = await company.addTeam();
  const body = { name: "No", to: { type: "team", id: team.id }, amount: "1", period: month };
  for (const [more, status, message] of [
    [{ amount: "0" }, 400, /amount/],
    [{ period: { every: "fortnight" } }, 400, /fortnight/],
    [{ period: { every: "year", first_month: 13 } }, 400, /`first_month` is a month, 1 to 12/],
    [{ rollover: { kind: "capped" } }, 400, /most/],
    [{ warn_days: 61 }, 400, /0 to 60/],
    [{ ends_at: "2020-01-01T00:00:00Z" }, 400, /a plan ends in the future/],
    [{ to: { type: "each_member", of: "treasury" } }, 400, /has no members/],
    [{ to: { type: "team", id: "team_01h2xcejqtf2nbrexx3vqjhp41" } }, 404, /team_01h2/],
  ]) {
    const refused = await company.api.request("POST", "/plans", { ...body, ...more });
    assert.deepEqual([refused.status, message.test(JSON.stringify(refused.body))], [status, true], JSON.stringify([more, refused.body]));
  }
  await company.api.made("/plans", body);
  assert.equal((await company.api.request("POST", "/plans", body)).status, 409);
});

test("what may be allotted at most may be planned at most", async () => {
  const team = await company.addTeam();
  const body = { name: "Bounded", to: { type: "team", id: team.id }, amount: "50", period: month };
  const policy = await company.api.made("/policies", { name: "A", setting: { kind: "allotments", most: "50" } });
  const refused = (method, path, body) =>
    eventually(async () => {
      const answer = await company.api.request(method, path, body);
      return answer.status === 403 && answer.body.code === "forbidden";
    });
  await refused("POST", "/plans", { ...body, amount: "50.001" });
  const plan = await company.api.made("/plans", body);
  await refused("PATCH", `/plans/${plan.id}`, { amount: "51" });
  await company.api.changed("PATCH", `/plans/${plan.id}`, { amount: "49", enabled: false });
  await company.api.request("DELETE", `/policies/${policy.id}`);
  await company.api.request("DELETE", `/plans/${plan.id}`);
});

test("in the end all of it is in the ledger", () => reconciled(company));
