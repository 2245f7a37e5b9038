"""Binance: perpetual futures margined in dollar stablecoins, over REST."""
