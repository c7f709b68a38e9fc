// Takes what has changed from /dashboard/events, and shows it.

import { showClients } from "./clients.js";
import { KeyList } from "./keys.js";
import { Plots, short } from "./plots.js";
import { Traffic } from "./traffic.js";

export const DIMENSIONS = ["rpm", "itpm", "otpm", "tpm"];
const DAILY = ["rpd", "tpd"];
const NAMES = { rpm: "requests", itpm: "input tokens", otpm: "output tokens", tpm: "input + output tokens" };
const KEPT_SECONDS = 300;
const SILENT_MS = 4_000;
const MOST_ROWS = 200;
const at = (id) => document.getElementById(id);

const pools = new Map(); // name -> {head, groups, keys: Map by id, in order; samples: Map by group id, "" = the pool}
let clients = new Map();
let head = null;
let heardMs = 0;
let skewMs = 0; // the replica's clock less this browser's
let traffic = new Traffic();
let chosen = "";

export function text(element, value) {
  const words = String(value ?? "");
  if (element.textContent !== words) element.textContent = words;
}

/** The time until an end by the replica's clock, counted down. */
export function clock(untilMs) {
  const left = untilMs - Date.now() - skewMs;
  if (!untilMs || left <= 0) return "";
  const seconds = Math.ceil(left / 1000);
  if (seconds < 60) return `${seconds} s`;
  return seconds < 3600 ? `${Math.floor(seconds / 60)} m ${seconds % 60} s` : `${Math.floor(seconds / 3600)} h ${Math.floor((seconds % 3600) / 60)} m`;
}

function merge(known, changed, order) {
  for (const node of changed ?? []) known.set(node.id ?? node.name, node);
  return order ? new Map(order.map((id) => [id, known.get(id)])) : known;
}

