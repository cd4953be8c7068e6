// Uses the page as people do: node page.mjs. What it needs comes from the environment: URL of a checker with
// a time-out of two seconds, the ports OPEN, CLOSED and SILENT, a list of ports ALL_SILENT; and what browser.mjs needs.
import assert from "node:assert/strict";
import { withPage } from "./browser.mjs";

const { URL: url, OPEN, CLOSED, SILENT, ALL_SILENT } = process.env;

// From the click to a cell for every port, in milliseconds.
const MAX_LAYOUT_TIME = 200;

async function resultsArriveOneByOne(visitor) {
  const { page } = visitor;
  await page.goto(`${url}/?ports=${OPEN},${CLOSED},${SILENT}`);
  await visitor.waitForText("#you", "You come from 127.0.0.1, over IPv4.");
  assert.equal(await page.locator("#other-family").isVisible(), false, "there is no name for IPv6");
  await visitor.waitForText("#problem", "Press Check");
  assert.equal(await page.inputValue("#ports"), `${OPEN},${CLOSED},${SILENT}`, "filled from the address");
  assert.equal(await page.locator("#results").isVisible(), false, "a link from elsewhere checks nothing");
  await visitor.isFine("filled-in");
  await visitor.tabTo("ports");
  await page.keyboard.press("Enter");
  await visitor.cell(OPEN).and(page.locator(".open")).waitFor();
  assert.equal(await visitor.text("#go"), "Cancel", "it arrived before the check ended");
  assert.equal(await visitor.cell(SILENT).getAttribute("aria-label"), `${SILENT}: Checking`);
  await visitor.waitForText("#verdict", "1 of 3 ports open");
  assert.match(await page.locator("#status").textContent(), /^1 of 3 ports open\.$/);
}

async function eachVerdictHasItsGroup(visitor) {
  const groups = await visitor.page.locator(".group").allInnerTexts();
  const expected = [[OPEN, /Open 1 port/], [CLOSED, /Refused 1 port[^]*nothing listens[^]*What to do/],
    [SILENT, /No answer 1 port[^]*firewall drops[^]*forward to the machine/]];
  assert.equal(groups.length, expected.length, groups.join("\n"));
  for (const [index, [port, words]] of expected.entries()) {
    assert.match(groups[index], words);
    assert.ok(groups[index].includes(port), groups[index]);
  }
  const looks = await visitor.page.locator(".cell").evaluateAll((cells) => cells.map((cell) => {
    const { color, backgroundColor } = getComputedStyle(cell);
    return [color, backgroundColor, cell.dataset.sign];
  }));
  for (const part of [0, 1, 2]) assert.equal(new Set(looks.map((look) => look[part])).size, 3, `${looks}`);
  await visitor.isFine("mixed");
}

async function theKeyboardIsEnough(visitor) {
  const { page } = visitor;
  await visitor.tabTo(OPEN);
  assert.match(await visitor.text("#detail"), /Connections from the Internet arrive/);
  await page.keyboard.press("ArrowRight");
  assert.equal(await visitor.focused(), CLOSED);
  assert.match(await visitor.text("#detail"), /nothing listens[^]*Start the service/);
  await page.keyboard.press("End");
  assert.equal(await visitor.focused(), SILENT);
  assert.match(await visitor.text("#detail"), /Nothing came back/);
  await visitor.isFine("one-port");
  await page.keyboard.press("Tab");
  assert.equal(await visitor.focused(), "copy-command", "the grid is one stop");
}

async function wrongPortsAreNamed(visitor) {
  for (const [ports, words] of [
    ["80, 90-70", "“90-70” is neither a port"],
    ["<b>80</b>", "“<b>80</b>” is neither a port"],
    [" , ", "Name at least one port"],
    ["1-65535", "65,535 ports are too many: this checker takes 1,024 ports at once."],
  ]) {
    await visitor.page.fill("#ports", ports);
    await visitor.page.keyboard.press("Enter");
    await visitor.waitForText("#problem", words);
  }
  assert.equal(await visitor.focused(), "ports");
  assert.equal(await visitor.text("#verdict"), "1 of 3 ports open", "the results stay");
  await visitor.isFine("wrong");
}

