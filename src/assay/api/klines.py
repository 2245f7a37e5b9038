"""Routes of series: which there are, their bars at any interval, and indicators over them."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Literal

import polars as pl
from fastapi import APIRouter, Depends, Query

from assay.api.asked import LONGEST, PREFIX, SeenFrom, Served, moment_of
from assay.api.predictions import SymbolPath
from assay.api.shapes import series as shapes
from assay.features.garch import Garch
from assay.features.registry import known_steps
from assay.features.sets import TECHNICAL
from assay.features.texts import parameters, step_text
from assay.selectors import volatility
from assay.selectors.candles import MOST_BARS, CandleRequest, Candles
from assay.selectors.candles import candles as select_candles
from assay.selectors.indicators import IndicatorLine
from assay.selectors.pairs import pairs as select_pairs

router = APIRouter(prefix=PREFIX, tags=["series"])
_ROWS = ("open_time", "close_time", "open", "high", "low", "close", "volume", "quote_volume", "is_closed",
         "missing_bars", "is_outlier")  # fmt: skip

SymbolQuery = Annotated[
    str,
    Query(
        description="Any spelling of a symbol, `venue:market:SYMBOL`, or an asset.",
        max_length=LONGEST,
        examples=["binance:spot:BTC-USDT"],
    ),
]
IntervalQuery = Annotated[
    str,
    Query(
        description="Length of the bars, `1s` to `1M`. One that is not stored is made of a shorter one.",
        max_length=LONGEST,
        examples=["1h"],
    ),
]
MomentQuery = Annotated[
    str | None,
    Query(
        description="ISO 8601 date or time, in UTC unless it says otherwise; or milliseconds since 1970.",
        max_length=LONGEST,
        examples=["2026-05-01T00:00:00Z"],
    ),
]
LimitQuery = Annotated[int, Query(description="At most so many bars.", ge=1, le=MOST_BARS, examples=[1_500])]
IndicatorsQuery = Annotated[
    str,
    Query(
        description="Indicators with their parameters, or usual names such as `RSI_14`, separated by commas; "
        "`/indicators` lists them.",
        max_length=1_000,
        examples=["ema:12,ema:26,rsi:14"],
    ),
]


@router.get("/pairs", summary="Every pair of which bars are stored")
def pairs(
    workspace: Served,
    seen: SeenFrom,
    venue: Annotated[
        str | None, Query(description="Only of this venue.", max_length=LONGEST, examples=["binance"])
    ] = None,
) -> shapes.Pairs:
    """Return the pairs with the intervals stored of each, from where to where, and how many bars."""
    found = select_pairs(workspace, venue=venue, as_of=seen.as_of, available_at=seen.available_at)
    return shapes.Pairs(pairs=[shapes.Pair.model_validate(one) for one in found])


@dataclass(frozen=True, slots=True)
class BarsAsked:
    """Which bars of a series are asked for, and what is to be computed over them."""

    interval: str
    start: datetime | None
    end: datetime | None
    limit: int
    indicators: tuple[str, ...]
    as_of: datetime | None
    available_at: datetime | None


async def _bars_asked(  # noqa: PLR0917  # one parameter of the address each
    seen: SeenFrom,
    interval: IntervalQuery = "1h",
    start: MomentQuery = None,
    end: MomentQuery = None,
    limit: LimitQuery = 1_500,
    indicators: IndicatorsQuery = "",
) -> BarsAsked:
    names = tuple(name.strip() for name in indicators.split(",") if name.strip())
    return BarsAsked(
        interval, _moment(start, "start"), _moment(end, "end"), limit, names, seen.as_of, seen.available_at
    )


_SAID = ("title", "formula", "units", "gap_rule", "nan_rule", "reference", "undefined", "endless")
"""What a Step's documentation says that the API passes on."""

Asked = Annotated[BarsAsked, Depends(_bars_asked)]


@router.get("/klines", summary="Bars of a series, column by column")
def klines(  # noqa: PLR0917  # one parameter of the address each
    workspace: Served,
    symbol: SymbolQuery,
    asked: Asked,
    coarsen: Annotated[  # noqa: FBT002  # a flag of the address
        bool, Query(description="Show a coarser interval where the range holds more than `limit` bars.")
    ] = False,
    include_provisional: Annotated[  # noqa: FBT002
        bool, Query(description="Bars that may still change, too.")
    ] = True,
    format: Annotated[  # noqa: A002  # the name in the address
        Literal["columns"], Query(description="Shape of the answer; there is one.")
    ] = "columns",
) -> shapes.Klines:
    """Return bars with open times `[start, end)`; without `start`, the latest.

    Bars that are missing are never filled in: `gaps` says where they are missing, `provisional` which may still change.
    """
    del format  # there is one
    request = CandleRequest(
        symbol, **dataclasses.asdict(asked), include_provisional=include_provisional, may_coarsen=coarsen
    )
    return _klines(select_candles(workspace, request))


