// A check as text, as a command and as a link.

import { compact, spoken } from "./ports.js";
import { grouped, headline } from "./view.js";

// Characters of a list of ports in an address: servers on the way may refuse longer ones.
const MAX_LINK_CHARACTERS = 2000;

// How long a button says that it has copied, in milliseconds.
const COPIED_TIME = 2000;

const LINE_WIDTH = 16;

// The verdict and the groups for a mail or a forum.
export function asText(check, address) {
  const lines = grouped(check).map(([{ title, meaning, remedy }, ports]) =>
    `${title.padEnd(LINE_WIDTH)}${spoken(ports)}\n${"".padEnd(LINE_WIDTH)}${[meaning, remedy].filter(Boolean).join(" ")}`);
  const time = new Date(check.time).toISOString().slice(0, 16).replace("T", " ");
  return [`${headline(check)} on ${address}, checked by ${location.origin} at ${time} UTC`, "", ...lines, ""].join("\n");
}

// The address of this page with the ports, or none where they are too many.
export function linkTo(ports) {
  const list = compact(ports);
  return list.length > MAX_LINK_CHARACTERS ? null : `/?ports=${list}`;
}

// The ports in the address of this page: "" if there are none, null if they are too many.
export function linked() {
  const list = new URLSearchParams(location.search).get("ports") ?? "";
  return list.length > MAX_LINK_CHARACTERS ? null : list;
}

// Whether a link on a page of this checker was followed. What came from elsewhere, was typed or was
// reloaded is filled in and not run: no other page makes its visitor's browser check anything.
export function followedFromHere() {
  const [{ type } = {}] = performance.getEntriesByType("navigation");
  return type === "navigate" && document.referrer.startsWith(`${location.origin}/`);
}

// Over plain HTTP there is no navigator.clipboard.
function copyBySelection(text) {
  const area = document.createElement("textarea");
  area.value = text;
  document.body.append(area);
  area.select();
  const copied = document.execCommand("copy");
  area.remove();
  return copied;
}

export async function copy(text, button) {
  const copied = navigator.clipboard
    ? await navigator.clipboard.writeText(text).then(() => true, () => copyBySelection(text))
    : copyBySelection(text);
  const label = button.dataset.label ??= button.textContent;
  button.textContent = copied ? "Copied" : "Select the text and copy it yourself";
  button.focus();
  setTimeout(() => { button.textContent = label; }, COPIED_TIME);
}
