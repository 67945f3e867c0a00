# SPDX-License-Identifier: LGPL-2.1-or-later
"""I7: what each thread of a running daemon may do."""

import ctypes
import errno
import os
import platform
import pwd
import select
import signal
import socket
import struct
import subprocess

import pytest

import build
import daemon
from daemon import listen, status, tasks, wait_until
from test_activation import activated

RAWIO = "0000000000020000"
NONE = "0000000000000000"


def sandboxed():
    """Whether this build filters system calls unless told otherwise."""
    usage = subprocess.run([daemon.PROGRAM, "--help"], check=True, text=True,
                           stdout=subprocess.PIPE,
                           env=daemon.environment()).stdout
    return "(default: on)" in usage


def forbid_filters():
    """In the child: whoever asks for a filter gets EPERM from now on."""
    seccomp, prctl, pr_set_seccomp = 317, 157, 22  # of x86-64

    def code(op, true, false, value):
        return struct.pack("HBBI", op, true, false, value)

    load, equal, end = 0x20, 0x15, 0x06
    program = b"".join([
        code(load, 0, 0, 0),
        code(equal, 3, 0, seccomp),
        code(equal, 0, 3, prctl),
        code(load, 0, 0, 16),
        code(equal, 0, 1, pr_set_seccomp),
        code(end, 0, 0, 0x50000 | errno.EPERM),
        code(end, 0, 0, 0x7fff0000)])
    buffer = ctypes.create_string_buffer(program)
    fprog = struct.pack("HxxxxxxP", len(program) // 8,
                        ctypes.addressof(buffer))
    libc = ctypes.CDLL(None, use_errno=True)
    assert libc.prctl(pr_set_seccomp, 2, ctypes.c_char_p(fprog), 0, 0) == 0


def check_tasks(pid, bounding=NONE, uid=0, gid=0):
    """Every thread has CAP_SYS_RAWIO in reserve, and nothing else."""
    # The main one and two workers: they start once the socket is up.
    wait_until(lambda: len(tasks(pid)) >= 3, "there are no workers")
    filters = 2 if sandboxed() else 0
    for task in tasks(pid):
        seen = status(pid, task)
        assert seen["CapPrm"] == RAWIO, seen
        assert seen["CapEff"] == NONE, seen
        assert seen["CapInh"] == NONE, seen
        assert seen["CapAmb"] == NONE, seen
        assert seen["CapBnd"] == bounding, seen
        assert seen["NoNewPrivs"] == "1", seen
        assert seen["Uid"].split() == [str(uid)] * 4, seen
        assert seen["Gid"].split() == [str(gid)] * 4, seen
        assert seen["Groups"] == "", seen
        assert seen["Seccomp"] == ("2" if filters else "0"), seen
        # Older kernels do not tell their number.
        assert seen.get("Seccomp_filters", str(filters)) == str(filters)


def test_sandbox_can_be_left_out(start, sock):
    one = start("-k", sock, "--sandbox=off", "-v").ready(sock)
    assert {status(one.pid, task)["Seccomp"]
            for task in tasks(one.pid)} == {"0"}
    assert one.stop() == 0
    assert "sandbox is off" in one.wait()[2]


def test_sandbox_that_this_build_lacks_is_refused(start, folder, sock):
    if sandboxed():
        pytest.skip("this build has it")
    done = start("-k", sock, "--sandbox=on").wait()
    assert done[0] == 1 and "was built" in done[2]
    assert os.listdir(folder) == []


def test_without_a_filter_it_does_not_serve(start, folder, sock):
    """Here one that is there already forbids to add one."""
    if not sandboxed():
        pytest.skip("this build has no filter")
    if platform.machine() != "x86_64":
        pytest.skip("the test's own filter is for x86-64")
    one = start("-k", sock, "-f", sock + ".pid", preexec=forbid_filters)
    status_, out, err = one.wait()
    assert (status_, out) == (1, "")
    assert "cannot limit the system calls" in err and "--sandbox=off" in err
    assert err.count("\n") == 1
    assert os.listdir(folder) == []


def test_root_keeps_one_capability(start, sock):
    one = start("-k", sock, preexec=lambda: os.setgroups([1, 2, 3]))
    check_tasks(one.ready(sock).pid)
    assert one.stop() == 0


