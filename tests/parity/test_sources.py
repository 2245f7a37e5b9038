"""S: sources. What is done of each row stands in README.md."""

# ruff: noqa: N802  # the ids of the rows are written as in the scope

from __future__ import annotations

from pathlib import Path

import pytest

import assay as package
from tests.made_klines import HEADER
from tests.parity.conftest import Lake, assay, done


def test_S10_klines_are_read_and_saved_in_python_and_on_the_command_line(
    lake: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ASSAY_HOME", str(lake.home))
    frame = package.get_klines("BTCUSDT", "1h")
    assert frame.height > 1_000
    assert frame["open_time"].is_sorted()
    by_python = package.save_klines_to_csv("BTCUSDT", "1h", folder=tmp_path)
    assert by_python == tmp_path / "BTCUSDT_1h.csv"
    header, *lines = by_python.read_text().splitlines()
    assert header == HEADER
    assert [float(line.split(",")[4]) for line in lines] == frame["close"].to_list()
    told = done(lake.home, "klines", "BTCUSDT", "--save-to", str(tmp_path / "cli"))
    assert Path(told["file"]).read_bytes() == by_python.read_bytes()


@pytest.mark.parametrize(
    ("spelling", "series", "is_stand_in"),
    [
        ("BTC-USD", "coinbase:spot:BTC-USD:1h", False),
        ("BTCUSDT", "binance:spot:BTC-USDT:1h", False),
        ("BTC-USDT", "binance:spot:BTC-USDT:1h", False),
        ("btc/usdt", "binance:spot:BTC-USDT:1h", False),
        ("btcinr", "wazirx:spot:BTC-INR:1h", False),
        # Nobody in this lake has ETH-USD: the tether pair stands in for it, and says so.
        ("ETH-USD", "binance:spot:ETH-USDT:1h", True),
        ("wazirx:spot:BTC-INR", "wazirx:spot:BTC-INR:1h", False),
    ],
)
def test_S17_every_spelling_resolves_to_one_symbol_and_venue(
    lake: Lake, spelling: str, series: str, is_stand_in: bool
) -> None:
    found = done(lake.home, "klines", spelling)
    assert (found["series"], found["is_stand_in"]) == (series, is_stand_in)
    assert found["bars"] > 50


def test_S17_a_spelling_that_nothing_answers_to_is_refused_with_what_there_is(lake: Lake) -> None:
    for spelling, said in (("DOGE-USDT", "BTC-USDT"), ("coinbase:spot:BTC-USDT", "BTC-USD"), ("what?", "BASE-QUOTE")):
        answer = assay(lake.home, "klines", spelling)
        assert answer.code != 0
        assert said in answer.err
        assert answer.err.count("\n") == 1
