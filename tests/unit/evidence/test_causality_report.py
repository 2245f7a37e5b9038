"""The report of an audit: everything that was found is in it, and nothing that could reach out or run."""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime
from html.parser import HTMLParser
from xml.etree import ElementTree

import pytest

from assay.evidence.causality.certificate import Certificate
from assay.evidence.causality.findings import Audit, Check, Evidence, Finding, Leak
from assay.evidence.causality.picture import picture
from assay.evidence.causality.report import report_html

HOUR = 3_600_000_000
START = 1_704_067_200_000_000
NAN = math.nan


def leak(**changes: object) -> Finding:
    times = tuple(START + hour * HOUR for hour in range(8))
    evidence = Evidence(
        "truncation",
        cut=times[4],
        times=times,
        with_future=(1.0, 2.0, 3.0, 2.0, 5.0, 6.0, NAN, 8.0),
        without=(1.0, 2.0, 3.0, 2.0, 2.5, NAN, NAN, NAN),
        lags=(1, 2),
        reads=("close", "high"),
        leaking=3,
        checked=40,
    )
    facts = {
        "kind": Leak.FUTURE_VALUE,
        "column": "next",
        "cause": "the value of 2 bars later is read",
        "todo": "shift the other way",
        "row": 4,
        "lag": 2,
        "time": datetime(2024, 1, 1, 3, tzinfo=UTC),
        "series": "BTC-USDT",
        "before": 2.5,
        "after": 5.0,
        "evidence": evidence,
    }
    return Finding(**(facts | changes))  # type: ignore[arg-type]


def audit(*findings: Finding, subject: str = "features.py:next") -> Audit:
    check = Check("truncation", "data cut at 4 moments", 1_000, 40, not findings)
    certificate = None
    if not findings:
        certificate = Certificate.of(
            subject, code="c", config="", data_version="v1", checks=("truncation",), density=0.04
        )
    return Audit(subject, (check,), findings, certificate)


class Reader(HTMLParser):
    """Checks that elements are closed in the order in which they were opened, and keeps what it reads."""

    VOID = frozenset({"meta", "line", "rect", "circle", "polyline", "path"})

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def read(page: str) -> Reader:
    reader = Reader()
    reader.feed(page)
    assert reader.open == []
    return reader


def test_all_that_was_found_is_said_in_words() -> None:
    text = read(report_html([audit(leak())])).text
    for said in (
        "1 of 1 see the future: 1 leak.", "features.py:next", "future_value", "BTC-USDT", "2024-01-01 03:00:00 UTC",
        "2.5 with what was known, 5 in hindsight", "2 bars", "close, high", "3 leak, of 40 that were checked",
        "The value of 2 bars later is read.", "Shift the other way.", "40 of 1,000", "data cut at 4 moments", "failed",
    ):  # fmt: skip
        assert said in text, said


def test_an_audit_that_found_nothing_shows_its_certificate() -> None:
    clean = audit()
    reader = read(report_html([clean]))
    assert "no look into the future was found" in reader.text
    assert clean.certificate is not None
    for said in (clean.certificate.content_hash, clean.certificate.code_hash, "v1", "4.0 % by the thinnest check"):
        assert said in reader.text
    assert "svg" not in reader.tags


def test_audits_that_found_something_come_first_and_can_be_jumped_to() -> None:
    page = report_html([audit(subject="clean"), audit(leak(), leak(column="other"), subject="leaking")])
    assert page.index("<h2>leaking") < page.index("<h2>clean")
    assert "1 of 2 see the future: 2 leaks." in read(page).text
    targets = re.findall(r'href="#([^"]+)"', page)
    assert len(targets) == 2
    assert all(f'id="{target}"' in page for target in targets)


HOSTILE = '</style><script src="https://x.example/a.js">alert(1)</script>"\' onload=alert(1) &amp; <svg>'


def test_names_are_escaped_wherever_they_stand() -> None:
    given = leak(column=HOSTILE, cause=HOSTILE, todo=HOSTILE, series=HOSTILE)
    hostile = Check(HOSTILE, HOSTILE, 1, 1, False)
    certificate = Certificate.of(HOSTILE, code="", config="", data_version=HOSTILE, checks=(HOSTILE,), density=1.0)
    reader = read(report_html([Audit(HOSTILE, (hostile,), (given,), certificate), audit(subject=HOSTILE)]))
    plain = read(report_html([audit(leak()), audit()]))
    assert "script" not in reader.tags
    assert set(reader.tags) == set(plain.tags)
    assert {name for name, _ in reader.attributes} == {name for name, _ in plain.attributes}
    assert HOSTILE in reader.text


