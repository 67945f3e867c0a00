# SPDX-License-Identifier: LGPL-2.1-or-later
"""A daemon that was taken over, from inside: what it can still do (I7).

attack.c tries it, in a worker, while CAP_SYS_RAWIO is effective.
"""

import ctypes
import ctypes.util
import errno
import os
import re
import subprocess

import pytest

import build
from harness import under_valgrind
from prclient import READ_KEYS, pr_in


@pytest.fixture(scope="module", autouse=True)
def sandboxed():
    program = build.program("pr-helper-scripted")
    if not os.path.exists(program):
        pytest.skip(f"{program} is not built")
    usage = subprocess.run([program, "--help"], stdout=subprocess.PIPE,
                           text=True, check=True).stdout
    if under_valgrind() or "(default: on)" not in usage:
        pytest.skip("this build has no filter of system calls")


TABLES = ["src/sandbox/c_library.c", "src/helper/start/confine.c",
          "src/multipath/confine.c"]


@pytest.mark.parametrize("table", TABLES)
def test_every_name_in_a_table_is_a_system_call(table):
    """One that is misspelt would be refused, and nobody would know why."""
    library = ctypes.util.find_library("seccomp")
    resolve = ctypes.CDLL(library).seccomp_syscall_resolve_name
    with open(os.path.join(build.ROOT, table), encoding="utf-8") as file:
        names = re.findall(r'^\s*\{? ?"(\w+)"', file.read(), re.M)
    assert len(names) > 30
    assert [name for name in names if resolve(name.encode()) == -1] == []


def attack(helper, secret):
    """{what was tried: errno}, with 0 for what worked; and it still serves."""
    disk = helper.device(attack=secret)
    works = helper.device()
    with helper.client() as client, disk.open() as fd, works.open() as fd2:
        assert client.request(pr_in(READ_KEYS), fd).good
        assert client.request(pr_in(READ_KEYS), fd2).good
    lines = helper.log.wait("^attack over") and helper.log.matching("^attack ")
    found = {name: int(number) for name, number in
             re.findall(r"^attack (\S+) (\d+)$", "\n".join(lines), re.M)}
    del found["over"]
    assert len(found) > 50
    return found


@pytest.fixture
def secret(tmp_path):
    """A file that root alone may read."""
    path = tmp_path / "secret"
    path.write_text("secret")
    path.chmod(0o600)
    if os.geteuid() != 0:
        pytest.skip("needs a file of root's")
    return path


def test_a_daemon_that_was_taken_over_is_refused_all(start, secret):
    """But for reading what is root's, which is what -u is for."""
    found = attack(start(), secret)
    assert found.pop("read_secret") == 0
    assert set(found.values()) == {errno.EPERM}, found


def test_as_a_user_it_cannot_even_read_what_is_roots(start, secret):
    os.chmod(secret.parent, 0o755)
    found = attack(start("-u", "nobody"), secret)
    assert found.pop("read_secret") == errno.EACCES
    assert set(found.values()) == {errno.EPERM}, found


def test_it_is_the_filter_that_refuses(start, secret):
    """Without it, all works or fails for a reason of its own."""
    found = attack(start("--sandbox=off"), secret)
    for name, number in found.items():
        if name.endswith("!"):
            assert number != 0, name
        else:
            assert number != errno.EPERM, name
    for name in ("open_write", "open_memory", "make_memory_file", "fork",
                 "signal_process", "socket_inet", "socket_unix"):
        assert found[name] == 0, name


def test_a_daemon_that_only_logs_refuses_nothing(start, secret):
    found = attack(start("--sandbox=log"), secret)
    assert found["open_write"] == 0 and found["socket_inet"] == 0
