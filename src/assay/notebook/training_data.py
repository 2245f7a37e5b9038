"""Rows to learn from, as scikit-learn takes them, with all that proves them attached."""

from __future__ import annotations

import dataclasses
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Unpack

import numpy as np
import polars as pl
from numpy.typing import NDArray

from assay.domain.errors import BadInputError
from assay.notebook.reading import Asked, Moment, _moment, _span, make_training_table

if TYPE_CHECKING:
    from assay.pipelines.training_table import TrainingTable
    from assay.pipelines.workspace import Workspace

_TARGETS = {"direction": "is_up"}
_MICROSECOND = timedelta(microseconds=1)
_MOST_DAYS = 100_000


@dataclass(frozen=True, slots=True, eq=False)
class TrainingData:
    """Rows in order of time; ``X, y = data`` takes it apart.

    Attributes
    ----------
    X : polars.DataFrame, shape (n, n_features)
        Features at the close of each bar, float64, without null or NaN. The columns have the features' names.
    y : ndarray, shape (n,)
        Of a direction: int64, 1 where the price is higher one horizon later. Of other labels: float64.
    times, until : polars.Series of datetime (UTC), shape (n,)
        The moment at which a row's forecast would have been made, and the one from which its answer is known.
    weight : ndarray of float64, shape (n,)
        How much of a row's label is its own, where labels overlap: between 0 and 1.
    table : TrainingTable
        All of it in one frame, with series, `as_of` and content hash: the same moment gives the same rows.
    horizon : timedelta
        How far ahead a row foretells.
    """

    X: pl.DataFrame
    y: NDArray[np.int64] | NDArray[np.float64]
    times: pl.Series
    until: pl.Series
    weight: NDArray[np.float64]
    table: TrainingTable
    horizon: timedelta

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the features, in the order of the columns of `X`."""
        return tuple(self.X.columns)

    @property
    def spans(self) -> pl.DataFrame:
        """`times` and `until` side by side: the span of time that each row's label uses."""
        return pl.DataFrame({"times": self.times, "until": self.until})

    @property
    def label(self) -> str:
        """What is asked of the price, with its horizon."""
        return self.table.label

    @property
    def as_of(self) -> datetime | None:
        """The moment that gives these rows again, whatever is restated or loaded later."""
        return self.table.span.as_of

    @property
    def content_hash(self) -> str:
        """16 hexadecimal digits of the rows."""
        return self.table.content_hash

    def __iter__(self) -> Iterator[Any]:
        yield from (self.X, self.y)

    def __len__(self) -> int:
        return len(self.y)

    def walk_forward(
        self, folds: int = 5, *, embargo: timedelta | None = None
    ) -> list[tuple[NDArray[np.intp], NDArray[np.intp]]]:
        """Return row numbers to learn from and to be tested on, as ``cv=`` of scikit-learn takes them.

        Each block of time is tested by what came before it. Rows whose label reaches into the block are left out, and
        an embargo more: no shuffled or plain split does that, and their scores are too good.

        Parameters
        ----------
        folds : int, default 5
        embargo : timedelta, optional
            Between the last training label and the first test row; one horizon if left out.

        Raises
        ------
        NoDataError
            If a block would have fewer than 100 rows.
        BadInputError
            If there is no fold, or the embargo is negative.
        """
        from assay.models.splits import walk_forward  # noqa: PLC0415

        at, until = (one.dt.epoch("us").to_numpy() for one in (self.times, self.until))
        wait = (self.horizon if embargo is None else embargo) // _MICROSECOND
        found = walk_forward(at, until, folds=folds, embargo_us=wait)
        return [(fold.train, fold.test) for fold in found]


