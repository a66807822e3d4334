// Changes of prices and providers bite on the next call, also with calls in
// flight, which keep the price that they began with.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { eventually, startAlfred } from "./harness.mjs";
import { call, chat, planned } from "./lib/call.mjs";
import { found } from "./lib/company.mjs";
import { callEnd, reconciled } from "./lib/ledger.mjs";
import { cost } from "./lib/money.mjs";
import { startProvider } from "./lib/provider.mjs";

let alfred, provider, another, company, person;
before(async () => {
  [alfred, provider, another] = await Promise.all([startAlfred(), startProvider(), startProvider("--api-key", "sk-upstream")]);
  company = await found(alfred, { provider });
  person = await company.addPerson({ wallet: 1_000_000_000 });
});
after(() => Promise.all([alfred?.stop(), provider?.stop(), another?.stop()]));

const question = planned({ input: 10, tokens: 10 });
const ask = (body = question) => call(alfred, person.secret, body);
const price = (input, output) => company.price([{ provider: "fake", model: "*", change: { price: { rates: { input, output } } } }]);

test("every price holds from the next call on", async () => {
  for (let round = 1; round <= 20; round++) {
    await price(String(round), String(2 * round));
    const answer = await ask();
    assert.equal(answer.status, 200, answer.text);
    assert.equal(answer.cost, round * cost(10, 10), `round ${round}`);
  }
  await price("0.000001", "0.0000005");
  // A price below a millicredit is rounded up, never to nothing.
  assert.equal((await ask()).cost, 1);
  await company.price([{ provider: "fake", model: "*", change: { discount_basis_points: 10_000 } }]);
  const unpriced = await ask();
  assert.deepEqual([unpriced.status, unpriced.body.error.code], [403, "model_not_priced"]);
  await price("1", "2");
  assert.equal((await ask()).cost, cost(10, 10));
});

test("calls in flight keep the price that they began with", async () => {
  await provider.reset();
  const slow = planned({ input: 10, tokens: 10, delay_headers_ms: 1500 });
  const inFlight = Array.from({ length: 20 }, () => ask(slow));
  await eventually(async () => (await provider.totals()).open === 20);
  await price("5", "10");
  const after_ = await ask();
  assert.equal((await provider.totals()).open, 20, "the others are still in flight");
  assert.equal(after_.cost, 5 * cost(10, 10));
  for (const answer of await Promise.all(inFlight)) assert.equal(answer.cost, cost(10, 10));
  await price("1", "2");
  await reconciled(company);
});

test("prices that change under load: each call has one or the other", async () => {
  const costs = new Set();
  let going = true;
  const load = Array.from({ length: 8 }, async () => {
    while (going) {
      const answer = await ask();
      assert.equal(answer.status, 200, answer.text);
      costs.add(answer.cost / cost(10, 10));
    }
  });
  for (let round = 1; round <= 10; round++) {
    await price(String(round), String(2 * round));
    assert.equal((await ask()).cost, round * cost(10, 10));
  }
  going = false;
  await Promise.all(load);
  assert.ok([...costs].every((factor) => Number.isInteger(factor) && factor >= 1 && factor <= 10), [...costs].join());
  await price("1", "2");
  await reconciled(company);
});

test("a model's first price and provider", async () => {
  const company = await found(alfred);
  const { secret } = await company.addPerson({ wallet: 1_000_000_000 });
  const ask = (model) => call(alfred, secret, chat({ model }));
  const models = async () => {
    const response = await alfred.fetch("/v1/models", { headers: { authorization: `Bearer ${secret}` } });
    return (await response.json()).data.map(({ id }) => id);
  };
  const unknown = await ask("in-house-1");
  assert.deepEqual([unknown.status, unknown.body.error.code], [404, "model_not_found"]);
  assert.deepEqual(await models(), []);
  const made = await company.api.made("/providers", { name: "house", kind: "openai", base_url: provider.baseUrl, models: ["in-house-1"] });
  const unpriced = await ask("in-house-1");
  assert.deepEqual([unpriced.status, unpriced.body.error.code], [403, "model_not_priced"]);
  await company.price([{ model: "in-house-1", change: { price: { rates: { input: "1", output: "2" } } } }]);
  assert.equal((await ask("in-house-1")).status, 200);
  assert.deepEqual(await models(), ["in-house-1"]);
  await company.api.changed("PATCH", `/providers/${made.id}`, { models: ["in-house-2"] });
  assert.equal((await ask("in-house-1")).status, 404);
  const { status } = await company.api.request("DELETE", `/providers/${made.id}`);
  assert.equal(status, 204);
  assert.equal((await ask("in-house-2")).status, 404);
  assert.deepEqual(await models(), []);
});

test("another address, key and headers for a provider", async () => {
  const { id } = company.provider;
  await company.api.changed("PATCH", `/providers/${id}`, {
    base_url: another.baseUrl,
    api_key: "sk-upstream",
    headers: { "x-project": "alpha" },
  });
  const before = await provider.totals();
  assert.equal((await ask()).status, 200);
  const { headers } = await another.lastRequest();
  assert.equal(headers.authorization, "Bearer sk-upstream");
  assert.equal(headers["x-project"], "alpha");
  assert.deepEqual(await provider.totals(), before);
  const shown = JSON.stringify(await company.api.shown(`/providers/${id}`));
  assert.ok(!shown.includes("sk-upstream"), "a key was shown");
  await company.api.changed("PATCH", `/providers/${id}`, { api_key: "sk-wrong" });
  const wrong = await ask();
  assert.deepEqual([wrong.status, wrong.body.error.code], [502, "provider_misconfigured"]);
  assert.ok(!wrong.text.includes("sk-wrong"));
  await company.api.changed("PATCH", `/providers/${id}`, { base_url: provider.baseUrl, api_key: "sk-other" });
  assert.equal((await ask()).status, 200);
  assert.equal((await provider.lastRequest()).headers.authorization, "Bearer sk-other");
});

test("a beginning with a slash says who serves, and the older limit's name", async () => {
  const groq = await company.api.made("/providers", {
    name: "groq",
    kind: "openai",
    base_url: provider.baseUrl,
    models: ["groq/*"],
    limit_field: "max_tokens",
  });
  await company.api.changed("PATCH", "/prices/overrides", {
    set: [{ provider: "groq", model: "*", change: { price: { rates: { input: "3", output: "3" } } } }],
  });
  const answer = await ask({ ...question, model: "groq/llama-x" });
  assert.equal(answer.cost, 3 * 20 * 1000);
  const { body } = await provider.lastRequest();
  assert.deepEqual([body.model, body.max_tokens, body.max_completion_tokens], ["llama-x", 16, undefined]);
  const end = await callEnd(company, answer.request);
  assert.deepEqual([end.record.model, end.record.provider], ["groq/llama-x", "groq"]);
  assert.equal((await company.api.request("DELETE", `/providers/${groq.id}`)).status, 204);
});

test("another worth of a credit", async () => {
  await company.api.changed("PATCH", "/organization", { settings: { usd_per_million_credits: "2" } });
  assert.equal((await ask()).cost, cost(10, 10) / 2);
  await company.api.changed("PATCH", "/organization", { settings: { usd_per_million_credits: "1" } });
  assert.equal((await ask()).cost, cost(10, 10));
});

test("in the end all of it is in the ledger", () => reconciled(company));
