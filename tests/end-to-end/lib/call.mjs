// Calls of the model API as they go over the wire, without an SDK.

import { millicredits } from "./money.mjs";

/** A body that needs little; `more` adds to it or replaces. */
export function chat(more = {}) {
  return { model: "fake-ok", max_completion_tokens: 16, messages: [{ role: "user", content: "Hello" }], ...more };
}

/** The same, answered as `plan` says (see the fake provider's documentation). */
export function planned(plan, more = {}) {
  return chat({ metadata: { fake: JSON.stringify(plan) }, ...more });
}

/**
 * One call, and all of its answer.
 *
 * @param {object} body sent as JSON; a string or bytes as they are
 * @returns {Promise<Answer>}
 */
export async function call(alfred, key, body, { path = "/v1/chat/completions", headers, signal } = {}) {
  const response = await post(alfred, key, body, { path, headers, signal });
  return answer(response, await response.text());
}

/** Sends a call and returns as soon as there are headers. */
export function post(alfred, key, body, { path = "/v1/chat/completions", headers, signal } = {}) {
  const raw = typeof body === "string" || body instanceof Uint8Array;
  return alfred.fetch(path, {
    method: "POST",
    headers: { "content-type": "application/json", ...(key && { authorization: `Bearer ${key}` }), ...headers },
    body: raw ? body : JSON.stringify(body),
    signal,
  });
}

function answer(response, text) {
  const { status, headers } = response;
  const amount = (name) => (headers.has(name) ? millicredits(headers.get(name)) : undefined);
  const isStream = headers.get("content-type")?.startsWith("text/event-stream");
  return {
    status,
    headers,
    text,
    body: isStream ? undefined : parsed(text),
    events: isStream ? events(text) : undefined,
    request: headers.get("x-alfred-request-id"),
    cost: amount("x-alfred-cost-credits"),
    balance: amount("x-alfred-balance-credits"),
  };
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** The data of a stream's events, as JSON where it is; `[DONE]` stays a text. */
export function events(text) {
  return text
    .split(/\r?\n\r?\n/)
    .map((frame) => frame.split(/\r?\n/).filter((line) => line.startsWith("data:")))
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.map((line) => line.slice(5).trim()).join("\n"))
    .map((data) => parsed(data) ?? data);
}

/** The text that a stream's events make. */
export function content(events) {
  return events.flatMap((event) => event.choices ?? []).map((choice) => choice.delta?.content ?? "").join("");
}

/** The usage in a stream's last events, with Alfred's cost in millicredits. */
export function finalUsage(events) {
  const usage = events.findLast((event) => event.usage)?.usage;
  return usage && { ...usage, cost: usage.alfred && millicredits(usage.alfred.cost_credits) };
}

/** All that an async iterable gives. */
export async function collected(iterable) {
  const items = [];
  for await (const item of iterable) items.push(item);
  return items;
}
