# SPDX-License-Identifier: LGPL-2.1-or-later
"""The library against our helper and against QEMU's: the same answers."""

import pytest

from peers import Client, helper_manager, program, run

KEY = 0x123abc


def keys(*values):
    """The end of an answer to READ KEYS with these keys."""
    return "".join(f"{value:016x}" for value in values)


def test_a_device_that_is_none_is_answered_with_check_condition(helper):
    with Client(helper_manager(helper), "/dev/null") as client:
        for line in "in 0 24", "out 6 0 0 1", "in 1 0":
            assert client(line).startswith("status 02 sense 0")
        assert client("connected") == "yes"


def test_a_whole_sequence_of_commands(helper):
    disk = helper.device(lu="a")
    with Client(helper_manager(helper), disk.path) as client:
        assert client(f"out 6 0 0 {KEY:x}") == "status 00"
        assert client("in 0 8192").endswith(keys(KEY))
        assert client(f"out 1 5 {KEY:x} 0") == "status 00"
        held = client("in 1 24")
        assert f"{KEY:016x}" in held and held.endswith("00050000")
        assert client(f"out 2 5 {KEY:x} 0") == "status 00"
        assert client("in 1 24").endswith("00000000")
        assert client(f"out 0 0 {KEY:x} 0") == "status 00"
        assert client("in 0 8192").endswith("00000000")


def test_conflicts_and_sense_arrive(helper):
    first, second = helper.device(lu="a"), helper.device(lu="a", nexus="2")
    with Client(helper_manager(helper), first.path) as one, \
            Client(helper_manager(helper), second.path) as two:
        assert one(f"out 6 0 0 {KEY:x}") == "status 00"
        assert one(f"out 1 1 {KEY:x} 0") == "status 00"
        assert two("out 1 1 0 0") == "status 18"
        assert two("out 6 0 0 7") == "status 00"
        assert two("out 1 1 7 0") == "status 18"
        assert two(f"out 4 1 7 {KEY:x}") == "status 00"
        assert one("in 0 24") == "status 02 sense 06/2a/05"
        assert one("in 0 24").endswith(keys(7))


def test_the_allocation_length_is_clamped_and_answered(helper):
    disk = helper.device(lu="a")
    with Client(helper_manager(helper), disk.path) as client:
        assert client(f"out 6 0 0 {KEY:x}") == "status 00"
        for length in 8191, 8192, 8193, 16384, 65535:
            assert client(f"in 0 {length}").endswith(keys(KEY))
        assert client("in 0 8").endswith("00000008")


def test_a_reader_cannot_reserve(helper):
    disk = helper.device(lu="a")
    with Client(helper_manager(helper), disk.path, "r") as client:
        assert client("in 0 24").startswith("status 00")
        assert client("out 6 0 0 1") == "status 02 sense 05/20/00"
        assert client("in 0 24").startswith("status 00")


def test_a_helper_that_was_killed_is_found_again(helper):
    more = ",reconnect-delay-ms=0,reconnect-attempts=3"
    with Client(helper_manager(helper, more), "/dev/null") as client:
        assert client("in 0 24").startswith("status 02")
        assert helper.end() == 0
        assert client("in 0 24") == "error ENOTCONN"
        assert client("connected") == "no"
        helper.status = None
        helper.start()
        assert client("in 0 24").startswith("status 02")
        assert client("connected") == "yes"


@pytest.mark.parametrize("options, message", [
    ("pr-manager-helper,id=a", "pr-manager-helper needs the property 'path'"),
    ("pr-manager-helper,id=a,path=/nonexistent",
     "cannot connect to a helper at '/nonexistent': "
     "No such file or directory"),
    ("pr-manager-helper,id=a,path=/x,reconnect=1",
     "pr-manager-helper has no property 'reconnect'"),
    ("pr-manager-nobody,id=a", "there is no class 'pr-manager-nobody' "
     "(there are: pr-manager-helper, pr-manager-scsi)"),
])
def test_errors_say_what_is_wrong(options, message):
    status, out, err = run(program("pr-client"), options, "/dev/null", "rw")
    assert (status, out, err) == (1, "", message + "\n")
