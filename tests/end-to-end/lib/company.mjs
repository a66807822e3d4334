// A company for a test, made through the management API as an operator and an
// admin would make it.

import assert from "node:assert/strict";

import { PRICE, credits, millicredits } from "./money.mjs";

let companies = 0;

/**
 * Founds a company: one department that has all of its credits, and the fake
 * provider, at [`PRICE`], for every model whose name no other provider takes.
 *
 * @param {import("../harness.mjs").Alfred} alfred
 * @param {object} [options]
 * @param {{ baseUrl: string }} [options.provider] none if left out
 * @param {number} [options.funds] of its department, in millicredits
 * @param {object} [options.settings] of the organization
 * @param {object} [options.timeouts] of the provider
 * @returns {Promise<Company>}
 */
export async function found(alfred, { provider, funds = 1_000_000_000, settings = {}, timeouts = {} } = {}) {
  const name = `Company ${++companies}`;
  const operator = new Api(alfred, alfred.operatorKey);
  const { id, admin_key } = await operator.made("/organizations", { name, ...settings });
  const company = new Company(alfred, id, admin_key);
  if (provider) {
    company.provider = await company.api.made("/providers", {
      name: "fake",
      kind: "openai",
      base_url: provider.baseUrl,
      models: ["*"],
      ...timeouts,
    });
    await company.price([{ provider: "fake", model: "*", change: { price: { rates: PRICE } } }]);
  }
  company.department = await company.addDepartment("Research", funds);
  return company;
}

/** The management API, under one key. */
export class Api {
  constructor(alfred, key) {
    this.alfred = alfred;
    this.key = key;
  }

  /** Any request. @returns {Promise<{ status: number, headers: Headers, body: any }>} */
  async request(method, path, body, headers = {}) {
    const response = await this.alfred.fetch(`/api/v1${path}`, {
      method,
      headers: {
        authorization: `Bearer ${this.key}`,
        ...(body !== undefined && { "content-type": "application/json" }),
        ...headers,
      },
      body: body === undefined || typeof body === "string" || body instanceof Uint8Array ? body : JSON.stringify(body),
    });
    const text = await response.text();
    const json = /[/+]json\b/.test(response.headers.get("content-type"));
    return { status: response.status, headers: response.headers, body: json ? JSON.parse(text) : text };
  }

  async #expect(status, method, path, body, headers) {
    const answer = await this.request(method, path, body, headers);
    assert.equal(answer.status, status, `${method} ${path}: ${JSON.stringify(answer.body)}`);
    return answer.body;
  }

  /** What a GET shows. */
  shown(path) {
    return this.#expect(200, "GET", path);
  }

  /** What a POST makes. */
  made(path, body, headers) {
    return this.#expect(201, "POST", path, body, headers);
  }

  /** What a PATCH, PUT or DELETE leaves. */
  changed(method, path, body) {
    return this.#expect(200, method, path, body);
  }

  /** All pages of a list. */
  async list(path) {
    const items = [];
    for (let cursor; cursor !== null; ) {
      const address = new URL(path, "http://localhost");
      address.searchParams.set("limit", "100");
      if (cursor !== undefined) address.searchParams.set("cursor", cursor);
      const page = await this.shown(address.pathname + address.search);
      items.push(...page.data);
      cursor = page.next_cursor;
    }
    return items;
  }
}

export class Company {
  #names = 0;

  constructor(alfred, id, adminKey) {
    this.alfred = alfred;
    this.id = id;
    this.api = new Api(alfred, adminKey);
    this.operator = new Api(alfred, alfred.operatorKey);
    /** The teams that were made here, by id. */
    this.teams = new Map();
  }

  #name(what) {
    return `${what} ${++this.#names}`;
  }

  /** A department with credits of its own, issued for it. */
  async addDepartment(name = this.#name("Department"), funds = 0) {
    const department = await this.api.made("/departments", { name });
    if (funds > 0) {
      await this.operator.made("/organization/credits", { amount: credits(funds) }, { "x-alfred-organization": this.id });
      await this.allot("treasury", department.id, funds);
    }
    return department;
  }

  /** A team; its pool comes from the department. */
  async addTeam({ pool = 0, department = this.department, ...more } = {}) {
    const team = await this.api.made("/teams", { department_id: department.id, name: this.#name("Team"), ...more });
    this.teams.set(team.id, team);
    if (pool > 0) await this.allot(department.id, team.id, pool);
    return team;
  }

  /** A member; the wallet comes from the team's department, through its pool. */
  async addMember(team, { wallet = 0, ...more } = {}) {
    const member = await this.api.made("/members", { team_id: team.id, name: this.#name("Member"), ...more });
    if (wallet > 0) {
      await this.allot(team.department_id, team.id, wallet);
      await this.allot(team.id, member.id, wallet);
    }
    return member;
  }

  /** A key; `secret` is what its owner puts into OPENAI_API_KEY. */
  addKey(member, more = {}) {
    return this.api.made(`/teams/${member.team_id}/keys`, { member_id: member.id, name: this.#name("key"), ...more });
  }

  /** A team with one member and one key: what most tests need. */
  async addPerson({ wallet = 0, pool = 0, team: teamOptions = {}, member: memberOptions = {}, key: keyOptions = {} } = {}) {
    const team = await this.addTeam({ pool, ...teamOptions });
    const member = await this.addMember(team, { wallet, ...memberOptions });
    const key = await this.addKey(member, keyOptions);
    return { team, member, key, secret: key.secret };
  }

  addLimit(team, limit) {
    return this.api.made(`/teams/${team.id}/limits`, { subject: { type: "team" }, ...limit });
  }

  allot(from, to, amount) {
    return this.api.made("/allotments", { from, to, amount: credits(amount) });
  }

  /** All of the organization's own prices, in place of those before. */
  price(overrides) {
    return this.api.changed("PUT", "/prices/overrides", { overrides });
  }

  /** Where a team stands, amounts in millicredits. */
  async standing(team) {
    const { pool, wallets, boosts, lent, allotted, spent, overrun, calls_in_flight: open } = await this.api.shown(`/teams/${team.id}`);
    return {
      pool: millicredits(pool.balance),
      reserved: millicredits(pool.reserved),
      wallets: millicredits(wallets),
      boosts: millicredits(boosts),
      lent: millicredits(lent),
      allotted: millicredits(allotted),
      spent: millicredits(spent),
      overrun: millicredits(overrun),
      open,
    };
  }

  /** What is in a member's wallet, reserved or not, in millicredits. */
  async wallet(member) {
    const { wallet } = await this.api.shown(`/members/${member.id}`);
    return millicredits(wallet.balance);
  }

  /** What an account of the tree has, in millicredits. */
  async balance(node) {
    const { balance } = await this.api.shown(`/balances/${node}`);
    return millicredits(balance);
  }
}
