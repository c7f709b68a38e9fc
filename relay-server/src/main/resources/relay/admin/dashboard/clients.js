// The table of clients: who is refused and why, their limits, budgets, and shares of pools that are short.

import { at, clock, percent, short, time, text } from "./format.js";
import { DIMENSIONS, words } from "./pools.js";
import { Table, usage } from "./table.js";

const unit = (budget) => ("usd" in budget ? "usd" : "tokens");
const spent = (client) => client.budgets.filter((budget) => budget.used >= budget[unit(budget)]);
const period = (budget) => `${unit(budget)} a ${budget.rolling ? "rolling " : ""}${budget.per}`;

/** What is wrong with a client; its rank is 0 for the worst. */
export function standing(client) {
  const unserved = client.refused + client.failed;
  const reasons = Object.entries(client.denied).map(([reason, count]) => `${words(reason)} ${count}`);
  const why = unserved ? `${unserved} of ${short(client.requests)} in a minute${reasons.length ? `: ${reasons.join(", ")}` : ""}` : "";
  if (client.enforce && spent(client).length) {
    const ends = spent(client).map((budget) => budget.resets_at);
    const until = ends.every(Boolean) ? Date.parse(ends.toSorted().at(-1)) : null;
    return { rank: 0, status: "out of budget", why: why || spent(client).map(period).join(", "), until };
  }
  if (unserved) return { rank: 1, status: client.refused ? "refused" : "failing", why, until: client.cooldown_until || null };
  if (clock(client.cooldown_until)) return { rank: 2, status: "at its limit", why, until: client.cooldown_until };
  return { rank: 3, status: "ok", why, until: null };
}

const used = (dimension, title) => ({
  title,
  number: true,
  value: (client) => client.used[dimension],
  show: (cell, client) => usage(cell, client.used[dimension], client.limits?.[dimension]),
});

const TITLES = ["requests", "input", "output", "input + output"];

const table = new Table(
  "clients",
  [
    { title: "client", value: (client) => client.name },
    {
      title: "status",
      value: (client) => standing(client).status,
      show: (cell, client) => {
        const { status, rank } = standing(client);
        text(cell, status);
        cell.className = rank < 2 ? "bad" : "";
      },
    },
    { title: "why", hint: "By this replica", number: true, value: (client) => client.refused + client.failed || null, show: (cell, client) => text(cell, standing(client).why) },
    { title: "since", hint: "As this replica has seen it", number: true, value: (client) => client.since, show: (cell, client) => text(cell, time(client.since)) },
    { title: "until", number: true, value: (client) => standing(client).until, show: (cell, client) => text(cell, time(standing(client).until)) },
    ...DIMENSIONS.map((dimension, n) => used(dimension, TITLES[n])),
    { title: "budgets", number: true, value: (client) => Math.max(0, ...client.budgets.map((budget) => budget.used / budget[unit(budget)])), show: budgets },
    { title: "priority", value: (client) => client.priority },
    { title: "weight", number: true, value: (client) => client.weight },
    { title: "share", hint: "Of a pool that is short, among the clients that want it", number: true, value: (client) => client.share, show: (cell, client) => text(cell, percent(client.share)) },
    {
      title: "had of its share",
      hint: "In pools that are short: what it used, of its share",
      number: true,
      value: (client) => client.share_ratio || null,
      show: (cell, client) => text(cell, client.share_ratio > 0 ? percent(client.share_ratio) : ""),
    },
    { title: "waiting", number: true, value: (client) => client.waiting || null },
    {
      title: "in flight",
      number: true,
      value: (client) => client.in_flight,
      show: (cell, client) => text(cell, client.limits?.max_concurrent ? `${client.in_flight}/${client.limits.max_concurrent}` : client.in_flight),
    },
  ],
  {
    find: "find-client",
    count: "client-count",
    name: (client) => client.name,
    rank: (client) => standing(client).rank,
    busy: (client) => (client.in_flight + client.waiting) * 1e9 + client.used.rpm,
  },
);

export function showClients(clients) {
  table.show(clients);
  const shown = at("clients").classList;
  shown.toggle("shared", clients.some((client) => client.share < 1 || client.priority !== "standard"));
  shown.toggle("budgeted", clients.some((client) => client.budgets.length));
}

/** A line for each. */
function budgets(cell, { budgets: all }) {
  while (cell.children.length > all.length) cell.lastChild.remove();
  all.forEach((budget, n) => {
    const line = cell.children[n] ?? cell.appendChild(document.createElement("div"));
    const resets = budget.resets_at ? `resets ${budget.resets_at.slice(0, 16).replace("T", " ")} UTC` : "";
    usage(line, budget.used, budget[unit(budget)], ` ${period(budget)}`, resets);
  });
}
