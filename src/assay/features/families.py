"""Steps by what they tell, for menus and for the reference.

>>> family_of("rsi").name
'momentum'
"""

from __future__ import annotations

from dataclasses import dataclass

from assay.domain.errors import BadInputError


@dataclass(frozen=True, slots=True)
class Family:
    """Steps that tell of the same thing.

    Attributes
    ----------
    name : str
    title : str
    about : str
        What they tell, in a sentence for somebody who trades.
    steps : tuple of str
        Names of the Steps.
    """

    name: str
    title: str
    about: str
    steps: tuple[str, ...]


FAMILIES = (
    Family(
        "trend",
        "Trend",
        "Where the price is going, and how firmly: averages that follow it, and what is left when they are compared.",
        ("sma", "ema", "close_to_ema", "macd", "adx", "sar"),
    ),
    Family(
        "momentum",
        "Momentum",
        "How fast the price moves, and whether a move is stretched against those before it.",
        ("rsi", "stochastic", "williams_r", "roc", "momentum", "price_momentum"),
    ),
    Family(
        "volatility",
        "Volatility",
        "How far the price swings, from closes alone or from the whole range of each bar.",
        ("bollinger", "atr", "keltner", "realised_volatility", "parkinson", "garman_klass", "yang_zhang"),
    ),
    Family(
        "volume",
        "Volume",
        "Whether trade stands behind a move, and which side is in a hurry.",
        ("obv", "vwap", "session_vwap", "cmf", "mfi", "volume_ratio", "taker_pressure"),
    ),
    Family(
        "levels",
        "Support and resistance",
        "Prices at which the market turned before, known from the bar that confirmed the turn.",
        ("levels",),
    ),
    Family(
        "returns",
        "Returns and risk",
        "What holding has brought so far, and how far it is below its best.",
        ("log_return", "cumulative_return", "drawdown"),
    ),
    Family(
        "transforms",
        "Lags and moving statistics",
        "Any series as it was n bars ago, or summed up over the last n bars.",
        ("lag", "rolling_mean", "rolling_std", "rolling_min", "rolling_max", "zscore"),
    ),
    Family(
        "calendar",
        "Calendar and sessions",
        "Where in the day, the week and the year a bar opens, on the clock of any time zone.",
        ("calendar", "session"),
    ),
    Family(
        "reference",
        "Beside another market",
        "How a series moves with a reference such as BTC.",
        ("beta", "relative_strength", "reference"),
    ),
)
"""In the order in which they are shown; every Step of the registry is in one of them."""


def family_of(name: str) -> Family:
    """Return the family of the Step called `name`.

    Raises
    ------
    BadInputError
        If it is in none.
    """
    for family in FAMILIES:
        if name in family.steps:
            return family
    raise BadInputError("a step without a family", value=name, todo="add it to one in features/families.py")
