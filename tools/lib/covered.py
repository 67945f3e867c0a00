# SPDX-License-Identifier: LGPL-2.1-or-later
"""How much of src/ the tests run, from the counters of clang's programs.

The counters are files that are mapped from the start: a program that may open
nothing any more, or that is killed, has counted all the same.
"""

import collections
import os
import re
import shutil

FLOOR_PERCENT = 95
FLOOR_FOLDERS = ("device", "helper", "ipc", "scsi", "wire")

# Where it is said why a line is not run.
DOCUMENT = "doc/coverage.md"


def options(path):
    """Meson's options for the build folder at that path."""
    counters = f"-fprofile-instr-generate={path}/counters/%c%m.profraw"
    return [f"-Dc_args={counters} -fcoverage-mapping "
            "-mllvm -runtime-counter-relocation",
            f"-Dc_link_args={counters}"]


def reset(path):
    """Nothing has run. Programs of every user may count."""
    counters = os.path.join(path, "counters")
    shutil.rmtree(counters, ignore_errors=True)
    os.makedirs(counters)
    os.chmod(counters, 0o777)


def programs(path):
    """Every program and library of a build folder."""
    for where, folders, names in os.walk(path):
        folders[:] = [name for name in folders if not name.endswith(".p")
                      and name not in ("counters", "meson-private")]
        for name in sorted(names):
            file = os.path.join(where, name)
            if os.access(file, os.X_OK) and not os.path.islink(file):
                with open(file, "rb") as source:
                    if source.read(4) == b"\x7fELF":
                        yield file


def parse(text, root):
    """{file below src/: {line: how often}} of what llvm-cov exports."""
    files, lines = collections.defaultdict(dict), {}
    for record in text.splitlines():
        kind, _, rest = record.partition(":")
        if kind == "SF":
            name = os.path.relpath(os.path.normpath(rest), root)
            lines = files[name] if name.startswith("src/") else {}
        elif kind == "DA":
            line, count = rest.split(",")[:2]
            lines[int(line)] = int(count)
    return files


def folders(files):
    """{folder of src/: (lines run, lines)}."""
    sums = collections.defaultdict(lambda: [0, 0])
    for name, lines in files.items():
        total = sums[name.split("/")[1]]
        total[0] += sum(1 for count in lines.values() if count)
        total[1] += len(lines)
    return dict(sorted(sums.items()))


def ranges(numbers):
    """[1, 2, 3, 7] as "1-3, 7"."""
    parts, numbers = [], sorted(numbers)
    for number in numbers:
        if parts and number == parts[-1][1] + 1:
            parts[-1][1] = number
        else:
            parts.append([number, number])
    return ", ".join(str(first) if first == last else f"{first}-{last}"
                     for first, last in parts)


def explained(root):
    """The files that the document names."""
    with open(os.path.join(root, DOCUMENT), encoding="utf-8") as source:
        return set(re.findall(r"^\| `(src/\S+)`", source.read(), re.M))


def judge(files, known):
    """(lines to print, what is wrong)."""
    report, wrong = [], []
    for folder, (run, lines) in folders(files).items():
        percent = 100 * run / lines
        report.append(f"coverage: {folder}: {percent:.1f} % of {lines} lines")
        if folder in FLOOR_FOLDERS and percent < FLOOR_PERCENT:
            wrong.append(f"src/{folder} has {percent:.1f} % of its lines run, "
                         f"fewer than {FLOOR_PERCENT} %")
    for name, lines in sorted(files.items()):
        missed = [line for line, count in lines.items() if not count]
        if missed:
            report.append(f"coverage: not run: {name}: {ranges(missed)}")
        if missed and name not in known:
            wrong.append(f"{name}: lines {ranges(missed)} are not run: test "
                         f"them, or say why not in {DOCUMENT}")
    for name in sorted(known - set(files)):
        wrong.append(f"{DOCUMENT} names {name}, which there is not")
    return report, wrong
