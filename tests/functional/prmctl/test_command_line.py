# SPDX-License-Identifier: LGPL-2.1-or-later
"""Command lines: what is refused, in which words, and what help says."""

import os

import pytest
from program import DEVICE, HERE

COMMANDS = ["keys", "reservation", "capabilities", "status", "register",
            "register-ignore", "reserve", "release", "clear", "preempt",
            "preempt-abort", "register-move", "watch", "ping", "run"]


@pytest.mark.parametrize("words,message", [
    ([], "no command is given; prmctl --help lists them"),
    (["--json"], "no command is given; prmctl --help lists them"),
    (["frob"], "there is no command 'frob'; prmctl --help lists them"),
    (["keys"], "keys needs a DEVICE, /dev/sdX or the like"),
    (["keys", "a", "b"], "keys: 'b' is one word too many"),
    (["ping", "a"], "ping: 'a' is one word too many"),
    (["run"], "run needs a PROGRAM"),
    (["run", "--"], "run needs a PROGRAM"),
    (["ping", "--timeout", "1"], "ping does not take --timeout"),
    (["run", "--json", "true"], "run does not take --json"),
    (["keys", "--frob", DEVICE], "there is no option --frob"),
    (["keys", "--frob=1", DEVICE], "there is no option --frob"),
    (["keys", "-jx", DEVICE], "there is no option -x"),
    (["keys", "-xj", DEVICE], "there is no option -x"),
    (["keys", "--json=1", DEVICE], "--json takes no value"),
    (["keys", DEVICE, "--manager"], "--manager needs a value"),
    (["keys", DEVICE, "-m"], "-m needs a value"),
    (["keys", DEVICE, "--key", "1"], "keys does not take --key"),
    (["keys", DEVICE, "--aptpl"], "keys does not take --aptpl"),
    (["keys", DEVICE, "--all-target-ports"],
     "keys does not take --all-target-ports"),
    (["keys", DEVICE, "--transport-id", "sas,1"],
     "keys does not take --transport-id"),
    (["keys", DEVICE, "--relative-target-port", "1"],
     "keys does not take --relative-target-port"),
    (["keys", DEVICE, "--unreg"], "keys does not take --unreg"),
    (["keys", DEVICE, "--interval", "1"], "keys does not take --interval"),
    (["keys", DEVICE, "-m", "/a", "-m", "/b"], "--manager is given twice"),
    (["keys", DEVICE, "--direct", "--direct"], "--direct is given twice"),
    (["reserve", DEVICE, "-k", "1"],
     "reserve needs --type; see prmctl reserve --help"),
    (["reserve", DEVICE, "-t", "1"],
     "reserve needs --key; see prmctl reserve --help"),
    (["reserve", DEVICE, "-t", "1", "-k", "1", "--victim", "2"],
     "reserve does not take --new-key"),
    (["clear", DEVICE, "-k", "1", "-k", "2"], "--key is given twice"),
    (["preempt", DEVICE, "-n", "1", "--victim", "2"],
     "--new-key is given twice"),
    (["clear", DEVICE, "-k", "xyz"],
     "--key 'xyz' is not a key: up to 16 hexadecimal digits, with or without "
     "0x"),
    (["clear", DEVICE, "-k", "12345678901234567"],
     "--key '12345678901234567' is not a key: up to 16 hexadecimal digits, "
     "with or without 0x"),
    (["register", DEVICE, "-n", ""],
     "--new-key '' is not a key: up to 16 hexadecimal digits, with or "
     "without 0x"),
    (["reserve", DEVICE, "-k", "1", "-t", "2"],
     "--type '2' is not a reservation type: we (1), ea (3), wero (5), earo "
     "(6), wear (7), eaar (8), or in words as "
     "write-exclusive-registrants-only"),
    (["register", DEVICE, "-n", "1", "--transport-id", "x"],
     "--transport-id 'x' is not a TransportID: iqn.NAME[,i,0xISID], "
     "sas,ADDRESS, fcp,NAME, srp,ID, sbp,EUI64, spi,ADDRESS,PORT, sop,ID, or "
     "its bytes in hexadecimal"),
    (["register-move", DEVICE, "-k", "1", "-n", "2", "--transport-id",
      "sas,1", "--relative-target-port", "65536"],
     "--relative-target-port '65536' is not a number from 0 to 65535"),
    (["register-move", DEVICE, "-k", "1", "-n", "2", "--transport-id",
      "sas,1", "--transport-id", "sas,2", "--relative-target-port", "1"],
     "register-move takes one --transport-id only"),
    (["keys", DEVICE, "--timeout", "0"],
     "--timeout '0' is not a number of seconds from 0.001 to 86400"),
    (["watch", DEVICE, "--interval", "1s"],
     "--interval '1s' is not a number of seconds from 0.001 to 86400"),
    (["keys", DEVICE, "--direct", "--manager", "x"],
     "--direct and --manager exclude each other"),
])
def test_what_is_wrong_is_said(prmctl, words, message):
    done = prmctl.raw(*words)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"prmctl: {message}\n"


def test_33_transport_ids_are_too_many(prmctl):
    done = prmctl.raw("register", "-n", "1", DEVICE,
                      *["--transport-id=sas,1"] * 33)
    assert done.returncode == 1
    assert done.stderr == "prmctl: more than 32 --transport-id\n"


def test_32_transport_ids_are_sent(helper, prmctl):
    done = prmctl("register", "-n", "1", DEVICE,
                  *["--transport-id=sas,1"] * 32)
    assert done.returncode == 0
    assert len(helper.requests[0][1]) == 28 + 32 * 24


def test_options_may_stand_anywhere(helper, prmctl):
    assert prmctl.raw("--json", "-m", prmctl.socket, "keys",
                      DEVICE).returncode == 0
    assert prmctl.raw("keys", DEVICE, "-jm", prmctl.socket).returncode == 0
    assert prmctl.raw("keys", "-m", prmctl.socket, "--",
                      DEVICE).returncode == 0


@pytest.mark.parametrize("words", [["--help"], ["-h"], ["help"]])
def test_help_lists_every_command(prmctl, words):
    done = prmctl.raw(*words)
    assert (done.returncode, done.stderr) == (0, "")
    for command in COMMANDS:
        assert f"\n  {command} " in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 80


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_has_help(prmctl, command):
    done = prmctl.raw(command, "--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"Usage: prmctl {command} ")
    assert max(map(len, done.stdout.splitlines())) <= 80
    assert prmctl.raw("help", command).stdout == done.stdout


def test_version(prmctl):
    done = prmctl.raw("--version")
    assert done.returncode == 0
    assert done.stdout.startswith("prmctl 0.")


def examples():
    """The command lines of README.md and of the manual's EXAMPLES."""
    root = os.path.join(HERE, "..", "..", "..")
    with open(os.path.join(root, "README.md"), encoding="utf-8") as file:
        lines = [line.strip() for line in file if line[:4] == "    "]
    with open(os.path.join(root, "man", "prmctl.1"), encoding="utf-8") as file:
        lines += file.read().split(".Sh EXAMPLES")[1].splitlines()
    return [line.split("#")[0].strip() for line in lines
            if line.startswith("prmctl ") and " run " not in line]


@pytest.mark.parametrize("line", examples())
def test_examples_are_command_lines(helper, prmctl, line):
    words = line.replace("/dev/sdb", DEVICE).split()[1:]
    if words == ["--help"]:
        assert prmctl.raw(*words).returncode == 0
    else:
        assert prmctl(*words).returncode in (0, 24)
