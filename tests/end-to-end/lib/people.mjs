// People of a company who sign in at its identity provider.

import assert from "node:assert/strict";

import { Api } from "./company.mjs";
import { Visitor } from "./sign-in.mjs";

/** Lets a company's members sign in, as whoever has `NAME@acme.example` for an address. */
export async function letSignIn(company, identity) {
  const domains = { domains: ["acme.example"] };
  const named = { "x-alfred-organization": company.id };
  assert.equal((await company.operator.request("PUT", "/organization/domains", domains, named)).status, 200);
  await company.api.changed("PUT", "/sign-in", {
    provider: { kind: "generic", issuer: identity.issuer },
    client_id: "alfred",
    client_secret: "alfreds-secret-at-the-provider",
  });
}

/**
 * A member who has signed in, with the management API as a script of theirs
 * sees it.
 *
 * @returns {Promise<{ member: object, api: Api }>}
 */
export async function addSignedIn(company, identity, team, name, { wallet = 0 } = {}) {
  identity.people[name] ??= { email: `${name}@acme.example`, email_verified: true, name, groups: [] };
  const member = await company.addMember(team, { wallet, name, email: `${name}@acme.example` });
  const visitor = new Visitor(company.alfred);
  const { csrf_token } = JSON.parse((await visitor.signIn(name)).text);
  const made = await visitor.api("POST", "/sessions", { name: "script" }, { "x-csrf-token": csrf_token });
  assert.equal(made.status, 201, JSON.stringify(made.body));
  return { member, api: new Api(company.alfred, made.body.token) };
}
