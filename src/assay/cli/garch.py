"""``assay features garch``: the volatility of a series, and what it forecasts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from assay.cli.options import AsJson, AsOf, AvailableAt, moment_of, options_of
from assay.cli.progress import working
from assay.cli.render import emit, table

if TYPE_CHECKING:
    from assay.pipelines.volatility import GarchReport

_ROWS = 8


def garch(
    context: typer.Context,
    symbol: Annotated[str, typer.Argument(help="BTC-USD, BTCUSDT, binance:spot:BTC-USDT.")],
    interval: Annotated[str, typer.Option(help="Length of the bars: 1s to 1M.")] = "1h",
    horizon: Annotated[int, typer.Option(help="Bars to forecast.")] = 24,
    every: Annotated[int, typer.Option(help="Fit it again every so many bars.")] = 168,
    on: Annotated[int, typer.Option(help="Fit it to the last so many bars.")] = 2000,
    distribution: Annotated[str, typer.Option(help="Of the surprises: normal or t.")] = "t",
    level: Annotated[float, typer.Option(help="Of the interval of the forecast.")] = 0.9,
    since: Annotated[str, typer.Option(help="Bars from this open time on.")] = "",
    until: Annotated[str, typer.Option(help="No bar that opens then or later is looked at.")] = "",
    as_of: AsOf = "",
    available_at: AvailableAt = "",
    as_json: AsJson = False,
) -> None:
    """Say how much a price moves, by a GARCH(1,1) that is fitted again as time goes on, and what it forecasts."""
    from assay.lake.reads import Span  # noqa: PLC0415
    from assay.pipelines.volatility import GarchRequest, check, garch_volatility  # noqa: PLC0415
    from assay.pipelines.workspace import open_workspace  # noqa: PLC0415

    span = Span(moment_of(since), moment_of(until), moment_of(as_of), moment_of(available_at))
    request = GarchRequest(symbol, interval, horizon, every, on, distribution, level, span)
    check(request)
    with working("fitting"):
        found = garch_volatility(open_workspace(options_of(context).settings(), create=False), request)
    emit(found.about(), as_json=as_json, text=lambda: _text(found))


def _text(found: GarchReport) -> str:
    said, step, fit = found.about(), found.fit.step, found.fit
    degrees = [] if fit.degrees is None else [("nu", fit.degrees, fit.errors.get("nu"))]
    named = {"mu": step.mu, "omega": step.omega, "alpha": step.alpha, "beta": step.beta}
    rows = [
        (name, value, fit.errors.get(name, fit.errors.get(f"{name}[1]"))) for name, value in named.items()
    ] + degrees
    coefficients = ", ".join(f"{name} {value:.4g} ± {_error(error)}" for name, value, error in rows)
    run = (
        f"{step.long_run_variance**0.5:.3f} % a bar; the variance goes back to it by {1 - step.persistence:.2%} a bar"
        if fit.has_long_run
        else "none: alpha + beta is 1, the variance has no level of its own"
    )
    lines = [
        f"series      {found.resolution}",
        f"closed at   {_utc(said['closed_until'])}, close {found.bars.close[-1]:,.10g}, {len(found.bars):,} bars",
        f"volatility  {_percent(said['volatility'])} of the next bar, {_percent(said['volatility_annualised'])} a year",
        f"fit         {coefficients}",
        f"            made {_utc(_fitted_at(said))} of {fit.returns:,} returns in per cent, "
        f"{found.request.distribution} distribution",
        f"long run    {run}",
        f"refitted    {len(found.path.fits):,} times, every {found.request.every:,} bars on the last "
        f"{found.request.on:,}, next {_utc(found.next_fit_at.isoformat())}; {_failed(found)}",
        "",
        f"forecast    with an interval of {found.forecast.level:.0%}; returns from now to then",
        table(("close_time", "volatility", "lower", "upper", "price_lower", "price_upper"), _rows(found)),
        "",
        f"as of {_utc(said['as_of'])}: --as-of this gives the same numbers again",
    ]
    return "\n".join(lines)


def _rows(found: GarchReport) -> list[tuple[object, ...]]:
    ahead = found.ahead
    last = ahead.height - 1
    chosen = sorted({round(last * part / (_ROWS - 1)) for part in range(_ROWS)})
    return [
        (
            f"{row['close_time']:%Y-%m-%d %H:%M}",
            *(_percent(row[name]) for name in ("volatility", "lower", "upper")),
            *(float(f"{row[name]:.8g}") for name in ("price_lower", "price_upper")),
        )
        for row in ahead[chosen].to_dicts()
    ]


def _failed(found: GarchReport) -> str:
    if not found.path.failures:
        return "none failed"
    _, why = found.path.failures[-1]
    return f"{len(found.path.failures):,} failed, and the fit before was kept; the last: {why}"


def _fitted_at(said: dict[str, object]) -> object:
    fit = said["fit"]
    assert isinstance(fit, dict)
    return fit["fitted_at"]


def _percent(value: object) -> str:
    assert isinstance(value, float)
    return f"{100 * value:.3f} %"


def _error(value: float | None) -> str:
    return "unknown" if value is None else f"{value:.2g}"


def _utc(moment: object) -> str:
    return f"{str(moment).removesuffix('+00:00').replace('T', ' ')} UTC"


def add_to(commands: typer.Typer) -> None:
    """Add this command to ``assay features``."""
    commands.command("garch")(garch)
