# SPDX-License-Identifier: LGPL-2.1-or-later
"""QEMU's helper and ours give the same answers for real SCSI devices.

tests/interop has the requests, and what may differ and why.
"""

import os
import pathlib
import shutil
import sys

import pytest

from helper import PEER, PROGRAM, Helper
from targets import Lun

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent /
                       "interop"))

from differential import DELIBERATE, Target, compare, node  # noqa: E402

THEIRS = shutil.which("qemu-pr-helper", path="/usr/bin:/usr/libexec")

pytestmark = pytest.mark.skipif(
    PEER or not THEIRS, reason="needs QEMU's helper and ours")


@pytest.fixture(scope="module")
def helpers():
    with Helper(program=THEIRS, name="theirs") as theirs:
        with Helper(program=PROGRAM, name="ours") as ours:
            yield theirs.socket, ours.socket


@pytest.fixture(scope="module")
def lun():
    with Lun("same") as lun:
        yield lun


def assert_same(helpers, targets, seed):
    unexplained, explained = compare(*helpers, targets, seed, 150)
    assert not unexplained, "\n".join(unexplained)
    # On a SCSI device nothing differs but what is refused for its length.
    assert set(explained) <= {DELIBERATE[1][0]}


@pytest.mark.parametrize("seed", range(4))
def test_on_disks(helpers, lun, seed):
    here, there = lun.paths
    assert_same(helpers, [node(str(here.block)), node(str(there.block)),
                          node(str(there.block), os.O_RDONLY)], seed)


@pytest.mark.parametrize("seed", range(4, 8))
def test_on_sg_nodes(helpers, lun, seed):
    """Ours on sg nodes, theirs on the disks: its time-out is a millisecond,
    which the kernel stretches to seconds for disks only."""
    def target(path, flags):
        return Target(f"{path.block} and {path.sg}",
                      lambda: os.open(path.block, flags | os.O_CLOEXEC),
                      opened_by_us=lambda: os.open(path.sg,
                                                   flags | os.O_CLOEXEC))

    here, there = lun.paths
    assert_same(helpers, [target(here, os.O_RDWR), target(there, os.O_RDWR),
                          target(there, os.O_RDONLY)], seed)
