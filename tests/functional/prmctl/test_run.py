# SPDX-License-Identifier: LGPL-2.1-or-later
"""prmctl run: PR commands of a program go to the helper, nothing else does.

Each program below is a few lines of Python under prmctl run, in which ioctl()
is the preload library's.
"""

import os
import shutil
import signal
import socket
import struct
import sys
import textwrap

import fakehelper
import pytest
from fakehelper import after
from program import DEVICE, HERE


@pytest.fixture(autouse=True)
def late_sanitizer(prmctl):
    """The sanitizer comes with the preload library, not with the program."""
    if "PRM_SANITIZER" in os.environ:
        prmctl.env["ASAN_OPTIONS"] = ("verify_asan_link_order=0:"
                                      "detect_leaks=0")


@pytest.fixture
def program(helper, prmctl):
    """Runs Python under prmctl run; fails when it fails."""
    prmctl.env["PYTHONPATH"] = HERE
    prmctl.env["PYTHONDONTWRITEBYTECODE"] = "1"
    prmctl.env["PYTHONWARNINGS"] = "ignore"

    def run(text):
        head = ("import ctypes, errno, fcntl, os, sys, threading\n"
                "import sgio\n"
                "from sgio import *\n"
                f"fd = os.open({DEVICE!r}, os.O_RDWR)\n")
        done = prmctl("run", "--", sys.executable, "-c",
                      head + textwrap.dedent(text))
        assert (done.returncode, done.stderr) == (0, ""), done.stderr
        return done.stdout

    return run


def test_reading_and_writing(helper, program):
    program("""
        assert register(fd, 0, 0x123abc) == 0
        assert read_keys(fd) == [0x123abc]
        """)
    assert helper.unit.registered == {"self": 0x123ABC}


def test_header_after_good_is_the_kernels(helper, program):
    program("""
        command = Command(pr_in(0, 100), FROM_DEV, 200)
        header = command.header
        assert command.send(fd) == 0
        assert header.status == header.masked_status == header.info == 0
        assert header.host_status == header.driver_status == 0
        assert header.msg_status == header.sb_len_wr == 0
        assert header.resid == 192 and header.duration < 12345
        assert header.pack_id == 77 and header.timeout == 60000
        assert command.sense.raw == b"\\xee" * 96
        assert command.data.raw == bytes(200)
        """)


def test_header_after_check_condition_is_the_kernels(helper, program):
    helper.script.append(fakehelper.check(5, 0x26, 0))
    program("""
        command = Command(pr_out(1, 1), TO_DEV, bytes(24))
        header = command.header
        assert command.send(fd) == 0
        assert (header.status, header.masked_status) == (2, 1)
        assert (header.info, header.driver_status) == (1, 8)
        assert (header.resid, header.sb_len_wr) == (0, 18)
        sense = command.sense.raw
        assert (sense[2], sense[12], sense[13]) == (5, 0x26, 0)
        assert sense[18:] == b"\\xee" * 78
        """)


def test_sense_is_cut_to_the_programs_room(helper, program):
    helper.script += [fakehelper.check(5, 0x26, 0)] * 2
    program("""
        command = Command(pr_in(0, 8), FROM_DEV, 8)
        command.header.mx_sb_len = 4
        assert command.send(fd) == 0
        assert command.header.sb_len_wr == 4
        assert command.sense.raw[3:6] == b"\\0\\xee\\xee"
        command.header.sbp = None
        assert command.send(fd) == 0
        assert command.header.sb_len_wr == 0
        assert command.header.driver_status == 8
        """)


def test_reservation_conflict_has_no_sense(helper, program):
    helper.unit.register("self", 1)
    program("""
        command = Command(pr_out(1, 1), TO_DEV, bytes(24))
        header = command.header
        assert command.send(fd) == 0
        assert (header.status, header.masked_status) == (0x18, 0x0c)
        assert (header.info, header.driver_status) == (1, 0)
        assert header.sb_len_wr == 0
        """)


