// Providers that fail, break off, go silent or lie: what the client sees, and
// what is charged.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";

import { startAlfred } from "./harness.mjs";
import { call, chat, content, finalUsage, planned } from "./lib/call.mjs";
import { found } from "./lib/company.mjs";
import { callEnd, reconciled } from "./lib/ledger.mjs";
import { cost } from "./lib/money.mjs";
import { startProvider } from "./lib/provider.mjs";

const WALLET = 10_000_000;
const INPUT = 9;
/** The calls have nothing to do with each other, and entries take a second or two to D1. */
const AT_ONCE = { concurrency: 16 };

let alfred, provider, company;
before(async () => {
  [alfred, provider] = await Promise.all([startAlfred(), startProvider()]);
  const timeouts = { header_timeout_seconds: 1, idle_timeout_seconds: 1 };
  company = await found(alfred, { provider, timeouts });
});
after(() => Promise.all([alfred?.stop(), provider?.stop()]));

/** Makes the call that `plan` describes, from a new wallet, and looks at its end. */
async function run(plan, { stream = false, ...more } = {}) {
  const person = await company.addPerson({ wallet: WALLET });
  const body = planned({ input: INPUT, ...plan }, { stream, ...more });
  const answer = await call(alfred, person.secret, body);
  const end = await callEnd(company, answer.request);
  assert.equal(await company.wallet(person.member), WALLET - end.charged, "the wallet and the entry differ");
  return { answer, end };
}

/** The error that a client reads, in the body or in the stream. */
function error(answer) {
  return answer.body?.error ?? answer.events?.findLast((event) => event.error)?.error;
}

describe("before the answer: nothing is charged", AT_ONCE, () => {
  for (const stream of [false, true]) {
    for (const [plan, status, code, says] of [
      [{ mode: "400" }, 400, "upstream_refused", /The request is not valid/],
      [{ mode: "404" }, 404, "model_not_found", /The model does not exist/],
      [{ mode: "401" }, 502, "provider_misconfigured", /does not accept its key/],
      [{ mode: "429", retry_after: 7 }, 429, "upstream_rate_limited", /Rate limit reached/],
      [{ mode: "500" }, 502, "upstream_error", /answered 500/],
      [{ mode: "503" }, 502, "upstream_error", /overloaded/],
      [{ mode: "html" }, 502, "upstream_error", /answered 502/],
      [{ mode: "cut_headers" }, 502, "upstream_unreachable", /could not be reached/],
      [{ mode: "hang_headers" }, 504, "upstream_timeout", /within 1 s/],
    ]) {
      test(`${JSON.stringify(plan)}${stream ? " of a stream" : ""}`, async () => {
        const { answer, end } = await run(plan, { stream });
        assert.equal(answer.status, status, answer.text);
        assert.equal(answer.headers.get("content-type"), "application/json");
        assert.equal(answer.body.error.code, code);
        assert.match(answer.body.error.message, says);
        assert.ok(answer.body.error.type);
        if (plan.retry_after) assert.equal(answer.headers.get("retry-after"), String(plan.retry_after));
        assert.equal(answer.cost, 0);
        assert.equal(answer.balance, WALLET);
        assert.deepEqual([end.kinds, end.charged], [["release"], 0]);
        assert.deepEqual([end.record.outcome, end.record.metered], ["upstream_failed", "nothing"]);
      });
    }
  }
});

describe("a stream that does not come to its end: what was seen is paid", AT_ONCE, () => {
  for (const mode of ["cut", "cut_inside", "hang", "error_frame"]) {
    test(mode, async () => {
      const { answer, end } = await run({ mode, after: 5 }, { stream: true });
      assert.equal(answer.status, 200);
      assert.equal(content(answer.events), " word".repeat(5));
      assert.ok(!answer.events.includes("[DONE]"));
      assert.ok(error(answer).message, "the client is told");
      assert.deepEqual([end.record.outcome, end.record.metered, end.record.reconcile], ["upstream_broke", "seen", true]);
      assert.ok(end.record.output_tokens >= 5 && end.record.output_tokens <= 16, `${end.record.output_tokens}`);
      assert.equal(end.charged, cost(end.record.input_tokens, end.record.output_tokens));
    });
  }

  test("with usage on every chunk that usage is believed", async () => {
    const { end } = await run({ mode: "cut", after: 5, usage: "every_chunk" }, { stream: true });
    assert.deepEqual([end.record.outcome, end.record.metered], ["upstream_broke", "reported"]);
    // What was seen counts if it is more than what was said before the end.
    const { input_tokens: input, output_tokens: output } = end.record;
    assert.ok(input === INPUT && output >= 5 && output <= 8, `${input}, ${output}`);
    assert.equal(end.charged, cost(input, output));
  });
});

