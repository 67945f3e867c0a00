# SPDX-License-Identifier: LGPL-2.1-or-later
"""Load on a helper, and what is left of it afterwards."""

import collections
import json
import os

import build
from inside import run

PRBENCH = os.path.join(build.BUILD, "bench/prbench")


class Load:
    """What some clients at once got: how long each waited, and the answers."""

    def __init__(self, helper, node, clients, requests, out=False):
        ran = run(PRBENCH, "-D", node, "-c", clients, "-n", requests,
                  "-w", clients, *(["-o"] if out else []), helper.socket)
        measured = json.loads(ran.ok().output)
        self.statuses = measured["statuses"]
        self.us = {name: measured[f"{name}_us"]
                   for name in ("median", "p90", "p99", "max")}
        self.sent = requests + clients

    @property
    def all_good(self):
        return set(self.statuses) == {"00"}

    def __str__(self):
        return ", ".join(f"{name} {value / 1000:.1f} ms"
                         for name, value in self.us.items())


def threads(pid):
    return [int(name) for name in os.listdir(f"/proc/{pid}/task")]


def descriptors(pid):
    """What its descriptors are, those of sessions and devices included."""
    folder = f"/proc/{pid}/fd"
    found = []
    for name in os.listdir(folder):
        try:
            found.append(os.readlink(f"{folder}/{name}"))
        except FileNotFoundError:
            pass
    return sorted(found)


def has_more_than(pid, before):
    """Whether it has descriptors that it had not before.

    Some of before may have gone: sessions that were just ending.
    """
    return bool(collections.Counter(descriptors(pid))
                - collections.Counter(before))
