"""Binance: spot market data over REST."""
