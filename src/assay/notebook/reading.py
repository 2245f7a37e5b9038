"""Bars, instruments, holes, indicators and training tables from the lake that the settings name."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict, Unpack

if TYPE_CHECKING:
    import polars as pl

    from assay.lake.reads import Span
    from assay.pipelines.training_table import TrainingTable
    from assay.pipelines.volatility import GarchReport
    from assay.selectors.klines import Klines

Moment = datetime | str | None


class Asked(TypedDict, total=False):
    """The range, and the point of view; all optional, text without a zone is UTC."""

    start: Moment
    end: Moment
    as_of: Moment
    available_at: Moment


def get_klines(symbol: str, interval: str = "1h", *, fetch: bool = False, **asked: Unpack[Asked]) -> pl.DataFrame:
    """Return the bars of a series from the lake, in order of time.

    Parameters
    ----------
    symbol : str
        Any spelling (``BTC-USD``, ``BTCUSDT``), or ``venue:market:SYMBOL``.
    interval : str, default "1h"
    fetch : bool, default False
        First fetch from the venue what the lake lacks of them.
    start, end : datetime or str, optional
        Open times ``[start, end)``; text without a zone is UTC.
    as_of : datetime or str, optional
        Only what had been received at that moment.
    available_at : datetime or str, optional
        Only what a system that ran at that moment would have had; both may be given.

    Returns
    -------
    polars.DataFrame
        The columns of ``silver.crypto_prices_cleaned``; open bars have ``is_closed`` false.

    Raises
    ------
    AssayError
        If the lake is not there or has no such bars.

    Warns
    -----
    UserWarning
        If the ticker meant two assets in the range: the bars on the two sides are not one series.
    """
    return _read(symbol, interval, asked, fetch=fetch).frame


def get_instruments(symbol: str = "", *, venue: str = "", on: Moment = None, as_of: Moment = None) -> pl.DataFrame:
    """Return what can be traded where and on which terms: the latest state of each, or all states of one symbol.

    Parameters
    ----------
    symbol : str, optional
        In any spelling, or an asset such as ``LUNA``.
    venue : str, optional
    on : datetime or str, optional
        What stood at that moment, and which asset a ticker meant then.
    as_of : datetime or str, optional
        Only what had been received at that moment.

    Returns
    -------
    polars.DataFrame
        The fields of :class:`~assay.selectors.instruments.InstrumentState`.

    Raises
    ------
    AssayError
        If the lake is not there, or knows no such instrument.
    """
    import polars as pl  # noqa: PLC0415

    from assay.pipelines.workspace import open_workspace  # noqa: PLC0415
    from assay.selectors.instruments import InstrumentState, instruments  # noqa: PLC0415
    from assay.settings import load_settings  # noqa: PLC0415

    workspace = open_workspace(load_settings(), create=False)
    found = instruments(workspace, symbol, venue=venue, on=_moment(on), as_of=_moment(as_of))
    names = list(InstrumentState.__dataclass_fields__)
    rows = [[getattr(one, name) for name in names] for one in found.states]
    return pl.DataFrame(rows, schema=names, orient="row", infer_schema_length=None)


def get_gaps(symbol: str = "", *, venue: str = "", interval: str = "", cause: str = "") -> pl.DataFrame:
    """Return the holes of the bars with their causes, the latest first; a part of one cause a row.

    Parameters
    ----------
    symbol : str, optional
        Any spelling, or an asset: all its pairs.
    venue, interval, cause : str, optional
        Only of these.

    Returns
    -------
    polars.DataFrame
        venue, market, symbol, interval, start, end (open times ``[start, end)``, UTC), bars, cause, evidence, and
        remedy: ``ask``, ``build`` or ``nothing``.

    Raises
    ------
    AssayError
        If the lake is not there, or there is no such symbol, venue, interval or cause.
    """
    import polars as pl  # noqa: PLC0415

    from assay.pipelines.workspace import open_workspace  # noqa: PLC0415
    from assay.selectors.coverage import SeriesHole  # noqa: PLC0415
    from assay.selectors.coverage_gaps import GapFilter, find_gaps  # noqa: PLC0415
    from assay.settings import load_settings  # noqa: PLC0415

    wanted = GapFilter((symbol,) if symbol else (), venue, interval, cause)
    found = find_gaps(open_workspace(load_settings(), create=False), wanted).gaps
    moment = pl.Datetime("us", "UTC")
    types = {name: pl.String() for name in SeriesHole.__slots__} | {"start": moment, "end": moment, "bars": pl.Int64()}
    rows = [[getattr(one, name) for name in types] for one in found]
    return pl.DataFrame(rows, schema=types, orient="row")


def save_klines_to_csv(
    symbol: str, interval: str = "1h", *, folder: str | Path = ".", fetch: bool = False, **asked: Unpack[Asked]
) -> Path:
    """Write the bars of a series to ``BTCUSDT_1h.csv`` in `folder`, with Binance's twelve columns.

    The other parameters are those of :func:`get_klines`.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    AssayError
        If the lake is not there or has no such bars, or the disk refuses.
    """
    from assay.selectors.klines import save_csv  # noqa: PLC0415

    return save_csv(_read(symbol, interval, asked, fetch=fetch), Path(folder))


def compute_features(
    symbol: str,
    features: str,
    interval: str = "1h",
    *,
    names: str = "steps",
    reference: str = "",
    **asked: Unpack[Asked],
) -> pl.DataFrame:
    """Return indicators over the closed bars of a series, in order of time.

    Parameters
    ----------
    symbol : str
        Any spelling, or ``venue:market:SYMBOL``.
    features : str
        Name of a feature set, or indicators with commas between them: ``rsi:14,MACD_signal,rolling_mean:24@volume``.
    interval : str, default "1h"
    names : str, default "steps"
        ``usual`` names the columns as they are usually known: ``RSI_14`` for ``rsi_14``.
    reference : str, optional
        What beta and the like hold the series against, such as ``BTC-USDT`` or ``dominance:BTC``.
    start, end, as_of, available_at : datetime or str, optional
        As :func:`get_klines` takes them; the bars before `start` count in the values.

    Returns
    -------
    polars.DataFrame
        venue, market, symbol, interval, open_time, close_time, a column for each output, null where it has no value,
        and available_at: when a live system could first have had the row.

    Raises
    ------
    AssayError
        If the lake is not there, a name is none, or it has no such bars.
    """
    from assay.pipelines.computing import ComputeRequest  # noqa: PLC0415
    from assay.pipelines.computing import compute_features as compute  # noqa: PLC0415
    from assay.pipelines.workspace import open_workspace  # noqa: PLC0415
    from assay.settings import load_settings  # noqa: PLC0415

    request = ComputeRequest(symbol, features, interval, _span(asked), names, reference)
    return compute(open_workspace(load_settings(), create=False), request).frame


def make_training_table(
    symbols: str | Sequence[str],
    *,
    features: str = "direction",
    label: str = "direction",
    interval: str = "1h",
    reference: str = "",
    **asked: Unpack[Asked],
) -> TrainingTable:
    """Return the rows that a model learns from, with a hash that proves them.

    Parameters
    ----------
    symbols : str or sequence of str
        One series or several, in any spelling.
    features : str, default "direction"
        Name of a feature set.
    label : str, default "direction"
        ``direction_24h``: whether the price is higher 24 hours after the close; ``return_24h``, ``delta_1h``,
        ``triple_barrier_24h_2_2``.
    interval : str, default "1h"
    reference : str, optional
        What Steps that read a reference, such as beta, are held against where the set does not say so itself.
    start, end, as_of, available_at : datetime or str, optional
        As :func:`get_klines` takes them; no bar at or after `end` is looked at, for labels neither.

    Returns
    -------
    TrainingTable
        With `frame`, `content_hash`, and in `span` the `as_of` that gives the same table again.

    Raises
    ------
    AssayError
        If the lake is not there, a name is none, or no row is left.

    Warns
    -----
    UserWarning
        If a ticker meant two assets in the range: no row knows both, but there are rows of each.
    """
    from assay.pipelines.training_table import TableRequest  # noqa: PLC0415
    from assay.pipelines.training_table import make_training_table as make  # noqa: PLC0415
    from assay.pipelines.workspace import open_workspace  # noqa: PLC0415
    from assay.settings import load_settings  # noqa: PLC0415

    names = (symbols,) if isinstance(symbols, str) else tuple(symbols)
    request = TableRequest(names, features, label, interval, _span(asked), reference)
    made = make(open_workspace(load_settings(), create=False), request)
    for told in made.split:
        warnings.warn(f"rows of two assets: {told}; ask for one side of the edge", stacklevel=2)
    return made


class Fitted(Asked, total=False):
    """How a GARCH is fitted and how far it forecasts, and the range; all optional."""

    horizon: int
    every: int
    on: int
    distribution: str
    level: float


_HOW = tuple(set(Fitted.__annotations__) - set(Asked.__annotations__))


def garch_volatility(symbol: str, interval: str = "1h", **asked: Unpack[Fitted]) -> GarchReport:
    """Return the volatility of a series bar by bar, by a GARCH(1,1) fitted on the bars before, and its forecast.

    Parameters
    ----------
    symbol : str
        Any spelling, or ``venue:market:SYMBOL``.
    interval : str, default "1h"
    horizon : int, default 24
        Bars to forecast.
    every, on : int, default 168 and 2000
        Fitted again every so many bars, on the last so many.
    distribution : str, default "t"
        Of the surprises: ``normal`` or ``t``.
    level : float, default 0.9
        Of the interval of the forecast.
    start, end, as_of, available_at : datetime or str, optional
        As :func:`get_klines` takes them; only closed bars are used.

    Returns
    -------
    GarchReport
        `frame` has a row for each bar, `ahead` one for each bar to come; `fit` is the last one.

    Raises
    ------
    AssayError
        If the lake is not there, has too few such bars, or the extra ``ml`` is not installed.
    """
    from assay.pipelines.volatility import GarchRequest  # noqa: PLC0415
    from assay.pipelines.volatility import garch_volatility as fitted  # noqa: PLC0415
    from assay.pipelines.workspace import open_workspace  # noqa: PLC0415
    from assay.settings import load_settings  # noqa: PLC0415

    how = {name: asked.pop(name) for name in _HOW if name in asked}  # type: ignore[misc]
    request = GarchRequest(symbol, interval, **how, span=_span(asked))
    return fitted(open_workspace(load_settings(), create=False), request)


def _read(symbol: str, interval: str, asked: Asked, *, fetch: bool) -> Klines:
    from assay.pipelines.workspace import open_workspace  # noqa: PLC0415
    from assay.selectors.klines import klines  # noqa: PLC0415
    from assay.settings import load_settings  # noqa: PLC0415

    span = _span(asked)
    settings = load_settings()
    if fetch:
        from assay.pipelines.fetching import fetch_klines  # noqa: PLC0415

        first, last = ("" if one is None else one.isoformat() for one in (span.start, span.end))
        fetch_klines(open_workspace(settings), symbol, interval, span=(first, last))
    found = klines(open_workspace(settings, create=False), symbol, interval, span=span)
    if found.assets:
        from assay.lake.identities import in_words  # noqa: PLC0415

        warnings.warn(f"not one series: {in_words(found.assets)}; ask for one side of the edge", stacklevel=3)
    return found


def _span(asked: Asked) -> Span:
    from assay.lake.reads import Span  # noqa: PLC0415

    unknown = set(asked) - set(Asked.__annotations__)
    if unknown:  # a misspelt moment that was left out in silence would answer another question
        raise TypeError(f"unknown: {', '.join(sorted(unknown))}; there is {', '.join(Asked.__annotations__)}")
    moments = {name: _moment(value) for name, value in asked.items()}  # type: ignore[arg-type]  # all are moments
    return Span(**moments, only_closed=False)


def _moment(value: Moment) -> datetime | None:
    from assay.domain.errors import BadInputError  # noqa: PLC0415
    from assay.domain.interval import parse_moment, utc  # noqa: PLC0415

    if value is None or isinstance(value, str):
        return None if value is None else parse_moment(value)
    if not isinstance(value, datetime):
        todo = 'give a text like "2026-01-31", or a datetime with a zone'
        raise BadInputError("not a date or time", value=value, todo=todo)
    return utc(value)
