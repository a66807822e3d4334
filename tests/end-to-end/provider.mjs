// A fake OpenAI-compatible provider for a test: the program of tests/fakes.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";

import { ROOT } from "../../xtask/node/runtime.mjs";

/**
 * Starts one.
 *
 * @param {...string} options of `fakes provider`, such as `--plan`, `refuse`
 * @returns {Promise<{ url: string, stop: () => Promise<void> }>}
 */
export const startProvider = (...options) => startFake("provider", ...options);

/** Starts one of the fakes, by its sub-command. */
export async function startFake(...options) {
  const program = process.env.ALFRED_FAKES ?? join(ROOT, "target/debug/fakes");
  if (!existsSync(program)) throw new Error(`${program} is missing: run \`cargo build --package fakes\``);
  const child = spawn(program, options, { stdio: ["ignore", "pipe", "inherit"] });
  const exited = once(child, "exit");
  const [line] = await Promise.race([once(createInterface(child.stdout), "line"), exited]);
  if (child.exitCode !== null) throw new Error(`the fake ended with ${child.exitCode}`);
  return {
    url: `http://127.0.0.1:${JSON.parse(line).port}`,
    async stop() {
      child.kill();
      await exited;
    },
  };
}
