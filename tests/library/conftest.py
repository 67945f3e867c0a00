# SPDX-License-Identifier: LGPL-2.1-or-later
"""Both helpers, with scripted devices."""

import os
import sys

import pytest

FOLDER = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(FOLDER, "..", "support"))
sys.path.insert(0, FOLDER)

from harness import Helper  # noqa: E402
from peers import OURS, PRELOAD, THEIRS  # noqa: E402


@pytest.fixture(params=["ours", "theirs"])
def helper(request):
    """Both helpers, with scripted devices."""
    if request.param == "ours":
        if not os.path.exists(OURS):
            pytest.skip("pr-helper-scripted is not built")
        with Helper() as running:
            yield running
        return
    if not THEIRS or os.geteuid() != 0 or not os.path.exists(PRELOAD):
        pytest.skip("needs qemu-pr-helper, root, and no sanitizers")
    with Helper(program=THEIRS, env={"LD_PRELOAD": PRELOAD}) as running:
        yield running
