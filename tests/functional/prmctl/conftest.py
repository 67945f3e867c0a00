# SPDX-License-Identifier: LGPL-2.1-or-later
"""A fake helper for each test, and prmctl that talks to it."""

import json
import os
import subprocess
import sys
import tempfile

import pytest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
sys.path.insert(0, os.path.join(HERE, "..", "..", "support"))
import build  # noqa: E402
import fakehelper  # noqa: E402

# Long enough for a loaded machine: only what hangs gets this far.
LIMIT_S = 300

# Any descriptor of a device will do for the fake helper.
DEVICE = "/dev/null"


class Prmctl:
    """Runs prmctl against a helper."""

    def __init__(self, socket):
        self.socket = socket
        self.program = build.program("prmctl")
        self.env = dict(os.environ, LC_ALL="C", PRMCTL_PRELOAD=os.path.join(
            os.path.dirname(self.program), "prmctl-preload.so"))

    def raw(self, *words):
        """prmctl with exactly these words."""
        return subprocess.run(
            [self.program, *words], stdin=subprocess.DEVNULL,
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


@pytest.fixture
def folder():
    """A folder with a path short enough for a socket."""
    with tempfile.TemporaryDirectory(prefix="prmctl-") as path:
        yield path


@pytest.fixture
def helper(folder):
    with fakehelper.FakeHelper(os.path.join(folder, "helper.sock")) as fake:
        yield fake


@pytest.fixture
def prmctl(folder):
    return Prmctl(os.path.join(folder, "helper.sock"))
