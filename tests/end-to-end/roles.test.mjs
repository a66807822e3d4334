// Who may do what, by roles on the tree, scopes of keys and the organization's
// own policies; tried with service accounts, as a script would.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { startAlfred } from "./harness.mjs";
import { call, chat } from "./lib/call.mjs";
import { Api, found } from "./lib/company.mjs";
import { startProvider } from "./lib/provider.mjs";

let alfred, provider, company, sales, ours, theirs;
before(async () => {
  [alfred, provider] = await Promise.all([startAlfred(), startProvider()]);
  company = await found(alfred, { provider });
  sales = await company.addDepartment("Sales", 1_000_000);
  ours = await company.addPerson({ wallet: 1_000_000, pool: 1_000_000 });
  theirs = await company.addPerson({ team: { department: sales } });
});
after(() => Promise.all([alfred?.stop(), provider?.stop()]));

let accounts = 0;

/** A service account with a key, and the API under that key. */
async function robot({ role, on, scopes } = {}) {
  const account = await company.api.made("/service-accounts", { name: `Robot ${++accounts}` });
  const key = await company.api.made(`/service-accounts/${account.id}/keys`, { name: "key", ...(scopes && { scopes }) });
  assert.match(key.secret, /^sk-alf-svc-/);
  const grant = role && (await company.api.made("/grants", { to: account.id, role, on }));
  return { account, key, grant, api: new Api(alfred, key.secret) };
}

async function status(api, method, path, body) {
  return (await api.request(method, path, body)).status;
}

async function refused(api, method, path, body) {
  const answer = await api.request(method, path, body);
  assert.equal(answer.status, 403, `${method} ${path}: ${JSON.stringify(answer.body)}`);
  return answer.body;
}

test("a program without a role may nothing, and the refusal says why", async () => {
  const { api } = await robot();
  for (const path of ["/teams", "/organization", "/balances", "/usage", "/journal", `/teams/${ours.team.id}`, "/grants"]) {
    const problem = await refused(api, "GET", path);
    assert.equal(problem.code, "forbidden");
    assert.match(problem.detail, /no role/);
  }
});

test("a manager manages below the node of the role, and sees that", async () => {
  const { api } = await robot({ role: "department_manager", on: company.department.id });
  assert.deepEqual((await api.list("/departments")).map(({ id }) => id), [company.department.id]);
  assert.deepEqual((await api.list("/teams")).map(({ id }) => id), [ours.team.id]);
  assert.deepEqual((await api.list("/members")).map(({ id }) => id), [ours.member.id]);
  assert.ok((await api.list("/balances")).every(({ node }) => [company.department.id, ours.team.id].includes(node)));
  assert.ok((await api.list("/journal")).every(({ actor }) => actor === ours.team.id));

  const team = await api.made("/teams", { department_id: company.department.id, name: "Made by a manager" });
  const member = await api.made("/members", { team_id: team.id, name: "Made by a manager" });
  await api.made(`/teams/${team.id}/keys`, { member_id: member.id, name: "key" });
  await api.made("/allotments", { from: company.department.id, to: team.id, amount: "5" });
  await api.made("/allotments", { from: team.id, to: member.id, amount: "5" });

  await refused(api, "POST", "/teams", { department_id: sales.id, name: "x" });
  await refused(api, "GET", `/teams/${theirs.team.id}`);
  await refused(api, "PATCH", `/members/${theirs.member.id}`, { status: "suspended" });
  await refused(api, "POST", `/teams/${theirs.team.id}/limits`, { subject: { type: "team" }, window: "day", unit: "requests", amount: 1 });
  await refused(api, "POST", "/allotments", { from: "treasury", to: company.department.id, amount: "1" });
  await refused(api, "POST", "/allotments", { from: sales.id, to: theirs.team.id, amount: "1" });
  await refused(api, "PATCH", "/organization", { name: "x" });
  await refused(api, "POST", "/admin-keys", { name: "x" });
  await refused(api, "POST", "/grants", { to: member.id, role: "organization_admin", on: company.id });
  await refused(api, "POST", "/organization/credits", { amount: "1000" });
  assert.equal(await status(api, "GET", `/teams/team_${"0".repeat(26)}`), 404);
});

