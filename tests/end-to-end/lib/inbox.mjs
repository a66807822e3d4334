// The fake that takes mail and webhooks, with its control doors.

import { startFake } from "../provider.mjs";

export const TOKEN = "inbox-fake-token";
export const SECRET = "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=";
export const TELEGRAM_SECRET = "telegrams-secret-token_1";
export const DOMAIN = "acme.example";

/** Starts one; `env` says to Alfred where it is, `ways` is each kind of channel to it. */
export async function startInbox() {
  const { url, stop } = await startFake("inbox", "--token", TOKEN, "--domain", DOMAIN, "--secret", SECRET, "--telegram-secret", TELEGRAM_SECRET);
  return new Inbox(url, stop);
}

class Inbox {
  constructor(url, stop) {
    this.stop = stop;
    this.doors = `${url}/__control`;
    this.env = { RESEND_API: `${url}/resend`, POSTMARK_API: `${url}/postmark`, TELEGRAM_API: `${url}/telegram` };
    const from = `alfred@${DOMAIN}`;
    this.ways = {
      resend: { kind: "email", service: "resend", from, token: TOKEN },
      postmark: { kind: "email", service: "postmark", from, token: TOKEN },
      teams: { kind: "teams_webhook", url: `${url}/teams/workflow?sig=secret` },
      hook: { kind: "webhook", url: `${url}/hook/alfred`, secret: SECRET },
    };
    this.telegram = { kind: "telegram", bot: "alfred_acme_bot", token: TOKEN, secret_token: TELEGRAM_SECRET };
  }

  async #door(name, body) {
    const init = body === undefined ? {} : { method: "POST", body: JSON.stringify(body) };
    const response = await fetch(`${this.doors}/${name}`, { ...init, headers: { connection: "close" } });
    return response.json();
  }

  /** What was taken and says this. */
  async letters(pattern = /./) {
    return (await this.#door("letters")).filter(({ message }) => pattern.test(JSON.stringify(message)));
  }

  /** What was answered to whoever pressed a button. */
  said() {
    return this.#door("said");
  }

  /** What Telegram sends when `user` writes `text`, or presses `action` of the letter `key`. */
  update(more) {
    return this.#door("update", more);
  }

  /** What was refused. */
  refused() {
    return this.#door("refused");
  }

  /** The next requests to a desk fail. */
  fail(desk, status, times = 1) {
    return this.#door("fail", { desk, status, times });
  }
}

/** To whom a letter was sent: an address, or the desk of what is nobody's own. */
export function recipient({ desk, message }) {
  const text = desk === "resend" ? message.to[0] : message.To;
  return `${desk} ${/<(.+)>$/.exec(text ?? "")?.[1] ?? "all"}`;
}
