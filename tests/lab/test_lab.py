# SPDX-License-Identifier: LGPL-2.1-or-later
"""The lab itself keeps what it promises."""

import pathlib

import pytest

from inside import run
from targets import Lun


@pytest.fixture(scope="module")
def lun():
    with Lun("lab") as lun:
        yield lun


def test_two_nexuses_lead_to_one_logical_unit(lun):
    pages = [run("sg_inq", "--page=sn", path.sg).ok().output
             for path in lun.paths]
    assert pages[0] == pages[1] and lun.serial in pages[0]


def test_a_registration_with_aptpl_is_written_down(lun):
    here, there = lun.paths
    run("sg_persist", "-o", "-G", "-S", "0xabc", "-Z", here.sg).ok()
    state = pathlib.Path(f"/var/target/pr/aptpl_{lun.serial}")
    assert "sa_res_key=2748" in state.read_text()
    lun.reset()
    seen = run("sg_persist", "-i", "-k", there.sg).ok().output
    assert "there are NO registered reservation keys" in seen


def test_the_root_can_be_written_and_is_not_the_machine_s():
    pathlib.Path("/etc/written-in-the-lab").write_text("x")
    mounts = pathlib.Path("/proc/mounts").read_text()
    assert mounts.startswith("overlay / overlay ")
