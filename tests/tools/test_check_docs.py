# SPDX-License-Identifier: LGPL-2.1-or-later
"""tools/check-docs misses no function that other files can call."""

import pytest

LICENCE = "/* SPDX-License-" "Identifier: LGPL-2.1-or-later */\n"
GOOD = LICENCE + """
#ifndef A_H
#define A_H
#ifdef __cplusplus
extern "C" {
#endif

/* A thing. */
struct prm_thing {
	int (*run)(void *opaque);
	int value;
};

/**
 * prm_thing_new() - make one
 * @size:      bytes
 * @name:      borrowed
 * @done:      called at the end
 * @ret_thing: the thing
 *
 * Return: 0 or a negative errno.
 */
int prm_thing_new(size_t size, const char name[16],
		  void (*done)(struct prm_thing *thing, int result),
		  struct prm_thing **ret_thing) __attribute__((nonnull(2)));

/**
 * prm_thing_log() - say it
 * @format: as for printf(3)
 * @...:    its values
 */
void prm_thing_log(const char *format, ...)
	__attribute__((format(printf, 1, 2)));

/**
 * prm_thing_free() - end one
 * @thing: may be NULL
 *
 * Return: NULL.
 */
struct prm_thing *prm_thing_free(struct prm_thing *thing);
DEFINE_CLEANUP(struct prm_thing *, prm_thing_free)

#ifdef __cplusplus
}
#endif
#endif
"""
PUBLIC = "include/prmanager/a.h"
PRIVATE = "src/base/a.h"


@pytest.mark.parametrize("path", [PUBLIC, PRIVATE])
def test_a_documented_header_passes(tree, path):
    tree.write(path, GOOD)
    assert "3 " in tree.passes("check-docs")


@pytest.mark.parametrize("path", [PUBLIC, PRIVATE])
@pytest.mark.parametrize("taken, expected", [
    (" * @size:      bytes\n", "@size"),
    (" * @name:      borrowed\n", "@name"),
    (" * @done:      called at the end\n", "@done"),
    (" * @ret_thing: the thing\n", "@ret_thing"),
    (" * @...:    its values\n", "@..."),
    (" * Return: 0 or a negative errno.\n", '"Return:"'),
    (" * prm_thing_new() - make one\n", "prm_thing_new() - what it does"),
])
def test_each_part_of_a_kernel_doc_block_is_missed(tree, path, taken,
                                                   expected):
    assert taken in GOOD
    tree.write(path, GOOD.replace(taken, ""))
    tree.fails("check-docs", f"{path}:", expected)


def test_a_void_function_returns_nothing_to_document(tree):
    tree.write(PUBLIC, LICENCE + "/**\n * f() - go\n */\nvoid f(void);\n")
    tree.passes("check-docs")


def test_a_pointer_to_void_is_documented(tree):
    tree.write(PUBLIC, LICENCE + "/**\n * f() - go\n */\nvoid *f(void);\n")
    tree.fails("check-docs", f"{PUBLIC}:5:", "Return")


@pytest.mark.parametrize("path", [PUBLIC, PRIVATE])
def test_a_bare_prototype_fails(tree, path):
    tree.write(path, "\nint f(int a);\n")
    tree.fails("check-docs", f"{path}:2:", "f() has no comment")


def test_a_comment_must_stand_right_above(tree):
    tree.write(PRIVATE, "/* About something else. */\n\nint f(int a);\n")
    tree.fails("check-docs", f"{PRIVATE}:3:", "f() has no comment")


def test_private_functions_may_have_a_plain_comment(tree):
    tree.write(PRIVATE, LICENCE + "/* Close it. */\nint f(int a);\nint g(int a);\n")
    tree.passes("check-docs")


def test_a_blank_line_ends_a_run_of_prototypes(tree):
    tree.write(PRIVATE, "/* Close it. */\nint f(int a);\n\nint g(int a);\n")
    tree.fails("check-docs", f"{PRIVATE}:4:", "g() has no comment")


def test_public_functions_need_kernel_doc(tree):
    tree.write(PUBLIC, "/* Close it. */\nint f(int a);\n")
    tree.fails("check-docs", f"{PUBLIC}:2:", "no kernel-doc")


def test_public_inline_functions_count(tree):
    tree.write(PUBLIC, "static inline int f(int a)\n{\n\treturn a;\n}\n")
    tree.fails("check-docs", f"{PUBLIC}:1:", "f() has no comment")


def test_public_types_need_a_comment(tree):
    tree.write(PUBLIC, "struct prm_a {\n\tint b;\n};\n\n"
               "enum prm_c { PRM_D };\n")
    tree.fails("check-docs", f"{PUBLIC}:1: struct prm_a",
               f"{PUBLIC}:5: enum prm_c")


def test_declarations_that_are_no_functions_need_nothing(tree):
    tree.write(PRIVATE, LICENCE + "struct a;\nextern const int b[3];\n"
               "extern int (*c)(int d);\ntypedef int (*e)(int f);\n"
               "#define G(x) h(x);\n")
    assert " 0 private" in tree.passes("check-docs")


@pytest.mark.parametrize("path", ["src/base/a.c", "tests/lab/a.py",
                                  "src/meson.build", "dist/a.socket"])
def test_every_file_says_its_licence(tree, path):
    tree.write(path, LICENCE)
    tree.passes("check-docs")
    tree.write(path, "\n")
    tree.fails("check-docs", f"{path}:1: no licence")


def test_scripts_say_their_licence_below_the_interpreter(tree):
    tree.write("tools/a", "#!/bin/sh\n" + LICENCE)
    tree.passes("check-docs")
    tree.write("tools/a", "#!/bin/sh\n")
    tree.fails("check-docs", "tools/a:1: no licence")
