# SPDX-License-Identifier: LGPL-2.1-or-later
"""prmctl on a real logical unit: through pr-helper, and directly."""

import json
import os
import re
import shutil

import pytest

import build
from helper import Helper
from inside import run
from targets import Lun

PRMCTL = build.program("prmctl")
PRELOAD = os.path.join(os.path.dirname(PRMCTL), "prmctl-preload.so")

THEIRS = shutil.which("qemu-pr-helper", path="/usr/bin:/usr/libexec")

NOBODY = 65534
AS_NOBODY = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}",
             "--clear-groups", "env", f"PRMCTL_PRELOAD={PRELOAD}"]

# Every suite of libiscsi about persistent reservations.
SUITES = ["PrinReadKeys", "PrinServiceactionRange", "PrinReportCapabilities",
          "ProutRegister", "ProutReserve", "ProutClear", "ProutPreempt"]


@pytest.fixture(scope="module")
def lun():
    with Lun("prmctl") as lun:
        # What somebody allowed to use the disk has, and no more.
        for path in lun.paths:
            os.chown(path.block, NOBODY, NOBODY)
        yield lun


@pytest.fixture(scope="module")
def helper():
    with Helper("--socket-mode", "0666", name="prmctl") as helper:
        yield helper


@pytest.fixture(scope="module")
def theirs():
    if not THEIRS:
        pytest.skip("needs qemu-pr-helper")
    with Helper(name="prmctl-theirs", program=THEIRS) as helper:
        yield helper


@pytest.fixture(params=["helper", "theirs", "direct"])
def prmctl(request, lun):
    """prmctl by each way, on a logical unit without registrations."""
    lun.reset()
    way = ["--direct"] if request.param == "direct" else [
        "--manager", request.getfixturevalue(request.param).socket]
    return lambda command, *words: run(PRMCTL, command, *way, *words)


def answer(ran):
    return json.loads(ran.ok().output)


def test_register_reserve_and_release(prmctl, lun):
    disk = lun.paths[0].block
    prmctl("register", "--new-key", "0x123abc", disk).ok()
    prmctl("reserve", "--key", "0x123abc", "--type", "wero", disk).ok()
    assert answer(prmctl("keys", "--json", disk))["keys"] == [
        "0x0000000000123abc"]
    assert answer(prmctl("reservation", "--json", disk))["reservation"] == {
        "key": "0x0000000000123abc", "type": 5, "scope": 0,
        "type-name": "write-exclusive-registrants-only"}
    prmctl("release", "--key", "0x123abc", "--type", "wero", disk).ok()
    prmctl("register", "--key", "0x123abc", "--new-key", "0", disk).ok()
    assert answer(prmctl("keys", "--json", disk))["keys"] == []


def test_the_other_path_is_told_who_is_in_the_way(prmctl, lun):
    here, there = (path.block for path in lun.paths)
    prmctl("register", "--new-key", "1", here).ok()
    prmctl("register", "--new-key", "2", there).ok()
    prmctl("reserve", "--key", "1", "--type", "ea", here).ok()
    ran = prmctl("reserve", "--key", "2", "--type", "ea", there)
    assert ran.status == 24
    assert re.search(r"held by 0x0000000000000001 of sas,[0-9a-f]{16}, "
                     r"Exclusive Access", ran.output)


def test_status_names_both_initiators(prmctl, lun):
    here, there = (path.block for path in lun.paths)
    prmctl("register", "--new-key", "1", here).ok()
    prmctl("register", "--new-key", "2", there).ok()
    prmctl("reserve", "--key", "1", "--type", "8", here).ok()
    registrants = answer(prmctl("status", "--json", here))["registrants"]
    assert len({one["transport-id"] for one in registrants}) == 2
    assert sorted(one["key"][-1] for one in registrants) == ["1", "2"]
    assert all(one["holder"] and one["type"] == 8 for one in registrants)


