# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the documents point at exists."""

import glob
import os
import re

import pytest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
DOCUMENTS = sorted(
    os.path.relpath(path, ROOT) for pattern in ("*.md", "doc/*.md")
    for path in glob.glob(os.path.join(ROOT, pattern)))
LINK = re.compile(r"\[[^]]*\]\(([^)#]+)(?:#[^)]*)?\)")
TESTS = ("tests", "fuzz")


def read(path):
    with open(os.path.join(ROOT, path), encoding="utf-8") as file:
        return file.read()


@pytest.mark.parametrize("document", DOCUMENTS)
def test_links_lead_somewhere(document):
    for target in LINK.findall(read(document)):
        if "://" not in target:
            assert os.path.exists(os.path.join(
                ROOT, os.path.dirname(document), target)), target


def names_of_tests():
    """Every test by name, in C and in Python."""
    names = set()
    for folder in TESTS:
        for suffix in ("c", "py"):
            for path in glob.glob(f"{ROOT}/{folder}/**/*.{suffix}",
                                  recursive=True):
                names.update(re.findall(
                    r"^(?:static void|\s*def|int)\s+(\w+)\(",
                    read(path), re.M))
                names.add(os.path.basename(path).rsplit(".", 1)[0])
    return names


def test_every_invariant_names_a_test_that_exists():
    known = names_of_tests()
    rows = re.findall(r"^\| \*\*(I\d+)\b.*\|([^|]*)\|$",
                      read("doc/architecture.md"), re.M)
    assert [name for name, _ in rows] == [f"I{n}" for n in range(1, 12)]
    for invariant, tests in rows:
        named = re.findall(r"`(\w+)`", tests)
        assert named, f"{invariant} names no test"
        for name in named:
            assert name in known, f"{invariant}: there is no {name}"


def test_every_claim_of_security_names_a_test_that_exists():
    """In the tables: | it cannot ... | `test`, `test` |"""
    known = names_of_tests()
    rows = re.findall(r"^\|[^|]*\|([^|]*)\|$", read("SECURITY.md"), re.M)
    claims = [row for row in rows if "---" not in row and "proven by" not in row]
    assert len(claims) >= 15
    for row in claims:
        named = re.findall(r"`(\w+)`", row)
        assert named, row
        assert [name for name in named if name not in known] == []


def test_the_layers_are_told_as_they_are_checked():
    checked = re.search(r"^LAYERS = \[(.*?)\]", read("tools/check-layers"),
                        re.M | re.S)[1]
    layers = re.findall(r'"(\w+)"', checked)
    for document in ("HACKING.md", "doc/architecture.md"):
        told = re.findall(r"^\| `src/(\w+)` \|", read(document), re.M)
        assert told == layers
