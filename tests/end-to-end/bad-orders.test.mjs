// The management API: bad orders change nothing, repeated ones nothing twice.

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, afterEach, before, beforeEach, describe, test } from "node:test";

import { startAlfred } from "./harness.mjs";
import { Api, found } from "./lib/company.mjs";
import { reconciled } from "./lib/ledger.mjs";
import { startProvider } from "./lib/provider.mjs";

let alfred, provider, company, person, earlier;
before(async () => {
  [alfred, provider] = await Promise.all([startAlfred(), startProvider()]);
  company = await found(alfred, { provider, funds: 10_000_000 });
  person = await company.addPerson({ wallet: 1_000_000, pool: 1_000_000 });
});
after(() => Promise.all([alfred?.stop(), provider?.stop()]));

/** Everything that an order could change. */
async function picture() {
  const { team } = person;
  const paths = ["/organization", "/prices/overrides", `/teams/${team.id}`];
  const lists = ["/departments", "/teams", "/members", "/providers", "/admin-keys", "/balances"];
  const teamLists = [`/teams/${team.id}/keys`, `/teams/${team.id}/limits`];
  return Promise.all([
    ...paths.map((path) => company.api.shown(path)),
    ...[...lists, ...teamLists].map((path) => company.api.list(path)),
  ]);
}

async function refused(method, path, body, status, code) {
  const answer = await company.api.request(method, path, body);
  const shown = `${method} ${path} ${typeof body === "string" ? body.slice(0, 80) : JSON.stringify(body)?.slice(0, 200)}`;
  assert.equal(answer.status, status, `${shown}: ${JSON.stringify(answer.body)}`);
  assert.equal(answer.headers.get("content-type"), "application/problem+json", shown);
  if (code) assert.equal(answer.body.code, code, shown);
  assert.equal(answer.body.status, status);
  assert.ok(answer.body.detail, shown);
  return answer.body;
}

