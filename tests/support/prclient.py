# SPDX-License-Identifier: LGPL-2.1-or-later
"""A client of the helper protocol that is as polite or as rude as a test wants.

    with Client(path) as client:
        reply = client.request(pr_in(READ_KEYS), fd)
        assert reply.good and not keys(reply.payload)

A request is 16 CDB bytes with one descriptor, and the parameter list after a
PERSISTENT RESERVE OUT; a reply is status, payload size, 96 sense bytes and the
payload.  All integers are big-endian.  request() does all that; send() sends
any bytes with any descriptors, so that a test can break every rule.
"""

import array
import collections
import socket
import struct

# Long enough for a loaded machine: only a helper that hangs gets this far.
TIMEOUT_S = 120

CDB_LEN = 16
SENSE_LEN = 96
DATA_MAX = 8192

PR_IN = 0x5E
PR_OUT = 0x5F

# Service actions of PERSISTENT RESERVE IN.
READ_KEYS = 0
READ_RESERVATION = 1
REPORT_CAPABILITIES = 2
READ_FULL_STATUS = 3

# Service actions of PERSISTENT RESERVE OUT.
REGISTER = 0
RESERVE = 1
RELEASE = 2
CLEAR = 3
PREEMPT = 4
PREEMPT_AND_ABORT = 5
REGISTER_AND_IGNORE = 6
REGISTER_AND_MOVE = 7
REPLACE_LOST = 8

# Flags of the parameter list, byte 20.
APTPL = 0x01
ALL_TG_PT = 0x04
SPEC_I_PT = 0x08

# SCSI status.
GOOD = 0x00
CHECK_CONDITION = 0x02
BUSY = 0x08
RESERVATION_CONFLICT = 0x18
TASK_SET_FULL = 0x28


class Closed(Exception):
    """The helper closed the connection where bytes were expected."""


def pr_in(action, length=DATA_MAX):
    """CDB of a PERSISTENT RESERVE IN with that allocation length."""
    return struct.pack(">BB5xHB6x", PR_IN, action, length, 0)


def pr_out(action, type_=0, length=24, scope=0):
    """CDB of a PERSISTENT RESERVE OUT with that parameter list length."""
    return struct.pack(">BBBxxIB6x", PR_OUT, action, scope << 4 | type_,
                       length, 0)


def params(key=0, new_key=0, flags=0, tail=b""):
    """The basic parameter list: 24 bytes, then tail (TransportIDs)."""
    return struct.pack(">QQ4xB3x", key, new_key, flags) + tail


def keys(payload):
    """Registered keys in the data of READ KEYS, one for each nexus."""
    size = struct.unpack_from(">I", payload, 4)[0]
    return [k for (k,) in struct.iter_unpack(">Q", payload[8:8 + size])]


def reservation(payload):
    """(key, type) in the data of READ RESERVATION, None when not held."""
    if struct.unpack_from(">I", payload, 4)[0] == 0:
        return None
    return struct.unpack_from(">Q", payload, 8)[0], payload[21] & 0x0F


def sense_code(sense):
    """(sense key, ASC, ASCQ) of fixed or descriptor format sense."""
    if sense[0] & 0x7F in (0x72, 0x73):
        return sense[1] & 0x0F, sense[2], sense[3]
    return sense[2] & 0x0F, sense[12], sense[13]


class Reply(collections.namedtuple("Reply", "status sense payload")):
    """What the helper answered; payload is empty unless status is GOOD."""

    __slots__ = ()

    @property
    def good(self):
        return self.status == GOOD

    @property
    def code(self):
        """(sense key, ASC, ASCQ), or None without CHECK CONDITION."""
        if self.status != CHECK_CONDITION:
            return None
        return sense_code(self.sense)

    def __str__(self):
        text = f"status {self.status:02x}h"
        if self.code:
            text += " sense %x/%02x/%02x" % self.code
        return f"{text}, {len(self.payload)} bytes"


class Client:
    """One connection to a helper, closed at the end of its with block."""

    def __init__(self, path, handshake=True, timeout=TIMEOUT_S):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(timeout)
        try:
            self.sock.connect(str(path))
            self.features = self.handshake() if handshake else None
        except BaseException:
            self.sock.close()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.close()

    def close(self):
        self.sock.close()

    def handshake(self, requested=0):
        """Read the helper's features, request some; returns the former."""
        features = struct.unpack(">I", self.recv(4))[0]
        self.send(struct.pack(">I", requested))
        return features

    def send(self, data, fds=()):
        """Send these bytes; fds travel with the first of them."""
        ancillary = []
        if fds:
            ancillary = [(socket.SOL_SOCKET, socket.SCM_RIGHTS,
                          array.array("i", fds))]
        sent = self.sock.sendmsg([data], ancillary)
        if sent < len(data):
            self.sock.sendall(data[sent:])

    def recv(self, size):
        """Exactly size bytes, or Closed."""
        data = bytearray()
        while len(data) < size:
            try:
                piece = self.sock.recv(size - len(data))
            except ConnectionResetError:
                piece = b""
            if not piece:
                raise Closed(f"closed after {len(data)} of {size} bytes")
            data += piece
        return bytes(data)

    def send_request(self, cdb, fd, data=b""):
        """Send a whole request and do not wait for the reply."""
        self.send(cdb, [fd])
        if data:
            self.send(data)

    def recv_reply(self):
        """Read one whole reply."""
        head = self.recv(8 + SENSE_LEN)
        status, size = struct.unpack_from(">II", head)
        return Reply(status, head[8:], self.recv(size))

    def request(self, cdb, fd, data=b""):
        """Run one command on the device that fd is open on."""
        self.send_request(cdb, fd, data)
        return self.recv_reply()

    def wait_closed(self):
        """Wait until the helper closes; returns what it sent before that."""
        data = bytearray()
        while True:
            try:
                piece = self.sock.recv(65536)
            except ConnectionResetError:
                piece = b""
            if not piece:
                return bytes(data)
            data += piece

    # The common commands, for tests that are about something else.

    def keys(self, fd):
        """READ KEYS, which must be GOOD."""
        reply = self.request(pr_in(READ_KEYS), fd)
        assert reply.good, str(reply)
        return keys(reply.payload)

    def reservation(self, fd):
        """READ RESERVATION, which must be GOOD: (key, type) or None."""
        reply = self.request(pr_in(READ_RESERVATION), fd)
        assert reply.good, str(reply)
        return reservation(reply.payload)

    def out(self, action, fd, key=0, new_key=0, type_=0, flags=0):
        """PERSISTENT RESERVE OUT with the basic parameter list."""
        return self.request(pr_out(action, type_), fd,
                            params(key, new_key, flags))
