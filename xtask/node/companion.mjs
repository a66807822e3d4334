// A worker beside Alfred's own, which does what HTTP clients of Alfred must not
// be able to: it asks D1, asks actors and runs cron triggers. Loopback only, and
// with a token, since any web page can send requests to loopback.
//
// It is asked over HTTP because Miniflare's own proxy of bindings waits for its
// answers with a blocked thread, and confuses them when the machine is busy.

import { randomBytes } from "node:crypto";

const NAME = "companion";

const SCRIPT = `
  const VERBS = {
    async sql(env, { database, statements }) {
      const prepared = statements.map(({ sql, parameters }) => env[database].prepare(sql).bind(...parameters));
      return (await env[database].batch(prepared)).map(({ results }) => results);
    },
    async actor(env, { binding, name, command }) {
      const actor = env[binding].get(env[binding].idFromName(name));
      const response = await actor.fetch("http://actor/", { method: "POST", body: JSON.stringify(command) });
      if (!response.ok) throw new Error("the actor answered " + response.status + ": " + (await response.text()));
      return response.json();
    },
    async scheduled(env, { cron, at }) {
      const { outcome, noRetry } = await env.SCHEDULED.scheduled({ cron, scheduledTime: new Date(at) });
      return { outcome, noRetry };
    },
  };

  export default {
    async fetch(request, env) {
      if (request.headers.get("authorization") !== "Bearer " + env.TOKEN) return new Response("wrong token", { status: 401 });
      const { verb, ...options } = await request.json();
      try {
        return Response.json(await VERBS[verb](env, options));
      } catch (error) {
        return new Response(error.message, { status: 500 });
      }
    },
  };
`;

/** Nothing that it is asked takes as long as this: beyond it, something hangs. */
const ANSWER_MS = 200_000;

/** Asks the companion of one Miniflare. */
export class Companion {
  #token = randomBytes(24).toString("base64url");
  #url;

  /** The worker, in Miniflare's words. */
  worker({ background }) {
    const { compatibilityDate, d1Databases, durableObjects } = background.worker;
    return {
      name: NAME,
      compatibilityDate,
      // `scheduled` of a service binding.
      compatibilityFlags: ["service_binding_extra_handlers"],
      d1Databases,
      durableObjects,
      serviceBindings: { SCHEDULED: background.name },
      bindings: { TOKEN: this.#token },
      modules: [{ type: "ESModule", path: "companion.mjs", contents: SCRIPT }],
      unsafeDirectSockets: [{ host: "127.0.0.1", port: 0 }],
    };
  }

  /** Where the worker listens is known once Miniflare is ready. */
  async found(miniflare) {
    this.#url = await miniflare.unsafeGetDirectURL(NAME);
  }

  /**
   * Runs statements against a D1 database, all of them or none.
   *
   * @param {string} database the name of its binding
   * @param {{ sql: string, parameters: unknown[] }[]} statements
   * @returns {Promise<object[][]>} the rows that each gave
   */
  sql(database, statements) {
    return this.#ask({ verb: "sql", database, statements });
  }

  /** An actor's answer to a command. */
  actor(binding, name, command) {
    return this.#ask({ verb: "actor", binding, name, command });
  }

  /** Runs the scheduled handler, as a cron trigger would, and waits for it. */
  scheduled(cron, at) {
    return this.#ask({ verb: "scheduled", cron, at: at.getTime() });
  }

  async #ask(question) {
    const response = await fetch(this.#url, {
      method: "POST",
      headers: { authorization: `Bearer ${this.#token}`, connection: "close" },
      body: JSON.stringify(question),
      signal: AbortSignal.timeout(ANSWER_MS),
    }).catch((error) => {
      throw new Error(`${question.verb}: ${error.message}`, { cause: error });
    });
    if (!response.ok) throw new Error(await response.text());
    return response.json();
  }
}
