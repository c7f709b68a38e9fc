// Plots by uPlot. A plot has a title, and lines of [times, values…].

import { short } from "./format.js";

const LIGHT = matchMedia("(prefers-color-scheme: light)");

function color(name) {
  const probe = document.createElement("i");
  probe.style.color = `var(--${name})`;
  document.body.append(probe);
  const value = getComputedStyle(probe).color;
  probe.remove();
  return value;
}

/** Plots side by side, kept by their title; those that are no longer given are removed. */
export class Plots {
  #shown = new Map();

  constructor(into) {
    this.into = into;
    const again = () => {
      this.#shown.forEach((plot) => plot.figure.remove());
      this.#shown.clear();
    };
    LIGHT.addEventListener("change", again);
    new ResizeObserver(() => this.#shown.forEach((plot) => plot.fit())).observe(into);
  }

  /** @param plots [{title, lines: [{label, color, dash, fill}], data}] */
  show(plots) {
    const titles = new Set(plots.map((plot) => plot.title));
    for (const [title, plot] of this.#shown) {
      if (!titles.has(title)) {
        plot.figure.remove();
        this.#shown.delete(title);
      }
    }
    for (const { title, lines, data } of plots) {
      const known = this.#shown.get(title);
      if (known) known.chart.setData(data);
      else this.#shown.set(title, this.#make(title, lines, data));
    }
  }

  #make(title, lines, data) {
    const figure = document.createElement("figure");
    const caption = document.createElement("figcaption");
    caption.textContent = title;
    figure.append(caption);
    this.into.append(figure);
    const width = () => Math.max(200, figure.clientWidth - 16);
    const axis = { stroke: color("dim"), grid: { stroke: color("line"), width: 1 }, ticks: { show: false }, font: "11px system-ui" };
    const chart = new uPlot(
      {
        width: width(),
        height: 150,
        cursor: { drag: { x: false, y: false } },
        scales: { y: { range: (_, _low, high) => [0, high > 0 ? high * 1.08 : 1] } },
        axes: [
          { ...axis, values: "{HH}:{mm}:{ss}", space: 70, size: 24 },
          { ...axis, size: 46, values: (_, splits) => splits.map(short) },
        ],
        series: [
          { value: "{HH}:{mm}:{ss}" },
          ...lines.map((line) => ({
            label: line.label,
            stroke: color(line.color),
            fill: line.fill ? color(line.color).replace("rgb(", "rgba(").replace(")", ", .12)") : undefined,
            width: 1.5,
            dash: line.dash,
            points: { show: false },
            value: (chart, value, n, index) => short(index == null ? chart.data[n].at(-1) : value), // the last one, unless the pointer shows another
          })),
        ],
      },
      data,
      figure,
    );
    return { figure, chart, fit: () => chart.setSize({ width: width(), height: 150 }) };
  }
}
