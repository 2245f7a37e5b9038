"""The names by which columns are usually known, such as ``RSI_14``, ``MACD_signal`` or ``Price_momentum_3h``.

A usual name is a word and the numbers that differ from the usual parameters; capital letters do not matter when it is
read. A number with ``m``, ``h``, ``d`` or ``w`` is a length of time, which bars of a known interval turn into a number
of bars. Each means one output of one Step, so there is nothing to keep in step with the Steps themselves.

>>> from assay.domain.interval import Interval
>>> parse_usual("MACD_signal")
StepColumn(step=Macd(fast=12, slow=26, signal=9), output='macd_signal_12_26_9')
>>> parse_usual("Price_momentum_3h", Interval.parse("15m")).output
'price_momentum_12'
>>> usual_name(parse_usual("rsi_14"))
'RSI_14'
"""

from __future__ import annotations

import dataclasses
import difflib
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from assay.domain.errors import BadInputError
from assay.domain.interval import Interval
from assay.features.registry import find_step
from assay.features.step import Step, text_of


@dataclass(frozen=True, slots=True)
class StepColumn:
    """One output of a Step.

    Attributes
    ----------
    step : Step
    output : str
        Name of the column, one of the Step's outputs.
    """

    step: Step
    output: str


@dataclass(frozen=True, slots=True)
class _Usual:
    """A word that is known: the Step, which of its outputs, and whether its first length is always written."""

    word: str
    step: str
    output: int = 0
    is_length_shown: bool = True


_USUAL = (
    _Usual("SMA", "sma"),
    _Usual("EMA", "ema"),
    _Usual("MACD", "macd", is_length_shown=False),
    _Usual("MACD_signal", "macd", 1, is_length_shown=False),
    _Usual("MACD_hist", "macd", 2, is_length_shown=False),
    _Usual("ADX", "adx"),
    _Usual("Plus_DI", "adx", 1),
    _Usual("Minus_DI", "adx", 2),
    _Usual("SAR", "sar", is_length_shown=False),
    _Usual("RSI", "rsi"),
    _Usual("Stoch_K", "stochastic", 1, is_length_shown=False),
    _Usual("Stoch_D", "stochastic", 2, is_length_shown=False),
    _Usual("Williams_R", "williams_r"),
    _Usual("ROC", "roc"),
    _Usual("Momentum", "momentum"),
    _Usual("Price_momentum", "price_momentum"),
    _Usual("BB_upper", "bollinger", 0, is_length_shown=False),
    _Usual("BB_middle", "bollinger", 1, is_length_shown=False),
    _Usual("BB_lower", "bollinger", 2, is_length_shown=False),
    _Usual("BB_width", "bollinger", 3, is_length_shown=False),
    _Usual("BB_position", "bollinger", 4, is_length_shown=False),
    _Usual("ATR", "atr"),
    _Usual("KC_upper", "keltner", 0, is_length_shown=False),
    _Usual("KC_middle", "keltner", 1, is_length_shown=False),
    _Usual("KC_lower", "keltner", 2, is_length_shown=False),
    _Usual("Volatility", "realised_volatility"),
    _Usual("Parkinson", "parkinson"),
    _Usual("Garman_Klass", "garman_klass"),
    _Usual("Yang_Zhang", "yang_zhang"),
    _Usual("OBV", "obv"),
    _Usual("VWAP", "vwap"),
    _Usual("CMF", "cmf"),
    _Usual("MFI", "mfi"),
    _Usual("Volume_ma_ratio", "volume_ratio", is_length_shown=False),
    _Usual("Taker_buy_ratio", "taker_pressure"),
    _Usual("Log_return", "log_return"),
    _Usual("Zscore", "zscore"),
    _Usual("Drawdown", "drawdown"),
    _Usual("Cumulative_return", "cumulative_return"),
)
_BY_WORD = {one.word.lower(): one for one in _USUAL}
_BY_OUTPUT = {(one.step, one.output): one for one in _USUAL}
USUAL_WORDS = tuple(one.word for one in _USUAL)
"""Every word that a usual name may begin with."""
_NUMBER = re.compile(r"(?P<whole>[0-9]{1,7})((p|\.)(?P<part>[0-9]{1,9}))?(?P<unit>[mhdw]?)")
_UNITS = {
    "m": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
    "w": timedelta(weeks=1),
}