describe("refused, and nothing has changed", () => {
  beforeEach(async () => (earlier = await picture()));
  afterEach(async () => assert.deepEqual(await picture(), earlier));

  test("bodies that cannot be read", async () => {
    await refused("POST", "/departments", "{", 400, "invalid_json");
    await refused("POST", "/departments", "[]", 400, "invalid_request");
    await refused("POST", "/departments", '["Research"]', 400, "invalid_request");
    await refused("POST", "/allotments", JSON.stringify([company.department.id, person.team.id, "1"]), 400, "invalid_request");
    await refused("GET", "/departments?cursor=zzz", undefined, 400, "invalid_request");
    for (const path of ["/journal", "/audit", "/audit/export", "/audit/verify"]) {
      await refused("GET", `${path}?actor=treasury`, undefined, 400, "invalid_request");
    }
    await refused("POST", "/departments", '{"name":"a","name":"b"}', 400, "invalid_request");
    await refused("POST", "/departments", Buffer.from('{"name":"\xff"}', "latin1"), 400, "invalid_json");
    await refused("POST", "/departments", "{}", 400);
    await refused("POST", "/departments", JSON.stringify({ name: "x".repeat(2 << 20) }), 413, "payload_too_large");
    const plain = await company.api.request("POST", "/departments", '{"name":"x"}', { "content-type": "text/plain" });
    assert.equal(plain.status, 415);
  });

  test("fields that are unknown or of another type", async () => {
    const { team, member } = person;
    for (const [path, body] of [
      ["/departments", { name: "x", budget: 5 }],
      ["/departments", { name: 5 }],
      ["/departments", { name: "" }],
      ["/departments", { name: " " }],
      ["/departments", { name: "a\nb" }],
      ["/departments", { name: "x".repeat(101) }],
      ["/teams", { department_id: company.department.id, name: "x", plan: {} }],
      ["/teams", { department_id: team.id, name: "x" }],
      ["/teams", { department_id: company.department.id, name: "x", pool_draw: "sometimes" }],
      ["/teams", { department_id: company.department.id, name: "x", addresses: ["10.0.0.0/99"] }],
      ["/teams", { department_id: company.department.id, name: "x", allotment_plan: { chunk: "-1", low_water: "0" } }],
      ["/teams", { department_id: company.department.id, name: "x", allotment_plan: { chunk: "1.0001", low_water: "0" } }],
      ["/members", { team_id: team.id, name: "x", role: "owner" }],
      ["/members", { team_id: team.id, name: "x", email: "nobody" }],
      [`/teams/${team.id}/keys`, { member_id: member.id, name: "x", secret: "sk-alf-mine" }],
      [`/teams/${team.id}/keys`, { member_id: member.id, name: "x", expires_at: "tomorrow" }],
      [`/teams/${team.id}/limits`, { subject: { type: "team" }, window: "fortnight", unit: "credits", amount: "1" }],
      [`/teams/${team.id}/limits`, { subject: { type: "all" }, window: "day", unit: "credits", amount: "1" }],
      [`/teams/${team.id}/limits`, { subject: { type: "team" }, window: "day", unit: "credits", amount: 5 }],
      [`/teams/${team.id}/limits`, { subject: { type: "team" }, window: "day", unit: "requests", amount: "5" }],
      [`/teams/${team.id}/limits`, { subject: { type: "team" }, window: "day", unit: "requests", amount: -1 }],
      [`/teams/${team.id}/limits`, { subject: { type: "team" }, window: "day", unit: "requests", amount: 1.5 }],
      [`/teams/${team.id}/limits`, { subject: { type: "team" }, window: "day", unit: "requests", amount: 1e18 }],
      [`/teams/${team.id}/limits`, { subject: { type: "team" }, kind: "rate", window: "day", unit: "requests", amount: 1 }],
      ["/providers", { name: "x", kind: "openai", base_url: "ftp://example.com", models: ["x"] }],
      ["/providers", { name: "x", kind: "openai", base_url: "http://user:pass@example.com/v1", models: ["x"] }],
      ["/providers", { name: "x", kind: "openai", models: ["x"] }],
      ["/providers", { name: "x", kind: "magic", base_url: "https://example.com", models: ["x"] }],
      ["/providers", { name: "x", kind: "openai", base_url: "https://example.com", models: ["x"], api_key: "a\nb" }],
      ["/providers", { name: "x", kind: "openai", base_url: "https://example.com", models: ["x"], headers: { "x-a": "1\r\nx-b: 2" } }],
      ["/providers", { name: "x", kind: "openai", base_url: "https://example.com", models: ["x"], headers: { "x-a": "" } }],
      ["/policies", { name: "x", setting: { kind: "allotments", most: "-1" } }],
      ["/policies", { name: "x", setting: { kind: "models", only: ["a*b"] } }],
      ["/policies", { name: "x", cedar: "", setting: { kind: "allotments", most: "1" } }],
      ["/providers", { name: "x", kind: "openai", base_url: "https://example.com", models: ["x"], header_timeout_seconds: 0 }],
      ["/providers", { name: "x", kind: "openai", base_url: "https://example.com", models: ["x"], header_timeout_seconds: 1e9 }],
    ]) {
      await refused("POST", path, body, 400);
    }
  });

  test("amounts that are none", async () => {
    const { team, member } = person;
    for (const amount of [
      "-1", "0.0001", "1.2345", "1e3", "1,5", "", " 1", "+1", "NaN", "Infinity", "0x10", "1.", ".5",
      "9223372036854775807", "9223372036854775.808", "99999999999999999999999999", 1, 1.5, null, true, ["1"], {},
    ]) {
      await refused("POST", "/allotments", { from: team.id, to: member.id, amount }, 400);
    }
    await refused("POST", "/allotments", { from: team.id, to: member.id, amount: "0" }, 400);
    for (const amount of ["1000.001", "1000000000000", "9223372036854775.807"]) {
      const { left, needed } = await refused("POST", "/allotments", { from: team.id, to: member.id, amount }, 402, "insufficient_funds");
      assert.deepEqual([left, needed], ["1000", amount]);
    }
    await refused("POST", "/allotments", { from: team.id, to: team.id, amount: "1" }, 400);
    await refused("POST", "/allotments", { from: "treasury", to: member.id, amount: "1" }, 400);
    await refused("POST", "/allotments", { from: "nowhere", to: member.id, amount: "1" }, 400);
    await refused("POST", "/organization/credits", { amount: "1" }, 403, "forbidden");
    const operator = (amount) =>
      company.operator.request("POST", "/organization/credits", { amount }, { "x-alfred-organization": company.id });
    for (const amount of ["-5", "0", "9223372036854775.807", "9223372036854775.808"]) {
      const { status, body } = await operator(amount);
      assert.ok(status === 400 || status === 409, `issue of ${amount}: ${status} ${JSON.stringify(body)}`);
    }
  });

  test("prices that are none", async () => {
    const put = (overrides) => refused("PUT", "/prices/overrides", { overrides }, 400);
    const price = (rates, more = {}) => [{ model: "m", change: { price: { rates, ...more } } }];
    await put(price({ input: "-1" }));
    await put(price({ input: 1 }));
    await put(price({ input: "1.0000000001" }));
    await put(price({ input: "100000000" }));
    await put(price({ input: "1", outptu: "1" }));
    await put(price({ output: "1" }));
    await put(price({ input: "1" }, { max_output_tokens: 0 }));
    await put([{ model: "m*n", change: { discount_basis_points: 1 } }]);
    await put([{ model: "m", change: { discount_basis_points: 10_001 } }]);
    await put([{ model: "m", change: { discount_basis_points: -1 } }]);
    await put([{ model: "m", change: {} }]);
    await put(["m", "m"].map((model) => ({ model, change: { discount_basis_points: 1 } })));
    await refused("PATCH", "/organization", { settings: { usd_per_million_credits: "0" } }, 400);
    await refused("PATCH", "/organization", { settings: { time_zone: "Mars/Base" } }, 400);
  });

  test("ids of nothing, methods and paths that do not exist", async () => {
    const none = "0".repeat(26);
    await refused("GET", `/teams/team_${none}`, undefined, 404, "not_found");
    await refused("GET", `/members/mem_${none}`, undefined, 404, "not_found");
    await refused("DELETE", `/providers/prov_${none}`, undefined, 404, "not_found");
    for (const path of ["/teams/x", `/teams/mem_${none}`, `/teams/team_${none.slice(1)}`, "/teams/%00", "/teams/..%2f"]) {
      const { status } = await company.api.request("GET", path);
      assert.ok(status === 400 || status === 404, `${path}: ${status}`);
    }
    await refused("GET", "/nothing", undefined, 404, "not_found");
    await refused("DELETE", "/departments", undefined, 405, "method_not_allowed");
    for (const query of ["limit=0", "limit=101", "limit=x", "nonsense=1"]) await refused("GET", `/teams?${query}`, undefined, 400);
    for (const key of ["", "op-wrong", "sk-alf-admin-x", `${company.api.key}x`, company.api.key.slice(0, -1)]) {
      const { status } = await new Api(alfred, key).request("GET", "/organization");
      assert.equal(status, 401, key);
    }
  });

  test("names that are taken", async () => {
    await refused("POST", "/departments", { name: company.department.name }, 409, "conflict");
    await refused("POST", "/teams", { department_id: company.department.id, name: person.team.name }, 409, "conflict");
    const { base_url, models } = company.provider;
    await refused("POST", "/providers", { name: "fake", kind: "openai", base_url, models }, 409, "conflict");
  });
});

