"""Numbers and moments as people read them: one place, so that the same price looks the same on every page.

Every function returns an en dash for ``None``: a figure that nobody has is shown as such, never as zero.
"""

from __future__ import annotations

import math
from datetime import datetime, timedelta
from typing import TypeGuard

NOTHING = "–"
_MINUS = "\N{MINUS SIGN}"
_THIN = "\N{NARROW NO-BREAK SPACE}"
_SCALES = ((1e12, "T"), (1e9, "B"), (1e6, "M"), (1e3, "K"))
_SHARES, _ERRORS = ("accuracy", "precision", "recall", "f1"), ("mae", "rmse")
_SIGNS = {"USD": "$", "INR": "₹"}


def price(value: float | None) -> str:
    """Return a price with two decimals, or with four significant digits below one.

    >>> price(64250.5), price(0.00001234), price(1.5), price(None)
    ('64,250.50', '0.00001234', '1.500', '–')
    """
    if not _is_known(value):
        return NOTHING
    size = abs(value)
    if size >= 10 or size == 0:
        return _signed(f"{value:,.2f}")
    if size >= 1:
        return _signed(f"{value:,.3f}")
    decimals = min(12, 3 - math.floor(math.log10(size)))
    return _signed(f"{value:.{decimals}f}")


def money(value: float | None, quote: str | None = "USD") -> str:
    """Return a price with the sign of its currency before it, or its code after it.

    >>> money(64250.5), money(3.2, "INR"), money(3.2, "USDT")
    ('$64,250.50', '₹3.200', '3.200\u202fUSDT')
    """
    return _with_unit(price(value), quote)


def amount(value: float | None, quote: str | None = None) -> str:
    """Return a large amount in three or four digits.

    >>> amount(1_287_654_000_000.0, "USD"), amount(950.0), amount(21_000_000)
    ('$1.288T', '950', '21.00M')
    """
    if not _is_known(value):
        return NOTHING
    for scale, letter in _SCALES:
        # From 999.95 on, four digits would be rounded up to the next letter.
        if abs(value) >= scale * 0.99995:
            return _with_unit(_signed(_four_digits(value / scale)) + letter, quote)
    return _with_unit(_signed(f"{value:,.0f}" if value == int(value) else _four_digits(value)), quote)


def _four_digits(value: float) -> str:
    size = abs(value)
    return f"{value:.{3 if size < 9.9995 else 2 if size < 99.995 else 1 if size < 999.95 else 0}f}"


def pct(value: float | None, decimals: int = 2) -> str:
    """Return a change in percent with its sign; `value` is in percent.

    >>> pct(1.234), pct(-0.001), pct(None)
    ('+1.23\u202f%', '0.00\u202f%', '–')
    """
    if not _is_known(value):
        return NOTHING
    rounded = round(value, decimals) + 0.0
    sign = "+" if rounded > 0 else ""
    return _signed(f"{sign}{rounded:.{decimals}f}") + f"{_THIN}%"


def share(fraction: float | None, decimals: int = 1) -> str:
    """Return a fraction in percent; one that is not whole is never rounded up to 100.

    >>> share(0.512), share(0.99999), share(1.0), share(0.00001)
    ('51.2\u202f%', '99.9\u202f%', '100\u202f%', '0.1\u202f%')
    """
    if not _is_known(fraction):
        return NOTHING
    if fraction in (0, 1):
        return f"{fraction * 100:.0f}{_THIN}%"
    step = 10.0**-decimals
    within = min(max(100 * fraction, step), 100 - step) if 0 < fraction < 1 else 100 * fraction
    return _signed(f"{within:.{decimals}f}") + f"{_THIN}%"


def bps(value: float | None) -> str:
    """Return basis points.

    >>> bps(2.345), bps(0.038)
    ('2.3\u202fbps', '0.04\u202fbps')
    """
    if not _is_known(value):
        return NOTHING
    return _signed(f"{value:.{1 if abs(value) >= 1 or value == 0 else 2}f}") + f"{_THIN}bps"


def points(fraction: float | None, decimals: int = 1) -> str:
    """Return a fraction in hundredths with its sign and without a unit, which the column says.

    >>> points(-0.0184), points(0.00001), points(None)
    ('−1.8', '+0.0', '–')
    """
    if not _is_known(fraction):
        return NOTHING
    return _signed(f"{round(100 * fraction, decimals) + 0.0:+.{decimals}f}")


def score(value: float | None, name: str) -> str:
    """Return a score as its readers know it: shares in percent, errors of returns in basis points, others as they are.

    >>> score(0.515, "accuracy"), score(0.0022, "mae"), score(0.6931, "log_loss")
    ('51.5\u202f%', '22.0\u202fbps', '0.6931')
    """
    if name in _SHARES:
        return share(value)
    if name in _ERRORS:
        return in_bps(value)
    return _signed(f"{value:.4f}") if _is_known(value) else NOTHING


