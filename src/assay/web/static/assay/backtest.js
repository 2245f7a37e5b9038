// The page of one backtest: a moment that is clicked in one chart is shown in the other.

import { EquityChart } from "./backtest-equity.js";
import { TradesChart } from "./backtest-trades.js";

const root = document.querySelector("[data-trades-chart]");
if (root) {
  const config = JSON.parse(document.getElementById("backtest-config").textContent);
  const equity = new EquityChart(document.querySelector("[data-equity]"), config);
  const trades = new TradesChart(root, config);
  equity.onMoment = (moment) => trades.goToMoment(moment);
  equity.start();
  trades.start();
}
