"""All the ways in which the price can have gone through one bar, as far as they matter.

A bar tells where the price began and ended and how far it went. On its way it passed the prices at which something
waits: stops, targets, limits. Between two of them nothing happens, so a way is the order in which they are passed, and
of those there are few. Each is walked with the rules of a bar that has one price, of which there can be no doubt.

Left out is what bars cannot bound: that the price jumps over a stop between two trades (it is filled at its price;
slippage is for that), and that the prices of several symbols move at the same time (they are walked one after the
other, and share only the cash).

A trailing stop moves with the price, so there is no end of prices at which it may be hit. Walked are those from the
lowest to the highest peak there can have been; what lies between them ends between what they end in.
"""

from __future__ import annotations

import math
from array import array
from typing import NamedTuple

import numpy as np

from assay.backtest.bar import trade
from assay.backtest.filling import symbol_at
from assay.backtest.layout import (
    AT_FILLS,
    AT_LIVE,
    CANCEL,
    CLOSE,
    DUE,
    GUARD_STOP,
    GUARD_TARGET,
    HIGH,
    IS_LAST_PART,
    IS_TRADABLE,
    KEEP,
    KIND,
    LIMIT,
    LIMIT_PRICE,
    LOW,
    MARKET,
    N_LIVE,
    N_SYMBOLS,
    N_WAITING,
    NOW,
    OPEN,
    PART,
    PEAK,
    QUANTITY,
    RATE,
    STOP_LIMIT,
    STOP_PRICE,
    SYMBOL,
    Floats,
)

MOST_STEPS = 4_000
"""Steps in one bar; many orders that wait close to each other can be passed in more orders than anybody can walk."""

Memory = list[float]
"""The memory of a backtest as a list: single numbers are read from it in a third of the time."""


class Walked(NamedTuple):
    """What a bar may have come to."""

    memories: list[Floats]
    is_complete: bool
    """False: there were more ways than were walked."""


class _Way(NamedTuple):
    memory: Memory
    price: float
    has_low: bool
    has_high: bool


def walked(memory: Floats) -> Walked:
    """Return what the memory may be when a bar has been traded, one for each of the ways that end differently.

    Parameters
    ----------
    memory : float64 array
        With the bars of all symbols loaded and not traded yet, and room for what they may bring; not changed.
    """
    numbers = memory.tolist()
    is_last, symbols = numbers[IS_LAST_PART], range(int(numbers[N_SYMBOLS]))
    bars = [tuple(numbers[symbol_at(one) + OPEN : symbol_at(one) + CLOSE + 1]) for one in symbols]
    tradable = [one for one in symbols if numbers[symbol_at(one) + IS_TRADABLE] > 0.0]
    numbers[IS_LAST_PART] = 0.0
    for one in tradable:
        _set_price(numbers, one, bars[one][0])
    trade(numbers)
    numbers[PART] = max(numbers[PART], 1.0)
    for one in symbols:
        numbers[symbol_at(one) + RATE] = math.nan
        numbers[symbol_at(one) + IS_TRADABLE] = 0.0
    found, is_complete = [numbers], True
    for one in tradable:
        after: list[Memory] = []
        for before in found:
            ways, is_whole = _walk(before, one, bars[one])
            is_complete = is_complete and is_whole
            after += ways
        found = after
    for numbers in found:
        _end(numbers, tradable, bars, is_last)
    return Walked([np.array(numbers) for numbers in found], is_complete)


def _walk(memory: Memory, number: int, bar: tuple[float, ...]) -> tuple[list[Memory], bool]:
    """Return the memories in which the ways of one symbol through its bar end."""
    opened, high, low, close = bar
    symbol = symbol_at(number)
    memory = memory.copy()
    memory[symbol + IS_TRADABLE] = 1.0
    ways = [_Way(memory, opened, opened == low, opened == high)]
    seen: set[tuple[bytes, float, bool, bool]] = set()
    ends: dict[bytes, Memory] = {}
    steps = 0
    while ways and steps < MOST_STEPS:
        way = ways.pop()
        state = _key(way.memory)
        if (state, *way[1:]) in seen:
            continue
        seen.add((state, *way[1:]))
        if way.has_low and way.has_high and way.price == close:
            ends[state] = way.memory
        levels = levels_in(way.memory, number, low, high)
        steps += 1
        if not levels and math.isnan(way.memory[symbol + KEEP]):
            rest = stepped(way.memory, number, close)
            ends[_key(rest)] = rest
            continue
        levels += [low, high, close]
        above, below = ([one for one in levels if (one - way.price) * side > 0] for side in (1.0, -1.0))
        for to in ([min(above)] if above else []) + ([max(below)] if below else []):
            after = stepped(way.memory, number, to)
            ways.append(_Way(after, to, way.has_low or to == low, way.has_high or to == high))
    for one in ends.values():
        one[symbol + IS_TRADABLE] = 0.0
    return list(ends.values()), not ways


def _key(memory: Memory) -> bytes:
    """Return all that goes on, as bytes; NaN equals NaN there."""
    return array("d", memory[: int(memory[AT_FILLS])]).tobytes()


def levels_in(memory: Memory, number: int, low: float, high: float) -> list[float]:
    """Return the prices in a bar at which something waits."""
    symbol, found = symbol_at(number), []
    if memory[symbol + QUANTITY] != 0.0:
        side = 1.0 if memory[symbol + QUANTITY] > 0.0 else -1.0
        found += [side * memory[symbol + GUARD_STOP], side * memory[symbol + GUARD_TARGET]]
        keep = memory[symbol + KEEP]
        if not math.isnan(keep):
            worst = low if side > 0.0 else -high
            # Where it is now, and the peak from which it would be hit at the very end of the bar.
            found += [side * memory[symbol + PEAK] * keep, side * math.nextafter(worst / keep, math.inf)]
    for waiting in range(int(memory[N_LIVE])):
        order = int(memory[AT_LIVE]) + waiting * N_WAITING
        if memory[order + SYMBOL] != number or memory[order + DUE] > memory[NOW]:
            continue
        if not MARKET < memory[order + KIND] < CANCEL:
            continue
        if memory[order + KIND] in (LIMIT, STOP_LIMIT):
            found.append(memory[order + LIMIT_PRICE])
        if memory[order + KIND] != LIMIT:
            found.append(memory[order + STOP_PRICE])
    return [one for one in found if low <= one <= high]


def stepped(memory: Memory, number: int, price: float) -> Memory:
    """Return the memory when the price of a symbol has come to one at which something may wait."""
    after = memory.copy()
    _set_price(after, number, price)
    trade(after)  # type: ignore[arg-type]
    return after


def _set_price(memory: Memory, number: int, price: float) -> None:
    symbol = symbol_at(number)
    for column in (OPEN, HIGH, LOW, CLOSE):
        memory[symbol + column] = price


def _end(memory: Memory, tradable: list[int], bars: list[tuple[float, ...]], is_last: float) -> None:
    """Take off the orders that are too old when a bar is over, and leave the bars as they are."""
    memory[IS_LAST_PART] = is_last
    trade(memory)  # type: ignore[arg-type]
    for one in tradable:
        symbol = symbol_at(one)
        memory[symbol + IS_TRADABLE] = 1.0
        memory[symbol + OPEN : symbol + CLOSE + 1] = bars[one]
