// The drawing itself: one Lightweight Charts chart that shows a Window, and turns positions on its axis into moments.

import { Bands, bandsOf } from "./chart-bands.js";
import { LevelMarks } from "./chart-levels.js";
import { coneOf, headOf, levelsOf, linesOf } from "./chart-lines.js";
import { lengthOf, momentText, dayText } from "./chart-time.js";
import { decimalsForSize, plainText, priceText, shortText } from "./chart-numbers.js";

const {
  createChart, createTextWatermark, CandlestickSeries, HistogramSeries, LineSeries, CrosshairMode, PriceScaleMode,
} = window.LightweightCharts;
const HIDDEN = "rgba(0, 0, 0, 0)";
// Where a reader's eye wants two lines: overbought and oversold, as their authors drew them.
const MARKS = { rsi: [30, 70], mfi: [20, 80], stochastic: [20, 80], williams_r: [-80, -20], adx: [25] };
const BOUNDS = { "0 to 100": [0, 100], "-100 to 0": [-100, 0], "-1 to 1": [-1, 1] };

export class ChartView {
  constructor(element, theme) {
    this.theme = theme;
    this.shown = null;
    this.lines = [];
    this.coming = null; // moments the library will show from its next frame on
    this.onView = () => {};
    this.onCrosshair = () => {};
    this.onPanes = () => {};
    this.newest = null; // the line at the newest price
    this.heads = []; // what stands in the corners of the panes
    this.cone = []; // lines of a forecast over the bars to come
    this.chart = createChart(element, { autoSize: true, ...optionsOf(theme) });
    this.candles = this.chart.addSeries(CandlestickSeries, {
      ...candleColours(theme), lastValueVisible: false, priceLineVisible: false,
    });
    this.volume = this.chart.addSeries(HistogramSeries, {
      priceScaleId: "volume",
      priceFormat: { type: "custom", formatter: shortText, minMove: 0.01 },
      lastValueVisible: false,
      priceLineVisible: false,
    });
    this.chart.priceScale("volume").applyOptions({ scaleMargins: { top: 0.82, bottom: 0 } });
    this.chart.priceScale("right").applyOptions({ scaleMargins: { top: 0.06, bottom: 0.22 } });
    this.bands = new Bands();
    this.candles.attachPrimitive(this.bands);
    this.levels = new LevelMarks();
    this.candles.attachPrimitive(this.levels);
    this.chart.timeScale().subscribeVisibleLogicalRangeChange(() => {
      if (this.shown) this.onView();
    });
    this.chart.subscribeCrosshairMove((event) => {
      this.onCrosshair(event.point === undefined || event.logical === undefined ? null : Math.round(event.logical));
    });
  }

  // Shows the window and keeps the moments in view, or those of `view`.
  show(shown, view) {
    const kept = view ?? this.view();
    this.shown = shown;
    this.drawBars();
    this.drawLines();
    this.setView(kept);
  }

  drawBars() {
    const { shown, theme } = this;
    const { open, high, low, close, volume } = shown.columns;
    const candles = [];
    const volumes = [];
    shown.times.forEach((time, slot) => {
      const row = shown.rows[slot];
      const at = time / 1000;
      if (row < 0) {
        candles.push({ time: at });
        return;
      }
      const side = close[row] >= open[row] ? "up" : "down";
      const bar = { time: at, open: open[row], high: high[row], low: low[row], close: close[row] };
      const isProvisional = shown.provisional.has(time);
      // Hollow: the number is not final.
      if (isProvisional) Object.assign(bar, { color: theme.surface, borderColor: theme[side], wickColor: theme[side] });
      candles.push(bar);
      // No volume draws nothing: a column of no height would be a line along the floor.
      const colour = theme[isProvisional ? `${side}Ghost` : `${side}Faint`];
      volumes.push(volume[row] ? { time: at, value: volume[row], color: colour } : { time: at });
    });
    const { decimals } = shown;
    this.candles.applyOptions({
      priceFormat: { type: "custom", formatter: (price) => priceText(price, decimals), minMove: 10 ** -decimals },
    });
    this.candles.setData(candles);
    this.volume.setData(volumes);
    this.bands.show(bandsOf(shown), theme);
    this.drawNewest(close[close.length - 1], close[close.length - 1] >= open[open.length - 1] ? theme.up : theme.down);
  }

  // A line of its own: the library's would take the colour of a hollow bar, which is none.
  drawNewest(price, colour) {
    if (this.newest) this.candles.removePriceLine(this.newest);
    const label = { axisLabelVisible: true, axisLabelColor: colour, axisLabelTextColor: this.theme.surface };
    this.newest = this.candles.createPriceLine({ price, color: colour, lineWidth: 1, lineStyle: 1, title: "", ...label });
  }

