# SPDX-License-Identifier: LGPL-2.1-or-later
"""Persistent reservations of one logical unit as SPC-4 describes them.

    model = Model(nexuses=3)
    model.run(Out(0, REGISTER, new_key=0xA))     (GOOD, None)
    model.run(In(1, READ_KEYS))                  (GOOD, None)
    model.keys()                                 [0xA]

Three nexuses are numbers 0 to 2.  An answer is status and sense code, the
latter None without CHECK CONDITION.  Clauses are those of SPC-4; what a real
target does otherwise is for a subclass to say.
"""

import collections

from prclient import (CHECK_CONDITION, CLEAR, GOOD, PREEMPT,
                      PREEMPT_AND_ABORT, READ_FULL_STATUS, REGISTER,
                      REGISTER_AND_IGNORE, RELEASE, RESERVATION_CONFLICT,
                      RESERVE)


class Answer(collections.namedtuple("Answer", "status code")):
    """Status and sense code, the latter as (key, ASC, ASCQ) or None."""

    __slots__ = ()

    def __str__(self):
        code = " %x/%02x/%02x" % self.code if self.code else ""
        return f"{self.status:02x}h{code}"


OK = Answer(GOOD, None)
CONFLICT = Answer(RESERVATION_CONFLICT, None)
INVALID_CDB = Answer(CHECK_CONDITION, (0x5, 0x24, 0x00))
INVALID_LIST = Answer(CHECK_CONDITION, (0x5, 0x26, 0x00))
INVALID_RELEASE = Answer(CHECK_CONDITION, (0x5, 0x26, 0x04))
INVALID_LENGTH = Answer(CHECK_CONDITION, (0x5, 0x1A, 0x00))

# Unit attentions.
PREEMPTED = Answer(CHECK_CONDITION, (0x6, 0x2A, 0x03))
RELEASED = Answer(CHECK_CONDITION, (0x6, 0x2A, 0x04))
UNREGISTERED = Answer(CHECK_CONDITION, (0x6, 0x2A, 0x05))

EXCLUSIVE = (1, 3)
REGISTRANTS_ONLY = (5, 6)
ALL_REGISTRANTS = (7, 8)
TYPES = EXCLUSIVE + REGISTRANTS_ONLY + ALL_REGISTRANTS

LIST_LEN = 24

Out = collections.namedtuple(
    "Out", "nexus action key new_key type scope aptpl length",
    defaults=(0, 0, 0, 0, False, LIST_LEN))
In = collections.namedtuple("In", "nexus action length", defaults=(8192,))


