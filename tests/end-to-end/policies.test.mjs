// An organization's own policies beside deciding: what those in shadow mode
// would have decided, and that a change bites on the very next call, wherever
// at the edge that is made.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { eventually, startAlfred } from "./harness.mjs";
import { call, chat } from "./lib/call.mjs";
import { Api, found } from "./lib/company.mjs";
import { startProvider } from "./lib/provider.mjs";

/** Isolates beside the first. */
const TWINS = 2;

let alfred, provider, company, person;
before(async () => {
  [alfred, provider] = await Promise.all([startAlfred({ twins: TWINS }), startProvider()]);
  company = await found(alfred, { provider });
  person = await company.addPerson({ wallet: 100_000_000 });
});
after(() => Promise.all([alfred?.stop(), provider?.stop()]));

const ask = (model, isolate = alfred) => call(isolate, person.secret, chat({ model }));
const request = (answer) => answer.headers.get("x-alfred-request-id");

/** The records of a request, once D1 has them. */
const records = (answer) =>
  eventually(async () => {
    const found = await company.api.list(`/audit?request_id=${request(answer)}`);
    return found.length > 0 && found;
  });

let accounts = 0;

/** A service account with a role on the organization, or none, and the API under its key. */
async function robot(role) {
  const account = await company.api.made("/service-accounts", { name: `Robot ${++accounts}` });
  const { secret } = await company.api.made(`/service-accounts/${account.id}/keys`, { name: "key" });
  if (role) await company.api.made("/grants", { to: account.id, role, on: company.id });
  return { account, api: new Api(alfred, secret) };
}

test("what a policy in shadow mode would have decided is recorded and exported, and the trail holds", async () => {
  const { api } = await robot("finance");
  const move = (amount) => api.request("POST", "/allotments", { from: company.department.id, to: person.team.id, amount });
  const setting = { kind: "allotments", most: "2.5", approval: "organization_admin" };
  const policy = await company.api.made("/policies", { name: "Large allotments", setting, mode: "shadow" });
  assert.deepEqual(policy.would_differ, null);

  const [small, large] = [await move("1"), await move("3")];
  assert.deepEqual([small.status, large.status], [201, 201]);
  const [[unmoved], [moved]] = [await records(small), await records(large)];
  assert.equal(unmoved.shadow, null);
  assert.deepEqual(moved.shadow, { decision: "approval_required", differs: true, policies: [policy.id] });
  assert.deepEqual([moved.outcome, moved.policies], ["done", ["role.finance"]]);
  assert.deepEqual((await company.api.list("/audit?shadow=differs")).map(({ id }) => id), [moved.id]);

  const wrong = await company.api.request("GET", "/audit?shadow=maybe");
  assert.deepEqual([wrong.status, wrong.body.code], [400, "invalid_request"]);

  const headers = { authorization: `Bearer ${company.api.key}` };
  const exported = async (format) => (await alfred.fetch(`/api/v1/audit/export?format=${format}`, { headers })).text();
  const lines = (await exported("ndjson")).trimEnd().split("\n").map((line) => JSON.parse(line));
  assert.deepEqual(lines.find(({ id }) => id === moved.id).shadow, moved.shadow);
  const row = (await exported("csv")).split("\r\n").find((line) => line.includes(moved.id));
  assert.match(row, new RegExp(`,approval_required,true,${policy.id},,[0-9a-f]{64}$`));
  const verified = await company.api.shown("/audit/verify");
  assert.deepEqual([verified.trail.holds, verified.copy.holds], [true, true]);

  // Where another policy refuses, the shadow has a say and does not differ.
  const robots = 'forbid (principal is ServiceAccount, action == Action::"allot", resource);';
  const enforced = await company.api.made("/policies", { name: "No robots", cedar: robots });
  const [refused] = await records(await move("3"));
  assert.deepEqual(refused.policies, [enforced.id]);
  assert.deepEqual(refused.shadow, { decision: "forbidden", differs: false, policies: [enforced.id, policy.id].sort() });
  assert.equal((await company.api.list("/audit?shadow=differs")).length, 1);
  assert.deepEqual((await company.api.list("/audit?shadow=any")).map(({ id }) => id), [refused.id, moved.id]);

  const { would_differ: counts } = await company.api.shown(`/policies/${policy.id}`);
  assert.deepEqual([counts.acts, counts.reads, counts.calls], [1, 0, 0]);
  for (const { id } of [policy, enforced]) await company.api.changed("DELETE", `/policies/${id}`);
});

