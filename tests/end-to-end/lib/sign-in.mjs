// OpenID providers for tests: a real one (oidc-provider), and one that signs
// whatever it is told to, for what a real one would never send.

import { once } from "node:events";
import { createServer } from "node:http";

import { SignJWT, exportJWK, generateKeyPair } from "jose";
import Provider from "oidc-provider";

/** People at the real provider; any password will do. */
const PEOPLE = {
  ada: { email: "ada@acme.example", email_verified: true, name: "Ada Lovelace", groups: ["engineers", "finance"] },
  bob: { email: "bob@acme.example", email_verified: true, name: "Bob", groups: [] },
  eve: { email: "eve@evil.example", email_verified: true, name: "Eve", groups: ["finance"] },
  mallory: { email: "ada@acme.example", email_verified: false, name: "Mallory", groups: ["finance"] },
};

/**
 * Starts oidc-provider, an independent and certified implementation, with its
 * built-in pages for signing in and consenting.
 *
 * @param {string} redirectUri Alfred's
 * @param {object} [options]
 * @param {string} [options.algorithm] of its ID tokens
 * @returns {Promise<{ issuer: string, people: typeof PEOPLE, stop(): Promise<void> }>}
 */
export async function startIdentityProvider(redirectUri, { algorithm = "RS256" } = {}) {
  const server = createServer();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const issuer = `http://127.0.0.1:${server.address().port}`;
  const people = structuredClone(PEOPLE);
  const { privateKey } = await generateKeyPair(algorithm, { extractable: true });
  const provider = new Provider(issuer, {
    clients: [
      {
        client_id: "alfred",
        client_secret: "alfreds-secret-at-the-provider",
        redirect_uris: [redirectUri],
        id_token_signed_response_alg: algorithm,
      },
    ],
    jwks: { keys: [{ ...(await exportJWK(privateKey)), alg: algorithm, use: "sig", kid: "one" }] },
    cookies: { keys: ["for signing cookies of a test"] },
    claims: { openid: ["sub"], email: ["email", "email_verified"], profile: ["name"], groups: ["groups"] },
    // Claims of scopes go into the ID token, as at most companies' providers.
    conformIdTokenClaims: false,
    pkce: { required: () => true },
    findAccount: (_context, id) =>
      people[id] && { accountId: id, claims: () => ({ sub: id, ...people[id] }) },
  });
  const quiet = console.warn;
  console.warn = () => {};
  const handle = provider.callback();
  console.warn = quiet;
  server.on("request", handle);
  return { issuer, people, stop: () => closed(server) };
}

/**
 * Starts a provider that answers every code with the token that it is told to
 * make.
 *
 * @returns {Promise<object>}
 */
export async function startForger() {
  const server = createServer();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const issuer = `http://127.0.0.1:${server.address().port}`;
  const pairs = { own: await generateKeyPair("RS256"), other: await generateKeyPair("RS256") };
  const forger = {
    issuer,
    pairs,
    /** Keys that it publishes, by kid. */
    published: { one: pairs.own.publicKey },
    /** How often its keys were fetched. */
    fetched: 0,
    /** Makes the ID token for a nonce. */
    token: (nonce) => forger.sign({ nonce }),
    /** Who an honest token is of. */
    subject: "ada",
    /** Signs claims beside the usual ones. */
    sign(claims, { key = pairs.own.privateKey, header = {} } = {}) {
      const now = Math.floor(Date.now() / 1000);
      const usual = {
        iss: issuer, sub: forger.subject, aud: "alfred", iat: now, exp: now + 300,
        email: "ada@acme.example", email_verified: true, name: "Ada",
      };
      const all = Object.fromEntries(Object.entries({ ...usual, ...claims }).filter(([, value]) => value !== undefined));
      return new SignJWT(all).setProtectedHeader({ alg: "RS256", kid: "one", ...header }).sign(key);
    },
    stop: () => closed(server),
  };
  server.on("request", async (request, response) => {
    const json = (value) => response.setHeader("content-type", "application/json").end(JSON.stringify(value));
    const { pathname } = new URL(request.url, issuer);
    if (pathname === "/.well-known/openid-configuration") {
      return json({
        issuer,
        authorization_endpoint: `${issuer}/auth`,
        token_endpoint: `${issuer}/token`,
        jwks_uri: `${issuer}/jwks`,
        response_types_supported: ["code"],
        id_token_signing_alg_values_supported: ["RS256"],
        code_challenge_methods_supported: ["S256"],
      });
    }
    if (pathname === "/jwks") {
      forger.fetched += 1;
      const keys = Object.entries(forger.published);
      return json({ keys: await Promise.all(keys.map(async ([kid, key]) => ({ ...(await exportJWK(key)), kid }))) });
    }
    if (pathname === "/token") {
      return json({ token_type: "Bearer", access_token: "x", id_token: await forger.token(forger.nonce) });
    }
    response.writeHead(404).end();
  });
  return forger;
}

