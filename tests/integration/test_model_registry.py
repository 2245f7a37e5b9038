"""The trial ledger and the registry under processes that race and die, and a promotion from end to end."""

from __future__ import annotations

import signal
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from assay.domain.clock import FrozenClock
from assay.domain.errors import BadInputError, NoDataError
from assay.domain.points import Point
from assay.evidence.causality import Certificate
from assay.evidence.promotion import Features, PairedTest, certificate_document, wanted_level
from assay.evidence.verdict import Estimate
from assay.lake import model_aliases
from assay.lake.champion import Follower
from assay.lake.model_aliases import Aliases, read_aliases, read_history
from assay.lake.model_store import ModelVersion, register
from assay.lake.sealed import Author, DamagedError, LocalDocuments, documents_of
from assay.lake.trial_ledger import TrialCount, count_trials, recorded
from assay.measures.bootstrap import ConfidenceInterval
from assay.pipelines.backing_up import back_up, restore
from assay.pipelines.promoting import PromotionRequest, PromotionResult, promote_model, roll_back_model
from assay.pipelines.workspace import Workspace, open_workspace
from assay.settings import Settings
from tests.integration.command import PATIENCE_S, environment
from tests.integration.registry_child import BUDGET, COMMON, KEY, TRIES, search, search_of
from tests.unit.lake.registered import ADA, PAPER, model

SCRIPT = Path(__file__).with_name("registry_child.py")
POINTS = [(point, hit) for point in (Point.FILE_WRITTEN, Point.FILE_NAMED) for hit in (1, 2)]
NOW = datetime(2024, 7, 1, tzinfo=UTC)


