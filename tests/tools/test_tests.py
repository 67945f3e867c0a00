# SPDX-License-Identifier: LGPL-2.1-or-later
"""All tests can be run at once: no module is taken for another."""

import collections
import glob
import os
import re

import pytest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))


# What tools/check runs in one go, and what all of them import from.
TOGETHER = [("functional", "interop", "library"), ("lab",), ("tools",),
            ("installed",)]
SHARED = "support"


def modules(*folders):
    return sorted(path for folder in folders for path in glob.glob(
        os.path.join(ROOT, "tests", folder, "**", "*.py"), recursive=True))


def test_no_test_imports_a_conftest():
    """There are many of that name, and the first one wins."""
    for path in modules(""):
        with open(path, encoding="utf-8") as file:
            assert not re.search(r"^\s*(from|import) conftest\b", file.read(),
                                 re.M), path


@pytest.mark.parametrize("folders", TOGETHER)
def test_no_two_modules_have_the_same_name(folders):
    places = collections.defaultdict(list)
    for path in modules(*folders, SHARED):
        places[os.path.basename(path)].append(os.path.relpath(path, ROOT))
    places.pop("conftest.py", None)
    assert [some for some in places.values() if len(some) > 1] == []
