"""``assay features list``, ``show`` and ``compute``: what can be computed, what it means, and the numbers."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from assay.cli.options import AsJson, AsOf, AvailableAt, moment_of, options_of
from assay.cli.progress import working
from assay.cli.render import emit, table
from assay.cli.saving import Saved, about_to_save

if TYPE_CHECKING:
    from assay.pipelines.computing import ComputedFeatures
    from assay.selectors.step_list import SetFacts, StepFacts

_SHOWN = 5


def list_features(
    context: typer.Context,
    interval: Annotated[str, typer.Option(help="Of the bars in which lengths of time in names are counted.")] = "1h",
    as_json: AsJson = False,
) -> None:
    """List every indicator with its usual parameters, and every feature set."""
    from assay.domain.interval import Interval  # noqa: PLC0415
    from assay.pipelines.feature_sets import known_sets  # noqa: PLC0415
    from assay.pipelines.steps import identity  # noqa: PLC0415
    from assay.pipelines.workspace import open_workspace  # noqa: PLC0415
    from assay.selectors.step_list import list_steps  # noqa: PLC0415

    workspace = open_workspace(options_of(context).settings(), create=False)
    sets = [(one.feature_set, one.names) for one in known_sets(workspace, Interval.parse(interval)).values()]
    steps = list_steps(workspace)
    document = {
        "steps": steps,
        "sets": [
            {"name": one.name, "identity": identity(one), "columns": names, "warmup": one.warmup} for one, names in sets
        ],
    }
    rows = [(one.name, one.family, _parameters(one), one.outputs, one.warmup) for one in steps]
    set_rows = [(identity(one), names, one.warmup) for one, names in sets]

    def text() -> str:
        of_steps = table(("step", "family", "parameters", "outputs", "warm-up"), rows)
        return f"{of_steps}\n\n{table(('set', 'columns', 'warm-up'), set_rows)}"

    emit(document, as_json=as_json, text=text)


def show_feature(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="rsi, rsi:21, bollinger:20:2.5, rsi:14@4h, RSI_21, or a feature set.")],
    interval: Annotated[str, typer.Option(help="Of the bars in which lengths of time in names are counted.")] = "1h",
    as_json: AsJson = False,
) -> None:
    """Say what an indicator is: formula, units, rules, and how much history it needs; or what a feature set holds."""
    from dataclasses import asdict  # noqa: PLC0415

    from assay.domain.interval import Interval  # noqa: PLC0415
    from assay.pipelines.feature_sets import known_sets  # noqa: PLC0415
    from assay.pipelines.workspace import open_workspace  # noqa: PLC0415
    from assay.selectors.step_list import bars_until_exact, find_facts, set_facts  # noqa: PLC0415

    workspace = open_workspace(options_of(context).settings(), create=False)
    sets = known_sets(workspace, Interval.parse(interval))
    if name in sets:
        of_set = set_facts(sets[name])
        emit(asdict(of_set), as_json=as_json, text=lambda: _about_set(of_set))
        return
    step, facts = find_facts(workspace, name, Interval.parse(interval))
    with working("measuring how much history it needs"):
        needed = bars_until_exact(workspace, step)
    document = asdict(facts) | {"bars_until_exact": needed}
    emit(document, as_json=as_json, text=lambda: _about(facts, needed))


def compute(
    context: typer.Context,
    symbol: Annotated[str, typer.Argument(help="BTC-USD, BTCUSDT, binance:spot:BTC-USDT.")],
    features: Annotated[str, typer.Option(help="A feature set, or rsi:14,MACD_signal,rolling_mean:24@volume.")],
    interval: Annotated[str, typer.Option(help="Length of the bars: 1s to 1M.")] = "1h",
    since: Annotated[str, typer.Option(help="Bars that open then or later.")] = "",
    until: Annotated[str, typer.Option(help="No bar that opens then or later is looked at.")] = "",
    as_of: AsOf = "",
    available_at: AvailableAt = "",
    reference: Annotated[
        str, typer.Option(help="What beta and the like hold it against: BTC-USDT, dominance:BTC.")
    ] = "",
    names: Annotated[str, typer.Option(help="steps (rsi_14), or usual (RSI_14).")] = "steps",
    save_to: Annotated[Path | None, typer.Option(help="Write the rows to this file: .parquet or .csv.")] = None,
    as_json: AsJson = False,
) -> None:
    """Compute indicators over bars of the lake; with the same --as-of rows and hash are the same for ever."""
    from assay.domain.interval import Interval  # noqa: PLC0415
    from assay.lake.reads import Span  # noqa: PLC0415
    from assay.pipelines.computing import ComputeRequest, compute_features  # noqa: PLC0415
    from assay.pipelines.training_table import check_format, save_rows  # noqa: PLC0415
    from assay.pipelines.workspace import open_workspace  # noqa: PLC0415

    if save_to:
        check_format(save_to)
    Interval.parse(interval)
    span = Span(moment_of(since), moment_of(until), moment_of(as_of), moment_of(available_at))
    request = ComputeRequest(symbol, features, interval, span, names, reference)
    with working("computing"):
        found = compute_features(open_workspace(options_of(context).settings(), create=False), request)
        saved = about_to_save(save_to) if save_to else None
        if save_to:
            save_rows(found.frame, found.about(), save_to)
    document = found.about() | ({"file": str(save_to)} if save_to else {})
    emit(document, as_json=as_json, text=lambda: _computed(found, saved))


def _parameters(facts: StepFacts) -> str:
    return ", ".join(f"{name} {value}" for name, value in facts.parameters.items())


def _about(facts: StepFacts, needed: int | None) -> str:
    units = [f"{output}: {unit}" for output, unit in zip(facts.outputs, facts.units, strict=True)]
    if facts.endless:
        exact = f"never: {facts.endless}"
    else:
        exact = "after more than 4,000 bars" if needed is None else f"after {needed:,} bars"
    lines = [
        ("title", facts.title),
        ("formula", facts.formula),
        ("parameters", _parameters(facts) or "none"),
        ("reads", ", ".join(facts.inputs) or "the time of the bar"),
        *(("output" if number == 0 else "", one) for number, one in enumerate(units)),
        ("warm-up", f"{facts.warmup:,} bars without a value"),
        ("exact", f"{exact} (a fresh start gives the same to 1e-9, on bars of a random walk)"),
        ("gaps", facts.gap_rule),
        ("NaN", facts.nan_rule),
        *((("no value", facts.undefined),) if facts.undefined else ()),
        ("reference", facts.reference),
        ("example", f"assay features compute BTC-USDT --features {facts.name}"),
        ("identity", facts.identity),
        *((("file", facts.file),) if facts.file else ()),
    ]
    return "\n".join(f"{name:<11} {value}" for name, value in lines)


def _about_set(facts: SetFacts) -> str:
    lines = [f"set      {facts.identity}", f"warm-up  {facts.warmup:,} bars without some value", ""]
    rows = [(column.name, column.output, column.unit, column.step) for column in facts.columns]
    return "\n".join([*lines, table(("column", "output", "unit", "step"), rows)])


def _computed(found: ComputedFeatures, saved: Saved | None) -> str:
    last = found.frame.tail(_SHOWN).drop("venue", "market", "symbol", "interval", "close_time", "available_at")
    lines = [
        f"series    {found.resolution}",
        f"features  {found.feature_set}",
        f"rows      {found.frame.height:,}, the last of them:",
        table(last.columns, last.rows()),
        f"hash      {found.content_hash}",
    ]
    if found.span.as_of:
        lines.append(f"as of     {found.span.as_of.isoformat()}: --as-of this gives the same rows again")
    if saved:
        lines.append(str(saved))
    return "\n".join(lines)


def add_to(commands: typer.Typer) -> None:
    """Add these commands to the group."""
    commands.command("list")(list_features)
    commands.command("show")(show_feature)
    commands.command("compute")(compute)
