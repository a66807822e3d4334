// Applies numbered SQL files to the local D1, with the same bookkeeping table
// as `wrangler d1 migrations apply`, so that both can be used on one state.

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

import { splitSql } from "./settings.mjs";

const BOOKKEEPING = `CREATE TABLE IF NOT EXISTS d1_migrations (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  name TEXT UNIQUE,
  applied_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP NOT NULL
)`;

/**
 * Applies what is missing, in the order of the names, each file in one
 * transaction.
 *
 * @param {(statements: { sql: string, parameters: unknown[] }[]) => Promise<object[][]>} run
 *   runs statements in one transaction, and returns the rows of each
 * @param {string} folder
 * @returns {Promise<string[]>} the names of the files applied now
 */
export async function applyMigrations(run, folder) {
  if (!existsSync(folder)) return [];
  const files = readdirSync(folder).filter((name) => name.endsWith(".sql")).sort();
  if (files.length === 0) return [];
  const [, rows] = await run([statement(BOOKKEEPING), statement("SELECT name FROM d1_migrations")]);
  const applied = new Set(rows.map(({ name }) => name));
  const missing = files.filter((name) => !applied.has(name));
  for (const name of missing) await apply(run, folder, name);
  return missing;
}

async function apply(run, folder, name) {
  const statements = splitSql(readFileSync(join(folder, name), "utf8")).map((sql) => statement(sql));
  try {
    await run([...statements, statement("INSERT INTO d1_migrations (name) VALUES (?)", name)]);
  } catch (error) {
    throw new Error(`migration ${name} failed: ${error.message}`, { cause: error });
  }
}

const statement = (sql, ...parameters) => ({ sql, parameters });
