# SPDX-License-Identifier: LGPL-2.1-or-later
"""Helpers to test the library against, and programs that use it."""

import os
import shutil
import subprocess

import pytest

import build
from harness import die_with_parent

# Long enough for a loaded machine: only what hangs gets this far.
LIMIT_S = 300

LIBRARY = os.path.join(build.BUILD, "src/libprmanager")
THEIRS = shutil.which("qemu-pr-helper", path="/usr/bin:/usr/libexec")
PRELOAD = os.path.join(build.BUILD, "tests/support/prm-scripted.so")
OURS = build.program("pr-helper-scripted")


def program(name):
    """A program of tests/library/."""
    return os.path.join(build.BUILD, "tests/library", name)


def run(*argv, stdin="", env=None):
    """A program that uses the library: (exit status, stdout, stderr)."""
    if not os.path.exists(argv[0]):
        pytest.skip(f"{argv[0]} is not built")
    done = subprocess.run(
        argv, input=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        text=True, timeout=LIMIT_S, check=False,
        env={**os.environ, "LD_LIBRARY_PATH": LIBRARY, "LC_ALL": "C",
             **(env or {})})
    return done.returncode, done.stdout, done.stderr


class Client:
    """pr-client: commands through the library, one after the other."""

    def __init__(self, manager, device, mode="rw"):
        path = program("pr-client")
        if not os.path.exists(path):
            pytest.skip(f"{path} is not built")
        self.process = subprocess.Popen(
            [path, manager, str(device), mode], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, text=True, preexec_fn=die_with_parent,
            env={**os.environ, "LD_LIBRARY_PATH": LIBRARY, "LC_ALL": "C"})

    def __enter__(self):
        return self

    def __exit__(self, kind, *exc):
        self.process.stdin.close()
        status = self.process.wait(LIMIT_S)
        self.process.stdout.close()
        if kind is None:
            assert status == 0

    def __call__(self, line):
        """One command; its outcome."""
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        return self.process.stdout.readline().rstrip("\n")


def helper_manager(helper, more=""):
    """The option text of a manager at a running helper."""
    return f"pr-manager-helper,id=helper0,path={helper.socket}{more}"
