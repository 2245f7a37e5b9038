"""The simulated exchange in a process of its own, so that one core makes the market while another takes it in.

What it answers is what :func:`assay.pipelines.simulating.simulated` answers in this process: a market is a function of
its seed and the moment that is asked about. Worth it for a thousand pages; a few are had sooner here.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import pickle
import sys
import threading
from collections import deque
from collections.abc import Iterator, Mapping
from concurrent.futures import Future
from typing import IO

from assay.domain.clock import Clock, FrozenClock
from assay.domain.errors import BuildError
from assay.pipelines.process_beside import ProcessBeside, process_beside, serve, tell
from assay.pipelines.simulating import simulated
from assay.venues.sandbox.answers import Answer
from assay.venues.sandbox.exchange import Exchange
from assay.venues.sandbox.market import Market
from assay.venues.timing import machine_seconds

_PIPE_BYTES = 1 << 20
"""Room for some pages, so that the next one is made while one is read."""


class ExchangeBeside(Exchange):
    """An exchange whose answers come from another process; :func:`exchange_beside` starts and ends it."""

    def __init__(self, seed: int, clock: Clock, beside: ProcessBeside) -> None:
        super().__init__(Market(seed), clock, elapsed=machine_seconds)
        self._questions, self._answers = beside.words, beside.answers
        self._waiting: deque[Future[Answer]] = deque()
        self._lock = threading.Lock()
        self._is_over = False
        threading.Thread(target=self._take, daemon=True).start()

    async def answered(self, path: str, params: Mapping[str, str]) -> Answer:
        """Return the answer to a GET, as :meth:`answer` would give it.

        Raises
        ------
        BuildError
            If the process has ended.
        """
        found: Future[Answer] = Future()
        with self._lock:
            # Answers come in the order of the questions.
            if not self._is_over:
                self._waiting.append(found)
                with contextlib.suppress(OSError):  # it has ended, which whoever reads its answers finds out
                    tell(self._questions, (self.clock.now(), path, dict(params)))
            else:
                found.set_exception(_gone())
        return await asyncio.wrap_future(found)

    def _take(self) -> None:
        """Hand out the answers until there are no more."""
        with contextlib.suppress(EOFError, OSError, ValueError, pickle.UnpicklingError):
            while True:
                answer = pickle.load(self._answers)  # noqa: S301  # from our own process
                one = self._waiting.popleft()
                if one.set_running_or_notify_cancel():
                    (one.set_exception if isinstance(answer, BaseException) else one.set_result)(answer)
        with self._lock:
            self._is_over = True
        for one in self._waiting:
            if one.set_running_or_notify_cancel():
                one.set_exception(_gone())


@contextlib.contextmanager
def exchange_beside(seed: int, clock: Clock) -> Iterator[Exchange]:
    """Start the exchange over the market with that seed, living by `clock`, and end it with the block."""
    with process_beside(__name__, str(seed)) as beside:
        with contextlib.suppress(OSError, AttributeError):  # a system without it, or that allows less: slower
            fcntl.fcntl(beside.answers.fileno(), fcntl.F_SETPIPE_SZ, _PIPE_BYTES)
        yield ExchangeBeside(seed, clock, beside)


def _gone() -> BuildError:
    todo = "run the same command again; what was fetched is kept"
    return BuildError("the process that simulates the market has ended", todo=todo)


def _serve(questions: IO[bytes], answers: IO[bytes]) -> None:
    """Answer for the market with the seed that the command names."""
    seed = int(sys.argv[1])
    clock: FrozenClock | None = None
    exchange: Exchange | None = None
    while True:
        moment, path, params = pickle.load(questions)  # noqa: S301  # from the process that started this one
        if clock is None or exchange is None:
            clock = FrozenClock(moment)
            exchange = simulated(seed, clock)
        clock.moment = moment
        try:
            answer: Answer | Exception = exchange.answer(path, params)
        except Exception as error:  # noqa: BLE001  # raised again where it can be told
            answer = error
        tell(answers, answer)


if __name__ == "__main__":
    serve(_serve)
