// Words for numbers and times.

export const at = (id) => document.getElementById(id);

let skewMs = 0; // the replica's clock less this browser's

export function setClock(replicaMs) {
  skewMs = replicaMs - Date.now();
}

/** The time by the replica's clock. */
export const now = () => Date.now() + skewMs;

export function text(element, value) {
  const words = String(value ?? "");
  if (element.textContent !== words) element.textContent = words;
}

export function short(value) {
  if (value == null) return "–";
  const size = Math.abs(value);
  if (size >= 1e9) return +(value / 1e9).toPrecision(3) + "G";
  if (size >= 1e6) return +(value / 1e6).toPrecision(3) + "M";
  if (size >= 1e4) return +(value / 1e3).toPrecision(3) + "k";
  return size >= 100 || Number.isInteger(value) ? String(Math.round(value)) : value.toPrecision(2);
}

export const percent = (share) => (share > 0 && share < 0.01 ? "< 1 %" : `${Math.round(share * 100)} %`);

/** A time that a request took. */
export const seconds = (value) => (value == null ? "–" : value < 1 ? `${Math.round(value * 1000)} ms` : `${value.toPrecision(3)} s`);

export function span(ms) {
  const all = Math.ceil(ms / 1000);
  if (all < 60) return `${all} s`;
  if (all < 3600) return `${Math.floor(all / 60)} m ${all % 60} s`;
  const hours = Math.floor(all / 3600);
  return hours < 48 ? `${hours} h ${Math.floor((all % 3600) / 60)} m` : `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

/** The time until an end, counted down. */
export const clock = (untilMs) => (untilMs > now() ? span(untilMs - now()) : "");

/** A moment; 0 is one before the replica looked for the first time. */
export function time(ms) {
  if (ms == null) return "";
  if (ms === 0) return "before the start";
  const date = new Date(ms);
  const today = date.toDateString() === new Date().toDateString();
  return (today ? "" : `${date.toLocaleDateString("en-GB", { day: "numeric", month: "short" })} `) + date.toLocaleTimeString("en-GB");
}

/** The first names of a list, and how many more there are. */
export const named = (all, most = 5) => all.slice(0, most).join(", ") + (all.length > most ? ` and ${all.length - most} more` : "");

export const plural = (count, one) => `${count} ${one}${count === 1 ? "" : "s"}`;

export const sum = (counts) => Object.values(counts ?? {}).reduce((all, count) => all + count, 0);
