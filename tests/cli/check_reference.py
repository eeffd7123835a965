#!/usr/bin/env python3
"""check_reference.py TORVYN DOCS [--update]: the pages under docs/reference are what the program's tables say."""
import difflib
import os
import subprocess
import sys

PAGES = ("configuration", "errors", "commands", "metrics")


def main():
    torvyn, folder = sys.argv[1:3]
    stale = False
    for page in PAGES:
        path = os.path.join(folder, f"{page}.md")
        text = subprocess.run([torvyn, "reference", page], check=True, capture_output=True, timeout=60).stdout.decode()
        if sys.argv[3:] == ["--update"]:
            os.makedirs(folder, exist_ok=True)
            with open(path, "w", encoding="utf-8") as file:
                file.write(text)
            continue
        with open(path, encoding="utf-8") as file:
            committed = file.read()
        if committed != text:
            stale = True
            sys.stdout.writelines(difflib.unified_diff(
                committed.splitlines(True), text.splitlines(True), path, f"torvyn reference {page}"))
    if stale:
        sys.exit("write the pages again: tests/cli/check_reference.py TORVYN docs/reference --update")


main()