@router.get("/history/{symbol}", summary="Latest bars of a symbol, row by row")
def history(  # noqa: PLR0917  # one parameter of the address each
    workspace: Served,
    seen: SeenFrom,
    symbol: SymbolPath,
    interval: IntervalQuery = "1d",
    limit: LimitQuery = 365,
) -> shapes.History:
    """Return the latest bars of a symbol in order of time, days unless another interval is asked for."""
    request = CandleRequest(symbol, interval, limit=limit, as_of=seen.as_of, available_at=seen.available_at)
    found = select_candles(workspace, request)
    bars = [shapes.Bar.model_validate(row) for row in found.frame.select(_ROWS).iter_rows(named=True)]
    about = {"interval": found.interval, "stored_interval": found.stored_interval, "bars": bars}
    return shapes.History.model_validate(_resolved(found) | about)


@router.get("/indicators", summary="Every indicator there is")
def indicator_kinds() -> shapes.IndicatorKinds:
    """Return the indicators that can be asked for, with their usual parameters, units and rules."""
    found = []
    for _, make in sorted(known_steps().items()):
        step = make()
        about = {key: getattr(step.docs, key) for key in _SAID}
        kind = {"name": step_text(step), "parameters": parameters(step), "outputs": step.outputs, "warmup": step.warmup}
        found.append(shapes.IndicatorKind.model_validate(kind | about))
    if volatility.is_available():
        about = {key: getattr(Garch.docs, key) for key in _SAID}
        kind = {"name": volatility.USUAL_TEXT, "parameters": volatility.USUAL, "outputs": volatility.OUTPUTS}
        found.append(shapes.IndicatorKind.model_validate(kind | {"warmup": volatility.WARMUP} | about))
    return shapes.IndicatorKinds(indicators=found)


@router.get("/indicators/{symbol}", summary="Indicators of a series, without its bars")
def indicator_values(workspace: Served, symbol: SymbolPath, asked: Asked) -> shapes.IndicatorValues:
    """Return indicators over the bars with open times `[start, end)`; without `start`, over the latest.

    Without `indicators` those of `silver.technical_indicators`. They are computed over the whole series, so that a
    value does not depend on the range that is asked for.
    """
    names = asked.indicators or tuple(step_text(step) for step in TECHNICAL.steps)
    found = select_candles(workspace, CandleRequest(symbol, **dataclasses.asdict(asked) | {"indicators": names}))
    return shapes.IndicatorValues.model_validate(
        _resolved(found) | {"interval": found.interval, "open_time": _ms(found.frame["open_time"])} | _lines(found)
    )


def _moment(text: str | None, name: str) -> datetime | None:
    return None if text is None else moment_of(text, name)


def _klines(found: Candles) -> shapes.Klines:
    columns = {name: _values(found.frame[name]) for name in _ROWS}
    gaps = [
        {"start": _ms_of(gap.start), "end": _ms_of(gap.end), "bars": gap.bars, "cause": gap.cause} for gap in found.gaps
    ]
    return shapes.Klines.model_validate(
        _resolved(found)
        | {name: getattr(found, name) for name in ("requested_interval", "interval", "stored_interval", "intervals")}
        | {"first_open_time": _ms_of(found.first_open_time), "last_open_time": _ms_of(found.last_open_time)}
        | {"columns": columns, "gaps": gaps, "gap_count": found.gap_count, "is_cut": found.is_cut}
        | {"provisional": [_ms_of(moment) for moment in found.provisional]}
        | {"provisional_known_at": None if found.provisional_known_at is None else _ms_of(found.provisional_known_at)}
        | _lines(found)
    )


def _resolved(found: Candles) -> dict[str, object]:
    resolution = found.resolution
    return {"series": found.series, "requested": resolution.requested, "is_stand_in": resolution.is_stand_in}


def _lines(found: Candles) -> dict[str, object]:
    """Return the values of the indicators, and what each is."""
    values = {
        name: {output: line.values[output].tolist() for output in line.outputs}
        for name, line in found.indicators.items()
    }
    about = {
        name: {"title": line.title, "units": dict(zip(line.outputs, line.units, strict=True)), "warmup": line.warmup}
        | {"why_no_values": line.why}
        | _fit(line)
        for name, line in found.indicators.items()
    }
    return {"indicators": values, "about": about}


def _fit(line: IndicatorLine) -> dict[str, object]:
    """Return how a GARCH was fitted, and what it forecasts."""
    if line.fitted is None or line.fitted.about is None:
        return {"fit": None, "why_no_fit": line.fitted.why if line.fitted else ""}
    said = line.fitted.about
    fit = said["fit"]
    forecast = [row | {"close_time": _ms_of(datetime.fromisoformat(row["close_time"]))} for row in said["forecast"]]
    moments = {
        "closed_until": said["closed_until"], "fitted_at": fit["fitted_at"], "next_fit_at": fit["next_at"],
    }  # fmt: skip
    return {
        "why_no_fit": "",
        "fit": {name: _ms_of(datetime.fromisoformat(text)) for name, text in moments.items()}
        | {name: fit[name] for name in ("every", "on", "distribution", "persistence")}
        | {name: said[name] for name in ("volatility", "volatility_annualised", "level")}
        | {"is_newest": line.fitted.is_newest, "forecast": forecast},
    }


def _values(column: pl.Series) -> list[object]:
    return _ms(column) if column.dtype.is_temporal() else column.to_list()


def _ms(column: pl.Series) -> list[object]:
    return column.dt.epoch("ms").to_list()


def _ms_of(moment: datetime) -> int:
    return int(moment.timestamp() * 1_000)
