// The ledger as D1 shows it, held against what the actors say.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";

import { eventually } from "../harness.mjs";
import { millicredits, sum } from "./money.mjs";

/** An actor's entries in D1, in their order. */
export async function entries(alfred, actor) {
  const rows = await alfred.query("SELECT * FROM entries WHERE actor = ? ORDER BY sequence", actor);
  return rows.map((row) => ({ ...row, record: row.call === null ? undefined : readRecord(row.call) }));
}

function readRecord(text) {
  const record = JSON.parse(text);
  return { reconcile: false, ...record, cost: millicredits(record.cost) };
}

/** Checks that a journal has no gap and that each entry's hash covers it and the one before. */
export function verifyChain(actor, entries) {
  let previous = Buffer.alloc(32);
  entries.forEach((entry, index) => {
    assert.equal(entry.sequence, index + 1, `a gap in the journal of ${actor}`);
    const { sequence, id, time_ms, kind, debit, credit, amount, reference, who, call, note, hash } = entry;
    const sha = createHash("sha256").update(previous);
    for (const field of [actor, sequence, id, time_ms, kind, debit, credit, amount, reference, who, call, note]) {
      const bytes = Buffer.from(String(field ?? ""));
      const length = Buffer.alloc(8);
      length.writeBigUInt64BE(BigInt(bytes.length));
      sha.update(length).update(bytes);
    }
    previous = sha.digest();
    assert.equal(hash, previous.toString("hex"), `entry ${sequence} of ${actor} was altered`);
  });
}

/** Accounts that stand for the world outside of their actor. */
const MAY_BE_NEGATIVE = new Set(["issued", "parent", "overrun"]);

/** The balances that entries come to, by account; no account of credits is ever below zero on the way. */
export function balances(entries) {
  const accounts = new Map();
  const add = ({ sequence, actor }, account, amount) => {
    const balance = (accounts.get(account) ?? 0) + amount;
    accounts.set(account, balance);
    const holds = balance >= 0 || MAY_BE_NEGATIVE.has(account);
    assert.ok(holds, `${account} of ${actor} has ${balance} after entry ${sequence}`);
  };
  for (const entry of entries) {
    assert.ok(entry.amount >= 0);
    add(entry, entry.credit, entry.amount);
    add(entry, entry.debit, -entry.amount);
  }
  return accounts;
}

const ENDS = new Set(["settle", "release", "expire", "correct"]);

/**
 * The calls that entries are about, by their request: what each was charged,
 * whether the two sides of the entries agree with its record, and the record.
 */
export function calls(entries) {
  const calls = new Map();
  for (const entry of entries.filter(({ kind }) => ENDS.has(kind))) {
    const call = calls.get(entry.reference) ?? { charged: 0, said: 0, kinds: [], records: [], payers: new Map() };
    const paid = entry.credit === "spent" ? entry.amount : -entry.amount;
    const payer = entry.credit === "spent" ? entry.debit : entry.credit;
    call.charged += paid;
    call.payers.set(payer, (call.payers.get(payer) ?? 0) + paid);
    call.kinds.push(entry.kind);
    if (entry.record) {
      call.said += entry.record.cost;
      call.records.push(entry.record);
    }
    calls.set(entry.reference, call);
  }
  for (const call of calls.values()) call.record = call.records[0];
  return calls;
}

/** One call's end, once it is in D1. */
export async function callEnd(company, request, options) {
  assert.ok(request, "the call has no id");
  return eventually(async () => {
    const rows = await company.alfred.query(
      "SELECT * FROM entries WHERE organization = ? AND reference = ? ORDER BY actor, sequence",
      company.id,
      request,
    );
    const known = rows.map((row) => ({ ...row, record: row.call === null ? undefined : readRecord(row.call) }));
    return calls(known).get(request);
  }, options);
}

/**
 * Waits until no call of the company is open and D1 has its journals, and
 * checks everything that must hold then, in every actor and across them.
 *
 * @returns {Promise<{ calls: Map<string, object>, standings: Map<string, object> }>} by request, by team
 */
