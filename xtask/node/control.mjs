// A control port beside the served one, for what HTTP clients of Alfred must
// not be able to do: benchmarks and tests in other languages run cron triggers,
// kill workerd and look into D1 through it. Loopback only, and with a token,
// since any web page can send requests to loopback.

import { createServer } from "node:http";
import { randomBytes, timingSafeEqual } from "node:crypto";

const VERBS = {
  /** `{"cron": "*\/5 * * * *", "at": 1767225600000}`, both optional */
  scheduled: (runtime, { cron, at }) => runtime.scheduled(cron, at === undefined ? undefined : new Date(at)),
  /** `{"sql": "SELECT …", "parameters": []}` */
  query: (runtime, { sql, parameters = [] }) => runtime.query(sql, ...parameters),
  /** SIGKILL of workerd, and a new one on the same state and port */
  kill: async (runtime) => {
    await runtime.kill();
    await runtime.start();
    return { workerd_pid: runtime.workerdPid };
  },
};

/**
 * Listens on a free loopback port: `POST /<verb>` with a JSON body.
 *
 * @returns {Promise<{ control_url: string, control_token: string }>}
 */
export async function startControl(runtime) {
  const token = randomBytes(24).toString("base64url");
  const server = createServer((request, response) => {
    answer(runtime, token, request).then(
      (body) => send(response, 200, body),
      (error) => send(response, error.status ?? 500, { error: error.message }),
    );
  });
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  server.unref();
  return { control_url: `http://127.0.0.1:${server.address().port}`, control_token: token };
}

async function answer(runtime, token, request) {
  const given = Buffer.from(request.headers.authorization ?? "");
  const wanted = Buffer.from(`Bearer ${token}`);
  if (given.length !== wanted.length || !timingSafeEqual(given, wanted)) throw failure(401, "wrong token");
  const verb = request.url.slice(1);
  if (request.method !== "POST" || !Object.hasOwn(VERBS, verb)) {
    throw failure(404, `POST one of: ${Object.keys(VERBS).join(", ")}`);
  }
  const chunks = await request.toArray();
  const text = Buffer.concat(chunks).toString("utf8");
  return (await VERBS[verb](runtime, text === "" ? {} : JSON.parse(text))) ?? {};
}

function failure(status, message) {
  return Object.assign(new Error(message), { status });
}

function send(response, status, body) {
  response.writeHead(status, { "content-type": "application/json" });
  response.end(`${JSON.stringify(body)}\n`);
}