test("reads and calls that a policy in shadow mode would refuse go on, are counted, and write no row", async () => {
  const { account, api } = await robot("auditor");
  const cedar = `
    forbid (principal == ServiceAccount::"${account.id}", action == Action::"list_teams", resource);
    forbid (principal is Member, action == Action::"use_model", resource) when { resource.name == "gpt-4o" };`;
  const policy = await company.api.made("/policies", { name: "Watching", cedar, mode: "shadow" });
  const rows = async () => (await alfred.query("SELECT count(*) AS n FROM audit WHERE organization = ?", company.id))[0].n;
  await eventually(async () => (await company.api.list(`/audit?resource=${policy.id}`)).length === 1);
  const before_ = await rows();
  for (let round = 0; round < 3; round++) assert.equal((await api.request("GET", "/teams")).status, 200);
  assert.equal((await api.request("GET", "/members")).status, 200);
  const answers = await Promise.all(alfred.isolates.flatMap((isolate) => ["gpt-4o", "gpt-4o", "gpt-4o-mini"].map((model) => ask(model, isolate))));
  assert.ok(answers.every(({ status }) => status === 200));

  const counted = await eventually(async () => {
    const { would_differ: counts } = await company.api.shown(`/policies/${policy.id}`);
    return counts.calls >= 2 * alfred.isolates.length && counts;
  });
  const { last_at, ...counts } = counted;
  assert.deepEqual(counts, { acts: 0, reads: 3, calls: 2 * alfred.isolates.length });
  assert.ok(Math.abs(Date.now() - Date.parse(last_at)) < 60_000);
  const listed = (await company.api.list("/policies")).find(({ id }) => id === policy.id);
  assert.deepEqual(listed.would_differ, counted);
  assert.equal(await rows(), before_);

  // Another version begins anew; one that decides has nothing to count.
  const changed = (mode) => company.api.changed("PUT", `/policies/${policy.id}`, { name: "Watching", cedar, mode });
  await changed("shadow");
  assert.equal((await company.api.shown(`/policies/${policy.id}`)).would_differ.calls, 0);
  await changed("enforce");
  assert.equal((await company.api.shown(`/policies/${policy.id}`)).would_differ, null);
  assert.deepEqual([(await ask("gpt-4o")).status, (await api.request("GET", "/teams")).status], [403, 403]);
  await company.api.changed("DELETE", `/policies/${policy.id}`);
});

test("who is to be told of an act is told once, also after the copy was lost", async () => {
  const { api } = await robot("finance");
  const move = (amount, headers) =>
    api.request("POST", "/allotments", { from: company.department.id, to: person.team.id, amount }, headers);
  const cedar = `
    @notify("security")
    @needs_approval("organization_admin")
    forbid (principal is ServiceAccount, action == Action::"allot", resource)
    when { context has millicredits && context.millicredits > 5000 }
    unless { context.approved };

    @notify("finance")
    permit (principal is ServiceAccount, action == Action::"allot", resource)
    when { context has millicredits && context.millicredits > 2000 };

    @notify("security")
    forbid (principal is ServiceAccount, action == Action::"list_audit", resource);

    @notify("nobody, for it is allowed")
    permit (principal is ServiceAccount, action == Action::"list_teams", resource);`;
  const policy = await company.api.made("/policies", { name: "Told", cedar });
  const address = await company.api.request("POST", "/policies", { name: "Address", cedar: '@notify("ada@acme.example") permit (principal, action, resource);' });
  assert.equal(address.status, 400);
  assert.match(address.body.detail, /`ada@acme.example`/);

  const once = { "idempotency-key": "told-once" };
  const [silent, done, again, asked, read, seen] = [
    await move("1"),
    await move("3", once),
    await move("3", once),
    await move("6"),
    await api.request("GET", "/audit"),
    await api.request("GET", "/teams"),
  ];
  assert.deepEqual([silent, done, again, asked, read, seen].map(({ status }) => status), [201, 201, 201, 403, 403, 200]);
  const poor = await company.addDepartment();
  const team = await company.addTeam({ department: poor });
  const failed = await api.request("POST", "/allotments", { from: poor.id, to: team.id, amount: "4" });
  assert.equal(failed.status, 402);

  const told = () => company.api.list("/notifications");
  const expected = [
    [request(done), "finance", "allot", "done", null, `team/${person.team.id}`],
    [request(asked), "security", "allot", "denied", "approval_required", company.department.id],
    [request(read), "security", "list_audit", "denied", "forbidden", company.id],
    [request(failed), "finance", "allot", "failed", "insufficient_funds", `team/${team.id}`],
  ];
  const view = ({ request_id, recipient, action, outcome, code, resource }) => [request_id, recipient, action, outcome, code, resource];
  await eventually(async () => (await told()).length >= expected.length);
  const all = await told();
  assert.deepEqual(all.map(view).toReversed(), expected);
  const [record] = await records(done);
  assert.deepEqual([record.id, record.notify], [all.at(-1).record_id, ["finance"]]);
  assert.equal(all.at(-1).who, record.who);

  const { data, next_cursor } = await company.api.shown("/notifications?limit=3");
  const rest = await company.api.shown(`/notifications?limit=3&cursor=${next_cursor}`);
  assert.deepEqual([...data, ...rest.data], all);
  assert.equal(rest.next_cursor, null);
  assert.deepEqual((await company.api.list("/notifications?recipient=finance")).map(view), [expected[3], expected[0]]);
  assert.equal((await company.api.list("/notifications?action=list_audit&outcome=denied")).length, 1);
  assert.equal((await company.api.request("GET", "/notifications?cursor=x")).status, 400);

  // The actor is a team's here: what happened there shows to whoever may audit that.
  const keys = '@notify("security") permit (principal, action == Action::"create_limit", resource);';
  await company.api.changed("PUT", `/policies/${policy.id}`, { name: "Told", cedar: keys });
  const limit = await company.addLimit(person.team, { window: "day", unit: "requests", amount: 100_000 });
  const [ofTeam] = await eventually(async () => {
    const found = await company.api.list(`/notifications?actor=${person.team.id}`);
    return found.length > 0 && found;
  });
  assert.deepEqual([ofTeam.recipient, ofTeam.action, ofTeam.resource], ["security", "create_limit", limit.id]);
  const { account, api: near } = await robot("finance");
  assert.equal((await near.request("GET", "/notifications")).status, 403);
  await company.api.made("/grants", { to: account.id, role: "auditor", on: person.team.id });
  assert.deepEqual(await near.list("/notifications"), [ofTeam]);

  // The copy is lost, and made anew from the actors' trails.
  const before_ = await told();
  await alfred.query("DELETE FROM notifications WHERE organization = ?", company.id);
  await alfred.query("DELETE FROM audit WHERE organization = ?", company.id);
  await alfred.query("UPDATE projections SET applied_through = 0 WHERE organization = ? AND actor LIKE '%/audit'", company.id);
  await alfred.scheduled(alfred.crons[0]);
  await eventually(async () => (await told()).length >= before_.length);
  assert.deepEqual(await told(), before_);
  await company.api.changed("DELETE", `/policies/${policy.id}`);
});

