# SPDX-License-Identifier: LGPL-2.1-or-later
"""The model that the lab's LIO is compared with, against the tables of SPC-4.

No device: a wrong model would make the comparison prove the wrong thing.
"""

import pytest

from prclient import (CLEAR, PREEMPT, READ_KEYS, REGISTER, REGISTER_AND_IGNORE,
                      RELEASE, RESERVE)
from spc_model import (ALL_REGISTRANTS, CONFLICT, EXCLUSIVE, INVALID_CDB,
                       INVALID_LENGTH, INVALID_LIST, INVALID_RELEASE, OK,
                       PREEMPTED, RELEASED, TYPES, UNREGISTERED, In, Model,
                       Out)

A, B, C, WRONG = 0xA, 0xB, 0xC, 0xBAD


def unit(*registered, held=0):
    """A logical unit with these keys; nexus 0 holds that type of it."""
    model = Model()
    for nexus, key in enumerate(registered):
        assert model.run(Out(nexus, REGISTER, new_key=key)) == OK
    if held:
        assert model.run(Out(0, RESERVE, registered[0], type=held)) == OK
    return model


def attentions(model):
    """What each nexus is told next, as one list for each."""
    return [list(queue) for queue in model.attentions]


def refused(model, command, answer=CONFLICT):
    """This command has that answer and changes nothing."""
    before = str(model)
    assert model.run(command) == answer
    assert str(model) == before


@pytest.mark.parametrize("registered", [False, True])
@pytest.mark.parametrize("key", [0, A, WRONG])
@pytest.mark.parametrize("new_key", [0, B])
def test_register_follows_the_table(registered, key, new_key):
    """5.9.7: only the right key; 0 where there is none yet."""
    model = unit(*[A] * registered)
    command = Out(0, REGISTER, key, new_key)
    if key != (A if registered else 0):
        refused(model, command)
        return
    generation = model.generation
    assert model.run(command) == OK
    assert model.keys() == ([new_key] if new_key else [])
    assert model.generation == generation + 1


@pytest.mark.parametrize("key", [0, A, WRONG])
@pytest.mark.parametrize("new_key", [0, B])
@pytest.mark.parametrize("registered", [False, True])
def test_register_and_ignore_takes_any_key(registered, key, new_key):
    model = unit(*[A] * registered)
    assert model.run(Out(0, REGISTER_AND_IGNORE, key, new_key)) == OK
    assert model.keys() == ([new_key] if new_key else [])


def test_a_changed_key_keeps_the_reservation():
    model = unit(A, B, held=1)
    assert model.run(Out(0, REGISTER, A, C)) == OK
    assert model.reservation() == (C, 1)
    assert model.full_status() == {0: (C, 1), 1: (B, 0)}


@pytest.mark.parametrize("kind", TYPES)
def test_unregistering_the_holder_follows_the_table(kind):
    """5.9.11.3: attention for registrants only; all registrants stays."""
    model = unit(A, B, held=kind)
    assert model.run(Out(0, REGISTER, A)) == OK
    if kind in ALL_REGISTRANTS:
        assert model.reservation() == (0, kind)
        assert attentions(model) == [[], [], []]
        assert model.run(Out(1, REGISTER, B)) == OK
    else:
        told = [] if kind in EXCLUSIVE else [RELEASED]
        assert attentions(model) == [[], told, []]
    assert model.reservation() is None


@pytest.mark.parametrize("kind", set(TYPES) - set(ALL_REGISTRANTS))
def test_unregistering_another_keeps_the_reservation(kind):
    model = unit(A, B, held=kind)
    assert model.run(Out(1, REGISTER, B)) == OK
    assert model.reservation() == (A, kind)
    assert attentions(model) == [[], [], []]


@pytest.mark.parametrize("action", [RESERVE, RELEASE, CLEAR, PREEMPT])
@pytest.mark.parametrize("held", [0, *TYPES])
def test_what_only_the_right_key_may_do(action, held):
    model = unit(A, B, held=held)
    refused(model, Out(1, action, WRONG, A, type=1))
    refused(model, Out(2, action, 0, A, type=1))


@pytest.mark.parametrize("kind", TYPES)
@pytest.mark.parametrize("wanted", TYPES)
def test_reserve_while_reserved(kind, wanted):
    """5.9.9: a holder may repeat itself, all else is a conflict."""
    model = unit(A, B, held=kind)
    holders = 2 if kind in ALL_REGISTRANTS else 1
    for nexus, key in enumerate((A, B)):
        same = nexus < holders and wanted == kind
        refused(model, Out(nexus, RESERVE, key, type=wanted),
                OK if same else CONFLICT)


@pytest.mark.parametrize("scope, kind", [(0, 0), (0, 2), (0, 4), (0, 9),
                                         (0, 15), (1, 1), (2, 5)])
def test_scope_and_type_that_cannot_be_reserved(scope, kind):
    command = Out(0, RESERVE, A, type=kind, scope=scope)
    refused(unit(A), command, INVALID_CDB)
    preempt = Out(1, PREEMPT, B, A, type=kind, scope=scope)
    refused(unit(A, B, held=1), preempt, INVALID_CDB)
    # 5.9.11.4.4: where it removes registrations only they are not looked at.
    assert unit(A, B).run(preempt) == OK


@pytest.mark.parametrize("kind", TYPES)
def test_release_by_a_holder(kind):
    """5.9.11.2: attention unless the type is exclusive."""
    model = unit(A, B, held=kind)
    other = 1 if kind != 1 else 3
    refused(model, Out(0, RELEASE, A, type=other), INVALID_RELEASE)
    refused(model, Out(0, RELEASE, A, type=kind, scope=1), INVALID_RELEASE)
    generation = model.generation
    assert model.run(Out(0, RELEASE, A, type=kind)) == OK
    assert model.reservation() is None and model.keys() == [A, B]
    told = [] if kind in EXCLUSIVE else [RELEASED]
    assert attentions(model) == [[], told, []]
    assert model.generation == generation


