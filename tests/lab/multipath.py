# SPDX-License-Identifier: LGPL-2.1-or-later
"""A real multipathd over paths of the lab.

    with Lun("disk0", nexuses=3) as lun, Multipathd(outside=lun.paths[2:]):
        node = find_map(lun.paths[0])    /dev/mapper/mpatha

Paths named in outside are left alone: they play another host.
"""

import os
import pathlib
import signal
import subprocess

from inside import LIMIT_S, modprobe, read, run, wait_for, work_folder

CONFIG = """defaults {{
    user_friendly_names yes
    find_multipaths no
    reservation_key file
    polling_interval 1
    max_polling_interval 1
}}
blacklist {{
    devnode "^({outside})$"
}}
overrides {{
    no_path_retry fail
}}
"""


def start_udev():
    """Once in a boot; multipathd learns of disks from it.

    Of disks alone, and a few at a time: a worker for each device that this
    kernel has would be hundreds of processes.
    """
    if not pathlib.Path("/run/udev/control").exists():
        run("/lib/systemd/systemd-udevd", "--daemon",
            "--children-max=2").ok()
    run("udevadm", "trigger", "--action=add", "--subsystem-match=block",
        "--sysname-match=sd*").ok()
    run("udevadm", "settle", "-t", str(LIMIT_S)).ok()


class Multipathd:
    """multipathd with maps over all LIO and scsi_debug disks but outside."""

    def __init__(self, outside=()):
        modprobe("dm-multipath", "dm-service-time")
        os.makedirs("/etc/multipath", exist_ok=True)
        names = "|".join(path.name for path in outside) or "none"
        pathlib.Path("/etc/multipath.conf").write_text(
            CONFIG.format(outside=names), encoding="ascii")
        start_udev()
        self.log = work_folder() / "multipathd.log"
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(
                ["multipathd", "-d", "-s"], stdin=subprocess.DEVNULL,
                stdout=log, stderr=log)

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        print(f"log of multipathd:\n{self.log.read_text(errors='replace')}")
        self.stop()
        run("multipath", "-F")

    def stop(self):
        """End it; the maps stay."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(LIMIT_S)


def holders(path):
    folder = pathlib.Path(f"/sys/block/{path.name}/holders")
    return sorted(os.listdir(folder)) if folder.exists() else []


def find_map(*paths):
    """The node of the map that stands on these paths, once it is there."""
    def find():
        names = {tuple(holders(path)) for path in paths}
        if len(names) != 1 or len(next(iter(names))) != 1:
            return None
        (dm,) = next(iter(names))
        node = pathlib.Path("/dev/mapper") / read(f"/sys/block/{dm}/dm/name")
        return node if node.exists() else None
    return wait_for(find, f"a map over {paths}")
