# SPDX-License-Identifier: LGPL-2.1-or-later
"""A helper without privileges or devices: a logical unit in a few lines.

    with FakeHelper(path) as helper:
        helper.unit.register("other", 0x2)      somebody else's registration
        helper.script.append(reply(BUSY))       what comes next, whatever is asked
        ... run prmctl ...
        helper.requests                         what was asked: (cdb, parameters)

It speaks the helper protocol on a Unix socket, one thread for each connection.
Any descriptor will do as the device: all of them are the same unit, which
commands reach as the nexus "self".
"""

import array
import collections
import os
import socket
import struct
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                "..", "..", "support"))
import prclient as pr  # noqa: E402

Scripted = collections.namedtuple("Scripted", "status sense payload action")

SAS = bytes.fromhex("06000000 5000c50012345678").ljust(24, b"\0")
ISCSI = (bytes.fromhex("4500002c") +
         b"iqn.2003-01.org.example:a,i,0x00023d000001").ljust(48, b"\0")
TRANSPORT_IDS = {"self": SAS, "other": ISCSI}


def sense(key, asc, ascq):
    """Fixed-format sense data."""
    return struct.pack(">BxB4xB4xBB4x", 0x70, key, 10, asc, ascq)


def reply(status=pr.GOOD, sense_data=b"", payload=b""):
    """A scripted answer."""
    return Scripted(status, sense_data, payload, None)


def check(key, asc, ascq):
    """A scripted CHECK CONDITION."""
    return reply(pr.CHECK_CONDITION, sense(key, asc, ascq))


def after(action):
    """What the unit answers, once action(SOCKET) has returned."""
    return Scripted(0, b"", b"", action)


# Scripted misbehaviour: close instead of answering; say nothing at all; take
# longer than a millisecond to answer as the unit does.
CLOSE = Scripted(0, b"", b"", "close")
SILENCE = Scripted(0, b"", b"", "silence")
SLOW = Scripted(0, b"", b"", "slow")


class Unit:
    """Registrations and the reservation; enough of SPC-4, 5.12, for prmctl."""

    def __init__(self):
        self.generation = 0
        self.registered = {}            # nexus: key
        self.holder = None              # nexus
        self.type = 0
        self.capabilities = bytes.fromhex("00080d81ea010000")

    def register(self, nexus, key):
        self.generation += 1
        if key:
            self.registered[nexus] = key
        else:
            self.remove(nexus)

    def remove(self, nexus):
        self.registered.pop(nexus, None)
        if self.holder == nexus:
            self.holder = None

    def reserve(self, nexus, type_):
        self.holder, self.type = nexus, type_

    def head(self, size):
        return struct.pack(">II", self.generation, size)

    def pr_in(self, action):
        """The data of a PERSISTENT RESERVE IN, or None."""
        if action == pr.READ_KEYS:
            keys = list(self.registered.values())
            return self.head(8 * len(keys)) + struct.pack(
                f">{len(keys)}Q", *keys)
        if action == pr.READ_RESERVATION:
            if not self.holder:
                return self.head(0)
            key = 0 if self.type >= 7 else self.registered[self.holder]
            return self.head(16) + struct.pack(">Q4xxB2x", key, self.type)
        if action == pr.REPORT_CAPABILITIES:
            return self.capabilities
        if action == pr.READ_FULL_STATUS:
            data = b"".join(map(self.descriptor, self.registered))
            return self.head(len(data)) + data
        return None

    def descriptor(self, nexus):
        holds = nexus == self.holder or (self.holder and self.type >= 7)
        tid = TRANSPORT_IDS[nexus]
        return struct.pack(">Q4xBB4xHI", self.registered[nexus], bool(holds),
                           self.type if holds else 0, 1, len(tid)) + tid

    def pr_out(self, action, type_, params):
        """The status of a PERSISTENT RESERVE OUT."""
        key, new_key = struct.unpack_from(">QQ", params)
        own = self.registered.get("self", 0)
        if action != pr.REGISTER_AND_IGNORE and key != own:
            return pr.RESERVATION_CONFLICT
        if action in (pr.REGISTER, pr.REGISTER_AND_IGNORE):
            self.register("self", new_key)
            return pr.GOOD
        if not own:
            return pr.RESERVATION_CONFLICT
        return self.use(action, type_, new_key)

    def use(self, action, type_, new_key):
        if action == pr.RESERVE:
            if self.holder not in (None, "self"):
                return pr.RESERVATION_CONFLICT
            self.reserve("self", type_)
        elif action == pr.RELEASE and self.holder == "self":
            self.holder = None
        elif action == pr.CLEAR:
            self.generation += 1
            self.registered, self.holder = {}, None
        elif action in (pr.PREEMPT, pr.PREEMPT_AND_ABORT):
            return self.preempt(type_, new_key)
        elif action == pr.REGISTER_AND_MOVE:
            self.generation += 1
            self.registered["other"], self.holder = new_key, "other"
        return pr.GOOD

    def preempt(self, type_, victim):
        victims = [n for n, k in self.registered.items()
                   if k == victim and n != "self"]
        if not victims:
            return pr.RESERVATION_CONFLICT
        self.generation += 1
        if self.holder in victims:
            self.reserve("self", type_)
        for nexus in victims:
            self.registered.pop(nexus)
        return pr.GOOD


