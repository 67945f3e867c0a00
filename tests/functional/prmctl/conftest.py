# SPDX-License-Identifier: LGPL-2.1-or-later
"""A fake helper for each test, and prmctl that talks to it."""

import os
import sys
import tempfile
from pathlib import Path

import pytest

HERE = os.path.dirname(os.path.abspath(__file__))
HERE_PATH = Path(HERE)
sys.path.insert(0, HERE)
sys.path.insert(0, os.path.join(HERE, "..", "..", "support"))
import fakehelper  # noqa: E402
from program import Prmctl  # noqa: E402


@pytest.fixture
def folder():
    """A folder with a path short enough for a socket."""
    with tempfile.TemporaryDirectory(prefix="prmctl-") as path:
        yield path


@pytest.fixture
def helper(folder):
    with fakehelper.FakeHelper(os.path.join(folder, "helper.sock")) as fake:
        yield fake


@pytest.fixture
def prmctl(folder):
    return Prmctl(os.path.join(folder, "helper.sock"))


def pytest_collection_modifyitems(items):
    """Under valgrind every start of prmctl takes seconds: the longest-lived
    command stands for all of them, which AddressSanitizer watches."""
    if os.environ.get("PRM_VALGRIND", "") in ("", "0"):
        return
    skip = pytest.mark.skip(reason="AddressSanitizer watches this one")
    for item in items:
        if item.path.parent == HERE_PATH and item.path.stem != "test_watch":
            item.add_marker(skip)
