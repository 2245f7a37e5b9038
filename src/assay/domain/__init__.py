"""The nouns of the market, with no I/O and nothing beyond the standard library."""
