// The chart of bars with the trades on it: it goes where a trade is chosen, and asks for the bars and trades in view.

import { ask, questionOf, windowOf } from "./chart-data.js";
import { bindKeys } from "./chart-keys.js";
import { priceText } from "./chart-numbers.js";
import { LIMIT, extentOf, isStale, planFor } from "./chart-plan.js";
import { onThemeChange, readTheme } from "./chart-theme.js";
import { isoSecond, lengthOf, momentText } from "./chart-time.js";
import { ChartView } from "./chart-view.js";
import { TradeMarks } from "./trade-marks.js";

const SETTLE_MS = 60;
const MOST_TRADES = 1_000;

const percent = (share) => `${share > 0 ? "+" : share < 0 ? "−" : ""}${Math.abs(100 * share).toFixed(2)}\u202f%`;
const signed = (value) => `${value > 0 ? "+" : value < 0 ? "−" : ""}${priceText(Math.abs(value), 2)}`;

export class TradesChart {
  constructor(root, config) {
    this.root = root;
    this.config = config;
    this.stored = [{ interval: config.interval, first: config.first, last: config.last }];
    this.place = 0; // which of the series is shown
    this.loaded = null;
    this.trades = { found: 0, rows: [] };
    this.chosen = null; // a trade
    this.target = null;
    this.asking = null;
    this.legend = root.querySelector("[data-trades-legend]");
    this.frame = root.querySelector("[data-trades-frame]");
    this.view = new ChartView(root.querySelector("[data-trades-canvas]"), readTheme(root));
    this.view.drawNewest = () => {}; // the last bar of a backtest is not the newest price
    this.marks = new TradeMarks();
    this.view.candles.attachPrimitive(this.marks);
  }

  start() {
    this.view.onView = () => this.moved();
    this.view.chart.subscribeClick((event) => {
      const number = event.point ? this.marks.near(event.point.x, event.point.y) : null;
      const trade = this.trades.rows.find((one) => one.number === number);
      if (trade) this.choose(trade, { isMoving: false });
    });
    bindKeys(this.frame, this);
    this.frame.addEventListener("keydown", (event) => {
      const step = { n: 1, N: 1, p: -1, P: -1 }[event.key];
      if (step && !event.ctrlKey && !event.metaKey && !event.altKey) this.step(step);
    });
    for (const button of this.root.querySelectorAll("[data-trade-step]")) {
      button.addEventListener("click", () => this.step(Number(button.dataset.tradeStep)));
    }
    this.root.querySelector("[data-trade-all]").addEventListener("click", () => {
      this.choose(null);
      this.goTo(this.whole());
    });
    this.root.querySelector("[data-chart-series]")?.addEventListener("change", (event) => this.setSeries(Number(event.target.value)));
    this.root.querySelector("[data-retry]").addEventListener("click", () => this.refresh(this.current()));
    document.addEventListener("click", (event) => this.clicked(event));
    document.addEventListener("htmx:afterSettle", () => this.markRow());
    onThemeChange(() => {
      this.view.setTheme(readTheme(this.root));
      this.drawMarks();
    });
    this.goTo(this.whole());
  }

  whole() {
    const { first, end } = extentOf(this.stored);
    return { from: first - 0.01 * (end - first), to: end + 0.015 * (end - first) };
  }

  // A row of the table: a link, so that it can be reached by keyboard, or anywhere else in it.
  clicked(event) {
    const row = event.target.closest?.("tr[data-trade]");
    if (!row || (event.target.closest("a") && !event.target.closest("[data-go]"))) return;
    event.preventDefault();
    this.askFor(Number(row.dataset.trade), { isShown: true });
  }

  step(by) {
    const from = this.chosen?.number ?? (by > 0 ? 0 : this.config.trades + 1);
    const to = Math.min(Math.max(from + by, 1), this.config.trades);
    if (to >= 1) this.askFor(to);
  }

  async askFor(number, { isShown = false } = {}) {
    const query = new URLSearchParams({ limit: "1", offset: String(number - 1) });
    if (this.config.page_as_of) query.set("as_of", this.config.page_as_of);
    try {
      const { answer } = await ask(this.config.trades_url, query.toString());
      if (answer.rows.length) this.choose(answer.rows[0], { isShown });
    } catch (error) {
      this.fail(error);
    }
  }

  choose(trade, { isMoving = true, isShown = false } = {}) {
    this.chosen = trade;
    this.markRow();
    if (trade) {
      const place = this.config.series.findIndex((one) => one.split(":")[2] === trade.symbol);
      if (place >= 0 && place !== this.place) this.show(place);
      if (isMoving) {
        const [entry, exit] = [Date.parse(trade.entry_time), Date.parse(trade.exit_time)];
        const room = Math.max(1.2 * (exit - entry), 40 * lengthOf(this.config.interval));
        this.goTo({ from: entry - room, to: exit + room });
      }
      if (isShown) this.root.scrollIntoView({ block: "nearest", behavior: "instant" });
    }
    this.drawMarks();
  }

  goToMoment(moment) {
    const half = 120 * lengthOf(this.config.interval);
    this.choose(null);
    this.goTo({ from: moment - half, to: moment + half });
  }

  setSeries(place) {
    this.show(place);
    this.choose(null);
    this.refresh(this.current());
  }

  show(place) {
    this.place = place;
    this.loaded = null;
    const select = this.root.querySelector("[data-chart-series]");
    if (select) select.value = String(place);
  }

  // For the keys.
  pan(fraction) {
    const { from, to } = this.current();
    this.goTo({ from: from + fraction * (to - from), to: to + fraction * (to - from) });
  }

  zoom(factor) {
    const { from, to } = this.current();
    const half = (Math.max((to - from) * factor, 10 * lengthOf(this.config.interval))) / 2;
    this.goTo({ from: (from + to) / 2 - half, to: (from + to) / 2 + half });
  }

