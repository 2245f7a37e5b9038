"""What a model is asked to foretell, and the span of time each answer uses.

A label looks into the future on purpose; its span says how far, and it looks no farther. Splits purge training rows by
these spans, so that no row teaches a model what happens in the block it is tested on, and weights come from how far
they overlap.

- ``label.py``: what a label is
- ``horizons.py``: direction, return and difference of the price one horizon later
- ``barriers.py``: which of two prices is reached first, if either is in time
- ``names.py``: their names, such as ``direction_24h`` and ``triple_barrier_24h_2_2``
"""

from __future__ import annotations

from assay.features.labels.barriers import TripleBarrier, triple_barrier_label
from assay.features.labels.horizons import delta_label, direction_label, return_label
from assay.features.labels.label import Label
from assay.features.labels.names import LabelRule, parse_label

__all__ = [
    "Label",
    "LabelRule",
    "TripleBarrier",
    "delta_label",
    "direction_label",
    "parse_label",
    "return_label",
    "triple_barrier_label",
]
