// The table of all pools.

import { percent, seconds, sum, text } from "./format.js";
import { Table } from "./table.js";

export const DIMENSIONS = ["rpm", "itpm", "otpm", "tpm"];
export const DAILY = ["rpd", "tpd"];

/** The limit of which most is used, over these groups; undefined without limits. */
export function binding(groups) {
  let most;
  for (const dimension of [...DIMENSIONS, ...DAILY]) {
    const limited = groups.filter((group) => group.limits[dimension]);
    const limit = limited.reduce((all, group) => all + group.limits[dimension], 0);
    const used = limited.reduce((all, group) => all + group.used[dimension], 0);
    if (limit && !(most?.share >= used / limit)) most = { dimension, share: used / limit };
  }
  return most;
}

/** How many keys have a status. */
export function withStatus(pool, status) {
  let count = 0;
  for (const key of pool.keys.values()) count += key.status === status ? 1 : 0;
  return count;
}

export function capacity({ next_capacity_ms: next }) {
  if (next == null) return "no key can be used";
  return next > 0 ? `in ${seconds(next / 1000)}` : "now";
}

export const words = (name) => name.replaceAll("_", " ");

const counted = (title, status, color) => ({
  title,
  number: true,
  value: (pool) => withStatus(pool, status),
  show: (cell, pool) => {
    const count = withStatus(pool, status);
    text(cell, count || "");
    cell.className = color && count ? status : "";
  },
});

/** @param choose takes the name of a pool that was clicked */
export function poolTable(choose) {
  const fullest = (pool) => binding([...pool.groups.values()]);
  const refused = (pool) => sum(pool.head.refused);
  return new Table(
    "pools",
    [
      {
        title: "pool",
        value: (pool) => pool.head.name,
        show: (cell, pool) => {
          if (!cell.firstChild) {
            const link = Object.assign(document.createElement("a"), { href: "#pool-title" });
            link.addEventListener("click", () => choose(link.textContent));
            cell.append(link);
          }
          text(cell.firstChild, pool.head.name);
        },
      },
      {
        title: "used",
        hint: "Of the limit that is used most, over all groups",
        number: true,
        value: (pool) => fullest(pool)?.share,
        show: (cell, pool) => {
          const most = fullest(pool);
          text(cell, most ? `${percent(most.share)} of ${most.dimension}` : "no limits");
        },
      },
      counted("active", "active"),
      counted("cooling", "cooling"),
      counted("out", "quarantined", true),
      counted("draining", "draining"),
      {
        title: "breaker",
        value: (pool) => pool.head.breaker.state,
        show: (cell, { head: { breaker } }) => {
          text(cell, words(breaker.state));
          cell.className = breaker.state;
        },
      },
      { title: "next capacity", number: true, value: (pool) => pool.head.next_capacity_ms ?? Infinity, show: (cell, pool) => text(cell, capacity(pool.head)) },
      {
        title: "refused in a minute",
        hint: "By this replica",
        number: true,
        value: refused,
        show: (cell, pool) => {
          text(cell, refused(pool) || "");
          cell.title = Object.entries(pool.head.refused).map(([reason, count]) => `${words(reason)} ${count}`).join(", ");
          cell.className = refused(pool) ? "bad" : "";
        },
      },
    ],
    { count: "pool-count", rank: (pool) => (withStatus(pool, "quarantined") || pool.head.breaker.state !== "closed" || refused(pool) ? 0 : 1) },
  );
}
