# SPDX-License-Identifier: LGPL-2.1-or-later
"""A guest of an unmodified QEMU reserves a real LUN through the helper.

One guest with four disks, one for each form of the command line, each on a
logical unit of its own that the outside reaches over a second I_T nexus.
"""

import contextlib
import re

import pytest

from guest import FORMS, Guest
from helper import Helper
from inside import run, write
from targets import Lun

KEY, OTHER = "0x1a", "0x2b"

CONFLICT = 24        # exit status of sg_persist: RESERVATION CONFLICT
UNIT_ATTENTION = 6

TYPES = {
    1: "Write Exclusive",
    3: "Exclusive Access",
    5: "Write Exclusive, registrants only",
    6: "Exclusive Access, registrants only",
    7: "Write Exclusive, all registrants",
    8: "Exclusive Access, all registrants",
}
ALL_REGISTRANTS = (7, 8)

NO_KEYS = "there are NO registered reservation keys"
NOT_HELD = "there is NO reservation held"


class Stage:
    """The helper, the logical units and the guest that all tests share."""

    def __init__(self, stack):
        self.luns = [stack.enter_context(Lun(f"disk{number}"))
                     for number in range(len(FORMS))]
        self.helper = stack.enter_context(Helper())
        disks = [form(lun.paths[0])
                 for form, lun in zip(FORMS.values(), self.luns)]
        self.guest = stack.enter_context(Guest(self.helper.socket, disks))

    def reset(self):
        """Each test starts with no registration and no attention."""
        if self.helper.process is None:
            self.helper.start()
        for number, lun in enumerate(self.luns):
            lun.reset()
            node = self.guest.nodes[number]
            self.guest.run(f"for i in 1 2 3; do sg_turs /dev/{node}; done",
                           show=False)


@pytest.fixture(scope="module")
def whole_stage():
    with contextlib.ExitStack() as stack:
        yield Stage(stack)


@pytest.fixture
def stage(whole_stage):
    whole_stage.reset()
    yield whole_stage
    print(whole_stage.guest.logs())


def reserve(stage, disk, kind, key=KEY):
    """The guest registers and reserves."""
    guest = stage.guest
    guest.run(f"sg_persist -o -G -S {key}", disk).ok()
    guest.run(f"sg_persist -o -R -K {key} -T {kind}", disk).ok()


def sees(ran, text):
    assert text in ran.ok().output, str(ran)


@pytest.mark.parametrize("form", FORMS)
def test_guest_goes_through_the_whole_sequence(stage, form):
    disk = list(FORMS).index(form)

    def persist(options):
        return stage.guest.run(f"sg_persist {options}", disk).ok()
    persist(f"-o --register --param-sark={KEY}")
    sees(persist("-i -k"), KEY)
    persist(f"-o --reserve --param-rk={KEY} --prout-type=1")
    sees(persist("-i -r"), "scope: LU_SCOPE,  type: Write Exclusive")
    persist(f"-o --release --param-rk={KEY} --prout-type=1")
    sees(persist("-i -r"), NOT_HELD)
    persist(f"-o --register --param-rk={KEY}")
    sees(persist("-i -k"), NO_KEYS)


@pytest.mark.parametrize("kind", TYPES)
def test_guest_reserves_with_every_type(stage, kind):
    reserve(stage, 0, kind)
    there = stage.luns[0].paths[1].sg
    shown = run("sg_persist", "-i", "-r", there).ok().output
    assert f"type: {TYPES[kind]}\n" in shown
    key = 0 if kind in ALL_REGISTRANTS else int(KEY, 16)
    assert f"Key=0x{key:x}\n" in shown
    stage.guest.run(f"sg_persist -o -L -K {KEY} -T {kind}", 0).ok()
    sees(run("sg_persist", "-i", "-r", there), NOT_HELD)


@pytest.mark.parametrize("form", FORMS)
def test_another_nexus_sees_the_guest_s_registration(stage, form):
    disk = list(FORMS).index(form)
    reserve(stage, disk, 5)
    status = run("sg_persist", "-i", "-s", stage.luns[disk].paths[1].sg)
    sees(status, f"Key={KEY}\n")
    sees(status, "Reservation holder")
    assert len(re.findall("Key=", status.output)) == 1


