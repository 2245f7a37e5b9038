"""The paper that says what was checked: of which code, which configuration and which data, and how densely.

>>> one = Certificate.of("rsi", code="a", config="n=14", data_version="v1", checks=("stream",), density=1.0)
>>> one.why_stale(code="a", config="n=14"), one.why_stale(code="b", config="n=14")
('', 'the code has changed')
>>> one.with_label("c").why_stale(code="a", config="n=14", label="d")
'the code of the label has changed'
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from datetime import datetime

VERSION = 1
"""Goes up when the checks themselves change: an older certificate says less, and is stale."""
_DIGITS = 16


@dataclass(frozen=True, slots=True)
class Certificate:
    """Nothing was found, and this is what was looked at.

    Attributes
    ----------
    content_hash : str
        16 hexadecimal digits of everything below but `made_at`.
    subject : str
    code_hash, config_hash : str
        16 hexadecimal digits of the source of the computation and what it uses, and of its configuration.
    data_version : str
        Names the data: a content hash.
    checks : tuple of str
        Names of the checks that were passed.
    density : float
        Part of the rows that the thinnest of them covers.
    made_at : datetime, optional
        By whose clock, the caller knows.
    version : int
        Of the prover.
    label_hash : str
        16 hexadecimal digits of the label that was audited beside it; empty if none was.
    """

    content_hash: str
    subject: str
    code_hash: str
    config_hash: str
    data_version: str
    checks: tuple[str, ...]
    density: float
    made_at: datetime | None = None
    version: int = VERSION
    label_hash: str = ""

    @classmethod
    def of(  # all of it is what the paper says
        cls,
        subject: str,
        *,
        code: str,
        config: str,
        data_version: str,
        checks: tuple[str, ...],
        density: float,
    ) -> Certificate:
        """Issue one."""
        found = cls("", subject, digest(code), digest(config), data_version, checks, density)
        return replace(found, content_hash=found.hash_of_what_it_says)

    def with_label(self, label: str) -> Certificate:
        """Issue one that speaks of a label, too: of its code and its name."""
        found = replace(self, label_hash=digest(label))
        return replace(found, content_hash=found.hash_of_what_it_says)

    @property
    def hash_of_what_it_says(self) -> str:
        """What `content_hash` is as long as nobody altered the paper."""
        told = [self.subject, self.code_hash, self.config_hash, self.data_version, ",".join(self.checks)]
        told += [self.label_hash] if self.label_hash else []
        return digest("\n".join((str(self.version), *told, f"{self.density:.6f}")))

    def why_stale(self, *, code: str, config: str, label: str = "") -> str:
        """Return why it no longer holds for this code, configuration and label; empty if it does.

        Without a `label`, or of a certificate that speaks of none, the label is not looked at. Other data does not
        make it stale: a certificate is about the computation.
        """
        if self.version != VERSION:
            return "the checks have changed"
        if self.code_hash != digest(code):
            return "the code has changed"
        if label and self.label_hash and self.label_hash != digest(label):
            return "the code of the label has changed"
        return "" if self.config_hash == digest(config) else "the configuration has changed"


def digest(text: str) -> str:
    """Return 16 hexadecimal digits of a text.

    >>> digest("")
    'e3b0c44298fc1c14'
    """
    return hashlib.sha256(text.encode()).hexdigest()[:_DIGITS]
