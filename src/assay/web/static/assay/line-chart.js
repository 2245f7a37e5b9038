// What the charts of lines share: how they look, an axis that is even in time, and reading them point by point.

import { momentText } from "./chart-time.js";

const { createTextWatermark, CrosshairMode } = window.LightweightCharts;

export function lineChartOptions(theme, { hasTime }) {
  return {
    // Its logo would come with a style element of its own, which the page's policy refuses; the footer names the library.
    layout: {
      attributionLogo: false, background: { type: "solid", color: theme.surface }, textColor: theme.muted,
      fontFamily: theme.font, fontSize: 11, panes: { separatorColor: theme.border, enableResize: false },
    },
    grid: { vertLines: { color: theme.grid }, horzLines: { color: theme.grid } },
    crosshair: { mode: CrosshairMode.Magnet, horzLine: { visible: false, labelVisible: false } },
    rightPriceScale: { borderColor: theme.border },
    timeScale: { borderColor: theme.border, timeVisible: hasTime, secondsVisible: false, minBarSpacing: 0.01 },
    localization: { timeFormatter: (time) => `${momentText(time * 1000)} UTC` },
    // Up and down on a phone scrolls the page, and a wheel over the chart does too.
    handleScroll: { vertTouchDrag: false, mouseWheel: false },
    handleScale: { mouseWheel: false },
  };
}

// What stands in the corners of the panes.
export function headPanes(chart, theme, texts) {
  return texts.map((text, pane) => createTextWatermark(chart.panes()[pane], {
    horzAlign: "left", vertAlign: "top", lines: [{ text, color: theme.muted, fontSize: 11, fontFamily: theme.font }],
  }));
}

// The library gives every point the same room. Moments of its own from the first to the last, in even steps, give every
// hour the same room instead; a series of nothing holds them.
export class EvenTime {
  // In seconds; at most so many slots.
  constructor(first, last, step, most) {
    this.first = first;
    this.step = Math.max(step, Math.ceil((last - first) / most));
    this.slots = Math.max(1, Math.ceil((last - first) / this.step) + 1);
  }

  get points() {
    return Array.from({ length: this.slots }, (_none, slot) => ({ time: this.first + slot * this.step }));
  }

  // The slot of each moment: its own or, where a neighbour has that already, the next. Moments ascend.
  place(times) {
    let before = -1;
    return times.map((time) => {
      before = Math.max(before + 1, Math.round((time - this.first) / this.step));
      return this.first + before * this.step;
    });
  }
}

// The place of the last of ascending moments up to one.
export function placeOf(times, time) {
  let low = 0;
  let high = times.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (times[middle] <= time) low = middle;
    else high = middle - 1;
  }
  return low;
}

// Arrows, Home and End go from point to point; `say` is told which.
export function bindReading(element, { count, current, say }) {
  element.addEventListener("keydown", (event) => {
    const last = count() - 1;
    const from = current() ?? last + 1;
    const stride = event.shiftKey ? Math.max(1, Math.round(last / 50)) : 1;
    const to = { ArrowLeft: from - stride, ArrowRight: from + stride, Home: 0, End: last }[event.key];
    if (to === undefined || last < 0 || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    say(Math.max(0, Math.min(last, to)));
  });
}
