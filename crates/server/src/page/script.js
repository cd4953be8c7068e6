// The page of the port checker: asks POST /check-ports about the visitor's own address and shows each
// port as it is judged.

const LAST_PORT = 65535;

// What each `reason` of the API tells the owner of the port, and what to do.
const REASONS = {
  refused: [
    "Your host answered, and nothing listens there; or the forward points at the wrong machine.",
    "Start the service, let it listen on all addresses, and look where your router forwards the port.",
  ],
  timed_out: [
    "Nothing came back: a firewall drops the packets, or no forward exists.",
    "Forward the port in your router to the machine that should answer, and allow it in its firewall.",
  ],
  host_unreachable: [
    "A router on the way says that it cannot reach your host, or must not.",
    "Look for a rule in your router that rejects the port, and whether the machine is on.",
  ],
  network_unreachable: [
    "A router on the way knows no route to your network.",
    "Ask your Internet provider, or try again in a while.",
  ],
  reset: [
    "Something accepted the connection and hung up at once.",
    "Look at the log of the service, and whether it admits strangers.",
  ],
  challenge_failed: [
    "A listener answered that is not yours.",
    "Look where your router forwards the port.",
  ],
};
const REACHABLE = ["The Internet reaches this port.", "Nothing is left to do."];
const WAITING = ["This port is not judged yet.", ""];

const element = (id) => document.getElementById(id);
const [form, input, button, problem] = ["form", "ports", "go", "problem"].map(element);
const [results, summary, progress, grid] = ["results", "summary", "progress", "grid"].map(element);
const [detail, link] = ["detail", "link"].map(element);

let running = null; // The AbortController of the check under way.
let countdown = null; // The timer of a limit that is not over.
let cells = new Map(); // Port to cell, in the order asked.
let found = new Map(); // Port to what was found.

// Ports out of "50800-50899, 7466", each once; or an error that quotes the part that is wrong.
function parse(text) {
  const ports = new Set();
  const parts = text.replace(/\s*[-–]\s*/g, "-").split(/[\s,;]+/).filter(Boolean);
  if (parts.length === 0) throw new Error("Name at least one port, such as 7466 or 50800-50899.");
  for (const part of parts) {
    const [, first, last = first] = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(part) ?? [];
    const [from, to] = [Number(first), Number(last)];
    if (!(from >= 1 && from <= to && to <= LAST_PORT)) {
      throw new Error(`“${part}” is neither a port from 1 to ${LAST_PORT} nor a range such as 50800-50899.`);
    }
    for (let port = from; port <= to; port += 1) ports.add(port);
  }
  return [...ports];
}

function plural(count, word) {
  return `${count} ${word}${count === 1 ? "" : "s"}`;
}

// Shows a cell for each port, none judged.
function lay(ports) {
  found = new Map();
  cells = new Map(ports.map((port) => {
    const cell = document.createElement("div");
    cell.className = "cell";
    cell.textContent = port;
    cell.setAttribute("role", "option");
    cell.setAttribute("aria-selected", "false");
    cell.setAttribute("aria-label", `${port}: not judged yet`);
    cell.tabIndex = -1;
    cell.dataset.port = port;
    return [port, cell];
  }));
  grid.replaceChildren(...cells.values());
  grid.firstElementChild.tabIndex = 0;
  detail.replaceChildren();
  progress.max = ports.length;
  progress.value = 0;
  progress.hidden = false;
  results.hidden = false;
  summary.textContent = `Checking ${plural(ports.length, "port")}.`;
}

function judged({ port, accessible, error, reason }) {
  found.set(port, { accessible, error, reason });
  const cell = cells.get(port);
  cell.classList.add(accessible ? "good" : "bad");
  cell.setAttribute("aria-label", `${port}: ${accessible ? "reachable" : error}`);
  progress.value = found.size;
  if (cell.getAttribute("aria-selected") === "true") explain(port);
}

