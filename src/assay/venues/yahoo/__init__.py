"""Yahoo Finance: prices of coins in currencies, an average over venues; nothing is traded there."""
