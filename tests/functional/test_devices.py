# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a device is, what it says, and what the client is told."""

import os

import pytest

from prclient import (APTPL, BUSY, CHECK_CONDITION, CLEAR, DATA_MAX, GOOD,
                      PREEMPT, READ_FULL_STATUS, READ_KEYS, READ_RESERVATION,
                      REGISTER, REGISTER_AND_IGNORE, RELEASE, REPORT_CAPABILITIES,
                      RESERVATION_CONFLICT, RESERVE, SENSE_LEN, TASK_SET_FULL,
                      params, pr_in, pr_out)

NO_SCSI_DEVICE = (5, 0x20, 0)
TERMINATED = (0xb, 0, 6)


def ask(helper, device, cdb, data=b"", flags=os.O_RDWR):
    with helper.client() as client, device.open(flags) as fd:
        return client.request(cdb, fd, data)


def read_keys(helper, device, flags=os.O_RDWR):
    return ask(helper, device, pr_in(READ_KEYS), flags=flags)


def register(helper, device, flags=os.O_RDWR):
    return ask(helper, device, pr_out(REGISTER_AND_IGNORE),
               params(new_key=7), flags)


# I8: what the client could already command

@pytest.mark.parametrize("flags", [os.O_RDWR, os.O_WRONLY])
def test_reserving_needs_a_descriptor_open_for_writing(helper, flags):
    device = helper.device()
    assert register(helper, device, flags).good
    assert read_keys(helper, device, flags).good


def test_reading_needs_none(helper):
    assert read_keys(helper, helper.device(), os.O_RDONLY).good


def test_a_read_only_descriptor_reserves_nothing(helper):
    device = helper.device(device="8:4000")
    assert register(helper, device, os.O_RDONLY).code == NO_SCSI_DEVICE
    assert not helper.log.matching("start device=8:4000 ")


@pytest.mark.parametrize("number", ["21:0", "9:0", "9:128", "86:0", "206:0"])
def test_character_devices_of_scsi_are_served(helper, number):
    device = helper.device(type="char", device=number)
    assert read_keys(helper, device).good


@pytest.mark.parametrize("number", ["8:0", "248:0", "1:3", "10:0", "254:3"])
def test_other_character_devices_are_refused(helper, number):
    """bsg, among others, takes commands but in another form."""
    device = helper.device(type="char", device=number)
    assert read_keys(helper, device).code == NO_SCSI_DEVICE
    assert register(helper, device).code == NO_SCSI_DEVICE


def test_the_kernels_verdict_refuses(helper):
    """A partition, or a map of a part of a disk."""
    device = helper.device(device="8:4001", verdict=25)  # ENOTTY
    assert read_keys(helper, device).code == NO_SCSI_DEVICE
    assert register(helper, device).code == NO_SCSI_DEVICE
    assert not helper.log.matching("start device=8:4001 ")
    assert helper.log.matching("verdict device=8:4001$")


def test_the_verdict_is_asked_once(helper):
    """It can take as long as a command."""
    assert read_keys(helper, helper.device(device="8:4004")).good
    helper.log.wait("start device=8:4004 ")
    assert len(helper.log.matching("verdict device=8:4004$")) == 1


@pytest.mark.parametrize("error, code", [
    (19, (4, 0x44, 0)),    # ENODEV
    (6, TERMINATED),       # ENXIO
    (5, TERMINATED),       # EIO
    (11, TERMINATED),      # EAGAIN
    (22, (5, 0x24, 0)),    # EINVAL
])
def test_another_error_of_the_verdict_is_no_refusal(helper, error, code):
    """A path that is lost may come back."""
    device = helper.device(verdict=error)
    assert read_keys(helper, device).code == code


def test_maps_of_a_whole_disk_are_served(helper):
    device = helper.device(device="253:0", uuid="LVM-1", slaves="")
    assert read_keys(helper, device).good
    assert register(helper, device).good


@pytest.mark.parametrize("uuid, slaves", [
    ("mpath-36001405", "sda sdb"),
    ("mpath-36001405", ""),
    ("part1-mpath-36001405", "dm-0"),
])
def test_multipath_never_goes_down_one_path(helper, uuid, slaves):
    """Without support for it, or over it, nothing is sent at all."""
    device = helper.device(device="253:77", uuid=uuid, slaves=slaves)
    for reply in read_keys(helper, device), register(helper, device):
        assert reply.status == CHECK_CONDITION
    assert not helper.log.matching("device=253:77[^0-9]")
    assert not helper.log.matching("device=253:77$")


