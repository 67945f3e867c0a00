# SPDX-License-Identifier: LGPL-2.1-or-later
"""tools/check-layers sees each kind of edge that must not exist."""

import pytest


@pytest.mark.parametrize("folder, header", [
    ("scsi", "base/cursor.h"),
    ("wire", "base/cursor.h"),
    ("device", "ipc/socket.h"),
    ("backend", "manager/class.h"),
    ("passthrough", "backend/scsi.h"),
    ("helper", "backend/scsi.h"),
    ("multipath", "wire/request.h"),
    ("libprmanager", "passthrough/passthrough.h"),
    ("cli", "scsi/names.h"),
    ("cli", "base/fd.h"),
])
def test_downward_edges_pass(tree, folder, header):
    tree.write(f"src/{folder}/a.c", f'#include "{header}"\n')
    tree.passes("check-layers")


@pytest.mark.parametrize("folder, header", [
    ("base", "scsi/cdb.h"),
    ("scsi", "wire/hello.h"),
    ("wire", "ipc/socket.h"),
    ("ipc", "device/device.h"),
    ("device", "manager/manager.h"),
    ("manager", "backend/scsi.h"),
    ("backend", "passthrough/passthrough.h"),
    ("passthrough", "libprmanager/x.h"),
    ("libprmanager", "helper/x.h"),
    ("multipath", "helper/session.h"),
    ("cli", "helper/session.h"),
])
def test_upward_edges_fail(tree, folder, header):
    tree.write(f"src/{folder}/a.c", f'\n#include "{header}"\n')
    tree.fails("check-layers", f"src/{folder}/a.c:2:",
               f"{folder} may not include {header.split('/')[0]}")


@pytest.mark.parametrize("folder, header", [
    ("helper", "passthrough/passthrough.h"),
    ("cli", "manager/manager.h"),
    ("cli", "wire/request.h"),
])
def test_narrowed_folders_may_not_use_all_below_them(tree, folder, header):
    tree.write(f"src/{folder}/a.c", f'#include "{header}"\n')
    tree.fails("check-layers", f"src/{folder}/a.c:1:", "may not include")


def test_an_edge_is_found_through_a_relative_path(tree):
    tree.write("src/helper/x.h", "")
    tree.write("src/base/a.c", '#include "../helper/x.h"\n')
    tree.fails("check-layers", "src/base/a.c:1:", "base may not include")


def test_headers_are_looked_at_too(tree):
    tree.write("src/base/a.h", '#  include "scsi/cdb.h"\n')
    tree.fails("check-layers", "src/base/a.h:1:")


def test_everybody_may_include_the_public_headers(tree):
    for folder in ["base", "scsi", "helper", "cli"]:
        tree.write(f"src/{folder}/a.c", "#include <prmanager/command.h>\n")
    tree.passes("check-layers")


def test_rooms_of_a_folder_see_each_other(tree):
    tree.write("src/helper/log/log.h", "")
    tree.write("src/helper/serve/a.c", '#include "helper/log/log.h"\n'
               '#include "base/fd.h"\n#include "b.h"\n')
    tree.write("src/helper/serve/b.h", "")
    tree.passes("check-layers")


def test_a_room_is_held_to_its_folders_layer(tree):
    tree.write("src/helper/serve/a.c", '#include "cli/x.h"\n')
    tree.fails("check-layers", "helper may not include cli")


def test_an_unknown_folder_fails(tree):
    tree.write("src/misc/a.c", "")
    tree.fails("check-layers", "src/misc/a.c:1:", "misc is no layer")


def test_an_unknown_target_fails(tree):
    tree.write("src/base/a.c", '#include "misc/b.h"\n')
    tree.fails("check-layers", "src/base/a.c:1:", "leads to no layer")


@pytest.mark.parametrize("header", ["unistd.h", "time.h", "syslog.h",
                                    "sys/ioctl.h"])
@pytest.mark.parametrize("folder", ["scsi", "wire"])
def test_pure_codecs_make_no_system_call(tree, folder, header):
    tree.write(f"src/{folder}/a.c", f"#include <{header}>\n")
    tree.fails("check-layers", f"src/{folder}/a.c:1:", "pure codec")


def test_sg_io_is_called_in_device_only(tree):
    call = "int f(int fd)\n{\n\treturn ioctl(fd, SG_IO, 0);\n}\n"
    tree.write("src/device/a.c", call)
    tree.passes("check-layers")
    tree.write("src/backend/a.c", call)
    tree.fails("check-layers", "src/backend/a.c:3:", "SG_IO")


def test_installed_headers_include_no_private_one(tree):
    tree.write("include/prmanager/a.h", '#include <stddef.h>\n'
               '#include <prmanager/b.h>\n')
    tree.passes("check-layers")
    tree.write("include/prmanager/a.h", '#include "base/fd.h"\n')
    tree.fails("check-layers", "include/prmanager/a.h:1:")