class Model:
    """State of the logical unit, and the answer to each command."""

    # Methods of the service actions; what is not here is not supported.
    ACTIONS = {REGISTER: "register", RESERVE: "reserve", RELEASE: "release",
               CLEAR: "clear", PREEMPT: "preempt",
               PREEMPT_AND_ABORT: "preempt", REGISTER_AND_IGNORE: "register"}

    def __init__(self, nexuses=3, generation=0):
        self.generation = generation
        self.registered = {}   # key of each registered nexus, oldest first
        self.type = 0          # of the reservation, 0 for none
        self.holder = None     # nexus, also with types that all hold
        self.aptpl = False
        self.attentions = [[] for _ in range(nexuses)]

    def __str__(self):
        queues = [[str(entry) for entry in queue] for queue in self.attentions]
        return (f"registered {self.registered}, "
                f"type {self.type} of {self.holder}, aptpl {self.aptpl}, "
                f"generation {self.generation}, attentions {queues}")

    # What PERSISTENT RESERVE IN shows, 6.15.

    def keys(self):
        """READ KEYS, in no order."""
        return sorted(self.registered.values())

    def reservation(self):
        """READ RESERVATION: (key, type) or None; no key where all hold."""
        if not self.type:
            return None
        shared = self.type in ALL_REGISTRANTS
        return (0 if shared else self.registered[self.holder], self.type)

    def full_status(self):
        """READ FULL STATUS: {nexus: (key, type where it holds, else 0)}."""
        return {nexus: (key, self.type if self.is_holder(nexus) else 0)
                for nexus, key in self.registered.items()}

    def is_holder(self, nexus):
        """5.9.10: the nexus that reserved, or each registered one."""
        if self.type in ALL_REGISTRANTS:
            return nexus in self.registered
        return bool(self.type) and nexus == self.holder

    # Commands.

    def run(self, command):
        """The answer to a command, which is then done."""
        answer = self.take_attention(command.nexus)   # SAM-5 5.14
        if answer:
            return answer
        if isinstance(command, In):
            return self.check_in(command) or OK
        return self.check_out(command) or getattr(
            self, self.ACTIONS[command.action])(command)

    def take_attention(self, nexus):
        """SAM-5 5.14: conditions are reported one at a time."""
        queue = self.attentions[nexus]
        return queue.pop(0) if queue else None

    def attend(self, attention, sender, nexuses):
        """Tell these nexuses, except for the one that caused it."""
        for nexus in nexuses:
            queue = self.attentions[nexus]
            if nexus != sender and attention not in queue:
                queue.append(attention)

    def check_in(self, command):
        """6.15.1: any allocation length will do."""
        return INVALID_CDB if command.action > READ_FULL_STATUS else None

    def check_out(self, command):
        """6.16: fields of the CDB, then who sends it and with which key."""
        return (self.check_access(command) or self.check_list(command)
                or self.check_fields(command) or self.check_key(command))

    def check_access(self, command):
        """5.9.1, table 50; SPC does not say which fault is reported first, so
        it is left to check_key() and the service action."""

    def check_list(self, command):
        if command.length != LIST_LEN:
            return INVALID_LENGTH
        return None if command.action in self.ACTIONS else INVALID_CDB

    def check_fields(self, command):
        """6.16.2: SCOPE and TYPE of what is to be established."""
        if command.action == RESERVE or self.establishes(command):
            if command.scope or command.type not in TYPES:
                return INVALID_CDB
        return None

    def check_key(self, command):
        """5.9.5, table 56; 5.9.7, tables 58 and 59 for registering."""
        key = self.registered.get(command.nexus)
        if command.action == REGISTER_AND_IGNORE:
            return None
        if command.action == REGISTER and key is None:
            return CONFLICT if command.key else None
        return CONFLICT if command.key != key else None

    def register(self, command):
        """5.9.7: register, change the key or unregister."""
        nexus = command.nexus
        self.aptpl = command.aptpl
        if command.new_key:
            self.registered[nexus] = command.new_key
        elif nexus in self.registered:
            self.unregister(nexus)
        self.generation += 1
        return OK

    def unregister(self, nexus):
        """5.9.11.3."""
        last, held = self.type, self.is_holder(nexus)
        del self.registered[nexus]
        if not held:
            return
        if last in ALL_REGISTRANTS and self.registered:
            self.inherit()
            return
        self.release_now()
        if last in REGISTRANTS_ONLY:
            self.attend(RELEASED, nexus, self.registered)

    def inherit(self):
        """Where all hold it does not matter whose reservation it was."""
        if self.holder not in self.registered:
            self.holder = next(iter(self.registered))

    def release_now(self):
        self.type, self.holder = 0, None

    def reserve(self, command):
        """5.9.9."""
        if not self.type:
            self.type, self.holder = command.type, command.nexus
            return OK
        same = self.is_holder(command.nexus) and self.type == command.type
        return OK if same else CONFLICT

    def release(self, command):
        """5.9.11.2."""
        if not self.is_holder(command.nexus):
            return OK
        if command.scope or command.type != self.type:
            return INVALID_RELEASE
        if self.type not in EXCLUSIVE:
            self.attend(RELEASED, command.nexus, self.registered)
        self.release_now()
        return OK

    def clear(self, command):
        """5.9.11.6."""
        self.attend(PREEMPTED, command.nexus, self.registered)
        self.registered.clear()
        self.release_now()
        self.generation += 1
        return OK

    def establishes(self, command):
        """5.9.11.4.2: is this a PREEMPT of the reservation?"""
        if command.action not in (PREEMPT, PREEMPT_AND_ABORT) or not self.type:
            return False
        if self.type in ALL_REGISTRANTS:
            return command.new_key == 0
        return command.new_key == self.registered[self.holder]

    def preempt(self, command):
        """5.9.11.4, figure 9; aborting tasks is not modelled."""
        me, victim = command.nexus, command.new_key
        moves = self.establishes(command)
        if victim == 0 and not moves:
            return INVALID_LIST
        lost = [nexus for nexus, key in self.registered.items()
                if victim in (0, key)]
        if not lost:
            return CONFLICT
        if self.spares_sender(command):
            lost = [nexus for nexus in lost if nexus != me]
        self.remove(me, lost)
        if moves:
            self.move(command)
        self.generation += 1
        return OK

    def spares_sender(self, command):
        """5.9.11.4.3 b, but not 5.9.11.4.4 a."""
        return self.establishes(command)

    def remove(self, sender, lost):
        """5.9.11.4.4: only an all registrants reservation can end by it."""
        for nexus in lost:
            del self.registered[nexus]
        self.attend(UNREGISTERED, sender, lost)
        if not self.registered:
            self.release_now()
        elif self.type in ALL_REGISTRANTS:
            self.inherit()

    def move(self, command):
        """5.9.11.4.3: the sender gets the reservation, of its type."""
        if self.type != command.type:
            self.attend(RELEASED, command.nexus, self.registered)
        self.type, self.holder = command.type, command.nexus

