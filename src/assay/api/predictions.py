"""Routes of forecasts: the latest, the past against what happened, and the one that was made at an hour."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Annotated
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Depends, Path, Query, Response

from assay.api.asked import LONGEST, PREFIX, SeenFrom, Served
from assay.api.shapes import predictions as shapes
from assay.domain.errors import BadInputError, NoDataError
from assay.selectors import predictions as selectors

router = APIRouter(tags=["predictions"])
_ASK_AGAIN = ("cache-control", "private, no-cache")
"""Who is champion changes without the lake."""
SymbolPath = Annotated[
    str,
    Path(
        description="Any spelling of a symbol, `venue:market:SYMBOL`, or an asset.",
        max_length=LONGEST,
        examples=["BTC-USDT", "binance:spot:BTC-USDT", "BTC"],
    ),
]
TaskQuery = Annotated[
    str,
    Query(
        description="What is foretold: `direction_24h`, `delta_1h`, `signal_24h` and the like.",
        max_length=LONGEST,
        examples=["direction_24h"],
    ),
]


@router.get(f"{PREFIX}/predictions", summary="Latest forecast of every series and task")
def predictions(  # noqa: PLR0917  # one parameter of the address each
    workspace: Served,
    seen: SeenFrom,
    response: Response,
    venue: Annotated[
        str | None, Query(description="Only of this venue.", max_length=LONGEST, examples=["binance"])
    ] = None,
    task: TaskQuery = "",
) -> shapes.Predictions:
    """Return the latest forecast of every series and task, each with what its model has been worth out of sample.

    A model that has not shown skill abstains: its probability is shown, and `signal` is `ABSTAIN`, with the `reason`. A
    champion whose bars are late, missing or not proven abstains without a number. `task` left out: all tasks.
    """
    found = selectors.predictions(workspace, venue=venue, task=task, as_of=seen.as_of, available_at=seen.available_at)
    response.headers[_ASK_AGAIN[0]] = _ASK_AGAIN[1]
    return shapes.Predictions(predictions=[shapes.SymbolPrediction.model_validate(one) for one in found])


@router.get(f"{PREFIX}/predictions/{{symbol}}", summary="Past forecasts of a symbol against what happened")
def prediction_history(  # noqa: PLR0917  # one parameter of the address each
    workspace: Served,
    seen: SeenFrom,
    symbol: SymbolPath,
    limit: Annotated[int, Query(description="At most so many, the latest first.", ge=1, le=10_000)] = 200,
    task: TaskQuery = "",
    model: Annotated[
        str,
        Query(
            description="Only of this estimator, or this version of the registry.",
            max_length=LONGEST,
            examples=["logistic"],
        ),
    ] = "",
) -> shapes.PredictionHistory:
    """Return forecasts of one series, the latest first. Each was made by a model fitted on nothing after it.

    `task` left out: the direction over `model.horizon_hours`, or what there is.
    """
    of = selectors.PastOf(task, model)
    found = selectors.prediction_history(
        workspace, symbol, limit=limit, of=of, as_of=seen.as_of, available_at=seen.available_at
    )
    if model and not found.rows:
        todo = f"{PREFIX}/models lists them; without `model` all forecasts are shown"
        raise NoDataError(f"this model has foretold nothing of {symbol}", value=model, todo=todo)
    return shapes.PredictionHistory.model_validate(found)


def asked_moment(
    day: Annotated[str, Query(alias="date", description="Day, `YYYY-MM-DD`.", max_length=10, examples=["2026-05-01"])],
    hour: Annotated[int, Query(description="Hour of that day, 0 to 23.", ge=0, le=23, examples=[9])],
    zone: Annotated[
        str,
        Query(description="Time zone of day and hour, by its IANA name.", max_length=64, examples=["Asia/Kolkata"]),
    ] = "UTC",
) -> datetime:
    """Return the moment that day, hour and zone of an address name; Raises as :func:`moment_of_hour`."""
    return moment_of_hour(day, hour, zone)


@router.get(f"{PREFIX}/predict", summary="Forecast that was made at an hour")
@router.get("/predict", include_in_schema=True, summary="Forecast that was made at an hour (short address)")
def predict(  # noqa: PLR0917  # one parameter of the address each
    workspace: Served,
    seen: SeenFrom,
    moment: Annotated[datetime, Depends(asked_moment)],
    response: Response,
    symbol: Annotated[
        str, Query(description="Any spelling of a symbol, or an asset.", max_length=LONGEST, examples=["BTC-USDT"])
    ] = "BTC",
    task: TaskQuery = "",
) -> shapes.MadePrediction:
    """Return the forecast that was made when the bar that ended at this hour had closed.

    The hour is UTC unless `zone` says otherwise. A champion comes before the model of the build; where it foretold
    nothing at that hour, it is asked now, about what could be known then, and `kind` is `computed`. A model that has
    learned from what came after the hour is not asked. Where there is nothing, the 404 says why, and in which range
    there are forecasts.
    """
    found = selectors.predict(
        workspace, moment, symbol=symbol, task=task, as_of=seen.as_of, available_at=seen.available_at
    )
    response.headers[_ASK_AGAIN[0]] = _ASK_AGAIN[1]
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
