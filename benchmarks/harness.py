"""Timing side by side: machines differ and are noisy, so every figure is a ratio to a peer of the same run.

Contenders take turns. The ratio is taken round by round, so that what disturbs the machine for a while disturbs both
sides of it, and the median of the rounds is what counts.

>>> fast, slow = Contender("fast", lambda: 1.0), Contender("slow", lambda: 2.0)
>>> times = race([fast, slow], rounds=5, warmup=0)
>>> figure = Figure.of_ratio("F0", "nothing at all", times, subject=fast, peer=slow, goal=0.75)
>>> figure.value, figure.is_met
(0.5, True)
"""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

Times = Mapping[str, Sequence[float]]
"""Seconds of each contender by its name, one a round."""


@dataclass(frozen=True, slots=True)
class Contender:
    """Somebody who can do the work.

    Attributes
    ----------
    name : str
    measure : callable
        Does the work once and returns the seconds that count; what only prepares it is left out of them.
    version : str
        Of the library behind it, if it is one.
    """

    name: str
    measure: Callable[[], float]
    version: str = ""

    def __str__(self) -> str:
        return f"{self.name} {self.version}".rstrip()


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the table.

    Attributes
    ----------
    id : str
        As in the list of goals.
    work : str
        What was done.
    subject, peer : str
        Who did it, and who beside.
    subject_s, peer_s : float
        Median seconds; `peer_s` is NaN without a peer.
    unit : str
        ``×`` for a ratio of subject to peer, ``s`` for the subject's seconds.
    value, low, high : float
        Median, least and largest of the rounds, in the unit.
    goal : float or None
        What `value` may be at most; None where nothing is asked.
    rounds : int
    """

    id: str
    work: str
    subject: str
    peer: str
    subject_s: float
    peer_s: float
    unit: str
    value: float
    low: float
    high: float
    goal: float | None
    rounds: int

    @property
    def is_met(self) -> bool | None:
        """Whether the goal is reached, as far as there is one."""
        return None if self.goal is None else self.value <= self.goal

    @classmethod
    def of_ratio(
        cls, id_: str, work: str, times: Times, *, subject: Contender, peer: Contender, goal: float | None
    ) -> Figure:
        """Compare two contenders round by round."""
        ours, theirs = times[subject.name], times[peer.name]
        rounds = [one / other for one, other in zip(ours, theirs, strict=True)]
        medians = statistics.median(ours), statistics.median(theirs)
        value = statistics.median(rounds)
        return cls(id_, work, str(subject), str(peer), *medians, "×", value, min(rounds), max(rounds), goal, len(ours))

    @classmethod
    def of_seconds(
        cls, id_: str, work: str, times: Times, *, subject: Contender, peer: Contender | None, goal: float | None
    ) -> Figure:
        """Report a contender's own time; the peer is only shown beside it."""
        ours = times[subject.name]
        value = statistics.median(ours)
        beside = statistics.median(times[peer.name]) if peer else float("nan")
        name = str(peer) if peer else ""
        return cls(id_, work, str(subject), name, value, beside, "s", value, min(ours), max(ours), goal, len(ours))


def timed(work: Callable[[], object]) -> Callable[[], float]:
    """Return a measure of all that `work` does."""

    def measure() -> float:
        # The collector would bill one contender for the other's rubbish.
        gc.collect()
        gc.disable()
        try:
            begun = time.perf_counter()
            work()
            return time.perf_counter() - begun
        finally:
            gc.enable()

    return measure


def race(contenders: Sequence[Contender], *, rounds: int = 5, warmup: int = 1) -> dict[str, list[float]]:
    """Let the contenders take turns and return the seconds of each.

    Parameters
    ----------
    contenders : sequence of Contender
        With names of their own.
    rounds : int
        How often everybody runs. Every other round goes the other way round, so that nobody always runs first.
    warmup : int
        Rounds before those, which are not counted.
    """
    times: dict[str, list[float]] = {contender.name: [] for contender in contenders}
    for number in range(-warmup, rounds):
        for contender in contenders if number % 2 == 0 else reversed(contenders):
            seconds = contender.measure()
            if number >= 0:
                times[contender.name].append(seconds)
    return times
