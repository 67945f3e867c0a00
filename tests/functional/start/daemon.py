# SPDX-License-Identifier: LGPL-2.1-or-later
"""pr-helper as its starters start it: a shell, libvirt, systemd.

The harness of the other tests looks after a daemon that works.  Here, starting
and ending are what is looked at, so everything a starter can choose can be
chosen: descriptors, environment, rights, folder.
"""

import contextlib
import ctypes
import os
import select
import signal
import socket
import subprocess
import time

import build

# Only something that hangs waits this long.
PATIENCE_S = 120

PROGRAM = build.program("pr-helper")

FEATURES = bytes(4)

PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36


def prctl(option, value):
    ctypes.CDLL(None, use_errno=True).prctl(option, value, 0, 0, 0)


def wait_until(condition, what):
    """Wait for something that sends no event; returns what it is then."""
    end = time.monotonic() + PATIENCE_S
    pause = 0.001
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < end, what
        time.sleep(pause)
        pause = min(2 * pause, 0.1)


def environment(**more):
    """What a daemon gets to see of ours."""
    env = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}
    for name, value in os.environ.items():
        if name.endswith("SAN_OPTIONS") or name == "LD_LIBRARY_PATH":
            env[name] = value
    env.update(more)
    return env


def no_leak_check():
    """LeakSanitizer cannot look at a process that has changed its user."""
    options = os.environ.get("ASAN_OPTIONS", "")
    return {"ASAN_OPTIONS": options + ":detect_leaks=0"} if options else {}


def says_features(path):
    """Whether a helper that works is at the path."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
        sock.settimeout(PATIENCE_S)
        try:
            sock.connect(str(path))
            return sock.recv(4, socket.MSG_WAITALL) == FEATURES
        except (FileNotFoundError, ConnectionError):
            return False


class Daemon:
    """A process of pr-helper, and what it says on stderr."""

    def __init__(self, *args, env=None, fds=(), preexec=None, cwd="/",
                 wrap=(), stderr=subprocess.PIPE):
        def in_child():
            prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
            if preexec:
                preexec()

        self.process = subprocess.Popen(
            [*wrap, PROGRAM, *(str(arg) for arg in args)], cwd=cwd,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=stderr,
            env=environment(**(env or {})), pass_fds=fds,
            preexec_fn=in_child)
        self.pid = self.process.pid
        self.result = None

    def wait(self):
        """Wait for its end; returns (exit status, stdout, stderr)."""
        if self.result is None:
            out, err = self.process.communicate(timeout=PATIENCE_S)
            self.result = (self.process.returncode, (out or b"").decode(),
                           (err or b"").decode())
        return self.result

    def alive(self):
        return self.process.poll() is None

    def ready(self, path):
        """Wait until it is served at the path."""
        wait_until(lambda: not self.alive() or says_features(path),
                   f"nobody serves {path}")
        assert self.alive(), self.wait()
        return self

    def stop(self, number=signal.SIGTERM):
        """Send a signal and wait; returns the exit status."""
        self.process.send_signal(number)
        return self.wait()[0]

    def kill(self):
        if self.alive():
            self.process.kill()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.communicate(timeout=PATIENCE_S)


class Background:
    """A daemon that went to the background; it is our child by adoption."""

    def __init__(self, pid):
        self.pid = pid
        self.pidfd = os.pidfd_open(pid)
        self.status = None

    def stop(self, number=signal.SIGTERM):
        signal.pidfd_send_signal(self.pidfd, number)
        return self.wait()

    def wait(self):
        if self.status is None:
            poll = select.poll()
            poll.register(self.pidfd, select.POLLIN)
            assert poll.poll(PATIENCE_S * 1000), "it does not end"
            _, status = os.waitpid(self.pid, 0)
            self.status = os.waitstatus_to_exitcode(status)
            os.close(self.pidfd)
        return self.status

    def kill(self):
        if self.status is None:
            self.stop(signal.SIGKILL)


def status(pid, task=None):
    """The lines of /proc/PID/status, of the process or one of its threads."""
    path = f"/proc/{pid}/status"
    if task is not None:
        path = f"/proc/{pid}/task/{task}/status"
    with open(path, encoding="ascii", errors="replace") as file:
        return {name: value.strip() for name, _, value in
                (line.partition(":") for line in file)}


def tasks(pid):
    return [int(name) for name in os.listdir(f"/proc/{pid}/task")]


def listen(path, backlog=8):
    """A listening socket of the test's own."""
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    sock.bind(str(path))
    sock.listen(backlog)
    return sock
