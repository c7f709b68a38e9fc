// Takes what has changed from /dashboard/events, and shows it.

import { showClients } from "./clients.js";
import { at, clock, now, named, plural, seconds, setClock, span, text, time } from "./format.js";
import { KeyList } from "./keys.js";
import { Plots } from "./plots.js";
import { DAILY, DIMENSIONS, capacity, poolTable, words } from "./pools.js";
import { readRecent } from "./recent.js";
import { showReplicas } from "./replicas.js";
import { Table, usage } from "./table.js";
import { Traffic, showTraffic } from "./traffic.js";
import { problems, since, summary } from "./verdict.js";

const NAMES = { rpm: "requests", itpm: "input tokens", otpm: "output tokens", tpm: "input + output tokens" };
const KEPT_SECONDS = 300;
const SILENT_MS = 4_000;
const OLD_MS = 5_000; // heartbeats come twice a second

const pools = new Map(); // name -> {head, groups, keys: Map by id, in order; samples: Map by group id, "" = the pool}
let clients = new Map();
let head = null;
let heardMs = 0;
let traffic = new Traffic();
let chosen = "";

function merge(known, changed, order) {
  for (const node of changed ?? []) known.set(node.id ?? node.name, node);
  return order ? new Map(order.map((id) => [id, known.get(id)])) : known;
}

/** `used` includes reservations of requests and input. Reserved output is not in it until it is made. */
function sample(pool, id, seconds, used, reserved, limits) {
  let series = pool.samples.get(id);
  if (!series) pool.samples.set(id, (series = { times: [], used: {}, reserved: {}, limit: {} }));
  if (series.times.at(-1) >= seconds) return;
  series.times.push(seconds);
  for (const dimension of DIMENSIONS) {
    (series.used[dimension] ??= []).push(used[dimension] ?? 0);
    (series.reserved[dimension] ??= []).push((used[dimension] ?? 0) + reserved);
    (series.limit[dimension] ??= []).push(limits[dimension] || null);
  }
  while (series.times[0] < seconds - KEPT_SECONDS) {
    series.times.shift();
    for (const dimension of DIMENSIONS) {
      series.used[dimension].shift();
      series.reserved[dimension].shift();
      series.limit[dimension].shift();
    }
  }
}

function total(groups, field) {
  const all = {};
  for (const dimension of DIMENSIONS) {
    all[dimension] = 0;
    for (const group of groups) all[dimension] += group[field][dimension] ?? 0;
  }
  return all;
}

function take(message) {
  const first = message.history;
  heardMs = Date.now();
  setClock(message.now);
  if (first) {
    pools.clear();
    traffic = new Traffic();
    clients = new Map();
    for (const reading of first.traffic) traffic.add(reading.now, reading.replica, reading.traffic);
  }
  head = message;
  traffic.add(message.now, message.replica, message.traffic);
  const names = new Set();
  for (const each of message.pools) {
    const { groups, groups_order, keys, keys_order, ...poolHead } = each;
    names.add(each.name);
    const pool = pools.get(each.name) ?? { groups: new Map(), keys: new Map(), samples: new Map() };
    pools.set(each.name, pool);
    pool.head = poolHead;
    pool.groups = merge(pool.groups, groups, groups_order);
    pool.keys = merge(pool.keys, keys, keys_order);
  }
  for (const name of pools.keys()) if (!names.has(name)) pools.delete(name);
  clients = merge(clients, message.clients, message.clients_order);
  if (first) recall(message, first);
  for (const pool of pools.values()) {
    const seconds = message.now / 1000;
    const groups = [...pool.groups.values()];
    const reserved = groups.reduce((all, group) => all + group.reserved_output, 0);
    sample(pool, "", seconds, total(groups, "used"), reserved, total(groups, "limits"));
    for (const group of groups.slice(0, 50)) sample(pool, group.id, seconds, group.used, group.reserved_output, group.limits);
  }
}

/** Takes the samples that the replica kept from before this page was open. */
function recall(message, { step_ms, series }) {
  for (const { pool: name, group, used, limit, reserved_output } of series) {
    const pool = pools.get(name);
    const many = used.rpm.length;
    for (let n = 0; pool && n < many; n++) {
      const seconds = (message.now - (many - n) * step_ms) / 1000;
      const nth = (all) => Object.fromEntries(DIMENSIONS.map((dimension) => [dimension, all[dimension][n]]));
      sample(pool, group ?? "", seconds, nth(used), reserved_output[n], nth(limit));
    }
  }
}

function options(select, values, chosenNow) {
  if (select.dataset.values !== JSON.stringify(values)) {
    select.dataset.values = JSON.stringify(values);
    select.replaceChildren(...values.map(([value, label]) => new Option(label, value)));
  }
  const value = values.some(([each]) => each === chosenNow) ? chosenNow : values[0]?.[0];
  if (value !== undefined && select.value !== value) select.value = value;
  return value ?? "";
}

