// Calls that cost exactly what is reserved for them, so that a test can say to
// the millicredit how many of them a wallet affords.

import assert from "node:assert/strict";

import { call, planned } from "./call.mjs";
import { cost } from "./money.mjs";

/** The least output that a call is not refused for: nothing is ever limited further. */
const OUTPUT = 16;

/**
 * Finds such a call.
 *
 * @returns {Promise<{ body: object, price: number, input: number }>} the body,
 *   what it costs and the input tokens that are in that
 */
export async function exactCall(company) {
  const poor = await company.addPerson({ team: { pool_draw: "off" } });
  // The figures of the plan have as many digits as the true ones will have.
  const refused = await call(company.alfred, poor.secret, body(100));
  assert.equal(refused.status, 402, refused.text);
  const [, needed] = /at least ([\d.]+) must/.exec(refused.body.error.message);
  const input = Number(needed) - 2 * OUTPUT;
  assert.ok(input >= 100 && input < 1000, `${input} input tokens`);
  return { body: body(input), price: cost(input, OUTPUT), input };
}

function body(input) {
  return planned({ input, tokens: OUTPUT, delay_headers_ms: 20 }, { max_completion_tokens: OUTPUT });
}
