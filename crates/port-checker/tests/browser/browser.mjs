// A real Chromium with the page of a checker, for the scripts beside this one. What it needs comes from the
// environment: BROWSER_TOOLS where playwright-core and axe-core are installed, CHROMIUM; with SCREENSHOTS, a
// folder, states of the page are pictured there.
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const { BROWSER_TOOLS, CHROMIUM, SCREENSHOTS } = process.env;
const load = createRequire(join(BROWSER_TOOLS, "/"));
const { chromium } = load("playwright-core");
const axe = load("axe-core");

export const DESKTOP = { width: 1280, height: 900 };

// Runs `use` with a page, and asserts that the browser complained about nothing but the answers named in
// `expected`, and asked no other origin than those in `origins`.
export async function withPage(origins, use, options = {}) {
  const profile = mkdtempSync(join(tmpdir(), "page-"));
  const browser = await chromium.launchPersistentContext(profile, {
    executablePath: CHROMIUM,
    headless: true,
    viewport: DESKTOP,
    args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
      "--disable-background-networking", "--disable-component-update", "--disable-sync"],
    ...options,
  });
  const complaints = [];
  const asked = new Set();
  const page = await browser.newPage();
  const expected = [];
  page.on("pageerror", (error) => complaints.push(String(error)));
  page.on("request", (request) => asked.add(new URL(request.url()).origin));
  page.on("console", (message) => {
    // The browser reports every answer that is not a success.
    const meant = expected.some((pattern) => pattern.test(message.text()));
    if (message.type() === "error" && !meant) complaints.push(message.text());
  });
  if (options.javaScriptEnabled !== false) {
    await page.addInitScript(() => {
      addEventListener("securitypolicyviolation", (event) => {
        console.error(`blocked by the policy: ${event.blockedURI}`);
      });
    });
  }
  try {
    await use(new Visitor(page, expected));
    assert.deepEqual(complaints, []);
    assert.deepEqual([...asked].filter((origin) => !origins.includes(origin)), [], "another origin");
  } finally {
    await browser.close();
    rmSync(profile, { recursive: true, force: true });
  }
}

// What people do with the page.
export class Visitor {
  constructor(page, expected) {
    this.page = page;
    this.expected = expected;
  }

  cell(port) {
    return this.page.locator(`[data-port="${port}"]`);
  }

  text(selector) {
    return this.page.locator(selector).innerText();
  }

  waitForText(selector, part) {
    return this.page.waitForFunction(
      ([selector, part]) => document.querySelector(selector).innerText.includes(part),
      [selector, part],
    );
  }

  async check(ports) {
    await this.page.fill("#ports", `${ports}`);
    await this.page.click("#go");
  }

  focused() {
    return this.page.evaluate(() => document.activeElement.id || document.activeElement.dataset.port);
  }

  async tabTo(id) {
    for (let presses = 0; presses < 40; presses += 1) {
      if (await this.focused() === id) return;
      await this.page.keyboard.press("Tab");
    }
    assert.fail(`the Tab key does not lead to ${id}`);
  }

  // Axe has nothing to say in light, in dark and in a narrow window; and the state is pictured.
  async isFine(state) {
    for (const colorScheme of ["dark", "light"]) {
      await this.page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
      await this.hasNoViolations(`${state}, ${colorScheme}`);
      await this.picture(`${state}-${colorScheme}`);
    }
    await this.page.setViewportSize({ width: 320, height: 640 });
    const width = await this.page.evaluate(() => document.documentElement.scrollWidth);
    assert.ok(width <= 320, `${state}: ${width} is wider than the window`);
    await this.hasNoViolations(`${state}, narrow`);
    await this.picture(`${state}-narrow`);
    await this.page.setViewportSize(DESKTOP);
  }

  async hasNoViolations(what) {
    await this.page.evaluate(axe.source);
    const { violations } = await this.page.evaluate(() => window.axe.run());
    assert.deepEqual(violations.map(({ id, nodes }) => [id, nodes.map(({ html }) => html)]), [], what);
  }

  async picture(name) {
    if (SCREENSHOTS) await this.page.screenshot({ path: join(SCREENSHOTS, `${name}.png`), fullPage: true });
  }
}