@pytest.mark.parametrize("kind", TYPES)
def test_release_by_another(kind):
    model = unit(A, B, held=kind)
    assert model.run(Out(1, RELEASE, B, type=kind)) == OK
    held = None if kind in ALL_REGISTRANTS else (A, kind)
    assert model.reservation() == held
    refused(unit(A), Out(0, RELEASE, A, type=kind), OK)


def test_clear_tells_all_others():
    """5.9.11.6."""
    model = unit(A, B, held=5)
    assert model.run(Out(1, CLEAR, B)) == OK
    assert model.keys() == [] and model.reservation() is None
    assert attentions(model) == [[PREEMPTED], [], []]
    assert model.generation == 3


@pytest.mark.parametrize("held", [0, 1, 3, 5, 6])
def test_preempt_of_key_zero_is_for_all_registrants(held):
    refused(unit(A, B, held=held), Out(1, PREEMPT, B, 0, type=1),
            INVALID_LIST)


@pytest.mark.parametrize("held", [0, *TYPES])
def test_preempt_of_an_unknown_key(held):
    refused(unit(A, B, held=held), Out(1, PREEMPT, B, WRONG, type=1))


@pytest.mark.parametrize("held", [0, *TYPES])
def test_preempt_of_another_registration(held):
    """5.9.11.4.4: only the registration goes."""
    model = unit(A, B, C, held=held)
    assert model.run(Out(1, PREEMPT, B, C, type=3)) == OK
    assert model.keys() == [A, B]
    assert (model.reservation() or (0, 0))[1] == held
    assert attentions(model) == [[], [], [UNREGISTERED]]
    assert model.generation == 4


@pytest.mark.parametrize("held", [1, 3, 5, 6])
@pytest.mark.parametrize("kind", TYPES)
def test_preempt_of_the_holder(held, kind):
    """5.9.11.4.3: the rest hears of it if the type has changed."""
    model = unit(A, B, C, held=held)
    assert model.run(Out(1, PREEMPT, B, A, type=kind)) == OK
    assert model.keys() == [B, C] and model.is_holder(1)
    assert model.reservation() == (0 if kind in ALL_REGISTRANTS else B, kind)
    told = [] if kind == held else [RELEASED]
    assert attentions(model) == [[UNREGISTERED], [], told]


def test_preempt_of_oneself_changes_the_type():
    model = unit(A, B, held=1)
    assert model.run(Out(0, PREEMPT, A, A, type=6)) == OK
    assert model.full_status() == {0: (A, 6), 1: (B, 0)}
    assert attentions(model) == [[], [RELEASED], []]


def test_preempt_of_the_shared_key_moves_the_reservation():
    """The step of a migration: the key is the guest's on both nexuses."""
    model = unit(A, A, B, held=5)
    assert model.run(Out(1, PREEMPT, A, A, type=5)) == OK
    assert model.full_status() == {1: (A, 5), 2: (B, 0)}
    assert attentions(model) == [[UNREGISTERED], [], []]


@pytest.mark.parametrize("held", [0, 1, *ALL_REGISTRANTS])
def test_preempt_of_the_own_key_removes_it(held):
    """5.9.11.4.4 to the letter, where it is not the holder's key."""
    model = unit(A, B, held=held)
    assert model.run(Out(1, PREEMPT, B, B, type=1)) == OK
    assert model.keys() == [A]
    assert attentions(model) == [[], [], []]


@pytest.mark.parametrize("held", ALL_REGISTRANTS)
def test_preempt_of_all_registrants(held):
    """Key 0 means all of them; what the last one loses is released."""
    model = unit(A, B, C, held=held)
    assert model.run(Out(1, PREEMPT, B, 0, type=1)) == OK
    assert model.full_status() == {1: (B, 1)}
    assert attentions(model) == [[UNREGISTERED], [], [UNREGISTERED]]
    model = unit(A, held=held)
    assert model.run(Out(0, PREEMPT, A, A, type=1)) == OK
    assert model.keys() == [] and model.reservation() is None


def test_all_registrants_have_no_key_and_are_all_holders():
    model = unit(A, B, held=7)
    assert model.reservation() == (0, 7)
    assert model.full_status() == {0: (A, 7), 1: (B, 7)}


def test_attentions_come_one_by_one_before_anything_is_done():
    """SAM-5 5.14; the same one is not kept twice."""
    model = unit(A, B, held=5)
    for kind in (5, 6, 6):
        model.run(Out(0, RESERVE, A, type=kind))
        model.run(Out(0, RELEASE, A, type=kind))
    model.run(Out(0, CLEAR, A))
    refused_keys = In(1, READ_KEYS)
    assert model.run(refused_keys) == RELEASED
    assert model.run(Out(1, REGISTER, new_key=C)) == PREEMPTED
    assert model.keys() == []
    assert model.run(refused_keys) == OK


def test_what_no_device_takes():
    refused(unit(A), Out(0, RESERVE, A, type=1, length=23), INVALID_LENGTH)
    refused(unit(A), Out(0, 0x1F, A), INVALID_CDB)
    refused(unit(A), In(0, 4), INVALID_CDB)
    refused(unit(A), In(0, READ_KEYS, 0), OK)


def test_aptpl_is_that_of_the_last_registration():
    model = unit(A)
    model.run(Out(0, REGISTER, A, A, aptpl=True))
    refused(model, Out(1, REGISTER, WRONG, B))
    assert model.aptpl
    model.run(Out(1, REGISTER, new_key=B))
    assert not model.aptpl
