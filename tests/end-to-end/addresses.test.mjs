// From where an organization may be managed and called.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { eventually, startAlfred } from "./harness.mjs";
import { call, chat } from "./lib/call.mjs";
import { found } from "./lib/company.mjs";
import { startProvider } from "./lib/provider.mjs";

const OFFICE = "203.0.113.9";
const CAFE = "198.51.100.7";

let alfred, provider;
before(async () => {
  [alfred, provider] = await Promise.all([startAlfred(), startProvider()]);
});
after(() => Promise.all([alfred?.stop(), provider?.stop()]));

const from = (address) => (address === undefined ? {} : { "cf-connecting-ip": address });
const setTo = (company, settings, address, more = {}) =>
  company.api.request("PATCH", "/organization", { settings, ...more }, from(address));
const codeOf = ({ status, body }) => [status, body?.code ?? body?.error?.code];

test("a list holds for management and for calls, from the next one on", async () => {
  const company = await found(alfred, { provider });
  const { secret } = await company.addPerson({ wallet: 100_000_000 });
  const robot = await company.api.made("/service-accounts", { name: "Robot" });
  await company.api.made("/grants", { to: robot.id, role: "auditor", on: company.id });
  const { secret: robotKey } = await company.api.made(`/service-accounts/${robot.id}/keys`, { name: "key" });

  const everywhere = [OFFICE, "::ffff:203.0.113.9", "2001:db8::1", CAFE, "2001:db9::1", "nonsense", undefined];
  const ask = (key, address) => alfred.fetch("/api/v1/organization", { headers: { authorization: `Bearer ${key}`, ...from(address) } });
  const me = (address) => alfred.fetch("/api/v1/me", { headers: { authorization: `Bearer ${secret}`, ...from(address) } });
  const check = async (allowed) => {
    for (const address of everywhere) {
      const inside = allowed.includes(address);
      for (const key of [company.api.key, robotKey]) {
        const answer = await ask(key, address);
        assert.equal(answer.status, inside ? 200 : 403, `${address}`);
        if (!inside) assert.equal((await answer.json()).code, "address_not_allowed");
      }
      const answer = await call(alfred, secret, chat(), { headers: from(address) });
      assert.deepEqual(codeOf(answer), inside ? [200, undefined] : [403, "address_not_allowed"], `${address}`);
      assert.equal((await me(address)).status, inside ? 200 : 403, `${address}`);
    }
  };
  await check(everywhere);
  const addresses = ["203.0.113.0/24", "2001:db8::/32"];
  const changed = await setTo(company, { addresses }, OFFICE);
  assert.equal(changed.status, 200, JSON.stringify(changed.body));
  assert.deepEqual(changed.body.settings.addresses, addresses);
  await check([OFFICE, "::ffff:203.0.113.9", "2001:db8::1"]);

  // The operator is not bound, and lets them in again.
  const operator = (method, body) => company.operator.request(method, "/organization", body, { "x-alfred-organization": company.id });
  assert.equal((await operator("GET")).status, 200);
  assert.equal((await operator("PATCH", { settings: { addresses: null } })).status, 200);
  await check(everywhere);
});

test("a team that is made later knows it, too", async () => {
  const company = await found(alfred, { provider });
  assert.equal((await setTo(company, { addresses: [OFFICE] }, OFFICE)).status, 200);
  company.api.request = ((request) => (method, path, body, headers) => request.call(company.api, method, path, body, { ...from(OFFICE), ...headers }))(
    company.api.request,
  );
  const { secret } = await company.addPerson({ wallet: 100_000_000 });
  assert.deepEqual(codeOf(await call(alfred, secret, chat(), { headers: from(CAFE) })), [403, "address_not_allowed"]);
  assert.equal((await call(alfred, secret, chat(), { headers: from(OFFICE) })).status, 200);
});

test("nobody shuts themselves out without saying so", async () => {
  const company = await found(alfred);
  for (const address of [CAFE, undefined]) {
    const answer = await setTo(company, { addresses: [OFFICE] }, address);
    assert.deepEqual(codeOf(answer), [409, "lock_out"]);
    assert.match(answer.body.detail, address ? /198\.51\.100\.7/ : /not known/);
    assert.match(answer.body.detail, /"lock_out": true/);
  }
  assert.equal((await company.api.shown("/organization")).settings.addresses, null);
  assert.equal((await setTo(company, { addresses: [OFFICE] }, CAFE, { lock_out: true })).status, 200);
  assert.deepEqual(codeOf(await company.api.request("GET", "/organization", undefined, from(CAFE))), [403, "address_not_allowed"]);
  assert.equal((await company.api.request("GET", "/organization", undefined, from(OFFICE))).status, 200);
});

test("what is no list is refused and changes nothing", async () => {
  const company = await found(alfred);
  for (const [addresses, part] of [
    [["10.0.0.0/33"], "is not a network"],
    [["example.com"], "is not a network"],
    [[], "lets nobody in"],
    [Array.from({ length: 201 }, (_, n) => `10.0.${n}.0/24`), "200"],
    ["10.0.0.0/8", "addresses"],
  ]) {
    const answer = await setTo(company, { addresses, help: "x" }, OFFICE, { lock_out: true });
    assert.deepEqual(codeOf(answer), [400, "invalid_request"], JSON.stringify(answer.body));
    assert.ok(answer.body.detail.includes(part), answer.body.detail);
  }
  const { settings } = await company.api.shown("/organization");
  assert.deepEqual([settings.addresses, settings.help], [null, null]);
});

test("who tried to manage from elsewhere is on record", async () => {
  const company = await found(alfred);
  assert.equal((await setTo(company, { addresses: [OFFICE] }, OFFICE)).status, 200);
  const refused = await company.api.request("POST", "/departments", { name: "Moon" }, from(CAFE));
  assert.equal(refused.status, 403);
  const path = `/audit?request_id=${refused.headers.get("x-alfred-request-id")}`;
  const [record] = await eventually(async () => {
    const { body } = await company.api.request("GET", path, undefined, from(OFFICE));
    return body.data.length > 0 && body.data;
  });
  assert.deepEqual([record.action, record.outcome, record.code], ["create_department", "denied", "address_not_allowed"]);
  assert.match(record.who, /^adm_/);
  assert.equal(record.detail.address, CAFE);
});
