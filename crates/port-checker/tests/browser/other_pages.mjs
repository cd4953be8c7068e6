// Pages of other origins that have a real Chromium ask a checker about its user: node other_pages.mjs. What it
// needs comes from the environment: URL of a checker that admits the origin ADMITTED and not OTHER, where
// pages are served too, PORT, BROWSER_TOOLS where playwright-core is installed, CHROMIUM.
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { join } from "node:path";

const { URL: url, ADMITTED, OTHER, PORT, BROWSER_TOOLS, CHROMIUM } = process.env;
const { chromium } = createRequire(join(BROWSER_TOOLS, "/"))("playwright-core");

const browser = await chromium.launch({
  executablePath: CHROMIUM,
  headless: true,
  args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync"],
});
const page = await browser.newPage();
const port = `${url}/port/${PORT}`;

// The statuses that /port/… has been answered with since it was last asked.
let seen = {};
async function answers() {
  const text = await (await fetch(`${url}/metrics`)).text();
  const series = /port_checker_requests_total\{route="\/port\/\{port\}",status="(\d+)"\} (\d+)/g;
  const now = Object.fromEntries([...text.matchAll(series)].map(([, status, count]) => [status, +count]));
  const before = seen;
  seen = now;
  return Object.fromEntries(Object.entries(now)
    .map(([status, count]) => [status, count - (before[status] ?? 0)]).filter(([, count]) => count));
}

const read = (mode) => page.evaluate(
  ([port, mode]) => fetch(port, { mode }).then((answer) => answer.type, () => "unreadable"),
  [port, mode],
);
const image = () => page.evaluate((port) => new Promise((resolve) => {
  const image = new Image();
  image.onload = image.onerror = () => resolve();
  image.src = port;
}), port);

try {
  await page.goto(`${OTHER}/health`);
  assert.equal(await read("cors"), "unreadable");
  assert.equal(await read("no-cors"), "opaque");
  await image();
  assert.deepEqual(await answers(), { 403: 3 }, "nothing that another page sends is checked");
  await page.goto(`${ADMITTED}/health`);
  assert.equal(await read("cors"), "cors");
  assert.deepEqual(await answers(), { 200: 1 }, "an admitted origin may");
  await image();
  assert.deepEqual(await answers(), { 403: 1 }, "a request that does not say its origin");
  await page.goto(`${url}/health`);
  assert.equal(await read("cors"), "basic");
  assert.deepEqual(await answers(), { 200: 1 }, "the checker's own pages may");
  await page.goto(port);
  assert.deepEqual(await answers(), { 200: 1 }, "a person may");
} finally {
  await browser.close();
}
