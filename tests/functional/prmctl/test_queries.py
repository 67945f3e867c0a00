# SPDX-License-Identifier: LGPL-2.1-or-later
"""prmctl keys, reservation, capabilities and status: text and JSON."""

import fakehelper
from prclient import READ_FULL_STATUS
from program import DEVICE

SAS = "sas,5000c50012345678"
ISCSI = "iqn.2003-01.org.example:a,i,0x00023d000001"


def two_hosts(unit, type_):
    """This path holds; another host is registered, too."""
    unit.register("self", 0x123ABC)
    unit.register("other", 0x7)
    unit.reserve("self", type_)


def test_keys_of_nobody(helper, prmctl):
    done = prmctl("keys", DEVICE)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == ("generation   0\n"
                           "keys         0\n")


def test_keys_are_listed_in_hex(helper, prmctl):
    two_hosts(helper.unit, 5)
    assert prmctl("keys", DEVICE).stdout == (
        "generation   2\n"
        "keys         2\n"
        "  0x0000000000123abc\n"
        "  0x0000000000000007\n")


def test_keys_as_json(helper, prmctl):
    two_hosts(helper.unit, 5)
    assert prmctl.json("keys", DEVICE) == (0, {
        "command": "keys", "device": DEVICE, "generation": 2, "count": 2,
        "complete": True,
        "keys": ["0x0000000000123abc", "0x0000000000000007"]})


def test_keys_that_did_not_fit_are_counted(helper, prmctl):
    for number in range(1030):
        helper.unit.registered[number] = number + 1
    status, answer = prmctl.json("keys", DEVICE)
    assert (status, answer["count"], answer["complete"]) == (0, 1030, False)
    assert len(answer["keys"]) == 1023
    assert "1030, not all of them here" in prmctl("keys", DEVICE).stdout


def test_no_reservation(helper, prmctl):
    assert prmctl("reservation", DEVICE).stdout == (
        "generation   0\n"
        "reservation  none\n")
    assert prmctl.json("reservation", DEVICE) == (0, {
        "command": "reservation", "device": DEVICE, "generation": 0,
        "reservation": None})


def test_reservation_of_one_holder(helper, prmctl):
    two_hosts(helper.unit, 5)
    assert prmctl("reservation", DEVICE).stdout == (
        "generation   2\n"
        "reservation  Write Exclusive, registrants only (type 5)\n"
        "holder       0x0000000000123abc\n")
    assert prmctl.json("reservation", DEVICE)[1]["reservation"] == {
        "key": "0x0000000000123abc", "type": 5,
        "type-name": "write-exclusive-registrants-only", "scope": 0}


def test_reservation_of_all_registrants_has_no_key(helper, prmctl):
    two_hosts(helper.unit, 8)
    assert prmctl("reservation", DEVICE).stdout == (
        "generation   2\n"
        "reservation  Exclusive Access, all registrants (type 8)\n"
        "holder       every registrant\n")
    assert prmctl.json("reservation", DEVICE)[1]["reservation"] == {
        "key": None, "type": 8,
        "type-name": "exclusive-access-all-registrants", "scope": 0}


def test_status_of_nobody(helper, prmctl):
    assert prmctl("status", DEVICE).stdout == (
        "generation   0\n"
        "reservation  none\n"
        "registrants  none\n")


def test_status_names_initiators_and_holder(helper, prmctl):
    two_hosts(helper.unit, 3)
    assert prmctl("status", DEVICE).stdout == (
        "generation   2\n"
        "reservation  Exclusive Access (type 3)\n"
        "\n"
        "KEY                 HOLDER  PORT   INITIATOR\n"
        f"0x0000000000123abc  yes     1      {SAS}\n"
        f"0x0000000000000007  no      1      {ISCSI}\n")


