// Which lines an answer's indicators become, and in which pane each is drawn: over the price what is in its unit, all else
// in panes below it, one for each indicator and unit.

export const PRICE_UNIT = "quote units per base unit";
// What stands beside a value and is no line by itself: how often the market turned at a level, and since when it is known.
const BESIDE = new Set(["turns", "microseconds since the epoch"]);

// Returns {name, step, output, label, values, unit, beside, pane} of each line; pane 0 is the price's.
export function linesOf(shown) {
  const lines = [];
  let pane = 0;
  for (const [name, outputs] of Object.entries(shown.indicators)) {
    const { units } = shown.about[name];
    const labels = shortNames(Object.keys(outputs).filter((output) => !BESIDE.has(units[output])));
    const panes = new Map();
    for (const [output, values] of Object.entries(outputs)) {
      const unit = units[output];
      if (BESIDE.has(unit)) continue;
      if (unit !== PRICE_UNIT && !panes.has(unit)) panes.set(unit, (pane += 1));
      const step = name.split(/[:@]/)[0];
      lines.push({ name, step, output, label: labels.get(output), values, unit, beside: outputs, pane: panes.get(unit) ?? 0 });
    }
  }
  return lines;
}

// An indicator's name as people read it: EMA 12, rolling mean 24 of volume.
export function titleOf(name) {
  const [plain, source] = name.split("@");
  const [step, ...numbers] = plain.split(":");
  const word = step.length <= 4 || step === "garch" ? step.toUpperCase() : step.replaceAll("_", " ");
  return [word, ...numbers].join(" ") + (source ? ` of ${source.replaceAll("_", " ")}` : "");
}

// What stands in the corner of a pane: what its lines are of, which they are where others of it are elsewhere, and the unit.
export function headOf(drawn, lines) {
  const { name, step, unit } = drawn[0];
  const isAll = drawn.length === lines.filter((line) => line.name === name).length;
  const labels = isAll ? [] : drawn.map((line) => line.label).filter(Boolean);
  const saysItself = labels.some((label) => label.split(" ").includes(step)); // "in session" of session
  return `${[saysItself ? "" : titleOf(name), labels.join(", ")].filter(Boolean).join(" ")} · ${unit.split(",")[0]}`;
}

// What tells the outputs of one indicator apart: bb_upper_20_2 and bb_lower_20_2 are upper and lower. One needs no name.
export function shortNames(outputs) {
  if (outputs.length < 2) return new Map(outputs.map((output) => [output, ""]));
  const words = outputs.map((output) => output.split("_"));
  const least = Math.min(...words.map((one) => one.length));
  const shared = (wordAt) => {
    let count = 0;
    while (count < least && words.every((one) => wordAt(one, count) === wordAt(words[0], count))) count += 1;
    return count;
  };
  const end = shared((one, count) => one[one.length - 1 - count]);
  const rest = words.map((one) => one.slice(0, one.length - end));
  const isNamed = rest.every((one) => one.length > 0);
  const start = isNamed ? commonStart(rest) : 0;
  return new Map(outputs.map((output, index) => [output, (isNamed ? rest[index].slice(start) : words[index]).join(" ")]));
}

function commonStart(words) {
  let count = 0;
  while (words.every((one) => one.length > count && one[count] === words[0][count])) count += 1;
  return count;
}

// Each level with where it was confirmed and where it first was the nearest: {price, from, to}, positions on the axis. A
// level is known from the close of the bar that confirmed it, and is none before.
export function levelsOf(shown, line) {
  const [side, ...rest] = line.output.split("_");
  const since = line.beside[[side, "since", ...rest].join("_")];
  if (line.step !== "levels" || !since) return [];
  const slots = new Map(shown.times.map((time, slot) => [time, slot]));
  const confirmedAt = new Map(); // by the moment of its close, in microseconds: the slot of the bar
  shown.rows.forEach((row, slot) => {
    if (row >= 0) confirmedAt.set(shown.columns.close_time[row] * 1000, slots.get(shown.columns.open_time[row]) ?? slot);
  });
  const found = new Map();
  shown.rows.forEach((row, slot) => {
    const price = row < 0 ? null : line.values[row];
    if (price === null || price === undefined || since[row] === null) return;
    const key = `${since[row]} ${price}`;
    if (found.has(key)) return;
    const from = confirmedAt.get(since[row]) ?? (since[row] < shown.times[0] * 1000 ? -Infinity : null);
    if (from !== null && from < slot) found.set(key, { price, from, to: slot });
    else found.set(key, null);
  });
  return [...found.values()].filter(Boolean);
}

// The cone of a fitted volatility over the bars to come: {times, lower, median, upper}, from the close it starts at; null
// where the answer does not reach the newest closed bar.
export function coneOf(shown) {
  for (const [name, { fit }] of Object.entries(shown.about)) {
    if (!fit?.is_newest || !fit.forecast.length) continue;
    const start = shown.rows.findLast((row) => row >= 0 && shown.columns.close_time[row] <= fit.closed_until);
    if (start === undefined) return null;
    const close = shown.columns.close[start];
    const opens = [fit.closed_until, ...fit.forecast.slice(0, -1).map((one) => one.close_time)];
    return {
      name,
      times: [shown.columns.open_time[start], ...opens],
      lower: [close, ...fit.forecast.map((one) => one.price_lower)],
      median: [close, ...fit.forecast.map((one) => one.price_median)],
      upper: [close, ...fit.forecast.map((one) => one.price_upper)],
    };
  }
  return null;
}
