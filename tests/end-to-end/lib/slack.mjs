// The fake Slack with its control doors.

import { startFake } from "../provider.mjs";

export const TOKEN = "xoxb-fake-token";
export const SIGNING_SECRET = "0123456789abcdef0123456789abcdef";
export const WORKSPACE = "T012AB3CD";

/** Starts one; `url` is where its API is. */
export async function startSlack() {
  const fake = await startFake("slack", "--token", TOKEN, "--signing-secret", SIGNING_SECRET, "--team", WORKSPACE);
  return new Slack(fake);
}

class Slack {
  constructor({ url, stop }) {
    this.url = `${url}/api`;
    this.doors = `${url}/__control`;
    this.stop = stop;
  }

  async #door(name, body) {
    const init = body === undefined ? {} : { method: "POST", body: JSON.stringify(body) };
    const response = await fetch(`${this.doors}/${name}`, { ...init, headers: { connection: "close" } });
    const answer = await response.json();
    if (!response.ok) throw new Error(`the fake Slack's ${name}: ${JSON.stringify(answer)}`);
    return answer;
  }

  /** Who there is: `{ U1: "ada@acme.example" }`. */
  people(people) {
    return this.#door("people", people);
  }

  /** What somebody was sent, as it is now. */
  async messages(user) {
    const all = await this.#door("messages");
    return all.filter(({ channel }) => channel === `D${user}`);
  }

  /** What was sent to `response_url`s. */
  responses() {
    return this.#door("responses");
  }

  /** How often each method was called. */
  calls() {
    return this.#door("calls");
  }

  /** The next calls of a method fail. */
  fail(method, status, times = 1) {
    return this.#door("fail", { method, status, times });
  }

  /** A signed press of a button, to be sent. */
  press(user, message, action, more = {}) {
    return this.#door("press", { user, ts: message.ts, action, ...more });
  }

  /** A signed `/alfred …`, to be sent. */
  typed(user, text, more = {}) {
    return this.#door("type", { user, text, ...more });
  }
}

/** The words of a message. */
export const words = ({ message }) => JSON.stringify(message);
