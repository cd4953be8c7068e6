// Asks for more than a checker admits: node limits.mjs. What it needs comes from the environment: URL
// of a checker that admits 50 ports at once and ten a second, and what browser.mjs needs.
import assert from "node:assert/strict";
import { withPage } from "./browser.mjs";

const { URL: url } = process.env;

await withPage([url], async (visitor) => {
  const { page } = visitor;
  visitor.expected.push(/429/);
  await page.goto(url);
  await visitor.waitForText("#you", "127.0.0.1");
  await visitor.check("1-28");
  await visitor.waitForText("#verdict", "0 of 28 ports open");

  // The first time: what was found stays, and as many as there are left can be checked now.
  await visitor.check("101-150");
  await visitor.waitForText("#problem", "50 ports are more than you may check now. You can check ");
  const words = await visitor.text("#problem");
  const [, now, wait] = /check (\d+) more now, or all 50 in (\d+) s\./.exec(words) ?? assert.fail(words);
  assert.ok(now >= 22 && now < 50 && wait >= 1, words);
  assert.equal(await visitor.text("#verdict"), "0 of 28 ports open", "the results stay");
  assert.equal(await page.isDisabled("#go"), false, "another check may be asked for");
  assert.ok(await page.getByRole("button", { name: /^Check all 50 in \d+ s$/ }).isDisabled());
  await visitor.isFine("limited");
  await page.getByRole("button", { name: `Check ${now} now` }).click();
  await visitor.waitForText("#verdict", `0 of 50 ports open, ${50 - now} not checked`);
  await visitor.isFine("partly-checked");

  // The second time: the rest are more than are left, too.
  await spend();
  await page.click("#rest");
  await visitor.waitForText("#problem", "you may check now");
  assert.equal(await visitor.text("#verdict"), `0 of 50 ports open, ${50 - now} not checked`, "the results stay");
  const all = page.getByRole("button", { name: `Check all ${50 - now}`, exact: true });
  await all.and(page.locator(":enabled")).click();
  await visitor.waitForText("#verdict", "0 of 50 ports open");
  assert.equal(await page.locator("#rest").isVisible(), false);

  const kept = await page.locator("#entries b").allInnerTexts();
  assert.deepEqual(kept, ["0 of 50 ports open", "0 of 28 ports open"], "one entry for each check");

  // What can never pass is not waited for.
  await visitor.check("201-301");
  await visitor.waitForText("#problem", "101 ports are too many: this checker takes at most 50 at once. You can check ");
  assert.equal(await page.locator("#offers button:disabled").count(), 0, "no countdown");
  await visitor.isFine("never");
});

// Takes nearly all that is left of the allowance.
async function spend() {
  let count = 1;
  for (let round = 0; round < 20; round += 1) {
    const answer = await fetch(`${url}/check-ports`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ ports: Array.from({ length: count }, (_, index) => 400 + index) }),
    });
    await answer.text();
    const left = Number(/r=(\d+)/.exec(answer.headers.get("RateLimit"))[1]);
    if (answer.ok && left < 5) return;
    count = Math.max(1, left - 2);
  }
  assert.fail("the allowance is not spent");
}
