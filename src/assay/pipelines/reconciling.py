"""Sources of one price held against each other: from the bars of all of them to a consensus, deviations and trust.

Sources of one price are the series of one market kind, symbol and interval at different venues. What only stands in
for another quote or market (a tether for a dollar) is compared where the settings say so, and then without its usual
premium. A refresh goes on from the state of the month before the first bar that changed.
"""

from __future__ import annotations

import functools
import hashlib
import itertools
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
from numpy.typing import NDArray

from assay.domain.interval import EPOCH
from assay.features.compile import compile_loop, use_cache_dir
from assay.features.fingerprint import fingerprint
from assay.lake import reads
from assay.lake import reconciliation_tables as tables
from assay.lake.reconciliation_tables import Group, Written
from assay.lake.zones import Key, Zone
from assay.measures import reconciliation_terms as terms
from assay.measures.reconciliation import Loop, Reconciled, State, new_state, reconcile
from assay.measures.reconciliation_loop import reconcile_loop
from assay.pipelines.workspace import Workspace

if TYPE_CHECKING:
    import duckdb

_DAY_US = 86_400_000_000
_VALUES = ("open", "high", "low", "close", "volume")
_OF_TRUST = ("trust", "completeness", "agreement", "closeness")
_ON_THE_SIDE = ("missing", "recovering", "disagree")
ALONE, AGREED, ONE_LEFT, DISAGREED, NONE_LEFT = "alone", "agreed", "one_left", "disagree", "none_left"
"""What a consensus is made of: the only source there is, sources that agree, the one that is right, or nothing,
because they disagree or because none is right."""


@dataclass(frozen=True, slots=True)
class SourceGroup:
    """The sources of one price.

    Attributes
    ----------
    group : tuple of str
        Market, symbol and interval of the price.
    keys : tuple of Key
        The series, those of the price itself first.
    is_converted : tuple of bool
        Whether a series only stands in for the price.
    """

    group: Group
    keys: tuple[Key, ...]
    is_converted: tuple[bool, ...]

    @property
    def made_of(self) -> str:
        """Text that changes with the sources and with the program."""
        sources = zip(self.keys, self.is_converted, strict=True)
        names = ",".join(":".join(key) + ("~" if is_converted else "") for key, is_converted in sources)
        return f"{_program()} {names}"


def source_groups(series: Sequence[Key], stand_ins: Sequence[str] = ()) -> list[SourceGroup]:
    """Return the prices that at least two of the series are sources of.

    Parameters
    ----------
    series : sequence of Key
        Venue, market, symbol and interval of each.
    stand_ins : sequence of str
        ``venue:market:QUOTE=market:QUOTE``: what a venue's quote may stand in for.

    Examples
    --------
    >>> series = [("kraken", "spot", "BTC-USD", "1h"), ("coinbase", "spot", "BTC-USD", "1h")]
    >>> [one.group for one in source_groups(series)]
    [('spot', 'BTC-USD', '1h')]
    """
    direct: dict[Group, list[Key]] = {}
    for key in sorted(series):
        direct.setdefault((key[1], key[2], key[3]), []).append(key)
    converted: dict[Group, list[Key]] = {}
    for text in dict.fromkeys(stand_ins):
        source, _, target = text.partition("=")
        venue, market, quote = source.split(":")
        target_market, target_quote = target.split(":")
        for key in sorted(series):
            base, _, its_quote = key[2].rpartition("-")
            if (key[0], key[1], its_quote) == (venue, market, quote):
                converted.setdefault((target_market, f"{base}-{target_quote}", key[3]), []).append(key)
    found = []
    for group, keys in sorted(direct.items()):
        others = [key for key in dict.fromkeys(converted.get(group, ())) if key not in keys]
        if len(keys) + len(others) >= 2:
            are_converted = (False,) * len(keys) + (True,) * len(others)
            found.append(SourceGroup(group, (*keys, *others), are_converted))
    return found


