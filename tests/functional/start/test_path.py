# SPDX-License-Identifier: LGPL-2.1-or-later
"""I6: one path, one helper; and nothing else is harmed."""

import contextlib
import fcntl
import os
import signal
import socket
import stat
import subprocess
import sys

import pytest

import daemon
from daemon import listen, says_features, wait_until
from prclient import Client, Closed


def refused(start, sock, *args):
    """Start, see it fail with one line, and return that."""
    status, out, err = start("-k", sock, *args).wait()
    assert (status, out) == (1, "")
    assert err.startswith("pr-helper: ") and err.count("\n") == 1
    assert not os.path.lexists(sock + ".lock")
    return err


def number(path):
    return os.lstat(path).st_ino


def test_second_helper_leaves_the_first_alone(start, sock):
    first = start("-k", sock).ready(sock)
    before = number(sock)
    with Client(sock) as client:
        err = refused(start, sock)
        assert f"a helper is serving {sock} already" in err
        assert number(sock) == before
        with pytest.raises(socket.timeout):
            client.sock.settimeout(0.01)
            client.recv(1)
    assert says_features(sock)
    assert first.stop() == 0


def test_stale_socket_is_replaced(start, sock):
    listen(sock).close()
    start("-k", sock).ready(sock)


def test_killed_helper_is_replaced(start, sock):
    first = start("-k", sock).ready(sock)
    first.process.send_signal(signal.SIGKILL)
    first.wait()
    assert os.path.exists(sock)
    assert start("-k", sock).ready(sock).stop() == 0


def test_listener_that_never_speaks_is_replaced(start, sock):
    """So looks a killed helper with a thread that hangs in a device."""
    with listen(sock):
        before = number(sock)
        os.link(sock, sock + ".kept")
        one = start("-k", sock)
        wait_until(lambda: number_or_none(sock) not in (before, None),
                   "never replaced")
        one.ready(sock)


def number_or_none(path):
    with contextlib.suppress(FileNotFoundError):
        return number(path)
    return None


def test_full_backlog_is_somebody(start, sock):
    with listen(sock, backlog=0), \
            socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
        client.connect(sock)
        assert "takes no more clients" in refused(start, sock)
        assert os.path.exists(sock)


def test_regular_file_is_left_alone(start, sock):
    with open(sock, "w", encoding="ascii") as file:
        file.write("precious")
    assert "is a regular file, not a socket" in refused(start, sock)
    with open(sock, encoding="ascii") as file:
        assert file.read() == "precious"


def test_folder_is_left_alone(start, sock):
    os.mkdir(sock)
    assert "is a folder, not a socket" in refused(start, sock)
    assert os.path.isdir(sock)


@pytest.mark.parametrize("kind", ["dangling", "stale", "file"])
def test_link_is_left_alone(start, sock, kind):
    target = sock + ".target"
    if kind == "stale":
        listen(target).close()
    if kind == "file":
        with open(target, "w", encoding="ascii"):
            pass
    os.symlink(target, sock)
    assert "is a symbolic link, not a socket" in refused(start, sock)
    assert os.readlink(sock) == target
    assert os.path.exists(target) == (kind != "dangling")


def test_datagram_socket_is_left_alone(start, sock):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as other:
        other.bind(sock)
        assert "is a socket of another type" in refused(start, sock)
        assert os.path.exists(sock)


def test_folder_that_is_not_there_is_named(start, sock):
    err = refused(start, sock + "/no/sock")
    assert f"{sock}/no/sock" in err and "No such file or directory" in err


def test_folder_that_cannot_be_written_is_named(start):
    err = refused(start, "/proc/sock")
    assert "cannot create /proc/sock.lock" in err


def test_path_of_full_length_works(start, folder):
    sock = os.path.join(folder, "x" * (107 - len(folder) - 1))
    assert len(sock) == 107
    assert start("-k", sock).ready(sock).stop() == 0