def parse_usual(name: str, interval: Interval | None = None) -> StepColumn:
    """Return what a usual name means over bars of `interval`.

    Raises
    ------
    BadInputError
        If the name is unknown, has too many or impossible numbers, or a length of time that is no whole number of
        bars, or that nobody can count since the interval is not known.
    """
    parts = name.split("_")
    for count in range(len(parts), 0, -1):
        known = _BY_WORD.get("_".join(parts[:count]).lower())
        if known is not None:
            step = _made(known, parts[count:], name, interval)
            return StepColumn(step, step.outputs[known.output])
    word = "_".join(part for part in parts if not _NUMBER.fullmatch(part))
    near = difflib.get_close_matches(word.lower(), _BY_WORD, n=1, cutoff=0.6)
    todo = f"did you mean {_BY_WORD[near[0]].word}?" if near else f"use one of {', '.join(USUAL_WORDS)}"
    raise BadInputError("unknown column", value=name, todo=todo)


def usual_name(column: StepColumn) -> str:
    """Return the usual name of a column, or its own if it has none.

    What is returned is read back as the same column.
    """
    known = _BY_OUTPUT.get((column.step.name, column.step.outputs.index(column.output)))
    if known is None:
        return column.output
    make = find_step(known.step)
    names = [field.name for field in dataclasses.fields(make)]  # type: ignore[arg-type]  # Steps are dataclasses
    values = [getattr(column.step, one) for one in names]
    if not known.is_length_shown and column.step == make():
        values = []
    try:
        written = "_".join([known.word, *(text_of(value) for value in values)])
        is_read_back = parse_usual(written).step == column.step
    except (BadInputError, ValueError):  # such as a parameter that is a text
        return column.output
    return written if is_read_back else column.output


def _made(known: _Usual, texts: list[str], name: str, interval: Interval | None) -> Step:
    make: Callable[..., Step] = find_step(known.step)
    fields = dataclasses.fields(make)  # type: ignore[arg-type]
    if len(texts) > len(fields):
        takes = ", ".join(field.name for field in fields) or "no number"
        raise BadInputError(f"too many numbers for {known.word}", value=name, todo=f"it takes {takes}")
    usual = make()
    numbers = [
        _number(text, name, interval, is_whole=type(getattr(usual, field.name)) is int)
        for text, field in zip(texts, fields, strict=False)
    ]
    return make(*numbers)


def _number(text: str, name: str, interval: Interval | None, *, is_whole: bool) -> float | int:
    found = _NUMBER.fullmatch(text)
    if not found or (is_whole and found["part"]) or (found["unit"] and not is_whole):
        todo = "write a word and its numbers, like RSI_14, BB_width_20_2p5 or Price_momentum_3h"
        raise BadInputError("not the name of a column", value=name, todo=todo)
    if not is_whole:
        return float(f"{found['whole']}.{found['part'] or 0}")
    if not found["unit"]:
        return int(found["whole"])
    return _bars(int(found["whole"]) * _UNITS[found["unit"]], name, interval)


def _bars(length: timedelta, name: str, interval: Interval | None) -> int:
    if interval is None or interval.is_calendar:
        todo = "give the length as a number of bars, like Price_momentum_3"
        raise BadInputError("a length of time over bars of unknown length", value=name, todo=todo)
    if length % interval.duration:
        todo = f"use a multiple of {interval}"
        raise BadInputError(f"a length of time that is no whole number of bars of {interval}", value=name, todo=todo)
    return length // interval.duration