test("an auditor reads everything and changes nothing", async () => {
  const { api } = await robot({ role: "auditor", on: company.id });
  for (const path of ["/organization", "/teams", "/members", "/usage", "/journal", "/requests", "/grants", "/policies", "/service-accounts", "/permissions/matrix"]) {
    assert.equal(await status(api, "GET", path), 200, path);
  }
  await refused(api, "PATCH", "/organization", { name: "x" });
  await refused(api, "DELETE", `/teams/${ours.team.id}/keys/${ours.key.id}`);
  await refused(api, "POST", "/policies", { name: "x", cedar: "permit (principal, action, resource);" });
});

test("a key's scopes are within the account's roles", async () => {
  const { api } = await robot({ role: "organization_admin", on: company.id, scopes: ["list_teams", "get_team"] });
  assert.equal(await status(api, "GET", "/teams"), 200);
  const problem = await refused(api, "GET", "/members");
  assert.match(problem.detail, /scopes/);
});

test("an admin cannot make credits, whatever the policies say", async () => {
  const { api } = await robot({ role: "organization_admin", on: company.id });
  const policy = await api.made("/policies", { name: "Open", cedar: "permit (principal, action, resource);" });
  await refused(api, "POST", "/organization/credits", { amount: "1000" });
  await refused(company.api, "POST", "/organization/credits", { amount: "1000" });
  await api.changed("DELETE", `/policies/${policy.id}`);
});

test("revoked, disabled and expired keys stop at once", async () => {
  const one = await robot({ role: "auditor", on: company.id });
  assert.equal(await status(one.api, "GET", "/teams"), 200);
  await company.api.changed("DELETE", `/grants/${one.grant.id}`);
  assert.equal(await status(one.api, "GET", "/teams"), 403);
  await company.api.changed("DELETE", `/service-accounts/${one.account.id}/keys/${one.key.id}`);
  assert.equal(await status(one.api, "GET", "/teams"), 401);

  const two = await robot({ role: "auditor", on: company.id });
  await company.api.changed("PATCH", `/service-accounts/${two.account.id}`, { disabled: true });
  assert.equal(await status(two.api, "GET", "/teams"), 401);
  await company.api.changed("PATCH", `/service-accounts/${two.account.id}`, { disabled: false });
  assert.equal(await status(two.api, "GET", "/teams"), 200);
});

test("a repeated request for a key answers the same secret", async () => {
  const account = await company.api.made("/service-accounts", { name: "Repeating" });
  const ask = () => company.api.made(`/service-accounts/${account.id}/keys`, { name: "k" }, { "idempotency-key": "once" });
  const [one, other] = [await ask(), await ask()];
  assert.deepEqual(one, other);
  assert.equal((await company.api.shown(`/service-accounts/${account.id}`)).keys.length, 1);
});

test("policies forbid, ask for approval, and watch in the shadow", async () => {
  const { api } = await robot({ role: "finance", on: company.id });
  const move = (amount) => api.request("POST", "/allotments", { from: company.department.id, to: ours.team.id, amount });
  assert.equal((await move("1")).status, 201);

  const setting = { kind: "allotments", most: "2.5", approval: "organization_admin" };
  const limit = await company.api.made("/policies", { name: "Large allotments", setting });
  assert.match(limit.cedar, /context\.millicredits > 2500/);
  assert.equal((await move("2.5")).status, 201);
  const large = await move("2.501");
  assert.deepEqual([large.status, large.body.code, large.body.approval], [403, "approval_required", "organization_admin"]);

  const cedar = 'forbid (principal is ServiceAccount, action == Action::"allot", resource);';
  const shadow = await company.api.made("/policies", { name: "No robots", cedar, mode: "shadow" });
  assert.equal((await move("1")).status, 201);
  const enforced = await company.api.changed("PUT", `/policies/${shadow.id}`, { name: "No robots", cedar, mode: "enforce", version: 1 });
  assert.equal(enforced.version, 2);
  const forbidden = await move("1");
  assert.equal(forbidden.status, 403);
  assert.match(forbidden.body.detail, new RegExp(shadow.id));
  // The operator is not bound; an admin key is no service account.
  assert.equal((await company.api.request("POST", "/allotments", { from: company.department.id, to: ours.team.id, amount: "1" })).status, 201);

  const stale = await company.api.request("PUT", `/policies/${shadow.id}`, { name: "No robots", cedar, version: 1 });
  assert.deepEqual([stale.status, stale.body.code], [412, "precondition_failed"]);
  for (const id of [limit.id, shadow.id]) await company.api.changed("DELETE", `/policies/${id}`);
  const versions = (await company.api.shown(`/policies/${shadow.id}/versions`)).data;
  assert.deepEqual(versions.map(({ version, mode, removed }) => [version, mode, removed]), [[3, "enforce", true], [2, "enforce", false], [1, "shadow", false]]);
  assert.equal((await move("100")).status, 201);
});

