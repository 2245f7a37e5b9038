// Which bars to ask for: the finest that fit the width, with a margin on either side so that a drag finds them there.

import { LADDER, divides, floorTo, lengthOf, nextOpen } from "./chart-time.js";

const PIXELS_A_BAR = 1.5;
const MOST_IN_VIEW = 900;
const LEAST_IN_VIEW = 60;
export const LIMIT = 1500; // what is seen, and up to as much on either side

// The stored series that bars of `interval` are made of: the longest that divides it.
export function sourceOf(interval, stored) {
  const able = stored.filter((one) => divides(one.interval, interval));
  return able.sort((one, other) => lengthOf(other.interval) - lengthOf(one.interval))[0] ?? null;
}

// From the oldest bar to the end of the newest, which of an hour that is still going on is that of its newest minute.
export function extentOf(stored) {
  const shortest = Math.min(...stored.map((one) => lengthOf(one.interval)));
  return {
    first: Math.min(...stored.map((one) => one.first)),
    end: Math.max(...stored.map((one) => one.last)) + shortest,
  };
}

export function mostInView(width) {
  return Math.min(Math.max(Math.floor(width / PIXELS_A_BAR), LEAST_IN_VIEW), MOST_IN_VIEW);
}

function overlap(view, first, end) {
  return Math.max(0, Math.min(view.to, end) - Math.max(view.from, first));
}

// The finest interval from `requested` on whose bars fit, and whose history covers at least half of what could be seen:
// minutes are kept for a month, hours for years.
export function intervalFor(view, { requested, stored, width }) {
  const extent = extentOf(stored);
  const seen = overlap(view, extent.first, extent.end);
  let coarsest = requested;
  for (const interval of LADDER.slice(LADDER.indexOf(requested))) {
    const source = sourceOf(interval, stored);
    if (!source) continue;
    if (overlap(view, source.first, source.last + lengthOf(source.interval)) < seen / 2) continue;
    coarsest = interval;
    if (seen <= mostInView(width) * lengthOf(interval)) return interval;
  }
  return coarsest;
}

// Returns {interval, start, end}; `end` is null where the newest bar belongs to the answer, however new it is.
export function planFor(view, { requested, stored, width }) {
  const interval = intervalFor(view, { requested, stored, width });
  const extent = extentOf(stored);
  if (overlap(view, extent.first, extent.end) === 0) {
    // Nothing is there; the server says so.
    return { interval, start: floorTo(interval, view.from), end: nextOpen(interval, floorTo(interval, view.to)) };
  }
  const span = Math.max(view.to - view.from, lengthOf(interval));
  const margin = Math.max(0, Math.min(span, ((LIMIT - 4) * lengthOf(interval) - span) / 2));
  const start = floorTo(interval, Math.max(view.from - margin, extent.first));
  const end = view.to + margin >= extent.end ? null : floorTo(interval, view.to + margin);
  return { interval, start, end };
}

// Whether what is loaded no longer serves the view: finer bars would fit, it shows too many, or an edge comes near.
export function isStale(loaded, view, plan, { requested, stored, width }) {
  if (!loaded || lengthOf(loaded.interval) < lengthOf(requested)) return true;
  if (lengthOf(plan.interval) < lengthOf(loaded.interval)) return true;
  const span = view.to - view.from;
  if (plan.interval !== loaded.interval && span > 1.25 * mostInView(width) * lengthOf(loaded.interval)) return true;
  const extent = extentOf(stored);
  const lacksLeft = loaded.start > Math.max(view.from - span / 5, floorTo(loaded.interval, extent.first));
  const lacksRight = loaded.end !== null && loaded.end < Math.min(view.to + span / 5, extent.end);
  return lacksLeft || lacksRight;
}

// Whether the view can be shown with what is loaded, if not well.
export function covers(loaded, view, stored) {
  const { first, end } = extentOf(stored);
  const isThere = loaded.start <= Math.max(view.from, first) && (loaded.end ?? Infinity) >= Math.min(view.to, end);
  return isThere && view.to - view.from <= LIMIT * lengthOf(loaded.interval);
}

const DAY = 86_400_000;
export const RANGES = { "1D": DAY, "1W": 7 * DAY, "1M": 30 * DAY, "3M": 91 * DAY, "1Y": 365 * DAY, All: Infinity };

// The view of a range that ends with the newest bar, with a little room behind it.
export function viewOfRange(name, stored) {
  const extent = extentOf(stored);
  const length = Math.min(RANGES[name], extent.end - extent.first);
  return { from: extent.end - length, to: extent.end + length * 0.015 };
}

// The view of the newest bars of an interval, as many as look well.
export function viewOfNewest(interval, stored, width) {
  const source = sourceOf(interval, stored) ?? stored[0];
  const end = source.last + lengthOf(source.interval);
  const count = Math.min(Math.max(Math.floor(width / 5), 40), 240);
  return { from: end - count * lengthOf(interval), to: end + 4 * lengthOf(interval) };
}

// The view after somebody asked for an interval: what was seen, cut or widened until its bars can be shown.
export function viewOfInterval(interval, view, { stored, width }) {
  const length = lengthOf(interval);
  const source = sourceOf(interval, stored);
  const sourceEnd = source.last + lengthOf(source.interval);
  if (overlap(view, source.first, sourceEnd) < (view.to - view.from) / 2) return viewOfNewest(interval, stored, width);
  const count = (view.to - view.from) / length;
  if (count > mostInView(width)) return { from: view.to - 0.9 * mostInView(width) * length, to: view.to };
  if (count < 30) return { from: view.to - 120 * length, to: view.to };
  return view;
}
