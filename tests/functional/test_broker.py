# SPDX-License-Identifier: LGPL-2.1-or-later
"""The processes behind a multipath map, from the daemon's end."""

import array
import contextlib
import os
import signal
import socket
import subprocess

import pytest

import build
from prclient import READ_KEYS, TIMEOUT_S, pr_in, sense_code

SYS_ADMIN, SYS_RAWIO = 1 << 21, 1 << 17


def has_both():
    """Whether the broker would have the capabilities that it keeps."""
    with open("/proc/self/status", encoding="ascii") as status:
        for line in status:
            if line.startswith("CapEff:"):
                held = int(line.split()[1], 16)
                return held & SYS_ADMIN and held & SYS_RAWIO
    return False


@pytest.fixture
def broker():
    """(process, channel), in a process group of its own."""
    program = build.program("pr-helper-multipath")
    if not os.path.exists(program):
        pytest.skip(f"{program} is not built")
    if not has_both():
        pytest.skip("needs CAP_SYS_ADMIN and CAP_SYS_RAWIO")
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    process = subprocess.Popen(
        [program, "--broker", "--timeout=600"], stdin=theirs,
        start_new_session=True)
    theirs.close()
    with ours:
        yield process, ours
    try:
        process.wait(TIMEOUT_S)
    finally:
        process.kill()
        process.wait()


@contextlib.contextmanager
def child(channel):
    """The daemon's end to a process for a command, which has said hello."""
    ours, theirs = socket.socketpair()
    with ours:
        with theirs:
            socket.send_fds(channel, [b"\0"], [theirs.fileno()])
        ours.settimeout(TIMEOUT_S)
        assert ours.recv(4, socket.MSG_WAITALL) == bytes(4)
        yield ours


def answers(sock):
    """It takes a request to its end: /dev/null is no multipath map."""
    with open("/dev/null", "rb") as null:
        sock.sendall(bytes(4))
        sock.sendmsg([pr_in(READ_KEYS)],
                     [(socket.SOL_SOCKET, socket.SCM_RIGHTS,
                       array.array("i", [null.fileno()]))])
    reply = sock.recv(104, socket.MSG_WAITALL)
    return len(reply) == 104 and sense_code(reply[8:]) == (5, 0x20, 0)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT,
                                    signal.SIGHUP])
def test_what_ends_the_daemon_does_not_cut_off_its_commands(broker, number):
    """A terminal, or systemd, sends it to all processes of the daemon."""
    process, channel = broker
    with child(channel) as begun:
        os.killpg(process.pid, number)
        assert answers(begun)
    with child(channel) as next_one:
        assert answers(next_one)


def fields(pid):
    """/proc/PID/status of each of its threads, as dictionaries."""
    for task in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{task}/status",
                  encoding="ascii") as file:
            yield {name: value.strip() for name, _, value in
                   (line.partition(":") for line in file)}


def has_filter():
    usage = subprocess.run(
        [build.program("pr-helper-multipath"), "--broker", "--sandbox=on"],
        stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
        check=False).stderr
    return "was built" not in usage


def test_it_and_its_children_have_two_capabilities_and_a_filter(broker):
    process, channel = broker
    both = f"{SYS_ADMIN | SYS_RAWIO:016x}"
    with child(channel) as begun:
        path = f"/proc/{process.pid}/task/{process.pid}/children"
        with open(path, encoding="ascii") as file:
            (pid,) = file.read().split()
        for filters, one in ((2, process.pid), (4, pid)):
            for seen in fields(one):
                assert seen["CapPrm"] == seen["CapEff"] == both, seen
                assert seen["CapBnd"] == both, seen
                assert int(seen["CapInh"], 16) == 0, seen
                assert int(seen["CapAmb"], 16) == 0, seen
                assert seen["NoNewPrivs"] == "1", seen
                if has_filter():
                    assert seen["Seccomp"] == "2", seen
                    assert seen.get("Seccomp_filters", str(filters)) == \
                        str(filters), seen
        assert answers(begun)


def test_it_ends_with_the_daemon(broker):
    process, channel = broker
    with child(channel) as begun:
        channel.close()
        assert process.wait(TIMEOUT_S) == 0
        assert answers(begun)
