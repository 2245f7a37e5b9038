"""What was set aside can be seen, heals by itself where it can, and is read again where a better parser can."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from assay.pipelines.building import build
from assay.pipelines.ingesting import Wanted
from assay.pipelines.retrying import HEALED, OPEN, RETRIED
from assay.pipelines.workspace import Workspace
from assay.venues.errors import PoisonPageError
from assay.venues.parsed import Parsed, Venue
from assay.venues.registry import find_venue
from assay.venues.sandbox.faults import Fault, FaultPlan, Kind
from assay.venues.spec import Request
from tests.integration.command import Command
from tests.integration.conftest import bring_in
from tests.integration.simulated import Simulation, klines_of
from tests.made_klines import hourly, write_csv

TICKERS = Wanted(("binance:tickers",))


def simulation(folder: Path, *faults: Fault) -> tuple[Simulation, Workspace]:
    simulated = Simulation(folder, faults=FaultPlan(5, faults))
    return simulated, simulated.workspace()


def listed(assay: Command) -> list[dict[str, object]]:
    said = assay("quarantine", "list", "--json")
    assert said.code == 0, said.err
    return list(said.document)


def count(workspace: Workspace, sql: str) -> int:
    with workspace.lake() as lake:
        return int(lake.execute(sql).fetchall()[0][0])


def test_a_bad_row_is_shown_with_its_cause_and_heals_with_the_next_answer(tmp_path: Path, assay: Command) -> None:
    simulated, workspace = simulation(tmp_path, Fault(Kind.WRONG_TYPES, endpoint="klines", calls=(1,)))
    simulated.poll(workspace, klines_of(since="3d"))
    (one,) = listed(assay)
    assert (one["venue"], one["endpoint"], one["is_whole"], one["rows"], one["state"]) == (
        "binance", "klines", False, 1, OPEN,
    )  # fmt: skip
    shown = assay("quarantine", "show", str(one["batch_id"])[:8], "--json").document
    assert shown["quarantined"][0]["cause"] == one["cause"]
    assert shown["quarantined"][0]["raw"] in shown["body"]
    simulated.time.passes(timedelta(minutes=15))
    simulated.poll(workspace, klines_of(since="3d"))
    assert [one["state"] for one in listed(assay)] == [HEALED]
    text = assay("quarantine", "show", str(one["batch_id"])).out
    assert f"{one['batch_id']}: 1 rows set aside, healed" in text
    assert assay("quarantine", "retry", "--all").out == "nothing to read again\n"


def test_a_page_that_cannot_be_read_is_kept_until_a_parser_can(
    tmp_path: Path, assay: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stands for a venue that changes its answers: the parser of yesterday refuses what the one of today reads."""
    found = find_venue("binance")

    def yesterdays(body: bytes, request: Request, *, asked_at: datetime) -> Parsed:
        raise PoisonPageError(request, "not as documented: a field nobody knew", body)

    outdated = Venue(found.spec, {**found.handlers, "ticker_24h": yesterdays}, found.read_error)
    simulated, workspace = simulation(tmp_path)
    endpoint = found.spec.feeding("tickers").name
    outdated = replace(outdated, handlers={**found.handlers, endpoint: yesterdays})
    with monkeypatch.context() as patch:
        patch.setattr("assay.pipelines.ingesting.client.find_venue", lambda _name: outdated)
        patch.setattr("assay.pipelines.retrying.find_api", lambda _venue, _endpoint: outdated)
        result = simulated.poll(workspace, TICKERS)
        assert result.venues[0].poison == 1
        (one,) = listed(assay)
        assert (one["is_whole"], one["state"]) == (True, OPEN)
        useless = assay("quarantine", "retry", "--all", "--json").document
        assert useless[0]["new_batch_id"] is None
        assert "a field nobody knew" in useless[0]["cause"]

    simulated.time.passes(timedelta(hours=5))
    read = assay("quarantine", "retry", str(one["batch_id"])[:10], "--json").document[0]
    assert read["rows"] > 20
    assert [one["state"] for one in listed(assay)] == [RETRIED]
    again = assay("quarantine", "retry", str(one["batch_id"]), "--json").document[0]
    assert again["new_batch_id"] == read["new_batch_id"]
    build(workspace)
    assert count(workspace, "select count(*) from lake.bronze.raw_binance_tickers") == read["rows"]


def test_of_a_page_with_one_bad_row_only_that_row_is_read_again(
    tmp_path: Path, assay: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    simulated, workspace = simulation(tmp_path, Fault(Kind.WRONG_TYPES, endpoint="ticker_24h", calls=(1,)))
    tickers = find_venue("binance").spec.feeding("tickers").name
    simulated.exchange._faults = FaultPlan(5, (Fault(Kind.WRONG_TYPES, endpoint=tickers, calls=(1,)),))
    simulated.poll(workspace, TICKERS)
    (one,) = listed(assay)
    assert (one["rows"], one["state"]) == (1, OPEN)
    build(workspace)
    before = count(workspace, "select count(*) from lake.bronze.raw_binance_tickers")
    useless = assay("quarantine", "retry", "--all", "--json").document[0]
    assert useless["new_batch_id"] is None
    assert "its rows are still of no use" in useless["cause"]

    found = find_venue("binance")
    plain = found.handlers[tickers]

    def lenient(body: bytes, request: Request, *, asked_at: datetime) -> Parsed:
        parsed = plain(body, request, asked_at=asked_at)
        kept = parsed.rows.slice(0, 1)
        position = int(parsed.rejected["position"][0])
        rows = parsed.rows[:position].vstack(kept).vstack(parsed.rows[position:])
        return Parsed(rows, parsed.rejected.clear())

    patched = Venue(found.spec, {**found.handlers, tickers: lenient}, found.read_error)
    monkeypatch.setattr("assay.pipelines.retrying.find_api", lambda _venue, _endpoint: patched)
    assert assay("quarantine", "retry", "--all", "--json").document[0]["rows"] == 1
    build(workspace)
    assert count(workspace, "select count(*) from lake.bronze.raw_binance_tickers") == before + 1


def test_a_row_of_a_file_is_for_the_one_who_has_the_file(tmp_path: Path, assay: Command) -> None:
    _, workspace = simulation(tmp_path)
    file = write_csv(tmp_path / "a.csv", hourly(50))
    file.write_text(file.read_text(encoding="utf-8").replace(hourly(50)[7].line(), "1,2,3"), encoding="utf-8")
    bring_in(workspace, file)
    (one,) = listed(assay)
    assert one["endpoint"] == "import"
    assert one["asked"]["file"] == "a.csv"  # type: ignore[index]
    told = assay("quarantine", "retry", "--all").out
    assert "mend the file and import it again" in told


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (("show", "zz"), "not the id of a batch"),
        (("show", "0123456789ab"), "nothing of that batch was set aside"),
        (("retry",), "which batches"),
        (("retry", "--all", "abcdef"), "which batches"),
        (("list", "--venue", "../x"), "not a venue name"),
        (("list", "--since", "soon"), "soon"),
    ],
)
def test_what_names_nothing_is_said_in_a_line(
    tmp_path: Path, assay: Command, words: tuple[str, ...], complaint: str
) -> None:
    simulation(tmp_path)
    said = assay("quarantine", *words)
    assert said.code in (1, 2)
    assert said.is_one_line(), said.err
    assert complaint in said.err


def test_an_empty_home_has_nothing_set_aside(tmp_path: Path, assay: Command) -> None:
    assert assay("quarantine", "list").code == 1  # there is no home
    simulation(tmp_path)
    assert assay("quarantine", "list").out == "nothing was set aside\n"
