// What is served under /v1 and what is not, in OpenAI's form.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { startAlfred } from "./harness.mjs";
import { call, chat } from "./lib/call.mjs";
import { found } from "./lib/company.mjs";
import { startProvider } from "./lib/provider.mjs";

let alfred, provider, company, secret;
before(async () => {
  [alfred, provider] = await Promise.all([startAlfred(), startProvider()]);
  company = await found(alfred, { provider });
  ({ secret } = await company.addPerson({ wallet: 100_000_000 }));
});
after(() => Promise.all([alfred?.stop(), provider?.stop()]));

async function request(method, path, headers = {}) {
  const response = await alfred.fetch(path, { method, headers: { authorization: `Bearer ${secret}`, ...headers } });
  const text = await response.text();
  return { status: response.status, headers: response.headers, text, error: text.startsWith("{") ? JSON.parse(text).error : undefined };
}

test("paths that do not exist", async () => {
  for (const path of ["/v1", "/v1/", "/v1/nothing", "/v1/images/generations", "/v1/responses", "/v1/chat", "/v1//chat/completions"]) {
    for (const method of ["GET", "POST", "DELETE"]) {
      const { status, error } = await request(method, path);
      assert.deepEqual([status, error?.code, error?.type], [404, "unknown_url", "invalid_request_error"], `${method} ${path}`);
      assert.deepEqual(Object.keys(error).sort(), ["code", "message", "param", "type"]);
    }
  }
});

test("methods that do not exist", async () => {
  for (const [method, path, allow] of [
    ["GET", "/v1/chat/completions", "POST"],
    ["PUT", "/v1/chat/completions", "POST"],
    ["DELETE", "/v1/embeddings", "POST"],
    ["POST", "/v1/models", "GET"],
    ["PATCH", "/v1/models", "GET"],
  ]) {
    const { status, headers, error } = await request(method, path);
    assert.deepEqual([status, error?.code], [405, "method_not_allowed"], `${method} ${path}`);
    assert.equal(headers.get("allow"), allow);
  }
});

test("whoever leaves out /v1 is told, and every answer has its name", async () => {
  for (const path of ["/chat/completions", "/embeddings", "/models"]) {
    const { status, headers, error } = await request("POST", path);
    assert.deepEqual([status, error?.code], [404, "unknown_url"], path);
    assert.match(error.message, /must end with `\/v1`/);
    assert.match(headers.get("x-request-id"), /^req_/);
    assert.equal(headers.get("x-alfred-request-id"), headers.get("x-request-id"));
  }
  const { headers } = await request("GET", "/v1/models");
  assert.match(headers.get("x-request-id"), /^req_/);
});

test("a slash at the end and a query change nothing", async () => {
  for (const path of ["/v1/chat/completions/", "/v1/chat/completions?beta=true"]) {
    assert.equal((await call(alfred, secret, chat(), { path })).status, 200, path);
  }
  assert.equal((await request("GET", "/v1/models/")).status, 200);
});

test("models have their price in credits", async () => {
  await company.api.made("/providers", { name: "demo", kind: "demo", models: ["demo-*"] });
  const response = await alfred.fetch("/v1/models/demo-small", { headers: { authorization: `Bearer ${secret}` } });
  const { id, object, owned_by, alfred: more } = await response.json();
  assert.deepEqual([id, object, owned_by], ["demo-small", "model", "demo"]);
  assert.equal(more.credits_per_million_tokens.input, "150000");
  assert.equal(more.credits_per_million_tokens.output, "600000");
});

test("models with a slash or odd letters in their name", async () => {
  const models = ["org/model:free", "модель"];
  await company.api.made("/providers", { name: "odd", kind: "openai", base_url: provider.baseUrl, models });
  await company.api.changed("PATCH", "/prices/overrides", {
    set: models.map((model) => ({ provider: "odd", model, change: { price: { rates: { input: "1", output: "1" } } } })),
  });
  for (const model of models) {
    for (const path of [`/v1/models/${encodeURIComponent(model)}`, `/v1/models/${encodeURI(model)}`]) {
      const response = await alfred.fetch(path, { headers: { authorization: `Bearer ${secret}` } });
      assert.equal(response.status, 200, path);
      assert.equal((await response.json()).id, model);
    }
    assert.equal((await call(alfred, secret, chat({ model }))).status, 200, model);
  }
  const { status } = await request("GET", "/v1/models/%E0%A4%A");
  assert.ok(status < 500, `${status}`);
});
