# SPDX-License-Identifier: LGPL-2.1-or-later
"""From start to end, as shells, scripts and libvirt see it."""

import fcntl
import os
import re
import resource
import signal
import socket
import stat
import subprocess

import pytest

import daemon
from daemon import says_features, wait_until
from prclient import Client, Closed

STOPS = [signal.SIGTERM, signal.SIGINT, signal.SIGHUP]


@pytest.mark.parametrize("number", STOPS, ids=lambda n: n.name)
def test_signal_ends_it_with_0_and_removes_the_socket(start, folder, sock,
                                                      number):
    one = start("-k", sock).ready(sock)
    assert one.stop(number) == 0
    assert os.listdir(folder) == []


@pytest.mark.parametrize("number", STOPS, ids=lambda n: n.name)
def test_signal_that_was_ignored_by_the_starter_ends_it_too(start, sock,
                                                            number):
    one = start("-k", sock,
                preexec=lambda: signal.signal(number, signal.SIG_IGN))
    assert one.ready(sock).stop(number) == 0


def test_signal_that_was_blocked_by_the_starter_ends_it_too(start, sock):
    one = start("-k", sock, preexec=lambda: signal.pthread_sigmask(
        signal.SIG_BLOCK, STOPS))
    assert one.ready(sock).stop() == 0


def test_other_signals_are_harmless(start, sock):
    one = start("-k", sock).ready(sock)
    for number in (signal.SIGPIPE, signal.SIGUSR1, signal.SIGUSR2,
                   signal.SIGALRM, signal.SIGTSTP, signal.SIGWINCH):
        one.process.send_signal(number)
    assert says_features(sock)
    assert one.alive()
    assert one.stop() == 0


def test_idle_clients_do_not_hold_up_the_end(start, sock):
    one = start("-k", sock).ready(sock)
    with Client(sock) as client:
        assert one.stop() == 0
        with pytest.raises(Closed):
            client.recv(1)


def test_it_says_nothing_when_all_is_well(start, sock):
    one = start("-k", sock).ready(sock)
    one.process.send_signal(signal.SIGTERM)
    assert one.wait() == (0, "", "")


def test_verbose_tells_where_it_serves_and_why_it_ends(start, sock):
    one = start("-k", sock, "-v").ready(sock)
    one.process.send_signal(signal.SIGTERM)
    _, _, err = one.wait()
    assert f"serving {sock}" in err
    assert "stopping" in err


def test_it_does_not_fork_without_d(start, sock):
    one = start("-k", sock).ready(sock)
    with open(f"/proc/{one.pid}/task/{one.pid}/children",
              encoding="ascii") as file:
        assert file.read() == ""
    assert os.getpgid(one.pid) == os.getpgid(0)


def test_socket_is_the_last_thing_to_appear(start, folder, sock):
    """Whoever sees it may connect, read the pid file, and trust both."""
    pidfile = os.path.join(folder, "pid")
    one = start("-k", sock, "-f", pidfile)
    wait_until(lambda: os.path.exists(sock) or not one.alive(), "no socket")
    with open(pidfile, encoding="ascii") as file:
        assert file.read() == f"{one.pid}\n"
    one.ready(sock)


# Descriptors

def test_stderr_that_is_closed_later_is_no_trouble(start, sock):
    """libvirt reads stderr until the socket is there, and closes it."""
    read, write = os.pipe()
    one = start("-k", sock, "-v", stderr=write)
    os.close(write)
    one.ready(sock)
    os.close(read)
    for _ in range(20):
        assert says_features(sock)
    assert one.stop() == 0


@pytest.mark.parametrize("closed", [[0], [1], [2], [0, 1, 2]], ids=str)
def test_standard_descriptors_may_be_closed(start, sock, closed):
    def close():
        for fd in closed:
            os.close(fd)

    one = start("-k", sock, preexec=close).ready(sock)
    for fd in closed:
        assert os.readlink(f"/proc/{one.pid}/fd/{fd}") == "/dev/null"
    assert one.stop() == 0


