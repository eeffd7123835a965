#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Every test that tests/README.md names in its tables of attacks is there.

check_named_tests.py --root SOURCE --build BUILD --ctest PROGRAM [--left-out PREFIX]…
"""
import argparse
import fnmatch
import pathlib
import re
import subprocess
import sys

HEADING = "## What attacks are tested by"


def named_tests(text):
    """The names in the last column of the tables."""
    rows = [line for line in text.split(HEADING, 1)[1].splitlines() if line.startswith("|")]
    return sorted({name for row in rows for name in re.findall(r"`([^`]+)`", row.rstrip("| ").rsplit("|", 1)[1])})


def unit_functions(root):
    """Those that a group lists, which is more than being defined."""
    found = set()
    for path in (root / "tests" / "unit").rglob("test_*.c"):
        text = path.read_text(encoding="utf-8")
        defined = set(re.findall(r"^static void (test_\w+)\(void \*\*state\)", text, re.M))
        found |= {name for name in defined if len(re.findall(rf"\b{name}\b", text)) > 1}
    return found


def ctest_names(program, build):
    output = subprocess.run([program, "-N"], cwd=build, capture_output=True, text=True, check=True).stdout
    return set(re.findall(r"Test +#\d+: (\S+)", output))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", required=True, type=pathlib.Path)
    parser.add_argument("--build", required=True)
    parser.add_argument("--ctest", required=True)
    parser.add_argument("--left-out", action="append", default=[], help="suites that this machine cannot run")
    args = parser.parse_args()
    names = named_tests((args.root / "tests" / "README.md").read_text(encoding="utf-8"))
    functions, tests = unit_functions(args.root), ctest_names(args.ctest, args.build)
    missing = [name for name in names
               if name not in functions and not fnmatch.filter(tests, name)
               and not any(name.startswith(prefix) for prefix in args.left_out)]
    for name in missing:
        print(f"tests/README.md names '{name}', which is no test")
    print(f"{len(names)} names, {len(missing)} of no test")
    sys.exit(1 if missing or not names else 0)


main()
