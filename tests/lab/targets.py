# SPDX-License-Identifier: LGPL-2.1-or-later
"""Devices of the lab: LIO LUNs, hung LUNs, partitions and mapped devices.

    with Lun("disk0") as lun:
        here, there = lun.paths          two I_T nexuses of one logical unit
        here.block, here.sg, here.bsg    /dev/sdX, /dev/sgN, /dev/bsg/...

LIO has complete persistent reservations and enforces them; it is set up by
hand in configfs.  scsi_debug has none, but can hang.
"""

import fcntl
import itertools
import os
import pathlib
import struct
import uuid

from inside import modprobe, read, run, wait_for, work_folder, write

import scsi_io  # of tests/support, which inside has put into the path

TARGET = pathlib.Path("/sys/kernel/config/target")
SCSI_DEVICES = pathlib.Path("/sys/bus/scsi/devices")
DEBUG = pathlib.Path("/sys/bus/pseudo/drivers/scsi_debug")
DEBUG_HOST = pathlib.Path("/sys/devices/pseudo_0/adapter0")

BLKRRPART = 0x125F

# scsi_debug's "host busy": no command is taken until the option is cleared.
HOST_BUSY = 0x8000

# Each command that it is sent goes into the kernel's log.
NOISE = 1

# There is no udev that would make the nodes or wait for others.
DMSETUP = ["env", "DM_DISABLE_UDEV=1", "dmsetup"]

_numbers = itertools.count(1)


def size(name):
    """Sectors of a disk, 0 while it is still being made known."""
    try:
        return int(read(f"/sys/block/{name}/size"))
    except FileNotFoundError:
        return 0


class Path:
    """One SCSI device: a path to a logical unit, with its three nodes."""

    def __init__(self, address):
        self.sysfs = SCSI_DEVICES / address
        name = self._child("block")
        self.name = name
        self.block = pathlib.Path("/dev") / name
        self.sg = pathlib.Path("/dev") / self._child("scsi_generic")
        self.bsg = pathlib.Path("/dev/bsg") / address
        for node in (self.block, self.sg, self.bsg):
            wait_for(node.exists, str(node))
        # The disk's size is read last: until then it is of no use.
        wait_for(lambda: size(name), f"the capacity of {name}")

    def _child(self, kind):
        folder = self.sysfs / kind

        def first():
            return next(iter(os.listdir(folder)), None) \
                if folder.is_dir() else None
        return wait_for(first, f"a device in {folder}")

    def set_state(self, state):
        """"offline" takes this path away, "running" brings it back."""
        write(self.sysfs / "state", state)

    def delete(self):
        """The device goes, as when it is unplugged."""
        write(self.sysfs / "delete", 1)

    def find_again(self):
        """Look for it once more; returns the path, which has new nodes."""
        address = self.sysfs.name
        write(f"/sys/class/scsi_host/host{address.split(':')[0]}/scan",
              "- - -")
        return Path(address)

    def __repr__(self):
        return f"{self.block} ({self.sysfs.name})"


class Lun:
    """A LIO logical unit in memory, reached over that many I_T nexuses."""

    def __init__(self, name, nexuses=2, size_mib=16):
        modprobe("target_core_mod", "target_core_file", "tcm_loop")
        self.name = name
        self.serial = str(uuid.uuid4())
        self.image = work_folder() / f"{name}.img"
        self.backstore = TARGET / "core" / "fileio_0" / name
        self.backstore.mkdir(parents=True)
        write(self.backstore / "control",
              f"fd_dev_name={self.image},fd_dev_size={size_mib << 20}")
        write(self.backstore / "enable", 1)
        write(self.backstore / "wwn/vpd_unit_serial", self.serial)
        self.ports = []
        self.paths = [self.add_nexus() for _ in range(nexuses)]

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.remove()

    def add_nexus(self):
        """One more path, which is not among those of reset()."""
        number = next(_numbers)
        port = TARGET / "loopback" / f"naa.5{number:015x}" / "tpgt_1"
        port.mkdir(parents=True)
        write(port / "nexus", f"naa.6{number:015x}")
        (port / "lun/lun_0").mkdir()
        (port / "lun/lun_0/virtual_scsi_port").symlink_to(self.backstore)
        self.ports.append(port)
        return Path(read(port / "address") + ":0")

    def remove_nexus(self):
        """Remove the one that was added last, and its path with it."""
        port = self.ports.pop()
        (port / "lun/lun_0/virtual_scsi_port").unlink()
        (port / "lun/lun_0").rmdir()
        write(port / "nexus", "NULL")
        port.rmdir()
        port.parent.rmdir()

    def remove(self):
        while self.ports:
            self.remove_nexus()
        self.backstore.rmdir()
        self.image.unlink()

    def commands(self, nexus):
        """How many commands have come over that nexus since it was made."""
        return int(read(self.ports[nexus] / "lun/lun_0/statistics"
                        / "scsi_tgt_port/in_cmds"))

    def reset(self):
        """No registration, no reservation, no unit attention here.

        A guest that has a path has its own attention to take up.
        """
        scsi_io.clear(self.paths[-1].sg)
        for path in self.paths:
            scsi_io.settle(path.sg)


