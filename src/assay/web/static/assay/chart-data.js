// Asks /api/v1/klines and turns the answer into a Window: bars on a grid without holes, and what is missing from it.

import { decimalsOf } from "./chart-numbers.js";
import { isoSecond, nextOpen } from "./chart-time.js";

// The most slots a grid may have; a hole of years is cut short rather than drawn bar by bar.
const MOST_SLOTS = 6_000;

export class Refused extends Error {
  // What the server said: a problem document, or that there was no answer.
  constructor(title, detail, status = 0) {
    super(title);
    this.detail = detail;
    this.status = status;
  }
}

export function questionOf({ series, interval, start, end, limit, indicators, asOf }) {
  const query = new URLSearchParams({ symbol: series, interval, limit: String(limit), coarsen: "true", format: "columns" });
  if (start !== null) query.set("start", isoSecond(start));
  if (end !== null) query.set("end", isoSecond(end));
  if (indicators.length) query.set("indicators", indicators.join(","));
  if (asOf) query.set("as_of", asOf);
  return query.toString();
}

// Returns {answer, etag}, or null where nothing has changed since `etag`.
export async function ask(url, question, { signal, etag = "" } = {}) {
  const headers = { Accept: "application/json" };
  if (etag) headers["If-None-Match"] = etag;
  let response;
  try {
    response = await fetch(`${url}?${question}`, { headers, signal, credentials: "same-origin" });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Refused("The server does not answer", "What was loaded before stays as it is.");
  }
  if (response.status === 304) return null;
  if (!response.ok) throw await refusal(response);
  return { answer: await response.json(), etag: response.headers.get("ETag") ?? "" };
}

async function refusal(response) {
  try {
    const problem = await response.json();
    return new Refused(problem.title, problem.detail, response.status);
  } catch {
    return new Refused(`The server answered with status ${response.status}`, "", response.status);
  }
}

// Puts the bars on a grid of every open time from the first to the last, so that a hole takes the room it took in time
// and a position on the axis is a moment. 
export function windowOf(answer) {
  const columns = answer.columns;
  const count = columns.open_time.length;
  const interval = answer.interval;
  const times = [];
  const rows = [];
  for (let row = 0; row < count; row += 1) {
    let slot = times.length ? nextOpen(interval, times[times.length - 1]) : columns.open_time[0];
    while (slot < columns.open_time[row] && times.length < MOST_SLOTS) {
      times.push(slot);
      rows.push(-1);
      slot = nextOpen(interval, slot);
    }
    times.push(columns.open_time[row]);
    rows.push(row);
  }
  const provisional = new Set(answer.provisional);
  return {
    series: answer.series,
    interval,
    stored: answer.stored_interval,
    canShow: answer.intervals,
    newest: answer.last_open_time,
    columns,
    count,
    times,
    rows,
    provisional,
    provisionalKnownAt: answer.provisional_known_at,
    decimals: decimalsOf(columns.close),
    gaps: answer.gaps,
    indicators: answer.indicators,
    about: answer.about,
  };
}

export function barAt(window, slot) {
  const row = window.rows[slot] ?? -1;
  if (row < 0) return null;
  const { open_time, open, high, low, close, volume, missing_bars, is_outlier } = window.columns;
  return {
    row,
    openTime: open_time[row],
    closeTime: nextOpen(window.interval, open_time[row]),
    open: open[row],
    high: high[row],
    low: low[row],
    close: close[row],
    volume: volume[row],
    previousClose: row > 0 ? close[row - 1] : null,
    missing: missing_bars ? missing_bars[row] : 0,
    isOutlier: is_outlier ? is_outlier[row] === true : false,
    isProvisional: window.provisional.has(open_time[row]),
    knownAt: window.provisionalKnownAt,
  };
}

export function gapAt(window, time) {
  return window.gaps.find((gap) => gap.start <= time && time < gap.end) ?? null;
}
