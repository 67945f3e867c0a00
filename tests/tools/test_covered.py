# SPDX-License-Identifier: LGPL-2.1-or-later
"""What tools/lib/covered.py makes of counted lines."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                "..", "..", "tools", "lib"))
import covered  # noqa: E402

EXPORTED = """\
SF:/root/build/../src/wire/a.c
DA:1,7
DA:2,0
DA:3,0
DA:5,0
end_of_record
SF:/root/src/cli/b.c
DA:1,1
end_of_record
SF:/root/tests/unit/c.c
DA:1,0
end_of_record
"""


def judged(known=(), text=EXPORTED):
    return covered.judge(covered.parse(text, "/root"), set(known))


def test_only_what_is_below_src_counts():
    assert covered.folders(covered.parse(EXPORTED, "/root")) == {
        "cli": [1, 1], "wire": [1, 4]}


def test_lines_are_reported_as_ranges():
    report, _ = judged()
    assert "coverage: not run: src/wire/a.c: 2-3, 5" in report


def test_a_folder_below_the_floor_is_a_failure():
    _, wrong = judged(known=["src/wire/a.c"])
    assert wrong == ["src/wire has 25.0 % of its lines run, fewer than 95 %"]


def test_a_file_must_be_explained_or_run():
    _, wrong = judged(text=EXPORTED.replace("wire", "manager"))
    assert len(wrong) == 1 and wrong[0].startswith(
        "src/manager/a.c: lines 2-3, 5 are not run")
    _, wrong = judged(["src/manager/a.c"], EXPORTED.replace("wire", "manager"))
    assert not wrong


def test_the_document_names_only_what_there_is():
    _, wrong = judged(["src/wire/a.c", "src/wire/gone.c"])
    assert any("src/wire/gone.c" in text for text in wrong)
