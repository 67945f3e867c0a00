# SPDX-License-Identifier: LGPL-2.1-or-later
"""Tests for processors that this machine does not have, under qemu-user."""

import configparser
import os
import shlex

# What a test starts: where it is below a build folder, and what it needs.
PROGRAMS = {
    "src/helper/pr-helper": ["--sandbox=off"],
    "tests/support/pr-helper-scripted": ["--sandbox=off"],
    "src/cli/prmctl": [],
}

# What qemu-user is not able to do, and the tests that are about just that.
NOT_UNIT = {
    "device/kernel": "SG_IO and SG_GET_VERSION_NUM are not known to it, and "
                     "two signals are its own",
    "sandbox/sandbox": "it has no seccomp",
    "multipath/confine": "it has no seccomp",
    "cli-preload_memory": "it answers itself whether memory can be read",
}
NOT_FUNCTIONAL = {
    "tests/functional/prmctl/test_run.py":
        "a library is preloaded into programs of this machine",
    "tests/functional/test_sandbox.py": "it has no seccomp",
    "tests/functional/start/test_privileges.py":
        "what is seen in /proc includes the filter of seccomp",
    "tests/functional/test_exhaustion.py::test_without_memory_it_goes_on":
        "it ends itself without memory of its own",
    "tests/functional/test_descriptors.py::"
    "test_a_disk_that_is_not_scsi_is_refused":
        "SG_GET_VERSION_NUM is not known to it",
}


def wrap(build, scratch, folder):
    """Make a build folder of scripts that start the programs of another."""
    cross = configparser.ConfigParser()
    cross.read(os.path.join(scratch, "cross.ini"))
    words = shlex.split(cross["binaries"]["exe_wrapper"].translate(
        str.maketrans("[],", "   ")))
    for program, arguments in PROGRAMS.items():
        script = os.path.join(folder, program)
        os.makedirs(os.path.dirname(script), exist_ok=True)
        with open(script, "w", encoding="utf-8") as file:
            file.write(f'#!/bin/sh\nexec {words[0]} -0 "$0" ' + shlex.join(
                [*words[1:], os.path.join(build, program), *arguments])
                + ' "$@"\n')
        os.chmod(script, 0o755)


def deselected():
    """Options of pytest."""
    return [f"--deselect={test}" for test in NOT_FUNCTIONAL]
