"""Every trial counts, once: planned or chosen on the way, scored or not, interrupted or killed."""

from __future__ import annotations

import re
import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from assay.domain.errors import AssayError, BadInputError
from assay.domain.model_key import ModelKey
from assay.domain.points import Point, observed
from assay.lake.sealed import Author, DamagedError, LocalDocuments, seal
from assay.lake.trial_ledger import FOLDER, TrialCount, count_trials, read_searches, read_trials, recorded
from assay.lake.trials import Configuration, Search

BTC = ModelKey("direction_24h", "binance:spot:BTC-USDT:1h")
ETH = ModelKey("direction_24h", "binance:spot:ETH-USDT:1h")
NOON = datetime(2024, 1, 1, 12, tzinfo=UTC)
ADA = Author("ada", NOON)
BASE = Configuration(
    BTC, "logistic", {"penalty": 1.0}, "direction/1#00ff", data_version="a1", seed=7, span="2020 to 2023"
)
SPACE = {"penalty": [0.01, 10.0], "sampler": "random", "seed": 7, "data_version": "a1"}
ADAPTIVE = Search("random search", budget=10, keys=(BTC, ETH), space=SPACE)


class Killed(BaseException):
    """Stands for the end of the process: nothing after it is done."""


@pytest.fixture
def ledger(tmp_path: Path) -> LocalDocuments:
    return LocalDocuments(tmp_path)


def with_penalty(penalty: float) -> Configuration:
    return replace(BASE, parameters={"penalty": penalty})


def run(ledger: LocalDocuments, search: Search, *tried: Configuration, author: Author = ADA) -> None:
    with recorded(ledger, search, author) as record:
        for number, one in enumerate(tried):
            record(one, {"accuracy": 0.5 + number / 100, "sharpe": float("nan")})


def killed(ledger: LocalDocuments, search: Search, *tried: Configuration, author: Author = ADA) -> None:
    """Begin a search and try something, and die before that is written."""
    points: list[Point] = []

    def die(point: Point) -> None:
        points.append(point)
        if points.count(Point.FILE_WRITTEN) == 2:
            raise Killed

    with pytest.raises(Killed), observed(die):
        run(ledger, search, *tried, author=author)


def test_an_empty_ledger_counts_nothing(ledger: LocalDocuments) -> None:
    assert count_trials(ledger).total == TrialCount(0, 0, 0)
    assert count_trials(ledger).of(BTC) == TrialCount(0, 0, 0)
    assert read_trials(ledger) == []


def test_a_trial_counts_for_its_series_and_over_all(ledger: LocalDocuments) -> None:
    run(ledger, Search("one", planned=(BASE,)), BASE)
    run(ledger, Search("other", planned=(replace(BASE, key=ETH),)), replace(BASE, key=ETH))
    counts = count_trials(ledger)
    assert counts.total == TrialCount(2, 2, 0)
    assert dict(counts.by_key) == {BTC: TrialCount(1, 1, 0), ETH: TrialCount(1, 1, 0)}


def test_the_same_again_is_the_same_trial_in_whatever_search_and_by_whom(ledger: LocalDocuments) -> None:
    bob = Author("bob", NOON + timedelta(days=1))
    run(ledger, Search("one", planned=(BASE,)), BASE)
    run(ledger, Search("one", planned=(BASE,)), BASE, author=bob)
    run(ledger, Search("a grid", planned=(with_penalty(1), BASE, replace(BASE, span="2020-01 to 2023-12"))), BASE)
    assert count_trials(ledger).total == TrialCount(1, 1, 0)
    first, grid = read_searches(ledger)
    assert [one.name for one in first.runs] == ["ada", "bob"]
    assert len(grid.search.planned) == 1


@pytest.mark.parametrize(
    ("other", "ideas"),
    [
        (replace(BASE, data_version="a2"), 1),
        (replace(BASE, seed=8), 2),
        (with_penalty(0.1), 2),
        (replace(BASE, parameters={"penalty": "1.0"}), 2),
        (replace(BASE, parameters={}), 2),
        (replace(BASE, estimator="lightgbm"), 2),
        (replace(BASE, feature_set="direction/1#00fe"), 2),
        (replace(BASE, key=ModelKey("direction_1h", BTC.source)), 2),
    ],
)
def test_whatever_else_differs_makes_another_trial(ledger: LocalDocuments, other: Configuration, ideas: int) -> None:
    run(ledger, Search("both", planned=(BASE, other)), BASE, other)
    assert count_trials(ledger).total == TrialCount(2, ideas, 0)


