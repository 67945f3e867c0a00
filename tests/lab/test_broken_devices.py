# SPDX-License-Identifier: LGPL-2.1-or-later
"""Devices that hang, vanish and come back, and who notices; and signals.

scsi_debug is what hangs; the healthy logical unit is LIO's.  Durations are
reported, and asserted only as far as a hang must be told from progress.
"""

import contextlib
import os
import re
import resource
import subprocess

import pytest

import build
from helper import PEER, Helper
from inside import run, wait_for
from load import Load, descriptors, has_more_than, threads
from prclient import (PREEMPT, PREEMPT_AND_ABORT, READ_KEYS, REGISTER,
                      REGISTER_AND_IGNORE, RESERVE, Client, params, pr_in,
                      pr_out)
from scsi_io import open_device
from targets import DebugLuns, Lun

TIMED_OUT = (0x0B, 0x2E, 0x02)
INVALID_OPCODE = (0x05, 0x20, 0x00)     # what scsi_debug says to all of ours
TARGET_FAILURE = (0x04, 0x44, 0x00)     # ENODEV and ENXIO
# That, what has no errno of its own, and LOGICAL UNIT DOES NOT RESPOND: which
# of them depends on how far the kernel has got.
GONE = (TARGET_FAILURE, (0x0B, 0x00, 0x06), (0x0B, 0x05, 0x00))

DEEP = bool(os.environ.get("PRM_DEEP"))
HUNG = 64 if DEEP else 8
CLIENTS_ON_EACH = 32
RUNNING_MAX = 4                 # commands for one device
WORKERS_MAX = 256               # the last quarter is for devices at rest
AUDITED_MAX = 100               # refusals in a second: more are only counted
HEALTHY_CLIENTS = 16
REQUESTS = 640
DEADLINE_S = 15

# Commands to each of two nodes under the storm of signals.
COUNTED = 5000

STORM = os.path.join(build.BUILD, "tests/library/pr-storm")
LIBRARY = os.path.join(build.BUILD, "src/libprmanager")

# Far from what is ever seen: it only tells a wait from a hang.
RATIO_MAX = 50

pytestmark = pytest.mark.skipif(PEER, reason="QEMU's helper has no deadline")


