#!/usr/bin/env python3
"""Proves that the simulator's invariants bite: seeds one bug at a time and demands that it is found.

Each row of mutations.tsv is applied to a copy of src/reactor and src/resources; what it changes is compiled, linked
before the unchanged libraries, and simulated until the first violation. A row whose old text does not stand in its
file exactly once is an error: change the row with the code. Fails when fewer than --rate percent are found.
"""
import argparse
import os
import re
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

MODULES = ("reactor", "resources", "programs")
INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*"([^"]+)"', re.M)


def read_table(path, source):
    rows, problems = [], []
    with open(path, encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            line = line.rstrip("\n")
            if not line or line.startswith("#"):
                continue
            fields = line.split("\t")
            if len(fields) != 4:
                problems.append(f"{path}:{number}: not four columns")
                continue
            name, name_of_file, old, new = fields
            old, new = (text.replace("\\n", "\n") for text in (old, new))
            with open(os.path.join(source, name_of_file), encoding="utf-8") as changed:
                found = changed.read().count(old)
            if found != 1:
                problems.append(f"{path}:{number}: {name}: the old text stands {found} times in {name_of_file}")
            rows.append((name, name_of_file, old, new))
    names = [row[0] for row in rows]
    problems += [f"{path}: {name} twice" for name in sorted(set(names)) if names.count(name) > 1]
    return rows, problems


class Sources:
    """Which files of the modules include a header, however indirectly."""

    def __init__(self, source):
        self.includes = {}
        for module in MODULES:
            folder = os.path.join(source, "src", module)
            for name in sorted(os.listdir(folder)):
                if name.endswith((".c", ".h")) and (module != "programs" or name.startswith("simulate")):
                    with open(os.path.join(folder, name), encoding="utf-8") as file:
                        self.includes[f"{module}/{name}"] = set(INCLUDE.findall(file.read()))

    def depend_on(self, path):
        """The .c files to compile when `path` changes."""
        reached = {path}
        while True:
            more = {name for name, included in self.includes.items() if name not in reached and included & reached}
            if not more:
                return sorted(name for name in reached if name.endswith(".c"))
            reached |= more


def build(arguments, sources, row, folder):
    name, path, old, new = row
    shutil.rmtree(folder, ignore_errors=True)
    for module in MODULES[:2]:
        shutil.copytree(os.path.join(arguments.source, "src", module), os.path.join(folder, "src", module))
    with open(os.path.join(folder, path), encoding="utf-8") as file:
        text = file.read()
    with open(os.path.join(folder, path), "w", encoding="utf-8") as file:
        file.write(text.replace(old, new))
    objects, replaced = [], set()
    for unit in sources.depend_on(os.path.relpath(path, "src")):
        place = os.path.join(folder, "src", unit)
        if not os.path.exists(place):
            place = os.path.join(arguments.source, "src", unit)
        target = os.path.join(folder, unit.replace("/", "_") + ".o")
        command = [arguments.cc, *arguments.cflags.split(), "-w", f"-I{folder}/src", f"-I{arguments.source}/src",
                   "-c", place, "-o", target]
        subprocess.run(command, check=True, capture_output=True, text=True)
        objects.append(target)
        replaced.add(os.path.basename(unit))
    kept = [item for item in arguments.objects if os.path.basename(item).removesuffix(".o") not in replaced]
    program = os.path.join(folder, "simulate")
    # Libraries that could be optimised as a whole are not: that takes longer than the simulation.
    subprocess.run([arguments.cc, "-fno-lto", *objects, *kept, *arguments.libraries, "-lm", "-lpthread", "-o", program],
                   check=True, capture_output=True, text=True)
    return program


def judge(arguments, sources, row):
    """(row, found, what was said)"""
    folder = os.path.join(arguments.work, row[0])
    try:
        program = build(arguments, sources, row, folder)
    except subprocess.CalledProcessError as error:
        return row, None, f"{' '.join(error.cmd)}\n{error.stderr}"
    command = [program, "--seeds", str(arguments.seeds), "--steps", str(arguments.steps), "--violations", "1"]
    result = subprocess.run(command, check=False, capture_output=True, text=True)
    said = next((line for line in result.stdout.split("\n") if line.startswith("violation")), "")
    said += "".join(line[line.index(": ") + 1:] for line in result.stderr.split("\n") if "assertion" in line)
    shutil.rmtree(folder)
    return row, result.returncode == 1 and said != "", said


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--source", required=True, help="the project")
    parser.add_argument("--table", required=True)
    parser.add_argument("--work", required=True)
    parser.add_argument("--cc", default="gcc")
    parser.add_argument("--cflags", default="-std=gnu17 -O1 -D_GNU_SOURCE=")
    parser.add_argument("--objects", nargs="+", required=True, help="of the simulator")
    parser.add_argument("--libraries", nargs="+", required=True, help="in the order of linking")
    parser.add_argument("--seeds", type=int, default=2000)
    parser.add_argument("--steps", type=int, default=2000)
    parser.add_argument("--rate", type=float, default=95)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--only", help="one row")
    arguments = parser.parse_args()

    rows, problems = read_table(arguments.table, arguments.source)
    if problems:
        print("\n".join(problems))
        return 1
    rows = [row for row in rows if arguments.only in (None, row[0])]
    sources = Sources(arguments.source)
    os.makedirs(arguments.work, exist_ok=True)
    found, survivors, broken = 0, [], []
    with ThreadPoolExecutor(max_workers=arguments.jobs) as pool:
        for row, verdict, said in pool.map(lambda row: judge(arguments, sources, row), rows):
            print(f"{row[0]}: {said if verdict else 'survives' if verdict is False else 'does not build'}", flush=True)
            found += verdict is True
            if verdict is False:
                survivors.append(f"{row[0]} ({row[1]})")
            elif verdict is None:
                broken.append(f"{row[0]}: {said}")
    for text in broken:
        print(f"does not build: {text}")
    print(f"{found} of {len(rows)} seeded bugs found; survivors: {', '.join(survivors) or 'none'}")
    return 1 if broken or found * 100 < arguments.rate * len(rows) else 0


if __name__ == "__main__":
    sys.exit(main())
