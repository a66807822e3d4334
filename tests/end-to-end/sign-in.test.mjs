// People sign in: at a real OpenID provider, in a browser and without one;
// what a provider must not be believed; and how sessions go on and end.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";

import { eventually, startAlfred } from "./harness.mjs";
import { Api, found } from "./lib/company.mjs";
import { Visitor, startForger, startIdentityProvider } from "./lib/sign-in.mjs";

const REDIRECT = "/api/v1/auth/callback";

/** A company that has the domain acme.example, with a team. */
async function company(alfred, domain = "acme.example") {
  const company = await found(alfred);
  company.team = await company.api.made("/teams", { name: "Engineers", department_id: company.department.id });
  const named = { "x-alfred-organization": company.id };
  const set = await company.operator.request("PUT", "/organization/domains", { domains: [domain] }, named);
  assert.equal(set.status, 200, JSON.stringify(set.body));
  return company;
}

function settings(company, issuer, more = {}) {
  return {
    provider: { kind: "generic", issuer, scopes: ["groups"], groups_claim: "groups" },
    client_id: "alfred",
    client_secret: "alfreds-secret-at-the-provider",
    just_in_time: true,
    default_team_id: company.team.id,
    groups: [{ group: "finance", role: "finance", on: company.id }],
    ...more,
  };
}

async function configure(company, body) {
  const answer = await company.api.request("PUT", "/sign-in", body);
  assert.equal(answer.status, 200, JSON.stringify(answer.body));
  return answer.body;
}

/** So many records of the trail, as soon as D1 has them. */
function recorded(company, query, count) {
  return eventually(async () => {
    const records = await company.api.list(`/audit?${query}`);
    assert.ok(records.length <= count, JSON.stringify(records));
    return records.length === count && records;
  });
}