def test_another_user_keeps_one_capability(start, sock):
    one = start("-k", sock, "-u", "nobody", "-g", "nogroup",
                env=daemon.no_leak_check()).ready(sock)
    check_tasks(one.pid, uid=65534, gid=65534)
    assert one.stop() == 0


def test_user_brings_its_group(start, sock):
    nobody = pwd.getpwnam("nobody")
    one = start("-k", sock, "-u", "nobody",
                env=daemon.no_leak_check()).ready(sock)
    check_tasks(one.pid, uid=nobody.pw_uid, gid=nobody.pw_gid)


def test_numbers_do_as_well(start, sock):
    one = start("-k", sock, "-u", "12345", "-g", "54321",
                env=daemon.no_leak_check()).ready(sock)
    check_tasks(one.pid, uid=12345, gid=54321)


def test_activated_daemon_keeps_one_capability(start, sock):
    with listen(sock) as listener:
        one = activated(start, [listener], "-u", "nobody").ready(sock)
        check_tasks(one.pid, uid=65534, gid=65534)


def test_background_daemon_keeps_one_capability(background, folder, sock):
    one = background(os.path.join(folder, "pid"), "-k", sock)
    check_tasks(one.pid)


MULTIPATH = build.program("pr-helper-multipath")
BOTH = "0000000000220000"

needs_multipath = pytest.mark.skipif(not os.path.exists(MULTIPATH),
                                     reason="built without multipath support")


def find_broker(pid):
    """The daemon's one child, once it has given up what it does not need."""
    def find():
        with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as \
                file:
            children = file.read().split()
        return len(children) == 1 and (
            status(children[0])["NoNewPrivs"] == "1" and children[0])

    return int(wait_until(find, "there is no broker"))


def check_broker(pid, filtered):
    """It is root, with two capabilities."""
    broker = find_broker(pid)
    # The filter comes after the capabilities are gone.
    seen = wait_until(
        lambda: [status(broker)] if not filtered
        or status(broker)["Seccomp"] == "2" else None, "no filter")[0]
    assert seen["Uid"].split() == ["0"] * 4, seen
    assert seen["CapPrm"] == seen["CapEff"] == seen["CapBnd"] == BOTH, seen
    assert seen["CapInh"] == seen["CapAmb"] == NONE, seen


@needs_multipath
@pytest.mark.parametrize("user", [None, "nobody"])
def test_only_the_broker_keeps_what_multipath_needs(start, sock, user):
    options = ["-u", user] if user else []
    one = start("-k", sock, "--multipath-program", MULTIPATH, *options,
                env=daemon.no_leak_check()).ready(sock)
    entry = pwd.getpwnam(user or "root")
    check_tasks(one.pid, uid=entry.pw_uid, gid=entry.pw_gid)
    check_broker(one.pid, sandboxed())


@needs_multipath
def test_the_broker_gives_up_the_rest_without_a_filter_too(start, sock):
    one = start("-k", sock, "--multipath-program", MULTIPATH,
                "--sandbox=off").ready(sock)
    check_broker(one.pid, False)


@needs_multipath
def test_the_broker_inherits_what_it_needs_and_no_more(start, sock):
    variable = "MULTIPATH_SOCKET_NAME=/nonexistent/socket"
    with open(__file__, "rb") as file:
        one = start("-k", sock, "--multipath-program", MULTIPATH,
                    fds=(file.fileno(),),
                    env=dict([variable.split("=")], LANG="C")).ready(sock)
    broker = find_broker(one.pid)
    folder = f"/proc/{broker}/fd"
    assert __file__ not in [os.readlink(os.path.join(folder, fd))
                            for fd in os.listdir(folder)]
    with open(f"/proc/{broker}/environ", encoding="utf-8") as file:
        assert file.read() == variable + "\0"
    # The daemon blocks those that end it; the broker reads of its children.
    own = f"{1 << signal.SIGCHLD - 1:016x}"
    wait_until(lambda: status(broker)["SigBlk"] == own, "another mask")


