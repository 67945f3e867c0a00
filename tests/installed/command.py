# SPDX-License-Identifier: LGPL-2.1-or-later
"""Run a command that reads nothing and must not hang."""

import subprocess


def run(*argv, **options):
    return subprocess.run(
        argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True, timeout=300, check=False,
        **options)
