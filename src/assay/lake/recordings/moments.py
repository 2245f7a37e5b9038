"""Reading moments: epoch numbers of any unit, ISO text of any zone, and what a few sites write instead.

The unit of a number follows from its size, number by number (Binance's archive went from milliseconds to microseconds
in 2025, so that one file can hold both): for the years 2009 to 2200 the ranges of s, ms, µs and ns do not overlap.
Text without a zone is UTC. Nothing is rounded up: the digits below a microsecond are cut.

>>> read_moments(pl.Series(["1704067200", "2024-01-01 02:00:00+02:00", "2024-01-01 12-AM"])).moments.n_unique()
1
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

import polars as pl

from assay.lake.recordings.numbers import to_float64

FIRST_MOMENT = datetime(2009, 1, 3, tzinfo=UTC)
"""The day of Bitcoin's first block: no crypto asset has a price before it."""
END_OF_MOMENTS = datetime(2201, 1, 1, tzinfo=UTC)

_UTC_MICROSECONDS = pl.Datetime("us", "UTC")
_UNITS = {"s": 1_000_000.0, "ms": 1_000.0, "µs": 1.0, "ns": 0.001}
_TEXT = (
    r"(?i)^(?<date>\d{4}-\d{1,2}-\d{1,2})"
    r"(?:[ T]\s*(?<hour>\d{1,2})(?::(?<minute>\d{2})(?::(?<second>\d{2})(?:[.,](?<fraction>\d{1,9}))?)?)?"
    r"(?:[ -]?(?<half>[AP])M)?"
    r"\s*(?<zone>Z|UTC|GMT|[+-]\d{2}(?::?\d{2})?)?)?$"
)


@dataclass(frozen=True, slots=True)
class Moments:
    """Moments that were read, and how they were written.

    Parameters
    ----------
    moments : polars.Series, shape (n_rows,)
        UTC, microseconds; null where the value is missing, no moment, or outside 2009-01-03 to 2200.
    notes : tuple of str
        Units, zones and assumptions, in sentences that begin with the column's name.
    """

    moments: pl.Series
    notes: tuple[str, ...]


def read_moments(column: pl.Series) -> Moments:
    """Return the moments that `column` holds.

    Parameters
    ----------
    column : polars.Series, shape (n_rows,)
        Numbers, text, dates or datetimes of any unit and zone; a datetime without a zone is UTC.
    """
    name = column.name or "time"
    if isinstance(column.dtype, (pl.Datetime, pl.Date)):
        return _read_datetimes(column, name)
    if column.dtype.is_integer() or column.dtype.is_float():
        return Moments(*_read_numbers(column, name))
    text = column.cast(pl.String, strict=False)
    moments = pl.Series(name, [None], dtype=_UTC_MICROSECONDS).new_from_index(0, len(text))
    notes: tuple[str, ...] = ()
    for read in (_read_whole_numbers, _read_decimals, _read_text):
        is_left = moments.is_null() & text.is_not_null()
        if is_left.any():
            found, found_notes = read(text.filter(is_left), name)
            moments = moments.scatter(is_left.arg_true(), found)
            notes += found_notes
    return Moments(moments, notes)


def _read_datetimes(column: pl.Series, name: str) -> Moments:
    zone = column.dtype.time_zone if isinstance(column.dtype, pl.Datetime) else None
    moments = column.cast(pl.Datetime("us", zone))
    moments = moments.dt.convert_time_zone("UTC") if zone else moments.dt.replace_time_zone("UTC")
    note = f"{name} is in {zone}, converted to UTC" if zone else f"{name} carries no zone: read as UTC"
    return Moments(_in_range(moments), () if zone == "UTC" else (note,))


def _in_range(moments: pl.Series) -> pl.Series:
    is_sane = (moments >= FIRST_MOMENT) & (moments < END_OF_MOMENTS)
    return pl.select(pl.when(is_sane).then(moments)).to_series().cast(_UTC_MICROSECONDS)


def _read_whole_numbers(text: pl.Series, name: str) -> tuple[pl.Series, tuple[str, ...]]:
    """Whole numbers stay whole: ns beyond 2**53 do not fit a float."""
    return _read_numbers(text.cast(pl.Int64, strict=False), name)


def _read_decimals(text: pl.Series, name: str) -> tuple[pl.Series, tuple[str, ...]]:
    return _read_numbers(to_float64(text), name)


