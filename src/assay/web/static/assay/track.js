// The chart of past forecasts: the price, which of them came true, and how many so far beside the base rate.

import { onThemeChange, readTheme } from "./chart-theme.js";
import { momentText } from "./chart-time.js";
import { priceText } from "./chart-numbers.js";
import { headPanes, lineChartOptions } from "./line-chart.js";

const { createChart, HistogramSeries, LineSeries, LineStyle } = window.LightweightCharts;
const DAY_S = 86_400;

const percent = (share) => `${(100 * share).toFixed(1)}\u202f%`;

function decimalsOf(prices) {
  const size = Math.max(...prices.map(Math.abs), 0);
  return size >= 100 ? 2 : size >= 1 ? 4 : Math.min(10, 4 - Math.floor(Math.log10(size || 1)));
}

// Where nothing was foretold for a while, an empty point keeps the line from running over it.
function pointsOf(data, values) {
  const points = [];
  data.time.forEach((time, at) => {
    if (at && time - data.time[at - 1] > 2 * data.step) points.push({ time: data.time[at - 1] + data.step });
    points.push(values[at] === null ? { time } : { time, value: values[at] });
  });
  return points;
}

class Track {
  constructor(root, data) {
    this.root = root;
    this.data = data;
    this.at = null; // the point that is read out
    this.slots = new Map(data.time.map((time, at) => [time, at]));
    this.legend = root.querySelector("[data-track-legend]");
    this.decimals = decimalsOf(data.close);
    this.chart = createChart(root.querySelector("[data-track-canvas]"), { autoSize: true, ...this.options(readTheme(root)) });
    const plain = { priceLineVisible: false, lastValueVisible: false, crosshairMarkerRadius: 3 };
    const whole = { type: "custom", minMove: 1, formatter: (value) => String(Math.abs(Math.round(value))) };
    const share = { type: "custom", minMove: 0.0001, formatter: percent };
    const price = { type: "custom", minMove: 10 ** -this.decimals, formatter: (value) => priceText(value, this.decimals) };
    this.price = this.chart.addSeries(LineSeries, { ...plain, lineWidth: 2, priceFormat: price }, 0);
    // The band that was foretold stands where its horizon ends; the price beside it is what came.
    const band = { ...plain, lineWidth: 1, lineStyle: LineStyle.Dashed, priceFormat: price, crosshairMarkerVisible: false };
    this.band = data.low.some((one) => one !== null) ? [0, 1].map(() => this.chart.addSeries(LineSeries, band, 0)) : [];
    this.right = this.chart.addSeries(HistogramSeries, { ...plain, priceFormat: whole }, 1);
    this.wrong = this.chart.addSeries(HistogramSeries, { ...plain, priceFormat: whole }, 1);
    this.model = this.chart.addSeries(LineSeries, { ...plain, lineWidth: 2, priceFormat: share }, 2);
    this.base = this.chart.addSeries(LineSeries, { ...plain, lineWidth: 2, lineStyle: LineStyle.Dashed, priceFormat: share }, 2);
    this.coin = this.model.createPriceLine({ price: 0.5, lineWidth: 1, lineStyle: LineStyle.Dotted, axisLabelVisible: false, title: "" });
    this.heads = [];
    [4, 1.6, 2.2].forEach((factor, pane) => this.chart.panes()[pane].setStretchFactor(factor));
    // Room for what a pane says in its corner.
    for (const pane of [0, 1, 2]) this.chart.priceScale("right", pane).applyOptions({ scaleMargins: { top: 0.16, bottom: 0.06 } });
    this.fill();
    this.paint();
    this.chart.timeScale().fitContent();
    this.say(null);
  }

  options(theme) {
    return lineChartOptions(theme, { hasTime: this.data.step < DAY_S });
  }

  fill() {
    const { data } = this;
    this.price.setData(pointsOf(data, data.close));
    const ends = { step: data.step, time: data.time.map((time) => time + data.horizon) };
    this.band.forEach((line, at) => line.setData(pointsOf(ends, at ? data.high : data.low)));
    this.right.setData(data.time.map((time, at) => (data.right[at] ? { time, value: data.right[at] } : { time })));
    this.wrong.setData(data.time.map((time, at) => (data.wrong[at] ? { time, value: -data.wrong[at] } : { time })));
    this.model.setData(pointsOf(data, data.model));
    this.base.setData(pointsOf(data, data.base));
  }

  paint() {
    const theme = readTheme(this.root);
    this.chart.applyOptions(this.options(theme));
    this.price.applyOptions({ color: theme.text });
    for (const line of this.band) line.applyOptions({ color: theme.accent });
    this.right.applyOptions({ color: theme.up });
    this.wrong.applyOptions({ color: theme.down });
    this.model.applyOptions({ color: theme.accent });
    this.base.applyOptions({ color: theme.warn });
    this.coin.applyOptions({ color: theme.muted });
    for (const head of this.heads) head.detach();
    const texts = [this.band.length ? "Price · dashed: the band that was foretold of it" : "Price", "Came true ▲   did not ▼", "Share of right ones so far · dotted: a coin"];
    this.heads = headPanes(this.chart, theme, texts);
  }

  bind() {
    this.chart.subscribeCrosshairMove((event) => this.say(event.time === undefined ? null : this.slots.get(event.time) ?? null));
    this.root.addEventListener("keydown", (event) => {
      const last = this.data.time.length - 1;
      const from = this.at ?? last + 1;
      const to = { ArrowLeft: from - 1, ArrowRight: from + 1, Home: 0, End: last }[event.key];
      if (to === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
      event.preventDefault();
      this.at = Math.max(0, Math.min(last, to));
      this.chart.setCrosshairPosition(this.data.close[this.at] ?? 0, this.data.time[this.at], this.price);
      this.say(this.at);
    });
    this.root.addEventListener("blur", () => this.chart.clearCrosshairPosition());
    onThemeChange(() => this.paint());
  }

  // What a point says, in words: for the crosshair, and for whoever goes from point to point by keyboard.
  say(at) {
    const { data } = this;
    this.at = at;
    const one = at ?? data.time.length - 1;
    const known = data.right[one] + data.wrong[one];
    const words = [
      `${momentText(data.time[one] * 1000)} UTC`,
      data.close[one] === null ? "no close" : `close ${priceText(data.close[one], this.decimals)}`,
      known ? `${data.right[one]} right, ${data.wrong[one]} wrong` : "not yet known",
    ];
    if (data.model[one] !== null) words.push(`so far ${percent(data.model[one])}`);
    if (data.base[one] !== null) words.push(`base rate ${percent(data.base[one])}`);
    this.legend.textContent = words.join(" · ");
  }
}

const root = document.querySelector("[data-track]");
if (root) {
  const track = new Track(root, JSON.parse(document.getElementById("track-data").textContent));
  track.bind();
  root.dataset.state = "ready";
}