describe("an Idempotency-Key", () => {
  const twice = async (path, body, change) => {
    const headers = { "idempotency-key": randomUUID() };
    const [first, second] = [await company.api.made(path, body, headers), await company.api.made(path, body, headers)];
    assert.deepEqual(second, first, path);
    const other = await company.api.request("POST", path, { ...body, ...change }, headers);
    assert.deepEqual([other.status, other.body.code], [409, "idempotency_conflict"], path);
    return first;
  };

  test("the same again gets the same answer, something else a conflict", async () => {
    const { team, member } = person;
    const before = await company.wallet(member);
    await twice("/departments", { name: "Once" }, { name: "Twice" });
    await twice("/teams", { department_id: company.department.id, name: "Once" }, { name: "Twice" });
    await twice("/members", { team_id: team.id, name: "Once" }, { name: "Twice" });
    await twice("/admin-keys", { name: "Once" }, { name: "Twice" });
    await twice("/allotments", { from: company.department.id, to: team.id, amount: "3" }, { amount: "4" });
    await twice("/allotments", { from: team.id, to: member.id, amount: "7.5" }, { amount: "8" });
    const limit = { subject: { type: "team" }, window: "day", unit: "requests", amount: 1000 };
    await twice(`/teams/${team.id}/limits`, limit, { amount: 5 });
    const { secret } = await twice(`/teams/${team.id}/keys`, { member_id: member.id, name: "Once" }, { name: "Twice" });
    const me = await alfred.fetch("/v1/models", { headers: { authorization: `Bearer ${secret}` } });
    assert.equal(me.status, 200, "the key of the repeated answer works");
    assert.equal(await company.wallet(member), before + 7500);
    const names = (await company.api.list("/departments")).map(({ name }) => name);
    assert.equal(names.filter((name) => name === "Once").length, 1);
    assert.ok(!names.includes("Twice"));
  });

  test("twenty at once are one", async () => {
    const { team, member } = person;
    const before = await company.wallet(member);
    const headers = { "idempotency-key": randomUUID() };
    const body = { from: team.id, to: member.id, amount: "1.001" };
    const answers = await Promise.all(Array.from({ length: 20 }, () => company.api.made("/allotments", body, headers)));
    assert.equal(new Set(answers.map(({ id }) => id)).size, 1);
    assert.equal(await company.wallet(member), before + 1001);
  });

  test("without one, the same again is another", async () => {
    const { team, member } = person;
    const before = await company.wallet(member);
    await company.allot(team.id, member.id, 1);
    await company.allot(team.id, member.id, 1);
    assert.equal(await company.wallet(member), before + 2);
  });

  test("keys that are none", async () => {
    for (const key of ["schlüssel", "x".repeat(256)]) {
      const { status, body } = await company.api.request("POST", "/departments", { name: "x" }, { "idempotency-key": key });
      assert.deepEqual([status, body.code], [400, "invalid_idempotency_key"]);
    }
  });

  test("the operator's: an organization is founded once", async () => {
    const headers = { "idempotency-key": randomUUID() };
    const found = () => company.operator.made("/organizations", { name: "Founded" }, headers);
    const [first, second] = [await found(), await found()];
    assert.deepEqual(second, first);
    const other = await company.operator.request("POST", "/organizations", { name: "Other" }, headers);
    assert.equal(other.status, 409);
    assert.equal((await new Api(alfred, first.admin_key).shown("/organization")).name, "Founded");
  });
});

