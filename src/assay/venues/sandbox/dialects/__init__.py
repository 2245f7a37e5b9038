"""The dialects of the simulated venues: one module each, which reads what is asked and writes what the venue would."""
