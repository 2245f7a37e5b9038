// Interval arithmetic and UTC text: the page's twin of domain/interval.py. Times are milliseconds since the epoch.

const UNIT_MS = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000, M: 2_592_000_000 };
const MONDAY = 345_600_000; // 1970-01-05, on which the first week opens

export const LADDER = ["1m", "3m", "5m", "15m", "30m", "1h", "2h", "4h", "6h", "12h", "1d", "1w", "1M"];

// The length of one bar; 30 days stand for a month.
export function lengthOf(interval) {
  return parseInt(interval, 10) * UNIT_MS[interval.slice(-1)];
}

export function floorTo(interval, time) {
  if (interval.endsWith("M")) {
    const moment = new Date(time);
    return Date.UTC(moment.getUTCFullYear(), moment.getUTCMonth(), 1);
  }
  const anchor = interval.endsWith("w") ? MONDAY : 0;
  const length = lengthOf(interval);
  return time - ((((time - anchor) % length) + length) % length);
}

export function nextOpen(interval, time) {
  if (interval.endsWith("M")) {
    const moment = new Date(time);
    return Date.UTC(moment.getUTCFullYear(), moment.getUTCMonth() + 1, 1);
  }
  return time + lengthOf(interval);
}

// Whether bars of `interval` can be put together from bars of `stored`.
export function divides(stored, interval) {
  if (stored === interval) return true;
  if (stored.endsWith("M")) return false;
  const whole = interval.endsWith("M") ? UNIT_MS.d : lengthOf(interval);
  // Weeks open on a Monday, months on a first: only what divides a day divides a month.
  return lengthOf(stored) < lengthOf(interval) && whole % lengthOf(stored) === 0;
}

const two = (number) => String(number).padStart(2, "0");

export function dayText(time) {
  const moment = new Date(time);
  return `${moment.getUTCFullYear()}-${two(moment.getUTCMonth() + 1)}-${two(moment.getUTCDate())}`;
}

export function clockText(time) {
  const moment = new Date(time);
  return `${two(moment.getUTCHours())}:${two(moment.getUTCMinutes())}`;
}

export function momentText(time) {
  return `${dayText(time)} ${clockText(time)}`;
}

// "2024-05-01 03:00–15:00 UTC", "2024-05-01 03:00 – 2024-05-02 04:00 UTC", "2024-05-01 UTC" for a whole day
export function spanText(start, end) {
  if (start % UNIT_MS.d === 0 && end % UNIT_MS.d === 0) {
    return end - start <= UNIT_MS.d ? `${dayText(start)} UTC` : `${dayText(start)} – ${dayText(end)} UTC`;
  }
  if (dayText(start) === dayText(end)) return `${momentText(start)}–${clockText(end)} UTC`;
  return `${momentText(start)} – ${momentText(end)} UTC`;
}

// To the minute, as it stands in a link.
export function isoMinute(time) {
  return `${dayText(time)}T${clockText(time)}Z`;
}

export function isoSecond(time) {
  return new Date(time).toISOString().replace(/\.\d+Z$/, "Z");
}
