// Equity on both paths beside buying and holding, and the drawdown below it.

import { BetweenLines } from "./between-lines.js";
import { ask } from "./chart-data.js";
import { priceText } from "./chart-numbers.js";
import { onThemeChange, readTheme } from "./chart-theme.js";
import { lengthOf, momentText } from "./chart-time.js";
import { EvenTime, bindReading, headPanes, lineChartOptions, placeOf } from "./line-chart.js";

const { createChart, AreaSeries, LineSeries, LineStyle, PriceScaleMode } = window.LightweightCharts;
const POINTS = 4_000;
const MOST_SLOTS = 20_000;
const DAY_MS = 86_400_000;

const percent = (share) => `${(100 * share).toFixed(2).replace("-", "−")}\u202f%`;

export class EquityChart {
  constructor(root, config) {
    this.root = root;
    this.config = config;
    this.at = null; // the point that is read out
    this.onMoment = () => {};
    this.legend = root.querySelector("[data-equity-legend]");
    this.columns = null;
  }

  async start() {
    const query = new URLSearchParams({ points: String(POINTS) });
    if (this.config.page_as_of) query.set("as_of", this.config.page_as_of);
    try {
      const { answer } = await ask(this.config.equity_url, query.toString());
      this.columns = answer.columns;
    } catch (error) {
      this.legend.textContent = `The curves did not come: ${error.detail || error.message}`;
      this.root.dataset.state = "failed";
      return;
    }
    this.draw();
    this.bind();
    this.root.dataset.state = "ready";
  }

  draw() {
    const { config, columns } = this;
    const seconds = columns.close_time.map((time) => time / 1000);
    this.seconds = seconds;
    const step = lengthOf(config.interval) / 1000;
    this.even = new EvenTime(seconds[0], seconds[seconds.length - 1], step, MOST_SLOTS);
    this.times = this.even.place(seconds);
    const options = lineChartOptions(readTheme(this.root), { hasTime: step * 1000 < DAY_MS });
    this.chart = createChart(this.root.querySelector("[data-equity-canvas]"), { autoSize: true, ...options });
    const plain = { priceLineVisible: false, lastValueVisible: false, crosshairMarkerRadius: 3 };
    const worth = { type: "custom", minMove: 0.01, formatter: (value) => priceText(value, value >= 1000 ? 0 : 2) };
    const share = { type: "custom", minMove: 0.0001, formatter: (value) => percent(value) };
    const line = (options, pane = 0) => this.chart.addSeries(LineSeries, { ...plain, priceFormat: worth, ...options }, pane);
    this.axis = line({ crosshairMarkerVisible: false });
    this.hold = line({ lineWidth: 1 });
    this.optimistic = config.is_exact ? null : line({ lineWidth: 1, lineStyle: LineStyle.Dotted });
    this.equity = line({ lineWidth: 2 });
    this.band = new BetweenLines();
    this.equity.attachPrimitive(this.band);
    this.drawdown = this.chart.addSeries(AreaSeries, { ...plain, lineWidth: 1, priceFormat: share, invertFilledArea: true }, 1);
    [3, 1].forEach((factor, pane) => this.chart.panes()[pane].setStretchFactor(factor));
    this.chart.priceScale("right", 0).applyOptions({ scaleMargins: { top: 0.08, bottom: 0.05 } });
    this.chart.priceScale("right", 1).applyOptions({ scaleMargins: { top: 0.14, bottom: 0.04 } });
    const points = (values) => this.times.map((time, at) => (values[at] === null ? { time } : { time, value: values[at] }));
    this.axis.setData(this.even.points);
    this.equity.setData(points(columns.equity));
    this.hold.setData(points(columns.equity_hold));
    this.optimistic?.setData(points(columns.equity_optimistic));
    this.drawdown.setData(points(columns.drawdown));
    this.heads = [];
    this.paint();
    this.chart.timeScale().fitContent();
    this.say(null);
  }

  paint() {
    const { columns } = this;
    const theme = readTheme(this.root);
    this.chart.applyOptions(lineChartOptions(theme, { hasTime: lengthOf(this.config.interval) < DAY_MS }));
    this.equity.applyOptions({ color: theme.accent });
    this.hold.applyOptions({ color: theme.warn });
    this.optimistic?.applyOptions({ color: theme.accent });
    this.drawdown.applyOptions({ lineColor: theme.down, topColor: theme.downGhost, bottomColor: theme.downFaint });
    if (this.optimistic) {
      const room = this.times.map((time, at) => ({ time, low: columns.equity_lowest[at], high: columns.equity_highest[at] }));
      this.band.show(room, theme.accentGhost);
    }
    for (const head of this.heads) head.detach();
    this.heads = headPanes(this.chart, theme, [`Equity in ${this.config.quote}`, "Drawdown"]);
  }

  bind() {
    this.chart.subscribeCrosshairMove((event) => this.say(event.time === undefined ? null : placeOf(this.times, event.time)));
    this.chart.subscribeClick((event) => {
      if (event.time !== undefined) this.onMoment(this.seconds[placeOf(this.times, event.time)] * 1000);
    });
    bindReading(this.root, {
      count: () => this.times.length,
      current: () => this.at,
      say: (at) => {
        this.chart.setCrosshairPosition(this.columns.equity[at], this.times[at], this.equity);
        this.say(at);
      },
    });
    this.root.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && this.at !== null) this.onMoment(this.seconds[this.at] * 1000);
    });
    this.root.addEventListener("blur", () => this.chart.clearCrosshairPosition());
    const log = this.root.closest("section").querySelector("[data-equity-log]");
    log.addEventListener("click", () => {
      const isLog = log.getAttribute("aria-pressed") !== "true";
      log.setAttribute("aria-pressed", String(isLog));
      this.chart.priceScale("right", 0).applyOptions({ mode: isLog ? PriceScaleMode.Logarithmic : PriceScaleMode.Normal });
    });
    onThemeChange(() => this.paint());
  }

  say(at) {
    this.at = at;
    const one = at ?? this.times.length - 1;
    const { columns, config } = this;
    const words = [
      `${momentText(columns.close_time[one])} UTC`,
      `${priceText(columns.equity[one], 2)} ${config.quote}`,
      config.is_exact ? "" : `band ${priceText(columns.equity_lowest[one], 2)} to ${priceText(columns.equity_highest[one], 2)}`,
      `holding ${priceText(columns.equity_hold[one], 2)}`,
      `drawdown ${percent(columns.drawdown[one])}`,
    ];
    this.legend.textContent = words.filter(Boolean).join(" · ");
  }
}
