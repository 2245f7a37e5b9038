// Before the first paint: the theme that was chosen here, or else the system's.
(() => {
  let chosen = null;
  try { chosen = localStorage.getItem("assay-theme"); } catch { /* storage may be forbidden */ }
  const system = matchMedia("(prefers-color-scheme: light)").matches ? "light" : "dark";
  document.documentElement.dataset.theme = chosen === "light" || chosen === "dark" ? chosen : system;
})();
