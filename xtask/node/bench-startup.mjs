// How long each script takes to start: a fresh workerd to its first answer, with
// one of Alfred's scripts and with none, beside others that do nothing, on the
// same bindings. The difference is the script's: read, compiled, instantiated,
// first called. Says in one line of JSON what each round took, in milliseconds.

import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";

import { ROOT, startRuntime } from "./runtime.mjs";

const { values } = parseArgs({
  options: {
    build: { type: "string" },
    state: { type: "string" },
    rounds: { type: "string", default: "5" },
  },
});
process.chdir(ROOT);
console.log = console.error;

const ACTORS = `export class TeamActor extends DurableObject { fetch() { return new Response("ok"); } }
export class OrganizationActor extends DurableObject {}`;
// Asks both others, as the first call of all would.
const ASK = `async fetch(request, env) {
  const actor = env.TEAM.get(env.TEAM.idFromName("nobody"));
  const asked = [env.MANAGEMENT.fetch("http://management/healthz"), actor.fetch("http://actor/", { method: "POST" })];
  for (const response of await Promise.all(asked)) await response.text();
  return new Response("ok");
}`;
const OK = `fetch: () => new Response("ok")`;
// Nobody asks it: what it takes is what a start does with it unasked.
const QUIET = `queue() {}, scheduled() {}`;
const NOTHING = { actors: [ACTORS, OK], background: ["", QUIET], management: ["", OK], edge: ["", ASK] };
const module = ([more, handlers]) => `import { DurableObject } from "cloudflare:workers";
import module from "./index_bg.wasm";
${more}
export default { ${handlers} };
`;
// The smallest module that there is.
const EMPTY_WASM = Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0);

const SCRIPTS = Object.keys(NOTHING);
const folder = mkdtempSync(join(tmpdir(), "alfred-nothing-"));
const builds = ["nothing", ...SCRIPTS].map((name) => [name, compose(name)]);

const rounds = Object.fromEntries(builds.map(([name]) => [name, []]));
// The first of each only warms the disk's cache.
for (let round = -1; round < Number(values.rounds); round += 1) {
  for (const [name, build] of builds) {
    const time = await firstAnswer(build, join(values.state, name));
    if (round >= 0) rounds[name].push(time);
  }
}
rmSync(folder, { recursive: true });
process.stdout.write(`${JSON.stringify(rounds)}\n`);
process.exit(0);

/** A build with just one of Alfred's scripts. */
function compose(real) {
  const build = join(folder, real);
  for (const script of SCRIPTS) {
    const own = join(build, script);
    if (script === real) {
      cpSync(join(values.build, script), own, { recursive: true });
      continue;
    }
    mkdirSync(own, { recursive: true });
    writeFileSync(join(own, "index.js"), module(NOTHING[script]));
    writeFileSync(join(own, "index_bg.wasm"), EMPTY_WASM);
  }
  return build;
}

async function firstAnswer(build, state) {
  const begun = performance.now();
  const runtime = await startRuntime({ build, state, onLog: (line) => console.error(`  ${line}`) });
  const response = await fetch(`${runtime.url}/v1/`, { headers: { connection: "close" } });
  await response.text();
  const time = performance.now() - begun;
  await runtime.stop();
  // There is nothing at that path.
  if (![200, 404].includes(response.status)) throw new Error(`/v1/ answered ${response.status}`);
  return time;
}
