# SPDX-License-Identifier: LGPL-2.1-or-later
"""Daemons that a test starts in its own way, and that are gone after it."""

import os
import shutil
import sys
import tempfile

import pytest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "..", "support"))
sys.path.insert(0, HERE)

import daemon  # noqa: E402

# Starting many programs that end at once is not what valgrind is for.
if os.environ.get("PRM_VALGRIND", "") not in ("", "0"):
    collect_ignore_glob = ["test_*.py"]


@pytest.fixture(scope="session", autouse=True)
def built():
    if not os.path.exists(daemon.PROGRAM):
        pytest.skip(f"{daemon.PROGRAM} is not built")
    daemon.prctl(daemon.PR_SET_CHILD_SUBREAPER, 1)


@pytest.fixture
def folder():
    """A folder whose path is short enough for sockets."""
    path = tempfile.mkdtemp(prefix="prm-", dir="/tmp")
    os.chmod(path, 0o755)
    yield path
    shutil.rmtree(path)


@pytest.fixture
def sock(folder):
    """A path for a socket."""
    return os.path.join(folder, "sock")


@pytest.fixture
def start(folder):  # which is removed after they have ended
    """start(ARGS...): a daemon.Daemon that ends with the test."""
    running = []

    def start_one(*args, **options):
        one = daemon.Daemon(*args, **options)
        running.append(one)
        return one

    yield start_one
    for one in running:
        one.kill()


@pytest.fixture
def background(start):
    """background(PIDFILE, ARGS...): one that went to the background."""
    running = []

    def start_one(pidfile, *args, **options):
        done = start("-d", "-f", pidfile, *args, **options)
        assert done.wait()[0] == 0, done.wait()
        with open(pidfile, encoding="ascii") as file:
            one = daemon.Background(int(file.read()))
        running.append(one)
        return one

    yield start_one
    for one in running:
        one.kill()