def in_bps(fraction: float | None) -> str:
    """Return a fraction in basis points, without a sign.

    >>> in_bps(0.00321)
    '32.1\u202fbps'
    """
    return bps(1e4 * fraction) if _is_known(fraction) else NOTHING


def earned(fraction: float | None) -> str:
    """Return what a trade earns, a fraction, in basis points with its sign.

    >>> earned(-0.0018128), earned(0.00004)
    ('−18.1\u202fbps', '+0.4\u202fbps')
    """
    if not _is_known(fraction):
        return NOTHING
    return _signed(f"{round(1e4 * fraction, 1) + 0.0:+.1f}") + f"{_THIN}bps"


def count(value: float | None) -> str:
    """Return a whole number with thousands.

    >>> count(17539)
    '17,539'
    """
    return _signed(f"{value:,.0f}") if _is_known(value) else NOTHING


def moment(value: datetime | None, *, with_zone: bool = True) -> str:
    """Return a moment in UTC, to the second only if it has any.

    >>> from datetime import UTC
    >>> moment(datetime(2026, 11, 21, 18, 20, tzinfo=UTC))
    '2026-11-21 18:20 UTC'
    """
    if not isinstance(value, datetime):  # None, or the empty text of what is not there
        return NOTHING
    text = f"{value:%Y-%m-%d %H:%M:%S}" if value.second else f"{value:%Y-%m-%d %H:%M}"
    return f"{text} UTC" if with_zone else text


def span(length: timedelta | float | None) -> str:
    """Return a length of time in its largest unit, or its two largest; a number is in seconds.

    >>> span(timedelta(minutes=3)), span(5400), span(timedelta(days=400)), span(0.25)
    ('3 min', '1 h 30 min', '400 d', '0.25 s')
    """
    if not isinstance(length, timedelta | int | float):
        return NOTHING
    seconds = length.total_seconds() if isinstance(length, timedelta) else float(length)
    if seconds < 60:
        return f"{seconds:.3g} s"
    minutes, hours, days = int(seconds // 60), int(seconds // 3600), int(seconds // 86_400)
    if minutes < 60:
        return f"{minutes} min"
    if hours < 24:
        return f"{hours} h {minutes % 60} min" if minutes % 60 else f"{hours} h"
    return f"{days} d {hours % 24} h" if hours % 24 and days < 7 else f"{days:,} d"


def age(value: datetime | None, now: datetime | None) -> str:
    """Return how long ago `value` was, to the minute: a page is not another page because a second went by.

    >>> from datetime import UTC
    >>> noon = datetime(2026, 1, 1, 12, tzinfo=UTC)
    >>> age(noon, noon + timedelta(seconds=40)), age(noon, noon + timedelta(minutes=119)), age(None, noon)
    ('just now', '119 min ago', '–')
    """
    if not (isinstance(value, datetime) and isinstance(now, datetime)):
        return NOTHING
    length = now - value
    if length < timedelta(minutes=1):
        return "just now" if length > timedelta(minutes=-1) else f"in {span(-length)}"
    units = ((timedelta(days=1), "d"), (timedelta(hours=1), "h"))
    unit, name = next((one for one in units if length >= 2 * one[0]), (timedelta(minutes=1), "min"))
    return f"{length // unit:,} {name} ago"


def direction(value: float | None) -> str:
    """Return ``up``, ``down`` or ``flat``: the class by which a change is coloured and marked.

    >>> direction(0.5), direction(-2), direction(0.0), direction(None)
    ('up', 'down', 'flat', 'flat')
    """
    if not _is_known(value) or value == 0:
        return "flat"
    return "up" if value > 0 else "down"


def sign_of(value: float | None) -> str:
    """Return the mark of a change for those who do not see its colour.

    >>> sign_of(1.0), sign_of(-1.0), sign_of(0.0)
    ('▲', '▼', '')
    """
    return {"up": "▲", "down": "▼"}.get(direction(value), "")


def _is_known(value: object) -> TypeGuard[float]:
    # A template gives an empty text for what is not there, as for the score of a model whose paper has none.
    return isinstance(value, int | float) and math.isfinite(value)


def _signed(text: str) -> str:
    return text.replace("-", _MINUS)


def _with_unit(text: str, quote: str | None) -> str:
    if not quote or text == NOTHING:
        return text
    sign = _SIGNS.get(quote)
    if sign is None:
        return f"{text}{_THIN}{quote}"
    return f"{_MINUS}{sign}{text[1:]}" if text.startswith(_MINUS) else f"{sign}{text}"
