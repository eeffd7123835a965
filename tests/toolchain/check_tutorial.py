#!/usr/bin/env python3
"""Does what a tutorial says, in an empty folder. Of its code blocks,

  sh              are commands, run where the ones before left off
  text            is what the commands before it print, on both streams, but for the progress that only a slow machine
                  has time to show. '…' stands for a number, and what follows it for any unit of the same kind if it is
                  'µs' or ' MiB'; a line '...' for any number of lines
  X shows FILE    is the content of a file that is there
  X writes FILE   becomes the content of a file
  X appended to FILE   is added to a file's end
"""
import argparse
import os
import re
import shutil
import subprocess
import sys


class Failure(Exception):
    pass


def blocks(text):
    """(line number, info string, content) of each fenced block."""
    found = None
    for number, line in enumerate(text.split("\n"), 1):
        if line.startswith("```"):
            if found:
                yield found[0], found[1], "\n".join(found[2]) + "\n"
                found = None
            else:
                found = (number, line[3:].strip(), [])
        elif found:
            found[2].append(line)


# Told of what takes longer than a second.
PROGRESS = re.compile(r"  compiling \S+ \(.*\) \.\.\.\n")

# How fast and how large something is depends on the machine, and with it the unit.
UNITS = (("µs", "(?:ns|µs|ms|s)"), (" MiB", " (?:B|KiB|MiB|GiB)"))


def with_any_unit(part):
    for unit, pattern in UNITS:
        if part.startswith(unit):
            return pattern + re.escape(part[len(unit):])
    return re.escape(part)


def pattern_of(line):
    first, *rest = line.split("…")
    return re.compile(r"[0-9][0-9.,]*".join([re.escape(first), *map(with_any_unit, rest)]))


def matches(expected, actual):
    """Both are lists of lines."""
    if not expected:
        return not actual
    if expected[0] == "...":
        return any(matches(expected[1:], actual[i:]) for i in range(len(actual) + 1))
    return bool(actual) and bool(pattern_of(expected[0]).fullmatch(actual[0])) and matches(expected[1:], actual[1:])


class Reader:
    def __init__(self, folder, environment):
        self.folder = folder
        self.environment = environment
        self.output = ""

    def run(self, commands):
        place = os.path.join(self.environment["TORVYN_HOME"], "place")
        result = subprocess.run(["bash", "-ec", commands + f"\npwd > '{place}'"], cwd=self.folder, env=self.environment,
                                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                                check=False)
        self.output = PROGRESS.sub("", result.stdout)
        if result.returncode != 0:
            raise Failure(f"it ends with {result.returncode}:\n{self.output}")
        with open(place, encoding="utf-8") as file:
            self.folder = file.read().rstrip("\n")

    def compare(self, expected):
        if not matches(expected.rstrip("\n").split("\n"), self.output.rstrip("\n").split("\n")):
            raise Failure(f"it prints\n{self.output}\ninstead of\n{expected}")

    def file(self, what, name, content):
        path = os.path.join(self.folder, name)
        if what == "shows":
            with open(path, encoding="utf-8") as file:
                actual = file.read()
            if actual != content:
                raise Failure(f"'{name}' is\n{actual}")
            return
        with open(path, "a" if what == "appended to" else "w", encoding="utf-8") as file:
            file.write(content)


def follow(tutorial, reader):
    with open(tutorial, encoding="utf-8") as file:
        text = file.read()
    for number, info, content in blocks(text):
        about_file = re.fullmatch(r"\w+ (shows|writes|appended to) (\S+)", info)
        try:
            if info == "sh":
                reader.run(content)
            elif info == "text":
                reader.compare(content)
            elif about_file:
                reader.file(about_file[1], about_file[2], content)
            else:
                raise Failure(f"what '{info}' means is not known")
        except Failure as failure:
            raise Failure(f"{tutorial}:{number}: {failure}") from None


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--torvyn", required=True)
    parser.add_argument("--work", required=True, help="folder that is emptied and used")
    parser.add_argument("tutorial")
    options = parser.parse_args()
    shutil.rmtree(options.work, ignore_errors=True)
    home = os.path.join(options.work, "home")
    folder = os.path.join(options.work, "project")
    for path in (home, folder):
        os.makedirs(path)
    environment = dict(os.environ, TORVYN_HOME=home, TORVYN_STATE_DIR=os.path.join(home, "state"),
                       PATH=os.path.dirname(os.path.abspath(options.torvyn)) + ":" + os.environ["PATH"])
    try:
        follow(options.tutorial, Reader(folder, environment))
    except Failure as failure:
        print(failure)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
