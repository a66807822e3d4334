// Serves Alfred on this machine until told to stop: Ctrl-C, SIGTERM, or the end
// of standard input (so that it never outlives the `cargo xtask` that started
// it). Writes STATE/run.json when it is ready.

import { parseArgs } from "node:util";

import { ROOT, startRuntime } from "./runtime.mjs";
import { startControl } from "./control.mjs";
import { startCrons } from "./cron.mjs";

const { values } = parseArgs({
  options: {
    build: { type: "string" },
    state: { type: "string" },
    host: { type: "string", default: "127.0.0.1" },
    port: { type: "string", default: "8787" },
    fresh: { type: "boolean", default: false },
    // KEY=VALUE, more variables for the worker
    var: { type: "string", multiple: true, default: [] },
  },
});
process.chdir(ROOT);

const runtime = await startRuntime({
  build: values.build,
  state: values.state,
  host: values.host,
  port: Number(values.port),
  env: Object.fromEntries(values.var.map((pair) => [pair.split("=", 1)[0], pair.slice(pair.indexOf("=") + 1)])),
  devVars: true,
  fresh: values.fresh,
}).catch((error) => {
  console.error(`error: ${error.message}`);
  process.exit(1);
});
runtime.onUnexpectedExit(() => {
  console.error("error: workerd ended by itself; its last words are above");
  process.exit(1);
});
for (const name of runtime.migrations) console.log(`  migrated D1: ${name}`);
runtime.noteRun(await startControl(runtime));
const run = (cron, at) =>
  runtime.scheduled(cron, at).catch((error) => console.error(`cron \`${cron}\` failed: ${error.message}`));
startCrons(runtime.crons, run);
// Alarms and queues of this machine do not outlive a crash: what D1 lacks comes
// now, and not minutes later.
for (const cron of runtime.crons) run(cron, new Date());

let stopping = false;
async function stop() {
  if (stopping) return;
  stopping = true;
  await runtime.stop();
  process.exit(0);
}
process.on("SIGINT", stop);
process.on("SIGTERM", stop);
process.stdin.on("end", stop).resume();
