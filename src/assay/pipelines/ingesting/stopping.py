"""Running tasks to their end, or to an end in order when the process is told to stop.

A signal handler that raises does so in the middle of the event loop: the wake-up of a task may be lost with it, and
whoever waits for that task then waits for ever. So while tasks run, a signal cancels them, and goes to the handler that
was there before once they have ended.
"""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import Callable, Coroutine
from types import FrameType
from typing import TypeVar

T = TypeVar("T")


def run_tasks(work: Coroutine[object, object, T]) -> T:
    """Run `work` in an event loop of its own and return its result.

    SIGTERM and SIGINT cancel it, whenever they come; once its tasks have ended, the first of them goes to the handler
    that was there before. Where SIGTERM has no such handler, and outside the main thread, signals do what they always
    do.
    """
    there = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    # Of the others, whoever started this process wants them ignored.
    handlers = {number: handler for number, handler in there.items() if callable(handler)}
    if signal.SIGTERM not in handlers or threading.current_thread() is not threading.main_thread():
        return asyncio.run(work)
    received: list[int] = []
    cancel: list[Callable[[], object]] = []

    def stop(number: int, _frame: FrameType | None) -> None:
        received.append(number)
        for one in cancel:
            one()

    async def cancellable() -> T:
        loop, task = asyncio.get_running_loop(), asyncio.current_task()
        assert task is not None
        cancel.append(lambda: loop.call_soon_threadsafe(task.cancel))
        try:
            if received:
                raise asyncio.CancelledError
            return await work
        finally:
            cancel.clear()  # what comes now is too late to cancel anything, and is kept for the end

    try:
        for number in handlers:
            signal.signal(number, stop)
        return asyncio.run(cancellable())
    finally:
        work.close()  # it was never begun, if a signal was faster
        for number, handler in handlers.items():
            signal.signal(number, handler)
        if received:
            signal.raise_signal(received[0])
