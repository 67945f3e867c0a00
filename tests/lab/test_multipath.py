# SPDX-License-Identifier: LGPL-2.1-or-later
"""Every path or an error: maps of a real multipathd on LIO LUNs.

Two maps, of two and of four paths, and for each logical unit one more I_T
nexus that belongs to no map: it plays another host, and is where the target is
asked what it knows.
"""

import concurrent.futures
import contextlib
import os
import pathlib
import re
import stat

import pytest

import build
import prclient
from helper import PEER, Helper
from guest import Guest, drive
from inside import run, wait_for
from load import Load, descriptors, has_more_than
from multipath import Multipathd, find_map, holders
from prclient import (CLEAR, PREEMPT, REGISTER, REGISTER_AND_IGNORE, RELEASE,
                      RESERVATION_CONFLICT, RESERVE, Client)
from scsi_io import TEST_UNIT_READY, open_device, sg_io
from targets import DebugPaths, Lun, Mapped

PROGRAM = build.program("pr-helper-multipath")
KEY, OTHER = 0x1A, 0x2B
TYPES = (1, 3, 5, 6, 7, 8)

# LOGICAL UNIT COMMUNICATION FAILURE, INVALID COMMAND OPERATION CODE
NO_CONTACT, INVALID_OPCODE = (0xB, 8, 0), (5, 0x20, 0)
UNIT_ATTENTION = 6
TIMED_OUT = (0xB, 0x2E, 2)
PEER_HELPER = "/usr/bin/qemu-pr-helper"

# What a hung map's clients wait; the other map's have to be done well before.
DEADLINE_S = 10

# Far from what is ever seen: it only tells a wait from a hang.
RATIO_MAX = 50

pytestmark = pytest.mark.skipif(
    PEER, reason="maps are what our helper does and QEMU's does not")


class Side:
    """One logical unit: its map, and the nexus of another host."""

    def __init__(self, lun):
        self.lun = lun
        self.paths, self.other = lun.paths[:-1], lun.paths[-1]
        self.node = None

    def keys(self):
        """The keys that the target lists, in numbers."""
        done = run("sg_persist", "-n", "-i", "-k", self.other.sg)
        if done.status == 6:  # an attention is reported once
            done = run("sg_persist", "-n", "-i", "-k", self.other.sg)
        return [int(key, 16)
                for key in re.findall(r"^ +0x([0-9a-f]+)$", done.ok().output,
                                      re.MULTILINE)]

    def reset(self):
        for path in self.paths:
            path.set_state("running")
        wait_for(lambda: self.active() == len(self.paths),
                 f"all paths of {self.node}")
        self.lun.reset()
        # Each path has attentions of its own, and the kernel picks the path.
        with open_device(self.node) as fd:
            for _ in range(3 * len(self.paths)):
                with contextlib.suppress(OSError):
                    sg_io(fd, TEST_UNIT_READY)

    def active(self):
        shown = run("multipathd", "show", "paths", "format", "%d %t %o")
        return sum(f"{path.name} active running" in shown.output
                   for path in self.paths)


class Stage:
    def __init__(self, stack):
        self.two = Side(stack.enter_context(Lun("two", nexuses=3)))
        self.four = Side(stack.enter_context(Lun("four", nexuses=5)))
        self.sides = (self.two, self.four)
        self.multipathd = stack.enter_context(
            Multipathd(outside=[side.other for side in self.sides]))
        for side in self.sides:
            side.node = find_map(*side.paths)
        self.helpers = {
            user: stack.enter_context(Helper(
                "--multipath-program", PROGRAM, *options, name=user))
            for user, options in {
                "root": (), "nobody": ("-u", "nobody", "-g", "nogroup"),
            }.items()}
        os.chmod(self.helpers["nobody"].socket, 0o777)


@pytest.fixture(scope="module")
def guest(whole_stage):
    """QEMU, with the map of four paths as its disk, by "-u nobody"."""
    form = (drive(whole_stage.four.node), "scsi-block")
    with Guest(whole_stage.helpers["nobody"].socket, [form]) as guest:
        yield guest


@pytest.fixture(scope="module")
def whole_stage():
    with contextlib.ExitStack() as stack:
        yield Stage(stack)


@pytest.fixture
def stage(whole_stage):
    for side in whole_stage.sides:
        side.reset()
    yield whole_stage
    for helper in whole_stage.helpers.values():
        print(helper.messages())