def start(what: str, folder: Path, name: str, *killed_at: object) -> subprocess.Popen[str]:
    words = [sys.executable, str(SCRIPT), what, str(folder), name, *map(str, killed_at)]
    return subprocess.Popen(
        words, env=environment(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def together(*processes: subprocess.Popen[str]) -> list[tuple[int, str]]:
    """Let processes begin when all are ready; return how each ended and what it said last."""
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    said = [process.communicate(timeout=PATIENCE_S) for process in processes]
    return [(process.returncode, (out + error).strip()) for process, (out, error) in zip(processes, said, strict=True)]


def test_processes_that_search_together_count_every_trial_once(tmp_path: Path) -> None:
    names = ["ada", "bob", "eve", "eve"]  # the last two run the same search
    assert together(*(start("search", tmp_path, name) for name in names)) == [(0, "searched")] * 4
    expected = COMMON + 3 * (TRIES - COMMON)
    assert count_trials(LocalDocuments(tmp_path)).of(KEY) == TrialCount(expected, expected, 0)


@pytest.mark.parametrize(("point", "hit"), POINTS)
def test_search_killed_at_a_point_has_counted_or_not_begun_and_is_gone_on_with(
    tmp_path: Path, point: Point, hit: int
) -> None:
    assert together(start("search", tmp_path, "ada", point.value, hit)) == [(-signal.SIGKILL, "")]
    ledger = LocalDocuments(tmp_path)
    expected = {
        (Point.FILE_WRITTEN, 1): 0,  # nothing was tried either
        (Point.FILE_NAMED, 1): BUDGET,
        (Point.FILE_WRITTEN, 2): BUDGET,
        (Point.FILE_NAMED, 2): TRIES,
    }
    assert count_trials(ledger).of(KEY).trials == expected[point, hit]
    search(ledger, "ada")
    assert count_trials(ledger).of(KEY) == TrialCount(TRIES, TRIES, 0)


def test_of_promotions_at_once_one_wins_and_the_others_are_told_by_whom(tmp_path: Path) -> None:
    documents = LocalDocuments(tmp_path)
    versions = [model(documents, number).version for number in range(4)]
    ended = together(*(start("promote", tmp_path, version) for version in versions))
    champion = read_aliases(documents, KEY).champion
    assert sorted(said for _, said in ended if said.startswith("champion")) == [f"champion {champion}"]
    lost = [said for _, said in ended if not said.startswith("champion")]
    assert len(lost) == 3
    assert all(f"{champion} moved the champion of {KEY} first" in said for said in lost)
    assert len(read_history(documents, KEY)) == 1


@pytest.mark.parametrize("point", [Point.FILE_WRITTEN, Point.FILE_NAMED])
def test_promotion_killed_at_a_point_has_happened_or_not(tmp_path: Path, point: Point) -> None:
    documents = LocalDocuments(tmp_path)
    first, second = (model(documents, number).version for number in (1, 2))
    model_aliases.promote(documents, KEY, first, known=Aliases(), author=ADA, why="the first")
    follows = Follower(documents, KEY, bytes.decode)
    assert follows.current().model == "model 1"
    assert together(start("promote", tmp_path, second, point.value, 1)) == [(-signal.SIGKILL, "")]
    expected = "model 2" if point is Point.FILE_NAMED else "model 1"
    assert (follows.current().model, follows.current().trouble) == (expected, "")
    assert len(read_history(documents, KEY)) == (2 if point is Point.FILE_NAMED else 1)


FEATURES = Features(PAPER.feature_set, code="ema(n=12)#0f", config="direction/1")
CERTIFICATE = Certificate.of(
    "direction", code=FEATURES.code, config=FEATURES.config, data_version="d0", checks=("stream",), density=1.0
)


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return open_workspace(Settings(home=tmp_path / "home"), clock=FrozenClock(NOW))


def certified(workspace: Workspace, number: int, certificate: Certificate | None = CERTIFICATE) -> ModelVersion:
    plain = None if certificate is None else certificate_document(certificate)
    one = replace(PAPER, parameters={"penalty": float(number)}, certificate=plain)
    return register(documents_of(workspace.home), one, b"model %d" % number, ADA)


def won(challenger: ModelVersion, opponent: str, looks: int = 1) -> PairedTest:
    """Return a test that was won on what neither has seen, at the level that so many looks need."""
    difference = Estimate(0.03, ConfidenceInterval(0.01, 0.05, wanted_level(looks)))
    begins = NOW - timedelta(days=90)
    return PairedTest(challenger.version, opponent, begins, NOW, "d1", 2000, 12.0, difference, 0.55, 0.65)


def ask(workspace: Workspace, version: ModelVersion, test: PairedTest | None) -> PromotionResult:
    request = PromotionRequest(KEY, version.version[:8], FEATURES, test, by="ada", why="retrained")
    return promote_model(workspace, request)


def test_a_model_is_promoted_on_its_merits_and_its_history_says_them(workspace: Workspace) -> None:
    documents = documents_of(workspace.home)
    bare, one, two = certified(workspace, 1, None), certified(workspace, 2), certified(workspace, 3)
    kept = ask(workspace, bare, None)
    assert kept.decision.reasons == ("its features have no certificate", "there is no paired test against base_rate")
    assert kept.aliases.champion == ""
    first = ask(workspace, one, won(one, "base_rate"))
    assert first.aliases.champion == one.version
    # The same outcomes again: a second look needs more, and so says who is refused.
    again = ask(workspace, two, won(two, one.version))
    assert again.decision.reasons == ("its interval is of 98 %, and of outcomes looked at 2 times 99 % is needed",)
    assert ask(workspace, two, won(two, one.version)).decision == again.decision  # the same look
    assert ask(workspace, two, won(two, one.version, looks=2)).aliases.champion == two.version
    with pytest.raises(BadInputError, match="champion already"):
        ask(workspace, two, won(two, one.version))
    history = read_history(documents, KEY)
    assert [move.author for move in history] == [Author("ada", NOW)] * 2
    assert history[1].why.startswith(f"retrained: Promoted: {two.version} beats {one.version} by +0.03")


def test_a_rollback_leads_to_a_whole_model_or_nowhere(workspace: Workspace) -> None:
    one, two = certified(workspace, 1), certified(workspace, 2)
    with pytest.raises(NoDataError, match="no champion before this one"):
        roll_back_model(workspace, KEY, by="ada", why="it drifts")
    ask(workspace, one, won(one, "base_rate"))
    ask(workspace, two, won(two, one.version, looks=2))
    path = workspace.home.root / one.artefact_name
    whole = path.read_bytes()
    path.write_bytes(b"")
    with pytest.raises(DamagedError, match=one.version):
        roll_back_model(workspace, KEY, by="ada", why="it drifts")
    path.write_bytes(whole)
    assert roll_back_model(workspace, KEY, by="ada", why="it drifts").champion == one.version


def test_what_was_altered_or_damaged_is_not_promoted(workspace: Workspace) -> None:
    forged = certified(workspace, 1, replace(CERTIFICATE, code_hash="0" * 16))
    with pytest.raises(BadInputError, match="certificate was altered"):
        ask(workspace, forged, won(forged, "base_rate"))
    broken = certified(workspace, 2)
    (workspace.home.root / broken.artefact_name).write_bytes(b"model 9")
    with pytest.raises(DamagedError, match="damaged"):
        ask(workspace, broken, won(broken, "base_rate"))
    assert read_aliases(documents_of(workspace.home), KEY) == Aliases()


def test_trials_and_models_come_back_from_a_backup(workspace: Workspace, tmp_path: Path) -> None:
    documents = documents_of(workspace.home)
    one, two = certified(workspace, 1), certified(workspace, 2)
    ask(workspace, one, won(one, "base_rate"))
    search(LocalDocuments(workspace.home.root), "ada")
    first = back_up(workspace, str(tmp_path / "kept"), machine=FrozenClock(NOW))
    ask(workspace, two, won(two, one.version, looks=2))
    with recorded(documents, search_of("bob"), ADA):
        second = back_up(workspace, str(tmp_path / "kept"), machine=FrozenClock(NOW + timedelta(days=1)))
    assert second.new_files == 3  # a test, a move, and a search that is not over; the models were there
    history = read_history(documents, KEY)
    for at, moves in ((first.name, 1), (second.name, 2)):
        restore(Settings(home=tmp_path / f"restored-{moves}"), str(tmp_path / "kept"), at=at)
        restored = LocalDocuments(tmp_path / f"restored-{moves}")
        assert read_history(restored, KEY) == history[:moves]
        assert Follower(restored, KEY, bytes.decode).current().model == f"model {moves}"
    assert count_trials(LocalDocuments(tmp_path / "restored-1")).of(KEY).trials == TRIES
    assert count_trials(LocalDocuments(tmp_path / "restored-2")).of(KEY).trials == TRIES + BUDGET