  // Lines that are there stay, since a pane that goes and comes back costs more than all the bars.
  drawLines() {
    const wanted = linesOf(this.shown).map((line, index) => ({
      ...line, colour: this.theme.lines[index % this.theme.lines.length],
    }));
    const names = (lines) => lines.map(({ name, output, pane }) => `${name} ${output} ${pane}`).join();
    if (names(wanted) !== names(this.lines)) {
      this.clearLines();
      this.lines = wanted.map((line) => ({ ...line, series: this.addLine(line) }));
      this.chart.panes().forEach((one, index) => one.setStretchFactor(index === 0 ? 4 : 1));
      this.heads = this.headPanes();
      this.onPanes(this.chart.panes().length);
    }
    this.lines.forEach((line, index) => {
      Object.assign(line, { values: wanted[index].values, beside: wanted[index].beside });
      line.series.setData(this.points(line));
      if (line.pane > 0) line.series.applyOptions({ priceFormat: formatOf(line) });
    });
    const marks = this.lines.flatMap((line) => levelsOf(this.shown, line).map((one) => ({ ...one, colour: line.colour })));
    this.levels.show(marks);
    this.drawCone();
  }

  clearLines() {
    for (const head of this.heads) head.detach();
    for (const line of this.lines) this.chart.removeSeries(line.series);
    this.heads = [];
    this.lines = [];
  }

  // What each pane below the price is of, and in which unit.
  headPanes() {
    return this.chart.panes().slice(1).flatMap((pane, index) => {
      const drawn = this.lines.filter((one) => one.pane === index + 1);
      if (!drawn.length) return [];
      const text = headOf(drawn, this.lines);
      const lines = [{ text, color: this.theme.muted, fontSize: 11, fontFamily: this.theme.font }];
      return [createTextWatermark(pane, { horzAlign: "left", vertAlign: "top", lines })];
    });
  }

  // Where the price may go by a volatility's forecast: an interval that widens from the newest close.
  drawCone() {
    const cone = coneOf(this.shown);
    for (const series of cone ? [] : this.cone.splice(0)) this.chart.removeSeries(series);
    if (!cone) return;
    const colour = this.lines.find((line) => line.name === cone.name)?.colour ?? this.theme.muted;
    const options = { lineWidth: 1, lastValueVisible: true, priceLineVisible: false, crosshairMarkerVisible: false };
    if (!this.cone.length) this.cone = [2, 1, 2].map((lineStyle) => this.chart.addSeries(LineSeries, { ...options, lineStyle }));
    const { decimals } = this.shown;
    const priceFormat = { type: "custom", formatter: (price) => priceText(price, decimals), minMove: 10 ** -decimals };
    ["lower", "median", "upper"].forEach((name, index) => {
      this.cone[index].applyOptions({ color: colour, priceFormat });
      this.cone[index].setData(cone.times.map((time, at) => ({ time: time / 1000, value: cone[name][at] })));
    });
  }

  addLine({ step, output, colour, pane, unit }) {
    const options = { color: colour, lineWidth: 2, lastValueVisible: pane > 0, priceLineVisible: false, crosshairMarkerRadius: 3 };
    if (pane === 0) options.autoscaleInfoProvider = () => null; // the bars decide what of the price is in view
    if (output.includes("histogram")) return this.chart.addSeries(HistogramSeries, options, pane);
    if (step === "sar") Object.assign(options, { lineVisible: false, pointMarkersVisible: true, pointMarkersRadius: 1.5 });
    const series = this.chart.addSeries(LineSeries, options, pane);
    if (pane > 0) this.marks(series, step, BOUNDS[unit]);
    return series;
  }

  points({ step, output, values }) {
    const { times, rows } = this.shown;
    const { theme } = this;
    const found = [];
    times.forEach((time, slot) => {
      const value = rows[slot] < 0 ? null : values[rows[slot]];
      if (value === null || value === undefined) return;
      const point = { time: time / 1000, value };
      const next = rows[slot + 1] === undefined || rows[slot + 1] < 0 ? null : values[rows[slot + 1]];
      // No line over a hole: what comes after it begins anew. Neither from one level to the next one.
      if (rows[slot + 1] === -1 || (step === "levels" && next !== value)) point.color = HIDDEN;
      if (output.includes("histogram")) point.color = value < 0 ? theme.downFaint : theme.upFaint;
      found.push(point);
    });
    return found;
  }

