# SPDX-License-Identifier: LGPL-2.1-or-later
"""The processes behind a multipath map, from the daemon's end."""

import array
import contextlib
import itertools
import os
import re
import resource
import signal
import socket
import subprocess
import time

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


def children(pid):
    with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as file:
        return file.read().split()


def limit(name, path):
    with open(os.path.join(build.ROOT, path), encoding="utf-8") as file:
        return int(re.search(rf"#define {name}\s+([0-9]+)",
                             file.read()).group(1))


def sleeps(process):
    """It has done all that it could with what it has been sent."""
    with open(f"/proc/{process.pid}/stat", encoding="ascii") as file:
        return file.read().rpartition(")")[2].split()[0] == "S"


def wait_until(condition):
    end = time.monotonic() + TIMEOUT_S
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.001)


def test_it_has_a_limit_of_its_own_on_children(broker):
    """Whoever sends may have been taken over, and heed none."""
    process, channel = broker
    most = limit("PRM_MULTIPATH_PROCESSES_MAX", "src/backend/multipath.h")
    with contextlib.ExitStack() as stack:
        held = [stack.enter_context(child(channel)) for _ in range(most)]
        assert len(children(process.pid)) == most
        ours, theirs = socket.socketpair()
        stack.enter_context(ours)
        with theirs:
            socket.send_fds(channel, [b"\0"], [theirs.fileno()])
        wait_until(lambda: sleeps(process))
        assert len(children(process.pid)) == most
        # One that ends makes room for the one that waits, and for no other.
        held[0].close()
        ours.settimeout(TIMEOUT_S)
        assert ours.recv(4, socket.MSG_WAITALL) == bytes(4)
        assert len(children(process.pid)) == most
        assert answers(ours) and answers(held[1])
    wait_until(lambda: not children(process.pid))
    for _ in range(2 * most):
        with child(channel) as one:
            assert answers(one)


def refuses(process, channel, message, fds):
    """It starts nothing for that, and goes on."""
    def descriptors():
        return len(os.listdir(f"/proc/{process.pid}/fd"))
    with child(channel):
        wait_until(lambda: sleeps(process))
        before = descriptors()
    wait_until(lambda: not children(process.pid))
    socket.send_fds(channel, [message], fds)
    with child(channel):
        # Orders are taken in turn: that one would be there by now.
        wait_until(lambda: sleeps(process))
        assert len(children(process.pid)) == 1
        assert descriptors() == before
    wait_until(lambda: not children(process.pid))


def test_it_starts_nothing_for_a_message_that_is_none(broker):
    process, channel = broker
    one, two = socket.socketpair()
    datagrams = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    inet = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    with one, two, datagrams, inet, open("/dev/null", "rb") as null:
        for message, files in ((b"\0", []), (b"\0\0", [one]), (b"\1", [one]),
                               (b"\0", [one, two]), (b"\0", [null]),
                               (b"\0", [datagrams]), (b"\0", [inet]),
                               (b"\0" * 4096, [one]), (b"\0", [one] * 200)):
            refuses(process, channel, message,
                    [file.fileno() for file in files])


def test_it_starts_nothing_for_what_has_come_in_part(broker):
    """There was no room for the second of two descriptors."""
    process, channel = broker
    one, two = socket.socketpair()
    with child(channel):
        wait_until(lambda: sleeps(process))
    wait_until(lambda: not children(process.pid))
    used = {int(fd) for fd in os.listdir(f"/proc/{process.pid}/fd")}
    free = next(fd for fd in itertools.count() if fd not in used)
    resource.prlimit(process.pid, resource.RLIMIT_NOFILE, (free + 1,) * 2)
    with one, two:
        refuses(process, channel, b"\0", [one.fileno(), two.fileno()])


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
        (pid,) = children(process.pid)
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


def by_hand(*words):
    program = build.program("pr-helper-multipath")
    if not os.path.exists(program):
        pytest.skip(f"{program} is not built")
    return subprocess.run([program, *words], stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, timeout=TIMEOUT_S,
                          check=False)


@pytest.mark.parametrize("word,begin", [
    ("--help", "Usage: pr-helper-multipath "),
    ("--version", "pr-helper-multipath ")])
def test_it_says_what_it_is(word, begin):
    done = by_hand(word)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(begin)


@pytest.mark.parametrize("words,reason", [
    (["--timeout=0"], "--timeout takes 1 to 100000 seconds, not '0'"),
    (["--timeout=1s"], "--timeout takes 1 to 100000 seconds, not '1s'"),
    (["--sandbox=no"], "--sandbox is on, log or off, not 'no'"),
    (["surplus"], "'surplus' is one argument too many"),
    (["--nonsense"], "--nonsense"),
    ([], "")])
def test_what_cannot_be_is_refused(words, reason):
    """Nor is it for anyone to start by hand."""
    done = by_hand(*words)
    assert (done.returncode, done.stdout) == (1, "")
    assert reason in done.stderr and done.stderr


@pytest.mark.parametrize("action", [signal.SIG_DFL, signal.SIG_IGN])
def test_a_process_for_a_command_ends_itself_in_time(action):
    """Whoever starts it, and whether or not it is ever sent a request."""
    program = build.program("pr-helper-multipath")
    if not os.path.exists(program):
        pytest.skip(f"{program} is not built")
    ours, theirs = socket.socketpair()
    with ours:
        with theirs:
            process = subprocess.Popen(
                [program, "--timeout=1"], stdin=theirs,
                preexec_fn=lambda: signal.signal(signal.SIGALRM, action))
        assert process.wait(TIMEOUT_S) == -signal.SIGALRM


def test_it_ends_with_the_daemon(broker):
    process, channel = broker
    with child(channel) as begun:
        channel.close()
        assert process.wait(TIMEOUT_S) == 0
        assert answers(begun)
