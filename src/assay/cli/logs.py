"""Logs go to stderr as ``key=value``; this is the only place that sets a handler."""

from __future__ import annotations

import logging
import sys
import time


class _Stderr(logging.Handler):
    """Writes to whatever ``sys.stderr`` is at the moment, so that it can be redirected."""

    def emit(self, record: logging.LogRecord) -> None:
        print(self.format(record), file=sys.stderr)


def set_up(level: str) -> None:
    """Send Assay's log records of `level` and above, and everybody else's warnings, to stderr.

    >>> set_up("WARNING")
    >>> set_up("WARNING")  # a second time changes nothing
    >>> sum(isinstance(handler, _Stderr) for handler in logging.getLogger().handlers)
    1
    """
    root = logging.getLogger()
    logging.getLogger("assay").setLevel(level)
    if any(isinstance(handler, _Stderr) for handler in root.handlers):
        return
    handler = _Stderr()
    formatter = logging.Formatter("time=%(asctime)s.%(msecs)03dZ level=%(levelname)s logger=%(name)s %(message)s")
    formatter.converter = time.gmtime
    formatter.default_time_format = "%Y-%m-%dT%H:%M:%S"
    formatter.datefmt = formatter.default_time_format
    handler.setFormatter(formatter)
    root.addHandler(handler)
