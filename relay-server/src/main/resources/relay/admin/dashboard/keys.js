// The list of keys. Only the rows in sight are in the document: a pool may have 10,000.

import { at, clock, percent, text, time } from "./format.js";
import { DAILY, DIMENSIONS } from "./pools.js";
import { Order } from "./table.js";

const ROW = 32;
const STATUSES = ["quarantined", "cooling", "draining", "active"]; // problems first

/** What ends the state of a key that is not active. */
function until(key) {
  if (key.status === "quarantined") {
    const stated = Date.parse(/ until (\S+)$/.exec(key.reason ?? "")?.[1]);
    if (stated) return time(stated);
    return key.reason?.startsWith("provider answered") ? "a probe succeeds" : "it is restored";
  }
  if (key.status === "draining") return "its last request";
  const left = clock(key.cooldown_until);
  return left && `${left}, ${time(key.cooldown_until)}`;
}

const flight = (key) => (key.max_concurrent ? `${key.in_flight}/${key.max_concurrent}` : key.in_flight);
const used = (key) => (key.used == null ? "" : percent(key.used));

/** Where it is narrow, the wide ones are left out; the wider ones earlier. */
const COLUMNS = [
  { title: "key", value: (key) => key.id },
  { title: "account", kind: "wide", value: (key) => key.account },
  { title: "status", value: (key) => STATUSES.indexOf(key.status), show: (key) => key.status },
  { title: "since", kind: "wider", hint: "As this replica has seen it", number: true, value: (key) => key.since, show: (key) => time(key.since) },
  { title: "until", value: (key) => key.cooldown_until || null, show: until },
  { title: "used", kind: "wide", hint: "Of its account's fullest limit", number: true, value: (key) => key.used, show: used },
  { title: "in flight", kind: "wider", number: true, value: (key) => key.in_flight, show: flight },
  { title: "why", kind: "wide", value: (key) => key.reason },
];

/** The used share of each account's fullest limit. */
function shares(groups) {
  const all = new Map();
  for (const { account, limits, used } of groups) {
    for (const dimension of [...DIMENSIONS, ...DAILY]) {
      if (limits[dimension]) all.set(account, Math.max(all.get(account) ?? 0, used[dimension] / limits[dimension]));
    }
  }
  return all;
}

export class KeyList {
  #all = [];
  #found = [];
  #status = null;
  #selected = null;
  #pool = "";
  #rows = new Map();

  constructor(act) {
    this.act = act;
    this.order = new Order(() => this.#filter());
    for (const column of COLUMNS) {
      const head = Object.assign(document.createElement("span"), { className: column.kind ?? "" });
      head.append(this.order.button(column));
      at("keys-head").append(head);
    }
    at("keys-head").append(document.createElement("span"));
    this.list = at("keys");
    this.list.append((this.space = document.createElement("div")));
    this.find = at("find-key");
    this.find.addEventListener("input", () => this.#filter());
    this.list.addEventListener("scroll", () => this.draw());
    this.list.addEventListener("keydown", (event) => this.#key(event));
    this.statuses = STATUSES.map((status) => {
      const button = document.createElement("button");
      button.type = "button";
      button.setAttribute("aria-pressed", "false");
      button.addEventListener("click", () => {
        this.#status = this.#status === status ? null : status;
        this.#filter();
      });
      at("statuses").append(button);
      return { status, button };
    });
  }

  show(pool, keys, groups) {
    if (pool !== this.#pool) {
      this.#pool = pool;
      this.#selected = null;
      this.list.scrollTop = 0;
    }
    const byAccount = shares(groups);
    for (const key of keys) key.used = byAccount.get(key.account);
    this.#all = keys;
    this.#filter();
  }

  #filter() {
    const words = this.find.value.trim().toLowerCase();
    const named = this.#all.filter((key) => !words || `${key.id} ${key.account} ${key.reason ?? ""}`.toLowerCase().includes(words));
    for (const { status, button } of this.statuses) {
      button.textContent = `${status} ${named.filter((key) => key.status === status).length}`;
      button.setAttribute("aria-pressed", String(this.#status === status));
    }
    const rank = (key) => STATUSES.indexOf(key.status);
    const found = named.filter((key) => !this.#status || key.status === this.#status);
    this.#found = this.order.isChosen ? this.order.of(found) : found.toSorted((a, b) => rank(a) - rank(b));
    at("key-count").textContent =
      this.#found.length === this.#all.length ? this.#all.length : `${this.#found.length} of ${this.#all.length}`;
    this.draw();
  }

  draw() {
    this.space.style.height = `${this.#found.length * ROW}px`;
    const first = Math.max(0, Math.floor(this.list.scrollTop / ROW) - 4);
    const last = Math.min(this.#found.length, first + Math.ceil(this.list.clientHeight / ROW) + 8);
    const inSight = new Set();
    for (let n = first; n < last; n++) {
      const key = this.#found[n];
      inSight.add(key.id);
      const row = this.#rows.get(key.id) ?? this.#row(key.id);
      this.#fill(row, key, n);
    }
    for (const [id, row] of this.#rows) {
      if (!inSight.has(id)) {
        row.remove();
        this.#rows.delete(id);
      }
    }
  }

  #row(id) {
    const row = document.createElement("div");
    row.className = "row";
    row.setAttribute("role", "option");
    for (const { kind = "" } of COLUMNS) row.append(Object.assign(document.createElement("span"), { className: kind }));
    row.append(document.createElement("span"));
    const button = Object.assign(document.createElement("button"), { type: "button", textContent: "Act…", tabIndex: -1 });
    button.setAttribute("aria-label", `Act on ${id}`);
    row.lastChild.append(button);
    row.addEventListener("click", (event) => {
      this.#select(id);
      if (event.target === button) this.#actOn(id);
    });
    this.space.append(row);
    this.#rows.set(id, row);
    return row;
  }

  #fill(row, key, n) {
    row.style.top = `${n * ROW}px`;
    row.classList.toggle("selected", key.id === this.#selected);
    row.setAttribute("aria-selected", String(key.id === this.#selected));
    COLUMNS.forEach((column, c) => {
      const words = column.show ? column.show(key) : column.value(key);
      text(row.children[c], words);
      row.children[c].title = words ?? "";
    });
    row.children[2].className = key.status;
  }

  #select(id) {
    this.#selected = id;
    this.draw();
  }

  #actOn(id) {
    const key = this.#all.find((each) => each.id === id);
    if (key) this.act(this.#pool, key);
  }

  #key(event) {
    const page = Math.max(1, Math.floor(this.list.clientHeight / ROW) - 1);
    const at = this.#found.findIndex((key) => key.id === this.#selected);
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, PageDown: at + page, PageUp: at - page, Home: 0, End: this.#found.length - 1 }[event.key];
    if (event.key === "Enter" && this.#selected) {
      this.#actOn(this.#selected);
    } else if (to === undefined || this.#found.length === 0) {
      return;
    } else {
      const next = Math.min(this.#found.length - 1, Math.max(0, to));
      const top = next * ROW;
      if (top < this.list.scrollTop) this.list.scrollTop = top;
      else if (top + ROW > this.list.scrollTop + this.list.clientHeight) this.list.scrollTop = top + ROW - this.list.clientHeight;
      this.#select(this.#found[next].id);
    }
    event.preventDefault();
  }
}
