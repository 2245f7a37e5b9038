"""Pure measures on arrays: NumPy in, numbers out; no I/O, no clock, no randomness of their own."""
