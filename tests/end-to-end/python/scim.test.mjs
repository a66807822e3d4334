// scim2-tester, which knows nothing of Alfred but a URL and a key, against
// Alfred's `/scim/v2`.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

import { startAlfred } from "../harness.mjs";
import { found } from "../lib/company.mjs";

test("a tester of SCIM servers finds nothing wrong", async (context) => {
  const alfred = await startAlfred();
  context.after(() => alfred.stop());
  const { api } = await found(alfred);
  const script = fileURLToPath(new URL("scim.py", import.meta.url));
  const { stdout } = await promisify(execFile)(process.env.ALFRED_PYTHON ?? "python3", [script], {
    env: { ...process.env, SCIM_BASE: `${alfred.url}/scim/v2`, SCIM_TOKEN: api.key },
    maxBuffer: 1 << 24,
  });
  const checked = JSON.parse(stdout);
  const count = (status) => checked.filter((one) => one.status === status).length;
  const wrong = checked.filter(({ status }) => !["SUCCESS", "SKIPPED", "ACCEPTABLE"].includes(status));
  // Whether somebody without it may come in is nothing to guess: true or false must be said.
  const active = /^Failed to remove attribute 'active': operation 1: `active` cannot be removed: set it to true or false$/;
  assert.deepEqual(wrong.filter(({ reason }) => !active.test(reason)), []);
  assert.ok(count("SUCCESS") >= 50, `${count("SUCCESS")} succeeded`);
});
