// The page of the port checker: from what the visitor does to requests and what is shown of them.

import { address as ownAddress, check as askChecker } from "./checker.js";
import { clear, entries, keep } from "./history.js";
import { PRESETS, compact, compactBoth, lists, overUdp, parse, plural, spoken, udpServiceName } from "./ports.js";
import { asText, copy, followedFromHere, linkTo, linked } from "./share.js";
import { element, grouped, headline, lay, make, paint, running, summarise, tick } from "./view.js";

// How often the elapsed time is shown, in milliseconds.
const TICK = 250;

const { maxPorts, silentSeconds, ipv4, ipv6 } = document.querySelector("main").dataset;
const [form, input, button, problem, offers] = ["form", "ports", "go", "problem", "offers"].map(element);
const [again, rest, link, last] = ["again", "rest", "link", "last"].map(element);

let check = null; // The check on the screen: ports, found, active, asked, began, time, kept (when it was kept last).
let request = null; // The AbortController of the request under way.
let countdown = null; // The timer of the offers.
let frame = 0; // The next time at which the groups are drawn.
let address = "an unknown address";

const failed = () => check.ports.filter((port) => check.found.get(port)?.accessible === false);
const unchecked = () => check.ports.filter((port) => !check.found.has(port));

// Draws the groups at most once for each picture of the screen.
function drawSoon() {
  frame ||= requestAnimationFrame(() => {
    frame = 0;
    summarise(check);
    showTime();
  });
}

const showTime = () => tick(check, Number(silentSeconds));

function withdrawOffers() {
  clearInterval(countdown);
  problem.textContent = "";
  problem.className = "";
  offers.replaceChildren();
}

// What the visitor should know and that is no problem.
function note(words) {
  problem.className = "note";
  problem.textContent = words;
}

// What can be done with the results now.
function showActions() {
  const [bad, open] = [failed().length, unchecked().length];
  again.hidden = request !== null || bad === 0;
  again.textContent = bad === 1 ? "Check the port that failed again" : `Check the ${bad} that failed again`;
  rest.hidden = request !== null || open === 0;
  rest.textContent = `Check the ${open === check.ports.length ? "" : "other "}${plural(open, "port")}`;
  const target = linkTo(check.ports);
  link.hidden = target === null;
  if (target) link.href = target;
  button.textContent = request ? "Cancel" : "Check";
}

// A new check of these ports; some of them at first, if a limit admits no more.
function begin(ports, first = ports) {
  const before = check;
  check = { ports, found: new Map(), active: new Set(), asked: 0, began: 0, time: 0, kept: 0 };
  history.replaceState(null, "", linkTo(ports) ?? "/");
  ask(first, (some) => begin(ports, some), () => {
    if (before?.found.size > 0) check = before;
  });
}

// The same check goes on with ports that have no result, or a bad one.
function goOn(ports) {
  const before = new Map(ports.map((port) => [port, check.found.get(port)]));
  for (const port of ports) check.found.delete(port);
  ask(ports, goOn, () => {
    for (const [port, found] of before) if (found) check.found.set(port, found);
  });
}

// Has ports checked. `retry` does it again with as many as a limit admits; `undo` puts back what was there
// if not a single result came.
async function ask(ports, retry, undo) {
  withdrawOffers();
  request = new AbortController();
  const { signal } = request;
  Object.assign(check, { active: new Set(ports), asked: ports.length, began: performance.now(), time: Date.now() });
  lay(check);
  summarise(check);
  showActions();
  const ticking = setInterval(showTime, TICK);
  showTime();
  running(true, `Checking ${plural(ports.length, "port")}.`);
  let failure = null;
  await askChecker(ports, signal, judged).catch((error) => { failure = error; });
  clearInterval(ticking);
  const answered = check.asked - check.active.size;
  check.active.clear();
  request = null;
  if (answered === 0) undo();
  else remember();
  show(failure ? "" : `${headline(check)}.`);
  if (signal.aborted) note(`Cancelled after ${plural(answered, "port")}.`);
  else if (failure) offer(failure, ports, retry);
}

function judged(result) {
  if (!check.active.delete(result.port)) return;
  check.found.set(result.port, result);
  paint(result.port);
  drawSoon();
}

// Shows a check that has ended, and announces it.
function show(words) {
  cancelAnimationFrame(frame);
  frame = 0;
  lay(check);
  summarise(check);
  showActions();
  running(false, words);
}

// Keeps the results on this device: for each verdict the reason, the text of the error and the ports.
function remember() {
  const groups = grouped(check).map(([, ports]) => {
    const { accessible, reason, error } = check.found.get(ports[0]) ?? { reason: "unchecked" };
    return [accessible ? "open" : reason ?? "other", error ?? "", compact(ports)];
  });
  keep({ time: check.time, address, groups }, check.kept);
  check.kept = check.time;
  showLast();
}

