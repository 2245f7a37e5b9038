// The asset page: keeps what is drawn, what is asked of the server and what stands in the address in step.

import { ask, questionOf, windowOf } from "./chart-data.js";
import { Indicators } from "./chart-indicators.js";
import { coneOf } from "./chart-lines.js";
import { Legend } from "./chart-legend.js";
import {
  LIMIT, extentOf, covers, isStale, planFor, sourceOf, viewOfInterval, viewOfNewest, viewOfRange,
} from "./chart-plan.js";
import { onThemeChange, readTheme } from "./chart-theme.js";
import { lengthOf } from "./chart-time.js";
import { MOST_INDICATORS, readState, writeState } from "./chart-url.js";
import { ChartView } from "./chart-view.js";
import { bindKeys } from "./chart-keys.js";

const SETTLE_MS = 40; // a wheel sends many events; the last of them counts
const ADDRESS_MS = 300; // browsers refuse more than a hundred new addresses in half a minute
const HAND_MS = 500; // how long after an event of wheel or pointer a move of the chart is taken for the user's
const POLL_MS = 15_000;
const AHEAD = 26; // bars of room for a forecast

class AssetChart {
  constructor(root, config) {
    this.root = root;
    this.config = config;
    this.stored = config.stored;
    this.state = readState(location.search, config.defaults);
    this.loaded = null; // {question, etag, interval, start, end} of the window that is shown
    this.asking = null; // AbortController of the question under way
    this.waiting = null; // a window that came while the chart was held
    this.target = null; // moments that were asked for and cannot be shown before their bars are there
    this.isHeld = false;
    this.wantsRoom = !this.state.view; // for a forecast
    this.lastHand = -Infinity;
    this.frame = root.querySelector("[data-chart=frame]");
    this.view = new ChartView(root.querySelector("[data-chart=canvas]"), readTheme(root));
    this.legend = new Legend(root, config);
    this.indicators = new Indicators(root, config.steps, {
      onChange: (names) => this.setIndicators(names),
      refusalOf: (name, others) => this.refusalOf(name, others),
    });
    this.view.onPanes = (count) => this.frame.style.setProperty("--panes", String(Math.max(count - 1, 0)));
    this.view.onView = () => this.moved();
    this.pointed = null; // the position under the crosshair
    this.view.onCrosshair = (slot) => {
      this.pointed = slot;
      this.legend.show(this.view, slot);
    };
  }

  start() {
    this.bind();
    this.view.setLog(this.state.isLog);
    this.press();
    this.target = this.wanted();
    this.refresh(this.target);
    if (!this.config.as_of) setInterval(() => this.poll(), POLL_MS);
  }

  bind() {
    this.onClicks("interval", (interval) => this.setInterval(interval));
    this.onClicks("range", (range) => this.setRange(range));
    this.root.querySelector("[data-log]").addEventListener("click", () => this.setLog(!this.state.isLog));
    this.root.querySelector("[data-retry]").addEventListener("click", () => this.refresh(this.current()));
    bindKeys(this.frame, this);
    for (const name of ["pointerdown", "pointermove", "wheel"]) {
      this.frame.addEventListener(name, (event) => this.handed(event), { passive: true, capture: true });
    }
    for (const name of ["pointerup", "pointercancel"]) window.addEventListener(name, () => this.letGo());
    document.addEventListener("visibilitychange", () => this.poll());
    onThemeChange(() => {
      this.view.setTheme(readTheme(this.root));
      this.describeShown();
    });
  }

  onClicks(kind, act) {
    for (const button of this.root.querySelectorAll(`button[data-${kind}]`)) {
      button.addEventListener("click", () => {
        if (button.getAttribute("aria-disabled") !== "true") act(button.dataset[kind]);
      });
    }
  }

  // The moments that should be in view before the chart can say which are.
  wanted() {
    const { range, view, interval } = this.state;
    if (range) return viewOfRange(range, this.stored);
    const canBe = sourceOf(interval, this.stored) !== null; // not if the address names one that nothing adds up to
    return view ?? viewOfNewest(canBe ? interval : this.config.defaults.interval, this.stored, this.view.width());
  }

  setInterval(interval) {
    const view = viewOfInterval(interval, this.current(), this.surroundings());
    Object.assign(this.state, { interval, range: null });
    this.goTo(view);
  }

  setRange(range) {
    const view = viewOfRange(range, this.stored);
    // The finest interval that fits becomes the one asked for, unless a finer one was.
    const fitting = planFor(view, { ...this.surroundings(), requested: "1m" }).interval;
    if (lengthOf(fitting) < lengthOf(this.state.interval)) this.state.interval = fitting;
    this.goTo(view);
    Object.assign(this.state, { range });
    this.press();
    this.address();
  }

