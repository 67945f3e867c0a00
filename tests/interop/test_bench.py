# SPDX-License-Identifier: LGPL-2.1-or-later
"""The benchmark runs, and what it says is about what it has run."""

import json
import os
import pathlib
import subprocess
import sys
import xml.dom.minidom

import pytest

import build

RUN = pathlib.Path(__file__).parents[2] / "bench" / "run"
DEVICE = "/dev/loop0"
LIMIT_S = 300
CLIENTS = ("1", "8")


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """results.json of a short run, and the folder that it was left in."""
    folder = tmp_path_factory.mktemp("bench")
    done = subprocess.run(
        [sys.executable, RUN, "--build", build.BUILD, "--device", DEVICE,
         "--rounds", "1", "--requests", "200", "--clients", *CLIENTS,
         "--idle", "20", "--no-strace", "--out", folder],
        capture_output=True, text=True, timeout=LIMIT_S, check=False)
    assert done.returncode == 0, done.stderr
    print(done.stdout)
    return json.loads((folder / "results.json").read_text()), folder


pytestmark = pytest.mark.skipif(
    not os.path.exists(DEVICE) or
    not os.path.exists(os.path.join(build.BUILD, "bench", "prbench")),
    reason=f"needs {DEVICE} and the tools of bench/")


def test_every_helper_is_measured_on_the_same_work(results):
    found = results[0]["results"]
    for clients in ("1 client", "1 client, all on one CPU", "8 clients"):
        for what in ("median µs", "p99 µs", "requests/s"):
            row = found[f"{clients}: {what}"]
            assert {"pr-helper", "floor"} <= set(row)
            assert all(value > 0 for values in row.values()
                       for value in values)


def test_a_percentile_is_not_below_the_median(results):
    found = results[0]["results"]
    for clients in ("1 client", "8 clients"):
        for name, medians in found[f"{clients}: median µs"].items():
            assert medians[0] <= found[f"{clients}: p99 µs"][name][0]


def test_idle_sessions_are_really_held(results):
    assert results[0]["results"]["idle sessions held"]["pr-helper"] == [20]


def test_the_circumstances_are_named(results):
    assert results[0]["device"] == DEVICE
    assert {"cpus", "model", "kernel", "when", "versions"} <= \
        set(results[0]["machine"])


def test_the_plot_is_one(results):
    plot = xml.dom.minidom.parse(str(results[1] / "results.svg"))
    assert len(plot.getElementsByTagName("rect")) > 10
