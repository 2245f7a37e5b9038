"""``assay backtests``: those that were made, one of them in full, several side by side, and each as a page."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from assay.cli.options import AsJson, options_of
from assay.cli.progress import working
from assay.cli.render import emit, printable, table

if TYPE_CHECKING:
    from assay.pipelines.workspace import Workspace
    from assay.selectors.backtest_curves import Comparison
    from assay.selectors.backtests import BacktestList, BacktestPage

commands = typer.Typer(help="Backtests that were made.", rich_markup_mode=None)
Run = Annotated[str, typer.Argument(metavar="RUN", help="Its id, or how that begins (6 digits or more).")]
_MONTHS_SHOWN = 24
_STRATEGY_WIDTH = 60


@commands.callback()
def backtests() -> None:
    """List, show, compare, hand on and remove backtests that were made."""


@commands.command("list")
def list_(
    context: typer.Context,
    symbol: Annotated[str, typer.Option(help="Only those that traded it.")] = "",
    limit: Annotated[int, typer.Option(help="At most so many.")] = 20,
    offset: Annotated[int, typer.Option(help="Leave out so many of the newest.")] = 0,
    as_json: AsJson = False,
) -> None:
    """List backtests, the newest first: what each traded, what it earned, and what that is worth."""
    from assay.selectors.backtests import backtests as select  # noqa: PLC0415

    with working("reading"):
        found = select(_workspace(context), symbol=symbol, limit=limit, offset=offset)
    emit(found, as_json=as_json, text=lambda: _listed(found))


@commands.command()
def show(context: typer.Context, run: Run, as_json: AsJson = False) -> None:
    """Show one backtest: what was assumed, its figures beside buying and holding, and its months."""
    from assay.selectors.backtests import backtest as select  # noqa: PLC0415

    with working("reading"):
        found = select(_workspace(context), run)
    emit(found, as_json=as_json, text=lambda: _shown(found))


@commands.command()
def compare(
    context: typer.Context,
    runs: Annotated[list[str], typer.Argument(metavar="RUN RUN...", help="Two to six ids.")],
    as_json: AsJson = False,
) -> None:
    """Lay backtests side by side, and say what else than the strategy is not the same in them."""
    from assay.selectors.backtest_curves import compare as select  # noqa: PLC0415

    with working("reading"):
        found = select(_workspace(context), runs)
    document = {
        "since": found.since,
        "warnings": found.warnings,
        "runs": [{"brief": one.brief, "figures": one.figures} for one in found.runs],
    }
    emit(document, as_json=as_json, text=lambda: _compared(found))


@commands.command()
def tearsheet(
    context: typer.Context,
    run: Run,
    to: Annotated[Path | None, typer.Option(metavar="FILE", help="Write it here; else tearsheet-RUN.html.")] = None,
    as_json: AsJson = False,
) -> None:
    """Write a backtest as one page of HTML with everything in it: it opens without a network, and prints."""
    from assay.cli.saving import about_to_save  # noqa: PLC0415
    from assay.domain.errors import BadInputError  # noqa: PLC0415
    from assay.lake.storage import write_atomically  # noqa: PLC0415
    from assay.selectors.backtests import kept_run  # noqa: PLC0415
    from assay.selectors.tear_sheet import tear_sheet  # noqa: PLC0415

    if to is not None and to.is_dir():
        raise BadInputError("a directory has this name", value=to, todo="name a file")
    with working("writing"):
        found = kept_run(_workspace(context), run)
        path = to or Path(f"tearsheet-{found.summary.run}.html")
        saved = about_to_save(path)
        write_atomically(path, tear_sheet(found).encode())
    emit({"run": found.summary.run, "file": str(path)}, as_json=as_json, text=lambda: str(saved))


@commands.command()
def remove(context: typer.Context, run: Run, as_json: AsJson = False) -> None:
    """Remove what is kept of a backtest; its trials stay counted."""
    from assay.lake.backtest_runs import remove_run  # noqa: PLC0415
    from assay.lake.sealed import documents_of  # noqa: PLC0415

    with working("removing"):
        removed = remove_run(documents_of(_workspace(context).home), run)
    emit({"removed": removed}, as_json=as_json, text=lambda: f"removed {removed}; its trials stay counted")


def _workspace(context: typer.Context) -> Workspace:
    from assay.pipelines.workspace import open_workspace  # noqa: PLC0415

    return open_workspace(options_of(context).settings(), create=False)


def _listed(found: BacktestList) -> str:
    damaged = [f"damaged   {one}" for one in found.damaged]
    if not found.rows:
        return "\n".join([_nothing(found), *damaged])
    rows = [
        (
            one.run, f"{one.made_at:%Y-%m-%d %H:%M}", ", ".join(one.symbols), one.interval,
            f"{one.start:%Y-%m-%d}", f"{one.end:%Y-%m-%d}", _percent(one.total_return), _percent(one.hold_return),
            _number(one.sharpe), str(one.trades), _words(one.verdict),
            textwrap.shorten("; ".join(one.strategy), _STRATEGY_WIDTH, placeholder=" …"),
        )
        for one in found.rows
    ]  # fmt: skip
    top = ("run", "made (UTC)", "symbols", "bars", "from", "to", "return", "hold", "Sharpe", "trades", "verdict",
           "strategy")  # fmt: skip
    left = found.found - len(found.rows)
    more = [f"{left:,} others: --limit and --offset show them"] if left else []
    return "\n".join([table(top, rows), *more, *damaged])


def _nothing(found: BacktestList) -> str:
    """Return why there is none: not here, not of this symbol, or not at all."""
    if found.found:
        return f"none in this part of {found.found:,}: --limit and --offset show others"
    if found.symbols:
        return f"no backtests of this symbol; there are those of {', '.join(found.symbols)}"
    return 'no backtests; `assay backtest BTC-USDT --buy "rsi_14 < 30" --sell "rsi_14 > 70"` makes one'


def _shown(found: BacktestPage) -> str:
    one = found.brief
    doubt = "the bars left no doubt" if one.is_exact else f"{_percent(one.low)} to {_percent(one.high)}"
    head = [
        f"run       {one.run}, {one.kind.replace('_', ' ')} by {printable(one.by)}, {one.made_at:%Y-%m-%d %H:%M} UTC",
        f"series    {', '.join(one.series)}",
        f"period    {one.start:%Y-%m-%d %H:%M} to {one.end:%Y-%m-%d %H:%M} UTC, {one.bars:,} bars",
        *(f"strategy  {printable(told)}" for told in one.strategy),
        *(f"assumes   {printable(told)}" for told in found.assumptions),
    ]
    figures = [
        (
            figure.title,
            _in_unit(figure.value, figure.unit),
            "" if figure.low is None or figure.high is None
            else f"{_in_unit(figure.low, figure.unit)} to {_in_unit(figure.high, figure.unit)}",
            _in_unit(figure.hold, figure.unit),
        )
        for figure in found.figures
    ]  # fmt: skip
    worth = [f"verdict   {one.sentence}", f"band      {doubt}"]
    if found.combinations:
        worth.append(f"tried     {found.combinations:,} combinations: --json has them")
    months = [(each.month, _percent(each.total_return), _percent(each.hold_return)) for each in found.months]
    blocks = [
        "\n".join(head),
        table(("figure", "strategy", "95 % interval", "buy and hold"), figures),
        "\n".join(worth),
        table(("month (UTC)", "strategy", "buy and hold"), months[-_MONTHS_SHOWN:]) if months else "",
    ]
    return "\n\n".join(block for block in blocks if block)


def _compared(found: Comparison) -> str:
    briefs = [one.brief for one in found.runs]
    first = found.runs[0].figures
    rows: list[tuple[str, ...]] = [("symbols", *(", ".join(one.symbols) for one in briefs))]
    rows += [
        (word, *(str(getattr(one, name))[:16] for one in briefs)) for word, name in (("from", "start"), ("to", "end"))
    ]
    rows += [
        (figure.title, *(_in_unit(one.figures[place].value, figure.unit) for one in found.runs))
        for place, figure in enumerate(first)
    ]
    rows.append(("buy and hold", *(_percent(one.hold_return) for one in briefs)))
    rows.append(("verdict", *(_words(one.verdict) for one in briefs)))
    strategies = [f"{one.run}  {printable('; '.join(one.strategy))}" for one in briefs]
    warnings = [f"not alike: {one}" for one in found.warnings] or ["the same bars, period and costs"]
    return "\n\n".join(["\n".join(strategies), table(("", *(one.run for one in briefs)), rows), "\n".join(warnings)])


def _in_unit(value: float | None, unit: str) -> str:
    from assay.selectors.tear_sheet.words import told  # noqa: PLC0415

    return told(value, unit)  # type: ignore[arg-type]  # a figure's own


def _percent(value: float | None) -> str:
    return "-" if value is None else f"{100 * value:+,.2f} %"


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:,.2f}"


def _words(verdict: str) -> str:
    return verdict.replace("_", " ") or "-"


def register(app: typer.Typer) -> None:
    """Add these commands to the program."""
    app.add_typer(commands, name="backtests")
