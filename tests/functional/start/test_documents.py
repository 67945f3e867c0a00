# SPDX-License-Identifier: LGPL-2.1-or-later
"""What people read about the options is about the options there are."""

import os
import re
import shlex
import subprocess

import build
import daemon

MANUAL = os.path.join(build.ROOT, "man", "pr-helper.8")
COMPLETION = os.path.join(build.ROOT, "dist", "completion", "pr-helper")


SOURCES = os.path.join(build.ROOT, "src", "helper")
TRACING = os.path.join(build.ROOT, "doc", "tracing.md")


def run(*argv):
    return subprocess.run(argv, check=True, stdout=subprocess.PIPE, text=True,
                          stdin=subprocess.DEVNULL, env=daemon.environment(),
                          timeout=daemon.PATIENCE_S).stdout


def options():
    """(short, long) of each option that --help tells of; short may be ''."""
    found = re.findall(r"^  (?:(-\w), |    )(--[\w-]+)",
                       run(daemon.PROGRAM, "--help"), re.M)
    assert len(found) >= 15
    return found


def complete(*words):
    """What bash offers for the last of the words."""
    quoted = " ".join(shlex.quote(word) for word in words)
    return run("/bin/bash", "--norc", "-c", f"""
        . {shlex.quote(COMPLETION)}
        compopt() {{ :; }}
        COMP_WORDS=({quoted})
        COMP_CWORD={len(words) - 1}
        _pr_helper {shlex.quote(words[0])}
        printf '%s\\n' "${{COMPREPLY[@]}}"
        """).split()


def test_manual_has_every_option():
    with open(MANUAL, encoding="utf-8") as file:
        text = file.read()
    for short, long in options():
        item = f".It Fl {short[1:]} , " if short else ".It "
        assert f"{item}Fl Fl {long[2:]}" in text, long
    assert text.count("\n.It Fl ") == len(options())


def test_completion_offers_every_option():
    assert sorted(complete("pr-helper", "--")) == sorted(
        long for _, long in options())


def test_completion_knows_values():
    assert "root" in complete("pr-helper", "-u", "ro")
    assert "root" in complete("pr-helper", "--user", "=", "ro")
    assert complete("pr-helper", "--socket-mode", "=") == \
        ["0600", "0660", "0666"]
    assert "session_open" in complete(daemon.PROGRAM, "-T", "session_")
    assert complete("pr-helper", "--timeout", "") == []
    assert "/dev/null" in complete("pr-helper", "-k", "/dev/nul")


def sources():
    for folder, _, names in os.walk(SOURCES):
        for name in names:
            with open(os.path.join(folder, name), encoding="utf-8") as file:
                yield file.read()


def test_every_trace_event_is_in_the_list_and_happens():
    events = run(daemon.PROGRAM, "-T", "help").split()
    with open(TRACING, encoding="utf-8") as file:
        assert re.findall(r"^\| `(\w+)` \|", file.read(), re.M) == events
    emitted = set()
    for text in sources():
        emitted.update(re.findall(r"\bPRM_TRACE\((\w+)", text))
    assert set(events) <= emitted