@contextlib.contextmanager
def opened(node, flags=os.O_RDWR):
    fd = os.open(node, flags | os.O_CLOEXEC)
    try:
        yield fd
    finally:
        os.close(fd)


@contextlib.contextmanager
def client_of(stage, side, user="root"):
    """Run commands on the map: run(action, ...) and the raw client."""
    with Client(stage.helpers[user].socket) as client, \
            opened(side.node) as fd:
        def out(action, key=0, new_key=0, type_=0):
            return client.out(action, fd, key, new_key, type_)
        yield out, client, fd


def ask(client, fd, action):
    """PERSISTENT RESERVE IN on a map, past the attentions of its paths.

    Each path is a nexus: what one of them does is news to the others.
    """
    for _ in range(16):
        reply = client.request(prclient.pr_in(action), fd)
        if reply.code is None or reply.code[0] != UNIT_ATTENTION:
            break
    assert reply.good, str(reply)
    return reply.payload


def keys_of(client, fd):
    return prclient.keys(ask(client, fd, prclient.READ_KEYS))


def reservation_of(client, fd):
    return prclient.reservation(ask(client, fd, prclient.READ_RESERVATION))


def can_write(node):
    """Whether a plain write to the map, past every cache, is taken."""
    done = run("dd", "if=/dev/zero", f"of={node}", "bs=4096", "count=1",
               "oflag=direct", "conv=notrunc")
    return done.status == 0


def takes_write(path):
    """Whether the target takes a WRITE from that nexus."""
    for _ in range(4):  # an attention is reported once
        done = run("sg_raw", "-s", "512", "-i", "/dev/zero", path.sg, "2a",
                   "0", "0", "0", "0", "0", "0", "0", "1", "0")
        if done.status != 6:
            break
    assert done.status in (0, 24), str(done)
    return done.status == 0


@pytest.mark.parametrize("user", ["root", "nobody"])
@pytest.mark.parametrize("name", ["two", "four"])
def test_registration_is_on_every_path_and_leaves_every_path(stage, name,
                                                             user):
    side = getattr(stage, name)
    with client_of(stage, side, user) as (out, client, fd):
        assert out(REGISTER, 0, KEY).good
        assert side.keys() == [KEY] * len(side.paths)
        assert keys_of(client, fd) == [KEY] * len(side.paths)
        status = ask(client, fd, prclient.READ_FULL_STATUS)
        assert status.count(KEY.to_bytes(8, "big")) == len(side.paths)
        assert out(REGISTER, KEY, 0).good
        assert side.keys() == []


@pytest.mark.parametrize("kind", TYPES)
def test_every_type_is_reserved_and_fences_another_host(stage, kind):
    side = stage.two
    with client_of(stage, side) as (out, client, fd):
        assert out(REGISTER_AND_IGNORE, 0, KEY).good
        assert out(RESERVE, KEY, 0, kind).good
        held = reservation_of(client, fd)
        assert held == (0 if kind > 6 else KEY, kind)
        assert not takes_write(side.other)
        # With types 1 and 3 the holder is one path: SPC's own rule.
        if kind > 3:
            for _ in side.paths:
                assert can_write(side.node)
        assert out(RELEASE, KEY, 0, kind).good
        assert reservation_of(client, fd) is None
        assert takes_write(side.other)
        assert out(REGISTER, KEY, 0).good
    assert side.keys() == []


def guest_runs(guest, *commands):
    """One after the other on its disk, all of which have to succeed."""
    node = f"/dev/{guest.nodes[0]}"
    return guest.run("set -e\n" + "\n".join(
        f"{command.replace('DISK', node)}" for command in commands)).ok()


