// The local secrets: made at random once for a state folder and kept in it,
// so that what one run sealed the next one can open.

import { randomBytes } from "node:crypto";
import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const SECRETS = {
  // Opens the operator's API: creating organizations.
  OPERATOR_KEY: () => `op-${randomBytes(32).toString("base64url")}`,
  // What provider keys are encrypted with at rest.
  MASTER_SECRET: () => randomBytes(32).toString("base64"),
};

/**
 * The secrets of a state folder, made where they are missing.
 *
 * @param {string} state
 * @returns {Record<keyof typeof SECRETS, string>}
 */
export function loadSecrets(state) {
  const path = join(state, "secrets.json");
  const kept = existsSync(path) ? JSON.parse(readFileSync(path, "utf8")) : {};
  const missing = Object.keys(SECRETS).filter((name) => !(name in kept));
  if (missing.length === 0) return kept;
  for (const name of missing) kept[name] = SECRETS[name]();
  writeFileSync(`${path}.new`, `${JSON.stringify(kept, null, 2)}\n`, { mode: 0o600 });
  renameSync(`${path}.new`, path);
  return kept;
}
