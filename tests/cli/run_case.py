#!/usr/bin/env python3
"""Runs one case of the command line: a folder with

  cmd          a shell script; `torvyn` is the program under test
  stdout, stderr
               what must come out, exactly; a missing file means nothing. A line that begins with '~' is a regular
               expression for one line, a line '~~' stands for any number of lines
  stdout.json  instead of stdout: standard output is exactly one JSON value that holds at least this; a text that
               begins with '~' is a regular expression, "~number" is any number
  exit         the exit code; missing means 0
  files/       copied into the folder that cmd runs in
  needs        names of guests that not every machine can build, one a line: without them the case is left out

@GUESTS@ in cmd and files is the folder of the guests' .wasm files, @DIR@ the working folder; in what comes out they
appear as @GUESTS@ and @DIR@. With --update the expectations are rewritten where they do not hold.
"""
import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

# What is only printed where compiling takes long.
COMPILING = re.compile(r"^  compiling .* \.\.\.\n", re.M)
KEPT = ("ASAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS", "TSAN_OPTIONS", "LD_LIBRARY_PATH")


def environment(torvyn, folder):
    """Nothing of the user's but what the sanitizers need."""
    home = os.path.join(folder, "home")
    values = {name: os.environ[name] for name in KEPT if name in os.environ}
    values.update(
        PATH=os.path.dirname(torvyn) + ":/usr/bin:/bin",
        HOME=home,
        TORVYN_HOME=os.path.join(home, "torvyn"),
        TORVYN_STATE_DIR=os.path.join(home, "state"),
        TMPDIR=folder,
        LC_ALL="C.UTF-8",
    )
    for name in ("TORVYN_HOME", "TORVYN_STATE_DIR"):
        os.makedirs(values[name])
    return values


def prepare(case, work, guests):
    os.makedirs(work)
    files = os.path.join(case, "files")
    if os.path.isdir(files):
        shutil.copytree(files, work, dirs_exist_ok=True)
    for folder, _, names in os.walk(work):
        for name in names:
            path = os.path.join(folder, name)
            with open(path, "rb") as file:
                data = file.read()
            made = data.replace(b"@GUESTS@", guests.encode()).replace(b"@DIR@", work.encode())
            if made != data:
                with open(path, "wb") as file:
                    file.write(made)


def lines_match(expected, actual):
    """Both are lists of lines."""
    if not expected:
        return not actual
    if expected[0] == "~~":
        return any(lines_match(expected[1:], actual[i:]) for i in range(len(actual) + 1))
    if not actual:
        return False
    if expected[0].startswith("~"):
        same = re.fullmatch(expected[0][1:], actual[0]) is not None
    else:
        same = expected[0] == actual[0]
    return same and lines_match(expected[1:], actual[1:])


def json_difference(expected, actual, path="$"):
    """What is wrong with `actual`, or None."""
    if expected == "~number":
        number = isinstance(actual, (int, float)) and not isinstance(actual, bool)
        return None if number else f"{path}: {actual!r} is no number"
    if isinstance(expected, str) and expected.startswith("~"):
        same = isinstance(actual, str) and re.fullmatch(expected[1:], actual, re.S)
        return None if same else f"{path}: {actual!r} does not match {expected!r}"
    if isinstance(expected, dict) and isinstance(actual, dict):
        for key, value in expected.items():
            if key not in actual:
                return f"{path}.{key} is missing"
            difference = json_difference(value, actual[key], f"{path}.{key}")
            if difference:
                return difference
        return None
    if isinstance(expected, list) and isinstance(actual, list):
        if len(expected) != len(actual):
            return f"{path}: {len(actual)} items, expected {len(expected)}"
        for i, (one, other) in enumerate(zip(expected, actual)):
            difference = json_difference(one, other, f"{path}[{i}]")
            if difference:
                return difference
        return None
    return None if expected == actual else f"{path}: {actual!r}, expected {expected!r}"


def read(path):
    if not os.path.exists(path):
        return ""
    with open(path, encoding="utf-8") as file:
        return file.read()


def check_text(case, name, actual, update):
    path = os.path.join(case, name)
    expected = read(path)
    if lines_match(expected.split("\n"), actual.split("\n")):
        return []
    if update:
        with open(path, "w", encoding="utf-8") as file:
            file.write(actual)
    return [f"{name} is\n{actual}\n{name} should be\n{expected}"]


def check_json(case, actual):
    try:
        value = json.loads(actual)
    except ValueError as error:
        return [f"stdout is not one JSON value: {error}\n{actual}"]
    difference = json_difference(json.loads(read(os.path.join(case, "stdout.json"))), value)
    return [f"stdout: {difference}\n{actual}"] if difference else []


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--torvyn", required=True)
    parser.add_argument("--guests", required=True)
    parser.add_argument("--case", required=True)
    parser.add_argument("--update", action="store_true")
    args = parser.parse_args()
    torvyn = os.path.abspath(args.torvyn)
    with tempfile.TemporaryDirectory(prefix="torvyn-case-") as folder:
        work = os.path.join(folder, "work")
        prepare(args.case, work, args.guests)
        script = read(os.path.join(args.case, "cmd")).replace("@GUESTS@", args.guests).replace("@DIR@", work)
        result = subprocess.run(["/bin/sh", "-c", script], cwd=work, env=environment(torvyn, folder),
                                stdin=subprocess.DEVNULL, capture_output=True, timeout=110)
        out, err = (
            text.decode("utf-8", "replace").replace(args.guests, "@GUESTS@").replace(work, "@DIR@")
            for text in (result.stdout, result.stderr)
        )
    problems = check_text(args.case, "stderr", COMPILING.sub("", err), args.update)
    if os.path.exists(os.path.join(args.case, "stdout.json")):
        problems += check_json(args.case, out)
    else:
        problems += check_text(args.case, "stdout", out, args.update)
    expected_exit = int(read(os.path.join(args.case, "exit")) or 0)
    if result.returncode != expected_exit:
        problems.append(f"exit code is {result.returncode}, should be {expected_exit}")
        if args.update:
            with open(os.path.join(args.case, "exit"), "w", encoding="utf-8") as file:
                file.write(f"{result.returncode}\n")
    if problems:
        print("\n".join(problems))
        sys.exit(1)


main()
