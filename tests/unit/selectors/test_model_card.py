"""A card says what the paper says, word for word and number for number, and lets no name become markup."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from assay.domain.clock import FrozenClock
from assay.domain.model_key import ModelKey
from assay.lake import model_aliases
from assay.lake.model_aliases import Aliases
from assay.lake.model_store import register
from assay.lake.sealed import Author, documents_of
from assay.pipelines.workspace import Workspace, open_workspace
from assay.selectors.cards.blocks import PERCENT, Bar, Intervals, ModelCard, Section
from assay.selectors.model_card import model_card
from assay.selectors.model_evidence import Bounded
from assay.settings import Settings
from tests.unit.lake.registered import NOON, PAPER

SKILL = "No skill: 24 h direction accuracy 51.5 % [47.9, 55.1] against 53.3 % for the base rate; it includes zero"
EDGE = "No edge: a trade earns -18.1 bps [-30.0, -6.2] after 20.0 bps of costs, which lies below zero"
HOSTILE = (
    '</style><script src="https://x.example/a.js">alert(1)</script>"\' onload=alert(1) &amp; [a](b) `c` | d\n# e\x1b[2J'
)


def number(value: float, low: float, high: float) -> dict[str, float]:
    return {"value": value, "low": low, "high": high, "level": 0.95}


def evidence(**others: object) -> dict[str, Any]:
    accuracy = {"accuracy": number(0.515, 0.479, 0.551), "f1": number(0.559, 0.502, 0.61), "true_up": 3_679}
    part = {"rows": 5_984, "first_at": "2024-08-24T04:00:00+00:00", "last_at": "2025-04-30T00:00:00+00:00"}
    return {
        "skill": {
            "verdict": "no_skill", "sentence": SKILL, "n": 11_969, "trials": 3, "model": accuracy,
            "baseline": {"accuracy": number(0.533, 0.49, 0.574)},
            "accuracy_difference": number(-0.018, -0.041, 0.005),
            "first_at": "2024-08-24T04:00:00+00:00", "last_at": "2026-01-04T20:00:00+00:00",
        },
        "edge": {
            "verdict": "no_edge", "sentence": EDGE, "trades": 11_969, "cost": 0.002, "deflated_sharpe": 0.03,
            "gross": number(0.00019, -0.001, 0.00138), "net": number(-0.00181, -0.003, -0.00062),
        },
        "importance": {"features": [{"name": "rsi_14", "rise": number(0.0094, -0.014, 0.033), "stability": 0.667}]},
        "scores": dict.fromkeys(("train", "validation", "test"), part | accuracy),
        "baselines": [{
            "name": "last_value", "gain": number(0.02, -0.032, 0.072), "measure": "share_wrong",
            "diebold_mariano": {"p_better": 0.205},
        }],
        "dependence": {"sentence": "Nothing found that it knows", "is_found": False},
        "ablation": {"groups": [{"name": "order_flow", "rise": number(0.01, 0.004, 0.016), "answer": "adds"}]},
        "regimes": {"volatility": [
            {"name": "calm", "rows": 4_344, "share": 0.36, "is_enough": True, "model": number(0.41, 0.34, 0.48),
             "baseline": number(0.42, 0.35, 0.49), "gain": number(0.01, -0.01, 0.03)},
            {"name": "wild", "rows": 0, "share": 0.0, "is_enough": False},
        ]},
        "search": {"combinations": 30, "sampler": "tpe", "folds": 3, "of_folds": 6, "best": {"depth": 4},
                   "measure": "mean_squared_error", "best_loss": 0.2497, "usual_loss": 0.2511},
        "signal": {"confidence": 0.8, "buy": 12, "sell": 3, "hold": 985, "share_held": 0.985, "right": 0.6},
        "interval": {"level": 0.9, "low": -0.00563, "high": 0.00584, "held": 0.888},
        "rows": 13_963, "kept_rows": 3_497, "seed": 7,
    } | others  # fmt: skip


CERTIFICATE = {
    "content_hash": "6180141aafd977c4",
    "subject": "direction",
    "checks": ["stream", "comb"],
    "density": 0.25,
}


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return open_workspace(Settings(home=tmp_path / "home"), clock=FrozenClock(NOON))


def card_of(
    workspace: Workspace, found: Mapping[str, object], certificate: Mapping[str, object] | None = CERTIFICATE,
    **others: object,
) -> ModelCard:  # fmt: skip
    """Register a model with that evidence and return its card."""
    chosen = replace(PAPER, evidence=found, certificate=certificate, **others)  # type: ignore[arg-type]
    made = register(documents_of(workspace.home), chosen, b"artefact", Author("ada", NOON))
    return model_card(workspace, made.version[:6])


class Reader(HTMLParser):
    """Takes a page apart, and sees whether every tag that was opened is closed."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.text = ""
        self._open: list[str] = []
        self.feed(page)
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in ("meta", "line", "circle"):
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in ("line", "circle"):
            assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data + " "


