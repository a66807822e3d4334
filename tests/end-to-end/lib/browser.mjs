// A real browser: Chromium as npm has it, so that nothing needs to be
// installed on the machine; another one with `ALFRED_BROWSER=/path/to/it`.

import { chromium } from "playwright-core";

/** @returns {Promise<import("playwright-core").Browser>} */
export async function launchBrowser() {
  const quiet = ["--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"];
  const own = process.env.ALFRED_BROWSER;
  if (own) return chromium.launch({ executablePath: own, args: ["--no-sandbox", ...quiet] });
  // It brings the libraries that it needs along where it believes to run as a function.
  process.env.AWS_LAMBDA_JS_RUNTIME ??= "nodejs20.x";
  const { default: packed } = await import("@sparticuz/chromium");
  return chromium.launch({ executablePath: await packed.executablePath(), args: [...packed.args, ...quiet] });
}
