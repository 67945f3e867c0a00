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
from inside import run
from prclient import (CLEAR, PREEMPT, READ_KEYS, REGISTER, RELEASE, RESERVE,
                      params, pr_in, pr_out, sense_code)
from scsi_io import open_device, sg_io
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


class Disk:
    """A logical unit, and the disk that the guest has of it."""

    def __init__(self, lun, guest, number):
        self.lun = lun
        self.guest = guest
        self.number = number
        self.node = f"/dev/{guest.nodes[number]}"
        self.there = lun.paths[1]

    def run(self, command):
        """Run a command of the guest on this disk."""
        return self.guest.run(f"{command} {self.node}")

    def reset(self):
        """No registration, and no attention waiting for the guest."""
        self.lun.reset()
        self.guest.run("for i in 1 2 3 4 5; do "
                       f"sg_turs {self.node} && break; done", show=False).ok()

    def reserve(self, kind, key=KEY):
        """The guest registers and reserves."""
        self.run(f"sg_persist -o -G -S {key}").ok()
        self.run(f"sg_persist -o -R -K {key} -T {kind}").ok()


class Stage:
    """The helper, the logical units and the guest that all tests share."""

    def __init__(self, stack):
        # The first one has a witness, who sees what the guest should.
        luns = [stack.enter_context(Lun(f"disk{number}", 2 + (number == 0)))
                for number in range(len(FORMS))]
        self.helper = stack.enter_context(Helper())
        disks = [form(lun.paths[0]) for form, lun in zip(FORMS.values(), luns)]
        self.guest = stack.enter_context(Guest(self.helper.socket, disks))
        self.disks = [Disk(lun, self.guest, number)
                      for number, lun in enumerate(luns)]


@pytest.fixture(scope="module")
def whole_stage():
    with contextlib.ExitStack() as stack:
        yield Stage(stack)


@pytest.fixture
def stage(whole_stage):
    if whole_stage.helper.process is None:
        whole_stage.helper.start()
    yield whole_stage
    print(whole_stage.guest.logs())


@pytest.fixture
def disk(stage):
    """The disk of the first form, for tests that need only one."""
    stage.disks[0].reset()
    return stage.disks[0]


@pytest.fixture
def disk_of(stage, form):
    """The disk of the form that the test is about."""
    disk = stage.disks[list(FORMS).index(form)]
    disk.reset()
    return disk


def sees(ran, text):
    assert text in ran.ok().output, str(ran)


@pytest.mark.parametrize("form", FORMS)
def test_guest_goes_through_the_whole_sequence(disk_of):
    def persist(options):
        return disk_of.run(f"sg_persist {options}").ok()
    persist(f"-o --register --param-sark={KEY}")
    sees(persist("-i -k"), KEY)
    persist(f"-o --reserve --param-rk={KEY} --prout-type=1")
    sees(persist("-i -r"), "scope: LU_SCOPE,  type: Write Exclusive")
    persist(f"-o --release --param-rk={KEY} --prout-type=1")
    sees(persist("-i -r"), NOT_HELD)
    persist(f"-o --register --param-rk={KEY}")
    sees(persist("-i -k"), NO_KEYS)


@pytest.mark.parametrize("kind", TYPES)
def test_guest_reserves_with_every_type(disk, kind):
    disk.reserve(kind)
    shown = run("sg_persist", "-i", "-r", disk.there.sg).ok().output
    assert f"type: {TYPES[kind]}\n" in shown
    key = 0 if kind in ALL_REGISTRANTS else int(KEY, 16)
    assert f"Key=0x{key:x}\n" in shown
    disk.run(f"sg_persist -o -L -K {KEY} -T {kind}").ok()
    sees(run("sg_persist", "-i", "-r", disk.there.sg), NOT_HELD)


@pytest.mark.parametrize("form", FORMS)
def test_another_nexus_sees_the_guest_s_registration(disk_of):
    disk_of.reserve(5)
    status = run("sg_persist", "-i", "-s", disk_of.there.sg)
    sees(status, f"Key={KEY}\n")
    sees(status, "Reservation holder")
    assert len(re.findall("Key=", status.output)) == 1


def test_another_nexus_is_refused_where_spc_says_so(disk):
    """SPC-4 5.13.5: unregistered, or registered and not the holder."""
    disk.reserve(1)
    there = disk.there.sg
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
def test_only_the_guest_can_write_what_it_reserved(disk, kind):
    disk.reserve(kind)
    outside = run("dd", "if=/dev/zero", f"of={disk.there.block}", "bs=4096",
                  "count=1", "oflag=direct", "conv=fsync")
    assert outside.status != 0
    disk.guest.run(f"echo {kind}-from-the-guest | "
                   f"dd bs=512 conv=sync,fsync of={disk.node}").ok()
    assert disk.lun.image.read_bytes().startswith(f"{kind}-from".encode())


