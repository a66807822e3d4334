// What every other test stands on: the built worker starts, answers, keeps its
// address over a SIGKILL, and has its database.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { startAlfred } from "./harness.mjs";

let alfred;
before(async () => (alfred = await startAlfred()));
after(() => alfred?.stop());

test("it answers", async () => {
  const response = await alfred.fetch("/healthz");
  assert.equal(response.status, 200);
});

test("it comes back on the same address after SIGKILL", async () => {
  const { url } = alfred;
  await alfred.kill9();
  await assert.rejects(alfred.fetch("/healthz"));
  await alfred.start();
  assert.equal(alfred.url, url);
  assert.equal((await alfred.fetch("/healthz")).status, 200);
});

test("every cron trigger runs to its end", async () => {
  for (const cron of alfred.crons) {
    const { outcome } = await alfred.scheduled(cron);
    assert.equal(outcome, "ok", cron);
  }
});

test("D1 answers", async () => {
  assert.deepEqual(await alfred.query("SELECT ? AS one", 1), [{ one: 1 }]);
});
