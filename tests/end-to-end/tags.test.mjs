// Tags: nobody overwrites what somebody else has just changed, and nothing is
// sent twice that is still the same.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { eventually, startAlfred } from "./harness.mjs";
import { found } from "./lib/company.mjs";

let alfred, company, person, limit, account, provider, policy;
before(async () => {
  alfred = await startAlfred();
  company = await found(alfred);
  person = await company.addPerson({ wallet: 1_000_000 });
  limit = await company.addLimit(person.team, { window: "day", unit: "requests", amount: 10 });
  account = await company.api.made("/service-accounts", { name: "Robot" });
  provider = await company.api.made("/providers", { name: "demo", kind: "demo", models: ["demo-*"] });
  policy = await company.api.made("/policies", { name: "P", cedar: POLICY });
});
after(() => alfred?.stop());

const POLICY = "forbid (principal, action, resource) when { false };";
const override = (model) => ({ model, change: { discount_basis_points: 100 } });

let changes = 0;
/** Everything that has a tag: where it is, and a change that is another each time. */
const things = () => {
  const name = () => ({ name: `Name ${++changes}` });
  return [
    ["/organization", "PATCH", () => ({ settings: { help: `Ask ${++changes}` } })],
    [`/departments/${company.department.id}`, "PATCH", name],
    [`/teams/${person.team.id}`, "PATCH", name],
    [`/members/${person.member.id}`, "PATCH", name],
    [`/teams/${person.team.id}/limits/${limit.id}`, "PATCH", () => ({ amount: 100 + ++changes })],
    [`/service-accounts/${account.id}`, "PATCH", name],
    [`/providers/${provider.id}`, "PATCH", () => ({ models: [`demo-${++changes}*`] })],
    [`/policies/${policy.id}`, "PUT", () => ({ ...name(), cedar: POLICY })],
    ["/prices/overrides", "PUT", () => ({ overrides: [override(`m${++changes}`)] })],
    ["/prices/overrides", "PATCH", () => ({ set: [override(`m${++changes}`)] })],
  ];
};

const tagOf = ({ headers }) => headers.get("etag");
const show = (path, headers) => company.api.request("GET", path, undefined, headers);
const change = (method, path, body, tag) => company.api.request(method, path, body, tag === undefined ? {} : { "if-match": tag });

/** What is before the dot: of what can be changed. */
const settings = (tag) => /^"([a-z0-9]+)(\.[0-9a-f]+)?"$/.exec(tag)[1];

test("what was changed in between is not overwritten", async () => {
  for (const [path, method, body] of things()) {
    const what = `${method} ${path}`;
    const read = tagOf(await show(path));
    const first = await change(method, path, body(), read);
    assert.equal(first.status, 200, `${what}: ${JSON.stringify(first.body)}`);
    const now = await show(path);
    assert.equal(settings(tagOf(first)), settings(tagOf(now)), what);
    assert.notEqual(settings(tagOf(now)), settings(read), what);

    for (const old of [read, `W/${read}`, '"v0"', '"nothing"', '""']) {
      const late = await change(method, path, body(), old);
      assert.deepEqual([late.status, late.body.code], [412, "precondition_failed"], `${what} with ${old}`);
      assert.equal(late.body.current_tag, `"${settings(tagOf(now))}"`, what);
    }
    assert.equal(tagOf(await show(path)), tagOf(now), `${what}: a refusal changes nothing`);

    for (const tag of [tagOf(now), "*"]) assert.equal((await change(method, path, body(), tag)).status, 200, `${what} with ${tag}`);
    const list = `"x", W/${tagOf(await show(path))}`;
    assert.equal((await change(method, path, body(), list)).status, 200, `${what} with ${list}`);
    assert.equal((await change(method, path, body())).status, 200, `${what} without a tag`);
    for (const never of ["nonsense", '"v7', "W/"]) {
      assert.equal((await change(method, path, body(), never)).body.code, "precondition_failed", `${what}: ${never}`);
    }
  }
});

test("of many who change what they read, one does", async () => {
  for (const [path, method, body] of things()) {
    const read = tagOf(await show(path));
    const answers = await Promise.all(Array.from({ length: 8 }, () => change(method, path, body(), read)));
    const statuses = answers.map(({ status }) => status).sort();
    assert.deepEqual(statuses, [200, ...Array(7).fill(412)], `${method} ${path}`);
  }
});

