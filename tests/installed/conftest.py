# SPDX-License-Identifier: LGPL-2.1-or-later
"""A staged installation for all tests of this folder."""

import os
import sys

import pytest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "support"))
sys.path.insert(0, HERE)

import build  # noqa: E402
from command import run  # noqa: E402


@pytest.fixture(scope="session")
def root(tmp_path_factory):
    """A staged installation, as a package would hold it."""
    folder = str(tmp_path_factory.mktemp("root"))
    done = run("meson", "install", "-C", build.BUILD, "--no-rebuild",
               "--destdir", folder)
    assert done.returncode == 0, done.stdout
    return folder
