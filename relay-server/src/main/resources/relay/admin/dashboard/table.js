// Tables that are searched, and sorted by a click on a header; and tiles.

import { at, short, text } from "./format.js";

const MOST_ROWS = 200;
const LETTERS = new Intl.Collator("en", { numeric: true });
const isEmpty = (value) => value == null || value === "";

/** The order of rows: as they come, or by a column whose header was clicked. */
export class Order {
  #column = null;
  #down = false;
  #buttons = [];

  constructor(changed) {
    this.changed = changed;
  }

  get isChosen() {
    return this.#column !== null;
  }

  /** A header: the first click puts the most or the first letter on top, the second the other end, the third ends it. */
  button(column) {
    const button = Object.assign(document.createElement("button"), { type: "button", className: "sort", textContent: column.title, title: column.hint ?? "" });
    button.addEventListener("click", () => {
      const first = Boolean(column.number);
      if (this.#column !== column) [this.#column, this.#down] = [column, first];
      else if (this.#down === first) this.#down = !first;
      else this.#column = null;
      for (const each of this.#buttons) {
        const direction = each.column !== this.#column ? "none" : this.#down ? "descending" : "ascending";
        each.button.dataset.sort = direction;
        if (each.button.parentElement.tagName === "TH") each.button.parentElement.ariaSort = direction;
      }
      this.changed();
    });
    this.#buttons.push({ column, button });
    return button;
  }

  /** Empty values come last in both directions. */
  of(nodes) {
    if (!this.#column) return nodes;
    const { value } = this.#column;
    const sign = this.#down ? -1 : 1;
    const values = new Map(nodes.map((node) => [node, value(node)])); // once: there may be 10,000
    return nodes.toSorted((a, b) => {
      const [one, other] = [values.get(a), values.get(b)];
      if (isEmpty(one) || isEmpty(other)) return isEmpty(one) - isEmpty(other);
      return sign * (typeof one === "number" ? one - other : LETTERS.compare(one, other));
    });
  }
}

export class Table {
  #nodes = [];

  /**
   * @param columns [{title, hint, number, value(node), show(cell, node)}]; without show the value is shown
   * @param options find and count: ids of elements; name(node): what is searched; rank(node): problems have the least and
   *     come first; busy(node): of too many rows those with the most are shown
   */
  constructor(id, columns, { find, count, name, rank = () => 0, busy } = {}) {
    Object.assign(this, { columns, name, rank, busy, find: find && at(find), count: count && at(count) });
    this.order = new Order(() => this.#draw());
    const head = at(id).createTHead().insertRow();
    for (const column of columns) {
      const th = Object.assign(document.createElement("th"), { scope: "col" });
      th.append(this.order.button(column));
      head.append(th);
    }
    this.body = at(id).createTBody();
    this.find?.addEventListener("input", () => this.#draw());
  }

  show(nodes) {
    this.#nodes = nodes;
    this.#draw();
  }

  #draw() {
    const words = this.find?.value.trim().toLowerCase();
    const matching = this.#nodes.filter((node) => !words || this.name(node).toLowerCase().includes(words));
    const shown = (this.order.isChosen ? this.order.of(matching) : this.#problemsFirst(matching)).slice(0, MOST_ROWS);
    while (this.body.rows.length > shown.length) this.body.lastChild.remove();
    shown.forEach((node, n) => {
      const row = this.body.rows[n] ?? this.body.insertRow();
      this.columns.forEach((column, c) => {
        const cell = row.cells[c] ?? row.insertCell();
        if (column.show) column.show(cell, node);
        else text(cell, column.value(node));
      });
    });
    if (!this.count) return;
    const more = matching.length - shown.length;
    const which = more === 0 ? "" : `${this.busy && !this.order.isChosen ? ", the busiest" : ""}; ${more} more match`;
    text(this.count, shown.length === this.#nodes.length ? shown.length : `${shown.length} of ${this.#nodes.length}${which}`);
  }

  #problemsFirst(nodes) {
    const ranks = new Map(nodes.map((node) => [node, this.rank(node)]));
    const byRank = (a, b) => ranks.get(a) - ranks.get(b);
    if (nodes.length <= MOST_ROWS || !this.busy) return nodes.toSorted(byRank);
    const busiest = new Set(nodes.toSorted((a, b) => byRank(a, b) || this.busy(b) - this.busy(a)).slice(0, MOST_ROWS));
    return nodes.filter((node) => busiest.has(node)).toSorted(byRank);
  }
}

/** Used, and of what if there is a limit. A full limit is no fault, so it has no colour of its own. */
export function usage(cell, used, limit, remark = "", title = "") {
  if (cell.title !== title) cell.title = title;
  if (!limit) {
    text(cell, used ? short(used) : "–");
    return;
  }
  let meter = cell.querySelector("meter");
  if (!meter) {
    meter = document.createElement("meter");
    cell.replaceChildren(document.createElement("span"), meter);
  }
  text(cell.firstChild, `${short(used)} / ${short(limit)}${remark}`);
  meter.value = Math.min(1, used / limit);
}

/** A figure and its name. */
export function tile(name, value, kind = "") {
  const div = document.createElement("div");
  const dd = Object.assign(document.createElement("dd"), { textContent: value, className: kind });
  div.append(Object.assign(document.createElement("dt"), { textContent: name }), dd);
  return div;
}
