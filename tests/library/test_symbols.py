# SPDX-License-Identifier: LGPL-2.1-or-later
"""The version map, the headers, the library and the manual agree."""

import glob
import os
import re
import subprocess

import build
from peers import LIBRARY

INCLUDE = os.path.join(build.ROOT, "include/prmanager")
MAP = os.path.join(build.ROOT, "src/libprmanager/libprmanager.map")
MANUAL = os.path.join(build.ROOT, "man/libprmanager.3")


def declared():
    """Functions that the installed headers declare."""
    names = set()
    for path in glob.glob(f"{INCLUDE}/*.h"):
        with open(path, encoding="utf-8") as file:
            text = re.sub(r"/\*.*?\*/", "", file.read(), flags=re.S)
        text = re.sub(r"struct \w+ \{.*?\n\};", "", text, flags=re.S)
        names.update(re.findall(r"\b(prm_\w+)\((?!\*)", text))
    return names


def mapped():
    """Symbols that the version map exports."""
    with open(MAP, encoding="utf-8") as file:
        text = re.sub(r"/\*.*?\*/", "", file.read(), flags=re.S)
    return re.findall(r"^\s+(\w+);", text, flags=re.M)


def exported():
    """Symbols that the library exports, with their versions."""
    done = subprocess.run(
        ["nm", "-D", "--defined-only", f"{LIBRARY}/libprmanager.so.0"],
        stdout=subprocess.PIPE, text=True, check=True)
    return {line.split()[2] for line in done.stdout.splitlines()
            if line.split()[1] != "A"}


def test_the_map_exports_what_the_headers_declare():
    assert declared()
    assert set(mapped()) == declared()


def test_the_map_is_in_order():
    assert mapped() == sorted(mapped())


def test_the_library_exports_what_the_map_says_and_nothing_else():
    assert exported() == {f"{name}@@PRMANAGER_0.1" for name in mapped()}


def test_the_manual_has_every_function():
    with open(MANUAL, encoding="utf-8") as file:
        text = file.read()
    missing = [name for name in declared() if f".Fn {name}" not in text
               and f".Fo {name}" not in text]
    assert not missing


def test_the_library_is_not_linked_with_more_than_the_c_library():
    done = subprocess.run(
        ["objdump", "-p", f"{LIBRARY}/libprmanager.so.0"],
        stdout=subprocess.PIPE, text=True, check=True)
    needed = set(re.findall(r"NEEDED\s+(\S+)", done.stdout))
    allowed = {"libc.so.6", "ld-linux-x86-64.so.2"}
    sanitizers = {name for name in needed if "san" in name}
    if not sanitizers:
        assert needed <= allowed
