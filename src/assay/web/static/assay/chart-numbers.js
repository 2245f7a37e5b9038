// Numbers as people read them; the page's twin of its template filters.

const MOST_DECIMALS = 10;
const TRUE_DIGITS = 15; // what a float holds of any decimal number; the digits after them are no price's
const SHORT_DIGITS = 7; // what is worth reading of one that was a float of 32 bits, as Yahoo's prices are

// Decimals that all of the prices have, and never fewer than two: the venue's own steps.
export function decimalsOf(prices) {
  let most = 2;
  for (const price of prices) {
    const whole = Math.abs(price).toFixed(0).length;
    const digits = Math.fround(price) === price ? SHORT_DIGITS : TRUE_DIGITS;
    const held = Math.min(MOST_DECIMALS, Math.max(0, digits - whole));
    const [, after = ""] = price.toFixed(held).split(".");
    most = Math.max(most, after.replace(/0+$/, "").length);
  }
  return most;
}

const formats = new Map();

function grouped(value, least, most) {
  const key = `${least}:${most}`;
  if (!formats.has(key)) {
    formats.set(key, new Intl.NumberFormat("en-US", { minimumFractionDigits: least, maximumFractionDigits: most }));
  }
  return formats.get(key).format(value);
}

export function priceText(price, decimals) {
  return Number.isFinite(price) ? grouped(price, decimals, decimals) : "–";
}

// 1,234.5 → 1.23 K: at most three digits before the letter.
export function shortText(value) {
  if (!Number.isFinite(value)) return "–";
  for (const [size, letter] of [[1e12, "T"], [1e9, "B"], [1e6, "M"], [1e3, "K"]]) {
    if (Math.abs(value) >= size) return `${grouped(value / size, 2, 2)} ${letter}`;
  }
  return grouped(value, 0, value !== 0 && Math.abs(value) < 1 ? 6 : 2);
}

// A change in percent with its sign spelled by a minus that is as wide as the plus.
export function changeText(fraction) {
  if (!Number.isFinite(fraction)) return "–";
  const text = grouped(Math.abs(fraction) * 100, 2, 2);
  const sign = text === "0.00" ? "±" : fraction > 0 ? "+" : "−";
  const arrow = sign === "+" ? "▲ " : sign === "−" ? "▼ " : "";
  return `${arrow}${sign}${text} %`;
}

export function countText(count) {
  return grouped(count, 0, 0);
}

// A value that is no price, with digits as its size asks for: fractions and logarithms are small.
export function plainText(value, decimals) {
  if (!Number.isFinite(value)) return "–";
  const text = grouped(value, decimals, decimals);
  return /[1-9]/.test(text) ? text.replace("-", "−") : text.replace("-", ""); // what rounds to nothing has no sign
}

// Decimals that leave three significant digits of the largest of the values.
export function decimalsForSize(values) {
  const largest = values.reduce((most, value) => Math.max(most, Math.abs(value ?? 0)), 0);
  return largest > 0 ? Math.min(Math.max(2 - Math.floor(Math.log10(largest)), 0), MOST_DECIMALS) : 2;
}
