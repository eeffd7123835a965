#!/usr/bin/env python3
"""Tests of check_layers.py: each rule on a small tree that breaks it, and a tree that breaks none."""
import os
import subprocess
import sys
import tempfile
import unittest

TOOL = os.path.join(os.path.dirname(os.path.abspath(__file__)), "check_layers.py")
LAYERS = "base:\ntypes:\nformat: | jansson\ncomponent: types | wasmtime\nengine: types component\nhost: all\ncli: host\n"


class CheckLayers(unittest.TestCase):
    def run_on(self, files, *options):
        with tempfile.TemporaryDirectory() as root:
            for path, text in {"tools/layers.txt": LAYERS, **files}.items():
                os.makedirs(os.path.dirname(os.path.join(root, path)), exist_ok=True)
                with open(os.path.join(root, path), "w", encoding="utf-8") as file:
                    file.write(text)
            result = subprocess.run(
                [sys.executable, TOOL, "--root", root, *options], capture_output=True, text=True, check=False
            )
            return result.returncode, result.stdout

    def assert_problem(self, files, expected, *options):
        status, output = self.run_on(files, *options)
        self.assertEqual(status, 1, output)
        self.assertIn(expected, output)

    def test_a_good_tree_passes(self):
        status, output = self.run_on({
            "src/base/a.h": "#pragma once\n#include <stddef.h>\nsize_t tvn_a(void);\n",
            "src/base/assert.c": '#include <stdio.h>\n#include <stdlib.h>\nvoid f(void)\n{\n    printf("x");\n    abort();\n}\n',
            "src/engine/e.c": '#include "base/a.h"\n#include "types/t.h"\n// printf( in a comment\n'
                              'const char *g(void)\n{\n    return "free(x)";\n}\n',
            "src/types/t.h": "#pragma once\nstruct tvn_t;\nvoid tvn_t_free(struct tvn_t *t);\n",
            "src/engine/e_internal.h": "#pragma once\n",
            "tests/unit/engine/test_e.c": '#include "engine/e_internal.h"\n',
            "src/component/wasmtime/w.c": "#include <wasmtime.h>\n",
            "src/cli/c.c": '#include <stdio.h>\nvoid c(void)\n{\n    puts("x");\n}\n',
        })
        self.assertEqual(status, 0, output)

    def test_an_include_that_the_table_forbids(self):
        self.assert_problem({"src/types/t.c": '#include "engine/e.h"\n'}, "src/types/t.c:1: 'types' may not include 'engine'")

    def test_an_unknown_module(self):
        self.assert_problem({"src/types/t.c": '\n#include "misc/e.h"\n'}, "src/types/t.c:2: 'misc' is not a module")

    def test_a_module_without_a_row(self):
        self.assert_problem({"src/misc/t.c": "\n"}, "src/misc/t.c:1: 'misc' has no row")

    def test_an_include_without_its_module(self):
        self.assert_problem({"src/types/t.c": '#include "t.h"\n'}, 'must be written as "module/file.h"')

    def test_a_private_header_from_outside(self):
        self.assert_problem({"src/engine/e.c": '#include "types/t_internal.h"\n'}, "types/t_internal.h is private to 'types'")
        self.assert_problem({"tests/unit/engine/test_e.c": '#include "types/t_internal.h"\n'}, "is private to 'types'")

    def test_a_header_cycle(self):
        files = {"src/types/a.h": '#pragma once\n#include "types/b.h"\n', "src/types/b.h": '#pragma once\n#include "types/a.h"\n'}
        self.assert_problem(files, "src/types/b.h:2: header cycle: src/types/a.h -> src/types/b.h -> src/types/a.h")

    def test_a_header_that_needs_another_first(self):
        self.assert_problem({"src/types/a.h": "#pragma once\nsize_t tvn_a(void);\n"}, "src/types/a.h:1: does not compile alone")

    def test_libraries_outside_their_module(self):
        self.assert_problem({"src/types/a.c": "#include <jansson.h>\n"}, "'types' may not include <jansson.h>")
        self.assert_problem({"src/component/a.c": "#include <wasmtime.h>\n"}, "in src/component/wasmtime/ only")

    def test_printing_and_exiting_in_library_code(self):
        self.assert_problem({"src/types/a.c": 'void f(void)\n{\n    printf("x");\n}\n'}, "src/types/a.c:3: printf() is not allowed")
        self.assert_problem({"src/types/a.c": "void f(void)\n{\n    exit(1);\n}\n"}, "src/types/a.c:3: exit() is not allowed")

    def test_raw_allocation_outside_base(self):
        self.assert_problem({"src/types/a.c": "void f(void *p)\n{\n    free(p);\n}\n"}, "src/types/a.c:3: free() is not allowed")
        status, output = self.run_on({"src/types/a.c": "void f(struct s *p)\n{\n    p->free(p);\n    tvn_free(p);\n}\n"})
        self.assertEqual(status, 0, output)


if __name__ == "__main__":
    unittest.main()
