// Starts Alfred for a test: the built scripts in workerd, on a state folder of
// its own. Tests know Alfred from outside, over HTTP; beyond that they may run
// cron triggers, kill workerd with SIGKILL and look into D1.

import { execFile } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

import { ROOT, startRuntime } from "../../xtask/node/runtime.mjs";

const UNLIMITED = { KEY_REQUESTS_A_MINUTE: "0", FAILED_KEYS_A_MINUTE: "0", SIGN_INS_A_MINUTE: "0" };

/**
 * Starts Alfred.
 *
 * @param {object} [options]
 * @param {string} [options.state] a state folder to go on from; a new one,
 *   removed by `stop`, if left out
 * @param {Record<string, string>} [options.env] more variables for the scripts;
 *   unless said here, anybody may come as often as they like: tests are one
 *   caller, and a quick one
 * @param {string} [options.build] another folder with built scripts
 * @param {boolean} [options.seed] with the example organization of `cargo xtask dev`
 * @param {number} [options.twins] so many isolates more
 * @param {boolean} [options.verbose] show what the scripts log
 * @returns {Promise<Alfred>}
 */
export async function startAlfred({ state, env, build = builtWorker(), seed = false, twins = 0, verbose = "ALFRED_VERBOSE" in process.env } = {}) {
  const ownsState = state === undefined;
  const logs = [];
  const runtime = await startRuntime({
    state: state ?? temporaryFolder(),
    build,
    twins,
    env: { ...UNLIMITED, ...env },
    onLog(line) {
      logs.push(line);
      if (verbose) console.log(`    | ${line}`);
    },
  }).catch((error) => {
    throw new Error([error.message, ...logs].join("\n"), { cause: error });
  });
  const alfred = new Alfred(runtime, ownsState, logs);
  if (seed) await alfred.seed();
  return alfred;
}

/** A running Alfred. */
export class Alfred {
  #runtime;
  #ownsState;

  constructor(runtime, ownsState, logs) {
    this.#runtime = runtime;
    this.#ownsState = ownsState;
    /** What the scripts logged, line by line. */
    this.logs = logs;
    /** What `seed` made: the content of dev.json. */
    this.dev = undefined;
  }

  /** Where it listens, without a slash at the end; the same over restarts. */
  get url() {
    return this.#runtime.url;
  }

  /** Opens the operator's API. */
  get operatorKey() {
    return this.#runtime.secrets.OPERATOR_KEY;
  }

  /** The state folder. */
  get state() {
    return this.#runtime.state;
  }

  /** The cron triggers. */
  get crons() {
    return this.#runtime.crons;
  }

  /** `fetch` of a path. */
  fetch(path, init) {
    return fetchOnce(this.url + path, init);
  }

  /** Every isolate, this one first, each with a `fetch` as here. */
  get isolates() {
    const of = (url) => ({ url, fetch: (path, init) => fetchOnce(url + path, init) });
    return [this.#runtime.url, ...this.#runtime.twins].map(of);
  }

  /** Runs a cron trigger, at a time, and waits for its end. */
  scheduled(cron, at) {
    return this.#runtime.scheduled(cron, at);
  }

  /** Asks D1. @returns {Promise<object[]>} */
  query(sql, ...parameters) {
    return this.#runtime.query(sql, ...parameters);
  }

  /** Fills it with the example organization. */
  async seed() {
    const [program, ...first] = process.env.ALFRED_XTASK ? [process.env.ALFRED_XTASK] : ["cargo", "xtask"];
    const { stdout } = await promisify(execFile)(program, [...first, "seed", "--base-url", this.url], {
      cwd: ROOT,
      env: { ...process.env, ALFRED_OPERATOR_KEY: this.operatorKey },
    });
    this.dev = JSON.parse(stdout);
  }

  /** SIGKILL of workerd, in the middle of whatever it does. */
  kill9() {
    return this.#runtime.kill();
  }

  /** Starts it again, on the same state and port, after `kill9`. */
  start() {
    return this.#runtime.start();
  }

  /** Ends it, and removes its state unless that was given. */
  async stop() {
    await this.#runtime.stop();
    if (this.#ownsState) rmSync(this.state, { recursive: true, force: true });
  }
}

/** Nothing in Alfred takes as long as this, the lease of a reservation included. */
const ANSWER_MS = 150_000;

/**
 * `fetch` on a connection of its own, so that none breaks by a restart. Where
 * no answer comes, the error says to what.
 */
async function fetchOnce(url, { headers, signal, ...init } = {}) {
  const late = AbortSignal.timeout(ANSWER_MS);
  try {
    return await fetch(url, {
      ...init,
      headers: { connection: "close", ...headers },
      signal: signal ? AbortSignal.any([signal, late]) : late,
    });
  } catch (error) {
    if (!late.aborted) throw error;
    throw new Error(`${init.method ?? "GET"} ${url} was not answered within ${ANSWER_MS / 1000} s`, { cause: error });
  }
}

/** Waits until `condition` returns something true, and returns that. */
export async function eventually(condition, { within = 10_000, every = 50 } = {}) {
  const deadline = Date.now() + within;
  for (;;) {
    const value = await condition();
    if (value) return value;
    if (Date.now() > deadline) throw new Error(`not true within ${within} ms: ${condition}`);
    await new Promise((done) => setTimeout(done, every));
  }
}

/** A new folder in memory where there is one: every durable write waits for the disk. */
export function temporaryFolder() {
  const parent = existsSync("/dev/shm") ? "/dev/shm" : tmpdir();
  return mkdtempSync(join(parent, "alfred-test-"));
}

/** What `cargo xtask test` built, or whatever is there for tests started by hand. */
export function builtWorker() {
  const folders = [process.env.ALFRED_BUILD, join(ROOT, "build/release"), join(ROOT, "build/dev")];
  const found = folders.find((folder) => folder && existsSync(join(folder, "edge/index.js")));
  if (found === undefined) throw new Error("nothing is built: run `cargo xtask build`");
  return found;
}
