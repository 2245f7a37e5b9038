r"""YAML that people write: read safely, and with no key twice, of which YAML itself would silently take the last.

>>> load_document("a: 1\nb: [2, 3]", Path("mine.yaml"))
{'a': 1, 'b': [2, 3]}
>>> load_document("a: 1\na: 2", Path("mine.yaml"))
Traceback (most recent call last):
assay.domain.errors.BadInputError: mine.yaml, line 2: a key stands twice: 'a'; it is in line 1 too: keep one
"""

from __future__ import annotations

from collections.abc import Hashable
from pathlib import Path

import yaml

from assay.domain.errors import BadInputError


def load_document(text: str, path: Path, *, refuse: type[BadInputError] = BadInputError) -> object:
    """Return what a YAML text says.

    Parameters
    ----------
    text : str
    path : Path
        Where it is from, for the error.
    refuse : type, default BadInputError
        What is raised where a key stands twice.

    Raises
    ------
    BadInputError
        If a key stands twice in one mapping, with the file and both lines.
    yaml.YAMLError
        If it is not YAML, or would make objects of Python.
    """
    loader = _StrictLoader(text)
    loader.path, loader.refuse = path, refuse
    try:
        return loader.get_single_data()
    finally:
        loader.dispose()


class _StrictLoader(yaml.SafeLoader):
    path: Path
    refuse: type[BadInputError]

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, object]:  # noqa: FBT001, FBT002
        lines: dict[str, int] = {}
        for key, _ in node.value:
            name, line = str(key.value), key.start_mark.line + 1
            if name in lines:
                todo = f"it is in line {lines[name]} too: keep one"
                raise self.refuse(f"{self.path}, line {line}: a key stands twice", value=name, todo=todo)
            lines[name] = line
        return super().construct_mapping(node, deep)
