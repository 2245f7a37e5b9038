"""Coinbase, through the API of Advanced Trade: the same market, with decimal text throughout."""