def test_what_was_planned_counts_whether_it_was_tried_or_not(ledger: LocalDocuments) -> None:
    grid = tuple(with_penalty(number) for number in range(1, 6))
    killed(ledger, Search("a grid", planned=grid), *grid[:2])
    assert count_trials(ledger).of(BTC) == TrialCount(5, 5, 0)
    assert [dict(one.scores) for one in read_trials(ledger)] == [{}] * 5


def test_a_search_counts_before_it_has_tried_anything(ledger: LocalDocuments) -> None:
    with recorded(ledger, ADAPTIVE, ADA):
        assert count_trials(ledger).total == TrialCount(10, 10, 10)
    assert count_trials(ledger).total == TrialCount(0, 0, 0)


def test_a_killed_search_counts_as_announced_for_each_of_its_series_until_it_is_run_to_its_end(
    ledger: LocalDocuments,
) -> None:
    killed(ledger, ADAPTIVE, with_penalty(2), with_penalty(3))
    counts = count_trials(ledger)
    assert (counts.total, counts.of(BTC), counts.of(ETH)) == (TrialCount(10, 10, 10),) * 3
    run(ledger, ADAPTIVE, *(with_penalty(number) for number in range(2, 9)))
    assert count_trials(ledger).of(BTC) == TrialCount(7, 7, 0)
    assert count_trials(ledger).of(ETH) == TrialCount(0, 0, 0)


def test_a_search_ended_by_an_error_counts_what_it_tried_and_one_killed_afterwards_as_announced(
    ledger: LocalDocuments,
) -> None:
    def stopped() -> None:
        with recorded(ledger, ADAPTIVE, ADA) as record:
            record(with_penalty(2), {"accuracy": 0.5})
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stopped()
    assert count_trials(ledger).total == TrialCount(1, 1, 0)
    killed(ledger, ADAPTIVE, with_penalty(2), with_penalty(3))
    assert count_trials(ledger).total == TrialCount(10, 10, 9)


def test_runs_of_one_search_at_one_moment_of_a_clock_that_stands_are_told_apart(ledger: LocalDocuments) -> None:
    run(ledger, ADAPTIVE, with_penalty(2))
    killed(ledger, Search("another", budget=4, keys=(BTC,), space=SPACE))
    killed(ledger, Search("another", budget=4, keys=(BTC,), space=SPACE))
    assert [len(one.runs) for one in sorted(read_searches(ledger), key=lambda one: one.search.name)] == [2, 1]
    assert count_trials(ledger).total == TrialCount(5, 5, 4)


def test_a_trial_that_was_not_announced_counts_and_is_refused(ledger: LocalDocuments) -> None:
    few = Search("few", budget=2, keys=(BTC,), space=SPACE)
    with pytest.raises(BadInputError, match=r"more trials than the search announced: '2'"):
        run(ledger, few, *(with_penalty(number) for number in (1, 2, 1, 3)))
    with pytest.raises(BadInputError, match="not about"):
        run(ledger, Search("one", planned=(BASE,)), replace(BASE, key=ETH))
    counts = count_trials(ledger)
    assert counts.of(BTC) == TrialCount(3, 3, 0)
    assert counts.of(ETH) == TrialCount(1, 1, 0)


def test_scores_are_those_of_the_latest_run_and_what_is_not_finite_is_left_out(ledger: LocalDocuments) -> None:
    run(ledger, Search("one", planned=(BASE,)), BASE, author=Author("bob", NOON + timedelta(days=1)))
    run(ledger, Search("two", planned=(BASE,)), with_penalty(1), author=ADA)
    with recorded(ledger, Search("three", planned=(BASE,)), Author("eve", NOON + timedelta(days=2))) as record:
        record(BASE, {"accuracy": 0.75, "sharpe": float("inf")})
    (found,) = read_trials(ledger, BTC)
    assert found.scores == {"accuracy": 0.75}
    assert found.configuration == BASE
    assert read_trials(ledger, ETH) == []


def test_ten_thousand_trials_are_two_files_and_all_come_back(ledger: LocalDocuments) -> None:
    many = [with_penalty(number + 0.5) for number in range(10_000)]
    large = Search("large", budget=len(many), keys=(BTC,), space=SPACE)
    run(ledger, large, *many)
    names = ledger.names(FOLDER)
    assert len(names) == 2
    assert sum(len(ledger.read(name)) for name in names) < 10_000 * 64
    assert count_trials(ledger).total == TrialCount(10_000, 10_000, 0)
    assert {one.configuration.trial for one in read_trials(ledger)} == {one.trial for one in many}


