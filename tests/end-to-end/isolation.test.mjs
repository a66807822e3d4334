// One organization's admin, by key and by session, tries every operation of the
// OpenAPI document with the ids of another: each answers 404, as for an id that
// never was.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { startAlfred } from "./harness.mjs";
import { Api, found } from "./lib/company.mjs";
import { startProvider } from "./lib/provider.mjs";
import { startForger } from "./lib/sign-in.mjs";

let alfred, provider, forger, ours, theirs, document, ids;
const WEBHOOK = { kind: "slack_webhook", url: "https://hooks.slack.com/services/T0/B0/x" };
const RULES = [{ claim: "sub", value: "x" }];
/** Those who try, by what they show. */
const callers = {};
before(async () => {
  [alfred, provider, forger] = await Promise.all([startAlfred(), startProvider(), startForger()]);
  [ours, theirs] = [await found(alfred, { provider }), await found(alfred, { provider })];
  document = await (await alfred.fetch("/api/v1/openapi.json")).json();
  const { team, member, key } = await theirs.addPerson({ wallet: 1_000_000, pool: 1_000_000 });
  const limit = await theirs.addLimit(team, { window: "day", unit: "requests", amount: 10 });
  const account = await theirs.api.made("/service-accounts", { name: "Robot" });
  const serviceKey = await theirs.api.made(`/service-accounts/${account.id}/keys`, { name: "key" });
  const grant = await theirs.api.made("/grants", { to: account.id, role: "auditor", on: theirs.id });
  const policy = await theirs.api.made("/policies", { name: "P", cedar: "forbid (principal, action, resource) when { false };" });
  const [adminKey] = await theirs.api.list("/admin-keys");
  const workload = await theirs.api.made("/workloads", {
    name: "CI",
    issuer: forger.issuer,
    rules: RULES,
    service_account_id: account.id,
  });
  const channel = await theirs.api.made("/channels", { name: "C", channel: WEBHOOK });
  const source = { kind: "bamboohr", company: "acme", api_key: "x" };
  const calendar = await theirs.api.made("/calendars", { name: "HR", source });
  const transfer = { from: member.id, to: team.id, amount: "2" };
  const { transfer: sent } = await theirs.api.made("/transfers", transfer);
  const plan = await theirs.api.made("/plans", { name: "P", to: { type: "team", id: team.id }, amount: "1", period: { every: "month" } });
  const boost = await theirs.api.made("/boosts", { member_id: member.id, amount: "1", ends_at: "2099-12-31T00:00:00Z" });
  const absence = await theirs.api.made("/absences", { member_id: member.id });
  await theirs.api.made("/policies", { name: "T", setting: { kind: "transfers", most: "1", approval: "finance" } });
  const asked = await theirs.api.request("POST", "/transfers", transfer);
  assert.equal(asked.status, 202);
  callers.key = ours.api;
  callers.session = await signedIn(ours);
  callers.theirs = await signedIn(theirs);
  const { id: session } = await callers.theirs.shown("/session");
  /** The other organization's, by the names of the document's types. */
  ids = {
    AbsenceId: absence.id,
    AdminKeyId: adminKey.id,
    ApprovalId: asked.body.id,
    BoostId: boost.id,
    CalendarId: calendar.id,
    ChannelId: channel.id,
    DepartmentId: theirs.department.id,
    DepartmentOrTeam: team.id,
    GrantId: grant.id,
    Grantee: member.id,
    KeyId: key.id,
    LimitId: limit.id,
    MemberId: member.id,
    Node: team.id,
    PlanId: plan.id,
    PolicyId: policy.id,
    ProviderId: theirs.provider.id,
    RoleNode: team.id,
    ServiceAccountId: account.id,
    ServiceKeyId: serviceKey.id,
    SessionId: session,
    TeamId: team.id,
    TransferId: sent.id,
    WalletOrPool: member.id,
    WorkloadId: workload.id,
  };
});
after(() => Promise.all([alfred?.stop(), provider?.stop(), forger?.stop()]));

