"""One ticker that meant two assets: whoever reads bars of both sides is warned."""

from __future__ import annotations

import warnings
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

import assay
from assay.pipelines.building import build
from tests.integration.conftest import NOW, bring_in, open_frozen
from tests.made_klines import hourly, write_csv

EDGE = datetime(2022, 5, 28, 6, tzinfo=UTC)
"""The second Terra chain began under the old ticker."""


def test_bars_of_two_assets_under_one_ticker_come_with_a_warning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = open_frozen(tmp_path / "home", NOW)
    rows = hourly(40, start=EDGE - timedelta(hours=20))
    bring_in(home, write_csv(tmp_path / "luna.csv", rows), "LUNA-USDT", recorded_at=NOW)
    build(home)
    monkeypatch.setenv("ASSAY_HOME", str(home.home.root))
    said = "LUNA meant terra-luna until 2022-05-28 06:00 UTC, then terra-luna-2; ask for one side"
    with pytest.warns(UserWarning, match=said):
        assert assay.get_klines("LUNAUSDT").height == 40
    with pytest.warns(UserWarning, match=said):
        assay.save_klines_to_csv("LUNAUSDT", folder=tmp_path)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert assay.get_klines("LUNAUSDT", end=EDGE).height == 20
        assert assay.get_klines("LUNAUSDT", start=EDGE).height == 20