test("a policy is tried on what was decided, and nothing changes", async () => {
  const { account, api } = await robot("finance");
  const move = (amount) => api.request("POST", "/allotments", { from: company.department.id, to: person.team.id, amount });
  const made = [await move("7"), await move("9"), await move("8")];
  assert.deepEqual(made.map(({ status }) => status), [201, 201, 201]);
  const denied = await api.request("POST", "/departments", { name: "Not theirs" });
  assert.equal(denied.status, 403);
  await records(denied);
  const calls = [await ask("gpt-4o"), await ask("gpt-4o-mini"), await ask("gpt-4o")];
  await eventually(async () => (await company.api.list(`/requests?request_id=${calls[2].request}`)).length === 1);

  const tried = async (body) => {
    const answer = await company.api.request("POST", "/policies/test", body);
    assert.equal(answer.status, 200, JSON.stringify(answer.body));
    return answer.body;
  };
  const before_ = [await company.api.list("/policies"), await company.api.list("/audit")];

  const setting = { kind: "allotments", most: "7.5", approval: "organization_admin" };
  const trial = await tried({ setting });
  const view = ({ request_id, who, action, resource, now, would, policies }) => [request_id, who.split("/")[0], action, resource, now, would, policies];
  const mine = trial.changed.filter(({ who }) => who.startsWith(account.id));
  const expected = (answer) => [request(answer), account.id, "allot", company.department.id, "allowed", "approval_required", ["proposed"]];
  assert.deepEqual(mine.map(view), [expected(made[2]), expected(made[1])]);
  const [{ now, would, decisions, calls: none }, ...more] = trial.changes;
  assert.deepEqual([now, would, decisions, none, more], ["allowed", "approval_required", trial.changed.length, 0, []]);
  assert.equal(trial.calls, null);
  assert.ok(trial.decisions.asked > 10 && Date.parse(trial.decisions.since) < Date.now());
  assert.equal((await tried({ setting, last: 1 })).decisions.asked, 1);

  const may = `permit (principal == ServiceAccount::"${account.id}", action == Action::"create_department", resource);`;
  assert.deepEqual((await tried({ cedar: may })).changed.map(view), [
    [request(denied), account.id, "create_department", company.id, "forbidden", "allowed", ["proposed"]],
  ]);

  const models = await tried({ setting: { kind: "models", on: person.team.id, only: ["gpt-4o-mini*"] } });
  assert.deepEqual(
    models.changed.slice(0, 2).map(view),
    [calls[2], calls[0]].map(({ request }) => [request, person.member.id, "use_model", "gpt-4o", "allowed", "forbidden", ["proposed"]]),
  );
  assert.ok(models.calls.asked >= 3);

  assert.deepEqual([await company.api.list("/policies"), await company.api.list("/audit")], before_);
  assert.deepEqual((await move("9")).status, 201);

  // Of one in shadow mode: as if it decided; and another text in its place.
  const cedar = `forbid (principal == ServiceAccount::"${account.id}", action == Action::"allot", resource);`;
  const shadow = await company.api.made("/policies", { name: "Tried", cedar, mode: "shadow" });
  await eventually(async () => (await tried({ policy_id: shadow.id })).changed.length === 4);
  const forbidden = await tried({ policy_id: shadow.id });
  assert.ok(forbidden.changed.every(({ would, policies }) => would === "forbidden" && policies[0] === shadow.id));
  await company.api.changed("PUT", `/policies/${shadow.id}`, { name: "Tried", cedar, mode: "enforce" });
  assert.deepEqual((await tried({ policy_id: shadow.id })).changes, []);
  const opened = await tried({ policy_id: shadow.id, cedar: may });
  assert.deepEqual(opened.changes.map(({ now, would, decisions }) => [now, would, decisions]), [
    ["forbidden", "allowed", 5],
  ]);
  await company.api.changed("DELETE", `/policies/${shadow.id}`);

  for (const [body, status, detail] of [
    [{}, 400, /either/],
    [{ cedar: "permit (" }, 400, /cannot be read/],
    [{ cedar, last: 0 }, 400, /from 1 to 1000/],
    [{ cedar, last: 1001 }, 400, /from 1 to 1000/],
    [{ cedar, policy_id: `pol_${"0".repeat(26)}` }, 404, /no policy/],
  ]) {
    const answer = await company.api.request("POST", "/policies/test", body);
    assert.equal(answer.status, status, JSON.stringify(answer.body));
    assert.match(answer.body.detail, detail);
  }
  const { api: stranger } = await robot();
  assert.equal((await stranger.request("POST", "/policies/test", { cedar })).status, 403);
});

