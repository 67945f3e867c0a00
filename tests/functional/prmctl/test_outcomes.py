# SPDX-License-Identifier: LGPL-2.1-or-later
"""Exit statuses and messages for everything that can go wrong."""

import os

import fakehelper
import prclient as pr
import pytest
from program import DEVICE


@pytest.mark.parametrize("sense,status,message", [
    ((0, 0, 0), 20, "NO SENSE, no additional sense information (00/00/00)"),
    ((2, 4, 0), 2, "NOT READY, logical unit not ready (02/04/00)"),
    ((3, 0x11, 0), 3, "MEDIUM ERROR, unrecovered read error (03/11/00)"),
    ((4, 0x44, 0), 3, "HARDWARE ERROR, internal target failure (04/44/00)"),
    ((5, 0x24, 0), 5, "ILLEGAL REQUEST, invalid field in CDB (05/24/00)"),
    ((5, 0x20, 0), 9,
     "ILLEGAL REQUEST, invalid command operation code (05/20/00)"),
    ((6, 0x2A, 3), 6, "UNIT ATTENTION, reservations preempted (06/2a/03)"),
    ((7, 0x27, 7), 7,
     "DATA PROTECT, space allocation failed write protect (07/27/07)"),
    ((10, 0, 0), 10,
     "COPY ABORTED, no additional sense information (0a/00/00)"),
    ((11, 0, 6), 11, "ABORTED COMMAND, I/O process terminated (0b/00/06)"),
    ((14, 0x1D, 0), 14, "MISCOMPARE (0e/1d/00)"),
    ((13, 1, 2), 98, "VOLUME OVERFLOW (0d/01/02)")])
def test_sense_becomes_the_exit_status_of_sg_persist(helper, prmctl, sense,
                                                     status, message):
    helper.script.append(fakehelper.check(*sense))
    done = prmctl("keys", DEVICE)
    assert (done.returncode, done.stdout) == (status, "")
    assert done.stderr.splitlines()[0] == (
        f"prmctl: keys {DEVICE}: {message}")


@pytest.mark.parametrize("scsi,status,message", [
    (0x02, 98, "CHECK CONDITION without a reason"),
    (0x04, 25, "CONDITION MET (status 04h)"),
    (0x08, 26, "BUSY (status 08h)"),
    (0x18, 24, "RESERVATION CONFLICT (status 18h)"),
    (0x28, 27, "TASK SET FULL (status 28h)"),
    (0x30, 28, "ACA ACTIVE (status 30h)"),
    (0x40, 29, "TASK ABORTED (status 40h)"),
    (0x22, 99, "unknown status (status 22h)")])
def test_status_becomes_the_exit_status_of_sg_persist(helper, prmctl, scsi,
                                                      status, message):
    helper.script.append(fakehelper.reply(scsi))
    done = prmctl("keys", DEVICE)
    assert done.returncode == status
    assert done.stderr == f"prmctl: keys {DEVICE}: {message}\n"


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
def test_a_socket_that_may_not_be_used_says_whom_to_ask(helper, prmctl):
    os.chmod(helper.path, 0)
    prmctl.command = ["setpriv", "--bounding-set=-dac_override",
                      *prmctl.command]
    done = prmctl("keys", DEVICE)
    assert done.returncode == 15
    assert done.stderr == (
        f"prmctl: keys {DEVICE}: cannot connect to a helper at "
        f"'{helper.path}': Permission denied\n"
        "  you need the right to write to the socket, see --socket-mode in "
        "pr-helper(8)\n")


def test_a_manager_of_endless_words_is_refused(prmctl):
    done = prmctl.raw("keys", "--manager", "/" + "x" * 5000, DEVICE)
    assert done.returncode == 1
    assert "--manager is longer than 4096 bytes" in done.stderr


def test_a_unit_attention_says_what_to_do(helper, prmctl):
    helper.script.append(fakehelper.check(6, 0x2A, 5))
    assert prmctl("keys", DEVICE).stderr == (
        f"prmctl: keys {DEVICE}: UNIT ATTENTION, registrations preempted "
        "(06/2a/05)\n"
        "  the device reports an earlier event this way, once, instead of "
        "carrying out\n"
        "  the command: run it again\n")
    assert prmctl("keys", DEVICE).returncode == 0


def test_a_wrong_type_at_release_says_what_to_do(helper, prmctl):
    helper.script.append(fakehelper.check(5, 0x26, 4))
    done = prmctl("release", "-k", "1", "-t", "we", DEVICE)
    assert done.returncode == 5
    assert "  --type is not that of the reservation" in done.stderr


def test_errors_as_json(helper, prmctl):
    helper.script.append(fakehelper.check(5, 0x26, 0))
    assert prmctl.json("keys", DEVICE) == (5, {
        "command": "keys", "device": DEVICE, "error": {
            "exit": 5,
            "message": "ILLEGAL REQUEST, invalid field in parameter list "
                       "(05/26/00)",
            "status": "CHECK CONDITION",
            "sense": {"key": 5, "asc": 0x26, "ascq": 0,
                      "key-name": "ILLEGAL REQUEST",
                      "name": "invalid field in parameter list"}}})


