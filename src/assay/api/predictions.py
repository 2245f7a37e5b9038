"""Routes of forecasts: the latest, the past against what happened, and the one that was made at an hour."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Annotated
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Path, Query

from assay.api.asked import LONGEST, PREFIX, SeenFrom, Served
from assay.api.shapes import predictions as shapes
from assay.domain.errors import BadInputError
from assay.selectors import predictions as selectors

router = APIRouter(tags=["predictions"])
SymbolPath = Annotated[
    str,
    Path(
        description="Any spelling of a symbol, `venue:market:SYMBOL`, or an asset.",
        max_length=LONGEST,
        examples=["BTC-USDT", "binance:spot:BTC-USDT", "BTC"],
    ),
]


@router.get(f"{PREFIX}/predictions", summary="Latest forecast of every series")
def predictions(
    workspace: Served,
    seen: SeenFrom,
    venue: Annotated[
        str | None, Query(description="Only of this venue.", max_length=LONGEST, examples=["binance"])
    ] = None,
) -> shapes.Predictions:
    """Return the latest forecast of every series, each with what its model has been worth out of sample.

    A model that has not shown skill abstains: its probability is shown, and `signal` is `ABSTAIN`.
    """
    found = selectors.predictions(workspace, venue=venue, as_of=seen.as_of, available_at=seen.available_at)
    return shapes.Predictions(predictions=[shapes.SymbolPrediction.model_validate(one) for one in found])


@router.get(f"{PREFIX}/predictions/{{symbol}}", summary="Past forecasts of a symbol against what happened")
def prediction_history(
    workspace: Served,
    seen: SeenFrom,
    symbol: SymbolPath,
    limit: Annotated[int, Query(description="At most so many, the latest first.", ge=1, le=10_000)] = 200,
) -> shapes.PredictionHistory:
    """Return forecasts of one series, the latest first. Each was made by a model fitted on nothing after it."""
    found = selectors.prediction_history(
        workspace, symbol, limit=limit, as_of=seen.as_of, available_at=seen.available_at
    )
    return shapes.PredictionHistory.model_validate(found)


@router.get(f"{PREFIX}/predict", summary="Forecast that was made at an hour")
@router.get("/predict", include_in_schema=True, summary="Forecast that was made at an hour (short address)")
def predict(  # noqa: PLR0917  # one parameter of the address each
    workspace: Served,
    seen: SeenFrom,
    day: Annotated[str, Query(alias="date", description="Day, `YYYY-MM-DD`.", max_length=10, examples=["2026-05-01"])],
    hour: Annotated[int, Query(description="Hour of that day, 0 to 23.", ge=0, le=23, examples=[9])],
    symbol: Annotated[
        str, Query(description="Any spelling of a symbol, or an asset.", max_length=LONGEST, examples=["BTC-USDT"])
    ] = "BTC",
    zone: Annotated[
        str,
        Query(description="Time zone of day and hour, by its IANA name.", max_length=64, examples=["Asia/Kolkata"]),
    ] = "UTC",
) -> shapes.MadePrediction:
    """Return the forecast that was made when the bar that ended at this hour had closed.

    The hour is UTC unless `zone` says otherwise. Where nothing was foretold at that moment, the 404 says in which range
    there are forecasts.
    """
    found = selectors.predict(
        workspace, moment_of_hour(day, hour, zone), symbol=symbol, as_of=seen.as_of, available_at=seen.available_at
    )
    return shapes.MadePrediction.model_validate(found)


def moment_of_hour(day: str, hour: int, zone: str) -> datetime:
    """Return the moment at which an hour of a day begins in a time zone; of an hour that comes twice, the first.

    >>> moment_of_hour("2026-05-01", 9, "Asia/Kolkata").isoformat()
    '2026-05-01T03:30:00+00:00'

    Raises
    ------
    BadInputError
        If there is no such day or zone, or that day has no such hour, as when clocks are put forward.
    """
    try:
        parsed = date.fromisoformat(day)
    except ValueError:
        raise BadInputError("not a day", value=day, todo="write it like 2026-05-01") from None
    try:
        found = UTC if zone == "UTC" else ZoneInfo(zone)  # UTC is there also where the list of zones is not installed
    except (KeyError, ValueError, OSError):  # no such zone; no name at all; the name of a folder of zones
        todo = "use a name of the IANA list, like Europe/Berlin, or UTC"
        raise BadInputError("unknown time zone", value=zone, todo=todo) from None
    local = datetime(parsed.year, parsed.month, parsed.day, hour, tzinfo=found)
    try:
        moment = local.astimezone(UTC)
        back = moment.astimezone(found)
    except OverflowError:
        raise BadInputError("not a day", value=day, todo="give one that a calendar has in every zone") from None
    if back.replace(tzinfo=None) != local.replace(tzinfo=None):
        value = f"{day} {hour:02}:00 {zone}"
        raise BadInputError("clocks are put forward over that hour", value=value, todo="give the hour before or after")
    return moment
