// What the runtime loads at the edge: calls of models are answered by the
// compiled Rust, everything else by the script of the management API. `cargo
// xtask build` puts this and what it imports into one module.

import { sealed } from "./headers.mjs";
import * as rust from "./index.js";
import { call } from "./instance.mjs";

/** The paths of calls: those of OpenAI's API, with and without a version. */
const CALL = /^\/(v1(\/.*)?|chat\/completions|embeddings|models)$/;

export default {
  fetch(request, env, context) {
    const answer = CALL.test(new URL(request.url).pathname)
      ? call(() => rust.fetch(request, env, context)).catch(died)
      : env.MANAGEMENT.fetch(request);
    return answer.then((response) => sealed(response, request.url));
  },
};

/** The answer to a call when there is no Rust program to give one. */
function died() {
  const message = "Alfred has stopped in the middle of this request and started anew. Send it again.";
  return Response.json({ error: { message, type: "server_error", param: null, code: "internal_error" } }, { status: 500 });
}
