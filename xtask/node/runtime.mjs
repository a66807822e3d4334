// Alfred in workerd, the runtime that production uses, with everything that
// lasts under one state folder:
//
//   secrets.json   the local secrets
//   run.json       who is running: process ids, addresses
//   v3/            D1, Durable Objects: the layout of `wrangler --persist-to`

import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { once } from "node:events";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

import { isAlive, isWorkerdOf, latestWorkerd, markEnvironment } from "./workerd.mjs";
import { Companion } from "./companion.mjs";
import { applyMigrations } from "./migrations.mjs";
import { loadSecrets } from "./secrets.mjs";
import { readSettings } from "./settings.mjs";

const { Log, LogLevel, Miniflare } = await import("miniflare");

/** The root of the workspace. */
export const ROOT = fileURLToPath(new URL("../../", import.meta.url));

/**
 * Starts Alfred.
 *
 * @param {object} options
 * @param {string} options.state the state folder; made if missing
 * @param {string} options.build the folder with a folder for each script: `index.js` and the modules that it imports
 * @param {string} [options.host]
 * @param {number} [options.port] 0 picks a free one and keeps it over restarts
 * @param {Record<string, string>} [options.env] more variables for the scripts
 * @param {boolean} [options.devVars] also take `.dev.vars`
 * @param {boolean} [options.fresh] forget the old state first
 * @param {number} [options.twins] so many isolates more, before the same objects and databases
 * @param {(line: string) => void} [options.onLog] takes what the scripts log,
 *   which otherwise goes to this process's own output
 * @returns {Promise<Runtime>}
 */
export async function startRuntime(options) {
  const state = resolve(options.state);
  refuseSecondRuntime(state);
  if (options.fresh) forget(state);
  mkdirSync(state, { recursive: true, mode: 0o700 });
  markEnvironment(state);
  const settings = readSettings(ROOT, { devVars: options.devVars ?? false });
  const runtime = new Runtime({ host: "127.0.0.1", port: 0, env: {}, ...options, state, settings });
  await runtime.start();
  return runtime;
}

function refuseSecondRuntime(state) {
  const path = join(state, "run.json");
  if (!existsSync(path)) return;
  const { pid, workerd_pid: workerd } = JSON.parse(readFileSync(path, "utf8"));
  if (pid !== process.pid && isAlive(pid)) {
    throw new Error(`process ${pid} already runs on the state in ${state}; stop it, or delete ${path} if that is not so`);
  }
  if (isAlive(workerd) && isWorkerdOf(workerd, state)) process.kill(workerd, "SIGKILL");
  rmSync(path);
}

/** Removes a state folder. One that Alfred did not make stays. */
function forget(state) {
  if (!existsSync(state)) return;
  if (!existsSync(join(state, "secrets.json")) && readdirSync(state).length > 0) {
    throw new Error(`${state} does not look like a state folder; remove it yourself`);
  }
  rmSync(state, { recursive: true });
}

/** A running Alfred. Started by `startRuntime`. */
export class Runtime {
  #options;
  #companion = new Companion();
  #miniflare;
  #workerd;
  #onUnexpectedExit = () => {};

  constructor(options) {
    this.#options = options;
  }

