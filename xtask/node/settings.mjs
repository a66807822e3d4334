// What wrangler.toml says, in Miniflare's words, so that the file stays the
// single source of bindings for the local runtime and for production.

import { dirname, join } from "node:path";

// No telemetry and no lookups: the local runtime works without the internet.
Object.assign(process.env, {
  CI: process.env.CI ?? "1",
  CLOUDFLARE_CF_FETCH_ENABLED: "false",
  CLOUDFLARE_LOAD_DEV_VARS_FROM_DOT_ENV: "false",
  WRANGLER_SEND_METRICS: "false",
  WRANGLER_SEND_ERROR_REPORTS: "false",
});

const wrangler = await import("wrangler");

/**
 * Reads wrangler.toml.
 *
 * @param {string} configPath
 * @param {{ devVars: boolean }} options `devVars`: also take `.dev.vars` beside
 *   the file (a person's own keys); tests leave it out, to run alike everywhere
 * @returns {{ name: string, worker: object, crons: string[], databases: { binding: string, migrations: string }[] }}
 */
export function readSettings(configPath, { devVars }) {
  const config = wrangler.unstable_readConfig({ config: configPath });
  const { workerOptions } = wrangler.unstable_getMiniflareWorkerOptions(configPath);
  // Modules are listed by name (runtime.mjs), so rules that find them have no use.
  const { modulesRules: _, ...worker } = workerOptions;
  if (!devVars) worker.bindings = { ...config.vars };
  return {
    name: config.name,
    worker,
    crons: config.triggers.crons ?? [],
    databases: config.d1_databases.map((database) => ({
      binding: database.binding,
      migrations: join(dirname(configPath), database.migrations_dir ?? "migrations"),
    })),
  };
}

/** Splits a migration into its statements. */
export const splitSql = wrangler.unstable_splitSqlQuery;
