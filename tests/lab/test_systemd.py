# SPDX-License-Identifier: LGPL-2.1-or-later
"""The units under systemd, with a guest on top, and the helper killed under it.
"""

import contextlib
import itertools
import json
import os
import pathlib
import pwd
import random
import signal
import socket
import threading
import time

import pytest

import build
import units
from guest import FORMS, Guest
from helper import PEER
from inside import LIMIT_S, wait_for
from multipath import Multipathd, find_map
from prclient import (REGISTER, REGISTER_AND_IGNORE, RELEASE, RESERVE, Client)
from scsi_io import open_device
from targets import Lun

SOCKET = "/run/qemu-pr-helper.sock"
# Each takes two seconds.
KILLS = 50 if os.environ.get("PRM_DEEP") else 20
MULTIPATH = build.program("pr-helper-multipath")
RAWIO, NONE = "0000000000020000", "0000000000000000"

pytestmark = pytest.mark.skipif(PEER, reason="the units are ours")


class Stage:
    """The units, a logical unit, and a guest that has it."""

    def __init__(self, stack):
        units.install()
        self.systemd = stack.enter_context(units.Systemd())
        self.systemd.ctl("enable", "--now", "pr-helper.socket").ok()
        self.lun = stack.enter_context(Lun("disk"))
        self.here, self.there = self.lun.paths
        self.stack = stack
        self._guest = None

    @property
    def guest(self):
        """Started when first asked for."""
        if not self._guest:
            disk = FORMS["blockdev scsi-block"](self.here)
            self._guest = self.stack.enter_context(Guest(SOCKET, [disk]))
        return self._guest


@pytest.fixture(scope="module")
def stage():
    with contextlib.ExitStack() as stack:
        yield Stage(stack)


def test_the_first_client_starts_it_and_is_served(stage):
    assert units.daemons() == []
    with Client(SOCKET) as client, open_device(stage.here.block) as fd:
        assert client.out(REGISTER_AND_IGNORE, fd, new_key=0x1a).good
        with open_device(stage.there.sg) as there:
            assert client.keys(there) == [0x1a]
    stage.lun.reset()


def test_it_is_a_user_of_its_own_with_one_capability(stage):
    with Client(SOCKET):
        (pid,) = units.daemons()
    user = pwd.getpwnam("pr-helper")
    for task in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{task}/status", encoding="ascii") as file:
            seen = {name: value.split() for name, _, value in
                    (line.partition(":") for line in file)}
        assert seen["Uid"] == [str(user.pw_uid)] * 4
        assert seen["Gid"] == [str(user.pw_gid)] * 4
        assert seen["CapPrm"] == seen["CapBnd"] == [RAWIO]
        assert seen["CapEff"] == seen["CapInh"] == seen["CapAmb"] == [NONE]
        assert seen["NoNewPrivs"] == ["1"]
        assert seen["Seccomp"] == ["2"]


def test_the_socket_is_for_members_of_the_group(stage):
    status = os.stat(SOCKET)
    assert status.st_mode & 0o777 == 0o660
    assert (status.st_uid, status.st_gid) == \
        (0, pwd.getpwnam("pr-helper").pw_gid)


def test_the_name_of_qemus_unit_leads_to_it(stage):
    assert stage.systemd.show("qemu-pr-helper.socket", "Id") == \
        "pr-helper.socket"


def test_the_journal_has_the_audit(stage):
    with Client(SOCKET) as client, open_device(stage.here.block) as fd:
        assert client.out(REGISTER_AND_IGNORE, fd, new_key=0xabc).good

    def found():
        shown = stage.systemd.inside("journalctl", "--no-pager", "-o", "json",
                                     "-u", "pr-helper.service", "-n", "20")
        records = [json.loads(line) for line in shown.output.splitlines()
                   if line.startswith("{")]
        return [record for record in records
                if "sa_key=0x0000000000000abc" in str(record.get("MESSAGE"))]
    (record,) = wait_for(found, "the audit's line in the journal")
    assert record["_SYSTEMD_UNIT"] == "pr-helper.service"
    assert record["SYSLOG_IDENTIFIER"] == "pr-helper"
    stage.lun.reset()


def test_stopping_it_leaves_the_socket_to_systemd(stage):
    with Client(SOCKET):
        pass
    stage.systemd.ctl("stop", "pr-helper.service").ok()
    assert units.daemons() == []
    assert stage.systemd.show("pr-helper.service", "Result") == "success"
    with Client(SOCKET) as client, open_device(stage.here.block) as fd:
        assert client.keys(fd) == []


@contextlib.contextmanager
def drop_in(stage, name, text):
    """The service with more lines in its unit, stopped before and after."""
    folder = units.FOLDER / "pr-helper.service.d"
    folder.mkdir(exist_ok=True)
    file = folder / name
    file.write_text(text, encoding="utf-8")
    stage.systemd.ctl("daemon-reload").ok()
    stage.systemd.ctl("stop", "pr-helper.service").ok()
    try:
        yield
    finally:
        file.unlink()
        stage.systemd.ctl("daemon-reload").ok()
        stage.systemd.ctl("stop", "pr-helper.service").ok()


def test_one_that_does_nothing_more_is_replaced(stage):
    """The watchdog bites, and whoever waits is served by the next one."""
    with drop_in(stage, "watchdog.conf", "[Service]\nWatchdogSec=1\n"):
        with Client(SOCKET):
            (victim,) = units.daemons()
            os.kill(victim, signal.SIGSTOP)
        with Client(SOCKET) as client, open_device(stage.here.block) as fd:
            assert client.keys(fd) == []
        assert victim not in units.daemons()
        assert stage.systemd.show("pr-helper.service", "NRestarts") == "1"


