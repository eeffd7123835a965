#!/usr/bin/env python3
"""check_help.py TORVYN COMMAND: help of a command goes to standard output, is at most 80 columns wide and the same by
every way of asking; an unknown option goes to standard error with exit 2. COMMAND '-' is the program itself; with
further arguments, these must be all commands that the program lists."""
import re
import subprocess
import sys


def run(torvyn, *arguments):
    result = subprocess.run([torvyn, *arguments], stdin=subprocess.DEVNULL, capture_output=True, timeout=60)
    return result.returncode, result.stdout.decode(), result.stderr.decode()


def check(condition, text):
    if not condition:
        sys.exit(text)


def main():
    torvyn, name, *commands = sys.argv[1:]
    command = [] if name == "-" else [name]
    code, out, err = run(torvyn, *command, "--help")
    check(code == 0 and err == "", f"--help: exit {code}, stderr {err!r}")
    for other in ([*command, "-h"], ["--help", *command], ["help", *command], ["--quiet", *command, "--help"]):
        check(run(torvyn, *other) == (0, out, ""), f"{other} prints something else than --help")
    for line in out.splitlines():
        check(len(line) <= 80, f"wider than 80 columns: {line}")
        check(line == line.rstrip() and "\t" not in line, f"white space: {line!r}")
    usage = " ".join(["torvyn", *command])
    check(re.search(rf"^Usage: {usage} \[OPTIONS\]", out, re.M), "no usage line")
    check("Examples:" in out, "no examples")
    code, out_bad, err_bad = run(torvyn, *command, "--no-such-option")
    check((code, out_bad) == (2, ""), f"unknown option: exit {code}, stdout {out_bad!r}")
    check(err_bad.startswith("error: unknown option '--no-such-option'\n"), f"unknown option: {err_bad!r}")
    if commands:
        section = out.split("Commands:\n")[1].split("\n\n")[0]
        listed = [line.split()[0] for line in section.splitlines() if not line.startswith("   ")]
        check(listed == commands, f"the program lists {listed}, the tests cover {commands}")


main()
