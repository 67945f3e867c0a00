# SPDX-License-Identifier: LGPL-2.1-or-later
"""A daemon under test, and devices for it that no machine has.

    with Helper() as helper:
        disk = helper.device(lu="a")
        with helper.client() as client, disk.open() as fd:
            assert client.request(pr_in(READ_KEYS), fd).good

Helper runs pr-helper-scripted (tests/support/scripted.c) or another program
that takes the same options, in a folder of its own, and ends only what it
started.  Everything is waited for by an event or by a condition with a very
long time-out, so that a loaded machine fails nothing.

PRM_VALGRIND=1 runs it under valgrind; errors and descriptors that are left
open at the end are failures.
"""

import contextlib
import ctypes
import os
import re
import select
import shutil
import signal
import subprocess
import tempfile
import threading
import time

import build
from prclient import Client

# Only something that hangs waits this long.
PATIENCE_S = 120

VALGRIND = ["valgrind", "--quiet", "--error-exitcode=99", "--track-fds=yes",
            "--leak-check=full", "--show-leak-kinds=definite",
            "--errors-for-leak-kinds=definite", "--trace-children=no"]


def under_valgrind():
    return os.environ.get("PRM_VALGRIND", "") not in ("", "0")


def die_with_parent():
    """In the child: no daemon outlives a test that is killed."""
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)


class Lines:
    """Lines that arrive on a descriptor, collected by a thread.

    Whoever asks sees all that was written before: he takes in himself what
    the thread has not come to yet.
    """

    def __init__(self, fd):
        os.set_blocking(fd, False)
        self.fd = fd
        self.rest = b""
        self.lines = []
        self.closed = False
        self.changed = threading.Condition()
        self.thread = threading.Thread(target=self.collect, daemon=True)
        self.thread.start()

    def collect(self):
        poll = select.poll()
        poll.register(self.fd, select.POLLIN)
        while not self.closed:
            poll.poll()
            with self.changed:
                self.take()
                self.changed.notify_all()
        os.close(self.fd)

    def take(self):
        """All there is to read now; the lock is held."""
        with contextlib.suppress(BlockingIOError):
            while not self.closed:
                data = os.read(self.fd, 65536)
                self.closed = not data
                *whole, self.rest = (self.rest + data).split(b"\n")
                if self.closed and self.rest:
                    whole.append(self.rest)
                self.lines += [line.decode(errors="replace")
                               for line in whole]

    def matching(self, pattern):
        with self.changed:
            self.take()
            return [line for line in self.lines if re.search(pattern, line)]

    def wait(self, pattern, count=1):
        """Wait for that many lines that match; returns them."""
        def found():
            lines = [l for l in self.lines if re.search(pattern, l)]
            return lines if len(lines) >= count else None

        with self.changed:
            lines = self.changed.wait_for(lambda: found() or self.closed,
                                          PATIENCE_S)
            lines = found()
            if lines is None:
                text = "\n".join(self.lines)
                raise AssertionError(
                    f"no {count} lines match {pattern!r} in:\n{text}")
            return lines


class Device:
    """A scripted device: a file with the sticky bit."""

    def __init__(self, path, script):
        self.path = str(path)
        self.write(**script)

    def write(self, **script):
        """Say anew what it is and how it answers; in_x limits x to opcode."""
        text = "prm-scripted-device\n"
        for name, value in script.items():
            if isinstance(value, bytes):
                value = value.hex()
            name = re.sub("^(in|out)_", r"\1.", name)
            text += f"{name}={value}\n"
        new = self.path + ".new"
        with open(new, "w", encoding="ascii") as file:
            file.write(text)
        os.chmod(new, 0o1644)
        # Descriptors that are open keep the file: change it in place then.
        if os.path.exists(self.path):
            with open(self.path, "r+", encoding="ascii") as file:
                file.write(text)
                file.truncate()
            os.unlink(new)
        else:
            os.rename(new, self.path)

    @contextlib.contextmanager
    def open(self, flags=os.O_RDWR):
        fd = os.open(self.path, flags | os.O_CLOEXEC)
        try:
            yield fd
        finally:
            os.close(fd)


class Fifo:
    """What a command hangs at until let go."""

    def __init__(self, path):
        self.path = str(path)
        self.writer = -1
        os.mkfifo(self.path)

    def open(self):
        """Let go whoever waits, and all who come from now on."""
        if self.writer >= 0:
            return
        # For writing and reading, so that it waits for nobody.
        self.writer = os.open(self.path, os.O_RDWR | os.O_CLOEXEC)

    def close(self):
        if self.writer >= 0:
            os.close(self.writer)
            self.writer = -1