@pytest.mark.skipif(not os.path.exists(MULTIPATH),
                    reason="built without multipath support")
def test_with_the_drop_in_it_serves_maps(stage):
    """A user of its own that has a broker, which is root."""
    source, = (path for path in units.installed()
               if os.path.basename(path) == "multipath.conf")
    text = pathlib.Path(source).read_text(encoding="utf-8")
    with contextlib.ExitStack() as stack:
        lun = stack.enter_context(Lun("mapped", nexuses=3))
        *paths, other = lun.paths
        stack.enter_context(Multipathd(
            outside=[other, stage.here, stage.there]))
        node = find_map(*paths)
        stack.enter_context(drop_in(stage, "multipath.conf", text))
        client = stack.enter_context(Client(SOCKET))
        # What becomes the broker is the same program before it is executed.
        (pid,) = wait_for(lambda: len(units.daemons()) == 1 and
                          units.daemons(), "the daemon alone")
        assert os.stat(f"/proc/{pid}").st_uid == \
            pwd.getpwnam("pr-helper").pw_uid
        fd = stack.enter_context(open_device(node))
        elsewhere = stack.enter_context(open_device(other.sg))
        assert client.out(REGISTER_AND_IGNORE, fd, new_key=0x1a).good
        assert client.keys(elsewhere) == [0x1a, 0x1a]
        assert client.out(RESERVE, fd, type_=5, key=0x1a).good
        assert client.out(RELEASE, fd, type_=5, key=0x1a).good
        assert client.out(REGISTER, fd, key=0x1a).good
        assert client.keys(elsewhere) == []


class Prober:
    """Connects all the time, and is never to be turned away."""

    def __init__(self):
        self.connected = self.greeted = 0
        self.failed = []
        self.over = threading.Event()
        self.thread = threading.Thread(target=self.probe)

    def probe(self):
        while not self.over.wait(0.05):
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
                sock.settimeout(LIMIT_S)
                try:
                    sock.connect(SOCKET)
                except OSError as error:
                    self.failed.append(error)
                    continue
                self.connected += 1
                # It may be killed before it says anything.
                with contextlib.suppress(ConnectionResetError):
                    self.greeted += sock.recv(4) == bytes(4)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *exc):
        self.over.set()
        self.thread.join()


class Killer:
    """Kills the helper once, at a moment of the time that follows."""

    def __init__(self, after_s):
        self.timer = threading.Timer(after_s, self.kill)
        self.killed = 0

    def kill(self):
        # It may be on its way up again; then that one is the victim.
        (pid,) = wait_for(units.daemons, "a helper to kill")
        os.kill(pid, signal.SIGKILL)
        self.killed = pid

    def __enter__(self):
        self.timer.start()
        return self

    def __exit__(self, *exc):
        self.timer.join()


# In the guest: register one key after the other, and look what is there.
ROUND = """
sg_persist -o -I -S {key} {disk} > /dev/null 2>&1
status=$?
shown=$(sg_persist -n -i -k {disk} 2> /dev/null)
echo "$status $?" $(echo "$shown" | grep -o '0x[0-9a-f]*$')
"""


class Truth:
    """What may be registered, by what the guest was told."""

    def __init__(self):
        self.possible = {None}
        self.good = self.bad = 0

    def registered(self, key, status):
        if status == 0:
            self.possible = {key}
            self.good += 1
        else:
            self.possible.add(key)
            self.bad += 1

    def listed(self, keys, status):
        if status != 0:
            self.bad += 1
            return
        self.good += 1
        assert len(keys) <= 1, keys
        seen = int(keys[0], 16) if keys else None
        assert seen in self.possible, (keys, self.possible)
        self.possible = {seen}


def play_round(guest, key, truth):
    """The guest registers a key and lists what there is; s that it took."""
    begin = time.monotonic()
    disk = f"/dev/{guest.nodes[0]}"
    told = guest.run(ROUND.format(key=hex(key), disk=disk), show=False)
    registering, listing, *seen = told.output.split()
    print(f"{key:#x}: {told.output.strip()}")
    truth.registered(key, int(registering))
    truth.listed(seen, int(listing))
    return time.monotonic() - begin


def test_killed_at_any_moment_it_never_lies_to_a_guest(stage):
    """No wrong answer, no connect that fails, and always back again."""
    guest, truth, keys = stage.guest, Truth(), itertools.count(0x10)
    takes = [play_round(guest, next(keys), truth) for _ in range(3)]
    assert truth.bad == 0
    seed = random.randrange(1 << 32)
    print("seed", seed)
    moments = random.Random(seed)
    victims = []
    with Prober() as prober:
        for _ in range(KILLS):
            with Killer(moments.uniform(0, min(takes))) as killer:
                play_round(guest, next(keys), truth)
            victims.append(killer.killed)
        # QEMU finds that its connection is dead when it uses it.
        play_round(guest, next(keys), truth)
        before = truth.bad
        play_round(guest, next(keys), truth)
    print(f"{KILLS} kills, {truth.good} commands done, {truth.bad} failed; "
          f"{prober.connected} connects, {prober.greeted} greeted")
    assert truth.bad == before
    assert len(set(victims)) == KILLS
    assert prober.failed == [] and prober.greeted > 0
    assert int(stage.systemd.show("pr-helper.service", "NRestarts")) > 0
