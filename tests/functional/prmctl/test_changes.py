# SPDX-License-Identifier: LGPL-2.1-or-later
"""prmctl register to register-move: what is sent, and what is said."""

import struct

import fakehelper
import prclient as pr
import pytest
from program import DEVICE

KEY = "0x123abc"


def last(helper):
    """The PERSISTENT RESERVE OUT that came last: action, type, list."""
    cdb, params = [r for r in helper.requests if r[0][0] == pr.PR_OUT][-1]
    assert struct.unpack_from(">I", cdb, 5)[0] == len(params)
    return cdb[1], cdb[2], params


def test_register_a_first_key(helper, prmctl):
    done = prmctl("register", "--new-key", KEY, DEVICE)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "registered 0x0000000000123abc\n"
    assert last(helper) == (pr.REGISTER, 0, pr.params(0, 0x123ABC))


def test_keys_are_hexadecimal_with_or_without_0x(helper, prmctl):
    prmctl("register", "--new-key", "10", DEVICE)
    assert helper.unit.registered == {"self": 0x10}


def test_register_changes_and_removes_a_key(helper, prmctl):
    helper.unit.register("self", 1)
    prmctl("register", "--key", "1", "--new-key", "2", DEVICE)
    assert last(helper) == (pr.REGISTER, 0, pr.params(1, 2))
    done = prmctl("register", "--key", "2", "--new-key", "0", DEVICE)
    assert done.stdout == "unregistered\n"
    assert helper.unit.registered == {}


def test_register_ignore_needs_no_key(helper, prmctl):
    helper.unit.register("self", 1)
    assert prmctl("register-ignore", "--new-key", "2",
                  DEVICE).returncode == 0
    assert last(helper) == (pr.REGISTER_AND_IGNORE, 0, pr.params(0, 2))


def test_flags_of_register(helper, prmctl):
    prmctl("register", "--new-key", "1", "--aptpl", "--all-target-ports",
           DEVICE)
    assert last(helper)[2] == pr.params(0, 1, pr.APTPL | pr.ALL_TG_PT)


def test_register_with_transport_ids(helper, prmctl):
    prmctl("register", "--new-key", "1", "--transport-id",
           "sas,5000c50012345678", "--transport-id",
           "iqn.2003-01.org.example:a,i,0x00023d000001", DEVICE)
    ids = fakehelper.SAS + fakehelper.ISCSI
    assert last(helper)[2] == pr.params(
        0, 1, pr.SPEC_I_PT, struct.pack(">I", len(ids)) + ids)


@pytest.mark.parametrize("word,number,name", [
    ("we", 1, "Write Exclusive"),
    ("3", 3, "Exclusive Access"),
    ("write-exclusive-registrants-only", 5,
     "Write Exclusive, registrants only"),
    ("EARO", 6, "Exclusive Access, registrants only"),
    ("Write Exclusive, all registrants", 7,
     "Write Exclusive, all registrants"),
    ("8", 8, "Exclusive Access, all registrants")])
def test_reserve_with_every_type(helper, prmctl, word, number, name):
    helper.unit.register("self", 1)
    done = prmctl("reserve", "--key", "1", "--type", word, DEVICE)
    assert done.stdout == f"reserved: {name} (type {number})\n"
    assert last(helper) == (pr.RESERVE, number, pr.params(1))


def test_release(helper, prmctl):
    helper.unit.register("self", 1)
    helper.unit.reserve("self", 5)
    done = prmctl("release", "-k", "1", "-t", "wero", DEVICE)
    words = "released: this path holds no reservation now\n"
    assert (done.returncode, done.stdout) == (0, words)
    assert last(helper) == (pr.RELEASE, 5, pr.params(1))
    # SPC-4, 5.13.11.2.2: GOOD for a registrant that does not hold it.
    helper.unit.register("other", 2)
    helper.unit.reserve("other", 5)
    done = prmctl("release", "-k", "1", "-t", "wero", DEVICE)
    assert (done.returncode, done.stdout) == (0, words)
    assert helper.unit.holder == "other"


def test_clear(helper, prmctl):
    helper.unit.register("self", 1)
    done = prmctl("clear", "--key", "1", DEVICE)
    assert done.stdout == "cleared: nothing is registered or reserved\n"
    assert last(helper) == (pr.CLEAR, 0, pr.params(1))


@pytest.mark.parametrize("command,action", [
    ("preempt", pr.PREEMPT), ("preempt-abort", pr.PREEMPT_AND_ABORT)])
@pytest.mark.parametrize("option", ["--victim", "--new-key"])
def test_preempt(helper, prmctl, command, action, option):
    helper.unit.register("self", 1)
    helper.unit.register("other", 2)
    helper.unit.reserve("other", 3)
    done = prmctl(command, "--key", "1", option, "2", "--type", "ea", DEVICE)
    assert (done.returncode, done.stdout) == (
        0, "preempted 0x0000000000000002\n")
    assert last(helper) == (action, 3, pr.params(1, 2))
    assert helper.unit.holder == "self"


