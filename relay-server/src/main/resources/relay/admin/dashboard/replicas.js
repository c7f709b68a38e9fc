// The replicas, and what all of them do together, as their heartbeats tell.

import { at, now, percent, plural, short, span, text } from "./format.js";
import { Plots } from "./plots.js";
import { words } from "./pools.js";
import { Table, tile } from "./table.js";

const MODES_OF_NO_TROUBLE = ["shared", "draining"];

/** Whether its mode needs an operator; a replica of an older version tells none. */
export const isApart = (replica) => replica.mode != null && !MODES_OF_NO_TROUBLE.includes(replica.mode);

export const nameOf = (replica) => replica.name ?? replica.id;

/** The replica that serves this page: a long name is cut in the list. */
export const isOwn = (replica, own) =>
  replica.name != null && own.name.startsWith(replica.name) && Date.parse(replica.started) === Math.floor(own.started / 1000) * 1000;

let own = null;

const rate = (title, field, bad = false) => ({
  title,
  number: true,
  value: (replica) => replica[field],
  show: (cell, replica) => {
    text(cell, short(replica[field]));
    cell.className = bad && replica[field] ? "bad" : "";
  },
});

const table = new Table(
  "replicas",
  [
    {
      title: "replica",
      value: nameOf,
      show: (cell, replica) => {
        text(cell, nameOf(replica) + (isOwn(replica, own) ? " (this page's)" : ""));
        cell.title = replica.id;
      },
    },
    { title: "version", value: (replica) => replica.version, show: (cell, replica) => text(cell, replica.version ?? "–") },
    {
      title: "up",
      number: true,
      value: (replica) => (replica.started == null ? null : -Date.parse(replica.started)),
      show: (cell, replica) => text(cell, replica.started == null ? "–" : span(Math.max(0, now() - Date.parse(replica.started)))),
    },
    {
      title: "mode",
      value: (replica) => replica.mode,
      show: (cell, replica) => {
        text(cell, words(replica.mode ?? "–"));
        cell.className = isApart(replica) ? "bad" : "";
      },
    },
    rate("requests a second", "requests_per_second"),
    rate("refused a second", "refused_per_second", true),
    rate("5xx a second", "failed_per_second", true),
    rate("under way", "in_flight"),
  ],
  { count: "replica-count", rank: (replica) => (isApart(replica) ? 0 : 1) },
);

const plots = new Plots(at("fleet-plots"));

export function showReplicas(head, traffic) {
  own = head.replica;
  table.show(head.replicas);
  const { replicas, requests_per_second: requests, refused_per_second: refused, failed_per_second: failed, in_flight } = head.traffic;
  text(at("fleet-of"), `of ${replicas === head.replicas.length ? plural(replicas, "replica") : `${replicas} of ${plural(head.replicas.length, "replica")}`}, by their heartbeats`);
  const bad = (name, count) => tile(name, count ? `${short(count)} (${percent(Math.min(1, count / Math.max(count, requests)))})` : "0", count ? "bad" : "");
  at("fleet-tiles").replaceChildren(
    tile("requests a second", short(requests)),
    bad("refused by Relay a second", refused),
    bad("5xx a second", failed),
    tile("under way", short(in_flight)),
  );
  const readings = traffic.readings.filter((reading) => reading.traffic);
  const of = (field) => readings.map((reading) => reading.traffic[field]);
  const x = readings.map((reading) => reading.now / 1000);
  plots.show([
    { title: "Requests a second, all replicas", lines: [{ label: "requests", color: "blue", fill: true }], data: [x, of("requests_per_second")] },
    {
      title: "Refused and failed a second, all replicas",
      lines: [{ label: "by Relay", color: "warn" }, { label: "5xx", color: "dim", dash: [4, 3] }],
      data: [x, of("refused_per_second"), of("failed_per_second")],
    },
  ]);
}
