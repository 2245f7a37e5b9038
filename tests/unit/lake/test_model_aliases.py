"""Champions come and go one at a time, with who, when and why; whoever follows them is never without one."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from assay.domain.errors import BadInputError, NoDataError
from assay.domain.points import Point, observed
from assay.lake import model_aliases
from assay.lake.champion import Follower, Served
from assay.lake.model_aliases import Action, Aliases, MovedError, State, read_aliases, read_history, read_states
from assay.lake.model_store import FOLDER
from assay.lake.sealed import DamagedError, LocalDocuments
from tests.unit.lake.registered import ADA, BOB, KEY, model


class Counting(LocalDocuments):
    """Documents that say how often they were read or looked at."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        object.__setattr__(self, "asked", [])

    asked: list[str]

    def read(self, name: str) -> bytes:
        self.asked.append(name)
        return super().read(name)

    def stamp(self, name: str) -> object:
        self.asked.append(name)
        return super().stamp(name)

    def names(self, below: str) -> list[str]:
        self.asked.append(below)
        return super().names(below)


@pytest.fixture
def documents(tmp_path: Path) -> LocalDocuments:
    return LocalDocuments(tmp_path)


def promote(documents: LocalDocuments, number: int, known: Aliases | None = None) -> Aliases:
    """Register the model of that number and make it the champion."""
    made = model(documents, number)
    now = read_aliases(documents, KEY) if known is None else known
    return model_aliases.promote(documents, KEY, made.version, known=now, author=ADA, why=f"because of {number}")


def roll_back(documents: LocalDocuments) -> Aliases:
    known = read_aliases(documents, KEY)
    return model_aliases.roll_back(documents, KEY, known=known, author=BOB, why="it drifts")


def follower(documents: LocalDocuments) -> Follower[str]:
    return Follower(documents, KEY, bytes.decode)


def path_of(documents: LocalDocuments, number: int) -> Path:
    """Return where a move is."""
    return documents.root / FOLDER / KEY.folder / "history" / f"{number:08d}.json"


def test_nobody_is_champion_before_somebody_is(documents: LocalDocuments) -> None:
    model(documents, 1)
    assert read_aliases(documents, KEY) == Aliases()
    assert read_history(documents, KEY) == []
    assert follower(documents).current() == Served(None, None, "")


def test_history_says_who_when_and_why(documents: LocalDocuments) -> None:
    one, two = model(documents, 1).version, model(documents, 2).version
    promote(documents, 1)
    known = read_aliases(documents, KEY)
    model_aliases.challenge(documents, KEY, two, known=known, author=BOB, why="newer data")
    promote(documents, 2)
    roll_back(documents)
    history = read_history(documents, KEY)
    assert [(move.action, move.aliases.champion, move.aliases.challenger) for move in history] == [
        (Action.PROMOTE, one, ""),
        (Action.CHALLENGE, one, two),
        (Action.PROMOTE, two, ""),  # who is champion challenges nobody
        (Action.ROLLBACK, one, ""),
    ]
    assert [(move.author, move.why) for move in history[:2]] == [(ADA, "because of 1"), (BOB, "newer data")]
    assert read_aliases(documents, KEY) == history[-1].aliases
    assert read_states(documents, KEY) == {one: State.CHAMPION, two: State.ROLLED_BACK}
    promote(documents, 3)
    known = read_aliases(documents, KEY)
    for number in (4, 5):
        known = model_aliases.challenge(
            documents, KEY, model(documents, number).version, known=known, author=BOB, why="newer data"
        )
    assert list(read_states(documents, KEY).values()) == [
        State.FORMER, State.ROLLED_BACK, State.CHAMPION, State.REGISTERED, State.CHALLENGER,
    ]  # fmt: skip


def test_rollbacks_lead_back_along_the_champions_and_never_to_what_was_rolled_back(documents: LocalDocuments) -> None:
    versions = {number: promote(documents, number).champion for number in (1, 2, 3)}
    assert roll_back(documents).champion == versions[2]
    promote(documents, 4)
    assert [roll_back(documents).champion for _ in range(2)] == [versions[2], versions[1]]
    with pytest.raises(NoDataError, match="no champion before this one"):
        roll_back(documents)
    assert read_aliases(documents, KEY).champion == versions[1]
    assert len(read_history(documents, KEY)) == 7


def test_of_two_who_saw_the_same_the_second_is_told_who_was_first(documents: LocalDocuments) -> None:
    promote(documents, 1)
    known = read_aliases(documents, KEY)
    won = promote(documents, 2, known)
    with pytest.raises(MovedError, match=rf"ada moved the champion of {KEY} first: '{won.champion}'; .*look again"):
        promote(documents, 3, known)
    assert read_aliases(documents, KEY) == won
    challenger = model(documents, 4).version
    model_aliases.challenge(documents, KEY, challenger, known=won, author=BOB, why="new")
    with pytest.raises(MovedError, match="bob moved the challenger"):
        promote(documents, 3, won)


def test_what_makes_no_move_is_refused(documents: LocalDocuments) -> None:
    now = promote(documents, 1)
    for move in (model_aliases.promote, model_aliases.challenge):
        with pytest.raises(BadInputError, match="champion already"):
            move(documents, KEY, now.champion, known=now, author=ADA, why="x")
        with pytest.raises(NoDataError, match="no such model"):
            move(documents, KEY, "0" * 12, known=now, author=ADA, why="x")
        with pytest.raises(BadInputError, match="needs a reason"):
            move(documents, KEY, model(documents, 2).version, known=now, author=ADA, why=" ")
    assert read_aliases(documents, KEY) == now


