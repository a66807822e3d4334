// An identity provider says by SCIM who there is, as Okta and Entra do.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { eventually, startAlfred } from "./harness.mjs";
import { call, chat } from "./lib/call.mjs";
import { found } from "./lib/company.mjs";
import { startProvider } from "./lib/provider.mjs";
import { Visitor, startIdentityProvider } from "./lib/sign-in.mjs";

const USER = "urn:ietf:params:scim:schemas:core:2.0:User";
const GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group";
const PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp";
const ERROR = "urn:ietf:params:scim:api:messages:2.0:Error";

let alfred, provider, identity, acme, okta;
before(async () => {
  [alfred, provider] = await Promise.all([startAlfred(), startProvider()]);
  identity = await startIdentityProvider(`${alfred.url}/api/v1/auth/callback`);
  acme = await company();
  okta = await connect(acme);
});
after(() => Promise.all([alfred?.stop(), provider?.stop(), identity?.stop()]));

/** A company whose people sign in at the identity provider. */
async function company({ default_team = true } = {}) {
  const company = await found(alfred, { provider });
  company.team = await company.addTeam({ pool: 1_000_000 });
  company.other = await company.addTeam();
  await company.api.changed("PUT", "/sign-in", {
    provider: { kind: "generic", issuer: identity.issuer, scopes: ["groups"], groups_claim: "groups" },
    client_id: "alfred",
    client_secret: "alfreds-secret-at-the-provider",
    just_in_time: true,
    ...(default_team && { default_team_id: company.team.id }),
    groups: [
      { group: "Finance", role: "finance", on: company.id },
      { group: "Other", team_id: company.other.id },
    ],
  });
  return company;
}

/** The provider's connection: a service account that may do nothing else. */
async function connect(company) {
  const account = await company.api.made("/service-accounts", { name: "okta" });
  await company.api.made("/grants", { to: account.id, role: "organization_admin", on: company.id, only: ["provision"] });
  const { secret } = await company.api.made(`/service-accounts/${account.id}/keys`, { name: "k", scopes: ["provision"] });
  return { account, ask: (method, path, body, headers) => scim(secret, method, path, body, headers) };
}

async function scim(key, method, path, body, headers = {}) {
  const response = await alfred.fetch(`/scim/v2${path}`, {
    method,
    headers: { ...(key && { authorization: `Bearer ${key}` }), "content-type": "application/scim+json", ...headers },
    body: body && JSON.stringify(body),
  });
  const text = await response.text();
  if (text) assert.equal(response.headers.get("content-type"), "application/scim+json");
  return { status: response.status, headers: response.headers, body: text && JSON.parse(text) };
}

async function done(connection, status, ...asked) {
  const answer = await connection.ask(...asked);
  assert.equal(answer.status, status, `${asked[0]} ${asked[1]}: ${JSON.stringify(answer.body)}`);
  return answer.body;
}

const user = (name, more = {}) => ({ schemas: [USER], userName: name, displayName: name.split("@")[0], ...more });
const patch = (...Operations) => ({ schemas: [PATCH], Operations });
const roles = async (member) =>
  (await acme.api.list("/grants")).filter(({ to }) => to === member).map(({ role }) => role);

