# SPDX-License-Identifier: LGPL-2.1-or-later
"""The same requests to QEMU's helper and to ours, and the same answers.

    for difference in compare(theirs, ours, targets, seed=1, count=500):
        ...

Requests are generated from a seed: most obey the protocol, some break it in
every way that a client can.  An answer is a reply, or that the connection was
closed.  Where the two helpers are meant to differ is written down in
DELIBERATE, each case with its reason; everything else is returned.

Devices keep reservations, so a sequence is run from beginning to end against
one helper, then, after reset(), against the other.
"""

import collections
import errno
import os
import random
import socket
import struct

from prclient import (CLEAR, DATA_MAX, PR_IN, PR_OUT, READ_KEYS,
                      REGISTER_AND_IGNORE, Client, Closed, params, pr_in,
                      pr_out, sense_code)

NO_SCSI_DEVICE = (5, 0x20, 0)
TERMINATED = (0xb, 0x00, 0x06)

# Keys that sequences are made of: few, so that they meet.
KEYS = (0, 0x11, 0x22, 0x33)

CLOSED = "closed"


class Target:
    """Something that both helpers are given a descriptor of.

    opened() returns a new descriptor, and so does opened_by_us() for ours,
    where that is not the same; scsi tells whether the kernel takes SCSI
    commands there; script is what a scripted device answers."""

    def __init__(self, name, opened, scsi=True, script=None,
                 opened_by_us=None):
        self.name = name
        self.opened = opened
        self.opened_by_us = opened_by_us or opened
        self.scsi = scsi
        self.script = script or {}


def node(path, flags=os.O_RDWR, **options):
    """The Target of a file or device node."""
    return Target(f"{path} {'ro' if flags == os.O_RDONLY else 'rw'}",
                  lambda: os.open(path, flags | os.O_CLOEXEC), **options)


NOWHERE = node("/dev/null", scsi=False)


class Request(collections.namedtuple(
        "Request", "kind target hello pieces half_close")):
    """hello: the features asked for; pieces: (bytes, number of descriptors);
    half_close: whether that is all that will ever be sent."""

    __slots__ = ()

    @property
    def cdb(self):
        return b"".join(data for data, _ in self.pieces)[:16]

    def __str__(self):
        pieces = " ".join(f"{data[:64].hex()}+{fds}fd"
                          for data, fds in self.pieces)
        return f"{self.kind} on {self.target.name}: {pieces}"


class Generator:
    """Requests from a seed."""

    def __init__(self, targets, seed):
        self.targets = targets
        self.random = random.Random(seed)

    def command(self):
        """(cdb, data) of a command as initiators send it, or nearly so."""
        rnd = self.random
        if rnd.random() < 0.4:
            length = rnd.choice([0, 1, 7, 8, 9, 16, 24, 25, 255, 512, 8192])
            action = rnd.choice([0, 1, 2, 3, 3, 4, 31])
            return bytearray(pr_in(action, length)), b""
        action = rnd.choice([0, 0, 1, 1, 2, 3, 4, 5, 6, 6, 6, 7, 9])
        type_ = rnd.choice([1, 3, 5, 5, 6, 7, 8, 0, 15])
        scope = rnd.choice([0] * 9 + [1])
        data = params(rnd.choice(KEYS), rnd.choice(KEYS),
                      rnd.choice([0] * 9 + [8]))
        if rnd.random() < 0.1:
            size = rnd.choice([0, 1, 23, 25, 48, 8192])
            data = data.ljust(size, b"\0")[:size]
        return bytearray(pr_out(action, type_, len(data), scope)), data

    def pieces(self, cdb, data, fds=1):
        """Cut up; the descriptors go with any byte of the CDB."""
        rnd = self.random
        cuts = sorted(rnd.sample(range(1, 16), rnd.choice([0, 0, 0, 1, 3])))
        parts = [cdb[a:b] for a, b in zip([0] + cuts, cuts + [16])]
        bearer = rnd.randrange(len(parts))
        pieces = [(bytes(part), fds if i == bearer else 0)
                  for i, part in enumerate(parts)]
        if data and rnd.random() < 0.2:
            cut = rnd.randrange(len(data))
            pieces += [(data[:cut], 0), (data[cut:], 0)]
        else:
            pieces.append((data, 0))
        return tuple((part, n) for part, n in pieces if part)

    def request(self):
        rnd = self.random
        cdb, data = self.command()
        target = rnd.choice(self.targets)
        kind = rnd.choice(["plain"] * 12 + [
            "padding", "opcode", "too long", "long list", "no descriptor",
            "descriptors", "descriptor late", "cut off", "hello"])
        hello = 0
        half_close = False
        fds = 1
        if kind == "padding":
            cdb[10:16] = rnd.randbytes(6)
        elif kind == "opcode":
            cdb[0] = rnd.choice([0, 0x12, 0x5d, 0x60, 0xfe, 0xff])
        elif kind == "too long":
            cdb[7:9] = struct.pack(">H", rnd.choice([8193, 16384, 65535]))
        elif kind == "long list":
            # Theirs runs it: not where it takes a unit attention with it.
            target = NOWHERE
            cdb = bytearray(pr_out(REGISTER_AND_IGNORE))
            cdb[rnd.choice([5, 6])] = rnd.choice([1, 255])
            data = params()
        elif kind == "no descriptor":
            fds = 0
        elif kind == "descriptors":
            fds = rnd.choice([2, 3, 16, 17, 253])
        elif kind == "hello":
            hello = 1 << rnd.randrange(32)
        pieces = self.pieces(cdb, data, fds)
        if kind == "descriptor late":
            pieces = ((bytes(cdb[:8]), 1), (bytes(cdb[8:]), 1))
            data = b""
        elif kind == "cut off":
            whole = bytes(cdb) + data
            at = rnd.randrange(1, len(whole))
            pieces = ((whole[:1], 1), (whole[1:at], 0)) if at > 1 else \
                ((whole[:1], 1),)
            half_close = True
        return Request(kind, target, hello, pieces, half_close)


