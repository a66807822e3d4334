// Miniflare starts workerd as a child process and keeps the handle to itself.
// Tests need it to kill workerd the hard way, and a server needs it to notice
// that workerd died. This module must be imported before Miniflare is.

import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";

const childProcess = createRequire(import.meta.url)("node:child_process");
const { spawn } = childProcess;
let latest;

childProcess.spawn = (command, ...rest) => {
  const child = spawn(command, ...rest);
  if (/workerd(\.exe)?$/.test(String(command))) latest = child;
  return child;
};

/** The workerd that was started last. */
export function latestWorkerd() {
  if (latest === undefined) throw new Error("Miniflare has not started workerd through `child_process.spawn`");
  return latest;
}

/** Whether a process with this id exists. */
export function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === "EPERM";
  }
}

/** Names the state folder in workerd's environment, so that `isWorkerdOf` can tell whose it is. */
export function markEnvironment(state) {
  process.env.ALFRED_STATE = state;
}

/**
 * Whether the process is the workerd of this state folder. A workerd outlives
 * a parent that was killed with SIGKILL; only where /proc tells for sure is it
 * called ours.
 */
export function isWorkerdOf(pid, state) {
  const environment = `/proc/${pid}/environ`;
  if (!existsSync(environment)) return false;
  return readFileSync(environment, "utf8").split("\0").includes(`ALFRED_STATE=${state}`);
}