async function allSilentIsLaidOutAtOnce(visitor) {
  const { page } = visitor;
  const count = ALL_SILENT.split(",").length;
  await page.fill("#ports", ALL_SILENT);
  const took = await page.evaluate((count) => new Promise((resolve) => {
    const began = performance.now();
    const look = () => {
      const laid = document.querySelectorAll(".cell.checking").length === count;
      if (laid) resolve(performance.now() - began);
      else requestAnimationFrame(look);
    };
    document.getElementById("go").click();
    requestAnimationFrame(look);
  }), count);
  assert.ok(took < MAX_LAYOUT_TIME, `${took} ms`);
  assert.equal(await visitor.text("#verdict"), `Checking ${count} ports`);
  await visitor.waitForText("#waiting", `0 of ${count} answered · 1 s · waiting for ${count} ports: a silent port`);
  await visitor.waitForText("#verdict", `0 of ${count} ports open`);
  assert.match(await visitor.text("#groups"), new RegExp(`No answer ${count} ports`));
}

async function whatIsCheckedCanBeReadMeanwhile(visitor) {
  const { page } = visitor;
  let letGo;
  const held = new Promise((resolve) => { letGo = resolve; });
  await page.route("**/check-ports", async (route) => {
    await held;
    await route.continue();
  }, { times: 1 });
  await visitor.check(ALL_SILENT);
  await visitor.waitForText("#waiting", "the checker is busy");
  await visitor.isFine("checking");
  letGo();
  await visitor.waitForText("#verdict", "0 of 20 ports open");
}

async function servicesAreNamed(visitor) {
  await visitor.check("1, 22, 443");
  await visitor.waitForText("#verdict", "0 of 3 ports open");
  assert.equal(await visitor.text(".group .ports"), "1, 22 (ssh), 443 (https)");
}

async function whatFailedIsCheckedAgain(visitor) {
  const { page } = visitor;
  await visitor.check(`${OPEN},${CLOSED}`);
  await visitor.waitForText("#verdict", "1 of 2 ports open");
  const asked = page.waitForRequest("**/check-ports");
  await page.click("#again");
  assert.deepEqual((await asked).postDataJSON().ports, [Number(CLOSED)]);
  await visitor.waitForText("#verdict", "1 of 2 ports open");
}

async function aCheckCanBeCancelled(visitor) {
  const { page } = visitor;
  await visitor.check(`${OPEN},${SILENT}`);
  await visitor.cell(OPEN).and(page.locator(".open")).waitFor();
  await page.click("#go");
  await visitor.waitForText("#problem", "Cancelled after 1 port.");
  await visitor.waitForText("#verdict", "1 of 2 ports open, 1 not checked");
  assert.equal(await visitor.text("#go"), "Check");
  assert.equal(await visitor.text("#rest"), "Check the other 1 port");
  await visitor.isFine("cancelled");
}

async function aLinkOfThisPageRunsTheCheck(visitor) {
  const { page } = visitor;
  await page.click("#link");
  await visitor.waitForText("#verdict", "1 of 2 ports open");
  await page.reload();
  await visitor.waitForText("#problem", "Press Check");
  assert.equal(await page.locator("#results").isVisible(), false, "it was only reloaded");
}

async function theLastResultsStayOnThisDevice(visitor) {
  const { page } = visitor;
  const entries = page.locator("#entries button");
  assert.equal(await entries.count(), 5, "no more than five");
  await visitor.isFine("last");
  await entries.first().click();
  assert.equal(await visitor.text("#verdict"), "1 of 2 ports open");
  assert.equal(await visitor.focused(), "verdict");
  assert.equal(await visitor.cell(SILENT).getAttribute("aria-label"), `${SILENT}: No answer`);
  await page.evaluate(() => localStorage.setItem("port-checker-results", '[{"time":1,"address":"<b>","groups":[["x","<i>","0-9"]]},7]'));
  await page.reload();
  await visitor.waitForText("#entries", "Not readable · <b>");
  await page.click("#clear");
  assert.equal(await page.locator("#last").isVisible(), false);
  assert.equal(await page.evaluate(() => localStorage.length), 0);
}

async function resultsAndTheCommandCanBeCopied(visitor) {
  const { page } = visitor;
  await page.evaluate(() => {
    window.copied = [];
    navigator.clipboard.writeText = async (text) => { window.copied.push(text); };
    document.addEventListener("copy", () => window.copied.push(document.activeElement.value));
  });
  await visitor.check(`${OPEN},${CLOSED}`);
  await visitor.waitForText("#verdict", "1 of 2 ports open");
  await page.click("#copy");
  await visitor.waitForText("#copy", "Copied");
  // As over plain HTTP.
  await page.evaluate(() => Object.defineProperty(navigator, "clipboard", { value: undefined }));
  await page.click("#copy-command");
  await visitor.waitForText("#copy-command", "Copied");
  assert.equal(await visitor.focused(), "copy-command");
  const [text, command] = await page.evaluate(() => window.copied);
  assert.match(text, new RegExp(`^1 of 2 ports open on 127\\.0\\.0\\.1[^]*Open +${OPEN}\\n[^]*Refused +${CLOSED}\\n`));
  assert.equal(command, await visitor.text("#command"));
  assert.match(command, /^port-checker verify \d+[-,]\d+ --server http:/);
  assert.ok(command.endsWith(url), command);
}