// Says beside the grid what was found out about a port, and what to do.
function explain(port) {
  const verdict = found.get(port);
  const [meaning, remedy] = !verdict ? WAITING
    : verdict.accessible ? REACHABLE
    : REASONS[verdict.reason] ?? ["", ""];
  const title = document.createElement("h3");
  title.textContent = `Port ${port}: ${verdict ? verdict.error ?? "reachable" : "not judged yet"}`;
  const lines = [meaning, remedy].filter(Boolean).map((text) => {
    const line = document.createElement("p");
    line.textContent = text;
    return line;
  });
  detail.replaceChildren(title, ...lines);
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

// The verdicts so far in words.
function inWords() {
  const errors = new Map();
  for (const { error } of found.values()) errors.set(error, (errors.get(error) ?? 0) + 1);
  const reachable = errors.get(null) ?? 0;
  errors.delete(null);
  const unknown = cells.size - found.size;
  if (unknown > 0) errors.set("Not judged", unknown);
  const details = [...errors].map(([error, count]) => ` ${error}: ${count}.`).join("");
  return `${reachable} of ${plural(cells.size, "port")} reachable.${details}`;
}

// The lines of an answer, as they arrive.
async function* lines(body) {
  let rest = "";
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    const parts = (rest + value).split("\n");
    rest = parts.pop();
    yield* parts.filter(Boolean);
  }
}

// What is said to the visitor, and in how many seconds it may be tried again.
class Failure extends Error {
  constructor(message, retryAfter = 0) {
    super(message);
    this.retryAfter = retryAfter;
  }
}

// An answer of the checker that is not a success, or of something before it that is not the checker.
async function refusal(response) {
  const body = await response.json().catch(() => null);
  const message = body?.detail?.message ?? `The checker cannot be used now: it answered ${response.status}.`;
  return new Failure(message, Number(response.headers.get("Retry-After")));
}

async function check(ports, signal) {
  const response = await fetch("/check-ports", {
    method: "POST",
    headers: { "Content-Type": "application/json", Accept: "application/x-ndjson" },
    body: JSON.stringify({ ports, verbose: true }),
    signal,
  }).catch((error) => {
    throw signal.aborted ? error : new Failure("The checker cannot be reached. Try again in a while.");
  });
  if (!response.ok) throw await refusal(response);
  lay(ports);
  try {
    for await (const text of lines(response.body)) {
      const line = JSON.parse(text);
      if (line.detail) throw new Failure(line.detail.message);
      if ("port" in line) judged(line);
    }
  } catch (error) {
    throw signal.aborted || error instanceof Failure ? error : new Failure("The answer broke off.");
  }
  if (found.size < ports.length) throw new Failure("The answer broke off.");
}

// Offers to try again when the limit is over.
function countDown(seconds) {
  const end = Date.now() + seconds * 1000;
  const tick = () => {
    const left = Math.ceil((end - Date.now()) / 1000);
    if (left > 0) {
      button.textContent = `Try again in ${left} s`;
      return;
    }
    clearInterval(countdown);
    countdown = null;
    button.disabled = false;
    button.textContent = "Try again";
  };
  button.disabled = true;
  countdown = setInterval(tick, 250);
  tick();
}

function fail(error, signal) {
  if (signal.aborted) {
    problem.textContent = `Cancelled after ${plural(found.size, "port")}.`;
    return;
  }
  problem.textContent = error.message;
  if (error.retryAfter > 0) countDown(error.retryAfter);
}

async function run(ports) {
  const query = `?ports=${encodeURIComponent(input.value.trim())}`;
  history.replaceState(null, "", query);
  link.href = query;
  running = new AbortController();
  const { signal } = running;
  button.textContent = "Cancel";
  found = new Map();
  cells = new Map();
  results.hidden = true;
  try {
    await check(ports, signal);
  } catch (error) {
    fail(error, signal);
  } finally {
    running = null;
    progress.hidden = true;
    if (cells.size > 0) summary.textContent = inWords();
    if (!countdown) button.textContent = "Check";
  }
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  if (running) return running.abort();
  problem.textContent = "";
  try {
    input.removeAttribute("aria-invalid");
    run(parse(input.value));
  } catch (error) {
    input.setAttribute("aria-invalid", "true");
    problem.textContent = error.message;
    input.focus();
  }
});

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

input.value = new URLSearchParams(location.search).get("ports") ?? "";
fetch("/ip", { headers: { Accept: "application/json" } })
  .then(async (response) => response.ok ? response.json() : Promise.reject(await refusal(response)))
  .then(({ ip }) => { element("address").textContent = ip; })
  .catch(() => { element("address").textContent = "an address the checker cannot tell"; });
