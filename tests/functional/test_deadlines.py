# SPDX-License-Identifier: LGPL-2.1-or-later
"""Devices that hang: who waits for them, for how long, and what happens then.

A device hangs at a FIFO until the test lets it go, so nothing here depends on
how fast the machine is.
"""

import contextlib

import pytest

from harness import under_valgrind
from prclient import (CHECK_CONDITION, PREEMPT, READ_KEYS, REGISTER,
                      REGISTER_AND_IGNORE, params, pr_in, pr_out)

TIMED_OUT = (0xb, 0x2e, 2)

# Commands of one device that run at a time; further ones are parked.
DEVICE_MAX = 4


@pytest.fixture
def sessions():
    """sessions(HELPER, COUNT): clients, closed at the end."""
    with contextlib.ExitStack() as stack:
        yield lambda helper, count: [stack.enter_context(helper.client())
                                     for _ in range(count)]


@pytest.fixture
def fds():
    """fds(DEVICE): an open descriptor, closed at the end."""
    with contextlib.ExitStack() as stack:
        yield lambda device: stack.enter_context(device.open())


def register(client, fd, key=1):
    client.send_request(pr_out(REGISTER_AND_IGNORE), fd, params(new_key=key))


def started(helper, device):
    return len(helper.log.matching(f"^start device={device} "))


def wait_started(helper, device, count=1):
    helper.log.wait(f"^start device={device} ", count)


def wait_ended(helper, device, count=1):
    helper.log.wait(f"^end device={device} ", count)


def test_a_hung_command_is_answered_at_its_deadline(start, sessions, fds):
    helper = start("--timeout", "1")
    fifo = helper.fifo()
    fd = fds(helper.device(device="8:0", hang=fifo.path))
    client, = sessions(helper, 1)
    for action in READ_KEYS, READ_KEYS:
        reply = client.request(pr_in(action), fd)
        assert reply.code == TIMED_OUT
        assert reply.payload == b""
    register(client, fd)
    assert client.recv_reply().code == TIMED_OUT


def test_the_session_goes_on_after_a_deadline(start, sessions, fds):
    helper = start("--timeout", "1")
    fifo = helper.fifo()
    hung = fds(helper.device(device="8:0", hang=fifo.path))
    works = fds(helper.device(device="8:16", data=b"abc"))
    client, = sessions(helper, 1)
    assert client.request(pr_in(READ_KEYS), hung).code == TIMED_OUT
    assert client.request(pr_in(READ_KEYS), works).payload == b"abc"
    fifo.open()
    wait_ended(helper, "8:0")
    # The late answer is not sent to anybody.
    assert client.request(pr_in(READ_KEYS), works).payload == b"abc"


def test_a_late_answer_is_on_record(start, sessions, fds):
    helper = start("--timeout", "1")
    fifo = helper.fifo()
    fd = fds(helper.device(device="8:0", hang=fifo.path))
    client, = sessions(helper, 1)
    register(client, fd)
    assert client.recv_reply().code == TIMED_OUT
    line, = helper.stderr.wait("audit .*action=REGISTER_AND_IGNORE")
    assert "sense=b/2e/02" in line.lower()
    assert "late=no" in line
    fifo.open()
    line, = helper.stderr.wait("audit .*late=yes")
    assert "status=GOOD" in line


def test_a_hung_verdict_is_answered_at_its_deadline(start, sessions, fds):
    """The kernel's verdict on a device may take as long as a command."""
    helper = start("--timeout", "1")
    fifo = helper.fifo()
    fd = fds(helper.device(device="8:0", verdict_hang=fifo.path))
    client, = sessions(helper, 1)
    assert client.request(pr_in(READ_KEYS), fd).code == TIMED_OUT
    assert started(helper, "8:0") == 0


def test_at_most_four_commands_run_on_a_device(start, sessions, fds):
    helper = start("--timeout", "600")
    fifo = helper.fifo()
    fd = fds(helper.device(device="8:0", hang=fifo.path))
    works = fds(helper.device(device="8:16"))
    clients = sessions(helper, DEVICE_MAX + 8)
    for client in clients:
        client.send_request(pr_in(READ_KEYS), fd)
    wait_started(helper, "8:0", DEVICE_MAX)
    other, = sessions(helper, 1)
    for _ in range(20):
        assert other.request(pr_in(READ_KEYS), works).good
    assert started(helper, "8:0") == DEVICE_MAX
    fifo.open()
    for client in clients:
        assert client.recv_reply().good
    wait_started(helper, "8:0", len(clients))


def test_a_parked_command_times_out_without_running(start, sessions, fds):
    helper = start("--timeout", "2")
    fifo = helper.fifo()
    fd = fds(helper.device(device="8:0", out_hang=fifo.path))
    clients = sessions(helper, DEVICE_MAX)
    for client in clients:
        register(client, fd)
    wait_started(helper, "8:0", DEVICE_MAX)
    parked, = sessions(helper, 1)
    register(parked, fd, key=0x77)
    assert parked.recv_reply().code == TIMED_OUT
    for client in clients:
        assert client.recv_reply().code == TIMED_OUT
    fifo.open()
    wait_ended(helper, "8:0", DEVICE_MAX)
    # One more: had the parked one run, it would have run before.
    assert parked.request(pr_in(READ_KEYS), fd).good
    assert len(helper.log.matching("^start device=8:0 cdb=5f")) == DEVICE_MAX
    helper.stderr.wait("audit .*sa_key=0x0*77 ")


