# SPDX-License-Identifier: LGPL-2.1-or-later
"""One step at work: its commands, its log, its clock, and its end.

A step is a function that calls run() for each command. Whatever happens to a
command, the step ends: at its time limit everything it started is killed,
found by a mark in the environment that all of its processes inherit.
"""

import os
import signal
import subprocess
import threading
import time
import traceback

from counts import Count

MARK = "PRM_CHECK_STEP"
SHOWN_MAX = 500

# What the caller's shell may have set and what must not reach a build.
NOT_INHERITED = {
    "AR", "CC", "CFLAGS", "CPATH", "CPPFLAGS", "CXX", "CXXFLAGS", "DESTDIR",
    "LDFLAGS", "LD_LIBRARY_PATH", "LD_PRELOAD", "LIBRARY_PATH", "MAKEFLAGS",
    "PKG_CONFIG_PATH", "PYTEST_ADDOPTS", "PYTHONPATH", "PYTHONHOME",
    "LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES", "NOTIFY_SOCKET",
}


class StepFailed(Exception):
    """The rest of the step makes no sense."""


class Runner:
    """Runs one step once."""

    def __init__(self, step, context, logs):
        self.step = step
        self.context = context
        self.root = context.root
        self.log_path = os.path.join(logs, step.name + ".log")
        self.log = open(self.log_path, "w", encoding="utf-8",
                        errors="replace")
        self.lock = threading.Lock()
        self.count = Count()
        self.reasons = []
        self.begin = time.monotonic()
        self.end = None
        self.stopped = None
        self.mark = f"{os.getpid()}-{step.name}"

    def seconds(self):
        return (self.end or time.monotonic()) - self.begin

    def run(self, step):
        """The whole step; everything that goes wrong is in count."""
        limit_s = self.context.limit_s(step)
        timer = threading.Timer(limit_s, self.stop, args=[
            f"not done after {limit_s} s, killed"])
        timer.daemon = True
        timer.start()
        try:
            step.function(self)
        except StepFailed as error:
            self.fail(str(error))
        except Exception:  # pylint: disable=broad-except
            self.note(traceback.format_exc())
            self.fail("tools/check itself failed")
        timer.cancel()
        if self.stopped:
            self.fail(self.stopped)
        if self.count.passed + self.count.failed == 0:
            self.count.passed = 1
        self.end = time.monotonic()
        self.log.close()

    def note(self, text):
        with self.lock:
            self.log.write(text.rstrip("\n") + "\n")
            self.log.flush()

    def fail(self, reason):
        """Count one failure, and say why."""
        self.count.failed += 1
        self.reasons.append(reason)
        self.note("!! " + reason)

    def passed(self, number=1):
        self.count.passed += number

    def environment(self, extra):
        env = {name: value for name, value in os.environ.items()
               if name not in NOT_INHERITED}
        env.update({"LC_ALL": "C.UTF-8", "PYTHONDONTWRITEBYTECODE": "1",
                    "GIT_TERMINAL_PROMPT": "0", MARK: self.mark})
        env.update(extra or {})
        return env

    def command(self, argv, env=None, cwd=None, output=None):
        """Run one command into the log (or a file); its exit status."""
        shown = " ".join([f"{name}={value}" for name, value in
                          (env or {}).items()] + [str(arg) for arg in argv])
        if len(shown) > SHOWN_MAX:
            shown = f"{shown[:SHOWN_MAX]} ... ({len(argv)} arguments)"
        self.note(f"$ {shown}")
        if self.stopped:
            raise StepFailed("stopped before: " + shown)
        try:
            process = subprocess.Popen(
                [str(arg) for arg in argv], stdin=subprocess.DEVNULL,
                stdout=output or self.log, stderr=subprocess.STDOUT,
                cwd=cwd or self.root, env=self.environment(env),
                start_new_session=True)
        except OSError as error:
            self.note(f"{argv[0]}: {error.strerror}")
            return 127
        return process.wait()

    def must(self, argv, **options):
        """Run a command without which the rest makes no sense."""
        status = self.command(argv, **options)
        if status:
            raise StepFailed(f"{os.path.basename(str(argv[0]))} ended with "
                             f"status {status}")

    def verify(self, what, argv, **options):
        """Run a command that is itself one test."""
        status = self.command(argv, **options)
        if status:
            self.fail(f"{what}: status {status}")
        else:
            self.passed()
        return status

    def counted(self, what, argv, count, **options):
        """Run a command whose tests @count() counts afterwards."""
        status = self.command(argv, **options)
        found = count()
        self.count.add(found)
        if status and not found.failed:
            self.fail(f"{what} ended with status {status}")
        elif found.failed:
            self.reasons.append(f"{what}: {found}")
        return status

    def stop(self, reason):
        """End everything that the step has started."""
        self.stopped = reason
        # Twice, for what was being started meanwhile.
        for _ in range(2):
            for pid in family(f"{MARK}={self.mark}".encode()):
                try:
                    os.kill(pid, signal.SIGKILL)
                except OSError:
                    pass


def family(mark):
    """Processes with @mark in their environment, and all below them.

    Below, because the lab starts its kernel with an environment of its own.
    """
    parents, found = {}, set()
    for name in filter(str.isdigit, os.listdir("/proc")):
        pid = int(name)
        try:
            with open(f"/proc/{name}/stat", "rb") as source:
                parents[pid] = int(source.read().rpartition(b")")[2].split()[1])
            with open(f"/proc/{name}/environ", "rb") as source:
                if mark in source.read().split(b"\0"):
                    found.add(pid)
        except OSError:
            pass
    size = 0
    while size != len(found):
        size = len(found)
        found.update(pid for pid, parent in parents.items()
                     if parent in found)
    return found - {os.getpid()}
