# SPDX-License-Identifier: LGPL-2.1-or-later
"""Which devices pr-helper sends commands to, and which it refuses.

The rule: what the kernel would let an unprivileged caller do with the whole of
a SCSI device is allowed, everything less is refused with 05/20/00.
"""

import contextlib
import os

import pytest

from helper import PEER, Helper
from inside import modprobe
from targets import (DebugLun, Lun, Mapped, linear, multipath, partition,
                     size)

from prclient import (CLEAR, READ_KEYS, REGISTER, RESERVE,
                      RESERVATION_CONFLICT, Client, pr_in)
from scsi_io import open_device, settle

KEY = 0x1A

REFUSED = (0x05, 0x20, 0x00)        # INVALID COMMAND OPERATION CODE

ours = pytest.mark.skipif(PEER, reason="QEMU's helper has no such rule")


@pytest.fixture(scope="module")
def helper():
    with Helper(*([] if PEER else ["-v"])) as helper:
        yield helper


@pytest.fixture(scope="module")
def shared_lun():
    with Lun("kinds") as lun:
        yield lun


@pytest.fixture
def lun(shared_lun):
    shared_lun.reset()
    return shared_lun


@pytest.fixture
def client(helper):
    with Client(helper.socket) as client:
        yield client


def assert_taken(client, node, lun):
    """The whole of a registration arrives at the logical unit."""
    with open_device(node) as fd:
        reply = client.out(REGISTER, fd, new_key=KEY)
        assert reply.good, str(reply)
        assert client.keys(fd) == [KEY]
        with open_device(lun.paths[1].sg) as there:
            assert client.keys(there) == [KEY]
        assert client.out(RESERVE, fd, KEY, type_=1).good
        assert client.reservation(fd) == (KEY, 1)
        assert client.out(CLEAR, fd, KEY).good


def assert_refused(client, node, lun, *flags):
    """Neither command is carried out, whoever the caller is."""
    with open_device(node, *flags) as fd:
        for reply in (client.out(REGISTER, fd, new_key=KEY),
                      client.request(pr_in(READ_KEYS), fd)):
            assert reply.code == REFUSED, str(reply)
            assert not reply.payload
    with open_device(lun.paths[1].sg) as there:
        assert client.keys(there) == []


def test_a_disk_is_accepted(client, lun):
    assert_taken(client, lun.paths[0].block, lun)


def test_an_sg_node_is_accepted(client, lun):
    assert_taken(client, lun.paths[0].sg, lun)


def test_a_map_of_a_whole_disk_is_accepted(client, lun):
    with linear("whole", lun.paths[0]) as mapped:
        assert_taken(client, mapped.node, lun)


@ours
def test_a_partition_is_refused(client, lun):
    assert_refused(client, partition(lun.paths[0]), lun)


@ours
def test_a_map_of_a_part_of_a_disk_is_refused(client, lun):
    with linear("part", lun.paths[0], sectors=4096) as mapped:
        assert_refused(client, mapped.node, lun)


@ours
def test_an_encrypted_disk_is_refused(client, lun):
    """What it takes is not what the logical unit gets."""
    modprobe("dm-crypt")
    disk = lun.paths[0]
    with Mapped("secret", f"0 {size(disk.name)} crypt aes-xts-plain64 "
                f"{'0f' * 32} 0 {disk.block} 0",
                "CRYPT-PLAIN-secret") as mapped:
        assert_refused(client, mapped.node, lun)


@ours
def test_a_bsg_node_is_refused(client, lun):
    assert_refused(client, lun.paths[0].bsg, lun)


@ours
@pytest.mark.parametrize("node", ["/dev/null", "/dev/tty0", "/proc/self/stat",
                                  "/etc/passwd"])
def test_what_is_no_scsi_device_is_refused(client, lun, node):
    assert_refused(client, node, lun, os.O_RDONLY)


@ours
def test_a_descriptor_without_access_is_refused(client, lun):
    assert_refused(client, lun.paths[0].block, lun, os.O_PATH)


@ours
def test_a_map_that_says_it_is_multipath_is_never_sent_down_one_path(
        client, lun):
    with linear("fake", lun.paths[0], dm_uuid="mpath-fake") as mapped:
        with open_device(mapped.node) as fd:
            assert not client.out(REGISTER, fd, new_key=KEY).good
    with open_device(lun.paths[1].sg) as there:
        assert client.keys(there) == []


@ours
def test_a_map_on_a_multipath_map_is_refused(client, lun, helper):
    with multipath("mpath", lun.paths, "mpath-0123456789") as below, \
            Mapped("above", f"0 4096 linear {below.node} 0") as above:
        assert_refused(client, above.node, lun)
    assert "lies on a multipath map" in helper.messages()


def test_persistent_reserve_out_needs_a_descriptor_open_for_writing(
        client, lun):
    with open_device(lun.paths[0].block, os.O_RDONLY) as fd:
        reply = client.out(REGISTER, fd, new_key=KEY)
        assert reply.code == REFUSED
        assert client.keys(fd) == []
    with open_device(lun.paths[0].block, os.O_WRONLY) as fd:
        assert client.out(REGISTER, fd, new_key=KEY).good


def test_a_conflict_is_passed_on_without_sense(client, lun):
    here, there = lun.paths
    with open_device(here.sg) as mine, open_device(there.sg) as other:
        assert client.out(REGISTER, mine, new_key=KEY).good
        assert client.out(RESERVE, mine, KEY, type_=1).good
        reply = client.out(RESERVE, other, 0x99, type_=1)
        assert reply.status == RESERVATION_CONFLICT
        assert not reply.payload


def test_a_unit_attention_is_passed_on_once(client, lun):
    """SPC-4 5.13.11.5: RESERVATIONS PREEMPTED for whom CLEAR removed."""
    here, there = lun.paths
    with open_device(here.sg) as mine, open_device(there.sg) as other:
        assert client.out(REGISTER, mine, new_key=KEY).good
        assert client.out(REGISTER, other, new_key=KEY).good
        assert client.out(CLEAR, other, KEY).good
        reply = client.request(pr_in(READ_KEYS), mine)
        assert reply.code == (0x06, 0x2A, 0x03), str(reply)
        assert client.keys(mine) == []


@ours
def test_a_device_that_hangs_delays_no_other(helper, lun):
    with DebugLun() as hung, contextlib.ExitStack() as stack:
        clients = [stack.enter_context(Client(helper.socket))
                   for _ in range(12)]
        dead = stack.enter_context(open_device(hung.path.sg))
        alive = stack.enter_context(open_device(lun.paths[0].sg))
        hung.hang()
        for client in clients[:-1]:
            client.send_request(pr_in(READ_KEYS), dead)
        for _ in range(50):
            assert clients[-1].keys(alive) == []
        hung.answer()
        for client in clients[:-1]:
            assert client.recv_reply().code is not None


@ours
def test_a_hung_command_is_answered_at_the_deadline(lun):
    with DebugLun() as hung, \
            Helper("--timeout", "2", name="impatient") as helper, \
            Client(helper.socket) as client, \
            open_device(hung.path.sg) as dead:
        hung.hang()
        reply = client.request(pr_in(READ_KEYS), dead)
        assert reply.code == (0x0B, 0x2E, 0x02), str(reply)
        with open_device(lun.paths[0].sg) as alive:
            assert client.keys(alive) == []
        hung.answer()
        settle(hung.path.sg)