def test_preempt_takes_over_and_the_victim_hears_of_it(prmctl, lun):
    here, there = (path.block for path in lun.paths)
    prmctl("register", "--new-key", "1", here).ok()
    prmctl("register", "--new-key", "2", there).ok()
    prmctl("reserve", "--key", "1", "--type", "ea", here).ok()
    prmctl("preempt", "--key", "2", "--victim", "1", "--type", "ea",
           there).ok()
    ran = prmctl("keys", here)
    assert ran.status == 6
    assert "registrations preempted" in ran.output
    assert answer(prmctl("keys", "--json", here))["keys"] == [
        "0x0000000000000002"]
    prmctl("clear", "--key", "2", there).ok()


def test_register_move_hands_the_reservation_over(prmctl, lun):
    here, there = (path.block for path in lun.paths)
    prmctl("register", "--new-key", "2", there).ok()
    other = answer(prmctl("status", "--json", there))["registrants"][0]
    prmctl("register", "--new-key", "1", here).ok()
    prmctl("reserve", "--key", "1", "--type", "we", here).ok()
    prmctl("register-move", "--key", "1", "--new-key", "3", "--unreg",
           "--transport-id", other["transport-id"], "--relative-target-port",
           other["relative-target-port"], here).ok()
    assert answer(prmctl("reservation", "--json", here))["reservation"][
        "key"] == "0x0000000000000003"


def test_capabilities_are_lio_s(prmctl, lun):
    told = answer(prmctl("capabilities", "--json", lun.paths[0].block))
    assert told["persist-capable"] and told["transport-ids"]
    assert len(told["types"]) == 6


def test_wrong_type_at_release(prmctl, lun):
    disk = lun.paths[0].block
    prmctl("register", "--new-key", "1", disk).ok()
    prmctl("reserve", "--key", "1", "--type", "we", disk).ok()
    assert prmctl("release", "--key", "1", "--type", "ea",
                  disk).status in (5, 24)


SEQUENCE = [["-o", "-I", "-S", "123abc"], ["-i", "-k"],
            ["-o", "-R", "-K", "123abc", "-T", "5"], ["-i", "-r"],
            ["-i", "-s"], ["-i", "-c"],
            ["-o", "-L", "-K", "123abc", "-T", "5"], ["-i", "-r"],
            ["-o", "-G", "-K", "123abc"], ["-i", "-k"]]


def test_an_ordinary_user_has_no_right_to_these_commands(lun):
    lun.reset()
    ran = run(*AS_NOBODY, "sg_persist", "-o", "-I", "-S", "123abc",
              lun.paths[0].block)
    assert ran.status != 0
    assert "Operation not permitted" in ran.output


def test_sg_persist_of_an_ordinary_user_does_all_under_prmctl_run(lun,
                                                                  helper):
    lun.reset()
    disk = lun.paths[0].block
    # PRGENERATION goes on counting from one run to the next.
    said = []
    for way in ([*AS_NOBODY, PRMCTL, "run", "-m", helper.socket, "--"], []):
        said.append([re.sub("generation=0x[0-9a-f]+", "", run(
            *way, "sg_persist", *words, disk).ok().output)
            for words in SEQUENCE])
    assert said[0] == said[1]
    assert "0x123abc" in said[0][1]


def test_the_helper_s_refusal_is_the_user_s(lun, helper):
    """A disk that may only be read cannot be reserved, helper or not."""
    disk = lun.paths[1].block
    ran = run(*AS_NOBODY, PRMCTL, "run", "-m", helper.socket, "--",
              "sg_persist", "-y", "-n", "-o", "-I", "-S", "1", disk)
    assert ran.status == 9, str(ran)


def test_libiscsi_cannot_tell_prmctl_run_from_the_kernel(lun, helper):
    """Every command it sends, its status and every verdict are the same."""
    test = ["iscsi-test-cu", "-d", "-n", "-V", "--test",
            ",".join("SCSI." + suite for suite in SUITES),
            lun.paths[0].block]
    lun.reset()
    direct = run(*test)
    lun.reset()
    through = run(*AS_NOBODY, PRMCTL, "run", "-m", helper.socket, "--", *test)
    said = [re.sub("Elapsed time.*", "", ran.output)
            for ran in (direct, through)]
    assert through.status == direct.status
    assert said[1] == said[0]
    # Only what needs a second session is left out, by libiscsi itself.
    assert "Send PROUT/RESERVE to reserve, type=8" in said[0]
    assert re.search(r"asserts +(\d+) +\1 +\1 +0 ", said[0])
