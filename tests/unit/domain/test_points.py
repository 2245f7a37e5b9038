"""Points cost nothing until somebody observes them, and then they are told in order."""

from __future__ import annotations

import pytest

from assay.domain.points import Point, is_observed, observed, reached


def test_an_observer_is_told_of_what_is_reached_in_its_block_only() -> None:
    seen: list[Point] = []
    reached(Point.FILE_WRITTEN)
    with observed(seen.append):
        assert is_observed()
        reached(Point.BODY_KEPT)
        reached(Point.BATCH_COMMITTED)
    reached(Point.LAKE_WRITTEN)
    assert seen == [Point.BODY_KEPT, Point.BATCH_COMMITTED]
    assert not is_observed()


def test_an_observer_that_raises_is_taken_out_again() -> None:
    def refuse(_point: Point) -> None:
        raise OSError("enough")

    with pytest.raises(OSError, match="enough"), observed(refuse):
        reached(Point.BODY_KEPT)
    reached(Point.BODY_KEPT)
