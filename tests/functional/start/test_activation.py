# SPDX-License-Identifier: LGPL-2.1-or-later
"""Started with a socket by a service manager."""

import os
import socket

import pytest

from daemon import Background, listen, says_features
from prclient import Client

# What systemd does, as far as a service can see it.
ACTIVATE = ["/bin/sh", "-c",
            'LISTEN_PID=$$ LISTEN_FDS=$PRM_FDS exec "$0" "$@"']


def activated(start, sockets, *args, count=None, **options):
    """Start with sockets as descriptors 3, 4, ..."""
    given = [sock.fileno() for sock in sockets]
    spare = [os.dup(fd) for fd in given]
    # Out of the way of 3 and 4, whatever the test has open there.
    high = [os.dup2(fd, 100 + i) for i, fd in enumerate(spare)]
    for fd in spare:
        os.close(fd)

    def arrange():
        for i, fd in enumerate(high):
            os.dup2(fd, 3 + i)

    try:
        return start(*args, wrap=ACTIVATE, preexec=arrange,
                     fds=tuple(range(3, 3 + len(given))),
                     env={"PRM_FDS": str(len(given) if count is None
                                         else count)}, **options)
    finally:
        for fd in high:
            os.close(fd)


def test_it_serves_the_socket_it_is_given(start, sock):
    with listen(sock) as listener:
        before = os.stat(sock).st_ino
        one = activated(start, [listener]).ready(sock)
        assert os.stat(sock).st_ino == before
        assert one.stop() == 0
        assert os.path.exists(sock)


def test_it_has_no_eye_on_the_path(start, sock):
    """The service manager's socket is the service manager's business."""
    with listen(sock) as listener:
        one = activated(start, [listener]).ready(sock)
        client = Client(sock)
        os.unlink(sock)
        client.close()
        with pytest.raises(FileNotFoundError):
            os.stat(sock)
        os.symlink("elsewhere", sock)
        assert one.alive()
        assert one.stop() == 0


def test_it_may_go_to_the_background_with_it(start, sock):
    with listen(sock) as listener:
        one = activated(start, [listener], "-d", "-f", sock + ".pid")
        assert one.wait()[0] == 0
        with open(sock + ".pid", encoding="ascii") as file:
            daemon = Background(int(file.read()))
        assert says_features(sock)
        assert daemon.stop() == 0


@pytest.mark.parametrize("option", [
    ["-k", "/run/sock"], ["--socket-mode=0600"], ["--socket-owner=root"]],
    ids=lambda option: option[0])
def test_options_about_the_path_are_refused(start, sock, option):
    with listen(sock) as listener:
        status, _, err = activated(start, [listener], *option).wait()
    assert status == 1
    assert option[0].split("=")[0] in err
    assert "socket activation" in err and err.count("\n") == 1


def test_more_than_one_socket_is_refused(start, sock):
    with listen(sock) as one, listen(sock + "2") as two:
        status, _, err = activated(start, [one, two]).wait()
    assert status == 1 and "more than one socket" in err


@pytest.mark.parametrize("kind", [socket.SOCK_DGRAM, socket.SOCK_SEQPACKET])
def test_socket_of_another_type_is_refused(start, sock, kind):
    with socket.socket(socket.AF_UNIX, kind) as other:
        other.bind(sock)
        status, _, err = activated(start, [other]).wait()
    assert status == 1 and "not a listening Unix stream socket" in err


def test_what_is_no_socket_is_refused(start):
    with open("/dev/null", "rb") as null:
        status, _, err = activated(start, [null]).wait()
    assert status == 1 and "not a listening Unix stream socket" in err


def test_variables_for_another_process_are_ignored(start, sock):
    """libvirtd's own environment reaches the helpers it starts."""
    with listen(sock + ".other") as other:
        fd = other.fileno()
        one = start("-k", sock, env={"LISTEN_PID": str(os.getpid()),
                                     "LISTEN_FDS": "1"},
                    fds=(3,), preexec=lambda: os.dup2(fd, 3))
        one.ready(sock)
        assert one.stop() == 0