describe("at a real provider", () => {
  let alfred, provider, acme;

  before(async () => {
    alfred = await startAlfred();
    provider = await startIdentityProvider(alfred.url + REDIRECT);
    acme = await company(alfred);
    await configure(acme, settings(acme, provider.issuer));
  });

  after(async () => {
    await alfred?.stop();
    await provider?.stop();
  });

  test("somebody becomes a member, with the roles of their groups", async () => {
    const ada = new Visitor(alfred);
    const page = await ada.signIn("ada", "email=Ada@ACME.example&return_to=/api/v1/session");
    assert.equal(page.response.status, 200, page.text);
    const session = JSON.parse(page.text);
    assert.equal(session.member.name, "Ada Lovelace");
    assert.equal(session.member.email, "ada@acme.example");
    assert.equal(session.member.team_id, acme.team.id);
    assert.deepEqual(session.roles, [{ role: "finance", on: acme.id, until: null }]);
    // What finance may, they may; what not, not.
    assert.equal((await ada.api("GET", "/balances")).status, 200);
    const csrf = { "x-csrf-token": session.csrf_token };
    assert.equal((await ada.api("POST", "/teams", { name: "x", department_id: acme.department.id }, csrf)).status, 403);
    // The second time they are the same member.
    const again = JSON.parse((await new Visitor(alfred).signIn("ada")).text);
    assert.equal(again.member.id, session.member.id);
    const items = await recorded(acme, "action=sign_in", 2);
    assert.match(items[0].who, new RegExp(`^${session.member.id}/ses_`));
  });

  test("who leaves a group loses its role at the next sign-in", async () => {
    provider.people.ada.groups = [];
    const ada = new Visitor(alfred);
    const session = JSON.parse((await ada.signIn("ada")).text);
    assert.deepEqual(session.roles, []);
    assert.equal((await ada.api("GET", "/balances")).status, 403);
  });

  test("addresses of other domains and unverified ones let nobody in", async () => {
    for (const [person, reason] of [["eve", "do not belong to this organization"], ["mallory", "does not confirm an e-mail address"]]) {
      const page = await new Visitor(alfred).signIn(person, `organization=${acme.id}`);
      assert.equal(page.response.status, 403);
      assert.match(page.text, new RegExp(reason));
      assert.match(page.response.headers.get("content-security-policy"), /default-src 'none'/);
    }
    const items = await recorded(acme, "action=sign_in&outcome=denied", 2);
    assert.deepEqual(items.map((item) => item.code).sort(), ["foreign_domain", "no_email"]);
  });

  test("a suspended member is signed out at once and stays out", async () => {
    const bob = new Visitor(alfred);
    const session = JSON.parse((await bob.signIn("bob")).text);
    assert.equal((await bob.api("GET", "/session")).status, 200);
    const suspend = await acme.api.request("PATCH", `/members/${session.member.id}`, { status: "suspended" });
    assert.equal(suspend.status, 200);
    assert.equal((await bob.api("GET", "/session")).status, 401);
    const refused = await bob.api("POST", "/auth/refresh", {});
    assert.equal(refused.status, 401);
    const page = await new Visitor(alfred).signIn("bob");
    assert.equal(page.response.status, 403);
    assert.match(page.text, /suspended/);
  });

  test("a page of another site changes nothing", async () => {
    const ada = new Visitor(alfred);
    const { csrf_token } = JSON.parse((await ada.signIn("ada")).text);
    const script = { name: "report" };
    const without = await ada.api("POST", "/sessions", script);
    assert.deepEqual([without.status, without.body.code], [403, "csrf_token_required"]);
    const foreign = await ada.api("POST", "/sessions", script, { "x-csrf-token": csrf_token, origin: "https://evil.example" });
    assert.equal(foreign.body.code, "csrf_token_required");
    const wrong = await ada.api("POST", "/sessions", script, { "x-csrf-token": csrf_token.replace(/^./, (c) => (c === "0" ? "1" : "0")) });
    assert.equal(wrong.body.code, "csrf_token_required");
    const own = await ada.api("POST", "/sessions", script, { "x-csrf-token": csrf_token, origin: alfred.url });
    assert.equal(own.status, 201, JSON.stringify(own.body));
  });

  test("a session goes on, once for each refresh token, and ends everywhere", async () => {
    const ada = new Visitor(alfred);
    const { csrf_token } = JSON.parse((await ada.signIn("ada")).text);
    const { body: script } = await ada.api("POST", "/sessions", { name: "report" }, { "x-csrf-token": csrf_token });
    const api = new Api(alfred, script.token);
    assert.equal((await api.shown("/session")).id, script.session_id);
    const refresh = (refresh_token) => new Visitor(alfred).api("POST", "/auth/refresh", { refresh_token });
    const next = await refresh(script.refresh_token);
    assert.equal(next.status, 200);
    // The answer was lost: the same again.
    assert.equal((await refresh(script.refresh_token)).body.refresh_token, next.body.refresh_token);
    const last = await refresh(next.body.refresh_token);
    assert.equal(last.status, 200);
    // A copy of an older one: the session ends, for whoever has it.
    const copied = await refresh(script.refresh_token);
    assert.deepEqual([copied.status, copied.body.reason], [401, "token_reused"]);
    assert.equal((await refresh(last.body.refresh_token)).status, 401);
    assert.equal((await api.request("GET", "/session")).status, 401);
    // The browser's own goes on, until it is ended.
    assert.equal((await ada.api("POST", "/auth/refresh", {})).status, 200);
    assert.equal((await ada.api("GET", "/session")).status, 200);
    const out = await ada.api("POST", "/auth/sign-out", {}, { "x-csrf-token": csrf_token });
    assert.equal(out.status, 204);
    assert.equal((await ada.api("GET", "/session")).status, 401);
  });

  test("a token that ended works nowhere, however long it would last", async () => {
    const ada = new Visitor(alfred);
    const session = JSON.parse((await ada.signIn("ada")).text);
    const token = ada.cookies(alfred.url).get("alfred-session");
    const api = new Api(alfred, token);
    assert.equal((await api.request("GET", "/session")).status, 200);
    const ended = await acme.api.request("DELETE", `/members/${session.member.id}/sessions/${session.id}`);
    assert.equal(ended.status, 204);
    assert.equal((await api.request("GET", "/session")).status, 401);
    for (const altered of [token.slice(0, -1), token.replace(/\.[^.]+\./, ".e30."), `${token}x`, token.split(".").slice(0, 2).join(".") + "."]) {
      assert.equal((await new Api(alfred, altered).request("GET", "/session")).status, 401, altered);
    }
  });

  test("another organization's session sees nothing", async () => {
    const other = await company(alfred, "other.example");
    const ada = new Visitor(alfred);
    await ada.signIn("ada");
    const answer = await ada.api("GET", `/teams/${other.team.id}`);
    assert.equal(answer.status, 404);
    const taken = await other.operator.request("PUT", "/organization/domains", { domains: ["acme.example"] }, { "x-alfred-organization": other.id });
    assert.equal(taken.status, 409);
  });

  test("settings that cannot be are refused, and no secret is shown", async () => {
    const put = (more) => acme.api.request("PUT", "/sign-in", settings(acme, provider.issuer, more));
    for (const [more, status, says] of [
      [{ provider: { kind: "generic", issuer: "ftp://x" } }, 400, "issuer"],
      [{ provider: { kind: "generic", issuer: "http://127.0.0.1:1" } }, 400, "does not answer"],
      [{ provider: { kind: "generic", issuer: `${provider.issuer}/` } }, 400, "issuer"],
      [{ algorithms: ["ES256"] }, 400, "RS256"],
      [{ algorithms: ["none"] }, 400, "none"],
      [{ default_team_id: "team_00000000000000000000000000" }, 404, "team"],
      [{ groups: [{ group: "x", role: "finance" }] }, 400, "`role` and `on`"],
      [{ session_hours: 0 }, 400, "session_hours"],
    ]) {
      const answer = await put(more);
      assert.equal(answer.status, status, JSON.stringify([more, answer.body]));
      assert.match(answer.body.detail, new RegExp(says.replaceAll("`", ".")));
    }
    const shown = await acme.api.shown("/sign-in");
    assert.equal(shown.redirect_uri, alfred.url + REDIRECT);
    assert.ok(!JSON.stringify(shown).includes("alfreds-secret"));
    const trail = JSON.stringify(await acme.api.shown("/audit?action=change_sign_in"));
    assert.ok(!trail.includes("v1:") && !trail.includes("alfreds-secret"));
  });
});

