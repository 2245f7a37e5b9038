"""The planted edge hour by hour, against a loop."""

from __future__ import annotations

import numpy as np
import pytest

from assay.domain.errors import BadInputError
from assay.venues.sandbox.assets import DEFAULT_ASSETS
from assay.venues.sandbox.edge import check_edge, directions
from assay.venues.sandbox.market import Market
from assay.venues.sandbox.skeleton import Skeleton


def test_following_hours_take_the_direction_of_the_hour_before_and_keep_their_size() -> None:
    rng = np.random.default_rng(1)
    moves, follows = rng.normal(size=500), rng.random(500) < 0.4
    follows[0] = False
    after = moves.copy()
    for hour in range(1, 500):
        if follows[hour]:
            after[hour] = np.copysign(moves[hour], after[hour - 1])
    assert np.array_equal(moves * directions(moves, follows), after)


def test_without_an_edge_nothing_is_turned() -> None:
    assert np.all(Skeleton(1).hours(DEFAULT_ASSETS[0], 19_712, 256).direction == 1.0)


def test_an_edge_turns_hours_and_leaves_their_sizes_and_trades() -> None:
    plain, planted = (Skeleton(1, edge=edge).hours(DEFAULT_ASSETS[3], 19_712, 256) for edge in (0.0, 0.1))
    assert np.array_equal(np.abs(np.diff(plain.level)), np.abs(np.diff(planted.level)))
    assert np.array_equal(plain.trades, planted.trades)
    # A fifth of the hours follow, and half of those went the other way before.
    assert (planted.direction < 0).mean() == pytest.approx(0.1, abs=0.02)


@pytest.mark.parametrize("edge", [-0.01, 0.51, float("nan")])
def test_impossible_edges_are_refused(edge: float) -> None:
    with pytest.raises(BadInputError, match="not an edge"):
        check_edge(edge)
    with pytest.raises(BadInputError, match="not an edge"):
        Market(1, edge=edge)
