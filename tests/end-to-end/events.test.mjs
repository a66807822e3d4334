// What happens, told while it does: to whom, how soon, and when it ends.

import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { request } from "node:http";
import { connect } from "node:net";
import { after, before, test } from "node:test";

import { eventually, startAlfred } from "./harness.mjs";
import { call, chat } from "./lib/call.mjs";
import { Api, found } from "./lib/company.mjs";
import { listen } from "./lib/events.mjs";
import { addSignedIn, letSignIn } from "./lib/people.mjs";
import { startProvider } from "./lib/provider.mjs";
import { startIdentityProvider } from "./lib/sign-in.mjs";

let alfred, provider, identity, acme, compilers, design, ada, alan, grace;
const open = [];
before(async () => {
  [alfred, provider] = await Promise.all([startAlfred(), startProvider()]);
  identity = await startIdentityProvider(`${alfred.url}/api/v1/auth/callback`);
  acme = await found(alfred, { provider });
  await letSignIn(acme, identity);
  [compilers, design] = [await acme.addTeam({ pool: 100_000 }), await acme.addTeam({ pool: 50_000 })];
  ada = await addSignedIn(acme, identity, compilers, "ada", { wallet: 1_000_000 });
  alan = await addSignedIn(acme, identity, compilers, "alan");
  grace = await addSignedIn(acme, identity, design, "grace", { wallet: 20_000 });
});
after(async () => {
  open.forEach((listener) => listener.close());
  await Promise.all([alfred?.stop(), provider?.stop(), identity?.stop()]);
});

/** Listens until the file's end, or until the test has closed it. */
async function ears(who, options) {
  const listener = await listen(who.api, options);
  open.push(listener);
  return listener;
}

const send = (who, to, amount) => who.api.made("/transfers", { to: to.id, amount });
const pause = (ms) => new Promise((done) => setTimeout(done, ms));

test("a transfer is heard within a second by both ends, by who manages, and by nobody else", async () => {
  const linus = await addSignedIn(acme, identity, compilers, "linus");
  const [from, to, other, elsewhere, all] = [await ears(ada), await ears(alan), await ears(linus), await ears(grace), await ears(acme, { team: compilers.id })];
  assert.deepEqual(from.events[0].data, { team_id: compilers.id, team: "own", organization: false, approvals: true });
  assert.deepEqual(all.events[0].data, { team_id: compilers.id, team: "all", organization: true, approvals: true });
  const began = performance.now();
  const { transfer } = await send(ada, alan.member, "5");
  const expected = { transfer_id: transfer.id, from: ada.member.id, to: alan.member.id, amount: "5", undone: false, team_id: compilers.id };
  for (const listener of [from, to, all]) {
    const heard = await listener.heard("transfer", expected);
    assert.ok(heard.at - began < 1000, `heard after ${heard.at - began} ms`);
  }
  await from.heard("balance", { account: "wallet", member_id: ada.member.id, balance: "995" });
  await to.heard("balance", { account: "wallet", member_id: alan.member.id, balance: "5" });
  await all.heard("balance", { member_id: alan.member.id, balance: "5" });
  assert.ok(!to.of("balance").some(({ member_id }) => member_id === ada.member.id));

  // The pool is everybody's in the team; who put something there is not.
  await send(ada, compilers, "10");
  for (const listener of [from, to, other, all]) await listener.heard("balance", { account: "pool", team_id: compilers.id, balance: "110" });
  assert.deepEqual(other.events.slice(1).map(({ event, data }) => [event, data.account]), [["balance", "pool"]]);
  assert.ok(!to.of("transfer").some(({ amount }) => amount === "10"));

  // In another team it comes from outside.
  const away = await send(ada, grace.member, "2");
  await elsewhere.heard("transfer", { transfer_id: away.transfer.id, from: null, to: grace.member.id });
  await elsewhere.heard("balance", { member_id: grace.member.id, balance: "22" });
  assert.deepEqual(new Set(elsewhere.events.slice(1).map(({ data }) => data.team_id)), new Set([design.id]));
  [from, to, other, elsewhere, all].forEach((listener) => listener.close());
});

test("calls, boosts and the organization's own accounts", async () => {
  const [own, colleague, whole] = [await ears(ada), await ears(alan), await ears(acme)];
  const key = await acme.addKey(ada.member);
  assert.equal((await call(alfred, key.secret, chat())).status, 200);
  await eventually(() => own.of("balance").some(({ account, balance }) => account === "wallet" && !/^98\d$/.test(balance)));
  const boost = await acme.api.made("/boosts", { member_id: ada.member.id, amount: "3", ends_at: "2099-01-01T00:00:00Z" });
  await own.heard("boost", { boost_id: boost.id, member_id: ada.member.id, amount: "3", returned: false });
  await own.heard("balance", { account: "boost", boost_id: boost.id, balance: "3" });
  await eventually(async () => (await acme.api.request("POST", `/boosts/${boost.id}/end`, {})).status === 200);
  await own.heard("boost", { boost_id: boost.id, returned: true });
  assert.ok(colleague.of("boost").length === 0 && colleague.of("balance").every(({ account }) => account === "pool"));

  await acme.allot(acme.department.id, "treasury", 1_000);
  await whole.heard("balance", { account: "treasury", balance: "1" });
  await whole.heard("balance", { account: "department", department_id: acme.department.id });
  assert.ok(!own.of("balance").some(({ account }) => account === "treasury" || account === "department"));
  [own, colleague, whole].forEach((listener) => listener.close());
});