@pytest.fixture(scope="module")
def files():
    """Room for thousands of sessions, here and in helpers started here."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (16384, 16384))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


@pytest.fixture(scope="module")
def luns():
    with DebugLuns(HUNG) as luns:
        yield luns


@pytest.fixture(scope="module")
def shared_lun():
    with Lun("healthy", nexuses=3) as lun:
        yield lun


@pytest.fixture
def lun(shared_lun):
    shared_lun.reset()
    return shared_lun


@pytest.fixture(scope="module")
def crowded(files):
    """The helper of the hung devices; what it keeps is looked at last."""
    with Helper("--timeout", DEADLINE_S, "--max-sessions", 4096,
                name="crowded") as helper:
        yield helper


@pytest.fixture(scope="module")
def helper():
    with Helper("--timeout", 60, name="patient") as helper:
        yield helper


@pytest.fixture(scope="module")
def resting():
    """A helper that nobody uses: as many threads as there are at rest."""
    with Helper(name="resting") as helper:
        yield helper


def audits(helper, *words):
    return [line for line in helper.messages().splitlines()
            if " audit " in line and all(word in line for word in words)]


def spare_threads(helper, resting):
    return len(threads(helper.process.pid)) - len(threads(resting.process.pid))


def open_devices(helper):
    return [name for name in descriptors(helper.process.pid)
            if name.startswith(("/dev/sd", "/dev/sg"))]


def wait_for_rest(helper):
    wait_for(lambda: not open_devices(helper), "the end of all requests")


class Crowd:
    """Clients of some devices, each with a command on its way."""

    def __init__(self, stack, helper, paths):
        self.clients = []
        for number, path in enumerate(paths):
            # Half of them by their sg node: it is another driver.
            node = path.sg if number % 2 else path.block
            fd = stack.enter_context(open_device(node))
            for _ in range(CLIENTS_ON_EACH):
                client = stack.enter_context(Client(helper.socket))
                self.clients.append((client, fd))
        for client, fd in self.clients:
            client.send_request(pr_out(REGISTER_AND_IGNORE), fd,
                                params(new_key=1))

    def all_get(self, code):
        for client, _ in self.clients:
            reply = client.recv_reply()
            assert reply.code == code, str(reply)

    def ask(self):
        for client, fd in self.clients:
            client.send_request(pr_in(READ_KEYS), fd)


class Measured:
    """How long healthy clients wait, while others do and while they do not."""

    def __init__(self, helper, lun):
        self.helper = helper
        self.lun = lun
        self.loads = {}

    def load(self, when, clients=HEALTHY_CLIENTS, path=0, **options):
        load = Load(self.helper, self.lun.paths[path].sg, clients, REQUESTS,
                    **options)
        assert load.all_good, (when, load.statuses)
        self.loads[when] = load

    def report(self, record_property):
        for when, load in self.loads.items():
            record_property(when, load)
        alone, beside = self.loads["alone"], self.loads["beside"]
        again = self.loads["alone again"]
        for what in ("median", "p99", "max"):
            usual = (alone.us[what] + again.us[what]) / 2
            ratio = beside.us[what] / usual
            record_property(f"{what}, beside hung LUNs to alone",
                            f"{ratio:.2f}")
            assert ratio < RATIO_MAX


def test_hung_luns_delay_no_healthy_one(crowded, resting, luns, lun,
                                        record_property):
    """Their clients are answered at the deadline, and nothing is left."""
    most = min(HUNG * RUNNING_MAX, WORKERS_MAX * 3 // 4)
    measured = Measured(crowded, lun)
    measured.load("alone")
    wait_for_rest(crowded)
    idle = descriptors(crowded.process.pid)
    with contextlib.ExitStack() as stack:
        luns.hang()
        stack.callback(luns.answer)
        crowd = Crowd(stack, crowded, luns.paths)
        # Of the workers that were there from the start, one may be free.
        wait_for(lambda: spare_threads(crowded, resting) >= most - 2,
                 "workers for all that hangs")
        measured.load("beside")
        measured.load("beside, 64 clients", 64, path=1)
        measured.load("beside, 64 clients that write", 64, path=2, out=True)
        crowd.all_get(TIMED_OUT)
        wait_for(lambda: len(audits(crowded, "sense=b/2e/02"))
                 == len(crowd.clients), "audit lines of the deadlines")
        assert not audits(crowded, "late=yes")
        measured.load("beside, after their deadline")
        luns.answer()
        wait_for_rest(crowded)
        wait_for(lambda: len(audits(crowded, "late=yes"))
                 >= min(most, AUDITED_MAX), "lines of the late answers")
        # None of them is in the way of the next answer.
        crowd.ask()
        crowd.all_get(INVALID_OPCODE)
    assert len(audits(crowded, "late=yes")) <= HUNG * RUNNING_MAX
    wait_for(lambda: not has_more_than(crowded.process.pid, idle),
             "no descriptor that was not there before")
    measured.load("alone again")
    measured.report(record_property)


def test_a_parked_preempt_of_a_client_that_died_never_arrives(helper, luns):
    """It is another machine's turn by then."""
    with contextlib.ExitStack() as stack:
        fd = stack.enter_context(open_device(luns.paths[0].sg))
        luns.hang()
        stack.callback(luns.answer)
        clients = [stack.enter_context(Client(helper.socket))
                   for _ in range(RUNNING_MAX + 1)]
        for client in clients[:-1]:
            client.send_request(pr_in(READ_KEYS), fd)
        wait_for(lambda: len(open_devices(helper)) == RUNNING_MAX,
                 "commands that fill the device's share")
        with Client(helper.socket) as dead:
            dead.send_request(pr_out(PREEMPT, 1), fd, params(1, 2))
            wait_for(lambda: len(open_devices(helper)) == RUNNING_MAX + 1,
                     "the command that is parked")
            clients[-1].send_request(pr_out(REGISTER), fd, params(0, 3))
        line, = wait_for(lambda: audits(helper, "dropped=yes"),
                         "the audit line of the dropped command")
        assert "action=PREEMPT " in line
        run("dmesg", "--clear").ok()
        luns.answer(noise=True)
        for client in clients:
            assert client.recv_reply().code == INVALID_OPCODE
        luns.answer()
    seen = run("dmesg").ok().output
    assert seen.count("cmd 5e 00") == RUNNING_MAX
    assert seen.count("cmd 5f 00") == 1
    assert "cmd 5f 04" not in seen


def test_a_lun_that_goes_offline_under_commands(helper, luns):
    """Each gets its answer when the kernel gives up, none of them GOOD."""
    path = luns.paths[1]
    with contextlib.ExitStack() as stack:
        luns.hang()
        stack.callback(luns.answer)
        crowd = Crowd(stack, helper, [path])
        wait_for(lambda: len(open_devices(helper)) == CLIENTS_ON_EACH,
                 "all commands")
        path.set_state("offline")
        stack.callback(path.set_state, "running")
        luns.answer()
        for client, _ in crowd.clients:
            reply = client.recv_reply()
            assert reply.code in GONE, str(reply)
        path.set_state("running")
        crowd.ask()
        crowd.all_get(INVALID_OPCODE)


@pytest.mark.parametrize("node", ["block", "sg"])
def test_a_lun_removed_and_added_again(helper, lun, node):
    """What is registered stays: SPC-4 5.13.1, no event but power loss."""
    here, there, other = lun.paths
    with contextlib.ExitStack() as stack:
        def opened(path):
            return stack.enter_context(open_device(getattr(path, node)))
        client = stack.enter_context(Client(helper.socket))
        old = opened(here)
        assert client.out(REGISTER, old, new_key=1).good
        here.delete()
        for _ in range(8):
            assert client.request(pr_in(READ_KEYS), old).code == TARGET_FAILURE
            reply = client.out(RESERVE, old, key=1, type_=1)
            assert reply.code == TARGET_FAILURE
            assert client.keys(opened(there)) == [1]
        lun.paths[0] = here.find_again()
        new = opened(lun.paths[0])
        assert client.keys(new) == [1]
        assert client.out(RESERVE, new, key=1, type_=1).good
        # The descriptor that QEMU still holds leads nowhere, for ever.
        reply = client.out(REGISTER, old, key=1, new_key=9)
        assert reply.code == TARGET_FAILURE
        assert client.reservation(opened(other)) == (1, 1)


