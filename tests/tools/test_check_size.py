# SPDX-License-Identifier: LGPL-2.1-or-later
"""tools/check-size fails one past each limit, and passes at it."""

import pytest


def c_function(lines, name="f"):
    """A function of @lines lines, signature and braces included."""
    body = [f"\tg({number});" for number in range(lines - 3)]
    return "\n".join([f"int {name}(void)", "{", *body, "}", ""])


def short_functions(count):
    return "\n".join(c_function(5, f"s{number}") for number in range(count))


def test_a_function_at_the_limit_passes(tree):
    tree.write("src/base/a.c", c_function(80) + short_functions(20))
    tree.passes("check-size")


def test_a_function_past_the_limit_fails(tree):
    tree.write("src/base/a.c", "\n" + c_function(81) + short_functions(20))
    tree.fails("check-size", "src/base/a.c:2:", "f() has 81 lines")


def test_a_long_signature_counts(tree):
    long_head = c_function(80).replace("int f(void)", "static int\nf(void)")
    tree.write("src/base/a.c", long_head + short_functions(20))
    tree.fails("check-size", "src/base/a.c:1:", "f() has 81 lines")


def test_tests_are_held_to_the_hard_limit_too(tree):
    tree.write("tests/unit/base/test_a.c", c_function(81))
    tree.fails("check-size", "tests/unit/base/test_a.c:1:")


def test_python_functions_are_measured(tree):
    body = "\n".join("    pass" for _ in range(80))
    tree.write("tests/lab/a.py", f"\ndef f():\n{body}\n")
    tree.fails("check-size", "tests/lab/a.py:2:", "f() has 81 lines")


def test_a_table_may_be_long(tree):
    rows = "\n".join(f"\t{{ {number}, 0 }}," for number in range(200))
    tree.write("src/base/a.c", f"static const int t[][2] = {{\n{rows}\n}};\n")
    tree.passes("check-size")


def test_a_switch_that_only_maps_may_be_long(tree):
    rows = "\n".join(f"\tcase {number}:\n\t\treturn {number};"
                     for number in range(100))
    tree.write("src/base/a.c", "int f(int x)\n{\n\tswitch (x) {\n"
               f"{rows}\n\t}}\n\treturn 0;\n}}\n")
    tree.passes("check-size")


def test_the_median_function_has_a_limit(tree):
    tree.write("src/base/a.c", c_function(15) + c_function(15, "g"))
    tree.passes("check-size")
    tree.write("src/base/a.c", c_function(16) + c_function(16, "g"))
    tree.fails("check-size", "median function has 16 lines")


def test_nine_in_ten_functions_have_a_limit(tree):
    tree.write("src/base/a.c", short_functions(10) + c_function(51))
    tree.passes("check-size")
    tree.write("src/base/a.c", short_functions(8) + c_function(51)
               + c_function(51, "g"))
    tree.fails("check-size", "90th percentile of functions has 51 lines")


@pytest.mark.parametrize("path", ["tests/lab/a.py", "src/base/meson.build",
                                  "tools/a"])
def test_a_file_has_a_limit(tree, path):
    tree.write(path, "#\n" * 900)
    tree.write("src/base/b.c", "/* */\n")
    tree.write("src/base/c.c", "/* */\n")
    tree.passes("check-size")
    tree.write(path, "#\n" * 901)
    tree.fails("check-size", f"{path}:901:", "901 lines")


def test_the_median_file_has_a_limit(tree):
    tree.write("src/base/a.c", "\n" * 250)
    tree.passes("check-size")
    tree.write("src/base/a.c", "\n" * 251)
    tree.fails("check-size", "median file has 251 lines")


def test_a_line_has_a_limit_with_tabs_of_eight(tree):
    tree.write("src/base/a.c", "\t/*" + "x" * 90 + "\n")
    tree.passes("check-size")
    tree.write("src/base/a.c", "\n\t/*" + "x" * 91 + "\n")
    tree.fails("check-size", "src/base/a.c:2:", "101 columns")


@pytest.mark.parametrize("mark", ["TO" + "DO", "FIX" + "ME", "X" * 3])
def test_unfinished_work_is_refused(tree, mark):
    tree.write("src/base/a.c", f"\n/* {mark}: later */\n")
    tree.fails("check-size", "src/base/a.c:2:", mark)


def test_a_template_for_mkstemp_is_no_mark(tree):
    tree.write("src/base/a.c", 'char path[] = "/tmp/a' + "X" * 6 + '";\n')
    tree.passes("check-size")


def test_build_folders_and_corpora_are_left_out(tree):
    for path in ["src/build/a.c", "fuzz/corpus/x/seed"]:
        tree.write(path, "x" * 200 + "\n")
    tree.passes("check-size")