def refresh(workspace: Workspace, lake: duckdb.DuckDBPyConnection, zones: Sequence[Zone], *, everything: bool) -> int:
    """Bring the tables of the reconciliation up to the bars in the zones; return how many bars were decided anew.

    Costs one small query where no price has two sources; no table is made then.
    """
    groups = source_groups(tables.all_series(lake), workspace.settings.reconcile.stand_ins)
    if not groups and not tables.is_made(lake):
        return 0
    changed: dict[Key, datetime] = {}
    for zone in zones:
        changed[zone.key] = min(zone.from_time, changed.get(zone.key, zone.from_time))
    known = tables.made_of(lake)
    is_anew = everything or not tables.is_made(lake) or not known.keys() <= {one.group for one in groups}
    due = []
    for one in groups:
        is_new = is_anew or known.get(one.group) != one.made_of
        since = EPOCH if is_new else min((changed[key] for key in one.keys if key in changed), default=None)
        if since is not None:
            due.append((one, since))
    if not due and not is_anew:
        return 0
    written = (part for one, since in due for part in _reconciled(workspace, lake, one, since))
    return tables.write(lake, written, everything=is_anew)


def _reconciled(
    workspace: Workspace, lake: duckdb.DuckDBPyConnection, sources: SourceGroup, since: datetime
) -> Iterator[Written]:
    """Yield what follows for one price from the last state before `since`; of all its bars, year by year."""
    workspace.say(f"reconciling {len(sources.keys)} sources of {sources.group[1]} {sources.group[2]}")
    after, state = EPOCH, new_state(len(sources.keys))
    # Trust is counted by days: what changes inside a day goes on from before it.
    day = since.replace(hour=0, minute=0, second=0, microsecond=0)
    kept = tables.last_state(lake, sources.group, sources.made_of, day) if since > EPOCH else None
    if kept is not None:
        after, state = kept[0], _restored(kept[1], len(sources.keys))
    for until in [None] if kept is not None else tables.ends_of_years(lake, sources.keys):
        states = [] if kept is not None else [(after, _saved(state))]
        panel = _Panel.of(tables.bars_after(lake, sources.keys, after, until=until), len(sources.keys))
        frames, later = _decided(workspace, sources, panel, state)
        yield Written(sources.group, sources.made_of, after, *frames, [*states, *later])
        if panel.time_us.size:
            after = _moment(panel.time_us[-1])


def reconcile_then(
    workspace: Workspace,
    lake: duckdb.DuckDBPyConnection,
    *,
    as_of: datetime | None = None,
    available_at: datetime | None = None,
) -> dict[str, pl.DataFrame]:
    """Return the three tables by name as a build would make them of the bars of a moment; none without two sources.

    The bars are those known by `as_of` and had by `available_at`; sources and rules are those of today's settings and
    program.
    """
    known = reads.list_series(lake, as_of=as_of, available_at=available_at)
    found = []
    for sources in source_groups([one.key for one in known], workspace.settings.reconcile.stand_ins):
        bars = tables.bars_seen(lake, sources.keys, as_of=as_of, available_at=available_at)
        if bars.height:
            frames, _ = _decided(workspace, sources, _Panel.of(bars, len(sources.keys)), new_state(len(sources.keys)))
            found.append(frames)
    names = tables.CONSENSUS, tables.DEVIATIONS, tables.TRUST
    return {name: pl.concat(parts) for name, parts in zip(names, zip(*found, strict=True), strict=False)}


_Frames = tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]


