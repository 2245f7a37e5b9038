"""Numbers computed bar by bar: each indicator is one Step, the same code in batch and live.

Nothing here imports numba until bars are computed, so that listing what exists stays instant.
"""
