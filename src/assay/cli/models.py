"""``assay models``: which models there are, what each is worth, which is the champion, and how that changes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from assay.cli.mirroring import keep_mirror, mirrored
from assay.cli.options import AsJson, author_of, options_of
from assay.cli.progress import working
from assay.cli.render import emit, printable, table

if TYPE_CHECKING:
    from assay.lake.model_aliases import Aliases
    from assay.selectors.models import ModelBrief, ModelPage

commands = typer.Typer(help="Trained models and champions.", rich_markup_mode=None)
_KEPT = 1
"""Exit code of a promotion that was asked for and did not happen."""
_BY_HAND = "by hand"

By = Annotated[str, typer.Option(help="Who decides; else your login.")]
Why = Annotated[str, typer.Option(help="Why, for the history.")]


@commands.callback()
def models() -> None:
    """List, show, promote and roll back trained models."""


@commands.command("list")
def list_(context: typer.Context, as_json: AsJson = False) -> None:
    """List the models: what each is of, what it was worth when it was trained, and which are champions."""
    from assay.pipelines.workspace import open_workspace  # noqa: PLC0415
    from assay.selectors.models import models as select  # noqa: PLC0415

    with working("reading"):
        found = select(open_workspace(options_of(context).settings(), create=False))
    emit({"models": found}, as_json=as_json, text=lambda: _listed(found))


@commands.command()
def show(
    context: typer.Context,
    version: Annotated[str, typer.Argument(help="The version, or how it begins.")],
    as_json: AsJson = False,
) -> None:
    """Show one model: what it learned from, its evidence, its certificate, and the history of the champion."""
    from assay.pipelines.workspace import open_workspace  # noqa: PLC0415
    from assay.selectors.models import model as select  # noqa: PLC0415

    with working("reading"):
        found = select(open_workspace(options_of(context).settings(), create=False), version)
    emit(found, as_json=as_json, text=lambda: _shown(found))


@commands.command()
def card(
    context: typer.Context,
    version: Annotated[str, typer.Argument(help="The version, or how it begins.")],
    html: Annotated[Path | None, typer.Option(help="Write it as one page of HTML to this file.")] = None,
    markdown: Annotated[Path | None, typer.Option(help="Write it as Markdown to this file.")] = None,
    as_json: AsJson = False,
) -> None:
    """Say all that is known of a model on one page: its use, evidence, limits, certificate, how to make it again."""
    from assay.cli.saving import about_to_save  # noqa: PLC0415
    from assay.domain.errors import BadInputError  # noqa: PLC0415
    from assay.lake.storage import write_atomically  # noqa: PLC0415
    from assay.pipelines.workspace import open_workspace  # noqa: PLC0415
    from assay.selectors.model_card import model_card  # noqa: PLC0415

    for path in (html, markdown):
        if path is not None and path.is_dir():
            raise BadInputError("a directory has this name", value=path, todo="name a file")
    with working("reading"):
        found = model_card(open_workspace(options_of(context).settings(), create=False), version)
    saved = []
    for path, text in ((html, found.html()), (markdown, found.markdown())):
        if path is not None:
            saved.append(about_to_save(path))
            write_atomically(path, text.encode())
    document = {"version": found.version, "files": [str(one.path) for one in saved], "markdown": found.markdown()}
    emit(document, as_json=as_json, text=lambda: "\n".join(map(str, saved)) or found.markdown().rstrip())


@commands.command()
def mirror(context: typer.Context, as_json: AsJson = False) -> None:
    """Tell MLflow all trials, models and champions that it does not know yet (extra mlops)."""
    from assay.pipelines.workspace import open_workspace  # noqa: PLC0415

    with working("mirroring"):
        found = mirrored(open_workspace(options_of(context).settings(), create=False))
    emit(
        found,
        as_json=as_json,
        text=lambda: (
            f"{found.place}: {found.runs:,} trials ({found.new_runs:,} new), {found.versions:,} models "
            f"({found.new_versions:,} new), {found.moved} aliases moved"
            if found.runs
            else "nothing to mirror; `assay train BTC-USDT` makes a model"
        ),
    )


@commands.command()
def promote(
    context: typer.Context,
    version: Annotated[str, typer.Argument(help="The version, or how it begins.")],
    why: Why = _BY_HAND,
    by: By = "",
    as_json: AsJson = False,
) -> None:
    """Test a model on rows that nothing has looked at, and make it the champion if it wins; exit 1 if not."""
    from assay.pipelines.paired_tests import promote_version  # noqa: PLC0415
    from assay.pipelines.workspace import open_workspace  # noqa: PLC0415

    with working("testing"):
        workspace = open_workspace(options_of(context).settings(), create=False)
        made = promote_version(workspace, version, by=author_of(by), why=why)
    decision, aliases = made.result.decision, made.result.aliases
    document = {
        "version": made.version.version,
        "task": made.version.paper.key.task,
        "series": made.version.paper.key.source,
        "is_promoted": decision.is_promoted,
        "reasons": decision.reasons,
        "sentence": decision.sentence,
        "champion": aliases.champion,
    }
    emit(document, as_json=as_json, text=lambda: f"{printable(decision.sentence)}\n{_champion(aliases)}")
    keep_mirror(workspace)
    if not decision.is_promoted:
        raise typer.Exit(_KEPT)


@commands.command()
def rollback(
    context: typer.Context,
    task: Annotated[str, typer.Argument(help="Such as direction_24h.")],
    series: Annotated[str, typer.Argument(help="Such as BTC-USDT or binance:spot:BTC-USDT:1h.")],
    why: Why = _BY_HAND,
    by: By = "",
    as_json: AsJson = False,
) -> None:
    """Make the champion before the champion again."""
    from assay.pipelines.paired_tests import roll_back  # noqa: PLC0415
    from assay.pipelines.workspace import open_workspace  # noqa: PLC0415

    workspace = open_workspace(options_of(context).settings(), create=False)
    key, aliases = roll_back(workspace, task, series, by=author_of(by), why=why)
    document = {"task": key.task, "series": key.source, "champion": aliases.champion}
    emit(document, as_json=as_json, text=lambda: f"{key}: {_champion(aliases)}")
    keep_mirror(workspace)


def _champion(aliases: Aliases) -> str:
    return f"champion {aliases.champion}" if aliases.champion else "there is no champion"


def _listed(found: tuple[ModelBrief, ...]) -> str:
    if not found:
        return "no models; `assay train BTC-USDT` makes one"
    columns = ("version", "task", "series", "model", "trained until", "score", "baseline", "skill", "edge", "state")
    rows = [
        (one.version, one.task, one.series, one.model, f"{one.trained_until:%Y-%m-%d}", *_scores(one),
         _words(one.skill), _words(one.edge), one.state)
        for one in found
    ]  # fmt: skip
    return table(columns, rows)


def _shown(page: ModelPage) -> str:
    one, paper = page.brief, page.paper
    evidence, certificate = paper.get("evidence"), paper.get("certificate")
    sentences = {name: _of(_of(evidence, name), "sentence") for name in ("skill", "edge")}
    parameters, requirements = paper["parameters"], paper["requirements"]
    lines = [
        f"version      {one.version} ({one.state})",
        f"of           {one.task} of {one.series}",
        f"model        {one.model}, {', '.join(f'{name} {value}' for name, value in _items(parameters))}",
        f"features     {one.feature_set}, certificate {_of(certificate, 'content_hash') or '-'}",
        f"learned      {one.trained_from:%Y-%m-%d %H:%M} to {one.trained_until:%Y-%m-%d %H:%M} UTC, "
        f"data {paper['data_version']}",
        f"model hash   {paper['model_hash']}, {page.artefact_bytes:,} bytes",
        f"made with    {', '.join(requirements) if isinstance(requirements, list | tuple) else '-'}",
        f"registered   {one.registered_at:%Y-%m-%d %H:%M} UTC by {printable(one.registered_by)}",
        f"skill        {sentences['skill'] or '-'}",
        f"edge         {sentences['edge'] or '-'}",
        f"trials       {page.trials.trials:,} of this task and series",
    ]
    lines += [
        f"{move.author.at:%Y-%m-%d %H:%M}  {move.action}: {_champion(move.aliases)}, by {printable(move.author.name)}: "
        f"{printable(move.why)}"
        for move in page.history
    ]
    return "\n".join(lines)


def _of(document: object, name: str) -> object:
    return document.get(name) if isinstance(document, dict) else None


def _items(document: object) -> list[tuple[object, object]]:
    """Return parameters without the columns, which the feature set names."""
    return [one for one in document.items() if one[0] != "columns"] if isinstance(document, dict) else []


def _words(verdict: str) -> str:
    return verdict.replace("_", " ") or "-"


def _scores(one: ModelBrief) -> tuple[str, str]:
    """Return how good a model was and how good its baseline: a share that was right, or how far off a return was."""
    found = one.skill_evidence
    if found is None or found.score.value is None:
        return "-", "-"
    digits, what = (3, " off") if found.measure == "mae" else (1, "")

    def percent(value: float | None) -> str:
        return "-" if value is None else f"{100 * value:.{digits}f}"

    score, usual = found.score, found.baseline_score
    own = f"{percent(score.value)} %{what} [{percent(score.low)}, {percent(score.high)}]"
    return own, f"{percent(usual.value)} %{what}" if usual.value is not None else "-"


def register(app: typer.Typer) -> None:
    """Add these commands to the program."""
    app.add_typer(commands, name="models")