@pytest.mark.parametrize("kind", TYPES)
def test_a_guest_reserves_a_map_on_every_path(stage, guest, kind):
    """The whole sequence, by an unmodified QEMU and "-u nobody"."""
    side = stage.four
    guest.run("for i in 1 2 3 4 5 6 7 8; do sg_turs DISK; done".replace(
        "DISK", f"/dev/{guest.nodes[0]}"), show=False)
    shown = guest_runs(guest, f"sg_persist -o -G -S {KEY:x} DISK",
                       "sg_persist -i -k DISK",
                       f"sg_persist -o -R -K {KEY:x} -T {kind} DISK",
                       "sg_persist -i -r DISK").output
    assert shown.count(f"0x{KEY:x}\n") >= len(side.paths)
    # From the target itself, over the nexus of another host.
    status = run("sg_persist", "-n", "-i", "-s", side.other.sg).ok().output
    assert status.count(f"Key=0x{KEY:x}\n") == len(side.paths)
    assert len(re.findall("Key=", status)) == len(side.paths)
    assert not takes_write(side.other)
    assert run("sg_persist", "-n", "-o", "-R", "-K", f"{OTHER:x}", "-T",
               kind, side.other.sg).status == 24
    if kind > 3:
        guest_runs(guest, *[f"echo {kind} | dd bs=512 conv=sync,fsync "
                            "of=DISK"] * len(side.paths))
    guest_runs(guest, f"sg_persist -o -L -K {KEY:x} -T {kind} DISK",
               f"sg_persist -o -G -K {KEY:x} DISK")
    assert side.keys() == []
    assert takes_write(side.other)


def test_another_host_s_preempt_fences_every_path(stage):
    side = stage.four
    with client_of(stage, side) as (out, _client, _fd):
        assert out(REGISTER, 0, KEY).good
        assert out(RESERVE, KEY, 0, 5).good
        run("sg_persist", "-n", "-o", "-G", "-S", f"{OTHER:x}",
            side.other.sg).ok()
        run("sg_persist", "-n", "-o", "-P", "-K", f"{OTHER:x}", "-S",
            f"{KEY:x}", "-T", "5", side.other.sg).ok()
        assert side.keys() == [OTHER]
        for path in side.paths:
            assert not takes_write(path)
        assert out(RESERVE, KEY, 0, 5).status == RESERVATION_CONFLICT


def test_another_host_with_the_same_key_is_no_obstacle(stage):
    side = stage.two
    run("sg_persist", "-n", "-o", "-G", "-S", f"{KEY:x}", side.other.sg).ok()
    with client_of(stage, side) as (out, _client, _fd):
        for action, key in ((REGISTER, 0), (REGISTER, KEY),
                            (REGISTER_AND_IGNORE, 0)):
            assert out(action, key, KEY).good
            assert side.keys() == [KEY] * 3


def test_a_conflict_is_told_as_one(stage):
    side = stage.two
    run("sg_persist", "-n", "-o", "-G", "-S", f"{OTHER:x}",
        side.other.sg).ok()
    run("sg_persist", "-n", "-o", "-R", "-K", f"{OTHER:x}", "-T", "5",
        side.other.sg).ok()
    with client_of(stage, side) as (out, _client, _fd):
        assert out(REGISTER, 0, KEY).good
        assert out(RESERVE, KEY, 0, 5).status == RESERVATION_CONFLICT


def test_preempt_by_the_map_removes_another_host(stage):
    side = stage.two
    run("sg_persist", "-n", "-o", "-G", "-S", f"{OTHER:x}",
        side.other.sg).ok()
    run("sg_persist", "-n", "-o", "-R", "-K", f"{OTHER:x}", "-T", "5",
        side.other.sg).ok()
    with client_of(stage, side) as (out, client, fd):
        assert out(REGISTER, 0, KEY).good
        assert out(PREEMPT, KEY, OTHER, 5).good
        assert reservation_of(client, fd) == (KEY, 5)
    assert side.keys() == [KEY] * 2
    assert not takes_write(side.other)


def test_path_lost_before_register_is_registered_when_it_returns(stage):
    side = stage.two
    side.paths[1].set_state("offline")
    wait_for(lambda: side.active() == 1, "multipathd to see the loss")
    with client_of(stage, side) as (out, _client, _fd):
        assert out(REGISTER, 0, KEY).good
        assert side.keys() == [KEY]
        side.paths[1].set_state("running")
        wait_for(lambda: side.keys() == [KEY] * 2,
                 "multipathd to register the path")
        assert out(REGISTER, KEY, 0).good
    assert side.keys() == []


def test_path_lost_between_register_and_reserve_leaves_no_key_behind(stage):
    side = stage.two
    with client_of(stage, side) as (out, _client, _fd):
        assert out(REGISTER, 0, KEY).good
        side.paths[1].set_state("offline")
        wait_for(lambda: side.active() == 1, "multipathd to see the loss")
        assert out(RESERVE, KEY, 0, 5).good
        assert can_write(side.node)
        side.paths[1].set_state("running")
        wait_for(lambda: side.active() == 2, "the path to return")
        wait_for(lambda: side.keys() == [KEY] * 2,
                 "multipathd to register the path")
        assert out(CLEAR, KEY).good
    assert side.keys() == []


