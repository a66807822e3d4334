// The OpenAI SDK for JavaScript, unchanged but for its base URL, against both
// the built-in provider and one over HTTP.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";

import OpenAI from "openai";

import { startAlfred } from "./harness.mjs";
import { collected } from "./lib/call.mjs";
import { found } from "./lib/company.mjs";
import { callEnd, reconciled } from "./lib/ledger.mjs";
import { cost, millicredits } from "./lib/money.mjs";
import { startProvider } from "./lib/provider.mjs";

const messages = [{ role: "user", content: "Hello" }];
const PIXEL =
  "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";

let alfred, provider, company, person, client;
before(async () => {
  [alfred, provider] = await Promise.all([startAlfred(), startProvider()]);
  company = await found(alfred, { provider, funds: 10_000_000_000 });
  await company.api.made("/providers", { name: "demo", kind: "demo", models: ["demo-*"] });
  person = await company.addPerson({ wallet: 5_000_000_000 });
  client = new OpenAI({ baseURL: `${alfred.url}/v1`, apiKey: person.secret, maxRetries: 0 });
});
after(() => Promise.all([alfred?.stop(), provider?.stop()]));

/** The client with other options, and the requests that it made. */
function counting(options = {}) {
  const requests = [];
  const spy = (url, init) => {
    requests.push(new URL(url).pathname);
    return fetch(url, init);
  };
  return { requests, client: client.withOptions({ fetch: spy, ...options }) };
}

for (const model of ["demo-small", "fake-ok"]) {
  describe(model, { concurrency: true }, () => {
    test("a chat", async () => {
      const { data, response } = await client.chat.completions.create({ model, messages }).withResponse();
      assert.equal(data.object, "chat.completion");
      assert.equal(data.choices[0].message.role, "assistant");
      assert.ok(data.choices[0].message.content);
      assert.equal(data.choices[0].finish_reason, "stop");
      assert.equal(data.usage.total_tokens, data.usage.prompt_tokens + data.usage.completion_tokens);
      const end = await callEnd(company, response.headers.get("x-alfred-request-id"));
      assert.equal(end.charged, millicredits(response.headers.get("x-alfred-cost-credits")));
      assert.deepEqual(
        [end.record.model, end.record.input_tokens, end.record.output_tokens, end.record.outcome, end.record.metered],
        [model, data.usage.prompt_tokens, data.usage.completion_tokens, "completed", "reported"],
      );
    });

    test("a stream, without usage that was not asked for", async () => {
      const { data, response } = await client.chat.completions.create({ model, messages, stream: true }).withResponse();
      const chunks = await collected(data);
      const text = chunks.map((chunk) => chunk.choices[0].delta.content ?? "").join("");
      assert.ok(text);
      assert.equal(chunks.at(-1).choices[0].finish_reason, "stop");
      assert.ok(chunks.every((chunk) => chunk.choices.length === 1 && !chunk.usage));
      const end = await callEnd(company, response.headers.get("x-alfred-request-id"));
      assert.ok(end.charged > 0);
      assert.equal(end.record.metered, "reported");
    });

    test("a stream whose last chunk has usage and cost", async () => {
      const { data, response } = await client.chat.completions
        .create({ model, messages, stream: true, stream_options: { include_usage: true } })
        .withResponse();
      const chunks = await collected(data);
      const { usage, choices } = chunks.at(-1);
      assert.deepEqual(choices, []);
      assert.ok(chunks.slice(0, -1).every((chunk) => chunk.usage === null || chunk.usage === undefined));
      const end = await callEnd(company, response.headers.get("x-alfred-request-id"));
      assert.equal(millicredits(usage.alfred.cost_credits), end.charged);
      assert.deepEqual([usage.prompt_tokens, usage.completion_tokens], [end.record.input_tokens, end.record.output_tokens]);
    });

    test("the SDK's own helper for streams", async () => {
      const stream = client.chat.completions.stream({ model, messages });
      const completion = await stream.finalChatCompletion();
      assert.ok(completion.choices[0].message.content);
    });

    test("pictures", async () => {
      const content = [
        { type: "text", text: "What is this?" },
        { type: "image_url", image_url: { url: PIXEL, detail: "low" } },
      ];
      const completion = await client.chat.completions.create({ model, messages: [{ role: "user", content }] });
      assert.ok(completion.choices[0].message.content);
    });

    test("the models", async () => {
      const listed = await collected(client.models.list());
      assert.ok(listed.some((one) => one.id === "demo-small"));
      const one = await client.models.retrieve("demo-small");
      assert.equal(one.object, "model");
      assert.equal(one.owned_by, "demo");
    });
  });
}