/** The verdict, and which parts are old: all of the page, or without Redis what is the fleet's. */
function showHead() {
  const silence = Date.now() - heardMs;
  const silentMs = silence < SILENT_MS ? 0 : silence;
  const { name, version, started, redis_mode } = head.replica;
  at("connection").className = silentMs ? "lost" : head.ready ? "live" : "";
  text(at("connection"), silentMs ? `no news for ${Math.round(silence / 1000)} s` : head.ready ? "live" : "live, not ready");
  text(at("replica"), `${name}, ${version}, up ${span(now() - started)}`);
  const states = [...pools.values()];
  const users = [...clients.values()];
  const minute = { requests: traffic.minute("requests"), failures: traffic.minute("failures") };
  const all = problems({ head, pools: states, clients: users, minute, silentMs });
  at("verdict").className = all.length ? "bad" : states.length ? "good" : "";
  text(at("verdict"), `${summary(all, states, users)}.`);
  document.title = all.length ? `(${all.length}) Relay` : "Relay";
  while (at("problems").children.length > all.length) at("problems").lastChild.remove();
  all.forEach((problem, n) => {
    const line = at("problems").children[n] ?? at("problems").appendChild(document.createElement("li"));
    if (!line.firstChild) line.append(document.createElement("a"));
    const link = line.firstChild;
    link.href = `#${problem.target}`;
    link.dataset.pool = problem.pool ?? "";
    text(link, problem.text + since(problem.since));
  });
  const age = Math.max(0, ...states.map((pool) => pool.head.age_ms)) + silentMs;
  const isOld = silentMs > 0 || age > OLD_MS || !head.replica.redis_up;
  document.body.classList.toggle("silent", silentMs > 0);
  document.body.classList.toggle("old", isOld);
  at("age").hidden = !isOld;
  text(at("age"), `Pools and clients are shown as of ${Math.round(age / 1000)} s ago.`);
  const fleet = head.fleet.map((one) => `${plural(one.replicas, "replica")} with config ${one.hash} since ${time(Date.parse(one.since))}`);
  if (fleet.length === 0) fleet.push(`config ${head.config.hash}`);
  if (head.fleet.length > 1) fleet.push("a change goes through the fleet");
  if (head.config.need_restart.length) fleet.push(`from the next start: ${named(head.config.need_restart)}`);
  text(at("fleet"), `${fleet.join("; ")}; Redis mode ${words(redis_mode)}`);
}

const LEARNED = [" *", "limit according to the provider's answers"];
const isLearned = (group, dimension) => group.learned[dimension] && group.learned[dimension] === group.limits[dimension];

const used = (dimension, title) => ({
  title,
  number: true,
  value: (group) => (group.limits[dimension] ? group.used[dimension] / group.limits[dimension] : null),
  show: (cell, group) => usage(cell, group.used[dimension], group.limits[dimension], ...(isLearned(group, dimension) ? LEARNED : [])),
});

const groupTable = new Table(
  "groups",
  [
    {
      title: "group",
      value: (group) => group.id,
      show: (cell, group) => {
        text(cell, group.id);
        cell.title = group.rule ? `${group.rule}: ${group.why}` : "";
      },
    },
    used("rpm", "requests"),
    used("itpm", "input"),
    used("otpm", "output"),
    used("tpm", "input + output"),
    { title: "burst", number: true, value: (group) => group.burst, show: (cell, group) => text(cell, `${Math.round(group.burst * 100)} %`) },
    { title: "in flight", number: true, value: (group) => group.in_flight },
    {
      title: "cooldown",
      number: true,
      value: (group) => group.cooldown_until || null,
      show: (cell, group) => {
        text(cell, clock(group.cooldown_until));
        cell.className = "cooling";
      },
    },
    used("rpd", "requests a day"),
    used("tpd", "tokens a day"),
  ],
  { find: "find-group", count: "group-count", name: (group) => group.id },
);

