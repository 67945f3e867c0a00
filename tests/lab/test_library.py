# SPDX-License-Identifier: LGPL-2.1-or-later
"""libprmanager on a real logical unit, through our helper and QEMU's."""

import os
import re
import shutil

import pytest

import build
import inside
from helper import Helper, PROGRAM
from targets import Lun

LIBRARY = os.path.join(build.BUILD, "src/libprmanager")
THEIRS = shutil.which("qemu-pr-helper", path="/usr/bin:/usr/libexec")
KEY = "0x6c6962"


def run(name, *words, stdin=""):
    """A program of tests/library/."""
    return inside.run("sh", "-c", 'printf %s "$0" | "$@"', stdin, "env",
                      f"LD_LIBRARY_PATH={LIBRARY}",
                      os.path.join(build.BUILD, "tests/library", name),
                      *words)


@pytest.fixture(scope="module", params=["ours", "theirs"])
def helper(request):
    program = PROGRAM if request.param == "ours" else THEIRS
    if not program:
        pytest.skip("needs qemu-pr-helper")
    with Helper(name=f"library-{request.param}", program=program) as helper:
        yield helper


@pytest.fixture(scope="module")
def lun():
    with Lun("library", nexuses=3) as lun:
        yield lun


@pytest.fixture(autouse=True)
def fresh(lun):
    lun.reset()


def manager(helper):
    return f"pr-manager-helper,id=helper0,path={helper.socket}"


def test_the_example_reserves(helper, lun):
    disk = lun.paths[0].block
    assert run("example-reserve", helper.socket, disk,
               KEY).ok().output == f"{disk} is reserved\n"
    held = inside.run("sg_persist", "-i", "-r", lun.paths[1].sg).ok().output
    assert KEY in held and "Write Exclusive, registrants only" in held
    ran = run("example-reserve", helper.socket, lun.paths[1].block, "0x1")
    assert ran.status == 1 and "refused with status 18h" in ran.output


@pytest.mark.parametrize("kind", ["scsi-block", "scsi-generic"])
def test_the_vmm_carries_a_guest_s_commands(helper, lun, kind):
    node = lun.paths[0].block if kind == "scsi-block" else lun.paths[0].sg
    ran = run("example-vmm-loop", manager(helper),
              f"{kind},pr-manager=helper0,migrate-pr=on", node, stdin="""\
out 5f060000000000001800 0000000000000000000000000000000700000000000000
out 5f060000000000001800 000000000000000000000000000000070000000000000000
out 5f010500000000001800 000000000000000700000000000000000000000000000000
in 5e020000000000000800 8
in 120000002400 36
in 25000000000000000000 8
none 000000000000
""").ok()
    lines = dict(re.findall(r"^(\d+): (.*)$", ran.output, re.M))
    assert lines["0"].startswith("status 02 sense 05/24/00")
    assert lines["1"] == lines["2"] == "status 00"
    # SIP_C and ATP_C, which LIO has, are hidden.
    assert re.match(r"status 00 data 0008[0-9a-f][0-3]", lines["3"])
    assert b"LIO-ORG".hex() in lines["4"]
    assert lines["5"].startswith("status 00 data ")
    assert lines["6"] == "status 00"
    assert ran.output.endswith("key 0x7 type 5\n")


def test_guests_move_while_others_fence_in_all_orders(helper, lun):
    if helper.program != PROGRAM:
        pytest.skip("the helper makes no difference, and this takes long")
    ran = run("pr-move", manager(helper), *(path.block for path in lun.paths))
    orders = int(re.search(r"(\d+) orders", ran.ok().output)[1])
    assert orders > 80