describe("a whole answer that does not come to its end", AT_ONCE, () => {
  for (const mode of ["cut", "hang"]) {
    test(mode, async () => {
      const { answer, end } = await run({ mode });
      assert.equal(answer.status, 502, answer.text);
      assert.equal(answer.body.error.code, "upstream_broke");
      assert.equal(answer.cost, end.charged, "the header says what is charged");
      assert.equal(answer.balance, WALLET - end.charged);
      assert.deepEqual([end.record.outcome, end.record.metered, end.record.reconcile], ["upstream_broke", "seen", true]);
      assert.equal(end.charged, cost(end.record.input_tokens, end.record.output_tokens));
    });
  }

  test("an error under status 200 is an error, and free", async () => {
    const { answer, end } = await run({ mode: "error_frame" });
    assert.deepEqual([answer.status, answer.body.error.code], [502, "upstream_error"], answer.text);
    assert.match(answer.body.error.message, /had an error/);
    assert.deepEqual([answer.cost, end.charged, end.kinds], [0, 0, ["release"]]);
  });
});

describe("usage that cannot be read: what was seen is paid", AT_ONCE, () => {
  for (const stream of [false, true]) {
    for (const plan of [
      { mode: "no_usage" },
      { mode: "lie_negative" },
      { mode: "lie_fractional" },
      { mode: "lie_string" },
      { mode: "lie_null" },
      { mode: "lie_missing" },
      { mode: "lie_overflow" },
    ]) {
      test(`${plan.mode}${stream ? " of a stream" : ""}`, async () => {
        const { answer, end } = await run(plan, { stream });
        assert.equal(answer.status, 200);
        assert.deepEqual([end.record.outcome, end.record.metered, end.record.reconcile], ["completed", "seen", true]);
        const { input_tokens: input, output_tokens: output } = end.record;
        assert.equal(output, 16, "an answer of 16 words");
        assert.ok(input >= 9 && input <= 60, `${input} tokens of input`);
        assert.equal(end.charged, cost(input, output));
        if (!stream) assert.equal(answer.cost, end.charged);
      });
    }
  }
});

describe("usage that is beyond what was allowed", AT_ONCE, () => {
  for (const stream of [false, true]) {
    test(`more input than can be is paid and marked${stream ? " (stream)" : ""}`, async () => {
      const { end } = await run({ input: 700 }, { stream });
      assert.equal(end.charged, cost(700, 16));
      assert.deepEqual([end.record.metered, end.record.reconcile], ["reported", true]);
    });

    test(`output beyond the limit that contradicts the total is not believed${stream ? " (stream)" : ""}`, async () => {
      const { end } = await run({ mode: "lie_over", over_by: 3 }, { stream });
      assert.deepEqual([end.record.metered, end.record.reconcile, end.record.output_tokens], ["seen", true, 16]);
    });

    test(`the impossible is not believed${stream ? " (stream)" : ""}`, async () => {
      for (const plan of [{ mode: "lie_huge" }, { mode: "lie_over", over_by: 5_000_000 }, { input: 900_000_000 }]) {
        const { end } = await run(plan, { stream });
        assert.equal(end.record.reconcile, true);
        assert.ok(end.record.output_tokens <= 16, `${end.record.output_tokens}`);
        assert.ok(end.charged >= cost(INPUT, 16) && end.charged <= cost(1000, 16), `${end.charged}`);
      }
    });
  }

  test("what no payer has is shown as overrun, and no wallet is negative", async () => {
    const { secret, team, member } = await company.addPerson({ wallet: 250_000, team: { pool_draw: "off" } });
    const answer = await call(alfred, secret, planned({ input: 1500 }));
    assert.equal(answer.cost, cost(1500, 16));
    assert.equal(answer.balance, 0);
    const end = await callEnd(company, answer.request);
    assert.equal(end.charged, cost(1500, 16));
    assert.equal(end.record.reconcile, true);
    assert.equal(await company.wallet(member), 0);
    const standing = await company.standing(team);
    assert.equal(Math.abs(standing.overrun), cost(1500, 16) - 250_000);
    assert.equal((await call(alfred, secret, chat())).status, 402);
  });
});

