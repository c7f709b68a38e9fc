// The table of clients: their limits, shares of pools that are short, and budgets.

import { DIMENSIONS, clock, found, rows, text, usage } from "./dashboard.js";

const COLUMNS = 14;
const percent = (share) => `${Math.round(share * 100)} %`;

/** By what is under way or waits, then by the requests of the last minute. */
const busy = (client) => (client.in_flight + client.waiting) * 1e9 + client.used.rpm;

export function showClients(clients) {
  rows("clients", found(clients, "find-client", "client-count", "name", busy), (cells, client) => {
    text(cells[0], client.name);
    DIMENSIONS.forEach((dimension, n) => usage(cells[n + 1], client.used[dimension], client.limits?.[dimension]));
    budgets(cells[5], client.budgets);
    text(cells[6], client.priority);
    text(cells[7], client.weight);
    text(cells[8], percent(client.share));
    text(cells[9], client.share_ratio > 0 ? percent(client.share_ratio) : ""); // of pools that are short
    text(cells[10], client.waiting || "");
    text(cells[11], client.limits?.max_concurrent ? `${client.in_flight}/${client.limits.max_concurrent}` : client.in_flight);
    text(cells[12], clock(client.cooldown_until));
    text(cells[13], client.denials);
  }, COLUMNS);
  const table = document.getElementById("clients").classList;
  table.toggle("shared", clients.some((client) => client.share < 1 || client.priority !== "standard"));
  table.toggle("budgeted", clients.some((client) => client.budgets.length));
}

/** A line for each. */
function budgets(cell, all) {
  while (cell.children.length > all.length) cell.lastChild.remove();
  all.forEach((budget, n) => {
    const line = cell.children[n] ?? cell.appendChild(document.createElement("div"));
    const unit = "usd" in budget ? "usd" : "tokens";
    const period = `${budget.rolling ? "rolling " : ""}${budget.per}`;
    const anew = budget.resets_at ? `, anew ${budget.resets_at.slice(0, 16).replace("T", " ")} UTC` : "";
    usage(line, budget.used, budget[unit], ` ${unit} a ${period}${anew}`);
  });
}
