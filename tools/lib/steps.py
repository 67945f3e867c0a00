# SPDX-License-Identifier: LGPL-2.1-or-later
"""The steps of tools/check: what is proven, and by which commands."""

import concurrent.futures
import dataclasses
import glob
import json
import os
import shlex
import shutil
import subprocess
import threading
import typing

import counts
import covered
import cross
from runner import StepFailed

FUZZ_S = 20
FUZZ_DEEP_S = 300


@dataclasses.dataclass(frozen=True)
class Step:
    """One line of tools/check --list."""

    name: str
    about: str
    function: typing.Callable
    limit_s: int
    slots: int = 1          # of the processors
    alone: str = ""         # never together with another that says the same
    deep: bool = False


class Context:
    """What all steps of one run share: the tree, and the build folders."""

    def __init__(self, root, processors, deep, fuzz_s=None):
        self.root = root
        self.processors = processors
        self.deep = deep
        self.fuzz_s = fuzz_s or (FUZZ_DEEP_S if deep else FUZZ_S)
        self.locks = {}
        self.lock = threading.Lock()

    def fuzzers(self):
        return sorted(os.path.basename(source)[:-2] for source in
                      glob.glob(f"{self.root}/fuzz/fuzz_*.c"))

    def limit_s(self, step):
        """How long a step may take: fuzzing takes as long as it is told."""
        more = len(self.fuzzers()) * self.fuzz_s if step.name == "fuzz" else 0
        return step.limit_s + more

    def build_lock(self, name):
        with self.lock:
            return self.locks.setdefault(name, threading.Lock())


# Compiler and options of each build folder, build/check-NAME.
BUILDS = {
    "gcc": ("gcc", ["--prefix=/usr", "-Dwerror=true"]),
    "clang": ("clang", ["-Dwerror=true"]),
    "asan": ("gcc", ["-Db_sanitize=address,undefined", "-Db_lundef=false"]),
    "tsan": ("gcc", ["-Db_sanitize=thread", "-Db_lundef=false"]),
    "fuzz": ("clang", ["-Dfuzz=true", "-Dtests=false", "-Db_lundef=false"]),
    "minimal": ("gcc", ["-Dwerror=true", "-Dmultipath=disabled",
                        "-Dseccomp=disabled"]),
    "release": ("gcc", ["-Dwerror=true", "-Doptimization=3",
                        "-Db_ndebug=true"]),
    "s390x": ("s390x-linux-gnu-gcc", ["-Dwerror=true",
                                      "-Dmultipath=disabled"]),
    "i386": ("i686-linux-gnu-gcc", ["-Dwerror=true",
                                    "-Dmultipath=disabled"]),
    "coverage": ("clang", ["-Doptimization=0", "-Db_lundef=false"]),
    # An object whose inner link is stored is a leak to gcc 12, which intrusive
    # lists are full of; leaks are for ASan and valgrind.
    "analyzer": ("gcc", ["-Dc_args=-fanalyzer -Wno-analyzer-malloc-leak",
                         "-Dtests=false"]),
}


def folder(run, name):
    return os.path.join(run.root, "build", "check-" + name)


def build(run, name, targets=(), more=()):
    """Configure and compile build/check-NAME; returns its path."""
    compiler, options = BUILDS[name]
    options = [*options, *more]
    path = folder(run, name)
    with run.context.build_lock(name):
        stamp = os.path.join(path, "check-options")
        wanted = " ".join([compiler, *options])
        is_same = os.path.exists(stamp) and open(stamp).read() == wanted
        if not is_same:
            shutil.rmtree(path, ignore_errors=True)
        run.must(["meson", "setup", *(["--reconfigure"] if is_same else []),
                  path, *options], env={"CC": compiler})
        with open(stamp, "w", encoding="utf-8") as file:
            file.write(wanted)
        jobs = run.context.processors if run.step.slots > 1 else 1
        run.must(["ninja", "-C", path, "-j", jobs, *targets])
    return path


def tests_of(path):
    """Names of the unit tests, which are below tests/unit/."""
    known = subprocess.run(["meson", "introspect", "--tests", path],
                           stdin=subprocess.DEVNULL, capture_output=True,
                           check=False).stdout
    below = os.path.join(path, "tests", "unit", "")
    return sorted({test["name"] for test in json.loads(known or b"[]")
                   if any(argument.startswith(below)
                          for argument in test["cmd"])})


