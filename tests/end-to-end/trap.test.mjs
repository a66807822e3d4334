// The Rust program dies, by a panic or any other trap, in the middle of
// whatever it does: calls in flight fail, a new instance takes over without a
// restart of the runtime, and the books are right.

import assert from "node:assert/strict";
import { cpSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";

import { builtWorker, eventually, startAlfred, temporaryFolder } from "./harness.mjs";
import { call, chat, planned } from "./lib/call.mjs";
import { found } from "./lib/company.mjs";
import { reconciled } from "./lib/ledger.mjs";
import { startProvider } from "./lib/provider.mjs";

const WALLET = 50_000_000;
const LEASE_MS = 120_000;

/** Around each built script: after so many more looks at the clock, Rust's next one traps. */
const CLOCK = `
const now = Date.now;
let left = -1;
Date.now = () => {
  if (left >= 0 && left-- === 0) throw new WebAssembly.RuntimeError("unreachable");
  return now();
};
/** What "/trap?after=N" orders, if it is that. */
const isTrap = ({ url }) => new URL(url).pathname === "/trap";
const spring = ({ url }) => (left = Number(new URL(url).searchParams.get("after")), new Response());
`;
const TRAPS = {
  edge: `
import script from "./script.js";
${CLOCK}
export default {
  async fetch(request, env, context) {
    if (!isTrap(request)) return script.fetch(request, env, context);
    switch (new URL(request.url).searchParams.get("in")) {
      case "management": return env.MANAGEMENT.fetch(request);
      case "actors": return env.TEAM.get(env.TEAM.idFromName("trap")).fetch(request);
      default: return spring(request);
    }
  },
};
`,
  management: `
import script from "./script.js";
${CLOCK}
export default {
  ...script,
  fetch: (request, env, context) => (isTrap(request) ? spring(request) : script.fetch(request, env, context)),
};
`,
  // Nobody can ask it: a cron of its own orders it.
  background: `
import script from "./script.js";
${CLOCK}
export default {
  ...script,
  scheduled: (event, env, context) =>
    event.cron.startsWith("trap ") ? void (left = Number(event.cron.slice(5))) : script.scheduled(event, env, context),
};
`,
  actors: `
import script, * as actors from "./script.js";
${CLOCK}
export class TeamActor extends actors.TeamActor {
  fetch(request) {
    return isTrap(request) ? spring(request) : super.fetch(request);
  }
}
export class OrganizationActor extends actors.OrganizationActor {}
export default script;
`,
};
const SCRIPTS = Object.keys(TRAPS);

const build = temporaryFolder();
let alfred, provider, company;
before(async () => {
  cpSync(builtWorker(), build, { recursive: true });
  for (const script of SCRIPTS) {
    renameSync(join(build, script, "index.js"), join(build, script, "script.js"));
    writeFileSync(join(build, script, "index.js"), TRAPS[script]);
  }
  [alfred, provider] = await Promise.all([startAlfred({ build }), startProvider("--keep-calls", "100000")]);
  company = await found(alfred, { provider });
});
after(async () => {
  await Promise.all([alfred?.stop(), provider?.stop()]);
  rmSync(build, { recursive: true, force: true });
});

/** Lets a script's next look at the clock but `after` trap; -1 for none. */
async function trap(script, after) {
  if (script === "background") return void (await alfred.scheduled(`trap ${after}`));
  assert.equal((await alfred.fetch(`/trap?in=${script}&after=${after}`)).status, 200);
}

test("a call whose program dies gets an answer at once", async () => {
  const person = await company.addPerson({ wallet: WALLET });
  const statuses = [];
  for (let after = 0; after < 12; after++) {
    await trap("edge", after);
    const started = Date.now();
    const { status, headers, body } = await call(alfred, person.secret, planned({ delay_headers_ms: 5 }));
    // Or the runtime answers by itself, and says nothing.
    if (body) assert.equal(headers.get("x-content-type-options"), "nosniff");
    assert.ok(Date.now() - started < 2000, `trap ${after}: after ${Date.now() - started} ms`);
    statuses.push(status);
  }
  await trap("edge", -1);
  assert.ok(statuses.includes(500), `${statuses}`);
  assert.equal((await call(alfred, person.secret, chat())).status, 200);
});

test("what died answers as what lives does", async () => {
  const { components } = await (await alfred.fetch("/api/v1/openapi.json")).json();
  const documented = components.responses.internal.content["application/problem+json"].example;
  const problem = await died("management", "/api/v1/organization");
  assert.equal(problem.kind, "application/problem+json");
  assert.deepEqual({ ...problem.body, detail: documented.detail }, documented);

  for (const path of ["/v1/models", "/models"]) {
    const { kind, body } = await died("edge", path);
    assert.equal(kind, "application/json");
    assert.deepEqual({ ...body.error, message: "" }, { message: "", type: "server_error", param: null, code: "internal_error" });
  }
});

/** What is answered when a script's program dies in the middle of this request. */
async function died(script, path) {
  for (let after = 0; after < 12; after++) {
    await trap(script, after);
    const response = await alfred.fetch(path, { headers: { authorization: `Bearer ${company.api.key}` } });
    const text = await response.text();
    await trap(script, -1);
    if (text.includes("started anew")) {
      assert.equal(response.status, 500);
      return { kind: response.headers.get("content-type"), body: JSON.parse(text) };
    }
  }
  assert.fail(`${path} did not die`);
}

test("traps under load lose and double nothing", { timeout: 300_000 }, async () => {
  const people = [await company.addPerson({ wallet: WALLET }), await company.addPerson({ wallet: 0, pool: WALLET })];
  const answers = new Map();
  let broken = 0;
  const one = async (lane) => {
    const { secret } = people[lane % people.length];
    const body = lane % 3 === 0 ? chat({ stream: true }) : planned({ delay_headers_ms: lane % 20 });
    try {
      const answer = await call(alfred, secret, body, { signal: AbortSignal.timeout(5000) });
      if (answer.status === 200) return void answers.set(answer.request, answer.cost);
    } catch {}
    broken++;
  };
  for (let round = 0; round < 60; round++) {
    await trap(SCRIPTS[round % SCRIPTS.length], Math.floor(round / 2));
    await Promise.all(Array.from({ length: 8 }, (_, lane) => one(lane + round)));
    await eventually(async () => (await call(alfred, people[round % 2].secret, chat())).status === 200, { within: 5000 });
  }
  for (const script of SCRIPTS) await trap(script, -1);
  const died = alfred.logs.filter((line) => line.includes("started anew")).length;
  assert.ok(died >= 20, `it died ${died} times: the traps were not sprung`);
  assert.ok(broken > 0, "the traps broke nothing: there was no load");

  const { calls } = await reconciled(company, { within: LEASE_MS + 30_000 });
  for (const [request, cost] of answers) {
    const end = calls.get(request);
    assert.ok(end, `call ${request} was answered and is not in the ledger`);
    if (cost !== undefined && !end.kinds.includes("expire")) assert.equal(end.charged, cost);
  }
  console.log(`    died ${died} times, ${answers.size} answers, ${broken} broken, ${calls.size} calls in the ledger`);
});
