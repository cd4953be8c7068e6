// The checker, over HTTP: POST /check-ports about the visitor's own address, line by line.

// What is said to the visitor. `wait` is in how many seconds it may be tried again, 0 if that is never or
// unknown; if a limit was the cause, `now` is how many ports may be checked now, and `most` how many ever.
export class Failure extends Error {
  constructor(message, { wait = 0, now = null, most = null } = {}) {
    super(message);
    this.wait = wait;
    this.now = now;
    this.most = most;
  }
}

// The least number of a field in which each limit has one: `"caller";r=22;t=3, "target";r=1024;t=0`.
function least(text, pattern) {
  const counts = [...(text ?? "").matchAll(pattern)].map(([, count]) => Number(count));
  return counts.length > 0 ? Math.min(...counts) : null;
}

// An answer of the checker that is not a success, or of something before it that is not the checker.
async function refusal(response) {
  const body = await response.json().catch(() => null);
  const wait = Number(response.headers.get("Retry-After")) || 0;
  const message = body?.detail?.message ?? `The checker cannot be used now: it answered ${response.status}.`;
  if (response.status !== 429) return new Failure(message, { wait });
  const now = least(response.headers.get("RateLimit"), /;\s*r=(\d+)/g);
  const most = least(response.headers.get("RateLimit-Policy"), /;\s*q=(\d+)/g);
  return new Failure(message, { wait, now, most });
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

// Checks these ports and hands over each result as it arrives.
export async function check(ports, signal, judged) {
  const response = await fetch("/check-ports", {
    method: "POST",
    headers: { "Content-Type": "application/json", Accept: "application/x-ndjson" },
    body: JSON.stringify({ ports, verbose: true }),
    signal,
  }).catch((error) => {
    throw signal.aborted ? error : new Failure("The checker cannot be reached. Try again later.");
  });
  if (!response.ok) throw await refusal(response);
  let ended = false;
  try {
    for await (const text of lines(response.body)) {
      const line = JSON.parse(text);
      if (line.detail) throw new Failure(line.detail.message);
      if ("port" in line) judged(line);
      else ended = true;
    }
  } catch (error) {
    throw signal.aborted || error instanceof Failure ? error : new Failure("The answer broke off.");
  }
  if (!ended) throw new Failure("The answer broke off.");
}

// The visitor's address as the checker sees it.
export async function address() {
  const response = await fetch("/ip", { headers: { Accept: "application/json" } });
  if (!response.ok) throw await refusal(response);
  return (await response.json()).ip;
}
