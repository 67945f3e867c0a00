# SPDX-License-Identifier: LGPL-2.1-or-later
"""Every path or an error: maps of a real multipathd on LIO LUNs.

Two maps, of two and of four paths, and for each logical unit one more I_T
nexus that belongs to no map: it plays another host, and is where the target is
asked what it knows.
"""

import contextlib
import os
import pathlib
import re
import stat

import pytest

import build
import prclient
from helper import PEER, Helper
from inside import run, wait_for
from multipath import Multipathd, find_map
from prclient import (CLEAR, PREEMPT, REGISTER, REGISTER_AND_IGNORE, RELEASE,
                      RESERVATION_CONFLICT, RESERVE, Client)
from targets import Lun, Mapped

PROGRAM = build.program("pr-helper-multipath")
KEY, OTHER = 0x1A, 0x2B
TYPES = (1, 3, 5, 6, 7, 8)

# LOGICAL UNIT COMMUNICATION FAILURE, INVALID COMMAND OPERATION CODE
NO_CONTACT, INVALID_OPCODE = (0xB, 8, 0), (5, 0x20, 0)
UNIT_ATTENTION = 6
PEER_HELPER = "/usr/bin/qemu-pr-helper"

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
        for _ in range(3 * len(self.paths)):
            run("sg_turs", self.node)

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


def test_path_lost_while_holding_leaves_no_key_behind(stage):
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


def test_a_helper_that_does_not_see_a_node_refuses(stage):
    """As in a container, or libvirt's mount namespace after a hot-plug."""
    side = stage.two
    hidden = side.paths[1].block
    wrapper = pathlib.Path("/run/lab-work/hiding")
    wrapper.write_text(
        "#!/bin/sh\nexec unshare -m sh -c 'mount --bind /dev/null "
        f"{hidden} && exec \"$0\" \"$@\"' {build.program('pr-helper')} "
        "\"$@\"\n", encoding="ascii")
    wrapper.chmod(0o755)
    with Helper("--multipath-program", PROGRAM, name="hiding",
                program=wrapper) as helper, \
            Client(helper.socket) as client, opened(side.node) as fd:
        assert client.out(REGISTER, fd, 0, KEY).code == NO_CONTACT
        assert side.keys() == []
        said = f"its path {hidden.name} has no node in /dev"
        wait_for(lambda: said in helper.messages(), said)


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


def test_partition_of_a_map_is_refused(stage):
    side = stage.two
    size = int(pathlib.Path(
        f"/sys/block/{os.path.basename(os.path.realpath(side.node))}/size")
        .read_text())
    with Mapped("part", f"0 {size - 8} linear {side.node} 8",
                "part1-mpath-lab") as part, \
            Client(stage.helpers["root"].socket) as client, \
            opened(part.node) as fd:
        assert client.out(REGISTER, fd, 0, KEY).code == INVALID_OPCODE
    assert side.keys() == []


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
