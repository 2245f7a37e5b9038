"""The chart's own arithmetic against the domain's: open times, which bars make which, and what is asked for."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from itertools import product

from assay.domain.interval import CODES, EPOCH, Interval
from assay.features.registry import STEPS
from assay.selectors.bars import can_make
from assay.selectors.candles import LEVELS
from tests.browser.conftest import OpenPage

_RANDOM = random.Random(4)
_FIRST = datetime(2020, 1, 1, tzinfo=UTC)
_HOUR, _MINUTE = 3_600_000, 60_000


def ms(moment: datetime) -> int:
    return (moment - EPOCH) // timedelta(milliseconds=1)


def test_open_times_are_those_of_the_domain(open_page: OpenPage, site: str) -> None:
    page = open_page(f"{site}/accounts/login/")
    moments = [_FIRST + timedelta(seconds=_RANDOM.randrange(6 * 365 * 86_400)) for _ in range(50)]
    cases = [(code, moment) for code, moment in product(CODES, moments)]
    found = page.evaluate(
        """async (cases) => {
            const { floorTo, nextOpen } = await import("/static/assay/chart-time.js");
            return cases.map(([code, time]) => [floorTo(code, time), nextOpen(code, floorTo(code, time))]);
        }""",
        [[code, ms(moment)] for code, moment in cases],
    )
    for (code, moment), (opened, following) in zip(cases, found, strict=True):
        interval = Interval.parse(code)
        assert (opened, following) == (
            ms(interval.floor(moment)),
            ms(interval.close_time(interval.floor(moment))),
        ), (code, moment)


def test_what_is_made_of_what_is_as_in_the_selector(open_page: OpenPage, site: str) -> None:
    page = open_page(f"{site}/accounts/login/")
    pairs = list(product(LEVELS, LEVELS))
    found = page.evaluate(
        """async (pairs) => {
            const { LADDER, divides } = await import("/static/assay/chart-time.js");
            return [LADDER, pairs.map(([stored, shown]) => divides(stored, shown))];
        }""",
        pairs,
    )
    assert tuple(found[0]) == LEVELS
    assert found[1] == [can_make(Interval.parse(stored), Interval.parse(shown)) for stored, shown in pairs]


def test_question_covers_the_view_and_stays_within_the_limit(open_page: OpenPage, site: str) -> None:
    """Five years of hours and thirty days of minutes, seen through views of a minute to six years."""
    page = open_page(f"{site}/accounts/login/")
    end = ms(datetime(2025, 1, 1, 12, 30, tzinfo=UTC))
    stored = [
        {"interval": "1m", "first": end - 30 * 24 * _HOUR, "last": end - _MINUTE},
        {"interval": "1h", "first": end - 5 * 8_766 * _HOUR, "last": end - 30 * _MINUTE},
    ]
    views = []
    for _ in range(400):
        length = int(_MINUTE * 10 ** _RANDOM.uniform(1, 6.5))
        begin = int(_RANDOM.uniform(end - 5 * 8_766 * _HOUR - length / 2, end - length / 2))
        views.append({"from": begin, "to": begin + length})
    asked = page.evaluate(
        """async ([views, stored]) => {
            const { LIMIT, extentOf, planFor } = await import("/static/assay/chart-plan.js");
            const { lengthOf } = await import("/static/assay/chart-time.js");
            const extent = extentOf(stored);
            return views.map((view) => {
                const plan = planFor(view, { requested: "1m", stored, width: 940 });
                const until = plan.end ?? extent.end;
                return {
                    bars: (until - plan.start) / lengthOf(plan.interval), limit: LIMIT,
                    covers: plan.start <= Math.max(view.from, extent.first) && until >= Math.min(view.to, extent.end),
                };
            });
        }""",
        [views, stored],
    )
    assert all(one["bars"] <= one["limit"] for one in asked)
    assert all(one["covers"] for one in asked)


def test_outputs_of_an_indicator_are_told_apart_by_what_differs(open_page: OpenPage, site: str) -> None:
    page = open_page(f"{site}/accounts/login/")
    outputs = {name: list(make().outputs) for name, make in sorted(STEPS.items())}
    found = page.evaluate(
        """async (outputs) => {
            const { shortNames } = await import("/static/assay/chart-lines.js");
            const labels = ([name, of]) => [name, [...shortNames(of).values()]];
            return Object.fromEntries(Object.entries(outputs).map(labels));
        }""",
        outputs,
    )
    assert all(len(set(labels)) == len(outputs[name]) for name, labels in found.items())
    assert found["bollinger"] == ["upper", "middle", "lower", "width", "position"]
    assert found["macd"] == ["", "signal", "histogram"]
    assert found["adx"] == ["adx", "plus di", "minus di"]
    assert found["ema"] == [""]