def test_scatter_lists(helper, program):
    program("""
        import struct
        parts = [ctypes.create_string_buffer(p, len(p)) for p in
                 (bytes(8), struct.pack(">Q", 0xabc)[:5],
                  struct.pack(">Q", 0xabc)[5:] + bytes(8))]
        command = Command(pr_out(0), TO_DEV).scatter(*parts)
        assert command.send(fd) == 0
        assert command.header.status == 0
        parts = [ctypes.create_string_buffer(n) for n in (3, 9, 500)]
        command = Command(pr_in(0, 512), FROM_DEV).scatter(*parts)
        assert command.send(fd) == 0
        assert command.header.resid == 512 - 16
        assert b"".join(p.raw for p in parts)[:16] == struct.pack(
            ">IIQ", 1, 8, 0xabc)
        """)
    assert helper.unit.registered == {"self": 0xABC}


def test_a_large_allocation_length_is_cut(helper, program):
    helper.unit.register("self", 1)
    program("""
        command = Command(pr_in(0, 16384), FROM_DEV, 16384)
        assert command.send(fd) == 0
        assert command.header.status == 0
        assert command.header.resid == 16384 - 16
        """)
    assert helper.requests[0][0][7:9] == b"\x20\x00"


def test_data_is_cut_to_dxfer_len(helper, program):
    helper.unit.register("self", 1)
    program("""
        command = Command(pr_in(0, 8192), FROM_DEV, 16)
        command.header.dxfer_len = 12
        command.data.raw = b"\\xee" * 16
        assert command.send(fd) == 0
        assert command.header.resid == 0
        assert command.data.raw[4:] == bytes.fromhex("00000008 00000000 "
                                                     "eeeeeeee")
        """)


def test_bad_addresses_are_efault_as_in_the_kernel(helper, program):
    helper.script += [fakehelper.check(5, 0x26, 0)] * 3
    program("""
        bad = 8
        assert Command(pr_in(0, 8)).send(fd, ctypes.c_void_p(bad)) < 0
        command = Command(pr_in(0, 8), FROM_DEV, 8)
        command.header.cmdp = bad
        assert command.send(fd) < 0
        command = Command(pr_out(0), TO_DEV, 24)
        command.header.dxferp = bad
        assert command.send(fd) == -errno.EFAULT
        command.header.iovec_count = 2
        assert command.send(fd) == -errno.EFAULT
        command = Command(pr_in(0, 8), FROM_DEV, 8)
        command.header.sbp = bad
        assert command.send(fd) == -errno.EFAULT
        assert (command.header.status, command.header.sb_len_wr) == (2, 0)
        """)
    assert len(helper.requests) == 1


def test_bad_headers_are_einval_as_in_the_kernel(helper, program):
    program("""
        def einval(command, **members):
            for name, value in members.items():
                setattr(command.header, name, value)
            assert command.send(fd) == -errno.EINVAL, members
        einval(Command(pr_in(0, 8), TO_DEV, 8))
        einval(Command(pr_in(0, 8), NONE, 8))
        einval(Command(pr_out(0), FROM_DEV, 24))
        einval(Command(pr_out(0), TO_DEV, 23))
        einval(Command(pr_out(0, 0, 8193), TO_DEV, 8193))
        einval(Command(pr_in(0, 8), FROM_DEV, 8), iovec_count=1025)
        """)
    assert helper.requests == []


def test_other_commands_are_left_to_the_kernel(helper, program):
    # The device is no SCSI device, and the kernel says so.
    program("""
        for cdb in (bytes.fromhex("120000002400"), bytes(6), bytes(16),
                    b"\\x5e\\0\\0\\0\\0\\0", b"\\x5e" + bytes(31)):
            assert Command(cdb).send(fd) == -errno.ENOTTY
        command = Command(pr_in(0, 8), FROM_DEV, 8)
        command.header.interface_id = ord("Q")
        assert command.send(fd) == -errno.ENOTTY
        assert libc.ioctl(fd, ctypes.c_ulong(0x5401), None) == -1
        assert ctypes.get_errno() == errno.ENOTTY
        """)
    assert helper.requests == []