class Runner:
    """Sends requests to one helper; keeps its connection while it may."""

    def __init__(self, path, ours):
        self.path = path
        self.ours = ours
        self.client = None

    def close(self):
        if self.client:
            self.client.close()
        self.client = None

    def connected(self, hello):
        if hello:
            self.close()
        if not self.client:
            self.client = Client(self.path, handshake=False)
            self.client.handshake(hello)
        return self.client

    def run(self, request):
        """The Reply, or CLOSED."""
        client = self.connected(request.hello)
        target = request.target
        fd = target.opened_by_us() if self.ours else target.opened()
        try:
            for data, fds in request.pieces:
                client.send(data, [fd] * fds)
            if request.half_close:
                client.sock.shutdown(socket.SHUT_WR)
            return client.recv_reply()
        except (Closed, BrokenPipeError, ConnectionResetError):
            self.close()
            return CLOSED
        finally:
            os.close(fd)


def reset(path, targets):
    """Leave no registration and no unit attention on SCSI devices."""
    with Client(path) as client:
        for target in targets:
            if not target.scsi or target.script.get("fixed"):
                continue
            fd = target.opened()
            try:
                for _ in range(16):
                    reply = client.request(pr_in(READ_KEYS), fd)
                    if reply.good:
                        break
                client.out(REGISTER_AND_IGNORE, fd, new_key=0x99)
                client.out(CLEAR, fd, key=0x99)
            finally:
                os.close(fd)


def without_generation(request, reply, base):
    """The payload with PRGENERATION counted from the first one seen."""
    payload = reply.payload
    scripted = request.target.script.get("fixed")
    if scripted or request.cdb[1] & 0x1f not in (0, 1, 3) or len(payload) < 4:
        return payload, base
    generation = struct.unpack(">I", payload[:4])[0]
    if base is None:
        base = generation
    return struct.pack(">I", (generation - base) & 0xffffffff) + payload[4:], \
        base


def sense_that_counts(reply):
    """Sense up to its own length: QEMU's helper leaves rubbish behind it."""
    if not reply.code:
        return b""
    return reply.sense[:min(96, 8 + reply.sense[7])]


def is_false_good(request, theirs):
    """A status word that their table does not have, and GOOD all the same."""
    script = request.target.script
    return theirs.good and (script.get("host", "0") != "0" or
                            script.get("driver", "0") != "0")


