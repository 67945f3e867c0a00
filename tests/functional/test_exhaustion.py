# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the daemon does when the machine runs out of something.

It goes on with what is possible, answers what it cannot do, says so once, and
says when it is over; nobody has to restart it.
"""

import contextlib
import ctypes
import errno
import itertools
import os
import resource
import select
import socket
import subprocess
import tempfile
import time

import pytest

import build
from harness import die_with_parent, under_valgrind
from prclient import (READ_KEYS, REGISTER_AND_IGNORE, Client, Closed, params,
                      pr_in, pr_out)

NO_MEMORY = (4, 0x44, 0)
GONE = (Closed, BrokenPipeError, ConnectionResetError)

only_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
sanitized = os.environ.get("PRM_SANITIZER", "") != "" or under_valgrind()


@contextlib.contextmanager
def limited(helper, what, value):
    """The daemon may have no more than this of something, for a while."""
    before = resource.prlimit(helper.process.pid, what)
    resource.prlimit(helper.process.pid, what, (value, before[1]))
    try:
        yield
    finally:
        resource.prlimit(helper.process.pid, what, before)


def no_leak_check():
    """LeakSanitizer cannot look at a process that has changed its user."""
    options = os.environ.get("ASAN_OPTIONS", "")
    return {"ASAN_OPTIONS": options + ":detect_leaks=0"} if options else {}


def cpu_s(helper):
    return time.clock_gettime(~helper.process.pid << 3 | 2)


def works(helper):
    with helper.client() as client, helper.disk.open() as fd:
        assert client.request(pr_in(READ_KEYS), fd).good
        assert client.request(pr_out(REGISTER_AND_IGNORE), fd,
                              params(new_key=1)).good


@only_root
@pytest.mark.skipif(under_valgrind(), reason="which has a limit of its own")
def test_without_descriptors_clients_wait_at_the_door(start):
    helper = start("-T", "accept_*")
    helper.disk = helper.device()
    works(helper)
    with helper.client() as client, helper.disk.open() as fd:
        assert client.request(pr_in(READ_KEYS), fd).good
        free = next(n for n in itertools.count() if n not in helper.fds())
        with limited(helper, resource.RLIMIT_NOFILE, free):
            # Some of them take what those before have left.
            waiting = [Client(helper.socket, handshake=False)
                       for _ in range(10)]
            line, = helper.stderr.wait("cannot accept clients for now")
            assert "Too many open files" in line
            helper.stderr.wait(f": accept_pause errno={errno.EMFILE}$")
            # Whoever is in has what he needs, however long that lasts.
            begin, used = time.monotonic(), cpu_s(helper)
            while time.monotonic() < begin + 1:
                poll = select.poll()
                poll.register(waiting[-1].sock, select.POLLIN)
                poll.poll(200)
            assert cpu_s(helper) - used < (time.monotonic() - begin) / 2
            assert len(helper.stderr.matching("cannot accept")) == 1
        for other in waiting:
            other.handshake()
            assert other.request(pr_in(READ_KEYS), fd).good
            other.close()
        assert client.request(pr_in(READ_KEYS), fd).good
    helper.stderr.wait("clients are accepted again; it had failed .* times")
    helper.stderr.wait(": accept_resume sessions=[1-9]$")


@only_root
@pytest.mark.skipif(under_valgrind(), reason="which has a limit of its own")
def test_a_descriptor_that_finds_no_place_ends_the_session(start):
    """Places are kept for those of all sessions, unless the limit sinks."""
    helper = start("-v")
    helper.disk = helper.device()
    works(helper)
    with helper.client() as client, helper.disk.open() as fd:
        assert client.request(pr_in(READ_KEYS), fd).good
        free = next(n for n in itertools.count() if n not in helper.fds())
        with limited(helper, resource.RLIMIT_NOFILE, free):
            client.send_request(pr_in(READ_KEYS), fd)
            client.wait_closed()
            helper.stderr.wait("session [0-9]+.*no place for its descriptor")
        works(helper)


@pytest.mark.skipif(under_valgrind(), reason="needs a daemon that is fast")
def test_a_crowd_that_comes_and_goes_is_never_turned_away(start):
    """Who is gone makes room before others are let in."""
    prbench = build.program("prbench")
    if not os.path.exists(prbench):
        pytest.skip(f"{prbench} is not built")
    helper = start("--max-sessions", "64")
    crowd = [subprocess.Popen(
        [prbench, "--connect", "--requests", "2000",
         "--device", "/dev/null", helper.socket],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE) for _ in range(16)]
    assert [one.communicate()[1] for one in crowd] == [b""] * len(crowd)
    assert not helper.stderr.matching("turned")


USER = 61234
PROCESSES = 60


@contextlib.contextmanager
def no_more_processes():
    """The user has as many as he may."""
    others = [subprocess.Popen(["sleep", "infinity"], user=USER,
                               preexec_fn=die_with_parent)
              for _ in range(PROCESSES)]
    try:
        yield
    finally:
        for other in others:
            other.kill()
        for other in others:
            other.wait()


@only_root
@pytest.mark.skipif(under_valgrind(), reason="one thread runs at a time there")
def test_without_threads_the_others_serve(start):
    helper = start("--timeout", "600", "-u", str(USER), "-g", str(USER),
                   "-T", "worker_start", env=no_leak_check(),
                   wrap=["prlimit", f"--nproc={PROCESSES}"])
    os.chmod(helper.folder, 0o755)
    helper.disk = helper.device()
    fifo = helper.fifo()
    os.chmod(fifo.path, 0o644)
    works(helper)
    count = len(helper.stderr.matching("worker_start"))
    with contextlib.ExitStack() as stack:
        disk = stack.enter_context(helper.disk.open())
        hung = [stack.enter_context(helper.device(hang=fifo.path).open())
                for _ in range(count)]
        clients = [stack.enter_context(helper.client()) for _ in hung]
        with no_more_processes():
            for client, fd in zip(clients, hung):
                client.send_request(pr_in(READ_KEYS), fd)
            # All workers hang. The watcher takes in who comes meanwhile.
            other = stack.enter_context(helper.client())
            other.send_request(pr_in(READ_KEYS), disk)
            helper.stderr.wait("cannot start a worker: ")
            with helper.client():
                pass
            # Longer than it takes for a trouble to be over; nothing else
            # happens that would make it look.
            with helper.stderr.changed:
                helper.stderr.changed.wait_for(lambda: False, 1.5)
            assert not helper.stderr.matching("no worker is missing")
            assert len(helper.stderr.matching("cannot start a")) == 1
        # Nothing but the end of the want makes it try again.
        assert other.recv_reply().good
        helper.stderr.wait("no worker is missing any more")
        fifo.open()
        for client in clients:
            assert client.recv_reply().good


@only_root
@pytest.mark.skipif(sanitized, reason="the tool itself needs memory")
def test_without_memory_it_goes_on(start):
    helper = start()
    helper.disk = helper.device(data=bytes(8192))
    works(helper)
    clients = [helper.client() for _ in range(50)]
    with helper.disk.open() as fd:
        with open(f"/proc/{helper.process.pid}/statm",
                  encoding="ascii") as file:
            pages = int(file.read().split()[0])
        with limited(helper, resource.RLIMIT_AS, pages * 4096):
            for _ in range(400):
                with contextlib.suppress(*GONE):
                    clients.append(helper.client())
            answers = []
            for client in clients:
                client.send_request(pr_in(READ_KEYS), fd)
            for client in clients:
                answers.append(client.recv_reply())
        for reply in answers:
            assert reply.good or reply.code == NO_MEMORY
        if any(not reply.good for reply in answers):
            assert len(helper.stderr.wait("no memory to run a command")) == 1
            helper.stderr.wait("no command lacks memory any more; it did")
        for client in clients:
            assert client.request(pr_in(READ_KEYS), fd).good
            client.close()
    works(helper)


@contextlib.contextmanager
def small_disk(folder, size):
    """A disk of that many bytes, and the path of a file on it."""
    c = ctypes.CDLL(None, use_errno=True)
    if c.mount(b"tmpfs", folder.encode(), b"tmpfs", 0,
               f"size={size}".encode()) < 0:
        pytest.skip(f"no tmpfs here: {os.strerror(ctypes.get_errno())}")
    try:
        yield os.path.join(folder, "log")
    finally:
        c.umount2(folder.encode(), 2)


@only_root
def test_a_full_disk_under_the_log_stalls_nobody(start):
    """What is lost is counted, and the first line after it is a whole one."""
    folder = tempfile.mkdtemp(prefix="prm-")
    try:
        with small_disk(folder, 65536) as path:
            log = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND)
            helper = start("-vv", stderr=log)
            helper.disk = helper.device(lu="a")
            with helper.client() as client, helper.disk.open() as fd:
                for key in range(1, 301):
                    assert client.out(REGISTER_AND_IGNORE, fd,
                                      new_key=key).good
                assert os.fstat(log).st_size == 65536
                os.ftruncate(log, 0)
                works(helper)
                helper.wait_until(
                    lambda: b"status=GOOD" in os.pread(log, 65536, 0),
                    "logs no more")
            text = os.pread(log, 65536, 0).decode()
            os.close(log)
            first, second, *_ = [line for line in text.split("\n") if line]
            if "could not be written" not in first:
                first = second
            assert "log records could not be written" in first
            assert helper.end() == 0
    finally:
        os.rmdir(folder)


def test_a_log_that_nobody_reads_stalls_nobody(start):
    """A pipe that is full; later, what is missing is told."""
    reader, writer = os.pipe()
    helper = start("-vv", stderr=writer)
    os.close(writer)
    helper.disk = helper.device(lu="a")
    with helper.client() as client, helper.disk.open() as fd:
        for key in range(1, 1001):
            assert client.out(REGISTER_AND_IGNORE, fd, new_key=key).good
        text = b""
        while b"log records were dropped" not in text:
            text += os.read(reader, 65536)
            assert client.request(pr_in(READ_KEYS), fd).good
    helper.signal(15)
    while os.read(reader, 65536):
        pass
    os.close(reader)


def in_a_namespace_with(folder):
    """A command in front of the daemon: the journal's socket is ours there."""
    script = ("mount --make-rprivate / && mount -t tmpfs none /run && "
              "mkdir -p /run/systemd/journal && "
              f"mount --bind {folder} /run/systemd/journal && exec \"$@\"")
    return ["unshare", "--mount", "sh", "-c", script, "sh"]


