// What pages do beyond links and forms. Everything can be read without it.
(() => {
  const root = document.documentElement;

  const button = document.getElementById("theme");
  if (button) {
    button.hidden = false;
    button.addEventListener("click", () => {
      root.dataset.theme = root.dataset.theme === "light" ? "dark" : "light";
      try { localStorage.setItem("assay-theme", root.dataset.theme); } catch { /* it lasts until the page is left */ }
      document.dispatchEvent(new CustomEvent("assay:theme", { detail: root.dataset.theme }));
    });
  }
  matchMedia("(prefers-color-scheme: light)").addEventListener("change", (event) => {
    let chosen = null;
    try { chosen = localStorage.getItem("assay-theme"); } catch { /* as above */ }
    if (!chosen) {
      root.dataset.theme = event.matches ? "light" : "dark";
      document.dispatchEvent(new CustomEvent("assay:theme", { detail: root.dataset.theme }));
    }
  });

  // A refresh by the clock must not disturb: not in a hidden tab, not under an open panel or somebody's typing,
  // and not if the answer is the one that is shown.
  const isTimed = (event) => event.detail.requestConfig?.triggeringEvent === undefined
    && event.detail.elt?.getAttribute("hx-trigger")?.startsWith("every");
  const isBusy = (part) => part.querySelector(":popover-open, details[open]") || part.contains(document.activeElement);
  document.addEventListener("htmx:beforeRequest", (event) => {
    if (isTimed(event) && (document.hidden || isBusy(event.detail.target))) event.preventDefault();
  });
  document.addEventListener("htmx:beforeSwap", (event) => {
    const etag = event.detail.xhr.getResponseHeader("ETag");
    const part = event.detail.target;
    if (isTimed(event) && ((etag && part.dataset.etag === etag) || isBusy(part))) { event.detail.shouldSwap = false; return; }
    // An error page replaces the page; a part of it would stand in the middle of a table.
    if (event.detail.xhr.status >= 400 && !isTimed(event)) location.assign(event.detail.pathInfo.requestPath);
    before = new Map([...document.querySelectorAll("#part [data-live]")].map((cell) => [cell.dataset.live, cell.textContent]));
    next = etag;
  });
  let before = new Map();
  let next = null;
  document.addEventListener("htmx:afterSwap", () => {
    const part = document.getElementById("part");
    if (part && next) part.dataset.etag = next;
    for (const cell of document.querySelectorAll("#part [data-live]")) {
      const old = before.get(cell.dataset.live);
      if (old !== undefined && old !== cell.textContent) cell.classList.add("changed");
    }
    before = new Map();
  });

  // Sorting and zooming change the address without a new page: a form sends what the address says by then.
  const keepQuery = (form) => {
    for (const old of form.querySelectorAll("[data-kept]")) old.remove();
    const own = new Set([...form.elements].map((field) => field.name));
    for (const [name, value] of new URLSearchParams(location.search)) {
      if (own.has(name)) continue;
      const field = Object.assign(document.createElement("input"), { type: "hidden", name, value });
      field.dataset.kept = "";
      form.append(field);
    }
  };
  const keepQueries = () => document.querySelectorAll("form[data-keeps-query]").forEach(keepQuery);
  document.addEventListener("htmx:pushedIntoHistory", keepQueries);
  document.addEventListener("submit", keepQueries, true);

  // Tables wider than the screen say on which sides there is more of them.
  const hint = (table) => {
    const left = table.scrollLeft > 1;
    const right = table.scrollLeft + table.clientWidth < table.scrollWidth - 1;
    const sides = [left && "left", right && "right"].filter(Boolean).join(" ");
    if (sides) table.dataset.more = sides;
    else delete table.dataset.more;
  };
  const hintAll = () => document.querySelectorAll(".scroll").forEach(hint);
  document.addEventListener("scroll", (event) => { if (event.target.matches?.(".scroll")) hint(event.target); }, true);
  document.addEventListener("htmx:afterSettle", hintAll);
  window.addEventListener("resize", hintAll);
  hintAll();

  // A choice goes where it says at once; without this script its button does.
  document.addEventListener("change", (event) => {
    if (event.target.matches("[data-submit-on-change]")) event.target.form.requestSubmit();
  });
  // "/" goes to the search, as in most tables of this kind.
  document.addEventListener("keydown", (event) => {
    const search = document.querySelector("input[type=search]");
    const isTyping = event.target.closest("input, select, textarea, [contenteditable]");
    if (event.key === "/" && search && !isTyping && !event.ctrlKey && !event.metaKey) {
      event.preventDefault();
      search.focus();
    }
  });
})();
