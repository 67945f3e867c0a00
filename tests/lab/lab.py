#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The lab: a throw-away Linux with real SCSI targets, on a machine that has none.

    tests/lab/lab.py -- COMMAND [ARGUMENT...]     run a command inside
    tests/lab/lab.py                              a shell inside

User-mode Linux boots as an ordinary process over this machine's own files
(init.sh says how nothing leaks out).  Here is the outer half: what is missing,
boot, hard time limit, output and exit status.  doc/lab.md tells the rest.
"""

import argparse
import os
import pathlib
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import image

HERE = pathlib.Path(__file__).resolve().parent
CHECKOUT = HERE.parent.parent
INSIDE = pathlib.Path("/run/lab")

# A boot takes seconds; this is for a machine that is busy with other things.
LIMIT_S = 1080
# What the kernel may take to stop once the command has ended; nothing that
# happens then is of interest.
GOODBYE_S = 60
MEMORY_MIB = 1024

# What the lab runs, and the Debian package that has it.
PROGRAMS = {
    "linux.uml": "user-mode-linux",
    "setpriv": "util-linux",
    "modprobe": "kmod",
    "sg_persist": "sg3-utils",
    "dmsetup": "dmsetup",
    "busybox": "busybox-static",
    "cpio": "cpio",
    "qemu-system-x86_64": "qemu-system-x86",
    "pytest-3": "python3-pytest",
}


class LabError(Exception):
    """The lab ended without an exit status of the command."""


def missing():
    """What keeps the lab from running here, in words; empty when it can."""
    path = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"
    lacks = [f"{program} (package {package})"
             for program, package in PROGRAMS.items()
             if not shutil.which(program, path=path)]
    if not list(pathlib.Path("/usr/lib/uml/modules").glob("*/modules.dep")):
        lacks.append("modules of user-mode Linux in /usr/lib/uml/modules")
    if os.geteuid() != 0:
        lacks.append("the rights of root (files of root are read inside)")
    return lacks


def explain(lacks):
    return ("the lab cannot run here, it lacks: " + ", ".join(lacks) +
            "; tools/install-deps brings what is not built")


def memory_folder(folder):
    """Where user-mode Linux may keep its memory: it must be executable."""
    shm = "/dev/shm"
    try:
        fs = os.statvfs(shm)
    except OSError:
        return folder
    room = fs.f_bavail * fs.f_frsize >= 2 * MEMORY_MIB << 20
    return shm if room and not fs.f_flag & os.ST_NOEXEC else folder


class Lab:
    """One boot that runs one command.

    folder is shared with the inside, which sees it as /run/lab.  With a
    terminal as stdin the command can be talked to, else it reads nothing.
    """

    def __init__(self, command, env=None, stdin=None, stdout=None, cwd=None):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="pr-lab-"))
        self.console = self.folder / "console"
        self.process = None
        try:
            self._write_job(command, env or {})
            self._boot(cwd or os.getcwd(), stdin, stdout)
        except BaseException:
            self.close()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.close()

    def _write_job(self, command, env):
        keep = {name: value for name, value in os.environ.items()
                if name.startswith("PRM_") or name in ("TERM", "CI")}
        keep.update(env, PRM_IN_LAB="1")
        lines = [f"export {name}={shlex.quote(str(value))}"
                 for name, value in keep.items()]
        lines.append("exec " + shlex.join(map(str, command)))
        (self.folder / "job.sh").write_text("\n".join(lines) + "\n")
        # A copy, because the kernel's command line can carry no blanks.
        shutil.copy(HERE / "init.sh", self.folder / "init.sh")
        (self.folder / "init.sh").chmod(0o755)

    def _boot(self, cwd, stdin, stdout):
        (self.folder / "cwd").symlink_to(cwd)
        source = "fd:0" if stdin is not None else "null"
        inside = "/dev/tty1" if stdin is not None else "/dev/null"
        with open(self.console, "ab") as console:
            # The kernel talks on the first console, the command has the
            # second to itself.
            command = [
                "setpriv", "--pdeathsig", "KILL", "--",
                "unshare", "--pid", "--fork", "--kill-child", "--",
                # Not as the namespace's first process, which cannot be
                # ended by the signal that a kernel in trouble sends itself.
                "sh", "-c", '"$@"; exit $?', "sh",
                shutil.which("linux.uml") or "linux.uml",
                f"mem={MEMORY_MIB}M", "rootfstype=hostfs", "ro",
                f"uml_dir={self.folder}/", "umid=uml",
                "con=null", f"con0=null,fd:{console.fileno()}",
                f"con1={source},fd:1", "quiet", "loglevel=3",
                f"init={self.folder}/init.sh", f"LAB_DIR={self.folder}",
                f"LAB_STDIN={inside}",
            ]
            # User-mode Linux is many processes that must end together, even
            # when this one is killed: hence the pid namespace, which ends
            # with its first process.
            self.process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL if stdin is None else stdin,
                stdout=console if stdout is None else stdout,
                stderr=console, pass_fds=[console.fileno()],
                start_new_session=stdin is None,
                env={"PATH": "/usr/bin:/bin", "HOME": "/",
                     "TMPDIR": memory_folder(str(self.folder))})

    def running(self):
        return self.process.poll() is None

    def wait(self, limit_s=LIMIT_S, meanwhile=lambda: None):
        """Exit status of the command; LabError when there is none.

        meanwhile() is called a few times a second.
        """
        end = None if limit_s is None else time.monotonic() + limit_s
        done = None
        while self.process.poll() is None:
            if self._status() is not None:
                done = done or time.monotonic() + GOODBYE_S
            if done and time.monotonic() > done:
                self.kill()
                break
            if end and time.monotonic() > end:
                self.kill()
                raise LabError(f"still running after {limit_s} s, killed\n"
                               + self.tail())
            meanwhile()
            time.sleep(0.05)
        status = self._status()
        if status is None:
            raise LabError("the lab's kernel stopped before the command "
                           "ended\n" + self.tail())
        return status

    def _status(self):
        """Exit status of the command, None while it has not ended."""
        try:
            return int((self.folder / "status").read_text())
        except (OSError, ValueError):
            return None

    def tail(self, lines=60):
        """The end of the console, for messages."""
        try:
            text = self.console.read_text(errors="replace")
        except OSError:
            return ""
        return "console of the lab:\n" + "\n".join(text.splitlines()[-lines:])

    def kill(self):
        if self.process is None or self.process.poll() is not None:
            return
        if os.getpgid(self.process.pid) == self.process.pid:
            os.killpg(self.process.pid, signal.SIGKILL)
        else:
            self.process.kill()
        self.process.wait()

    def close(self):
        """End whatever still runs and remove the shared folder."""
        self.kill()
        if not os.environ.get("PRM_LAB_KEEP"):
            shutil.rmtree(self.folder, ignore_errors=True)


def main():
    parser = argparse.ArgumentParser(
        description="Run a command in the lab, a throw-away Linux with real "
        "SCSI targets; without one, a shell.")
    parser.add_argument("--limit", type=int, default=None, metavar="SECONDS",
                        help="kill the lab after this time (default: "
                        f"{LIMIT_S}, none for a shell)")
    parser.add_argument("command", nargs="*", metavar="COMMAND")
    args = parser.parse_args()

    # Asked to end, clean up first.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    lacks = missing()
    if lacks:
        sys.exit(explain(lacks))
    limit = args.limit or (LIMIT_S if args.command else None)
    stdin = sys.stdin if sys.stdin and sys.stdin.isatty() else None
    if stdin is None and not args.command:
        sys.exit("a shell in the lab needs a terminal")
    terminal = subprocess.run(["stty", "-g"], stdin=stdin, check=True,
                              capture_output=True) if stdin else None
    try:
        with Lab(args.command or ["bash", "-i"], stdin=stdin,
                 stdout=sys.stdout, env=image.environment()) as lab:
            sys.exit(lab.wait(limit))
    except LabError as error:
        sys.exit(f"lab: {error}")
    finally:
        if terminal:
            subprocess.run(["stty", terminal.stdout.strip()], stdin=stdin)


if __name__ == "__main__":
    main()