def test_preempt_from_outside_is_a_unit_attention_in_the_guest(disk):
    """SPC-4 5.13.11.2: REGISTRATIONS PREEMPTED for the nexus that lost."""
    disk.reserve(1)
    there = disk.there.sg
    run("sg_persist", "-o", "-G", "-S", OTHER, there).ok()
    run("sg_persist", "-o", "-P", "-K", OTHER, "-S", KEY, "-T", 1, there).ok()
    raw = disk.guest.run(f"sg_raw -r 24 {disk.node} "
                         "5e 01 00 00 00 00 00 00 18 00")
    assert raw.status == UNIT_ATTENTION
    assert "Registrations preempted" in raw.output
    sees(disk.run("sg_persist -i -r"), f"Key={OTHER}\n")
    late = disk.run(f"sg_persist -o -R -K {KEY} -T 1")
    assert late.status == CONFLICT


# What another nexus does, with the type that it holds before, and what the
# nexuses that it concerns are told (SPC-4 5.13 and 5.14).
PREEMPTED, RELEASED, REMOVED = (6, 0x2A, 3), (6, 0x2A, 4), (6, 0x2A, 5)
ATTENTIONS = {
    "CLEAR": (0, CLEAR, 0, 0, PREEMPTED),
    "CLEAR of a reservation": (5, CLEAR, 0, 0, PREEMPTED),
    "PREEMPT of registrations": (0, PREEMPT, KEY, 1, REMOVED),
    "PREEMPT beside a reservation": (1, PREEMPT, KEY, 1, REMOVED),
    "PREEMPT of its own, with another type": (5, PREEMPT, OTHER, 6, RELEASED),
    "RELEASE, registrants only": (6, RELEASE, 0, 6, RELEASED),
    "RELEASE, all registrants": (7, RELEASE, 0, 7, RELEASED),
    "the holder unregisters": (5, REGISTER, 0, 0, RELEASED),
}


def hex_bytes(output):
    """The sense data in what sg_raw -vv prints."""
    rows = re.search(r"Raw sense data[^\n]*\n((?: *[0-9a-f]{2}\b.*\n)+)",
                     output)[1]
    return bytes.fromhex("".join(re.findall(r"\b[0-9a-f]{2}\b", rows)))


@pytest.mark.parametrize("event", ATTENTIONS)
def test_unit_attentions_reach_the_guest_unchanged(disk, event):
    """Byte for byte what a witness gets by SG_IO."""
    held, action, new_key, kind, code = ATTENTIONS[event]
    key, other = int(KEY, 16), int(OTHER, 16)

    def out(fd, action, key=0, new_key=0, kind=0):
        reply = sg_io(fd, pr_out(action, kind)[:10], params(key, new_key))
        assert reply.good, str(reply)
    with open_device(disk.there.sg) as there, \
            open_device(disk.lun.paths[2].sg) as witness:
        disk.run(f"sg_persist -o -G -S {KEY}").ok()
        out(witness, REGISTER, new_key=key)
        out(there, REGISTER, new_key=other)
        if held:
            out(there, RESERVE, other, kind=held)
        out(there, action, other, int(str(new_key), 0), kind)
        seen = sg_io(witness, pr_in(READ_KEYS, 24)[:10], read=24)
    raw = disk.guest.run(f"sg_raw -vv -r 24 {disk.node} "
                         "5e 00 00 00 00 00 00 00 18 00")
    assert raw.status == UNIT_ATTENTION
    assert seen.code == code
    sense = hex_bytes(raw.output)
    assert sense_code(sense) == code
    assert sense == seen.sense[:len(sense)] and len(sense) >= 18
    sees(disk.run("sg_persist -n -i -k"), "PR generation")


@pytest.mark.parametrize("form", FORMS)
def test_other_commands_work_while_the_helper_is_stopped(stage, disk_of):
    stage.helper.stop()
    for command in ("sg_inq", "sg_turs", "sg_readcap",
                    "dd bs=512 count=1 of=/dev/null <"):
        disk_of.run(command).ok()


def connected(stage):
    managers = stage.guest.qmp.execute("query-pr-managers")
    return {manager["id"]: manager["connected"] for manager in managers}


def test_qemu_notices_a_killed_helper_and_its_return(stage, disk):
    disk.run("sg_persist -i -k").ok()
    assert connected(stage) == {"helper0": True}
    stage.guest.qmp.events.clear()
    stage.helper.kill()
    assert disk.run("sg_persist -i -k").status != 0
    assert stage.guest.qmp.event("PR_MANAGER_STATUS_CHANGED") == {
        "id": "helper0", "connected": False}
    assert connected(stage) == {"helper0": False}
    stage.helper.start()
    disk.reserve(1)
    assert stage.guest.qmp.event("PR_MANAGER_STATUS_CHANGED") == {
        "id": "helper0", "connected": True}
    assert connected(stage) == {"helper0": True}


def test_a_lost_path_is_an_error_in_the_guest_until_it_is_back(disk):
    path = disk.lun.paths[0]
    path.set_state("offline")
    assert disk.run("sg_persist -n -i -k").status != 0
    path.set_state("running")
    disk.run("sg_persist -n -i -k").ok()
