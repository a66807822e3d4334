// The OpenAPI document and the API that it describes: schemathesis makes
// requests of the document, right and wrong ones, and checks the answers.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

import { eventually, startAlfred } from "../harness.mjs";
import { call, chat } from "../lib/call.mjs";
import { Api } from "../lib/company.mjs";

/** All of it takes two or three minutes. What hangs, and what finds much to narrow down, ends. */
const BOUND = { timeout: 600_000 };
const FOLDER = dirname(fileURLToPath(import.meta.url));
const PYTHON = process.env.ALFRED_PYTHON ?? "python3";
/**
 * What needs a person who is signed in, or a provider at which to, or who has left: sign-in.test.mjs, workloads.test.mjs
 * and privacy.test.mjs try it.
 */
const ELSEWHERE = [
  "lend_role", "create_session", "create_chat_link", "set_up", "refresh", "sign_out", "change_sign_in", "create_workload", "erase_member",
  // Only once, and not by whoever may do all of it anyway: approvals.test.mjs tries them.
  "request_approval", "deny", "cancel_approval",
  // With a provider that takes it, and something that one has not taken: channels.test.mjs tries them.
  "test_channel", "resend_dead_letter",
];
/** A stream goes on for minutes, which here would be an answer that hangs: events.test.mjs tries it. */
const STREAMS = ["watch_events"];
/** Whatever channels and calendars a run makes, and tries: nothing leaves this machine. */
const SERVICES = ["SLACK_API", "TELEGRAM_API", "RESEND_API", "POSTMARK_API", "GOOGLE_CALENDAR_API", "GOOGLE_OAUTH", "GRAPH_API", "MICROSOFT_LOGIN", "BAMBOOHR_API"];
const NOWHERE = Object.fromEntries(SERVICES.map((name) => [name, "http://127.0.0.1:9"]));
/** The end of each id in the document's examples. */
const EXAMPLE = "01h2xcejqtf2nbrexx3vqjhp41";

test("the document is valid OpenAPI 3.1", async (context) => {
  const { alfred, file } = await served(context);
  const document = await (await alfred.fetch("/api/v1/openapi.json")).json();
  assert.match(document.openapi, /^3\.1\./);
  await python(context, ["-m", "openapi_spec_validator", file]);
});

test("the examples of bodies work as they stand", async (context) => {
  const { alfred, organization, document } = await served(context);
  const operator = new Api(alfred, alfred.operatorKey);
  let sent = 0;
  for (const [path, item] of Object.entries(document.paths)) {
    for (const [method, { operationId, parameters = [], requestBody }] of Object.entries(item)) {
      const body = requestBody?.content["application/json"].example;
      if (body === undefined || ELSEWHERE.includes(operationId)) continue;
      const ids = parameters.filter(({ in: place }) => place === "path");
      const example = ({ schema }) => document.components.schemas[schema.$ref.split("/").at(-1)].example;
      const filled = ids.reduce((filled, id) => filled.replace(`{${id.name}}`, example(id)), path);
      const header = path === "/api/v1/organizations" ? {} : { "x-alfred-organization": organization };
      const answer = await operator.request(method.toUpperCase(), filled.slice("/api/v1".length), body, header);
      assert.ok(answer.status < 300, `${operationId}: ${answer.status} ${JSON.stringify(answer.body)}`);
      sent += 1;
    }
  }
  assert.ok(sent >= 20);
});

test("the API is as the document says, for an admin", BOUND, async (context) => {
  const { alfred, file, keyId } = await served(context);
  await schemathesis(context, file, alfred, alfred.dev.admin_key, keyId, []);
  await new Api(alfred, alfred.dev.admin_key).shown("/organization");
});

// Policies do not bind the operator, who can do what an admin cannot.
test("the API is as the document says, for the operator", BOUND, async (context) => {
  const { alfred, file, organization, keyId } = await served(context);
  const header = ["--header", `x-alfred-organization: ${organization}`];
  await schemathesis(context, file, alfred, alfred.operatorKey, keyId, [...header, "--max-examples", "10"]);
  await new Api(alfred, alfred.operatorKey).shown("/organizations");
});

test("the API is as the document says, for a member", BOUND, async (context) => {
  const { alfred, file, keyId } = await served(context);
  const key = alfred.dev.members.ada.api_key;
  await schemathesis(context, file, alfred, key, keyId, ["--include-tag", "Me"]);
  await new Api(alfred, key).shown("/me");
});

