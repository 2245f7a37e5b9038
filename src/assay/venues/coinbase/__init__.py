"""Coinbase, through the API of its exchange: a spot market in dollars, euros, pounds and stablecoins."""