test("approvals are heard by who asks and by who decides", async () => {
  const rule = await acme.api.made("/policies", { name: "much", setting: { kind: "transfers", most: "50", approval: "finance" } });
  await acme.api.made("/grants", { to: grace.member.id, role: "finance", on: acme.id });
  const [asks, decides, other] = [await ears(ada), await ears(grace), await ears(alan)];
  assert.equal(decides.events[0].data.organization, true);
  const { status, body: asked } = await ada.api.request("POST", "/transfers", { to: alan.member.id, amount: "60" });
  assert.equal(status, 202);
  await asks.heard("approval", { approval_id: asked.id, state: "pending", may_decide: false });
  await decides.heard("approval", { approval_id: asked.id, state: "pending", may_decide: true });
  await grace.api.changed("POST", `/approvals/${asked.id}/approve`, {});
  await asks.heard("approval", { approval_id: asked.id, state: "approved", outcome: "done" });
  await asks.heard("transfer", { to: alan.member.id, amount: "60" });
  const third = await addSignedIn(acme, identity, compilers, "edsger");
  const nobody = await ears(third);
  await ada.api.request("POST", "/transfers", { to: alan.member.id, amount: "70" });
  await decides.heard("approval", { state: "pending", may_decide: true });
  assert.deepEqual(nobody.of("approval"), []);
  await acme.api.request("DELETE", `/policies/${rule.id}`);
  [asks, decides, other, nobody].forEach((listener) => listener.close());
});

test("who comes back is told whether they have missed something", async () => {
  const first = await ears(alan);
  const place = first.last;
  first.close();
  // What others did is nothing that Alan has missed.
  await send(ada, await acme.addMember(compilers), "1");
  const again = await ears(alan, { last: place });
  assert.equal(again.events[0].event, "ready");
  again.close();
  const colleague = await ears(ada, { last: place });
  assert.equal(colleague.events[0].event, "reset");
  colleague.close();
  await send(ada, alan.member, "1");
  const late = await ears(alan, { last: place });
  assert.equal(late.events[0].event, "reset");
  for (const last of ["nonsense", "1-1", place.replace(compilers.id, design.id)]) {
    const lost = await ears(alan, { last });
    assert.equal(lost.events[0].event, "reset", last);
    lost.close();
  }
  late.close();
});

test("what may be heard is asked again when it changes", async () => {
  const barbara = await addSignedIn(acme, identity, compilers, "barbara");
  const member = await ears(barbara);
  assert.equal(member.events[0].data.team, "own");
  const grant = await acme.api.made("/grants", { to: barbara.member.id, role: "team_manager", on: compilers.id });
  await eventually(() => member.over);
  const manager = await ears(barbara, { last: member.last });
  assert.equal(manager.events[0].data.team, "all");
  await acme.api.request("DELETE", `/grants/${grant.id}`);
  await eventually(() => manager.over);

  // A session that has ended hears nothing more, nor does who is removed.
  const script = await ears(barbara);
  const others = await ears(alan);
  const began = performance.now();
  assert.equal((await acme.api.request("DELETE", `/members/${barbara.member.id}/sessions`)).status, 204);
  await eventually(() => script.over, { every: 5 });
  assert.ok(performance.now() - began < 1000, `after ${performance.now() - began} ms`);
  const { status, body } = await barbara.api.request("GET", "/events");
  assert.deepEqual([status, body.code], [401, "unauthorized"]);
  const donald = await addSignedIn(acme, identity, compilers, "donald");
  const leaver = await ears(donald);
  await acme.api.changed("PATCH", `/members/${donald.member.id}`, { status: "removed" });
  await eventually(() => leaver.over);
  assert.ok(!others.over, "what others hear goes on");
  others.close();
});

test("nobody hears what is not theirs", async () => {
  const get = (api, path, headers) => api.request("GET", path, undefined, headers);
  for (const [api, path, status, code] of [
    [alan.api, `/events?team_id=${design.id}`, 403, "forbidden"],
    [acme.api, "/events?team_id=team_01h2xcejqtf2nbrexx3vqjhp41", 404, "not_found"],
    [acme.api, `/events?team_id=${(await (await found(alfred)).addTeam()).id}`, 404, "not_found"],
    [acme.api, "/events?team_id=nobody", 400, "invalid_request"],
    [acme.api, "/events?more=1", 400, "invalid_request"],
    [new Api(alfred, "sk-alf-nobody"), "/events", 401, "unauthorized"],
    [new Api(alfred, (await acme.addKey(ada.member)).secret), "/events", 403, "forbidden"],
  ]) {
    const answer = await get(api, path);
    assert.deepEqual([answer.status, answer.body.code], [status, code], JSON.stringify([path, answer.body]));
  }
  // Policies bind here too.
  const cedar = 'forbid (principal is Member, action == Action::"watch_events", resource);';
  const rule = await acme.api.made("/policies", { name: "deaf", cedar });
  assert.equal((await get(alan.api, "/events")).status, 403);
  await acme.api.request("DELETE", `/policies/${rule.id}`);
  const denied = await eventually(async () => (await acme.api.list("/audit?action=watch_events"))[0]);
  assert.equal(denied.outcome, "denied");
});