@only_root
@pytest.mark.skipif(under_valgrind(), reason="its log would be elsewhere")
def test_a_journal_that_does_not_read_stalls_nobody(start):
    folder = tempfile.mkdtemp(prefix="prm-")
    reader, writer = os.pipe()
    stream = os.fstat(writer)
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as journal:
            journal.bind(os.path.join(folder, "socket"))
            helper = start("-v", stderr=writer, env={
                "JOURNAL_STREAM": f"{stream.st_dev}:{stream.st_ino}"},
                           wrap=in_a_namespace_with(folder))
            helper.disk = helper.device(lu="a")
            with helper.client() as client, helper.disk.open() as fd:
                for key in range(1, 1501):
                    assert client.out(REGISTER_AND_IGNORE, fd,
                                      new_key=key).good
                journal.settimeout(0.2)
                texts = []
                while not any(b"records were dropped" in t for t in texts):
                    with contextlib.suppress(socket.timeout):
                        texts.append(journal.recv(65536))
                    assert client.request(pr_in(READ_KEYS), fd).good
            records = [dict(line.split(b"=", 1) for line in text.split(b"\n")
                            if b"=" in line) for text in texts]
            audits = [record for record in records if b"PRM_KEY" in record]
            # None of those that fit was lost, and none came twice.
            keys = [int(record[b"PRM_SA_KEY"], 16) for record in audits]
            assert keys == list(range(1, 1 + len(keys)))
            assert audits[0][b"PRM_ACTION"] == \
                b"REGISTER_AND_IGNORE_EXISTING_KEY"
            journal.settimeout(0.2)
            helper.signal(15)
            with contextlib.suppress(socket.timeout):
                while helper.process.poll() is None:
                    journal.recv(65536)
    finally:
        os.close(reader)
        os.close(writer)
        os.unlink(os.path.join(folder, "socket"))
        os.rmdir(folder)
