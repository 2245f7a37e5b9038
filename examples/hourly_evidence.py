"""What a model knows of Bitcoin and Ether one hour and one day ahead: every command of it, and the table of the README.

Usage: python examples/hourly_evidence.py [PLAN]

PLAN says which recordings are imported; examples/bitcoin_and_ether.yaml if it is left out. The home is ASSAY_HOME, or
var/evidence; a second run there trains nothing new, since the same again is the same trial. Every model that is
trained is in the table, in the order in which they were trained.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import shlex
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from assay.cli import main as assay

PLAN = Path(__file__).with_name("bitcoin_and_ether.yaml")
FUTURE = "binance:usdm:BTC-USDT"
SPOT = ("BTC-USDT", "ETH-USDT")
CHOSEN = [
    *(f"{symbol} --task direction_1h --features direction" for symbol in SPOT),
    *(
        f"{symbol} --task {task} --features next_bar --model {model}"
        for model in ("logistic", "lightgbm")
        for task in ("direction_1h", "direction_24h")
        for symbol in SPOT
    ),
    *(f"{FUTURE} --task direction_1h --features {features}" for features in ("next_bar", "next_bar_flow")),
]
PROMOTED = "logistic"
"""Which models are asked about the rows that were kept: named before any of them is trained."""
COLUMNS = ("series", "ahead", "features", "model", "right, %", "base rate, %", "difference, points", "skill",
           "a trade earns before costs, bps", "edge after 20 bps")  # fmt: skip


def said(words: str, *, may_refuse: bool = False) -> dict[str, Any]:
    """Run one command and return what it says; show both."""
    print(f"$ assay {words}", flush=True)
    heard = io.StringIO()
    with contextlib.redirect_stdout(heard):
        code = assay([*shlex.split(words), "--json"])
    if code and not may_refuse:
        sys.exit(code)
    document: dict[str, Any] = json.loads(heard.getvalue())
    return document


def in_points(of: Mapping[str, float], unit: float, form: str) -> str:
    """Return a number with its interval."""
    return f"{unit * of['value']:{form}} [{unit * of['low']:{form}}, {unit * of['high']:{form}}]"


def row(paper: Mapping[str, Any]) -> tuple[str, ...]:
    """Return what the table says of one model."""
    skill, edge = paper["evidence"]["skill"], paper["evidence"]["edge"]
    features = paper["feature_set"].partition("/")[0]
    venue, market, symbol, _ = paper["source"].split(":")
    return (
        symbol if market == "spot" else f"{symbol} ({venue} {market})",
        skill["horizon"],
        features,
        paper["estimator"],
        in_points(skill["model"]["accuracy"], 100, ".1f"),
        f"{100 * skill['baseline']['accuracy']['value']:.1f}",
        in_points(skill["accuracy_difference"], 100, "+.1f"),
        skill["verdict"].replace("_", " "),
        in_points(edge["gross"], 1e4, "+.1f"),
        edge["verdict"].replace("_", " "),
    )


def main() -> None:
    """Import, build, train, promote; print the table."""
    os.environ.setdefault("ASSAY_HOME", "var/evidence")
    plan = sys.argv[1] if len(sys.argv) > 1 else str(PLAN)
    said(f"import --plan {shlex.quote(plan)}")
    said("build")
    papers, chosen = [], []
    for words in CHOSEN:
        (made,) = said(f"train {words}")["trained"]
        evidence = made["paper"]["evidence"]
        print(f"{evidence['skill']['sentence']}\n{evidence['edge']['sentence']}\n")
        papers.append(made["paper"])
        if "next_bar" in words and made["paper"]["estimator"] == PROMOTED and made["version"] not in chosen:
            chosen.append(made["version"])
    for version in chosen:
        print(f"{said(f'models promote {version}', may_refuse=True)['sentence']}\n")
    rows = [COLUMNS, tuple("---" for _ in COLUMNS), *(row(paper) for paper in papers)]
    print("\n".join(f"| {' | '.join(cells)} |" for cells in rows))


if __name__ == "__main__":
    main()