def unit(run, path, env=None, wrap=(), wrapper=(), without=()):
    """The unit tests of a build folder, all in @wrap and each in @wrapper."""
    names = [name for name in tests_of(path) if name not in without]
    if not names:
        raise StepFailed("there are no unit tests")
    log = os.path.join(path, "meson-logs",
                       "-".join(["testlog", *wrapper[:1]]) + ".json")
    if os.path.exists(log):
        os.unlink(log)
    jobs = run.context.processors if run.step.slots > 1 else 1
    run.counted("unit tests", [
        *wrap, "meson", "test", "-C", path, "--no-rebuild",
        "--print-errorlogs", "--num-processes", jobs,
        "--timeout-multiplier", 10,
        *(["--wrapper", shlex.join(wrapper)] if wrapper else []), *names],
        lambda: counts.meson(log), env=env)


def pytest(run, path, folders, env=None, more=()):
    """pytest over all tests of these folders."""
    xml = os.path.join(run.root, "build", "check-logs",
                       run.step.name + ".xml")
    if os.path.exists(xml):
        os.unlink(xml)
    run.counted("pytest", [
        "/usr/bin/python3", "-m", "pytest", "-v", "-rs", "--tb=short",
        "--color=no", "-p", "no:cacheprovider", "--durations=10",
        f"--junitxml={xml}", *more, *folders],
        lambda: counts.junit(xml),
        env={"PRM_BUILD": path, **(env or {})})


def c_files(run):
    return [path for folder_ in ("include", "src", "tests", "fuzz", "bench",
                                 "doc")
            for suffix in ("c", "h")
            for path in sorted(glob.glob(
                f"{folder_}/**/*.{suffix}", root_dir=run.root,
                recursive=True))]


def shell_files(run):
    """Scripts by their first line, wherever they are."""
    listed = subprocess.run(
        ["git", "-c", "safe.directory=*", "ls-files", "-z", "--cached",
         "--others", "--exclude-standard"], cwd=run.root,
        stdin=subprocess.DEVNULL, capture_output=True, check=False).stdout
    for name in sorted(listed.decode().split("\0")):
        path = os.path.join(run.root, name)
        if not name or not os.path.isfile(path):
            continue
        with open(path, "rb") as file:
            first = file.readline(80)
        if name.endswith(".sh") or (first.startswith(b"#!")
                                    and first.rstrip().endswith(b"sh")):
            yield name


def static(run):
    for name in ("layers", "size", "docs"):
        run.verify(f"tools/check-{name}", [f"tools/check-{name}"])
    run.verify("reuse lint", ["reuse", "--root", run.root, "lint"])
    files = c_files(run)
    if files:
        run.verify("clang-format", ["clang-format-14", "--dry-run", "-Werror",
                                    "--style=file", *files])
    scripts = list(shell_files(run))
    if scripts:
        run.verify("shellcheck", ["shellcheck", *scripts])


def tools(run):
    pytest(run, "", ["tests/tools"])


def gcc(run):
    unit(run, build(run, "gcc"))


def clang(run):
    unit(run, build(run, "clang"))


def functional(run):
    pytest(run, build(run, "gcc"),
           ["tests/functional", "tests/interop", "tests/library"])


def lab(run):
    pytest(run, build(run, "gcc"), ["tests/lab"],
           env={"PRM_REQUIRE_LAB": "1",
                **({"PRM_DEEP": "1"} if run.context.deep else {})})


SANITIZER = {
    "ASAN_OPTIONS": "detect_leaks=1:detect_stack_use_after_return=1:"
                    "strict_string_checks=1",
    "UBSAN_OPTIONS": "halt_on_error=1:print_stacktrace=1",
    "PRM_SANITIZER": "address",
}


def sanitizers(run):
    path = build(run, "asan")
    unit(run, path, env=SANITIZER)
    pytest(run, path, ["tests/functional", "tests/library"], env=SANITIZER)


def valgrind(run):
    # prmctl's tests start no daemon of ours.
    pytest(run, build(run, "gcc"), ["tests/functional"],
           env={"PRM_VALGRIND": "1"},
           more=["--ignore=tests/functional/prmctl"])


