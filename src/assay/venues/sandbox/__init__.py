"""The simulated exchange: a seeded market and the server that speaks every venue's dialect."""
