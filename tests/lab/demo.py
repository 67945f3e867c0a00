# SPDX-License-Identifier: LGPL-2.1-or-later
"""The inner half of tools/demo: a play in four acts, told as it happens."""

import argparse
import contextlib
import io
import shlex
import subprocess
import sys
import threading
import time

from guest import FORMS, Guest
from helper import Helper
from targets import Lun

KEY_A, KEY_B = "0xa", "0xb"
CONFLICT = 24       # exit status of sg_persist
ATTENTION = 6

PROLOGUE = """
Some clusters keep their data on a disk that all their nodes can reach. When a
node stops answering, the others must take over, but first make sure that it
cannot write any more: it may only be slow, and two writers would destroy the
data. Making sure of that is called FENCING, and the disk itself does it:

  * each node REGISTERS a key of its own with the disk,
  * one node RESERVES the disk: from then on the disk refuses what the
    reservation forbids to others, such as writes,
  * a node that takes over PREEMPTS another's key, which throws it out.

These commands are called SCSI persistent reservations. Linux lets only
privileged programs send them, and a virtual machine monitor is not one.
pr-helper sends them for it: QEMU passes the guest's command and the open disk
over a socket, pr-helper runs it and returns exactly what the disk has said.
"""

SCENE = """
    node A: a guest of QEMU          node B: another machine
              |                                |
         QEMU (no rights)                      |
              | socket                         |
         pr-helper                             |
              |                                |
              +------- one shared disk --------+
"""


class Play:
    """Tells what happens, with the time since tools/demo was started.

    What the harness prints on its own, it prints for tests: not shown.
    """

    def __init__(self, begin, verbose):
        self.begin = begin
        self.verbose = verbose
        self.act_number = 0
        self.stdout = sys.stdout

    def say(self, text):
        print(text, file=self.stdout, flush=True)

    def step(self, text):
        self.say(f"[{time.time() - self.begin:3.0f} s] {text}")

    def act(self, title):
        self.act_number += 1
        self.say(f"\n==== {self.act_number}. {title} ====\n")

    @contextlib.contextmanager
    def patience(self, what):
        """Show that something long is still going on."""
        over = threading.Event()

        def remind():
            while not over.wait(5):
                self.step(f"... {what}")
        reminder = threading.Thread(target=remind, daemon=True)
        reminder.start()
        try:
            yield
        finally:
            over.set()
            reminder.join()

    def shown(self, prompt, command, status, output):
        self.say(f"{prompt} {command}")
        for line in output.splitlines():
            if line.strip():
                self.say(f"    | {line}")
        if status or not output.strip():
            self.say("    | [done]" if status == 0 else
                     f"    | [exit status {status}]")
        return status


def expect(status, wanted):
    """The demo shows what is; it stops when that is not what it says."""
    if status != wanted:
        raise SystemExit(f"demo: expected exit status {wanted}, got {status}")


def first(play, guest, command, wanted=0):
    """Node A: a command in the guest, on its disk."""
    ran = guest.run(command, show=False)
    status = play.shown("node A (guest) #", command, ran.status, ran.output)
    expect(status, wanted)


def second(play, *command, wanted=0):
    """Node B: a command over the other path to the same disk."""
    command = [str(word) for word in command]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, check=False,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    status = play.shown("node B #", shlex.join(command), done.returncode,
                        done.stdout.decode(errors="replace"))
    if wanted is not None:
        expect(status, wanted)
    return status


def write_of_b(play, there, works):
    play.say(f"Node B tries to write to the disk ({there.block}):")
    status = second(play, "dd", "if=/dev/zero", f"of={there.block}",
                    "bs=4096", "count=1", "oflag=direct", "status=none",
                    wanted=None)
    expect(status == 0, works)
    play.say("    -> " + ("written." if works else
                          "the DISK refused it, whatever node B may be."))


def reserve(play, guest, disk, there):
    play.act("The guest reserves the disk")
    play.say("Node A registers its key and reserves the disk (type 1: only "
             "the holder may\nwrite). It has no idea that pr-helper exists.\n")
    first(play, guest, f"sg_persist -n --out --register "
          f"--param-sark={KEY_A} {disk}")
    first(play, guest, f"sg_persist -n --out --reserve --param-rk={KEY_A} "
          f"--prout-type=1 {disk}")
    play.say("\nDid that reach the disk? Node B asks it, over a path of its "
             "own:\n")
    second(play, "sg_persist", "-n", "--in", "--read-full-status",
           there.block)


