// What the runtime loads for the actors: the Durable Object classes that
// wrangler.toml names, each answered by the compiled Rust. `cargo xtask build`
// puts this and what it imports into one module.

import { DurableObject } from "cloudflare:workers";

import * as rust from "./index.js";
import { call, living } from "./instance.mjs";

/** The Durable Object class around a Rust one. */
function actor(Rust) {
  return class extends DurableObject {
    #rust;
    #instance;

    #living() {
      const instance = living();
      if (this.#instance !== instance) {
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

// A script answers something; nobody reaches this one but by its actors.
export default {
  fetch() {
    return new Response("actors are reached by name\n", { status: 404 });
  },
};
