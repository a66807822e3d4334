// The command line against the example organization: what people type, what
// scripts read, and the organization as a file.

import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";

import { ROOT } from "../../xtask/node/runtime.mjs";
import { eventually, startAlfred, temporaryFolder } from "./harness.mjs";
import { call, chat } from "./lib/call.mjs";
import { Api } from "./lib/company.mjs";

const PROGRAM = process.env.ALFRED_CLI ?? join(ROOT, "target/debug/alfred");

let alfred, home, api;
before(async () => {
  home = temporaryFolder();
  alfred = await startAlfred({ seed: true });
  api = new Api(alfred, alfred.dev.admin_key);
});
after(async () => {
  await alfred?.stop();
  rmSync(home, { recursive: true, force: true });
});

/** Runs `alfred`, and answers what it printed and how it ended. */
function run(args, { input = "", env = {} } = {}) {
  const clean = { PATH: process.env.PATH, HOME: home, XDG_CONFIG_HOME: home, TZ: "Europe/Berlin", ...env };
  return new Promise((done) => {
    const child = execFile(PROGRAM, args, { env: clean }, (error, out, err) => done({ code: error ? error.code : 0, out, err }));
    child.stdin.on("error", () => {});
    child.stdin.end(input);
  });
}

/** What it prints, once it has done what was asked. */
async function alf(...args) {
  const { code, out, err } = await run(args);
  assert.equal(code, 0, `alfred ${args.join(" ")}: ${err}`);
  assert.equal(err, "");
  return out;
}

const json = async (...args) => JSON.parse(await alf(...args, "--json"));

/** It fails, with this code, saying this, and prints nothing. */
async function fails(code, words, ...args) {
  const answer = await run(args);
  assert.deepEqual([answer.code, answer.out], [code, ""], `alfred ${args.join(" ")}: ${answer.err}`);
  assert.match(answer.err, words);
}

function file(name, text) {
  const path = join(home, name);
  writeFileSync(path, text);
  return path;
}

test("nobody is logged in at first", async () => {
  await fails(2, /alfred login/, "balance");
  await fails(2, /unrecognized subcommand/, "fly");
  await fails(2, /--key/, "balance", "--url", alfred.url);
});

test("login checks the key and keeps it to its owner", async () => {
  const login = (input, ...more) => run(["login", "--url", alfred.url, ...more], { input });
  const altered = alfred.dev.admin_key.replace(/.$/, (last) => (last === "x" ? "y" : "x"));
  const wrong = await login(`${altered}\n`);
  assert.deepEqual([wrong.code, wrong.out], [1, ""]);
  assert.match(wrong.err, /incomplete or was altered/);
  const { code, out, err } = await login(`${alfred.dev.admin_key}\n`);
  assert.equal(code, 0, err);
  assert.match(out, /^an admin of Acme at http/);
  assert.equal(statSync(join(home, "alfred/profiles.toml")).mode & 0o777, 0o600);
  assert.ok(!out.includes(alfred.dev.admin_key) && !err.includes(alfred.dev.admin_key));
  assert.equal((await login(`${alfred.dev.members.ada.api_key}\n`, "--profile", "ada")).code, 0);
});

test("whoami, by any key", async () => {
  assert.match(await alf("whoami"), /an admin of Acme[^]*time zone +Europe\/Berlin/);
  assert.match(await alf("whoami", "--profile", "ada"), /ada of Compilers, Acme[^]*status +active/);
  assert.equal((await json("whoami", "--profile", "ada")).me.member.name, "ada");
  const operator = { ALFRED_URL: alfred.url, ALFRED_API_KEY: alfred.operatorKey };
  assert.match((await run(["whoami"], { env: operator })).out, /^the operator/);
  const teams = await run(["teams", "list", "--organization", alfred.dev.organization ?? (await api.shown("/organization")).id], { env: operator });
  assert.match(teams.out, /Storefront/);
});

