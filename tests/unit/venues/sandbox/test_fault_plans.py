"""Faults from words: what is written is what strikes, what is not known is named with what is meant."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from assay.domain.errors import BadInputError
from assay.venues.registry import venue_names
from assay.venues.sandbox.fault_plans import all_kinds, join_plans, make_fault, parse_fault, read_fault_plan
from assay.venues.sandbox.faults import Fault, FaultPlan, Kind
from tests.unit.venues.sandbox.asking import NOON
from tests.unit.venues.sandbox.reading import at

START = at(2024, 5, 1)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("down", Fault(Kind.DOWN)),
        ("429:0.25", Fault(Kind.TOO_MANY, probability=0.25)),
        ("5xx@wazirx", Fault(Kind.SERVER_ERROR, venue="wazirx")),
        ("missing@binance/klines:0.05", Fault(Kind.MISSING, venue="binance", endpoint="klines", probability=0.05)),
        ("silence@/depth:1:9.5", Fault(Kind.SILENCE, endpoint="depth", seconds=9.5)),
        ("skew:1:-40", Fault(Kind.SKEW, seconds=-40.0)),
    ],
)
def test_short_form_says_kind_place_probability_and_seconds(text: str, fault: Fault) -> None:
    assert parse_fault(text) == fault


@pytest.mark.parametrize("kind", Kind)
def test_every_kind_can_be_written(kind: Kind) -> None:
    assert parse_fault(kind.value) == make_fault({"kind": kind.value}) == Fault(kind)


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("silense", "did you mean silence"),
        ("weather", "use one of 429"),
        ("429@binanse", "did you mean binance"),
        ("429@binance/kline", "did you mean klines"),
        ("429@coingecko/klines", "coins_markets"),
        ("429@/kline", "did you mean klines"),
        ("429:often", "probability is no number"),
        ("429:2", "not a probability"),
        ("429:1:x", "seconds is no number"),
        ("429:1:2:3", "write KIND"),
        ("", "use one of 429"),
    ],
)
def test_what_is_not_known_is_named_with_what_is_meant(text: str, meant: str) -> None:
    with pytest.raises(BadInputError) as caught:
        parse_fault(text)
    assert meant in str(caught.value)


PLAN = """
seed: 7
faults:
  - {kind: 429, venue: binance, endpoint: klines, calls: [1, 3], seconds: 10}
  - {kind: down, venue: wazirx, start: 2024-05-01T03:00:00, end: 2024-05-01}
  - truncated:0.1
"""


def written(folder: Path, text: str) -> Path:
    file = folder / "faults.yaml"
    file.write_text(text, encoding="utf-8")
    return file


def test_file_holds_faults_by_their_fields_or_in_short(tmp_path: Path) -> None:
    plan = read_fault_plan(written(tmp_path, PLAN.replace("end: 2024-05-01", "end: 2024-05-02")))
    first = Fault(Kind.TOO_MANY, venue="binance", endpoint="klines", calls=(1, 3), seconds=10.0)
    down = Fault(Kind.DOWN, venue="wazirx", start=at(2024, 5, 1, 3), end=at(2024, 5, 2))
    assert plan == FaultPlan(7, (first, down, Fault(Kind.TRUNCATED, probability=0.1)))
    assert read_fault_plan(written(tmp_path, "faults: []"), seed=5) == FaultPlan(5)


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        (PLAN, "fault 2 of the plan is wrong"),  # it ends before it starts
        ("faults: {", "not YAML"),
        ("- down", "no list of faults"),
        ("faults: down", "no list of faults"),
        ("{faults: [], sed: 1}", "did you mean seed"),
        ("{faults: [], seed: -1}", "seed"),
        ("faults: [{kind: down, endpont: klines}]", "did you mean endpoint"),
        ("faults: [{venue: binance}]", "without a kind"),
        ("faults: [{kind: down, start: soon}]", "not a date or time"),
        ("faults: [{kind: down, calls: [one]}]", "no whole numbers"),
        ("faults: [{kind: down, probability: true}]", "no number"),
        ("faults: [null]", "unknown kind"),
    ],
)
def test_wrong_file_is_refused_in_words(tmp_path: Path, text: str, meant: str) -> None:
    with pytest.raises(BadInputError) as caught:
        read_fault_plan(written(tmp_path, text))
    assert meant in str(caught.value)


@pytest.mark.parametrize("body", [None, b"\xff\xfe"])
def test_file_that_cannot_be_read_is_refused(tmp_path: Path, body: bytes | None) -> None:
    file = tmp_path / "faults.yaml"
    if body is not None:
        file.write_bytes(body)
    with pytest.raises(BadInputError, match="cannot be read"):
        read_fault_plan(file)


def test_all_kinds_are_in_the_plan_of_all_and_every_venue_has_its_hour_off() -> None:
    plan = all_kinds(3, start=START)
    assert {fault.kind for fault in plan.faults} == set(Kind)
    down = {fault.venue: (fault.start, fault.end) for fault in plan.faults if fault.kind is Kind.DOWN}
    hours = [START + timedelta(hours=1 + 2 * number) for number in range(len(venue_names()))]
    assert down == {name: (first, first + timedelta(hours=1)) for name, first in zip(venue_names(), hours, strict=True)}


def test_every_drawn_kind_strikes_within_a_day_of_polls() -> None:
    plan = all_kinds(3, start=START - timedelta(days=9))
    struck = {one.fault.kind for number in range(1, 2_000) for one in plan.strikes("binance", "klines", number, NOON)}
    assert struck == set(Kind) - {Kind.DOWN}


def test_lossy_faults_can_be_kept_to_one_endpoint() -> None:
    plan = all_kinds(3, start=START - timedelta(days=9), lossy="klines")
    kinds = {one.fault.kind for number in range(1, 2_000) for one in plan.strikes("binance", "depth", number, NOON)}
    # What is left either fails, or is no JSON: nothing that reads well is wrong.
    assert kinds == {Kind.TOO_MANY, Kind.BANNED, Kind.SERVER_ERROR, Kind.SILENCE, Kind.TRUNCATED, Kind.MALFORMED}
    with pytest.raises(BadInputError, match="did you mean klines"):
        all_kinds(3, start=START, lossy="kline")


def test_joined_plans_hold_all_faults() -> None:
    plans = [FaultPlan(1, (Fault(Kind.DOWN),)), FaultPlan(2, (Fault(Kind.EARLY),))]
    assert join_plans(9, plans) == FaultPlan(9, (Fault(Kind.DOWN), Fault(Kind.EARLY)))
