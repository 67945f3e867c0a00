# SPDX-License-Identifier: LGPL-2.1-or-later
"""SG_IO as any C program does it, for programs run under prmctl run.

Calls the C library's ioctl() by name, so whatever is preloaded gets it.
"""

import ctypes
import errno

SG_IO = 0x2285
NONE, TO_DEV, FROM_DEV, TO_FROM_DEV = -1, -2, -3, -4

libc = ctypes.CDLL(None, use_errno=True)


class Header(ctypes.Structure):
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
        ("duration", ctypes.c_uint), ("info", ctypes.c_uint)]


class Vector(ctypes.Structure):
    """struct sg_iovec."""

    _fields_ = [("base", ctypes.c_void_p), ("len", ctypes.c_size_t)]


def pr_in(action, length):
    return bytes([0x5E, action, 0, 0, 0, 0, 0]) + length.to_bytes(
        2, "big") + b"\0"


def pr_out(action, type_=0, length=24):
    return bytes([0x5F, action, type_, 0, 0]) + length.to_bytes(
        4, "big") + b"\0"


class Command:
    """A header with memory behind it; change what you like, then send()."""

    def __init__(self, cdb, direction=NONE, data=0):
        self.cdb = ctypes.create_string_buffer(cdb, len(cdb))
        self.data = ctypes.create_string_buffer(data) if isinstance(
            data, int) and data else None
        if isinstance(data, bytes):
            self.data = ctypes.create_string_buffer(data, len(data))
        self.sense = ctypes.create_string_buffer(b"\xee" * 96, 96)
        self.header = Header(
            interface_id=ord("S"), dxfer_direction=direction,
            cmd_len=len(cdb), mx_sb_len=len(self.sense),
            dxfer_len=len(self.data) if self.data else 0,
            dxferp=ctypes.addressof(self.data) if self.data else None,
            cmdp=ctypes.addressof(self.cdb),
            sbp=ctypes.addressof(self.sense), timeout=60000, pack_id=77,
            resid=-5, duration=12345)

    def scatter(self, *pieces):
        """Use these buffers as a scatter list."""
        self.vectors = (Vector * len(pieces))(*[
            Vector(ctypes.addressof(piece), len(piece)) for piece in pieces])
        self.header.iovec_count = len(pieces)
        self.header.dxferp = ctypes.addressof(self.vectors)
        self.header.dxfer_len = sum(map(len, pieces))
        return self

    def send(self, fd, arg=None):
        """0, or the negative errno."""
        if arg is None:
            arg = ctypes.byref(self.header)
        ctypes.set_errno(0)
        if libc.ioctl(fd, ctypes.c_ulong(SG_IO), arg) == 0:
            return 0
        return -ctypes.get_errno()


def read_keys(fd):
    """The registered keys, or an OSError."""
    command = Command(pr_in(0, 8192), FROM_DEV, 8192)
    result = command.send(fd)
    if result < 0:
        raise OSError(-result, errno.errorcode.get(-result))
    assert command.header.status == 0, command.header.status
    size = int.from_bytes(command.data.raw[4:8], "big")
    return [int.from_bytes(command.data.raw[8 + i:16 + i], "big")
            for i in range(0, size, 8)]


def register(fd, key, new_key):
    """The SCSI status of REGISTER."""
    data = key.to_bytes(8, "big") + new_key.to_bytes(8, "big") + bytes(8)
    command = Command(pr_out(0), TO_DEV, data)
    assert command.send(fd) == 0
    return command.header.status
