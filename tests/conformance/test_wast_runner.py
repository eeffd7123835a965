#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Tests wast-runner itself: exactly the commands that are marked ";; fails" in the scripts of runner/ must fail."""

import argparse
import pathlib
import re
import subprocess
import sys

SCRIPTS = pathlib.Path(__file__).parent / "runner"


def check_script(options, script):
    work = options.work / script.stem
    work.mkdir(parents=True, exist_ok=True)
    output = work / "script.json"
    subprocess.run([options.wasm_tools, "json-from-wast", script, "-o", output, "--wasm-dir", work], check=True)
    done = subprocess.run([options.runner, output], capture_output=True, text=True, check=False)
    wanted = {n for n, text in enumerate(script.read_text(encoding="utf-8").splitlines(), 1) if ";; fails" in text}
    got = {int(line) for line in re.findall(rf"^\S*{script.name}:(\d+): \w+: failed: .", done.stdout, re.MULTILINE)}
    tally = re.search(r"^(\d+) passed, (\d+) failed(, \d+ skipped)?$", done.stdout, re.MULTILINE)
    good = (got == wanted and tally and int(tally[1]) > 0 and int(tally[2]) == len(wanted)
            and done.returncode == (1 if wanted else 0))
    if not good:
        print(f"{script.name}: failing lines {sorted(got)}, wanted {sorted(wanted)}, exit {done.returncode}")
        print(done.stdout, done.stderr)
    return good


def check_arguments(options):
    """[(arguments, exit code)]: what cannot be run ends with 2."""
    broken = options.work / "broken.json"
    broken.write_text('{"commands": [', encoding="utf-8")
    empty = options.work / "empty.json"
    empty.write_text('{"commands": []}', encoding="utf-8")
    good = True
    for arguments, code in ([["--help"], 0], [[], 2], [["--unknown"], 2], [["/nonexistent.json"], 2], [[broken], 2],
                            [[empty], 0], [[empty, broken], 2]):
        done = subprocess.run([options.runner] + arguments, capture_output=True, check=False)
        if done.returncode != code:
            print(f"{arguments}: exit {done.returncode}, wanted {code}")
            good = False
    return good


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--wasm-tools", required=True)
    parser.add_argument("--runner", required=True)
    parser.add_argument("--work", required=True, type=pathlib.Path)
    options = parser.parse_args()
    options.work.mkdir(parents=True, exist_ok=True)
    results = [check_script(options, script) for script in sorted(SCRIPTS.glob("*.wast"))]
    return 0 if results and all(results) and check_arguments(options) else 1


if __name__ == "__main__":
    sys.exit(main())
