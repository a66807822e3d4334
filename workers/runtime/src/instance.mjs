// The living instance of a script's Rust program. `cargo xtask build` puts this
// into each script, beside `wasm-bindgen`'s JavaScript.
//
// A panic, like any other trap, ends the instance with all that is in its
// memory. Nothing may enter a dead instance: its calls fail at once, and a new
// one takes over, in which each actor is woken from its journal.

import * as rust from "./index.js";

rust.begin();
let instance = 0;
/** What makes the calls fail that the living instance has not answered yet. */
let unanswered = new Set();

/** The number of the living instance; a new one if the last one has died. */
export function living() {
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
export function call(run) {
  return new Promise((answer, fail) => {
    living();
    const waiting = unanswered;
    waiting.add(fail);
    run()
      .then(answer, fail)
      .finally(() => waiting.delete(fail));
  });
}