  toStart() {
    const { from, to } = this.current();
    const { first } = extentOf(this.stored);
    this.goTo({ from: first, to: first + to - from });
  }

  toEnd() {
    const { from, to } = this.current();
    const { end } = extentOf(this.stored);
    this.goTo({ from: end - (to - from), to: end });
  }

  current() {
    return this.target ?? this.view.view() ?? this.whole();
  }

  goTo(view) {
    this.target = view;
    if (this.loaded) this.view.setView(view);
    this.refresh(view);
  }

  moved() {
    this.say();
    clearTimeout(this.settling);
    this.settling = setTimeout(() => {
      if (this.target === null) this.refresh(this.current());
    }, SETTLE_MS);
  }

  async refresh(view) {
    const surroundings = { requested: this.config.interval, stored: this.stored, width: this.view.width() || this.frame.clientWidth };
    const plan = planFor(view, surroundings);
    if (this.loaded && !isStale(this.loaded, view, plan, surroundings)) {
      this.target = null;
      this.say();
      return;
    }
    // The lake goes on after a backtest has ended: nothing of that belongs to it.
    const end = plan.end ?? extentOf(this.stored).end;
    await this.load({ ...plan, end: Math.min(end, extentOf(this.stored).end) });
  }

  async load(plan) {
    this.asking?.abort();
    const asking = (this.asking = new AbortController());
    const series = this.config.series[this.place];
    this.setState(this.loaded ? "loading" : "first");
    const bars = questionOf({ series, ...plan, limit: LIMIT, indicators: [], asOf: this.config.as_of });
    const trades = new URLSearchParams({
      symbol: series.split(":")[2], start: isoSecond(plan.start), end: isoSecond(plan.end), limit: String(MOST_TRADES),
    });
    if (this.config.page_as_of) trades.set("as_of", this.config.page_as_of);
    try {
      const [{ answer }, found] = await Promise.all([
        ask(this.config.klines_url, bars, { signal: asking.signal }),
        ask(this.config.trades_url, trades.toString(), { signal: asking.signal }),
      ]);
      this.take({ ...plan, interval: answer.interval }, windowOf(answer), found.answer);
    } catch (error) {
      if (error.name !== "AbortError") this.fail(error);
    } finally {
      if (this.asking === asking) this.asking = null;
    }
  }

  take(plan, shown, trades) {
    const view = this.current();
    this.loaded = plan;
    this.trades = trades;
    this.target = null;
    if (!shown.count) {
      this.setState("empty");
      return;
    }
    this.view.show(shown, view);
    this.drawMarks();
    this.setState("ready");
  }

  drawMarks() {
    if (!this.view.shown) return;
    const slot = (text) => Math.floor(this.view.slotAt(Date.parse(text)));
    const marks = this.trades.rows.map((one) => ({
      number: one.number, from: slot(one.entry_time), to: slot(one.exit_time), entry: one.entry_price, exit: one.exit_price,
      isLong: one.side === "long", isWon: one.pnl > 0,
    }));
    this.marks.show(marks, this.chosen?.number ?? null, this.view.theme);
    this.say();
  }

  // The trade that is chosen in words, else what those in view came to.
  say() {
    this.legend.textContent = this.chosen ? this.wordsOf(this.chosen) : this.summary();
  }

  wordsOf(trade) {
    const digits = (price) => priceText(price, price >= 100 ? 2 : 5);
    return [
      `No. ${trade.number}, ${trade.side}`,
      `${momentText(Date.parse(trade.entry_time))} to ${momentText(Date.parse(trade.exit_time))} UTC`,
      `${digits(trade.entry_price)} to ${digits(trade.exit_price)}`,
      `${percent(trade.total_return)}, ${signed(trade.pnl)} ${this.config.quote}`,
      `ended by ${trade.reason.replaceAll("_", " ")}${trade.is_ambiguous ? ", in doubt" : ""}`,
    ].join(" · ");
  }

  summary() {
    const view = this.view.view();
    if (!view || !this.view.shown) return "";
    const seen = this.trades.rows.filter((one) => Date.parse(one.exit_time) >= view.from && Date.parse(one.entry_time) <= view.to);
    const won = seen.filter((one) => one.pnl > 0).length;
    const sum = seen.reduce((all, one) => all + one.pnl, 0);
    const more = this.trades.found > this.trades.rows.length
      ? ` · the first ${this.trades.rows.length.toLocaleString("en")} of ${this.trades.found.toLocaleString("en")} are drawn: zoom in for the rest` : "";
    if (!seen.length) return `No closed trade in view · bars of ${this.view.shown.interval}${more}`;
    return `${seen.length.toLocaleString("en")} trade${seen.length === 1 ? "" : "s"} in view, ${won} won · ${signed(sum)} ${this.config.quote} · bars of ${this.view.shown.interval}${more}`;
  }

  markRow() {
    for (const row of document.querySelectorAll("tr[data-trade]")) {
      const isChosen = this.chosen !== null && Number(row.dataset.trade) === this.chosen.number;
      row.classList.toggle("is-chosen", isChosen);
      const link = row.querySelector("[data-go]");
      if (isChosen) link.setAttribute("aria-current", "true");
      else link.removeAttribute("aria-current");
    }
  }

  setState(name) {
    this.root.dataset.state = name;
    this.frame.setAttribute("aria-busy", String(name === "loading" || name === "first"));
  }

  fail(error) {
    this.target = null;
    this.setState(error.status === 404 && !this.loaded ? "empty" : "failed");
    this.root.querySelector("[data-problem=title]").textContent = error.message;
    this.root.querySelector("[data-problem=detail]").textContent = error.detail ?? "";
  }
}
