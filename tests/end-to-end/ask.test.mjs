// Whoever runs dry follows the error's link to a request that is filled in.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { startAlfred } from "./harness.mjs";
import { call, planned } from "./lib/call.mjs";
import { found } from "./lib/company.mjs";
import { addSignedIn, letSignIn } from "./lib/people.mjs";
import { startProvider } from "./lib/provider.mjs";
import { Visitor, startIdentityProvider } from "./lib/sign-in.mjs";

let alfred, provider, identity, acme, ada, key;
before(async () => {
  [alfred, provider] = await Promise.all([startAlfred(), startProvider()]);
  identity = await startIdentityProvider(`${alfred.url}/api/v1/auth/callback`);
  acme = await found(alfred, { provider });
  await letSignIn(acme, identity);
  // The pool is for those who ask, and not for calls.
  const team = await acme.addTeam({ pool: 1_000_000, pool_draw: "off" });
  ada = await addSignedIn(acme, identity, team, "ada");
  key = await acme.addKey(ada.member);
});
after(() => Promise.all([alfred?.stop(), provider?.stop(), identity?.stop()]));

const field = (text, name) => new RegExp(`name="${name}"[^>]*value="([^"]*)"`).exec(text)?.[1];
const requests = () => acme.api.list("/approvals");

test("an error about missing credits leads to a request that is filled in, and is made once", async () => {
  const poor = await call(alfred, key.secret, planned({ input: 20, tokens: 16 }));
  assert.equal(poor.status, 402);
  const { message, code } = JSON.parse(poor.text).error;
  assert.equal(code, "insufficient_quota");
  const [, link, amount] = /filled in: (\S+\/ask\?amount=(\d+))$/.exec(message);
  assert.ok(link.startsWith(alfred.url) && Number(amount) > 0, message);

  // Who is not signed in does so first, and comes back to it.
  const ready = new Visitor(alfred);
  const first = await ready.request(link);
  const back = `/ask?amount=${amount}`;
  assert.deepEqual([first.status, first.headers.get("location")], [303, `/api/v1/auth/sign-in?return_to=${encodeURIComponent(back)}`]);
  const page = await ready.signIn("ada", `email=ada@acme.example&return_to=${encodeURIComponent(back)}`);
  assert.equal(page.url, alfred.url + back);
  assert.equal(field(page.text, "amount"), amount);
  assert.match(page.response.headers.get("content-security-policy"), /form-action 'self'$/);
  assert.equal((await requests()).length, 0, "opening it only asks");

  const send = async (fields) => {
    const response = await ready.request(`${alfred.url}/ask`, { method: "POST", body: new URLSearchParams(fields) });
    return { status: response.status, text: await response.text() };
  };
  const [csrf, once] = [field(page.text, "csrf"), field(page.text, "once")];
  for (const forged of [{ amount }, { amount, csrf: "x" }]) assert.equal((await send({ ...forged, once })).status, 403);
  for (const wrong of ["", "0", "-1", "many", "1.2345"]) {
    const answer = await send({ amount: wrong, csrf, once });
    assert.deepEqual([answer.status, /Nothing was asked for/.test(answer.text)], [400, true], answer.text);
  }
  assert.equal((await requests()).length, 0);
  const asked = { amount, reason: "the <demo>", csrf, once };
  for (const time of ["once", "twice"]) {
    const made = await send(asked);
    assert.deepEqual([made.status, made.text.includes(`You have asked for ${amount} credits`)], [200, true], `${time}: ${made.text}`);
  }
  const [request, ...others] = await requests();
  assert.deepEqual([others, request.amount, request.reason, request.state], [[], amount, "the <demo>", "pending"]);
  assert.ok(request.requester.startsWith(ada.member.id), request.requester);
});

test("what stands in the address is only text", async () => {
  const visitor = new Visitor(alfred);
  await visitor.signIn("ada");
  const { text } = await visitor.visit(`${alfred.url}/ask?amount=${encodeURIComponent('"><script>')}&reason=${encodeURIComponent("a & b")}`);
  assert.ok(!text.includes("<script") && text.includes('value="a &amp; b"'), text);
});