def test_the_page_reaches_out_to_nothing_and_knows_both_themes() -> None:
    page = report_html([audit(leak())])
    reader = read(page)
    assert {"script", "link", "img", "iframe", "object", "form"} & set(reader.tags) == set()
    addresses = [value for name, value in reader.attributes if name in ("href", "src", "action", "xlink:href")]
    assert all(str(one).startswith("#") for one in addresses)
    assert "url(" not in page
    assert "@import" not in page
    assert "default-src 'none'" in page
    assert "prefers-color-scheme: dark" in page
    # Every colour is one of the page's variables, each of which has a value in both themes.
    style = page[page.index("<style>") : page.index("</style>")]
    light, dark = style.split("@media (prefers-color-scheme: dark)")
    defined = set(re.findall(r"(--\w+):", light))
    assert defined == set(re.findall(r"(--\w+):", dark))
    assert set(re.findall(r"var\((--\w+)\)", style)) == defined
    assert "fill=" not in page


def test_picture_shows_the_row_both_ways_what_was_not_known_and_how_far_it_looks() -> None:
    drawn = ElementTree.fromstring(picture(leak()))
    kinds = {part.get("class"): part for part in drawn.iter()}
    times = {part.get("class"): float(part.get("x1", "nan")) for part in drawn.iter("line")}
    row_before, row_after = kinds["before row"], kinds["after row"]
    # The row stands on the line of the cut; it went up (to a smaller y) in hindsight.
    assert float(row_before.get("cx", "")) == float(row_after.get("cx", "")) == times["cut"] == times["moved"]
    assert float(row_after.get("cy", "")) < float(row_before.get("cy", ""))
    assert float(kinds["future"].get("x", "")) == times["cut"]
    # The bracket reaches from the row to two bars behind it, of seven that are drawn over 674 units.
    reach = re.findall(r"[\d.]+", kinds["reach"].get("d", ""))
    assert float(reach[3]) - float(reach[0]) == pytest.approx(2 * 674 / 7, abs=0.2)
    assert "2 bars ahead" in "".join(drawn.itertext())
    # A line is broken where there is no value: hindsight lacks one in the middle, what was known ends.
    lines = [part.get("class") for part in drawn.iter("polyline")]
    assert sorted(str(one) for one in lines) == ["after", "before"]
    assert "future_value: column next, 2 bars ahead; 2.5 with what was known" in str(drawn.get("aria-label"))


def test_bracket_is_open_where_the_leak_reaches_beyond_the_picture() -> None:
    drawn = ElementTree.fromstring(picture(leak(lag=500)))
    (reach,) = [part.get("d", "") for part in drawn.iter("path")]
    assert reach.count("V") == 1
    assert "500 bars ahead" in "".join(drawn.itertext())


@pytest.mark.parametrize(
    "evidence",
    [
        None,
        Evidence("split", leaking=1, checked=2),
        Evidence("truncation", times=(1,), with_future=(1.0,), without=(2.0,)),
        Evidence("truncation", times=(1, 2), with_future=(NAN, NAN), without=(NAN, NAN)),
    ],
)
def test_without_values_to_draw_there_is_no_picture_and_the_rest_is_said(evidence: Evidence | None) -> None:
    found = leak(evidence=evidence)
    assert picture(found) == ""
    assert "Shift the other way." in read(report_html([audit(found)])).text


@pytest.mark.parametrize("values", [(3.0, 3.0, 3.0), (0.0, 0.0, 0.0), (1e-300, 1e300, -1e300), (1.0, math.inf, 2.0)])
def test_a_picture_of_odd_values_is_still_a_picture(values: tuple[float, ...]) -> None:
    seen = Evidence("truncation", cut=2, times=(1, 2, 3), with_future=values, without=(NAN, NAN, NAN))
    drawn = ElementTree.fromstring(picture(leak(evidence=seen, before=None, after=values[1], lag=1)))
    numbers = [part.get(name) for part in drawn.iter() for name in ("x", "y", "cx", "cy", "x1", "y1")]
    assert all(math.isfinite(float(one)) for one in numbers if one is not None)
