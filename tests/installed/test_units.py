# SPDX-License-Identifier: LGPL-2.1-or-later
"""The units for systemd, as far as they can be judged without running."""

import os
import re
import shutil

import pytest

from command import run

UNITS = "usr/lib/systemd/system"
DROP_IN = "usr/share/pr-manager/pr-helper.service.d/multipath.conf"

pytestmark = pytest.mark.skipif(not shutil.which("systemd-analyze"),
                                reason="systemd-analyze is not installed")


@pytest.fixture(scope="module")
def with_drop_in(root, tmp_path_factory):
    """The same installation with the drop-in for multipath in its place."""
    copy = str(tmp_path_factory.mktemp("multipath") / "root")
    shutil.copytree(root, copy, symlinks=True)
    folder = f"{copy}/etc/systemd/system/pr-helper.service.d"
    os.makedirs(folder)
    shutil.copy(f"{copy}/{DROP_IN}", folder)
    return copy


def exposure(root):
    """What systemd-analyze security makes of the service, 0 to 10."""
    done = run("systemd-analyze", "security", "--offline=yes", "--no-pager",
               f"--root={root}", "pr-helper.service")
    print(done.stdout)
    found = re.search(r"Overall exposure level for \S+: ([\d.]+)", done.stdout)
    assert found, done.stdout
    return float(found[1])


def verify(root, *units):
    return run("systemd-analyze", "verify", "--man=no", f"--root={root}",
               "--recursive-errors=no", *units)


def test_units_are_correct(root):
    done = verify(root, "pr-helper.service", "pr-helper.socket")
    assert (done.returncode, done.stdout) == (0, "")


def test_units_with_multipath_are_correct(with_drop_in):
    done = verify(with_drop_in, "pr-helper.service")
    assert (done.returncode, done.stdout) == (0, "")


def test_service_is_little_exposed(root):
    """At most 2.0; doc/privileges.md explains what is left."""
    assert exposure(root) <= 2.0


def test_multipath_costs_little_more(with_drop_in):
    assert exposure(with_drop_in) <= 3.0


def test_each_remaining_item_is_explained(root):
    done = run("systemd-analyze", "security", "--offline=yes", "--no-pager",
               f"--root={root}", "pr-helper.service",
               env={**os.environ, "LC_ALL": "C.UTF-8"})
    left = re.findall(r"^\u2717 (\S+)", done.stdout, re.M)
    assert len(left) > 5, done.stdout
    with open(os.path.join(os.path.dirname(__file__), "..", "..", "doc",
                           "privileges.md"), encoding="utf-8") as file:
        text = file.read()
    assert [item for item in left if f"`{item}`" not in text] == []


def test_service_starts_the_program_that_is_installed(root):
    with open(f"{root}/{UNITS}/pr-helper.service", encoding="utf-8") as file:
        (command,) = re.findall(r"^ExecStart=(\S+)", file.read(), re.M)
    assert os.access(root + command, os.X_OK)


def test_no_number_of_deaths_is_final(root):
    """systemd would give up after five, and all VMs with it."""
    with open(f"{root}/{UNITS}/pr-helper.service", encoding="utf-8") as file:
        assert "\nStartLimitIntervalSec=0\n" in file.read()
    with open(f"{root}/{UNITS}/pr-helper.socket", encoding="utf-8") as file:
        text = file.read()
    assert "\nTriggerLimitIntervalSec=0\n" in text
    assert "\nAlias=qemu-pr-helper.socket\n" in text


def test_the_system_user_is_made(root, tmp_path):
    (tmp_path / "etc").mkdir()
    done = run("systemd-sysusers", f"--root={tmp_path}",
               f"{root}/usr/lib/sysusers.d/pr-helper.conf")
    assert done.returncode == 0, done.stdout
    passwd = (tmp_path / "etc/passwd").read_text()
    assert re.search(r"^pr-helper:x:\d+:\d+:.*:/usr/sbin/nologin$", passwd,
                     re.M)
    assert "pr-helper:x:" in (tmp_path / "etc/group").read_text()
