# SPDX-License-Identifier: LGPL-2.1-or-later
"""systemd as PID 1 of a container in the lab, with the units of pr-manager.

    with Systemd() as systemd:
        systemd.ctl("start", "pr-helper.socket").ok()
        systemd.main_pid("pr-helper.service")     of the lab, not of inside

The container has a pid and a mount namespace of its own.  Folders that were
mounted before are common, /run among them: its sockets are the lab's.
"""

import json
import os
import pathlib
import shutil
import subprocess

from inside import run, wait_for

import build  # of tests/support, which inside has put into the path

SYSTEMD = "/lib/systemd/systemd"
PRIVATE = pathlib.Path("/run/systemd/private")
FOLDER = pathlib.Path("/run/systemd/system")

# What a container of this kind has no use for, and would wait for.
MASKED = ["systemd-udevd.service", "systemd-udev-trigger.service",
          "systemd-udevd-control.socket", "systemd-udevd-kernel.socket",
          "systemd-timesyncd.service", "systemd-logind.service",
          "systemd-networkd.service", "systemd-resolved.service",
          "systemd-tmpfiles-setup.service", "systemd-remount-fs.service",
          "systemd-tmpfiles-setup-dev.service", "dev-hugepages.mount",
          "systemd-journal-flush.service", "systemd-update-utmp.service",
          "systemd-sysctl.service", "systemd-modules-load.service",
          "dev-mqueue.mount", "sys-kernel-debug.mount",
          "sys-kernel-tracing.mount", "kmod-static-nodes.service",
          "systemd-random-seed.service", "getty.target"]

TARGET = """[Unit]
Description=Nothing but what the tests start
Requires=systemd-journald.socket
AllowIsolate=yes
"""


def installed():
    """{what the build made: where it is installed}, if below /usr."""
    listed = pathlib.Path(build.BUILD) / "meson-info/intro-installed.json"
    files = json.loads(listed.read_text(encoding="utf-8"))
    return {source: place for source, place in files.items()
            if place.startswith("/usr/") and os.path.isfile(source)}


def install():
    """What meson install would do, but in a second; into the overlay."""
    for source, place in installed().items():
        if "/include/" in place or "/man/" in place:
            continue
        os.makedirs(os.path.dirname(place), exist_ok=True)
        shutil.copy(source, place)
    run("systemd-sysusers", "/usr/lib/sysusers.d/pr-helper.conf").ok()


class Systemd:
    """A running systemd; all that it has started ends with it."""

    def __init__(self):
        FOLDER.mkdir(parents=True, exist_ok=True)
        for unit in MASKED:
            link = FOLDER / unit
            if not link.is_symlink():
                link.symlink_to("/dev/null")
        (FOLDER / "lab.target").write_text(TARGET, encoding="ascii")
        script = ("mount -t proc proc /proc && "
                  "mount -t cgroup2 cgroup2 /sys/fs/cgroup && "
                  f"exec env container=lab {SYSTEMD} --unit=lab.target "
                  "--log-target=console --log-level=notice "
                  "--show-status=no")
        self.process = subprocess.Popen(
            ["unshare", "--mount", "--pid", "--fork", "--kill-child",
             "sh", "-c", script], stdin=subprocess.DEVNULL)
        wait_for(self._is_up, "systemd to be up")

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        print(self.log())
        self.process.kill()
        self.process.wait()

    def _is_up(self):
        assert self.process.poll() is None, "systemd has ended"
        return PRIVATE.exists() and self.ctl(
            "is-active", "lab.target").output.strip() == "active"

    def init(self):
        """PID 1 of the container, as the lab numbers it."""
        with open(f"/proc/{self.process.pid}/task/{self.process.pid}/children",
                  encoding="ascii") as file:
            return int(file.read().split()[0])

    def inside(self, *command):
        """Run a command in the container."""
        return run("nsenter", "-t", self.init(), "--mount", "--pid", *command)

    def ctl(self, *words):
        return self.inside("systemctl", "--no-pager", *words)

    def show(self, unit, name):
        """A property of a unit."""
        return self.ctl("show", "-P", name, unit).ok().output.strip()

    def log(self):
        """The journal of what pr-manager runs."""
        return self.inside("journalctl", "--no-pager", "-o", "short-monotonic",
                           "-u", "pr-helper*").output


def daemons():
    """Processes whose program is the installed pr-helper, by the lab's ids."""
    found = []
    for name in os.listdir("/proc"):
        if not name.isdigit():
            continue
        try:
            if os.readlink(f"/proc/{name}/exe") == "/usr/bin/pr-helper":
                found.append(int(name))
        except OSError:
            continue
    return found