def test_both_forms_say_what_the_paper_says(workspace: Workspace) -> None:
    card = card_of(workspace, evidence())
    page, text = Reader(card.html()).text, card.markdown()
    for said in (
        "Not financial advice", "does not show skill", "higher 24 hours after the close of a bar of BTC-USDT",
        SKILL, EDGE, "51.5 % [47.9, 55.1]", "53.3 % [49.0, 57.4]", "-1.8 points [-4.1, +0.5]", "55.9 % [50.2, 61.0]",
        "-18.1 bps [-30.0, -6.2]", "20.0 bps, in and out", "+0.9 points [-1.4, +3.3]", "67 %",
        "+2.0 points [-3.2, +7.2]", "p 0.205", "Nothing found that it knows", "order flow", "adds",
        "59.0 % [52.0, 66.0]", "too few rows to say anything", "30", "the first 3 of 6 folds", "depth 4",
        "985", "98.5 %", "60.0 %", "-56.3 bps to +58.4 bps", "88.8 %", "--confidence 0.8",
        "13,963", "3,497 newer ones", "6180141aafd977c4", "25.0 % by the thinnest check", "scikit-learn==1.7.2",
        "assay train binance:spot:BTC-USDT --task direction_24h --interval 1h --model logistic",
    ):  # fmt: skip
        assert said in page, said
        assert said in text, said
    assert "true_up" not in page  # a count is no score


def test_paper_without_evidence_or_certificate_says_so_and_has_no_empty_sections(workspace: Workspace) -> None:
    card = card_of(workspace, {}, None)
    titles = [one.title for one in card.sections]
    assert titles == [
        "Intended use", "What it learned from", "Whether its features see the future", "Limits",
        "Champion and challengers", "How to make it again",
    ]  # fmt: skip
    assert "no evidence of skill: do not act" in card.markdown()
    assert "There is no certificate" in card.markdown()
    assert all(one.blocks for one in card.sections)


@pytest.mark.parametrize("wrong", [None, "text", 3, [1, "a"], {"features": 7, "groups": "x", "model": [], "train": 1}])
def test_parts_that_are_not_what_they_should_be_are_passed_over(workspace: Workspace, wrong: object) -> None:
    card = card_of(workspace, dict.fromkeys(evidence(), wrong), None)
    assert Reader(card.html()).text
    assert card.markdown()


def test_skill_without_an_edge_is_no_reason_to_trade(workspace: Workspace) -> None:
    skilled = evidence()["skill"] | {"verdict": "skill"}
    assert "do not trade on what it says" in card_of(workspace, evidence(skill=skilled)).markdown()
    both = evidence(skill=skilled, edge=evidence()["edge"] | {"verdict": "edge"})
    assert "do not" not in card_of(workspace, both).markdown()


def test_history_of_the_champion_is_told_with_its_reasons(workspace: Workspace) -> None:
    documents = documents_of(workspace.home)
    made = register(documents, PAPER, b"artefact", Author("ada", NOON))
    model_aliases.promote(
        documents, PAPER.key, made.version, known=Aliases(), author=Author("bob", NOON), why="won on <new> rows"
    )
    text = Reader(model_card(workspace, made.version).html()).text
    for said in ("champion", "bob", "won on <new> rows", "2024-01-01 12:00"):
        assert said in text