/**
 * Alfred with the example organization, and the document with its ids in place
 * of those of the examples, so that the examples work as they stand.
 */
async function served(context) {
  const alfred = await startAlfred({ seed: true, env: NOWHERE });
  context.after(() => alfred.stop());
  const api = new Api(alfred, alfred.dev.admin_key);
  const ids = await examples(api, alfred.dev.members.ada);
  await reported(alfred, api, ids[0]);
  let text = await (await alfred.fetch("/api/v1/openapi.json")).text();
  for (const id of ids) text = text.replaceAll(`${id.split("_")[0]}_${EXAMPLE}`, id);
  const file = join(alfred.state, "openapi.json");
  writeFileSync(file, text);
  const [key] = await api.list("/admin-keys");
  const organization = ids.find((id) => id.startsWith("org_"));
  return { alfred, file, document: JSON.parse(text), keyId: key.id, organization };
}

/** One id of each kind: of things that a run may change or remove. */
async function examples(api, person) {
  const team = await api.shown(`/teams/${person.team_id}`);
  const account = await api.made("/service-accounts", { name: "nightly" });
  const serviceKey = await api.made(`/service-accounts/${account.id}/keys`, { name: "nightly" });
  const setting = { kind: "allotments", most: "1000000" };
  const { transfer } = await api.made("/transfers", { from: person.id, to: team.id, amount: "5" });
  const boost = await api.made("/boosts", { member_id: person.id, amount: "5", ends_at: "2099-12-31T00:00:00Z" });
  const absence = await api.made("/absences", { member_id: person.id, until: "2099-12-31T00:00:00Z" });
  // What is asked for, by a policy that wants it approved.
  const transfers = { kind: "transfers", most: "20", approval: "finance" };
  await api.made("/policies", { name: "transfers", setting: transfers });
  const { body: asked } = await api.request("POST", "/transfers", { from: team.id, to: person.id, amount: "25" });
  const made = [
    await api.shown("/organization"),
    await api.shown(`/departments/${team.department_id}`),
    team,
    await api.shown(`/members/${person.id}`),
    (await api.list(`/teams/${team.id}/keys`))[0],
    team.limits[0],
    account,
    serviceKey,
    transfer,
    boost,
    absence,
    asked,
    await api.made("/channels", { name: "Teams", channel: { kind: "teams_webhook", url: "http://127.0.0.1:9/x" } }),
    await api.made("/calendars", { name: "HR", source: { kind: "bamboohr", company: "acme", api_key: "x" } }),
    await api.made("/plans", { name: "P", to: { type: "team", id: team.id }, amount: "1", period: { every: "month" } }),
    await api.made("/admin-keys", { name: "spare" }),
    await api.made("/grants", { to: person.id, role: "auditor", on: team.id }),
    await api.made("/policies", { name: "allotments", setting, mode: "shadow" }),
    (await api.list("/providers"))[0],
  ];
  return made.map(({ id }) => id);
}

/** Something for the reports: a call, and a message that the queue gave up on. */
async function reported(alfred, api, organization) {
  const answer = await call(alfred, alfred.dev.members.ada.api_key, chat({ model: alfred.dev.model }));
  assert.equal(answer.status, 200, answer.text);
  await alfred.query("INSERT INTO dead_letters VALUES ('letter', 'alfred-journal', 1, ?, '{}')", organization);
  await eventually(async () => (await api.list("/requests")).length > 0);
}

function schemathesis(context, file, alfred, key, keyId, more) {
  const config = ["--config-file", join(FOLDER, "schemathesis.toml")];
  const without = STREAMS.flatMap((operation) => ["--exclude-operation-id", operation]);
  const what = ["run", file, "--url", alfred.url, ...without, ...more, ...(process.env.ALFRED_SCHEMATHESIS?.split(" ") ?? [])];
  return python(context, ["-m", "schemathesis.cli", ...config, ...what], { ALFRED_KEY: key, ALFRED_KEY_ID: keyId });
}

/** Runs Python; what it says is the report. */
async function python({ signal }, parameters, env = {}) {
  const options = { cwd: FOLDER, signal, stdio: ["ignore", "inherit", "inherit"] };
  const child = spawn(PYTHON, parameters, { ...options, env: { ...process.env, PYTHONDONTWRITEBYTECODE: "1", ...env } });
  const code = await new Promise((done, failed) => child.once("exit", done).once("error", failed));
  assert.equal(code, 0, `${parameters.slice(0, 2).join(" ")} found something: see above`);
}