/** The management API by an admin's session. */
async function signedIn(company) {
  const { setup_token } = await company.api.made("/organization/setup-token", {});
  const first = { setup_token, name: "Admin", email: "admin@acme.example" };
  const { token } = await new Api(alfred, "").made("/auth/setup", first);
  return new Api(alfred, token);
}

/** An id of the same form that nobody has. */
const absent = (id) => `${id.slice(0, id.indexOf("_") + 1)}${"0".repeat(25)}9`;

function resolved(schema) {
  if (!schema.$ref) return schema;
  const name = schema.$ref.split("/").at(-1);
  return { name, ...document.components.schemas[name] };
}

/** A value that fits a schema, with `pick`'s ids; says in `used` whether there is one. */
function example(schema, pick, used) {
  const { name, ...type } = resolved(schema);
  if (ids[name]) {
    used.ids = true;
    return pick(ids[name]);
  }
  if (type.oneOf) return example(type.oneOf.find((one) => one.type !== "null"), pick, used);
  if (type.allOf) return Object.assign({}, ...type.allOf.map((one) => example(one, pick, used)));
  if (type.enum) return type.enum[0];
  if (type.example !== undefined) return type.example;
  const kind = [type.type].flat().find((one) => one !== "null");
  if (kind === "object") {
    const wanted = Object.entries(type.properties ?? {}).filter(([key]) => type.required?.includes(key));
    return Object.fromEntries(wanted.map(([key, one]) => [key, example(one, pick, used)]));
  }
  if (kind === "array") return [];
  if (kind === "integer") return type.minimum ?? 0;
  if (kind === "boolean") return true;
  return "x";
}

/** A request for an operation, with `pick`'s ids where it has any. */
function request(path, operation, pick) {
  const used = { ids: false };
  let address = path;
  for (const parameter of operation.parameters ?? []) {
    const type = resolved(parameter.schema).name ?? (parameter.schema.oneOf && resolved(parameter.schema.oneOf.at(-1)).name);
    if (parameter.in === "path") {
      if (!ids[type]) return undefined;
      used.ids = true;
      address = address.replace(`{${parameter.name}}`, pick(ids[type]));
    }
  }
  const schema = operation.requestBody?.content["application/json"].schema;
  const body = schema && (bodies[operation.operationId]?.(pick) ?? example(schema, pick, used));
  return used.ids || bodies[operation.operationId] ? { address: address.replace("/api/v1", ""), body } : undefined;
}

/** What only a person can ask for. */
const PEOPLE = ["lend_role", "create_session", "create_chat_link", "remove_chat_link"];

/** Bodies that the document alone does not make sensible. */
const bodies = {
  allot: (pick) => ({ from: "treasury", to: pick(ids.DepartmentId), amount: "1" }),
  transfer: (pick) => ({ from: pick(ids.MemberId), to: pick(ids.TeamId), amount: "1" }),
  preview_transfer: (pick) => ({ from: pick(ids.MemberId), to: pick(ids.TeamId), amount: "1" }),
  request_approval: (pick) => ({ from: pick(ids.MemberId), to: pick(ids.TeamId), amount: "1" }),
  create_absence: (pick) => ({ member_id: pick(ids.MemberId) }),
  change_absence: () => ({ until: null }),
  create_calendar: (pick) => ({ name: "x", source: { kind: "bamboohr", company: "acme", api_key: "x" }, people: { 1: pick(ids.MemberId) } }),
  boost: (pick) => ({ member_id: pick(ids.MemberId), amount: "1" }),
  create_grant: (pick) => ({ to: pick(ids.MemberId), role: "auditor", on: ours.id }),
  create_limit: () => ({ subject: { type: "team" }, window: "day", unit: "requests", amount: 1 }),
  change_limit: () => ({ amount: 1 }),
  create_workload: (pick) => ({ name: "x", issuer: forger.issuer, rules: RULES, member_id: pick(ids.MemberId) }),
  change_sign_in: (pick) => ({
    provider: { kind: "generic", issuer: forger.issuer },
    client_id: "x",
    client_secret: "x",
    default_team_id: pick(ids.TeamId),
  }),
  change_policy: () => ({ name: "x", cedar: "permit (principal, action, resource);" }),
};