  /** Starts it again after `kill` or `stop`, on the same state and port. */
  async start() {
    this.#miniflare = new Miniflare(miniflareOptions(this.#options, this.#companion));
    await soon("workerd's start", this.#miniflare.ready);
    await this.#companion.found(this.#miniflare);
    this.#workerd = latestWorkerd();
    this.#workerd.once("exit", () => this.#workerd && this.#onUnexpectedExit());
    const { name } = this.#options.settings.edge;
    const url = await this.#miniflare.unsafeGetDirectURL(name);
    this.#options.port = Number(url.port);
    /** Where the API listens, without a slash at the end. */
    this.url = url.origin;
    const twins = Array.from({ length: this.#options.twins ?? 0 }, (_, place) => twinName(name, place));
    const urls = await Promise.all(twins.map((name) => this.#miniflare.unsafeGetDirectURL(name)));
    /** Where the isolates beside the first listen. */
    this.twins = urls.map(({ origin }) => origin);
    /** The names of the migrations that this start applied. */
    this.migrations = await this.#migrate();
    this.noteRun({});
  }

  async #migrate() {
    const applied = [];
    for (const { binding, migrations } of this.#options.settings.background.databases) {
      const run = (statements) => this.#companion.sql(binding, statements);
      applied.push(...(await soon(`migrating ${binding}`, applyMigrations(run, migrations))));
    }
    return applied;
  }

  /** The cron triggers. */
  get crons() {
    return this.#options.settings.background.crons;
  }

  /** The state folder. */
  get state() {
    return this.#options.state;
  }

  /** The local secrets. */
  get secrets() {
    return loadSecrets(this.state);
  }

  /** workerd's process id. */
  get workerdPid() {
    return this.#workerd?.pid;
  }

  /**
   * Asks D1, past the scripts.
   *
   * @returns {Promise<object[]>}
   */
  async query(sql, ...parameters) {
    const [rows] = await this.#companion.sql("DB", [{ sql, parameters }]);
    return rows;
  }

  /** Gives an actor a command, past the scripts, and returns its answer. */
  actor(binding, name, command) {
    return this.#companion.actor(binding, name, command);
  }

  /** The compatibility date of the edge. */
  get compatibilityDate() {
    return this.#options.settings.edge.worker.compatibilityDate;
  }

  /** Runs the scheduled handler, as a cron trigger would, and waits for it. */
  scheduled(cron = this.crons[0], scheduledTime = new Date()) {
    return this.#companion.scheduled(cron, scheduledTime);
  }

  /** Calls `callback` if workerd ends without being told to. */
  onUnexpectedExit(callback) {
    this.#onUnexpectedExit = callback;
  }

  /** SIGKILL: nothing is flushed, nothing is said goodbye to. `start` goes on from there. */
  async kill() {
    const workerd = this.#workerd;
    this.#workerd = undefined;
    const gone = workerd.exitCode === null && workerd.signalCode === null ? once(workerd, "exit") : undefined;
    workerd.kill("SIGKILL");
    await soon("workerd's end", gone);
    await soon("Miniflare's end", this.#miniflare.dispose());
  }

  /** Stops it. Miniflare has no gentler way than SIGKILL either. */
  async stop() {
    if (this.#workerd !== undefined) await this.kill();
    rmSync(join(this.state, "run.json"), { force: true });
  }

  /** Writes run.json, for whoever looks for this runtime from outside. */
  noteRun(more) {
    const path = join(this.state, "run.json");
    const run = { pid: process.pid, workerd_pid: this.workerdPid, base_url: this.url, ...more };
    writeFileSync(`${path}.new`, `${JSON.stringify(run, null, 2)}\n`, { mode: 0o600 });
    renameSync(`${path}.new`, path);
  }
}

function miniflareOptions({ build, env, host, onLog, port, settings, state, twins = 0 }, companion) {
  const kept = Object.entries(loadSecrets(state));
  const workers = settings.scripts.map(({ folder, secrets, name, worker }) => ({
    ...worker,
    name,
    modulesRoot: resolve(build, folder),
    modules: modules(resolve(build, folder)),
    bindings: { ...worker.bindings, ...Object.fromEntries(kept.filter(([name]) => secrets.includes(name))), ...env },
  }));
  const [, , management, edge] = workers;
  // Straight into the script: no proxy in JavaScript in between.
  edge.unsafeDirectSockets = [{ host, port }];
  return {
    log: new Log(LogLevel.WARN),
    ...(onLog && { handleRuntimeStdio: (stdout, stderr) => [stdout, stderr].forEach((stream) => forLines(stream, onLog)) }),
    defaultPersistRoot: join(state, "v3"),
    // Miniflare's own socket is not used.
    host: "127.0.0.1",
    port: 0,
    cf: false,
    workers: [
      ...workers,
      ...Array.from({ length: twins }, (_, place) => twinsOf(management, edge, place)).flat(),
      companion.worker(settings),
    ],
  };
}

const twinName = (name, place) => `${name}-twin-${place + 1}`;

/** The edge and the management API once more, in isolates of their own, as at another place of the world. */
function twinsOf(management, edge, place) {
  const name = twinName(management.name, place);
  return [
    { ...management, name },
    {
      ...edge,
      name: twinName(edge.name, place),
      serviceBindings: { ...edge.serviceBindings, MANAGEMENT: name },
      unsafeDirectSockets: [{ ...edge.unsafeDirectSockets[0], port: 0 }],
    },
  ];
}

/** What the folder holds; the first is the one whose exports the runtime calls. */
function modules(folder) {
  const named = (end) => readdirSync(folder).filter((name) => name.endsWith(end) && name !== "index.js");
  return [
    ...["index.js", ...named(".js")].map((name) => ({ type: "ESModule", path: join(folder, name) })),
    ...named(".wasm").map((name) => ({ type: "CompiledWasm", path: join(folder, name) })),
  ];
}

function forLines(stream, onLine) {
  let rest = "";
  stream.setEncoding("utf8");
  stream.on("data", (text) => {
    const lines = (rest + text).split("\n");
    rest = lines.pop();
    lines.forEach(onLine);
  });
}

/** How long starting and stopping may take on a slow machine: beyond it, something hangs. */
const SOON_MS = 120_000;

/** The promise, or after a while an error that says what it is that hangs. */
async function soon(what, promise) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what} takes longer than ${SOON_MS / 1000} s`)), SOON_MS);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
