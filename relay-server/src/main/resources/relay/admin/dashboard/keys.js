// The list of keys. Only the rows in sight are in the document: a pool may have 10,000.

import { text, clock } from "./dashboard.js";

const ROW = 32;
const STATUSES = ["active", "cooling", "quarantined", "draining"];

export class KeyList {
  #all = [];
  #found = [];
  #status = null;
  #selected = null;
  #pool = "";
  #rows = new Map();

  constructor(act) {
    this.act = act;
    this.list = document.getElementById("keys");
    this.list.append((this.space = document.createElement("div")));
    this.find = document.getElementById("find-key");
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
      document.getElementById("statuses").append(button);
      return { status, button };
    });
  }

  show(pool, keys) {
    if (pool !== this.#pool) {
      this.#pool = pool;
      this.#selected = null;
      this.list.scrollTop = 0;
    }
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
    this.#found = named.filter((key) => !this.#status || key.status === this.#status);
    document.getElementById("key-count").textContent =
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
    for (const kind of ["", "wide", "", "", "wide", "wide", ""]) {
      row.append(Object.assign(document.createElement("span"), { className: kind }));
    }
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
    const [id, account, status, cooldown, flight, reason] = row.children;
    text(id, key.id);
    id.title = key.id;
    text(account, key.account);
    text(status, key.status);
    status.className = key.status;
    text(cooldown, clock(key.cooldown_until));
    text(flight, key.max_concurrent ? `${key.in_flight}/${key.max_concurrent}` : key.in_flight);
    text(reason, key.reason ?? "");
    reason.title = key.reason ?? "";
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