function showPool() {
  chosen = options(at("pool"), [...pools.keys()].map((name) => [name, name]), at("pool").value || chosen);
  const pool = pools.get(chosen);
  if (!pool) return;
  const { breaker, strategy, accounting, window_ms, replicas } = pool.head;
  at("pool-facts").replaceChildren(
    `${strategy}, ${accounting}, window ${window_ms / 1000} s, ${plural(replicas, "replica")}, next capacity: ${capacity(pool.head)}, breaker `,
    Object.assign(document.createElement("span"), { className: breaker.state, textContent: words(breaker.state) }),
    breaker.state === "closed" ? "" : `: next try in ${seconds(breaker.next_try_ms / 1000)}`,
  );
  const groups = [...pool.groups.values()];
  const plotted = options(at("plotted"), [["", "all groups"], ...groups.slice(0, 50).map((group) => [group.id, group.id])], at("plotted").value);
  const series = pool.samples.get(plotted);
  const having = (what) => DIMENSIONS.filter((dimension) => series?.[what][dimension].some(Boolean));
  const limited = having("limit").length ? having("limit") : having("used");
  poolPlots.show(
    limited.map((dimension) => {
      const withReserved = dimension === "otpm" || dimension === "tpm"; // in the others it is used already
      return {
        title: `${NAMES[dimension]}, last ${window_ms / 1000} s`,
        lines: [
          { label: "used", color: "blue", fill: true },
          ...(withReserved ? [{ label: "with reserved", color: "good" }] : []),
          { label: "limit", color: "dim", dash: [6, 4] },
        ],
        data: [series.times, series.used[dimension], ...(withReserved ? [series.reserved[dimension]] : []), series.limit[dimension]],
      };
    }),
  );
  groupTable.show(groups);
  at("groups").classList.toggle("daily", groups.some((group) => DAILY.some((dimension) => group.limits[dimension])));
  keys.show(chosen, [...pool.keys.values()], groups);
}

function choose(name) {
  if (!pools.has(name)) return;
  at("pool").value = name;
  at("plotted").value = "";
  show();
}

function show() {
  if (!head || document.hidden) return;
  const states = [...pools.values()];
  const users = [...clients.values()];
  showHead();
  overview.show(states);
  showReplicas(head, traffic);
  showTraffic(traffic, states, users);
  showPool();
  showClients(users);
}

const overview = poolTable(choose);
const poolPlots = new Plots(at("pool-plots"));
const ACTIONS = {
  cooldown: { to: ["active", "cooling"], means: "It gets no request for this time, on any replica." },
  quarantine: { to: ["active", "cooling"], means: "It gets no request until an operator restores it." },
  restore: { to: ["cooling", "quarantined"], means: "It is used again: its quarantine and its account's end, and its cooldown." },
};
const keys = new KeyList(offer);

/** Asks for an action on a key, and for its confirmation. */
function offer(pool, key) {
  const words = Object.keys(ACTIONS).filter((word) => ACTIONS[word].to.includes(key.status));
  text(at("action-title"), `Key ${key.id} of ${pool}`);
  text(at("action-text"), `It is ${key.status}${key.reason ? `: ${key.reason}` : ""}. ${words.length ? "An action holds for all replicas." : "It has left the config."}`);
  text(at("action-fault"), "");
  at("action-duration").hidden = true;
  const button = (label, run) => {
    const made = Object.assign(document.createElement("button"), { type: "button", textContent: label });
    made.addEventListener("click", run);
    return made;
  };
  const cancel = () => button("Cancel", () => at("action").close());
  at("action-buttons").replaceChildren(
    ...words.map((word) => button(word, () => {
      text(at("action-text"), ACTIONS[word].means);
      at("action-duration").hidden = word !== "cooldown";
      at("action-buttons").replaceChildren(button(`Yes, ${word} ${key.id}`, () => run(pool, key.id, word)), cancel());
      at("action-buttons").firstChild.focus();
    })),
    cancel(),
  );
  at("action").showModal();
}

async function run(pool, key, word) {
  const duration = document.querySelector("#action-duration input").value;
  const query = word === "cooldown" ? `?duration=${encodeURIComponent(duration)}` : "";
  try {
    const answer = await fetch(`/pools/${encodeURIComponent(pool)}/keys/${encodeURIComponent(key)}/${word}${query}`, { method: "POST" });
    const body = await answer.json();
    if (!answer.ok) throw new Error(body.error);
    at("action").close();
    text(at("said"), `${word}: ${key} of ${pool}`);
    setTimeout(() => text(at("said"), ""), 4_000);
  } catch (e) {
    text(at("action-fault"), e.message);
  }
}

function listen() {
  const events = new EventSource("/dashboard/events");
  events.onmessage = (event) => {
    take(JSON.parse(event.data));
    show();
  };
  events.onerror = () => {
    if (events.readyState === EventSource.CLOSED) setTimeout(listen, 3_000); // a refusal ends it
  };
}

for (const id of ["pool", "plotted"]) at(id).addEventListener("input", show);
at("pool").addEventListener("change", () => (at("plotted").value = ""));
at("problems").addEventListener("click", (event) => choose(event.target.dataset.pool));
document.addEventListener("visibilitychange", show);
setInterval(show, 1_000); // countdowns, and the age of the last news
listen();
readRecent();