function* operations() {
  for (const [path, item] of Object.entries(document.paths)) {
    for (const [method, operation] of Object.entries(item)) yield { method: method.toUpperCase(), path, operation };
  }
}

/** An answer without what is different each time. */
const shape = ({ status, body }, id) => ({ status, body: JSON.parse(JSON.stringify(body).replaceAll(id, "ID")) });

for (const by of ["key", "session"]) {
  test(`every operation on another organization's ids is as on ids that never were, by ${by}`, async () => {
    let tried = 0;
    const before_ = await everything();
    for (const { method, path, operation } of operations()) {
      const foreign = request(path, operation, (id) => id);
      if (!foreign || (by === "key" && PEOPLE.includes(operation.operationId))) continue;
      tried++;
      const nobodys = request(path, operation, absent);
      const [answer, control] = [
        await callers[by].request(method, foreign.address, foreign.body),
        await callers[by].request(method, nobodys.address, nobodys.body),
      ];
      const at = `${method} ${foreign.address} ${JSON.stringify(foreign.body)}`;
      assert.equal(answer.status, 404, `${at}: ${JSON.stringify(answer.body)}`);
      const mask = (answer, pick) => Object.values(ids).reduce((seen, id) => shape(seen, pick(id)), answer);
      assert.deepEqual(mask(answer, (id) => id), mask(control, absent), at);
    }
    assert.ok(tried >= 40, `only ${tried} operations have ids`);
    assert.deepEqual(await everything(), before_, "something of the other organization has changed");
  });
}

/** What the other organization sees of itself. */
async function everything() {
  const lists = ["/departments", "/teams", "/members", "/providers", "/admin-keys", "/balances", "/grants", "/policies", "/service-accounts", "/calendars", "/channels"];
  return Promise.all([...lists.map((path) => theirs.api.list(path)), theirs.api.list(`/teams/${ids.TeamId}/keys`), theirs.api.list(`/teams/${ids.TeamId}/limits`)]);
}

for (const by of ["key", "session"]) {
  test(`another organization's ${by} opens nothing here`, async () => {
    const api = by === "key" ? theirs.api : callers.theirs;
    const named = { "x-alfred-organization": ours.id };
    for (const { method, path, operation } of operations()) {
      if (operation.security?.some((one) => Object.keys(one).length === 0) || path.includes("{")) continue;
      // It names no organization but the session's own.
      if (by === "session" && path === "/api/v1/session") continue;
      const answer = await api.request(method, path.replace("/api/v1", ""), undefined, named);
      assert.ok([400, 403, 404, 405, 415].includes(answer.status), `${method} ${path}: ${answer.status}`);
      assert.ok(!JSON.stringify(answer.body).includes(ours.department.id));
    }
  });
}

test("the time that an answer takes tells nothing", async () => {
  const time = async (id) => {
    const started = performance.now();
    await ours.api.request("GET", `/teams/${id}`);
    return performance.now() - started;
  };
  const times = { foreign: [], absent: [] };
  for (let round = 0; round < 60; round++) {
    times.foreign.push(await time(ids.TeamId));
    times.absent.push(await time(absent(ids.TeamId)));
  }
  const median = (values) => values.toSorted((one, other) => one - other)[values.length / 2];
  const [foreign, nobodys] = [median(times.foreign), median(times.absent)];
  // Waking another actor takes longer than that; noise takes less.
  assert.ok(Math.abs(foreign - nobodys) < Math.max(1, nobodys * 0.5), `${foreign} ms and ${nobodys} ms`);
});
