# SPDX-License-Identifier: LGPL-2.1-or-later
"""SG_IO from Python: the same commands as through a helper, straight to a device.

    with open_device("/dev/sda") as fd:
        reply = sg_io(fd, pr_in(READ_KEYS), read=8192)
"""

import contextlib
import ctypes
import fcntl
import os

from prclient import (CHECK_CONDITION, CLEAR, REGISTER_AND_IGNORE, Reply,
                      SENSE_LEN, params, pr_out)

SG_IO = 0x2285
TIMEOUT_MS = 120_000

_NONE, _TO_DEVICE, _FROM_DEVICE = -1, -2, -3

TEST_UNIT_READY = bytes(6)


class _Header(ctypes.Structure):
    """struct sg_io_hdr of <scsi/sg.h>."""

    _fields_ = [
        ("interface_id", ctypes.c_int), ("dxfer_direction", ctypes.c_int),
        ("cmd_len", ctypes.c_ubyte), ("mx_sb_len", ctypes.c_ubyte),
        ("iovec_count", ctypes.c_ushort), ("dxfer_len", ctypes.c_uint),
        ("dxferp", ctypes.c_void_p), ("cmdp", ctypes.c_void_p),
        ("sbp", ctypes.c_void_p), ("timeout", ctypes.c_uint),
        ("flags", ctypes.c_uint), ("pack_id", ctypes.c_int),
        ("usr_ptr", ctypes.c_void_p), ("status", ctypes.c_ubyte),
        ("masked_status", ctypes.c_ubyte), ("msg_status", ctypes.c_ubyte),
        ("sb_len_wr", ctypes.c_ubyte), ("host_status", ctypes.c_ushort),
        ("driver_status", ctypes.c_ushort), ("resid", ctypes.c_int),
        ("duration", ctypes.c_uint), ("info", ctypes.c_uint),
    ]


@contextlib.contextmanager
def open_device(path, flags=os.O_RDWR | os.O_NONBLOCK):
    fd = os.open(path, flags)
    try:
        yield fd
    finally:
        os.close(fd)


def sg_io(fd, cdb, data=b"", read=0):
    """Run one command; OSError when it did not get as far as an answer."""
    buffer = ctypes.create_string_buffer(bytes(data) or bytes(max(read, 1)))
    command = ctypes.create_string_buffer(cdb, len(cdb))
    sense = ctypes.create_string_buffer(SENSE_LEN)
    length = len(data) or read
    header = _Header(
        interface_id=ord("S"), cmd_len=len(cdb), mx_sb_len=SENSE_LEN,
        dxfer_direction=(_TO_DEVICE if data else
                         _FROM_DEVICE if read else _NONE),
        dxfer_len=length, dxferp=ctypes.addressof(buffer),
        cmdp=ctypes.addressof(command), sbp=ctypes.addressof(sense),
        timeout=TIMEOUT_MS)
    fcntl.ioctl(fd, SG_IO, header)
    if header.host_status:
        raise OSError(f"host status {header.host_status:#x}")
    payload = b"" if data or header.status else \
        buffer.raw[:length - header.resid]
    return Reply(header.status, sense.raw, payload)


def settle(path):
    """Take up the unit attentions that wait for this path."""
    with open_device(path) as fd:
        while sg_io(fd, TEST_UNIT_READY).status == CHECK_CONDITION:
            pass


def clear(path, key=0xC1EA4):
    """Remove every registration and any reservation, as one of them."""
    settle(path)
    with open_device(path) as fd:
        for action, old, new in ((REGISTER_AND_IGNORE, 0, key),
                                 (CLEAR, key, 0)):
            reply = sg_io(fd, pr_out(action)[:10], params(old, new))
            assert reply.good, str(reply)
