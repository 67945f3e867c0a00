# SPDX-License-Identifier: LGPL-2.1-or-later
"""The helper protocol, kept and broken.

After each test the daemon still serves and has as many descriptors open as
before (the fixture `helper`).
"""

import os
import socket
import struct

import pytest

from prclient import (CDB_LEN, CHECK_CONDITION, DATA_MAX, PR_IN, PR_OUT,
                      READ_FULL_STATUS, READ_KEYS, READ_RESERVATION,
                      REGISTER_AND_IGNORE, REPORT_CAPABILITIES, SENSE_LEN,
                      Closed, params, pr_in, pr_out)

CAPABILITIES = bytes.fromhex("000800c0ea010000")


@pytest.fixture
def fd(helper):
    with helper.disk.open() as fd:
        yield fd


@pytest.fixture
def client(helper):
    with helper.client() as client:
        yield client


def capabilities(client, fd):
    return client.request(pr_in(REPORT_CAPABILITIES), fd).payload


# Handshake

def test_offers_no_feature(client):
    assert client.features == 0


@pytest.mark.parametrize("bit", range(32))
def test_a_feature_that_nobody_offered_closes(helper, bit):
    with helper.client(handshake=False) as client:
        client.handshake(1 << bit)
        assert client.wait_closed() == b""


def test_all_features_close(helper):
    with helper.client(handshake=False) as client:
        client.handshake(0xffffffff)
        assert client.wait_closed() == b""


def test_hello_may_come_in_pieces(helper, fd):
    with helper.client(handshake=False) as client:
        client.recv(4)
        for _ in range(4):
            client.send(b"\0")
        assert capabilities(client, fd) == CAPABILITIES


def test_hello_and_request_may_come_at_once(helper, fd):
    """The hello is a word of its own only in the protocol's description."""
    with helper.client(handshake=False) as client:
        client.send(bytes(4))
        client.send(pr_in(REPORT_CAPABILITIES), [fd])
        assert client.recv(4) == bytes(4)
        assert client.recv_reply().payload == CAPABILITIES


@pytest.mark.parametrize("count", range(4))
def test_leaving_inside_hello(helper, count):
    with helper.client(handshake=False) as client:
        client.recv(4)
        if count:
            client.send(bytes(count))


def test_leaving_before_hello(helper):
    with helper.client(handshake=False):
        pass


def test_descriptor_with_hello_is_lost(helper, fd):
    """qemu-pr-helper reads the word without asking for descriptors."""
    with helper.client(handshake=False) as client:
        client.recv(4)
        client.send(bytes(4), [fd, fd])
        assert capabilities(client, fd) == CAPABILITIES


# CDB and descriptor

@pytest.mark.parametrize("at", range(CDB_LEN))
def test_descriptor_may_come_with_any_byte(client, fd, at):
    cdb = pr_in(REPORT_CAPABILITIES)
    if at:
        client.send(cdb[:at])
    client.send(cdb[at:at + 1], [fd])
    if at < CDB_LEN - 1:
        client.send(cdb[at + 1:])
    assert client.recv_reply().payload == CAPABILITIES


@pytest.mark.parametrize("at", range(CDB_LEN))
def test_cdb_may_come_byte_by_byte(client, fd, at):
    cdb = pr_in(REPORT_CAPABILITIES)
    for i in range(CDB_LEN):
        client.send(cdb[i:i + 1], [fd] if i == at else [])
    assert client.recv_reply().payload == CAPABILITIES


@pytest.mark.parametrize("at", range(1, CDB_LEN))
def test_second_descriptor_in_a_later_piece_closes(client, fd, at):
    cdb = pr_in(REPORT_CAPABILITIES)
    client.send(cdb[:at], [fd])
    try:
        client.send(cdb[at:], [fd])
    except (BrokenPipeError, ConnectionResetError):
        pass
    assert client.wait_closed() == b""


@pytest.mark.parametrize("count", [0, 2, 3, 16, 17, 18, 64, 253])
def test_any_number_of_descriptors_but_one_closes(client, fd, count):
    client.send(pr_in(REPORT_CAPABILITIES), [fd] * count)
    assert client.wait_closed() == b""


