"""What a model is for: a task, and the series or the source that it is about.

>>> key = ModelKey("direction_24h", "binance:spot:BTC-USDT:1h")
>>> str(key), key.folder
('direction_24h of binance:spot:BTC-USDT:1h', 'direction_24h/binance,spot,BTC-USDT,1h')
>>> pooled = key_of_source("direction_24h", "binance", "1h")
>>> pooled.source, pooled.is_pooled, pooled.venue, pooled.interval, key.is_pooled
('binance:1h', True, 'binance', '1h', False)
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from assay.domain.errors import BadInputError

_TASK = re.compile(r"[a-z][a-z0-9_]{0,63}")
_SOURCE = re.compile(r"[A-Za-z0-9][A-Za-z0-9:._-]{0,99}")


@dataclass(frozen=True, slots=True, order=True)
class ModelKey:
    """Whose forecasts are compared with each other: those of one task on one series or source.

    Attributes
    ----------
    task : str
        What is foretold, like ``direction_24h``: small letters, digits and underscores.
    source : str
        A series such as ``binance:spot:BTC-USDT:1h``, or all series of a venue together: ``binance:1h``.

    Raises
    ------
    BadInputError
        If one of them is written otherwise.
    """

    task: str
    source: str

    def __post_init__(self) -> None:
        if not _TASK.fullmatch(self.task):
            raise BadInputError("not a task", value=self.task, todo="use small letters, digits and underscores")
        if not _SOURCE.fullmatch(self.source):
            todo = "write venue:market:BASE-QUOTE:interval, or venue:interval"
            raise BadInputError("not a series or source of a model", value=self.source, todo=todo)

    @property
    def folder(self) -> str:
        """The name of the folder of its models; no two keys have the same."""
        return f"{self.task}/{self.source.replace(':', ',')}"

    @property
    def is_pooled(self) -> bool:
        """Whether it is of all series of a venue together."""
        return self.source.count(":") == 1

    @property
    def venue(self) -> str:
        """Of whom the series are."""
        return self.source.partition(":")[0]

    @property
    def interval(self) -> str:
        """The length of the bars, like ``1h``."""
        return self.source.rpartition(":")[2]

    def __str__(self) -> str:
        return f"{self.task} of {self.source}"


def key_of_source(task: str, venue: str, interval: str) -> ModelKey:
    """Return the key of a model of all series of a venue together.

    Raises
    ------
    BadInputError
        If one of them is written otherwise.
    """
    return ModelKey(task, f"{venue}:{interval}")
