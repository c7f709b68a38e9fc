// Whether all is well: the same as `relay status` says of the pools, and whom this replica refuses.

import { named, percent, plural, short, sum, time } from "./format.js";
import { standing } from "./clients.js";
import { words } from "./pools.js";
import { isApart, isOwn, nameOf } from "./replicas.js";

const FAILING = 0.05; // of the requests of the last minute

/**
 * @param minute the requests and failures of the last minute
 * @return [{text, since, target, pool}], the worst first; since may be undefined, target is an id in the page
 */
export function problems({ head, pools, clients, minute, silentMs }) {
  const all = [];
  const add = (text, target, since, pool) => all.push({ text, target, since, pool });
  const { replica, config } = head;
  if (silentMs) add("this replica does not answer", "recent-title", head.now);
  if (!replica.redis_up) add(`Redis does not answer; ${words(replica.redis_mode)} decides`, "events-title", replica.redis_since);
  else if (replica.redis_mode !== "shared") add(`Redis answers, but cannot be used; ${words(replica.redis_mode)} decides`, "events-title", replica.redis_since);
  if (!head.ready) add("this replica is not ready", "events-title");
  for (const fault of config.refused) add(`the config on disk is refused, and an earlier one runs: ${fault}`, "events-title");
  for (const pool of pools) ofPool(pool, add);
  if (replica.redis_up && !silentMs) ofReplicas(head, add); // else it is old
  if (minute.failures && minute.failures >= FAILING * minute.requests) {
    add(`${minute.failures} of ${minute.requests} requests failed in the last minute`, "failed-title");
  }
  ofClients(clients, add);
  return all;
}

/** What other replicas tell: this one's own figures are exact, and of a minute. */
function ofReplicas({ replicas, replica: own }, add) {
  const others = replicas.filter((replica) => !isOwn(replica, own));
  const apart = others.filter(isApart);
  if (apart.length) add(`${plural(apart.length, "other replica")} ${apart.length === 1 ? "is" : "are"} not in mode shared: ${named(apart.map((one) => `${nameOf(one)} (${words(one.mode)})`))}`, "replicas-title");
  const all = (field) => others.reduce((count, one) => count + (one[field] ?? 0), 0);
  const requests = all("requests_per_second");
  const [refused, failed] = [all("refused_per_second"), all("failed_per_second")];
  if (refused) add(`other replicas refuse ${short(refused)} requests a second (${percent(refused / Math.max(refused, requests))})`, "replicas-title");
  if (failed && failed >= FAILING * requests) add(`other replicas answer ${short(failed)} requests a second with 5xx (${percent(failed / Math.max(failed, requests))})`, "replicas-title");
}

function ofPool({ head, keys }, add) {
  const { name, breaker, warnings, refused } = head;
  if (breaker.state !== "closed") add(`pool ${name}: the provider fails, so its breaker is ${words(breaker.state)}`, "pool-title", breaker.since, name);
  const out = [...keys.values()].filter((key) => key.status === "quarantined");
  if (out.length) {
    const which = named(out.map((key) => (key.reason ? `${key.id} (${key.reason})` : key.id)));
    add(`pool ${name}: ${out.length} of ${plural(keys.size, "key")} ${out.length === 1 ? "is" : "are"} quarantined: ${which}`, "keys-title", earliest(out), name);
  }
  for (const { code, accounts } of warnings) {
    add(code === "one_organization" ? `pool ${name}: accounts ${named(accounts)} are one organisation by the provider's answers; give them one \`account\`` : `pool ${name}: ${words(code)}`, "pool-title", undefined, name);
  }
  if (sum(refused)) {
    const why = Object.entries(refused).map(([reason, count]) => `${words(reason)} ${count}`);
    add(`pool ${name}: refused ${plural(sum(refused), "request")} in the last minute: ${named(why)}`, "pool-title", head.refused_since, name);
  }
}

function ofClients(clients, add) {
  const all = clients.map((client) => ({ ...standing(client), client }));
  const broke = all.filter(({ rank }) => rank === 0);
  if (broke.length) {
    const which = named(broke.map(({ client, until }) => client.name + (until ? ` until ${time(until)}` : "")));
    add(`${plural(broke.length, "client")} out of budget: ${which}`, "clients-title", earliest(broke.map(({ client }) => client)));
  }
  const refused = all.filter(({ rank }) => rank === 1).map(({ client }) => client);
  if (refused.length) {
    const share = (client) => percent((client.refused + client.failed) / Math.max(1, client.requests));
    add(`${plural(refused.length, "client")} refused in the last minute: ${named(refused.map((client) => `${client.name} (${share(client)})`))}`, "clients-title", earliest(refused));
  }
}

const earliest = (all) => {
  const known = all.map((each) => each.since).filter((since) => since != null);
  return known.length ? Math.min(...known) : undefined;
};

export const since = (ms) => (ms == null ? "" : ms === 0 ? ", since before this replica's start" : `, since ${time(ms)}`);

/** The verdict in one line: whether all is well, since when not, and who suffers. */
export function summary(all, pools, clients) {
  if (all.length === 0 && pools.length === 0) return "No pool has told its state yet";
  const keys = pools.reduce((count, pool) => count + pool.keys.size, 0);
  if (all.length === 0) return `Healthy: ${plural(pools.length, "pool")}, ${plural(keys, "key")}; nobody was refused in the last minute`;
  const suffer = clients.filter((client) => client.refused + client.failed > 0).map((client) => client.name);
  return `${plural(all.length, "problem")}${since(earliest(all))}${suffer.length ? `; not served: ${named(suffer)}` : ""}`;
}