test("balances and allotments, by name", async () => {
  const before_ = await json("balance", "Research/Vision");
  assert.match(await alf("balance"), /^NAME +NODE +AVAILABLE/);
  assert.equal((await json("balance")).data.length, 6);
  const moved = await json("allot", "Research", "Vision", "0.125", "--note", "by hand");
  assert.deepEqual([moved.amount, moved.to], ["0.125", before_.node]);
  assert.equal((await api.shown(`/balances/${before_.node}`)).balance, "1000000.125".replace("1000000", String(BigInt(before_.balance))));
  assert.match(await alf("allot", "Vision", "Research", "0.125"), /moved +0\.125/);
  assert.match(await alf("balance", "--profile", "ada"), /wallet +2000000\n/);
  await fails(1, /^The credits do not suffice: .*needed/, "allot", "Research", "Vision", "999999999");
  await fails(1, /^The request makes no sense: /, "allot", "treasury", "alan", "1");
  await fails(1, /no department, team or member `Nowhere`/, "balance", "Nowhere");
  await fails(2, /is not an amount/, "allot", "Research", "Vision", "1e3");
});

test("credits are sent, taken back, asked for and boosted", async () => {
  const look = await alf("send", "2", "--from", "Vision", "--to", "alan", "--preview");
  assert.match(look, /would be +allowed[^]*from +Research\/Vision\nto +Research\/Vision\/alan\n/);
  const { transfer } = await json("send", "2", "--from", "Vision", "--to", "alan", "--note", "for the demo");
  assert.deepEqual([transfer.amount, transfer.note, transfer.status], ["2", "for the demo", "done"]);
  // An admin finds it where it is projected to.
  await eventually(async () => (await run(["transfers", "show", transfer.id])).code === 0);
  assert.match(await alf("transfers", "show", transfer.id), /from +Research\/Vision\nto +Research\/Vision\/alan\nstatus +done/);
  assert.equal((await json("transfers", "list", "--member", "alan", "--direction", "received")).data[0].id, transfer.id);
  assert.match(await alf("transfers", "undo", transfer.id, "--amount", "0.5"), /moved +0\.5[^]*to +Research\/Vision\/alan/);
  assert.equal((await json("transfers", "show", transfer.id)).undone, "0.5");
  await fails(1, /whose credits/, "send", "2", "--to", "alan");
  await fails(1, /no member or team `Research`/, "send", "2", "--from", "Vision", "--to", "Research");

  const boost = await json("boosts", "give", "3", "--to", "ada", "--until", "2099-01-01", "--reason", "the release");
  assert.deepEqual([boost.amount, boost.ends_at], ["3", "2098-12-31T23:00:00.000Z"]);
  assert.match(await alf("boosts", "list", "--team", "Compilers", "--state", "running"), /Research\/Compilers\/ada +3 +3/);
  await eventually(async () => (await run(["boosts", "end", boost.id])).code === 0);
  assert.equal((await json("boosts", "show", boost.id)).returned, "3");
  const away = await json("away", "begin", "--member", "ada", "--until", "2099-01-01", "--share", "80%", "--reason", "the Alps");
  assert.deepEqual([away.state, away.share, away.reason], ["away", { kind: "percent", percent: 80 }, "the Alps"]);
  assert.match(await alf("away", "list", "--team", "Compilers", "--state", "current"), /Research\/Compilers\/ada +away/);
  assert.match(await alf("away", "end", away.id), /member +Research\/Compilers\/ada\nstate +over/);
  await fails(2, /a percentage from 1% to 100%/, "away", "begin", "--share", "0%");
  await fails(2, /--until/, "boosts", "give", "3", "--to", "ada", "--lift-rate-limits");

  const rule = await api.made("/policies", { name: "much", setting: { kind: "transfers", most: "20", approval: "organization_admin" } });
  assert.match(await alf("send", "25", "--from", "Vision", "--to", "alan"), /^that needs an approval: apr_[^]*state +pending/);
  const [asked] = (await json("approvals", "list", "--own", "--state", "pending")).data;
  assert.match(await alf("approvals", "show", asked.id), /from +Research\/Vision\n/);
  await fails(1, /for themselves/, "approvals", "approve", asked.id);
  assert.match(await alf("approvals", "cancel", asked.id), /state +cancelled/);
  const { id } = await json("approvals", "request", "30", "--from", "Vision", "--to", "ada", "--reason", "please");
  const spare = await api.made("/admin-keys", { name: "spare" });
  const other = { ALFRED_URL: alfred.url, ALFRED_API_KEY: spare.secret ?? spare.key };
  assert.match((await run(["approvals", "list", "--to-decide"], { env: other })).out, new RegExp(id));
  assert.match((await run(["approvals", "deny", id, "--reason", "not now"], { env: other })).out, /state +denied/);
  await api.request("DELETE", `/policies/${rule.id}`);
});