def _decided(
    workspace: Workspace, sources: SourceGroup, panel: _Panel, state: State
) -> tuple[_Frames, list[tuple[datetime, bytes]]]:
    """Return consensus, deviations and trust of the bars, going on from `state`, and the state after each month."""
    loop = compiled_loop(workspace.home.cache / "numba")
    parts, states = [], []
    for first, last in _months(panel.time_us):
        days = panel.time_us[first:last] // _DAY_US
        parts.append(reconcile(panel.bars[first:last], days, np.array(sources.is_converted), state, loop=loop))
        if last < panel.time_us.size:
            states.append((_moment(panel.time_us[last - 1]), _saved(state)))
    found = _joined(parts, len(sources.keys))
    deviations = _deviations(panel, found, sources)
    frames = [_consensus(panel, found), deviations.drop(_OF_TRUST), _trust(deviations)]
    names = [pl.lit(value).alias(name) for name, value in zip(tables.GROUP, sources.group, strict=True)]
    consensus, deviations, trust = (frame.select(*names, pl.all()) for frame in frames)
    return (consensus, deviations, trust), states


@dataclass(frozen=True, slots=True)
class _Panel:
    """The bars of all sources on one axis of time.

    `bars` has shape (n_bars, 5, n_sources); `moments` holds close_time, known_at and available_at of each bar as it was
    known of all its sources, shape (n_bars, 3), epoch microseconds.
    """

    time_us: NDArray[np.int64]
    bars: NDArray[np.float64]
    moments: NDArray[np.int64]

    @classmethod
    def of(cls, frame: pl.DataFrame, n_sources: int) -> _Panel:
        stamp = frame["open_time"].dt.epoch("us").to_numpy()
        time_us = np.unique(stamp)
        row, source = np.searchsorted(time_us, stamp), frame["source"].to_numpy()
        bars = np.full((time_us.size, len(_VALUES), n_sources), np.nan)
        for position, name in enumerate(_VALUES):
            bars[row, position, source] = frame[name].to_numpy()
        moments = np.zeros((time_us.size, 3), dtype=np.int64)
        for position, name in enumerate(("close_time", "known_at", "available_at")):
            np.maximum.at(moments[:, position], row, frame[name].dt.epoch("us").to_numpy())
        return cls(time_us, bars, moments)


def _months(time_us: NDArray[np.int64]) -> Iterator[tuple[int, int]]:
    """Yield the rows [first, last) of every calendar month."""
    month = time_us.astype("datetime64[us]").astype("datetime64[M]").astype(np.int64)
    edges = [0, *(np.flatnonzero(np.diff(month)) + 1).tolist(), time_us.size]
    yield from ((first, last) for first, last in itertools.pairwise(edges) if last > first)


def _moment(time_us: int) -> datetime:
    return pl.Series([time_us]).cast(pl.Datetime("us", "UTC"))[0]  # type: ignore[no-any-return]


def _stamps(name: str, values: NDArray[np.int64]) -> pl.Series:
    return pl.Series(name, values).cast(pl.Datetime("us", "UTC"))


def _joined(parts: Sequence[Reconciled], n_sources: int) -> Reconciled:
    if not parts:
        nothing = np.zeros((0, n_sources), dtype=np.int64)
        return Reconciled(nothing, np.zeros((0, n_sources, terms.NUMBERS)), np.zeros((0, 2)))
    code, numbers, price = (np.concatenate(columns) for columns in zip(*parts, strict=True))
    return Reconciled(code, numbers, price)


def _consensus(panel: _Panel, found: Reconciled) -> pl.DataFrame:
    here = ~np.isnan(panel.bars[:, 3, :]).all(axis=1)
    n_here = (~np.isnan(panel.bars[:, 3, :])).sum(axis=1)
    n_used = (found.numbers[:, :, terms.WEIGHT] > 0).sum(axis=1)
    has_price = ~np.isnan(found.price[:, 0])
    disagree = (found.code == terms.DISAGREE).any(axis=1)
    status = np.select(
        [n_used > 1, has_price & (n_here > 1), has_price, disagree], [AGREED, ONE_LEFT, ALONE, DISAGREED], NONE_LEFT
    )
    return pl.DataFrame(
        [
            _stamps("open_time", panel.time_us),
            _stamps("close_time", panel.moments[:, 0]),
            pl.Series("price", found.price[:, 0]).fill_nan(None),
            pl.Series("sources", n_here.astype(np.int32)),
            pl.Series("sources_used", n_used.astype(np.int32)),
            pl.Series("spread_bps", np.where(n_used > 1, found.price[:, 1], np.nan)).fill_nan(None),
            pl.Series("status", status.astype(str)),
            _stamps("known_at", panel.moments[:, 1]),
            _stamps("available_at", panel.moments[:, 2]),
        ]
    ).filter(pl.Series(here))