/**
 * Clients in every isolate that call a model without a pause until they are told to stop.
 *
 * @returns the calls that have ended, each with when it began; and `stop`
 */
function load(model, clients) {
  const calls = [];
  let going = true;
  const one = async (isolate) => {
    while (going) {
      const began = performance.now();
      const { status, body } = await ask(model, isolate);
      calls.push({ began, ended: performance.now(), isolate: isolate.url, status, code: body?.error?.code });
    }
  };
  const all = alfred.isolates.flatMap((isolate) => Array.from({ length: clients }, () => one(isolate)));
  const stop = async () => {
    going = false;
    await Promise.all(all);
    return calls;
  };
  return { calls, stop };
}

test("a policy that forbids a model bites on the very next call of every client in every isolate", async () => {
  const isolates = alfred.isolates;
  for (const isolate of isolates) assert.equal((await ask("gpt-4o", isolate)).status, 200);
  const clients = load("gpt-4o", 3);
  const setting = { kind: "models", only: ["gpt-4o-mini*"] };
  const changes = [];
  const change = async (refused, act) => {
    const began = performance.now();
    const result = await act();
    changes.push({ began, at: performance.now(), refused });
    // Long enough for calls of every isolate.
    const seen = () => new Set(clients.calls.filter(({ began }) => began > changes.at(-1).at).map(({ isolate }) => isolate));
    await eventually(() => seen().size === isolates.length);
    return result;
  };
  for (let round = 0; round < 8; round++) {
    const policy = await change(true, () => company.api.made("/policies", { name: "Small models", setting }));
    const open = { name: "Small models", setting: { ...setting, only: ["gpt-4o*"] } };
    await change(false, () => company.api.changed("PUT", `/policies/${policy.id}`, open));
    await change(true, () => company.api.changed("PUT", `/policies/${policy.id}`, { name: "Small models", setting }));
    await change(false, () => company.api.changed("DELETE", `/policies/${policy.id}`));
  }
  const calls = await clients.stop();
  let judged = 0;
  for (const [place, { at, refused }] of changes.entries()) {
    // What began before the next change was begun is judged by this one; a call that was under way may have either.
    const until = changes[place + 1]?.began ?? Infinity;
    for (const call of calls.filter(({ began, ended }) => began > at && ended < until)) {
      judged += 1;
      assert.deepEqual([call.status, call.code], refused ? [403, "model_not_allowed"] : [200, undefined], `change ${place} in ${call.isolate}`);
    }
  }
  assert.ok(judged >= changes.length * isolates.length, `${judged} calls were judged`);
});