// Says what went wrong, and offers what can be done now and later.
function offer(failure, ports, retry) {
  const { message, wait, now, most } = failure;
  const all = ports.length === 1 ? "it" : `all ${ports.length}`;
  const some = now > 0 && now < ports.length;
  if (now === null) {
    problem.textContent = message;
  } else if (wait > 0) {
    const left = some ? `You can check ${now} more now, or ${all} in ${wait} s.` : `You can check ${all} in ${wait} s.`;
    problem.textContent = `${plural(ports.length, "port")} are more than you may check now. ${left}`;
  } else {
    const left = some ? `You can check ${now} now.` : "Ask for fewer.";
    problem.textContent = `${plural(ports.length, "port")} are too many: this checker takes at most ${most} at once. ${left}`;
  }
  if (some) offers.append(action(`Check ${now} now`, () => retry(ports.slice(0, now))));
  if (wait > 0) countDown(now === null ? "Try again" : `Check ${all}`, wait, () => retry(ports));
}

function action(label, run) {
  const made = make("button", "", label);
  made.type = "button";
  made.addEventListener("click", run);
  return made;
}

// A button that can be pressed when the wait is over.
function countDown(label, seconds, run) {
  const made = action(label, run);
  const until = performance.now() + seconds * 1000;
  const show = () => {
    const left = Math.ceil((until - performance.now()) / 1000);
    made.disabled = left > 0;
    made.textContent = left > 0 ? `${label} in ${left} s` : label;
    if (left <= 0) clearInterval(countdown);
  };
  offers.append(made);
  countdown = setInterval(show, TICK);
  show();
}

function showLast() {
  const kept = entries();
  last.hidden = kept.length === 0;
  element("entries").replaceChildren(...kept.map((entry) => {
    const when = new Date(entry.time).toLocaleString("en", { dateStyle: "medium", timeStyle: "short" });
    const made = action("", () => restore(entry));
    const before = remembered(entry);
    made.append(make("b", "", before ? headline(before) : "Not readable"), ` · ${entry.address} · ${when}`);
    made.disabled = !before;
    return make("li", "", made);
  }));
}

// A kept check as it was shown, or none if its ports are not ports.
function remembered({ time, groups }) {
  const found = new Map();
  const ports = [];
  try {
    for (const [reason, error, list] of groups) {
      for (const port of parse(list, maxPorts)) {
        ports.push(port);
        if (reason !== "unchecked") found.set(port, { port, accessible: reason === "open", reason, error });
      }
    }
  } catch {
    return null;
  }
  ports.sort((a, b) => a - b);
  return ports.length > 0 ? { ports, found, active: new Set(), asked: 0, began: 0, time, kept: time } : null;
}

function restore(entry) {
  if (request) return;
  withdrawOffers();
  check = remembered(entry);
  input.value = compact(check.ports);
  showCommand();
  show(`${headline(check)}.`);
  element("verdict").focus();
}

function submit() {
  withdrawOffers();
  try {
    input.removeAttribute("aria-invalid");
    begin(parse(input.value, Number(maxPorts)));
  } catch (error) {
    input.setAttribute("aria-invalid", "true");
    problem.textContent = error.message;
    input.focus();
  }
}

const verify = (ports) => `port-checker verify ${ports} --server ${location.origin}`;

// The command that listens by itself, with the ports in the field.
function showCommand() {
  let ports = [[7466], []];
  let udp = [];
  try {
    ports = lists(input.value, Number(maxPorts));
    udp = overUdp(ports);
  } catch {
    // Nothing that could be checked has been written yet.
  }
  element("command").textContent = verify(compactBoth(ports));
  element("udp").hidden = udp.length === 0;
  element("udp").replaceChildren(...(udp.length === 0 ? [] : [
    `A browser cannot answer over UDP, so this page says nothing about ${spoken(udp, udpServiceName)} there. `
      + "Run this on the machine itself: ", make("code", "", verify(compactBoth([[], udp]))),
  ]));
  const other = element("other-family");
  if (other.dataset.url) other.href = `${other.dataset.url}/?ports=${encodeURIComponent(input.value.trim())}`;
}

// Which address and family this visit is, and the way to the other family if the checker has one.
function showAddress(ip) {
  const isIpv6 = ip.includes(":");
  address = ip;
  element("address").textContent = ip;
  element("family").textContent = isIpv6 ? "IPv6" : "IPv4";
  const url = isIpv6 ? ipv4 : ipv6;
  if (url) {
    const other = element("other-family");
    other.dataset.url = url;
    other.textContent = `Check over ${isIpv6 ? "IPv4" : "IPv6"} too`;
    other.hidden = false;
    showCommand();
  }
  element("you").hidden = false;
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  if (request) request.abort();
  else submit();
});
input.addEventListener("input", showCommand);
again.addEventListener("click", () => goOn(failed()));
rest.addEventListener("click", () => goOn(unchecked()));
element("copy").addEventListener("click", ({ target }) => copy(asText(check, address), target));
element("copy-command").addEventListener("click", ({ target }) => copy(element("command").textContent, target));
element("clear").addEventListener("click", () => {
  clear();
  showLast();
  input.focus();
});
element("presets").append(...PRESETS.map(([name, ports]) => {
  const preset = action("", () => {
    input.value = ports;
    showCommand();
    input.focus();
  });
  preset.append(`${name} `, make("span", "", ports.replaceAll("-", "–")));
  return preset;
}));
for (const id of ["presets", "listen"]) element(id).hidden = false;

const list = linked();
input.value = list ?? "";
if (list === null) problem.textContent = "The link names too many ports. Write them into the field.";
showCommand();
showLast();
ownAddress().then(showAddress, () => {});
if (list && followedFromHere()) submit();
else if (list) note("This link filled in the ports. Press Check to have them checked at your address.");