test("somebody comes, is found, changes and is gone", async () => {
  const made = await done(okta, 201, "POST", "/Users", user("grace@acme.example", { externalId: "00u1", title: "Admiral" }));
  const member = await acme.api.shown(`/members/${made.id}`);
  assert.deepEqual(
    [member.name, member.email, member.team_id, member.status],
    ["grace", "grace@acme.example", acme.team.id, "active"],
  );
  for (const filter of ['userName eq "GRACE@acme.example"', 'externalId eq "00u1"', 'emails.value co "x" or active eq true']) {
    const { totalResults, Resources } = await done(okta, 200, "GET", `/Users?filter=${encodeURIComponent(filter)}`);
    assert.ok(totalResults >= 1 && Resources.some(({ id }) => id === made.id), filter);
  }
  const again = await okta.ask("POST", "/Users", user("Grace@acme.example"));
  assert.deepEqual([again.status, again.body.scimType, again.body.schemas], [409, "uniqueness", [ERROR]]);

  // As Entra writes it.
  const renamed = patch({ op: "Replace", path: 'displayName', value: "Grace Hopper" });
  const etag = (await okta.ask("GET", `/Users/${made.id}`)).headers.get("etag");
  assert.equal((await okta.ask("PATCH", `/Users/${made.id}`, renamed, { "if-match": 'W/"old"' })).status, 412);
  assert.equal((await okta.ask("PATCH", `/Users/${made.id}`, renamed, { "if-match": etag })).status, 200);
  assert.equal((await acme.api.shown(`/members/${made.id}`)).name, "Grace Hopper");
  const known = await okta.ask("GET", `/Users/${made.id}`);
  const same = await okta.ask("GET", `/Users/${made.id}`, undefined, { "if-none-match": known.headers.get("etag") });
  assert.deepEqual([same.status, same.body], [304, ""]);

  await done(okta, 204, "DELETE", `/Users/${made.id}`);
  assert.equal((await okta.ask("GET", `/Users/${made.id}`)).status, 404);
  const gone = await acme.api.shown(`/members/${made.id}`);
  assert.deepEqual([gone.status, gone.email, gone.name], ["removed", null, "Grace Hopper"]);
  // The address may be a new person's.
  const other = await done(okta, 201, "POST", "/Users", user("grace@acme.example"));
  assert.notEqual(other.id, made.id);
});

test("who is there already is found and taken over, and their keys stay", async () => {
  const { member, secret } = await acme.addPerson({ member: { email: "linus@acme.example" }, pool: 1_000_000 });
  const found = await done(okta, 200, "GET", `/Users?filter=${encodeURIComponent('userName eq "linus@acme.example"')}`);
  assert.deepEqual(found.Resources.map(({ id }) => id), [member.id]);
  const put = user("linus@acme.example", { displayName: "Linus", externalId: "00u2", active: true });
  await done(okta, 200, "PUT", `/Users/${member.id}`, put);
  assert.equal((await acme.api.shown(`/members/${member.id}`)).name, "Linus");
  assert.equal((await call(alfred, secret, chat())).status, 200);
  // An admin's own decision stays.
  await acme.api.changed("PATCH", `/members/${member.id}`, { status: "suspended" });
  await done(okta, 200, "PUT", `/Users/${member.id}`, put);
  assert.equal((await acme.api.shown(`/members/${member.id}`)).status, "suspended");
});

test("who is deprovisioned is out at once, and their credits are back in the pool", async () => {
  const bob = new Visitor(alfred);
  const named = { "x-alfred-organization": acme.id };
  await acme.operator.request("PUT", "/organization/domains", { domains: ["acme.example"] }, named);
  const session = JSON.parse((await bob.signIn("bob", "email=bob@acme.example")).text);
  const member = await acme.api.shown(`/members/${session.member.id}`);
  await acme.allot(acme.team.id, member.id, 400_000);
  const { secret } = await acme.addKey(member);
  await acme.api.made("/grants", { to: member.id, role: "auditor", on: acme.id });
  assert.equal((await call(alfred, secret, chat())).status, 200);
  assert.equal((await bob.api("GET", "/session")).status, 200);
  await eventually(async () => (await acme.standing(acme.team)).open === 0);
  const before = await acme.standing(acme.team);
  const wallet = await acme.wallet(member);
  assert.ok(wallet > 0);

  await done(okta, 200, "PATCH", `/Users/${member.id}`, patch({ op: "replace", value: { active: false } }));
  // The very next call, and the very next click.
  const refused = await call(alfred, secret, chat());
  assert.deepEqual([refused.status, refused.body.error.code], [401, "invalid_api_key"]);
  assert.equal((await bob.api("GET", "/session")).status, 401);
  assert.deepEqual(await roles(member.id), []);
  const now = await acme.standing(acme.team);
  assert.deepEqual([await acme.wallet(member), now.pool], [0, before.pool + wallet]);
  assert.equal((await new Visitor(alfred).signIn("bob", "email=bob@acme.example")).response.status, 403);

  await done(okta, 200, "PATCH", `/Users/${member.id}`, patch({ op: "replace", value: { active: true } }));
  assert.equal((await acme.api.shown(`/members/${member.id}`)).status, "active");
  assert.equal((await call(alfred, secret, chat())).status, 401, "a key that was revoked stays it");
});