@pytest.mark.parametrize("command,data", [
    ("keys", b"\0\0\0\1\0\0\0"), ("keys", b"\0\0\0\1\0\0\0\7" + bytes(16)),
    ("reservation", b"\0\0\0\1\0\0\0\4" + bytes(16)),
    ("reservation", b""), ("capabilities", b"\0\7" + bytes(6)),
    ("status", b"\0\0")])
def test_answers_that_make_no_sense(helper, prmctl, command, data):
    helper.script.append(fakehelper.reply(payload=data))
    done = prmctl(command, DEVICE)
    assert done.returncode == 97
    assert done.stderr == (f"prmctl: {command} {DEVICE}: the device's answer "
                           f"of {len(data)} bytes makes no sense\n")


def test_a_helper_that_hangs_up_leaves_doubt(helper, prmctl):
    helper.script.append(fakehelper.CLOSE)
    done = prmctl("clear", "--key", "1", DEVICE)
    assert done.returncode == 99
    assert ("no answer (Connection reset by peer); the command may or may "
            "not have been carried out") in done.stderr
    assert len(helper.requests) == 1


def test_a_helper_that_is_silent_leaves_doubt(helper, prmctl):
    helper.script.append(fakehelper.SILENCE)
    done = prmctl("clear", "--key", "1", "--timeout", "0.5", DEVICE)
    assert done.returncode == 33
    assert ("no answer in time; the command may or may not have been carried "
            "out") in done.stderr


def test_no_helper_says_what_to_do(prmctl):
    done = prmctl("keys", DEVICE)
    assert done.returncode == 15
    assert done.stderr == (
        f"prmctl: keys {DEVICE}: cannot connect to a helper at "
        f"'{prmctl.socket}': No such file or directory\n"
        "  is pr-helper running? --manager PATH names another socket, "
        "--direct does without one\n")


def test_the_manager_can_be_spelled_out(helper, prmctl):
    spec = f"pr-manager-helper,path={prmctl.socket}"
    assert prmctl.raw("keys", "-m", spec, DEVICE).returncode == 0
    assert prmctl.raw("keys", f"--manager={spec},id=mine",
                      DEVICE).returncode == 0
    done = prmctl.raw("keys", "-m", spec + ",color=red", DEVICE)
    assert done.returncode == 1
    assert "'color'" in done.stderr
    done = prmctl.raw("keys", "-m", "pr-manager-nonsense", DEVICE)
    assert done.returncode == 15
    assert "'pr-manager-nonsense'" in done.stderr


def test_a_socket_without_its_whole_path_says_what_to_do(prmctl):
    done = prmctl.raw("keys", "-m", "helper.sock", DEVICE)
    assert done.returncode == 15
    assert done.stderr.splitlines()[1:] == [
        "  a helper's socket is named by its whole path, which begins with "
        "'/'"]


def test_a_manager_that_is_empty_is_named(prmctl):
    """As from a variable of the shell that was never set."""
    done = prmctl.raw("keys", "-m", "", DEVICE)
    assert (done.returncode, done.stderr) == (
        1, "prmctl: --manager is empty\n")


def test_a_socket_with_commas_in_its_name(prmctl, folder):
    path = os.path.join(folder, "a,b,,c")
    with fakehelper.FakeHelper(path):
        assert prmctl.raw("ping", "--manager", path).returncode == 0


def test_direct_needs_a_scsi_device(prmctl):
    done = prmctl.raw("keys", "--direct", DEVICE)
    assert done.returncode == 9
    assert done.stderr == (
        f"prmctl: keys {DEVICE}: ILLEGAL REQUEST, invalid command operation "
        "code (05/20/00)\n"
        "  this is no device with persistent reservations, or it cannot be "
        "written to\n")


def test_output_that_cannot_be_written_is_a_failure(helper, prmctl):
    if not os.path.exists("/dev/full"):
        pytest.skip("this machine has no /dev/full")
    import subprocess
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [prmctl.program, "keys", "-m", prmctl.socket, DEVICE],
            stdin=subprocess.DEVNULL, stdout=full, stderr=subprocess.PIPE,
            text=True, env=prmctl.env, check=False)
    assert done.returncode == 15
    assert done.stderr == "prmctl: cannot write to standard output\n"


def test_ping(helper, prmctl):
    done = prmctl("ping")
    assert done.returncode == 0
    word, number, unit = done.stdout.split()
    assert (word, unit) == ("alive,", "microseconds")
    assert int(number) >= 0
    status, answer = prmctl.json("ping")
    assert (status, answer["alive"]) == (0, True)
    assert isinstance(answer["microseconds"], int)
    assert helper.requests == []


def test_ping_without_helper(prmctl):
    done = prmctl("ping")
    assert (done.returncode, done.stdout) == (15, "")
    assert prmctl.json("ping")[1]["error"]["exit"] == 15


def test_pr_is_what_the_fake_helper_speaks(helper, prmctl):
    """The fake is held to the client of the helper protocol."""
    with pr.Client(prmctl.socket) as client, open(DEVICE, "rb") as device:
        assert client.keys(device.fileno()) == []
        assert client.out(pr.REGISTER, device.fileno(), 0, 5).good
        assert client.keys(device.fileno()) == [5]
        assert client.out(pr.RESERVE, device.fileno(), 5, 0, 1).good
        assert client.reservation(device.fileno()) == (5, 1)