class CryptoDataLoader:
    """Makes rows to learn from of the bars in the lake.

    Parameters
    ----------
    features : str, default "direction"
        Name of a feature set, shipped or of your own.
    label : str, default "direction"
        What is asked: ``direction_24h``, ``direction_1h``, ``delta_1h``, ``return_24h``.
    interval : str, default "1h"
        Length of the bars.
    as_of, available_at : datetime or str, optional
        Only what had been received by then; only what a live system would have had. Text without a zone is UTC.
    """

    def __init__(
        self,
        features: str = "direction",
        label: str = "direction",
        *,
        interval: str = "1h",
        as_of: Moment = None,
        available_at: Moment = None,
    ) -> None:
        self._features, self._label, self._interval = features, label, interval
        self._view: Asked = {"as_of": as_of, "available_at": available_at}

    def load_training_data(
        self, symbol: str, days: int | None = 180, *, fetch: bool = False, **asked: Unpack[Asked]
    ) -> TrainingData:
        """Return the rows of a series.

        Parameters
        ----------
        symbol : str
            Any spelling (``BTC-USD``, ``BTCUSDT``), or ``venue:market:SYMBOL``.
        days : int or None, default 180
            How many, up to the newest closed bar that is known, or up to `end`; None for all there are.
        fetch : bool, default False
            First fetch from the venue what the lake lacks of them.
        start, end, as_of, available_at : datetime or str, optional
            As :func:`assay.get_klines` takes them; `start` in place of `days`, the others in place of the loader's.

        Raises
        ------
        AssayError
            If the lake is not there, a name is none, or no row is left.

        Warns
        -----
        UserWarning
            If the lake has fewer days than are asked for, or a ticker meant two assets in the range.
        """
        from assay.pipelines.training_table import label_named  # noqa: PLC0415
        from assay.pipelines.workspace import open_workspace  # noqa: PLC0415
        from assay.settings import load_settings  # noqa: PLC0415

        wanted: Asked = {**self._view, **asked}
        if days is not None and not 1 <= days <= _MOST_DAYS:
            raise BadInputError("not a number of days", value=days, todo="give a whole number from 1, or None for all")
        workspace = open_workspace(load_settings(), create=fetch)
        if fetch:
            _fetch(workspace, symbol, self._interval, days=days, wanted=wanted)
        if days is not None and wanted.get("start") is None:
            wanted["start"] = _start(workspace, symbol, self._interval, days=days, wanted=wanted)
        table = make_training_table(
            symbol, features=self._features, label=self._label, interval=self._interval, **wanted
        )
        return _taken_apart(table, label_named(workspace, table.label).horizon)


def _fetch(workspace: Workspace, symbol: str, interval: str, *, days: int | None, wanted: Asked) -> None:
    from assay.pipelines.fetching import fetch_klines  # noqa: PLC0415

    start, end = _moment(wanted.get("start")), _moment(wanted.get("end"))
    if start is None and days is not None:
        start = (end or workspace.clock.now()) - timedelta(days=days)
    first, last = ("" if one is None else one.isoformat() for one in (start, end))
    fetch_klines(workspace, symbol, interval, span=(first, last))


def _start(workspace: Workspace, symbol: str, interval: str, *, days: int, wanted: Asked) -> datetime:
    """Return when the last so many days of closed bars begin."""
    from assay.selectors.klines import klines  # noqa: PLC0415

    found = klines(workspace, symbol, interval, span=dataclasses.replace(_span(wanted), only_closed=True))
    opened, closed = found.frame["open_time"], found.frame["close_time"]
    newest: datetime = closed[-1]
    # The last millisecond of a bar is not yet the next one's first.
    start = newest.replace(microsecond=0) - timedelta(days=days)
    if opened[0] > start + timedelta(hours=1):
        there = (newest - opened[0]) / timedelta(days=1)
        told = (
            f"the lake has {there:.0f} of {days} days of {found.resolution.series}: fetch=True asks its venue for more"
        )
        warnings.warn(told, stacklevel=3)
    return start


def _taken_apart(table: TrainingTable, horizon: timedelta) -> TrainingData:
    frame = table.frame
    places = {name: at for at, name in enumerate(frame.columns)}
    target = frame.columns[places["until"] + 1]
    names = frame.columns[places["close_time"] + 1 : places["until"]]
    y = frame[target].cast(pl.Int64 if target in _TARGETS.values() else pl.Float64).to_numpy()
    return TrainingData(
        frame.select(names).cast(pl.Float64), y, frame["close_time"], frame["until"], frame["weight"].to_numpy(),
        table, horizon,
    )  # fmt: skip
