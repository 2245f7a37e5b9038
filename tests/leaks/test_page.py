"""What docs/concepts/causality.md says is printed is what its code prints."""

from __future__ import annotations

import re

import pytest

from assay.evidence.causality import Leak
from tests.leaks.page import PAGE

SHOWN = re.compile(r"^```python\n(.*?)^```$.*?^```text\n(.*?)^```$", flags=re.MULTILINE | re.DOTALL)
NUMBER = re.compile(r"(?<=accuracy )[0-9.]+(?=%)")


def test_the_model_that_is_right_on_noise_is_what_the_page_says(capsys: pytest.CaptureFixture[str]) -> None:
    text = PAGE.read_text(encoding="utf-8")
    found = SHOWN.search(text)
    assert found is not None
    code, printed = found.groups()
    exec(compile(code, str(PAGE), "exec"), {})
    said = capsys.readouterr().out
    # A last digit of a fit may differ from machine to machine, and with it one row in two thousand.
    assert NUMBER.sub("", said) == NUMBER.sub("", printed)
    wrong, honest = (float(one) for one in NUMBER.findall(said))
    assert [wrong, honest] == pytest.approx([float(one) for one in NUMBER.findall(printed)], abs=0.15)
    assert f"A model that is right {NUMBER.findall(printed)[0]} % of the time, on noise" in text
    assert abs(honest - 50) < 5
    assert printed.count(Leak.TARGET_NEAR_COPY) == 1