test("groups give roles, and take them", async () => {
  const ada = await done(okta, 201, "POST", "/Users", user("ada@acme.example"));
  const group = await done(okta, 201, "POST", "/Groups", { schemas: [GROUP], displayName: "Finance", members: [{ value: ada.id }] });
  assert.deepEqual(await roles(ada.id), ["finance"]);
  assert.deepEqual((await done(okta, 200, "GET", `/Users/${ada.id}`)).groups.map(({ display }) => display), ["Finance"]);
  const leave = patch({ op: "remove", path: `members[value eq "${ada.id}"]` });
  assert.equal((await done(okta, 200, "PATCH", `/Groups/${group.id}`, leave)).members, undefined);
  assert.deepEqual(await roles(ada.id), []);
  await done(okta, 200, "PATCH", `/Groups/${group.id}`, patch({ op: "add", path: "members", value: [{ value: ada.id }] }));
  assert.deepEqual(await roles(ada.id), ["finance"]);
  // What the token says of groups does not count any more: the provider says it here.
  await done(okta, 200, "PATCH", `/Groups/${group.id}`, patch({ op: "replace", value: { displayName: "Finances" } }));
  assert.deepEqual(await roles(ada.id), []);
  identity.people.ada.groups = ["Finance"];
  assert.equal((await new Visitor(alfred).signIn("ada", "email=ada@acme.example")).response.status, 200);
  assert.deepEqual(await roles(ada.id), []);
  await done(okta, 200, "PATCH", `/Groups/${group.id}`, patch({ op: "replace", value: { displayName: "Finance" } }));
  await done(okta, 204, "DELETE", `/Groups/${group.id}`);
  assert.deepEqual(await roles(ada.id), []);
});

test("who has no team waits for a group that gives one", async () => {
  const company_ = await company({ default_team: false });
  const entra = await connect(company_);
  const made = await done(entra, 201, "POST", "/Users", user("new@acme.example"));
  assert.equal((await company_.api.request("GET", `/members/${made.id}`)).status, 404);
  assert.equal((await done(entra, 200, "GET", "/Users")).totalResults, 1);
  await done(entra, 201, "POST", "/Groups", { schemas: [GROUP], displayName: "Other", members: [{ value: made.id }] });
  assert.equal((await company_.api.shown(`/members/${made.id}`)).team_id, company_.other.id);
});

test("nobody else may, and nothing else with that key", async () => {
  const theirs = await company();
  const [mine] = (await done(okta, 200, "GET", "/Users?count=1")).Resources;
  for (const path of [`/Users/${mine.id}`, "/Groups/grp_01h2xcejqtf2nbrexx3vqjhp41", "/Users/x", "/Nothing"]) {
    const answer = await scim(theirs.api.key, "GET", path);
    assert.deepEqual([answer.status, answer.body.status, answer.body.schemas], [404, "404", [ERROR]], path);
  }
  assert.equal((await scim(undefined, "GET", "/Users")).status, 401);
  const { secret } = await theirs.addPerson();
  assert.equal((await scim(secret, "GET", "/Users")).status, 403);
  for (const path of ["/ServiceProviderConfig", "/ResourceTypes", "/Schemas", `/Schemas/${USER}`]) {
    assert.equal((await scim(undefined, "GET", path)).status, 200, path);
  }
  for (const [method, path, body, status] of [
    ["POST", "/Users", { schemas: [USER] }, 400],
    ["POST", "/Users", user("x".repeat(2000)), 400],
    ["PATCH", `/Users/${mine.id}`, patch({ op: "swap" }), 400],
    ["GET", '/Users?filter=userName%20eq', undefined, 400],
    ["PUT", "/Users", {}, 405],
    ["POST", "/Bulk", {}, 501],
    ["GET", "/Me", undefined, 501],
  ]) {
    const answer = await okta.ask(method, path, body);
    assert.equal(answer.status, status, `${method} ${path}: ${JSON.stringify(answer.body)}`);
    assert.ok(answer.body.detail.length > 10);
  }
});

test("all of it is on record, as the provider's connection", async () => {
  const acts = ["provision_user", "change_provisioned_user", "deprovision_user", "provision_group"];
  await eventually(async () => {
    const known = await Promise.all(acts.map((act) => acme.api.list(`/audit?action=${act}&outcome=done`)));
    for (const { who } of known.flat()) assert.ok(who.includes(okta.account.id), who);
    return known.every((records) => records.length > 0);
  });
});
