"""The causality prover: whether a computation sees the future.

:func:`audit` recomputes on data without its future, and with another one, and compares; ``prove.py`` names the steps.
:func:`audit_label` holds labels against the spans that they declare, :func:`audit_fit` asks on which rows a pipeline
was fitted, and :func:`audit_split` whether a split goes with time.
"""

from assay.evidence.causality.certificate import Certificate
from assay.evidence.causality.findings import Audit, Check, Evidence, Finding, Leak
from assay.evidence.causality.fitting import audit_fit
from assay.evidence.causality.labels import LabelColumns, audit_label
from assay.evidence.causality.prove import audit
from assay.evidence.causality.splits import audit_split
from assay.evidence.causality.subject import Subject

__all__ = [
    "Audit",
    "Certificate",
    "Check",
    "Evidence",
    "Finding",
    "LabelColumns",
    "Leak",
    "Subject",
    "audit",
    "audit_fit",
    "audit_label",
    "audit_split",
]