/** Requests and input that are reserved are part of `used`; output is not before it is made. */
function sample(pool, id, seconds, used, reserved, limits) {
  let series = pool.samples.get(id);
  if (!series) pool.samples.set(id, (series = { times: [], used: {}, reserved: {}, limit: {} }));
  if (series.times.at(-1) >= seconds) return;
  series.times.push(seconds);
  for (const dimension of DIMENSIONS) {
    (series.used[dimension] ??= []).push(used[dimension] ?? 0);
    const output = dimension === "otpm" || dimension === "tpm";
    (series.reserved[dimension] ??= []).push((used[dimension] ?? 0) + (output ? reserved : 0));
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

function sum(groups, field) {
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
  skewMs = message.now - heardMs;
  if (first) {
    pools.clear();
    traffic = new Traffic();
    clients = new Map();
  }
  head = message;
  traffic.add(message.now, message.replica);
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
    sample(pool, "", seconds, sum(groups, "used"), reserved, sum(groups, "limits"));
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

function showHead() {
  const silent = Date.now() - heardMs;
  const live = silent < SILENT_MS;
  at("connection").className = live ? "live" : "lost";
  text(at("connection"), live ? (head.ready ? "live" : "live, not ready") : `no news for ${Math.round(silent / 1000)} s`);
  const age = Math.max(0, ...[...pools.values()].map((pool) => pool.head.age_ms)) + (live ? 0 : silent);
  const words = [];
  if (!head.replica.redis_up) {
    words.push(`Redis does not answer. Mode: ${head.replica.redis_mode}.`);
  } else if (head.replica.redis_mode !== "shared") {
    words.push(`Redis answers, but cannot be used. Mode: ${head.replica.redis_mode}.`);
  }
  if (head.config.refused.length) words.push(`The config on disk is refused, and would not start: ${head.config.refused[0]}.`);
  if (!live) words.push("This replica does not answer.");
  if (words.length || age > 5_000) words.push(`Pools are shown as of ${Math.round(age / 1000)} s ago.`);
  at("outage").hidden = words.length === 0;
  text(at("outage"), words.join(" "));
  const fleet = head.fleet.map((one) => `${one.replicas} ${one.replicas === 1 ? "replica" : "replicas"} with config ${one.hash} since ${one.since}`);
  if (fleet.length === 0) fleet.push(`config ${head.config.hash}`);
  if (head.fleet.length > 1) fleet.push("a change goes through the fleet");
  if (head.config.need_restart.length) fleet.push(`from the next start: ${head.config.need_restart.join(", ")}`);
  text(at("fleet"), `${fleet.join("; ")}; Redis mode ${head.replica.redis_mode}`);
}

function tile(name, value, kind = "") {
  const div = document.createElement("div");
  const dd = Object.assign(document.createElement("dd"), { textContent: value, className: kind });
  div.append(Object.assign(document.createElement("dt"), { textContent: name }), dd);
  return div;
}

const seconds = (value) => (value == null ? "–" : value < 1 ? `${Math.round(value * 1000)} ms` : `${value.toPrecision(3)} s`);
const minute = (field) => Math.round(traffic.rate(field, undefined, 60_000) * 60);

function showTraffic() {
  const replica = traffic.latest;
  const upstream = minute("refused_by_providers");
  const failures = minute("failures");
  at("tiles").replaceChildren(
    tile("requests a second", short(traffic.rate("requests"))),
    tile("input tokens a second", short(traffic.rate("input_tokens"))),
    tile("output tokens a second", short(traffic.rate("output_tokens"))),
    tile("under way", short(replica.inflight)),
    tile("waiting for capacity", short(replica.waiting)),
    tile("tokens reserved", short(replica.reserved_tokens)),
    tile("429 by Relay, a minute", short(minute("refused_by_relay"))),
    tile("429 by providers, a minute", short(upstream), upstream ? "open" : ""),
    tile("5xx, a minute", short(failures), failures ? "open" : ""),
    tile("duration p50 / p99", `${seconds(traffic.quantile("duration", 0.5))} / ${seconds(traffic.quantile("duration", 0.99))}`),
    tile("first byte p50 / p99", `${seconds(traffic.quantile("first_byte", 0.5))} / ${seconds(traffic.quantile("first_byte", 0.99))}`),
  );
  const [times, requests] = traffic.series("requests");
  trafficPlots.show([
    { title: "Requests a second", lines: [{ label: "requests", color: "blue", fill: true }], data: [times, requests] },
    {
      title: "Tokens a second",
      lines: [{ label: "input", color: "blue" }, { label: "output", color: "warn" }],
      data: [times, traffic.series("input_tokens")[1], traffic.series("output_tokens")[1]],
    },
    {
      title: "429 a second",
      lines: [{ label: "by Relay", color: "dim" }, { label: "by providers", color: "bad" }],
      data: [times, traffic.series("refused_by_relay")[1], traffic.series("refused_by_providers")[1]],
    },
  ]);
}

const LEARNED = [" *", "limit according to the provider's answers"];
const isLearned = (group, dimension) => group.learned[dimension] && group.learned[dimension] === group.limits[dimension];

/** Used, and of what if there is a limit. */
export function usage(cell, used, limit, remark = "", title = "") {
  if (!limit) {
    text(cell, used ? short(used) : "–");
    return;
  }
  let meter = cell.querySelector("meter");
  if (!meter) {
    meter = document.createElement("meter");
    cell.replaceChildren(document.createElement("span"), meter);
    Object.assign(meter, { min: 0, max: 1, low: 0.8, high: 0.95, optimum: 0 });
  }
  text(cell.firstChild, `${short(used)} / ${short(limit)}${remark}`);
  cell.title = title;
  meter.value = used / limit;
}

export function rows(table, nodes, fill, many) {
  const body = at(table).tBodies[0];
  while (body.rows.length > nodes.length) body.lastChild.remove();
  nodes.forEach((node, n) => {
    const row = body.rows[n] ?? body.insertRow();
    while (row.cells.length < many) row.insertCell();
    fill(row.cells, node);
  });
}

/**
 * The nodes that match the search, at most a page of them.
 *
 * @param busy how busy a node is: then the page has the busiest, in their order
 */
export function found(nodes, input, count, name, busy) {
  const words = at(input).value.trim().toLowerCase();
  let shown = nodes.filter((node) => !words || node[name].toLowerCase().includes(words));
  let which = "";
  if (shown.length > MOST_ROWS && busy) {
    const busiest = new Set(shown.toSorted((a, b) => busy(b) - busy(a)).slice(0, MOST_ROWS));
    which = `, the busiest; ${shown.length - MOST_ROWS} more match`;
    shown = shown.filter((node) => busiest.has(node));
  }
  shown = shown.slice(0, MOST_ROWS);
  text(at(count), shown.length === nodes.length ? nodes.length : `${shown.length} of ${nodes.length}${which}`);
  return shown;
}

function showPool() {
  chosen = options(at("pool"), [...pools.keys()].map((name) => [name, name]), at("pool").value || chosen);
  const pool = pools.get(chosen);
  if (!pool) return;
  const { breaker, strategy, accounting, window_ms, next_capacity_ms, replicas } = pool.head;
  at("pool-facts").replaceChildren(
    `${strategy}, ${accounting}, window ${window_ms / 1000} s, ${replicas} ${replicas === 1 ? "replica" : "replicas"}, `,
    next_capacity_ms == null ? "no capacity in sight" : next_capacity_ms > 0 ? `next capacity in ${seconds(next_capacity_ms / 1000)}` : "has capacity",
    ", breaker ",
    Object.assign(document.createElement("span"), { className: breaker.state, textContent: breaker.state.replace("_", " ") }),
    breaker.state === "closed" ? "" : `: next try in ${seconds(breaker.next_try_ms / 1000)}`,
  );
  const groups = [...pool.groups.values()];
  const plotted = options(at("plotted"), [["", "all groups"], ...groups.slice(0, 50).map((group) => [group.id, group.id])], at("plotted").value);
  const series = pool.samples.get(plotted);
  const having = (what) => DIMENSIONS.filter((dimension) => series?.[what][dimension].some(Boolean));
  const limited = having("limit").length ? having("limit") : having("used");
  poolPlots.show(
    limited.map((dimension) => ({
      title: `${NAMES[dimension]}, last ${window_ms / 1000} s`,
      lines: [
        { label: "used", color: "blue", fill: true },
        { label: "with reserved", color: "warn" },
        { label: "limit", color: "bad", dash: [6, 4] },
      ],
      data: [series.times, series.used[dimension], series.reserved[dimension], series.limit[dimension]],
    })),
  );
  rows("groups", found(groups, "find-group", "group-count", "id"), (cells, group) => {
    text(cells[0], group.id);
    cells[0].title = group.rule ? `${group.rule}: ${group.why}` : "";
    DIMENSIONS.forEach((dimension, n) =>
      usage(cells[n + 1], group.used[dimension], group.limits[dimension], ...(isLearned(group, dimension) ? LEARNED : [])));
    text(cells[5], `${Math.round(group.burst * 100)} %`);
    text(cells[6], group.in_flight);
    text(cells[7], clock(group.cooldown_until));
    cells[7].className = "cooling";
    DAILY.forEach((dimension, n) => usage(cells[n + 8], group.used[dimension], group.limits[dimension]));
  }, 10);
  at("groups").classList.toggle("daily", groups.some((group) => DAILY.some((dimension) => group.limits[dimension])));
  keys.show(chosen, [...pool.keys.values()]);
}

function show() {
  if (!head || document.hidden) return;
  showHead();
  showTraffic();
  showPool();
  showClients([...clients.values()]);
}

const trafficPlots = new Plots(at("traffic-plots"));
const poolPlots = new Plots(at("pool-plots"));
const ACTIONS = {
  cooldown: "It gets no request for this time, on any replica.",
  quarantine: "It gets no request until an operator restores it.",
  restore: "It is used again: its quarantine and its account's end, and its cooldown.",
};
const keys = new KeyList(offer);

/** Asks for an action on a key, and for its confirmation. */
function offer(pool, key) {
  text(at("action-title"), `Key ${key.id} of ${pool}`);
  text(at("action-text"), `It is ${key.status}${key.reason ? `: ${key.reason}` : ""}. What shall it be, for all replicas?`);
  text(at("action-fault"), "");
  at("action-duration").hidden = true;
  const button = (label, run) => {
    const made = Object.assign(document.createElement("button"), { type: "button", textContent: label });
    made.addEventListener("click", run);
    return made;
  };
  const cancel = () => button("Cancel", () => at("action").close());
  at("action-buttons").replaceChildren(
    ...Object.keys(ACTIONS).map((word) => button(word, () => {
      text(at("action-text"), ACTIONS[word]);
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

for (const id of ["pool", "plotted", "find-group", "find-client"]) at(id).addEventListener("input", show);
at("pool").addEventListener("change", () => (at("plotted").value = ""));
document.addEventListener("visibilitychange", show);
setInterval(show, 1_000); // countdowns, and the age of the last news
listen();
