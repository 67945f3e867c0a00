# SPDX-License-Identifier: LGPL-2.1-or-later
"""Helpers under test: ours, or QEMU's as its peer.

PRM_HELPER names the program; without it, ours of the build folder is taken.
"""

import os
import pathlib
import signal
import socket
import subprocess

import inside
from inside import LIMIT_S, wait_for, work_folder

import build  # of tests/support, which inside has put into the path

PROGRAM = pathlib.Path(os.environ.get("PRM_HELPER")
                       or build.program("pr-helper"))
PEER = PROGRAM.name == "qemu-pr-helper"


class Helper:
    """A helper on a socket of its own; options are added to its arguments."""

    def __init__(self, *options, name="helper", program=PROGRAM):
        folder = work_folder()
        self.program = program
        self.options = [str(option) for option in options]
        self.socket = folder / f"{name}.sock"
        self.pidfile = folder / f"{name}.pid"
        self.log = folder / f"{name}.log"
        self.log.write_bytes(b"")
        self.process = None
        self.start()

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.stop()
        print(f"log of {self.program}:\n{self.messages()}")

    def start(self):
        """Start it, and wait until it takes connections."""
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                [self.program, "-k", self.socket, "-f", self.pidfile,
                 *self.options], stdin=subprocess.DEVNULL, stdout=log,
                stderr=log)
        wait_for(self._ready, f"{self.program} to listen")

    def _ready(self):
        assert self.process.poll() is None, \
            f"{self.program} ended by itself:\n{self.messages()}"
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
            try:
                probe.connect(str(self.socket))
            except (FileNotFoundError, ConnectionRefusedError):
                return False
        return True

    def messages(self):
        """All it has written to stderr so far."""
        return self.log.read_text(errors="replace")

    def stop(self):
        """Ask it to end; returns its exit status."""
        return self._end(signal.SIGTERM)

    def kill(self):
        self._end(signal.SIGKILL)

    def _end(self, number):
        if self.process is None:
            return None
        self.process.send_signal(number)
        status = self.process.wait(LIMIT_S)
        self.process = None
        return status


__all__ = ["Helper", "PEER", "PROGRAM", "inside"]
