"""Venues: where market data comes from, one folder each; a declaration, a parser, and what moves bytes between."""
