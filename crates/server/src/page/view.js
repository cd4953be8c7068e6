// What the visitor sees of a check: the verdict, the groups, the grid, and the words about one port.

import { plural, serviceName, spoken } from "./ports.js";
import { KINDS, SIGNS, describe } from "./words.js";

export const element = (id) => document.getElementById(id);
const [results, verdict, status, waiting] = ["results", "verdict", "status", "waiting"].map(element);
const [progress, groups, grid, detail] = ["progress", "groups", "grid", "detail"].map(element);

let cells = new Map(); // Port to cell, in the order asked.
let shown = null; // The check that is shown.

// An element with a class and content.
export function make(tag, className, ...content) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  made.append(...content);
  return made;
}

const words = (port) => describe(shown.found.get(port), shown.active.has(port));

// Brings one cell up to date.
export function paint(port) {
  const cell = cells.get(port);
  const { kind, title } = words(port);
  cell.className = `cell ${kind}`;
  cell.dataset.sign = SIGNS[kind];
  cell.setAttribute("aria-label", `${port}: ${title}`);
  if (cell.getAttribute("aria-selected") === "true") explain(port);
}

// Lays out a check: a cell for each port.
export function lay(check) {
  shown = check;
  cells = new Map(check.ports.map((port) => {
    const cell = make("div", "", `${port}`);
    cell.setAttribute("role", "option");
    cell.setAttribute("aria-selected", "false");
    cell.tabIndex = -1;
    cell.dataset.port = port;
    return [port, cell];
  }));
  check.ports.forEach(paint);
  grid.replaceChildren(...cells.values());
  grid.firstElementChild.tabIndex = 0;
  detail.replaceChildren();
  results.hidden = false;
}

// Ports by verdict, in the order of KINDS: [words, ports].
export function grouped(check) {
  const byTitle = new Map();
  for (const port of check.ports) {
    const about = describe(check.found.get(port), check.active.has(port));
    if (about.kind === "checking") continue;
    const group = byTitle.get(about.title) ?? [about, []];
    group[1].push(port);
    byTitle.set(about.title, group);
  }
  return [...byTitle.values()].sort(([a], [b]) => KINDS.indexOf(a.kind) - KINDS.indexOf(b.kind));
}

export const openCount = (check) => [...check.found.values()].filter(({ accessible }) => accessible).length;

// "16 of 65 ports open"
export function headline(check) {
  const missing = check.ports.length - check.found.size;
  if (check.found.size === 0) return `${plural(missing, "port")} not checked`;
  const open = `${openCount(check).toLocaleString("en")} of ${plural(check.ports.length, "port")} open`;
  return missing > 0 ? `${open}, ${missing.toLocaleString("en")} not checked` : open;
}

// The verdict and the groups of what is known so far.
export function summarise(check) {
  const running = check.active.size > 0;
  const open = openCount(check);
  verdict.textContent = running ? `Checking ${plural(check.asked, "port")}` : headline(check);
  verdict.className = running ? "checking" : open === check.ports.length ? "open" : open > 0 ? "some" : "none";
  groups.replaceChildren(...grouped(check).map(([about, ports]) => {
    const sign = make("span", "sign", SIGNS[about.kind]);
    sign.setAttribute("aria-hidden", "true");
    const title = make("h3", "", sign, `${about.title} `, make("span", "count", plural(ports.length, "port")));
    const parts = [title, make("p", "ports", spoken(ports))];
    if (about.meaning) parts.push(make("p", "", about.meaning));
    if (about.remedy) parts.push(make("p", "remedy", make("b", "", "What to do: "), about.remedy));
    return make("li", `group ${about.kind}`, ...parts);
  }));
}

// How far a check is and what it waits for. It changes every second, so it is not announced.
export function tick(check, silentSeconds) {
  const seconds = Math.floor((performance.now() - check.began) / 1000);
  const left = Math.ceil(silentSeconds - seconds);
  const asked = check.asked;
  const done = asked - check.active.size;
  const hope = left > 0 ? `a silent port takes up to ${left} s more` : "the checker is busy; this takes a little longer";
  waiting.textContent = `${done.toLocaleString("en")} of ${asked.toLocaleString("en")} answered · ${seconds} s · waiting for ${plural(check.active.size, "port")}: ${hope}`;
  progress.max = asked;
  progress.value = done;
}

// Shows that a check runs, or that it does not, and announces it once.
export function running(is, words) {
  waiting.hidden = progress.hidden = !is;
  status.textContent = words;
}

// Says beside the grid what was found out about a port, and what to do.
function explain(port) {
  const found = shown.found.get(port);
  const { kind, title, meaning, remedy } = words(port);
  const name = serviceName(port);
  const facts = [];
  if (found?.accessible && found.connect_ms > 0) facts.push(`Connected in ${found.connect_ms.toFixed(1)} ms.`);
  if (found?.icmp) facts.push(`${found.icmp.from} said so.`);
  if (found?.attempts > 1) facts.push(`${found.attempts} attempts.`);
  const lines = [meaning, remedy, facts.join(" ")].filter(Boolean);
  detail.className = kind;
  detail.replaceChildren(
    make("h3", "", `Port ${port}${name ? ` (${name})` : ""}: ${title.toLowerCase()}`),
    ...lines.map((line) => make("p", "", line)),
  );
}

function select(cell, focus) {
  for (const other of grid.querySelectorAll('[tabindex="0"], [aria-selected="true"]')) {
    other.tabIndex = -1;
    other.setAttribute("aria-selected", "false");
  }
  cell.tabIndex = 0;
  cell.setAttribute("aria-selected", "true");
  if (focus) cell.focus();
  explain(Number(cell.dataset.port));
}

grid.addEventListener("click", ({ target }) => {
  if (target.classList.contains("cell")) select(target, true);
});

grid.addEventListener("focusin", ({ target }) => {
  if (target.getAttribute("aria-selected") !== "true") select(target, false);
});

// One stop for the Tab key; the arrows move within.
grid.addEventListener("keydown", (event) => {
  if (event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return;
  const columns = getComputedStyle(grid).gridTemplateColumns.split(" ").length;
  const steps = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: columns, ArrowUp: -columns };
  const all = [...cells.values()];
  const at = all.indexOf(event.target);
  const to = { Home: 0, End: all.length - 1 }[event.key] ?? at + steps[event.key];
  if (all[to]) {
    event.preventDefault();
    select(all[to], true);
  }
});
