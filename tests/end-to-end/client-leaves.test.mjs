// A client that leaves before it has its whole answer.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { eventually, startAlfred } from "./harness.mjs";
import { content, events, planned, post } from "./lib/call.mjs";
import { found } from "./lib/company.mjs";
import { callEnd, calls, entries, reconciled } from "./lib/ledger.mjs";
import { leaver } from "./lib/leave.mjs";
import { cost } from "./lib/money.mjs";
import { startProvider } from "./lib/provider.mjs";

const WALLET = 10_000_000;
/** Goes on for a minute. */
const LONG = { tokens: 1200, delay_chunk_ms: 50 };

let alfred, provider, company;
before(async () => {
  [alfred, provider] = await Promise.all([startAlfred(), startProvider()]);
  company = await found(alfred, { provider });
});
after(() => Promise.all([alfred?.stop(), provider?.stop()]));

/** Reads a stream until there are so many words, and hangs up. Returns how many were read. */
async function readAndLeave(body, leave, words) {
  let text = "";
  const decoder = new TextDecoder();
  const read = () => content(events(text)).split(" word").length - 1;
  try {
    for await (const bytes of body) {
      text += decoder.decode(bytes, { stream: true });
      if (read() >= words) leave();
    }
    assert.fail("the stream ended although the client left");
  } catch (error) {
    if (error.name !== "AbortError" && error.code !== "ECONNRESET") throw error;
  }
  return read();
}

/** The end of the one call in a team's journal. */
async function onlyCall(team, options) {
  const [end] = await eventually(async () => {
    const ends = [...calls(await entries(alfred, team.id)).values()];
    return ends.length > 0 && ends;
  }, options);
  return end;
}

test("in the middle of a stream: the provider is told, and what was streamed is paid", async () => {
  const { secret, member } = await company.addPerson({ wallet: WALLET });
  await provider.reset();
  const leave = new AbortController();
  const body = planned(LONG, { stream: true, max_completion_tokens: 1200 });
  const response = await post(alfred, secret, body, { signal: leave.signal });
  const request = response.headers.get("x-alfred-request-id");
  const read = await readAndLeave(response.body, () => leave.abort(), 5);
  const totals = await provider.settled();
  assert.deepEqual([totals.aborted, totals.done], [1, 0]);
  const end = await callEnd(company, request);
  assert.deepEqual(end.kinds, ["settle"]);
  assert.deepEqual([end.record.outcome, end.record.metered, end.record.reconcile], ["client_left", "seen", true]);
  const { input_tokens: input, output_tokens: output } = end.record;
  assert.ok(output >= read, `${output} tokens were paid, ${read} were read`);
  assert.ok(output <= totals.produced_output_tokens + 8, `${output} paid, ${totals.produced_output_tokens} produced`);
  assert.ok(output < 100, `${output}: the provider was told too late`);
  assert.ok(input >= totals.produced_input_tokens, `${input} tokens of input`);
  assert.equal(end.charged, cost(input, output));
  await reconciled(company);
  assert.equal(await company.wallet(member), WALLET - end.charged);
});

test("in the middle of a stream of the built-in provider", async () => {
  await company.api.made("/providers", { name: "demo", kind: "demo", models: ["demo-*"] });
  const { secret } = await company.addPerson({ wallet: WALLET });
  const leave = new AbortController();
  const metadata = { demo_tokens: "1000", demo_delay_ms: "30" };
  const body = { model: "demo-small", stream: true, metadata, messages: [{ role: "user", content: "Hello" }] };
  const response = await post(alfred, secret, body, { signal: leave.signal });
  const reader = response.body.getReader();
  await reader.read();
  leave.abort();
  const end = await callEnd(company, response.headers.get("x-alfred-request-id"));
  assert.equal(end.record.outcome, "client_left");
  assert.ok(end.record.output_tokens < 500, `${end.record.output_tokens}`);
});

test("while the provider is silent, having said its usage so far", async () => {
  const { secret } = await company.addPerson({ wallet: WALLET });
  await provider.reset();
  const plan = { mode: "hang", usage: "every_chunk", after: 3, input: 9 };
  const { response, leave } = leaver(alfred, secret, planned(plan, { stream: true }));
  const stream = await response;
  await readAndLeave(stream, leave, 3);
  assert.equal((await provider.settled()).aborted, 1);
  const end = await callEnd(company, stream.headers["x-alfred-request-id"]);
  assert.deepEqual([end.record.outcome, end.record.metered], ["client_left", "reported"]);
  // What was seen counts if it is more than what was said before the end.
  const { input_tokens: input, output_tokens: output } = end.record;
  assert.equal(input, 9);
  assert.ok(output >= 3 && output <= 6, `${output}`);
  assert.equal(end.charged, cost(input, output));
});

for (const [name, plan] of [
  ["before the headers", { mode: "hang_headers" }],
  ["before the body", { mode: "hang" }],
]) {
  test(`from a whole answer, ${name}`, async () => {
    const { secret, team } = await company.addPerson({ wallet: WALLET });
    await provider.reset();
    const { response, leave } = leaver(alfred, secret, planned(plan));
    await eventually(async () => (await provider.totals()).open === 1);
    leave();
    await assert.rejects(response, { code: "ECONNRESET" });
    const totals = await provider.settled();
    assert.deepEqual([totals.aborted, totals.done], [1, 0]);
    const end = await onlyCall(team);
    assert.deepEqual([end.record.outcome, end.record.metered, end.record.reconcile], ["client_left", "seen", true]);
    const { input_tokens: input, output_tokens: output } = end.record;
    assert.ok(input >= totals.produced_input_tokens);
    // Half of a body of 16 tokens has arrived, or nothing.
    assert.ok(output <= 16 && (output === 0 || plan.mode === "hang"), `${output}`);
    assert.equal(end.charged, cost(input, output));
  });
}

test("fifty at once", async () => {
  const { secret, team, member } = await company.addPerson({ wallet: 50 * WALLET });
  await provider.reset();
  const body = planned(LONG, { stream: true, max_completion_tokens: 1200 });
  const one = async () => {
    const leave = new AbortController();
    const response = await post(alfred, secret, body, { signal: leave.signal });
    const request = response.headers.get("x-alfred-request-id");
    return { request, read: await readAndLeave(response.body, () => leave.abort(), 3) };
  };
  const left = await Promise.all(Array.from({ length: 50 }, one));
  const totals = await provider.settled();
  assert.deepEqual([totals.aborted, totals.done], [50, 0]);
  const ledger = await reconciled(company);
  let charged = 0;
  for (const { request, read } of left) {
    const { record, kinds, charged: paid } = ledger.calls.get(request);
    assert.deepEqual([kinds, record.outcome], [["settle"], "client_left"]);
    assert.ok(record.output_tokens >= read);
    charged += paid;
  }
  assert.equal(ledger.standings.get(team.id).spent, charged);
  assert.equal(await company.wallet(member), 50 * WALLET - charged);
});