def test_a_dead_clients_preempt_never_runs(start, sessions, fds):
    """Its machine may have been replaced; nobody expects it any more."""
    helper = start("--timeout", "600")
    fifo = helper.fifo()
    fd = fds(helper.device(device="8:0", in_hang=fifo.path))
    clients = sessions(helper, DEVICE_MAX)
    for client in clients:
        client.send_request(pr_in(READ_KEYS), fd)
    wait_started(helper, "8:0", DEVICE_MAX)
    with helper.client() as dead:
        dead.send_request(pr_out(PREEMPT, type_=5), fd, params(1, 2))
        alive, = sessions(helper, 1)
        alive.send_request(pr_out(REGISTER), fd, params(0, 3))
    line, = helper.stderr.wait("audit .*action=PREEMPT .*dropped=yes")
    assert "sa_key=0x0000000000000002" in line
    fifo.open()
    assert alive.recv_reply().good
    for client in clients:
        assert client.recv_reply().good
    assert not helper.log.matching("cdb=5f04")


@pytest.mark.skipif(under_valgrind(), reason="one thread runs at a time there")
def test_hung_devices_stall_nobody(start, sessions, fds):
    """More commands hang than there are workers for one device."""
    helper = start("--timeout", "600")
    fifo = helper.fifo()
    works = fds(helper.device(device="65:0", data=b"abc"))
    hung = [fds(helper.device(device=f"8:{16 * i}", hang=fifo.path))
            for i in range(10)]
    clients = []
    for fd in hung:
        some = sessions(helper, 2 * DEVICE_MAX)
        for client in some:
            client.send_request(pr_in(READ_KEYS), fd)
        clients += some
    for i in range(10):
        wait_started(helper, f"8:{16 * i}", DEVICE_MAX)
    for other in sessions(helper, 10):
        assert other.request(pr_in(READ_KEYS), works).payload == b"abc"
    fifo.open()
    for client in clients:
        assert client.recv_reply().good


def test_workers_stay_for_devices_with_nothing_running(start, sessions, fds):
    """A quarter of them is kept back: no set of hung devices takes all."""
    helper = start("--timeout", "600", "--max-workers", "8")
    fifo = helper.fifo()
    works = fds(helper.device(device="65:0", data=b"abc"))
    hung = [fds(helper.device(device=f"8:{16 * i}", hang=fifo.path))
            for i in range(3)]
    clients = []
    for fd in hung:
        some = sessions(helper, DEVICE_MAX)
        for client in some:
            client.send_request(pr_in(READ_KEYS), fd)
        clients += some
    for i in range(3):
        wait_started(helper, f"8:{16 * i}")
    other, = sessions(helper, 1)
    assert other.request(pr_in(READ_KEYS), works).payload == b"abc"
    fifo.open()
    for client in clients:
        assert client.recv_reply().good


def test_the_other_path_of_a_hung_disk_works(start, sessions, fds):
    """Limits are those of a device number: a path, not a logical unit."""
    helper = start("--timeout", "600")
    fifo = helper.fifo()
    hung = fds(helper.device(device="8:0", lu="a", nexus="a", hang=fifo.path))
    works = fds(helper.device(device="8:16", lu="a", nexus="b"))
    clients = sessions(helper, 2 * DEVICE_MAX)
    for client in clients:
        client.send_request(pr_in(READ_KEYS), hung)
    wait_started(helper, "8:0", DEVICE_MAX)
    other, = sessions(helper, 1)
    assert other.out(REGISTER, works, new_key=5).good
    assert other.keys(works) == [5]
    fifo.open()
    for client in clients:
        assert client.recv_reply().good


def test_one_descriptor_for_each_command_that_hangs(start, sessions, fds):
    """At its deadline the descriptor stays, and goes when the call returns."""
    helper = start("--timeout", "1")
    fifo = helper.fifo()
    fd = fds(helper.device(device="8:0", hang=fifo.path))
    works = fds(helper.device(device="8:16"))
    client, = sessions(helper, 1)
    assert client.request(pr_in(READ_KEYS), works).good
    idle = len(helper.fds())
    assert client.request(pr_in(READ_KEYS), fd).code == TIMED_OUT
    fifo.open()
    wait_ended(helper, "8:0")
    helper.wait_for_fds(idle)


def test_deadline_of_a_client_that_has_left(start, sessions, fds):
    helper = start("--timeout", "1")
    fifo = helper.fifo()
    fd = fds(helper.device(device="8:0", hang=fifo.path))
    works = fds(helper.device(device="8:16"))
    with helper.client() as client:
        register(client, fd)
        wait_started(helper, "8:0")
    helper.stderr.wait("audit .*action=REGISTER_AND_IGNORE")
    fifo.open()
    helper.log.wait("^end device=8:0 ")
    other, = sessions(helper, 1)
    reply = other.request(pr_in(READ_KEYS), works)
    assert reply.status != CHECK_CONDITION