@pytest.mark.parametrize("count", [2, 17, 253])
@pytest.mark.parametrize("at", [0, 1, 8, 15])
def test_surplus_descriptors_close_at_any_byte(client, fd, at, count):
    cdb = pr_in(REPORT_CAPABILITIES)
    if at:
        client.send(cdb[:at])
    try:
        client.send(cdb[at:], [fd] * count)
    except (BrokenPipeError, ConnectionResetError):
        pass
    assert client.wait_closed() == b""


@pytest.mark.parametrize("at", [0, 1, 23])
def test_descriptor_with_parameters_is_lost(client, fd, at):
    """qemu-pr-helper reads the list without asking for descriptors."""
    data = params(new_key=0)
    client.send(pr_out(REGISTER_AND_IGNORE), [fd])
    if at:
        client.send(data[:at])
    client.send(data[at:], [fd])
    assert client.recv_reply().good
    assert capabilities(client, fd) == CAPABILITIES


@pytest.mark.parametrize("opcode", sorted(set(range(256)) - {PR_IN, PR_OUT}))
def test_any_other_opcode_closes(client, fd, opcode):
    client.send(struct.pack(">B15x", opcode), [fd])
    assert client.wait_closed() == b""


@pytest.mark.parametrize("opcode", [PR_IN, PR_OUT])
@pytest.mark.parametrize("length", [8193, 8194, 16384, 32768, 65535])
def test_length_above_the_limit_closes(client, fd, opcode, length):
    client.send(struct.pack(">B6xHx6x", opcode, length), [fd])
    assert client.wait_closed() == b""


@pytest.mark.parametrize("byte", [5, 6])
@pytest.mark.parametrize("value", [1, 0x80, 0xff])
def test_parameter_list_of_four_length_bytes_closes(client, fd, byte, value):
    """SPC's list length has 32 bits, the protocol's has 16: what follows
    could not be told from the next CDB."""
    cdb = bytearray(pr_out(REGISTER_AND_IGNORE))
    cdb[byte] = value
    client.send(bytes(cdb), [fd])
    assert client.wait_closed() == b""


@pytest.mark.parametrize("byte", range(10, 16))
def test_padding_of_the_cdb_is_ignored(client, fd, byte):
    cdb = bytearray(pr_in(REPORT_CAPABILITIES))
    cdb[byte] = 0xff
    assert client.request(bytes(cdb), fd).payload == CAPABILITIES


@pytest.mark.parametrize("count", range(CDB_LEN))
@pytest.mark.parametrize("with_fd", [False, True])
def test_leaving_inside_the_cdb(client, fd, count, with_fd):
    if count:
        client.send(pr_in(READ_KEYS)[:count], [fd] if with_fd else [])


@pytest.mark.parametrize("count", range(25))
def test_leaving_inside_the_parameters(client, fd, count):
    client.send(pr_out(REGISTER_AND_IGNORE), [fd])
    if count:
        client.send(params(new_key=0)[:count])


@pytest.mark.parametrize("count", range(CDB_LEN))
def test_half_closing_inside_the_cdb_closes(client, fd, count):
    if count:
        client.send(pr_in(READ_KEYS)[:count], [fd])
    client.sock.shutdown(socket.SHUT_WR)
    assert client.wait_closed() == b""


@pytest.mark.parametrize("count", [0, 1, 23])
def test_half_closing_inside_the_parameters_closes(client, fd, count):
    client.send(pr_out(REGISTER_AND_IGNORE), [fd])
    if count:
        client.send(params()[:count])
    client.sock.shutdown(socket.SHUT_WR)
    assert client.wait_closed() == b""


# Replies

@pytest.mark.parametrize("length", list(range(12)) + [24, 512, 8191, 8192])
def test_payload_never_exceeds_the_allocation_length(client, fd, length):
    """SPC-4, 4.3.5.6: what does not fit is left out, without an error."""
    reply = client.request(pr_in(REPORT_CAPABILITIES, length), fd)
    assert reply.good
    assert reply.payload == CAPABILITIES[:length]
    assert reply.sense == bytes(SENSE_LEN)


@pytest.mark.parametrize("action", range(4, 32))
def test_reserved_service_actions_reach_the_device(client, fd, action):
    reply = client.request(pr_in(action), fd)
    assert reply.code == (5, 0x24, 0)
    assert reply.payload == b""