def test_a_map_that_nobody_knows_is_not_reserved(helper):
    """More than one disk below and no uuid: it may be multipath."""
    device = helper.device(device="253:78", slaves="a b")
    device.write(device="253:78", uuid=" ", slaves=" ".join(
        f"d{i}" for i in range(40)))
    assert read_keys(helper, device).good
    assert register(helper, device).status == CHECK_CONDITION
    assert len(helper.log.matching("start device=253:78 ")) == 1


# I1: no false GOOD

@pytest.mark.parametrize("host", range(1, 0x20))
def test_a_host_failure_is_never_good(helper, host):
    device = helper.device(host=f"{host:x}")
    assert not read_keys(helper, device).good
    assert not register(helper, device).good


@pytest.mark.parametrize("driver", range(1, 16))
def test_a_driver_failure_is_never_good(helper, driver):
    device = helper.device(driver=f"{driver:x}")
    assert not read_keys(helper, device).good
    assert not register(helper, device).good


@pytest.mark.parametrize("error", [1, 4, 5, 6, 11, 12, 16, 19, 22, 25, 110])
def test_a_failed_call_is_never_good(helper, error):
    device = helper.device(error=error)
    assert not read_keys(helper, device).good
    assert not register(helper, device).good


KNOWN = {0x08: BUSY, 0x18: RESERVATION_CONFLICT, 0x28: TASK_SET_FULL,
         0x30: 0x30, 0x40: 0x40}


@pytest.mark.parametrize("status", range(1, 256, 1))
def test_only_zero_is_good(helper, status):
    reply = register(helper, helper.device(status=f"{status:x}"))
    assert reply.payload == b""
    if status in KNOWN:
        assert reply.status == KNOWN[status]
        assert reply.sense == bytes(SENSE_LEN)
    else:
        assert reply.code == TERMINATED


@pytest.mark.parametrize("host, expected", [
    ("1", (0xb, 0x05, 0)), ("3", (0xb, 0x2e, 2)), ("4", (0xb, 0x08, 0)),
    ("5", (0xb, 0x2f, 2)), ("7", TERMINATED), ("8", (6, 0x29, 0)),
    ("c", TERMINATED), ("d", TERMINATED), ("e", (0xb, 0x29, 7)),
    ("f", (0xb, 0x29, 7)), ("10", (4, 0x44, 0)), ("12", (7, 0x27, 7)),
    ("13", (3, 0x11, 0)), ("14", TERMINATED)])
def test_host_failures_say_what_they_are(helper, host, expected):
    assert register(helper, helper.device(host=host)).code == expected


# I10: what the device said

SENSES = [
    bytes.fromhex("700006000000000a00000000" "2a0300000000"),
    bytes.fromhex("f00006123456780a9abcdef0" "2a0555800012"),
    bytes.fromhex("7205260400000008" "0006000000000000"),
    bytes.fromhex("7106000000000000"),
    bytes([0x70, 0, 2, 0, 0, 0, 0, 88]) + bytes(range(1, 89)),
]


@pytest.mark.parametrize("sense", SENSES, ids=bytes.hex)
def test_sense_of_the_device_is_passed_as_it_is(helper, sense):
    device = helper.device(status=2, driver=8, sense=sense)
    for reply in read_keys(helper, device), register(helper, device):
        assert reply.status == CHECK_CONDITION
        assert reply.sense == sense.ljust(SENSE_LEN, b"\0")
        assert reply.payload == b""


def test_check_condition_without_sense_gets_some(helper):
    assert register(helper, helper.device(status=2)).code == TERMINATED


def test_data_of_the_device_is_passed_as_it_is(helper):
    data = bytes(i * 7 % 256 for i in range(DATA_MAX))
    device = helper.device(data=data)
    reply = read_keys(helper, device)
    assert reply.payload == data
    reply = ask(helper, device, pr_in(READ_FULL_STATUS, 100))
    assert reply.payload == data[:100]


@pytest.mark.parametrize("resid, expected", [
    (0, 24), (1, 23), (23, 1), (24, 0), (25, 0), (-1, 24), (-2**31, 24),
    (2**31 - 1, 0)])
