// What the runtime loads for queues and crons. `cargo xtask build` puts this and
// what it imports into one module.

import * as rust from "./index.js";
import { call } from "./instance.mjs";

export default {
  queue(batch, env, context) {
    return call(() => rust.queue(batch, env, context));
  },

  scheduled(event, env, context) {
    return call(() => rust.scheduled(event, env, context));
  },
};