class FakeHelper:
    """Listens while its with block runs."""

    def __init__(self, path):
        self.path = str(path)
        self.unit = Unit()
        self.script = collections.deque()
        self.requests = []
        self.lock = threading.Lock()
        self.connections = []
        self.stopped = False
        self.listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)

    def __enter__(self):
        self.listener.bind(self.path)
        self.listener.listen(64)
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *exc):
        self.stop()

    def stop(self):
        """Stop listening, and drop every connection."""
        if self.stopped:
            return
        self.stopped = True
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        if os.path.exists(self.path):
            os.unlink(self.path)
        with self.lock:
            for sock in self.connections:
                try:
                    sock.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass

    def _accept(self):
        while True:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            with self.lock:
                self.connections.append(sock)
            threading.Thread(target=self._serve, args=(sock,),
                             daemon=True).start()

    def _serve(self, sock):
        with sock:
            try:
                sock.sendall(bytes(4))
                if self._recv(sock, 4)[0]:
                    while self._request(sock):
                        pass
            except OSError:
                pass
            with self.lock:
                self.connections.remove(sock)

    @staticmethod
    def _recv(sock, size):
        """(bytes, descriptors); short only at the end of the connection."""
        data, fds = b"", []
        while len(data) < size:
            piece, ancillary, _, _ = sock.recvmsg(
                size - len(data), socket.CMSG_SPACE(4 * 8))
            for level, kind, value in ancillary:
                if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
                    fds += array.array("i", value)
            if not piece:
                break
            data += piece
        return data, fds

    def _request(self, sock):
        cdb, fds = self._recv(sock, 16)
        for fd in fds:
            os.close(fd)
        if len(cdb) < 16 or len(fds) != 1:
            return False
        length = struct.unpack_from(">H", cdb, 7)[0]
        params = b""
        if cdb[0] == pr.PR_OUT:
            params, _ = self._recv(sock, length)
        with self.lock:
            self.requests.append((cdb, params))
            scripted = self._answer(cdb, params)
        if scripted.action == "slow" or callable(scripted.action):
            if callable(scripted.action):
                scripted.action(sock)
            else:
                time.sleep(0.1)
            with self.lock:
                scripted = self._answer(cdb, params)
        if scripted.action == "silence":
            return True
        if scripted.action == "close":
            return False
        payload = scripted.payload[:length]
        sock.sendall(struct.pack(">II", scripted.status, len(payload)) +
                     scripted.sense.ljust(pr.SENSE_LEN, b"\0") + payload)
        return True

    def _answer(self, cdb, params):
        if self.script:
            return self.script.popleft()
        action = cdb[1] & 0x1F
        if cdb[0] == pr.PR_OUT:
            return reply(self.unit.pr_out(action, cdb[2] & 0x0F, params))
        data = self.unit.pr_in(action)
        return check(5, 0x24, 0) if data is None else reply(payload=data)