def test_status_as_json(helper, prmctl):
    two_hosts(helper.unit, 3)
    assert prmctl.json("status", DEVICE) == (0, {
        "command": "status", "device": DEVICE, "generation": 2,
        "complete": True, "registrants": [
            {"key": "0x0000000000123abc", "holder": True, "type": 3,
             "type-name": "exclusive-access", "scope": 0,
             "all-target-ports": False, "relative-target-port": 1,
             "transport-id": SAS},
            {"key": "0x0000000000000007", "holder": False,
             "all-target-ports": False, "relative-target-port": 1,
             "transport-id": ISCSI}]})


def test_status_shows_an_initiator_it_cannot_decode(helper, prmctl):
    two_hosts(helper.unit, 3)
    data = helper.unit.pr_in(3).replace(b"iqn.", b"\x1b[2J")
    helper.script.append(fakehelper.reply(payload=data))
    assert "  unknown\n" in prmctl("status", DEVICE).stdout


def test_status_that_the_device_cannot_tell_gets_advice(helper, prmctl):
    helper.script.append(fakehelper.check(5, 0x24, 0))
    done = prmctl("status", DEVICE)
    assert done.returncode == 5
    assert done.stderr == (
        f"prmctl: status {DEVICE}: ILLEGAL REQUEST, invalid field in CDB "
        "(05/24/00)\n"
        "  it cannot tell its full status; prmctl keys and prmctl "
        "reservation work everywhere\n")


def test_capabilities(helper, prmctl):
    assert prmctl("capabilities", DEVICE).stdout == (
        "survives power loss, if asked (aptpl)   yes\n"
        "survives power loss, now                yes\n"
        "registers all target ports at once      yes\n"
        "registers other initiators              yes\n"
        "tolerates RESERVE(6) of registrants     no\n"
        "replaces lost reservations              no\n"
        "allow commands                          0: no information\n"
        "types\n"
        "  1  Write Exclusive\n"
        "  3  Exclusive Access\n"
        "  5  Write Exclusive, registrants only\n"
        "  6  Exclusive Access, registrants only\n"
        "  7  Write Exclusive, all registrants\n"
        "  8  Exclusive Access, all registrants\n")


def test_capabilities_as_json(helper, prmctl):
    helper.unit.capabilities = bytes.fromhex("00080000 00000000")
    assert prmctl.json("capabilities", DEVICE) == (0, {
        "command": "capabilities", "device": DEVICE,
        "persist-capable": False, "persist-active": False,
        "all-target-ports": False, "transport-ids": False,
        "compatible-reserve": False, "replace-lost": False,
        "allow-commands": 0, "types-valid": False, "types": []})


def test_types_as_json(helper, prmctl):
    _, seen = prmctl.json("capabilities", DEVICE)
    assert seen["types"] == [
        "write-exclusive", "exclusive-access",
        "write-exclusive-registrants-only",
        "exclusive-access-registrants-only",
        "write-exclusive-all-registrants", "exclusive-access-all-registrants"]


def test_the_holder_is_told_wherever_it_stands(helper, prmctl):
    helper.unit.register("self", 1)
    helper.unit.register("other", 2)
    helper.unit.reserve("other", 3)
    assert "reservation  Exclusive Access (type 3)\n" in prmctl(
        "status", DEVICE).stdout


def test_a_status_that_was_cut_says_so(helper, prmctl):
    two_hosts(helper.unit, 1)
    data = helper.unit.pr_in(READ_FULL_STATUS)
    helper.script.append(fakehelper.reply(payload=data[:-8]))
    assert prmctl("status", DEVICE).stdout.endswith(
        "there are more, for which the answer had no room\n")


def test_queries_open_the_device_for_reading_only(helper, prmctl, folder):
    # A directory would be refused for writing before it is looked at.
    done = prmctl("keys", folder)
    assert done.returncode == 15
    assert done.stderr == f"prmctl: keys {folder}: it is not a device\n"


def test_names_from_the_command_line_are_json_whatever_they_are(helper,
                                                                prmctl):
    name = '/no"such\\device\n'
    status, answer = prmctl.json("keys", name)
    assert (status, answer["device"]) == (15, name)
