# SPDX-License-Identifier: LGPL-2.1-or-later
"""Runs each test file of this folder inside one boot of the lab.

Outside, the tests are collected as always; where pytest would run one, its
file is run by another pytest in the lab, and what that reports is reported
here: the same names, output and tracebacks.  Two files at a time, in the
background, so that the second core is of use.
"""

import concurrent.futures
import json
import os
import pathlib
import sys
import time

import pytest

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

import image  # noqa: E402
import lab  # noqa: E402
from helper import PROGRAM  # noqa: E402

REPORTS = "reports"
IN_LAB = bool(os.environ.get("PRM_IN_LAB"))
JOBS = int(os.environ.get("PRM_LAB_JOBS") or 2)


class Inside:
    """In the lab: hand each report to the outside as a line of JSON."""

    def __init__(self, config):
        self.config = config
        self.file = open(lab.INSIDE / REPORTS, "a", encoding="utf-8")

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report):
        data = self.config.hook.pytest_report_to_serializable(
            config=self.config, report=report)
        self.file.write(json.dumps(data, default=str) + "\n")
        self.file.flush()


class FileRun:
    """The tests of one file in one boot."""

    def __init__(self, config, items):
        self.config = config
        self.items = items
        self.error = None
        self.done = False
        self.lab = None
        self.offset = 0
        self.reports = {}

    def run(self):
        """On a thread of its own, from boot to power-off."""
        try:
            root = self.config.rootpath
            command = ["pytest-3", "-q", "-p", "no:cacheprovider",
                       "--rootdir", root,
                       *[root / item.nodeid for item in self.items]]
            with lab.Lab(command, env=image.environment(),
                         cwd=root) as self.lab:
                status = self.lab.wait(meanwhile=self._read)
                self._read()
                if status not in (0, 1):
                    self.error = (f"pytest in the lab ended with {status}\n"
                                  + self.lab.tail())
        except Exception as error:  # pylint: disable=broad-except
            self.error = f"{error}"
        finally:
            self.done = True

    def _read(self):
        """Take up the whole lines that have been added."""
        path = self.lab and self.lab.folder / REPORTS
        if not path or not path.exists():
            return
        data = path.read_bytes()[self.offset:]
        whole = data[:data.rfind(b"\n") + 1]
        self.offset += len(whole)
        for line in whole.splitlines():
            report = self.config.hook.pytest_report_from_serializable(
                config=self.config, data=json.loads(line))
            # JSON knows no tuple; pytest insists on one for what it skips.
            if isinstance(report.longrepr, list):
                report.longrepr = tuple(report.longrepr)
            self.reports.setdefault(report.nodeid, []).append(report)

    def reports_of(self, item):
        """All reports of a test, waiting for its last one."""
        while True:
            done = self.done
            reports = self.reports.get(item.nodeid, [])
            if any(report.when == "teardown" for report in reports):
                return reports
            if done:
                return reports + [self._lost(item)]
            time.sleep(0.1)

    def _lost(self, item):
        text = self.error or "the lab has not run this test"
        return failure(item, text)


def failure(item, text):
    return pytest.TestReport(item.nodeid, item.location, {}, "failed", text,
                             "call")


def missing():
    """What the tests lack: more than the lab itself."""
    lacks = lab.missing()
    if not image.kernel():
        lacks.append(f"the guest's kernel in {image.KERNEL}")
    if not PROGRAM.exists():
        lacks.append(f"a built {PROGRAM}")
    return lacks


class Outside:
    """On the machine: run files in the lab, report what happened there."""

    def __init__(self, config):
        self.config = config
        self.lacks = missing()
        self.runs = {}
        self.pool = concurrent.futures.ThreadPoolExecutor(JOBS)

    def pytest_collection_finish(self, session):
        if self.lacks or self.config.option.collectonly:
            return
        files = {}
        for item in session.items:
            if HERE in item.path.parents and item.path.parent == HERE:
                files.setdefault(item.path, []).append(item)
        for path, items in files.items():
            self.runs[path] = FileRun(self.config, items)
            self.pool.submit(self.runs[path].run)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_protocol(self, item, nextitem):
        if item.path.parent != HERE:
            return None
        hook = item.ihook
        hook.pytest_runtest_logstart(nodeid=item.nodeid,
                                     location=item.location)
        for report in self._reports(item):
            hook.pytest_runtest_logreport(report=report)
        hook.pytest_runtest_logfinish(nodeid=item.nodeid,
                                      location=item.location)
        return True

    def _reports(self, item):
        if not self.lacks:
            return self.runs[item.path].reports_of(item)
        text = lab.explain(self.lacks)
        if os.environ.get("PRM_REQUIRE_LAB"):
            return [failure(item, text)]
        where = (str(item.path), item.location[1], f"Skipped: {text}")
        return [pytest.TestReport(item.nodeid, item.location, {}, "skipped",
                                  where, "setup")]

    def pytest_terminal_summary(self, terminalreporter):
        """What tests have measured: numbers to read, not to pass or fail."""
        for run in self.runs.values():
            for reports in run.reports.values():
                # The last report of a test has all that it recorded.
                for report in reports[-1:]:
                    for name, value in report.user_properties:
                        terminalreporter.write_line(
                            f"measured: {report.nodeid}: {name}: {value}")

    def pytest_sessionfinish(self):
        """After an interrupt labs may still run: they end with this."""
        for run in self.runs.values():
            if run.lab:
                run.lab.kill()
        self.pool.shutdown(cancel_futures=True)


def pytest_configure(config):
    plugin = Inside(config) if IN_LAB else Outside(config)
    config.pluginmanager.register(plugin, "prm-lab")
