# SPDX-License-Identifier: LGPL-2.1-or-later
"""Small trees, made on the spot, and the checkers run over them."""

import os
import subprocess

import pytest

TOOLS = os.path.join(os.path.dirname(os.path.abspath(__file__)),
                     "..", "..", "tools")


class Tree:
    """A folder that a checker is pointed at."""

    def __init__(self, folder):
        self.folder = folder

    def write(self, path, text):
        file = self.folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def run(self, checker):
        """Run tools/CHECKER; returns (exit status, output)."""
        done = subprocess.run(
            [os.path.join(TOOLS, checker), "--root", str(self.folder)],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, timeout=120, check=False)
        return done.returncode, done.stdout

    def passes(self, checker):
        status, output = self.run(checker)
        assert status == 0, output
        return output

    def fails(self, checker, *expected):
        """The checker fails, and its output holds each of @expected."""
        status, output = self.run(checker)
        assert status == 1, output
        for text in expected:
            assert text in output
        return output


@pytest.fixture
def tree(tmp_path):
    return Tree(tmp_path)
