// The OpenAI SDK for Python against Alfred: runs sdk.py, which knows nothing of
// Alfred but a base URL and keys, as any program of a user does.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

import { startAlfred } from "../harness.mjs";
import { found } from "../lib/company.mjs";
import { reconciled } from "../lib/ledger.mjs";
import { millicredits } from "../lib/money.mjs";
import { startProvider } from "../lib/provider.mjs";

const PIXEL =
  "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";

test("the OpenAI SDK for Python works unchanged", async (context) => {
  const [alfred, provider] = await Promise.all([startAlfred(), startProvider()]);
  context.after(() => Promise.all([alfred.stop(), provider.stop()]));
  const company = await found(alfred, { provider, funds: 10_000_000_000 });
  await company.api.made("/providers", { name: "demo", kind: "demo", models: ["demo-*"] });
  const rich = await company.addPerson({ wallet: 5_000_000_000 });
  const narrow = await company.addKey(rich.member, { models: ["demo-*"] });
  const poor = await company.addPerson();
  const limited = await company.addPerson({ wallet: 100_000_000 });
  await company.addLimit(limited.team, { window: "minute", unit: "requests", amount: 0 });

  const script = fileURLToPath(new URL("sdk.py", import.meta.url));
  const { stdout } = await promisify(execFile)(process.env.ALFRED_PYTHON ?? "python3", [script], {
    env: {
      ...process.env,
      OPENAI_BASE_URL: `${alfred.url}/v1`,
      OPENAI_API_KEY: rich.secret,
      ALFRED_NARROW_KEY: narrow.secret,
      ALFRED_POOR_KEY: poor.secret,
      ALFRED_LIMITED_KEY: limited.secret,
      ALFRED_PICTURE: PIXEL,
    },
  });

  const { body } = await provider.lastRequest();
  assert.deepEqual(body.some_new_parameter, { nested: [1, 2.5, null] });
  assert.equal(body.max_tokens, 11);
  const { calls, standings } = await reconciled(company);
  const paid = JSON.parse(stdout);
  assert.ok(paid.length >= 20);
  for (const [request, credits] of paid) assert.equal(calls.get(request).charged, millicredits(credits), request);
  assert.equal(standings.get(poor.team.id).spent, 0);
  assert.equal(standings.get(limited.team.id).spent, 0);
});
