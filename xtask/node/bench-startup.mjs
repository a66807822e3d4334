// How long a script takes to start: a fresh workerd to its first answer, with
// Alfred's script and with one that does nothing, on the same bindings. The
// difference is the script's: read, compiled, instantiated, first called. Says
// in one line of JSON what each round took, in milliseconds.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
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

const NOTHING = `import { DurableObject } from "cloudflare:workers";
import module from "./index_bg.wasm";
export class TeamActor extends DurableObject {}
export class OrganizationActor extends DurableObject {}
export default { fetch: () => new Response("ok"), queue() {}, scheduled() {} };
`;
// The smallest module that there is.
const EMPTY_WASM = Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0);

const nothing = mkdtempSync(join(tmpdir(), "alfred-nothing-"));
writeFileSync(join(nothing, "index.js"), NOTHING);
writeFileSync(join(nothing, "index_bg.wasm"), EMPTY_WASM);

const rounds = { alfred: [], nothing: [] };
// The first of each only warms the disk's cache.
for (let round = -1; round < Number(values.rounds); round += 1) {
  for (const [name, build] of [["nothing", nothing], ["alfred", values.build]]) {
    const time = await firstAnswer(build, join(values.state, name));
    if (round >= 0) rounds[name].push(time);
  }
}
rmSync(nothing, { recursive: true });
process.stdout.write(`${JSON.stringify(rounds)}\n`);
process.exit(0);

async function firstAnswer(build, state) {
  const begun = performance.now();
  const runtime = await startRuntime({ build, state, onLog: (line) => console.error(`  ${line}`) });
  const response = await fetch(`${runtime.url}/healthz`, { headers: { connection: "close" } });
  await response.text();
  const time = performance.now() - begun;
  await runtime.stop();
  if (response.status !== 200) throw new Error(`/healthz answered ${response.status}`);
  return time;
}