@pytest.mark.parametrize("lost", [0, 1])
def test_path_lost_while_holding_is_released_after_its_return(stage, lost):
    """One of the two is the path that the reservation was made on."""
    side = stage.two
    with client_of(stage, side, "nobody") as (out, client, fd):
        assert out(REGISTER, 0, KEY).good
        assert out(RESERVE, KEY, 0, 5).good
        side.paths[lost].set_state("offline")
        wait_for(lambda: side.active() == 1, "multipathd to see the loss")
        assert can_write(side.node)
        assert not takes_write(side.other)
        side.paths[lost].set_state("running")
        wait_for(lambda: side.active() == 2, "the path to return")
        assert side.keys() == [KEY] * 2
        assert out(RELEASE, KEY, 0, 5).good
        assert reservation_of(client, fd) is None
        assert out(REGISTER, KEY, 0).good
    assert side.keys() == []


@pytest.mark.parametrize("lost", [0, 1])
def test_release_without_the_path_that_holds_is_no_false_good(
        stage, lost, record_property):
    """0.9.4 works around the holder that is away: it clears all and registers
    the others anew.  Whatever comes of it, GOOD means released."""
    side = stage.two
    with client_of(stage, side) as (out, client, fd):
        assert out(REGISTER, 0, KEY).good
        assert out(RESERVE, KEY, 0, 5).good
        side.paths[lost].set_state("offline")
        wait_for(lambda: side.active() == 1, "multipathd to see the loss")
        reply = out(RELEASE, KEY, 0, 5)
        record_property(f"RELEASE without path {lost}", str(reply))
        assert not reply.good or reservation_of(client, fd) is None
        side.paths[lost].set_state("running")
        wait_for(lambda: side.active() == 2, "the path to return")
        assert out(REGISTER_AND_IGNORE, 0, KEY).good
        assert out(CLEAR, KEY).good
    assert side.keys() == []


def test_path_lost_at_once_is_an_error_or_covered(stage):
    """Nobody has noticed the loss yet: the map still says active."""
    side = stage.two
    side.paths[1].set_state("offline")
    with client_of(stage, side) as (out, _client, _fd):
        reply = out(REGISTER, 0, KEY)
        keys = side.keys()
        if reply.good:
            assert keys == [KEY]  # all that could be registered is
        wait_for(lambda: side.active() == 1, "multipathd to see the loss")
        assert not reply.good or KEY in keys


def test_a_missing_node_is_an_error_that_names_the_path(stage):
    side = stage.two
    node = side.paths[1].block
    number = os.stat(node).st_rdev
    os.unlink(node)
    try:
        with client_of(stage, side) as (out, _client, _fd):
            reply = out(REGISTER, 0, KEY)
        assert reply.code == NO_CONTACT
        assert side.keys() == []
    finally:
        os.mknod(node, stat.S_IFBLK | 0o660, number)
    said = f"its path {side.paths[1].name} has no node in /dev"
    wait_for(lambda: said in stage.helpers["root"].messages(), said)
    with client_of(stage, side) as (out, _client, _fd):
        assert out(REGISTER, 0, KEY).good
    assert side.keys() == [KEY] * 2


# A container's own /dev: what is plugged in later does not appear there.
OWN_DEV = ("mkdir -p /run/lab-work/dev && "
           "mount -t tmpfs dev /run/lab-work/dev && "
           "cp -a /dev/sd* /dev/dm-* /dev/mapper /dev/null /run/lab-work/dev "
           "&& mount --bind /run/lab-work/dev /dev")


@contextlib.contextmanager
def contained(command):
    """A helper in a mount namespace of its own, after that command in it."""
    wrapper = pathlib.Path("/run/lab-work/contained.sh")
    wrapper.write_text(
        f"#!/bin/sh\nexec unshare -m sh -c '{command} "
        f"&& exec \"$0\" \"$@\"' {build.program('pr-helper')} "
        "\"$@\"\n", encoding="ascii")
    wrapper.chmod(0o755)
    with Helper("--multipath-program", PROGRAM, name="contained",
                program=wrapper) as helper:
        yield helper