@pytest.mark.parametrize("point", [Point.FILE_WRITTEN, Point.FILE_NAMED])
def test_who_dies_in_a_promotion_has_moved_or_has_not(documents: LocalDocuments, point: Point) -> None:
    before = promote(documents, 1)
    second = model(documents, 2).version

    def die(reached: Point) -> None:
        if reached is point:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), observed(die):
        model_aliases.promote(documents, KEY, second, known=before, author=ADA, why="better")
    expected = second if point is Point.FILE_NAMED else before.champion
    assert read_aliases(documents, KEY).champion == expected
    assert follower(documents).current().model == ("model 2" if expected == second else "model 1")


def test_an_altered_or_lost_move_is_named(documents: LocalDocuments) -> None:
    for number in (1, 2, 3):
        promote(documents, number)
    whole = path_of(documents, 2).read_bytes()
    path_of(documents, 2).write_bytes(whole.replace(b"because", b"despite"))
    with pytest.raises(DamagedError, match=r"damaged: .*00000002\.json"):
        read_history(documents, KEY)
    assert read_aliases(documents, KEY).number == 3
    path_of(documents, 2).write_bytes(path_of(documents, 1).read_bytes())
    with pytest.raises(DamagedError, match=r"does not follow the one before it: .*00000002\.json"):
        read_history(documents, KEY)
    path_of(documents, 2).unlink()
    with pytest.raises(DamagedError, match=r"missing: .*00000002\.json"):
        read_history(documents, KEY)
    path_of(documents, 2).write_bytes(whole)
    assert len(read_history(documents, KEY)) == 3
    path_of(documents, 3).write_bytes(b"")
    with pytest.raises(DamagedError, match=r"00000003\.json"):
        read_aliases(documents, KEY)


def test_follower_sees_a_promotion_and_a_rollback_at_once_for_one_look(tmp_path: Path) -> None:
    documents = Counting(tmp_path)
    follows = follower(documents)
    promote(documents, 1)
    assert follows.current().model == "model 1"
    documents.asked.clear()
    assert [follows.current().model for _ in range(3)] == ["model 1"] * 3
    assert documents.asked == [f"{FOLDER}/{KEY.folder}/history/00000002.json"] * 3
    promote(documents, 2)
    assert follows.current().model == "model 2"
    promote(documents, 3)
    promote(documents, 4)
    assert follows.current().model == "model 4"
    roll_back(documents)
    assert follows.current().model == "model 3"
    assert follows.current().trouble == ""


def test_champion_with_a_damaged_artefact_leaves_the_one_before_in_place_until_it_is_mended(
    documents: LocalDocuments,
) -> None:
    old = follower(documents)
    first = promote(documents, 1)
    assert old.current().model == "model 1"
    second = model(documents, 2)
    path = documents.root / second.artefact_name
    path.write_bytes(b"model X")
    promote_damaged = model_aliases.promote(documents, KEY, second.version, known=first, author=ADA, why="unlucky")
    assert promote_damaged.champion == second.version
    for follows in (old, follower(documents)):  # who was there before, and who starts now
        for _ in range(2):
            served = follows.current()
            assert served.model == "model 1"
            assert served.version is not None
            assert served.version.version == first.champion
            assert f"artefact of model {second.version} is damaged" in served.trouble
    path.write_bytes(b"model 2")
    assert old.current() == Served(second, "model 2", "")


def test_artefact_that_cannot_be_loaded_counts_as_damaged(documents: LocalDocuments) -> None:
    def load(body: bytes) -> str:
        if body == b"model 2":
            raise BadInputError("an artefact of another format", value="model 2")
        return body.decode()

    follows = Follower(documents, KEY, load)
    promote(documents, 2)
    assert follows.current().model is None
    assert "another format" in follows.current().trouble
    promote(documents, 1)
    assert follows.current().trouble == ""
    roll_back(documents)
    served = follows.current()
    assert (served.model, served.version) == (None, None)  # the champion before is gone, and was not asked for
    assert "another format" in served.trouble


def test_history_that_cannot_be_read_leaves_what_is_served(documents: LocalDocuments) -> None:
    follows = follower(documents)
    promote(documents, 1)
    assert follows.current().model == "model 1"
    promote(documents, 2)
    whole = path_of(documents, 2).read_bytes()
    path_of(documents, 2).write_bytes(whole[:-1])
    assert follows.current().model == "model 1"
    assert "00000002.json" in follows.current().trouble
    fresh = follower(documents).current()
    assert fresh.model is None
    assert "00000002.json" in fresh.trouble
    path_of(documents, 2).write_bytes(whole)
    assert follows.current() == follower(documents).current()
    assert follows.current().model == "model 2"


def test_readers_beside_promotions_always_have_a_whole_champion(documents: LocalDocuments) -> None:
    promote(documents, 1)
    follows, is_over = follower(documents), threading.Event()
    seen: set[tuple[str | None, str, bool]] = set()

    def read() -> None:
        while True:
            served = follows.current()
            seen.add((served.model, served.trouble, served.version is not None))
            if is_over.wait(0.001):
                return

    readers = [threading.Thread(target=read) for _ in range(2)]
    for reader in readers:
        reader.start()
    for number in range(2, 12):
        promote(documents, number)
    is_over.set()
    for reader in readers:
        reader.join()
    assert seen <= {(f"model {number}", "", True) for number in range(1, 12)}
    assert follows.current().model == "model 11"
