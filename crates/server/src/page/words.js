// What each verdict is called, what it tells the owner of the port, and what to do.

// For each `reason` of the API: the kind, which decides colour and sign; the title; what it means; what to do.
const REASONS = {
  refused: ["refused", "Refused",
    "A machine answered that nothing listens there. The router may forward to the wrong machine.",
    "Start the service and let it listen on all addresses (0.0.0.0 or ::). Check to which machine the router forwards."],
  timed_out: ["silent", "No answer",
    "Nothing came back: a firewall drops the packets, or the router does not forward them.",
    "In your router, forward to the machine with the service. Allow incoming connections in the firewall of that machine."],
  host_unreachable: ["rejected", "Rejected by a router",
    "A router on the way says that it cannot reach your machine, or must not.",
    "Look for a rule in your router that rejects connections, and check that the machine is on."],
  network_unreachable: ["rejected", "Network unreachable",
    "A router on the way knows no route to your network.",
    "Ask your Internet provider, or try again later."],
  reset: ["reset", "Closed at once",
    "Something accepted the connection and reset it at once.",
    "Read the log of the service, and check whether it accepts connections from the Internet."],
  challenge_failed: ["rejected", "Another machine",
    "Another listener than yours answered.",
    "Check to which machine the router forwards."],
  partial: ["rejected", "Open from some places only",
    "Some checkers get through and others do not.",
    "Look for a firewall rule that allows only some addresses."],
};

const OPEN = { kind: "open", title: "Open", meaning: "Connections from the Internet arrive.", remedy: "" };
const CHECKING = { kind: "checking", title: "Checking", meaning: "No result yet.", remedy: "" };
const UNCHECKED = { kind: "unchecked", title: "Not checked", meaning: "This check ended before there was a result.", remedy: "" };

// A sign for each kind: colour alone must not tell them apart.
export const SIGNS = {
  open: "✓", refused: "✕", silent: "?", rejected: "⊘", reset: "↺", checking: "·", unchecked: "–", other: "!",
};

// The order of groups.
export const KINDS = ["open", "refused", "reset", "rejected", "other", "silent", "unchecked"];

// The words for what was found, which is undefined for a port without a result.
export function describe(found, active) {
  if (!found) return active ? CHECKING : UNCHECKED;
  if (found.accessible) return OPEN;
  const known = Object.hasOwn(REASONS, found.reason) ? REASONS[found.reason] : null;
  const [kind, title, meaning, remedy] = known ?? ["other", found.error ?? "Not open", "", ""];
  return { kind, title, meaning, remedy };
}
