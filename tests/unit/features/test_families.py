"""Every Step is in one family, and no family is empty."""

from assay.features.families import FAMILIES, family_of
from assay.features.registry import STEPS


def test_every_step_is_in_one_family() -> None:
    named = [name for family in FAMILIES for name in family.steps]
    assert sorted(named) == sorted(STEPS)
    assert all(family.steps for family in FAMILIES)
    assert all(name in family_of(name).steps for name in STEPS)
