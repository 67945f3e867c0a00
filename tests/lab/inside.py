# SPDX-License-Identifier: LGPL-2.1-or-later
"""Small things that tests in the lab need: run, wait, load a module."""

import os
import pathlib
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "support"))

# To end a hang, never to measure: the machine may be busy with other things.
LIMIT_S = 180

# The folder shared with the machine; outside it is /tmp/pr-lab-*.
INSIDE = pathlib.Path("/run/lab")

# Where the lab's sockets, logs and disk images are; it is in memory.
WORK = pathlib.Path("/run/lab-work")


def work_folder():
    WORK.mkdir(parents=True, exist_ok=True)
    return WORK


class Ran:
    """Exit status and output (stderr included) of a command."""

    def __init__(self, command, status, output):
        self.command = command
        self.status = status
        self.output = output

    def __str__(self):
        return f"$ {self.command}\n{self.output}[exit status {self.status}]"

    __repr__ = __str__

    def ok(self):
        """This, after an assertion that the command succeeded."""
        assert self.status == 0, str(self)
        return self


def run(*command):
    """Run a command outside the guest; show it, for when the test fails."""
    done = subprocess.run([str(word) for word in command], timeout=LIMIT_S,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT)
    ran = Ran(" ".join(map(str, command)), done.returncode,
              done.stdout.decode(errors="replace"))
    print(ran)
    return ran


def wait_for(condition, what, limit_s=LIMIT_S):
    """The first true value of condition(); polls, since it may be anything."""
    end = time.monotonic() + limit_s
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"waited {limit_s} s in vain for {what}")
        time.sleep(0.05)


def modprobe(*modules):
    for module in modules:
        run("modprobe", module).ok()


def read(path):
    return pathlib.Path(path).read_text().strip()


def write(path, text):
    with open(path, "w", encoding="ascii") as file:
        file.write(f"{text}\n")


def rdev(path):
    """"major:minor" of a device node, as sysfs writes it."""
    number = os.stat(path).st_rdev
    return f"{os.major(number)}:{os.minor(number)}"
