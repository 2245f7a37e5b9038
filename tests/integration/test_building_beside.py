"""The process that gets ready to build: its errors are those of a build, and its end is said. See also test_demo.py."""

from __future__ import annotations

import psutil
import pytest

from assay.domain.errors import BuildError, NoDataError
from assay.pipelines.building_beside import ready_builder
from tests.integration.conftest import MakeWorkspace
from tests.integration.homes import share_project


def test_what_goes_wrong_there_is_raised_here(make_workspace: MakeWorkspace) -> None:
    workspace = make_workspace()
    share_project(workspace.home.root)
    with ready_builder(workspace) as builder, pytest.raises(NoDataError) as raised:
        builder.build(workspace)
    assert raised.value.value == workspace.home.root
    assert "assay ingest" in raised.value.todo


def test_its_end_is_an_error_and_it_never_outlives_the_block(make_workspace: MakeWorkspace) -> None:
    workspace = make_workspace()
    before = set(psutil.Process().children())
    with ready_builder(workspace) as builder:
        (child,) = set(psutil.Process().children()) - before
        child.kill()
        child.wait()  # the pipe is broken now: what is told stays on this side
        with pytest.raises(BuildError, match="has ended"):
            builder.build(workspace)
    with ready_builder(workspace):
        (child,) = set(psutil.Process().children()) - before
    assert not child.is_running()