  marks(series, step, bounds) {
    for (const price of MARKS[step] ?? []) {
      series.createPriceLine({ price, color: this.theme.muted, lineWidth: 1, lineStyle: 2, axisLabelVisible: false });
    }
    if (!bounds) return;
    const [minValue, maxValue] = bounds;
    series.applyOptions({ autoscaleInfoProvider: () => ({ priceRange: { minValue, maxValue } }) });
  }

  // The moments at the two edges, or null before anything is shown.
  view() {
    if (this.coming) return this.coming;
    const range = this.chart.timeScale().getVisibleLogicalRange();
    return range && this.shown ? { from: this.timeAt(range.from), to: this.timeAt(range.to) } : null;
  }

  // The library moves with its next frame, and a chart that has no size yet forgets where to: then it is told again.
  setView(view, attempts = 6) {
    if (!view || !this.shown?.times.length) return;
    this.coming = view;
    this.chart.timeScale().setVisibleLogicalRange({ from: this.slotAt(view.from), to: this.slotAt(view.to) });
    requestAnimationFrame(() => {
      if (this.coming !== view) return;
      if (attempts > 0 && !this.isAt(view)) this.setView(view, attempts - 1);
      else this.coming = null;
    });
  }

  isAt(view) {
    const range = this.chart.timeScale().getVisibleLogicalRange();
    return range && Math.abs(range.from - this.slotAt(view.from)) < 1 && Math.abs(range.to - this.slotAt(view.to)) < 1;
  }

  // Somebody else moves the chart from here on.
  release() {
    this.coming = null;
  }

  timeAt(slot) {
    const { times, interval } = this.shown;
    const low = Math.min(Math.max(Math.floor(slot), 0), times.length - 1);
    const length = low + 1 < times.length ? times[low + 1] - times[low] : lengthOf(interval);
    return Math.round(times[low] + (slot - low) * length);
  }

  slotAt(time) {
    const { times, interval } = this.shown;
    let low = 0;
    let high = times.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (times[middle] <= time) low = middle;
      else high = middle - 1;
    }
    const length = low + 1 < times.length && time > times[low] ? times[low + 1] - times[low] : lengthOf(interval);
    return low + (time - times[low]) / length;
  }

  // The position of the last bar in view.
  lastInView() {
    const view = this.view();
    return view ? Math.max(0, Math.min(Math.round(this.slotAt(view.to) - 0.5), this.shown.times.length - 1)) : null;
  }

  width() {
    return this.chart.timeScale().width();
  }

  setLog(isLog) {
    this.chart.priceScale("right").applyOptions({ mode: isLog ? PriceScaleMode.Logarithmic : PriceScaleMode.Normal });
  }

  setTheme(theme) {
    this.theme = theme;
    this.chart.applyOptions(optionsOf(theme));
    this.candles.applyOptions(candleColours(theme));
    this.clearLines();
    if (this.shown) this.show(this.shown);
  }
}

function formatOf({ unit, values }) {
  const decimals = unit === "0 to 100" ? 1 : decimalsForSize(values);
  return { type: "custom", formatter: (value) => plainText(value, decimals), minMove: 10 ** -decimals };
}

function candleColours(theme) {
  return {
    upColor: theme.up, borderUpColor: theme.up, wickUpColor: theme.up,
    downColor: theme.down, borderDownColor: theme.down, wickDownColor: theme.down,
  };
}

function optionsOf(theme) {
  const label = { color: theme.muted, labelBackgroundColor: theme.muted, style: 2 };
  return {
    // Its logo would come with a style element of its own, which the page's policy refuses; the footer names the library.
    layout: {
      attributionLogo: false, background: { type: "solid", color: theme.surface }, textColor: theme.muted,
      fontFamily: theme.font, fontSize: 11, panes: { separatorColor: theme.border, separatorHoverColor: theme.grid },
    },
    grid: { vertLines: { color: theme.grid }, horzLines: { color: theme.grid } },
    crosshair: { mode: CrosshairMode.Normal, vertLine: label, horzLine: label },
    rightPriceScale: { borderColor: theme.border },
    timeScale: { borderColor: theme.border, timeVisible: true, secondsVisible: false, minBarSpacing: 0.2, rightOffset: 0 },
    localization: { timeFormatter: (time) => (time % 86_400 ? `${momentText(time * 1000)} UTC` : `${dayText(time * 1000)} UTC`) },
    // A drag that goes on by itself would run past what is loaded; up and down on a phone scrolls the page.
    kineticScroll: { touch: false, mouse: false },
    handleScroll: { vertTouchDrag: false },
  };
}
