# SPDX-License-Identifier: LGPL-2.1-or-later
"""Whatever a client can hold a descriptor of, the daemon is asked to use.

What is no SCSI device is refused with ILLEGAL REQUEST, INVALID COMMAND
OPERATION CODE, which no initiator tries again; the session goes on, and nothing
stays open (the fixture `helper`).
"""

import contextlib
import errno
import os
import select
import socket
import tempfile

import pytest

from harness import under_valgrind
from prclient import (READ_KEYS, REGISTER_AND_IGNORE, REPORT_CAPABILITIES,
                      Closed, params, pr_in, pr_out)
from stall import StalledFile, Unavailable

NO_SCSI_DEVICE = (5, 0x20, 0)

# How a session that was closed shows.
GONE = (Closed, BrokenPipeError, ConnectionResetError)


def device_node(path, flags=os.O_RDWR):
    try:
        return os.open(path, flags | os.O_CLOEXEC | os.O_NOCTTY)
    except OSError as error:
        pytest.skip(f"{path}: {error.strerror}")


@contextlib.contextmanager
def closing(*fds):
    try:
        yield fds[0]
    finally:
        for fd in fds:
            os.close(fd)


def path_only():
    return closing(os.open("/dev/null", os.O_PATH | os.O_CLOEXEC))


def path_of_a_disk():
    """A path alone must not become a device by way of its number."""
    return closing(device_node("/dev/loop0", os.O_PATH))


def directory():
    return closing(os.open("/", os.O_RDONLY | os.O_DIRECTORY))


@contextlib.contextmanager
def regular_file():
    with tempfile.TemporaryFile() as file:
        yield file.fileno()


def pipe():
    return closing(*os.pipe())


@contextlib.contextmanager
def stream_socket():
    one, two = socket.socketpair()
    with one, two:
        yield one.fileno()


@contextlib.contextmanager
def internet_socket():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
        yield one.fileno()


@contextlib.contextmanager
def epoll():
    with select.epoll() as poll:
        yield poll.fileno()


def memfd():
    return closing(os.memfd_create("memory"))


def pidfd():
    return closing(os.pidfd_open(os.getpid()))


def eventfd():
    if not hasattr(os, "eventfd"):
        pytest.skip("this Python has no eventfd")
    return closing(os.eventfd(0))


def null():
    return closing(device_node("/dev/null"))


def zero():
    return closing(device_node("/dev/zero"))


def full():
    return closing(device_node("/dev/full"))


def tty():
    return closing(*os.openpty())


def proc_file():
    return closing(os.open("/proc/self/status", os.O_RDONLY))


def proc_memory():
    return closing(os.open("/proc/self/mem", os.O_RDWR))


def sysfs_file():
    return closing(device_node("/sys/kernel/mm", os.O_RDONLY))


REFUSED = [path_only, path_of_a_disk, directory, regular_file, pipe,
           stream_socket, internet_socket, epoll, memfd, pidfd, eventfd, null,
           zero, full, tty, proc_file, proc_memory, sysfs_file]


def assert_refused(client, fd):
    reply = client.request(pr_in(READ_KEYS), fd)
    assert reply.code == NO_SCSI_DEVICE, str(reply)
    assert reply.payload == b""
    # The parameter list is read before anything is refused.
    reply = client.request(pr_out(REGISTER_AND_IGNORE), fd, params(new_key=1))
    assert reply.code == NO_SCSI_DEVICE, str(reply)


@pytest.mark.parametrize("kind", REFUSED, ids=lambda kind: kind.__name__)
def test_no_scsi_device_is_refused(helper, kind):
    with helper.client() as client, kind() as fd:
        assert_refused(client, fd)
        with helper.disk.open() as disk:
            assert client.request(pr_in(REPORT_CAPABILITIES), disk).good


def test_with_v_a_refusal_says_why(start):
    helper = start("-v")
    partition = helper.device(verdict=errno.ENOTTY)
    removed = helper.device(device="8:16", verdict=errno.ENODEV)
    with helper.client() as client, null() as nothing, \
            partition.open() as fd, removed.open() as gone:
        assert_refused(client, nothing)
        helper.stderr.wait("device -: refused: no SCSI device$")
        assert_refused(client, fd)
        helper.stderr.wait("device 8:0: refused: no whole SCSI device$")
        assert not client.request(pr_in(READ_KEYS), gone).good
        helper.stderr.wait("device 8:16: refused: No such device$")


def test_a_session_may_pass_itself(helper):
    with helper.client() as client:
        assert_refused(client, client.sock.fileno())


def test_a_session_may_pass_another(helper):
    with helper.client() as client, helper.client() as other:
        assert_refused(client, other.sock.fileno())
        assert_refused(other, client.sock.fileno())