def fenced_off(play, guest, disk, there):
    play.act("The reservation holds")
    write_of_b(play, there, works=False)
    play.say("\nNode A, which holds the reservation, writes as ever:")
    first(play, guest, f"dd if=/dev/zero of={disk} bs=4096 count=1 "
          "conv=fsync 2>/dev/null && echo written")


def take_over(play, guest, disk, there):
    play.act("Node A is fenced")
    play.say("Now node B has reason to believe that node A is dead. It "
             "registers a key,\nand preempts that of node A: out goes node A, "
             "and the reservation is node B's.\n")
    second(play, "sg_persist", "-n", "--out", "--register",
           f"--param-sark={KEY_B}", there.block)
    second(play, "sg_persist", "-n", "--out", "--preempt",
           f"--param-rk={KEY_B}", f"--param-sark={KEY_A}", "--prout-type=1",
           there.block)
    play.say("\nNode A was not dead. With its next command the disk tells it "
             "what happened\n(a UNIT ATTENTION), and pr-helper hands that on "
             "to the guest unchanged:\n")
    first(play, guest, f"sg_raw -r 24 {disk} 5e 01 00 00 00 00 00 00 18 00",
          ATTENTION)
    play.say("\nIt can neither reserve nor write any more:\n")
    first(play, guest, f"sg_persist -n --out --reserve --param-rk={KEY_A} "
          f"--prout-type=1 {disk}", CONFLICT)
    first(play, guest, f"dd if=/dev/zero of={disk} bs=4096 count=1 "
          "conv=fsync 2>/dev/null || echo 'not written'")
    write_of_b(play, there, works=True)


def audit(play, helper):
    play.act("What pr-helper has on record")
    play.say("Every command of the guest that could have changed a "
             "reservation left one line.\nWhat node B did never passed "
             "through this helper, so it is not here.\n")
    helper.stop()
    for line in helper.messages().splitlines():
        if play.verbose or " audit " in line:
            play.say(f"    | {line}")


def perform(play):
    play.say(PROLOGUE + SCENE)
    with contextlib.ExitStack() as stack:
        play.step("making a disk (LIO, the target of the Linux kernel) with "
                  "two paths to it")
        lun = stack.enter_context(Lun("shared"))
        here, there = lun.paths
        play.step(f"node A's path is {here.block}, node B's is {there.block}")
        helper = stack.enter_context(
            Helper(*(["-v"] if play.verbose else [])))
        play.step(f"started: pr-helper -k {helper.socket}")
        form = FORMS["drive scsi-block"](here)
        with play.patience("QEMU and its guest are booting, without KVM"):
            guest = stack.enter_context(Guest(helper.socket, [form]))
        play.step("started: qemu-system-x86_64, as QEMU's documentation has "
                  "it:")
        show_command(play, guest.arguments)
        disk = f"/dev/{guest.nodes[0]}"
        reserve(play, guest, disk, there)
        fenced_off(play, guest, disk, there)
        take_over(play, guest, disk, there)
        audit(play, helper)
    play.say("")
    play.step("everything has ended, and nothing of it is left on this "
              "machine")
    play.say("""
More detail:
  tools/demo --verbose      QEMU's whole command line, all of pr-helper's log
  tests/lab/lab.py          a shell in such a throw-away Linux (doc/lab.md)
  build/src/helper/pr-helper --help
  README.md, doc/architecture.md, doc/privileges.md
""")


def show_command(play, arguments):
    """What matters of QEMU's command line; all of it with --verbose."""
    start = 0 if play.verbose else arguments.index("-device")
    lines = ["qemu-system-x86_64" if start else ""]
    for word in arguments[start:]:
        if word.startswith("-") or not lines[-1]:
            lines.append(word)
        else:
            lines[-1] += " " + word
    play.say(" \\\n".join("        " + line for line in lines if line))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--begin", type=float, default=time.time())
    parser.add_argument("--verbose", action="store_true")
    args = parser.parse_args()
    play = Play(args.begin, args.verbose)
    with contextlib.redirect_stdout(io.StringIO()):
        perform(play)


if __name__ == "__main__":
    main()
