// What Alfred adds to answers' headers.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { startAlfred } from "./harness.mjs";
import { call, chat, planned } from "./lib/call.mjs";
import { found } from "./lib/company.mjs";
import { exactCall } from "./lib/exact.mjs";
import { callEnd, reconciled } from "./lib/ledger.mjs";
import { cost } from "./lib/money.mjs";
import { startProvider } from "./lib/provider.mjs";

let alfred, provider, company;
before(async () => {
  [alfred, provider] = await Promise.all([startAlfred(), startProvider()]);
  company = await found(alfred, { provider });
});
after(() => Promise.all([alfred?.stop(), provider?.stop()]));

test("a whole answer has its cost and what is left", async () => {
  const { secret, member } = await company.addPerson({ wallet: 1_000_000 });
  const answer = await call(alfred, secret, planned({ input: 9, tokens: 7 }));
  assert.equal(answer.status, 200);
  assert.match(answer.request, /^req_[0-9a-z]{26}$/);
  assert.equal(answer.cost, cost(9, 7));
  assert.equal(answer.balance, 1_000_000 - cost(9, 7));
  assert.match(answer.headers.get("server-timing"), /^alfred;dur=\d+, upstream;dur=\d+$/);
  assert.equal(answer.headers.get("cache-control"), "no-store");
  assert.equal(answer.headers.get("content-type"), "application/json");
  assert.equal(answer.headers.get("x-alfred-output-limited"), null);
  assert.equal((await callEnd(company, answer.request)).charged, cost(9, 7));
  assert.equal(await company.wallet(member), 1_000_000 - cost(9, 7));
});

test("a stream has what is left beside its reservation, and its cost at the end", async () => {
  const { secret, member } = await company.addPerson({ wallet: 1_000_000 });
  const question = planned({ input: 9, tokens: 7 }, { stream: true, stream_options: { include_usage: true } });
  const answer = await call(alfred, secret, question);
  assert.equal(answer.status, 200);
  assert.equal(answer.cost, undefined);
  assert.ok(answer.balance < 1_000_000 - cost(9, 7), `${answer.balance}`);
  assert.equal(answer.headers.get("content-type").split(";")[0], "text/event-stream");
  assert.equal(answer.events.at(-1), "[DONE]");
  assert.equal(answer.events.at(-2).usage.alfred.cost_credits, "23");
  assert.equal((await callEnd(company, answer.request)).charged, cost(9, 7));
  assert.equal(await company.wallet(member), 1_000_000 - cost(9, 7));
});

test("rate limits stand where OpenAI's clients look", async () => {
  const { secret, team } = await company.addPerson({ wallet: 1_000_000 });
  await company.addLimit(team, { window: "minute", unit: "requests", amount: 50 });
  await company.addLimit(team, { window: "minute", unit: "tokens", amount: 10_000 });
  const answer = await call(alfred, secret, chat());
  const { headers } = answer;
  assert.equal(headers.get("x-ratelimit-limit-requests"), "50");
  assert.equal(headers.get("x-ratelimit-remaining-requests"), "49");
  assert.equal(headers.get("x-ratelimit-limit-tokens"), "10000");
  const left = Number(headers.get("x-ratelimit-remaining-tokens"));
  assert.ok(left > 9_000 && left < 10_000, `${left}`);
  for (const name of ["requests", "tokens"]) {
    assert.match(headers.get(`x-ratelimit-reset-${name}`), /^(\d+m)?\d+(\.\d+)?m?s$/);
  }
  const unlimited = await company.addPerson({ wallet: 1_000_000 });
  const plain = await call(alfred, unlimited.secret, chat());
  assert.deepEqual([...plain.headers.keys()].filter((name) => name.startsWith("x-ratelimit")), []);
});

for (const stream of [false, true]) {
  test(`output is limited to what the wallet affords (${stream ? "stream" : "whole"})`, async () => {
    // What the input costs at most is found out by what a dear call lacks.
    const probe = await company.addPerson();
    const plan = { input: 9, tokens: 500 };
    const question = { ...planned(plan), max_completion_tokens: undefined, max_tokens: 500, stream };
    const refused = await call(alfred, probe.secret, { ...question, max_tokens: 16 });
    const least = Number(/at least (\d+)/.exec(refused.body.error.message)[1]) * 1000;
    const input = least - 16 * 2000;

    const { secret, member } = await company.addPerson({ wallet: input + 100 * 2000 + 1999 });
    const answer = await call(alfred, secret, question);
    assert.equal(answer.status, 200);
    assert.equal(answer.headers.get("x-alfred-output-limited"), "100");
    const { body } = await provider.lastRequest();
    assert.equal(body.max_tokens, 100, "the provider is told the lower limit");
    assert.equal(body.max_completion_tokens, undefined);
    const end = await callEnd(company, answer.request);
    assert.equal(end.charged, cost(9, 100));
    assert.equal(end.record.reconcile, false);
    assert.equal(await company.wallet(member), input + 100 * 2000 + 1999 - cost(9, 100));
    const words = stream ? answer.events.flatMap((event) => event.choices ?? []) : answer.body.choices;
    assert.equal(words.at(-1).finish_reason, "length");
  });
}

test("no cost is above the wallet, whatever the wallet", async () => {
  // The provider counts as much input as it may, and fills every limit.
  const { input, price } = await exactCall(company);
  const question = planned({ input, tokens: 1000 }, { max_completion_tokens: 1000 });
  const check = async (wallet) => {
    const { secret, member } = await company.addPerson({ wallet });
    const answer = await call(alfred, secret, question);
    if (wallet < price) {
      assert.equal(answer.status, 402);
      assert.equal(await company.wallet(member), wallet);
      return;
    }
    const limit = Number(answer.headers.get("x-alfred-output-limited"));
    assert.equal(limit, 16 + Math.floor((wallet - price) / 2000), `of ${wallet}`);
    assert.equal(answer.body.usage.completion_tokens, limit);
    assert.equal(answer.cost, cost(input, limit));
    assert.equal((await callEnd(company, answer.request)).charged, answer.cost);
    assert.equal(await company.wallet(member), wallet - answer.cost);
  };
  await Promise.all([price - 1, price, price + 1, price + 1999, price + 2000, price + 100_001].map(check));
});

test("an organization may refuse instead of limiting", async () => {
  const strict = await found(alfred, { provider, settings: { output_limit: "refuse", help: "ask #credits" } });
  const { secret, member } = await strict.addPerson({ wallet: 300_000 });
  const before = await provider.totals();
  const answer = await call(alfred, secret, chat({ max_completion_tokens: 1000 }));
  assert.equal(answer.status, 402);
  assert.equal(answer.headers.get("x-should-retry"), "false");
  assert.match(answer.body.error.message, /ask #credits/);
  assert.match(answer.request, /^req_/);
  assert.equal((await call(alfred, secret, chat())).status, 200);
  assert.equal((await provider.totals()).calls, before.calls + 1);
  await reconciled(strict);
  assert.ok((await strict.wallet(member)) > 0);
});

test("in the end all of it is in the ledger", async () => {
  const { calls } = await reconciled(company);
  const { calls: served } = await provider.totals();
  assert.ok(calls.size > 0 && served >= calls.size);
});
