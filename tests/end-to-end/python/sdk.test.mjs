// The OpenAI SDK for Python against Alfred: runs sdk.py, which knows nothing of
// Alfred but a base URL and a key, as any program of a user does.

import { execFile } from "node:child_process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

import { startAlfred } from "../harness.mjs";

test("the OpenAI SDK for Python works unchanged", async (context) => {
  const alfred = await startAlfred({ seed: true });
  context.after(() => alfred.stop());
  const [member] = Object.values(alfred.dev.members);
  const script = fileURLToPath(new URL("sdk.py", import.meta.url));
  await promisify(execFile)(process.env.ALFRED_PYTHON ?? "python3", [script], {
    env: {
      ...process.env,
      OPENAI_BASE_URL: `${alfred.url}/v1`,
      OPENAI_API_KEY: member?.api_key ?? "none",
      ALFRED_MODEL: alfred.dev.model ?? "",
    },
  });
});
