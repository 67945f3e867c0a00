# SPDX-License-Identifier: LGPL-2.1-or-later
"""bash completes prmctl's commands, options and values."""

import os
import subprocess

import build
import pytest

COMPLETION = os.path.join(build.ROOT, "dist", "completion", "prmctl")

# The parts of package bash-completion that are used, in a few lines.
STUB = r"""
_init_completion() {
	words=("${COMP_WORDS[@]}") cword=$COMP_CWORD
	cur=${words[cword]} prev=${words[cword - 1]} split=false
}
_filedir() { COMPREPLY+=("FILE:$cur"); }
_command_offset() { COMPREPLY=("COMMAND:${words[$1]}"); }
source "$1"; shift
COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
_prmctl "$1"
printf '%s\n' "${COMPREPLY[@]}"
"""


def complete(*words):
    done = subprocess.run(
        ["bash", "--norc", "-c", STUB, "bash", COMPLETION,
         build.program("prmctl"), *words], stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        check=False)
    assert done.returncode == 0, done.stdout
    return done.stdout.split()


def test_commands():
    assert complete("re") == ["reservation", "register", "register-ignore",
                              "reserve", "release", "register-move"]
    assert {"keys", "watch", "run", "--help"} <= set(complete(""))


def test_options_of_a_command():
    assert {"--key", "--victim", "--type", "--json", "--help"} <= set(
        complete("preempt", "-"))
    assert "--aptpl" not in complete("preempt", "-")
    assert complete("register", "--new-key", "1", "--ap") == ["--aptpl"]


def test_types():
    assert complete("reserve", "--type", "w") == [
        "we", "wero", "wear", "write-exclusive",
        "write-exclusive-registrants-only", "write-exclusive-all-registrants"]


def test_devices_are_files_in_dev():
    assert complete("keys", "") == ["FILE:/dev/"]
    assert complete("keys", "/dev/sd") == ["FILE:/dev/sd"]
    assert complete("-m", "/run/helper.sock", "keys", "") == ["FILE:/dev/"]


@pytest.mark.parametrize("words", [
    ["run", "--", "sg_persist", "--i"],
    ["run", "-m", "spec", "sg_persist", "--i"],
    ["run", "sg_persist", "--i"]])
def test_what_follows_the_program_of_run_is_the_programs(words):
    assert complete(*words) == ["COMMAND:sg_persist"]
