"""Assay: a crypto-market platform whose numbers can be proven."""

__version__ = "0.1.0"
