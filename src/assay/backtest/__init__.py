"""What a strategy would have done: orders, fills, positions and trades, one bar after the other.

Start with :mod:`assay.backtest.loop` (what happens in a bar), then its four steps: :mod:`~assay.backtest.matching`,
:mod:`~assay.backtest.pricing`, :mod:`~assay.backtest.sizing`, :mod:`~assay.backtest.booking`.
"""
