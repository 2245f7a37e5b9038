"""``assay train``: a model of a series, of a source, or of each series of it, with its evidence, in the registry."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated

import typer

from assay.cli.mirroring import keep_mirror
from assay.cli.options import AsJson, author_of, options_of
from assay.cli.progress import counting
from assay.cli.render import emit, printable

if TYPE_CHECKING:
    from assay.pipelines.training import Trained, TrainResult


def train(
    context: typer.Context,
    source: Annotated[
        str, typer.Argument(metavar="SYMBOL|SOURCE", help="BTC-USDT, binance:spot:BTC-USDT, or binance, coingecko ...")
    ],
    model: Annotated[str, typer.Option(help="logistic, random_forest, lightgbm, xgboost, last_value ...")] = "",
    task: Annotated[str, typer.Option(help="direction_24h, direction_1h, delta_1h, signal_24h ...")] = "direction_24h",
    interval: Annotated[str, typer.Option(help="Length of the bars: 1m to 1d.")] = "1h",
    features: Annotated[str, typer.Option(help="Name of a feature set, shipped or your own.")] = "direction",
    seed: Annotated[int | None, typer.Option(help="Of everything random in the model; else model.seed.")] = None,
    set_: Annotated[
        list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help="A parameter: lightgbm.trees=200.")
    ] = None,
    each: Annotated[bool, typer.Option("--each", help="Of a source: a model of each of its series, not one.")] = False,
    confidence: Annotated[
        float | None, typer.Option(help="Of a signal: how probable it has to be; else model.confidence.")
    ] = None,
    search: Annotated[
        int, typer.Option(metavar="N", help="Search N combinations of parameters; every one is a trial.")
    ] = 0,
    by: Annotated[str, typer.Option(help="Who trains; else your login.")] = "",
    as_json: AsJson = False,
) -> None:
    """Train a model, hold it against its baseline, and register it with what that showed."""
    parameters = _parameters(set_ or [])
    from assay.pipelines import training  # noqa: PLC0415  # scikit-learn costs a second
    from assay.pipelines.workspace import open_workspace  # noqa: PLC0415

    request = training.TrainRequest(
        source, author_of(by), model, task, interval, features, seed, parameters, each, confidence, search
    )
    with counting("training") as count:
        workspace = open_workspace(options_of(context).settings(), create=False)
        made = training.train(workspace, request, count=count)
    emit(_document(made), as_json=as_json, text=lambda: _text(made))
    keep_mirror(workspace)


def _parameters(texts: list[str]) -> dict[str, object]:
    from assay.domain.errors import BadInputError  # noqa: PLC0415

    given: dict[str, object] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not (name and equals and value):
            raise BadInputError("not a parameter", value=text, todo="write --set NAME=VALUE, like --set trees=200")
        if name in given:
            raise BadInputError("a parameter is given twice", value=name, todo="give it once")
        given[name] = value
    return given


def _document(made: TrainResult) -> dict[str, object]:
    return {
        "trained": [
            {
                "version": one.version.version,
                "series": one.version.paper.key.source,
                "model_hash": one.version.paper.model_hash,
                "rows": one.rows,
                "kept_rows": one.kept_rows,
                "left_out": [{"series": str(each.series), "reason": each.reason} for each in one.left_out],
                "paper": one.version.paper.document(),
            }
            for one in made.trained
        ],
        "not_trained": [{"series": str(one.series), "reason": one.reason} for one in made.refused],
    }


def _text(made: TrainResult) -> str:
    blocks = [_one(one) for one in made.trained]
    blocks += [f"{one.series}: not trained: {printable(one.reason)}" for one in made.refused]
    return "\n\n".join(blocks)


def _one(one: Trained) -> str:
    paper = one.version.paper
    certificate = (paper.certificate or {}).get("content_hash", "-")
    lines = [
        f"{paper.key}",
        f"model       {paper.estimator}, {paper.feature_set}, certificate {certificate}",
        f"learned     {one.rows:,} rows, {paper.trained_from:%Y-%m-%d} to {paper.trained_until:%Y-%m-%d}; "
        f"{one.kept_rows:,} newer ones are kept for the test of a promotion",
        f"skill       {one.skill.sentence}",
        f"edge        {one.edge.sentence}",
        *_of_task(one.more),
        f"importance  {_importance(one)}",
        *(f"left out    {each.series}: {printable(each.reason)}" for each in one.left_out),
        f"version     {one.version.version}; "
        f"`assay models promote {one.version.version}` tests it on the rows that were kept",
    ]
    return "\n".join(lines)


def _of_task(more: Mapping[str, object]) -> list[str]:
    """Return the lines that only a signal, or only a value, has."""
    lines = []
    if isinstance(found := more.get("signal"), dict):
        right = "" if found["right"] is None else f", {100 * found['right']:.1f} % of the acted ones right"
        lines.append(
            f"signal      BUY {found['buy']:,}, SELL {found['sell']:,}, HOLD {found['hold']:,} "
            f"({100 * found['share_held']:.1f} % held) at a confidence of {found['confidence']:g}{right}"
        )
    if isinstance(found := more.get("interval"), dict):
        held = "" if found["held"] is None else f"; it held {100 * found['held']:.1f} % of what came later"
        lines.append(
            f"interval    {100 * found['level']:g} % of the outcomes lay between {100 * found['low']:+.3f} and "
            f"{100 * found['high']:+.3f} % of the price around the forecast{held}"
        )
    return lines


def _importance(one: Trained) -> str:
    from assay.evidence.values import ValueEvidence  # noqa: PLC0415

    scale, what = 100.0, "points of accuracy lost"
    if isinstance(one.skill, ValueEvidence):
        scale, what = 100.0 / one.skill.model.scores.rmse**2, "% of the squared error gained"
    top = ", ".join(f"{each.name} {scale * each.rise.value:+.1f}" for each in one.importance.top)
    return f"{top} ({what} when it is shuffled)"


def register(app: typer.Typer) -> None:
    """Add this command to the program."""
    app.command("train")(train)
