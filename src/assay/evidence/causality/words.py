"""The likely cause of a leak and what to do about it, in words."""

from __future__ import annotations

from assay.evidence.causality.findings import Leak

TODO = {
    Leak.FUTURE_VALUE: "shift by a positive number of bars, or use a window that ends at the row",
    Leak.CENTRED_WINDOW: "use a window that ends at the row: center=False",
    Leak.FULL_SAMPLE_STATISTIC: "use an expanding or rolling statistic, or fit it on the training part alone",
    Leak.HIGHER_INTERVAL_BY_OPEN_TIME: "join the longer bar on when it closed (close_time <= the row's close), "
    "label it at its end, or use Higher",
    Leak.SESSION_TOTAL: "use a running total from the start of the session to the row",
    Leak.FILL: "fill forward, or leave the hole; bfill and interpolate take what came after it",
    Leak.LAST_ROW_DEFAULT: "take the last value known at the row, not the last of the table",
    Leak.EVENT_TIME_JOIN: "join on when a row became available (available_at), not on when it happened",
    Leak.ROWS_CHOSEN_BY_THE_FUTURE: "return a row for each row given, or keep and drop rows by what was known at each",
    Leak.UNIVERSE_WITH_HINDSIGHT: "choose the series anew at each moment by what was known then",
    Leak.TARGET_COPY: "leave the column out: it is the target",
    Leak.TARGET_NEAR_COPY: "leave the column out, or define the target by what comes after the row",
    Leak.TARGET_ENCODING: "encode by targets that were known before the row: expanding, or fitted on the training part",
    Leak.FITTED_ON_THE_FUTURE: "fit it on the training rows alone: make it part of the pipeline that each fold fits",
    Leak.SHUFFLED_SPLIT: "split by time: all rows of the test after those of the training, without shuffling",
    Leak.LABEL_SPAN: "declare the whole span that the label uses, or shorten what it reads",
    Leak.LABEL_FEATURE_OVERLAP: "begin the label's span where the row is known, and purge training rows whose span "
    "reaches into the test",
    Leak.HIDDEN_STATE: "compute it from the frame that is given; keep nothing between calls",
    Leak.NOT_DETERMINISTIC: "make every call give the same: a generator with a fixed seed, and rows sorted (ORDER BY) "
    "before some of them are taken",
    Leak.UNEXPLAINED: "look at the rows below: the value changes when later rows do",
}
"""What to do about each kind."""


def bars(count: int) -> str:
    """Return a number of bars in words.

    >>> bars(1), bars(24)
    ('1 bar', '24 bars')
    """
    return f"{count:,} bar{'' if count == 1 else 's'}"


def listed(names: list[str]) -> str:
    """Return some names in words, the first three of many.

    >>> listed(["a", "b"]), listed(["a", "b", "c", "d", "e"])
    ('a and b', 'a, b, c and 2 more')
    """
    if len(names) > 3:
        return f"{', '.join(names[:3])} and {len(names) - 3} more"
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
