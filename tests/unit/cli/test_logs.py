"""Logs are key=value lines on stderr."""

from __future__ import annotations

import logging
import re

import pytest

from assay.cli.logs import set_up


def test_record_of_the_level_is_one_key_value_line_on_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    set_up("INFO")
    logger = logging.getLogger("assay.lake.bronze")
    logger.info("event=batch_written rows=%d", 3)
    logger.debug("event=too_small")
    logging.getLogger("somebody.else").info("event=not_ours")
    shown = capsys.readouterr()
    assert shown.out == ""
    assert re.fullmatch(
        r"time=\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z level=INFO logger=assay.lake.bronze event=batch_written rows=3\n",
        shown.err,
    )
    set_up("WARNING")
    logger.info("event=batch_written")
    assert capsys.readouterr().err == ""