def test_luns_that_come_and_go_under_load(helper, lun):
    """The load is on another path of it, which must not notice."""
    with contextlib.ExitStack() as stack:
        fd = stack.enter_context(open_device(lun.paths[1].sg))
        client = stack.enter_context(Client(helper.socket))
        for _ in range(4):
            old = stack.enter_context(open_device(lun.paths[0].sg))
            clients = [stack.enter_context(Client(helper.socket))
                       for _ in range(16)]
            for one in clients:
                one.send_request(pr_in(READ_KEYS), old)
            lun.paths[0].delete()
            for one in clients:
                reply = one.recv_reply()
                assert reply.good or reply.code in GONE, str(reply)
            assert client.keys(fd) == []
            lun.paths[0] = lun.paths[0].find_again()
    wait_for_rest(helper)


def test_a_preempt_and_abort_in_flight(lun):
    """That of this kernel's target never comes back behind tcm_loop, and the
    whole logical unit with it: it is left as it is, and so is its helper."""
    stuck, impatient = Lun("stuck"), Helper("--timeout", 1, name="stuck")
    with contextlib.ExitStack() as stack:
        here, there = (stack.enter_context(open_device(path.sg))
                       for path in stuck.paths)
        healthy = stack.enter_context(open_device(lun.paths[0].sg))
        one, two = (stack.enter_context(Client(impatient.socket))
                    for _ in range(2))
        assert one.out(REGISTER, here, new_key=1).good
        assert two.out(REGISTER, there, new_key=2).good
        assert two.out(RESERVE, there, key=2, type_=1).good
        one.send_request(pr_out(PREEMPT_AND_ABORT, 1), here, params(1, 2))
        wait_for(lambda: open_devices(impatient), "the command")
        assert two.keys(healthy) == []
        assert one.recv_reply().code == TIMED_OUT
        line, = wait_for(lambda: audits(impatient,
                                        "action=PREEMPT_AND_ABORT"),
                         "its audit line")
        assert "sense=b/2e/02" in line and "late=no" in line
        # Its own session and others go on, with what can be reached.
        assert one.keys(healthy) == two.keys(healthy) == []
        assert two.request(pr_in(READ_KEYS), there).code == TIMED_OUT
    impatient.kill()


@contextlib.contextmanager
def storm(pid):
    """Signals to every thread of a process, nearly all that there are."""
    with subprocess.Popen([STORM, str(pid)], stdout=subprocess.PIPE,
                          env={"LD_LIBRARY_PATH": LIBRARY}) as process:
        try:
            yield process
        finally:
            process.kill()


@pytest.mark.parametrize("node", ["block", "sg"])
def test_no_command_arrives_twice_in_a_storm_of_signals(helper, lun, node,
                                                        record_property):
    """The target counts what it gets, and it is what was sent."""
    before = lun.commands(0)
    with storm(helper.process.pid) as process:
        load = Load(helper, getattr(lun.paths[0], node), RUNNING_MAX, COUNTED)
        process.terminate()
        signals = int(process.stdout.read().split()[0])
    assert load.all_good, load.statuses
    assert lun.commands(0) - before == load.sent
    assert signals > COUNTED // 10
    record_property(f"commands to {node} and signals meanwhile",
                    f"{load.sent}, {signals}")


@pytest.mark.parametrize("manager, count", [
    ("pr-manager-scsi,id=a", COUNTED // 2),
    ("pr-manager-helper,id=a,path={}", COUNTED // 10)])
@pytest.mark.parametrize("node", ["block", "sg"])
def test_nor_do_those_of_a_program_with_handlers(helper, lun, node, manager,
                                                 count, record_property):
    """A program of the library's, which is interrupted all the time."""
    before = lun.commands(0)
    ran = run("env", f"LD_LIBRARY_PATH={LIBRARY}", STORM,
              manager.format(helper.socket), getattr(lun.paths[0], node),
              count)
    good, signals = map(int, re.findall("[0-9]+", ran.ok().output))
    assert good == count
    assert lun.commands(0) - before == count
    assert signals > count // 10
    record_property(f"{manager.partition(',')[0]}, commands to {node} and "
                    "signals meanwhile", f"{good}, {signals}")


def test_no_thread_is_left_of_hung_devices(crowded, resting):
    """Workers that were added for them end after a minute of idleness."""
    wait_for(lambda: spare_threads(crowded, resting) == 0,
             "the end of spare workers")
