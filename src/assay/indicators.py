"""What an indicator of one's own is made of: the names to import in its file.

>>> from assay.indicators import NO_WINDOW, Bar, FloatArray, Kernel, StepDocs, Values, check_length

``docs/how-to/add-an-indicator.md`` shows a whole file. A kernel may also call the kernels of shipped indicators, from
:mod:`assay.features.indicators`; its hash then changes with theirs.
"""

from assay.domain.errors import BadInputError
from assay.features.bars import Bar, Bars, FloatArray
from assay.features.drivers import Stream, run_batch
from assay.features.sets import FeatureSet
from assay.features.step import (
    NO_WINDOW,
    Kernel,
    Step,
    StepDocs,
    Values,
    check_factor,
    check_length,
    text_of,
)
from assay.features.windows import (
    empty,
    empty_range,
    push_lag,
    push_max,
    push_min,
    push_moments,
    push_range,
    push_sum,
    push_sums,
    variance,
)

__all__ = [
    "NO_WINDOW",
    "BadInputError",
    "Bar",
    "Bars",
    "FeatureSet",
    "FloatArray",
    "Kernel",
    "Step",
    "StepDocs",
    "Stream",
    "Values",
    "check_factor",
    "check_length",
    "empty",
    "empty_range",
    "push_lag",
    "push_max",
    "push_min",
    "push_moments",
    "push_range",
    "push_sum",
    "push_sums",
    "run_batch",
    "text_of",
    "variance",
]
