# SPDX-License-Identifier: LGPL-2.1-or-later
"""QEMU's helper and ours give the same answers, byte for byte.

Where real SCSI devices are missing, scripted ones stand in for both: ours has
them linked in, QEMU's has them preloaded.
"""

import errno
import os
import shutil

import pytest

import build
from differential import (DELIBERATE, Target, compare, every_command, node)
from harness import Helper

THEIRS = shutil.which("qemu-pr-helper", path="/usr/bin:/usr/libexec")
PRELOAD = os.path.join(build.BUILD, "tests/support/prm-scripted.so")

needs_both = pytest.mark.skipif(
    not THEIRS or os.geteuid() != 0 or
    not os.path.exists(build.program("pr-helper-scripted")) or
    not os.path.exists(PRELOAD),
    reason="needs qemu-pr-helper, root, and a build without sanitizers")


@pytest.fixture(scope="module")
def helpers():
    """(theirs, ours), both with scripted devices."""
    with Helper(program=THEIRS, env={"LD_PRELOAD": PRELOAD}) as theirs:
        with Helper() as ours:
            yield theirs, ours


def assert_same(helpers, targets, seed=1, count=0, make=None):
    theirs, ours = helpers
    unexplained, explained = compare(theirs.socket, ours.socket, targets,
                                     seed, count, make)
    assert not unexplained, "\n".join(unexplained)
    return explained


def nodes():
    """What this machine has that both helpers may be given."""
    found = [node("/dev/null", scsi=False), node("/dev/zero", scsi=False),
             node("/dev/null", os.O_RDONLY, scsi=False),
             node("/", os.O_RDONLY, scsi=False),
             node(__file__, os.O_RDONLY, scsi=False)]
    for path in "/dev/loop0", "/dev/loop1":
        try:
            os.close(os.open(path, os.O_RDWR | os.O_CLOEXEC))
        except OSError:
            continue
        found += [node(path, scsi=False), node(path, os.O_RDONLY, scsi=False)]
    return found


@needs_both
@pytest.mark.parametrize("seed", range(4))
def test_requests_on_what_is_no_scsi_device(helpers, seed):
    assert_same(helpers, nodes(), seed, 150)


def scripted(helpers, flags=os.O_RDWR, **script):
    """A Target on a device of ours; both helpers open the same file."""
    device = helpers[1].device(**script)
    return Target(f"{script}", lambda: os.open(device.path,
                                               flags | os.O_CLOEXEC),
                  script={**script, "fixed": "lu" not in script})


@needs_both
@pytest.mark.parametrize("seed", range(8))
def test_life_of_a_logical_unit(helpers, seed):
    """Sequences over two paths, one of them also opened for reading only."""
    targets = [scripted(helpers, lu=f"lu{seed}", nexus="a"),
               scripted(helpers, lu=f"lu{seed}", nexus="b"),
               scripted(helpers, os.O_RDONLY, lu=f"lu{seed}", nexus="b")]
    explained = assert_same(helpers, targets, seed, 200)
    assert set(explained) <= {DELIBERATE[1][0]}


@needs_both
def test_every_host_status(helpers):
    assert_same(helpers, [scripted(helpers, host=f"{host:x}", status=status)
                          for host in range(0x18)
                          for status in ("0", "18", "8")],
                make=every_command)


@needs_both
def test_every_driver_status(helpers):
    assert_same(helpers, [scripted(helpers, driver=f"{driver:x}")
                          for driver in range(16)], make=every_command)


@needs_both
def test_every_scsi_status(helpers):
    assert_same(helpers, [scripted(helpers, status=f"{status:x}")
                          for status in range(256)], make=every_command)


@needs_both
def test_every_errno(helpers):
    assert_same(helpers, [scripted(helpers, error=error)
                          for error in range(1, 134)], make=every_command)


@needs_both
@pytest.mark.parametrize("sense", [
    "70000600000000" "0a00000000" "2a0300000000",
    "f0000612345678" "0a9abcdef0" "2a0555800012",
    "7205260400000008" "0006000000000000",
    "700005000000000a" "00000000" "240000c00001",
])
def test_sense_of_a_device(helpers, sense):
    assert_same(helpers, [scripted(helpers, status="2", driver="8",
                                   sense=sense)], make=every_command)


@needs_both
@pytest.mark.parametrize("resid", [0, 1, 100, 8191, 8192])
def test_residuals(helpers, resid):
    data = bytes(i % 251 for i in range(8192)).hex()
    assert_same(helpers, [scripted(helpers, data=data, resid=resid)],
                make=every_command)


@needs_both
def test_every_difference_is_met(helpers):
    """A reason that explains nothing any more has to go."""
    targets = nodes()
    targets += [scripted(helpers, host=f"{host:x}") for host in range(0x18)]
    targets += [scripted(helpers, driver=f"{d:x}") for d in range(16)]
    targets += [scripted(helpers, status=f"{s:x}") for s in (2, 4, 0x10, 0xff)]
    targets += [scripted(helpers, error=errno.ENODEV)]
    explained = assert_same(helpers, targets, make=every_command)
    explained += assert_same(helpers, nodes(), 7, 300)
    assert set(explained) == {reason for reason, _ in DELIBERATE}
