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
        // Whoever has listened to one that died may have missed something: they come again, and are told so.
        if (this.#instance !== undefined) for (const socket of this.ctx.getWebSockets()) socket.close(1012, "started anew");
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

    // Who listens has nothing to say, and nobody is woken when they leave.
    webSocketMessage(socket) {
      socket.close(1008, "nothing is expected here");
    }

    webSocketClose(socket) {
      try {
        socket.close();
      } catch {
        // The runtime has answered it already.
      }
    }

    webSocketError() {}
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
