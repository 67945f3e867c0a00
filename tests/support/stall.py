# SPDX-License-Identifier: LGPL-2.1-or-later
"""A file whose server never answers.

Anybody who can mount a FUSE file system can make one, and pass a descriptor of
it to whom he likes: fstat(2) and close(2) on it wait for ever.  Here, the
server is this process itself: it speaks just enough of the kernel's protocol
(linux/fuse.h) for the file to be opened, and is silent from then on.

    with StalledFile(folder) as fd:
        ...

Closing the server's descriptor at the end makes the kernel give up all waits.
"""

import contextlib
import ctypes
import os
import struct
import threading

LOOKUP, GETATTR, OPEN, INIT = 1, 3, 14, 26
NAME = "stalled"

IN_HEADER = struct.Struct("=IIQQIIII")
OUT_HEADER = struct.Struct("=IiQ")


class Unavailable(Exception):
    """No FUSE file system can be mounted here."""


def libc():
    return ctypes.CDLL(None, use_errno=True)


def attributes(node, mode):
    """struct fuse_attr: inode, size, blocks, times, mode, links, owner."""
    return struct.pack("=QQQQQQIIIIIIIIII", node, 0, 0, 0, 0, 0, 0, 0, 0,
                       mode, 1, 0, 0, 0, 4096, 0)


class StalledFile:
    """A context: the descriptor of such a file, open for reading and writing.

    The folder, which exists and is empty, is mounted over."""

    def __init__(self, folder):
        self.folder = str(folder)
        self.fuse = self.fd = -1

    def __enter__(self):
        try:
            self.mount()
            server = threading.Thread(target=self.serve)
            server.start()
            try:
                self.fd = os.open(os.path.join(self.folder, NAME), os.O_RDWR)
            finally:
                if self.fd < 0:
                    self.stop()
                server.join()
        except OSError as error:
            self.stop()
            raise Unavailable(str(error)) from error
        return self.fd

    def __exit__(self, *exc):
        self.stop()
        if self.fd >= 0:
            with contextlib.suppress(OSError):  # the server is gone
                os.close(self.fd)

    def mount(self):
        self.fuse = os.open("/dev/fuse", os.O_RDWR | os.O_CLOEXEC)
        options = f"fd={self.fuse},rootmode=40000,user_id=0,group_id=0"
        if libc().mount(b"stall", self.folder.encode(), b"fuse", 0,
                        options.encode()) < 0:
            error = ctypes.get_errno()
            os.close(self.fuse)
            self.fuse = -1
            raise OSError(error, os.strerror(error))

    def stop(self):
        """Give up all waits, and the mount."""
        if self.fuse < 0:
            return
        os.close(self.fuse)
        self.fuse = -1
        libc().umount2(self.folder.encode(), 2)  # MNT_DETACH

    def serve(self):
        """Answer until the file is open; the thread ends with that."""
        while True:
            try:
                request = os.read(self.fuse, 1 << 17)
            except OSError:
                return
            _, opcode, unique, node, *_ = IN_HEADER.unpack_from(request)
            answer = self.answer(opcode, node)
            os.write(self.fuse, OUT_HEADER.pack(
                OUT_HEADER.size + len(answer), 0, unique) + answer)
            if opcode == OPEN:
                return

    @staticmethod
    def answer(opcode, node):
        if opcode == INIT:
            return struct.pack("=IIIIHHIIHHI28x", 7, 31, 4096, 0, 8, 8, 4096,
                               1, 1, 0, 0)
        if opcode == LOOKUP:
            # Node 2, and nothing that is said about it may be kept.
            return struct.pack("=QQQQII", 2, 0, 0, 0, 0, 0) + \
                attributes(2, 0o100644)
        if opcode == GETATTR:
            mode = 0o40755 if node == 1 else 0o100644
            return struct.pack("=QII", 0, 0, 0) + attributes(node, mode)
        return struct.pack("=QII", 0, 0, 0)  # OPEN
