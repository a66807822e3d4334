// Bad input changes nothing: no call upstream, no entry, nothing reserved.

import assert from "node:assert/strict";
import { request as open } from "node:http";
import { connect } from "node:net";
import { after, before, beforeEach, afterEach, describe, test } from "node:test";

import { startAlfred } from "./harness.mjs";
import { call, chat } from "./lib/call.mjs";
import { found } from "./lib/company.mjs";
import { callEnd, entries, reconciled } from "./lib/ledger.mjs";
import { startProvider } from "./lib/provider.mjs";

const WALLET = 100_000_000;

let alfred, provider, company, person, before_;
before(async () => {
  [alfred, provider] = await Promise.all([startAlfred(), startProvider()]);
  company = await found(alfred, { provider });
  person = await company.addPerson({ wallet: WALLET });
  await company.addLimit(person.team, { window: "total", unit: "requests", amount: 1_000_000 });
});
after(() => Promise.all([alfred?.stop(), provider?.stop()]));

async function picture() {
  const [standing, wallet, limits, totals] = await Promise.all([
    company.standing(person.team),
    company.wallet(person.member),
    company.api.list(`/teams/${person.team.id}/limits`),
    provider.totals(),
  ]);
  return { standing, wallet, limits, totals };
}

describe("refused, and nothing has changed", () => {
  beforeEach(async () => (before_ = await picture()));
  afterEach(async () => assert.deepEqual(await picture(), before_));

  const refused = async (body, status, code, options) => {
    const answer = await call(alfred, person.secret, body, options);
    const shown = typeof body === "string" ? body.slice(0, 60) : JSON.stringify(body)?.slice(0, 200);
    assert.equal(answer.status, status, `${shown}: ${answer.text}`);
    assert.equal(answer.body?.error.code, code, `${shown}: ${answer.text}`);
    assert.deepEqual(Object.keys(answer.body.error).sort(), ["code", "message", "param", "type"]);
    assert.match(answer.request, /^req_/);
    return answer;
  };

  test("what is not JSON", async () => {
    for (const [body, code] of [
      ["", "invalid_json"],
      ["{", "invalid_json"],
      ['{"model":"fake-ok","messages":[]', "invalid_json"],
      ["model=fake-ok", "invalid_json"],
      ['{"model":"fake-ok","messages":[]} x', "invalid_json"],
      ["[]", "invalid_body"],
      ['"text"', "invalid_body"],
      ["null", "invalid_body"],
      [Buffer.from('{"model":"fake-ok","messages":[{"role":"user","content":"\xff\xfe"}]}', "latin1"), "invalid_utf8"],
      ['{"model":"fake-ok","model":"gpt-4o","messages":[{"role":"user","content":"x"}]}', "duplicate_parameter"],
    ]) {
      await refused(body, 400, code);
    }
  });

  test("wrong types and values", async () => {
    for (const [more, code, param] of [
      [{ model: undefined }, "missing_required_parameter", "model"],
      [{ model: 7 }, "invalid_type", "model"],
      [{ model: "x".repeat(300) }, "invalid_type", "model"],
      [{ messages: undefined }, "missing_required_parameter", "messages"],
      [{ messages: "Hello" }, "invalid_type", "messages"],
      [{ stream: "yes" }, "invalid_type", "stream"],
      [{ stream_options: [] }, "invalid_type", "stream_options"],
      [{ n: 0 }, "invalid_value", "n"],
      [{ n: -1 }, "invalid_value", "n"],
      [{ n: 129 }, "invalid_value", "n"],
      [{ n: 1.5 }, "invalid_type", "n"],
      [{ n: "2" }, "invalid_type", "n"],
      [{ max_completion_tokens: 0 }, "invalid_value", "max_completion_tokens"],
      [{ max_completion_tokens: -5 }, "invalid_value", "max_completion_tokens"],
      [{ max_completion_tokens: 1e12 }, "invalid_value", "max_completion_tokens"],
      [{ max_tokens: 17 }, "conflicting_limits", "max_tokens"],
      [{ service_tier: 5 }, "invalid_type", "service_tier"],
      [{ web_search_options: {} }, "unpriced_parameter", "web_search_options"],
      [{ tools: [{ type: "web_search_preview" }] }, "unpriced_parameter", "tools"],
      [{ models: ["gpt-4o"] }, "unpriced_parameter", "models"],
    ]) {
      const answer = await refused(chat(more), 400, code);
      assert.equal(answer.body.error.param, param, JSON.stringify(more));
    }
    const deep = `${"[".repeat(5000)}${"]".repeat(5000)}`;
    await refused(`{"model":"fake-ok","messages":[{"role":"user","content":"x"}],"x":${deep}}`, 400, "nested_too_deeply");
    const file = [{ type: "file", file: { file_id: "file-1" } }];
    await refused(chat({ messages: [{ role: "user", content: file }] }), 400, "unbounded_content");
    await refused({ model: "e", input: [] }, 400, "empty_value", { path: "/v1/embeddings" });
    await refused({ model: "e" }, 400, "missing_required_parameter", { path: "/v1/embeddings" });
    await refused({ model: "e", input: { a: 1 } }, 400, "invalid_type", { path: "/v1/embeddings" });
  });

  test("bodies of 20 MB, announced or not", async () => {
    const big = Buffer.from(JSON.stringify(chat({ messages: [{ role: "user", content: "x".repeat(20 << 20) }] })));
    for (const announced of [true, false]) {
      const { status, body } = await uploaded(big, announced);
      assert.deepEqual([status, body.error.code], [413, "request_too_large"]);
    }
  });

  test("a call that nobody could pay", async () => {
    const body = chat({ messages: [{ role: "user", content: "x".repeat(8 << 20) }] });
    const answer = await refused(body, 402, "insufficient_quota");
    assert.equal(answer.headers.get("x-should-retry"), "false");
    await refused(chat({ max_completion_tokens: 4_294_967_295, n: 128, model: "gpt-x", messages: body.messages }), 402, "insufficient_quota");
  });

  test("tags that are none", async () => {
    for (const tag of ["", " ", "two words", "x".repeat(65), "ключ"]) {
      const headers = { "x-alfred-tag": Buffer.from(tag).toString("latin1") };
      if (tag.trim() === "") {
        // An empty header is still a header.
        const answer = await call(alfred, person.secret, chat(), { headers });
        assert.ok([200, 400].includes(answer.status));
        if (answer.status === 200) before_ = await settledPicture();
        continue;
      }
      await refused(chat(), 400, "invalid_tag", { headers });
    }
  });

  test("headers that would break out", async () => {
    const { port } = new URL(alfred.url);
    const body = JSON.stringify(chat());
    for (const line of ["x-alfred-tag: a\r\n\tb", "x-alfred-tag: a\0b", "x-alfred-tag: \x01"]) {
      const head = `POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${person.secret}\r\n`;
      const text = await raw(port, `${head}${line}\r\nconnection: close\r\ncontent-length: ${body.length}\r\n\r\n${body}`);
      assert.match(text, /^HTTP\/1\.1 400 /, JSON.stringify(line));
    }
  });
});

