"""``assay predict``: what is foretold of each series, or what was foretold at an hour, and what that is worth."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from assay.cli.options import AsJson, options_of
from assay.cli.progress import working
from assay.cli.render import emit, printable, table

if TYPE_CHECKING:
    from assay.selectors.predictions import MadePrediction, PastPrediction, PredictionBrief, SymbolPrediction

_HOURS = 24


def predict(
    context: typer.Context,
    symbol: Annotated[str, typer.Option(help="In any spelling; else all series, or BTC with --date.")] = "",
    date: Annotated[str, typer.Option(help="What was foretold on this day (UTC).")] = "",
    hour: Annotated[int | None, typer.Option(help="At this hour of the day (UTC).", min=0, max=_HOURS - 1)] = None,
    task: Annotated[
        str, typer.Option(help="direction_24h, delta_1h, signal_24h and the like; else what is usual.")
    ] = "",
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
            made = selector.predict(workspace, asked, symbol=symbol or "BTC", task=task, as_of=known)
            emit(made, as_json=as_json, text=lambda: _made_text(made))
            return
        found = selector.predictions(workspace, as_of=known)
        found = _chosen(_of_task(found, task) if task else found, symbol)
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


def _of_task(found: tuple[SymbolPrediction, ...], task: str) -> tuple[SymbolPrediction, ...]:
    """Return the predictions of a task."""
    from assay.domain.errors import NoDataError  # noqa: PLC0415

    chosen = tuple(one for one in found if one.brief.task == task)
    if found and not chosen:
        known = ", ".join(sorted({one.brief.task for one in found}))
        todo = f"there are predictions of {known}; `assay train` and `assay models promote` make a champion of another"
        raise NoDataError("nothing is foretold of this task", value=task, todo=todo)
    return chosen


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
    columns = (
        "series", "task", "model", "as of (UTC)", "close", "P(up)", "change", "until (UTC)", "signal", "right",
        "base rate", "verdict",
    )  # fmt: skip
    rows = [
        (
            one.series,
            one.brief.task,
            _model(one.brief),
            _time(one.brief.as_of),
            "-" if one.close is None else one.close,
            "-" if one.brief.probability_up is None else f"{one.brief.probability_up:.3f}",
            "-" if one.brief.value is None else f"{one.brief.value:+,.6g}",
            _time(one.brief.until),
            one.brief.signal,
            _right(one.brief),
            _percent(one.brief.base_rate_accuracy),
            (one.brief.verdict or "-").replace("_", " "),
        )
        for one in found
    ]
    sentences = []
    if len(found) == 1:
        brief = found[0].brief
        sentences = [*([f"{brief.signal}: {brief.reason}"] if brief.reason else []), brief.sentence]
    return "\n".join([table(columns, rows), *filter(None, map(printable, sentences))])


def _made_text(made: MadePrediction) -> str:
    one = made.prediction
    close = "no close" if one.close is None else f"close {one.close:,.10g}"
    reason = f"{one.signal}: {one.reason}" if one.reason else f"signal {one.signal}"
    return "\n".join(
        printable(line)
        for line in [
            f"{made.series}, {_time(one.as_of)} UTC, {close} ({one.kind.replace('_', ' ')})",
            f"{one.task} by {_model(one)}: {_foretold(one)}",
            reason,
            _outcome(one),
            made.brief.sentence,
        ]
        if line
    )


def _model(one: PredictionBrief | PastPrediction) -> str:
    return f"{one.model} {one.model_version}".strip() or "-"


def _foretold(one: PastPrediction) -> str:
    """Return what was said, in words."""
    if one.value is not None:
        band = "" if one.low is None or one.high is None else f", from {one.low:+,.6g} to {one.high:+,.6g}"
        return f"a change of {one.value:+,.6g} by {_time(one.until)} UTC{band}"
    if one.probability_up is None:
        return "nothing"
    base_rate = "" if one.base_rate_up is None else f", base rate {one.base_rate_up:.3f}"
    return f"P(up by {_time(one.until)} UTC) = {one.probability_up:.3f}{base_rate}; {'up' if one.is_up else 'not up'}"


def _outcome(one: PastPrediction) -> str:
    """Return what happened, in words."""
    if one.close_then is None:
        return "what happened is not known yet"
    told = f"it closed at {one.close_then:,.10g}"
    if one.was_right is not None:
        told += f": {'up' if one.went_up else 'not up'}, so this was {'right' if one.was_right else 'wrong'}"
    if one.error is not None:
        inside = "" if one.is_inside is None else f", {'inside' if one.is_inside else 'outside'} the band"
        told += f"; off by {one.error:+,.6g}{inside}"
    if one.net_return is not None:
        told += f"; {100 * one.net_return:+.2f} % net of costs"
    return told


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