NOT_UNDER_VALGRIND = {
    "helper/serve/descriptors": "a close that hangs holds its only lock",
    "multipath/confine": "its own system calls are in no table of ours",
    "sandbox/sandbox": "its own system calls are in no table of ours",
}


def unit_valgrind(run):
    # What is "possibly lost" belongs to threads that are on their way out.
    unit(run, build(run, "gcc"), env={"PRM_VALGRIND": "1"}, wrapper=[
        "valgrind", "--quiet", "--error-exitcode=99", "--leak-check=full",
        "--show-leak-kinds=definite", "--errors-for-leak-kinds=definite",
        "--track-fds=yes"], without=NOT_UNDER_VALGRIND)


def tsan(run):
    # ThreadSanitizer of gcc 12 does not know the address layout of newer
    # kernels; without randomisation it does.
    fixed = ["setarch", "--addr-no-randomize"]
    works = run.command([*fixed, "true"]) == 0
    unit(run, build(run, "tsan"), wrap=fixed if works else (),
         env={"TSAN_OPTIONS": "halt_on_error=1:second_deadlock_stack=1",
              "PRM_SANITIZER": "thread"})


def fuzz_one(run, fuzzer, seconds, crashes):
    """One target for some seconds, into a log of its own."""
    name = os.path.basename(fuzzer)
    scratch = os.path.join(folder(run, "fuzz"), "found", name)
    os.makedirs(scratch, exist_ok=True)
    corpus = os.path.join(run.root, "fuzz", "corpus",
                          name.replace("fuzz_", "", 1))
    log = os.path.join(folder(run, "fuzz"), name + ".log")
    with open(log, "w", encoding="utf-8") as output:
        status = run.command(
            [fuzzer, f"-max_total_time={seconds}", "-timeout=60",
             "-rss_limit_mb=2048", "-print_final_stats=1",
             f"-artifact_prefix={crashes}/{name}-",
             *([] if run.context.fuzz_s > FUZZ_S else ["-seed=1"]),
             scratch, *([corpus] if os.path.isdir(corpus) else [])],
            output=output)
    with open(log, encoding="utf-8", errors="replace") as file:
        tail = file.read().splitlines()
    run.note("\n".join([f"== {name}: status {status}",
                        *tail[-60 if status else -12:]]))
    if status:
        run.fail(f"{name}: status {status}, input in "
                 f"{os.path.relpath(crashes, run.root)}/, log in "
                 f"{os.path.relpath(log, run.root)}")
    else:
        run.passed()


def fuzz(run):
    path = build(run, "fuzz", ["fuzzers"])
    crashes = os.path.join(path, "crashes")
    os.makedirs(crashes, exist_ok=True)
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        for done in [pool.submit(fuzz_one, run,
                                 os.path.join(path, "fuzz", fuzzer),
                                 run.context.fuzz_s, crashes)
                     for fuzzer in run.context.fuzzers()]:
            done.result()


def minimal(run):
    unit(run, build(run, "minimal"))


def install(run):
    path = build(run, "gcc")
    pytest(run, path, ["tests/installed"])


def release(run):
    path = build(run, "release")
    unit(run, path)
    pytest(run, path, ["tests/functional"])


def analyzer(run):
    build(run, "analyzer")
    with open(os.path.join(run.log_path), encoding="utf-8",
              errors="replace") as log:
        warnings = [line for line in log if "-Wanalyzer" in line]
    if warnings:
        raise StepFailed(f"gcc -fanalyzer has {len(warnings)} warnings")


def emulated(run, architecture):
    """Unit and functional tests for another processor."""
    scratch = folder(run, architecture + "-root")
    run.must(["tools/lib/cross.sh", architecture, scratch])
    path = build(run, architecture, more=[
        f"--cross-file={scratch}/cross.ini"])
    unit(run, path, without=cross.NOT_UNIT)
    scripts = folder(run, architecture + "-run")
    cross.wrap(path, scratch, scripts)
    pytest(run, scripts, ["tests/functional"], more=cross.deselected())


def s390x(run):
    emulated(run, "s390x")


def i386(run):
    emulated(run, "i386")


