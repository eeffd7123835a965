#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs one case of cases.toml, a table with

  case         what the program is told, if it is not the table's name
  grants       what the program may do; missing: stdout, stderr, and reading and writing @DIR@/d
  env          variables of the host, "NAME=value"
  stdin        the text on standard input, or "closed" by default
  files        made before: name = content; a directory ends in "/"; "name@" makes a symbolic link to the content
  stdout, stderr, exit
               what must come out; stdout_sha256 instead of a long text; "~" before a line: a regular expression
  after, absent
               name = content of files afterwards; names that must not be there then
  landlock     once more behind Landlock
  oracle       false: another implementation of WASI answers otherwise, or cannot be told the grants (run_oracle.py)

@DIR@ is a fresh directory. It holds d/a.txt "hello", d/dir/in.txt "inside", an empty e/, and `secret`, which nothing may change.
"""
import argparse
import hashlib
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import tomllib

DEFAULT_FILES = {"d/a.txt": "hello", "d/dir/": "", "d/dir/in.txt": "inside", "e/": "", "secret": "secret"}
DEFAULT_GRANTS = ["wasi:cli/stdout", "wasi:cli/stderr", "wasi:filesystem/read:@DIR@/d", "wasi:filesystem/write:@DIR@/d"]
SKIPPED = 77


def prepare(root, files):
    for name, content in {**DEFAULT_FILES, **files}.items():
        path = root / name.rstrip("@")
        if name.endswith("/"):
            path.mkdir(parents=True, exist_ok=True)
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        if name.endswith("@"):
            path.symlink_to(content)
        else:
            path.write_text(content)


def lines_match(expected, actual):
    expected, actual = expected.split("\n"), actual.split("\n")
    return len(expected) == len(actual) and all(
        re.fullmatch(one[1:], other) if one.startswith("~") else one == other for one, other in zip(expected, actual))


def check_files(case, root):
    problems = []
    for name, content in {"secret": "secret", **case.get("after", {})}.items():
        path = root / name
        found = path.read_text() if path.is_file() else None
        if found != content:
            problems.append(f"{name} afterwards is {found!r}")
    for name in case.get("absent", []):
        if os.path.lexists(root / name):
            problems.append(f"{name} is there afterwards")
    return problems


def check(case, root, result):
    problems = []
    out, err = (text.decode("utf-8", "backslashreplace").replace(str(root), "@DIR@") for text in
                (result.stdout, result.stderr))
    if "stdout_sha256" in case:
        digest = hashlib.sha256(result.stdout).hexdigest()
        if digest != case["stdout_sha256"]:
            problems.append(f"stdout has the digest {digest}, {len(result.stdout)} bytes")
    elif not lines_match(case.get("stdout", ""), out):
        problems.append(f"stdout is\n{out}")
    if not lines_match(case.get("stderr", ""), err):
        problems.append(f"stderr is\n{err}")
    if result.returncode != case.get("exit", 0):
        problems.append(f"exit code is {result.returncode}")
    return problems + check_files(case, root)


def run(args, case, landlock):
    """[problems], or None where the kernel has no Landlock."""
    with tempfile.TemporaryDirectory(prefix="torvyn-wasi-") as folder:
        root = pathlib.Path(folder).resolve()
        prepare(root, case.get("files", {}))
        command = [args.runner, *(["--landlock"] if landlock else [])]
        for grant in case.get("grants", DEFAULT_GRANTS):
            command += ["--grant", grant.replace("@DIR@", str(root))]
        for variable in case.get("env", []):
            command += ["--env", variable.replace("@DIR@", str(root))]
        environment = dict(os.environ)
        if landlock:  # a leak checker could not open what it needs any more; the other run has one
            environment["ASAN_OPTIONS"] = environment.get("ASAN_OPTIONS", "") + ":detect_leaks=0"
        result = subprocess.run([*command, args.program, case.get("case", args.case)],
                                input=case.get("stdin", "").encode(), capture_output=True, env=environment, timeout=100)
        if landlock and result.returncode == SKIPPED:
            return None
        return check(case, root, result)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runner", required=True)
    parser.add_argument("--program", required=True)
    parser.add_argument("--cases", required=True)
    parser.add_argument("case")
    args = parser.parse_args()
    with open(args.cases, "rb") as file:
        case = tomllib.load(file)[args.case]
    problems = run(args, case, False)
    if case.get("landlock"):
        problems += [f"behind Landlock: {problem}" for problem in run(args, case, True) or []]
    if problems:
        print("\n".join(problems))
        sys.exit(1)


if __name__ == "__main__":
    main()
