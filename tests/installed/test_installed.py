# SPDX-License-Identifier: LGPL-2.1-or-later
"""What `meson install` leaves behind is complete and can be built upon."""

import glob
import os
import shlex

import pytest

from command import run

HEADERS = ["prmanager/prmanager.h", "prmanager/command.h",
           "prmanager/manager.h", "prmanager/passthrough.h"]

PROGRAM = """\
#include <prmanager/prmanager.h>
int main(void)
{
	return prm_manager_new("nonsense", 0, 0) == 0;
}
"""


def pkg_config(root, *arguments):
    found = glob.glob(f"{root}/usr/**/prmanager.pc", recursive=True)
    assert len(found) == 1, found
    done = run("pkg-config", *arguments, "prmanager", env={
        **os.environ, "PKG_CONFIG_SYSROOT_DIR": root,
        "PKG_CONFIG_LIBDIR": os.path.dirname(found[0])})
    assert done.returncode == 0, done.stdout
    return shlex.split(done.stdout)


@pytest.mark.parametrize("path", [
    "usr/bin/pr-helper", "usr/bin/prmctl",
    *("usr/include/" + header for header in HEADERS)])
def test_what_the_documents_promise_is_there(root, path):
    assert os.path.isfile(os.path.join(root, path))


@pytest.mark.parametrize("page", ["man1/prmctl.1", "man3/libprmanager.3",
                                  "man8/pr-helper.8"])
def test_each_part_has_its_manual(root, page):
    assert glob.glob(f"{root}/usr/share/man/{page}*")


def test_manuals_are_clean(root):
    pages = sorted(glob.glob(f"{root}/usr/share/man/man*/*"))
    assert pages
    for page in pages:
        done = run("mandoc", "-T", "lint", "-W", "error", page)
        assert done.returncode == 0, done.stdout


def test_completions_are_good_shell(root):
    files = glob.glob(f"{root}/usr/share/bash-completion/completions/*")
    assert files
    for file in files:
        done = run("bash", "-n", file)
        assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.parametrize("program", ["pr-helper", "prmctl"])
def test_installed_programs_start(root, program):
    libraries = {os.path.dirname(path) for path in
                 glob.glob(f"{root}/usr/**/libprmanager.so*", recursive=True)}
    done = run(f"{root}/usr/bin/{program}", "--version", env={
        **os.environ, "LD_LIBRARY_PATH": ":".join(libraries)})
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("compiler", [
    ["gcc", "-std=c11", "-x", "c"], ["clang", "-std=c11", "-x", "c"],
    ["g++", "-std=c++11", "-x", "c++"]])
@pytest.mark.parametrize("header", HEADERS)
def test_each_header_compiles_alone(root, compiler, header, tmp_path):
    source = tmp_path / "alone"
    source.write_text(f"#include <{header}>\n")
    done = run(*compiler, "-Wall", "-Wextra", "-Werror", "-pedantic",
               "-fsyntax-only", *pkg_config(root, "--cflags"), str(source))
    assert done.returncode == 0, done.stdout


def test_a_program_needs_pkg_config_only(root, tmp_path):
    source, program = tmp_path / "p.c", tmp_path / "p"
    source.write_text(PROGRAM)
    done = run("gcc", "-Wall", "-Werror", "-Wno-nonnull", str(source), "-o",
               str(program), *pkg_config(root, "--cflags", "--libs"))
    assert done.returncode == 0, done.stdout
    libraries = pkg_config(root, "--variable=libdir")[0]
    done = run(str(program), env={"LD_LIBRARY_PATH": libraries})
    assert done.returncode in (0, 1), done.stdout


def test_the_soname_is_that_of_the_first_abi(root):
    libraries = glob.glob(f"{root}/usr/**/libprmanager.so.0",
                          recursive=True)
    assert len(libraries) == 1
    done = run("objdump", "-p", libraries[0])
    assert "libprmanager.so.0" in done.stdout
