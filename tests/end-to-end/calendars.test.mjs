// Out of office by what calendars and HR systems say: the cron reads them.

import assert from "node:assert/strict";
import { createServer } from "node:http";
import { after, before, test } from "node:test";

import { eventually, startAlfred } from "./harness.mjs";
import { found } from "./lib/company.mjs";

const DAY = 24 * 60 * 60 * 1000;
const CRON = "*/5 * * * *";

/** Services of others: what they answer, by path, and what they were asked. */
async function startServices() {
  const services = { answers: new Map(), asked: [] };
  const server = createServer((request, response) => {
    const chunks = [];
    request.on("data", (chunk) => chunks.push(chunk));
    request.on("end", () => {
      const { pathname, searchParams } = new URL(request.url, "http://services");
      const asked = { method: request.method, path: pathname, query: Object.fromEntries(searchParams), headers: request.headers, body: Buffer.concat(chunks).toString() };
      services.asked.push(asked);
      const { status = 200, headers = {}, body = "" } = services.answers.get(pathname)?.(asked) ?? { status: 404 };
      response.writeHead(status, headers).end(typeof body === "string" ? body : JSON.stringify(body));
    });
  });
  await new Promise((listening) => server.listen(0, "127.0.0.1", listening));
  services.url = `http://127.0.0.1:${server.address().port}`;
  services.stop = () => new Promise((stopped) => server.close(stopped));
  return services;
}

let alfred, services, acme;
before(async () => {
  services = await startServices();
  const env = Object.fromEntries(
    ["GOOGLE_CALENDAR_API", "GOOGLE_OAUTH", "GRAPH_API", "MICROSOFT_LOGIN", "BAMBOOHR_API"].map((name) => [name, services.url]),
  );
  alfred = await startAlfred({ env });
  acme = await found(alfred);
});
after(() => Promise.all([alfred?.stop(), services?.stop()]));

const compact = (ms) => `${new Date(ms).toISOString().replaceAll(/[-:]|\.\d+/g, "")}`;
/** A calendar with events: `[uid, from, until, title]`. */
const ics = (...events) =>
  ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//A test//EN"]
    .concat(events.flatMap(([uid, from, until, title = "Out of office"]) => [
      "BEGIN:VEVENT", `UID:${uid}`, `DTSTAMP:${compact(0)}`, `DTSTART:${compact(from)}`, `DTEND:${compact(until)}`, `SUMMARY:${title}`, "END:VEVENT",
    ]))
    .concat("END:VCALENDAR", "")
    .join("\r\n");

/** Whole seconds: calendars have no others. */
const now = () => Math.floor(Date.now() / 1000) * 1000;
const absences = async (member, state = "current") => acme.api.list(`/absences?member_id=${member.id}&state=${state}`);
const times = (list) => list.map(({ from, until }) => [Date.parse(from), until === null ? null : Date.parse(until)]).sort(([a], [b]) => a - b);

/** All calendars are due, and the cron reads them. */
async function read() {
  await alfred.query("UPDATE calendar_reads SET next_ms = 0");
  await alfred.scheduled(CRON);
}

const remove = async ({ id }) => assert.equal((await acme.api.request("DELETE", `/calendars/${id}`)).status, 204);

let people = 0;
const addAway = async (wallet = 1_000_000, more = {}) => {
  const member = await acme.addMember(await acme.addTeam(), { wallet, email: `ada${++people}@acme.example`, ...more });
  return member;
};