def measure(run):
    """What the unit, functional and library tests run, and what not."""
    path = folder(run, "coverage")
    build(run, "coverage", more=covered.options(path))
    covered.reset(path)
    unit(run, path)
    pytest(run, path, ["tests/functional", "tests/library"])
    merged = os.path.join(path, "counters", "all.profdata")
    run.must(["llvm-profdata-14", "merge", "-sparse", "-o", merged,
              *sorted(glob.glob(f"{path}/counters/*.profraw"))])
    exported = os.path.join(path, "counters", "lines")
    with open(exported, "w", encoding="utf-8") as output:
        run.must(["llvm-cov-14", "export", "-format=lcov",
                  f"-instr-profile={merged}", *(
                      f"-object={program}"
                      for program in covered.programs(path))],
                 output=output)
    with open(exported, encoding="utf-8") as text:
        report, wrong = covered.judge(
            covered.parse(text.read(), run.root),
            covered.explained(run.root))
    run.note("\n".join(report))
    run.passed()
    for reason in wrong:
        run.fail(reason)


def tidy(run):
    """clang-tidy, with clang's analyzer; .clang-tidy says what for."""
    path = build(run, "clang")
    with open(f"{path}/compile_commands.json", encoding="utf-8") as file:
        built = {os.path.relpath(os.path.join(path, command["file"]), run.root)
                 for command in json.load(file)}
    sources = sorted(source for source in built if source.startswith("src/"))
    with concurrent.futures.ThreadPoolExecutor(
            run.context.processors) as pool:
        for done in [pool.submit(run.verify, f"clang-tidy {source}", [
                "clang-tidy-14", "--quiet", "-p", path, source])
                for source in sources]:
            done.result()


def cppcheck(run):
    if not shutil.which("cppcheck"):
        raise StepFailed("cppcheck is not installed (package cppcheck)")
    run.verify("cppcheck", [
        "cppcheck", "--quiet", "--error-exitcode=1", "--inline-suppr",
        "--enable=warning,performance,portability", "--std=c11",
        "-I", "src", "-I", "include", "src"])


def hostile(run):
    """A million sessions, where the functional tests have a tenth."""
    pytest(run, build(run, "gcc"), ["tests/functional/test_hostile.py"],
           env={"PRM_HOSTILE": "1000000"}, more=["-s"])


ALL = [
    Step("static", "layers, sizes, documentation, licences, format, shell",
         static, 300),
    Step("tools", "the checkers see what they are there for",
         tools, 300),
    Step("gcc", "build with gcc, no warning; unit tests",
         gcc, 600, slots=2),
    Step("lab", "real LUNs, a real QEMU and its guest in user-mode Linux",
         lab, 1140, slots=2),
    Step("functional", "the programs as their users meet them, and QEMU's",
         functional, 600, alone="host"),
    Step("sanitizers", "ASan and UBSan; unit and functional tests",
         sanitizers, 900, alone="host"),
    Step("clang", "build with clang, no warning; unit tests",
         clang, 600),
    Step("valgrind", "functional tests of the daemon under valgrind",
         valgrind, 900, alone="host"),
    Step("unit-valgrind", "unit tests under valgrind",
         unit_valgrind, 600),
    Step("tsan", "unit tests under ThreadSanitizer",
         tsan, 600),
    Step("minimal", "build without multipath and filter; unit tests",
         minimal, 600),
    Step("analyzer", "gcc -fanalyzer",
         analyzer, 600),
    Step("cppcheck", "cppcheck",
         cppcheck, 600),
    Step("install", "what is installed is complete and can be built upon",
         install, 300, alone="host"),
    Step("tidy", "clang-tidy and clang's analyzer",
         tidy, 900, slots=2),
    Step("fuzz", f"each decoder and a whole session, {FUZZ_S} s each",
         fuzz, 600, slots=2),
    Step("release", "-O3 without assertions; unit and functional tests",
         release, 1800, alone="host", deep=True),
    Step("s390x", "big-endian: unit and functional tests under qemu-user",
         s390x, 2400, alone="host", deep=True),
    Step("i386", "32 bits: unit and functional tests under qemu-user",
         i386, 2400, alone="host", deep=True),
    Step("coverage", "lines that unit, functional and library tests run",
         measure, 2400, alone="host", deep=True),
    Step("hostile", "a million hostile sessions",
         hostile, 3600, alone="host", deep=True),
]
