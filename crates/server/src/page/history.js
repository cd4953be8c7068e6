// The last results on this device, and nowhere else.

const KEY = "port-checker-results";

// Checks kept, and characters of one: five checks of 1,024 scattered ports take less than 50 KB.
const MAX_ENTRIES = 5;
const MAX_CHARACTERS = 10_000;

const isEntry = (entry) => entry !== null && typeof entry === "object" && Number.isFinite(entry.time)
  && typeof entry.address === "string" && Array.isArray(entry.groups)
  && entry.groups.every((group) => Array.isArray(group) && group.length === 3
    && typeof group[0] === "string" && typeof group[1] === "string" && typeof group[2] === "string");

// Newest first. What a browser does not let us read, or somebody changed, counts as nothing.
export function entries() {
  try {
    const kept = JSON.parse(localStorage.getItem(KEY) ?? "[]");
    return Array.isArray(kept) ? kept.filter(isEntry).slice(0, MAX_ENTRIES) : [];
  } catch {
    return [];
  }
}

// The entry takes the place of the one of this time, if there is one.
export function keep(entry, replaced) {
  if (JSON.stringify(entry).length > MAX_CHARACTERS) return;
  const others = entries().filter(({ time }) => time !== replaced);
  try {
    localStorage.setItem(KEY, JSON.stringify([entry, ...others].slice(0, MAX_ENTRIES)));
  } catch {
    // Storage is full or switched off: the results on the screen stay.
  }
}

export function clear() {
  try {
    localStorage.removeItem(KEY);
  } catch {
    // Nothing is stored where nothing may be.
  }
}
