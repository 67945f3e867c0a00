# SPDX-License-Identifier: LGPL-2.1-or-later
"""How many tests passed, failed and were skipped, from what a tool wrote."""

import dataclasses
import json
import re
import xml.etree.ElementTree

CMOCKA = re.compile(r"^\[  (PASSED|FAILED|SKIPPED) *\] (\d+) test\(s\)", re.M)
MESON_FAILURES = {"FAIL", "TIMEOUT", "ERROR", "INTERRUPT", "UNEXPECTEDPASS"}


@dataclasses.dataclass
class Count:
    """Tests of one command, of one step, or of all."""

    passed: int = 0
    failed: int = 0
    skipped: int = 0

    def add(self, other):
        self.passed += other.passed
        self.failed += other.failed
        self.skipped += other.skipped

    def __str__(self):
        parts = [f"{self.passed} passed"]
        if self.failed:
            parts.append(f"{self.failed} FAILED")
        if self.skipped:
            parts.append(f"{self.skipped} skipped")
        return ", ".join(parts)


def cmocka(text):
    """Sum of the summaries that programs made with cmocka print."""
    count = Count()
    for what, number in CMOCKA.findall(text):
        setattr(count, what.lower(),
                getattr(count, what.lower()) + int(number))
    return count


def meson(path):
    """Tests in meson's testlog.json: those of cmocka, else the program."""
    total = Count()
    try:
        lines = open(path, encoding="utf-8").read().splitlines()
    except FileNotFoundError:
        return total
    for line in lines:
        test = json.loads(line)
        count = cmocka(test.get("stdout", "") + "\n" + test.get("stderr", ""))
        if test["result"] in MESON_FAILURES:
            count.failed = max(count.failed, 1)
        elif test["result"] == "SKIP":
            count.skipped = max(count.skipped, 1)
        elif count == Count():
            count.passed = 1
        total.add(count)
    return total


def junit(path):
    """Tests in the JUnit file that pytest writes."""
    total = Count()
    try:
        root = xml.etree.ElementTree.parse(path).getroot()
    except (FileNotFoundError, xml.etree.ElementTree.ParseError):
        return total
    for suite in root.iter("testsuite"):
        failed = int(suite.get("failures", 0)) + int(suite.get("errors", 0))
        skipped = int(suite.get("skipped", 0))
        total.add(Count(int(suite.get("tests", 0)) - failed - skipped,
                        failed, skipped))
    return total