@pytest.mark.parametrize("name", ["loop0", "vda", "zram0"])
def test_a_disk_that_is_not_scsi_is_refused(helper, name):
    with helper.client() as client:
        with closing(device_node(f"/dev/{name}", os.O_RDONLY)) as fd:
            reply = client.request(pr_in(READ_KEYS), fd)
        assert reply.code in (NO_SCSI_DEVICE, (5, 0x24, 0)), str(reply)


def test_an_empty_file_that_looks_like_a_script_is_none(helper):
    """The tests' own devices: the sticky bit alone does not make one."""
    with tempfile.NamedTemporaryFile() as file, helper.client() as client:
        os.chmod(file.name, 0o1644)
        assert_refused(client, file.fileno())


# There, a thread that closes a descriptor holds all others up.
needs_threads = pytest.mark.skipif(
    under_valgrind(), reason="valgrind closes with its lock held")


@needs_threads
def test_file_of_a_server_that_never_answers(helper):
    """fstat(2) and close(2) on it wait for ever: nobody may notice."""
    folder = helper.path("stalled")
    os.mkdir(folder)
    try:
        with StalledFile(folder) as fd, helper.client() as client:
            for _ in range(3):
                assert_refused(client, fd)
            with helper.client() as other, helper.disk.open() as disk:
                assert other.request(pr_in(REPORT_CAPABILITIES), disk).good
            assert_refused(client, fd)
    except Unavailable as error:
        pytest.skip(f"no FUSE here: {error}")
    finally:
        os.rmdir(folder)


@contextlib.contextmanager
def another_user(helper):
    """Who connects meanwhile is another tenant: its user is another one."""
    if os.geteuid() != 0:
        pytest.skip("only root can be somebody else")
    os.chmod(helper.folder, 0o711)
    os.chmod(helper.socket, 0o777)
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


def send_until_paused(helper, client, fd):
    """Pass fd until it is not read any more; returns how often that was."""
    poll = select.poll()
    poll.register(client.sock, select.POLLIN)
    for count in range(100000):
        client.send_request(pr_in(READ_KEYS), fd)
        while not poll.poll(20):
            if helper.stderr.matching("^.*pause session="):
                return count
        assert client.recv_reply().code == NO_SCSI_DEVICE
    raise AssertionError("is never paused")


@needs_threads
def test_clients_that_pass_nothing_but_stalled_files(start):
    """They are not read from until the closes are through; others are."""
    helper = start("-T", "pause", "-T", "resume")
    helper.disk = helper.device()
    folder = helper.path("stalled")
    os.mkdir(folder)
    try:
        with helper.client() as client:
            with StalledFile(folder) as fd:
                assert send_until_paused(helper, client, fd) > 16
                with another_user(helper):
                    other = helper.client()
                with other, helper.disk.open() as disk, null() as nothing:
                    for _ in range(300):
                        assert other.request(pr_in(READ_KEYS), disk).good
                        assert_refused(other, nothing)
                line, = helper.stderr.wait("not read from until")
                assert "uid=0 unit=" in line
            assert client.recv_reply().code == NO_SCSI_DEVICE
            helper.stderr.wait("all clients are read from again")
            paused, resumed = (
                helper.stderr.wait(f": {event} session=[0-9]+$")[0]
                for event in ("pause", "resume"))
            assert paused.split()[-1] == resumed.split()[-1]
            with helper.disk.open() as disk:
                assert client.request(pr_in(READ_KEYS), disk).good
    except Unavailable as error:
        pytest.skip(f"no FUSE here: {error}")


@needs_threads
def test_a_client_whose_reading_is_paused_may_leave(start):
    """Nothing is left of it but what hangs."""
    helper = start("-T", "pause", "-v")
    folder = helper.path("stalled")
    os.mkdir(folder)
    try:
        with StalledFile(folder) as fd:
            with helper.client() as client:
                send_until_paused(helper, client, fd)
            helper.stderr.wait("session 2: ended")
    except Unavailable as error:
        pytest.skip(f"no FUSE here: {error}")


def test_one_client_cannot_take_all_connections(start):
    """A quarter is for who has few; that is told once, and when it is over."""
    helper = start("--max-sessions", "20")
    helper.disk = helper.device()
    with contextlib.ExitStack() as stack:
        for _ in range(15):
            stack.enter_context(helper.client())
        for _ in range(10):
            with pytest.raises(GONE):
                helper.client()
        line, = helper.stderr.wait("turned a client away")
        assert f"uid={os.geteuid()} unit=" in line
        assert "too many connections" in line
        with another_user(helper):
            others = [stack.enter_context(helper.client()) for _ in range(5)]
            with pytest.raises(GONE):
                helper.client()
        with helper.disk.open() as disk:
            for other in others:
                assert other.request(pr_in(READ_KEYS), disk).good
        line, = helper.stderr.wait("no client is turned away any more")
        assert "there were 11 times" in line