def _read_numbers(column: pl.Series, name: str) -> tuple[pl.Series, tuple[str, ...]]:
    microseconds = pl.lit(None, dtype=pl.Int64)
    units = pl.lit(None, dtype=pl.String)
    value = pl.col("value")
    for unit, factor in _UNITS.items():
        low, end = (moment.timestamp() * 1e6 / factor for moment in (FIRST_MOMENT, END_OF_MOMENTS))
        is_unit = (value >= low) & (value < end)
        if column.dtype.is_integer():
            scaled = value.cast(pl.Int64, strict=False)
            scaled = scaled * int(factor) if factor >= 1 else scaled // int(1 / factor)
        else:
            scaled = (value * factor).round().cast(pl.Int64, strict=False)
        microseconds = pl.when(is_unit).then(scaled).otherwise(microseconds)
        units = pl.when(is_unit).then(pl.lit(unit)).otherwise(units)
    frame = column.rename("value").to_frame().select(microseconds.alias("moment"), units.alias("unit"))
    counts = frame["unit"].drop_nulls().value_counts(sort=True).rows()
    notes = tuple(f"{name} is a number of {unit} since 1970 ({count:,} rows)" for unit, count in counts)
    return frame["moment"].cast(_UTC_MICROSECONDS), notes


def _read_text(text: pl.Series, name: str) -> tuple[pl.Series, tuple[str, ...]]:
    # 2024/01/31 and 20240131 are one date; 01/02/2024 is refused, since nobody can tell day from month.
    tidy = text.str.strip_chars().str.replace(r"^(\d{4})/?(\d{2})/?(\d{2})(\D|$)", "$1-$2-$3$4")
    parts = tidy.str.extract_groups(_TEXT).struct.unnest().with_columns(
        pl.col("hour", "minute", "second").cast(pl.Int64, strict=False).fill_null(0),
        pl.col("half").str.to_uppercase(),
        zone=pl.col("zone").str.to_uppercase().replace({"Z": "+00:00", "UTC": "+00:00", "GMT": "+00:00"}),
    )  # fmt: skip
    zone_hours, zone_minutes = (pl.col("zone").str.replace(":", "").str.slice(*cut) for cut in ((1, 2), (3, 2)))
    parts = parts.with_columns(
        hour=_hour_of_day(),
        micro=pl.col("fraction").str.pad_end(6, "0").str.slice(0, 6).cast(pl.Int64).fill_null(0),
        zone_hour=zone_hours.cast(pl.Int64, strict=False).fill_null(0),
        zone_minute=zone_minutes.cast(pl.Int64, strict=False).fill_null(0),
    )
    is_real = (
        (pl.col("hour") < 24) & (pl.col("minute") < 60) & (pl.col("second") < 60)
        & (pl.col("zone_hour") <= 14) & (pl.col("zone_minute") < 60)
    )  # fmt: skip
    sign = pl.when(pl.col("zone").str.starts_with("-")).then(-1).otherwise(1)
    local = pl.col("date").str.to_datetime("%Y-%m-%d", strict=False, time_unit="us").cast(pl.Int64)
    seconds = pl.col("hour") * 3600 + pl.col("minute") * 60 + pl.col("second")
    offset = sign * (pl.col("zone_hour") * 3600 + pl.col("zone_minute") * 60)
    moment = local + (seconds - offset) * 1_000_000 + pl.col("micro")
    read = parts.select(pl.when(is_real).then(moment).cast(_UTC_MICROSECONDS).alias("moment"), "zone")
    moments = _in_range(read["moment"])
    return moments, _zone_notes(read["zone"].filter(moments.is_not_null()), name)


def _hour_of_day() -> pl.Expr:
    """12-AM is midnight, 12-PM noon; 13-PM is nonsense and becomes an hour that does not exist."""
    hour = pl.col("hour")
    is_twelve_hour_clock = hour.is_between(1, 12)
    converted = hour % 12 + pl.when(pl.col("half") == "P").then(12).otherwise(0)
    return pl.when(pl.col("half").is_null()).then(hour).when(is_twelve_hour_clock).then(converted).otherwise(99)


def _zone_notes(zones: pl.Series, name: str) -> tuple[str, ...]:
    counts = zones.value_counts(sort=True).rows()
    notes = [f"{name} carries no zone: read as UTC ({count:,} rows)" for zone, count in counts if zone is None]
    offsets = [f"{zone} ({count:,} rows)" for zone, count in counts if zone not in (None, "+00:00")]
    if offsets:
        notes.append(f"{name} has UTC offsets, converted: {', '.join(offsets)}")
    return tuple(notes)
