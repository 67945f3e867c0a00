# SPDX-License-Identifier: LGPL-2.1-or-later
"""tools/check counts right, goes on after a failure, and always ends."""

import json
import os
import subprocess
import sys
import textwrap
import time

import pytest

LIB = os.path.join(os.path.dirname(os.path.abspath(__file__)),
                   "..", "..", "tools", "lib")
sys.path.insert(0, LIB)
import counts  # noqa: E402

CMOCKA = """\
[==========] Running 3 test(s).
[ RUN      ] a
[       OK ] a
[  FAILED  ] b
[==========] 3 test(s) run.
[  PASSED  ] 2 test(s).
[  FAILED  ] 1 test(s), listed below:
[  FAILED  ] b
"""

DRIVER = """\
import sys
sys.path.insert(0, {lib!r})
import check
import steps
from steps import Step

def good(run):
    run.verify("true", ["true"])
    run.verify("true", ["true"])

def bad(run):
    run.verify("noise", ["sh", "-c", "echo it broke here; exit 3"])

def must_fails(run):
    run.must(["sh", "-c", "exit 4"])
    run.passed(100)

def empty(run):
    pass

def slow(run):
    run.must(["sh", "-c", "sleep 1000 & sleep 1000"])

def daemon(run):
    run.must(["sh", "-c", "setsid sleep 1000 & sleep 1000"])

def bare(run):
    run.must(["sh", "-c", "setsid env -i MARK=$MARK sleep 1000 & wait"])

def crash(run):
    raise ValueError("no")

check.ROOT = {root!r}
steps.ALL = [{steps}]
sys.exit(check.main())
"""


def run(tmp_path, steps, *arguments, **options):
    """check.main() over these steps; returns (status, lines)."""
    driver = tmp_path / "driver.py"
    driver.write_text(textwrap.dedent(DRIVER).format(
        lib=LIB, root=str(tmp_path), steps=", ".join(
            f'Step("{name}", "about {name}", {name}, {limit})'
            for name, limit in steps.items())))
    done = subprocess.run(
        [sys.executable, str(driver), *arguments], stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        timeout=120, check=False, **options)
    return done.returncode, done.stdout.splitlines()


def test_all_good_is_status_0(tmp_path):
    status, lines = run(tmp_path, {"good": 60})
    assert (status, lines[-1]) == (0, "2 passed, 0 failed")


def test_a_step_without_tests_counts_one(tmp_path):
    status, lines = run(tmp_path, {"empty": 60, "good": 60})
    assert (status, lines[-1]) == (0, "3 passed, 0 failed")


def test_a_failure_stops_no_other_step_and_shows_its_log(tmp_path):
    status, lines = run(tmp_path, {"bad": 60, "good": 60})
    assert (status, lines[-1]) == (1, "2 passed, 1 failed")
    assert "| it broke here" in lines


def test_a_step_ends_where_going_on_makes_no_sense(tmp_path):
    status, lines = run(tmp_path, {"must_fails": 60})
    assert (status, lines[-1]) == (1, "0 passed, 1 failed")


def processes_with(mark):
    """Those that inherited a variable of the environment."""
    found = []
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{name}/environ", "rb") as source:
                if mark.encode() in source.read():
                    found.append(name)
        except OSError:
            pass
    return found


@pytest.mark.parametrize("step", ["slow", "daemon", "bare"])
def test_a_step_past_its_limit_is_killed_with_all_it_started(tmp_path, step):
    mark = f"MARK={tmp_path}"
    status, lines = run(tmp_path, {step: 2, "good": 60},
                        env={**os.environ, "MARK": str(tmp_path)})
    assert status == 1
    assert any("not done after 2 s, killed" in line for line in lines)
    assert lines[-1].startswith("2 passed, ")
    end = time.monotonic() + 60
    while processes_with(mark) and time.monotonic() < end:
        time.sleep(0.1)
    assert processes_with(mark) == []


def test_a_bug_in_a_step_is_a_failure(tmp_path):
    status, lines = run(tmp_path, {"crash": 60})
    assert (status, lines[-1]) == (1, "0 passed, 1 failed")
    assert "| ValueError: no" in lines


def test_steps_can_be_chosen(tmp_path):
    status, lines = run(tmp_path, {"bad": 60, "good": 60}, "good")
    assert (status, lines[-1]) == (0, "2 passed, 0 failed")


def test_an_unknown_step_is_named_with_the_known_ones(tmp_path):
    status, lines = run(tmp_path, {"bad": 60, "good": 60}, "best")
    assert status != 0
    assert "best" in lines[-1] and "good" in lines[-1]


def test_no_environment_is_needed(tmp_path):
    status, lines = run(tmp_path, {"good": 60}, env={}, cwd="/")
    assert (status, lines[-1]) == (0, "2 passed, 0 failed")


def test_cmocka_summaries_are_added_up():
    assert counts.cmocka(CMOCKA + CMOCKA) == counts.Count(4, 2, 0)


def write_tests(path, *tests):
    path.write_text("\n".join(json.dumps(test) for test in tests))
    return str(path)


def test_a_meson_test_counts_what_cmocka_ran(tmp_path):
    log = write_tests(tmp_path / "log",
                      {"result": "FAIL", "stdout": CMOCKA, "stderr": ""},
                      {"result": "OK", "stdout": "", "stderr": ""})
    assert counts.meson(log) == counts.Count(3, 1, 0)


@pytest.mark.parametrize("result", ["FAIL", "TIMEOUT", "ERROR", "INTERRUPT"])
def test_a_program_that_dies_counts_as_failed(tmp_path, result):
    log = write_tests(tmp_path / "log", {"result": result, "stdout": "x"})
    assert counts.meson(log) == counts.Count(0, 1, 0)


def test_a_missing_log_counts_nothing(tmp_path):
    assert counts.meson(str(tmp_path / "none")) == counts.Count()
    assert counts.junit(str(tmp_path / "none")) == counts.Count()


def test_pytest_results_are_read_from_junit(tmp_path):
    xml = tmp_path / "x.xml"
    xml.write_text('<testsuites><testsuite tests="9" failures="1" errors="2"'
                   ' skipped="3"/></testsuites>')
    assert counts.junit(str(xml)) == counts.Count(3, 3, 3)
