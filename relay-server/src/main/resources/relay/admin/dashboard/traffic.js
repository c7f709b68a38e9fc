// Rates and times of this replica, from counters that only rise.

import { at, percent, seconds, short, sum, text } from "./format.js";
import { Plots } from "./plots.js";
import { words } from "./pools.js";
import { Table, tile } from "./table.js";

const KEPT_MS = 300_000;
const OVER_MS = 10_000; // rates are means of the last ten seconds
const MINUTE_MS = 60_000;

export class Traffic {
  readings = []; // {now, replica, traffic of the fleet}: of the time before this page was open one each ten seconds, then one a second

  add(now, replica, traffic) {
    const last = this.readings.at(-1);
    if (last && now <= last.now) return;
    if (last && replica.requests < last.replica.requests) this.readings = []; // the replica restarted
    this.readings.push({ now, replica, traffic });
    while (this.readings[0].now < now - KEPT_MS) this.readings.shift();
  }

  get latest() {
    return this.readings.at(-1)?.replica;
  }

  /** The reading to compare with: the newest that is at least this old, else the oldest. */
  #before(index, overMs) {
    const at = this.readings[index].now;
    let n = index;
    while (n > 0 && at - this.readings[n].now < overMs) n--;
    return this.readings[n];
  }

  /** Count a second. */
  rate(field, index = this.readings.length - 1) {
    const here = this.readings[index];
    const before = this.#before(index, OVER_MS);
    const past = (here.now - before.now) / 1000;
    return past > 0 ? (here.replica[field] - before.replica[field]) / past : 0;
  }

  /** Count in the last minute. */
  minute(field) {
    const index = this.readings.length - 1;
    return this.readings[index].replica[field] - this.#before(index, MINUTE_MS).replica[field];
  }

  /** Times of a plot: the first reading has none before it to compare with. */
  get times() {
    return this.readings.slice(1).map((reading) => reading.now / 1000);
  }

  series(field) {
    return this.readings.slice(1).map((_, index) => this.rate(field, index + 1));
  }

  /** The quantile of the last minute in seconds, interpolated in its bucket; null without requests. */
  quantile(field, q) {
    const index = this.readings.length - 1;
    const here = this.readings[index].replica[field];
    const before = this.#before(index, MINUTE_MS).replica[field];
    const counts = here.counts.map((count, n) => count - (before.counts[n] ?? 0));
    const total = here.total - before.total;
    if (total <= 0) return null;
    const wanted = q * total;
    let lower = 0;
    let under = 0;
    for (let n = 0; n < counts.length; n++) {
      if (counts[n] >= wanted) {
        const share = (wanted - under) / Math.max(1, counts[n] - under);
        return lower + (here.seconds[n] - lower) * share;
      }
      lower = here.seconds[n];
      under = counts[n];
    }
    return lower;
  }
}

const plots = new Plots(at("traffic-plots"));

const refusals = new Table("refusals", [
  { title: "who", value: (one) => one.who },
  { title: "reason", value: (one) => one.reason },
  { title: "in the last minute", number: true, value: (one) => one.count },
  { title: "of its requests", hint: "Of a pool: of all requests", number: true, value: (one) => one.share, show: (cell, one) => text(cell, percent(one.share)) },
]);

/** Who was refused in the last minute, and why. */
function refused(pools, clients, requests) {
  const all = [];
  const add = (who, reason, count, of) => all.push({ who, reason: words(reason), count, share: Math.min(1, count / Math.max(1, of)) });
  for (const client of clients) {
    for (const [reason, count] of Object.entries(client.denied)) add(`client ${client.name}`, reason, count, client.requests);
    const others = client.refused - sum(client.denied);
    if (others > 0) add(`client ${client.name}`, "by a pool or a provider", others, client.requests);
    if (client.failed) add(`client ${client.name}`, "5xx", client.failed, client.requests);
  }
  for (const { head } of pools) {
    for (const [reason, count] of Object.entries(head.refused)) add(`pool ${head.name}`, reason, count, requests);
  }
  return all.sort((a, b) => b.count - a.count);
}

export function showTraffic(traffic, pools, clients) {
  const replica = traffic.latest;
  const requests = traffic.minute("requests");
  const bad = (name, field) => {
    const count = traffic.minute(field);
    return tile(name, count ? `${short(count)} of ${short(requests)} (${percent(count / Math.max(1, requests))})` : "0", count ? "bad" : "");
  };
  const times = (field) => `${seconds(traffic.quantile(field, 0.5))} / ${seconds(traffic.quantile(field, 0.99))}`;
  at("tiles").replaceChildren(
    tile("requests a second", short(traffic.rate("requests"))),
    tile("input tokens a second", short(traffic.rate("input_tokens"))),
    tile("output tokens a second", short(traffic.rate("output_tokens"))),
    tile("under way", short(replica.inflight)),
    tile("waiting for capacity", short(replica.waiting)),
    tile("tokens reserved", short(replica.reserved_tokens)),
    bad("refused by Relay, a minute", "refused_by_relay"),
    bad("429 by providers, a minute", "refused_by_providers"),
    bad("5xx, a minute", "failures"),
    tile("first byte p50 / p99", times("first_byte")),
    tile("duration p50 / p99", times("duration")),
  );
  const x = traffic.times;
  plots.show([
    { title: "Requests a second", lines: [{ label: "requests", color: "blue", fill: true }], data: [x, traffic.series("requests")] },
    {
      title: "Refused and failed a second",
      lines: [{ label: "by Relay", color: "warn" }, { label: "429 by providers", color: "bad" }, { label: "5xx", color: "dim", dash: [4, 3] }],
      data: [x, traffic.series("refused_by_relay"), traffic.series("refused_by_providers"), traffic.series("failures")],
    },
    {
      title: "Tokens a second",
      lines: [{ label: "input", color: "blue" }, { label: "output", color: "good" }],
      data: [x, traffic.series("input_tokens"), traffic.series("output_tokens")],
    },
  ]);
  const all = refused(pools, clients, requests);
  refusals.show(all);
  at("refused").hidden = all.length === 0;
}
