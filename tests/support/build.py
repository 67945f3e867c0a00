# SPDX-License-Identifier: LGPL-2.1-or-later
"""Where the programs under test are.

PRM_BUILD names the build folder (tools/check sets it); without it, build/ of
this checkout is taken.
"""

import os

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
BUILD = os.path.abspath(os.environ.get("PRM_BUILD")
                        or os.path.join(ROOT, "build"))

FOLDERS = {
    "broken-multipath": "tests/support",
    "hostile": "tests/support",
    "pr-helper": "src/helper",
    "pr-helper-multipath": "src/multipath",
    "pr-helper-scripted": "tests/support",
    "prmctl": "src/cli",
    "prbench": "bench",
}


def program(name):
    """The path of a program of ours, built or not."""
    return os.path.join(BUILD, FOLDERS[name], name)
