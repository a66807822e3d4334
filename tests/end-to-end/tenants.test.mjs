// One organization can never see or touch another's anything.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { after, before, test } from "node:test";

import { startAlfred } from "./harness.mjs";
import { call, chat } from "./lib/call.mjs";
import { Api, found } from "./lib/company.mjs";
import { callEnd, reconciled } from "./lib/ledger.mjs";
import { startProvider } from "./lib/provider.mjs";

let alfred, provider, ours, theirs, mine, other;
before(async () => {
  [alfred, provider] = await Promise.all([startAlfred(), startProvider()]);
  [ours, theirs] = [await found(alfred, { provider }), await found(alfred, { provider })];
  mine = await ours.addPerson({ wallet: 10_000_000, pool: 1_000_000 });
  other = await theirs.addPerson({ wallet: 10_000_000, pool: 1_000_000 });
  await theirs.addLimit(other.team, { window: "day", unit: "requests", amount: 1000 });
});
after(() => Promise.all([alfred?.stop(), provider?.stop()]));

const ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz";

/** The last characters of a key: thirty bits of the SHA-256 of what is before. */
function withCheck(key) {
  const bits = createHash("sha256").update(key).digest().readUInt32BE(0);
  let check = "";
  for (let shift = 25; shift >= 0; shift -= 5) check += ALPHABET[(bits / 2 ** shift) & 31];
  return key + check;
}

test("the parts of two keys make no third", async () => {
  const [, , organization, team, secret] = mine.secret.split("-");
  const [, , otherOrganization, otherTeam, otherSecret] = other.secret.split("-");
  const make = (...parts) => withCheck(["sk-alf", ...parts].join("-"));
  const bare = (text) => text.slice(0, -6);
  assert.equal(make(organization, team, bare(secret)), mine.secret, "keys are made as this test makes them");
  for (const forged of [
    make(organization, otherTeam, bare(secret)),
    make(organization, otherTeam, bare(otherSecret)),
    make(otherOrganization, team, bare(secret)),
    make(otherOrganization, team, bare(otherSecret)),
    make(otherOrganization, otherTeam, bare(secret)),
    make(organization, organization, bare(secret)),
    make("0".repeat(26), team, bare(secret)),
    make(organization, "0".repeat(26), bare(secret)),
  ]) {
    const answer = await call(alfred, forged, chat());
    assert.deepEqual([answer.status, answer.body.error.code], [401, "invalid_api_key"]);
    const models = await alfred.fetch("/v1/models", { headers: { authorization: `Bearer ${forged}` } });
    assert.equal(models.status, 401);
  }
});

test("another organization's ids are as if they were not", async () => {
  const { team, member, key } = other;
  const limit = (await theirs.api.list(`/teams/${team.id}/limits`))[0];
  const transferable = { amount: "1" };
  for (const [method, path, body] of [
    ["GET", `/departments/${theirs.department.id}`],
    ["PATCH", `/departments/${theirs.department.id}`, { name: "x" }],
    ["GET", `/teams/${team.id}`],
    ["PATCH", `/teams/${team.id}`, { name: "x" }],
    ["POST", "/teams", { department_id: theirs.department.id, name: "x" }],
    ["GET", `/members/${member.id}`],
    ["PATCH", `/members/${member.id}`, { status: "suspended" }],
    ["POST", "/members", { team_id: team.id, name: "x" }],
    ["GET", `/teams/${team.id}/keys`],
    ["POST", `/teams/${team.id}/keys`, { member_id: member.id, name: "x" }],
    ["GET", `/teams/${team.id}/keys/${key.id}`],
    ["DELETE", `/teams/${team.id}/keys/${key.id}`],
    ["POST", `/teams/${team.id}/keys/${key.id}/rotate`, {}],
    ["GET", `/teams/${mine.team.id}/keys/${key.id}`],
    ["DELETE", `/teams/${mine.team.id}/keys/${key.id}`],
    ["POST", `/teams/${mine.team.id}/keys`, { member_id: member.id, name: "x" }],
    ["GET", `/teams/${team.id}/limits`],
    ["POST", `/teams/${team.id}/limits`, { subject: { type: "team" }, window: "day", unit: "requests", amount: 0 }],
    ["PATCH", `/teams/${team.id}/limits/${limit.id}`, { amount: 0 }],
    ["DELETE", `/teams/${team.id}/limits/${limit.id}`],
    ["GET", `/teams/${mine.team.id}/limits/${limit.id}`],
    ["GET", `/providers/${theirs.provider.id}`],
    ["PATCH", `/providers/${theirs.provider.id}`, { models: [] }],
    ["DELETE", `/providers/${theirs.provider.id}`],
    ["GET", `/balances/${team.id}`],
    ["GET", `/balances/${member.id}`],
    ["GET", `/balances/${theirs.department.id}`],
    ["POST", "/allotments", { from: team.id, to: member.id, ...transferable }],
    ["POST", "/allotments", { from: theirs.department.id, to: mine.team.id, ...transferable }],
    ["POST", "/allotments", { from: mine.team.id, to: member.id, ...transferable }],
    ["POST", "/allotments", { from: "treasury", to: theirs.department.id, ...transferable }],
  ]) {
    const answer = await ours.api.request(method, path, body);
    assert.equal(answer.status, 404, `${method} ${path}: ${JSON.stringify(answer.body)}`);
    assert.equal(answer.body.code, "not_found");
  }
});

test("an admin cannot name another organization, a member's key manages nothing", async () => {
  const named = await ours.api.request("GET", "/organization", undefined, { "x-alfred-organization": theirs.id });
  assert.equal(named.status, 404);
  for (const path of ["/organization", "/teams", "/members", `/teams/${mine.team.id}`]) {
    assert.equal((await new Api(alfred, mine.secret).request("GET", path)).status, 403, path);
    assert.equal((await new Api(alfred, "sk-alf-admin-x").request("GET", path)).status, 401, path);
  }
  for (const [method, path, body] of [
    ["POST", "/organizations", { name: "x" }],
    ["GET", "/organizations", undefined],
    ["POST", "/organization/credits", { amount: "1000000" }],
  ]) {
    assert.equal((await ours.api.request(method, path, body)).status, 403, path);
  }
  assert.equal((await call(alfred, ours.api.key, chat())).status, 401, "an admin's key pays for no call");
});

test("lists and books show nothing of others", async () => {
  const answers = await Promise.all([call(alfred, mine.secret, chat()), call(alfred, other.secret, chat())]);
  assert.deepEqual(answers.map(({ status }) => status), [200, 200]);
  await callEnd(ours, answers[0].request);
  await callEnd(theirs, answers[1].request);
  const foreign = [theirs.id, theirs.department.id, theirs.provider.id, other.team.id, other.member.id, other.key.id, answers[1].request];
  for (const path of ["/departments", "/teams", "/members", "/providers", "/admin-keys", "/balances", "/journal", "/requests"]) {
    const text = JSON.stringify(await ours.api.list(path));
    for (const id of foreign) assert.ok(!text.includes(id), `${path} shows ${id}`);
  }
  const asked = (request) => ours.api.list(`/requests?request_id=${request}`);
  assert.deepEqual([(await asked(answers[0].request)).length, (await asked(answers[1].request)).length], [1, 0]);
});

test("both books hold", async () => {
  await reconciled(ours);
  const { calls } = await reconciled(theirs);
  assert.equal(calls.size, 1);
});