  // Why the server would not show an indicator beside others, or nothing.
  async refusalOf(name, others) {
    if (others.length >= MOST_INDICATORS) return `A chart shows at most ${MOST_INDICATORS} indicators: take one off first.`;
    const { series, as_of: asOf } = this.config;
    const interval = this.loaded?.interval ?? this.state.interval;
    const question = questionOf({ series, interval, start: null, end: null, limit: 1, indicators: [name], asOf });
    try {
      await ask(this.config.klines_url, question);
    } catch (error) {
      const why = error.detail || error.message;
      if (error.status >= 400 && error.status < 500 && error.status !== 404) return why[0].toUpperCase() + why.slice(1);
    }
    return "";
  }

  setIndicators(names) {
    this.wantsRoom = names.some((name) => !this.state.indicators.includes(name));
    this.state.indicators = names;
    this.indicators.show(names, this.view.lines);
    this.refresh(this.current());
    this.address();
  }

  withRoom({ from, to }) {
    const { end } = extentOf(this.stored);
    return to < end ? { from, to } : { from, to: Math.max(to, end + AHEAD * lengthOf(this.loaded.interval)) };
  }

  setLog(isLog) {
    this.state.isLog = isLog;
    this.view.setLog(isLog);
    this.press();
    this.address();
  }

  surroundings() {
    return { requested: this.state.interval, stored: this.stored, width: this.view.width() || this.frame.clientWidth };
  }

  // Shows these moments: at once as far as they are loaded, and as they should be when their bars are there.
  goTo(view) {
    this.state.range = null;
    this.target = view;
    if (this.loaded && covers(this.loaded, view, this.stored)) {
      this.view.setView(view);
      this.legend.show(this.view, null);
    }
    this.press();
    this.refresh(view);
    this.address();
  }

  // The moments in view, or those about to be.
  current() {
    return this.target ?? this.view.view() ?? this.wanted();
  }

  pan(fraction) {
    const { from, to } = this.current();
    this.goTo(this.kept({ from: from + fraction * (to - from), to: to + fraction * (to - from) }));
  }

  zoom(factor) {
    const { from, to } = this.current();
    const extent = extentOf(this.stored);
    // The newest bar stays where it is if it is in view, else the middle does.
    const fixed = to >= extent.end ? to : (from + to) / 2;
    const finest = lengthOf(sourceOf(this.state.interval, this.stored)?.interval ?? "1m");
    const span = Math.max((to - from) * factor, 10 * finest);
    const share = (fixed - from) / (to - from);
    this.goTo(this.kept({ from: fixed - share * span, to: fixed + (1 - share) * span }));
  }

  toStart() {
    const { from, to } = this.current();
    const { first } = extentOf(this.stored);
    this.goTo({ from: first, to: first + to - from });
  }

  toEnd() {
    const { from, to } = this.current();
    const end = extentOf(this.stored).end + 0.015 * (to - from);
    this.goTo({ from: end - (to - from), to: end });
  }

  // Never so far that no bar is left in view.
  kept({ from, to }) {
    const { first, end } = extentOf(this.stored);
    const span = to - from;
    if (to < first + span / 10) return { from: first - 0.9 * span, to: first + 0.1 * span };
    if (from > end - span / 10) return { from: end - 0.1 * span, to: end + 0.9 * span };
    return { from, to };
  }

  handed(event) {
    if (event.type === "pointerdown") this.isHeld = true;
    if (event.type !== "pointermove" || this.isHeld) this.lastHand = performance.now();
  }

  // The chart moved: by the user's hand, or because it was told to, which whoever told it knows.
  moved() {
    if (performance.now() - this.lastHand > HAND_MS) {
      if (this.pointed === null) this.legend.show(this.view, null);
      return;
    }
    this.view.release();
    this.state.range = null;
    this.target = null;
    this.press();
    this.mark();
    clearTimeout(this.settling);
    this.settling = setTimeout(() => this.refresh(this.current()), SETTLE_MS);
    this.address();
  }

  // Asks for what the view needs, if what is loaded does not serve it.
  async refresh(view) {
    clearTimeout(this.settling);
    const surroundings = this.surroundings();
    const plan = planFor(view, surroundings);
    const isSame = this.loaded && String(this.loaded.indicators) === String(this.state.indicators);
    if (isSame && !isStale(this.loaded, view, plan, surroundings)) {
      this.asking?.abort();
      this.target = null;
      this.isMarked = false;
      return;
    }
    const question = this.question(plan);
    if (question === this.loaded?.question) return;
    this.mark();
    await this.load(question, plan);
  }

  question(plan) {
    const { series, as_of: asOf } = this.config;
    return questionOf({ series, ...plan, limit: LIMIT, indicators: this.state.indicators, asOf });
  }

  async load(question, plan) {
    this.asking?.abort();
    const asking = (this.asking = new AbortController());
    this.setState(this.loaded ? "loading" : "first");
    try {
      const { answer, etag } = await ask(this.config.klines_url, question, { signal: asking.signal });
      const loaded = { question, etag, ...plan, interval: answer.interval, indicators: [...this.state.indicators] };
      this.take({ loaded, shown: windowOf(answer) });
    } catch (error) {
      if (error.name !== "AbortError") this.fail(error);
    } finally {
      if (this.asking === asking) this.asking = null;
    }
  }