test("a feed says when somebody is away, asks for changes only, and what it says no more is over", async () => {
  const ada = await addAway();
  const begin = now();
  let events = [["now", begin - DAY, begin + DAY], ["later", begin + 10 * DAY, begin + 12 * DAY], ["lunch", begin, begin + DAY, "Lunch"]];
  services.answers.set("/ada.ics", ({ headers }) =>
    headers["if-none-match"] === `"${events.length}"` ? { status: 304 } : { headers: { etag: `"${events.length}"`, "content-type": "text/calendar" }, body: ics(...events) },
  );
  const source = { kind: "ics", url: `${services.url}/ada.ics` };
  const calendar = await acme.api.made("/calendars", { name: "Ada's", source, member_id: ada.id, share: { kind: "percent", percent: 40 } });
  assert.deepEqual([calendar.kind, calendar.member_id, calendar.last_read, calendar.enabled], ["ics", ada.id, null, true]);
  assert.ok(!JSON.stringify(calendar).includes("ada.ics"), "the address protects the calendar");
  await read();
  const known = await absences(ada);
  assert.deepEqual(times(known), [[begin - DAY, begin + DAY], [begin + 10 * DAY, begin + 12 * DAY]]);
  assert.deepEqual(known.map(({ calendar_id }) => calendar_id), [calendar.id, calendar.id]);
  const member = () => acme.api.shown(`/members/${ada.id}`);
  assert.equal(Number((await member()).lent.balance) * 1000, 400_000);
  const shown = await acme.api.shown(`/calendars/${calendar.id}`);
  assert.deepEqual([shown.last_read.error, shown.last_read.skipped, shown.last_read.unknown], [null, [], []]);
  assert.deepEqual((await acme.api.list("/calendars")).map(({ id, last_read }) => [id, last_read.error]), [[calendar.id, null]]);

  // Nothing new: nothing is sent, and nothing written.
  const records = () => alfred.query("SELECT COUNT(*) AS n FROM audit WHERE action = 'calendar_absences'");
  const [one] = await eventually(async () => {
    const found = await records();
    return found[0].n === 1 && found;
  });
  await read();
  assert.deepEqual(services.asked.filter(({ path }) => path === "/ada.ics").map(({ headers }) => headers["if-none-match"]), [undefined, '"3"']);
  assert.deepEqual(await records(), [one]);

  // One is longer, the other was called off.
  events = [["now", begin - DAY, begin + 3 * DAY]];
  await read();
  const changed = await absences(ada);
  assert.deepEqual(times(changed), [[begin - DAY, begin + 3 * DAY]]);
  assert.ok(known.some(({ id }) => id === changed[0].id), "it is the same absence");

  // Whoever is back early is not sent away again.
  await acme.api.changed("POST", `/absences/${changed[0].id}/end`, {});
  events = [["now", begin - DAY, begin + 3 * DAY], ["x", begin + 40 * DAY, begin + 41 * DAY]];
  await read();
  assert.deepEqual(times(await absences(ada)), [[begin + 40 * DAY, begin + 41 * DAY]]);
  assert.deepEqual((await member()).lent.balance, "0");

  // What a calendar that is off has said is over.
  await acme.api.changed("PATCH", `/calendars/${calendar.id}`, { enabled: false });
  await alfred.scheduled(CRON);
  assert.deepEqual(await absences(ada), []);
  await acme.api.changed("PATCH", `/calendars/${calendar.id}`, { enabled: true, name: "Ada, again" });
  await alfred.scheduled(CRON);
  assert.equal((await absences(ada)).length, 1);
  await remove(calendar);
  await alfred.scheduled(CRON);
  assert.deepEqual(await absences(ada), []);
  assert.deepEqual(await alfred.query("SELECT * FROM calendar_reads"), []);
});

test("an HR system says who is out, by its own ids", async () => {
  const [ada, alan] = [await addAway(), await addAway()];
  const day = (ms) => new Date(ms).toISOString().slice(0, 10);
  const [first, last] = [now() - DAY, now() + DAY].map(day);
  services.answers.set("/api/gateway.php/acme/v1/time_off/whos_out/", ({ headers }) =>
    headers.authorization === `Basic ${Buffer.from("hr-key:x").toString("base64")}`
      ? { body: [
          { id: 1, type: "timeOff", employeeId: 11, name: "Ada", start: first, end: last },
          { id: 2, type: "timeOff", employeeId: 12, name: "Alan", start: first, end: last },
          { id: 3, type: "timeOff", employeeId: 99, name: "Nobody", start: first, end: last },
          { id: 4, type: "holiday", name: "A day off for all", start: first, end: last },
        ] }
      : { status: 401 },
  );
  const source = { kind: "bamboohr", company: "acme", api_key: "hr-key" };
  const calendar = await acme.api.made("/calendars", { name: "HR", source, people: { 11: ada.id, 12: alan.id }, share: { kind: "nothing" } });
  await read();
  for (const member of [ada, alan]) {
    const [absence, ...others] = await absences(member);
    assert.deepEqual(others, []);
    assert.deepEqual([absence.state, absence.share], ["away", { kind: "nothing" }]);
  }
  const { last_read } = await acme.api.shown(`/calendars/${calendar.id}`);
  assert.deepEqual([last_read.error, last_read.unknown], [null, ["99"]]);

  // With a key that is not accepted what was known stays, and it is said.
  await acme.api.changed("PATCH", `/calendars/${calendar.id}`, { source: { ...source, api_key: "old" } });
  await read();
  const refused = await acme.api.shown(`/calendars/${calendar.id}`);
  assert.match(refused.last_read.error, /refuses the credentials or the access \(status 401\)/);
  assert.equal((await absences(ada)).length, 1);
  await acme.api.changed("PATCH", `/calendars/${calendar.id}`, { source, people: { 11: ada.id } });
  await read();
  assert.deepEqual([(await absences(ada)).length, (await absences(alan)).length], [1, 0]);
  await remove(calendar);
});

