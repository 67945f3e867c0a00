# SPDX-License-Identifier: LGPL-2.1-or-later
"""What changed a reservation is on record, by whom, and how it went."""

import contextlib
import os
import re
import subprocess
import sys

import pytest

import prclient
from prclient import (CLEAR, PREEMPT, READ_KEYS, READ_RESERVATION, REGISTER,
                      REGISTER_AND_IGNORE, RELEASE, RESERVE, params, pr_in,
                      pr_out)

FIELDS = ["pid", "uid", "unit", "device", "action", "key", "sa_key", "type",
          "status", "sense", "duration_us", "late", "dropped"]

ACTIONS = ["REGISTER", "RESERVE", "RELEASE", "CLEAR", "PREEMPT",
           "PREEMPT_AND_ABORT", "REGISTER_AND_IGNORE_EXISTING_KEY",
           "REGISTER_AND_MOVE", "REPLACE_LOST_RESERVATION"]


def audits(helper):
    """The audit lines so far, as dictionaries."""
    return [dict(field.split("=", 1) for field in
                 line[line.index("audit ") + 6:].split(" "))
            for line in helper.stderr.matching("audit pid=")]


def audited(helper, count=1):
    helper.stderr.wait("audit pid=", count)
    found = audits(helper)
    assert len(found) == count
    return found


def run(helper, device, cdb, data=b"", flags=os.O_RDWR):
    with helper.client() as client, device.open(flags) as fd:
        return client.request(cdb, fd, data)


def test_a_line_says_all(start):
    helper = start()
    disk = helper.device(device="8:48", lu="a")
    assert run(helper, disk, pr_out(REGISTER_AND_IGNORE, type_=5),
               params(0x1122334455667788, 0x99aabbccddeeff00)).good
    line, = audited(helper)
    assert list(line) == FIELDS
    duration = line.pop("duration_us")
    assert re.fullmatch("[0-9]+", duration)
    line.pop("unit")
    assert line == {
        "pid": str(os.getpid()), "uid": str(os.geteuid()), "device": "8:48",
        "action": "REGISTER_AND_IGNORE_EXISTING_KEY",
        "key": "0x1122334455667788", "sa_key": "0x99aabbccddeeff00",
        "type": "5", "status": "GOOD", "sense": "-", "late": "no",
        "dropped": "no"}


@pytest.mark.parametrize("action", range(9))
def test_every_action_has_its_name(start, action):
    helper = start()
    run(helper, helper.device(), pr_out(action), params())
    line, = audited(helper)
    assert line["action"] == ACTIONS[action]


def test_reading_is_not_recorded(start):
    helper = start()
    disk = helper.device(lu="a")
    for action in READ_KEYS, READ_RESERVATION:
        assert run(helper, disk, pr_in(action)).good
    assert run(helper, disk, pr_out(REGISTER), params(new_key=1)).good
    line, = audited(helper)
    assert line["action"] == "REGISTER"


def test_failures_are_recorded(start):
    helper = start()
    disk = helper.device(lu="a")
    run(helper, disk, pr_out(RESERVE, type_=5), params(1))
    run(helper, disk, pr_out(REGISTER, length=23), params()[:23])
    run(helper, helper.device(host="7"), pr_out(CLEAR), params(1))
    lines = audited(helper, 3)
    assert [line["status"] for line in lines] == [
        "RESERVATION_CONFLICT", "CHECK_CONDITION", "CHECK_CONDITION"]
    assert [line["sense"] for line in lines] == ["-", "5/1a/00", "b/00/06"]


def test_refusals_are_recorded(start):
    helper = start()
    disk = helper.device(device="8:0")
    run(helper, disk, pr_out(PREEMPT, type_=1), params(1, 2), os.O_RDONLY)
    line, = audited(helper)
    assert line["action"] == "PREEMPT"
    assert line["device"] == "8:0"
    assert line["sense"] == "5/20/00"
    with open(os.devnull, "r+b") as null, helper.client() as client:
        client.request(pr_out(RELEASE), null.fileno(), params())
    _, line = audited(helper, 2)
    assert line["action"] == "RELEASE"
    assert line["sense"] == "5/20/00"


def test_a_line_is_there_before_the_reply(start):
    """As many as there were replies, however soon after them it ends."""
    helper = start()
    disk = helper.device(lu="a")
    with helper.client() as client, disk.open() as fd:
        for key in range(1, 101):
            assert client.out(REGISTER_AND_IGNORE, fd, new_key=key).good
    helper.end()
    helper.stderr.thread.join()
    assert [int(line["sa_key"], 16) for line in audits(helper)] == \
        list(range(1, 101))


def test_quiet_leaves_no_lines(start):
    helper = start("-q")
    run(helper, helper.device(), pr_out(REGISTER), params())
    helper.end()
    helper.stderr.thread.join()
    assert helper.stderr.lines == []