test("one person has ten streams, and room again when they leave", async () => {
  const many = await Promise.all(Array.from({ length: 10 }, () => ears(grace)));
  const refused = await grace.api.request("GET", "/events");
  assert.deepEqual([refused.status, refused.body.code], [429, "rate_limited"]);
  assert.ok(Number(refused.headers.get("retry-after")) > 0);
  (await ears(alan)).close();
  many.forEach((listener) => listener.close());
  await pause(100);
  (await ears(grace)).close();
});

test("over a socket, too", async () => {
  const socket = await open_socket({ authorization: `Bearer ${alan.api.key}` });
  await eventually(() => socket.messages.length > 0);
  assert.equal(socket.messages[0].event, "ready");
  await send(ada, alan.member, "3");
  await eventually(() => socket.messages.some(({ event, data }) => event === "transfer" && data.amount === "3"));
  const { id } = socket.messages.at(-1);
  socket.close();
  const again = await open_socket({ authorization: `Bearer ${alan.api.key}` }, `?last_event_id=${id}`);
  await eventually(() => again.messages[0]?.event === "ready");
  again.close();
  // Another site's page, with a cookie.
  const foreign = await open_socket({ cookie: "alfred_session=x", origin: "https://evil.example" }).catch((error) => error);
  assert.match(String(foreign), /40[13]/);
});

test("who does not read holds nobody up", async () => {
  const before_ = await times(20);
  const { hostname, port } = new URL(alfred.url);
  const deaf = await Promise.all(Array.from({ length: 8 }, () => new Promise((done) => {
    const socket = connect(Number(port), hostname, () => {
      socket.write(`GET /api/v1/events?team_id=${compilers.id} HTTP/1.1\r\nhost: ${hostname}\r\nauthorization: Bearer ${acme.api.key}\r\n\r\n`);
      socket.once("readable", () => done(socket));
    });
  })));
  const heard = await times(200);
  assert.ok(heard < before_ * 3 + 20, `${before_} ms for a transfer, ${heard} ms while eight do not read`);
  deaf.forEach((socket) => socket.destroy());

  async function times(count) {
    const taken = [];
    for (let n = 0; n < count; n++) {
      const began = performance.now();
      await send(ada, alan.member, "0.001");
      taken.push(performance.now() - began);
    }
    return taken.sort((one, other) => one - other)[Math.floor(count / 2)];
  }
});

test("after a while of silence it goes on, and after a crash it is begun again", async () => {
  const listener = await ears(alan);
  // Longer than the runtime keeps an idle actor awake.
  await pause(12_000);
  await send(ada, alan.member, "4");
  await listener.heard("transfer", { amount: "4" });
  const { last } = listener;
  await alfred.kill9();
  await alfred.start();
  await eventually(() => listener.over);
  const again = await ears(alan, { last });
  assert.equal(again.events[0].event, "ready");
  await send(ada, alan.member, "6");
  await again.heard("transfer", { amount: "6" });
  again.close();
});

/** A WebSocket (RFC 6455), as far as one needs it to listen. */
function open_socket(headers, query = "") {
  return new Promise((done, failed) => {
    const key = randomBytes(16).toString("base64");
    const asked = request(`${alfred.url}/api/v1/events${query}`, {
      headers: { ...headers, connection: "upgrade", upgrade: "websocket", "sec-websocket-version": "13", "sec-websocket-key": key },
    });
    asked.on("error", failed);
    asked.on("response", (response) => failed(new Error(`answered ${response.statusCode}`)));
    asked.on("upgrade", (response, socket, first) => {
      const accepted = createHash("sha1").update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest("base64");
      assert.equal(response.headers["sec-websocket-accept"], accepted);
      const messages = [];
      let data = first;
      const read = (more) => {
        data = Buffer.concat([data, more]);
        for (;;) {
          const short = data[1] & 127;
          const [start, length] = short === 126 ? [4, data.length < 4 ? Infinity : data.readUInt16BE(2)] : [2, short];
          if (data.length < 2 || data.length < start + length) return;
          if ((data[0] & 15) === 1) messages.push(JSON.parse(data.subarray(start, start + length)));
          data = data.subarray(start + length);
        }
      };
      read(Buffer.alloc(0));
      socket.on("data", read).on("error", () => {});
      done({ messages, close: () => socket.destroy() });
    });
    asked.end();
  });
}
