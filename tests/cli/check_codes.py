#!/usr/bin/env python3
"""check_codes.py ERRORS_DEF CASES: every error code that a user's input can cause before anything runs (E0001 to E0210,
E0700 to E0702) has a case of the command line with its exact diagnostic."""
import glob
import os
import re
import sys

# No input causes these: memory is exhausted, or the program is wrong. Fault injection raises them (tests/unit).
WITHOUT_CASE = {11, 99}


def wanted(number):
    return 1 <= number <= 210 or 700 <= number <= 702


def main():
    errors, cases = sys.argv[1:3]
    with open(errors, encoding="utf-8") as file:
        codes = {int(number) for number in re.findall(r"^TVN_ERR\((\d+),", file.read(), re.M)}
    shown = set()
    for path in glob.glob(os.path.join(cases, "*", "*", "stderr")):
        with open(path, encoding="utf-8", errors="replace") as file:
            shown |= {int(code) for code in re.findall(r"^(?:error|warning)\[E(\d{4})\]: .", file.read(), re.M)}
    missing = sorted(code for code in codes if wanted(code) and code not in shown | WITHOUT_CASE)
    if missing:
        sys.exit("no case under tests/cli has the diagnostic of " + ", ".join(f"E{code:04}" for code in missing))
    needless = sorted(WITHOUT_CASE & shown)
    if needless:
        sys.exit("listed as without a case, but there is one: " + ", ".join(f"E{code:04}" for code in needless))
    print(f"{sum(wanted(code) for code in codes)} codes, {len(WITHOUT_CASE)} without a case")


main()
