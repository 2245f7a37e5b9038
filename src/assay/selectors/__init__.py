"""Reads for people: one function feeds command line, page and JSON."""