/** A browser, as far as cookies and redirects go. */
export class Visitor {
  #cookies = new Map();

  constructor(alfred) {
    this.alfred = alfred;
  }

  /** The cookies of a site, by name. */
  cookies(origin) {
    return new Map([...this.#cookies].filter(([, cookie]) => cookie.origin === origin).map(([, { name, value }]) => [name, value]));
  }

  /** One request; its answer's cookies are kept. */
  async request(url, init = {}) {
    const { origin, pathname } = new URL(url);
    const sent = [...this.#cookies.values()].filter((cookie) => cookie.origin === origin && pathname.startsWith(cookie.path));
    const response = await fetch(url, {
      redirect: "manual",
      ...init,
      headers: {
        accept: "text/html",
        connection: "close",
        ...(sent.length && { cookie: sent.map(({ name, value }) => `${name}=${value}`).join("; ") }),
        ...init.headers,
      },
    });
    for (const line of response.headers.getSetCookie()) {
      const [pair, ...attributes] = line.split("; ");
      const [name, value] = [pair.slice(0, pair.indexOf("=")), pair.slice(pair.indexOf("=") + 1)];
      const has = (key) => attributes.find((text) => text.toLowerCase().startsWith(`${key}=`))?.slice(key.length + 1);
      const id = `${origin} ${name}`;
      const expired = has("max-age") === "0" || (has("expires") && Date.parse(has("expires")) <= Date.now());
      if (expired) this.#cookies.delete(id);
      else this.#cookies.set(id, { origin, name, value, path: has("path") ?? "/" });
    }
    return response;
  }

  /** Follows redirects until there is something to look at. */
  async visit(url, init) {
    let response = await this.request(url, init);
    for (let hops = 0; hops < 10 && response.headers.has("location"); hops += 1) {
      url = new URL(response.headers.get("location"), url).href;
      response = await this.request(url);
    }
    return { url, response, text: await response.text() };
  }

  /** Signs in at the real provider, through its pages. */
  async signIn(person, query = `email=${person}@acme.example`) {
    let page = await this.visit(`${this.alfred.url}/api/v1/auth/sign-in?${query}`);
    for (let form = 0; form < 4 && page.text.includes('name="prompt"'); form += 1) {
      const action = page.text.match(/action="([^"]+)"/)[1];
      const prompt = page.text.match(/name="prompt" value="([^"]+)"/)[1];
      const fields = prompt === "login" ? { prompt, login: person, password: "any" } : { prompt };
      page = await this.visit(new URL(action, page.url).href, { method: "POST", body: new URLSearchParams(fields) });
    }
    return page;
  }

  /** The management API, as a page of Alfred's own would use it. */
  async api(method, path, body, headers = {}) {
    const response = await this.request(`${this.alfred.url}/api/v1${path}`, {
      method,
      headers: { accept: "application/json", ...(body !== undefined && { "content-type": "application/json" }), ...headers },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    const text = await response.text();
    return { status: response.status, headers: response.headers, body: text.startsWith("{") ? JSON.parse(text) : text };
  }
}

async function closed(server) {
  server.closeAllConnections();
  server.close();
  await once(server, "close");
}
