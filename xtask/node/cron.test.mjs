import assert from "node:assert/strict";
import { test } from "node:test";

import { parseCron } from "./cron.mjs";

test("an expression is due when all of its fields match", () => {
  const table = [
    ["* * * * *", "2026-04-26T00:00:00Z", true],
    ["*/5 * * * *", "2026-04-26T07:35:59Z", true],
    ["*/5 * * * *", "2026-04-26T07:36:00Z", false],
    ["5/10 * * * *", "2026-04-26T07:25:00Z", true],
    ["5/10 * * * *", "2026-04-26T07:00:00Z", false],
    ["0,30 9-17 * * *", "2026-04-26T17:30:00Z", true],
    ["0,30 9-17 * * *", "2026-04-26T18:00:00Z", false],
    ["0 0 1 1 *", "2026-01-01T00:00:00Z", true],
    ["0 0 1 1 *", "2026-02-01T00:00:00Z", false],
    // 2026-04-26 is a Sunday, Cloudflare's day 1.
    ["0 8 * * 1", "2026-04-26T08:00:00Z", true],
    ["0 8 * * 2-6", "2026-04-26T08:00:00Z", false],
  ];
  for (const [expression, at, expected] of table) {
    assert.equal(parseCron(expression)(new Date(at)), expected, `${expression} at ${at}`);
  }
});

test("what it does not know is refused", () => {
  for (const expression of ["* * * *", "60 * * * *", "* * L * *", "* * * * MON", "5-1 * * * *", "*/0 * * * *", "* * * * 0"]) {
    assert.throws(() => parseCron(expression), { message: /cron/ }, expression);
  }
});
