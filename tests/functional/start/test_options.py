# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the command line says back."""

import os

import pytest


def ends(start, *args, **options):
    return start(*args, **options).wait()


@pytest.mark.parametrize("option", ["-h", "--help"])
def test_help_is_on_stdout_and_exits_0(start, option):
    status, out, err = ends(start, option)
    assert (status, err) == (0, "")
    assert out.startswith("Usage: pr-helper [OPTION]...\n")
    assert "/var/run/qemu-pr-helper.sock" in out


@pytest.mark.parametrize("option", ["-V", "--version"])
def test_version_is_on_stdout_and_exits_0(start, option):
    status, out, err = ends(start, option)
    assert (status, err) == (0, "")
    assert out.startswith("pr-helper (pr-manager) ")
    assert out.count("\n") == 1


def test_trace_help_lists_events(start):
    status, out, err = ends(start, "-T", "help")
    assert (status, err) == (0, "")
    assert "session_open" in out.splitlines()


def test_nothing_is_created_by_options_that_only_print(start, folder, sock):
    assert ends(start, "-k", sock, "-f", sock + ".pid", "-d", "-h")[0] == 0
    assert os.listdir(folder) == []


WRONG = [
    (["--nonsense"], "'--nonsense' is not an option"),
    (["-k"], "'-k' needs a value"),
    (["-k", "relative"], "'relative' is not absolute"),
    (["-k", "/" + "x" * 107], "it has 108 bytes, and the kernel allows 107"),
    (["surplus"], "'surplus' is not an option"),
    (["-u", "nobody-of-that-name"], "there is no user 'nobody-of-that-name'"),
    (["-g", "nobody-of-that-name"], "there is no group"),
    (["--timeout=0"], "--timeout '0' is not a number from 1 to 3600"),
    (["--max-workers=x"], "--max-workers 'x' is not a number"),
    (["--socket-mode=9"], "--socket-mode '9' is not an octal mode"),
    (["-T", "file="], "-T 'file='"),
    (["--multipath-program", "relative"],
     "--multipath-program 'relative' is not an absolute path"),
    (["--multipath-program", "/nonexistent/program"],
     "cannot open the multipath program '/nonexistent/program'"),
]


@pytest.mark.parametrize("args,words", WRONG, ids=[w[0][-1][:20]
                                                   for w in WRONG])
def test_mistake_is_one_line_on_stderr_and_exits_1(start, args, words):
    status, out, err = ends(start, *args)
    assert (status, out) == (1, "")
    assert err.startswith("pr-helper: ")
    assert words in err
    assert err.count("\n") == 1


def test_name_in_messages_is_the_one_it_was_called_by(start, folder):
    import daemon
    link = os.path.join(folder, "qemu-pr-helper")
    os.symlink(daemon.PROGRAM, link)
    done = daemon.subprocess.run([link, "--nonsense"], capture_output=True,
                                 check=False, timeout=daemon.PATIENCE_S,
                                 env=daemon.environment())
    assert done.stderr.startswith(b"qemu-pr-helper: ")


def test_full_stdout_is_an_error():
    import daemon
    with open("/dev/full", "w", encoding="ascii") as full:
        done = daemon.subprocess.run(
            [daemon.PROGRAM, "--help"], stdout=full, check=False,
            stderr=daemon.subprocess.PIPE, timeout=daemon.PATIENCE_S,
            env=daemon.environment())
    assert done.returncode == 1