export async function reconciled(company, { within = 15_000 } = {}) {
  const { alfred } = company;
  const organization = await company.api.shown("/organization");
  const departments = await company.api.list("/departments");
  const members = await company.api.list("/members");
  const everyCall = new Map();
  const standings = new Map();
  const rows = [];
  for (const team of await company.api.list("/teams")) {
    const { standing, journal, accounts } = await caughtUp(company, team, within);
    standings.set(team.id, standing);
    rows.push(...journal);
    verifyChain(team.id, journal);
    const owned = members.filter((member) => member.team_id === team.id);
    const wallets = await Promise.all(owned.map((member) => company.wallet(member)));
    owned.forEach((member, index) => {
      assert.equal(accounts.get(`wallet/${member.id}`) ?? 0, wallets[index], `${member.id}: D1 and the actor differ`);
    });
    assert.equal(standing.wallets, sum(wallets));
    assert.equal(accounts.get("pool") ?? 0, standing.pool, `pool of ${team.id}: D1 and the actor differ`);
    assert.equal(standing.open, 0, `calls of ${team.id} are still open`);
    assert.equal(standing.reserved, 0, `something is still reserved in ${team.id}`);
    assert.equal(0 - (accounts.get("parent") ?? 0), standing.allotted);
    assert.equal(standing.pool + standing.wallets + standing.boosts + standing.lent + standing.spent, standing.allotted + standing.overrun);
    for (const [request, call] of calls(journal)) {
      assert.equal(call.charged, call.said, `call ${request} was charged another amount than its record says`);
      const ends = call.kinds.filter((kind, index) => kind !== "correct" && call.kinds.indexOf(kind) === index);
      assert.equal(ends.length, 1, `call ${request} ended ${call.kinds}`);
      everyCall.set(request, call);
    }
    assert.equal(sum([...calls(journal).values()].map((call) => call.charged)), standing.spent);
  }
  const journal = await eventually(async () => {
    const journal = await entries(alfred, company.id);
    const accounts = balances(journal);
    return (accounts.get("issued") ?? 0) === 0 - millicredits(organization.issued) && journal;
  });
  verifyChain(company.id, journal);
  const above = balances(journal);
  for (const { id, balance } of departments) {
    assert.equal(above.get(`department/${id}`) ?? 0, millicredits(balance), `${id}: D1 and the actor differ`);
    assert.ok(millicredits(balance) >= 0, `${id} has ${balance}`);
  }
  for (const [id, { allotted }] of standings) assert.equal(above.get(`team/${id}`) ?? 0, allotted, `${id}: credits in flight`);
  await assertRollUps(company, rows);
  return { calls: everyCall, standings };
}

/** A team's standing and its journal in D1, once they agree or when there is no more time. */
async function caughtUp(company, team, within) {
  const deadline = Date.now() + within;
  return eventually(async () => {
    const standing = await company.standing(team);
    const journal = await entries(company.alfred, team.id);
    const accounts = balances(journal);
    const of = (account) => accounts.get(account) ?? 0;
    const all = (kind) => sum([...accounts.keys()].filter((name) => name.startsWith(`${kind}/`)).map(of));
    const [wallets, boosts, lent] = [all("wallet"), all("boost"), all("lent")];
    const agree =
      standing.open === 0 &&
      of("pool") === standing.pool &&
      of("spent") === standing.spent &&
      of("parent") === -standing.allotted &&
      wallets === standing.wallets &&
      boosts === standing.boosts &&
      lent === standing.lent;
    return (agree || Date.now() >= deadline) && { standing, journal, accounts };
  }, { within: within + 5000 });
}

/** Checks that the sums by hour are the sums of the entries. */
async function assertRollUps(company, rows) {
  const hours = await company.alfred.query("SELECT * FROM usage_hours WHERE organization = ?", company.id);
  const names = ["hour_ms", "team", "member", "key", "model", "provider", "tag"];
  const counts = ["requests", "failed", "input_tokens", "cached_tokens", "output_tokens", "reasoning_tokens", "cost"];
  const expected = new Map();
  for (const { actor, kind, record } of rows.filter((row) => row.record)) {
    const hour_ms = record.accepted_ms - (record.accepted_ms % 3_600_000);
    const place = names.map((name) => ({ hour_ms, team: actor, tag: "", ...record })[name]).join("|");
    const sums = expected.get(place) ?? Object.fromEntries(counts.map((name) => [name, 0]));
    const values = { ...record, requests: kind === "correct" ? 0 : 1, failed: kind === "release" ? 1 : 0 };
    for (const name of counts) sums[name] += values[name];
    expected.set(place, sums);
  }
  const found = new Map(
    hours.map((row) => [names.map((name) => row[name]).join("|"), Object.fromEntries(counts.map((name) => [name, row[name]]))]),
  );
  assert.deepEqual(
    Object.fromEntries([...found].sort()),
    Object.fromEntries([...expected].sort()),
    "the sums by hour are not the sums of the entries",
  );
}
