// The growth of several accounts on one axis.

import { onThemeChange, readTheme } from "./chart-theme.js";
import { momentText } from "./chart-time.js";
import { EvenTime, bindReading, headPanes, lineChartOptions, placeOf } from "./line-chart.js";

const { createChart, LineSeries, LineStyle } = window.LightweightCharts;
const SLOTS = 8_000;
const percent = (share) => `${share > 0 ? "+" : share < 0 ? "−" : ""}${Math.abs(100 * share).toFixed(2)}\u202f%`;

class Growth {
  constructor(root, curves) {
    this.root = root;
    this.curves = curves.filter((one) => one.time.length);
    this.legend = root.querySelector("[data-growth-legend]");
    this.at = null;
    const all = this.curves.flatMap((one) => [one.time[0], one.time[one.time.length - 1]]);
    this.even = new EvenTime(Math.min(...all), Math.max(...all), 60, SLOTS);
    this.chart = createChart(root.querySelector("[data-growth-canvas]"), { autoSize: true, ...this.options() });
    const format = { type: "custom", minMove: 0.0001, formatter: percent };
    const plain = { priceLineVisible: false, lastValueVisible: true, crosshairMarkerRadius: 3, lineWidth: 2, priceFormat: format };
    this.axis = this.chart.addSeries(LineSeries, { ...plain, lastValueVisible: false, crosshairMarkerVisible: false });
    this.axis.setData(this.even.points);
    this.times = this.even.points.map((one) => one.time);
    this.lines = this.curves.map((one) => {
      const line = this.chart.addSeries(LineSeries, plain);
      const times = this.even.place(one.time);
      line.setData(times.map((time, at) => (one.growth[at] === null ? { time } : { time, value: one.growth[at] })));
      return line;
    });
    this.zero = this.lines[0].createPriceLine({ price: 0, lineWidth: 1, lineStyle: LineStyle.Dotted, axisLabelVisible: false, title: "" });
    this.heads = [];
    this.paint();
    this.chart.timeScale().fitContent();
    this.bind();
    this.say(null);
    root.dataset.state = "ready";
  }

  options() {
    return lineChartOptions(readTheme(this.root), { hasTime: true });
  }

  paint() {
    const theme = readTheme(this.root);
    this.chart.applyOptions(this.options());
    this.lines.forEach((line, at) => line.applyOptions({ color: theme.lines[at] }));
    this.zero.applyOptions({ color: theme.muted });
    for (const head of this.heads) head.detach();
    this.heads = headPanes(this.chart, theme, ["Growth"]);
  }

  bind() {
    this.chart.subscribeCrosshairMove((event) => this.say(event.time === undefined ? null : placeOf(this.times, event.time)));
    bindReading(this.root, {
      count: () => this.times.length,
      current: () => this.at,
      say: (at) => {
        this.chart.setCrosshairPosition(0, this.times[at], this.lines[0]);
        this.say(at);
      },
    });
    this.root.addEventListener("blur", () => this.chart.clearCrosshairPosition());
    onThemeChange(() => this.paint());
  }

  say(at) {
    this.at = at;
    const last = Math.max(...this.curves.map((one) => one.time[one.time.length - 1]));
    const time = Math.min(this.times[at ?? this.times.length - 1], last);
    const said = this.curves.map((one) => {
      const value = one.time[0] > time ? null : one.growth[placeOf(one.time, time)];
      return `${one.name} ${value === null ? "–" : percent(value)}`;
    });
    this.legend.textContent = [`${momentText(time * 1000)} UTC`, ...said].join(" · ");
  }
}

const root = document.querySelector("[data-growth]");
if (root) new Growth(root, JSON.parse(document.getElementById("growth-data").textContent));
