// A thousand ports and every kind of verdict: node layout.mjs. What it needs comes from the environment: URL of
// a checker without limits, the ports OPEN, CLOSED and SILENT; and what browser.mjs needs.
import assert from "node:assert/strict";
import { DESKTOP, withPage } from "./browser.mjs";

const { URL: url, OPEN, CLOSED, SILENT } = process.env;

async function aThousandPortsFitIntoTwoScreens(visitor) {
  const { page } = visitor;
  await visitor.check(`${OPEN},${CLOSED},${SILENT},10001-10997`);
  await visitor.waitForText("#verdict", "Checking");
  await visitor.waitForText("#verdict", "1 of 1,000 ports open");
  const { y, height } = await page.locator("#grid").boundingBox();
  assert.equal(await page.evaluate(() => scrollY), 0);
  assert.ok(y + height <= 2 * DESKTOP.height, `the grid ends at ${y + height}`);
  await visitor.cell(OPEN).click();
  const detail = await page.locator("#detail").boundingBox();
  assert.ok(detail.y >= 0 && detail.y < DESKTOP.height, `${detail.y} is out of sight`);
  await visitor.isFine("thousand");
}

// Every reason that a checker may give. Routers that say no are not on this machine, so the answer is written
// here; that the checker gives it is shown by its own tests.
async function everyVerdictLooksDifferent(visitor) {
  const { page } = visitor;
  const reasons = [null, "refused", "timed_out", "host_unreachable", "reset", "invented"];
  const ports = reasons.flatMap((reason, index) => Array.from({ length: 9 }, (_, step) => [50800 + 10 * index + step, reason]));
  const lines = ports.map(([port, reason]) => JSON.stringify({
    port, accessible: reason === null, error: reason, reason, attempts: 3, connect_ms: 20.5,
    icmp: reason === "host_unreachable" ? { message: "host_unreachable", from: "192.0.2.1" } : null,
  }));
  const body = [...lines, JSON.stringify({ success: true, message: "" }), ""].join("\n");
  await page.route("**/check-ports", (route) => route.fulfill({ status: 200, body }), { times: 1 });
  await visitor.check(ports.map(([port]) => port).join(","));
  await visitor.waitForText("#verdict", "9 of 54 ports open");
  const looks = await page.locator(".group").evaluateAll((groups) => groups.map((group) => {
    const { backgroundColor } = getComputedStyle(group);
    return [backgroundColor, group.querySelector(".sign").textContent, group.querySelector("h3").textContent];
  }));
  assert.equal(looks.length, 6);
  for (const part of [1, 2]) assert.equal(new Set(looks.map((look) => look[part])).size, 6, `${looks}`);
  const [open, refused, reset, rejected, , silent] = looks.map(([color]) => color);
  assert.equal(new Set([open, refused, reset, rejected, silent]).size, 5, `${looks}`);
  await visitor.cell(50830).click();
  assert.match(await visitor.text("#detail"), /rejected by a router[^]*192\.0\.2\.1 said so/);
  await visitor.isFine("verdicts");
  await page.emulateMedia({ media: "print" });
  assert.equal(await page.locator("#form").isVisible(), false);
  assert.equal(await page.locator(".group").count(), 6);
  await visitor.picture("print");
}

await withPage([url], async (visitor) => {
  await visitor.page.goto(url);
  await visitor.waitForText("#you", "127.0.0.1");
  await visitor.isFine("empty");
  await aThousandPortsFitIntoTwoScreens(visitor);
  await everyVerdictLooksDifferent(visitor);
});
