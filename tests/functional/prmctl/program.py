# SPDX-License-Identifier: LGPL-2.1-or-later
"""prmctl as a test calls it."""

import json
import os
import subprocess

import build

HERE = os.path.dirname(os.path.abspath(__file__))

# Long enough for a loaded machine: only what hangs gets this far.
LIMIT_S = 300

# With PRM_VALGRIND, prmctl itself runs under valgrind; its programs do not.
VALGRIND = ["valgrind", "--quiet", "--error-exitcode=66", "--leak-check=full",
            "--errors-for-leak-kinds=definite"]

# Any descriptor of a device will do for the fake helper.
DEVICE = "/dev/null"


class Prmctl:
    """Runs prmctl against a helper."""

    def __init__(self, socket):
        self.socket = socket
        self.program = build.program("prmctl")
        self.command = [self.program]
        if os.environ.get("PRM_VALGRIND", "") not in ("", "0"):
            self.command = VALGRIND + self.command
        self.env = dict(os.environ, LC_ALL="C", PRMCTL_PRELOAD=os.path.join(
            os.path.dirname(self.program), "prmctl-preload.so"))

    def raw(self, *words):
        """prmctl with exactly these words."""
        return subprocess.run(
            [*self.command, *words], stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            env=self.env, timeout=LIMIT_S, check=False)

    def __call__(self, *words):
        """prmctl with these words, at the fake helper."""
        return self.raw(words[0], "--manager", self.socket, *words[1:])

    def json(self, *words):
        """The same, and the object it prints."""
        done = self(*words, "--json")
        assert done.stdout.count("\n") == 1, done
        assert done.stderr == "", done
        return done.returncode, json.loads(done.stdout)
