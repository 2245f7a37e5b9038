"""What a notebook needs, with the settings of the environment: ``import assay`` offers these names itself."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import polars as pl

    from assay.selectors.klines import Klines

Moment = datetime | str | None


def get_klines(
    symbol: str, interval: str = "1h", *, start: Moment = None, end: Moment = None, as_of: Moment = None
) -> pl.DataFrame:
    """Return the bars of a series from the lake, in order of time.

    Parameters
    ----------
    symbol : str
        Any spelling (``BTC-USD``, ``BTCUSDT``), or ``venue:market:SYMBOL``.
    interval : str, default "1h"
    start, end : datetime or str, optional
        Open times ``[start, end)``; text without a zone is UTC.
    as_of : datetime or str, optional
        Only what was known at that moment.

    Returns
    -------
    polars.DataFrame
        The columns of ``silver.crypto_prices_cleaned``; open bars have ``is_closed`` false.

    Raises
    ------
    AssayError
        If the lake is not there or has no such bars.
    """
    return _read(symbol, interval, start, end, as_of=as_of).frame


def save_klines_to_csv(symbol: str, interval: str = "1h", *, folder: str | Path = ".") -> Path:
    """Write the bars of a series to ``BTCUSDT_1h.csv`` in `folder`, with Binance's twelve columns.

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

    return save_csv(_read(symbol, interval, None, None), Path(folder))


def _read(symbol: str, interval: str, start: Moment, end: Moment, *, as_of: Moment = None) -> Klines:
    from assay.lake.reads import Span  # noqa: PLC0415
    from assay.pipelines.workspace import open_workspace  # noqa: PLC0415
    from assay.selectors.klines import klines  # noqa: PLC0415
    from assay.settings import load_settings  # noqa: PLC0415

    span = Span(start=_moment(start), end=_moment(end), as_of=_moment(as_of), only_closed=False)
    return klines(open_workspace(load_settings(), create=False), symbol, interval, span=span)


def _moment(value: Moment) -> datetime | None:
    from assay.domain.interval import parse_moment, utc  # noqa: PLC0415

    return parse_moment(value) if isinstance(value, str) else None if value is None else utc(value)