describe("streams of unusual form are whole all the same", AT_ONCE, () => {
  for (const plan of [
    { mode: "crlf" },
    { mode: "comments" },
    { mode: "split" },
    { mode: "split", piece: 7 },
    { mode: "giant" },
    { mode: "burst", tokens: 16 },
    { mode: "usage_last_chunk" },
    { mode: "usage_every_chunk" },
    { mode: "usage_always" },
    { mode: "slow", delay_headers_ms: 20, delay_chunk_ms: 5 },
  ]) {
    for (const include_usage of [false, true]) {
      test(`${JSON.stringify(plan)}${include_usage ? " with usage" : ""}`, async () => {
        const { answer, end } = await run(plan, { stream: true, ...(include_usage && { stream_options: { include_usage } }) });
        assert.equal(answer.status, 200);
        assert.equal(content(answer.events), " word".repeat(16));
        assert.equal(answer.events.at(-1), "[DONE]");
        assert.equal(error(answer), undefined);
        assert.equal(end.charged, cost(INPUT, 16));
        assert.deepEqual([end.record.outcome, end.record.metered, end.record.reconcile], ["completed", "reported", false]);
        if (!include_usage) assert.equal(finalUsage(answer.events), undefined, "nobody asked for usage");
        else {
          const usage = finalUsage(answer.events);
          assert.deepEqual([usage.prompt_tokens, usage.completion_tokens], [INPUT, 16]);
          // A chunk that also has a choice passes as it is.
          if (plan.mode !== "usage_last_chunk") assert.equal(usage.cost, end.charged, "the cost is in the last usage");
        }
      });
    }
  }
});

describe("frames that cannot be read", AT_ONCE, () => {
  for (const mode of ["invalid_json", "invalid_utf8"]) {
    test(`${mode} in a stream`, async () => {
      const { answer, end } = await run({ mode, after: 3 }, { stream: true });
      assert.equal(answer.status, 200);
      assert.ok(end.charged >= cost(INPUT, 3) && end.charged <= cost(60, 16), `${end.charged}`);
      assert.ok(content(answer.events).startsWith(" word".repeat(3)));
    });
  }

  test("invalid_json as a whole answer is none, and free", async () => {
    const { answer, end } = await run({ mode: "invalid_json" });
    assert.deepEqual([answer.status, answer.body.error.code], [502, "upstream_unreadable"], answer.text);
    assert.deepEqual([answer.cost, end.charged, end.kinds], [0, 0, ["release"]]);
  });

  test("invalid_utf8 as a whole answer is passed on and paid by what was seen", async () => {
    const { answer, end } = await run({ mode: "invalid_utf8" });
    assert.equal(answer.status, 200);
    assert.deepEqual([end.record.metered, end.record.output_tokens, end.record.reconcile], ["seen", 16, true]);
    assert.equal(answer.cost, end.charged);
  });
});

describe("whole answers of unusual form", AT_ONCE, () => {
  for (const plan of [{ mode: "chunked" }, { mode: "split" }, { mode: "giant" }]) {
    test(JSON.stringify(plan), async () => {
      const { answer, end } = await run(plan);
      assert.equal(answer.status, 200);
      assert.equal(answer.body.choices[0].message.content, " word".repeat(16));
      assert.equal(end.charged, cost(INPUT, 16));
      assert.equal(answer.cost, end.charged);
    });
  }

  test("cached input and reasoning are counted apart", async () => {
    const { end } = await run({ mode: "cached", input: 1000, reasoning: 4 });
    const { input_tokens, cached_tokens, output_tokens, reasoning_tokens } = end.record;
    assert.deepEqual([input_tokens, cached_tokens, output_tokens, reasoning_tokens], [1000, 800, 16, 4]);
    // No other price was set for cached tokens.
    assert.equal(end.charged, cost(1000, 16));
  });

  test("several choices are all paid", async () => {
    for (const stream of [false, true]) {
      const { answer, end } = await run({ tokens: 5 }, { n: 3, stream });
      assert.equal(end.charged, cost(INPUT, 15));
      const choices = stream ? answer.events.flatMap((event) => event.choices ?? []) : answer.body.choices;
      assert.equal(new Set(choices.map((choice) => choice.index)).size, 3);
    }
  });
});

test("in the end all of it is in the ledger, and no call is open at the provider", async () => {
  const { calls } = await reconciled(company);
  assert.ok(calls.size > 60);
  await provider.settled();
});
