// Choosing backtests to compare: how many are chosen, and whether they can be.

const count = () => {
  for (const form of document.querySelectorAll("[data-compare]")) {
    const chosen = form.querySelectorAll("input[name=run]:checked").length;
    const most = Number(form.dataset.most);
    const fits = chosen >= 2 && chosen <= most;
    form.querySelector("[data-compare-hint]").textContent = chosen === 0 || fits
      ? (fits ? `${chosen} chosen` : `choose 2 to ${most}`)
      : chosen === 1 ? "choose one more" : `${most} at most`;
    form.querySelector("[data-compare-button]").disabled = !fits;
    form.querySelector("[data-compare-button]").classList.toggle("primary", fits);
  }
};

document.addEventListener("change", (event) => {
  if (event.target.matches("[data-compare] input[name=run]")) count();
});
document.addEventListener("htmx:afterSettle", count);
window.addEventListener("pageshow", count); // a page that is come back to has its boxes as they were
count();