test("any list as JSON, Google's events and Microsoft's automatic replies", async () => {
  const [ada, alan, grace] = [await addAway(), await addAway(), await addAway()];
  const [from, until] = [now() - DAY, now() + DAY];
  const iso = (ms) => new Date(ms).toISOString();
  services.answers.set("/out", ({ headers }) =>
    headers.authorization === "Bearer list-token"
      ? { body: { out: [{ id: "7", mail: ada.email.toUpperCase(), start: iso(from), end: iso(until) }] } }
      : { status: 403 },
  );
  services.answers.set("/token", ({ method, body }) => {
    const form = Object.fromEntries(new URLSearchParams(body));
    const right = method === "POST" && form.grant_type === "refresh_token" && form.refresh_token === "1//refresh" && form.client_secret === "g-secret";
    return right ? { body: { access_token: "ya29.token", expires_in: 3599 } } : { status: 400, body: { error: "invalid_grant" } };
  });
  services.answers.set(`/calendar/v3/calendars/${encodeURIComponent(alan.email)}/events`, ({ headers, query }) => {
    if (headers.authorization !== "Bearer ya29.token") return { status: 401 };
    const item = (id) => ({ id, status: "confirmed", eventType: "outOfOffice", start: { dateTime: iso(from) }, end: { dateTime: iso(until) } });
    return query.pageToken ? { body: { timeZone: "UTC", items: [item("b")], nextSyncToken: "s" } } : { body: { timeZone: "UTC", items: [item("a")], nextPageToken: "2" } };
  });
  services.answers.set("/acme.onmicrosoft.com/oauth2/v2.0/token", ({ body }) => {
    const form = Object.fromEntries(new URLSearchParams(body));
    return form.grant_type === "client_credentials" && form.client_secret === "m-secret" ? { body: { access_token: "eyJ.m", expires_in: 3599 } } : { status: 401 };
  });
  services.answers.set(`/v1.0/users/${encodeURIComponent(grace.email)}/mailboxSettings/automaticRepliesSetting`, ({ headers }) =>
    headers.authorization === "Bearer eyJ.m" ? { body: { status: "alwaysEnabled" } } : { status: 401 },
  );
  const mapping = { items: "/out", uid: "/id", who: "/mail", from: "/start", until: "/end" };
  await acme.api.made("/calendars", { name: "List", source: { kind: "json", url: `${services.url}/out`, mapping, token: "list-token" } });
  await acme.api.made("/calendars", {
    name: "Google", member_id: alan.id,
    source: { kind: "google_calendar", calendar_id: alan.email, client_id: "g", client_secret: "g-secret", refresh_token: "1//refresh" },
  });
  const microsoft = { kind: "microsoft_graph", user: grace.email, tenant: "acme.onmicrosoft.com", client_id: "m", client_secret: "m-secret" };
  await acme.api.made("/calendars", { name: "Microsoft", member_id: grace.id, source: microsoft });
  await read();
  const errors = (await acme.api.list("/calendars")).map(({ name, last_read }) => [name, last_read.error]);
  assert.deepEqual(errors.filter(([, error]) => error !== null), []);
  assert.deepEqual(times(await absences(ada)), [[from, until]]);
  assert.deepEqual(times(await absences(alan)), [[from, until]]);
  assert.deepEqual((await absences(grace)).map(({ until, state }) => [until, state]), [[null, "away"]]);
});

test("what cannot be a calendar is refused, and secrets are in nothing that is shown", async () => {
  const ada = await addAway();
  const refused = async (body, says) => {
    const answer = await acme.api.request("POST", "/calendars", body);
    assert.deepEqual([answer.status, answer.body.code], [400, "invalid_request"], JSON.stringify(answer.body));
    assert.match(answer.body.detail, says);
  };
  const source = { kind: "ics", url: "https://calendar.example/secret.ics" };
  await refused({ name: "a", source }, /^say with `member_id` whose calendar it is/);
  await refused({ name: "a", source: { kind: "ics", url: "ftp://calendar.example/x" }, member_id: ada.id }, /is not an address that absences can be fetched from/);
  await refused({ name: "a", source: { kind: "bamboohr", company: "acme", api_key: "k" }, member_id: ada.id }, /^leave out `member_id`/);
  await refused({ name: "a", source: { kind: "bamboohr", company: "a/b", api_key: "k" } }, /is not a company's name at BambooHR/);
  await refused({ name: "a", source: { ...source, rule: { words: ["*"] } }, member_id: ada.id }, /cannot mark absences/);
  const unknown = await acme.api.request("POST", "/calendars", { name: "a", source, member_id: "mem_00000000000000000000000000" });
  assert.deepEqual([unknown.status, unknown.body.code], [404, "not_found"]);
  const made = await acme.api.made("/calendars", { name: "Secret", source: { kind: "bamboohr", company: "acme", api_key: "very-secret" }, people: { "Ada Lovelace": ada.id } });
  const twin = await acme.api.request("POST", "/calendars", { name: "Secret", source: { kind: "bamboohr", company: "acme", api_key: "x" } });
  assert.deepEqual([twin.status, twin.body.code], [409, "conflict"]);
  const all = JSON.stringify([await acme.api.shown(`/calendars/${made.id}`), await acme.api.list("/audit?action=put_calendar"), await acme.api.list("/audit?action=create_calendar")]);
  assert.ok(!all.includes("very-secret"));
  const person = await acme.addKey(ada);
  const own = await alfred.fetch("/api/v1/calendars", { headers: { authorization: `Bearer ${person.secret}` } });
  assert.equal(own.status, 403);
});
