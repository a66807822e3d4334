// Somebody who listens to `GET /api/v1/events`, as server-sent events.

import assert from "node:assert/strict";

import { eventually } from "../harness.mjs";

/**
 * Begins to listen, and waits until everything that happens from here on is
 * told.
 *
 * @param {import("./company.mjs").Api} api under whose key
 * @param {object} [options]
 * @param {string} [options.team] all of this team
 * @param {string} [options.last] the id of the last event that was heard
 * @returns {Promise<Listener>}
 */
export async function listen(api, { team, last } = {}) {
  const leave = new AbortController();
  const response = await api.alfred.fetch(`/api/v1/events${team ? `?team_id=${team}` : ""}`, {
    headers: { authorization: `Bearer ${api.key}`, ...(last && { "last-event-id": last }) },
    signal: leave.signal,
  });
  assert.equal(response.status, 200, response.status === 200 ? "" : await response.text());
  assert.equal(response.headers.get("content-type"), "text/event-stream");
  const listener = new Listener(response.body, leave);
  await eventually(() => listener.events.length > 0 || listener.over);
  assert.match(listener.events[0]?.event ?? "nothing", /^(ready|reset)$/);
  return listener;
}

class Listener {
  #leave;

  constructor(body, leave) {
    this.#leave = leave;
    /** What was heard: `id`, `event`, `data`, and `at`, when. */
    this.events = [];
    /** Whether the stream has ended. */
    this.over = false;
    this.#read(body).catch(() => {}).finally(() => (this.over = true));
  }

  async #read(body) {
    let text = "";
    for await (const part of body.pipeThrough(new TextDecoderStream())) {
      text += part;
      const blocks = text.split("\n\n");
      text = blocks.pop();
      for (const block of blocks) {
        const fields = Object.fromEntries(block.split("\n").map((line) => [line.split(": ")[0], line.slice(line.indexOf(": ") + 2)]));
        if (fields.event) this.events.push({ ...fields, data: JSON.parse(fields.data), at: performance.now() });
      }
    }
  }

  /** The place of the last event. */
  get last() {
    return this.events.at(-1).id;
  }

  /** What was heard of one kind. */
  of(event) {
    return this.events.filter((heard) => heard.event === event).map(({ data }) => data);
  }

  /** Waits until something like this is heard. */
  async heard(event, fields, within = 5000) {
    const fits = (data) => Object.entries(fields).every(([name, value]) => data[name] === value);
    const found = () => this.events.find((heard) => heard.event === event && fits(heard.data));
    try {
      return await eventually(found, { within, every: 5 });
    } catch {
      throw new Error(`no ${event} ${JSON.stringify(fields)} among ${JSON.stringify(this.events.map(({ event, data }) => [event, data]))}`);
    }
  }

  /** Leaves. */
  close() {
    this.#leave.abort();
  }
}
