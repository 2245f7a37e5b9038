"""Errors of venues say who, what and what to do, and whether trying again may help."""

from __future__ import annotations

import dataclasses

from assay.domain.errors import TerminalError, TransientError
from assay.venues.binance.spec import SPEC
from assay.venues.errors import PoisonPageError, VenueBusyError, VenueRefusedError, venue_error
from assay.venues.spec import Request

REQUEST = Request("binance", "klines", "/api/v3/klines", (), 2)


def test_code_decides_whether_the_error_is_transient() -> None:
    spec = dataclasses.replace(SPEC, transient_codes=frozenset({-1003}))
    busy, refused = venue_error(spec, -1003, "Too many requests."), venue_error(spec, -1121, "Invalid symbol.")
    assert isinstance(busy, VenueBusyError)
    assert isinstance(busy, TransientError)
    assert isinstance(refused, VenueRefusedError)
    assert isinstance(refused, TerminalError)
    assert (busy.exit_code, refused.exit_code) == (3, 1)
    assert (refused.venue, refused.code, refused.message) == ("binance", -1121, "Invalid symbol.")


def test_poison_page_shows_its_beginning_whatever_the_bytes() -> None:
    error = PoisonPageError(REQUEST, "not JSON", b"\xff<html>" + b"x" * 1_000)
    assert str(error).startswith("useless answer of binance to klines: not JSON: '\ufffd<html>xxx")
    assert len(str(error)) < 260
    assert error.request is REQUEST