describe("every algorithm", () => {
  for (const algorithm of ["ES256", "EdDSA"]) {
    test(algorithm, async () => {
      const alfred = await startAlfred();
      const provider = await startIdentityProvider(alfred.url + REDIRECT, { algorithm });
      try {
        const acme = await company(alfred);
        await configure(acme, settings(acme, provider.issuer));
        const page = await new Visitor(alfred).signIn("ada");
        assert.equal(page.response.status, 200, page.text);
      } finally {
        await alfred.stop();
        await provider.stop();
      }
    });
  }
});

describe("what a provider must not be believed", () => {
  let alfred, forger, acme;

  before(async () => {
    alfred = await startAlfred();
    forger = await startForger();
    acme = await company(alfred);
    await configure(acme, settings(acme, forger.issuer));
  });

  after(async () => {
    await alfred?.stop();
    await forger?.stop();
  });

  /** Begins, and comes back with a code, as the provider's redirect would have it. */
  async function attempt({ visitor = new Visitor(alfred), alter = (query) => query } = {}) {
    const begun = await visitor.request(`${alfred.url}/api/v1/auth/sign-in?organization=${acme.id}`);
    assert.equal(begun.status, 303);
    const asked = new URL(begun.headers.get("location")).searchParams;
    assert.equal(asked.get("code_challenge_method"), "S256");
    forger.nonce = asked.get("nonce");
    const query = alter({ code: "a-code", state: asked.get("state") });
    const url = `${alfred.url}${REDIRECT}?${new URLSearchParams(query)}`;
    const response = await visitor.request(url, { headers: { accept: "application/json" } });
    return { visitor, url, response, body: await response.json().catch(() => undefined) };
  }

  test("an honest token lets them in", async () => {
    forger.token = (nonce) => forger.sign({ nonce });
    const { response } = await attempt();
    assert.equal(response.status, 303);
    assert.equal(response.headers.get("location"), "/api/v1/session");
  });

  test("forged, expired, unsigned, misdirected and replayed tokens do not", async () => {
    const now = () => Math.floor(Date.now() / 1000);
    const part = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
    const payload = (token) => token.split(".")[1];
    const old = await forger.sign({ nonce: "of another sign-in" });
    const forgeries = {
      "another key under the same name": (nonce) => forger.sign({ nonce }, { key: forger.pairs.other.privateKey }),
      "alg none": async (nonce) => `${part({ alg: "none" })}.${payload(await forger.sign({ nonce }))}.`,
      "alg none, with a name": async (nonce) => `${part({ alg: "none", kid: "one" })}.${payload(await forger.sign({ nonce }))}.`,
      "altered payload": async (nonce) => {
        const [header, , signature] = (await forger.sign({ nonce })).split(".");
        return `${header}.${part({ iss: forger.issuer, sub: "root", aud: "alfred", nonce, exp: now() + 300 })}.${signature}`;
      },
      "an algorithm with a shared secret": async (nonce) => `${part({ alg: "HS256", kid: "one" })}.${payload(await forger.sign({ nonce }))}.AAAA`,
      "expired": (nonce) => forger.sign({ nonce, iat: now() - 900, exp: now() - 300 }),
      "issued long ago": (nonce) => forger.sign({ nonce, iat: now() - 7200 }),
      "from the future": (nonce) => forger.sign({ nonce, iat: now() + 3600 }),
      "not yet valid": (nonce) => forger.sign({ nonce, nbf: now() + 3600 }),
      "another audience": (nonce) => forger.sign({ nonce, aud: "another-application" }),
      "several audiences, and asked for by another": (nonce) => forger.sign({ nonce, aud: ["alfred", "other"], azp: "other" }),
      "another issuer": (nonce) => forger.sign({ nonce, iss: "https://login.evil.example" }),
      "no nonce": () => forger.sign({}),
      "the nonce of another sign-in": () => old,
      "no subject": (nonce) => forger.sign({ nonce, sub: undefined }),
      "no end": (nonce) => forger.sign({ nonce, exp: undefined }),
      "a critical extension": (nonce) => forger.sign({ nonce }, { header: { crit: ["b64"], b64: true } }),
      "a key that is not published": (nonce) => forger.sign({ nonce }, { header: { kid: "two" } }),
      "no token at all": async () => "not.a.token",
    };
    for (const [name, token] of Object.entries(forgeries)) {
      forger.token = token;
      const { visitor, response, body } = await attempt();
      assert.equal(response.status, 403, `${name}: ${JSON.stringify(body)}`);
      assert.deepEqual([body.code, body.reason], ["sign_in_failed", "token"], name);
      assert.equal(visitor.cookies(alfred.url).size, 0, name);
    }
    forger.token = (nonce) => forger.sign({ nonce });
    const items = await recorded(acme, "action=sign_in&outcome=denied", Object.keys(forgeries).length);
    assert.ok(items.every((item) => item.code === "token"));
    assert.equal((await attempt()).response.status, 303, "an honest one still does");
  });

  test("an answer counts once, and only for the browser that asked", async () => {
    const { visitor, url } = await attempt();
    const replayed = await visitor.request(url, { headers: { accept: "application/json" } });
    assert.equal((await replayed.json()).reason, "no_attempt");
    const stranger = await new Visitor(alfred).request(url, { headers: { accept: "application/json" } });
    assert.equal((await stranger.json()).reason, "no_attempt");
    for (const alter of [
      ({ code }) => ({ code }),
      ({ code }) => ({ code, state: "x" }),
      ({ code, state }) => ({ code, state, iss: "https://login.evil.example" }),
      ({ state }) => ({ state }),
      ({ state }) => ({ state, error: "access_denied", error_description: "<script>no</script>" }),
    ]) {
      const { response, body } = await attempt({ alter });
      assert.deepEqual([response.status, body.reason], [403, "callback"], JSON.stringify(body));
    }
  });

  test("made-up names of keys do not make it ask for ever", async () => {
    const before = forger.fetched;
    for (let n = 0; n < 5; n += 1) {
      forger.token = (nonce) => forger.sign({ nonce }, { header: { kid: `made-up-${n}` } });
      assert.equal((await attempt()).response.status, 403);
    }
    assert.ok(forger.fetched - before <= 1, `fetched ${forger.fetched - before} times`);
  });

  test("a key that is newly published counts within a minute, and one that is retired no more", async () => {
    const by = (kid, key) => (nonce) => forger.sign({ nonce }, { header: { kid }, key });
    const [retired, next] = [by("one", forger.pairs.own.privateKey), by("two", forger.pairs.other.privateKey)];
    forger.token = retired;
    assert.equal((await attempt()).response.status, 303);
    forger.published = { two: forger.pairs.other.publicKey };
    forger.token = next;
    const fetched = forger.fetched;
    await eventually(async () => (await attempt()).response.status === 303, { within: 75_000, every: 3000 });
    assert.ok(forger.fetched - fetched <= 2, `fetched ${forger.fetched - fetched} times`);
    forger.token = retired;
    const { response, body } = await attempt();
    assert.deepEqual([response.status, body.reason], [403, "token"]);
    forger.published = { one: forger.pairs.own.publicKey };
  });

  test("a return to elsewhere is refused", async () => {
    for (const path of ["//evil.example", "https://evil.example", "/\\evil.example", "javascript:alert(1)"]) {
      const query = new URLSearchParams({ organization: acme.id, return_to: path });
      const answer = await new Visitor(alfred).api("GET", `/auth/sign-in?${query}`);
      assert.equal(answer.status, 400, path);
    }
  });

  test("who is a customer is nobody's business", async () => {
    const ask = async (query) => {
      const { status, body } = await new Visitor(alfred).api("GET", `/auth/sign-in?${query}`);
      return { status, detail: body.detail };
    };
    const other = await found(alfred);
    const unknown = await ask("organization=org_00000000000000000000000000");
    assert.equal(unknown.status, 404);
    assert.deepEqual(await ask(`organization=${other.id}`), unknown);
    assert.deepEqual(await ask("email=x@nobody.example"), unknown);
  });
});

