# SPDX-License-Identifier: LGPL-2.1-or-later
"""The examples of doc/examples/ do what they say, and build for anybody."""

import glob
import os
import shlex
import subprocess

import pytest

import build
from peers import LIBRARY, LIMIT_S, helper_manager, program, run

EXAMPLES = os.path.join(build.ROOT, "doc/examples")
KEY = 0x123abc


def test_reserve_reserves(helper):
    disk = helper.device(lu="a")
    assert run(program("example-reserve"), helper.socket, disk.path,
               hex(KEY)) == (0, f"{disk.path} is reserved\n", "")
    # Again: the nexus is registered, and holds it already.
    assert run(program("example-reserve"), helper.socket, disk.path,
               hex(KEY))[0] == 0


def test_reserve_tells_failures_apart(helper):
    first, second = helper.device(lu="a"), helper.device(lu="a", nexus="2")
    reserve = program("example-reserve")
    assert run(reserve, helper.socket, first.path, "1")[0] == 0
    status, out, err = run(reserve, helper.socket, second.path, "2")
    assert (status, out) == (1, "")
    assert err.endswith("refused with status 18h\n")
    status, _, err = run(reserve, "/nonexistent", first.path, "1")
    assert status == 2 and "'/nonexistent'" in err
    status, _, err = run(reserve, helper.socket, "/nonexistent", "1")
    assert status == 2 and "/nonexistent: No such file" in err
    assert run(reserve)[0] == 2


def vmm(helper, disk, lines, more=""):
    """The example VMM with a scripted disk: its lines of output."""
    status, out, err = run(
        program("vmm-loop-scripted"), helper_manager(helper),
        f"scsi-block,pr-manager=helper0{more}", str(disk.path),
        stdin="".join(line + "\n" for line in lines))
    assert (status, err) == (0, "")
    return out.splitlines()


def pr_out(action, type_=0, key=0, new_key=0):
    return (f"out 5f{action:02x}{type_:02x}00000000001800 "
            f"{key:016x}{new_key:016x}{0:016x}")


def test_the_vmm_keeps_pr_and_other_commands_apart(helper):
    disk = helper.device(lu="a", data=b"hello")
    # A scripted unit knows PERSISTENT RESERVE only: 05/20/00 is SG_IO's way.
    lines = sorted(vmm(helper, disk, [
        pr_out(6, new_key=KEY), "none 000000000000", "nonsense",
        "in 5e000000000000001800 24"]))
    assert lines[0] == "0: status 00"
    assert lines[1] == "1: status 02 sense 05/20/00"
    assert lines[2] == "2: status 02 sense 05/24/00"
    assert lines[3].startswith("3: status 00 data ")
    assert lines[3].endswith(f"{KEY:016x}")
    assert lines[4] == f"key {KEY:#x} type 0"


def test_the_vmm_knows_what_its_guest_holds(helper):
    disk = helper.device(lu="a")
    lines = vmm(helper, disk, [
        pr_out(6, new_key=KEY), pr_out(1, 5, KEY), pr_out(1, 1, KEY)])
    assert lines == ["0: status 00", "1: status 00", "2: status 18",
                     f"key {KEY:#x} type 5"]


def test_the_vmm_hides_what_cannot_migrate(helper):
    disk = helper.device(in_data=bytes([0, 8, 0xff, 0, 0, 0, 0, 0]))
    query = "in 5e020000000000000800 8"
    assert vmm(helper, disk, [query])[0].endswith("0008ff0000000000")
    assert vmm(helper, disk, [query], ",migrate-pr=on")[0].endswith(
        "0008f30000000000")


def test_the_vmm_says_why_it_does_not_start(helper):
    status, _, err = run(
        program("example-vmm-loop"), helper_manager(helper),
        "scsi-block,pr-manager=helper0", "/dev/null")
    assert (status, err) == (1, "scsi-block needs a SCSI device, which "
                             "'/dev/null' is not\n")
    status, _, err = run(
        program("example-vmm-loop"), helper_manager(helper),
        "scsi-block,pr-manager=helper1", "/dev/null")
    assert (status, err) == (1, "property 'pr-manager': there is no manager "
                             "with the id 'helper1'\n")


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """The flags of pkg-config for a staged installation."""
    root = str(tmp_path_factory.mktemp("installed"))
    done = subprocess.run(
        ["meson", "install", "-C", build.BUILD, "--no-rebuild", "--destdir",
         root], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True, timeout=LIMIT_S, check=False)
    assert done.returncode == 0, done.stdout
    found = glob.glob(f"{root}/**/prmanager.pc", recursive=True)
    assert len(found) == 1
    done = subprocess.run(
        ["pkg-config", "--cflags", "--libs", "prmanager"],
        stdout=subprocess.PIPE, text=True, timeout=LIMIT_S, check=True, env={
            **os.environ, "PKG_CONFIG_SYSROOT_DIR": root,
            "PKG_CONFIG_LIBDIR": os.path.dirname(found[0])})
    return shlex.split(done.stdout)


@pytest.mark.skipif(bool(os.environ.get("PRM_SANITIZER")),
                    reason="an ordinary program needs an ordinary library")
@pytest.mark.parametrize("name", ["reserve", "vmm-loop"])
def test_examples_build_with_pkg_config_only(installed, name, tmp_path):
    built = str(tmp_path / name)
    done = subprocess.run(
        ["gcc", "-Wall", "-Wextra", "-Werror", "-Wno-unused-parameter",
         f"{EXAMPLES}/{name}.c", "-o", built, *installed],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True, timeout=LIMIT_S, check=False)
    assert done.returncode == 0, done.stdout
    folder = next(word[2:] for word in installed if word.startswith("-L"))
    status, _, err = run(built, env={"LD_LIBRARY_PATH": folder})
    assert status == 2 and "usage" in err
    assert folder != LIBRARY