for (const [model, name, limit] of [
  ["demo-small", "weather", 100],
  ["fake-tool-call", "say", 16],
]) {
  test(`${model}: tools`, async () => {
    const parameters = { type: "object", properties: { city: { type: "string" } }, required: ["city"] };
    const tools = [{ type: "function", function: { name: "weather", parameters } }];
    const question = { model, messages, tools, tool_choice: "required", max_completion_tokens: limit };
    const whole = await client.chat.completions.create(question);
    const [call] = whole.choices[0].message.tool_calls;
    assert.equal(call.function.name, name);
    assert.equal(typeof JSON.parse(call.function.arguments), "object");
    assert.equal(whole.choices[0].finish_reason, "tool_calls");
    const streamed = await client.chat.completions.stream(question).finalChatCompletion();
    assert.equal(streamed.choices[0].message.tool_calls[0].function.name, name);
    assert.equal(streamed.choices[0].message.tool_calls[0].function.arguments, call.function.arguments);
  });
}

test("structured outputs", async () => {
  const schema = {
    type: "object",
    properties: { city: { type: "string" }, days: { type: "integer" } },
    required: ["city", "days"],
    additionalProperties: false,
  };
  const response_format = { type: "json_schema", json_schema: { name: "trip", strict: true, schema } };
  const completion = await client.chat.completions.parse({ model: "demo-small", messages, response_format });
  const { city, days } = JSON.parse(completion.choices[0].message.content);
  assert.deepEqual([typeof city, typeof days], ["string", "number"]);
  await client.chat.completions.create({ model: "fake-ok", messages, response_format });
  const { body } = await provider.lastRequest();
  assert.deepEqual(body.response_format, response_format);
});

test("what is not known to us goes upstream as it came", async () => {
  const more = {
    logprobs: true,
    top_logprobs: 3,
    temperature: 0.25,
    seed: 7,
    metadata: { who: "me" },
    some_new_parameter: { nested: [1, 2.5, null, { "ключ": "значение" }] },
  };
  await client.chat.completions.create({ model: "fake-ok", messages, max_completion_tokens: 12, ...more });
  const { body, headers } = await provider.lastRequest();
  assert.deepEqual(body, { model: "fake-ok", messages, max_completion_tokens: 12, ...more });
  assert.ok(!JSON.stringify(headers).includes(person.secret), "the member's key went upstream");
});

describe("embeddings", { concurrency: true }, () => {
  for (const model of ["demo-embed", "text-embedding-3-small"]) {
    test(`${model}: as numbers and by default in base64`, async () => {
      const input = ["one", "two"];
      const numbers = await client.embeddings.create({ model, input, encoding_format: "float" });
      const byDefault = await client.embeddings.create({ model, input });
      assert.equal(numbers.data.length, 2);
      const { embedding } = numbers.data[0];
      assert.ok(embedding.length > 1 && embedding.every((value) => Number.isFinite(value)));
      assert.equal(byDefault.data[0].embedding.length, embedding.length);
      byDefault.data[0].embedding.forEach((value, index) => assert.ok(Math.abs(value - embedding[index]) < 1e-5));
      assert.ok(numbers.usage.prompt_tokens > 0);
      const raw = await client.embeddings.create({ model, input: "one", encoding_format: "base64" }).asResponse();
      const body = await raw.json();
      assert.equal(typeof body.data[0].embedding, "string");
      const end = await callEnd(company, raw.headers.get("x-alfred-request-id"));
      assert.equal(end.record.input_tokens, body.usage.prompt_tokens);
      assert.equal(end.record.output_tokens, 0);
      assert.equal(end.charged, millicredits(raw.headers.get("x-alfred-cost-credits")));
    });
  }
});