describe("without a provider", () => {
  let alfred, acme;

  before(async () => {
    alfred = await startAlfred();
    acme = await found(alfred);
  });

  after(() => alfred?.stop());

  test("the setup token lets one person in, once, as an admin", async () => {
    const setUp = (setup_token, name = "Grace") =>
      new Visitor(alfred).api("POST", "/auth/setup", { setup_token, name, email: "grace@acme.example" });
    const { setup_token } = await acme.api.made("/organization/setup-token", {});
    for (const wrong of ["", "x", setup_token.slice(0, -1), setup_token.replace("st-alf-", "sk-alf-admin-")]) {
      assert.equal((await setUp(wrong)).status, 401, wrong);
    }
    const answers = await Promise.all(Array.from({ length: 5 }, () => setUp(setup_token)));
    assert.deepEqual(answers.map(({ status }) => status).sort(), [201, 401, 401, 401, 401]);
    const { body } = answers.find(({ status }) => status === 201);
    const grace = new Api(alfred, body.token);
    const session = await grace.shown("/session");
    assert.deepEqual(session.roles, [{ role: "organization_admin", on: acme.id, until: null }]);
    await grace.made("/departments", { name: "By Grace" });
    // An admin of the organization is not the operator.
    const issued = await grace.request("POST", "/organization/credits", { amount: "1" });
    assert.equal(issued.status, 403);
    // And is a member like others: a role can be lent.
    const robot = await grace.made("/service-accounts", { name: "robot" });
    const until = new Date(Date.now() + 3_600_000).toISOString();
    const lent = await grace.made("/grants/lend", { to: robot.id, role: "organization_admin", on: acme.id, until });
    assert.equal(lent.lender, body.member_id);
  });

  test("keys have no session", async () => {
    assert.equal((await acme.api.request("GET", "/session")).status, 403);
    assert.equal((await new Visitor(alfred).api("GET", "/session")).status, 401);
  });
});
