// The state of the page as it stands in its address, so that a link opens the same view.

import { LADDER, isoMinute } from "./chart-time.js";
import { RANGES } from "./chart-plan.js";

// A name, its parameters, and what it is computed over: bollinger:20:2.5, calendar:Europe/Berlin, rolling_mean:24@volume;
// or a usual name: RSI_14, BB_width_20_2.5. Which of them there are, the server knows.
const NAME = /^[A-Za-z][A-Za-z0-9_.]{0,63}(:[A-Za-z0-9_+/.-]{1,64}){0,5}(@[A-Za-z0-9_]{1,20})?$/;
export const MOST_INDICATORS = 8;

export function readState(search, defaults) {
  const query = new URLSearchParams(search);
  const interval = query.get("interval");
  const from = Date.parse(query.get("from") ?? "");
  const to = Date.parse(query.get("to") ?? "");
  const range = query.get("range");
  return {
    interval: LADDER.includes(interval) ? interval : defaults.interval,
    range: Object.hasOwn(RANGES, range ?? "") ? range : null,
    view: Number.isFinite(from) && Number.isFinite(to) && from < to ? { from, to } : null,
    indicators: query.has("ind") ? namesIn(query.get("ind")) : defaults.indicators,
    isLog: query.get("scale") === "log",
  };
}

function namesIn(text) {
  const names = text.split(",").map((name) => name.trim()).filter((name) => NAME.test(name));
  return [...new Set(names)].slice(0, MOST_INDICATORS);
}

// Keeps what others put into the address, such as as_of.
export function writeState(search, state) {
  const query = new URLSearchParams(search);
  query.set("interval", state.interval);
  for (const name of ["from", "to", "range", "scale"]) query.delete(name);
  if (state.range) query.set("range", state.range);
  else if (state.view) {
    query.set("from", isoMinute(state.view.from));
    query.set("to", isoMinute(state.view.to));
  }
  query.set("ind", state.indicators.join(","));
  if (state.isLog) query.set("scale", "log");
  // Colons, commas and the like may stand in a query as they are; a link that people read should show them.
  return `?${query.toString().replaceAll("%3A", ":").replaceAll("%2C", ",").replaceAll("%40", "@").replaceAll("%2F", "/")}`;
}
