// Colours of the chart, read from the page's tokens: the style sheet stays the one place where a colour is written.

const TOKENS = ["--surface", "--text", "--muted", "--border", "--accent", "--up", "--down", "--warn"];
const LINES = ["--line-1", "--line-2", "--line-3", "--line-4", "--line-5", "--line-6"];

const probe = document.createElement("canvas").getContext("2d", { willReadFrequently: true });

// Any colour CSS knows, as rgba(): the library reads only the older spellings.
function plain(colour, alpha = 1) {
  probe.clearRect(0, 0, 1, 1);
  probe.fillStyle = colour;
  probe.fillRect(0, 0, 1, 1);
  const [red, green, blue, opacity] = probe.getImageData(0, 0, 1, 1).data;
  return `rgba(${red}, ${green}, ${blue}, ${(opacity / 255) * alpha})`;
}

export function readTheme(element) {
  const style = getComputedStyle(element);
  const token = (name) => style.getPropertyValue(name).trim() || style.color;
  const theme = { font: style.fontFamily, lines: LINES.map((name) => plain(token(name))) };
  for (const name of TOKENS) theme[name.slice(2)] = plain(token(name));
  for (const name of ["up", "down"]) {
    theme[`${name}Faint`] = plain(token(`--${name}`), 0.38);
    theme[`${name}Ghost`] = plain(token(`--${name}`), 0.12);
  }
  theme.accentGhost = plain(token("--accent"), 0.16);
  theme.grid = plain(token("--border"), 0.55);
  theme.band = plain(token("--warn"), 0.16);
  theme.bandFaint = plain(token("--warn"), 0.09);
  theme.hatch = plain(token("--warn"), 0.5);
  return theme;
}

// Calls back when the page's theme changes, by its switch or by the system.
export function onThemeChange(callback) {
  new MutationObserver(callback).observe(document.documentElement, { attributeFilter: ["data-theme"] });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", callback);
}
