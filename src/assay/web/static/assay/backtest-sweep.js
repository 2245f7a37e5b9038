// All combinations of a sweep: two of their parameters as a map, of the others the median or the best.

import { ask } from "./chart-data.js";
import { onThemeChange, readTheme } from "./chart-theme.js";
import { loadPlotly } from "./heat-map.js";

const LEAST_FIRST = new Set(["max_drawdown"]); // drawdowns are below zero: the highest is the best all the same

const textOf = (value, unit) => {
  if (value === null || !Number.isFinite(value)) return "–";
  const text = unit === "fraction" ? `${(100 * value).toFixed(2)} %` : unit === "count" ? String(Math.round(value)) : value.toFixed(2);
  return text.replace("-", "−");
};

function middle(values, how) {
  const known = values.filter((value) => value !== null).sort((one, other) => one - other);
  if (!known.length) return null;
  if (how === "best") return known[known.length - 1];
  const half = known.length >> 1;
  return known.length % 2 ? known[half] : (known[half - 1] + known[half]) / 2;
}

class SweepMap {
  constructor(section, sweep, Plotly) {
    this.section = section;
    this.sweep = sweep;
    this.Plotly = Plotly;
    this.plot = section.querySelector("[data-sweep-plot]");
    this.state = section.querySelector("[data-sweep-state]");
    this.fields = Object.fromEntries([...section.querySelectorAll("[data-sweep]")].map((one) => [one.dataset.sweep, one]));
    const names = sweep.parameters.map((one) => one.name);
    this.offer("x", names.map((name) => [name, name]), names[0]);
    this.offer("y", [...(names.length === 1 ? [["", "nothing"]] : []), ...names.map((name) => [name, name])], names[1] ?? "");
    this.offer("figure", sweep.figures.map((one) => [one.name, one.title]), "sharpe");
    section.querySelector("[data-sweep-rest]").hidden = names.length < 3;
    section.querySelector("[data-sweep-tools]").hidden = false;
    for (const field of Object.values(this.fields)) field.addEventListener("change", () => this.changed(field));
    onThemeChange(() => this.draw());
  }

  offer(name, options, chosen) {
    for (const [value, title] of options) this.fields[name].append(new Option(title, value, false, value === chosen));
  }

  // The same parameter cannot go across and up: the other one takes the place that it leaves.
  changed(field) {
    const { x, y } = this.fields;
    if (x.value === y.value && field !== this.fields.figure) {
      const other = field === x ? y : x;
      other.value = this.sweep.parameters.map((one) => one.name).find((name) => name !== field.value) ?? "";
    }
    this.draw();
  }

  cells() {
    const { parameters, figures } = this.sweep;
    const across = parameters.find((one) => one.name === this.fields.x.value);
    const up = parameters.find((one) => one.name === this.fields.y.value) ?? { name: "", values: [""], places: across.places.map(() => 0) };
    const figure = figures.find((one) => one.name === this.fields.figure.value);
    const groups = up.values.map(() => across.values.map(() => []));
    figure.values.forEach((value, at) => groups[up.places[at]][across.places[at]].push(value));
    const rest = this.fields.rest.value;
    return { across, up, figure, groups, values: groups.map((row) => row.map((one) => middle(one, rest))) };
  }

  async draw() {
    const { across, up, figure, groups, values } = this.cells();
    const theme = readTheme(this.section);
    const known = values.flat().filter((value) => value !== null);
    const reach = Math.max(...known.map(Math.abs), 1e-9);
    const isSigned = known.some((value) => value < 0) && !LEAST_FIRST.has(figure.name);
    const isBelow = LEAST_FIRST.has(figure.name);
    const narrow = this.section.clientWidth < 620;
    const trace = {
      type: "heatmap",
      x: across.values, y: up.values.map((value) => value || " "), z: values,
      text: values.map((row) => row.map((value) => textOf(value, figure.unit))),
      texttemplate: across.values.length * up.values.length <= (narrow ? 60 : 400) ? "%{text}" : "",
      textfont: { color: theme.text, family: theme.font, size: narrow ? 10 : 12 },
      customdata: groups.map((row) => row.map((one) => (one.length > 1 ? `<br>of ${one.length} combinations` : ""))),
      hovertemplate: `${escapeText(across.name)} %{x}${up.name ? `, ${escapeText(up.name)} %{y}` : ""}<br>${figure.title}: %{text}%{customdata}<extra></extra>`,
      zmin: isSigned || isBelow ? -reach : 0, zmax: isBelow ? 0 : reach, xgap: 2, ygap: 2, showscale: false,
      colorscale: isSigned ? [[0, theme.downFaint], [0.5, theme.surface], [1, theme.upFaint]]
        : isBelow ? [[0, theme.downFaint], [1, theme.surface]] : [[0, theme.surface], [1, theme.upFaint]],
    };
    const font = { family: theme.font, size: narrow ? 10 : 12, color: theme.muted };
    const axis = (title) => ({ type: "category", title: { text: escapeText(title), standoff: 8 }, showgrid: false, zeroline: false, fixedrange: true, ticks: "", automargin: true });
    const layout = {
      height: Math.min(Math.max(up.values.length * 44, 90) + 90, 640), margin: { l: narrow ? 46 : 64, r: 8, t: 8, b: 52 },
      paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)", font,
      xaxis: axis(across.name), yaxis: { ...axis(up.name), showticklabels: up.name !== "" },
      hoverlabel: { bgcolor: theme.surface, bordercolor: theme.border, font: { ...font, color: theme.text } },
    };
    const best = known.length ? textOf(Math.max(...known), figure.unit) : "–";
    const worst = known.length ? textOf(Math.min(...known), figure.unit) : "–";
    this.state.textContent = `${figure.title} from ${worst} to ${best}${groups.flat().some((one) => one.length > 1) ? `, ${this.fields.rest.value} over the other parameters` : ""}`;
    this.plot.hidden = false;
    this.plot.setAttribute("role", "img");
    this.plot.setAttribute("aria-label", `${figure.title} by ${across.name}${up.name ? ` and ${up.name}` : ""}: ${this.state.textContent}`);
    await this.Plotly.react(this.plot, [trace], layout, { displayModeBar: false, responsive: true });
    this.section.dataset.state = "ready";
  }
}

// Plotly reads some tags in its texts, and a name is anybody's.
function escapeText(text) {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

const section = document.getElementById("sweep");
if (section) {
  const config = JSON.parse(document.getElementById("backtest-config").textContent);
  const load = async () => {
    const query = config.page_as_of ? new URLSearchParams({ as_of: config.page_as_of }).toString() : "";
    try {
      const [{ answer }, Plotly] = await Promise.all([ask(config.combinations_url, query), loadPlotly(section.dataset.plotly)]);
      if (!answer.parameters.length) throw new Error("all combinations have the same values");
      await new SweepMap(section, answer, Plotly).draw();
    } catch (error) {
      section.querySelector("[data-sweep-state]").textContent = `The map could not be drawn: ${error.detail || error.message}`;
      section.dataset.state = "failed";
    }
  };
  new IntersectionObserver((entries, observer) => {
    if (!entries.some((entry) => entry.isIntersecting)) return;
    observer.disconnect();
    load();
  }, { rootMargin: "300px" }).observe(section);
}
