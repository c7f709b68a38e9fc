// Rates and times of this replica, from counters that only rise.

const KEPT = 300; // readings, one a second
const OVER_MS = 10_000; // rates are means of the last ten seconds

export class Traffic {
  readings = [];

  add(now, replica) {
    const last = this.readings.at(-1);
    if (last && replica.requests < last.replica.requests) this.readings = []; // the replica restarted
    this.readings.push({ now, replica });
    if (this.readings.length > KEPT) this.readings.shift();
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
  rate(field, index = this.readings.length - 1, overMs = OVER_MS) {
    const here = this.readings[index];
    const before = this.#before(index, overMs);
    const seconds = (here.now - before.now) / 1000;
    return seconds > 0 ? (here.replica[field] - before.replica[field]) / seconds : 0;
  }

  /** Times and values of a rate, for a plot. */
  series(field) {
    return [
      this.readings.map((reading) => reading.now / 1000),
      this.readings.map((_, index) => this.rate(field, index)),
    ];
  }

  /** The quantile of the last minute in seconds, interpolated in its bucket; null without requests. */
  quantile(field, q) {
    const index = this.readings.length - 1;
    const here = this.readings[index].replica[field];
    const before = this.#before(index, 60_000).replica[field];
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