test("the cost is the provider's count at the organization's price", async () => {
  const { data, response } = await client.chat.completions.create({ model: "fake-ok", messages }).withResponse();
  const { prompt_tokens, completion_tokens } = data.usage;
  assert.equal(millicredits(response.headers.get("x-alfred-cost-credits")), cost(prompt_tokens, completion_tokens));
});

test("errors are the classes that programs catch", async () => {
  const ask = (options, more = {}) =>
    client.withOptions(options).chat.completions.create({ model: "fake-ok", messages, ...more });
  await assert.rejects(ask({ apiKey: "sk-wrong" }), (error) => {
    assert.ok(error instanceof OpenAI.AuthenticationError);
    assert.deepEqual([error.status, error.code, error.type], [401, "invalid_api_key", "invalid_request_error"]);
    return true;
  });
  const narrow = await company.addKey(person.member, { models: ["demo-*"] });
  await assert.rejects(ask({ apiKey: narrow.secret }), (error) => {
    assert.ok(error instanceof OpenAI.PermissionDeniedError);
    assert.deepEqual([error.status, error.code, error.param], [403, "model_not_allowed", "model"]);
    return true;
  });
  await assert.rejects(ask({}, { model: "" }), (error) => error instanceof OpenAI.BadRequestError && error.param === "model");
  await assert.rejects(ask({}, { n: 0 }), (error) => error instanceof OpenAI.BadRequestError && error.param === "n");
  await assert.rejects(client.models.retrieve("demo-nothing"), OpenAI.NotFoundError);
  await assert.rejects(client.images.generate({ prompt: "a cat" }), (error) => {
    assert.ok(error instanceof OpenAI.NotFoundError);
    assert.equal(error.code, "unknown_url");
    return true;
  });
});

test("a 402 is not tried again", async () => {
  const poor = await company.addPerson();
  const { client, requests } = counting({ apiKey: poor.secret, maxRetries: 2 });
  await assert.rejects(client.chat.completions.create({ model: "fake-ok", messages }), (error) => {
    assert.deepEqual([error.status, error.code, error.type], [402, "insufficient_quota", "insufficient_quota"]);
    assert.match(error.message, /0 credits left/);
    assert.equal(error.headers.get("x-should-retry"), "false");
    return true;
  });
  assert.deepEqual(requests, ["/v1/chat/completions"]);
});

test("a 429 says when to try again, and the SDK does", async () => {
  const limited = await company.addPerson({ wallet: 1_000_000 });
  await company.addLimit(limited.team, { window: "minute", unit: "requests", amount: 1 });
  const { client } = counting({ apiKey: limited.secret, maxRetries: 0 });
  // One of three is refused even if the minute turns in between.
  const asked = Array.from({ length: 3 }, () => client.chat.completions.create({ model: "fake-ok", messages }));
  const errors = (await Promise.allSettled(asked)).filter(({ status }) => status === "rejected").map(({ reason }) => reason);
  assert.ok(errors.length >= 1);
  for (const error of errors) {
    assert.ok(error instanceof OpenAI.RateLimitError);
    const seconds = Number(error.headers.get("retry-after"));
    assert.ok(seconds >= 1 && seconds <= 60, `retry-after: ${seconds}`);
  }
  // The provider's own 429 asks for a second's pause; the SDK waits and succeeds.
  await provider.mode({ mode: "429", retry_after: 1, times: 1 });
  const again = counting({ maxRetries: 1 });
  const completion = await again.client.chat.completions.create({ model: "gpt-any", messages });
  assert.ok(completion.choices[0].message.content);
  assert.equal(again.requests.length, 2);
});

test("a 429 that no minute has room for is not tried again", async () => {
  const limited = await company.addPerson({ wallet: 1_000_000 });
  await company.addLimit(limited.team, { window: "minute", unit: "requests", amount: 0 });
  const { client, requests } = counting({ apiKey: limited.secret, maxRetries: 2 });
  await assert.rejects(client.chat.completions.create({ model: "fake-ok", messages }), OpenAI.RateLimitError);
  assert.equal(requests.length, 1);
});

test("in the end all of it is in the ledger", async () => {
  await reconciled(company);
});