class Helper:
    """A running daemon; a context that ends it."""

    def __init__(self, *args, program="pr-helper-scripted", env=None,
                 socket_option=True, ready=True, stderr=None, wrap=()):
        self.args = list(args)
        # Where its messages go instead; then none of them is collected.
        self.stderr_fd = stderr
        self.wrap = list(wrap)
        self.program = program if "/" in program else build.program(program)
        self.env = env or {}
        self.socket_option = socket_option
        self.ready = ready
        # A thread that hangs at the end leaves what it may still use.
        self.may_leave_descriptors = False
        self.folder = tempfile.mkdtemp(prefix="prm-")
        self.socket = os.path.join(self.folder, "sock")
        self.fifos = []
        self.n_devices = 0
        self.process = None
        self.status = None

    def __enter__(self):
        try:
            self.start()
        except BaseException:
            self.clean_up()
            raise
        return self

    def __exit__(self, kind, *exc):
        try:
            status = self.end()
        finally:
            self.clean_up()
        if kind is None:
            self.check(status)

    # Start and end

    def command(self):
        command = [self.program]
        if self.socket_option:
            command += ["-k", self.socket]
        command += self.args
        if under_valgrind():
            # It knows of no filter, and starts nothing that asks for one.
            command = (VALGRIND + ["--log-file=" + self.valgrind_log]
                       + command + ["--sandbox=off"])
        return self.wrap + command

    @property
    def valgrind_log(self):
        return os.path.join(self.folder, "valgrind.log")

    def environment(self, log_fd):
        env = {"PATH": os.environ.get("PATH", "/usr/bin:/bin"),
               "PRM_SCRIPTED_LOG": str(log_fd)}
        for name, value in os.environ.items():
            if name.endswith("SAN_OPTIONS") or name == "LD_LIBRARY_PATH":
                env[name] = value
        env.update(self.env)
        return env

    def start(self):
        err_read, err_write = os.pipe()
        log_read, log_write = os.pipe()
        inotify = watch_folder(self.folder)
        os.set_inheritable(log_write, True)
        try:
            self.process = subprocess.Popen(
                self.command(), cwd=self.folder, stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=err_write if self.stderr_fd is None
                else self.stderr_fd,
                pass_fds=[log_write], preexec_fn=die_with_parent,
                env=self.environment(log_write))
        finally:
            os.close(err_write)
            os.close(log_write)
        self.stderr = Lines(err_read)
        self.log = Lines(log_read)
        self.pidfd = os.pidfd_open(self.process.pid)
        try:
            if self.ready:
                self.wait_ready(inotify)
        finally:
            os.close(inotify)

    def wait_ready(self, inotify):
        """Wait for the socket to be listened at."""
        poll = select.poll()
        poll.register(inotify, select.POLLIN)
        poll.register(self.pidfd, select.POLLIN)
        end = time.monotonic() + PATIENCE_S
        while time.monotonic() < end:
            with contextlib.suppress(FileNotFoundError,
                                     ConnectionRefusedError):
                with self.client():
                    return
            events = [fd for fd, _ in poll.poll(50)]
            if self.pidfd in events:
                break
            if inotify in events:
                os.read(inotify, 65536)
        raise AssertionError("pr-helper did not start:\n" + "\n".join(
            self.stderr.lines))

    def signal(self, number):
        signal.pidfd_send_signal(self.pidfd, number)

    def wait(self):
        """Wait for the end; returns the exit status."""
        if self.status is None:
            self.status = self.process.wait(PATIENCE_S)
        return self.status

    def end(self):
        """Let hung commands go and stop; returns the exit status."""
        if self.process.poll() is None:
            for fifo in self.fifos:
                fifo.open()
            self.signal(signal.SIGTERM)
        try:
            return self.wait()
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError("pr-helper does not stop:\n" + "\n".join(
                self.stderr.lines)) from None

    def clean_up(self):
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        if self.process:
            self.stderr.thread.join(PATIENCE_S)
            self.log.thread.join(PATIENCE_S)
            os.close(self.pidfd)
        for fifo in self.fifos:
            fifo.close()
        self.valgrind_text = ""
        with contextlib.suppress(FileNotFoundError):
            with open(self.valgrind_log, encoding="utf-8",
                      errors="replace") as file:
                self.valgrind_text = file.read()
        shutil.rmtree(self.folder, ignore_errors=True)

    def check(self, status):
        """What has to be true of a daemon that was told to stop."""
        text = "\n".join(self.stderr.lines) + "\n" + self.valgrind_text
        assert status in (0, -signal.SIGKILL), f"exit status {status}:\n{text}"
        for bad in ("ERROR: AddressSanitizer", "ERROR: LeakSanitizer",
                    "runtime error:", "WARNING: ThreadSanitizer"):
            assert bad not in text, text
        if self.may_leave_descriptors:
            return
        left = re.findall(
            r"Open (?:file descriptor|AF_\S+ socket) \d+:[^\n]*\n[^\n]*",
            self.valgrind_text)
        left = [entry for entry in left if "inherited" not in entry]
        assert not left, self.valgrind_text

    # What tests work with

    def client(self, **options):
        return Client(self.socket, **options)

    def path(self, name):
        return os.path.join(self.folder, name)

    def device(self, **script):
        """A new device: 8:0, 8:16, ... unless the script says so."""
        script.setdefault("device", f"8:{16 * self.n_devices}")
        self.n_devices += 1
        return Device(self.path(f"disk{self.n_devices}"), script)

    def fifo(self):
        fifo = Fifo(self.path(f"fifo{len(self.fifos)}"))
        self.fifos.append(fifo)
        return fifo

    def fds(self):
        """What the daemon has open: {number: what}."""
        folder = f"/proc/{self.process.pid}/fd"
        found = {}
        for name in os.listdir(folder):
            with contextlib.suppress(FileNotFoundError):
                found[int(name)] = os.readlink(os.path.join(folder, name))
        return found

    def wait_until(self, condition, what):
        """Wait for something that sends no event."""
        end = time.monotonic() + PATIENCE_S
        pause = 0.001
        while not condition():
            if time.monotonic() > end:
                raise AssertionError(f"{what}\n{self.fds()}\n" +
                                     "\n".join(self.stderr.lines))
            time.sleep(pause)
            pause = min(2 * pause, 0.1)

    def wait_for_fds(self, count):
        """Wait until that many descriptors are open: nothing leaks."""
        self.wait_until(lambda: len(self.fds()) <= count,
                        f"more than {count} descriptors stay open")


def watch_folder(path):
    """An inotify descriptor that tells of new files in a folder."""
    c = ctypes.CDLL(None, use_errno=True)
    fd = c.inotify_init1(os.O_CLOEXEC | os.O_NONBLOCK)
    assert fd >= 0 and c.inotify_add_watch(fd, os.fsencode(path), 0x180) >= 0
    return fd

