"""How the sources of each price agree: bars compared, how far apart, what was flagged, and how far each is trusted."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from assay.domain.symbol import Symbol
from assay.lake import reads
from assay.pipelines.workspace import Workspace
from assay.selectors.kept import Reading, answer

if TYPE_CHECKING:
    import polars as pl

CONSENSUS, DEVIATIONS, TRUST = "gold.consensus_prices", "gold.source_deviations", "gold.source_trust"
_NAMES = {CONSENSUS: "consensus_then", DEVIATIONS: "deviations_then", TRUST: "trust_then"}
"""The tables, and what they are called where they are decided again for a moment."""


@dataclass(frozen=True, slots=True)
class SourceAgreement:
    """How one source of a price agrees with the others.

    Attributes
    ----------
    venue, market, symbol : str
        The series that is a source.
    bars : int
        Bars it has, of those at which its price was reconciled.
    missing : int
        Bars that others have and it lacks.
    flagged : int
        Bars that were found wrong.
    unsettled : int
        Bars of which nobody could say who was wrong, and those after an error that were not yet believed.
    reasons : dict of str to int
        Bars by what was said of them.
    median_deviation_bps : float or None
        Median distance from the consensus, in hundredths of a percent.
    premium_bps : float or None
        What was last taken off, for a source that stands in for another quote or market.
    trust : float or None
        Of the latest day, from 0 to 1, with `completeness`, `agreement` and `closeness`, whose product it is.
    """

    venue: str
    market: str
    symbol: str
    bars: int
    missing: int
    flagged: int
    unsettled: int
    reasons: dict[str, int]
    median_deviation_bps: float | None
    premium_bps: float | None
    trust: float | None
    completeness: float | None
    agreement: float | None
    closeness: float | None


@dataclass(frozen=True, slots=True)
class PriceReconciliation:
    """One price and its sources.

    Attributes
    ----------
    market, symbol, interval : str
    first_open_time, last_open_time : datetime
    bars : int
        Bars at which any source has one.
    compared : int
        Those at which more than one has.
    without_consensus : int
        Those with no consensus.
    median_spread_bps : float or None
        Between the sources in the consensus.
    last_price : float or None
        The consensus of the last bar.
    sources : tuple of SourceAgreement
    """

    market: str
    symbol: str
    interval: str
    first_open_time: datetime
    last_open_time: datetime
    bars: int
    compared: int
    without_consensus: int
    median_spread_bps: float | None
    last_price: float | None
    sources: tuple[SourceAgreement, ...]


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """All prices that have more than one source; none if no price has."""

    prices: tuple[PriceReconciliation, ...]


def reconciliation(
    workspace: Workspace, symbol: str = "", *, as_of: datetime | None = None, available_at: datetime | None = None
) -> Reconciliation:
    """Return how the sources of every price agree, or of those of one symbol.

    Of a moment it is decided again, over the bars that were known (`as_of`) or to be had (`available_at`) then, by the
    rules of today.

    Raises
    ------
    BadInputError
        If `symbol` is no symbol, or a moment has no time zone.
    NotBuiltError
        If nothing was ever built.
    """
    wanted = str(Symbol.from_spelling(symbol)) if symbol else ""

    def compute(reading: Reading) -> Reconciliation:
        if reading.is_now:
            if not reading.has(CONSENSUS):
                return Reconciliation(())
            return _found(reading, wanted, {name: reading.table(name) for name in _NAMES})
        return _found_then(reading, workspace, wanted)

    return answer(workspace, ("reconciliation", wanted), compute, as_of=as_of, available_at=available_at)


def _found_then(reading: Reading, workspace: Workspace, wanted: str) -> Reconciliation:
    if not reading.has(reads.CLEANED):
        return Reconciliation(())

    def decide(one: Reading) -> dict[str, pl.DataFrame]:
        from assay.pipelines.reconciling import reconcile_then  # noqa: PLC0415  # it brings the compiler

        return reconcile_then(workspace, one.connection, as_of=one.as_of, available_at=one.available_at)

    frames = reading.part("reconciled then", decide, weigh=_weight)
    if not frames:
        return Reconciliation(())
    with contextlib.ExitStack() as registered:
        for name, known_as in _NAMES.items():
            reading.connection.register(known_as, frames[name])
            registered.callback(reading.connection.unregister, known_as)
        return _found(reading, wanted, _NAMES)


def _weight(frames: dict[str, pl.DataFrame]) -> int:
    return sum(int(frame.estimated_size()) for frame in frames.values())


def _found(reading: Reading, wanted: str, relations: Mapping[str, str]) -> Reconciliation:
    prices = reading.rows(
        f"""
        select
            market, symbol, interval, min(open_time) as first_open_time, max(open_time) as last_open_time,
            count(*) as bars, count(*) filter (where sources > 1) as compared,
            count(*) filter (where price is null) as without_consensus, median(spread_bps) as median_spread_bps,
            arg_max(price, open_time) as last_price
        from {relations[CONSENSUS]}
        where ? = '' or symbol = ?
        group by all
        order by symbol, market, interval
        """,
        [wanted, wanted],
    )
    sources: dict[tuple[str, str, str], list[SourceAgreement]] = {}
    for row in reading.rows(_SOURCES.format(DEVIATIONS=relations[DEVIATIONS], TRUST=relations[TRUST])):
        group = row.pop("price_market"), row.pop("price_symbol"), row.pop("interval")
        sources.setdefault(group, []).append(_agreement(row))
    return Reconciliation(
        tuple(
            PriceReconciliation(**row, sources=tuple(sources[row["market"], row["symbol"], row["interval"]]))
            for row in prices
        )
    )


_SOURCES = """
    with reasons as (
        select
            market, symbol, interval, venue, source_market, source_symbol, reason, count(*) as n, count(close) as bars,
            median(abs(deviation_bps)) filter (where reason is null) as median_deviation_bps,
            max(open_time) as last_open_time, arg_max(premium_bps, open_time) as premium_bps
        from {DEVIATIONS} group by all
    ),

    newest as (
        select * from {TRUST}
        qualify row_number() over (
            partition by market, symbol, interval, venue, source_market, source_symbol order by date desc
        ) = 1
    )

    select
        market as price_market, symbol as price_symbol, interval, venue, source_market as market,
        source_symbol as symbol, sum(reasons.bars)::bigint as bars,
        coalesce(sum(n) filter (where reason = 'missing'), 0)::bigint as missing,
        coalesce(
            sum(n) filter (where reason not in ('missing', 'disagree', 'recovering')), 0
        )::bigint as flagged,
        coalesce(sum(n) filter (where reason in ('disagree', 'recovering')), 0)::bigint as unsettled,
        to_json(map_from_entries(list((reason, n) order by reason) filter (where reason is not null)))::varchar
            as reasons,
        max(median_deviation_bps) as median_deviation_bps,
        arg_max(premium_bps, last_open_time) as premium_bps,
        max(trust) as trust, max(completeness) as completeness, max(agreement) as agreement,
        max(closeness) as closeness
    from reasons
    left join newest using (market, symbol, interval, venue, source_market, source_symbol)
    group by all
    order by all
"""


def _agreement(row: dict[str, Any]) -> SourceAgreement:
    return SourceAgreement(**(row | {"reasons": json.loads(row["reasons"] or "{}")}))