def test_lock_that_is_held_stops_a_start(start, folder, sock):
    with open(sock + ".lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        status, _, err = start("-k", sock).wait()
    assert status == 1
    assert f"another pr-helper is starting or ending here (it holds {sock}" \
        in err
    assert os.listdir(folder) == ["sock.lock"]


LOCKER = """
import fcntl, os, sys
os.setgid(65534)
os.setuid(65534)
fd = os.open(sys.argv[1], os.O_RDWR | os.O_CREAT, 0o600)
fcntl.flock(fd, fcntl.LOCK_EX)
print(flush=True)
sys.stdin.read()
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be somebody else")
def test_lock_held_by_an_unprivileged_user_is_no_more_than_that(
        start, folder, sock):
    """Who may create files in the folder can keep a helper from starting
    there. He is named by the lock, and a helper that serves is none of his."""
    os.chmod(folder, 0o1777)
    with subprocess.Popen([sys.executable, "-c", LOCKER, sock + ".lock"],
                          stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE) as locker:
        assert locker.stdout.readline() == b"\n"
        status, _, err = start("-k", sock).wait()
        assert status == 1
        assert f"{sock}.lock" in err and err.count("\n") == 1
        assert os.listdir(folder) == ["sock.lock"]
        locker.stdin.close()
    os.unlink(sock + ".lock")
    start("-k", sock).ready(sock)


def test_lock_that_is_released_in_time_does_not(start, folder, sock):
    with open(sock + ".lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        one = start("-k", sock)
        wait_until(lambda: has_open(one.pid, lock.name), "it does not wait")
    one.ready(sock)
    wait_until(lambda: os.listdir(folder) == ["sock"], os.listdir(folder))


def has_open(pid, path):
    with contextlib.suppress(FileNotFoundError):
        for name in os.listdir(f"/proc/{pid}/fd"):
            with contextlib.suppress(FileNotFoundError):
                if os.readlink(f"/proc/{pid}/fd/{name}") == path:
                    return True
    return False


# Starting hundreds of programs that end at once takes a while under a tool.
ROUNDS = 5 if os.environ.get("PRM_SANITIZER") else 50


@pytest.mark.parametrize("attempt", range(ROUNDS))
def test_of_eight_simultaneous_starts_one_is_left(start, folder, sock,
                                                  attempt):
    if attempt % 2:
        listen(sock).close()  # half of the time over a stale socket
    helpers = [start("-k", sock) for _ in range(8)]
    wait_until(lambda: sum(h.alive() for h in helpers) == 1,
               "not one is left")
    left = [h for h in helpers if h.alive()]
    for one in helpers:
        if one not in left:
            status, _, err = one.wait()
            assert status == 0 or "a helper is serving" in err or \
                "another pr-helper is starting" in err, err
    left[0].ready(sock)
    assert os.listdir(folder) == ["sock"]
    assert left[0].stop() == 0
    assert os.listdir(folder) == []


# Mode and owner

def test_mode_comes_from_the_umask(start, sock):
    start("-k", sock, preexec=lambda: os.umask(0o027)).ready(sock)
    assert stat.S_IMODE(os.stat(sock).st_mode) == 0o750


@pytest.mark.parametrize("mode", [0o600, 0o660, 0o777])
def test_mode_can_be_given(start, sock, mode):
    start("-k", sock, f"--socket-mode={mode:o}",
          preexec=lambda: os.umask(0o077)).ready(sock)
    assert stat.S_IMODE(os.stat(sock).st_mode) == mode


@pytest.mark.parametrize("owner,uid,gid", [
    ("12345", 12345, None), ("12345:54321", 12345, 54321), ("root:7", 0, 7)])
def test_owner_can_be_given(start, sock, owner, uid, gid):
    start("-k", sock, "--socket-owner", owner).ready(sock)
    there = os.stat(sock)
    assert there.st_uid == uid
    assert there.st_gid == (os.getegid() if gid is None else gid)


def test_owner_that_cannot_be_given_is_refused(start, folder, sock):
    done = start("-k", sock, "--socket-owner", "12345",
                 wrap=["setpriv", "--bounding-set=-chown"]).wait()
    assert done[0] == 1 and done[2].count("\n") == 1
    assert f"cannot give {sock} to user 12345: that needs CAP_CHOWN" in done[2]
    assert os.listdir(folder) == []


def test_nobody_connects_before_mode_and_owner_are_right(start, sock):
    """Whoever gets through sees them as they are to be."""
    one = start("-k", sock, "--socket-mode=0620", "--socket-owner=12345:54321")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
        def connects():
            with contextlib.suppress(FileNotFoundError,
                                     ConnectionRefusedError):
                client.connect(sock)
                return True
            return not one.alive()

        wait_until(connects, "nobody listens")
        there = os.stat(sock)
    assert stat.S_IMODE(there.st_mode) == 0o620
    assert (there.st_uid, there.st_gid) == (12345, 54321)


# Take-over

@pytest.mark.parametrize("how", ["replaced", "removed"])
def test_helper_whose_path_is_gone_serves_to_the_end_and_exits(start, sock,
                                                               how):
    old = start("-k", sock).ready(sock)
    client = Client(sock)
    os.unlink(sock)
    if how == "replaced":
        start("-k", sock).ready(sock)
        after = number(sock)
    with pytest.raises(socket.timeout):
        client.sock.settimeout(2)
        client.recv(1)
    assert old.alive()
    client.close()
    assert old.wait()[0] == 0
    if how == "replaced":
        assert number(sock) == after
        assert says_features(sock)


def test_helper_without_clients_exits_as_soon_as_its_path_is_gone(start, sock):
    old = start("-k", sock).ready(sock)
    os.rename(sock, sock + ".old")
    with listen(sock + ".new"):
        os.rename(sock + ".new", sock + ".old")
        status, _, err = old.wait()
        assert status == 0
        assert f"{sock} does not lead here any more" in err
        assert os.path.exists(sock + ".old")


def test_take_over_is_noticed_where_the_folder_is_out_of_reach(start, folder,
                                                               sock):
    """As under libvirt: the folder is another user's, and 0750."""
    os.chown(folder, 12345, 12345)
    os.chmod(folder, 0o750)
    env = daemon.no_leak_check()
    old = start("-k", sock, "-u", "nobody", env=env).ready(sock)
    client = Client(sock)
    os.unlink(sock)
    new = start("-k", sock, "-u", "nobody", env=env).ready(sock)
    assert old.alive()
    client.close()
    assert old.wait()[0] == 0
    assert says_features(sock)

    # The folder does not let it remove its socket; that is no failure.
    assert new.stop() == 0
    assert os.listdir(folder) == ["sock"]
    assert start("-k", sock).ready(sock).stop() == 0


def test_stopped_helper_leaves_its_successors_socket(start, sock):
    old = start("-k", sock).ready(sock)
    with Client(sock) as client:
        os.unlink(sock)
        start("-k", sock).ready(sock)
        assert old.stop() == 0
        with pytest.raises(Closed):
            client.recv(1)
    assert says_features(sock)
