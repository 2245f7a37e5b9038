"""Answers kept for as long as the lake is as it was when they were computed.

Of one version only: what was known of an older one goes when a newer one comes. Bounded by what the answers weigh;
the one that was asked for longest ago goes first. However many threads ask for the same answer at
once, one of them computes it and the others wait.

>>> kept = Kept(most_bytes=10_000)
>>> kept.get("v1", "answer", lambda: 42), kept.get("v1", "answer", lambda: 43)
(42, 42)
>>> kept.get("v2", "answer", lambda: 43)
43
"""

from __future__ import annotations

import threading
from collections import OrderedDict, deque
from collections.abc import Callable, Hashable
from typing import TypeVar, cast

_Answer = TypeVar("_Answer")

MOST_BYTES = 256_000_000
_USUAL_BYTES = 4_000
_REMEMBERED = 64


class Kept:
    """A bounded memory of answers; safe to use from many threads.

    Parameters
    ----------
    most_bytes : int, default 256 MB
        Together the answers weigh about this much at most; one that alone is heavier is not kept.
    """

    def __init__(self, *, most_bytes: int = MOST_BYTES) -> None:
        self._most = most_bytes
        self._bytes = 0
        self._answers: OrderedDict[tuple[Hashable, Hashable], tuple[object, int]] = OrderedDict()
        self._version: Hashable = None
        self._past: deque[Hashable] = deque(maxlen=_REMEMBERED)
        self._at_work: dict[tuple[Hashable, Hashable], threading.Lock] = {}
        self._lock = threading.Lock()

    def get(
        self,
        version: Hashable,
        question: Hashable,
        compute: Callable[[], _Answer],
        *,
        weigh: Callable[[_Answer], int] | None = None,
    ) -> _Answer:
        """Return the answer to `question` in that version of the lake, computed if it is not known.

        Parameters
        ----------
        version, question : hashable
        compute : callable
            Its exceptions are passed on, and nothing is kept then.
        weigh : callable, optional
            Bytes of an answer; 4 kB by default.
        """
        key = (version, question)
        with self._lock:
            if key in self._answers:
                self._answers.move_to_end(key)
                return cast("_Answer", self._answers[key][0])
            at_work = self._at_work.setdefault(key, threading.Lock())
        with at_work:
            with self._lock:
                if key in self._answers:
                    return cast("_Answer", self._answers[key][0])
            try:
                answer = compute()
                self._keep(key, answer, weigh(answer) if weigh else _USUAL_BYTES)
            finally:
                with self._lock:
                    self._at_work.pop(key, None)
        return answer

    def __len__(self) -> int:
        return len(self._answers)

    @property
    def weight(self) -> int:
        """What the answers weigh together, in bytes."""
        return self._bytes

    def _keep(self, key: tuple[Hashable, Hashable], answer: object, weight: int) -> None:
        with self._lock:
            if weight > self._most or key[0] in self._past:
                return
            if key[0] != self._version:
                self._past.append(self._version)
                self._version, self._bytes = key[0], 0
                self._answers.clear()
            self._answers[key] = answer, weight
            self._bytes += weight
            while self._bytes > self._most:
                self._bytes -= self._answers.popitem(last=False)[1][1]
