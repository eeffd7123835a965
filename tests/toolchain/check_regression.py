#!/usr/bin/env python3
"""A new project, as the quickstart makes it: `torvyn bench --compare` exits with 3 each time after its component was made
slower, and each time with 0 while it is what it was, however busy the machine is and at whatever pace it runs. There is
one baseline: what the machine does meanwhile, the command itself must know."""
import argparse
import json
import os
import shutil
import subprocess
import sys

# The component's work, a hundred times over.
SLOW = """
static volatile unsigned idle;

static void dawdle(void)
{
    for (unsigned i = 0; i < 20000; i++) {
        idle += i;
    }
}
"""
ENTRY = "static enum torvyn_result process(struct torvyn_element *input, struct torvyn_output *output)\n{\n"
BENCH = ["bench", "--duration", "1s", "--warmup", "200ms"]


class Project:
    def __init__(self, torvyn, work):
        shutil.rmtree(work, ignore_errors=True)
        home = os.path.join(work, "home")
        os.makedirs(home)
        self.torvyn = os.path.abspath(torvyn)
        self.folder = work
        self.environment = dict(os.environ, TORVYN_HOME=home, TORVYN_STATE_DIR=os.path.join(home, "state"))

    def run(self, *arguments, code=0):
        result = subprocess.run([self.torvyn, *arguments], cwd=self.folder, env=self.environment, capture_output=True,
                                stdin=subprocess.DEVNULL, text=True, timeout=300)
        if result.returncode != code:
            sys.exit(f"{arguments}: exit {result.returncode}, not {code}\n{result.stdout}\n{result.stderr}")
        return result.stdout

    def baseline(self):
        self.run("bench", "--duration", "3s", "--rounds", "30", "--warmup", "200ms", "--baseline", "before")

    def compare_once(self):
        """Whether it says that the component got slower; the exit code must say the same."""
        command = [self.torvyn, *BENCH, "--compare", "before", "--format", "json"]
        result = subprocess.run(command, cwd=self.folder, env=self.environment, capture_output=True,
                                stdin=subprocess.DEVNULL, text=True, timeout=300)
        if result.returncode not in (0, 3):
            sys.exit(f"--compare: exit {result.returncode}\n{result.stdout}\n{result.stderr}")
        report = json.loads(result.stdout)
        comparison, paced = report["comparison"], report["at_baseline_pace"]
        if comparison["regression"] != (result.returncode == 3):
            sys.exit(f"exit {result.returncode}, but {comparison}")
        return comparison["regression"], f"{comparison}\nat the baseline's pace: {paced}"

    def compare(self, times, expected):
        for time in range(times):
            regression, comparison = self.compare_once()
            if regression != expected:
                sys.exit(f"comparison {time + 1} of {times}: regression: {regression}\n{comparison}")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--torvyn", required=True)
    parser.add_argument("--work", required=True, help="folder that is emptied and used")
    parser.add_argument("--times", type=int, default=10)
    options = parser.parse_args()
    project = Project(options.torvyn, options.work)
    project.run("init", "my-transform", "--template", "transform", "--language", "c")
    project.folder = os.path.join(options.work, "my-transform")
    project.run("build")
    project.baseline()
    project.compare(options.times, False)
    source = os.path.join(project.folder, "src", "transform.c")
    with open(source, encoding="utf-8") as file:
        text = file.read()
    if ENTRY not in text:
        sys.exit(f"the template is not what it was:\n{text}")
    with open(source, "w", encoding="utf-8") as file:
        file.write(text.replace(ENTRY, SLOW + "\n" + ENTRY + "    dawdle();\n"))
    project.run("build")
    project.compare(options.times, True)


main()