describe("credits that are moved", () => {
  test("up and down the tree, to the millicredit", async () => {
    const { team, member } = person;
    const nodes = ["treasury", company.department.id, team.id, member.id];
    const start = await Promise.all(nodes.map((node) => company.balance(node)));
    for (let step = 3; step > 0; step--) await company.allot(nodes[step], nodes[step - 1], 1001);
    for (let step = 0; step < 3; step++) await company.allot(nodes[step], nodes[step + 1], 1001);
    await reconciled(company);
    assert.deepEqual(await Promise.all(nodes.map((node) => company.balance(node))), start);
  });

  test("many at once never take more than there is", async () => {
    const { team, member } = person;
    const [pool, wallet] = [await company.balance(team.id), await company.wallet(member)];
    const amount = Math.floor(pool / 10);
    const body = { from: team.id, to: member.id, amount: (amount / 1000).toFixed(3) };
    const answers = await Promise.all(Array.from({ length: 30 }, () => company.api.request("POST", "/allotments", body)));
    const done = answers.filter(({ status }) => status === 201).length;
    assert.equal(done, 10);
    assert.ok(answers.every(({ status }) => status === 201 || status === 402));
    assert.equal(await company.wallet(member), wallet + 10 * amount);
    assert.equal(await company.balance(team.id), pool - 10 * amount);
    await reconciled(company);
  });
});
