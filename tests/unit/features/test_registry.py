from __future__ import annotations

import importlib
import inspect
import pkgutil
from types import ModuleType

import pytest

import assay.features
from assay.domain.errors import BadInputError
from assay.features import indicators
from assay.features.against import Against
from assay.features.garch import Garch
from assay.features.higher import Higher
from assay.features.indicators.ema import Ema
from assay.features.over import Over
from assay.features.registry import STEPS, find_step
from assay.features.step import Step


def kinds_in(package: ModuleType) -> dict[str, type]:
    """Return the classes with a kernel that the modules of a package define, by name."""
    found: dict[str, type] = {}
    for module in pkgutil.iter_modules(package.__path__):
        source = importlib.import_module(f"{package.__name__}.{module.name}")
        for _, kind in inspect.getmembers(source, inspect.isclass):
            if hasattr(kind, "kernel") and kind is not Step and kind.__module__ == source.__name__:
                assert kind.name == module.name, "a Step's file is named after it"
                found[kind.name] = kind
    return found


def test_every_indicator_of_the_folder_is_registered_under_its_name() -> None:
    assert kinds_in(indicators) == STEPS
    assert len(STEPS) > 30


def test_what_is_made_of_others_or_of_a_fit_is_not() -> None:
    made_of_others = {kind.name: kind for kind in (Against, Higher, Over)}
    # Coefficients come from a fit: with those that stand in the class its numbers say nothing of a market.
    assert kinds_in(assay.features) == made_of_others | {Garch.name: Garch}


def test_unknown_step_names_the_nearest() -> None:
    assert find_step("ema") is Ema
    with pytest.raises(BadInputError, match="did you mean rsi"):
        find_step("rsii")
    with pytest.raises(BadInputError, match="use one of adx, atr, .*, zscore$"):
        find_step("zzzzz")