@needs_multipath
def test_a_broker_that_sees_nothing_ends_with_its_daemon(start, sock):
    one = start("-k", sock, "--multipath-program", MULTIPATH).ready(sock)
    broker = os.pidfd_open(find_broker(one.pid))
    with os.fdopen(broker):
        signal.pidfd_send_signal(broker, signal.SIGSTOP)
        one.kill()
        assert select.select([broker], [], [], daemon.PATIENCE_S)[0]


@needs_multipath
def test_activated_daemon_has_its_broker_too(start, sock):
    with listen(sock) as listener:
        one = activated(start, [listener], "--multipath-program", MULTIPATH,
                        "-u", "nobody").ready(sock)
        nobody = pwd.getpwnam("nobody")
        check_tasks(one.pid, uid=nobody.pw_uid, gid=nobody.pw_gid)
        check_broker(one.pid, sandboxed())


def as_unit(*capabilities, bounding=None):
    """The rights that a unit with User=, Ambient- and BoundingSet= has."""
    caps = ",".join(f"+{name}" for name in capabilities)
    keep = "-all," + (caps if bounding is None else bounding)
    return ["setpriv", "--reuid=4242", "--regid=4242", "--clear-groups",
            f"--inh-caps=-all,{caps}", f"--ambient-caps=-all,{caps}",
            f"--bounding-set={keep}"]


def test_unit_with_one_capability_keeps_it(start, folder, sock):
    os.chown(folder, 4242, 4242)
    one = start("-k", sock, wrap=as_unit("sys_rawio"),
                env=daemon.no_leak_check()).ready(sock)
    check_tasks(one.pid, bounding=RAWIO, uid=4242, gid=4242)
    assert one.stop() == 0
    assert os.listdir(folder) == []


def test_unit_that_may_empties_the_bounding_set(start, folder, sock):
    os.chown(folder, 4242, 4242)
    one = start("-k", sock, wrap=as_unit("sys_rawio", "setpcap"),
                env=daemon.no_leak_check()).ready(sock)
    check_tasks(one.pid, uid=4242, gid=4242)


@pytest.mark.parametrize("wrap,words", [
    (["setpriv", "--reuid=4242", "--regid=4242", "--clear-groups"],
     "CAP_SYS_RAWIO is missing"),
    (["setpriv", "--bounding-set=-sys_rawio"], "CAP_SYS_RAWIO is missing"),
    (as_unit("sys_rawio", bounding="+sys_rawio,+chown"), "holds cap_chown"),
], ids=["user", "root", "bounding"])
def test_without_the_rights_it_does_not_start(start, folder, sock, wrap,
                                              words):
    os.chown(folder, 4242, 4242)
    done = start("-k", sock, "-f", sock + ".pid", wrap=wrap).wait()
    assert done[0] == 1
    assert words in done[2] and done[2].count("\n") == 1
    assert os.listdir(folder) == []


def test_without_the_rights_nothing_is_touched(start, folder, sock):
    """Not even a stale socket is replaced by a helper that cannot be one."""
    os.chown(folder, 4242, 4242)
    listen(sock).close()
    os.chown(sock, 4242, 4242)
    before = os.stat(sock).st_ino
    done = start("-k", sock, wrap=["setpriv", "--reuid=4242", "--regid=4242",
                                   "--clear-groups"]).wait()
    assert done[0] == 1
    assert os.listdir(folder) == ["sock"]
    assert os.stat(sock).st_ino == before


def test_user_cannot_be_changed_without_the_right(start, folder, sock):
    os.chown(folder, 4242, 4242)
    done = start("-k", sock, "-u", "nobody", wrap=as_unit("sys_rawio")).wait()
    assert done[0] == 1 and "cannot change to user 65534" in done[2]
    assert os.listdir(folder) == []


def test_privileges_are_gone_before_the_first_byte(start, sock):
    """The features are the first thing said; by then all is given up."""
    one = start("-k", sock)

    def greeted():
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
            client.settimeout(daemon.PATIENCE_S)
            try:
                client.connect(sock)
            except (FileNotFoundError, ConnectionRefusedError):
                return False
            return client.recv(4) and status(one.pid)

    seen = daemon.wait_until(greeted, "nobody speaks")
    assert seen["CapEff"] == NONE and seen["CapPrm"] == RAWIO
