// What protects answers in browsers: headers on every answer of the worker, and
// nothing that opens it to pages of another origin.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { PAGE_POLICY, sealed } from "../../workers/edge/src/headers.mjs";
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

/** One answer of each kind: `method path`, its status, and by whose key. */
const KINDS = [
  ["GET /healthz", 200],
  ["GET /", 404],
  ["GET /api/v1", 200],
  ["GET /api/v1/organization", 200, () => company.api.key],
  ["GET /api/v1/organization", 401],
  ["GET /api/v1/organizations", 403, () => company.api.key],
  ["GET /api/v1/teams/x", 404, () => company.api.key],
  ["PUT /api/v1/teams", 405],
  ["POST /api/v1/teams", 415, () => company.api.key],
  ["GET /api/v1/audit/export", 200, () => company.api.key],
  ["GET /api/v1/me", 200, () => secret],
  ["GET /metrics", 200, () => alfred.operatorKey],
  ["GET /v1/models", 200, () => secret],
  ["GET /v1/models", 401],
  ["GET /v1/nothing", 404],
  ["GET /v1/chat/completions", 405],
];

async function ask(kind, key, headers = {}) {
  const [method, path] = kind.split(" ");
  const response = await alfred.fetch(path, {
    method,
    headers: { ...(key && { authorization: `Bearer ${key}` }), ...headers },
    body: method === "POST" ? "x" : undefined,
  });
  await response.text();
  return response;
}

const calls = () =>
  Promise.all([
    call(alfred, secret, chat()),
    call(alfred, secret, chat({ stream: true })),
    call(alfred, secret, chat({ model: "" })),
    call(alfred, "sk-x", chat()),
  ]);

test("every answer is protected", async () => {
  const answers = (await calls()).map((answer) => ["a call", answer]);
  for (const [kind, status, key] of KINDS) {
    const answer = await ask(kind, key?.());
    assert.equal(answer.status, status, kind);
    answers.push([kind, answer]);
  }
  for (const [kind, { headers }] of answers) {
    const protection = {
      "x-content-type-options": "nosniff",
      "referrer-policy": "no-referrer",
      "cross-origin-resource-policy": "same-origin",
      "x-frame-options": "DENY",
      "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
      "cache-control": "no-store",
      // Of no use over http, and in the way on somebody's own machine.
      "strict-transport-security": null,
    };
    for (const [name, value] of Object.entries(protection)) assert.equal(headers.get(name), value, `${kind}: ${name}`);
  }
});

test("the OpenAPI document is everybody's, and may be kept", async () => {
  const { headers } = await ask("GET /api/v1/openapi.json");
  assert.equal(headers.get("cache-control"), "public, max-age=300");
  assert.equal(headers.get("x-content-type-options"), "nosniff");
});

test("browsers that came by https come by it again", () => {
  const { headers } = sealed(new Response(), "https://alfred.example/v1/models");
  assert.equal(headers.get("strict-transport-security"), "max-age=31536000");
});

test("a page runs nothing but its own files", () => {
  const page = (headers) => sealed(new Response("", { headers: { "content-type": "text/html; charset=utf-8", ...headers } }), "http://x/");
  assert.equal(page().headers.get("content-security-policy"), PAGE_POLICY);
  assert.equal(page().headers.get("cross-origin-opener-policy"), "same-origin");
  assert.match(PAGE_POLICY, /default-src 'none'; script-src 'self';/);
  assert.doesNotMatch(PAGE_POLICY, /unsafe|\*|https?:/);
  // A page may be stricter, and a file that never changes may be kept.
  assert.equal(page({ "content-security-policy": "sandbox" }).headers.get("content-security-policy"), "sandbox");
  assert.equal(page({ "cache-control": "public" }).headers.get("cache-control"), "public");
});

test("an answer whose headers cannot be changed is protected too", async () => {
  const fetched = await fetch("data:application/json,1");
  assert.throws(() => fetched.headers.set("x-frame-options", "DENY"));
  const answer = sealed(fetched, "http://x/");
  assert.equal(answer.headers.get("x-frame-options"), "DENY");
  assert.equal(await answer.text(), "1");
});

test("no route takes a body that is too long", async () => {
  const long = new Uint8Array((1 << 20) + 1).fill(32);
  // Announced, and not.
  const bodies = [() => long, () => new Blob([long]).stream()];
  for (const [method, path] of [
    ["POST", "/teams"],
    ["PATCH", "/organization"],
    ["PUT", "/prices/overrides"],
    ["POST", "/nothing"],
    ["DELETE", `/providers/${company.provider.id}`],
  ]) {
    for (const body of method === "DELETE" || path === "/nothing" ? bodies.slice(0, 1) : bodies) {
      const response = await alfred.fetch(`/api/v1${path}`, {
        method,
        headers: { authorization: `Bearer ${company.api.key}`, "content-type": "application/json" },
        body: body(),
        duplex: "half",
      });
      assert.deepEqual([response.status, (await response.json()).code], [413, "payload_too_large"], `${method} ${path}`);
    }
  }
  assert.equal((await ask(`GET /api/v1/providers/${company.provider.id}`, company.api.key)).status, 200);
});

test("no page of another origin may read or send anything", async () => {
  const origin = { origin: "https://evil.example" };
  const preflight = {
    ...origin,
    "access-control-request-method": "POST",
    "access-control-request-headers": "authorization, content-type",
  };
  const answers = await calls();
  for (const path of ["/v1/chat/completions", "/v1/models", "/api/v1/teams", "/api/v1/organization", "/healthz"]) {
    const answer = await ask(`OPTIONS ${path}`, undefined, preflight);
    assert.equal(answer.status, 405, path);
    assert.ok(answer.headers.get("allow"), path);
    answers.push(answer);
  }
  for (const [kind, , key] of KINDS) answers.push(await ask(kind, key?.(), origin));
  for (const { url, headers } of answers) {
    assert.deepEqual([...headers.keys()].filter((name) => name.startsWith("access-control-")), [], url);
  }
});
