"""CoinGecko: prices and market values of assets over many venues; nothing is traded there."""