def test_a_helper_that_does_not_see_a_node_refuses(stage):
    """As in a container, or libvirt's mount namespace after a hot-plug."""
    side = stage.two
    hidden = side.paths[1].block
    with contained(f"mount --bind /dev/null {hidden}") as helper, \
            Client(helper.socket) as client, opened(side.node) as fd:
        assert client.out(REGISTER, fd, 0, KEY).code == NO_CONTACT
        assert side.keys() == []
        said = f"its path {hidden.name} has no node in /dev"
        wait_for(lambda: said in helper.messages(), said)


def leaving_out(path):
    """A helper whose library does not see that path of its map."""
    ours = pathlib.Path("/etc/multipath.conf")
    theirs = pathlib.Path("/run/lab-work/multipath.conf")
    theirs.write_text(re.sub('devnode "\\^\\(', f'devnode "^({path.name}|',
                             ours.read_text()), encoding="ascii")
    return contained(f"mount --bind {theirs} {ours}")


@pytest.mark.parametrize("others", [[], [KEY]])
def test_a_path_that_the_library_leaves_out_is_an_error(stage, others):
    """Nor does the same key of another host stand in for it.

    The library reads a configuration that excludes the path, as a container
    may have one, and reports success.
    """
    side = stage.two
    left_out = side.paths[1]
    for key in others:
        run("sg_persist", "-n", "-o", "-G", "-S", f"{key:x}",
            side.other.sg).ok()
    with leaving_out(left_out) as helper, \
            Client(helper.socket) as client, opened(side.node) as fd:
        reply = client.out(REGISTER, fd, 0, KEY)
        assert reply.code == NO_CONTACT
        assert sorted(side.keys()) == sorted([KEY] + others)
        said = (f"its path {left_out.name} is not registered" if others
                else "some path is not registered")
        wait_for(lambda: said in helper.messages(), said)


def test_a_path_that_keeps_its_key_is_an_error(stage):
    side = stage.two
    kept = side.paths[1]
    with client_of(stage, side) as (out, _client, fd), \
            leaving_out(kept) as helper, Client(helper.socket) as client:
        assert out(REGISTER, 0, KEY).good
        assert client.out(REGISTER, fd, KEY, 0).code == NO_CONTACT
        assert side.keys() == [KEY]
        said = f"its path {kept.name} is still registered"
        wait_for(lambda: said in helper.messages(), said)
        assert out(REGISTER_AND_IGNORE, 0, 0).good
        assert side.keys() == []


def test_a_path_added_later_is_registered_or_an_error(stage):
    side = stage.two
    with contained(OWN_DEV) as helper, Client(helper.socket) as client, \
            client_of(stage, side) as (out, _client, fd):
        assert client.out(REGISTER, fd, 0, KEY).good
        added = side.lun.add_nexus()
        side.paths.append(added)
        try:
            wait_for(lambda: side.active() == 3, "the path to be added")
            wait_for(lambda: side.keys() == [KEY] * 3,
                     "multipathd to register it")
            assert out(REGISTER, KEY, OTHER).good
            assert side.keys() == [OTHER] * 3
            assert client.out(REGISTER, fd, OTHER, KEY).code == NO_CONTACT
            assert side.keys() == [OTHER] * 3
            said = f"its path {added.name} has no node in /dev"
            wait_for(lambda: said in helper.messages(), said)
            assert out(REGISTER, OTHER, 0).good
            assert side.keys() == []
        finally:
            side.paths.remove(added)
            side.lun.remove_nexus()
            wait_for(lambda: not holders(added), "the path to leave the map")


def test_without_the_program_a_map_is_refused(stage):
    side = stage.two
    with Helper(name="without") as helper, \
            Client(helper.socket) as client, opened(side.node) as fd:
        assert client.out(REGISTER, fd, 0, KEY).code == INVALID_OPCODE
        wait_for(lambda: "install pr-helper-multipath" in helper.messages(),
                 "a line in the log")
    assert side.keys() == []


def test_register_and_move_is_refused(stage):
    with client_of(stage, stage.two) as (out, _client, _fd):
        assert out(REGISTER, 0, KEY).good
        assert out(7, KEY, OTHER).code == (5, 0x24, 0)


def test_read_only_descriptor_changes_nothing(stage):
    side = stage.two
    with Client(stage.helpers["root"].socket) as client, \
            opened(side.node, os.O_RDONLY) as fd:
        assert client.out(REGISTER, fd, 0, KEY).code == INVALID_OPCODE
        assert keys_of(client, fd) == []


@pytest.mark.parametrize("dm_uuid, start", [
    ("part1-mpath-lab", 8),     # of kpartx
    ("LVM-lab", 8), ("LVM-lab", 0),
    ("CRYPT-PLAIN-lab", 0),
    (None, 0)])
