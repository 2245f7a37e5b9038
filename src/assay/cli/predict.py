"""``assay predict``: what is foretold of each series, or what was foretold at an hour, and what that is worth."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from assay.cli.options import AsJson, options_of
from assay.cli.progress import working
from assay.cli.render import emit, table

if TYPE_CHECKING:
    from assay.selectors.predictions import MadePrediction, PredictionBrief, SymbolPrediction

_HOURS = 24


def predict(
    context: typer.Context,
    symbol: Annotated[str, typer.Option(help="In any spelling; else all series, or BTC with --date.")] = "",
    date: Annotated[str, typer.Option(help="What was foretold on this day (UTC).")] = "",
    hour: Annotated[int | None, typer.Option(help="At this hour of the day (UTC).", min=0, max=_HOURS - 1)] = None,
    as_of: Annotated[str, typer.Option(help="Answer as it was known at this moment (UTC).")] = "",
    as_json: AsJson = False,
) -> None:
    """Show the newest predictions, or one of the past against what happened, with the evidence."""
    from assay.domain.interval import parse_moment  # noqa: PLC0415
    from assay.pipelines.workspace import open_workspace  # noqa: PLC0415
    from assay.selectors import predictions as selector  # noqa: PLC0415

    asked = _moment(date, hour)
    known = parse_moment(as_of) if as_of else None
    with working("reading"):
        workspace = open_workspace(options_of(context).settings(), create=False)
        if asked is not None:
            made = selector.predict(workspace, asked, symbol=symbol or "BTC", as_of=known)
            emit(made, as_json=as_json, text=lambda: _made_text(made))
            return
        found = _chosen(selector.predictions(workspace, as_of=known), symbol)
    emit({"predictions": found}, as_json=as_json, text=lambda: _text(found))


def _moment(date: str, hour: int | None) -> datetime | None:
    from assay.domain.errors import BadInputError  # noqa: PLC0415
    from assay.domain.interval import parse_moment  # noqa: PLC0415

    if not date:
        if hour is not None:
            raise BadInputError("--hour is an hour of a day", value=hour, todo="add --date, such as --date 2024-01-31")
        return None
    day = parse_moment(date)
    if hour is not None and day.time() != day.min.time():
        raise BadInputError("--hour goes with a date without a time", value=date, todo="write it like 2024-01-31")
    return day if hour is None else day + timedelta(hours=hour)


def _chosen(found: tuple[SymbolPrediction, ...], symbol: str) -> tuple[SymbolPrediction, ...]:
    """Return the predictions of what `symbol` means: every place that has it, or the one that is named with it."""
    from assay.domain.errors import NoDataError  # noqa: PLC0415
    from assay.domain.symbol import Symbol  # noqa: PLC0415

    if not found:
        raise NoDataError("nothing was foretold yet", todo="run `assay build`; it predicts every hourly series")
    if not symbol:
        return found
    place, _, name = symbol.strip().rpartition(":")
    wanted = Symbol.from_spelling(name) if _is_pair(name) else None
    chosen = tuple(
        one
        for one in found
        if (not place or place.lower() == f"{one.venue}:{one.market}")
        and (one.symbol == str(wanted) if wanted else one.symbol.partition("-")[0] == name.upper())
    )
    if not chosen:
        known = ", ".join(one.series for one in found[:3])
        raise NoDataError("nothing is foretold of this", value=symbol, todo=f"there are predictions of {known} ...")
    return chosen


def _is_pair(name: str) -> bool:
    from assay.domain.errors import BadInputError  # noqa: PLC0415
    from assay.domain.symbol import Symbol  # noqa: PLC0415

    try:
        Symbol.from_spelling(name)
    except BadInputError:
        return False
    return True


def _text(found: tuple[SymbolPrediction, ...]) -> str:
    columns = ("series", "as of (UTC)", "close", "P(up)", "until (UTC)", "signal", "right", "base rate", "verdict")
    rows = [
        (
            one.series,
            _time(one.brief.as_of),
            one.close,
            "-" if one.brief.probability_up is None else f"{one.brief.probability_up:.3f}",
            _time(one.brief.until),
            one.brief.signal,
            _right(one.brief),
            _percent(one.brief.base_rate_accuracy),
            (one.brief.verdict or "-").replace("_", " "),
        )
        for one in found
    ]
    sentences = [found[0].brief.sentence] if len(found) == 1 else []
    return "\n".join([table(columns, rows), *sentences])


def _made_text(made: MadePrediction) -> str:
    one = made.prediction
    outcome = "what happened is not known yet"
    if one.close_then is not None:
        went, was = "up" if one.went_up else "not up", "right" if one.was_right else "wrong"
        outcome = f"it closed at {one.close_then:,.10g}: {went}, so this was {was}"
    return "\n".join(
        [
            f"{made.series}, {_time(one.as_of)} UTC, close {one.close:,.10g} ({one.kind.replace('_', ' ')})",
            f"P(up by {_time(one.until)} UTC) = {one.probability_up:.3f}, base rate {one.base_rate_up:.3f}; "
            f"{'up' if one.is_up else 'not up'}, signal {one.signal}",
            outcome,
            made.brief.sentence,
        ]
    )


def _time(moment: datetime | None) -> str:
    return "-" if moment is None else f"{moment:%Y-%m-%d %H:%M}"


def _percent(value: float | None) -> str:
    return "-" if value is None else f"{100 * value:.1f} %"


def _right(brief: PredictionBrief) -> str:
    if brief.accuracy is None or brief.accuracy_low is None or brief.accuracy_high is None:
        return "-"
    return f"{_percent(brief.accuracy)} [{100 * brief.accuracy_low:.1f}, {100 * brief.accuracy_high:.1f}]"


def register(app: typer.Typer) -> None:
    """Add this command to the program."""
    app.command()(predict)
