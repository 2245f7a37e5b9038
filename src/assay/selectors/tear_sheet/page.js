// Draws the charts of the page from what stands in it. Nothing is fetched: the page's policy forbids it.
(() => {
  "use strict";
  const root = document.documentElement;
  const read = (id) => JSON.parse(document.getElementById(id).textContent);
  const charts = read("charts");
  const sweep = read("sweep");
  const phone = matchMedia("(max-width: 760px)");

  const themes = matchMedia("(prefers-color-scheme: dark)");
  root.dataset.theme = themes.matches ? "dark" : "light";
  const colour = (name) => getComputedStyle(root).getPropertyValue(name).trim();
  const painted = (value) => {
    if (typeof value === "string") return value.replace(/var\((--[a-z-]+)\)/g, (_, name) => colour(name));
    // Long columns hold numbers, moments and words: only a column of colours has to be looked at.
    if (Array.isArray(value)) return value.length > 20 && !String(value[0]).startsWith("var(") ? value : value.map(painted);
    if (value && typeof value === "object") return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, painted(one)]));
    return value;
  };

  const framed = (chart, node) => {
    const layout = painted(chart.layout);
    const axis = { gridcolor: colour("--line"), zerolinecolor: colour("--line"), linecolor: colour("--line"), automargin: true };
    for (const name of new Set([...Object.keys(layout).filter((one) => /^[xy]axis/.test(one)), "xaxis", "yaxis"])) {
      layout[name] = { ...axis, ...layout[name] };
      if (layout[name].title) layout[name].title = { ...layout[name].title, font: { size: 11 }, standoff: 6 };
      if (name[0] === "x") layout[name].showgrid = false;
    }
    for (const name of node.dataset.log === "true" ? ["yaxis"] : []) layout[name] = { ...layout[name], type: "log", tickformat: "~g" };
    return {
      ...layout,
      height: Math.round(chart.height * (phone.matches && chart.height > 420 ? 0.85 : 1)),
      // Paper has its own width, and nothing tells Plotly of it.
      ...(root.dataset.prints ? { width: node.clientWidth } : {}),
      margin: { l: 8, r: 10, t: 26, b: 8 },
      paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)",
      font: { family: getComputedStyle(document.body).fontFamily, size: phone.matches ? 11 : 12, color: colour("--muted") },
      hoverlabel: { bgcolor: colour("--raised"), bordercolor: colour("--line"), font: { color: colour("--text") } },
      legend: { ...layout.legend, font: { color: colour("--text") }, bgcolor: "rgba(0,0,0,0)" },
      dragmode: phone.matches ? false : "zoom",
    };
  };
  const settings = { responsive: true, displaylogo: false, scrollZoom: false, modeBarButtonsToRemove: ["select2d", "lasso2d"], displayModeBar: phone.matches ? false : "hover" };

  const drawn = () => [...document.querySelectorAll(".chart[data-chart]")];
  const draw = (node) => {
    const chart = node.dataset.chart === "sweep" ? map() : charts[node.dataset.chart];
    if (!chart) return undefined;
    node.classList.remove("waits");
    const layout = framed(chart, node);
    node.style.height = `${layout.height}px`;
    return Plotly.react(node, painted(chart.data), layout, settings);
  };
  const drawAll = () => Promise.all(drawn().map(draw));

  // A sweep: two parameters across, and of all others the middle of what their combinations earned.
  const chosen = (name) => document.getElementById(`sweep-${name}`)?.value;
  const median = (values) => {
    const known = values.filter((one) => one !== null).sort((a, b) => a - b);
    if (!known.length) return null;
    const half = known.length >> 1;
    return known.length % 2 ? known[half] : (known[half - 1] + known[half]) / 2;
  };
  const map = () => {
    const figure = sweep.figures.find((one) => one.name === chosen("figure")) ?? sweep.figures[0];
    const x = sweep.parameters[Number(chosen("x") ?? 0)];
    const y = sweep.parameters[Number(chosen("y") ?? 1)];
    const format = figure.unit === "fraction" ? ".1%" : ",.2f";
    const cells = (rows) => rows.map((row) => row.map(median));
    if (!y || x === y) {
      const values = x.values.map((_, place) => median(figure.values.filter((_, row) => x.places[row] === place)));
      const data = [{ type: "bar", x: x.values, y: values, marker: { color: values.map((one) => (one > 0 ? "var(--up)" : "var(--down)")) }, hovertemplate: `%{x}: %{y:${format}}<extra></extra>` }];
      return { data, height: 340, layout: { xaxis: { type: "category", title: { text: x.name } }, yaxis: { title: { text: figure.title }, tickformat: format } } };
    }
    const rows = y.values.map(() => x.values.map(() => []));
    figure.values.forEach((value, row) => rows[y.places[row]][x.places[row]].push(value));
    const z = cells(rows);
    const most = Math.max(...z.flat().filter((one) => one !== null).map(Math.abs), 1e-9);
    const small = x.values.length <= 14 && y.values.length <= 14;
    const data = [{
      type: "heatmap", x: x.values, y: y.values, z, zmin: -most, zmax: most, xgap: 2, ygap: 2, hoverongaps: false,
      colorscale: [[0, "var(--heat-low)"], [0.5, "var(--raised)"], [1, "var(--heat-high)"]],
      texttemplate: small ? `%{z:${format}}` : "", textfont: { color: "var(--text)" },
      hovertemplate: `${x.name} %{x}, ${y.name} %{y}: %{z:${format}}<extra></extra>`,
      colorbar: { thickness: 10, outlinewidth: 0, tickformat: format },
    }];
    const height = Math.min(620, Math.max(300, 90 + 40 * y.values.length));
    return { data, height, layout: { xaxis: { type: "category", title: { text: x.name } }, yaxis: { type: "category", title: { text: y.name } } } };
  };

  const unpacked = async () => {
    const bytes = Uint8Array.from(atob(document.getElementById("plotly").textContent.trim()), (one) => one.charCodeAt(0));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
    const script = document.createElement("script");
    script.textContent = await new Response(stream).text();
    document.head.append(script);
  };

  const listen = () => {
    document.getElementById("theme").addEventListener("click", () => {
      root.dataset.theme = root.dataset.theme === "dark" ? "light" : "dark";
      drawAll();
    });
    for (const one of document.querySelectorAll("select[data-redraws]")) {
      one.addEventListener("change", () => {
        const node = document.getElementById(one.dataset.redraws);
        if (one.dataset.shows) node.dataset.chart = one.value;
        draw(node);
      });
    }
    for (const one of document.querySelectorAll("button[data-log]")) {
      one.addEventListener("click", () => {
        const node = document.getElementById(one.dataset.log);
        node.dataset.log = String(node.dataset.log !== "true");
        one.setAttribute("aria-pressed", node.dataset.log);
        draw(node);
      });
    }
    let before = "light";
    addEventListener("beforeprint", () => {
      before = root.dataset.theme;
      root.dataset.theme = "light";
      root.dataset.prints = "true";
      drawAll();
    });
    addEventListener("afterprint", () => {
      root.dataset.theme = before;
      delete root.dataset.prints;
      drawAll();
    });
    phone.addEventListener("change", drawAll);
  };

  const begin = async () => {
    document.getElementById("trouble").hidden = true;
    listen();
    try {
      await unpacked();
      await drawAll();
      root.dataset.drawn = "true";
    } catch (error) {
      root.dataset.drawn = "false";
      for (const node of drawn()) node.classList.remove("waits");
      document.getElementById("trouble").hidden = false;
      console.warn(error);
    }
  };
  begin();
})();
