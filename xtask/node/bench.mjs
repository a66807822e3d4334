// What `cargo xtask bench` measures: Alfred, a bare pass-through, and one that
// asks an object first, each in a workerd of its own behind the same kind of
// socket. Standard output says in
// one line of JSON where they are; then each line on standard input asks
// something (VERBS), and one line answers. Ends with standard input.

import { createInterface } from "node:readline";
import { join } from "node:path";
import { parseArgs } from "node:util";

import { ROOT, startRuntime } from "./runtime.mjs";
import { latestWorkerd } from "./workerd.mjs";

const { Miniflare } = await import("miniflare");

const { values } = parseArgs({
  options: {
    build: { type: "string" },
    state: { type: "string" },
    // Where the pass-through sends calls, and the header that it sends there.
    upstream: { type: "string" },
    authorization: { type: "string" },
  },
});

const VERBS = {
  /** Rows of D1. `{"sql": "SELECT …", "parameters": []}` */
  query: ({ sql, parameters = [] }) => alfred.query(sql, ...parameters),
  /** An actor's answer to a command. `{"binding": "TEAM", "name": "team_…", "command": {…}}` */
  actor: ({ binding, name, command }) => alfred.actor(binding, name, command),
};

// Standard output is for answers.
console.log = console.error;
process.chdir(ROOT);

let said = 0;
const alfred = await startRuntime({
  build: values.build,
  state: values.state,
  // The companies are made by one caller, as fast as it goes.
  env: { KEY_REQUESTS_A_MINUTE: "0" },
  // A worker that complains at every call must not drown what is said of it.
  onLog: (line) => ++said <= 20 && console.error(`  alfred: ${line}`),
});
const passthrough = await startReference("passthrough.mjs", {});
const oneObject = await startReference("one-object.mjs", {
  defaultPersistRoot: `${values.state}-one-object`,
  durableObjects: { OBJECT: { className: "OneObject", useSQLite: true } },
});

say({
  alfred: alfred.url,
  passthrough: passthrough.url,
  one_object: oneObject.url,
  operator_key: alfred.secrets.OPERATOR_KEY,
  alfred_pid: alfred.workerdPid,
  passthrough_pid: passthrough.pid,
  one_object_pid: oneObject.pid,
});

for await (const line of createInterface({ input: process.stdin })) {
  const { verb, ...options } = JSON.parse(line);
  await VERBS[verb](options).then(
    (ok) => say({ ok }),
    (error) => say({ error: error.message }),
  );
}
await Promise.all([alfred.stop(), passthrough.miniflare.dispose(), oneObject.miniflare.dispose()]);
process.exit(0);

/** Starts a worker to compare with. */
async function startReference(file, { defaultPersistRoot, ...more }) {
  const modulesRoot = join(ROOT, "tests/end-to-end");
  const files = file === "passthrough.mjs" ? [file] : [file, "passthrough.mjs"];
  const miniflare = new Miniflare({
    cf: false,
    host: "127.0.0.1",
    port: 0,
    defaultPersistRoot,
    workers: [
      {
        name: "reference",
        modulesRoot,
        modules: files.map((name) => ({ type: "ESModule", path: join(modulesRoot, name) })),
        compatibilityDate: alfred.compatibilityDate,
        bindings: { UPSTREAM: values.upstream, AUTHORIZATION: values.authorization },
        unsafeDirectSockets: [{ host: "127.0.0.1", port: 0 }],
        ...more,
      },
    ],
  });
  await miniflare.ready;
  return { miniflare, url: (await miniflare.unsafeGetDirectURL("reference")).origin, pid: latestWorkerd().pid };
}

function say(value) {
  process.stdout.write(`${JSON.stringify(value)}\n`);
}