def test_payload_is_what_was_transferred(helper, resid, expected):
    data = bytes(range(1, 25))
    device = helper.device(data=data, resid=resid)
    reply = ask(helper, device, pr_in(READ_KEYS, 24))
    assert reply.status == GOOD
    assert reply.payload == data[:expected]


def test_the_device_gets_what_the_client_sent(helper):
    device = helper.device(device="8:4002")
    data = bytes(range(48))
    assert ask(helper, device, pr_out(REGISTER, type_=5, length=48), data).good
    line = helper.log.wait("start device=8:4002 ")[0]
    assert f"cdb=5f00050000000000{48:02x}00 " in line
    assert f"data={data.hex()} " in line
    assert "timeout_ms=30000" in line


def test_the_device_gets_the_allocation_length(helper):
    device = helper.device(device="8:4003")
    assert ask(helper, device, pr_in(READ_KEYS, 24)).good
    line = helper.log.wait("start device=8:4003 ")[0]
    assert "cdb=5e000000000000001800 " in line
    assert "len=24 " in line


# A device with a memory

class Path:
    """One I_T nexus: a device, and a session of its own."""

    def __init__(self, helper, lu, nexus):
        self.device = helper.device(lu=lu, nexus=nexus)
        self.client = helper.client()
        self.fd = os.open(self.device.path, os.O_RDWR | os.O_CLOEXEC)

    def close(self):
        self.client.close()
        os.close(self.fd)

    def out(self, action, **arguments):
        return self.client.out(action, self.fd, **arguments)

    @property
    def keys(self):
        return sorted(self.client.keys(self.fd))

    @property
    def held(self):
        return self.client.reservation(self.fd)


@pytest.fixture
def paths(helper, request):
    paths = [Path(helper, request.node.name[:31], str(i)) for i in range(2)]
    yield paths
    for path in paths:
        path.close()


@pytest.mark.parametrize("type_", [1, 3, 5, 6, 7, 8])
def test_life_of_a_reservation(paths, type_):
    one, two = paths
    assert one.out(REGISTER, new_key=0x11).good
    assert two.out(REGISTER, new_key=0x22).good
    assert one.keys == [0x11, 0x22]
    assert one.out(RESERVE, key=0x11, type_=type_).good
    assert two.held == (0 if type_ > 6 else 0x11, type_)
    if type_ <= 6:
        reply = two.out(RESERVE, key=0x22, type_=type_)
        assert reply.status == RESERVATION_CONFLICT
    assert one.out(RELEASE, key=0x11, type_=type_).good
    if type_ >= 5:
        # The others are told that the reservation has gone.
        reply = two.client.request(pr_in(READ_KEYS), two.fd)
        assert reply.code == (6, 0x2a, 4)
    assert two.held is None
    assert two.out(REGISTER, key=0x22).good
    assert one.keys == [0x11]


def test_a_wrong_key_conflicts(paths):
    one, _ = paths
    assert one.out(REGISTER, new_key=0x11).good
    for action in RESERVE, RELEASE, CLEAR, PREEMPT, REGISTER:
        assert one.out(action, key=0x99, type_=5).status == \
            RESERVATION_CONFLICT
    assert one.keys == [0x11]


def test_fencing(paths):
    """A key is preempted: its owner has lost all, and is told so once."""
    one, two = paths
    assert one.out(REGISTER, new_key=0x11).good
    assert two.out(REGISTER, new_key=0x22).good
    assert one.out(RESERVE, key=0x11, type_=5).good
    assert two.out(PREEMPT, key=0x22, new_key=0x11, type_=5).good
    assert two.held == (0x22, 5)
    reply = one.out(RESERVE, key=0x11, type_=5)
    assert reply.code == (6, 0x2a, 5)
    assert one.out(RESERVE, key=0x11, type_=5).status == RESERVATION_CONFLICT
    assert two.keys == [0x22]


def test_what_the_device_does_not_support_is_refused_by_it(paths):
    one, _ = paths
    assert one.out(REGISTER, new_key=1, flags=APTPL).code == (5, 0x26, 0)
    reply = one.client.request(pr_in(REPORT_CAPABILITIES), one.fd)
    assert reply.payload == bytes.fromhex("000800c0ea010000")
    reply = one.client.request(pr_in(READ_RESERVATION), one.fd)
    assert reply.payload == bytes(8)