def test_descriptors_that_are_no_devices_are_left_to_the_kernel(helper,
                                                                program):
    program("""
        command = Command(pr_in(0, 8), FROM_DEV, 8)
        assert command.send(os.pipe()[0]) == -errno.ENOTTY
        assert command.send(os.open("/", os.O_RDONLY)) == -errno.ENOTTY
        assert command.send(999) == -errno.EBADF
        """)
    assert helper.requests == []


def test_errno_stays_when_all_is_well(helper, program):
    program("""
        command = Command(pr_in(0, 8), FROM_DEV, 8)
        ctypes.set_errno(77)
        assert libc.ioctl(fd, ctypes.c_ulong(SG_IO),
                          ctypes.byref(command.header)) == 0
        assert ctypes.get_errno() == 77
        """)


def test_a_millisecond_is_as_long_as_in_the_kernel(helper, program):
    helper.script.append(fakehelper.SLOW)
    program("""
        command = Command(pr_in(0, 8), FROM_DEV, 8)
        command.header.timeout = 1
        assert command.send(fd) == 0
        assert command.header.timeout == 1
        """)


def test_a_helper_that_is_gone_is_enotconn(helper, program, folder):
    program(f"""
        assert read_keys(fd) == []
        os.rename({folder!r} + "/helper.sock", {folder!r} + "/away")
        command = Command(pr_in(0, 8), FROM_DEV, 8)
        assert command.send(fd) == -errno.ENOTCONN
        os.rename({folder!r} + "/away", {folder!r} + "/helper.sock")
        assert command.send(fd) == 0
        """)


def test_a_helper_that_hangs_up_is_not_asked_again(helper, program):
    helper.script.append(fakehelper.CLOSE)
    program("""
        assert Command(pr_out(0), TO_DEV, 24).send(fd) == -errno.ECONNRESET
        """)
    assert len(helper.requests) == 1


def test_threads(helper, program):
    program("""
        def work():
            for _ in range(20):
                read_keys(fd)
        threads = [threading.Thread(target=work) for _ in range(16)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        """)
    assert len(helper.requests) == 320


def test_a_forked_child_while_threads_are_busy(helper, program):
    program("""
        stop = threading.Event()
        def work():
            while not stop.is_set():
                read_keys(fd)
        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads:
            thread.start()
        for _ in range(20):
            child = os.fork()
            if child == 0:
                read_keys(fd)
                os._exit(0)
            assert os.waitpid(child, 0)[1] == 0
        stop.set()
        for thread in threads:
            thread.join()
        """)


def test_a_program_that_closes_what_it_does_not_know(helper, program):
    program("""
        assert read_keys(fd) == []
        os.dup2(fd, 3)
        os.closerange(4, 1000)
        assert read_keys(3) == []
        mine = os.open("/dev/null", os.O_RDONLY)
        assert mine == 4, mine
        """)


def test_no_descriptor_is_left_open(helper, program):
    program("""
        before = os.listdir("/proc/self/fd")
        for _ in range(10):
            read_keys(fd)
        assert os.listdir("/proc/self/fd") == before
        """)


def test_signals_do_not_disturb_a_command(helper, program):
    program("""
        import signal
        seen = []
        signal.signal(signal.SIGALRM, lambda *_: seen.append(1))
        signal.setitimer(signal.ITIMER_REAL, 0.001, 0.001)
        while len(seen) < 50:
            assert read_keys(fd) == []
        signal.setitimer(signal.ITIMER_REAL, 0)
        """)


def is_blocked(pid, number):
    """Whether every thread of a process lets a signal wait."""
    masks = []
    for task in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{task}/status",
                  encoding="ascii") as file:
            masks += [int(line.split()[1], 16) for line in file
                      if line.startswith("SigBlk:")]
    return all(mask >> (number - 1) & 1 for mask in masks)