def test_task_and_source_of_every_kind_have_words(workspace: Workspace) -> None:
    for task, source, said in (
        (
            "delta_1h",
            "binance:1h",
            "by how much the price will have changed 1 hour after the close of a bar of all series",
        ),
        ("signal_30m", "wazirx:spot:BTC-INR:5m", "Says BUY, SELL or HOLD at the close of a bar of BTC-INR"),
        ("something", "coingecko", "Foretells something of coingecko"),
    ):
        assert said in card_of(workspace, {}, key=ModelKey(task, source)).markdown()


def test_names_are_escaped_wherever_they_stand(workspace: Workspace) -> None:
    found = evidence(
        skill=evidence()["skill"] | {"sentence": HOSTILE},
        importance={"features": [{"name": HOSTILE, "rise": number(0.1, 0.0, 0.2), "stability": 1.0}]},
        search={"combinations": 1, "sampler": HOSTILE, "best": {HOSTILE: HOSTILE}},
    )
    hostile = card_of(
        workspace, found, CERTIFICATE | {"subject": HOSTILE, "checks": [HOSTILE]}, estimator=HOSTILE,
        parameters={"columns": HOSTILE, HOSTILE: HOSTILE}, data_version=HOSTILE,
    )  # fmt: skip
    plain = card_of(workspace, evidence())
    page, usual = Reader(hostile.html()), Reader(plain.html())
    assert "script" not in page.tags
    assert set(page.tags) == set(usual.tags)
    assert {name for name, _ in page.attributes} == {name for name, _ in usual.attributes}
    text = hostile.markdown()
    assert "\x1b" not in text + hostile.html()
    outside = re.sub(r"^```sh\n.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)
    assert len(re.findall("^#", outside, flags=re.MULTILINE)) == len(
        re.findall("^#", plain.markdown(), flags=re.MULTILINE)
    )
    assert not re.search(r"(?<!\\)[<`]|(?<!\\)\]\(", outside.replace("> **", ""))


def test_page_reaches_out_to_nothing_and_knows_both_themes(workspace: Workspace) -> None:
    page = card_of(workspace, evidence()).html()
    reader = Reader(page)
    assert {"script", "link", "img", "iframe", "object", "form"} & set(reader.tags) == set()
    assert not {"href", "src", "style", "onload"} & {name for name, _ in reader.attributes}
    assert "url(" not in page
    assert "default-src 'none'" in page
    style = page[page.index("<style>") : page.index("</style>")]
    light, dark = style.split("@media (prefers-color-scheme: dark)")
    assert (
        set(re.findall(r"(--\w+):", light))
        == set(re.findall(r"(--\w+):", dark))
        >= set(re.findall(r"var\((--\w+)\)", style))
    )


def test_interval_is_drawn_where_its_numbers_say() -> None:
    bars = (Bar("one", Bounded(0.5, 0.4, 0.6)), Bar("other", Bounded(0.7, 0.6, 0.8), is_own=False))
    page = ModelCard("a", "b", "c", (Section("d", (Intervals("share", bars, PERCENT, mark=0.4),)),)).html()
    own = re.search(r'<line x1="([\d.]+)" y1="\d+" x2="([\d.]+)" y2="\d+" class="own"/>', page)
    point = re.search(r'<circle cx="([\d.]+)" cy="\d+" r="5" class="own"/>', page)
    mark = re.search(r'<line x1="([\d.]+)" [^>]* class="mark"/>', page)
    other = re.search(r'<line x1="([\d.]+)" y1="\d+" x2="([\d.]+)" y2="\d+" class="other"/>', page)
    assert own
    assert point
    assert mark
    assert other
    low, high = float(own[1]), float(own[2])
    assert float(point[1]) == pytest.approx((low + high) / 2, abs=0.1)
    assert float(mark[1]) == low
    # Where one interval ends the other one begins, and both are as long.
    assert float(other[1]) == high
    assert float(other[2]) - float(other[1]) == pytest.approx(high - low, abs=0.2)
