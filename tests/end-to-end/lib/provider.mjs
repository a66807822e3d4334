// The fake provider with its control doors.

import { eventually } from "../harness.mjs";
import { startProvider as start } from "../provider.mjs";

/** Starts one; takes the options of `fakes provider`. */
export async function startProvider(...options) {
  return new Provider(await start(...options));
}

class Provider {
  constructor({ url, stop }) {
    this.url = url;
    this.stop = stop;
  }

  /** Its base URL, as an admin enters it. */
  get baseUrl() {
    return `${this.url}/v1`;
  }

  async #door(name, body) {
    const init = body === undefined ? {} : { method: "POST", body: JSON.stringify(body) };
    const response = await fetch(`${this.url}/__control/${name}`, { ...init, headers: { connection: "close" } });
    const answer = await response.json();
    if (!response.ok) throw new Error(`the fake provider's ${name}: ${JSON.stringify(answer)}`);
    return answer;
  }

  /** The sums of its books. */
  totals() {
    return this.#door("usage");
  }

  /** The sums, once all of its calls are over. */
  settled() {
    return eventually(async () => {
      const totals = await this.totals();
      return totals.open === 0 && totals;
    });
  }

  /** The calls that are over. */
  calls() {
    return this.#door("calls");
  }

  /** The requests as they came in. */
  requests() {
    return this.#door("requests");
  }

  /** The request that came in last. */
  async lastRequest() {
    return (await this.requests()).at(-1);
  }

  /** How the next calls are answered that bring no plan of their own. */
  mode(plan) {
    return this.#door("mode", plan);
  }

  /** New books. */
  reset() {
    return this.#door("reset", {});
  }
}