# Each: why ours is different, and whether that explains a case. Both answers
# are replies unless CLOSED is handled.
DELIBERATE = [
    ("What is no SCSI device is ILLEGAL REQUEST, which nobody tries again; "
     "QEMU's says ABORTED COMMAND, which is tried again for ever.",
     lambda request, theirs, ours:
     CLOSED not in (theirs, ours) and not request.target.scsi and
     theirs.code == TERMINATED and ours.code == NO_SCSI_DEVICE),
    ("A parameter list length above 16 bits is refused: SPC has 32 bits, the "
     "protocol 16, and what follows would be taken for another request.",
     lambda request, theirs, ours:
     ours == CLOSED and request.cdb[0] == PR_OUT and
     request.cdb[5:7] != b"\0\0"),
    ("A host or driver status that QEMU's table lacks is passed over there, "
     "and the command looks carried out; ours is an error.",
     lambda request, theirs, ours:
     CLOSED not in (theirs, ours) and is_false_good(request, theirs) and
     not ours.good),
    ("A device that has gone is a hardware error in QEMU's newer table; that "
     "of Debian 12 does not have the errno.",
     lambda request, theirs, ours:
     CLOSED not in (theirs, ours) and theirs.code == TERMINATED and
     request.target.script.get("error") == errno.ENODEV and
     ours.code == (4, 0x44, 0)),
    ("A status that no initiator knows is an error with sense; QEMU's passes "
     "it on.",
     lambda request, theirs, ours:
     CLOSED not in (theirs, ours) and ours.code == TERMINATED and
     theirs.status not in (0, 2, 8, 0x18, 0x28, 0x30, 0x40)),
    ("CHECK CONDITION without sense data gets some; QEMU's sends none.",
     lambda request, theirs, ours:
     CLOSED not in (theirs, ours) and ours.code == TERMINATED and
     theirs.code is not None and
     theirs.sense[0] & 0x7f not in (0x70, 0x71, 0x72, 0x73)),
    ("QEMU's looks for the time-out bits in any driver status, of which there "
     "are two; ours knows the time-out by its number, 6.",
     lambda request, theirs, ours:
     CLOSED not in (theirs, ours) and theirs.status == 8 and
     request.target.script.get("driver", "0")[-1] in "23457abcdef"),
]


def explanation(request, theirs, ours):
    """Why the answers differ, or None."""
    for reason, explains in DELIBERATE:
        if explains(request, theirs, ours):
            return reason
    return None


def run_all(path, requests, ours):
    """[(answer, payload)] of one helper."""
    runner = Runner(path, ours)
    base = None
    answers = []
    try:
        for request in requests:
            reply = runner.run(request)
            payload = b""
            if reply != CLOSED:
                payload, base = without_generation(request, reply, base)
            answers.append((reply, payload))
    finally:
        runner.close()
    return answers


def is_equal(theirs, ours, their_payload, our_payload):
    if CLOSED in (theirs, ours):
        return theirs == ours
    return (theirs.status == ours.status and
            sense_that_counts(theirs) == sense_that_counts(ours) and
            their_payload == our_payload)


def compare(their_path, our_path, targets, seed, count, make=None):
    """Run count requests against both helpers.

    Returns (unexplained, explained): texts of differences, and for each
    reason of DELIBERATE how often it applied. make(targets, seed, count) may
    replace the generator of requests."""
    if make:
        requests = make(targets, seed, count)
    else:
        generator = Generator(targets, seed)
        requests = [generator.request() for _ in range(count)]
    reset(their_path, targets)
    theirs = run_all(their_path, requests, False)
    reset(our_path, targets)
    ours = run_all(our_path, requests, True)
    reset(our_path, targets)

    unexplained = []
    explained = collections.Counter()
    for i, request in enumerate(requests):
        if is_equal(theirs[i][0], ours[i][0], theirs[i][1], ours[i][1]):
            continue
        reason = explanation(request, theirs[i][0], ours[i][0])
        if reason:
            explained[reason] += 1
        else:
            unexplained.append(f"{i}: {request}\n"
                               f"  theirs: {show(*theirs[i])}\n"
                               f"  ours:   {show(*ours[i])}")
    return unexplained, explained


def show(reply, payload):
    if reply == CLOSED:
        return CLOSED
    return f"{reply} {sense_that_counts(reply).hex()} {payload.hex()}"


def every_command(targets, seed, count):
    """For scripted answers: one IN and one OUT on each target."""
    requests = []
    for target in targets:
        for cdb, data in ((pr_in(READ_KEYS, DATA_MAX), b""),
                          (pr_out(REGISTER_AND_IGNORE), params(new_key=1))):
            pieces = ((cdb, 1), (data, 0)) if data else ((cdb, 1),)
            requests.append(Request("scripted", target, 0, pieces, False))
    return requests


__all__ = ["CLOSED", "DELIBERATE", "PR_IN", "Target", "compare",
           "every_command", "node", "sense_code"]
