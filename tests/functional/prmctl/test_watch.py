# SPDX-License-Identifier: LGPL-2.1-or-later
"""prmctl watch: one line for each change, as it happens."""

import json
import subprocess

import fakehelper
import pytest
from program import DEVICE


class Watch:
    """prmctl watch in the background, line by line."""

    def __init__(self, prmctl, *words):
        self.process = subprocess.Popen(
            [*prmctl.command, "watch", "-m", prmctl.socket, "--interval",
             "0.02", DEVICE, *words], stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            env=prmctl.env)

    def line(self):
        """The next line without its time."""
        time, text = self.process.stdout.readline().split("  ", 1)
        assert time.endswith("Z") and "T" in time
        return text.rstrip("\n")

    def event(self):
        event = json.loads(self.process.stdout.readline())
        assert event.pop("time").endswith("Z")
        assert event.pop("command") == "watch"
        assert event.pop("device") == DEVICE
        return event

    def close(self):
        self.process.terminate()
        self.process.wait()
        self.process.stdout.close()


@pytest.fixture
def watch(helper, prmctl):
    started = []

    def start(*words):
        started.append(Watch(prmctl, *words))
        return started[-1]

    yield start
    for one in started:
        one.close()


def test_changes_are_told_one_by_one(helper, watch):
    helper.unit.register("self", 1)
    watched = watch()
    assert watched.line() == "generation 1, 1 keys, not reserved"
    with helper.lock:
        helper.unit.register("other", 2)
    assert watched.line() == "generation 2"
    assert watched.line() == "key 0x0000000000000002 registered"
    with helper.lock:
        helper.unit.reserve("other", 3)
    assert watched.line() == ("reserved by 0x0000000000000002, "
                              "Exclusive Access (type 3)")
    with helper.lock:
        helper.unit.register("other", 0)
    assert watched.line() == "generation 3"
    assert watched.line() == "key 0x0000000000000002 unregistered"
    assert watched.line() == "reservation released"


def test_what_there_is_at_the_start(helper, watch):
    helper.unit.register("self", 1)
    helper.unit.reserve("self", 7)
    assert watch().line() == (
        "generation 1, 1 keys, reserved by every registrant, "
        "Write Exclusive, all registrants (type 7)")
    event = watch("--json").event()
    assert event["keys"] == ["0x0000000000000001"]
    assert event["reservation"]["type"] == 7


def test_changes_as_json(helper, watch):
    watched = watch("--json")
    assert watched.event() == {"event": "start", "generation": 0, "keys": [],
                               "reservation": None}
    with helper.lock:
        helper.unit.register("other", 2)
        helper.unit.reserve("other", 8)
    assert watched.event() == {"event": "generation", "generation": 1}
    assert watched.event() == {"event": "registered", "generation": 1,
                               "key": "0x0000000000000002"}
    assert watched.event() == {
        "event": "reserved", "generation": 1, "reservation": {
            "key": None, "type": 8, "scope": 0,
            "type-name": "exclusive-access-all-registrants"}}


def test_unit_attentions_are_news_and_no_end(helper, watch):
    watched = watch()
    assert watched.line() == "generation 0, 0 keys, not reserved"
    with helper.lock:
        helper.script.append(fakehelper.check(6, 0x2A, 3))
    assert watched.line() == (
        "UNIT ATTENTION, reservations preempted (06/2a/03)")
    with helper.lock:
        helper.unit.register("other", 2)
    assert watched.line() == "generation 1"


def test_a_fault_that_stays_is_told_once(helper, watch):
    watched = watch("--json")
    assert watched.event()["event"] == "start"
    with helper.lock:
        helper.script += [fakehelper.reply(8)] * 3
        helper.unit.register("other", 2)
    event = watched.event()
    assert event["event"] == "error"
    assert event["error"]["status"] == "BUSY"
    assert watched.event() == {"event": "recovered"}
    assert watched.event()["event"] == "generation"


def test_a_fault_that_is_over_is_told(helper, watch):
    """Nothing else may have changed: silence would look like the fault."""
    watched = watch()
    assert watched.line() == "generation 0, 0 keys, not reserved"
    with helper.lock:
        helper.script.append(fakehelper.reply(8))
    assert watched.line() == "BUSY (status 08h)"
    assert watched.line() == "can be read again"


def test_watching_goes_on_when_the_helper_is_restarted(helper, watch, prmctl):
    watched = watch()
    assert watched.line() == "generation 0, 0 keys, not reserved"
    helper.stop()
    with fakehelper.FakeHelper(prmctl.socket) as second:
        second.unit.register("other", 2)
        lines = [watched.line()]
        while lines[-1] != "key 0x0000000000000002 registered":
            lines.append(watched.line())
        assert "generation 1" in lines


def test_no_helper_at_the_start_is_an_error(prmctl):
    done = prmctl("watch", DEVICE)
    assert done.returncode == 15
    assert "is pr-helper running?" in done.stderr
