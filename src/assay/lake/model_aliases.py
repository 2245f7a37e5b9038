"""Which model is the champion and which the challenger, and who moved them when and why.

``models/<task>/<series>/history/<number>.json`` says what holds after a move; the highest number holds now. A move is
one file that is created unless its number is taken: that is the whole transaction. Of two who move at once from the
same state one gets the number, and the other one an error; whoever is killed has moved or has not. Each move names the
one before it by its hash, so a history that was altered shows it.

Readers look whether the next number is there, which costs one look, and see the old champion or the new one.

A rollback makes the champion before the champion again; a second one goes one further back. What was rolled back is not
in that line any more, so nobody gets back to it by another rollback.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from assay.domain.errors import BadInputError, NoDataError, TransientError
from assay.domain.model_key import ModelKey
from assay.lake.model_store import folder_of, read_version
from assay.lake.sealed import Author, Documents, damage, read_sealed, seal

FORMAT = 1
_KIND = "move of a champion"
_LONGEST_LINE = 100
_NAME = re.compile(r"\d{8}\.json")


class MovedError(TransientError):
    """Somebody else moved the champion or the challenger first."""


class Action(StrEnum):
    """What moved."""

    PROMOTE = "promote"
    ROLLBACK = "rollback"
    CHALLENGE = "challenge"


class State(StrEnum):
    """What a version is."""

    REGISTERED = "registered"
    CHALLENGER = "challenger"
    CHAMPION = "champion"
    FORMER = "former champion"
    """Another one was promoted after it: a rollback may lead back to it."""
    ROLLED_BACK = "rolled back"


@dataclass(frozen=True, slots=True)
class Aliases:
    """What holds after a move.

    Attributes
    ----------
    number : int
        How many moves there were; 0 if none.
    champion, challenger : str
        Versions; empty if there is none.
    line : tuple of str
        Champions before, the latest first: where rollbacks lead.
    seal : str
        Hash of the move that said so.
    """

    number: int = 0
    champion: str = ""
    challenger: str = ""
    line: tuple[str, ...] = ()
    seal: str = ""


@dataclass(frozen=True, slots=True)
class Move:
    """One entry of the history: what was done, what holds since, by whom and when, and why."""

    action: Action
    aliases: Aliases
    author: Author
    why: str


def read_aliases(documents: Documents, key: ModelKey, known: Aliases | None = None) -> Aliases:
    """Return what holds now.

    Parameters
    ----------
    documents : Documents
    key : ModelKey
    known : Aliases, optional
        What held when the caller last asked: then one look says that it still does.

    Raises
    ------
    DamagedError
        If the last move is damaged. Which model is the champion is not guessed then.
    """
    if known is None:
        names = [name for name in documents.names(_folder(key)) if _NAME.fullmatch(name.rpartition("/")[2])]
        if not names:
            return Aliases()
        # Others may move on meanwhile, so what is found is only where to look from.
        known = _read(documents, key, int(names[-1].rpartition("/")[2][:8])).aliases
    while documents.stamp(_name(key, known.number + 1)) is not None:
        known = _read(documents, key, known.number + 1).aliases
    return known


def read_history(documents: Documents, key: ModelKey) -> list[Move]:
    """Return all moves, the first one first.

    Raises
    ------
    DamagedError
        If one of them is damaged, missing, or does not follow the one before it; the error names it.
    """
    moves: list[Move] = []
    before = ""
    for number in range(1, read_aliases(documents, key).number + 1):
        document: Any = read_sealed(documents, _name(key, number), kind=_KIND, version=FORMAT)
        if document["before"] != before:
            raise damage(
                "a move of the champion does not follow the one before it", documents.place(_name(key, number))
            )
        moves.append(_move(document, number))
        before = moves[-1].aliases.seal
    return moves


def read_states(documents: Documents, key: ModelKey) -> dict[str, State]:
    """Return what each version is that was ever moved; all others are registered; Raises as :func:`read_history`."""
    return states_after(read_history(documents, key))


def states_after(moves: Sequence[Move]) -> dict[str, State]:
    """Return what each version is after these moves, the first one first; one that none of them names is registered."""
    states: dict[str, State] = {}
    before = Aliases()
    for move in moves:
        now = move.aliases
        states |= dict.fromkeys({before.challenger} - {now.challenger}, State.REGISTERED)
        if move.action is Action.ROLLBACK:
            states[before.champion] = State.ROLLED_BACK
        states |= dict.fromkeys(now.line, State.FORMER)
        states |= {now.challenger: State.CHALLENGER, now.champion: State.CHAMPION}
        before = now
    states.pop("", None)
    return states


def promote(documents: Documents, key: ModelKey, version: str, *, known: Aliases, author: Author, why: str) -> Aliases:
    """Make a version the champion, if nobody moved since `known` was read; whether it deserves it, the caller knows.

    Raises
    ------
    MovedError
        If somebody did: nothing has changed then.
    BadInputError
        If it is the champion.
    NoDataError
        If there is no such version.
    """
    if known.champion == version:
        raise BadInputError("the model is the champion already", value=version, todo="nothing has to be done")
    line = (known.champion, *known.line) if known.champion else ()
    challenger = "" if known.challenger == version else known.challenger
    after = Aliases(known.number + 1, version, challenger, line[:_LONGEST_LINE])
    return _put(documents, key, Move(Action.PROMOTE, after, author, why), known)


def challenge(
    documents: Documents, key: ModelKey, version: str, *, known: Aliases, author: Author, why: str
) -> Aliases:
    """Make a version the challenger; Raises as :func:`promote`."""
    if known.champion == version:
        raise BadInputError("the model is the champion already", value=version, todo="let another one challenge it")
    after = Aliases(known.number + 1, known.champion, version, known.line)
    return _put(documents, key, Move(Action.CHALLENGE, after, author, why), known)


def roll_back(documents: Documents, key: ModelKey, *, known: Aliases, author: Author, why: str) -> Aliases:
    """Make the champion before the champion again.

    Raises
    ------
    NoDataError
        If there was none.
    MovedError
        If somebody moved since `known` was read.
    """
    if not known.line:
        todo = "a first champion can only be followed by another one"
        raise NoDataError("there is no champion before this one", value=known.champion or str(key), todo=todo)
    after = Aliases(known.number + 1, known.line[0], known.challenger, known.line[1:])
    return _put(documents, key, Move(Action.ROLLBACK, after, author, why), known)


def check_reason(why: str, action: Action) -> None:
    """Raise BadInputError if there is none."""
    if not why.strip():
        raise BadInputError("a move of the champion needs a reason", value=action, todo="say why")


def _put(documents: Documents, key: ModelKey, move: Move, known: Aliases) -> Aliases:
    check_reason(move.why, move.action)
    aliases = move.aliases
    for version in {aliases.champion, aliases.challenger} - {known.champion, known.challenger, ""}:
        read_version(documents, key, version)
    document = {
        "kind": _KIND,
        "format": FORMAT,
        "action": move.action,
        "champion": aliases.champion,
        "challenger": aliases.challenger,
        "line": aliases.line,
        "before": known.seal,
        "why": move.why,
        **move.author.document(),
    }
    if not documents.create(_name(key, aliases.number), seal(document)):
        now = _read(documents, key, aliases.number)
        moved = "challenger" if now.action is Action.CHALLENGE else "champion"
        what = f"{now.author.name} moved the {moved} of {key} first"
        todo = f"the champion is {now.aliases.champion or 'nobody'} now; look again before you decide"
        raise MovedError(what, value=now.aliases.champion, todo=todo)
    return _read(documents, key, aliases.number).aliases


def _read(documents: Documents, key: ModelKey, number: int) -> Move:
    return _move(read_sealed(documents, _name(key, number), kind=_KIND, version=FORMAT), number)


def _move(document: Any, number: int) -> Move:  # noqa: ANN401  # JSON is anything
    named = hashlib.sha256(seal(document)).hexdigest()
    aliases = Aliases(number, document["champion"], document["challenger"], tuple(document["line"]), named)
    return Move(Action(document["action"]), aliases, Author.read(document), document["why"])


def _folder(key: ModelKey) -> str:
    return f"{folder_of(key)}/history"


def _name(key: ModelKey, number: int) -> str:
    return f"{_folder(key)}/{number:08d}.json"
