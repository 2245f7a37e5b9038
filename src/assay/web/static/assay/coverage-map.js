// Completeness of every series by day, as a heat map.

import { onThemeChange, readTheme } from "./chart-theme.js";
import { loadPlotly } from "./heat-map.js";

const MOST_SERIES = 60;
const ROW = 18;
const section = document.getElementById("map");

if (section) {
  const plot = section.querySelector(".map-plot");
  const state = section.querySelector(".map-state");
  const key = section.querySelector(".map-key");
  let shown = null;

  const say = (text) => {
    state.textContent = text;
    state.hidden = text === "";
  };

  // 0: none there; up to 1/2: some missing; 1: all there. Two thirds of a colour scale for what is wrong.
  const shade = (bars, missing) => {
    if (bars === null) return null;
    if (missing === 0) return 1;
    return bars === 0 ? 0 : 0.5;
  };

  const why = (causes) => Object.entries(causes ?? {})
    .map(([cause, count]) => `${cause.replaceAll("_", " ")}: ${count.toLocaleString("en")} bar${count === 1 ? "" : "s"}`).join("<br>");

  const words = (bars, missing) => {
    if (bars === null) return "before its first bar or after its last";
    const share = bars / (bars + missing);
    // Never rounded up to a whole that it is not.
    const percent = missing === 0 ? "100" : (Math.floor(share * 10_000) / 100).toFixed(2);
    return `${bars.toLocaleString("en")} bars, ${missing.toLocaleString("en")} missing (${percent} %)`;
  };

  async function draw() {
    if (!shown) return;
    const Plotly = await loadPlotly(section.dataset.plotly);
    const theme = readTheme(section);
    const series = shown.series.slice(0, MOST_SERIES).reverse();
    const names = series.map((one) => `${one.series.split(":")[2]} ${one.interval} · ${one.series.split(":")[0]}`);
    const narrow = section.clientWidth < 620;
    const trace = {
      type: "heatmap",
      x: shown.days,
      y: series.map((_one, row) => row),
      z: series.map((one) => one.bars.map((bars, day) => shade(bars, one.missing[day]))),
      text: series.map((one) => one.bars.map((bars, day) => words(bars, one.missing[day]))),
      customdata: series.map((one, row) => one.causes.map((causes) => [names[row], causes ? `<br>${why(causes)}` : ""])),
      hovertemplate: "%{customdata[0]}<br>%{x|%Y-%m-%d}<br>%{text}%{customdata[1]}<extra></extra>",
      zmin: 0, zmax: 1, showscale: false, xgap: shown.days.length > 120 || narrow ? 0 : 1, ygap: 1,
      colorscale: [[0, theme.down], [0.25, theme.down], [0.25, theme.warn], [0.75, theme.warn], [0.75, theme.upFaint], [1, theme.upFaint]],
    };
    const font = { family: theme.font, size: narrow ? 10 : 11, color: theme.muted };
    const layout = {
      height: series.length * ROW + 44,
      margin: { l: narrow ? 108 : 170, r: 8, t: 6, b: 36 },
      paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)", font,
      xaxis: { type: "date", showgrid: false, zeroline: false, fixedrange: true, hoverformat: "%Y-%m-%d", tickformat: "%d %b\n%Y", ticks: "" },
      yaxis: {
        tickmode: "array", tickvals: series.map((_one, row) => row), showgrid: false, zeroline: false, fixedrange: true,
        ticks: "outside", ticklen: 5, tickcolor: "rgba(0,0,0,0)",
        ticktext: narrow ? names.map((name) => name.split(" · ")[0]) : names,
      },
      hoverlabel: { bgcolor: theme.surface, bordercolor: theme.border, font: { ...font, color: theme.text, size: 12 } },
    };
    say("");
    plot.hidden = false;
    key.hidden = false;
    const missing = shown.series.reduce((sum, one) => sum + one.missing.reduce((all, count) => all + (count ?? 0), 0), 0);
    const kept = shown.series.length > MOST_SERIES ? ` The ${MOST_SERIES} least complete of ${shown.series.length} series are drawn.` : "";
    plot.setAttribute("role", "img");
    plot.setAttribute("aria-label", `${shown.series.length} series over ${shown.days.length} days, ${missing} bars missing.${kept}`);
    if (kept) say(kept.trim());
    await Plotly.react(plot, [trace], layout, { displayModeBar: false, responsive: true });
    plot.dataset.days = shown.days.length;
    if (!plot.dataset.isWired) {
      plot.dataset.isWired = "yes";
      plot.on("plotly_click", (event) => {
        const row = event.points[0].pointIndex[0];
        const one = shown.series.slice(0, MOST_SERIES).reverse()[row];
        const query = new URLSearchParams(location.search);
        query.delete("q"); query.delete("sort");
        query.set("interval", one.interval);
        location.assign(`${section.dataset.assetUrl.replace("SERIES", one.series)}?${query}`);
      });
    }
  }

  async function load(days) {
    const url = new URL(section.dataset.url, location.href);
    url.searchParams.set("days", days);
    try {
      const answer = await fetch(url, { headers: { accept: "application/json" } });
      const body = await answer.json();
      if (!answer.ok) throw new Error(body.detail ?? body.title ?? `status ${answer.status}`);
      shown = body;
      if (!shown.series.length) say("There are no bars of a day or shorter yet.");
      else await draw();
    } catch (error) {
      plot.hidden = true;
      key.hidden = true;
      say(`The map could not be drawn: ${error.message}`);
    }
  }

  const buttons = [...section.querySelectorAll("[data-days]")];
  for (const button of buttons) {
    button.addEventListener("click", () => {
      for (const one of buttons) one.setAttribute("aria-pressed", String(one === button));
      load(button.dataset.days);
    });
  }
  onThemeChange(() => draw());
  new IntersectionObserver((entries, observer) => {
    if (!entries.some((entry) => entry.isIntersecting)) return;
    observer.disconnect();
    load(buttons[0].dataset.days);
  }, { rootMargin: "200px" }).observe(section);
}
