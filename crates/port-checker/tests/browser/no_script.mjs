// A browser without JavaScript: node no_script.mjs. What it needs comes from the environment: URL of a checker,
// the ports OPEN and CLOSED; and what browser.mjs needs.
import assert from "node:assert/strict";
import { withPage } from "./browser.mjs";

const { URL: url, OPEN, CLOSED } = process.env;

await withPage([url], async (visitor) => {
  const { page } = visitor;
  visitor.expected.push(/422/);
  await page.goto(url);
  assert.equal(await page.locator("#presets, #listen, #results, #you").filter({ visible: true }).count(), 0);
  await visitor.picture("no-script-empty");
  await visitor.check(`${OPEN}, ${CLOSED}`);
  await page.waitForURL("**/check?ports=*");
  assert.equal(await visitor.text("h1"), "1 of 2 ports open");
  const rows = await page.locator("tr").allInnerTexts();
  assert.deepEqual(rows.map((row) => row.split(/\s*\t\s*/)), [["✓ Open", OPEN], ["Connection refused", CLOSED]]);
  await visitor.picture("no-script-result");
  await visitor.check("<b>80</b>");
  await page.waitForURL("**/check?ports=%3Cb*");
  assert.match(await visitor.text("main"), /Not checked[^]*'<b>80<\/b>'/);
  assert.equal(await page.inputValue("#ports"), "<b>80</b>");
  await visitor.check("51820/udp");
  await page.waitForURL("**/check?ports=51820%2Fudp*");
  assert.match(await visitor.text("main"), /Not checked[^]*neither a browser[^]*`port-checker verify 51820\/udp`/);
  // What was typed or linked elsewhere fills the form in.
  await page.goto(`${url}/check?ports=${OPEN}`);
  assert.equal(await visitor.text("h1"), "Check these ports?");
  await page.click("#go");
  await visitor.page.locator("h1", { hasText: "1 of 1 port open" }).waitFor();
}, { javaScriptEnabled: false });

// The same pages in a browser that can run axe.
await withPage([url], async (visitor) => {
  const { page } = visitor;
  visitor.expected.push(/422/);
  await page.goto(`${url}/check?ports=${OPEN}`);
  await visitor.isFine("no-script-form");
  for (const [ports, heading] of [[`${OPEN}, ${CLOSED}`, "1 of 2 ports open"], ["x", "Not checked"]]) {
    await visitor.check(ports);
    await page.locator("h1", { hasText: heading }).waitFor();
    await visitor.isFine(`no-script-${heading === "Not checked" ? "wrong" : "result"}`);
  }
});