test("changes of different fields at the same moment are all done", async () => {
  const [team, member] = [`/teams/${person.team.id}`, `/members/${person.member.id}`];
  for (let round = 0; round < 10; round++) {
    const name = `Round ${round}`;
    const [addresses, models] = [[`10.0.${round}.0/24`], [`demo-${round}`]];
    const email = `round-${round}@example.com`;
    const patches = [
      [team, { name }],
      [team, { models }],
      [team, { addresses }],
      [member, { name }],
      [member, { email }],
      ["/organization", { settings: { help: name } }],
      ["/organization", { name }],
      [`/providers/${provider.id}`, { models }],
      [`/providers/${provider.id}`, { name: `demo ${round}` }],
      ["/prices/overrides", { set: [override(`a${round}`)] }],
      ["/prices/overrides", { set: [override(`b${round}`)] }],
    ];
    const answers = await Promise.all(patches.map(([path, body]) => change("PATCH", path, body)));
    assert.deepEqual(answers.map(({ status }) => status), patches.map(() => 200));
    await eventually(async () => (await company.api.shown(team)).name === name);
    const left = await company.api.shown(team);
    assert.deepEqual([left.models, left.addresses], [models, addresses]);
    const { name: called, email: mail } = await company.api.shown(member);
    assert.deepEqual([called, mail], [name, email]);
    const organization = await company.api.shown("/organization");
    assert.deepEqual([organization.name, organization.settings.help], [name, name]);
    const there = await company.api.shown(`/providers/${provider.id}`);
    assert.deepEqual([there.models, there.name], [models, `demo ${round}`]);
    const { overrides } = await company.api.shown("/prices/overrides");
    for (const model of [`a${round}`, `b${round}`]) assert.ok(overrides.some((one) => one.model === model), model);
  }
});

test("what the client has is not sent again, and what has moved is", async () => {
  for (const [path, method, body] of things()) {
    const first = await show(path);
    const again = await show(path, { "if-none-match": `"x", W/${tagOf(first)}` });
    assert.deepEqual([again.status, again.body, tagOf(again)], [304, "", tagOf(first)], path);
    assert.equal(again.headers.get("cache-control"), "no-store");
    assert.equal((await change(method, path, body())).status, 200);
    assert.equal((await show(path, { "if-none-match": tagOf(first) })).status, 200, path);
  }
  // A balance is no setting: the answer is another, and a change is still meant for it.
  const path = `/teams/${person.team.id}`;
  const before = await show(path);
  await company.allot(company.department.id, person.team.id, 1_000_000);
  const after_ = await show(path, { "if-none-match": tagOf(before) });
  assert.equal(after_.status, 200);
  assert.equal(settings(tagOf(after_)), settings(tagOf(before)));
  assert.equal((await change("PATCH", path, { name: "With more" }, tagOf(before))).status, 200);
});

test("what is removed is what was read", async () => {
  const extra = await company.addLimit(person.team, { window: "week", unit: "requests", amount: 10 });
  const provider = await company.api.made("/providers", { name: "gone", kind: "demo", models: ["gone"] });
  const policy = await company.api.made("/policies", { name: "Gone", cedar: POLICY });
  for (const [path, method, body] of [
    [`/teams/${person.team.id}/limits/${extra.id}`, "PATCH", { amount: 11 }],
    [`/providers/${provider.id}`, "PATCH", { models: ["other"] }],
    [`/policies/${policy.id}`, "PUT", { name: "Other", cedar: POLICY }],
  ]) {
    const read = tagOf(await show(path));
    const changed = await change(method, path, body, read);
    assert.equal((await change("DELETE", path, undefined, read)).body.code, "precondition_failed", path);
    assert.equal((await show(path)).status, 200, path);
    assert.ok([200, 204].includes((await change("DELETE", path, undefined, tagOf(changed))).status), path);
    assert.equal((await change("DELETE", path, undefined, tagOf(changed))).status, 404, path);
  }
});

test("a policy's version and its tag are one", async () => {
  const made = await company.api.made("/policies", { name: "Versioned", cedar: POLICY });
  const path = `/policies/${made.id}`;
  assert.equal(settings(tagOf(await show(path))), "v1");
  const put = (version, tag) => change("PUT", path, { name: "Versioned", cedar: POLICY, ...(version && { version }) }, tag);
  assert.equal((await put(1)).status, 200);
  assert.deepEqual([(await put(1)).status, (await put(1)).body.current_tag], [412, '"v2"']);
  assert.equal((await put(2, '"v1"')).status, 412, "both must fit");
  assert.equal((await put(2, '"v2"')).status, 200);
  const newOne = await company.api.request("POST", "/policies", { name: "N", cedar: POLICY, version: 1 });
  assert.equal(newOne.body.code, "precondition_failed");
});

test("a repeated change answers what it did, whatever its tag is now", async () => {
  const path = `/departments/${company.department.id}`;
  const read = tagOf(await show(path));
  const once = () => company.api.request("PATCH", path, { name: "Once" }, { "if-match": read, "idempotency-key": "once" });
  assert.deepEqual([(await once()).status, (await once()).status], [200, 200]);
});
