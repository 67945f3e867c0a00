# SPDX-License-Identifier: LGPL-2.1-or-later
"""Daemons for functional tests: one shared by a file's tests, or one each."""

import os
import sys

import pytest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                "..", "support"))

import build  # noqa: E402
from harness import Helper  # noqa: E402
from prclient import READ_KEYS, pr_in  # noqa: E402


def need(program):
    if not os.path.exists(build.program(program)):
        pytest.skip(f"{build.program(program)} is not built")


@pytest.fixture(scope="module")
def shared():
    """A daemon for all tests of a file, with a disk that works."""
    need("pr-helper-scripted")
    with Helper() as helper:
        helper.disk = helper.device(lu="shared")
        helper.idle_fds = None
        yield helper


@pytest.fixture
def helper(shared):
    """The shared daemon; afterwards it still serves, and leaks nothing."""
    if shared.idle_fds is None:
        serves(shared)
        shared.wait_until(lambda: is_settled(shared), "never settles")
        shared.idle_fds = len(shared.fds())
    yield shared
    serves(shared)
    shared.wait_for_fds(shared.idle_fds)


@pytest.fixture
def start():
    """start(ARGS...): daemons of a test's own, ended with it."""
    need("pr-helper-scripted")
    running = []

    def start_one(*args, **options):
        one = Helper(*args, **options)
        one.__enter__()
        running.append(one)
        return one

    yield start_one
    for one in reversed(running):
        one.__exit__(None, None, None)


def serves(helper):
    """A new client is served."""
    with helper.client() as client, helper.disk.open() as fd:
        assert client.request(pr_in(READ_KEYS), fd).good


def is_settled(helper):
    """No client is connected: the descriptors are those of idleness."""
    return not any(str(helper.disk.path) in what
                   for what in helper.fds().values())
