"""Sets of moments, held as the half-open spans ``[start, end)`` that they consist of.

A set is kept as its edges in order: start, end, start, end, and so on. A moment is inside if the number of edges at
or before it is odd, which turns every question about two sets into one walk along their edges.

>>> from datetime import datetime, UTC
>>> def hour(number: int) -> datetime:
...     return datetime(2024, 1, 1, number, tzinfo=UTC)
>>> held = Spans.of([(hour(0), hour(3)), (hour(3), hour(5)), (hour(8), hour(9))])
>>> [(start.hour, end.hour) for start, end in held]
[(0, 5), (8, 9)]
>>> [(start.hour, end.hour) for start, end in Spans.of([(hour(1), hour(10))]) - held]
[(5, 8), (9, 10)]
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

Span = tuple[datetime, datetime]
_Edges = tuple[datetime, ...]


@dataclass(frozen=True, slots=True)
class Spans:
    """An immutable set of moments; build one with :meth:`of`.

    Two sets are equal if they hold the same moments, however they came about. Operations on two sets cost the smaller
    set and a copy of the larger one's edges.

    Attributes
    ----------
    edges : tuple of datetime
        Starts and ends in turn, each later than the one before.
    """

    edges: tuple[datetime, ...] = ()

    @classmethod
    def of(cls, spans: Iterable[Span]) -> Spans:
        """Return the moments that lie in any of `spans`, which may overlap and come in any order.

        A span that ends where or before it starts holds nothing.
        """
        edges: list[datetime] = []
        for start, end in sorted(spans):
            if end <= start:
                continue
            if edges and start <= edges[-1]:
                edges[-1] = max(edges[-1], end)
            else:
                edges += (start, end)
        return cls(tuple(edges))

    def __iter__(self) -> Iterator[Span]:
        return zip(self.edges[::2], self.edges[1::2], strict=True)

    def __len__(self) -> int:
        return len(self.edges) // 2

    def __contains__(self, moment: datetime) -> bool:
        return bisect_right(self.edges, moment) % 2 == 1

    def __or__(self, other: Spans) -> Spans:
        """Return the moments in either."""
        large, small = (self, other) if len(self) >= len(other) else (other, self)
        if not small:
            return large
        first, last = large._reach(small)
        joined = _walk(large.edges[first:last], small.edges, lambda one, two: one or two)
        return Spans(large.edges[:first] + joined + large.edges[last:])

    def __and__(self, other: Spans) -> Spans:
        """Return the moments in both."""
        return Spans(_walk(self._near(other), other._near(self), lambda one, two: one and two))

    def __sub__(self, other: Spans) -> Spans:
        """Return the moments in this set and not in `other`."""
        if not self or not other:
            return self
        first, last = self._reach(other)
        left = _walk(self.edges[first:last], other._near(self), lambda one, two: one and not two)
        return Spans(self.edges[:first] + left + self.edges[last:])

    def clip(self, start: datetime, end: datetime) -> Spans:
        """Return the moments in ``[start, end)``."""
        return self & Spans.of([(start, end)])

    def bridged(self, gap: timedelta) -> Spans:
        """Return the set with the gaps of at most `gap` between its spans filled."""
        edges: list[datetime] = []
        for start, end in self:
            if edges and start - edges[-1] <= gap:
                edges[-1] = end
            else:
                edges += (start, end)
        return Spans(tuple(edges))

    @property
    def length(self) -> timedelta:
        """How long the spans are together."""
        return sum((end - start for start, end in self), timedelta())

    def _reach(self, other: Spans) -> tuple[int, int]:
        """Return which of the edges belong to spans that `other`, which is not empty, can overlap or touch."""
        first, last = bisect_left(self.edges, other.edges[0]), bisect_right(self.edges, other.edges[-1])
        return first - first % 2, last + last % 2

    def _near(self, other: Spans) -> _Edges:
        if not self or not other:
            return ()
        first, last = self._reach(other)
        return self.edges[first:last]


NOTHING = Spans()
"""The empty set."""


def overlaps(many: Iterable[Spans]) -> list[tuple[datetime, datetime, int]]:
    """Return, for every moment in any of the sets, in how many of them it is: (start, end, count), in order.

    Neighbours have different counts, or a gap between them.
    """
    changes: dict[datetime, int] = {}
    for spans in many:
        for start, end in spans:
            changes[start] = changes.get(start, 0) + 1
            changes[end] = changes.get(end, 0) - 1
    found: list[tuple[datetime, datetime, int]] = []
    count, since = 0, None
    for moment in sorted(moment for moment, change in changes.items() if change):
        if since is not None and count:
            found.append((since, moment, count))
        count, since = count + changes[moment], moment
    return found


def _walk(one: _Edges, two: _Edges, is_inside: Callable[[bool, bool], bool]) -> _Edges:
    """Walk along the edges of two sets; return the edges of the set of moments for which `is_inside` holds."""
    edges: list[datetime] = []
    passed_one = passed_two = 0
    while passed_one < len(one) or passed_two < len(two):
        rest = (*one[passed_one : passed_one + 1], *two[passed_two : passed_two + 1])
        edge = min(rest)
        passed_one += passed_one < len(one) and one[passed_one] == edge
        passed_two += passed_two < len(two) and two[passed_two] == edge
        # Inside is where the number of edges of the result so far is odd, as for any set.
        if is_inside(passed_one % 2 == 1, passed_two % 2 == 1) != (len(edges) % 2 == 1):
            edges.append(edge)
    return tuple(edges)
