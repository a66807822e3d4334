// What the runtime loads for the management API. `cargo xtask build` puts this
// and what it imports into one module.

import * as rust from "./index.js";
import { call } from "./instance.mjs";

export default {
  fetch(request, env, context) {
    return call(() => rust.fetch(request, env, context)).catch(died);
  },
};

/** The answer when there is no Rust program to give one, as the API gives its own. */
function died() {
  const type = "urn:alfred:problem:internal";
  const detail = "Alfred has stopped in the middle of this request and started anew. Send it again.";
  const problem = { type, title: "Something went wrong on our side", status: 500, detail, code: "internal" };
  return Response.json(problem, { status: 500, headers: { "content-type": "application/problem+json" } });
}