def test_signals_wait_for_the_end_of_a_command(helper, program):
    """As they wait for the kernel's: none is delivered within it."""
    seen = []

    def interrupt(sock):
        pid, _, _ = struct.unpack("3i", sock.getsockopt(
            socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
        os.kill(pid, signal.SIGUSR1)
        seen.append(is_blocked(pid, signal.SIGUSR1))

    helper.script.append(after(interrupt))
    program("""
        import signal
        seen = []
        signal.signal(signal.SIGUSR1, lambda *_: seen.append(1))
        assert read_keys(fd) == []
        assert seen == [1]
        """)
    assert seen == [True]


def test_children_are_run_likewise(helper, prmctl):
    shell = "sg_persist -n -i -k /dev/null && exec sg_persist -n -o -G " \
            "--param-sark=abc /dev/null"
    if not shutil.which("sg_persist"):
        pytest.skip("there is no sg_persist")
    done = prmctl("run", "sh", "-c", shell)
    assert done.returncode == 0, done
    assert "there are NO registered reservation keys" in done.stdout
    assert helper.unit.registered == {"self": 0xABC}


def test_the_programs_words_and_exit_status_are_its_own(helper, prmctl):
    done = prmctl("run", "--", "sh", "-c", 'echo "$@"; exit 42', "sh",
                  "--json", "--help", "-x")
    assert (done.returncode, done.stdout) == (42, "--json --help -x\n")
    assert prmctl("run", "sh", "-c", "exit 7").returncode == 7


def test_other_preloaded_libraries_stay(helper, prmctl):
    prmctl.env["LD_PRELOAD"] = "libm.so.6"
    done = prmctl("run", "sh", "-c", 'echo "$LD_PRELOAD"')
    assert done.stdout.endswith("/prmctl-preload.so:libm.so.6\n")


def test_preloaded_libraries_that_leave_no_room_are_said(helper, prmctl):
    prmctl.env["LD_PRELOAD"] = "/" * 20000
    done = prmctl("run", "true")
    assert done.returncode != 0
    assert "LD_PRELOAD is too long" in done.stderr


def test_programs_that_cannot_be_run(helper, prmctl):
    done = prmctl("run", "no-such-program")
    assert done.returncode == 127
    assert done.stderr == ("prmctl: run: cannot run 'no-such-program': No "
                           "such file or directory\n")
    done = prmctl("run", "/etc/passwd")
    assert done.returncode == 126
    assert "cannot run '/etc/passwd': Permission denied" in done.stderr


def test_a_missing_helper_is_said_before_the_program_runs(prmctl):
    done = prmctl("run", "echo", "running")
    assert (done.returncode, done.stdout) == (15, "")
    assert "is pr-helper running?" in done.stderr


def test_a_preload_library_that_cannot_be_used(helper, prmctl, folder):
    for path, words in [(folder + "/none.so", "cannot read the preload"),
                        (folder + "/a b.so", "blanks or colons")]:
        prmctl.env["PRMCTL_PRELOAD"] = path
        done = prmctl("run", "true")
        assert done.returncode == 15
        assert words in done.stderr
        assert path in done.stderr


def test_without_prmctl_the_library_does_nothing(helper, prmctl):
    """A program that outlives prmctl's environment is on its own."""
    prmctl.env["PYTHONPATH"] = HERE
    done = prmctl("run", "env", "-u", "PRMCTL_MANAGER", sys.executable, "-c",
                  "import sgio, os, errno\n"
                  "fd = os.open('/dev/null', os.O_RDWR)\n"
                  "c = sgio.Command(sgio.pr_in(0, 8), sgio.FROM_DEV, 8)\n"
                  "assert c.send(fd) == -errno.ENOTTY\n")
    assert (done.returncode, done.stderr) == (0, "")
