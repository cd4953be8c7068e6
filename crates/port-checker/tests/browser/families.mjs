// A checker that has a name for each family: node families.mjs. What it needs comes from the environment: IPV4
// and IPV6, the URLs of the two, of which the first knows the second, and OPEN, a port; and what
// browser.mjs needs.
import assert from "node:assert/strict";
import { withPage } from "./browser.mjs";

const { IPV4, IPV6, OPEN } = process.env;

await withPage([IPV4, IPV6], async (visitor) => {
  const { page } = visitor;
  await page.goto(IPV4);
  await visitor.waitForText("#you", "You come from 127.0.0.1, over IPv4. Check over IPv6 too");
  await visitor.check(OPEN);
  await visitor.waitForText("#verdict", "1 of 1 port open");
  await visitor.isFine("ipv4");
  await page.click("#other-family");
  await visitor.waitForText("#you", "You come from ::1, over IPv6.");
  assert.equal(new URL(page.url()).origin, IPV6);
  assert.equal(await page.inputValue("#ports"), OPEN);
  assert.equal(await page.locator("#results").isVisible(), false, "another origin checks nothing unasked");
  assert.equal(await page.locator("#other-family").isVisible(), false, "it has no name for IPv4");
  await page.click("#go");
  await visitor.waitForText("#verdict", "0 of 1 port open");
  await visitor.isFine("ipv6");
});