def test_inherited_descriptors_are_kept(start, folder, sock):
    """libvirt's lock on its own pid file is one of them."""
    path = os.path.join(folder, "lock")
    fd = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)

    def lock():
        fcntl.lockf(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)

    one = start("-k", sock, fds=[fd], preexec=lock).ready(sock)
    assert os.readlink(f"/proc/{one.pid}/fd/{fd}") == path
    with pytest.raises(BlockingIOError):
        fcntl.lockf(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    assert one.stop() == 0
    fcntl.lockf(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    os.close(fd)


# Pid file

def test_pid_file_is_written_without_d_and_left_behind(start, folder, sock):
    pidfile = os.path.join(folder, "pid")
    one = start("-k", sock, "-f", pidfile,
                preexec=lambda: os.umask(0)).ready(sock)
    mode = os.stat(pidfile).st_mode
    assert stat.S_ISREG(mode) and stat.S_IMODE(mode) == 0o600
    with open(pidfile, "r+", encoding="ascii") as file:
        assert file.read() == f"{one.pid}\n"
        with pytest.raises(BlockingIOError):
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        assert one.stop() == 0
        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    assert os.listdir(folder) == ["pid"]


def test_locked_pid_file_stops_a_second_before_it_harms_anything(
        start, folder, sock):
    pidfile = os.path.join(folder, "pid")
    first = start("-k", sock, "-f", pidfile).ready(sock)
    second = start("-k", sock + "2", "-f", pidfile).wait()
    assert second[0] == 1
    assert f"{pidfile} is locked by process {first.pid}" in second[2]
    assert sorted(os.listdir(folder)) == ["pid", "sock"]
    with open(pidfile, encoding="ascii") as file:
        assert file.read() == f"{first.pid}\n"
    assert says_features(sock)


def test_pid_file_is_no_link(start, folder, sock):
    precious = os.path.join(folder, "precious")
    with open(precious, "w", encoding="ascii") as file:
        file.write("precious")
    os.symlink(precious, os.path.join(folder, "pid"))
    status, _, err = start("-k", sock, "-f",
                           os.path.join(folder, "pid")).wait()
    assert status == 1 and "is a symbolic link" in err
    with open(precious, encoding="ascii") as file:
        assert file.read() == "precious"
    assert not os.path.exists(sock)


def test_failed_start_leaves_no_pid_file(start, folder, sock):
    os.mkdir(sock)
    status, _, _ = start("-k", sock, "-f", os.path.join(folder, "pid")).wait()
    assert status == 1
    assert os.listdir(folder) == ["sock"]


# Background

def test_daemon_is_up_when_the_command_returns(background, folder, sock):
    pidfile = os.path.join(folder, "pid")
    one = background(pidfile, "-k", sock)
    assert os.path.exists(sock)
    with open(pidfile, "r+", encoding="ascii") as file:
        with pytest.raises(BlockingIOError):
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    assert says_features(sock)
    assert one.stop() == 0
    assert os.listdir(folder) == ["pid"]


def test_daemon_lets_go_of_its_starter(background, folder, sock):
    one = background(os.path.join(folder, "pid"), "-k", sock)
    for fd in range(3):
        assert os.readlink(f"/proc/{one.pid}/fd/{fd}") == "/dev/null"
    assert os.readlink(f"/proc/{one.pid}/cwd") == "/"
    assert os.getsid(one.pid) == one.pid
    assert one.stop() == 0


def test_relative_pid_file_is_in_the_starters_folder(start, folder, sock):
    done = start("-d", "-f", "pid", "-k", sock, cwd=folder).wait()
    assert done[0] == 0
    with open(os.path.join(folder, "pid"), encoding="ascii") as file:
        one = daemon.Background(int(file.read()))
    assert one.stop() == 0


def test_daemon_that_cannot_start_says_so_to_its_starter(start, folder, sock):
    pidfile = os.path.join(folder, "pid")
    os.mkdir(sock)
    status, out, err = start("-d", "-f", pidfile, "-k", sock).wait()
    assert (status, out) == (1, "")
    assert "is a folder, not a socket" in err
    assert err.count("\n") == 1
    assert os.listdir(folder) == ["sock"]


def test_second_daemon_leaves_the_first_alone(start, background, folder, sock):
    pidfile = os.path.join(folder, "pid")
    one = background(pidfile, "-k", sock)
    status, _, err = start("-d", "-f", pidfile, "-k", sock).wait()
    assert status == 1 and f"locked by process {one.pid}" in err
    status, _, err = start("-d", "-f", pidfile + "2", "-k", sock).wait()
    assert status == 1 and "a helper is serving" in err
    assert not os.path.exists(pidfile + "2")
    assert says_features(sock)
    assert one.stop() == 0


# Environment

def test_it_runs_with_no_environment_at_all(folder, sock):
    done = subprocess.Popen(["/usr/bin/env", "-i", daemon.PROGRAM, "-k", sock],
                            stdin=subprocess.DEVNULL)
    try:
        wait_until(lambda: says_features(sock), "not served")
    finally:
        done.terminate()
        assert done.wait(daemon.PATIENCE_S) == 0


def test_multipath_program_that_cannot_be_run_says_why(start, sock):
    one = start("-k", sock, "--multipath-program", "/etc/passwd").ready(sock)
    pipe = one.process.stderr
    assert b"multipath: cannot execute the program: " in pipe.readline()
    assert b"the multipath broker is gone" in pipe.readline()
    assert one.stop() == 0


def test_few_descriptors_are_said(start, sock):
    one = start("-k", sock, preexec=lambda: resource.setrlimit(
        resource.RLIMIT_NOFILE, (1200, 1200))).ready(sock)
    assert one.stop() == 0
    assert re.search("RLIMIT_NOFILE leaves room for [0-9]+ clients, not [0-9]+",
                     one.wait()[2])


def test_watchdog_is_fed(start, folder, sock):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.settimeout(daemon.PATIENCE_S)
        manager.bind(os.path.join(folder, "notify"))
        one = start("-k", sock, env={
            "NOTIFY_SOCKET": os.path.join(folder, "notify"),
            "WATCHDOG_USEC": "100000"})
        for _ in range(3):
            while manager.recv(4096) != b"WATCHDOG=1":
                pass
        assert one.stop() == 0


def test_service_manager_is_told_when_it_is_up(start, folder, sock):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.settimeout(daemon.PATIENCE_S)
        manager.bind(os.path.join(folder, "notify"))
        one = start("-k", sock, env={
            "NOTIFY_SOCKET": os.path.join(folder, "notify")})
        assert b"READY=1" in manager.recv(4096).split(b"\n")
        assert os.path.exists(sock)
        assert one.stop() == 0
        assert b"STOPPING=1" in manager.recv(4096).split(b"\n")
