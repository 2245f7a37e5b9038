"""``assay evaluate``: what a registered model has been worth since it was trained."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from assay.cli.options import AsJson, author_of, options_of
from assay.cli.progress import working
from assay.cli.render import emit, table

if TYPE_CHECKING:
    from assay.pipelines.evaluating import Evaluation


def evaluate(
    context: typer.Context,
    what: Annotated[
        str,
        typer.Argument(metavar="VERSION|SYMBOL", help="A version, or how it begins; of BTC-USDT its champion."),
    ],
    task: Annotated[str, typer.Option(help="Of a symbol: whose champion.")] = "direction_24h",
    by: Annotated[str, typer.Option(help="Who looks; else your login.")] = "",
    as_json: AsJson = False,
) -> None:
    """Hold a model against the outcomes since it was trained, beside baselines; of all but champions that is a look."""
    from assay.pipelines import evaluating  # noqa: PLC0415  # scikit-learn costs a second
    from assay.pipelines.workspace import open_workspace  # noqa: PLC0415

    with working("evaluating"):
        workspace = open_workspace(options_of(context).settings(), create=False)
        found = evaluating.evaluate(workspace, evaluating.EvaluateRequest(what, author_of(by), task))
    emit(found.to_dict(), as_json=as_json, text=lambda: _text(found))


def _text(found: Evaluation) -> str:
    paper = found.version.paper
    lines = [
        f"{paper.key}",
        f"model       {found.version.version}, {paper.estimator}{', the champion' if found.is_champion else ''}",
        f"outcomes    {found.rows:,} since {found.since:%Y-%m-%d %H:%M} UTC, {_looks(found)}",
        f"skill       {found.sentence}",
    ]
    parts = cast("dict[str, Any]", found.found)
    for name in ("edge", "dependence"):
        lines += [f"{name:<11} {parts[name]['sentence']}"] if name in parts else []
    if "scores" in parts:
        lines += ["", _scores(parts["scores"])]
    if "baselines" in parts:
        lines += ["", _baselines(parts["baselines"])]
    return "\n".join(lines)


def _looks(found: Evaluation) -> str:
    if not found.rows:
        return "nothing was looked at"
    return f"look {found.looks:,} at them" if not found.is_champion else "the champion is looked at freely"


def _scores(scores: dict[str, dict[str, dict[str, float | None]]]) -> str:
    rows = [
        (name.replace("_", " "), _estimate(scores["model"][name]), _estimate(scores["baseline"][name]))
        for name in scores["model"]
    ]
    return table(("score", "model", "baseline"), rows)


def _baselines(found: list[dict[str, Any]]) -> str:
    rows = [
        (one["name"].replace("_", " "), _number(one["loss"]), _estimate(one["gain"]),
         _number(one["diebold_mariano"]["p_value"]))
        for one in found
    ]  # fmt: skip
    return table(("against", "its loss", "the model's gain", "p (Diebold-Mariano)"), rows)


def _estimate(one: dict[str, float | None]) -> str:
    return f"{_number(one['value'])} [{_number(one['low'])}, {_number(one['high'])}]"


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.4g}"


def register(app: typer.Typer) -> None:
    """Add this command to the program."""
    app.command("evaluate")(evaluate)