def test_sense_bytes_are_all_defined(client, fd):
    reply = client.request(pr_in(31), fd)
    assert reply.sense[18:] == bytes(SENSE_LEN - 18)


@pytest.mark.parametrize("length", [0, 1, 23, 25, 48, 8191, 8192])
def test_parameter_list_is_taken_whole(client, fd, length):
    reply = client.request(pr_out(REGISTER_AND_IGNORE, length=length), fd,
                           bytes(length))
    assert reply.code == (5, 0x1a, 0)
    assert capabilities(client, fd) == CAPABILITIES


def test_largest_parameter_list_may_come_in_pieces(client, fd):
    client.send(pr_out(REGISTER_AND_IGNORE, length=DATA_MAX), [fd])
    for _ in range(DATA_MAX // 512):
        client.send(bytes(512))
    assert client.recv_reply().code == (5, 0x1a, 0)


def test_requests_ahead_are_answered_in_order(client, fd):
    """No client needs it; but a session is never out of step."""
    for length in range(1, 65):
        client.send_request(pr_in(REPORT_CAPABILITIES, length % 9), fd)
    for length in range(1, 65):
        assert client.recv_reply().payload == CAPABILITIES[:length % 9]


def test_parameters_and_next_cdb_may_come_at_once(client, fd):
    """The descriptor of the second request comes with the bytes of its own."""
    data = params(new_key=0)
    client.send(pr_out(REGISTER_AND_IGNORE), [fd])
    client.send(data)
    client.send(pr_in(REPORT_CAPABILITIES), [fd])
    assert client.recv_reply().good
    assert client.recv_reply().payload == CAPABILITIES


def test_half_closing_after_a_request_still_answers(client, fd):
    client.send_request(pr_in(REPORT_CAPABILITIES), fd)
    client.sock.shutdown(socket.SHUT_WR)
    assert client.recv_reply().payload == CAPABILITIES
    assert client.wait_closed() == b""


def test_leaving_before_the_reply(helper, fd):
    for _ in range(50):
        with helper.client() as client:
            client.send_request(pr_in(READ_FULL_STATUS), fd)


def test_client_that_never_reads_stalls_nobody(helper, client, fd):
    """It sends until the daemon takes no more; others are served."""
    client.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    client.sock.settimeout(None)
    client.sock.setblocking(False)
    cdb = pr_in(READ_RESERVATION)
    sent = 0
    try:
        while sent < 100000:
            client.send(cdb, [fd])
            sent += 1
    except BlockingIOError:
        pass
    except OSError as error:  # too many descriptors in flight
        assert error.errno == 109, error
    assert sent > 0
    for _ in range(20):
        with helper.client() as other:
            assert capabilities(other, fd) == CAPABILITIES


def test_slow_client_is_waited_for(helper, fd):
    """Half a request occupies nobody: more slow clients than workers."""
    cdb = pr_in(REPORT_CAPABILITIES)
    slow = [helper.client() for _ in range(40)]
    try:
        for client in slow:
            client.send(cdb[:7], [fd])
        with helper.client() as other:
            assert capabilities(other, fd) == CAPABILITIES
        for client in slow:
            client.send(cdb[7:])
        for client in slow:
            assert client.recv_reply().payload == CAPABILITIES
    finally:
        for client in slow:
            client.close()


def test_many_requests_on_one_connection(client, fd):
    for _ in range(500):
        assert capabilities(client, fd) == CAPABILITIES


def test_many_connections(helper, fd):
    clients = [helper.client() for _ in range(100)]
    try:
        for client in clients:
            assert capabilities(client, fd) == CAPABILITIES
    finally:
        for client in clients:
            client.close()


def test_refusal_says_what_it_is(client):
    with open(os.devnull, "rb") as null:
        reply = client.request(pr_in(READ_KEYS), null.fileno())
    assert reply.status == CHECK_CONDITION


def test_closed_is_told_from_silence(client, fd):
    """The tests' own client: an answer that never comes is an exception."""
    client.send(bytes(CDB_LEN), [fd])
    with pytest.raises(Closed):
        client.recv_reply()
