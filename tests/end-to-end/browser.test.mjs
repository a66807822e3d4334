// Signing in, with a real browser at a real provider.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { startAlfred } from "./harness.mjs";
import { launchBrowser } from "./lib/browser.mjs";
import { Api, found } from "./lib/company.mjs";
import { startIdentityProvider } from "./lib/sign-in.mjs";

let alfred, provider, browser;

before(async () => {
  alfred = await startAlfred();
  provider = await startIdentityProvider(`${alfred.url}/api/v1/auth/callback`);
  browser = await launchBrowser();
});

after(async () => {
  await browser?.close();
  await alfred?.stop();
  await provider?.stop();
});

test("somebody types their address, signs in, and is signed in", async () => {
  const company = await found(alfred);
  const team = await company.api.made("/teams", { name: "Engineers", department_id: company.department.id });
  const operator = new Api(alfred, alfred.operatorKey);
  await operator.request("PUT", "/organization/domains", { domains: ["acme.example"] }, { "x-alfred-organization": company.id });
  const set = await company.api.request("PUT", "/sign-in", {
    provider: { kind: "generic", issuer: provider.issuer },
    client_id: "alfred",
    client_secret: "alfreds-secret-at-the-provider",
    just_in_time: true,
    default_team_id: team.id,
  });
  assert.equal(set.status, 200, JSON.stringify(set.body));

  // What the test asks for in the page is not the page's: its policy allows it nothing.
  const page = await browser.newPage({ bypassCSP: true });
  const complaints = [];
  page.on("console", (message) => {
    const ours = message.location().url.startsWith(alfred.url);
    if (ours && message.type() === "error") complaints.push(message.text());
  });
  await page.goto(`${alfred.url}/api/v1/auth/sign-in`);
  await page.getByLabel("Your e-mail address at work").fill("ada@acme.example");
  await page.getByRole("button", { name: "Continue" }).click();
  await page.locator("input[name=login]").fill("ada");
  await page.locator("input[name=password]").fill("any");
  await page.locator("button[type=submit]").click();
  await page.locator("button[type=submit]").click();
  await page.waitForURL(`${alfred.url}/api/v1/session`);
  const session = JSON.parse(await page.locator("body").innerText());
  assert.equal(session.member.email, "ada@acme.example");

  const cookies = await page.context().cookies(alfred.url);
  const own = cookies.find(({ name }) => name === "alfred-session");
  assert.ok(own.httpOnly && own.sameSite === "Lax");
  assert.equal(await page.evaluate(() => document.cookie), "", "no script can read them");

  // A page of Alfred's own can act with the token, and without it not.
  const end = (headers) =>
    page.evaluate(
      async ([url, headers]) => (await fetch(url, { method: "POST", headers, body: "{}" })).status,
      [`${alfred.url}/api/v1/auth/sign-out`, { "content-type": "application/json", ...headers }],
    );
  assert.equal(await end({}), 403);
  assert.equal(await end({ "x-csrf-token": session.csrf_token }), 204);
  await page.goto(`${alfred.url}/api/v1/session`);
  assert.match(await page.locator("body").innerText(), /unauthorized/);
  assert.deepEqual(complaints.filter((text) => !/40[13]/.test(text)), []);
});
