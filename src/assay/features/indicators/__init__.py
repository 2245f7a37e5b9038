"""The indicators: one file each. What Steps are, and what runs them, is one folder up."""
