// A client that hangs up on purpose.

import { request as open } from "node:http";

/**
 * Sends a call, and leaves when told to: with a reset, which is what the
 * runtime hears of at once. (A plain close only says that the client will send
 * no more; it is noticed when something is written to it.)
 *
 * @returns {{ response: Promise<import("node:http").IncomingMessage>, leave: () => void }}
 *   `response` as soon as there are headers
 */
export function leaver(alfred, key, body) {
  const request = open(`${alfred.url}/v1/chat/completions`, {
    method: "POST",
    agent: false,
    headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
  });
  const response = new Promise((done, failed) => {
    request.on("response", (response) => {
      response.on("error", () => {});
      done(response);
    });
    request.on("error", failed);
  });
  response.catch(() => {});
  request.end(JSON.stringify(body));
  return { response, leave: () => request.socket.resetAndDestroy() };
}