def test_threads_may_search_together(ledger: LocalDocuments) -> None:
    many = [with_penalty(number + 0.5) for number in range(64)]
    with recorded(ledger, Search("wide", budget=64, keys=(BTC,), space=SPACE), ADA) as record:
        threads = [threading.Thread(target=record, args=(one, {"accuracy": 0.5})) for one in many]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert count_trials(ledger).total == TrialCount(64, 64, 0)


@pytest.mark.parametrize("which", [0, 1])
def test_a_damaged_file_is_named_and_nothing_is_counted(ledger: LocalDocuments, which: int) -> None:
    run(ledger, Search("one", planned=(BASE,)), BASE)
    name = sorted(ledger.names(FOLDER), key=len)[which]
    path = ledger.root / name
    whole = path.read_bytes()
    for damaged in (whole[:-1], whole.replace(b"penalty", b"penalti"), b""):
        path.write_bytes(damaged)
        for ask in (count_trials, read_searches, read_trials):
            with pytest.raises(DamagedError) as raised:
                ask(ledger)
            assert raised.value.value == str(path)
    path.write_bytes(whole)
    assert count_trials(ledger).total.trials == 1


def test_a_file_under_the_name_of_another_one_is_named(ledger: LocalDocuments) -> None:
    run(ledger, Search("one", planned=(BASE,)), BASE)
    run(ledger, Search("two", planned=(with_penalty(2),)), with_penalty(2))
    one, two = (
        sorted(
            (name for name in ledger.names(FOLDER) if ".tried" in name)
            if ended
            else (name for name in ledger.names(FOLDER) if ".tried" not in name)
        )
        for ended in (False, True)
    )
    for first, second in (one, two):
        kept = ledger.read(first)
        (ledger.root / first).write_bytes(ledger.read(second))
        with pytest.raises(DamagedError, match="name of another"):
            count_trials(ledger)
        (ledger.root / first).write_bytes(kept)
    assert count_trials(ledger).total.trials == 2


def test_what_is_no_file_of_the_ledger_is_named_and_a_lost_beginning_too(ledger: LocalDocuments) -> None:
    run(ledger, Search("one", planned=(BASE,)), BASE)
    stray = ledger.root / FOLDER / "notes.txt"
    stray.write_text("mine")
    with pytest.raises(DamagedError, match=r"none of the trial ledger: .*notes\.txt"):
        count_trials(ledger)
    stray.unlink()
    (beginning,) = (name for name in ledger.names(FOLDER) if ".tried" not in name)
    body = ledger.read(beginning)
    (ledger.root / beginning).unlink()
    with pytest.raises(DamagedError, match=r"missing: .*[0-9a-f]{16}\.json"):
        count_trials(ledger)
    (ledger.root / beginning).write_bytes(body)
    newer = FOLDER + "/" + "0" * 16 + "/" + "1" * 16 + ".json"
    ledger.create(newer, seal({"kind": "run of a search", "format": 2}))
    with pytest.raises(BadInputError, match="another format"):
        count_trials(ledger)


def test_a_search_that_cannot_be_told_from_others_is_refused(ledger: LocalDocuments) -> None:
    for wrong in (
        {"planned": ()},
        {"planned": (BASE,), "budget": -1},
        {"budget": 3, "keys": (BTC,)},
        {"budget": 3, "space": SPACE},
        {"budget": 3, "keys": (BTC,), "space": {"seed": 7}},
        {"budget": 3, "keys": (BTC,), "space": {"data_version": "a1"}},
    ):
        with pytest.raises(BadInputError, match="a search"):
            Search("wrong", **wrong)
    with pytest.raises(BadInputError, match="not a value of JSON"):
        run(ledger, Search("odd", planned=(replace(BASE, parameters={"penalty": float("nan")}),)))
    assert ledger.names(FOLDER) == []


def test_the_example_of_the_docs_does_what_it_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    page = (Path(__file__).parents[3] / "docs" / "concepts" / "models.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"```python\n(.*?)```", page, flags=re.DOTALL)
    monkeypatch.chdir(tmp_path)
    exec(example, {})
    assert capsys.readouterr().out.strip() == example.rpartition("# ")[2].strip()


def test_a_disk_that_refuses_stops_the_search_before_it_begins(ledger: LocalDocuments) -> None:
    (ledger.root / FOLDER).write_text("in the way")
    with pytest.raises(AssayError), recorded(ledger, ADAPTIVE, ADA):
        pytest.fail("it began")
