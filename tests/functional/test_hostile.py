# SPDX-License-Identifier: LGPL-2.1-or-later
"""Clients that break every rule of the protocol, by the hundred thousand.

tests/support/hostile.c has the table of what they do, and what they must see of
that; every eighth is followed by an honest one, who must be served.  Here it is
that nothing is left of them.  PRM_HOSTILE says how many there are.
"""

import os
import subprocess

import pytest

import build
from harness import under_valgrind

SANITIZED = os.environ.get("PRM_SANITIZER", "") != ""

# Under a tool each takes longer, and another tool looks at what is left.
USUAL = 400 if under_valgrind() else 4000 if SANITIZED else 100000
COUNT = int(os.environ.get("PRM_HOSTILE") or USUAL)

# What the C library may keep for the next time, by then.
GROWTH_KIB = 512


def private_kib(helper):
    with open(f"/proc/{helper.process.pid}/smaps_rollup",
              encoding="ascii") as file:
        return sum(int(line.split()[1]) for line in file
                   if line.startswith("Private_"))


def play(helper, count, seed):
    done = subprocess.run(
        [build.program("hostile"), helper.socket, helper.disk.path,
         str(count), str(seed)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_hostile_clients_leave_nothing_behind(start):
    if not os.path.exists(build.program("hostile")):
        pytest.skip("hostile is not built")
    helper = start()
    helper.disk = helper.device(lu="a")
    # All that is allocated once and kept is there after the first tenth.
    play(helper, COUNT // 10, 1)
    helper.wait_until(lambda: str(helper.disk.path) not in
                      helper.fds().values(), "clients do not go")
    fds, memory = len(helper.fds()), private_kib(helper)
    print(play(helper, COUNT - COUNT // 10, 2))
    helper.wait_for_fds(fds)
    growth = private_kib(helper) - memory
    print(f"{COUNT} hostile sessions: {fds} descriptors, {growth} KiB more")
    if not (SANITIZED or under_valgrind()):
        assert growth < GROWTH_KIB
    assert not helper.stderr.matching("cannot|turned|not read")