class DebugLuns:
    """Disks of scsi_debug, which hang and answer all together.

    How many there are is said when the first of a boot are made.
    """

    def __init__(self, count=1):
        run("modprobe", "scsi_debug", f"max_luns={count}").ok()
        found = wait_for(lambda: self._found(count),
                         f"{count} disks of scsi_debug")
        self.paths = [Path(disk.name) for disk in found]

    @staticmethod
    def _found(count):
        found = sorted(DEBUG_HOST.glob("host*/target*/*:*:*:*"),
                       key=lambda disk: int(disk.name.split(":")[-1]))
        return found if len(found) >= count else None

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.answer()

    def hang(self):
        """From now on no command is answered, PERSISTENT RESERVE IN included."""
        write(DEBUG / "every_nth", 1)
        write(DEBUG / "opts", HOST_BUSY)

    def answer(self, noise=False):
        """Take up everything that waits; with noise, log each command."""
        write(DEBUG / "opts", NOISE if noise else 0)
        write(DEBUG / "every_nth", 0)


class DebugPaths(DebugLuns):
    """One disk of scsi_debug over several hosts: paths that hang together.

    Instead of the others: what hosts there are is said once in a boot, too.
    """

    def __init__(self, hosts=2):  # pylint: disable=super-init-not-called
        run("modprobe", "scsi_debug", "max_luns=1", f"add_host={hosts}",
            "vpd_use_hostno=0").ok()
        found = wait_for(lambda: self._all(hosts),
                         f"{hosts} paths of scsi_debug")
        self.paths = [Path(disk.name) for disk in found]

    @staticmethod
    def _all(hosts):
        found = sorted(DEBUG_HOST.parent.glob(
            "adapter*/host*/target*/*:*:*:*"))
        return found if len(found) >= hosts else None


class DebugLun(DebugLuns):
    """The one disk of scsi_debug that most tests need."""

    @property
    def path(self):
        return self.paths[0]


def partition(path, start=2048, sectors=8192):
    """Give a disk one partition by an MBR; returns its node."""
    entry = struct.pack("<B3xB3xII", 0, 0x83, start, sectors)
    with open(path.block, "r+b") as disk:
        disk.write(bytes(446) + entry + bytes(48) + b"\x55\xaa")
        disk.flush()
        os.fsync(disk.fileno())
        fcntl.ioctl(disk, BLKRRPART)
    return wait_for(lambda: next(iter(pathlib.Path("/dev").glob(
        f"{path.name}[0-9]*")), None), f"a partition of {path}")


class Mapped:
    """A device-mapper device with that table and uuid."""

    def __init__(self, name, table, dm_uuid=None):
        modprobe("dm-mod")
        self.name = name
        command = [*DMSETUP, "create", name, "--table", table]
        if dm_uuid:
            command += ["-u", dm_uuid]
        run(*command).ok()
        self.node = pathlib.Path("/dev/mapper") / name

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        run(*DMSETUP, "remove", "--retry", self.name).ok()


def linear(name, path, sectors=None, dm_uuid=None):
    """A linear map of a disk: of all of it, or of its first sectors."""
    return Mapped(name, f"0 {sectors or size(path.name)} linear {path.block} 0", dm_uuid)


def multipath(name, paths, dm_uuid):
    """A real multipath map without multipathd, over these paths."""
    modprobe("dm-multipath", "dm-service-time")
    legs = " ".join(f"{path.block} 1 1" for path in paths)
    return Mapped(name, f"0 {size(paths[0].name)} multipath 0 0 1 1 "
                  f"service-time 0 {len(paths)} 2 {legs}", dm_uuid)