def test_register_move(helper, prmctl):
    helper.unit.register("self", 1)
    helper.unit.reserve("self", 3)
    done = prmctl("register-move", "--key", "1", "--new-key", "2",
                  "--transport-id", "sas,5000c50012345678",
                  "--relative-target-port", "258", "--unreg", "--aptpl",
                  DEVICE)
    assert (done.returncode, done.stdout) == (
        0, "moved to 0x0000000000000002\n")
    assert last(helper) == (
        pr.REGISTER_AND_MOVE, 0,
        struct.pack(">QQxBHI", 1, 2, 3, 258, 24) + fakehelper.SAS)


def test_success_as_json(helper, prmctl):
    assert prmctl.json("register", "--new-key", "1", DEVICE) == (0, {
        "command": "register", "device": DEVICE, "status": "GOOD"})


def test_a_conflict_says_who_holds_it(helper, prmctl):
    helper.unit.register("self", 1)
    helper.unit.register("other", 2)
    helper.unit.reserve("other", 3)
    done = prmctl("reserve", "--key", "1", "--type", "ea", DEVICE)
    assert (done.returncode, done.stdout) == (24, "")
    assert done.stderr == (
        f"prmctl: reserve {DEVICE}: RESERVATION CONFLICT (status 18h)\n"
        "  held by 0x0000000000000002 of iqn.2003-01.org.example:a,i,"
        "0x00023d000001, Exclusive Access (type 3)\n")


def test_a_conflict_as_json(helper, prmctl):
    helper.unit.register("self", 1)
    helper.unit.register("other", 2)
    helper.unit.reserve("other", 3)
    status, answer = prmctl.json("reserve", "--key", "1", "--type", "ea",
                                 DEVICE)
    assert status == 24
    assert answer == {
        "command": "reserve", "device": DEVICE,
        "error": {"exit": 24, "message": "RESERVATION CONFLICT (status 18h)",
                  "status": "RESERVATION CONFLICT", "sense": None},
        "reservation": {"key": "0x0000000000000002", "type": 3,
                        "type-name": "exclusive-access", "scope": 0},
        "holder-transport-id": "iqn.2003-01.org.example:a,i,0x00023d000001",
        "key-registered": True}


def test_a_conflict_of_all_registrants_says_so(helper, prmctl):
    helper.unit.register("other", 2)
    helper.unit.reserve("other", 8)
    done = prmctl("clear", "--key", "9", DEVICE)
    assert done.returncode == 24
    assert ("  held by every registrant, Exclusive Access, all registrants "
            "(type 8)\n"
            "  0x0000000000000009 is not registered; see prmctl register\n"
            ) in done.stderr


def test_a_conflict_without_reservation_is_about_the_key(helper, prmctl):
    helper.unit.register("self", 1)
    helper.unit.register("other", 2)
    done = prmctl("reserve", "--key", "2", "--type", "ea", DEVICE)
    assert ("  nothing is reserved now\n"
            "  0x0000000000000002 is registered, but not by this path\n"
            ) in done.stderr
    done = prmctl("register", "--new-key", "3", DEVICE)
    assert done.returncode == 24
    assert ("  this path is registered already: give its key with --key, or "
            "use register-ignore\n") in done.stderr


def test_a_victim_that_is_not_registered_is_named(helper, prmctl):
    """Whoever fences asks: has it been done already?"""
    helper.unit.register("self", 1)
    helper.unit.register("other", 2)
    words = ("preempt", "-k", "1", "--victim", "7", "-t", "wero", DEVICE)
    done = prmctl(*words)
    assert done.returncode == 24
    assert done.stderr.endswith(
        "  nothing is reserved now\n"
        "  --victim 0x0000000000000007 is not registered\n")
    answer = prmctl.json(*words)[1]
    assert (answer["key-registered"], answer["victim-registered"]) == (
        True, False)


@pytest.mark.parametrize("words", [
    ("reserve", "-t", "wero"), ("preempt", "--victim", "2", "-t", "wero")])
def test_key_0_is_no_registration(helper, prmctl, words):
    helper.unit.register("other", 2)
    done = prmctl(*words, "-k", "0", DEVICE)
    assert done.returncode == 24
    assert done.stderr.endswith(
        "  nothing is reserved now\n"
        "  0x0000000000000000 is not registered; see prmctl register\n")


def test_a_conflict_that_cannot_be_explained_is_one(helper, prmctl):
    helper.script += [fakehelper.reply(pr.RESERVATION_CONFLICT),
                      fakehelper.check(5, 0x20, 0)]
    done = prmctl("clear", "--key", "1", DEVICE)
    assert done.returncode == 24
    assert "  the device does not tell who is in the way\n" in done.stderr
    helper.script += [fakehelper.reply(pr.RESERVATION_CONFLICT),
                      fakehelper.CLOSE]
    assert prmctl("clear", "--key", "1", DEVICE).returncode == 24


def test_changes_open_the_device_for_writing(helper, prmctl, folder):
    done = prmctl("clear", "--key", "1", folder)
    assert done.returncode == 15
    assert done.stderr == (f"prmctl: clear {folder}: cannot open it for "
                           "writing: Is a directory\n")
    assert helper.requests == []


def test_recovered_error_was_carried_out(helper, prmctl):
    helper.script.append(fakehelper.check(1, 0x17, 1))
    done = prmctl("register", "--new-key", "1", DEVICE)
    assert done.returncode == 0
    assert done.stdout == "registered 0x0000000000000001\n"
    assert "RECOVERED ERROR (01/17/01)" in done.stderr
