"""What a Step remembers between bars, as bytes that refuse to be read as something else.

The bytes are a checksum, a JSON header and raw little-endian float64. They hold no code and load none (no pickle), so
that a state may lie in the lake for years and still be trusted.
"""

from __future__ import annotations

import hashlib
import json
import struct
from dataclasses import dataclass

import numpy as np

from assay.domain.errors import BadInputError
from assay.features.bars import LATEST_TIME, FloatArray
from assay.features.step import Step, Values, identity

NEVER = -LATEST_TIME
"""The `last_close_time` of a state that has seen no bar."""

Header = dict[str, str | int]
_MAGIC = b"ASSAYFS1"
_CHECKSUM = 8
_AGAIN = "compute it again from the first bar"


class StateError(BadInputError):
    """A saved state is damaged, or belongs to another computation."""


@dataclass(frozen=True, slots=True, eq=False)
class StepState:
    """Everything a Step needs to go on after a bar.

    Attributes
    ----------
    step : str
        Identity of the Step that made it.
    last_close_time : int
        End of the last bar seen, in microseconds; :data:`NEVER` before the first.
    values : tuple of float
        The kernel's state.
    window : float64 array
        The kernel's window, read-only; empty for most Steps.
    """

    step: str
    last_close_time: int
    values: Values
    window: FloatArray

    def __post_init__(self) -> None:
        window = np.array(self.window, dtype=np.float64)
        window.flags.writeable = False
        object.__setattr__(self, "window", window)

    @classmethod
    def start(cls, step: Step) -> StepState:
        """Return the state before the first bar."""
        values, window = step.init()
        return cls(identity(step), NEVER, values, window)

    def check_belongs_to(self, step: Step) -> None:
        """Raise StateError unless exactly this computation made the state."""
        if self.step != identity(step):
            todo = f"this is {identity(step)}: compute it again from the first bar"
            raise StateError("saved state of another step or of other code", value=self.step, todo=todo)

    def to_bytes(self) -> bytes:
        """Return the state as bytes; equal states give equal bytes."""
        header: Header = {"step": self.step, "last_close_time": self.last_close_time, "values": len(self.values)}
        return pack(header, np.array([*self.values, *self.window]).astype("<f8").tobytes())

    @classmethod
    def from_bytes(cls, content: bytes) -> StepState:
        """Read what :meth:`to_bytes` wrote.

        Raises
        ------
        StateError
            If the bytes are damaged or something else.
        """
        header, payload = unpack(content)
        try:
            numbers = np.frombuffer(payload, dtype="<f8").astype(np.float64)
            values, window = np.split(numbers, [int(header["values"])])
            return cls(str(header["step"]), int(header["last_close_time"]), tuple(values.tolist()), window)
        except (KeyError, ValueError) as error:
            raise StateError("not the saved state of a step", value=error, todo=_AGAIN) from error


def pack(header: Header, payload: bytes) -> bytes:
    """Return header and payload as one checksummed block."""
    text = json.dumps(header, sort_keys=True, separators=(",", ":")).encode()
    body = struct.pack("<I", len(text)) + text + payload
    return _MAGIC + hashlib.sha256(body).digest()[:_CHECKSUM] + body


def unpack(content: bytes) -> tuple[Header, bytes]:
    """Undo :func:`pack`.

    Raises
    ------
    StateError
        If `content` was not written by it, or not by this version, or is damaged.
    """
    start = len(_MAGIC) + _CHECKSUM
    body = content[start:]
    if content[: len(_MAGIC)] != _MAGIC:
        raise StateError("not a saved state", value=content[: len(_MAGIC)], todo=_AGAIN)
    if len(body) < 4 or hashlib.sha256(body).digest()[:_CHECKSUM] != content[len(_MAGIC) : start]:
        raise StateError("damaged saved state", value=f"{len(content)} bytes", todo=_AGAIN)
    (length,) = struct.unpack_from("<I", body)
    header: Header = json.loads(body[4 : 4 + length])
    return header, body[4 + length :]
