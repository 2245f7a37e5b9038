"""Binance's public archive: years of klines as zipped files, one a month or a day."""
