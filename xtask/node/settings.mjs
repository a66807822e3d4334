// What each script's wrangler.toml says, in Miniflare's words, so that the files
// stay the single source of bindings for the local runtime and for production.

import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { parseEnv } from "node:util";

// No telemetry and no lookups: the local runtime works without the internet.
Object.assign(process.env, {
  CI: process.env.CI ?? "1",
  CLOUDFLARE_CF_FETCH_ENABLED: "false",
  CLOUDFLARE_LOAD_DEV_VARS_FROM_DOT_ENV: "false",
  WRANGLER_SEND_METRICS: "false",
  WRANGLER_SEND_ERROR_REPORTS: "false",
});

const wrangler = await import("wrangler");

const MASTER_SECRETS = ["MASTER_SECRET", "MASTER_SECRET_PREVIOUS"];

/**
 * The scripts and their secrets, each after those that it names; the last one
 * is what everybody calls.
 */
const SCRIPTS = {
  actors: [],
  background: MASTER_SECRETS,
  management: ["OPERATOR_KEY", ...MASTER_SECRETS],
  edge: MASTER_SECRETS,
};

/**
 * Reads every script's wrangler.toml.
 *
 * @param {string} root of the workspace
 * @param {{ devVars: boolean }} options `devVars`: also take `.dev.vars` in the
 *   root (a person's own keys); tests leave it out, to run alike everywhere
 * @returns {{ scripts: Script[], background: Script, edge: Script, management: Script }}
 *
 * @typedef {{ folder: string, secrets: string[], name: string, worker: object, crons: string[], databases: { binding: string, migrations: string }[] }} Script
 *   `folder`: where it is in a build; `secrets`: their names; `worker`: Miniflare's options
 */
export function readSettings(root, { devVars }) {
  const own = devVars ? readDevVars(join(root, ".dev.vars")) : {};
  const scripts = Object.entries(SCRIPTS).map(([folder, secrets]) => ({
    secrets,
    ...readScript(folder, join(root, "workers", folder, "wrangler.toml"), own),
  }));
  const [, background, management, edge] = scripts;
  return { scripts, background, edge, management };
}

function readScript(folder, configPath, own) {
  const config = wrangler.unstable_readConfig({ config: configPath });
  const { workerOptions } = wrangler.unstable_getMiniflareWorkerOptions(configPath);
  // Modules are listed by name (runtime.mjs), so rules that find them have no use.
  const { modulesRules: _, ...worker } = workerOptions;
  return {
    folder,
    name: config.name,
    worker: { ...worker, bindings: { ...config.vars, ...own } },
    crons: config.triggers.crons ?? [],
    databases: config.d1_databases.map((database) => ({
      binding: database.binding,
      migrations: join(dirname(configPath), database.migrations_dir ?? "migrations"),
    })),
  };
}

/** `KEY=VALUE`, one a line; `#` begins a comment. */
function readDevVars(path) {
  return existsSync(path) ? parseEnv(readFileSync(path, "utf8")) : {};
}

/** Splits a migration into its statements. */
export const splitSql = wrangler.unstable_splitSqlQuery;