def test_a_bad_list_is_recorded(start):
    """Too short for keys: what is not known is not made up."""
    helper = start()
    disk = helper.device()
    run(helper, disk, pr_out(REGISTER, length=0))
    run(helper, disk, pr_out(REGISTER, length=8), bytes(8))
    for line in audited(helper, 2):
        assert line["action"] == "REGISTER"
        assert list(line) == FIELDS
        assert (line["key"], line["sa_key"]) == ("?", "?")


def test_refusals_do_not_crowd_out_changes(start):
    """At most so many lines in a second of what changed nothing; the number
    of the others, and every change."""
    helper = start()
    disk = helper.device(lu="a")
    conflicts = 0
    with helper.client() as client, disk.open() as fd:
        for key in range(1, 301):
            for _ in range(10):
                conflicts += client.out(RESERVE, fd, key=key).status == 0x18
            assert client.out(REGISTER_AND_IGNORE, fd, new_key=key).good
    helper.end()
    helper.stderr.thread.join()
    lines = audits(helper)
    assert [int(line["sa_key"], 16) for line in lines
            if line["status"] == "GOOD"] == list(range(1, 301))
    told = sum(line["status"] == "RESERVATION_CONFLICT" for line in lines)
    left_out = sum(int(re.search("([0-9]+) audit lines of commands that "
                                 "changed nothing were left out", line)[1])
                   for line in helper.stderr.matching("were left out"))
    assert told + left_out == conflicts
    assert left_out > 0


# Two clients, one nexus

OTHER_CLIENT = """
import os, sys
sys.path.insert(0, sys.argv[1])
from prclient import *
client = Client(sys.argv[2])
fd = os.open(sys.argv[3], os.O_RDWR)
assert client.out(REGISTER_AND_IGNORE, fd, new_key=0x22).good
print(os.getpid(), flush=True)
sys.stdin.read()
"""


@contextlib.contextmanager
def another_client(helper, disk):
    """Another process that has registered; its pid."""
    with subprocess.Popen(
            [sys.executable, "-c", OTHER_CLIENT,
             os.path.dirname(os.path.abspath(prclient.__file__)),
             helper.socket, disk.path], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, text=True) as process:
        yield int(process.stdout.readline())
        process.stdin.close()


SHARED = "are one I_T nexus to the target"


def test_two_clients_that_share_a_nexus_are_named(start):
    helper = start()
    disk = helper.device(device="8:32", lu="a", nexus="a")
    with helper.client() as client, disk.open() as fd, \
            another_client(helper, disk) as pid:
        assert client.out(REGISTER_AND_IGNORE, fd, new_key=0x11).good
        line, = helper.stderr.wait(SHARED)
        assert "device 8:32: " in line
        for one in pid, os.getpid():
            assert re.search(f"pid={one} uid={os.geteuid()} unit=[^ ]+", line)
        # Once is enough, as long as it stays so.
        assert client.out(REGISTER_AND_IGNORE, fd, new_key=0x12).good
        assert len(helper.stderr.matching(SHARED)) == 1


def test_the_same_lun_through_another_path_is_another_nexus(start):
    helper = start()
    one = helper.device(lu="a", nexus="a")
    two = helper.device(lu="a", nexus="b")
    with helper.client() as client, one.open() as fd, \
            another_client(helper, two):
        assert client.out(REGISTER_AND_IGNORE, fd, new_key=0x11).good
    assert not helper.stderr.matching(SHARED)


@pytest.mark.parametrize("how", ["left", "unregistered", "cleared",
                                 "never registered", "the same"])
def test_who_shares_no_nexus_any_more_is_not_named(start, how):
    helper = start()
    disk = helper.device(lu="a", nexus="a")
    with helper.client() as client, disk.open() as fd:
        if how == "the same":
            with helper.client() as again:
                assert again.out(REGISTER_AND_IGNORE, fd, new_key=1).good
                assert client.out(REGISTER_AND_IGNORE, fd, new_key=2).good
        elif how == "never registered":
            assert client.out(RESERVE, fd, key=5, type_=5).status == 0x18
            with another_client(helper, disk):
                assert client.keys(fd) == [0x22]
        else:
            assert client.out(REGISTER_AND_IGNORE, fd, new_key=1).good
            if how == "unregistered":
                assert client.out(REGISTER_AND_IGNORE, fd, new_key=0).good
            elif how == "cleared":
                assert client.out(CLEAR, fd, key=1).good
            else:
                count = len(helper.fds())
                client.close()
                # Its socket is the last to go.
                helper.wait_for_fds(count - 1)
            with another_client(helper, disk):
                pass
    assert not helper.stderr.matching(SHARED)
