// Uses the page as people do, in a real Chromium: node page.mjs. What it needs comes from the environment:
// URL of a checker, the ports OPEN, CLOSED and SILENT, BROWSER_TOOLS where playwright-core and axe-core
// are installed, CHROMIUM.
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const { URL: url, OPEN, CLOSED, SILENT, BROWSER_TOOLS, CHROMIUM } = process.env;
const load = createRequire(join(BROWSER_TOOLS, "/"));
const { chromium } = load("playwright-core");
const axe = load("axe-core");

const profile = mkdtempSync(join(tmpdir(), "page-"));
const browser = await chromium.launchPersistentContext(profile, {
  executablePath: CHROMIUM,
  headless: true,
  args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync"],
});
const complaints = [];
const origins = new Set();
let limited = false;
const page = await browser.newPage();
page.on("pageerror", (error) => complaints.push(String(error)));
page.on("request", (request) => origins.add(new URL(request.url()).origin));
page.on("console", (message) => {
  // The browser reports every answer that is not a success; one is meant.
  const expected = limited && /429|502/.test(message.text());
  if (message.type() === "error" && !expected) complaints.push(message.text());
});
await page.addInitScript(() => {
  addEventListener("securitypolicyviolation", (event) => {
    console.error(`blocked by the policy: ${event.blockedURI}`);
  });
});

const cell = (port) => page.locator(`[data-port="${port}"]`);
const text = (selector) => page.locator(selector).innerText();
const waitForText = (selector, part) =>
  page.waitForFunction(([selector, part]) => document.querySelector(selector).innerText.includes(part),
    [selector, part]);

async function focused() {
  return page.evaluate(() => document.activeElement.id || document.activeElement.dataset.port);
}

async function tabTo(id) {
  for (let presses = 0; presses < 20; presses += 1) {
    if (await focused() === id) return;
    await page.keyboard.press("Tab");
  }
  assert.fail(`the Tab key does not lead to ${id}`);
}

async function hasNoViolations(what) {
  await page.evaluate(axe.source);
  const { violations } = await page.evaluate(() => window.axe.run());
  assert.deepEqual(violations.map(({ id, nodes }) => [id, nodes.map(({ html }) => html)]), [], what);
}

async function resultsArriveOneByOne() {
  await page.goto(`${url}/?ports=${OPEN},${CLOSED},${SILENT}`);
  await waitForText("#address", "127.0.0.1");
  assert.equal(await page.inputValue("#ports"), `${OPEN},${CLOSED},${SILENT}`, "filled from the address");
  await tabTo("ports");
  await page.keyboard.press("Enter");
  await cell(OPEN).and(page.locator(".good")).waitFor();
  assert.equal(await text("#go"), "Cancel", "it arrived before the check ended");
  assert.equal(await cell(SILENT).getAttribute("aria-label"), `${SILENT}: not judged yet`);
  await waitForText("#summary", "1 of 3 ports reachable. Connection refused: 1. Connection timed out: 1.");
}

async function theKeyboardIsEnough() {
  await tabTo(OPEN);
  assert.match(await text("#detail"), /The Internet reaches this port/);
  await page.keyboard.press("ArrowRight");
  assert.equal(await focused(), CLOSED);
  assert.match(await text("#detail"), /nothing listens there[^]*Start the service/);
  await page.keyboard.press("End");
  assert.equal(await focused(), SILENT);
  assert.match(await text("#detail"), /Nothing came back/);
  await page.keyboard.press("Tab");
  assert.equal(await focused(), "link", "the grid is one stop");
}

async function everybodyCanReadIt() {
  for (const colorScheme of ["light", "dark"]) {
    await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
    await hasNoViolations(colorScheme);
  }
  const transition = await cell(OPEN).evaluate((cell) => getComputedStyle(cell).transitionDuration);
  assert.equal(transition, "0s", "nothing moves");
  await page.setViewportSize({ width: 320, height: 640 });
  const width = await page.evaluate(() => document.documentElement.scrollWidth);
  assert.ok(width <= 320, `${width} is wider than the window`);
  await hasNoViolations("narrow");
}

async function wrongPortsAreNamed() {
  for (const [ports, words] of [
    ["80, 90-70", "“90-70” is neither a port"],
    ["<b>80</b>", "“<b>80</b>” is neither a port"],
    [" , ", "Name at least one port"],
  ]) {
    await page.fill("#ports", ports);
    await page.keyboard.press("Enter");
    await waitForText("#problem", words);
  }
  assert.equal(await focused(), "ports");
}

async function aCheckCanBeCancelled() {
  await page.fill("#ports", `${OPEN},${SILENT}`);
  await page.click("#go");
  await cell(OPEN).and(page.locator(".good")).waitFor();
  await page.click("#go");
  await waitForText("#problem", "Cancelled after 1 port.");
  await waitForText("#summary", "1 of 2 ports reachable. Not judged: 1.");
  assert.equal(await text("#go"), "Check");
}

async function theLinkReproducesIt() {
  await page.click("#link");
  await page.waitForLoadState();
  assert.equal(await page.inputValue("#ports"), `${OPEN},${SILENT}`);
}

async function whatIsNotTheCheckerIsNotTakenForIt() {
  limited = true;
  for (const [answer, words] of [
    [{ status: 502, body: "<html>502 Bad Gateway" }, "it answered 502"],
    [{ status: 200, body: "" }, "The answer broke off."],
  ]) {
    await page.route("**/check-ports", (route) => route.fulfill(answer), { times: 1 });
    await page.click("#go");
    await waitForText("#problem", words);
  }
}

async function aLongGridKeepsTheExplanationInSight() {
  await page.fill("#ports", `${OPEN} 1-39`);
  await page.click("#go");
  await waitForText("#summary", "1 of 40 ports reachable");
  await cell(OPEN).click();
  const { y } = await page.locator("#detail").boundingBox();
  const height = await page.evaluate(() => innerHeight);
  assert.ok(y >= 0 && y < height, `${y} is out of sight`);
}

async function aLimitIsWaitedFor() {
  limited = true;
  await page.fill("#ports", "1-40");
  await page.click("#go");
  await waitForText("#problem", "more than the caller");
  assert.match(await text("#go"), /^Try again in \d+ s$/);
  assert.ok(await page.isDisabled("#go"));
  await page.locator("#go:enabled").waitFor();
  await page.click("#go");
  await waitForText("#summary", "0 of 40 ports reachable");
}

try {
  await resultsArriveOneByOne();
  await theKeyboardIsEnough();
  await everybodyCanReadIt();
  await wrongPortsAreNamed();
  await aCheckCanBeCancelled();
  await theLinkReproducesIt();
  await whatIsNotTheCheckerIsNotTakenForIt();
  await aLongGridKeepsTheExplanationInSight();
  await aLimitIsWaitedFor();
  assert.deepEqual(complaints, []);
  assert.deepEqual([...origins], [url], "no other origin");
} finally {
  await browser.close();
  rmSync(profile, { recursive: true, force: true });
}
