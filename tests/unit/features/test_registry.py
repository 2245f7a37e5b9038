from __future__ import annotations

import importlib
import inspect
import pkgutil

import pytest

import assay.features
from assay.domain.errors import BadInputError
from assay.features.against import Against
from assay.features.ema import Ema
from assay.features.garch import Garch
from assay.features.higher import Higher
from assay.features.over import Over
from assay.features.registry import STEPS, find_step
from assay.features.step import Step


def test_every_class_with_a_kernel_in_the_folder_is_registered_under_its_name() -> None:
    found = {}
    for module in pkgutil.iter_modules(assay.features.__path__):
        source = importlib.import_module(f"assay.features.{module.name}")
        for _, kind in inspect.getmembers(source, inspect.isclass):
            if hasattr(kind, "kernel") and kind is not Step and kind.__module__ == source.__name__:
                found[kind.name] = kind
                assert kind.name == module.name, "a Step's file is named after it"
    assert found
    made_of_others: dict[str, type] = {kind.name: kind for kind in (Against, Higher, Over)}
    # Coefficients come from a fit: with those that stand in the class its numbers say nothing of a market.
    fitted: dict[str, type] = {Garch.name: Garch}
    assert found == STEPS | made_of_others | fitted
    assert not set(STEPS) & set(made_of_others | fitted)


def test_unknown_step_names_the_nearest() -> None:
    assert find_step("ema") is Ema
    with pytest.raises(BadInputError, match="did you mean rsi"):
        find_step("rsii")
    with pytest.raises(BadInputError, match="use one of adx, atr, .*, zscore$"):
        find_step("zzzzz")