async function presetsFillInTheField(visitor) {
  await visitor.page.getByRole("button", { name: "Golem" }).click();
  assert.equal(await visitor.page.inputValue("#ports"), "7466, 50800-50899");
  assert.match(await visitor.text("#command"), /verify 7466,50800-50899 --server/);
  assert.equal(await visitor.focused(), "ports");
}

async function overUdpACommandIsNamedAndNothingIsChecked(visitor) {
  const { page } = visitor;
  const asked = [];
  page.on("request", (request) => asked.push(request.url()));
  const udp = page.locator("#udp");
  assert.equal(await udp.isVisible(), false, "not for TCP");
  assert.match(await visitor.text("#hint"), /browser cannot answer over UDP; port-checker verify 51820\/udp/);
  await page.getByRole("button", { name: "WireGuard" }).click();
  assert.equal(await page.inputValue("#ports"), "51820/udp");
  assert.equal(await visitor.text("#udp code"), `port-checker verify 51820/udp --server ${url}`);
  assert.match(await visitor.text("#udp"), /browser cannot answer over UDP[^]*51820 \(WireGuard\)/);
  assert.equal(await visitor.text("#command"), `port-checker verify 51820/udp --server ${url}`);
  await page.keyboard.press("Enter");
  await visitor.waitForText("#problem", "This page cannot check 51820 (WireGuard) over UDP");
  assert.deepEqual(asked.filter((to) => to.includes("/check")), [], "nothing is asked");
  await visitor.isFine("udp");
  // The number alone is TCP's, and people mean UDP.
  await page.fill("#ports", "51820");
  assert.equal(await visitor.text("#udp code"), `port-checker verify 51820/udp --server ${url}`);
  assert.match(await visitor.text("#command"), /verify 51820 --server/);
  await page.fill("#ports", "51820/udp; rm -rf /, 7466");
  assert.equal(await udp.isVisible(), false, "only ports get into a command");
  await visitor.check(`${OPEN}/tcp, 27000-27001/udp`);
  await visitor.waitForText("#verdict", "1 of 1 port open");
  assert.match(await visitor.text("#command"), new RegExp(`verify ${OPEN} 27000-27001/udp --server`));
  assert.match(await visitor.text("#udp"), /27000–27001[^]*verify 27000-27001\/udp --server/);
}

async function whatIsNotTheCheckerIsNotTakenForIt(visitor) {
  visitor.expected.push(/502/);
  await visitor.page.fill("#ports", OPEN);
  for (const [answer, words] of [
    [{ status: 502, body: "<html>502 Bad Gateway" }, "it answered 502"],
    [{ status: 200, body: "" }, "The answer broke off."],
  ]) {
    await visitor.page.route("**/check-ports", (route) => route.fulfill(answer), { times: 1 });
    await visitor.page.click("#go");
    await visitor.waitForText("#problem", words);
    assert.equal(await visitor.text("#verdict"), "1 of 2 ports open", "the results stay");
  }
}

await withPage([url], async (visitor) => {
  await resultsArriveOneByOne(visitor);
  await eachVerdictHasItsGroup(visitor);
  await theKeyboardIsEnough(visitor);
  await wrongPortsAreNamed(visitor);
  await allSilentIsLaidOutAtOnce(visitor);
  await whatIsCheckedCanBeReadMeanwhile(visitor);
  await servicesAreNamed(visitor);
  await whatFailedIsCheckedAgain(visitor);
  await aCheckCanBeCancelled(visitor);
  await aLinkOfThisPageRunsTheCheck(visitor);
  await theLastResultsStayOnThisDevice(visitor);
  await resultsAndTheCommandCanBeCopied(visitor);
  await presetsFillInTheField(visitor);
  await whatIsNotTheCheckerIsNotTakenForIt(visitor);
  await overUdpACommandIsNamedAndNothingIsChecked(visitor);
});
