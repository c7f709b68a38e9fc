// The last events and failed requests of this replica.

import { at, seconds, text, time } from "./format.js";
import { Table } from "./table.js";

const SHOWN = 20;
const EVERY_MS = 5_000;

const when = { title: "time", number: true, value: (one) => Date.parse(one.ts), show: (cell, one) => text(cell, time(Date.parse(one.ts))) };

const EVENTS = [
  when,
  {
    title: "level",
    value: (event) => event.level,
    show: (cell, event) => {
      text(cell, event.level);
      cell.className = { error: "bad", warn: "warn" }[event.level] ?? "";
    },
  },
  { title: "message", value: (event) => event.msg },
];

const FAILED = [
  when,
  { title: "status", number: true, value: (request) => request.status },
  { title: "client", value: (request) => request.client },
  { title: "provider", value: (request) => request.provider },
  { title: "key", value: (request) => request.key },
  { title: "model", value: (request) => request.model },
  { title: "answered by", value: (request) => (request.origin === "relay" ? "Relay" : "the provider") },
  { title: "attempts", number: true, value: (request) => request.attempts },
  { title: "broken off", value: (request) => request.broken },
  { title: "took", number: true, value: (request) => request.duration_ms, show: (cell, request) => text(cell, seconds(request.duration_ms / 1000)) },
  { title: "request", value: (request) => request.request },
];

const tables = [
  { path: "/events", field: "events", section: "events", table: new Table("event-list", EVENTS) },
  { path: "/requests?failed=true", field: "requests", section: "failed", table: new Table("failed-list", FAILED) },
];

async function read({ path, field, section, table }) {
  const place = at(section).classList;
  try {
    const answer = await fetch(path);
    if (!answer.ok) throw new Error(answer.status);
    const all = (await answer.json())[field];
    table.show(all.toReversed().slice(0, SHOWN));
    place.toggle("none", all.length === 0);
    place.remove("stale");
  } catch {
    place.add("stale"); // the last ones stay
  }
}

export function readRecent() {
  const again = () => document.hidden || tables.forEach(read);
  again();
  setInterval(again, EVERY_MS);
  document.addEventListener("visibilitychange", again);
}