test("what happens is said as it does", async () => {
  const env = { HOME: home, XDG_CONFIG_HOME: home, TZ: "UTC" };
  const watch = (...more) => {
    const child = spawn(PROGRAM, ["watch", "--team", "Vision", ...more], { env });
    const heard = { child, text: "" };
    child.stdout.on("data", (data) => (heard.text += data));
    return heard;
  };
  const [people, scripts] = [watch(), watch("--json")];
  try {
    await eventually(() => people.text.includes("listening") && scripts.text.includes('"ready"'));
    await alf("send", "1.5", "--from", "Vision", "--to", "alan");
    await eventually(() => /transfer +1\.5 from Research\/Vision to Research\/Vision\/alan +xfer_/.test(people.text) && /balance +wallet Research\/Vision\/alan has \d/.test(people.text));
    const lines = () => scripts.text.trim().split("\n").map((line) => JSON.parse(line));
    const sent = (await eventually(() => lines().find(({ event }) => event === "transfer")));
    assert.deepEqual([sent.data.amount, sent.data.undone], ["1.5", false]);
  } finally {
    people.child.kill();
    scripts.child.kill();
  }
  await fails(1, /That is not permitted: /, "watch", "--profile", "ada");
});

test("departments, teams and members", async () => {
  assert.match(await alf("departments", "add", "Sales"), /^made the department Sales \(dep_/);
  await fails(1, /^It cannot be done in this state: .*Sales/, "departments", "add", "Sales");
  await alf("teams", "add", "Field", "--department", "Sales", "--model", "demo-*", "--chunk", "10", "--low-water", "5");
  await alf("members", "add", "zoe", "--team", "Sales/Field", "--email", "zoe@acme.example");
  assert.match(await alf("members", "suspend", "zoe@acme.example"), /is suspended/);
  assert.equal((await json("members", "show", "zoe")).status, "suspended");
  await alf("members", "activate", "Sales/Field/zoe");
  assert.match(await alf("members", "list", "--team", "Field"), /^NAME.*\nzoe .* active +Sales\/Field +all\n$/);
  assert.match(await alf("teams", "show", "Field"), /department +Sales\n[^]*models +demo-\*/);
  assert.deepEqual((await json("teams", "list", "--department", "Sales")).data.map(({ name }) => name), ["Field"]);
});

test("a key's secret is printed alone, and works until it is revoked", async () => {
  const status = async (secret) => (await call(alfred, secret, chat({ model: "demo-small" }))).status;
  const secret = await alf("keys", "create", "script", "--member", "ada", "--quiet");
  assert.match(secret, /^sk-alf-\S+\n$/);
  assert.equal(await status(secret.trim()), 200);
  const { id } = (await json("keys", "list", "--member", "ada")).data.find(({ name }) => name === "script");
  const rotated = await alf("keys", "rotate", id, "--quiet");
  assert.deepEqual([await status(secret.trim()), await status(rotated.trim())], [401, 200]);
  assert.match(await alf("keys", "revoke", id), /works no more/);
  assert.equal(await status(rotated.trim()), 401);
  assert.match(await alf("keys", "list", "--team", "Compilers"), /script[^\n]*Research\/Compilers\/ada/);
  await fails(1, /there is no key/, "keys", "revoke", "key_nowhere");
});

test("limits are set, changed and removed", async () => {
  const set = (amount) => alf("limits", "set", "--member", "alan", "--window", "week", "--unit", "tokens", amount);
  const id = (await set("1000")).split(" ")[0];
  assert.equal((await set("2000")).split(" ")[0], id);
  assert.match(await alf("limits", "list", "--member", "alan"), new RegExp(`${id} +Research/Vision +member +Research/Vision/alan +cap +week +tokens +2000`));
  assert.match(await alf("limits", "remove", id), /removed/);
  assert.equal((await json("limits", "list", "--member", "alan")).data.some((limit) => limit.id === id), false);
});

test("grants, policies, permissions", async () => {
  await alf("grants", "add", "ada", "team_manager", "Research/Compilers", "--until", "2099-01-01");
  const [grant] = (await json("grants", "list")).data;
  assert.deepEqual([grant.role, grant.until], ["team_manager", "2098-12-31T23:00:00.000Z"]);
  assert.match(await alf("grants", "list"), /Research\/Compilers\/ada +team_manager +Research\/Compilers +2099-01-01 00:00:00/);
  assert.match(await alf("grants", "list", "--utc"), /2098-12-31 23:00:00Z/);
  assert.match(await alf("grants", "revoke", grant.id), /took/);
  const cedar = file("robots.cedar", 'forbid (principal is ServiceAccount, action == Action::"allot", resource);\n');
  await alf("policies", "put", "No robots", "--cedar", cedar, "--mode", "shadow");
  await alf("policies", "put", "No robots", "--cedar", cedar);
  assert.equal((await json("policies", "show", "No robots")).version, 2);
  assert.match(await alf("policies", "show", "No robots"), /forbid \(principal is ServiceAccount/);
  await alf("policies", "remove", "No robots");
  assert.match(await alf("permissions", "--role", "finance"), /allot/);
  await fails(2, /no role `king`/, "permissions", "--role", "king");
});

test("reports, complete over all pages", async () => {
  const journal = await json("journal");
  assert.equal(journal.next_cursor, null);
  assert.deepEqual(journal.data, await api.list("/journal"));
  assert.equal((await json("journal", "--first", "3")).data.length, 3);
  const usage = await json("usage", "--by", "team,model");
  assert.deepEqual(usage.data, (await api.shown("/usage?group_by=team,model")).data);
  assert.match(await alf("usage", "--by", "member", "--interval", "day"), /TIME +MEMBER +REQUESTS/);
  assert.deepEqual((await json("requests", "--team", "Compilers")).data, await api.list(`/requests?team_id=${alfred.dev.members.ada.team_id}`));
  await fails(2, /is no time/, "usage", "--from", "yesterday");
});

const CONFIGURATION = `
[organization]
help = "ask in #ai-credits, or call 42"

[departments.Research.teams.Vision]
models = ["demo-*"]
allotment_plan = { chunk = "1000", low_water = "500" }
limits = [{ window = "month", unit = "credits", amount = "20000000" }]

[departments.Design.teams."Print shop".members.zaha]
email = "zaha@acme.example"
limits = [{ window = "minute", unit = "requests", amount = 60 }]

[providers.house]
kind = "openai"
base_url = "https://models.acme.example/v1"
api_key_env = "HOUSE_API_KEY"
models = ["house/*"]

[[prices]]
model = "*"
provider = "house"
change = { price = { rates = { input = "0.1", output = "0.4" } } }

[service_accounts.deploy]

[[grants]]
to = { service_account = "deploy" }
role = "department_manager"
on = { department = "Design" }

[policies."Large allotments"]
setting = { kind = "allotments", most = "1000000", on = { department = "Design" } }
`;

const DIFF = `~ organization help: ask in #ai-credits -> ask in #ai-credits, or call 42
+ department Design
+ team Design/Print shop
+ member Design/Print shop/zaha
+ limit Design/Print shop/zaha rate per minute in requests: 60
~ team Research/Vision allotment_plan: by hand -> {"chunk":"1000","low_water":"500","monthly_cap":null}
~ team Research/Vision models: all -> ["demo-*"]
~ limit Research/Vision cap per month in credits amount: 25000000 -> 20000000
+ provider house
+ price * at house
+ service account deploy
+ grant department_manager on department Design to service account deploy
+ policy Large allotments
`;

test("a file is compared, applied once, and found again", async () => {
  const path = file("alfred.toml", CONFIGURATION);
  const planned = `${DIFF}9 to make, 4 to change, 0 to remove\n`;
  assert.equal(await alf("apply", "-f", path, "--dry-run"), planned);
  const dry = await run(["apply", "-f", path, "--dry-run", "--exit-code"]);
  assert.deepEqual([dry.code, dry.out], [3, planned]);
  await fails(2, /--yes/, "apply", "-f", path);
  await fails(1, /HOUSE_API_KEY/, "apply", "-f", path, "--yes");
  assert.deepEqual((await api.list("/service-accounts")).length, 0, "nothing was changed");

  const env = { HOUSE_API_KEY: "sk-house-secret" };
  const applied = await run(["apply", "-f", path, "--yes"], { env });
  assert.equal(applied.code, 0, applied.err);
  assert.equal(applied.out, `${DIFF}9 made, 4 changed, 0 removed\n`);
  assert.equal((await api.list("/providers")).find(({ name }) => name === "house").has_key, true);
  assert.equal(await alf("apply", "-f", path, "--yes"), "nothing to change\n");

  const [account] = await api.list("/service-accounts");
  const key = await alf("keys", "create", "ci", "--service-account", "deploy", "--quiet");
  const robot = { ALFRED_URL: alfred.url, ALFRED_API_KEY: key.trim() };
  assert.match((await run(["whoami"], { env: robot })).out, /may not look at service accounts/);
  await api.made("/grants", { to: account.id, role: "auditor", on: (await api.shown("/organization")).id });
  assert.match((await run(["whoami"], { env: robot })).out, /^deploy in org_[^]*auditor on org_[^]*actions .*list_teams/);
});

test("drift shows, and goes", async () => {
  const path = join(home, "alfred.toml");
  const vision = (await api.list("/teams")).find(({ name }) => name === "Vision");
  await api.changed("PATCH", `/teams/${vision.id}`, { models: null });
  await api.made(`/teams/${vision.id}/limits`, { subject: { type: "team" }, window: "day", unit: "tokens", amount: 5 });
  const models = '~ team Research/Vision models: all -> ["demo-*"]\n';
  assert.equal(await alf("apply", "-f", path, "--dry-run"), `${models}0 to make, 1 to change, 0 to remove\n`);
  const pruned = await alf("apply", "-f", path, "--dry-run", "--prune");
  assert.ok(pruned.includes("- limit Research/Vision cap per day in tokens: 5\n"), pruned);
  assert.ok(pruned.includes("- provider demo\n") && pruned.includes("- grant auditor on organization to service account deploy\n"), pruned);
  assert.ok(!pruned.includes("Compilers"), "the limits of a team that is not in the file stay");
  const { changes, applied } = await json("apply", "-f", path, "--yes");
  assert.deepEqual([changes, applied], [[{ action: "change", what: "team Research/Vision", field: "models", from: "all", to: '["demo-*"]' }], true]);
  assert.equal(await alf("apply", "-f", path, "--yes"), "nothing to change\n");
});

test("what is exported is what is there", async () => {
  const { id } = await api.made("/departments", { name: 'R&D "x".y \\' });
  const team = await api.made("/teams", { department_id: id, name: "Ünïts / 1", models: [], addresses: ["10.0.0.1", "fd00::/8"] });
  const eve = await api.made("/members", { team_id: team.id, name: "eve", models: ["a*", "b"] });
  await api.changed("PATCH", `/members/${eve.id}`, { status: "suspended" });
  const old = await api.made("/service-accounts", { name: "old robot" });
  await api.changed("PATCH", `/service-accounts/${old.id}`, { disabled: true });
  await api.made("/grants", { to: eve.id, role: "team_manager", on: team.id, until: "2099-01-01T00:00:00Z", only: ["create_key"] });
  const cedar = 'forbid (\n  principal, // \'\'\' """ \\ \n\taction == Action::"allot",\n  resource\n);\n\n';
  await api.made("/policies", { name: "Odd", cedar, mode: "shadow" });
  const text = await alf("export");
  assert.ok(!text.includes("sk-"), text);
  for (const more of [[], ["--prune"]]) {
    const { code, out, err } = await run(["apply", "-f", "-", "--dry-run", "--exit-code", ...more], { input: text });
    assert.deepEqual([code, out, err], [0, "nothing to change\n", ""]);
  }
});

test("an exported file makes the same elsewhere", async () => {
  const text = await alf("export");
  const operator = new Api(alfred, alfred.operatorKey);
  const { admin_key } = await operator.made("/organizations", { name: "Elsewhere" });
  const env = { ALFRED_URL: alfred.url, ALFRED_API_KEY: admin_key, HOUSE_API_KEY: "sk-house-secret" };
  const made = await run(["apply", "-f", "-", "--yes"], { input: text, env });
  assert.equal(made.code, 0, made.err);
  assert.equal((await run(["export"], { env })).out, text);
});

test("pruning removes, and only what can be removed", async () => {
  const path = file("less.toml", (await alf("export")).replace(/\[policies[^]*/, "").replace(/\[providers\.house\][^]*?(?=\n\[)/, ""));
  const gone = "- policy Odd\n- policy Large allotments\n- provider house\n";
  assert.equal(await alf("apply", "-f", path, "--prune", "--yes"), `${gone}0 made, 0 changed, 3 removed\n`);
  assert.deepEqual((await api.list("/providers")).map(({ name }) => name), ["demo"]);
  assert.equal(await alf("apply", "-f", path, "--prune", "--yes"), "nothing to change\n");
});

test("a file that cannot be used changes nothing and says where", async () => {
  await fails(1, /line 3[^]*unknown field `colour`/, "apply", "-f", file("a.toml", "[departments.New.teams.New]\n\ncolour = 1\n"), "--yes");
  await fails(1, /cannot be moved/, "apply", "-f", file("b.toml", "[departments.New.teams.Vision]\n"), "--yes");
  await fails(2, /says nothing/, "apply", "-f", file("empty.toml", "# nothing\n"), "--prune", "--yes");
  await fails(1, /nowhere\.toml: /, "apply", "-f", join(home, "nowhere.toml"));
  const late = file("c.toml", '[departments.Late]\n[organization]\ntime_zone = "Europe/Atlantis"\n');
  await fails(1, /^The request makes no sense: [^]*after 0 of 2 steps/, "apply", "-f", late, "--yes");
  assert.ok(!(await alf("departments", "list")).match(/New|Late/));
});

test("the README's file works on the example organization", async () => {
  const [, text] = readFileSync(join(ROOT, "README.md"), "utf8").match(/```toml\n([^]*?)```/);
  const path = file("readme.toml", text);
  await alf("apply", "-f", path, "--yes");
  assert.equal(await alf("apply", "-f", path, "--yes"), "nothing to change\n");
});

test("the audit trail, as it was and as it goes on", async () => {
  const marked = (await json("departments", "add", "Audited")).id;
  const shown = await eventually(async () => (await alf("audit", "--action", "create_department", "--resource", marked)) || undefined);
  assert.match(shown, new RegExp(`^\\d{4}-\\d\\d-\\d\\d \\d\\d:\\d\\d:\\d\\d  done create_department  adm_\\S+ on ${marked}  .*request_id=`));
  assert.deepEqual((await json("audit", "--outcome", "done")).data, await api.list("/audit?outcome=done"));
  const env = { HOME: home, XDG_CONFIG_HOME: home };
  const following = spawn(PROGRAM, ["audit", "--follow", "--json", "--action", "create_department"], { env });
  let lines = "";
  following.stdout.on("data", (data) => (lines += data));
  try {
    let made = 0;
    await eventually(async () => (await alf("departments", "add", `Followed ${++made}`)) && lines.includes("\n"), { within: 20_000, every: 500 });
    const first = JSON.parse(lines.split("\n")[0]);
    assert.deepEqual([first.action, first.outcome], ["create_department", "done"]);
    assert.ok(!lines.includes(marked), "what was there before is not shown");
  } finally {
    following.kill();
  }
});

test("refusals and silence", async () => {
  await fails(1, /^That is not permitted: /, "teams", "list", "--profile", "ada");
  await fails(1, /does not answer on http:\/\/127\.0\.0\.1:9/, "balance", "--url", "http://127.0.0.1:9", "--key", alfred.dev.admin_key);
  await fails(2, /--key/, "balance", "--url", "http://127.0.0.1:9");
  assert.match(await alf("completions", "bash"), /_alfred\(\)/);
  assert.match(await alf("apply", "--help"), /Examples:/);
  assert.match(await alf("logout", "--profile", "ada"), /forgot/);
  await fails(2, /alfred login/, "whoami", "--profile", "ada");
});
