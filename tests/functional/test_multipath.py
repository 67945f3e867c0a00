# SPDX-License-Identifier: LGPL-2.1-or-later
"""Processes for multipath maps that fail, and what clients hear of it.

broken-multipath takes the place of pr-helper-multipath: the file that word()
writes says how its next command fails.
"""

import contextlib
import os
import re
import signal

import pytest

import build
from harness import Helper
from prclient import (CHECK_CONDITION, READ_KEYS, REGISTER, params, pr_in,
                      pr_out)

PROGRAM = build.program("broken-multipath")

NO_CONTACT = (0xB, 8, 0)     # LOGICAL UNIT COMMUNICATION FAILURE
TERMINATED = (0xB, 0, 6)     # I/O PROCESS TERMINATED
TIMED_OUT = (0xB, 0x2E, 2)   # COMMAND TIMEOUT DURING PROCESSING ...

FAILURES = {
    "exit": NO_CONTACT,
    "killed-at-start": NO_CONTACT,
    "killed-after-hello": NO_CONTACT,
    "killed-after-cdb": NO_CONTACT,
    "killed-after-request": NO_CONTACT,
    "crash-at-start": NO_CONTACT,
    "crash-after-request": NO_CONTACT,
    "silent": NO_CONTACT,
    "half-head": NO_CONTACT,
    "half-payload": NO_CONTACT,
    "too-much": NO_CONTACT,
    "far-too-much": NO_CONTACT,
    "more-behind": NO_CONTACT,
    "status": NO_CONTACT,
    "sense": TERMINATED,
    "no-sense": TERMINATED,
}


def children(pid):
    found = []
    for task in os.listdir(f"/proc/{pid}/task"):
        with contextlib.suppress(FileNotFoundError), \
                open(f"/proc/{pid}/task/{task}/children",
                     encoding="ascii") as file:
            found += map(int, file.read().split())
    return found


class Stage:
    """A daemon with a broker, two maps and a disk."""

    def __init__(self, start, folder, *options):
        self.plan = folder / "plan"
        self.word("good")
        self.helper = start("--multipath-program", PROGRAM, *options,
                            env={"MULTIPATH_SOCKET_NAME": str(self.plan)})
        self.map, self.other = (
            self.helper.device(device=f"253:{n}", uuid=f"mpath-{n}",
                               slaves="sda sdb") for n in range(2))
        self.disk = self.helper.device()
        self.broker, = children(self.helper.process.pid)
        self.serves()
        self.idle = len(self.helper.fds())

    def word(self, word):
        """How the next commands for a map fail."""
        self.plan.write_text(word + "\n", encoding="ascii")

    def register(self, device):
        with self.helper.client() as client, device.open() as fd:
            return client.request(pr_out(REGISTER), fd, params(new_key=1))

    def ask(self, device):
        with self.helper.client() as client, device.open() as fd:
            return client.request(pr_in(READ_KEYS, 64), fd)

    def serves(self):
        """Both maps and the disk, with nothing left of what was before."""
        self.word("good")
        for device in self.map, self.other, self.disk:
            assert self.ask(device).good
            assert self.register(device).good

    def is_clean(self):
        self.helper.wait_until(lambda: not children(self.broker),
                               "a process for a command stays")
        self.helper.wait_for_fds(self.idle)

    def pid_of(self, word):
        """The process that has begun to do so."""
        lines = self.helper.stderr.wait(f"multipath: {word} pid=")
        return int(re.search("pid=([0-9]+)", lines[-1]).group(1))


def need():
    for program in "pr-helper-scripted", "broken-multipath":
        if not os.path.exists(build.program(program)):
            pytest.skip(f"{program} is not built")


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    """A daemon for all tests that leave it as it was."""
    need()
    with contextlib.ExitStack() as stack:
        yield Stage(lambda *args, **options: stack.enter_context(
            Helper(*args, **options)), tmp_path_factory.mktemp("plan"))


@pytest.mark.parametrize("word", FAILURES)
def test_a_process_that_fails_is_never_good(shared, word):
    """Its client is told, and the next one is served."""
    shared.word(word)
    for _ in range(2):
        for reply in shared.ask(shared.map), shared.register(shared.map):
            assert reply.status == CHECK_CONDITION
            assert reply.code == FAILURES[word]
            assert reply.payload == b""
    shared.serves()
    shared.is_clean()


@pytest.mark.parametrize("word", FAILURES)
def test_the_session_of_its_client_goes_on(shared, word):
    with shared.helper.client() as client, shared.map.open() as fd:
        for _ in range(3):
            shared.word(word)
            assert client.request(pr_in(READ_KEYS, 64), fd).code == \
                FAILURES[word]
            shared.word("good")
            assert client.request(pr_in(READ_KEYS, 64), fd).payload == \
                bytes(64)


@pytest.mark.parametrize("word", ["hang-at-start", "hang-after-request"])
def test_a_process_that_hangs_holds_up_its_map_alone(start, tmp_path, word):
    need()
    stage = Stage(start, tmp_path, "--timeout", "2")
    stage.word(word)
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(stage.helper.client())
                   for _ in range(3)]
        fd = stack.enter_context(stage.map.open())
        for client in clients:
            client.send_request(pr_in(READ_KEYS, 64), fd)
        pid = stage.pid_of(word)
        stage.word("good")
        for device in stage.other, stage.disk:
            assert stage.ask(device).good
        for client in clients:
            assert client.recv_reply().code == TIMED_OUT
        # Still there: it is the map that is busy, and no other.
        assert children(stage.broker) == [pid]
        assert stage.ask(stage.other).good
        os.kill(pid, signal.SIGKILL)
        stage.helper.wait_until(lambda: not children(stage.broker),
                                "the process stays")
    stage.serves()
    stage.is_clean()


def test_a_broker_that_dies_between_commands_is_told(start, tmp_path):
    need()
    stage = Stage(start, tmp_path)
    os.kill(stage.broker, signal.SIGKILL)
    stage.helper.stderr.wait("the multipath broker is gone")
    for _ in range(3):
        assert stage.ask(stage.map).code == NO_CONTACT
        assert stage.register(stage.other).code == NO_CONTACT
        assert stage.ask(stage.disk).good
    stage.helper.wait_for_fds(stage.idle)


def test_a_broker_that_dies_under_a_command_cuts_nothing_off(start, tmp_path):
    """The process goes on; when it ends, its client hears how."""
    need()
    stage = Stage(start, tmp_path)
    stage.word("hang-after-request")
    with stage.helper.client() as client, stage.map.open() as fd:
        client.send_request(pr_in(READ_KEYS, 64), fd)
        pid = stage.pid_of("hang-after-request")
        os.kill(stage.broker, signal.SIGKILL)
        stage.helper.wait_until(
            lambda: not os.path.exists(f"/proc/{stage.broker}/fd/0"),
            "the broker stays")
        os.kill(pid, 0)
        assert stage.ask(stage.disk).good
        os.kill(pid, signal.SIGKILL)
        assert client.recv_reply().code == NO_CONTACT
        assert client.request(pr_in(READ_KEYS, 64), fd).code == NO_CONTACT
    assert stage.ask(stage.disk).good
    stage.helper.wait_for_fds(stage.idle)


def test_an_ordinary_end_reports_no_broker_gone(start, tmp_path):
    need()
    stage = Stage(start, tmp_path)
    assert stage.helper.end() == 0
    stage.helper.stderr.thread.join()
    assert not stage.helper.stderr.matching("the multipath broker is gone")