def _deviations(panel: _Panel, found: Reconciled, sources: SourceGroup) -> pl.DataFrame:
    """Return a row for every source and bar but those of before its beginning and after its end."""
    reasons = np.array(terms.REASONS)
    frames = []
    for position, (venue, market, symbol, _) in enumerate(sources.keys):
        code, numbers = found.code[:, position], found.numbers[:, position]
        columns = {
            "deviation_bps": terms.DEVIATION_BPS, "z": terms.Z, "premium_bps": terms.PREMIUM_BPS,
            "weight": terms.WEIGHT, "trust": terms.TRUST, "completeness": terms.COMPLETENESS,
            "agreement": terms.AGREEMENT, "closeness": terms.CLOSENESS,
        }  # fmt: skip
        frame = pl.DataFrame(
            [
                _stamps("open_time", panel.time_us),
                pl.Series("close", panel.bars[:, 3, position]).fill_nan(None),
                *(pl.Series(name, numbers[:, at]).fill_nan(None) for name, at in columns.items()),
                pl.Series("is_flagged", code != terms.OK),
                pl.Series("reason", reasons[code]).replace("", None),
            ]
        ).with_columns(venue=pl.lit(venue), source_market=pl.lit(market), source_symbol=pl.lit(symbol))
        frames.append(frame.filter(pl.Series(code != terms.ABSENT)))
    return pl.concat(frames).sort("open_time", "venue", "source_market", "source_symbol")


def _trust(deviations: pl.DataFrame) -> pl.DataFrame:
    """Return the trust of each source and day, which is that of the days before, and what was counted on it."""
    day = pl.col("open_time").dt.date().alias("date")
    return (
        deviations.group_by(day, "venue", "source_market", "source_symbol", maintain_order=True)
        .agg(
            pl.col(_OF_TRUST).first(),
            pl.col("close").count().cast(pl.Int32).alias("bars"),
            (pl.col("is_flagged") & ~pl.col("reason").is_in(_ON_THE_SIDE)).sum().cast(pl.Int32).alias("flagged"),
        )
        .sort("date", "venue", "source_market", "source_symbol")
    )


@functools.cache
def _program() -> str:
    texts = "".join(fingerprint(one) for one in (reconcile_loop, new_state, _consensus, _deviations, _trust))
    return hashlib.sha256(texts.encode()).hexdigest()[:12]


@functools.cache
def compiled_loop(cache: Path) -> Loop:
    """Return the loop of the reconciliation, compiled; some seconds the first time, kept below `cache`."""
    use_cache_dir(cache)
    return compile_loop(reconcile_loop, "reconcile", {}, are_inlined=False)  # type: ignore[return-value]


def _saved(state: State) -> bytes:
    arrays = (*state.windows, state.past, state.own, state.at)
    return zlib.compress(b"".join(np.ascontiguousarray(one).tobytes() for one in arrays), 1)


def _restored(saved: bytes, n_sources: int) -> State:
    empty = new_state(n_sources)
    raw, at = zlib.decompress(saved), 0
    for one in (*empty.windows, empty.past, empty.own, empty.at):
        one[...] = np.frombuffer(raw, dtype=one.dtype, count=one.size, offset=at).reshape(one.shape)
        at += one.nbytes
    return empty
