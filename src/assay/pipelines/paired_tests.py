"""A trained model against the champion, or against a baseline, on rows that neither of them has seen.

Where nobody is champion a direction has to beat the base rate of what it was taught, and a coin as well: where what was
more frequent turns out to be rarer, whoever knows nothing beats the base rate. A value has to beat "as it is now", by
squared errors. A signal is tested as the direction that it is made of: what is bought and sold follows from that.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from assay.domain.errors import BadInputError, NoDataError
from assay.domain.instrument import SeriesId, resolve
from assay.domain.interval import Interval
from assay.domain.model_key import ModelKey
from assay.evidence.promotion import PairedTest
from assay.evidence.selection import Contest, Selection, select
from assay.evidence.values import SUSPECT_SKILL
from assay.evidence.verdict import COIN, SUSPECT_ACCURACY
from assay.features.compile import use_cache_dir
from assay.features.declared import DeclaredSet
from assay.lake.model_aliases import Action, Aliases, check_reason, read_aliases
from assay.lake.model_store import ModelVersion, find_version, read_artefact, read_keys, read_version
from assay.lake.model_tests import KeptTest, count_looks, is_kept
from assay.lake.sealed import Documents, documents_of
from assay.measures.losses import skill, squared_losses, zero_one_losses
from assay.models.artefact import unpack
from assay.models.registry import Model, new_estimator
from assay.models.walk_forward import foretell
from assay.pipelines import steps
from assay.pipelines.auditing import features_of
from assay.pipelines.base_rates import base_rates
from assay.pipelines.promoting import PromotionRequest, PromotionResult, promote_model, roll_back_model
from assay.pipelines.source_rows import rows_of_key
from assay.pipelines.tasks import Task, find_task
from assay.pipelines.training_rows import Rows, find_features, microseconds_of, moment_of
from assay.pipelines.training_table import KEY
from assay.pipelines.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Promotion:
    """Which model it was about, what was decided, and who is champion now."""

    version: ModelVersion
    result: PromotionResult


@dataclass(frozen=True, slots=True)
class Asking:
    """What is needed to ask models of one key."""

    workspace: Workspace
    documents: Documents
    key: ModelKey
    task: Task

    @property
    def interval(self) -> Interval:
        """The length of the bars."""
        return Interval.parse(self.key.interval)

    def features(self, version: ModelVersion) -> DeclaredSet:
        """Return the feature set of a version as it is computed now."""
        return find_features(self.workspace, version.paper.feature_set.partition("/")[0], self.interval)

    def rows(self, version: ModelVersion) -> Rows:
        """Return all labelled rows of today with the features of a version."""
        return rows_of_key(self.workspace, self.key, self.task, self.features(version)).rows

    def model(self, version: ModelVersion, rows: Rows) -> Model:
        """Return the fitted model of a version, if it was made for these columns and this task."""
        artefact = unpack(read_artefact(self.documents, version), columns=rows.columns)
        if artefact.task != self.task.estimators:
            what = f"not a model of a {self.task.estimators}"
            raise BadInputError(what, value=version.version, todo="train it again")
        return artefact.estimator

    def usual(self, rows: Rows, asked: Rows) -> NDArray[np.float64]:
        """Return what the baseline of the task, taught the first rows, says of the others."""
        if self.task.estimators == "direction":
            return base_rates(rows.frame, rows.labels, asked.frame)
        untaught = new_estimator(self.task.estimators, self.task.baseline, rows.columns)
        return foretell(untaught.fit(rows.matrix, rows.labels), asked.matrix)

    def losses(self, said: NDArray[np.float64], rows: Rows) -> NDArray[np.float64]:
        """Return what each forecast cost: 0 or 1 of a direction, the squared error of a value."""
        loss = squared_losses if self.task.kind == "value" else zero_one_losses
        return loss(rows.labels, said)


def promote_version(workspace: Workspace, text: str, *, by: str, why: str) -> Promotion:
    """Test a model on what nobody has seen, and make it the champion if it wins.

    Parameters
    ----------
    workspace : Workspace
    text : str
        Its version, or how that begins.
    by, why : str

    Raises
    ------
    NoDataError
        If there is no such model, or its bars are gone.
    BadInputError
        If several begin so, it is the champion, a champion's features are computed otherwise now, or there is no `why`:
        before anybody looks at the rows.
    DamagedError
        If one of its files, or of the history, is damaged.
    MovedError
        If somebody else moved the champion meanwhile.
    """
    check_reason(why, Action.PROMOTE)
    use_cache_dir(workspace.home.cache / "numba")
    documents = documents_of(workspace.home)
    version = find_model(documents, text)
    key = version.paper.key
    asking = Asking(workspace, documents, key, find_task(workspace, key.task))
    known = read_aliases(documents, key)
    features = features_of(asking.features(version).feature_set, asking.task.label)
    is_as_it_was = features.identity == version.paper.feature_set
    test = _paired_test(asking, version, known) if is_as_it_was and known.champion != version.version else None
    request = PromotionRequest(asking.key, version.version, features, test, by, why, asking.task.baseline)
    return Promotion(version, promote_model(workspace, request))


def roll_back(workspace: Workspace, task: str, series: str, *, by: str, why: str) -> tuple[ModelKey, Aliases]:
    """Make the champion before the champion of a task and a series again.

    Raises
    ------
    NoDataError
        If there are no models of it, or there was no champion before.
    DamagedError, MovedError
        As :func:`assay.pipelines.promoting.roll_back_model`.
    """
    key = find_key(workspace, task, series)
    return key, roll_back_model(workspace, key, by=by, why=why)


def find_model(documents: Documents, text: str) -> ModelVersion:
    """Return the version that begins like `text`, whatever it is of.

    Raises
    ------
    NoDataError
        If there is none.
    BadInputError
        If there are several.
    """
    found = []
    for key in read_keys(documents):
        try:
            found.append(find_version(documents, key, text))
        except NoDataError:
            continue
    if not found:
        raise NoDataError("there is no such model", value=text, todo="`assay models list` shows them")
    if len(found) > 1:
        todo = f"say which: {', '.join(one.version for one in found[:8])}"
        raise BadInputError("several models begin like that", value=text, todo=todo)
    return found[0]


def find_key(workspace: Workspace, task: str, series: str) -> ModelKey:
    """Return the key of models that a task and a series, in any spelling, mean; NoDataError if there are no models."""
    keys = [key for key in read_keys(documents_of(workspace.home)) if key.task == task]
    if not keys:
        raise NoDataError("there are no models of this task", value=task, todo="`assay models list` shows them")
    exact = [key for key in keys if key.source == series]
    of_source = [key for key in keys if key.is_pooled and key.venue == series]
    if exact or len(of_source) == 1:
        return (exact or of_source)[0]
    available = [SeriesId.parse(key.source) for key in keys if not key.is_pooled]
    place, _, interval = series.rpartition(":")
    is_whole = series.count(":") == 3
    found = resolve(
        place if is_whole else series,
        available,
        places=workspace.settings.preferred_places,
        interval=interval if is_whole else "",
    )
    return ModelKey(task, str(found.series))


def _paired_test(asking: Asking, version: ModelVersion, known: Aliases) -> PairedTest | None:
    """Return the test, or nothing where there is no row that neither has seen."""
    rows = asking.rows(version)
    champion = read_version(asking.documents, asking.key, known.champion) if known.champion else None
    seen = max(one.paper.seen_until for one in (version, champion) if one)
    untouched = rows.where(rows.at >= microseconds_of(seen))
    of_champion = _rows_of_champion(asking, champion) if champion else None
    if of_champion:
        untouched = untouched.where(_are_among(untouched, of_champion))
    if not untouched.labels.size:
        return None
    own = asking.losses(foretell(asking.model(version, rows), untouched.matrix), untouched)
    taught = rows.where(rows.until <= microseconds_of(version.paper.seen_until))
    usual = asking.losses(asking.usual(taught, untouched), untouched)
    if champion and of_champion:
        theirs = of_champion.where(_are_among(of_champion, untouched))
        rivals = [asking.losses(foretell(asking.model(champion, of_champion), theirs.matrix), theirs)]
    else:
        rivals = [usual]
        if asking.task.estimators == "direction":
            rivals.append(np.full(untouched.labels.size, 1.0 - COIN))
    first_at, until = moment_of(untouched.at[0]), moment_of(untouched.until.max())
    name = known.champion or asking.task.baseline
    kept = KeptTest(version.version, name, first_at, until, untouched.data_version)
    looks = count_looks(asking.documents, asking.key, first_at=first_at, until=until)
    looks += not is_kept(asking.documents, asking.key, kept)
    # All of them have to be beaten: the one that counts is the one whose interval lies lowest, whatever its mean is.
    held = (_held(asking, untouched, rival - own, looks) for rival in rivals)
    found = min(held, key=lambda one: one.gain.interval.low)
    score, plausible_to = _score(asking.task, own, usual)
    return PairedTest(
        version.version, name, first_at, until, kept.data_version, untouched.labels.size, found.blocks, found.gain,
        score=score, plausible_to=plausible_to,
    )  # fmt: skip


def _score(task: Task, own: NDArray[np.float64], usual: NDArray[np.float64]) -> tuple[float, float]:
    """Return how good a model is, and how good anybody honestly is: a share right, or of squared errors avoided."""
    if task.estimators == "direction":
        return 1.0 - float(own.mean()), SUSPECT_ACCURACY
    avoided = skill(float(own.mean()), float(usual.mean()))
    return (0.0 if math.isnan(avoided) else avoided), SUSPECT_SKILL


def _are_among(rows: Rows, others: Rows) -> NDArray[np.bool_]:
    """Return which rows are of a series and a moment that others are of, too; shape (n,)."""
    names = [*KEY[:4], "close_time"]
    wanted = others.frame.select(names).with_columns(is_there=pl.lit(value=True))
    found = rows.frame.select(names).join(wanted, on=names, how="left", maintain_order="left")
    return found["is_there"].fill_null(value=False).to_numpy()


def _rows_of_champion(asking: Asking, champion: ModelVersion) -> Rows:
    """Return all labelled rows with the champion's features, if they are still what it was taught."""
    now = steps.identity(asking.features(champion).feature_set)
    if now != champion.paper.feature_set:
        what = f"the champion {champion.version} cannot be asked: its features are computed otherwise now"
        todo = "put them back as they were, or roll it back"
        raise BadInputError(what, value=f"{now}, not {champion.paper.feature_set}", todo=todo)
    return asking.rows(champion)


def _held(asking: Asking, rows: Rows, gains: NDArray[np.float64], looks: int) -> Selection:
    block = asking.workspace.settings.model.block_bars
    contest = Contest(asking.task.horizon_bars(asking.interval), trials=looks, block_bars=block)
    return select(gains, rows.at, contest)
