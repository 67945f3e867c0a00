# SPDX-License-Identifier: LGPL-2.1-or-later
"""Random commands from three nexuses, compared with a model of SPC.

Every answer through the helper is what the model says, and so is all that
PERSISTENT RESERVE IN shows.  Only the deviations that lio.py names pass.
"""

import contextlib
import functools
import os
import random
import struct

import pytest

from helper import Helper
from inside import read
from lio import Lio
from prclient import (APTPL, CLEAR, PREEMPT, PREEMPT_AND_ABORT,
                      READ_FULL_STATUS, READ_KEYS, READ_RESERVATION, REGISTER,
                      REGISTER_AND_IGNORE, RELEASE, REPORT_CAPABILITIES,
                      RESERVE, Client, keys, params, pr_in, pr_out,
                      reservation)
from spc_model import (ALL_REGISTRANTS, LIST_LEN, OK, TYPES, Answer, In, Model,
                       Out)
from targets import Lun

NEXUSES = 3
SEEDS = range(1, 9)
COMMANDS = 400

# After so many commands all that can be shown is looked at.
INTERVAL = 16
SHOWN = 20

# Of a new disk, and of the sequence before.
ATTENTIONS_MAX = 8

KEYS = (101, 202, 303)
UNKNOWN_KEY = 999

# How often a service action comes up.
ACTIONS = {REGISTER: 6, REGISTER_AND_IGNORE: 4, RESERVE: 6, RELEASE: 4,
           CLEAR: 1, PREEMPT: 8, PREEMPT_AND_ABORT: 1, 0x1F: 1}
ALL_IN = (READ_KEYS, READ_RESERVATION, REPORT_CAPABILITIES, READ_FULL_STATUS)


class Player:
    """Makes up commands that are mostly about to succeed."""

    def __init__(self, seed, model):
        self.random = random.Random(seed)
        self.model = model
        self.asleep = None

    def often(self, share, usual, other):
        """usual with that probability, else one of other."""
        return usual if self.random.random() < share else self.random.choice(
            other)

    def nexus(self):
        """Any but the one asleep, which gathers unit attentions."""
        if self.random.random() < 0.06:
            self.asleep = self.random.choice((None, *range(NEXUSES)))
        return self.random.choice([nexus for nexus in range(NEXUSES)
                                   if nexus != self.asleep])

    def command(self):
        nexus = self.nexus()
        if self.random.random() < 0.15:
            action = self.often(0.9, self.random.choice(ALL_IN), (4, 0x1F))
            return In(nexus, action, self.often(0.8, 8192, (0, 5, 7)))
        action = self.action(nexus)
        return Out(nexus, action, self.key(nexus, action),
                   self.new_key(action), self.type(action),
                   scope=self.often(0.95, 0, (1, 2, 15)),
                   aptpl=self.often(0.7, False, (True,)),
                   length=self.often(0.97, LIST_LEN, (8, 23, 25, 32)))

    def action(self, nexus):
        action, = self.random.choices(list(ACTIONS), ACTIONS.values())
        if nexus in self.model.registered:
            return action
        return self.often(0.4, action, (REGISTER, REGISTER_AND_IGNORE))

    def key(self, nexus, action):
        if action == PREEMPT_AND_ABORT:
            # On this kernel it does not come back from aborting anything
            # behind tcm_loop, so let it be refused.
            return UNKNOWN_KEY
        return self.often(0.85, self.model.registered.get(nexus, 0),
                          (0, UNKNOWN_KEY, *KEYS))

    def new_key(self, action):
        if action == PREEMPT:
            present = self.model.keys() or KEYS
            return self.often(0.8, self.random.choice(present),
                              (0, UNKNOWN_KEY))
        return self.often(0.8, self.random.choice(KEYS), (0,))

    def type(self, action):
        valid = self.random.choice(TYPES + ALL_REGISTRANTS)
        if action == RELEASE and self.model.type:
            valid = self.often(0.75, self.model.type, TYPES)
        return self.often(0.93, valid, (0, 2, 4, 9, 15))


