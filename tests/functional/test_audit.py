# SPDX-License-Identifier: LGPL-2.1-or-later
"""What changed a reservation is on record, by whom, and how it went."""

import os
import re

import pytest

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
