// What the chart says in words: the bar under the crosshair, the interval shown, what is missing and what is not final.

import { barAt, gapAt } from "./chart-data.js";
import { titleOf } from "./chart-lines.js";
import { changeText, countText, plainText, priceText, shortText } from "./chart-numbers.js";
import { clockText, lengthOf, momentText, spanText } from "./chart-time.js";

export class Legend {
  constructor(root, { base, quote }) {
    this.parts = Object.fromEntries([...root.querySelectorAll("[data-legend]")].map((one) => [one.dataset.legend, one]));
    this.base = base;
    this.quote = quote;
  }

  // `slot` is the position under the crosshair, or null for the last bar in view.
  show(view, slot) {
    const { shown } = view;
    if (!shown?.count) return;
    const at = Math.min(slot ?? view.lastInView(), shown.times.length - 1); // right of the newest bar there is none
    const bar = barAt(shown, at);
    if (bar) this.bar(bar, shown);
    else this.hole(at, shown);
    this.values(view, bar);
  }

  bar(bar, shown) {
    const { decimals } = shown;
    const isUp = bar.close >= bar.open;
    this.text("time", spanText(bar.openTime, bar.closeTime));
    for (const name of ["open", "high", "low", "close"]) this.text(name, priceText(bar[name], decimals));
    this.text("volume", Number.isFinite(bar.volume) ? `${shortText(bar.volume)} ${this.base}` : "–");
    this.text("change", bar.previousClose ? changeText(bar.close / bar.previousClose - 1) : "");
    this.parts.change.dataset.side = isUp ? "up" : "down";
    const notes = [];
    if (bar.isProvisional) notes.push(`provisional: the bar is not closed yet, as of ${clockText(bar.knownAt)} UTC`);
    if (bar.missing && shown.interval !== shown.stored) {
      notes.push(`${countText(bar.missing)} of ${perBar(shown)} ${shown.stored} bars missing`);
    } else if (bar.missing) notes.push(`after ${countText(bar.missing)} missing ${plural("bar", bar.missing)}`);
    if (bar.isOutlier) notes.push("an unusual move: marked as an outlier, not removed");
    this.text("note", notes.join(" · "));
  }

  hole(slot, shown) {
    const time = shown.times[slot];
    for (const name of ["open", "high", "low", "close", "volume"]) this.text(name, "–");
    this.text("change", "");
    const gap = gapAt(shown, time);
    this.text("time", spanText(time, time + lengthOf(shown.interval)));
    this.text("note", gap ? gapText(gap) : "no bar");
  }

  values({ lines, shown }, bar) {
    for (const { step, output, values, unit, beside } of lines) {
      const cells = this.parts.values.querySelectorAll(`[data-output="${output}"]`); // of rsi:14 and of RSI_14, too
      // A volatility is that of the bar to come: of one still open it is what the close before it said.
      const row = bar && step === "garch" && bar.isProvisional ? bar.row - 1 : bar?.row;
      const value = bar ? values[row] : null;
      const touches = bar && beside[touchesOf(output)]?.[bar.row];
      const times = touches ? ` ×${touches}` : "";
      const text = value === null || value === undefined ? "–" : valueText(value, unit, shown.decimals) + times;
      for (const cell of cells) cell.textContent = text;
    }
  }

  // What stands under the chart: which bars these are, and what is wrong with them.
  summary({ shown }, requested) {
    const made = shown.interval === shown.stored ? `${shown.interval} bars` : `${shown.interval} bars of ${shown.stored} data`;
    this.text("interval", made);
    const isCoarser = lengthOf(shown.interval) > lengthOf(requested);
    const why = shown.canShow.includes(requested) ? "zoom in to see them" : "no bars so short are stored";
    this.text("coarser", isCoarser ? `${requested} asked for; ${why}` : "");
    const gaps = shown.gaps.length;
    const missing = shown.gaps.reduce((sum, gap) => sum + gap.bars, 0);
    this.text("gaps", gaps ? `${countText(gaps)} ${plural("gap", gaps)} loaded, ${countText(missing)} bars missing` : "no bars missing here");
    this.parts.gaps.dataset.state = gaps ? "missing" : "complete";
    this.parts.provisional.hidden = shown.provisional.size === 0;
    if (shown.provisional.size) this.text("known", `, as of ${clockText(shown.provisionalKnownAt)} UTC`);
    const fits = Object.values(shown.about).map((one) => fitText(one, shown.decimals));
    const absent = Object.entries(shown.about).map(([name, one]) => absentText(name, one));
    const told = [...fits, ...absent].filter(Boolean);
    this.text("fit", told.join(" "));
    this.parts.fit.hidden = !told.length;
  }

  text(name, text) {
    const part = this.parts[name];
    if (part && part.textContent !== text) part.textContent = text;
  }
}

const plural = (noun, count) => (count === 1 ? noun : `${noun}s`);
const perBar = (shown) => countText(Math.round(lengthOf(shown.interval) / lengthOf(shown.stored)));

// Of a level, where it stands how often the market turned there.
const touchesOf = (output) => (/^(support|resistance)_\d/.test(output) ? output.replace("_", "_touches_") : "");

// How a volatility was fitted and will be again, and what it says of the price.
function fitText({ title, fit, why_no_fit: why }, decimals) {
  if (!fit) return why ? `${title}: ${why}.` : "";
  const shape = fit.distribution === "t" ? "Student’s t" : "normal distribution";
  const bars = (count) => `${countText(count)} ${plural("bar", count)}`;
  const last = fit.forecast[fit.forecast.length - 1];
  const range = `${priceText(last.price_lower, decimals)} to ${priceText(last.price_upper, decimals)}`;
  const ahead = fit.is_newest && last ? ` ${bars(fit.forecast.length)} ahead, with ${countText(fit.level * 100)} %: ${range}.` : "";
  const again = `fitted again every ${bars(fit.every)}, next at ${momentText(fit.next_fit_at)} UTC`;
  return `${title}, ${shape}: fitted at ${momentText(fit.fitted_at)} UTC to the last ${bars(fit.on)}, ${again}.${ahead}`;
}

// Why an indicator has no values over the bars shown.
const absentText = (name, { why_no_values: why }) => (why ? `${titleOf(name)}: no values here, ${why}.` : "");

function valueText(value, unit, decimals) {
  if (unit.startsWith("quote units")) return priceText(value, decimals).replace("-", "−");
  if (unit === "0 to 100") return plainText(value, 1);
  return plainText(value, Number.isInteger(value) ? 0 : 5); // hours, turns and the like are whole
}

// "12 bars missing, 2024-05-01 03:00–15:00 UTC, venue outage"
export function gapText(gap) {
  const cause = gap.cause ? `, ${gap.cause.replaceAll("_", " ")}` : "";
  return `${countText(gap.bars)} ${plural("bar", gap.bars)} missing, ${spanText(gap.start, gap.end)}${cause}`;
}
