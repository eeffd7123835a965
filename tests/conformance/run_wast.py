#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Converts the scripts of one directory of a test suite, runs wast-runner on them and compares with exceptions.txt.

A line of exceptions.txt is FILE:LINE REASON or FILE:FIRST-LAST REASON, FILE relative to the suite. The test fails for
a command that fails and is not listed, and for a listed one that passes: the list tells the truth.
"""

import argparse
import pathlib
import re
import subprocess
import sys

COMMAND = re.compile(r"^(?P<file>\S+):(?P<line>\d+): (?P<kind>\w+): (?P<outcome>passed|failed|skipped)(: (?P<why>.*))?$")
EXCEPTION = re.compile(r"^(?P<file>\S+):(?P<first>\d+)(-(?P<last>\d+))? (?P<reason>\S.*)$")


def read_exceptions(path, directory):
    """[(file, first, last, reason)] of the scripts below `directory`."""
    exceptions = []
    for number, text in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if not text.strip() or text.startswith("#"):
            continue
        match = EXCEPTION.match(text)
        if not match:
            sys.exit(f"{path}:{number}: not of the form FILE:LINE REASON")
        first = int(match["first"])
        if match["file"].startswith(directory + "/"):
            exceptions.append((match["file"], first, int(match["last"] or first), match["reason"]))
    return exceptions


def convert(options, script):
    """The JSON file made from a script, and why there is none."""
    work = options.work / script.with_suffix("")
    work.mkdir(parents=True, exist_ok=True)
    output = work / "script.json"
    done = subprocess.run(
        [options.wasm_tools, "json-from-wast", script, "-o", output, "--wasm-dir", work],
        cwd=options.suite, capture_output=True, text=True, check=False)
    if done.returncode == 0:
        return output, None
    return None, done.stderr.strip().splitlines()[0]


def run(options, scripts):
    """[(file, line, kind, outcome, why)] of all commands."""
    arguments = [options.runner, "--verbose"] + (["--validate"] if options.validate else [])
    done = subprocess.run(arguments + scripts, capture_output=True, text=True, errors="replace", check=False)
    commands = []
    for text in done.stdout.splitlines():
        match = COMMAND.match(text)
        if match:
            commands.append((match["file"], int(match["line"]), match["kind"], match["outcome"], match["why"] or ""))
    tally = re.search(r"^(\d+) passed, (\d+) failed(?:, (\d+) skipped)?$", done.stdout, re.MULTILINE)
    if done.returncode not in (0, 1) or not tally or sum(int(n or 0) for n in tally.groups()) != len(commands):
        sys.exit(f"{done.stdout[-2000:]}\n{done.stderr}\nwast-runner ended with {done.returncode}")
    return commands


def judge(commands, exceptions):
    """Prints what is wrong; returns (passed, excepted, skipped, wrong)."""
    passed = excepted = skipped = wrong = 0
    used = set()
    for file, line, kind, outcome, why in commands:
        listed = next((e for e in exceptions if e[0] == file and e[1] <= line <= e[2]), None)
        if outcome == "failed" and listed:
            used.add(listed)
            excepted += 1
        elif outcome == "failed":
            wrong += 1
            print(f"{file}:{line}: {kind}: {why}")
        elif listed and outcome == "passed":
            wrong += 1
            print(f"{file}:{line}: {kind}: passes but is listed as an exception: {listed[3]}")
        else:
            passed += outcome == "passed"
            skipped += outcome == "skipped"
    for file, first, _, _ in [e for e in exceptions if e not in used]:
        wrong += 1
        print(f"{file}:{first}: listed as an exception, but nothing fails there")
    return passed, excepted, skipped, wrong


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("--wasm-tools", "--runner"):
        parser.add_argument(name, required=True)
    for name in ("--suite", "--work", "--exceptions"):
        parser.add_argument(name, required=True, type=pathlib.Path)
    parser.add_argument("--directory", required=True)
    parser.add_argument("--leave-out", nargs="*", default=[], help="folders of no interest")
    parser.add_argument("--validate", action="store_true", help="do not run anything")
    options = parser.parse_args()
    scripts = sorted(p.relative_to(options.suite) for p in (options.suite / options.directory).rglob("*.wast"))
    scripts = [script for script in scripts if not {"async", *options.leave_out} & set(script.parts)]
    if not scripts:
        sys.exit(f"no scripts in {options.directory}")
    converted = [(str(script), *convert(options, script)) for script in scripts]
    commands = run(options, [output for _, output, _ in converted if output])
    commands += [(script, 0, "conversion", "failed", why) for script, output, why in converted if not output]
    passed, excepted, skipped, wrong = judge(commands, read_exceptions(options.exceptions, options.directory))
    print(f"{options.directory}: {len(scripts)} scripts: {passed} passed, {wrong} failed, "
          f"{excepted} known exceptions, {skipped} skipped")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
