# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the checkers share: the files of the tree, findings, the ending."""

import argparse
import os
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))

# Never ours to judge: what was built, and bytes that only look like text.
SKIPPED_FOLDERS = {".git", "corpus", "__pycache__", ".pytest_cache",
                   "LICENSES"}


class Findings:
    """What is wrong, as FILE:LINE: WHAT; WHAT TO DO."""

    def __init__(self):
        self.lines = []

    def add(self, path, line, text):
        self.lines.append((path, line, text))

    def finish(self, name, summary):
        """Print everything, and return the exit status."""
        for path, line, text in sorted(self.lines):
            print(f"{path}:{line}: {text}")
        if self.lines:
            print(f"{name}: {len(self.lines)} finding(s)")
            return 1
        print(f"{name}: {summary}")
        return 0


def arguments(description):
    """The one option of every checker: another tree, for its own tests."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--root", default=ROOT, metavar="FOLDER",
                        help="the tree to look at (default: this one)")
    return parser.parse_args()


def files(root, *folders, suffixes=None):
    """Yield paths relative to root, in order, below the folders that exist."""
    for folder in folders:
        top = os.path.join(root, folder)
        for where, folders_in, names in os.walk(top):
            folders_in[:] = sorted(
                name for name in folders_in
                if name not in SKIPPED_FOLDERS
                and not name.startswith("build"))
            for name in sorted(names):
                path = os.path.join(where, name)
                if suffixes and not name.endswith(suffixes):
                    continue
                if not os.path.islink(path):
                    yield os.path.relpath(path, root)


def read(root, path):
    """The text of a file; None where it is no text."""
    try:
        with open(os.path.join(root, path), encoding="utf-8") as source:
            return source.read()
    except UnicodeDecodeError:
        return None


def main(check):
    """Run check() and leave with its status; a closed pipe is no error."""
    try:
        sys.exit(check())
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