test("a policy that is none is refused and changes nothing", async () => {
  for (const [body, expected] of [
    [{ cedar: "permit (" }, /cannot be read/],
    [{ cedar: 'permit (principal, action == Action::"fly", resource);' }, /schema/],
    [{ cedar: "permit (principal, action, resource) when { resource.color };" }, /schema/],
    [{ setting: { kind: "models", only: 1 } }, /setting/],
    [{}, /either/],
    [{ cedar: "permit (principal, action, resource);", setting: { kind: "absence_sharing", allowed: false } }, /either/],
  ]) {
    const answer = await company.api.request("POST", "/policies", { name: "Broken", ...body });
    assert.equal(answer.status, 400, JSON.stringify(answer.body));
    assert.match(answer.body.detail, expected);
  }
  assert.deepEqual(await company.api.list("/policies"), []);
});

test("a policy about models bites on the next call and shows in the list of models", async () => {
  const ask = (model) => call(alfred, ours.secret, chat({ model }));
  const listed = async () => {
    const response = await alfred.fetch("/v1/models", { headers: { authorization: `Bearer ${ours.secret}` } });
    return (await response.json()).data.map(({ id }) => id);
  };
  await company.api.changed("PATCH", `/providers/${company.provider.id}`, { models: ["*", "gpt-4o", "gpt-4o-mini"] });
  assert.equal((await ask("gpt-4o")).status, 200);
  assert.deepEqual((await listed()).sort(), ["gpt-4o", "gpt-4o-mini"]);
  const setting = { kind: "models", on: ours.team.id, only: ["gpt-4o-mini*"] };
  const policy = await company.api.made("/policies", { name: "Small models", setting });
  const refused_ = await ask("gpt-4o");
  assert.deepEqual([refused_.status, refused_.body.error.code, refused_.body.error.param], [403, "model_not_allowed", "model"]);
  assert.match(refused_.body.error.message, new RegExp(policy.id));
  assert.equal((await ask("gpt-4o-mini")).status, 200);
  assert.deepEqual(await listed(), ["gpt-4o-mini"]);
  await company.api.changed("PUT", `/policies/${policy.id}`, { name: "Small models", setting: { ...setting, only: ["gpt-4o"] } });
  assert.deepEqual([(await ask("gpt-4o")).status, (await ask("gpt-4o-mini")).status], [200, 403]);
  await company.api.changed("DELETE", `/policies/${policy.id}`);
  assert.equal((await ask("gpt-4o-mini")).status, 200);
});

test("the matrix shows the organization's own policies too", async () => {
  const may = (matrix, action) => matrix.actions.find((row) => row.action === action).allowed;
  const before_ = await company.api.shown("/permissions/matrix");
  assert.ok(may(before_, "allot").includes("finance"));
  assert.deepEqual(may(before_, "issue_credits"), ["operator"]);
  const cedar = 'forbid (principal is Member, action == Action::"allot", resource);';
  const policy = await company.api.made("/policies", { name: "Matrix", cedar });
  const after_ = await company.api.shown("/permissions/matrix");
  assert.ok(!may(after_, "allot").includes("finance"));
  assert.ok(after_.policy_version > before_.policy_version);
  await company.api.changed("DELETE", `/policies/${policy.id}`);
});
