"""Slowing down whoever tries out passwords."""

from __future__ import annotations

from assay.web import limiter as module
from assay.web.limiter import AttemptLimiter


def test_name_is_protected_from_many_addresses_and_address_from_many_names() -> None:
    limiter = AttemptLimiter(limit=3, per_s=60.0)
    assert [limiter.wait_s(f"from:{place}", "for:ann", now=0.0) for place in range(4)] == [0.0, 0.0, 0.0, 60.0]
    assert limiter.wait_s("from:0", "for:bob", now=0.0) == 0.0


def test_refused_attempts_do_not_make_the_wait_longer() -> None:
    limiter = AttemptLimiter(limit=1, per_s=60.0)
    limiter.wait_s("a", now=0.0)
    assert [limiter.wait_s("a", now=now) for now in (10.0, 30.0, 59.0, 60.0)] == [50.0, 30.0, 1.0, 0.0]


def test_right_password_starts_the_count_again() -> None:
    limiter = AttemptLimiter(limit=1, per_s=60.0)
    limiter.wait_s("a", now=0.0)
    limiter.forget("a")
    assert limiter.wait_s("a", now=1.0) == 0.0


def test_memory_stays_bounded_however_many_names_are_tried() -> None:
    limiter = AttemptLimiter(limit=1, per_s=60.0)
    for number in range(module._MOST_KEYS + 500):
        limiter.wait_s(f"a{number}", now=0.0)
    assert len(limiter._attempts) == module._MOST_KEYS
    assert limiter.wait_s(f"a{module._MOST_KEYS + 499}", now=0.0) == 60.0
