// What the runtime loads: the handlers and the Durable Object classes that
// wrangler.toml names, each answered by the compiled Rust. `cargo xtask build`
// puts this, headers.mjs, `wasm-bindgen`'s JavaScript and nothing else into one
// module.
//
// A panic, like any other trap, ends the instance of the Rust program with all
// that is in its memory. Nothing may enter a dead instance: its calls fail at
// once, and a new one takes over, in which each actor is woken from its journal.

import { DurableObject } from "cloudflare:workers";

import { sealed } from "./headers.mjs";
import * as rust from "./index.js";

rust.begin();
let instance = 0;
/** What makes the calls fail that the living instance has not answered yet. */
let unanswered = new Set();

/** The number of the living instance; a new one if the last one has died. */
function living() {
  try {
    rust.check();
  } catch {
    console.error("the Rust program has died and is started anew");
    rust.__wbg_reset_state();
    rust.begin();
    instance += 1;
    const failing = unanswered;
    unanswered = new Set();
    for (const fail of failing) fail(new Error("the Rust program has died"));
  }
  return instance;
}

// A trap in a promise's continuation reaches nobody else.
for (const event of ["error", "unhandledrejection"]) addEventListener(event, living);

/** Calls the living instance, and fails when that dies. */
function call(run) {
  return new Promise((answer, fail) => {
    living();
    const waiting = unanswered;
    waiting.add(fail);
    run()
      .then(answer, fail)
      .finally(() => waiting.delete(fail));
  });
}

export default {
  fetch(request, env, context) {
    return call(() => rust.fetch(request, env, context))
      .catch(() => died(request))
      .then((answer) => sealed(answer, request.url));
  },

  queue(batch, env, context) {
    return call(() => rust.queue(batch, env, context));
  },

  scheduled(event, env, context) {
    return call(() => rust.scheduled(event, env, context));
  },
};

/** The Durable Object class around a Rust one. */
function actor(Rust) {
  return class extends DurableObject {
    #rust;
    #instance;

    #living() {
      if (this.#instance !== living()) {
        this.#rust = new Rust(this.ctx, this.env);
        this.#instance = instance;
      }
      return this.#rust;
    }

    fetch(request) {
      return call(() => this.#living().fetch(request));
    }

    alarm() {
      return call(() => this.#living().alarm());
    }
  };
}

export const OrganizationActor = actor(rust.OrganizationActor);
export const TeamActor = actor(rust.TeamActor);

/** The answer when there is no Rust program to give one: as the API, or for OpenAI's clients, gives its own. */
function died(request) {
  const message = "Alfred has stopped in the middle of this request and started anew. Send it again.";
  // The paths of `gateway::is_mine`.
  if (/^\/(v1(\/.*)?|chat\/completions|embeddings|models)$/.test(new URL(request.url).pathname)) {
    return Response.json({ error: { message, type: "server_error", param: null, code: "internal_error" } }, { status: 500 });
  }
  const type = "urn:alfred:problem:internal";
  const problem = { type, title: "Something went wrong on our side", status: 500, detail: message, code: "internal" };
  return Response.json(problem, { status: 500, headers: { "content-type": "application/problem+json" } });
}
