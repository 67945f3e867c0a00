# SPDX-License-Identifier: LGPL-2.1-or-later
"""QEMU's helper and ours give the same answers for real SCSI devices.

tests/interop has the requests, and what may differ and why.  Ours gives the
same ones with multipath support and without, where nothing may differ.
"""

import os
import pathlib
import shutil
import sys

import pytest

import build
from helper import PEER, PROGRAM, Helper
from targets import Lun

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent /
                       "interop"))

from differential import (CLOSED, DELIBERATE, Generator,  # noqa: E402
                          Target, compare, node, reset, run_all)

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


@pytest.fixture(scope="module")
def supporting():
    with Helper("--multipath-program", build.program("pr-helper-multipath"),
                name="supporting") as helper:
        yield helper.socket


@pytest.mark.parametrize("kind", ["block", "sg"])
def test_multipath_support_changes_nothing_for_other_devices(
        helpers, supporting, lun, kind):
    """Byte by byte, but for the generation that a logical unit counts on."""
    targets = [node(str(getattr(path, kind))) for path in lun.paths]
    generator = Generator(targets, seed=8)
    requests = [generator.request() for _ in range(150)]
    answers = []
    for path in helpers[1], supporting:
        reset(path, targets)
        answers.append([
            reply if reply == CLOSED else reply._replace(payload=payload)
            for reply, payload in run_all(path, requests, ours=True)])
    assert any(reply != CLOSED and reply.good for reply in answers[0])
    assert answers[0] == answers[1]
