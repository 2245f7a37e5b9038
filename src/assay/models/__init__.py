"""Estimators behind one contract, and the splits that keep the future out of their training."""
