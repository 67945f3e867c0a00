# SPDX-License-Identifier: LGPL-2.1-or-later
"""How the daemon ends: what has begun is finished, and nothing is begun."""

import os
import shutil
import signal
import socket
import tempfile
import threading

import pytest

from harness import PATIENCE_S
from prclient import (READ_KEYS, REGISTER_AND_IGNORE, Closed, params, pr_in,
                      pr_out)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT,
                                    signal.SIGHUP])
def test_signals_end_it(start, number):
    helper = start()
    with helper.client() as client:
        helper.signal(number)
        assert client.wait_closed() == b""
        assert helper.wait() == 0
    assert not os.path.exists(helper.socket)


def test_a_closed_pipe_does_not(start):
    helper = start()
    disk = helper.device()
    helper.signal(signal.SIGPIPE)
    with helper.client() as client, disk.open() as fd:
        assert client.request(pr_in(READ_KEYS), fd).good


def test_half_a_request_is_dropped(start):
    helper = start()
    disk = helper.device()
    with helper.client() as client, disk.open() as fd:
        client.send(pr_in(READ_KEYS)[:10], [fd])
        helper.signal(signal.SIGTERM)
        assert client.wait_closed() == b""
        assert helper.wait() == 0


def test_a_running_command_is_answered(start):
    helper = start("--timeout", "600")
    fifo = helper.fifo()
    disk = helper.device(device="8:0", hang=fifo.path)
    with helper.client() as client, disk.open() as fd:
        client.send_request(pr_out(REGISTER_AND_IGNORE), fd,
                            params(new_key=1))
        helper.log.wait("^start device=8:0 ")
        helper.signal(signal.SIGTERM)
        helper.wait_until(lambda: not accepts(helper), "still accepts")
        fifo.open()
        assert client.recv_reply().good
        assert client.wait_closed() == b""
    assert helper.wait() == 0
    assert len(helper.stderr.matching("audit .*status=GOOD")) == 1


def test_the_end_is_told_of_when_it_begins(start):
    """Before what has begun is finished, not after."""
    folder = tempfile.mkdtemp(prefix="prm-")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.settimeout(PATIENCE_S)
        manager.bind(f"{folder}/notify")
        helper = start("--timeout", "600",
                       env={"NOTIFY_SOCKET": f"{folder}/notify"})
        shutil.rmtree(folder)
        assert manager.recv(64) == b"READY=1"
        fifo = helper.fifo()
        disk = helper.device(device="8:0", hang=fifo.path)
        with helper.client() as client, disk.open() as fd:
            client.send_request(pr_in(READ_KEYS), fd)
            helper.log.wait("^start device=8:0 ")
            helper.signal(signal.SIGTERM)
            assert manager.recv(64) == b"STOPPING=1"
            helper.wait_until(lambda: not os.path.exists(helper.socket),
                              "the socket's file stays")
            fifo.open()
            assert client.recv_reply().good
    assert helper.wait() == 0


def test_under_load_all_that_has_begun_is_answered(start):
    """As many answers as commands that the devices saw, and audit lines."""
    helper = start("--max-workers", "8")
    disks = [helper.device(device=f"8:{16 * i}") for i in range(4)]
    answers = []
    going = threading.Barrier(17)

    def ask(disk):
        count = 0
        with helper.client() as client, disk.open() as fd:
            try:
                while True:
                    assert client.request(pr_out(REGISTER_AND_IGNORE), fd,
                                          params(new_key=1)).good
                    count += 1
                    if count == 20:
                        going.wait(PATIENCE_S)
            except (Closed, BrokenPipeError, ConnectionResetError):
                answers.append(count)

    threads = [threading.Thread(target=ask, args=[disk])
               for disk in disks * 4]
    for thread in threads:
        thread.start()
    going.wait(PATIENCE_S)
    helper.signal(signal.SIGTERM)
    assert helper.wait() == 0
    for thread in threads:
        thread.join()
    assert len(answers) == 16 and sum(answers) >= 16 * 20
    assert len(helper.log.matching("^end ")) == sum(answers)
    assert len(helper.stderr.matching(" audit .*status=GOOD")) == sum(answers)


def test_parked_commands_are_answered_too(start):
    helper = start("--timeout", "600")
    fifo = helper.fifo()
    disk = helper.device(device="8:0", hang=fifo.path)
    with disk.open() as fd:
        clients = [helper.client() for _ in range(7)]
        for client in clients[:4]:
            client.send_request(pr_in(READ_KEYS), fd)
        helper.log.wait("^start device=8:0 ", 4)
        for client in clients[4:]:
            client.send_request(pr_in(READ_KEYS), fd)
        # A reply on another device: by then the requests have been read.
        works = helper.device(device="8:16")
        with helper.client() as other, works.open() as fd2:
            for _ in range(10):
                assert other.request(pr_in(READ_KEYS), fd2).good
        helper.wait_until(
            lambda: sum(disk.path in what
                        for what in helper.fds().values()) == 7,
            "requests are not read")
        helper.signal(signal.SIGTERM)
        helper.wait_until(lambda: not accepts(helper), "still accepts")
        fifo.open()
        for client in clients:
            assert client.recv_reply().good
            client.close()
    assert helper.wait() == 0


def test_a_hung_device_holds_the_end_up_until_the_deadline(start):
    helper = start("--timeout", "1")
    helper.may_leave_descriptors = True
    fifo = helper.fifo()
    disk = helper.device(device="8:0", hang=fifo.path)
    with helper.client() as client, disk.open() as fd:
        client.send_request(pr_in(READ_KEYS), fd)
        helper.log.wait("^start device=8:0 ")
        helper.signal(signal.SIGTERM)
        assert client.recv_reply().code == (0xb, 0x2e, 2)
        assert helper.wait() == 0


def test_a_client_that_never_stops_asking_does_not_keep_it(start):
    helper = start()
    disk = helper.device()
    asked = threading.Event()

    def ask():
        with helper.client() as client, disk.open() as fd:
            try:
                while True:
                    client.request(pr_in(READ_KEYS), fd)
                    asked.set()
            except (Closed, BrokenPipeError, ConnectionResetError):
                pass

    thread = threading.Thread(target=ask)
    thread.start()
    asked.wait()
    helper.signal(signal.SIGTERM)
    assert helper.wait() == 0
    thread.join()


def test_a_client_that_never_reads_does_not_keep_it(start):
    """Its reply does not fit into the socket: the end does not wait for it."""
    helper = start("--timeout", "1")
    disk = helper.device(data=bytes(8192))
    with helper.client() as client, disk.open() as fd:
        client.sock.setblocking(False)
        try:
            for _ in range(100000):
                client.send_request(pr_in(READ_KEYS), fd)
        except OSError:
            pass
        helper.signal(signal.SIGTERM)
        assert helper.wait() == 0


def accepts(helper):
    try:
        with helper.client():
            return True
    except (Closed, OSError):
        return False