  // Draws a window; not while a pointer holds the chart, which would tear it out of the hand.
  take(window) {
    if (this.isHeld && this.loaded) {
      this.waiting = window;
      return;
    }
    this.waiting = null;
    const { loaded, shown } = window;
    const isFirst = !this.loaded;
    let view = this.current();
    this.target = null;
    this.loaded = loaded;
    if (!shown.count) {
      this.setState("empty");
      return;
    }
    this.learn(shown);
    // A forecast is of bars to come: room for it, where the newest bar is in view and nobody asked for another stretch.
    if (this.wantsRoom && coneOf(shown)) view = this.withRoom(view);
    this.wantsRoom = false;
    this.view.show(shown, view);
    this.describeShown();
    this.setState("ready");
    this.painted(isFirst ? "assay:interactive" : "assay:zoomed");
    if (isFirst) this.bindSizes();
  }

  letGo() {
    this.isHeld = false;
    if (this.waiting) this.take(this.waiting);
  }

  // A phone that is turned, a window that is widened: other bars may fit.
  bindSizes() {
    new ResizeObserver(() => this.refresh(this.current())).observe(this.frame);
  }

  // The newest bar may be newer than the page.
  learn(shown) {
    if (this.config.as_of) return;
    const newest = this.stored.reduce((one, other) => (other.last > one.last ? other : one));
    newest.last = Math.max(newest.last, shown.newest);
  }

  async poll() {
    if (document.hidden || !this.loaded || this.asking || this.isHeld) return;
    const { question, etag } = this.loaded;
    const before = extentOf(this.stored).end;
    let found;
    try {
      found = await ask(this.config.klines_url, question, { etag });
      this.root.dataset.connection = "up";
    } catch {
      this.root.dataset.connection = "down";
      return;
    }
    // Somebody moved meanwhile: the next round asks about what is shown then.
    if (!found || this.loaded.question !== question || this.isHeld) return;
    const view = this.current();
    this.take({ loaded: { ...this.loaded, etag: found.etag }, shown: windowOf(found.answer) });
    const added = extentOf(this.stored).end - before;
    if (added > 0 && view.to >= before) {
      this.view.setView({ from: view.from + added, to: view.to + added });
      this.legend.show(this.view, null);
    }
    // The rest of the page (facts, table, prediction) asks for itself.
    document.body.dispatchEvent(new CustomEvent("assay:new-bars", { detail: { added } }));
  }

  describeShown() {
    this.press();
    this.indicators.show(this.state.indicators, this.view.lines);
    this.legend.summary(this.view, this.state.interval);
    this.legend.show(this.view, null);
  }

  press() {
    const pressed = (kind, value) => {
      for (const button of this.root.querySelectorAll(`button[data-${kind}]`)) {
        const canBe = button.getAttribute("aria-disabled") !== "true";
        button.setAttribute("aria-pressed", String(canBe && button.dataset[kind] === value));
      }
    };
    // What was asked for in the address may be an interval that cannot be shown: then the one that is shown counts.
    const canBe = sourceOf(this.state.interval, this.stored) !== null;
    pressed("interval", canBe ? this.state.interval : this.loaded?.interval);
    pressed("range", this.state.range);
    this.root.querySelector("[data-log]").setAttribute("aria-pressed", String(this.state.isLog));
  }

  address() {
    clearTimeout(this.addressing);
    this.addressing = setTimeout(() => {
      const view = this.current();
      history.replaceState(null, "", writeState(location.search, { ...this.state, view }));
    }, ADDRESS_MS);
  }

  setState(name) {
    this.root.dataset.state = name;
    this.frame.setAttribute("aria-busy", String(name === "loading" || name === "first"));
  }

  fail(error) {
    if (error.status === 404 && !this.loaded) {
      this.setState("empty");
      return;
    }
    // What was asked for can be taken back: an indicator in the address may be none.
    this.indicators.show(this.state.indicators, this.view.lines);
    this.setState("failed");
    this.root.querySelector("[data-problem=title]").textContent = error.message;
    this.root.querySelector("[data-problem=detail]").textContent = error.detail ?? "";
  }

  // Marks for whoever measures: a zoom begins where bars that are not there yet are wanted, and ends when they are drawn.
  mark() {
    if (!this.isMarked) performance.mark("assay:zoom");
    this.isMarked = true;
  }

  painted(name) {
    this.isMarked = false;
    requestAnimationFrame(() => setTimeout(() => performance.mark(name)));
  }
}

const root = document.querySelector("[data-asset-chart]");
if (root) new AssetChart(root, JSON.parse(document.getElementById("chart-config").textContent)).start();