def test_what_lies_on_a_map_is_refused(stage, dm_uuid, start):
    """As one path would be all that it reaches."""
    side = stage.two
    size = int(pathlib.Path(
        f"/sys/block/{os.path.basename(os.path.realpath(side.node))}/size")
        .read_text())
    with Mapped("above", f"0 {size - start} linear {side.node} {start}",
                dm_uuid) as above, \
            Client(stage.helpers["root"].socket) as client, \
            opened(above.node) as fd:
        assert client.out(REGISTER, fd, 0, KEY).code == INVALID_OPCODE
        reply = client.request(prclient.pr_in(prclient.READ_KEYS), fd)
        assert reply.code == INVALID_OPCODE
    assert side.keys() == []


def children(pid):
    with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as file:
        return file.read().split()


class Loads:
    """Twenty clients: half on another map, half on an ordinary disk."""

    def __init__(self, helper, side):
        with concurrent.futures.ThreadPoolExecutor() as pool:
            self.of = dict(zip(
                ("map", "disk"),
                pool.map(lambda load: Load(helper, *load),
                         [(side.node, 10, 20), (side.other.sg, 10, 400)])))

    def record(self, record_property, when):
        for name, load in self.of.items():
            record_property(f"10 clients on a {name}, {when}", load)
            assert load.all_good, (name, when, load.statuses)


def test_a_hung_map_delays_no_other(stage, record_property):
    """Its clients are told at their deadline, and nothing of it stays."""
    side = stage.four
    with DebugPaths() as hung, contextlib.ExitStack() as stack:
        node = find_map(*hung.paths)
        helper = stack.enter_context(
            Helper("--multipath-program", PROGRAM, "--timeout", DEADLINE_S,
                   name="hung"))
        (broker,) = children(helper.process.pid)
        loads = {"alone": Loads(helper, side)}
        fds = descriptors(helper.process.pid)
        fd = stack.enter_context(opened(node))
        clients = [stack.enter_context(Client(helper.socket))
                   for _ in range(4)]
        hung.hang()
        for client in clients[::2]:
            client.send_request(prclient.pr_out(REGISTER_AND_IGNORE), fd,
                                prclient.params(0, KEY))
        for client in clients[1::2]:
            client.send_request(prclient.pr_in(prclient.READ_KEYS), fd)
        wait_for(lambda: children(broker), "a process for the map that hangs")
        loads["beside"] = Loads(helper, side)
        for client in clients:
            assert client.recv_reply().code == TIMED_OUT
        assert len(children(broker)) == 1  # one at a time on a map
        hung.answer()
        wait_for(lambda: not children(broker), "the end of all processes")
        for client in clients:
            assert not client.out(REGISTER, fd, 0, KEY).good
            client.close()
        wait_for(lambda: not has_more_than(helper.process.pid, fds),
                 "no descriptor that was not there before")
        loads["alone again"] = Loads(helper, side)
    for when, load in loads.items():
        load.record(record_property, when)
    for name in "map", "disk":
        for what in "median", "p90", "max":
            usual = (loads["alone"].of[name].us[what] +
                     loads["alone again"].of[name].us[what]) / 2
            ratio = loads["beside"].of[name].us[what] / usual
            record_property(f"{name}, {what}, beside a hung map to alone",
                            f"{ratio:.2f}")
            assert ratio < RATIO_MAX


@pytest.mark.skipif(not os.path.exists(PEER_HELPER),
                    reason="QEMU's helper is not installed")
def test_qemu_s_own_helper_registers_one_path(stage):
    """For the record: built without libmpathpersist, as Debian has it."""
    side = stage.two
    with Helper(name="peer", program=PEER_HELPER) as helper, \
            Client(helper.socket) as client, opened(side.node) as fd:
        assert client.out(REGISTER, fd, 0, KEY).good
        assert side.keys() == [KEY]


def test_multipathd_that_is_gone_is_an_error_that_says_so(stage):
    """The last test: nothing works on a map after it."""
    side = stage.two
    stage.multipathd.stop()
    with client_of(stage, side) as (out, _client, _fd):
        assert out(REGISTER, 0, KEY).code == NO_CONTACT
    assert side.keys() == []
    said = "multipathd cannot be reached"
    wait_for(lambda: said in stage.helpers["root"].messages(), said)