async function settledPicture() {
  await reconciled(company);
  return picture();
}

test("words that look like SQL or markup are only words", async () => {
  const tag = "x');DROP/**/TABLE/**/entries;--";
  const model = `fake-ok`;
  const answer = await call(alfred, person.secret, chat({ model }), { headers: { "x-alfred-tag": tag } });
  assert.equal(answer.status, 200);
  const end = await callEnd(company, answer.request);
  assert.equal(end.record.tag, tag);
  const name = `Robert'); DROP TABLE entries; -- <script>alert("1")</script> ${"ü".repeat(10)}`;
  const member = await company.api.made("/members", { team_id: person.team.id, name });
  assert.equal((await company.api.shown(`/members/${member.id}`)).name, name);
  const odd = await call(alfred, person.secret, chat({ model: "gpt-'; DELETE FROM usage_hours; --" }));
  assert.equal(odd.status, 200);
  assert.equal((await callEnd(company, odd.request)).record.model, "gpt-'; DELETE FROM usage_hours; --");
  await reconciled(company);
  assert.ok((await entries(alfred, person.team.id)).length > 0);
});

/** Sends a large body for as long as there is no answer. */
/**
 * Uploads until the answer is seen. Who answers before the end of a body and
 * closes, resets the connection; whether the client has read the answer by then
 * is up to its system.
 */
async function uploaded(bytes, announced, attempts = 10) {
  try {
    return await upload(bytes, announced);
  } catch (error) {
    if (attempts === 1 || !["ECONNRESET", "EPIPE"].includes(error.code)) throw error;
    return uploaded(bytes, announced, attempts - 1);
  }
}

function upload(bytes, announced) {
  return new Promise((done, failed) => {
    const request = open(`${alfred.url}/v1/chat/completions`, {
      method: "POST",
      agent: false,
      headers: {
        authorization: `Bearer ${person.secret}`,
        "content-type": "application/json",
        ...(announced && { "content-length": bytes.length }),
      },
    });
    let answered = false;
    request.on("error", (error) => answered || failed(error));
    request.on("response", async (response) => {
      answered = true;
      const body = Buffer.concat(await response.toArray());
      done({ status: response.statusCode, body: JSON.parse(body) });
      request.destroy();
    });
    request.flushHeaders();
    const write = (at) => {
      if (answered) return;
      if (at >= bytes.length) return void request.end();
      request.write(bytes.subarray(at, at + (1 << 16)), () => setImmediate(write, at + (1 << 16)));
    };
    setImmediate(write, 0);
  });
}

/** Sends bytes over a socket of their own and returns what comes back. */
function raw(port, text) {
  return new Promise((done, failed) => {
    let answer = "";
    const socket = connect(Number(port), "127.0.0.1", () => socket.write(text, "latin1"));
    socket.setEncoding("latin1");
    socket.on("data", (piece) => (answer += piece));
    socket.on("close", () => done(answer));
    socket.on("error", failed);
  });
}