class Stage:
    """Three connections, each with a descriptor of its own path."""

    def __init__(self, stack):
        self.lun = stack.enter_context(Lun("model", nexuses=NEXUSES))
        helper = stack.enter_context(Helper())
        here, there, yonder = self.lun.paths
        self.fds = [os.open(node, os.O_RDWR)
                    for node in (here.block, there.sg, yonder.block)]
        for fd in self.fds:
            stack.callback(os.close, fd)
        self.clients = [stack.enter_context(Client(helper.socket))
                        for _ in self.fds]
        names = [read(port / "nexus") for port in self.lun.ports]
        self.transport_ids = [
            bytes([6, 0, 0, 0]) + bytes.fromhex(name.removeprefix("naa."))
            + bytes(12) for name in names]

    def send(self, command):
        """The device's reply."""
        client, fd = self.clients[command.nexus], self.fds[command.nexus]
        if isinstance(command, In):
            return client.request(pr_in(command.action, command.length), fd)
        data = params(command.key, command.new_key,
                      APTPL if command.aptpl else 0)
        data = data.ljust(command.length, b"\0")[:command.length]
        cdb = pr_out(command.action, command.type, command.length,
                     command.scope)
        return client.request(cdb, fd, data)

    def reset(self):
        """No registration and no attention is left; returns PRGENERATION."""
        self.settle()
        for command in (Out(0, REGISTER_AND_IGNORE, new_key=KEYS[0]),
                        Out(0, CLEAR, KEYS[0])):
            reply = self.send(command)
            assert reply.good, str(reply)
        return self.shown(READ_KEYS, self.settle())[0]

    def settle(self):
        """Take all unit attentions; returns the data of READ KEYS."""
        for nexus in range(NEXUSES):
            for _ in range(ATTENTIONS_MAX):
                reply = self.send(In(nexus, READ_KEYS))
                if reply.good:
                    break
            assert reply.good, str(reply)
        return reply.payload

    def shown(self, action, payload):
        """What the data of PERSISTENT RESERVE IN says, as the model has it."""
        generation = struct.unpack_from(">I", payload)[0]
        if action == READ_KEYS:
            return generation, sorted(keys(payload))
        if action == READ_RESERVATION:
            return generation, reservation(payload)
        if action == READ_FULL_STATUS:
            return generation, self.full_status(payload)
        return bool(payload[3] & 1)

    def full_status(self, payload):
        """{nexus: (key, type where it holds)} of READ FULL STATUS."""
        end = 8 + struct.unpack_from(">I", payload, 4)[0]
        status, at = {}, 8
        while at < end:
            key, flags, kind, size = struct.unpack_from(">Q4xBB6xI", payload,
                                                        at)
            nexus = self.transport_ids.index(payload[at + 24:at + 24 + size])
            assert nexus not in status, "registered twice"
            status[nexus] = (key, kind if flags & 1 else 0)
            at += 24 + size
        return status


def expected(model, action):
    """What PERSISTENT RESERVE IN shows of the model."""
    if action == REPORT_CAPABILITIES:
        return model.aptpl
    whole = {READ_KEYS: model.keys, READ_RESERVATION: model.reservation,
             READ_FULL_STATUS: model.full_status}[action]()
    return model.generation, whole


def replay(model, records):
    """The index of the first record that a model contradicts, or None."""
    for index, (command, answer, shown) in enumerate(records):
        if model.run(command) != answer:
            return index
        if shown is not None and expected(model, command.action) != shown:
            return index
    return None


class Game:
    """One sequence, with the model at its side."""

    def __init__(self, stage, seed):
        self.stage = stage
        self.generation = stage.reset()
        self.model = Lio(NEXUSES, self.generation)
        self.player = Player(seed, self.model)
        self.records = []

    def play(self):
        """The whole sequence; an assertion fails where it goes apart."""
        for number in range(COMMANDS):
            self.send(self.player.command())
            if number % INTERVAL == 0:
                self.look(self.player.nexus())

    def look(self, nexus):
        """All that a nexus can see, its unit attentions out of the way."""
        while not self.send(In(nexus, READ_KEYS)).good:
            pass
        for action in ALL_IN:
            self.send(In(nexus, action))

    def send(self, command):
        """Send a command; both answers must be the same."""
        before = str(self.model)
        reply = self.stage.send(command)
        shown = None
        if reply.good and isinstance(command, In):
            shown = self.stage.shown(command.action, reply.payload)
        answer = Answer(reply.status, reply.code)
        self.records.append((command, answer, shown))
        wrong = replay(self.model, self.records[-1:])
        assert wrong is None, self.story(before)
        return reply

    def story(self, before):
        """The last commands, with what the model says to them."""
        model = Lio(NEXUSES, self.generation)
        lines = []
        for command, answer, shown in self.records:
            said = f"    device {answer}\n    model  {model.run(command)}"
            if shown is not None:
                said += (f"\n    device shows {shown}\n    model  shows "
                         f"{expected(model, command.action)}")
            lines.append(f"{command}\n{said}")
        return "\n".join([f"the last {SHOWN} commands:", *lines[-SHOWN:],
                          f"model before: {before}",
                          f"model after:  {self.model}"])


@pytest.fixture(scope="module")
def stage():
    with contextlib.ExitStack() as stack:
        yield Stage(stack)


@pytest.fixture(scope="module")
def games(stage):
    """games(seed) plays that sequence, once."""
    @functools.lru_cache(maxsize=None)
    def played(seed):
        game = Game(stage, seed)
        game.play()
        return game
    return played


@pytest.mark.parametrize("seed", SEEDS)
def test_random_commands_have_the_answers_of_the_model(games, seed):
    records = games(seed).records
    done = [command for command, answer, _ in records
            if isinstance(command, Out) and answer == OK]
    # Else the sequences would have become a row of refusals.
    assert len(done) > COMMANDS // 5


@pytest.mark.parametrize("name", [name for name in vars(Lio)
                                  if not name.startswith("_")])
def test_each_listed_deviation_was_met(games, name):
    """Without it the model is contradicted: nothing is listed in vain."""
    strict = type("Strict", (Lio,), {name: getattr(Model, name)})
    assert any(replay(strict(NEXUSES, game.generation), game.records)
               is not None for game in map(games, SEEDS))