def test_another_nexus_is_refused_where_spc_says_so(stage):
    """SPC-4 5.13.5: unregistered, or registered and not the holder."""
    reserve(stage, 0, 1)
    there = stage.luns[0].paths[1].sg
    for action in ("-R", "-L", "-C", "-P"):
        ran = run("sg_persist", "-o", action, "-K", OTHER, "-S", KEY, "-T",
                  1, there)
        assert ran.status == CONFLICT
    run("sg_persist", "-o", "-G", "-S", OTHER, there).ok()
    ran = run("sg_persist", "-o", "-R", "-K", OTHER, "-T", 1, there)
    assert ran.status == CONFLICT
    ran = run("sg_persist", "-o", "-G", "-K", "0x99", "-S", "0x77", there)
    assert ran.status == CONFLICT
    sees(run("sg_persist", "-i", "-r", there), f"Key={KEY}\n")


@pytest.mark.parametrize("kind", TYPES)
def test_only_the_guest_can_write_what_it_reserved(stage, kind):
    lun = stage.luns[0]
    reserve(stage, 0, kind)
    outside = run("dd", "if=/dev/zero", f"of={lun.paths[1].block}", "bs=4096",
                  "count=1", "oflag=direct", "conv=fsync")
    assert outside.status != 0
    stage.guest.run(f"echo {kind}-from-the-guest | dd bs=512 conv=sync,fsync "
                    f"of=/dev/{stage.guest.nodes[0]}").ok()
    assert lun.image.read_bytes()[:16].startswith(f"{kind}-from".encode())


def test_preempt_from_outside_is_a_unit_attention_in_the_guest(stage):
    """SPC-4 5.13.11.2: REGISTRATIONS PREEMPTED for the nexus that lost."""
    reserve(stage, 0, 1)
    there = stage.luns[0].paths[1].sg
    run("sg_persist", "-o", "-G", "-S", OTHER, there).ok()
    run("sg_persist", "-o", "-P", "-K", OTHER, "-S", KEY, "-T", 1, there).ok()
    raw = stage.guest.run(f"sg_raw -r 24 /dev/{stage.guest.nodes[0]} "
                          "5e 01 00 00 00 00 00 00 18 00")
    assert raw.status == UNIT_ATTENTION
    assert "Registrations preempted" in raw.output
    again = stage.guest.run("sg_persist -i -r", 0)
    sees(again, f"Key={OTHER}\n")
    late = stage.guest.run(f"sg_persist -o -R -K {KEY} -T 1", 0)
    assert late.status == CONFLICT


def test_other_commands_work_while_the_helper_is_stopped(stage):
    stage.helper.stop()
    for disk in range(len(FORMS)):
        stage.guest.run("sg_inq", disk).ok()
        stage.guest.run("sg_turs", disk).ok()
        stage.guest.run("sg_readcap", disk).ok()
        stage.guest.run("dd bs=512 count=1 of=/dev/null if="
                        f"/dev/{stage.guest.nodes[disk]}").ok()


def connected(stage):
    managers = stage.guest.qmp.execute("query-pr-managers")
    return {manager["id"]: manager["connected"] for manager in managers}


def test_qemu_notices_a_killed_helper_and_its_return(stage):
    guest = stage.guest
    guest.run("sg_persist -i -k", 0).ok()
    guest.qmp.events.clear()
    assert connected(stage) == {"helper0": True}
    stage.helper.kill()
    failed = guest.run("sg_persist -i -k", 0)
    assert failed.status != 0
    assert guest.qmp.event("PR_MANAGER_STATUS_CHANGED") == {
        "id": "helper0", "connected": False}
    assert connected(stage) == {"helper0": False}
    stage.helper.start()
    reserve(stage, 0, 1)
    assert guest.qmp.event("PR_MANAGER_STATUS_CHANGED") == {
        "id": "helper0", "connected": True}
    assert connected(stage) == {"helper0": True}


def test_a_lost_path_is_an_error_in_the_guest_until_it_is_back(stage):
    path = stage.luns[0].paths[0]
    write(path.sysfs / "state", "offline")
    assert stage.guest.run("sg_persist -n -i -k", 0).status != 0
    write(path.sysfs / "state", "running")
    stage.guest.run("sg_persist -n -i -k", 0).ok()
