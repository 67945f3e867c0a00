# SPDX-License-Identifier: LGPL-2.1-or-later
"""A QEMU with a Linux guest, in the lab.

    with Guest(helper.socket, [drive_block(lun.paths[0])]) as guest:
        guest.run("sg_persist -i -k", 0)         on the first disk
        guest.qmp("query-pr-managers")

The guest runs commands that come over its second serial port (guest-init.sh),
so one boot serves many tests.
"""

import base64
import json
import os
import socket
import subprocess
import time

from inside import INSIDE, LIMIT_S, Ran, wait_for, work_folder

# Emulated without KVM on a machine that has other work.
BOOT_LIMIT_S = 600
# A guest without secrets needs no mitigations.  Its kernel would panic when
# the timer does not tick as fast as it should, which on a busy machine is so.
BOOT_OPTIONS = ("console=ttyS0 quiet panic=-1 tsc=reliable mitigations=off "
                "nokaslr no_timer_check")


def drive(filename):
    """Command line of -drive, as the documentation of QEMU has it."""
    return lambda disk: [
        "-drive", f"if=none,id={disk},driver=raw,file.filename={filename},"
        "file.pr-manager=helper0"]


def blockdev(filename):
    """The same with -blockdev."""
    return lambda disk: [
        "-blockdev", f"node-name={disk},driver=raw,file.driver=host_device,"
        f"file.filename={filename},file.pr-manager=helper0"]


# The four forms: how the disk is given, and as which device.
FORMS = {
    "drive scsi-block": lambda path: (drive(path.block), "scsi-block"),
    "blockdev scsi-block": lambda path: (blockdev(path.block), "scsi-block"),
    "drive scsi-generic": lambda path: (drive(path.sg), "scsi-generic"),
    "blockdev scsi-generic":
        lambda path: (blockdev(path.sg), "scsi-generic"),
}


class Lines:
    """A line-wise conversation over a Unix socket with a limit on silence."""

    def __init__(self, path):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.connect(str(path))
        self.rest = b""

    def send(self, text):
        self.sock.sendall(text.encode() + b"\n")

    def receive(self, limit_s=LIMIT_S):
        end = time.monotonic() + limit_s
        while b"\n" not in self.rest:
            self.sock.settimeout(max(0.01, end - time.monotonic()))
            piece = self.sock.recv(65536)
            if not piece:
                raise EOFError("the other side has gone")
            self.rest += piece
        line, _, self.rest = self.rest.partition(b"\n")
        return line.decode(errors="replace").rstrip("\r")

    def close(self):
        self.sock.close()


class Qmp:
    """QEMU's monitor: commands are answered, events are kept."""

    def __init__(self, path):
        self.lines = Lines(path)
        self.events = []
        self._next(lambda message: "QMP" in message)
        self.execute("qmp_capabilities")

    def _next(self, wanted):
        while True:
            message = json.loads(self.lines.receive())
            print("qmp:", json.dumps(message))
            if "event" in message:
                self.events.append(message)
            if wanted(message):
                return message

    def execute(self, command, **arguments):
        self.lines.send(json.dumps({"execute": command,
                                    "arguments": arguments}))
        answer = self._next(lambda message: "return" in message
                            or "error" in message)
        assert "return" in answer, answer
        return answer["return"]

    def event(self, name):
        """Data of the oldest event of that name, waiting for it if need be."""
        def wanted(message):
            return message.get("event") == name
        found = next(filter(wanted, self.events), None) or self._next(wanted)
        self.events.remove(found)
        return found["data"]


class Guest:
    """A running guest; disk number N of the list has SCSI id N inside."""

    def __init__(self, helper_socket, disks, options=()):
        folder = work_folder()
        # In the shared folder, so that they can be read while it boots.
        self.console = INSIDE / "guest.console"
        self.log = INSIDE / "qemu.log"
        self.number = 0
        self.control = self.qmp = None
        self.arguments = self._arguments(helper_socket, disks) + [*options]
        sockets = [folder / "guest.control", folder / "guest.qmp"]
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(
                [*self.arguments, "-nographic", "-monitor", "none",
                 "-serial", f"file:{self.console}",
                 "-serial", f"unix:{sockets[0]},server=on,wait=off",
                 "-qmp", f"unix:{sockets[1]},server=on,wait=off"],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        try:
            self.control, self.qmp = (self._connect(Lines, sockets[0]),
                                      self._connect(Qmp, sockets[1]))
            self._await_boot()
            self.nodes = [self._disk(i) for i in range(len(disks))]
        except BaseException:
            print(self.logs())
            self.close()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.close()

    @staticmethod
    def _arguments(helper_socket, disks):
        arguments = [
            "qemu-system-x86_64", "-M", "q35", "-accel", "tcg", "-cpu", "max",
            "-m", "256", "-net", "none", "-no-reboot",
            "-kernel", os.environ["PRM_GUEST_KERNEL"],
            "-initrd", os.environ["PRM_GUEST_INITRD"],
            "-append", BOOT_OPTIONS,
            "-device", "virtio-scsi",
            "-object", f"pr-manager-helper,id=helper0,path={helper_socket}",
        ]
        for number, (form, device) in enumerate(disks):
            arguments += form(f"hd{number}")
            arguments += ["-device",
                          f"{device},drive=hd{number},scsi-id={number}"]
        return arguments

    def _connect(self, kind, path):
        def attempt():
            assert self.process.poll() is None, f"QEMU ended:\n{self.logs()}"
            try:
                return kind(path)
            except (FileNotFoundError, ConnectionRefusedError):
                return None
        return wait_for(attempt, f"QEMU to listen on {path}")

    def _await_boot(self):
        while self.control.receive(BOOT_LIMIT_S) != "ready":
            pass

    def _disk(self, number):
        """The guest's node of a disk: found when its sd is there."""
        folder = f"/sys/bus/scsi/devices/*:0:{number}:0/block/"
        return wait_for(
            lambda: self.run(f"ls {folder}", show=False).output.strip(),
            f"disk {number} of the guest")

    def run(self, command, disk=None, show=True):
        """Run a shell command in the guest, on that disk if one is given."""
        if disk is not None:
            command = f"{command} /dev/{self.nodes[disk]}"
        self.number += 1
        encoded = base64.b64encode(command.encode()).decode()
        self.control.send(f"{self.number} {encoded}")
        while self.control.receive() != f"begin {self.number}":
            pass
        text = ""
        while True:
            line = self.control.receive()
            if line.startswith(f"end {self.number} "):
                break
            text += line
        ran = Ran(f"guest: {command}", int(line.split()[2]),
                  base64.b64decode(text).decode(errors="replace"))
        if show:
            print(ran)
        return ran

    def logs(self):
        """What QEMU and the guest's kernel have said."""
        text = ""
        for path in (self.log, self.console):
            if path.exists():
                text += f"{path.name}:\n{path.read_text(errors='replace')}\n"
        return text

    def close(self):
        for lines in (self.control, self.qmp and self.qmp.lines):
            if lines:
                lines.close()
        self.process.kill()
        self.process.wait()
