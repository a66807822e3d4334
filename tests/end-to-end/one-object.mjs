// The least that a call costs when an object must agree to it: the bare
// pass-through, and before it one message to a Durable Object that writes what
// the last call came to and what this one reserves. No key, price, limit or
// journal, no stream is looked into, nothing goes to D1. What Alfred takes
// beyond this is Alfred's; the rest is the platform's price for asking first.
//
// env.UPSTREAM, env.AUTHORIZATION: as for the pass-through
// env.OBJECT: this module's class

import { DurableObject } from "cloudflare:workers";

import passthrough from "./passthrough.mjs";

export class OneObject extends DurableObject {
  #last;

  constructor(state, env) {
    super(state, env);
    state.storage.sql.exec("CREATE TABLE IF NOT EXISTS reservations (id TEXT PRIMARY KEY, data TEXT) STRICT, WITHOUT ROWID");
    state.storage.sql.exec("CREATE TABLE IF NOT EXISTS entries (sequence INTEGER PRIMARY KEY, data TEXT) STRICT");
  }

  async fetch(request) {
    const text = await request.text();
    const { id } = JSON.parse(text);
    const { sql } = this.ctx.storage;
    this.ctx.storage.transactionSync(() => {
      if (this.#last !== undefined) {
        sql.exec("INSERT INTO entries (data) VALUES (?)", text);
        sql.exec("UPDATE reservations SET data = ? WHERE id = ?", "settled", this.#last);
      }
      sql.exec("INSERT INTO reservations (id, data) VALUES (?, ?)", id, text);
    });
    this.#last = id;
    return Response.json({ id, amount: "1234", balance: "999999" });
  }
}

export default {
  async fetch(request, env) {
    const asked = await request.text();
    const { model } = JSON.parse(asked);
    const body = JSON.stringify({ id: crypto.randomUUID(), model, input_tokens: asked.length, pad: "x".repeat(400) });
    const name = request.headers.get("authorization");
    const response = await env.OBJECT.getByName(name).fetch("http://object/", { method: "POST", body });
    await response.json();
    return passthrough.fetch(new Request(request, { body: asked }), env);
  },
};
