# SPDX-License-Identifier: LGPL-2.1-or-later
"""Trace events follow sessions and requests through the daemon.

One life of a daemon, with all events that can be had without waiting for a
minute, and what each says.
"""

import os
import re
import signal

import pytest

from harness import under_valgrind
from prclient import (READ_KEYS, REGISTER_AND_IGNORE, params, pr_in, pr_out)

# Commands of one device that run at a time; further ones are parked.
DEVICE_MAX = 4


@pytest.fixture
def traced(start):
    """traced(ARGS...): a daemon, and a function that waits for an event."""
    def start_traced(*args):
        helper = start("-q", "-T", "*", *args)

        def event(name, pattern="", count=1):
            return helper.stderr.wait(f": {name} .*{pattern}", count)[-1]

        return helper, event

    return start_traced


def number(line, name="session"):
    return int(re.search(f"{name}=([0-9]+)", line)[1])


def test_events_of_a_daemon(traced):
    helper, event = traced()
    assert number(event("listen", f"path={helper.socket}"), "fd") > 2
    event("worker_start", "workers=[1-9]", 2)
    event("session_close")  # whoever looked whether it has started
    helper.signal(signal.SIGTERM)
    event("stop", "sessions=0")
    event("worker_end", "workers=0$")


def test_events_of_a_session(traced):
    helper, event = traced()
    disk = helper.device(device="8:16", data=b"abc")
    with helper.client() as client, disk.open() as fd:
        line = event("session_open", f"pid={os.getpid()} uid={os.geteuid()}",
                     2)
        session = number(line)
        event("session_hello", f"session={session} features=0x00000000")
        assert client.request(pr_in(READ_KEYS, 2), fd).payload == b"ab"
        event("request", f"session={session} opcode=0x5e action=0x00 "
                         "length=2$")
        event("run", f"session={session} device=8:16 manager=scsi$")
        event("done", f"session={session} device=8:16 duration_us=[0-9]+$")
        event("reply", f"session={session} status=0x00 payload=2$")
        assert client.request(pr_out(REGISTER_AND_IGNORE), fd, params()).good
        event("request", f"session={session} opcode=0x5f action=0x06 "
                         "length=24$")
    event("session_close", f"session={session} requests=2$")


def test_events_of_a_broken_session(traced):
    helper, event = traced()
    with helper.client() as client:
        client.send(bytes(16))
        client.wait_closed()
    line = event("session_refuse", "reason=")
    assert "reason=not a PERSISTENT RESERVE command" in line
    event("session_close", f"session={number(line)} requests=0$")


@pytest.mark.skipif(under_valgrind(), reason="one thread runs at a time there")
def test_events_of_a_device_that_hangs(traced):
    helper, event = traced("--timeout", "2")
    fifo = helper.fifo()
    disk = helper.device(device="8:16", hang=fifo.path)
    clients = [helper.client() for _ in range(DEVICE_MAX + 2)]
    *hung, leaves, stays = clients
    with disk.open() as fd:
        for client in hung:
            client.send_request(pr_in(READ_KEYS), fd)
        event("run", "device=8:16", DEVICE_MAX)
        leaves.send_request(pr_in(READ_KEYS), fd)
        gone = number(event("park", "device=8:16$"))
        leaves.close()
        event("drop", f"session={gone} device=8:16$")
        for client in hung:
            assert client.recv_reply().code == (0xb, 0x2e, 2)
        event("deadline", "session=[0-9]+ device=", DEVICE_MAX)
        stays.send_request(pr_in(READ_KEYS), fd)
        parked = number(event("park", "device=8:16$", 2))
        fifo.open()
        event("late", "device=8:16 status=0x00$", DEVICE_MAX)
        assert stays.recv_reply().good
        event("unpark", f"session={parked} device=8:16$")
    for client in clients:
        client.close()


def test_events_of_a_take_over(traced):
    helper, event = traced()
    event("session_close")  # whoever looked whether it has started
    with helper.client():
        os.unlink(helper.socket)
        event("taken_over", "sessions=1$")
    assert helper.wait() == 0
